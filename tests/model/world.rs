//! The modelled world: nodes with their disks, servers and agents, and the two networks between them.

use std::collections::{BTreeMap, BTreeSet};

use galera_rs::galera::ballot::{Elector, Epoch, Force, Report, Stand};
use galera_rs::galera::position::{History, Position};
use uuid::Uuid;

use crate::oracle::Oracle;

/// What Galera orders: a write set or a view change. Its seqno is its place in a log, counted from 1.
pub type Entry = u64;

/// Which parts of the protocol are kept. Where switching one off makes the model find a violation (see `known.rs`), that
/// proves both that the part is needed and that the model can see it; others cover for each other (`covered.rs`).
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// A bootstrapper looks a second time, after it has opened its epoch and said so.
    pub second_look: bool,
    /// Opening an epoch fails when it exists already.
    pub exclusive_epoch: bool,
    /// A restoring node looks a second time, after it has said so.
    pub second_look_to_restore: bool,
    /// A joiner notes the epoch before its server starts, not once it is synced.
    pub epoch_before_join: bool,
    /// A joiner looks a second time, after it has said so.
    pub second_look_to_join: bool,
    /// A member takes over the newer epoch that the others of its view are of.
    pub epoch_of_fellows: bool,
    /// A joiner takes the epoch from the primary node's attribute, not from the newest record.
    pub epoch_from_primary: bool,
    /// A server connects only to servers that were started since the same forced bootstrap.
    pub name_per_forced: bool,
    /// Data that a forced bootstrap gave up is not joined with.
    pub forced_data_is_given_up: bool,
    /// A primary node of an epoch that was given up does not count.
    pub given_up_primary_is_ignored: bool,
    /// Who bootstraps or restores voids every order first.
    pub starts_void_orders: bool,
    /// Who evicts is in a partition with quorum.
    pub evict_with_quorum: bool,
    /// A node that is lost counts as dead only when it is fenced: for an eviction, and for survivors.
    pub lost_means_fenced: bool,
    /// Survivors make no component anew while a server may run that knows nothing of it.
    pub nobody_at_large: bool,
    /// The other survivors note the new epoch before it has a server.
    pub survivors_note_the_epoch: bool,
    /// Half of a view or less may be lost.
    pub half_or_less: bool,
    /// Data beyond where a revival began counts as of its epoch.
    pub healed_counts_as_revived: bool,
    /// So it does when an attempt before that had failed.
    pub every_attempt_counts: bool,
}

impl Rules {
    /// The protocol as it should be.
    pub const ALL: Self = Self {
        second_look: true,
        exclusive_epoch: true,
        second_look_to_restore: true,
        epoch_before_join: true,
        second_look_to_join: true,
        epoch_of_fellows: true,
        epoch_from_primary: true,
        name_per_forced: true,
        forced_data_is_given_up: true,
        given_up_primary_is_ignored: true,
        starts_void_orders: true,
        evict_with_quorum: true,
        lost_means_fenced: true,
        nobody_at_large: true,
        survivors_note_the_epoch: true,
        half_or_less: true,
        healed_counts_as_revived: true,
        every_attempt_counts: true,
    };
}

/// A copy of the data, with what the server has received of it and not yet made durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copy {
    pub history: History,
    /// All that was received; the first `durable` entries survive a crash.
    pub log: Vec<Entry>,
    pub durable: usize,
}

/// The data directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Disk {
    Blank,
    Partial,
    Holds(Copy),
}

/// A primary view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    pub id: u64,
    pub members: BTreeSet<Uuid>,
    pub seqno: u64,
}

/// The agent's own record of a primary view.
#[derive(Debug, Clone)]
pub struct Record {
    /// The view it is of, while Galera is in it.
    pub view: Option<u64>,
    pub members: BTreeSet<Uuid>,
    pub floor: Option<u64>,
    /// The position that it was made for; it says nothing about another.
    pub at: Option<u64>,
}

