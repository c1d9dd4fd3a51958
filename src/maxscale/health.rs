//! Whether MaxScale routes: a pure decision over what its REST API answers.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use super::answers::{Listener, Monitor, Object, Server, Service};
use super::params::{MaxScaleParams, Names};

/// What the REST API answers of everything that takes part in routing.
#[derive(Debug, Clone)]
pub struct Seen {
    /// All servers.
    pub servers: Vec<Object<Server>>,
    /// All services.
    pub services: Vec<Object<Service>>,
    /// All listeners.
    pub listeners: Vec<Object<Listener>>,
    /// All monitors.
    pub monitors: Vec<Object<Monitor>>,
}

/// What counts.
#[derive(Debug, Clone, Copy)]
pub struct Watched<'a> {
    /// `None`: all.
    pub services: Option<&'a Names>,
    /// `None`: those of the watched services.
    pub listeners: Option<&'a Names>,
    /// A service with fewer usable servers is degraded.
    pub min_servers: usize,
}

impl<'a> Watched<'a> {
    /// As the parameters say.
    pub fn of(params: &'a MaxScaleParams) -> Self {
        Self {
            services: params.services.as_ref(),
            listeners: params.listeners.as_ref(),
            min_servers: usize::try_from(params.min_servers).unwrap_or(usize::MAX),
        }
    }
}

/// Whether clients are served.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Routing {
    /// Every watched service.
    Well,
    /// Not as well as they should be: a sentence.
    Partly(String),
    /// None: a sentence.
    Not(String),
}

/// What is the matter with one service.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Fault {
    /// It serves, with fewer servers than it should.
    Few(String),
    /// It does not serve.
    Useless(String),
}

impl Seen {
    /// Whether the watched services have the servers that they need.
    pub fn routing(&self, watched: &Watched<'_>) -> Routing {
        let services: Vec<_> = self.watched_services(watched).collect();
        let faults: Vec<_> = services
            .iter()
            .filter_map(|service| self.fault(service, watched.min_servers))
            .chain(self.missing(watched))
            .collect();
        let stopped = self.monitors.iter().filter(|one| is_stopped(one));
        let stopped = stopped.map(|monitor| {
            let name = &monitor.id;
            Fault::Few(format!(
                "monitor {name} is stopped, so nobody knows the servers: maxctrl start monitor {name}"
            ))
        });
        let useless = faults
            .iter()
            .filter(|fault| matches!(fault, Fault::Useless(_)));
        let none = useless.count() >= services.len().max(1);
        let sentences: Vec<_> = faults
            .into_iter()
            .chain(stopped)
            .map(|fault| match fault {
                Fault::Few(sentence) | Fault::Useless(sentence) => sentence,
            })
            .collect();
        match (sentences.is_empty(), none) {
            (true, _) => Routing::Well,
            (false, false) => Routing::Partly(sentences.join("; ")),
            (false, true) => Routing::Not(sentences.join("; ")),
        }
    }

    /// The listeners that have to greet, and those that cannot: a sentence each.
    pub fn listeners(&self, watched: &Watched<'_>) -> Result<Vec<&Object<Listener>>, String> {
        let chosen = self.listeners.iter().filter(|listener| {
            let mut services = listener.relationships.services();
            match watched.listeners {
                Some(names) => Names::hold(Some(names), &listener.id),
                None => services.any(|service| Names::hold(watched.services, service)),
            }
        });
        let chosen: Vec<_> = chosen.collect();
        let there = |name: &&String| !chosen.iter().any(|one| one.id == **name);
        let names = watched.listeners.iter().flat_map(|Names(names)| names);
        let mut wrong: Vec<_> = names
            .filter(there)
            .map(|name| format!("there is no listener {name}"))
            .collect();
        wrong.extend(chosen.iter().filter_map(|listener| {
            let (name, state) = (&listener.id, &listener.attributes.state);
            (state != "Running").then(|| format!("listener {name} is {state}"))
        }));
        match wrong.is_empty() {
            true => Ok(chosen),
            false => Err(wrong.join("; ")),
        }
    }

