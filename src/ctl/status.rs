//! What `galeractl status` tells, as data: the shape of its JSON. Pure.
//!
//! Documented in `docs/galeractl.md`. Keys are added, never renamed.

use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::judgement::{self, Judgement};
use super::scene::Scene;
use super::stand;
use crate::cib::{Node, Role};
use crate::galera::ballot::{Epoch, Force, Stand};
use crate::galera::published::{Phase, Published};
use crate::galera::transfer::{Size, Step, Transfer};

/// Everything that `status` tells.
#[derive(Debug, Serialize)]
pub(super) struct Status {
    pub resource: String,
    pub clone: Option<String>,
    pub quorate: bool,
    pub epoch: EpochView,
    pub nodes: Vec<Row>,
    pub missing: Vec<Missing>,
    /// An operator's order that has not been carried out.
    pub order: Option<Force>,
    pub warnings: Vec<String>,
    pub verdict: Judgement,
}

/// The newest epoch that stands in the CIB.
#[derive(Debug, Serialize)]
pub(super) struct EpochView {
    /// 0: none was ever opened.
    pub number: u64,
    pub opened_by: Option<String>,
    pub position: Option<String>,
    pub forced: Vec<ForcedView>,
}

/// A forced bootstrap: data of older epochs beyond this seqno was given up.
#[derive(Debug, Serialize)]
pub(super) struct ForcedView {
    pub epoch: u64,
    pub seqno: u64,
}

/// A node of the cluster, or an elector that is none of them.
#[derive(Debug, Default, Serialize)]
pub(super) struct Row {
    pub node: Option<String>,
    pub elector: Option<String>,
    pub state: Option<&'static str>,
    pub role: Option<&'static str>,
    pub phase: Option<&'static str>,
    pub data: Option<&'static str>,
    /// Why there is no position.
    pub reason: Option<String>,
    pub history: Option<String>,
    pub position: Option<String>,
    pub epoch: Option<u64>,
    pub left_last: bool,
    pub recovered: bool,
    pub score: Option<String>,
    pub fail_count: i32,
    pub transfer: Option<TransferView>,
}

impl Row {
    /// For people: the cluster's name, else Galera's.
    pub fn name(&self) -> &str {
        let name = self.node.as_deref().or(self.elector.as_deref());
        name.unwrap_or("-")
    }
}

/// A state transfer to a node.
#[derive(Debug, Serialize)]
pub(super) struct TransferView {
    pub step: Step,
    pub donor: Option<String>,
    pub bytes: Option<u64>,
    pub bytes_per_second: Option<u64>,
    /// How many there will be: as many as this node has, about.
    pub bytes_expected: Option<u64>,
    /// Until then, at this rate.
    pub seconds_left: Option<u64>,
    pub since: Option<String>,
    pub text: String,
}

/// An elector that has not reported.
#[derive(Debug, Serialize)]
pub(super) struct Missing {
    pub elector: String,
    pub node: Option<String>,
    pub why: String,
    /// When the cluster last did something with the resource there.
    pub since: Option<String>,
}

/// The status of what the scene shows.
pub(super) fn of(scene: &Scene) -> Status {
    let known = scene.shown_nodes().map(|node| row(scene, node));
    let strangers = scene.strangers().map(|elector| Row {
        elector: Some(elector.clone()),
        ..Row::default()
    });
    let clone = scene.cib.clone_of(&scene.resource);
    Status {
        resource: scene.resource.clone(),
        clone: clone.map(|clone| clone.id.to_string()),
        quorate: scene.ballot().quorate,
        epoch: epoch(scene.outlook.epoch()),
        nodes: known.chain(strangers).collect(),
        missing: missing(scene),
        order: scene.ballot().force.clone(),
        warnings: scene.warnings.clone(),
        verdict: judgement::of(scene),
    }
}

pub(super) fn epoch(epoch: &Epoch) -> EpochView {
    let forced = epoch.forced.iter();
    EpochView {
        number: epoch.number,
        opened_by: epoch.opened_by.clone(),
        position: epoch.position.as_ref().map(ToString::to_string),
        forced: forced
            .map(|&(epoch, seqno)| ForcedView { epoch, seqno })
            .collect(),
    }
}

