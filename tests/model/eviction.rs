//! Members that do not answer: eviction, fencing, and Galera's own patience.

use std::collections::BTreeSet;

use galera_rs::galera::ballot::Stand;
use galera_rs::galera::evict::{self, NodeState, Other, Sight};
use galera_rs::galera::gvwstate::{SavedView, ViewId};
use galera_rs::galera::published::Dead;
use uuid::Uuid;

use crate::world::{Stage, View, World};

impl World {
    /// What Pacemaker tells `n` of the node `m`.
    pub fn node_state(&self, n: usize, m: usize) -> NodeState {
        if self.partition(n).contains(&m) {
            NodeState::Online
        } else if self.nodes[n].cib.down.contains(&m) || !self.rules.lost_means_fenced {
            NodeState::Down
        } else {
            NodeState::Lost
        }
    }

    /// The agent takes note of who is a member.
    pub fn remember(&mut self, n: usize) {
        for m in self.partition(n) {
            if m != n
                && self.nodes[m].stand == Stand::Primary
                && let Some(life) = self.nodes[m].word.life
            {
                self.nodes[n].known.insert(m, life);
            }
        }
    }

    /// The agent on a member looks whom to evict, and tells its server.
    pub fn evict(&mut self, n: usize) {
        if !self.nodes[n].stack || self.nodes[n].stage != Stage::Running {
            return;
        }
        self.remember(n);
        let Some(view) = self.nodes[n].saved.clone() else {
            return;
        };
        let dead = self.judged_dead(n, &view);
        let waits = |m: &usize| {
            let server = self.nodes[*m].server.as_ref();
            let last = server
                .filter(|server| server.waits)
                .and_then(|server| server.last.as_ref());
            last == Some(&view) && self.wire[*m] == self.wire[n]
        };
        let all = 0..self.nodes.len();
        let group: BTreeSet<usize> = all.filter(waits).collect();
        if dead.is_empty() || !group.contains(&n) {
            return;
        }
        let lives: BTreeSet<Uuid> = group.iter().filter_map(|m| self.life(*m)).collect();
        if view
            .members
            .difference(&lives)
            .all(|life| dead.contains(life))
        {
            self.oracle.count("evicted");
            let epoch = self.nodes[n]
                .server
                .as_ref()
                .map_or(0, |server| server.epoch);
            self.form(group.clone(), group, epoch);
        }
    }

    fn judged_dead(&self, n: usize, view: &View) -> BTreeSet<Uuid> {
        let named = |id: u64| ViewId {
            uuid: Uuid::from_u128(u128::from(id)),
            number: 1,
        };
        let saved = SavedView {
            me: self.life(n).unwrap_or_default(),
            view: named(view.id),
            members: view.members.clone(),
            bootstrap: false,
        };
        let said = |m: usize| {
            let (server, view) = self.nodes[m].word.dead?;
            let view = named(view).to_string();
            Some(Dead { server, view })
        };
        let here = self.partition(n);
        let all = 0..self.nodes.len();
        let dead: Vec<_> = all.map(|m| said(m).filter(|_| here.contains(&m))).collect();
        let others = (0..self.nodes.len()).filter(|m| *m != n).map(|m| Other {
            elector: &self.nodes[m].name,
            server: self.nodes[n].known.get(&m).copied(),
            member: here.contains(&m) && self.nodes[m].stand == Stand::Primary,
            dead: dead[m].as_ref(),
            node: self.node_state(n, m),
            unreachable: self.nodes[m].server.is_none() || self.wire[m] != self.wire[n],
            refused: self.wire[m] != self.wire[n]
                || self.life(m) != self.nodes[n].known.get(&m).copied(),
        });
        evict::dead(&Sight {
            quorate: self.quorate(n) || !self.rules.evict_with_quorum,
            fencing: self.fencing,
            view: &saved,
            others: others.collect(),
        })
    }

    /// Galera waits no longer: this server and those of its group are outside a primary component, and say so once
    /// everything that they have received is applied. The last primary view was saved before that.
    pub fn suspect(&mut self, n: usize) {
        for m in 0..self.nodes.len() {
            let server = self.nodes[m].server.as_ref();
            let waits = server.is_some_and(|server| server.waits);
            if waits && self.wire[m] == self.wire[n] {
                self.give_up_waiting(m);
            }
        }
    }

    fn give_up_waiting(&mut self, m: usize) {
        let node = &mut self.nodes[m];
        let Some(server) = &mut node.server else {
            return;
        };
        (server.waits, server.saved) = (false, true);
        let life = server.life;
        node.saved = server.last.clone();
        if node.lives.last() != Some(&life) {
            node.lives.push(life);
        }
        if let Some(copy) = node.copy_mut() {
            copy.durable = copy.log.len();
        }
    }

    /// A quorate partition fences every node that it has lost.
    pub fn fence_lost(&mut self, n: usize) {
        if !self.fencing || !self.nodes[n].stack || !self.quorate(n) {
            return;
        }
        let here = self.partition(n);
        let lost: Vec<usize> = (0..self.nodes.len())
            .filter(|m| !here.contains(m) && !self.nodes[n].cib.down.contains(m))
            .collect();
        for m in lost {
            self.power_off(m);
            self.write_cib(n, |cib| {
                cib.down.insert(m);
            });
        }
    }
}
