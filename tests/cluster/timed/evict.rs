//! Writes wait for a dead member until the group is told that it is dead.

use std::time::Duration;

use crate::harness::{Fault, Lab, Node, SINGLE_WRITER, STEP, measured_until};

/// Kills in one life of the cluster: what the first leaves on the list of the evicted shows at the second.
const ROUNDS: usize = 5;

/// The longest median gap in seconds around the death of a server.
const OF_A_DEATH: f64 = 1.5;

/// The longest median gap in seconds while a node joins.
const OF_A_JOIN: f64 = 0.6;

/// How much of the gap without eviction may remain after a power cut. Corosync needs half of that to notice.
const OF_A_LOSS: f64 = 0.5;

/// Writes wait until Corosync has noticed that the node is lost, and it is fenced.
const TOKEN: Duration = Duration::from_millis(500);

/// The shortest gap in seconds that Galera makes by itself: evs.suspect_timeout.
const OF_GALERA: f64 = 5.0;

/// The longest gap in seconds around a death that nobody saw: whichever action comes next finds it. Galera itself waits
/// for 5 s.
const OF_A_DEATH_UNSEEN: f64 = 4.0;

/// Each survivor has a turn of so many seconds to evict before the next one may.
const TURN: f64 = 1.5;

/// How soon the list of the evicted is empty once a view stands.
const TIDY: Duration = Duration::from_secs(3);

/// Power cuts with eviction, for each setting of notifications.
const CUTS: usize = 3;

#[test]
fn killed_servers_hold_writes_up_for_a_moment_five_times_running_with_notifications_and_without() {
    let Some(lab) = Lab::in_service(SINGLE_WRITER) else {
        return;
    };
    for notify in ["true", "false"] {
        lab.crm(&format!("resource meta db-clone set notify {notify}"));
        lab.settle();
        let gaps: Vec<_> = (0..ROUNDS)
            .map(|round| gaps_of_a_kill(&lab, [2, 3][round % 2]))
            .collect();
        let deaths = median(gaps.iter().map(|gaps| gaps.0));
        let joins = median(gaps.iter().map(|gaps| gaps.1));
        eprintln!(
            "notify={notify}: gap at a death {deaths:.2} s (limit {OF_A_DEATH}), at a join {joins:.2} s (limit {OF_A_JOIN}); \
             all: {gaps:?}"
        );
        assert!(deaths <= OF_A_DEATH, "{gaps:?}");
        assert!(joins <= OF_A_JOIN, "{gaps:?}");
        lab.wait("nobody on the list of the evicted", TIDY, || {
            lab.nodes().all(nobody_is_evicted)
        });
    }
    let (death, _) = gaps_of(&lab, 2, || {
        let both = "pkill -KILL -f 'galera-rs job$'; pkill -KILL -x mariadbd";
        lab.node(2).ok(both);
    });
    eprintln!(
        "gap at the death of server and watcher together {death:.2} s (limit {OF_A_DEATH_UNSEEN})"
    );
    assert!(death <= OF_A_DEATH_UNSEEN, "{death:.2} s");
}

/// As the node's server says, which has to answer.
fn nobody_is_evicted(node: Node<'_>) -> bool {
    let list = node.sql("show status like 'wsrep_evs_evict_list'");
    list.is_ok_and(|list| list.trim_end() == "wsrep_evs_evict_list")
}

/// Seconds without an acknowledged row for a client of node 1: at the death of another server, and at its return.
/// Exactly one of the others evicts it.
fn gaps_of_a_kill(lab: &Lab, victim: u8) -> (f64, f64) {
    let before = lab.evictions();
    let gaps = gaps_of(lab, victim, || lab.kill_server(victim));
    // Whose turn comes second acts when the first one has let its own pass.
    let due = if gaps.0 < TURN { 1 } else { 2 };
    let evictions = lab.evictions() - before;
    assert!((1..=due).contains(&evictions), "{evictions} for one death");
    gaps
}

fn gaps_of(lab: &Lab, victim: u8, kill: impl FnOnce()) -> (f64, f64) {
    let writer = lab.writer(&["node1"], 50);
    lab.rows_flow(1);
    let before = lab.node(victim).server_life();
    let death = Fault::done(kill);
    lab.wait("the killed server back", STEP, || {
        lab.node(victim).server_life() != before && lab.all_synced()
    });
    lab.rows_flow(1);
    let report = writer.finish();
    assert_eq!(report.lost, Some(0));
    (report.gap_of(&death), report.longest_after(&death))
}

#[test]
fn a_power_cut_holds_writes_up_for_half_the_time_at_most_with_notifications_and_without() {
    let lab = Lab::up_with(3, TOKEN).and_then(Lab::equipped);
    let Some(lab) = lab.and_then(|lab| lab.serving(SINGLE_WRITER)) else {
        return;
    };
    let with = ["true", "false"].map(|notify| {
        lab.crm(&format!("resource meta db-clone set notify {notify}"));
        lab.settle();
        let middle = |gaps: &[f64]| median(gaps.iter().copied());
        let holds = |gaps: &[f64]| middle(gaps) <= OF_A_LOSS * OF_GALERA;
        let gaps = measured_until(CUTS, || gap_of_a_power_cut(&lab), holds);
        eprintln!("notify={notify}: gaps at a power cut {gaps:?}");
        (notify, middle(&gaps))
    });
    lab.any().ok("crm_resource -r db -p evict -v false");
    lab.wait_in_service("a parameter was changed");
    let without = gap_of_a_power_cut(&lab);
    for (notify, with) in with {
        eprintln!(
            "RATIO power cut, notify={notify}: write gap {with:.2} s, without eviction {without:.2} s"
        );
        assert!(with <= OF_A_LOSS * without, "{with} s against {without} s");
    }
}

/// Seconds without an acknowledged row for a client of node 1 when another node loses power; not the DC, without which
/// Pacemaker needs a second more to fence anybody.
fn gap_of_a_power_cut(lab: &Lab) -> f64 {
    let seen = lab.crm_mon();
    let is_dc = |k: &u8| seen.contains(&format!("Current DC: node{k} "));
    let victim = [3, 2].into_iter().find(|k| !is_dc(k)).expect("one DC");
    let writer = lab.writer(&["node1"], 50);
    lab.rows_flow(1);
    let cut = Fault::done(|| lab.crash(victim));
    lab.rows_flow(1);
    let report = writer.finish();
    assert_eq!(report.lost, Some(0));
    lab.wait("the node back", STEP, || lab.ready());
    lab.wait_in_service("the return of a node");
    report.gap_of(&cut)
}

fn median(all: impl Iterator<Item = f64>) -> f64 {
    let mut all: Vec<_> = all.collect();
    all.sort_unstable_by(f64::total_cmp);
    all[all.len() / 2]
}
