//! The cluster stack: membership and quorum, one CIB for each partition, attributes, promotion.

use std::collections::BTreeMap;

use galera_rs::galera::ballot::{Ballot, Stand};

use crate::world::{Cib, Stage, Word, World};

impl World {
    /// The nodes whose stack sees that of `n`, itself included.
    pub fn partition(&self, n: usize) -> Vec<usize> {
        let all = 0..self.nodes.len();
        let sees = |m: &usize| self.nodes[*m].stack && self.ring[*m] == self.ring[n];
        all.filter(sees).collect()
    }

    /// A majority; of an even number also the half that the quorum device votes for, when it goes on from a
    /// quorate partition. A half that comes up or comes back by itself (neither fencing nor `wait_for_all`)
    /// might not know the newest epoch.
    pub fn quorate(&self, n: usize) -> bool {
        let (here, size) = (self.partition(n), self.nodes.len());
        let first_up = self.nodes.iter().position(|node| node.stack);
        let device = first_up.is_some_and(|m| here.contains(&m));
        let goes_on = here.iter().any(|m| self.nodes[*m].witness);
        here.len() * 2 > size || (here.len() * 2 == size && device && goes_on)
    }

    /// Changes the CIB of the partition of `n`.
    pub fn write_cib(&mut self, n: usize, change: impl FnOnce(&mut Cib)) {
        let mut cib = self.nodes[n].cib.clone();
        change(&mut cib);
        cib.version += 1;
        for m in self.partition(n) {
            self.nodes[m].cib = cib.clone();
        }
    }

    /// What `n` sees of everybody.
    pub fn look(&self, n: usize) -> Ballot {
        let here = self.partition(n);
        let cib = &self.nodes[n].cib;
        let (epoch, quorate) = (cib.epoch(), self.quorate(n));
        let given_up = |of: u64| epoch.forced.iter().any(|(forced, _)| *forced > of);
        let stand = |m: usize| {
            let node = &self.nodes[m];
            let old = node.stand == Stand::Primary && given_up(node.primary_epoch);
            let hidden = old && self.rules.given_up_primary_is_ignored;
            if here.contains(&m) && !hidden {
                node.stand.clone()
            } else {
                Stand::Silent
            }
        };
        let all = 0..self.nodes.len();
        let partner_gone =
            |m: usize| m != n && !self.nodes[m].stack && self.nodes[m].server.is_none();
        Ballot {
            quorate,
            stands: all
                .map(|m| (self.nodes[m].name.clone(), stand(m)))
                .collect(),
            enable_creation: self.creation,
            partner_gone: self.two_node_mode && (0..self.nodes.len()).any(partner_gone),
            force: cib.order.as_ref().map(|(force, _)| force.clone()),
            fates: self.fates(n),
            epoch,
        }
    }

    /// A change of membership: where partitions meet, the CIB of the quorate one wins, else the one changed
    /// most often. The attributes of those who were on the losing side may go or stay.
    pub fn change_membership(&mut self, keep: bool, change: impl FnOnce(&mut Self)) {
        let all = 0..self.nodes.len();
        let before: Vec<(bool, Vec<usize>)> =
            all.map(|n| (self.quorate(n), self.partition(n))).collect();
        change(self);
        let quorate: Vec<bool> = (0..self.nodes.len()).map(|n| self.quorate(n)).collect();
        for (node, quorate) in self.nodes.iter_mut().zip(quorate) {
            node.witness = node.stack && quorate;
        }
        let mut done = Vec::new();
        for n in 0..self.nodes.len() {
            if !self.nodes[n].stack || done.contains(&n) {
                continue;
            }
            let here = self.partition(n);
            let rank = |m: &usize| {
                (
                    before[*m].0 && before[*m].1.contains(m),
                    self.nodes[*m].cib.version,
                )
            };
            let Some(winner) = here.iter().copied().max_by_key(rank) else {
                continue;
            };
            let cib = self.nodes[winner].cib.clone();
            for m in &here {
                self.nodes[*m].cib = cib.clone();
                self.nodes[*m].cib.down.retain(|down| !here.contains(down));
                let stayed = *m == winner || before[winner].1.contains(m);
                if !stayed && !keep {
                    self.nodes[*m].word = Word::default();
                    self.nodes[*m].stand = Stand::Silent;
                }
            }
            done.extend(here);
        }
    }

    /// The stack of `n` starts.
    pub fn boot(&mut self, n: usize) {
        if !self.nodes[n].stack {
            self.change_membership(false, |world| world.nodes[n].stack = true);
        }
    }

    /// The stack of `n` dies, and with it its agent and its attributes; its server does not.
    pub fn kill_stack(&mut self, n: usize) {
        self.change_membership(true, |world| {
            let node = &mut world.nodes[n];
            node.stack = false;
            node.stage = Stage::Stopped;
            (node.stand, node.pending) = (Stand::Silent, None);
            (node.word, node.known) = (Word::default(), BTreeMap::new());
            node.elected = false;
        });
    }

    /// The whole node loses power.
    pub fn power_off(&mut self, n: usize) {
        self.kill_stack(n);
        self.kill_server(n);
    }

    /// The attribute that `n` wrote last takes effect.
    pub fn take_effect(&mut self, n: usize) {
        let node = &mut self.nodes[n];
        if let Some(stand) = node.pending.take() {
            (node.stand, node.word) = (stand, node.pending_word.clone());
        }
    }
}
