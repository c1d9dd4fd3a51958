//! One look: a CIB, one resource of it, and the agent's own outlook on that.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;
use std::{fs, io};

use super::error::Error;
use crate::cib::{Cib, Node, NodeKind};
use crate::galera::address::HostMap;
use crate::galera::ballot::{Ballot, Elector};
use crate::galera::election::{Verdict, elect};
use crate::galera::outlook::{Asker, Outlook};
use crate::galera::published::Phase;
use crate::galera::pulse::{self, Pulse};
use crate::galera::transfer::{self, Step, Transfer};
use crate::galera::{self, GaleraParams};
use crate::ocf::{Env, Params as _};
use crate::sys::{by_resource, cluster};

/// The agent whose resources this command is about.
pub(super) const AGENT: &str = "galera-rs";

/// What the verbs look at.
#[derive(Debug)]
pub(super) struct Scene {
    pub cib: Cib,
    /// The primitive's name.
    pub resource: String,
    /// Whether its name has to be said in commands.
    pub one_of_several: bool,
    pub outlook: Outlook,
    /// What the election decides upon, see [`Scene::ballot`].
    ballot: Ballot,
    /// The cluster's names of electors, as far as they are known.
    nodes: BTreeMap<Elector, String>,
    /// State transfers under way, by node; only of the running cluster.
    pub transfers: BTreeMap<String, Transfer>,
    /// How large a full copy is, in bytes, where this node can tell.
    pub copy_size: Option<u64>,
    /// The parameter that the agent cannot use either.
    pub malformed: Option<String>,
    /// What is odd about the look itself.
    pub warnings: Vec<String>,
}

/// The CIB of the running cluster, for a verb that looks at no other.
pub(super) fn running() -> Result<Cib, Error> {
    cluster::look().map_err(|error| Error::NotHere(Box::new(error)))
}

/// The CIB of the running cluster, or a saved one.
pub(super) fn cib(file: Option<&Path>) -> Result<Cib, Error> {
    let Some(path) = file else {
        return cluster::look().map_err(|error| Error::NoCluster(Box::new(error)));
    };
    let bytes = read(path).map_err(|error| Error::Read {
        path: path.to_owned(),
        error,
    })?;
    Cib::parse(&bytes).map_err(|error| Error::Cib {
        path: path.to_owned(),
        error: Box::new(error),
    })
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    if path == Path::new("-") {
        let mut bytes = Vec::new();
        io::stdin().read_to_end(&mut bytes)?;
        return Ok(bytes);
    }
    fs::read(path)
}

impl Scene {
    /// Looks at the resource of this name, or at the only one there is.
    pub fn of(cib: Cib, name: Option<&str>) -> Result<Self, Error> {
        let chosen = by_resource::choose(&cib, AGENT, name).map_err(Error::Choice)?;
        let resource = chosen.id.to_string();
        let env = Env::from_pairs(by_resource::parameters(chosen));
        let read = galera::params(&env).map_err(|error| error.to_string());
        let malformed = read.as_ref().err().cloned();
        let params = read.ok().map_or_else(defaults, Some);
        let asker = Asker {
            resource: &resource,
            enable_creation: params.as_ref().is_some_and(|p| p.enable_creation),
            two_node_mode: params.as_ref().is_some_and(|p| p.two_node_mode),
        };
        let outlook = Outlook::of(&cib, &asker);
        let map = params.and_then(|params| params.cluster_host_map);
        Ok(Self {
            one_of_several: by_resource::choose(&cib, AGENT, None).is_err(),
            nodes: names(&cib, &outlook, map.as_deref()),
            cib,
            resource,
            ballot: outlook.ballot.in_line(),
            outlook,
            transfers: BTreeMap::new(),
            copy_size: None,
            warnings: malformed.iter().cloned().collect(),
            malformed,
        })
    }

    /// Looks at what the running cluster tells beyond its CIB, if anybody joins.
    pub fn look_at_transfers(&mut self) {
        let mut published = self.outlook.published.values();
        if !published.any(|one| one.phase == Phase::Joining) {
            return;
        }
        match cluster::private(&transfer::attribute(&self.resource)) {
            Ok(told) => {
                let read =
                    |(node, text): (_, String)| Some((node, serde_json::from_str(&text).ok()?));
                self.transfers = told.into_iter().filter_map(read).collect();
            }
            Err(error) => self
                .warnings
                .push(format!("state transfers are not shown: {error}")),
        }
    }

