//! Writes wait for a dead member until the group is told that it is dead. Nothing alive is ever evicted.

use std::time::{Duration, SystemTime};

use crate::harness::{Lab, SINGLE_WRITER, within};

const STEP: Duration = Duration::from_secs(60);

/// Kills in one life of the cluster: what the first leaves on the list of the evicted shows at the second.
const ROUNDS: usize = 5;

/// The longest median gap in seconds around the death of a server.
const OF_A_DEATH: f64 = 1.5;

/// The longest median gap in seconds while a node joins.
const OF_A_JOIN: f64 = 0.6;

/// How much of the gap without eviction may remain after a power cut. About half is usual; how soon Pacemaker fences
/// makes the rest.
const OF_A_LOSS: f64 = 0.75;

/// Writes wait until Corosync has noticed that the node is lost, and it is fenced.
const TOKEN: Duration = Duration::from_millis(500);

/// Longer than Galera takes to give a silent member up by itself.
const HARM: Duration = Duration::from_secs(8);

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
    }
}

/// Seconds without an acknowledged row for a client of node 1: at the death of another server, and at its return.
fn gaps_of_a_kill(lab: &Lab, victim: u8) -> (f64, f64) {
    let writer = lab.writer(&["node1"], 50);
    rows_flow(lab);
    let before = lab.node(victim).server_life();
    let moment = SystemTime::now();
    lab.kill_server(victim);
    lab.wait("the killed server back", STEP, || {
        lab.node(victim).server_life() != before && lab.all_synced()
    });
    rows_flow(lab);
    let report = writer.finish();
    assert_eq!(report.lost, Some(0));
    (report.gap_at(moment), report.longest_after(moment))
}

/// Writers count a gap once a row has come after it.
fn rows_flow(lab: &Lab) {
    let before = lab.rows(1).unwrap_or(0);
    lab.wait("rows", STEP, || {
        lab.rows(1).is_some_and(|rows| rows >= before + 50)
    });
}

#[test]
fn a_power_cut_holds_writes_up_for_a_shorter_time_than_without_eviction() {
    let lab = Lab::up_with(3, TOKEN).and_then(Lab::equipped);
    let Some(lab) = lab.and_then(|lab| lab.serving(SINGLE_WRITER)) else {
        return;
    };
    let with = median((0..ROUNDS.div_ceil(2)).map(|_| gap_of_a_power_cut(&lab)));
    lab.any().ok("crm_resource -r db -p evict -v false");
    lab.wait_in_service("a parameter was changed");
    let without = gap_of_a_power_cut(&lab);
    eprintln!("RATIO power cut: write gap {with:.2} s, without eviction {without:.2} s");
    assert!(with <= OF_A_LOSS * without, "{with} s against {without} s");
}

/// Seconds without an acknowledged row for a client of node 1 when node 3 loses power.
fn gap_of_a_power_cut(lab: &Lab) -> f64 {
    let writer = lab.writer(&["node1"], 50);
    rows_flow(lab);
    let moment = SystemTime::now();
    lab.crash(3);
    rows_flow(lab);
    let report = writer.finish();
    assert_eq!(report.lost, Some(0));
    lab.wait("node 3 back", STEP, || lab.ready());
    lab.wait_in_service("the return of node 3");
    report.gap_at(moment)
}

#[test]
fn a_server_that_hangs_is_not_evicted_while_its_process_is_there() {
    let Some(lab) = Lab::in_service(SINGLE_WRITER) else {
        return;
    };
    // Nobody ends it: the resource is not managed.
    lab.crm("configure property maintenance-mode=true");
    lab.script(&["pause", "3", "mariadbd"]).ok();
    let evicted = within(HARM, || evictions(&lab) > 0);
    assert_eq!(evicted, None, "a living server was evicted");
    lab.script(&["resume", "3", "mariadbd"]).ok();
    lab.wait("the server that hung back", STEP, || lab.all_synced());
    lab.crm("configure property maintenance-mode=false");
}

#[test]
fn a_node_that_is_cut_off_evicts_nobody_and_joins_again_when_healed() {
    let Some(lab) = Lab::in_service(SINGLE_WRITER) else {
        return;
    };
    // Without fencing the node lives on, and nobody may take its word or act on it too early.
    lab.crm("configure property stonith-enabled=false");
    lab.cut(3);
    lab.wait("the others without node 3", STEP, || {
        lab.node(1).status("wsrep_cluster_size") == "2"
    });
    lab.wait("node 3 outside a primary component", STEP, || {
        lab.node(3).status("wsrep_cluster_status") != "Primary"
    });
    assert_eq!(evictions_by(&lab, 3), 0, "it evicted the others");
    lab.heal(3);
    lab.wait_in_service("the network is healed");
}

/// How often anybody has evicted somebody.
fn evictions(lab: &Lab) -> usize {
    lab.nodes()
        .map(|node| evictions_by(lab, node.number()))
        .sum()
}

fn evictions_by(lab: &Lab, k: u8) -> usize {
    lab.node(k)
        .run("grep -c 'evicting the dead' /var/log/pacemaker/pacemaker.log")
        .stdout
        .trim()
        .parse()
        .unwrap_or(0)
}

fn median(all: impl Iterator<Item = f64>) -> f64 {
    let mut all: Vec<_> = all.collect();
    all.sort_unstable_by(f64::total_cmp);
    all[all.len() / 2]
}
