//! What a line of a log or an operation of the CIB says of a failover. Pure.

use time::{Duration, OffsetDateTime};

use super::log::Entry;
use crate::cib::{Cib, OpRecord, OpStatus, without_number};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Corosync does not see the node any more.
    Lost,
    /// Its server has died.
    Died,
    /// An operation has failed.
    Failed,
    /// The cluster asks for the node's end.
    Fencing,
    Fenced,
    /// Galera's group is told of the dead.
    Evicting,
    /// An election is over: one node makes the component.
    Elected,
    /// An operation of this name begins.
    Begins(Task),
    /// It has succeeded.
    Done(Task),
    /// The node publishes that it is a member of the primary component.
    Member,
    /// It publishes another phase.
    Phase,
}

/// The operations that tell of roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Task {
    Start,
    Stop,
    Promote,
    Demote,
}

impl Task {
    fn word(self) -> &'static str {
        match self {
            Task::Start => "start",
            Task::Stop => "stop",
            Task::Promote => "promote",
            Task::Demote => "demote",
        }
    }

    fn of(word: &str) -> Option<Self> {
        match word {
            "start" => Some(Task::Start),
            "stop" => Some(Task::Stop),
            "promote" => Some(Task::Promote),
            "demote" => Some(Task::Demote),
            _ => None,
        }
    }
}

/// Where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    Cluster,
    Agent,
    Cib,
}

/// One thing that happened to a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    pub at: OffsetDateTime,
    pub kind: Kind,
    pub node: String,
    pub text: String,
    pub source: Source,
}

/// The step that a line tells of, if it is one for this resource.
pub(super) fn of_entry(entry: &Entry, resource: &str) -> Option<Step> {
    let agent = format!("galera-rs({resource})");
    let (source, found) = if entry.by == agent {
        (Source::Agent, of_agent(&entry.text))
    } else if entry.by.starts_with("pacemaker-") {
        (Source::Cluster, of_cluster(&entry.text, resource))
    } else {
        return None;
    };
    let (kind, node, text) = found?;
    Some(Step {
        at: entry.at,
        kind,
        node,
        text,
        source,
    })
}

type Found = (Kind, String, String);

fn of_agent(text: &str) -> Option<Found> {
    let found = |kind, node: &str| Some((kind, node.to_owned(), text.to_owned()));
    if let Some((node, _)) = between(text, "the server on ", " has died") {
        return found(Kind::Died, node);
    }
    if let Some((node, _)) = text.split_once(": evicting the dead") {
        return found(Kind::Evicting, node);
    }
    let bootstraps = text.strip_prefix("bootstrapping epoch ");
    if let Some((node, _)) = bootstraps.and_then(|rest| between(rest, " from ", " at ")) {
        return found(Kind::Elected, node);
    }
    let (node, _) = between(text, "making the component anew on ", ",")?;
    found(Kind::Elected, node)
}

/// Pacemaker's own words (2.1; the older and the newer ones of fencing too).
fn of_cluster(text: &str, resource: &str) -> Option<Found> {
    let plain = text.split(" | ").next().unwrap_or(text);
    let found = |kind, node: &str| Some((kind, node.to_owned(), plain.to_owned()));
    if let Some((node, _)) = between(plain, "Node ", " state is now lost") {
        return Some((Kind::Lost, node.to_owned(), format!("{node} is lost")));
    }
    if plain.starts_with("Requesting fencing (") {
        let (_, node) = plain
            .rsplit_once("node ")
            .or(plain.rsplit_once("targeting "))?;
        return found(Kind::Fencing, node.trim());
    }
    if let Some((node, rest)) = between(plain, "Peer ", " was terminated (") {
        let kind = match rest.trim_end().ends_with(": OK") {
            true => Kind::Fenced,
            false => Kind::Failed,
        };
        return found(kind, node);
    }
    if let Some((node, _)) = between(plain, "Peer ", " was not terminated (") {
        return found(Kind::Failed, node);
    }
    published(text, resource).or_else(|| of_operation(plain, resource))
}

