//! What has changed from one look to the next. Pure.

use std::collections::BTreeMap;

use serde::Serialize;
use time::OffsetDateTime;

use super::snapshot::{Snapshot, clock};
use crate::ctl::judgement::Outcome;
use crate::ctl::show;
use crate::ctl::status::{Row, Status};

/// How good news is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Mood {
    Good,
    Plain,
    Bad,
}

/// A change that was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Event {
    #[serde(serialize_with = "clock")]
    pub time: OffsetDateTime,
    pub mood: Mood,
    pub text: String,
}

/// Changes in the order of their weight.
struct Changes(Vec<(Mood, String)>);

impl Changes {
    fn add(&mut self, mood: Mood, text: String) {
        self.0.push((mood, text));
    }
}

/// What is different now.
pub(super) fn between(before: &Snapshot, now: &Snapshot) -> Vec<Event> {
    let mut changes = Changes(Vec::new());
    of_cluster(&mut changes, &before.status, &now.status);
    of_nodes(&mut changes, &before.status.nodes, &now.status.nodes);
    of_server(&mut changes, before, now);
    let events = changes.0.into_iter().map(|(mood, text)| Event {
        time: now.time,
        mood,
        text,
    });
    events.collect()
}

fn of_cluster(changes: &mut Changes, before: &Status, now: &Status) {
    match (before.quorate, now.quorate) {
        (true, false) => changes.add(Mood::Bad, "quorum is lost".into()),
        (false, true) => changes.add(Mood::Good, "quorum is back".into()),
        (true, true) | (false, false) => {}
    }
    if before.epoch.number != now.epoch.number {
        changes.add(Mood::Plain, format!("epoch {}", show::epoch(&now.epoch)));
    }
    match (&before.order, &now.order) {
        (before, Some(order)) if before.as_ref() != Some(order) => {
            changes.add(Mood::Plain, format!("order: {}", show::order(order)));
        }
        (Some(_), None) => changes.add(Mood::Plain, "no order stands any more".into()),
        (_, _) => {}
    }
    if before.verdict.outcome != now.verdict.outcome {
        changes.add(mood(now.verdict.outcome), now.verdict.text.clone());
    }
    let fresh = now.warnings.iter();
    for warning in fresh.filter(|warning| !before.warnings.contains(warning)) {
        changes.add(Mood::Bad, warning.clone());
    }
}

/// What an outcome means for who watches.
pub(super) fn mood(outcome: Outcome) -> Mood {
    match outcome {
        Outcome::Up => Mood::Good,
        Outcome::Refuse | Outcome::Stopped => Mood::Bad,
        Outcome::Incomplete | Outcome::Restore | Outcome::Bootstrap | Outcome::Wait => Mood::Plain,
    }
}

fn of_nodes(changes: &mut Changes, before: &[Row], now: &[Row]) {
    let known: BTreeMap<_, _> = before.iter().map(|row| (row.name(), row)).collect();
    let still: BTreeMap<_, _> = now.iter().map(|row| (row.name(), row)).collect();
    for gone in known.keys().filter(|name| !still.contains_key(*name)) {
        changes.add(Mood::Plain, format!("{gone} is no longer named"));
    }
    for (name, row) in still {
        match known.get(name) {
            Some(before) => of_node(changes, name, before, row),
            None => changes.add(Mood::Plain, format!("{name} is new")),
        }
    }
}

fn of_node(changes: &mut Changes, name: &str, before: &Row, now: &Row) {
    if let Some(state) = now.state.filter(|state| before.state != Some(state)) {
        let mood = match state {
            "online" => Mood::Good,
            "standby" | "maintenance" | "pending" => Mood::Plain,
            _ => Mood::Bad,
        };
        changes.add(mood, format!("{name} is {state}"));
    }
    of_role(changes, name, before.role, now.role);
    match (before.phase, now.phase) {
        (before, Some(phase)) if before != Some(phase) => {
            let was = before.map_or(String::new(), |before| format!(" (was {before})"));
            let mood = match (before, phase) {
                (_, "Member") => Mood::Good,
                (Some("Member"), _) => Mood::Bad,
                (_, _) => Mood::Plain,
            };
            changes.add(mood, format!("{name}: {phase}{was}"));
        }
        (Some(phase), None) => {
            changes.add(Mood::Bad, format!("{name}: no word of it (was {phase})"));
        }
        (_, _) => {}
    }
    of_data(changes, name, before, now);
}

fn of_role(changes: &mut Changes, name: &str, before: Option<&str>, now: Option<&str>) {
    match (before, now) {
        (before, now) if before == now => {}
        (_, Some("Promoted")) => changes.add(Mood::Good, format!("{name} is promoted")),
        (Some("Promoted"), now) => {
            let now = now.unwrap_or("nothing is known to run there");
            changes.add(
                Mood::Plain,
                format!("{name} is not promoted any more: {now}"),
            );
        }
        (_, Some("Stopped")) => {
            changes.add(Mood::Plain, format!("the resource has stopped on {name}"));
        }
        (None | Some("Stopped"), Some(_)) => {
            changes.add(Mood::Plain, format!("the resource runs on {name}"));
        }
        (_, _) => {}
    }
}

fn of_data(changes: &mut Changes, name: &str, before: &Row, now: &Row) {
    if now.fail_count > before.fail_count {
        let count = now.fail_count;
        changes.add(
            Mood::Bad,
            format!("an operation has failed on {name} (fail count {count})"),
        );
    } else if now.fail_count < before.fail_count {
        changes.add(Mood::Plain, format!("failures on {name} are forgotten"));
    }
    if let Some(reason) = now.reason.as_ref().filter(|_| now.reason != before.reason) {
        changes.add(Mood::Bad, format!("{name}: {reason}"));
    }
    match (&before.transfer, &now.transfer) {
        (before, Some(transfer)) if before.as_ref().map(|one| one.step) != Some(transfer.step) => {
            changes.add(Mood::Plain, format!("{name}: {}", transfer.text));
        }
        (Some(_), None) => changes.add(Mood::Plain, format!("{name}: its transfer is over")),
        (_, _) => {}
    }
}

/// The server of the node that looks: what its monitors would say.
fn of_server(changes: &mut Changes, before: &Snapshot, now: &Snapshot) {
    let Some(here) = &now.here else { return };
    let word = here.health();
    if before.here.as_ref().map(|here| here.health()) == Some(word) {
        return;
    }
    let first = before.here.is_none();
    match word {
        ("well", _) if first => {}
        (word @ "well", _) => changes.add(Mood::Good, format!("the server here is {word}")),
        (word, reason) => {
            let why = reason.map_or(String::new(), |reason| format!(": {reason}"));
            changes.add(Mood::Bad, format!("the server here is {word}{why}"));
        }
    }
}
