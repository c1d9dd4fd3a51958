//! Galera itself: primary components, views, write sets, transfers, and what a crash leaves behind.

use std::collections::BTreeSet;

use galera_rs::galera::position::History;
use uuid::Uuid;

use crate::world::{Component, Copy, Disk, Part, Record, Server, View, World};

/// How a server is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Join,
    Restore,
    New,
}

impl World {
    /// Starts a server for `epoch`.
    pub fn start_server(&mut self, n: usize, mode: Mode, epoch: u64) {
        let life = self.fresh_uuid();
        let named = self.rules.name_per_forced;
        let node = &mut self.nodes[n];
        let forced = node.cib.epoch().last_forced(epoch);
        let saved = node.saved.clone().filter(|_| mode == Mode::Restore);
        // With its saved view a server takes up its old identity as well.
        let life = match (&saved, node.lives.last()) {
            (Some(_), Some(last)) => *last,
            _ => life,
        };
        (node.safe, node.clean) = (false, false);
        node.server = Some(Server {
            life,
            epoch,
            name: forced.filter(|_| named).unwrap_or(0),
            component: None,
            part: Part::Apart,
            saved: saved.is_some(),
            last: saved,
            waits: false,
        });
        if mode == Mode::New {
            self.new_component(n, epoch);
        }
        self.regroup();
    }

    fn new_component(&mut self, n: usize, epoch: u64) {
        if self.nodes[n].copy().is_none() {
            let Some(history) = History::new(self.fresh_uuid()) else {
                return;
            };
            let copy = Copy {
                history,
                log: Vec::new(),
                durable: 0,
            };
            self.nodes[n].disk = Disk::Holds(copy);
        }
        self.form(BTreeSet::from([n]), BTreeSet::from([n]), epoch);
    }

    /// A primary component of `members`, with the data of the most advanced of `holders`.
    pub fn form(&mut self, members: BTreeSet<usize>, holders: BTreeSet<usize>, epoch: u64) {
        let best = holders.iter().copied().max_by_key(|n| self.nodes[*n].len());
        let Some(copy) = best.and_then(|n| self.nodes[n].copy().cloned()) else {
            return;
        };
        let id = self.fresh();
        let empty = View {
            id: 0,
            members: BTreeSet::new(),
            seqno: 0,
        };
        for n in &members {
            let complete = holders.contains(n) && self.nodes[*n].len() == copy.log.len() as u64;
            if let Some(server) = &mut self.nodes[*n].server {
                server.component = Some(id);
                server.part = if complete { Part::Synced } else { Part::Joiner };
                server.waits = false;
            }
        }
        let component = Component {
            view: empty,
            members: members.clone(),
            history: copy.history,
            log: copy.log,
            epoch,
            given_up: false,
        };
        self.components.insert(id, component);
        self.new_view(id, members);
        self.judge_formed(id);
    }

    /// A new view takes a seqno of its own, and is saved by each member in its own time.
    fn new_view(&mut self, id: u64, members: BTreeSet<usize>) {
        let (view_id, entry) = (self.fresh(), self.fresh());
        let lives = members.iter().filter_map(|n| self.life(*n)).collect();
        let Some(component) = self.components.get_mut(&id) else {
            return;
        };
        component.members = members.clone();
        component.view = View {
            id: view_id,
            members: lives,
            seqno: component.log.len() as u64 + 1,
        };
        let view = component.view.clone();
        self.deliver(id, entry);
        for n in members {
            if let Some(server) = &mut self.nodes[n].server {
                (server.last, server.saved) = (Some(view.clone()), false);
            }
        }
    }

    /// The life of the server of `n`.
    pub fn life(&self, n: usize) -> Option<Uuid> {
        self.nodes[n].server.as_ref().map(|server| server.life)
    }

    /// The next entry of a component's history reaches all of its synced members.
    fn deliver(&mut self, id: u64, entry: u64) {
        let Some(component) = self.components.get_mut(&id) else {
            return;
        };
        component.log.push(entry);
        for n in component.members.clone() {
            if self.nodes[n].synced()
                && let Some(copy) = self.nodes[n].copy_mut()
            {
                copy.log.push(entry);
            }
        }
    }

