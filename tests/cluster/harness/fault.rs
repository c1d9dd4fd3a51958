//! A fault under load: how long until service is back, and what it cost.

use std::time::{Duration, Instant};

use super::writer::Report;
use super::{Lab, full_transfers, within};

/// What came of a fault.
#[derive(Debug)]
pub struct Recovery {
    /// From the beginning of the fault until service was back; `None` when the limit passed before.
    pub took: Option<Duration>,
    /// What the client outside saw.
    pub report: Report,
    /// Full copies of the data, on all nodes.
    pub full_transfers: usize,
}

impl Lab {
    /// Writes, does `fault`, and waits until the cluster is `back`.
    pub fn recovery(
        &self,
        limit: Duration,
        fault: impl FnOnce(),
        back: impl FnMut() -> bool,
    ) -> Recovery {
        let writer = self.writer(&["node1", "node2", "node3"], 50);
        let before = self.rows(3).unwrap_or(0);
        self.wait("rows", Duration::from_secs(20), || {
            self.rows(3).is_some_and(|rows| rows >= before + 50)
        });
        let marks = self.error_logs();
        let start = Instant::now();
        fault();
        let took = within(limit, back).map(|_| start.elapsed());
        Recovery {
            took,
            report: writer.finish(),
            full_transfers: full_transfers(&marks),
        }
    }

    /// Service is back, with every acknowledged row and no data copied as a whole. Returns how long it took.
    pub fn nothing_lost(&self, recovery: &Recovery) -> Duration {
        let Some(took) = recovery.took else {
            self.fail("not back")
        };
        assert_eq!(recovery.report.lost, Some(0), "acknowledged rows are gone");
        assert_eq!(recovery.full_transfers, 0, "data were copied as a whole");
        self.wait_in_service("the fault");
        took
    }
}

impl Recovery {
    /// One line for the reader of a test run.
    pub fn tell(&self, what: &str) {
        let took = self.took.map_or("never".to_owned(), |took| {
            format!("{:.2} s", took.as_secs_f64())
        });
        eprintln!(
            "{what}: back after {took}; write gap {:.2} s, {} rows acknowledged, lost {:?}, {} full transfers",
            self.report.longest_gap, self.report.acked, self.report.lost, self.full_transfers
        );
    }
}

/// Measures so many times, and twice as often once more when what was measured does not hold: what else the machine does
/// disturbs one row of measurements, and seldom the next. Returns all of them.
pub fn measured_until<T>(
    rounds: usize,
    mut measure: impl FnMut() -> T,
    holds: impl Fn(&[T]) -> bool,
) -> Vec<T> {
    let mut all: Vec<_> = (0..rounds).map(|_| measure()).collect();
    if !holds(&all) {
        all.extend((0..2 * rounds).map(|_| measure()));
    }
    all
}

/// The middle one.
pub fn median(mut all: Vec<Duration>) -> Duration {
    all.sort_unstable();
    all[all.len() / 2]
}

/// The mean.
pub fn mean(all: Vec<Duration>) -> Duration {
    let count = u32::try_from(all.len()).unwrap_or(u32::MAX).max(1);
    all.iter().sum::<Duration>() / count
}
