//! A client outside the nodes that writes at a constant rate.

use std::collections::BTreeMap;
use std::ops::Range;
use std::process::{Child, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::Deserialize;

use super::{Lab, command, within};

/// The final count may wait for a server; see `PATIENCE` in writer.py.
const COUNTING: Duration = Duration::from_secs(45);

/// Writes until it is finished or dropped.
#[derive(Debug)]
pub struct Writer {
    program: Child,
}

/// What became of the rows.
#[derive(Debug, Deserialize)]
pub struct Report {
    /// Rows a server acknowledged.
    pub acked: u64,
    pub errors: u64,
    /// Acknowledged rows that are gone; `None` when no server answered.
    pub lost: Option<u64>,
    /// Times without an acknowledged row longer than 0.2 s: start and length in seconds.
    pub gaps: Vec<(f64, f64)>,
    /// When the first write began, in seconds of the epoch.
    pub begin: f64,
    /// The longest of them, in seconds.
    pub longest_gap: f64,
    /// Rows acknowledged by each server, by its Galera name.
    pub by_node: BTreeMap<String, u64>,
    pub last_error: Option<String>,
}

/// When a fault was done: until the command returns nobody knows whether it has struck.
#[derive(Debug)]
pub struct Fault {
    begun: SystemTime,
    done: SystemTime,
}

impl Fault {
    /// Does it.
    pub fn done(fault: impl FnOnce()) -> Self {
        let begun = SystemTime::now();
        fault();
        let done = SystemTime::now();
        Self { begun, done }
    }

    /// In seconds of the report, and the time of a row that was on its way.
    fn moments(&self, report: &Report) -> Range<f64> {
        report.after_begin(self.begun)..report.after_begin(self.done) + 0.2
    }
}

impl Lab {
    /// Starts writing to the first host (`node1`, `db1` or an address); after an error to the next one.
    pub fn writer(&self, hosts: &[&str], rate: u32) -> Writer {
        let mut lab = command::lab(&self.dir);
        lab.args(["writer", &hosts.join(","), "86400", &rate.to_string()]);
        let program = lab
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("the writer starts");
        Writer { program }
    }

    /// Waits until rows arrive on a node: writers count a gap once a row has come after it.
    pub fn rows_flow(&self, k: u8) {
        let before = self.rows(k).unwrap_or(0);
        self.wait("rows", Duration::from_secs(60), || {
            self.rows(k).is_some_and(|rows| rows >= before + 50)
        });
    }
}

impl Writer {
    /// Ends the writing and counts the rows.
    pub fn finish(mut self) -> Report {
        // The script becomes the writer by exec, so the child's id is the writer's.
        let id = Pid::from_raw(i32::try_from(self.program.id()).expect("a process id"));
        kill(id, Signal::SIGTERM).expect("the writer still runs");
        let ended = within(COUNTING, || {
            self.program
                .try_wait()
                .expect("the writer is our child")
                .is_some()
        });
        assert!(
            ended.is_some(),
            "the writer did not count its rows within {COUNTING:?}"
        );
        let out = self.program.stdout.take().expect("its output is piped");
        serde_json::from_reader(out).expect("the writer prints one JSON object")
    }
}

impl Report {
    /// The longest time without an acknowledged row that a fault made, in seconds; at most 0.2 when there was none worth
    /// noting. A row that was on its way may still be acknowledged after the fault.
    pub fn gap_of(&self, fault: &Fault) -> f64 {
        self.longest(&fault.moments(self)).map_or(0.2, |gap| gap.1)
    }

    /// The longest that began after the one that the fault made, in seconds; at least 0.2.
    pub fn longest_after(&self, fault: &Fault) -> f64 {
        let moments = fault.moments(self);
        let begun = self.longest(&moments).map_or(moments.end, |gap| gap.0);
        let later = self.gaps.iter().filter(|(start, _)| *start > begun);
        later.map(|(_, length)| *length).fold(0.2, f64::max)
    }

    /// Of the gaps that overlap these moments.
    fn longest(&self, moments: &Range<f64>) -> Option<(f64, f64)> {
        let all = self.gaps.iter().copied();
        all.filter(|(start, length)| *start <= moments.end && start + length > moments.start)
            .max_by(|one, other| one.1.total_cmp(&other.1))
    }

    fn after_begin(&self, moment: SystemTime) -> f64 {
        let since = moment.duration_since(UNIX_EPOCH).unwrap_or_default();
        since.as_secs_f64() - self.begin
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}
