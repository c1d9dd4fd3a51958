//! The last failover: which steps belong to it, and how long each phase took. Pure.

use time::{Duration, OffsetDateTime};

use super::step::{Kind, Source, Step, Task};

/// Trouble that is older than this did not cause a promotion.
const CAUSE: Duration = Duration::minutes(15);

/// What is in trouble for so long without a break is in the same trouble.
const ROW: Duration = Duration::minutes(1);

/// What happens later than this after it is another story.
const AFTERMATH: Duration = Duration::minutes(60);

/// Two reports of one thing: every daemon of the cluster notices a loss, and the CIB counts whole seconds.
const SAME: Duration = Duration::seconds(3);

/// How many steps are told.
const LONGEST: usize = 60;

/// A role that moved.
#[derive(Debug)]
pub(super) struct Failover {
    /// Why: the first trouble; `None` when nobody was in trouble, so that somebody moved it.
    pub cause: Option<Step>,
    /// Who is promoted since.
    pub heir: String,
    /// In the order of time.
    pub steps: Vec<Step>,
    pub phases: Vec<Phase>,
}

/// What went on between two steps.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Phase {
    pub name: String,
    pub from: OffsetDateTime,
    pub to: OffsetDateTime,
}

impl Phase {
    pub fn took(&self) -> Duration {
        self.to - self.from
    }
}

/// The last promotion and what belongs to it.
pub(super) fn last(mut steps: Vec<Step>) -> Option<Failover> {
    steps.sort_by_key(|step| step.at);
    let steps = without_repetitions(steps);
    let promoted = |step: &Step| step.kind == Kind::Done(Task::Promote);
    let end = steps.iter().rposition(promoted)?;
    let heir = steps[end].node.clone();
    let done = steps[end].at;
    let earlier = steps[..end].iter().rposition(promoted);
    let before = earlier.map_or(0, |earlier| earlier + 1);
    let recent = |step: &&Step| done - step.at <= CAUSE;
    let predecessor = earlier.map(|earlier| steps[earlier].node.clone());
    let cause = cause(&steps[before..end], predecessor.as_deref(), &heir, done);
    let begins = |step: &&Step| matches!(step.kind, Kind::Begins(_));
    let first = cause
        .as_ref()
        .or_else(|| steps[before..end].iter().filter(recent).find(begins));
    let from = first.map_or(done, |step| step.at);
    let mut steps: Vec<Step> = steps
        .into_iter()
        .filter(|step| step.at >= from && step.at - done <= AFTERMATH)
        .collect();
    let phases = phases(cause.as_ref(), &heir, done, &steps);
    steps.truncate(LONGEST);
    Some(Failover {
        cause,
        heir,
        steps,
        phases,
    })
}

/// The first trouble of whoever had the role, in the row of those that end with the promotion; that of others is another story.
fn cause(
    steps: &[Step],
    predecessor: Option<&str>,
    heir: &str,
    done: OffsetDateTime,
) -> Option<Step> {
    let of_interest = |step: &&Step| {
        let other = predecessor.map_or(step.node != heir, |node| step.node == node);
        other && is_trouble(step) && done - step.at <= CAUSE
    };
    let row: Vec<_> = steps.iter().filter(of_interest).collect();
    let last = row.last()?;
    let first = row.iter().find(|step| last.at - step.at <= ROW)?;
    Some((*first).clone())
}

fn is_trouble(step: &Step) -> bool {
    matches!(step.kind, Kind::Lost | Kind::Died | Kind::Failed)
}

/// Each thing once: as the log has it, which knows the time better, else as the CIB has it.
fn without_repetitions(steps: Vec<Step>) -> Vec<Step> {
    let mut kept: Vec<Step> = Vec::new();
    for step in steps {
        let twin = kept.iter_mut().rev().find(|earlier| {
            let same = earlier.kind == step.kind && earlier.node == step.node;
            // A phase may be published twice in a moment, with another text.
            same && step.at - earlier.at <= SAME
                && (step.kind != Kind::Phase || earlier.text == step.text)
        });
        match twin {
            Some(earlier) if earlier.source == Source::Cib && step.source != Source::Cib => {
                *earlier = step
            }
            Some(_) => {}
            None => kept.push(step),
        }
    }
    kept.sort_by_key(|step| step.at);
    kept
}

/// The way of the role, and that of the node in trouble. The promotion was `done` then: it did not wait for what came later.
fn phases(cause: Option<&Step>, heir: &str, done: OffsetDateTime, steps: &[Step]) -> Vec<Phase> {
    let find = |kind: Kind, node: Option<&str>, from: OffsetDateTime| {
        let of = |step: &&Step| step.kind == kind && node.is_none_or(|node| step.node == node);
        steps
            .iter()
            .filter(of)
            .map(|step| step.at)
            .find(|at| *at >= from)
    };
    let Some(start) = steps.first().map(|step| step.at) else {
        return Vec::new();
    };
    let mut way = Way {
        at: start,
        phases: Vec::new(),
    };
    let victim = cause.map(|step| &*step.node);
    if victim.is_some() {
        let fenced = find(Kind::Fenced, victim, start);
        way.to("fencing", fenced.filter(|at| *at <= done));
        let begins = find(Kind::Begins(Task::Promote), Some(heir), way.at);
        way.to("decision to promote", begins.filter(|at| *at <= done));
    }
    way.to(
        "promotion",
        find(Kind::Done(Task::Promote), Some(heir), way.at),
    );
    if let Some(victim) = victim.filter(|victim| *victim != heir) {
        let name = format!("restart of {victim}");
        way.to(&name, find(Kind::Done(Task::Start), Some(victim), way.at));
        let name = format!("{victim} joins until it is synced");
        way.to(&name, find(Kind::Member, Some(victim), way.at));
    }
    way.phases
}

struct Way {
    at: OffsetDateTime,
    phases: Vec<Phase>,
}

impl Way {
    /// Goes on to the end of a phase, if that is known.
    fn to(&mut self, name: &str, end: Option<OffsetDateTime>) {
        let Some(end) = end else { return };
        self.phases.push(Phase {
            name: name.to_owned(),
            from: self.at,
            to: end,
        });
        self.at = end;
    }
}