    /// Whether a full copy comes in somewhere.
    pub fn receives(&self) -> bool {
        let mut transfers = self.transfers.values();
        transfers.any(|transfer| transfer.step == Step::Receiving)
    }

    /// This node's server, asked as the agent asks it; starts no program.
    pub fn look_here(&self) -> Result<Pulse, Error> {
        let resource = self.cib.resource(&self.resource);
        let parameters = resource.map(by_resource::parameters).unwrap_or_default();
        pulse::look(&Env::from_pairs(parameters)).map_err(Error::Pulse)
    }

    /// The facts as the election takes them: every report in the epoch that it counts as of.
    pub fn ballot(&self) -> &Ballot {
        &self.ballot
    }

    pub fn verdict(&self) -> Verdict {
        elect(self.ballot())
    }

    /// Whether anybody has said anything: without that an election means nothing.
    pub fn anybody(&self) -> bool {
        !self.ballot().stands.is_empty()
    }

    /// The cluster's node of an elector.
    pub fn node(&self, elector: &str) -> Option<&Node> {
        self.cib.node(self.nodes.get(elector)?)
    }

    /// The elector that a node of the cluster is.
    pub fn elector(&self, node: &str) -> Option<&Elector> {
        let mut found = self.nodes.iter().filter(|(_, name)| *name == node);
        found.next().map(|(elector, _)| elector)
    }

    /// An elector for people: with the cluster's name where that is another one.
    pub fn called(&self, elector: &str) -> String {
        match self.nodes.get(elector) {
            Some(node) if node != elector => format!("{elector} ({node})"),
            _ => elector.to_owned(),
        }
    }

    /// Several electors for people.
    pub fn list<'a>(&self, electors: impl IntoIterator<Item = &'a Elector>) -> String {
        let called = electors.into_iter().map(|elector| self.called(elector));
        called.collect::<Vec<_>>().join(", ")
    }

    /// The cluster's name of an elector, else its own: what commands take.
    pub fn address<'a>(&'a self, elector: &'a str) -> &'a str {
        self.nodes.get(elector).map_or(elector, String::as_str)
    }

    /// A command of ours, with the resource where it has to be named.
    pub fn command(&self, words: &str) -> String {
        if self.one_of_several {
            format!("galeractl {words} --resource {}", self.resource)
        } else {
            format!("galeractl {words}")
        }
    }

    /// What the cluster's tools start and stop: the clone around the resource.
    pub fn outer(&self) -> &str {
        let outer = self.cib.clone_of(&self.resource);
        outer.map_or(&self.resource, |outer| &*outer.id)
    }

    /// The members of the cluster and whoever else has published.
    pub fn shown_nodes(&self) -> impl Iterator<Item = &Node> {
        let published = &self.outlook.published;
        self.cib.nodes().filter(move |node| {
            node.kind == NodeKind::Member || published.contains_key(&*node.uname)
        })
    }

    /// Electors of which it is not known which node they are.
    pub fn strangers(&self) -> impl Iterator<Item = &Elector> {
        let stands = self.ballot().stands.keys();
        stands.filter(|elector| !self.nodes.contains_key(*elector))
    }
}

fn defaults() -> Option<GaleraParams> {
    GaleraParams::read(&Env::from_pairs::<String, String>([])).ok()
}

/// Which node each elector is: as published, as mapped, by the same name, or the only ones left over.
fn names(cib: &Cib, outlook: &Outlook, map: Option<&str>) -> BTreeMap<Elector, String> {
    let published = outlook.published.iter();
    let mut names: BTreeMap<Elector, String> = published
        .map(|(node, one)| (one.elector.clone(), node.clone()))
        .collect();
    let map = HostMap::read(map.unwrap_or_default()).unwrap_or_default();
    let stands = &outlook.ballot.stands;
    let silent = |node: &&Node| !outlook.published.contains_key(&*node.uname);
    let members = || cib.nodes().filter(|node| node.kind == NodeKind::Member);
    for node in members().filter(silent) {
        let host = map.host(&node.uname);
        if stands.contains_key(host) && !names.contains_key(host) {
            names.insert(host.to_owned(), node.uname.to_string());
        }
    }
    let strange: Vec<_> = stands.keys().filter(|e| !names.contains_key(*e)).collect();
    let free: Vec<_> = members()
        .filter(|node| !names.values().any(|name| **name == *node.uname))
        .collect();
    if let ([elector], [node]) = (strange.as_slice(), free.as_slice()) {
        names.insert((*elector).clone(), node.uname.to_string());
    }
    names
}
