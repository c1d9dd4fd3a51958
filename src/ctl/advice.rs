//! What an operator can do next, with the exact commands. Pure.

use serde::Serialize;

use super::judgement::{self, Outcome};
use super::losses;
use super::order;
use super::scene::Scene;
use super::stand;
use crate::galera::ballot::{Elector, Report};
use crate::galera::election::{Refusal, Verdict, Waiting};

/// One thing that can be done.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Step {
    pub what: String,
    /// To be typed; `None` where there is no command for it.
    pub command: Option<String>,
    /// What that gives up.
    pub losses: Vec<String>,
}

fn step(what: impl Into<String>, command: impl Into<Option<String>>) -> Step {
    Step {
        what: what.into(),
        command: command.into(),
        losses: Vec::new(),
    }
}

/// The steps that change this outcome; none: there is nothing to do.
pub(super) fn of(scene: &Scene, outcome: Outcome) -> Vec<Step> {
    if outcome == Outcome::Stopped {
        return vec![start(scene)];
    }
    match scene.verdict() {
        Verdict::Join(_) => {
            let (_, others) = judgement::members(scene);
            others
                .into_iter()
                .map(|other| revive(scene, other))
                .collect()
        }
        Verdict::Restore(_) | Verdict::Bootstrap(..) | Verdict::Revive(..) => {
            vec![step("wait until the nodes are members", None)]
        }
        Verdict::Wait(waiting) => waiting_for(scene, &waiting),
        Verdict::Refuse(refusal) => refused(scene, &refusal),
    }
}

fn waiting_for(scene: &Scene, waiting: &Waiting) -> Vec<Step> {
    let missing = match waiting {
        Waiting::Bootstrapping(_)
        | Waiting::Restoring(_)
        | Waiting::Joining(_)
        | Waiting::Survivors(_) => {
            return vec![step("wait: this ends by itself", None)];
        }
        Waiting::NoQuorum => {
            let away = scene.shown_nodes().filter(|node| !node.online());
            return away.map(|node| start_node(&node.uname)).collect();
        }
        Waiting::AtLarge(nodes) => {
            let nodes = nodes.join(", ");
            let text = format!(
                "wait until {nodes} is fenced or has reported; if that fails, see to its power switch"
            );
            return vec![step(text, None)];
        }
        Waiting::Ahead { .. } => return vec![start(scene)],
        Waiting::Epoch { missing, .. } | Waiting::Electors { missing, .. } => missing,
    };
    let revived = missing.iter().map(|elector| revive(scene, elector));
    revived.chain(go_on(scene)).collect()
}

fn refused(scene: &Scene, refusal: &Refusal) -> Vec<Step> {
    let chosen = match refusal {
        Refusal::Histories(held) => {
            let best = held.values().filter_map(|holders| best(scene, holders));
            return best
                .filter_map(|elector| order_from(scene, elector))
                .collect();
        }
        Refusal::TwoHalves { halves, .. } => {
            let best = halves.values().filter_map(|nodes| best(scene, nodes));
            return best
                .filter_map(|elector| order_from(scene, elector))
                .collect();
        }
        Refusal::SeveralWithData(nodes) => {
            return nodes
                .iter()
                .filter_map(|elector| order_from(scene, elector))
                .collect();
        }
        Refusal::NoHistory => {
            let command = format!(
                "crm_resource --resource {} --set-parameter enable_creation --parameter-value true",
                scene.resource
            );
            return vec![step("allow the creation of a new cluster", command)];
        }
        Refusal::Emptied { .. } => Some(step(
            "look whether the data directory is mounted on every node, then clean up: the nodes look again",
            format!("crm_resource --cleanup --resource {}", scene.resource),
        )),
        Refusal::Replaced { expected, .. } => Some(step(
            format!("bring back a node with data of history {expected}"),
            None,
        )),
        Refusal::NoCopy { .. } => Some(step(
            "settle what the reports below name, or restore a backup on one node",
            None,
        )),
    };
    chosen.into_iter().chain(go_on(scene)).collect()
}

/// The order that gives up the least.
fn go_on(scene: &Scene) -> Option<Step> {
    let all: Vec<_> = scene.ballot().stands.keys().cloned().collect();
    let step = order_from(scene, best(scene, &all)?)?;
    Some(Step {
        what: format!("or {}", step.what),
        ..step
    })
}

/// Of these, the started one with data of the newest epoch and the latest seqno.
fn best<'a>(scene: &Scene, electors: &'a [Elector]) -> Option<&'a Elector> {
    let rank = |report: &Report| (report.position().is_some(), report.epoch, report.seqno());
    let usable = electors.iter().filter_map(|elector| {
        let report = scene.ballot().startable(elector)?;
        Some((rank(report), elector))
    });
    let best = usable.reduce(|best, next| if next.0 > best.0 { next } else { best });
    best.map(|(_, elector)| elector)
}

fn order_from(scene: &Scene, elector: &Elector) -> Option<Step> {
    let order = order::plan(scene, elector).ok()?;
    let force = if order.losses.is_empty() {
        ""
    } else {
        " --force"
    };
    let command = scene.command(&format!("bootstrap --from {}{force}", order.node));
    let what = format!("start from {}", scene.called(elector));
    Some(Step {
        losses: losses::of(scene, elector),
        ..step(what, command)
    })
}

/// What brings an elector back.
fn revive(scene: &Scene, elector: &str) -> Step {
    let Some(node) = scene.node(elector) else {
        return step(format!("start {elector}"), None);
    };
    let (name, resource) = (&*node.uname, &scene.resource);
    match stand::state(node) {
        "offline" => start_node(name),
        "unclean" => step(
            format!("fence {name}; only if it is certainly powered off, confirm that by hand"),
            format!("stonith_admin --confirm {name}"),
        ),
        "standby" => step(
            format!("end the standby of {name}"),
            format!("crm_standby --node {name} --delete"),
        ),
        "maintenance" => step(format!("end the maintenance of {name}"), None),
        "pending" => step(format!("wait until {name} has joined the cluster"), None),
        _ if scene.cib.fail_count(resource, name).points() > 0 => step(
            format!("see why the resource failed on {name}, then clean up"),
            format!("crm_resource --cleanup --resource {resource} --node {name}"),
        ),
        _ => step(
            format!("wait for {name}: {}", wait_reason(scene, elector)),
            None,
        ),
    }
}

fn wait_reason(scene: &Scene, elector: &str) -> String {
    let stand = scene.ballot().stands.get(elector);
    stand.map_or_else(String::new, |stand| stand::sentence(scene, elector, stand))
}

fn start_node(name: &str) -> Step {
    step(
        format!("start node {name}, and Pacemaker on it"),
        format!("pcs cluster start {name}  (or on {name}: crm cluster start)"),
    )
}

fn start(scene: &Scene) -> Step {
    let outer = scene.outer();
    step(
        "start the resource",
        format!("pcs resource enable {outer}  (or: crm resource start {outer})"),
    )
}
