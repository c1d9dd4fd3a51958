//! The fastest start by hand after `kill -9` of every server: what an agent is measured against.

use std::sync::OnceLock;
use std::time::Duration;

use super::all_killed::ROUNDS;
use crate::harness::{Lab, mean, on_all};

/// Recovers the position and starts with it. Nobody bootstraps: gvwstate.dat survives a crash, so Galera
/// restores the last primary component by itself (pc.recovery) once all of its members are back.
const START: &str = r#"
rm -f /run/mysqld/recover.log
mariadbd --wsrep-recover --log-error=/run/mysqld/recover.log
position=$(sed -n 's/.*Recovered position: *//p' /run/mysqld/recover.log)
setsid mariadbd --wsrep-start-position="$position" >/dev/null 2>&1 </dev/null &
"#;

/// From the kill until all are Synced again, as the mean of [`ROUNDS`]; measured once in a run.
pub fn measured() -> Option<Duration> {
    static MEASURED: OnceLock<Option<Duration>> = OnceLock::new();
    *MEASURED.get_or_init(measure)
}

fn measure() -> Option<Duration> {
    let lab = Lab::up(3)?;
    lab.prepare_galera(&[]);
    lab.start_by_hand();
    let rounds = (1..=ROUNDS).map(|round| {
        let fault = || {
            lab.kill_all_servers();
            on_all(&lab, |node| node.ok(START));
        };
        let recovery = lab.recovery(Duration::from_secs(60), fault, || lab.all_synced());
        recovery.tell(&format!("all killed, started by hand, round {round}"));
        assert_eq!(recovery.report.lost, Some(0));
        recovery.took.expect("a start by hand succeeds")
    });
    Some(mean(rounds.collect()))
}

#[test]
fn all_servers_killed_then_started_by_hand() {
    let _ = measured();
}
