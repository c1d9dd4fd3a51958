//! Evicts the dead, from a member of the component: the server side of [`evict`](super::evict).

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::ballot::Elector;
use super::evict::{self, NodeState, Other, Sight};
use super::gvwstate::SavedView;
use super::membership::ANSWER;
use super::node::Node;
use super::outlook::Outlook;
use super::places::Places;
use super::published::Phase;
use super::silence::DatabaseError;
use super::turns::Turns;
use crate::ocf::Deadline;
use crate::sys::links::{self, Link};

/// How often the view and the connections are looked at.
const GLANCE: Duration = Duration::from_millis(250);

/// How often while somebody is dead.
const SOON: Duration = Duration::from_millis(30);

/// How long after its answer the cluster is asked again about somebody who does not answer.
const AGAIN: Duration = Duration::from_millis(100);

/// How often a silent member's port is tried.
const KNOCKING: Duration = Duration::from_millis(300);

/// For so long it is asked so often.
const URGENT: Duration = Duration::from_secs(15);

/// How often after that.
const LATER: Duration = Duration::from_secs(5);

/// A reason to ask the cluster: again and again at first, then less often.
#[derive(Debug, Default)]
struct Concern {
    since: Option<Instant>,
    answered: Option<Instant>,
}

impl Concern {
    /// Whether the cluster should be asked now. `stands`: whether there still is a reason.
    fn is_due(&mut self, stands: bool) -> bool {
        if !stands {
            *self = Self::default();
            return false;
        }
        let since = self.since.get_or_insert_with(Instant::now);
        let pause = if since.elapsed() < URGENT {
            AGAIN
        } else {
            LATER
        };
        self.answered.is_none_or(|last| last.elapsed() >= pause)
    }

    fn stands(&self) -> bool {
        self.since.is_some()
    }
}

/// One member's view of the others, for as long as its server lives.
#[derive(Debug)]
pub struct Evictor<'a> {
    node: &'a Node,
    places: Places,
    /// The server of each other node, as it was published last: a lost node's attributes are removed.
    known: BTreeMap<String, (Elector, Uuid)>,
    /// The last primary view that was seen here.
    view: Option<SavedView>,
    /// The list of the evicted has not been emptied in this view, and when that is tried next.
    untidy: Option<Deadline>,
    /// Somebody is in the component and does not answer.
    silent: Concern,
    /// Somebody is in the component, and nobody says who.
    unknown: Concern,
    /// Where nobody listened in this view.
    refused: BTreeSet<Elector>,
    /// Where somebody listened, or no answer came, and when.
    knocked: BTreeMap<Elector, Instant>,
    /// Who was found dead, and whose turn it is to evict them.
    dead: Option<Turns>,
}

impl<'a> Evictor<'a> {
    /// Begins to know the others.
    pub fn new(node: &'a Node) -> Self {
        let others = node.electorate.members.iter();
        let others = others.filter(|member| member.host != node.electorate.own);
        Self {
            node,
            places: Places::of(others),
            known: BTreeMap::new(),
            view: None,
            untidy: None,
            silent: Concern::default(),
            unknown: Concern::default(),
            refused: BTreeSet::new(),
            knocked: BTreeMap::new(),
            dead: None,
        }
    }

    /// How long to wait before the next glance: while somebody is dead, the list of the evicted has to be emptied
    /// before the next server joins.
    pub fn pause(&self) -> Duration {
        match (self.dead.is_some(), self.silent.stands()) {
            (true, _) => SOON,
            (false, true) => AGAIN,
            (false, false) => GLANCE,
        }
    }

    /// Looks at the saved view and at the kernel's connections; empties the list of the evicted when the view has
    /// changed. Returns whether the cluster should be asked about a member that does not answer any more, or is new.
    pub fn glance(&mut self) -> bool {
        self.places.look();
        let Some(view) = self.node.saved_view() else {
            return false;
        };
        if self.view.as_ref().is_none_or(|seen| seen.view != view.view) {
            (self.dead, self.refused) = (None, BTreeSet::new());
            let evicts = self.node.params.evict;
            self.untidy = evicts.then(|| Deadline::after(Duration::ZERO));
        }
        if self.untidy.as_ref().is_some_and(Deadline::passed) {
            self.tidy();
        }
        let unknown = self.is_unknown(&view);
        // Whoever was found dead stays a concern, even when its next server is connected.
        let silent = self.is_silent(&view) || self.dead.is_some();
        self.view = Some(view);
        // Both, so that each keeps its own time.
        let curious = self.unknown.is_due(unknown);
        self.silent.is_due(silent) || curious
    }

    /// Somebody is in the component and has not said so: it has just come, or is an arbitrator.
    fn is_unknown(&self, view: &SavedView) -> bool {
        let known = |server| self.known.values().any(|(_, known)| known == server);
        view.members
            .iter()
            .any(|server| *server != view.me && !known(server))
    }

