//! One look at the cluster, as a ballot. Pure.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::ballot::{Ballot, Epoch, Force, Stand};
use super::evict::NodeState;
use super::gvwstate::SavedView;
use super::properties;
use super::published::{self, Component, Phase, Published};
use super::survivors::{AtLarge, Fates};
use crate::cib::{Cib, Node, Role};

/// Who is asking, and with which parameters.
#[derive(Debug, Clone)]
pub struct Asker<'a> {
    /// The resource.
    pub resource: &'a str,
    /// The parameter `enable_creation`.
    pub enable_creation: bool,
    /// The parameter `two_node_mode`.
    pub two_node_mode: bool,
}

/// What the cluster knows of one resource.
#[derive(Debug, Clone)]
pub struct Outlook {
    /// What each node published, by node name.
    pub published: BTreeMap<String, Published>,
    /// The facts for an election.
    pub ballot: Ballot,
    /// The epochs that stand in the CIB.
    pub epochs: Vec<u64>,
    /// The nodes whose attribute carries an order.
    pub orders: Vec<String>,
    /// What Pacemaker knows of the nodes, by their names.
    pub nodes: BTreeMap<String, NodeState>,
    /// Lost nodes are fenced.
    pub fencing: bool,
}

impl Outlook {
    /// Looks through the eyes of `asker`.
    pub fn of(cib: &Cib, asker: &Asker<'_>) -> Self {
        let published = published::all(cib, asker.resource);
        let epoch = properties::epoch(cib, asker.resource);
        let nodes: BTreeMap<_, _> = cib
            .nodes()
            .map(|node| (node.uname.to_string(), state(cib, node, asker.resource)))
            .collect();
        let mut stands = published::stands(&published, &epoch);
        // What a node said that has been lost since may be long over.
        for (name, one) in &published {
            let lost = nodes
                .get(name)
                .is_none_or(|state| *state != NodeState::Online);
            if lost && matches!(one.phase, Phase::Member(_)) {
                stands.insert(one.elector.clone(), Stand::Silent);
            }
        }
        let ballot = Ballot {
            quorate: cib.header.have_quorum,
            epoch,
            partner_gone: asker.two_node_mode && stands.len() == 2 && partner_gone(cib, &published),
            stands,
            enable_creation: asker.enable_creation,
            force: order(cib, asker.resource),
            fates: fates(cib, asker.resource, &published, &nodes),
        };
        let epochs = properties::epoch_numbers(cib, asker.resource);
        let name = published::order_attribute(asker.resource);
        let ordered = cib
            .nodes()
            .filter(|node| node.transient.get(&name).is_some());
        let orders = ordered.map(|node| node.uname.to_string()).collect();
        Self {
            nodes,
            fencing: cib.fencing_enabled(),
            published,
            ballot,
            epochs,
            orders,
        }
    }

    /// What the nodes say that are online. What a node said that has been lost since may be long over.
    pub fn online(&self) -> impl Iterator<Item = &Published> {
        let online = |name| self.nodes.get(name) == Some(&NodeState::Online);
        let said = self.published.iter().filter(move |(name, _)| online(*name));
        said.map(|(_, one)| one)
    }

    /// The running primary component.
    pub fn component(&self) -> Option<Component> {
        published::component(self.online(), &self.ballot.epoch)
    }

    /// The newest epoch of the members that are in this view, by their own words.
    pub fn epoch_of(&self, view: &SavedView) -> Option<u64> {
        let members = self
            .published
            .values()
            .filter_map(|one| one.phase.membership());
        let members = members.filter(|member| view.members.contains(&member.gcomm));
        members.map(|member| member.epoch).max()
    }

    /// The cluster's epoch.
    pub fn epoch(&self) -> &Epoch {
        &self.ballot.epoch
    }
}

/// A node that left in order in maintenance mode may have left its server running. Who was fenced has no history.
fn state(cib: &Cib, node: &Node, resource: &str) -> NodeState {
    let histories = cib.history(resource, &node.uname);
    let left_running = histories
        .iter()
        .any(|history| history.role() > Role::Stopped);
    if node.online() {
        NodeState::Online
    } else if node.may_run() || left_running {
        NodeState::Lost
    } else {
        NodeState::Down
    }
}