fn row(scene: &Scene, node: &Node) -> Row {
    let (resource, name) = (&*scene.resource, &*node.uname);
    let published = scene.outlook.published.get(name);
    let score = scene.cib.promotion_score(resource, name);
    Row {
        node: Some(name.to_owned()),
        elector: scene.elector(name).cloned(),
        state: Some(stand::state(node)),
        role: role(scene.cib.role(resource, name)),
        score: score.map(|score| score.to_string()),
        fail_count: scene.cib.fail_count(resource, name).points(),
        transfer: scene
            .transfers
            .get(name)
            .filter(|_| joins(published))
            .map(|told| transfer(told, scene.copy_size)),
        ..published.map(data).unwrap_or_default()
    }
}

/// What was told of an earlier transfer does not count.
fn joins(published: Option<&Published>) -> bool {
    published.is_some_and(|published| published.phase == Phase::Joining)
}

fn transfer(transfer: &Transfer, copy: Option<u64>) -> TransferView {
    let received = transfer.bytes.filter(|_| transfer.step == Step::Receiving);
    // One that is larger than the data here is no copy of what is here.
    let expected = copy.filter(|size| received.is_some_and(|bytes| bytes <= *size));
    let missing = expected.zip(received).map(|(size, bytes)| size - bytes);
    let left = missing
        .zip(transfer.bytes_per_second)
        .and_then(|(bytes, rate)| bytes.checked_div(rate));
    let mut text = transfer.to_string();
    if let Some(size) = expected {
        text += &format!("; about {} in all", Size(size));
    }
    if let Some(left) = left {
        text += &format!(", {} left", clock(left));
    }
    TransferView {
        step: transfer.step,
        donor: transfer.donor.clone(),
        bytes: transfer.bytes,
        bytes_per_second: transfer.bytes_per_second,
        bytes_expected: expected,
        seconds_left: left,
        since: i64::try_from(transfer.since).ok().and_then(moment),
        text,
    }
}

/// `50 s`, `12 min`, `3 h 20 min`
fn clock(seconds: u64) -> String {
    match seconds {
        0..100 => format!("{seconds} s"),
        100..6000 => format!("{} min", seconds / 60),
        _ => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

/// What a node says of its data.
fn data(published: &Published) -> Row {
    let phase = Some(published.phase.word());
    if let Phase::Member(membership) = &published.phase {
        return Row {
            phase,
            history: Some(membership.history.clone()),
            epoch: Some(membership.epoch),
            ..Row::default()
        };
    }
    let Some(report) = published.phase.report() else {
        return Row {
            phase,
            ..Row::default()
        };
    };
    let position = report.position();
    Row {
        phase,
        data: Some(stand::data_word(&report.data)),
        reason: stand::data_reason(&report.data),
        history: position.map(|position| position.history.to_string()),
        position: position.map(ToString::to_string),
        epoch: Some(report.epoch),
        left_last: report.safe,
        recovered: report.recovered,
        ..Row::default()
    }
}

fn role(role: Role) -> Option<&'static str> {
    match role {
        Role::Unknown => None,
        Role::Stopped => Some("Stopped"),
        Role::Started => Some("Started"),
        Role::Unpromoted => Some("Unpromoted"),
        Role::Promoted => Some("Promoted"),
    }
}

fn missing(scene: &Scene) -> Vec<Missing> {
    let stands = scene.ballot().stands.iter();
    let silent = stands.filter(|(_, stand)| **stand == Stand::Silent);
    let missing = silent.map(|(elector, _)| Missing {
        elector: elector.clone(),
        node: scene.node(elector).map(|node| node.uname.to_string()),
        why: stand::silence(scene, elector),
        since: scene.node(elector).and_then(|node| since(scene, node)),
    });
    missing.collect()
}

/// When the resource was last started or stopped there, as far as the history tells.
fn since(scene: &Scene, node: &Node) -> Option<String> {
    let histories = scene.cib.history(&scene.resource, &node.uname).iter();
    let operations = histories.flat_map(|history| &history.operations);
    let turns = operations.filter(|op| matches!(&*op.operation, "start" | "stop"));
    let last = turns.max_by_key(|op| op.last_rc_change)?;
    // A node that is away was not always stopped in order: then its last start says nothing.
    if !node.online() && &*last.operation == "start" {
        return None;
    }
    moment(last.last_rc_change?)
}

fn moment(seconds: i64) -> Option<String> {
    let moment = OffsetDateTime::from_unix_timestamp(seconds).ok()?;
    moment.format(&Rfc3339).ok()
}
