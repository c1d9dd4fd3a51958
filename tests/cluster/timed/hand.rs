//! The fastest start by hand after everything was down: what an agent is measured against.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use super::all_killed::{JOINING_ROUNDS, POWER_ROUNDS, ROUNDS, Times, lose_power};
use crate::harness::{Lab, Recovery, mean, on_all};

/// Recovers the position and starts with it. Nobody bootstraps: gvwstate.dat survives a crash, so Galera
/// restores the last primary component by itself (pc.recovery) once all of its members are back.
const START: &str = r#"
rm -f /run/mysqld/recover.log
mariadbd --wsrep-recover --log-error=/run/mysqld/recover.log
position=$(sed -n 's/.*Recovered position: *//p' /run/mysqld/recover.log)
setsid mariadbd --wsrep-start-position="$position" >/dev/null 2>&1 </dev/null &
"#;

const LIMIT: Duration = Duration::from_secs(60);

/// Measured once in a run.
pub fn measured() -> Option<&'static Times> {
    static MEASURED: OnceLock<Option<Times>> = OnceLock::new();
    MEASURED.get_or_init(measure).as_ref()
}

/// The same when node 3 is on its way back while all die: the mean of the rounds that ended. `None`: none has; a start by
/// hand may wait for ever then, as the saved views do not fit together.
pub fn killed_while_one_joins() -> Option<Duration> {
    let lab = started()?;
    let rounds = (1..=JOINING_ROUNDS).map_while(|round| {
        let what = format!("all killed while node 3 joins, round {round}");
        kill_and_start(&lab, &what, || {
            lab.kill_server(3);
            // One that comes back sooner is let in as a member that was never missed.
            lab.wait("the end of its membership", LIMIT, || {
                lab.node(1).status("wsrep_cluster_size") == "2"
            });
            lab.node(3).ok(START);
        })
    });
    let rounds: Vec<_> = rounds.collect();
    (!rounds.is_empty()).then(|| mean(rounds))
}

fn started() -> Option<Lab> {
    let lab = Lab::up(3)?;
    lab.prepare_galera(&[]);
    lab.start_by_hand();
    Some(lab)
}

fn start(lab: &Lab) {
    on_all(lab, |node| node.ok(START));
}

/// `before`: what comes before all die, which does not count. `None`: it never came back.
fn kill_and_start(lab: &Lab, what: &str, before: impl FnOnce()) -> Option<Duration> {
    let mut waited = Duration::ZERO;
    let fault = || {
        let begun = Instant::now();
        before();
        waited = begun.elapsed();
        lab.kill_all_servers();
        start(lab);
    };
    let recovery = lab.recovery(LIMIT, fault, || lab.all_synced());
    recovery.tell(&format!("{what}, started by hand"));
    recovery.took?;
    Some(nothing_lost(&recovery).saturating_sub(waited))
}

fn measure() -> Option<Times> {
    let lab = started()?;
    let killed = (1..=ROUNDS).map(|round| {
        let back = kill_and_start(&lab, &format!("all killed, round {round}"), || {});
        back.expect("a start by hand succeeds")
    });
    let killed = mean(killed.collect());
    let power_lost = (1..=POWER_ROUNDS).map(|round| {
        let what = format!("power loss of all nodes, started by hand, round {round}");
        let (recovery, boot) = lose_power(&lab, &what, LIMIT, || start(&lab));
        nothing_lost(&recovery).saturating_sub(boot)
    });
    let power_lost = mean(power_lost.collect());
    Some(Times {
        killed: Some(killed),
        power_lost: Some(power_lost),
    })
}

fn nothing_lost(recovery: &Recovery) -> Duration {
    assert_eq!(recovery.report.lost, Some(0));
    recovery.took.expect("a start by hand succeeds")
}

#[test]
fn everything_down_then_started_by_hand() {
    let _ = measured();
}
