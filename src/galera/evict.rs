//! Whom to evict from the group, so that the others need not wait for it. Pure.
//!
//! Galera waits for a silent member for seconds, and every write waits with it. A member that is told to evict it
//! goes on at once. But to evict everybody else is a bootstrap in disguise: the one that is left becomes Primary,
//! whatever its number. So nobody is evicted without proof that it is dead, and that no component can have gone on
//! without the one who evicts. The rules are in `docs/eviction.md`.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::ballot::Elector;
use super::gvwstate::SavedView;
use super::published::Dead;

/// What a member of the component sees when it asks whom to evict.
#[derive(Debug, Clone)]
pub struct Sight<'a> {
    /// Pacemaker's partition has quorum.
    pub quorate: bool,
    /// Nodes that are lost are fenced.
    pub fencing: bool,
    /// The last primary view of this node's server.
    pub view: &'a SavedView,
    /// The other nodes.
    pub others: Vec<Other<'a>>,
}

/// Another node.
#[derive(Debug, Clone, Copy)]
pub struct Other<'a> {
    /// Its name in the electorate.
    pub elector: &'a Elector,
    /// The server that it was last known to have.
    pub server: Option<Uuid>,
    /// It says itself that its server is in the component.
    pub member: bool,
    /// What it says of a server that is gone.
    pub dead: Option<&'a Dead>,
    /// What Pacemaker says of the node.
    pub node: NodeState,
    /// The kernel has no connection to its server, or none that is answered.
    pub unreachable: bool,
    /// At some time since this view began, nobody listened where its server does: by now that may be a next server. A
    /// broken connection alone proves nothing: Galera itself ends that to a server that hangs, after 3 s.
    pub refused: bool,
}

/// What Pacemaker knows of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeState {
    /// In the partition.
    Online,
    /// Lost; where fencing is on, not fenced yet.
    Lost,
    /// Fenced, or left in order without this resource: no server can run there, as far as the cluster knows.
    Down,
}

/// Everybody of the view who is proven dead.
pub fn dead(sight: &Sight<'_>) -> BTreeSet<Uuid> {
    if !sight.quorate {
        return BTreeSet::new();
    }
    let view = sight.view;
    let others = sight.others.iter();
    let gone: BTreeSet<Uuid> = others.filter_map(|other| gone(sight, other)).collect();
    let others = sight.others.iter();
    let lost: BTreeSet<Uuid> = others.filter_map(|other| lost(sight, other)).collect();
    let all: BTreeSet<Uuid> = gone.union(&lost).copied().collect();
    let left = view.members.len().saturating_sub(all.len());
    // Could the lost have been a component by themselves, before they were lost? Not when they were half or less.
    let harmless = if sight.fencing {
        2 * lost.len() <= view.members.len()
    } else {
        2 * left > view.members.len()
    };
    if lost.is_empty() || harmless {
        all
    } else {
        gone
    }
}

/// Its own node says that the process is gone, and that it died in this very view: it was in no later one. Nobody
/// claims it as a server that lives, and the kernel agrees: with the process its listening socket has ended. That of a server
/// that hangs still takes connections.
fn gone(sight: &Sight<'_>, other: &Other<'_>) -> Option<Uuid> {
    let (view, dead) = (sight.view, other.dead?);
    let mut all = sight.others.iter();
    let alive = all.any(|one| one.member && one.server == Some(dead.server));
    let here = dead.server != view.me && view.members.contains(&dead.server);
    let gone = other.refused && !alive;
    (here && gone && dead.view == view.view.to_string()).then_some(dead.server)
}

/// The whole node is lost, and nothing is heard from its server.
fn lost(sight: &Sight<'_>, other: &Other<'_>) -> Option<Uuid> {
    let server = other.server?;
    let lost = match other.node {
        NodeState::Online => false,
        NodeState::Lost => !sight.fencing,
        NodeState::Down => true,
    };
    let here = server != sight.view.me && sight.view.members.contains(&server);
    (here && lost && other.unreachable).then_some(server)
}

/// How many members come before this one when somebody has to act: all make the same choice. `own`: this node.
pub fn rank(sight: &Sight<'_>, own: &Elector, dead: &BTreeSet<Uuid>) -> usize {
    let survives = |other: &&Other<'_>| {
        let here = other
            .server
            .is_some_and(|server| sight.view.members.contains(&server) && !dead.contains(&server));
        other.member && other.node == NodeState::Online && here
    };
    let survivors = sight.others.iter().filter(survives);
    survivors.filter(|other| other.elector < own).count()
}

#[cfg(test)]
mod tests;