/// What became of the servers of those that have not said where they stand.
fn fates(
    cib: &Cib,
    resource: &str,
    published: &BTreeMap<String, Published>,
    nodes: &BTreeMap<String, NodeState>,
) -> Fates {
    let mut fates = Fates::default();
    let electors: BTreeSet<_> = published.values().flat_map(|one| &one.electors).collect();
    if nodes.len() < electors.len() {
        let node = "a member that is no node of this cluster".to_owned();
        fates.at_large.insert(node, AtLarge::default());
    }
    for (name, state) in nodes {
        let said = published.get(name).filter(|_| *state == NodeState::Online);
        let dead = said.and_then(|one| one.dead.as_ref());
        fates
            .gone
            .extend(dead.map(|dead| (dead.server, dead.view.clone())));
        let servers = servers_of(name, published);
        let settled = match said.map(|one| &one.phase) {
            Some(Phase::Recovering) => dead.is_some(),
            Some(phase) => phase.report().is_some() && !matches!(phase, Phase::Restoring { .. }),
            // A node of another kind: the resource does not run there, nor has it for as long as anybody knows.
            None if *state == NodeState::Online => {
                servers.is_empty() && cib.role(resource, name) <= Role::Stopped
            }
            None => *state == NodeState::Down,
        };
        if !settled {
            let settles = *state == NodeState::Online || cib.fencing_enabled();
            fates
                .at_large
                .insert(name.clone(), AtLarge { servers, settles });
        } else if said.is_none() {
            fates.lost.extend(servers);
        }
    }
    fates
}

/// The servers that a node is known to have had, by those who have lost their component.
fn servers_of(node: &str, published: &BTreeMap<String, Published>) -> BTreeSet<Uuid> {
    let known = published.values().filter_map(|one| match &one.phase {
        Phase::Apart { known, .. } | Phase::Reviving { known, .. } => known.get(node).copied(),
        Phase::Recovering | Phase::Reported { .. } | Phase::Restoring { .. } | Phase::Joining => {
            None
        }
        Phase::Bootstrapping { .. } | Phase::Member(_) | Phase::Stopped { .. } => None,
    });
    known.collect()
}

/// Every node that has not reported is known to be gone: fenced, or cleanly down. One that still looks for its
/// position has published something, and is not gone. Who bootstraps has reported before, and looks a second time.
fn partner_gone(cib: &Cib, published: &BTreeMap<String, Published>) -> bool {
    let reported = |node: &str| {
        let published = published.get(node);
        published.is_some_and(|one| {
            one.phase.report().is_some() || matches!(one.phase, Phase::Bootstrapping { .. })
        })
    };
    let mut others = cib.nodes().filter(|node| !reported(&node.uname));
    others.all(|node| !node.may_run())
}