/// What begins and ends as the node that decides logs it, and what has ended as the node logs it where it ran:
/// `Initiating promote operation db_promote_0 locally on node1`, `Transition 1 action 8 (db:2_promote_0 on node3) confirmed: ok`,
/// `Result of promote operation for db on node1: ok`.
fn of_operation(text: &str, resource: &str) -> Option<Found> {
    if let Some((word, rest)) = between(text, "Initiating ", " operation ") {
        let (key, node) = rest.rsplit_once(" on ")?;
        let task = task(key.strip_suffix(" locally").unwrap_or(key), resource)?;
        let text = format!("{word} of {resource} on {node} begins");
        return Some((Kind::Begins(task), node.trim().to_owned(), text));
    }
    if let Some((operation, result)) = between(text, " (", ") confirmed: ") {
        let (key, node) = operation.split_once(" on ")?;
        return Some(ended(task(key, resource)?, node, resource, result));
    }
    let (word, rest) = between(text, "Result of ", " operation for ")?;
    let (instance, rest) = rest.split_once(" on ")?;
    let (node, result) = rest.split_once(": ")?;
    let task = Task::of(word).filter(|_| without_number(instance) == resource)?;
    Some(ended(task, node, resource, result))
}

/// The task of `db_promote_0` and `db:2_promote_0`.
fn task(key: &str, resource: &str) -> Option<Task> {
    let (instance, word) = key.strip_suffix("_0")?.rsplit_once('_')?;
    Task::of(word).filter(|_| without_number(instance) == resource)
}

fn ended(task: Task, node: &str, resource: &str, result: &str) -> Found {
    let word = task.word();
    let node = node.to_owned();
    match result.trim() {
        "ok" => {
            let text = format!("{word} of {resource} on {node} is done");
            (Kind::Done(task), node, text)
        }
        other => {
            let text = format!("{word} of {resource} on {node}: {other}");
            (Kind::Failed, node, text)
        }
    }
}

/// What a node says of itself; the attribute daemon of every node logs it, with the old value and the new one.
fn published(text: &str, resource: &str) -> Option<Found> {
    let (node, values) = between(text, &format!("Setting {resource}-galera["), "]")?;
    let (old, new) = values.split_once(" -> ")?;
    let (phase, _) = between(new, "\"phase\":\"", "\"")?;
    if phase == "recovering" && tells_of_a_death(old, new) {
        let text = format!("{node} says: its server has died");
        return Some((Kind::Died, node.to_owned(), text));
    }
    let kind = if phase == "member" {
        Kind::Member
    } else {
        Kind::Phase
    };
    Some((kind, node.to_owned(), format!("{node} says: {phase}")))
}

/// The new value has a dead server that the old one has not. A node that comes back with one (unset before) has no news.
fn tells_of_a_death(old: &str, new: &str) -> bool {
    let dead = |value| between(value, "\"dead\":{", "}").map(|(dead, _)| dead);
    dead(new).is_some() && dead(new) != dead(old) && old.contains("\"phase\":\"")
}

/// What is between two words, and what follows the second.
fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<(&'a str, &'a str)> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(after)
}

/// What the operation history of a resource tells: the last result of each operation on each node.
pub(super) fn of_cib(cib: &Cib, resource: &str) -> Vec<Step> {
    let histories = cib.histories(resource);
    let steps = histories.flat_map(|history| {
        let records = history.operations.iter();
        records.filter_map(|record| of_record(record, &history.node, resource))
    });
    steps.collect()
}

/// `last-rc-change` is when it began (whole seconds), `exec-time` how long it took.
fn of_record(record: &OpRecord, node: &str, resource: &str) -> Option<Step> {
    let began = OffsetDateTime::from_unix_timestamp(record.last_rc_change?).ok()?;
    let took = Duration::try_from(record.exec_time.unwrap_or_default()).unwrap_or_default();
    let word = &*record.operation;
    let (kind, text) = if record.failed() {
        let reason = record.exit_reason.as_deref();
        let reason = reason.unwrap_or("no reason is given");
        let text = format!("{word} of {resource} on {node} has failed: {reason}");
        (Kind::Failed, text)
    } else {
        let done = record.status == OpStatus::Done && record.rc == 0;
        let task = Task::of(word).filter(|_| done)?;
        let text = format!("{word} of {resource} on {node} is done");
        (Kind::Done(task), text)
    };
    Some(Step {
        at: began + took,
        kind,
        node: node.to_owned(),
        text,
        source: Source::Cib,
    })
}
