//! The verdict of this moment, for people. Pure.

use serde::Serialize;

use super::scene::Scene;
use crate::galera::ballot::{Elector, Stand};
use crate::galera::election::{Verdict, Waiting};

/// What a verdict amounts to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Outcome {
    /// Every elector is in the primary component.
    Up,
    /// There is a primary component, and somebody is not in it.
    Incomplete,
    /// The last primary component restores itself.
    Restore,
    /// One node bootstraps.
    Bootstrap,
    /// Time or another node's report will change this.
    Wait,
    /// Only a person can settle this.
    Refuse,
    /// The resource is stopped everywhere, or was never started.
    Stopped,
}

/// An outcome and its sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Judgement {
    pub outcome: Outcome,
    pub text: String,
}

/// The judgement of what the scene shows.
pub(super) fn of(scene: &Scene) -> Judgement {
    let (outcome, text) = judge(scene);
    Judgement { outcome, text }
}

fn judge(scene: &Scene) -> (Outcome, String) {
    if !scene.anybody() {
        let text = "no node has published anything: the resource is not started anywhere".into();
        return (Outcome::Stopped, text);
    }
    let verdict = scene.verdict();
    match &verdict {
        Verdict::Join(_) => up(scene),
        Verdict::Restore(_) => (Outcome::Restore, verdict.to_string()),
        Verdict::Bootstrap(..) | Verdict::Revive(..) => (Outcome::Bootstrap, verdict.to_string()),
        Verdict::Wait(Waiting::Ahead { node, seqno }) if all_stopped(scene) => {
            let text = format!(
                "the resource is stopped on every node; {} has the latest seqno, {seqno}",
                scene.called(node)
            );
            (Outcome::Stopped, text)
        }
        Verdict::Wait(_) => (Outcome::Wait, verdict.to_string()),
        Verdict::Refuse(_) => (Outcome::Refuse, verdict.to_string()),
    }
}

fn up(scene: &Scene) -> (Outcome, String) {
    let (members, others) = members(scene);
    let listed = scene.list(members.iter().copied());
    if others.is_empty() {
        let text = format!("the cluster is up: all nodes are in the primary component ({listed})");
        return (Outcome::Up, text);
    }
    let others = scene.list(others);
    let text = format!("the cluster is up on {listed}; not in the primary component: {others}");
    (Outcome::Incomplete, text)
}

/// Who is in the primary component, and who is not.
pub(super) fn members(scene: &Scene) -> (Vec<&Elector>, Vec<&Elector>) {
    let stands = &scene.ballot().stands;
    let (members, others): (Vec<_>, Vec<_>) = stands
        .iter()
        .partition(|(_, stand)| **stand == Stand::Primary);
    let names = |pairs: Vec<(_, _)>| pairs.into_iter().map(|(name, _)| name).collect();
    (names(members), names(others))
}

fn all_stopped(scene: &Scene) -> bool {
    let stopped = |stand: &Stand| {
        matches!(
            stand,
            Stand::Reported {
                eligible: false,
                ..
            }
        )
    };
    scene.ballot().stands.values().all(stopped)
}
