//! The address that clients know goes with the writer, whatever the interval of the monitors.

use std::time::Duration;

use crate::harness::{Fault, Lab, STEP, changed, lives, measured_until, median};

/// Kills in one life of the cluster, for each setting.
const ROUNDS: usize = 5;

/// The longest median time from the death of the writer's server to the first write through the moved address.
const LIMIT: Duration = Duration::from_millis(1500);

const EXAMPLE: &str = "crm-examples/vip-with-writer.crm";

#[test]
fn writes_go_on_through_the_moved_address_within_a_second_and_a_half_with_any_monitor_interval() {
    let Some(lab) = Lab::with_agent() else { return };
    let address = lab.address_of_clients();
    lab.prepare_history(&[]);
    for (promoted, unpromoted) in [("1s", "2s"), ("31s", "30s")] {
        lab.load_crm_changed(EXAMPLE, |text| {
            let text = changed(&text, "192.0.2.10", &address);
            let text = changed(
                &text,
                "1s role=Promoted",
                &format!("{promoted} role=Promoted"),
            );
            changed(&text, "2s role=Unp", &format!("{unpromoted} role=Unp"))
        });
        lab.wait_in_service("other monitors");
        let holds = |gaps: &[Duration]| median(gaps.to_vec()) <= LIMIT;
        let gaps = measured_until(ROUNDS, || gap_of_a_kill(&lab, &address), holds);
        eprintln!(
            "RATIO writer killed, monitors every {promoted}: first write through the moved address after {gaps:.2?}, limit \
             {LIMIT:?} at the median"
        );
        assert!(holds(&gaps), "{gaps:?}");
    }
}

/// Kills the writer's server; the time without an acknowledged row for a client of the address.
fn gap_of_a_kill(lab: &Lab, address: &str) -> Duration {
    let writer = lab.writer(&[address], 50);
    let victim = lab.promoted()[0];
    lab.rows_flow(victim);
    let before = lives(lab);
    let death = Fault::done(|| lab.kill_server(victim));
    lab.wait("another writer, and the killed one back", STEP, || {
        lab.serves() && lab.promoted() != [victim] && lives(lab) != before
    });
    lab.rows_flow(victim);
    lab.wait_in_service("the death of a server");
    let report = writer.finish();
    assert_eq!(report.lost, Some(0));
    Duration::from_secs_f64(report.gap_of(&death))
}