    /// Takes note of the members that do not answer, and where nobody listens. Returns whether there is any.
    fn is_silent(&mut self, view: &SavedView) -> bool {
        let links = links::all();
        let members = self.known.values();
        let members = members.filter(|(_, server)| view.members.contains(server));
        let silent = members.filter(|(elector, _)| self.unreachable(elector, &links));
        let silent: Vec<Elector> = silent.map(|(elector, _)| elector.clone()).collect();
        let any = !silent.is_empty();
        for elector in silent {
            self.knock(elector);
        }
        any
    }

    /// Finds out whether anybody listens where this member's server does, now and then.
    fn knock(&mut self, elector: Elector) {
        let last = self.knocked.get(&elector);
        if self.refused.contains(&elector) || last.is_some_and(|last| last.elapsed() < KNOCKING) {
            return;
        }
        if self.places.refuses(&elector) {
            self.refused.insert(elector);
        } else {
            self.knocked.insert(elector, Instant::now());
        }
    }

    fn unreachable(&self, elector: &Elector, links: &[Link]) -> bool {
        let own = self.node.electorate.listen_port;
        self.places.is_unreachable(elector, own, links)
    }

    /// Takes note of who is in the component, and evicts whoever is proven dead, if it is this node's turn.
    pub fn look(&mut self, outlook: &Outlook) {
        let answered = Some(Instant::now());
        (self.silent.answered, self.unknown.answered) = (answered, answered);
        self.remember(outlook);
        let Some(view) = self.node.saved_view() else {
            return;
        };
        let links = links::all();
        for published in outlook.published.values() {
            if published.dead.is_some() && self.unreachable(&published.elector, &links) {
                self.knock(published.elector.clone());
            }
        }
        let known = self.known.iter();
        let known = known.map(|(name, (elector, server))| (name, elector, Some(*server)));
        let new = outlook.published.iter();
        let new =
            new.filter(|(name, _)| **name != self.node.name && !self.known.contains_key(*name));
        let new = new.map(|(name, published)| (name, &published.elector, None));
        let others = known.chain(new).map(|(name, elector, server)| {
            let published = outlook.published.get(name);
            let state = outlook.nodes.get(name);
            let unreachable = self.unreachable(elector, &links);
            Other {
                elector,
                server,
                member: published.is_some_and(|one| matches!(one.phase, Phase::Member(_))),
                dead: published.and_then(|one| one.dead.as_ref()),
                node: state.copied().unwrap_or(NodeState::Lost),
                unreachable,
                refused: self.refused.contains(elector),
            }
        });
        let sight = Sight {
            quorate: outlook.ballot.quorate,
            fencing: outlook.fencing,
            view: &view,
            others: others.collect(),
        };
        let dead = evict::dead(&sight);
        let rank = evict::rank(&sight, &self.node.electorate.own, &dead);
        if self.node.params.evict && self.is_due(&dead, rank) {
            self.evict(&dead);
        }
    }

    /// The servers of the other nodes, by node name.
    pub fn known(&self) -> BTreeMap<String, Uuid> {
        let known = self.known.iter();
        known
            .map(|(name, (_, server))| (name.clone(), *server))
            .collect()
    }

    fn remember(&mut self, outlook: &Outlook) {
        for (name, published) in &outlook.published {
            if let Phase::Member(member) = &published.phase
                && *name != self.node.name
            {
                let server = (published.elector.clone(), member.gcomm);
                self.known.insert(name.clone(), server);
            }
        }
    }

    /// Whether somebody is dead, and it is this node's turn.
    fn is_due(&mut self, dead: &BTreeSet<Uuid>, rank: usize) -> bool {
        if dead.is_empty() {
            self.dead = None;
            return false;
        }
        let now = Instant::now();
        let known = self.dead.take().filter(|turns| turns.are_about(dead));
        let turns = known.unwrap_or_else(|| Turns::new(dead.clone(), now));
        let members = self.known.len() + 1;
        self.dead.insert(turns).is_due(rank, members, now)
    }

    fn evict(&self, dead: &BTreeSet<Uuid>) {
        let each: Vec<_> = dead
            .iter()
            .map(|server| format!("evs.evict={server}"))
            .collect();
        log::warn!("{}: evicting the dead: {}", self.node.name, each.join(";"));
        let asked = self.node.database(ANSWER);
        let told = asked.and_then(|mut database| database.set_provider_options(&each.join(";")));
        if let Err(error) = told {
            log::warn!(
                "{}: cannot tell Galera's provider who is dead: {error}; without that, writes wait for a dead member \
                 for 5 s and more",
                self.node.name
            );
        }
    }

    /// Empties the list of the evicted, once the view stands: a name left on it costs five seconds at the next
    /// failure [measured].
    fn tidy(&mut self) {
        let tried = self.try_tidy();
        self.untidy = tried.is_err().then(|| Deadline::after(LATER));
        if let Err(error) = tried {
            log::warn!(
                "{}: cannot empty the list of the evicted: {error}; until that is done, writes wait 5 s longer for a \
                 member that dies",
                self.node.name
            );
        }
    }

    fn try_tidy(&self) -> Result<(), DatabaseError> {
        let mut database = self.node.database(ANSWER)?;
        if database.status()?.evict_list.is_empty() {
            return Ok(());
        }
        log::info!("{}: emptying the list of the evicted", self.node.name);
        database.set_provider_options("evs.evict=")
    }
}