    fn watched_services<'a>(
        &'a self,
        watched: &'a Watched<'_>,
    ) -> impl Iterator<Item = &'a Object<Service>> {
        let services = self.services.iter();
        services.filter(|service| Names::hold(watched.services, &service.id))
    }

    /// Services that should be there.
    fn missing(&self, watched: &Watched<'_>) -> Vec<Fault> {
        let there = |name: &&String| !self.services.iter().any(|one| one.id == **name);
        let names = watched.services.iter().flat_map(|Names(names)| names);
        let missing = names
            .filter(there)
            .map(|name| Fault::Useless(format!("there is no service {name}")));
        missing.collect()
    }

    fn fault(&self, service: &Object<Service>, min_servers: usize) -> Option<Fault> {
        let (name, state) = (&service.id, &service.attributes.state);
        if state != "Started" {
            let useless = format!("service {name} is {state}: maxctrl start service {name}");
            return Some(Fault::Useless(useless));
        }
        let targets = self.targets(service, &mut BTreeSet::new());
        let need = Need::of(&service.attributes);
        let states: Vec<_> = targets.values().map(|server| server.states()).collect();
        let usable = states
            .iter()
            .filter(|states| need.is_met_by(states))
            .count();
        let all = |what: &str| format!("service {name} has {what} ({})", told(&targets));
        if usable == 0 {
            return match need {
                _ if targets.is_empty() && min_servers == 0 => None, // it serves without servers
                Need::Master => Some(Fault::Useless(all("no master"))),
                Need::Split | Need::Slave | Need::Synced | Need::Running => {
                    Some(Fault::Useless(all("no usable server")))
                }
            };
        }
        if need == Need::Split && !states.iter().any(|states| is_master(states)) {
            return Some(Fault::Useless(all("no master")));
        }
        let few = usable < min_servers && need != Need::Master;
        few.then(|| Fault::Few(all(&format!("{usable} of {min_servers} usable servers"))))
    }

    /// The servers of a service: its own, those of its monitor, and those of the services that it routes to.
    fn targets<'a>(
        &'a self,
        service: &'a Object<Service>,
        visited: &mut BTreeSet<&'a str>,
    ) -> BTreeMap<&'a str, &'a Server> {
        if !visited.insert(&service.id) {
            return BTreeMap::new();
        }
        let own: BTreeSet<&str> = service.relationships.servers().collect();
        let monitors: BTreeSet<&str> = service.relationships.monitors().collect();
        let mut targets: BTreeMap<_, _> = self
            .servers
            .iter()
            .filter(|server| {
                let mut its_monitors = server.relationships.monitors();
                own.contains(&*server.id) || its_monitors.any(|one| monitors.contains(one))
            })
            .map(|server| (&*server.id, &server.attributes))
            .collect();
        for name in service.relationships.services() {
            if let Some(next) = self.services.iter().find(|next| next.id == name) {
                targets.extend(self.targets(next, visited));
            }
        }
        targets
    }
}

fn is_stopped(monitor: &Object<Monitor>) -> bool {
    monitor.attributes.state == "Stopped"
}

/// `Galera-1: Down, Galera-2: Slave, Synced, Running`
fn told(targets: &BTreeMap<&str, &Server>) -> String {
    let each = targets
        .iter()
        .map(|(name, server)| format!("{name}: {}", server.state));
    let all: Vec<_> = each.collect();
    match all.is_empty() {
        true => "it has no servers".to_owned(),
        false => all.join("; "),
    }
}

/// Which servers a service can use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    /// A master only.
    Master,
    /// A master, and others to read from.
    Split,
    /// Servers that are not the master.
    Slave,
    /// Members of the cluster.
    Synced,
    /// Servers that run.
    Running,
}

impl Need {
    /// `router_options` of `readconnroute` (documentation of the router): without one, every running server.
    fn of(service: &Service) -> Self {
        let options = service.parameters.options();
        let has = |word: &str| options.contains(word);
        match &*service.router {
            "readwritesplit" => Need::Split,
            "readconnroute" if has("running") || options.is_empty() => Need::Running,
            "readconnroute" if has("synced") => Need::Synced,
            "readconnroute" if has("master") && has("slave") => Need::Running,
            "readconnroute" if has("master") => Need::Master,
            "readconnroute" if has("slave") => Need::Slave,
            _ => Need::Running,
        }
    }

    fn is_met_by(self, states: &BTreeSet<&str>) -> bool {
        if !takes_clients(states) {
            return false;
        }
        match self {
            Need::Master => is_master(states),
            Need::Split => is_master(states) || is_slave(states),
            Need::Slave => is_slave(states) || is_master(states), // the master stands in when it is alone
            Need::Synced => states.contains("Synced"),
            Need::Running => true,
        }
    }
}

/// It runs, and nobody has taken it out.
fn takes_clients(states: &BTreeSet<&str>) -> bool {
    let out = ["Maintenance", "Draining", "Drained"];
    states.contains("Running") && !out.iter().any(|word| states.contains(word))
}

fn is_master(states: &BTreeSet<&str>) -> bool {
    let words = ["Master", "Primary"];
    takes_clients(states) && words.iter().any(|word| states.contains(word))
}

fn is_slave(states: &BTreeSet<&str>) -> bool {
    let words = ["Slave", "Replica"];
    words.iter().any(|word| states.contains(word))
}
