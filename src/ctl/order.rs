//! Whether an order to bootstrap may be given, and what it says. Pure.

use thiserror::Error;

use super::losses;
use super::scene::Scene;
use super::stand;
use crate::galera::ballot::{Data, Elector, Force, Report, Stand};
use crate::galera::election::{Verdict, newest_epoch};
use crate::galera::published;

/// An order that could be given.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Order {
    /// The cluster's name of the node that carries it.
    pub node: String,
    pub force: Force,
    /// What it gives up.
    pub losses: Vec<String>,
    /// The election chooses this node without any order.
    pub needless: bool,
    /// Nodes that carry an earlier order, which must go.
    pub earlier: Vec<String>,
}

/// Why no order is given.
#[derive(Debug, PartialEq, Eq, Error)]
pub(super) enum Refused {
    #[error("no node {from} among the nodes of the cluster; there are: {known}")]
    NoSuchNode { from: String, known: String },
    #[error(
        "{member} is in the primary component: {from} joins it by itself once the resource is started there"
    )]
    Primary { member: String, from: String },
    #[error("{other} is bootstrapping the cluster: {from} joins it once that is done")]
    Bootstrapping { other: String, from: String },
    #[error(
        "this partition has no quorum, and no order is obeyed without; start Pacemaker on more nodes \
         (not seen: {away})"
    )]
    NoQuorum { away: String },
    #[error(
        "no node has reported: there is nothing to start from yet; start the resource: \
         pcs resource enable {outer} (or crm resource start {outer})"
    )]
    NobodyReported { outer: String },
    #[error("{from} has not reported ({why}); {remedy}")]
    NotReported {
        from: String,
        why: String,
        remedy: String,
    },
    #[error(
        "the resource is stopped on {from}, so it cannot be promoted there; start it: \
         pcs resource enable {outer} (or crm resource start {outer})"
    )]
    Stopped { from: String, outer: String },
    #[error("the data of {from} cannot be started from: {why}; choose another node{others}")]
    Unusable {
        from: String,
        why: String,
        others: String,
    },
    #[error(
        "starting from {from} would lose data:\n{}\nTo accept that: {command}",
        super::text::bullets(.losses)
    )]
    Losses {
        from: String,
        losses: Vec<String>,
        command: String,
    },
}

/// The order to start from the node that `from` names, whatever it costs.
pub(super) fn plan(scene: &Scene, from: &str) -> Result<Order, Refused> {
    let elector = find(scene, from)?;
    let report = reported(scene, elector)?;
    usable(scene, elector, report)?;
    let node = scene.address(elector).to_owned();
    let name = published::order_attribute(&scene.resource);
    let carriers = scene
        .cib
        .nodes()
        .filter(|other| *other.uname != *node && other.transient.get(&name).is_some());
    Ok(Order {
        earlier: carriers.map(|other| other.uname.to_string()).collect(),
        node,
        losses: losses::of(scene, elector),
        needless: matches!(scene.verdict(), Verdict::Bootstrap(chosen, _) if chosen == *elector),
        force: Force {
            elector: elector.clone(),
            epoch: newest_epoch(scene.ballot()),
            position: report.position().cloned(),
        },
    })
}

/// The same, if it costs nothing or the cost is accepted.
pub(super) fn accepted(scene: &Scene, from: &str, force: bool) -> Result<Order, Refused> {
    let order = plan(scene, from)?;
    if order.losses.is_empty() || force || order.needless {
        return Ok(order);
    }
    Err(Refused::Losses {
        from: scene.called(&order.force.elector),
        losses: order.losses,
        command: scene.command(&format!("bootstrap --from {} --force", order.node)),
    })
}

/// The elector of this name, else the one on the cluster node of this name.
fn find<'a>(scene: &'a Scene, from: &str) -> Result<&'a Elector, Refused> {
    let stands = &scene.ballot().stands;
    if stands.is_empty() && scene.cib.node(from).is_some() {
        let outer = scene.outer().to_owned();
        return Err(Refused::NobodyReported { outer });
    }
    let by_node = || scene.elector(from);
    let by_name = stands.get_key_value(from).map(|(name, _)| name);
    by_name.or_else(by_node).ok_or_else(|| {
        let nodes = scene.shown_nodes().map(|node| node.uname.to_string());
        let mut known: Vec<_> = nodes.chain(stands.keys().cloned()).collect();
        known.sort();
        known.dedup();
        Refused::NoSuchNode {
            from: from.to_owned(),
            known: known.join(", "),
        }
    })
}

/// Its report, when it is one that the election would listen to.
fn reported<'a>(scene: &'a Scene, elector: &Elector) -> Result<&'a Report, Refused> {
    let from = scene.called(elector);
    let stands = &scene.ballot().stands;
    let doing = |wanted: &Stand| stands.iter().find(|(_, stand)| *stand == wanted);
    if let Some((member, _)) = doing(&Stand::Primary) {
        let member = scene.called(member);
        return Err(Refused::Primary { member, from });
    }
    if let Some((other, _)) = doing(&Stand::Bootstrapping) {
        let other = scene.called(other);
        return Err(Refused::Bootstrapping { other, from });
    }
    if !scene.ballot().quorate {
        let away = scene.shown_nodes().filter(|node| !node.online());
        let away: Vec<_> = away.map(|node| &*node.uname).collect();
        let away = away.join(", ");
        return Err(Refused::NoQuorum { away });
    }
    if scene.ballot().reports().next().is_none() {
        let outer = scene.outer().to_owned();
        return Err(Refused::NobodyReported { outer });
    }
    match stands.get(elector) {
        Some(Stand::Reported {
            report,
            eligible: true,
        }) => Ok(report),
        Some(Stand::Reported { .. }) => Err(Refused::Stopped {
            from,
            outer: scene.outer().to_owned(),
        }),
        other => Err(Refused::NotReported {
            why: other.map_or_else(String::new, |stand| stand::sentence(scene, elector, stand)),
            remedy: "wait until it has, or choose a node that has: ".to_owned()
                + &startable(scene, elector),
            from,
        }),
    }
}

fn usable(scene: &Scene, elector: &Elector, report: &Report) -> Result<(), Refused> {
    match &report.data {
        Data::At(_) | Data::Blank { .. } => Ok(()),
        Data::Partial | Data::Unreadable(_) => {
            let others = startable(scene, elector);
            Err(Refused::Unusable {
                from: scene.called(elector),
                why: stand::data_reason(&report.data).unwrap_or_default(),
                others: format!(": {others}"),
            })
        }
    }
}

/// The others that an order could name.
fn startable(scene: &Scene, except: &Elector) -> String {
    let usable = scene.ballot().reports().filter(|(name, report, eligible)| {
        let data = matches!(report.data, Data::At(_) | Data::Blank { .. });
        *eligible && data && *name != except
    });
    let names: Vec<_> = usable.map(|(name, ..)| name).collect();
    if names.is_empty() {
        return "none at the moment".into();
    }
    scene.list(names)
}
