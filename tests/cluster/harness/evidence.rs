//! What a failed wait shows: the state of the cluster and the last lines of every log.

use std::fmt::Write;

use super::{Lab, Node};

const PACEMAKER_LINES: usize = 40;
const SERVER_LINES: usize = 25;

impl Lab {
    pub(super) fn evidence(&self) -> String {
        let mut text = self.script(&["status"]).stdout;
        let _ = writeln!(text, "==== crm_mon -1Arf\n{}", self.cluster());
        let _ = writeln!(text, "==== fencing\n{}", self.fence_log());
        for node in self.nodes() {
            node.evidence(&mut text);
        }
        text
    }

    fn cluster(&self) -> String {
        self.nodes()
            .map(|node| node.run("crm_mon -1Arf"))
            .find(|seen| seen.code == 0)
            .map_or_else(|| "no node answers".to_owned(), |seen| seen.stdout)
    }
}

impl Node<'_> {
    fn evidence(&self, text: &mut String) {
        for (log, lines) in [
            ("pacemaker/pacemaker.log", PACEMAKER_LINES),
            ("mysql/error.log", SERVER_LINES),
        ] {
            let _ = writeln!(
                text,
                "==== node {} {log}\n{}",
                self.number,
                tail(&self.log_text(log), lines)
            );
        }
    }

    /// The text of a log below `/var/log`, whether the node is on or off.
    pub fn log_text(&self, log: &str) -> String {
        let bytes = std::fs::read(self.log_path(log)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

fn tail(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}