/// The operator's order, from the node attribute that carries it.
fn order(cib: &Cib, resource: &str) -> Option<Force> {
    let name = published::order_attribute(resource);
    let mut orders = cib.nodes().filter_map(|node| node.transient.get(&name));
    let text = orders.next()?;
    match serde_json::from_str(text) {
        Ok(order) => Some(order),
        Err(error) => {
            log::warn!("the order to bootstrap cannot be read ({error}): {text}");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::gvwstate::ViewId;
    use super::*;

    /// A node that left in order, with this history.
    fn left_with(history: &str) -> NodeState {
        let text = format!(
            "<cib have-quorum=\"1\"><configuration><crm_config/><nodes><node id=\"2\" uname=\"n2\"/></nodes><resources>\
             <primitive id=\"db\" class=\"ocf\" provider=\"galera-rs\" type=\"galera-rs\"/></resources><constraints/>\
             </configuration><status><node_state id=\"2\" uname=\"n2\" in_ccm=\"false\" crmd=\"offline\" join=\"down\" \
             expected=\"down\">{history}</node_state></status></cib>"
        );
        let cib = Cib::parse(text.as_bytes()).unwrap();
        state(&cib, cib.node("n2").unwrap(), "db")
    }

    #[test]
    fn a_node_that_left_with_the_server_running_is_not_down_and_one_that_was_fenced_or_stopped_is()
    {
        let ended = |operation: &str, rc: u8| {
            format!(
                "<lrm id=\"2\"><lrm_resources><lrm_resource id=\"db\" class=\"ocf\" provider=\"galera-rs\" \
                 type=\"galera-rs\"><lrm_rsc_op id=\"db_last_0\" operation=\"{operation}\" interval=\"0\" \
                 call-id=\"5\" transition-key=\"7:1:{rc}:u\" rc-code=\"{rc}\" op-status=\"0\"/></lrm_resource></lrm_resources></lrm>"
            )
        };
        assert_eq!(left_with(""), NodeState::Down);
        assert_eq!(left_with(&ended("stop", 0)), NodeState::Down);
        assert_eq!(left_with(&ended("start", 0)), NodeState::Lost);
        assert_eq!(left_with(&ended("monitor", 8)), NodeState::Lost);
    }

    /// A CIB of two nodes, and n2 has published this.
    fn n1_alone(n2: &str, said: &str) -> bool {
        let text = format!(
            "<cib have-quorum=\"1\"><configuration><crm_config/><nodes><node id=\"2\" uname=\"n2\"/></nodes>\
             <resources/><constraints/></configuration><status><node_state id=\"2\" uname=\"n2\" {n2}/></status></cib>"
        );
        let cib = Cib::parse(text.as_bytes()).unwrap();
        partner_gone(&cib, &BTreeMap::from([("n2".to_owned(), said_by_n2(said))]))
    }

    fn said_by_n2(phase: &str) -> Published {
        let said = format!(r#"{{"elector":"g2","electors":["g1","g2"],{phase}}}"#);
        serde_json::from_str(&said).unwrap()
    }

    const ONLINE: &str = "in_ccm=\"true\" crmd=\"online\" join=\"member\" expected=\"member\"";

    #[test]
    fn a_partner_that_looks_for_its_position_is_not_gone_and_one_that_is_down_is() {
        let recovering = r#""phase":"recovering""#;
        assert!(!n1_alone(ONLINE, recovering));
        let down = "in_ccm=\"false\" crmd=\"offline\" join=\"down\" expected=\"down\"";
        assert!(n1_alone(down, recovering));
    }

    #[test]
    fn a_node_that_bootstraps_is_not_its_own_partner_when_it_looks_again() {
        assert!(n1_alone(ONLINE, r#""phase":"bootstrapping","epoch":2"#));
    }

    /// Members of n2, which is a node in this state, with this life.
    fn member_of(state: NodeState, epoch: u64) -> Outlook {
        let member = format!(
            r#""phase":"member","gcomm":"{}","history":"{}","epoch":{epoch}"#,
            Uuid::from_u128(2),
            Uuid::from_u128(9)
        );
        let cib = Cib::parse(b"<cib/>").unwrap();
        let asker = Asker {
            resource: "db",
            enable_creation: false,
            two_node_mode: false,
        };
        let mut outlook = Outlook::of(&cib, &asker);
        outlook
            .published
            .insert("n2".to_owned(), said_by_n2(&member));
        outlook.nodes.insert("n2".to_owned(), state);
        outlook
    }

    #[test]
    fn what_a_lost_node_said_of_its_component_does_not_count() {
        let epoch = |state| member_of(state, 5).component().map(|found| found.epoch);
        assert_eq!(epoch(NodeState::Online), Some(5));
        assert_eq!(epoch(NodeState::Lost), None);
    }

    #[test]
    fn the_epoch_of_a_view_is_what_its_members_say_and_nobody_else() {
        let view = |life| SavedView {
            me: Uuid::from_u128(1),
            view: ViewId {
                uuid: Uuid::from_u128(1),
                number: 3,
            },
            members: [Uuid::from_u128(1), Uuid::from_u128(life)].into(),
            bootstrap: false,
        };
        let outlook = member_of(NodeState::Online, 6);
        assert_eq!(outlook.epoch_of(&view(2)), Some(6));
        assert_eq!(outlook.epoch_of(&view(3)), None);
    }
}