/// What a server is to its primary component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// In none: searching, restoring, or cut off.
    Apart,
    /// In the view, and no transfer has begun.
    Joiner,
    /// In the view, with a full transfer under way.
    Receiving,
    /// In the view, with all of its data.
    Synced,
}

/// A running mariadbd.
#[derive(Debug, Clone)]
pub struct Server {
    pub life: Uuid,
    /// The epoch that it was started for.
    pub epoch: u64,
    /// What servers must share to connect: the newest forced bootstrap up to that epoch; 0: there was none.
    pub name: u64,
    pub component: Option<u64>,
    pub part: Part,
    /// The last primary view that it knows.
    pub last: Option<View>,
    /// `gvwstate.dat` has that view.
    pub saved: bool,
    /// It has lost its component, and still waits for the others; it was Synced there: then an eviction helps.
    pub waits: bool,
}

/// Where an agent is in the protocol: what its next atomic step does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// The resource is stopped.
    Stopped,
    /// Finds the position and reports.
    Start,
    /// Looks, and acts on the verdict.
    Reported,
    /// Has said that it joins, and looks again.
    LookToJoin { epoch: u64, keep: bool },
    /// Prepares the data for a join of this epoch; `keep`: it may go on from there.
    Prepare { epoch: u64, keep: bool },
    /// Starts the server that joins.
    Join { epoch: u64 },
    /// Waits for Synced; the epoch is noted then, if not before.
    Joining { epoch: u64 },
    /// Has said that it restores, and looks again.
    LookToRestore { epoch: u64 },
    /// Waits for the component to come back.
    Restoring,
    /// Is being promoted: looks.
    Promote,
    /// Creates the record of the epoch.
    Open { next: Box<Opening> },
    /// Says that it bootstraps.
    Announce { next: Box<Opening> },
    /// Looks again.
    LookToBootstrap { next: Box<Opening> },
    /// Writes its own epoch file.
    Note { next: Box<Opening> },
    /// Starts the server.
    Bootstrap { next: Box<Opening> },
    /// Its server is in a primary component, or was.
    Running,
    /// It has said that its server has lost its component.
    Apart,
    /// Its server makes the component anew.
    Revive { next: Box<Opening>, then: Revival },
}

/// The steps of a component made anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Revival {
    /// Creates the record of the epoch.
    Open,
    /// Says so.
    Announce,
    /// Looks again.
    Look,
    /// Writes its own epoch file, and says that it has.
    Note,
    /// Waits for the others to note it.
    Await,
    /// Tells its server.
    Tell,
}

/// What goes with a stand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Word {
    /// A server of this node that is gone, and its last view.
    pub dead: Option<(Uuid, u64)>,
    /// The server that is a member.
    pub life: Option<Uuid>,
    /// It is of this epoch, and makes the component anew.
    pub noted: Option<u64>,
}

/// A bootstrap under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    pub epoch: Epoch,
    pub before: Epoch,
    /// What the order's cost listed, for a bootstrap that may lose something.
    pub cost: Option<Cost>,
    /// Who was silent or busy at the last look.
    pub unknown: Vec<Elector>,
}

/// The answer of `cost_of`.
pub type Cost = Vec<(Elector, Option<Position>)>;

/// The permanent part of a CIB.
#[derive(Debug, Clone, Default)]
pub struct Cib {
    pub version: u64,
    /// Every epoch that was opened and not retracted.
    pub epochs: Vec<Epoch>,
    /// An order, with what it was said to cost.
    pub order: Option<(Force, Cost)>,
    /// Nodes that were fenced and have not been seen since.
    pub down: BTreeSet<usize>,
}

impl Cib {
    /// The newest epoch.
    pub fn epoch(&self) -> Epoch {
        self.epochs.last().cloned().unwrap_or_default()
    }
}