    /// A client commits on `n`. No write passes before every member has the view.
    pub fn write(&mut self, n: usize) {
        let Some(id) = self.component_of(n).filter(|_| self.nodes[n].synced()) else {
            return;
        };
        let members = self.components[&id].members.clone();
        for m in &members {
            self.save_view(*m);
        }
        let entry = self.fresh();
        self.deliver(id, entry);
        if let Some(copy) = self.nodes[n].copy_mut() {
            copy.durable = copy.log.len();
        }
        let component = &self.components[&id];
        if !component.given_up {
            let seqno = component.log.len() as u64;
            self.oracle.acknowledge(entry, seqno, &members);
        }
    }

    /// The component that the server of `n` is in.
    pub fn component_of(&self, n: usize) -> Option<u64> {
        let server = self.nodes[n].server.as_ref()?;
        server.component
    }

    /// `gvwstate.dat` gets the current view, and this life is known from now on.
    pub fn save_view(&mut self, n: usize) {
        let node = &mut self.nodes[n];
        let Some(server) = node.server.as_mut().filter(|s| s.component.is_some()) else {
            return;
        };
        server.saved = true;
        node.saved = server.last.clone();
        if node.lives.last() != Some(&server.life) {
            node.lives.push(server.life);
        }
    }

    /// One more entry becomes durable on `n`.
    pub fn flush(&mut self, n: usize) {
        if self.nodes[n].server.is_some()
            && let Some(copy) = self.nodes[n].copy_mut()
        {
            copy.durable = copy.log.len().min(copy.durable + 1);
        }
    }

    /// The agent sees the view applied, and notes its floor.
    pub fn note_floor(&mut self, n: usize) {
        let Some(id) = self.component_of(n).filter(|_| self.nodes[n].synced()) else {
            return;
        };
        self.save_view(n);
        let view = self.components[&id].view.clone();
        let node = &mut self.nodes[n];
        if let Some(copy) = node.copy_mut() {
            copy.durable = copy.durable.max(view.seqno as usize);
        }
        node.record = Some(Record {
            view: Some(view.id),
            members: view.members,
            floor: Some(view.seqno),
            at: None,
        });
    }

    /// kill -9, or worse: what was not durable is lost.
    pub fn kill_server(&mut self, n: usize) {
        let node = &mut self.nodes[n];
        if node.server.take().is_some()
            && let Some(copy) = node.copy_mut()
        {
            copy.log.truncate(copy.durable);
        }
        self.regroup();
    }

    /// A clean shutdown: everything becomes durable, and the others go on whatever their number.
    pub fn leave(&mut self, n: usize) {
        let Some(server) = self.nodes[n].server.clone() else {
            return;
        };
        let settled = match server.part {
            Part::Synced => true,
            Part::Apart => server.last.is_some() && self.nodes[n].copy().is_some(),
            Part::Joiner | Part::Receiving => false,
        };
        let Some(view) = server.last.filter(|_| settled) else {
            return self.kill_server(n);
        };
        let node = &mut self.nodes[n];
        if let Some(copy) = node.copy_mut() {
            copy.durable = copy.log.len();
        }
        if node.lives.last() != Some(&server.life) {
            node.lives.push(server.life);
        }
        let at = node.len();
        let noted = |record: &&Record| record.view == Some(view.id);
        let floor = node.record.as_ref().filter(noted).map(|_| at);
        let mut members = view.members;
        members.remove(&server.life);
        let last = server.part == Part::Synced && members.is_empty();
        (node.safe, node.clean, node.saved) = (last, true, None);
        node.record = Some(Record {
            view: None,
            members,
            floor,
            at: Some(at),
        });
        node.server = None;
        if let Some(component) = server.component.and_then(|id| self.components.get_mut(&id)) {
            component.view.members.remove(&server.life);
        }
        self.regroup();
    }

    /// The next step of a state transfer. Galera compares the history's UUID and the seqno, nothing else.
    pub fn transfer(&mut self, n: usize) {
        let Some(id) = self.component_of(n) else {
            return;
        };
        let source = &self.components[&id];
        let copy = Copy {
            history: source.history,
            log: source.log.clone(),
            durable: source.log.len(),
        };
        let node = &mut self.nodes[n];
        let Some(server) = &mut node.server else {
            return;
        };
        match server.part {
            Part::Apart | Part::Synced => {}
            Part::Receiving => {
                server.part = Part::Synced;
                node.disk = Disk::Holds(copy);
            }
            Part::Joiner => match &mut node.disk {
                Disk::Holds(own) if own.history == copy.history => {
                    if own.log.len() > copy.log.len() {
                        // "Local state seqno is greater than group seqno": the server aborts.
                        return self.kill_server(n);
                    }
                    let diverged = !copy.log.starts_with(&own.log);
                    own.log = copy.log;
                    server.part = Part::Synced;
                    if diverged {
                        self.oracle
                            .fail(format!("n{n} joined with data that had diverged"));
                    }
                }
                Disk::Holds(_) | Disk::Blank | Disk::Partial => {
                    server.part = Part::Receiving;
                    node.disk = Disk::Partial;
                }
            },
        }
    }

