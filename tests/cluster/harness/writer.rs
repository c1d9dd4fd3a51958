//! A client outside the nodes that writes at a constant rate.

use std::collections::BTreeMap;
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
    /// The time without an acknowledged row around this moment, in seconds; at most 0.2 when there was none worth
    /// noting. A row that was on its way may still be acknowledged after the moment.
    pub fn gap_at(&self, moment: SystemTime) -> f64 {
        let at = self.after_begin(moment);
        let around = self.gaps.iter().copied();
        let mut around = around.filter(|(start, length)| *start <= at + 0.2 && start + length > at);
        around.next().map_or(0.2, |(_, length)| length)
    }

    /// The longest time without an acknowledged row that began after this moment, in seconds; at least 0.2.
    pub fn longest_after(&self, moment: SystemTime) -> f64 {
        let at = self.after_begin(moment);
        let later = self.gaps.iter().filter(|(start, _)| *start > at);
        later.map(|(_, length)| *length).fold(0.2, f64::max)
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
