//! The rule behind a verdict, by its title in `docs/election.md` and in words. Pure.

use serde::Serialize;

use super::judgement::Outcome;
use super::scene::Scene;
use crate::galera::election::{Reason, Refusal, Verdict, Waiting};

/// A rule of the election.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Rule {
    pub title: &'static str,
    pub words: &'static str,
}

const fn rule(title: &'static str, words: &'static str) -> Rule {
    Rule { title, words }
}

/// The rule that made this outcome.
pub(super) fn of(scene: &Scene, outcome: Outcome) -> Rule {
    if outcome == Outcome::Stopped {
        return rule(
            "Nobody is started",
            "Only nodes on which the resource is started take part in an election.",
        );
    }
    match scene.verdict() {
        Verdict::Join(_) => rule(
            "Join a primary component",
            "While one node is in the primary component, nobody bootstraps: every other node joins it.",
        ),
        Verdict::Restore(_) => rule(
            "Restore the last primary component",
            "All members of the last primary component are here with their saved view, and nobody else can have \
             more: they start together and Galera restores the component, without a bootstrap.",
        ),
        Verdict::Bootstrap(_, reason) | Verdict::Revive(_, reason) => of_reason(&reason),
        Verdict::Wait(waiting) => of_waiting(&waiting),
        Verdict::Refuse(refusal) => of_refusal(&refusal),
    }
}

fn of_reason(reason: &Reason) -> Rule {
    match reason {
        Reason::AllReported => rule(
            "Every node has reported",
            "All nodes of wsrep_cluster_address have said how far their data goes. Of those in the newest epoch, \
             the one with the latest seqno loses nobody's writes.",
        ),
        Reason::LastView(_) => rule(
            "The last primary component has reported",
            "A later primary component can only come from members of the last one that is known. All of these have \
             reported, so no silent node can have later writes.",
        ),
        Reason::Survivors(_) => rule(
            "The survivors go on",
            "Servers that run have lost the others of their primary component, who are fenced or whose processes \
             are gone, and who cannot have gone on by themselves before that.",
        ),
        Reason::PartnerGone(_) => rule(
            "Two node mode",
            "The parameter two_node_mode lets the survivor go on when the partner is fenced or cleanly down. Writes \
             that only the partner had on disk are lost.",
        ),
        Reason::Creation => rule(
            "Creation",
            "No node ever had a history, and the parameter enable_creation allows to make one.",
        ),
        Reason::Forced => rule(
            "An operator's order",
            "An order holds for the position that the node had reported when it was given, until a newer epoch.",
        ),
    }
}

fn of_waiting(waiting: &Waiting) -> Rule {
    match waiting {
        Waiting::NoQuorum => rule(
            "No quorum, no decision",
            "A part of the cluster without quorum cannot know what the rest does, and starts nothing.",
        ),
        Waiting::Bootstrapping(_) => rule(
            "One bootstrap at a time",
            "One node has opened an epoch: the others join it once it is the primary component.",
        ),
        Waiting::Restoring(_) => rule(
            "One bootstrap at a time",
            "Nodes that restore the last primary component could succeed at any moment: nobody bootstraps until \
             they have, or have reported again.",
        ),
        Waiting::Joining(_) => rule(
            "One bootstrap at a time",
            "A server that was started to join the last primary component could join the next one instead, and \
             acknowledge writes that its node takes for older ones: nobody bootstraps until it has stopped.",
        ),
        Waiting::AtLarge(_) => rule(
            "Nobody at large",
            "Survivors make their component anew only when every other node is fenced, has left in order or has \
             reported: a server that knows nothing of it could otherwise acknowledge writes.",
        ),
        Waiting::Survivors(_) => rule(
            "Nothing behind a survivor's back",
            "A server runs that has lost its component and cannot make it anew. It is restarted and reports; until \
             then nobody bootstraps.",
        ),
        Waiting::Ahead { .. } => rule(
            "The latest seqno wins",
            "The resource is stopped on the node with the latest seqno, so it cannot be promoted there, and any \
             other would lose writes.",
        ),
        Waiting::Epoch { .. } => rule(
            "The newest epoch wins",
            "Each bootstrap opens an epoch. Data of an older one lacks what was written since, however high its \
             seqno: somebody of the newest epoch has to report.",
        ),
        Waiting::Electors { .. } => rule(
            "No silent node may be ahead",
            "Not every node has reported, and the last primary component is not proven to have reported: a silent \
             node could hold later writes.",
        ),
    }
}

fn of_refusal(refusal: &Refusal) -> Rule {
    match refusal {
        Refusal::Histories(_) => rule(
            "Two histories never merge",
            "Seqnos can be compared within one history only. Whoever joins with another history loses its data \
             to a full state transfer.",
        ),
        Refusal::TwoHalves { .. } => rule(
            "Two halves never merge",
            "The cluster was split without fencing, and both halves opened an epoch of the same number: the same \
             seqno stands for different writes. Whoever follows the other half loses its own writes.",
        ),
        Refusal::Replaced { .. } => rule(
            "The cluster's own history",
            "The data is of another history than the one that the cluster last ran with: a bootstrap would make \
             it the cluster's.",
        ),
        Refusal::Emptied { .. } => rule(
            "An emptied cluster",
            "The cluster had data, and every data directory is empty now: a file system may not be mounted. \
             enable_creation allows only the first start ever.",
        ),
        Refusal::NoHistory => rule(
            "Creation",
            "No node ever had a history, and the parameter enable_creation does not allow to make one.",
        ),
        Refusal::SeveralWithData(_) => rule(
            "Creation",
            "Several data directories hold databases that were never in a cluster: the others would be replaced.",
        ),
        Refusal::NoCopy { .. } => rule(
            "A complete copy",
            "A bootstrap needs data that is complete and whose position is known; no node of the newest epoch has it.",
        ),
    }
}