    /// Components lose who is gone, take in who is there, and come back when all of a last view meet.
    pub fn regroup(&mut self) {
        let ids: Vec<u64> = self.components.keys().copied().collect();
        for id in ids {
            self.shrink(id);
        }
        let labels: BTreeSet<u8> = self.wire.iter().copied().collect();
        for label in labels {
            let apart = self.outside(label);
            let names: BTreeSet<u64> = apart.iter().map(|(_, name)| *name).collect();
            for name in names {
                let meet = apart.iter().filter(|(_, other)| *other == name);
                self.attach(label, name, meet.map(|(n, _)| *n).collect());
            }
        }
    }

    /// Those in no component, with what they must share to connect.
    fn outside(&self, label: u8) -> Vec<(usize, u64)> {
        let here = self.nodes.iter().enumerate();
        let servers = here.filter_map(|(n, node)| Some((n, node.server.as_ref()?)));
        let apart = servers.filter(|(n, s)| s.part == Part::Apart && self.wire[*n] == label);
        apart.map(|(n, s)| (n, s.name)).collect()
    }

    fn shrink(&mut self, id: u64) {
        let component = self.components[&id].clone();
        let members = component.members.iter().copied();
        let alive: BTreeSet<usize> = members
            .filter(|n| self.component_of(*n) == Some(id))
            .collect();
        let group = |label: u8| -> BTreeSet<usize> {
            let here = alive.iter().copied().filter(|n| self.wire[*n] == label);
            here.collect()
        };
        let labels: BTreeSet<u8> = alive.iter().map(|n| self.wire[*n]).collect();
        let majority = |g: &BTreeSet<usize>| g.len() * 2 > component.view.members.len();
        let able = |g: &BTreeSet<usize>| g.iter().any(|n| self.nodes[*n].synced());
        let stays = labels
            .into_iter()
            .map(group)
            .find(|g| majority(g) && able(g));
        let stays = stays.unwrap_or_default();
        if stays == component.members {
            return;
        }
        for n in alive.difference(&stays) {
            self.drop_out(*n);
        }
        if stays.is_empty() {
            self.components.remove(&id);
        } else {
            self.new_view(id, stays);
        }
    }

    /// A full transfer cannot go on without the component.
    fn drop_out(&mut self, n: usize) {
        let node = &mut self.nodes[n];
        if node.part() == Some(Part::Receiving) {
            node.server = None;
        } else if let Some(server) = &mut node.server {
            server.waits = server.part == Part::Synced;
            (server.component, server.part) = (None, Part::Apart);
        }
    }

    /// Those apart join the component that they can reach; else the last one comes back when it is complete.
    fn attach(&mut self, label: u8, name: u64, apart: BTreeSet<usize>) {
        let reachable = self.components.iter().find(|(_, c)| {
            let server = |m: &usize| self.nodes[*m].server.as_ref();
            let near = |m: &&usize| self.wire[**m] == label;
            let mut near = c.members.iter().filter(near).filter_map(server);
            near.any(|server| server.name == name)
        });
        if let Some((id, component)) = reachable.map(|(id, c)| (*id, c.clone())) {
            for n in &apart {
                if let Some(server) = &mut self.nodes[*n].server {
                    (server.component, server.part) = (Some(id), Part::Joiner);
                    server.waits = false;
                }
            }
            return self.new_view(id, component.members.union(&apart).copied().collect());
        }
        let servers = apart.iter().filter_map(|n| self.nodes[*n].server.as_ref());
        let greatest = servers.filter_map(|s| s.last.clone()).max_by_key(|v| v.id);
        let Some(view) = greatest else {
            return;
        };
        let of_view = |n: &usize| self.life(*n).is_some_and(|l| view.members.contains(&l));
        let holders: BTreeSet<usize> = apart.iter().copied().filter(of_view).collect();
        if holders.len() == view.members.len() {
            let servers = holders
                .iter()
                .filter_map(|n| self.nodes[*n].server.as_ref());
            let epoch = servers.map(|s| s.epoch).max().unwrap_or(0);
            self.form(apart, holders, epoch);
        }
    }
}