/// One node.
#[derive(Debug, Clone)]
pub struct Node {
    pub name: Elector,
    // What survives a power cut.
    pub disk: Disk,
    /// `gvwstate.dat`.
    pub saved: Option<View>,
    pub safe: bool,
    pub clean: bool,
    pub epoch: u64,
    pub record: Option<Record>,
    pub lives: Vec<Uuid>,
    pub cib: Cib,
    // What does not.
    pub server: Option<Server>,
    /// The cluster stack runs.
    pub stack: bool,
    /// It was in a quorate partition before the last change of membership.
    pub witness: bool,
    pub stage: Stage,
    pub report: Option<Report>,
    /// The last look of the agent elected it: Pacemaker may promote it.
    pub elected: bool,
    /// The attribute, and the epoch that goes with `Primary`.
    pub stand: Stand,
    pub primary_epoch: u64,
    /// A write of it that has not taken effect.
    pub pending: Option<Stand>,
    /// What goes with the attribute, and with the write.
    pub word: Word,
    pub pending_word: Word,
    /// The servers of the others, as they said last.
    pub known: BTreeMap<usize, Uuid>,
    /// Nothing comes of its server as it is: the monitor says so.
    pub hopeless: bool,
}

/// A primary component.
#[derive(Debug, Clone)]
pub struct Component {
    pub view: View,
    pub members: BTreeSet<usize>,
    pub history: History,
    pub log: Vec<Entry>,
    pub epoch: u64,
    /// A forced bootstrap elsewhere gave it up: it may run, and what it acknowledges counts no more.
    pub given_up: bool,
}

/// Everything.
#[derive(Debug, Clone)]
pub struct World {
    pub rules: Rules,
    pub nodes: Vec<Node>,
    pub components: BTreeMap<u64, Component>,
    /// Corosync's network: nodes with the same number see each other.
    pub ring: Vec<u8>,
    /// Galera's network.
    pub wire: Vec<u8>,
    pub creation: bool,
    pub two_node_mode: bool,
    /// Lost nodes are fenced.
    pub fencing: bool,
    pub oracle: Oracle,
    next: u64,
}

impl World {
    /// Blank nodes, powered off.
    pub fn new(size: usize, rules: Rules) -> Self {
        let node = |i| Node {
            name: format!("n{i}"),
            disk: Disk::Blank,
            saved: None,
            safe: false,
            clean: true,
            epoch: 0,
            record: None,
            lives: Vec::new(),
            cib: Cib::default(),
            server: None,
            stack: false,
            witness: false,
            stage: Stage::Stopped,
            report: None,
            elected: false,
            stand: Stand::Silent,
            primary_epoch: 0,
            pending: None,
            word: Word::default(),
            pending_word: Word::default(),
            known: BTreeMap::new(),
            hopeless: false,
        };
        Self {
            rules,
            nodes: (0..size).map(node).collect(),
            components: BTreeMap::new(),
            ring: vec![0; size],
            wire: vec![0; size],
            creation: true,
            two_node_mode: false,
            fencing: true,
            oracle: Oracle::default(),
            next: 1,
        }
    }

    /// A number that was never used before.
    pub fn fresh(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// A UUID that was never used before.
    pub fn fresh_uuid(&mut self) -> Uuid {
        Uuid::from_u128(u128::from(self.fresh()))
    }
}

impl Node {
    /// The copy that it holds.
    pub fn copy(&self) -> Option<&Copy> {
        match &self.disk {
            Disk::Holds(copy) => Some(copy),
            Disk::Blank | Disk::Partial => None,
        }
    }

    /// The copy that it holds, to be changed.
    pub fn copy_mut(&mut self) -> Option<&mut Copy> {
        match &mut self.disk {
            Disk::Holds(copy) => Some(copy),
            Disk::Blank | Disk::Partial => None,
        }
    }

    /// How many entries it has received.
    pub fn len(&self) -> u64 {
        self.copy().map_or(0, |copy| copy.log.len() as u64)
    }

    /// What its server is to a primary component; `None` without a server.
    pub fn part(&self) -> Option<Part> {
        self.server.as_ref().map(|server| server.part)
    }

    /// Its server may commit.
    pub fn synced(&self) -> bool {
        self.part() == Some(Part::Synced)
    }
}
