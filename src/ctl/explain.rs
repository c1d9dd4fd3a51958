//! What `galeractl explain` tells, as data: the shape of its JSON. Pure.

use serde::Serialize;

use super::advice::{self, Step};
use super::judgement::{self, Judgement};
use super::rule::{self, Rule};
use super::scene::Scene;
use super::stand;

/// Everything that `explain` tells.
#[derive(Debug, Serialize)]
pub(super) struct Explanation {
    pub resource: String,
    pub verdict: Judgement,
    pub rule: Rule,
    pub facts: Vec<Fact>,
    pub next: Vec<Step>,
    pub warnings: Vec<String>,
}

/// One of the facts that the verdict rests on.
#[derive(Debug, Serialize)]
pub(super) struct Fact {
    /// `quorum`, `epoch`, `order` or an elector.
    pub subject: String,
    pub text: String,
}

/// The explanation of what the scene shows.
pub(super) fn of(scene: &Scene) -> Explanation {
    let verdict = judgement::of(scene);
    Explanation {
        resource: scene.resource.clone(),
        rule: rule::of(scene, verdict.outcome),
        facts: facts(scene),
        next: advice::of(scene, verdict.outcome),
        verdict,
        warnings: scene.warnings.clone(),
    }
}

fn facts(scene: &Scene) -> Vec<Fact> {
    let ballot = scene.ballot();
    let fact = |subject: &str, text: String| Fact {
        subject: subject.to_owned(),
        text,
    };
    let quorum = if ballot.quorate { "yes" } else { "no" };
    let mut facts = vec![
        fact("quorum", quorum.to_owned()),
        fact(
            "epoch",
            super::show::epoch(&super::status::epoch(&ballot.epoch)),
        ),
    ];
    if let Some(order) = &ballot.force {
        facts.push(fact("order", super::show::order(order)));
    }
    let stands = ballot.stands.iter();
    facts.extend(stands.map(|(elector, stand)| {
        fact(
            &scene.called(elector),
            stand::sentence(scene, elector, stand),
        )
    }));
    facts
}
