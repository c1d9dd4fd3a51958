//! What one look has found. Pure.

use serde::Serializer;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::event::Event;
use crate::ctl::health;
use crate::ctl::status::Status;
use crate::galera::pulse::Pulse;

/// The cluster at a moment.
#[derive(Debug)]
pub(super) struct Snapshot {
    pub time: OffsetDateTime,
    pub status: Status,
    /// The server of the node that looks; `None` for a saved CIB, or when it cannot be told.
    pub here: Option<Here>,
}

/// A server that was asked.
#[derive(Debug)]
pub(super) struct Here(pub Pulse);

impl Here {
    /// One word, and why.
    pub fn health(&self) -> (&'static str, Option<&str>) {
        health::word(&self.0.health)
    }

    /// The node's name, as far as it is known.
    pub fn node(&self) -> Option<&str> {
        self.0.node.as_deref()
    }
}

impl Snapshot {
    pub fn new(time: OffsetDateTime, status: Status, here: Option<Here>) -> Self {
        let mut snapshot = Self { time, status, here };
        snapshot.place();
        snapshot
    }

    /// A member publishes no position; the one that looks can ask its own server.
    fn place(&mut self) {
        let Some(Here(pulse)) = &self.here else {
            return;
        };
        let server = pulse.status.as_ref();
        let Some(seqno) = server.and_then(|server| server.last_committed) else {
            return;
        };
        let rows = self.status.nodes.iter_mut();
        for row in rows.filter(|row| row.node == pulse.node && row.phase == Some("Member")) {
            let history = row.history.as_ref();
            row.position = history.map(|history| format!("{history}:{seqno}"));
        }
    }

    /// One object: what `status --json` has, with the time, the server here and what has changed.
    pub fn json(&self, events: &[Event]) -> Result<Value, serde_json::Error> {
        let mut object = serde_json::to_value(&self.status)?;
        let here = self.here.as_ref().map(|Here(pulse)| {
            let mut here = health::as_json(pulse);
            here["node"] = json!(pulse.node);
            here
        });
        object["time"] = json!(rfc3339(self.time));
        object["here"] = json!(here);
        object["events"] = serde_json::to_value(events)?;
        Ok(object)
    }
}

/// `2026-01-31T23:59:59Z`
pub(super) fn rfc3339(time: OffsetDateTime) -> String {
    let time = time.truncate_to_second();
    time.format(&Rfc3339).unwrap_or_default()
}

/// The same, for serde.
pub(super) fn clock<S: Serializer>(time: &OffsetDateTime, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&rfc3339(*time))
}
