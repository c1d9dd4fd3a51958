//! Members that have lost their component: what they know of the others, and how they make it anew.

use std::collections::BTreeSet;

use galera_rs::galera::ballot::{Elector, Stand};
use galera_rs::galera::election::{Verdict, elect};
use galera_rs::galera::epoch::next_epoch;
use galera_rs::galera::evict::NodeState;
use galera_rs::galera::survivors::{AtLarge, Fates, Prospect, prospect};
use uuid::Uuid;

use crate::world::{Opening, Part, Revival, Stage, Word, World};

impl World {
    /// What goes with a stand that `n` publishes.
    pub fn word(&self, n: usize, stand: &Stand) -> Word {
        let node = &self.nodes[n];
        let life = self.life(n);
        let dead = match (life, &node.saved, node.lives.last()) {
            (Some(_), ..) => None,
            (None, Some(saved), Some(life)) if saved.members.contains(life) => {
                Some((*life, saved.id))
            }
            (None, ..) => node.word.dead,
        };
        let revives =
            |stage: &Stage| matches!(stage, Stage::Revive { then, .. } if *then >= Revival::Note);
        let noted = (*stand == Stand::Bootstrapping && revives(&node.stage)).then_some(node.epoch);
        Word { dead, life, noted }
    }

    /// What became of those that have not said where they stand.
    pub fn fates(&self, n: usize) -> Fates {
        let mut fates = Fates::default();
        for (m, node) in self.nodes.iter().enumerate() {
            let state = self.node_state(n, m);
            let servers = self.servers_of(n, m);
            let dead = node.word.dead.filter(|_| state == NodeState::Online);
            fates
                .gone
                .extend(dead.map(|(life, view)| (life, view.to_string())));
            let settled = match (state, &node.stand) {
                (NodeState::Online, Stand::Reported { .. } | Stand::Apart(_)) => true,
                (NodeState::Online, Stand::Silent) => {
                    let never = node.stage == Stage::Stopped && servers.is_empty();
                    dead.is_some() || never
                }
                (NodeState::Online | NodeState::Lost, _) => false,
                (NodeState::Down, _) => true,
            };
            if state == NodeState::Down {
                fates.lost.extend(servers);
            } else if !settled && self.rules.nobody_at_large {
                let at_large = AtLarge {
                    servers,
                    settles: self.fencing || state == NodeState::Online,
                };
                fates.at_large.insert(node.name.clone(), at_large);
            }
        }
        if !self.rules.half_or_less {
            // As if they had died in whatever view somebody asks about.
            let views = self.nodes.iter().filter_map(|node| node.saved.as_ref());
            for view in views {
                let lost = fates.lost.iter().map(|life| (*life, view.id.to_string()));
                fates.gone.extend(lost.collect::<Vec<_>>());
            }
        }
        fates
    }

    /// The servers of `m` that those know who have lost their component.
    fn servers_of(&self, n: usize, m: usize) -> BTreeSet<Uuid> {
        let here = self.partition(n).into_iter().map(|k| &self.nodes[k]);
        let apart = here.filter(|node| matches!(node.stage, Stage::Apart | Stage::Revive { .. }));
        apart
            .filter_map(|node| node.known.get(&m).copied())
            .collect()
    }

    /// Its server has lost its component, and says so.
    pub fn lost(&self, n: usize) -> bool {
        let node = &self.nodes[n];
        let waits = node.server.as_ref().is_none_or(|server| server.waits);
        let in_hand = matches!(
            node.stage,
            Stage::Running | Stage::Apart | Stage::Revive { .. }
        );
        node.part() == Some(Part::Apart) && !waits && in_hand
    }

    /// The agent says that its server has lost its component.
    pub fn say_apart(&mut self, n: usize) {
        self.remember(n);
        let own = self.nodes[n].epoch;
        self.retract(n, own);
        self.publish_apart(n);
    }

    fn publish_apart(&mut self, n: usize) {
        let report = self.report(n);
        self.nodes[n].report = Some(report.clone());
        self.nodes[n].hopeless = false;
        self.publish(n, Stand::Apart(report), Stage::Apart);
    }

    /// The next step of an agent whose server has lost its component.
    pub fn apart(&mut self, n: usize) {
        match self.nodes[n].part() {
            None => return self.begin(n),
            Some(Part::Synced) => return self.enter(n),
            Some(Part::Joiner | Part::Receiving) => return,
            Some(Part::Apart) => {}
        }
        if self.nodes[n].stand != Stand::Apart(self.report(n)) {
            return self.publish_apart(n);
        }
        let ballot = self.look(n);
        let (own, name) = (self.nodes[n].epoch, self.nodes[n].name.clone());
        if ballot.epoch.gave_up(own) {
            self.leave(n);
            return self.begin(n);
        }
        if self.opener(n).is_some() && ballot.epoch.number > own {
            self.nodes[n].epoch = ballot.epoch.number;
            return self.publish_apart(n);
        }
        let verdict = elect(&ballot);
        self.judge_verdict(&ballot, &verdict);
        self.nodes[n].hopeless = false;
        match prospect(&ballot, &name) {
            Prospect::Now(reason) => {
                let Some(mut epoch) = next_epoch(&ballot, &name, &reason) else {
                    return;
                };
                let counts = self.rules.healed_counts_as_revived;
                epoch.revived = epoch.revived.filter(|_| counts);
                if !self.rules.every_attempt_counts {
                    epoch.revived = epoch.revived.map(|_| epoch.number - 1);
                }
                let next = Box::new(Opening {
                    epoch,
                    before: ballot.epoch,
                    cost: None,
                    unknown: Vec::new(),
                });
                let then = Revival::Open;
                self.nodes[n].stage = Stage::Revive { next, then };
            }
            Prospect::Soon(_) => {}
            Prospect::NoQuorum(_) | Prospect::Never(_) => self.nodes[n].hopeless = true,
        }
    }

    /// Who makes the component anew in the newest epoch, and is of it whatever comes.
    fn opener(&self, n: usize) -> Option<Elector> {
        let newest = self.nodes[n].cib.epoch();
        let here = self.partition(n).into_iter().map(|m| &self.nodes[m]);
        let mut noted = here.filter(|node| node.word.noted == Some(newest.number));
        noted
            .find(|node| newest.opened_by.as_ref() == Some(&node.name))
            .map(|node| node.name.clone())
    }

    /// The next step of an agent that makes the component anew.
    pub fn revive(&mut self, n: usize, next: Box<Opening>, then: Revival) {
        if self.nodes[n].server.is_none() {
            return self.begin(n);
        }
        let number = next.epoch.number;
        match then {
            Revival::Open => {
                let newest = self.nodes[n].cib.epoch().number;
                if self.rules.exclusive_epoch && newest >= number {
                    self.nodes[n].stage = Stage::Apart;
                    return;
                }
                let epoch = next.epoch.clone();
                self.write_cib(n, |cib| cib.epochs.push(epoch));
                self.proceed(n, next, Revival::Announce);
            }
            Revival::Announce => {
                let then = Revival::Look;
                self.publish(n, Stand::Bootstrapping, Stage::Revive { next, then });
            }
            Revival::Look => {
                if self.may_revive(n, &next) || !self.rules.second_look {
                    self.void_orders(n);
                    self.nodes[n].epoch = number;
                    return self.proceed(n, next, Revival::Note);
                }
                self.say_apart(n);
            }
            Revival::Note => {
                let then = Revival::Await;
                self.publish(n, Stand::Bootstrapping, Stage::Revive { next, then });
            }
            Revival::Await => self.await_notes(n, next),
            Revival::Tell => {
                self.tell(n, number);
                self.publish_apart(n);
            }
        }
    }

    fn proceed(&mut self, n: usize, next: Box<Opening>, then: Revival) {
        self.nodes[n].stage = Stage::Revive { next, then };
    }

    /// The second look.
    fn may_revive(&self, n: usize, next: &Opening) -> bool {
        let mine = self.nodes[n].cib.epoch() == next.epoch;
        let announced = self.nodes[n].stand == Stand::Bootstrapping;
        let verdict = elect(&self.survivors_ballot(n, next));
        mine && announced && matches!(verdict, Verdict::Revive(who, _) if who == self.nodes[n].name)
    }

    /// The ballot, as if this node had not opened its epoch.
    fn survivors_ballot(&self, n: usize, next: &Opening) -> galera_rs::galera::ballot::Ballot {
        let mut ballot = self.look_as_before(n, next);
        if let Some(report) = self.nodes[n].report.clone() {
            let name = self.nodes[n].name.clone();
            ballot.stands.insert(name, Stand::Apart(report));
        }
        ballot
    }

    /// Tells the server only once every other survivor is of the new epoch.
    fn await_notes(&mut self, n: usize, next: Box<Opening>) {
        let ballot = self.survivors_ballot(n, &next);
        let mine = self.nodes[n].cib.epoch() == next.epoch;
        let name = self.nodes[n].name.clone();
        if !mine || !ballot.quorate || !ballot.fates.at_large.is_empty() {
            return self.publish_apart(n);
        }
        let behind = ballot.stands.iter().any(|(who, stand)| {
            matches!(stand, Stand::Apart(report) if report.epoch != next.epoch.number && *who != name)
        });
        if !behind || !self.rules.survivors_note_the_epoch {
            self.proceed(n, next, Revival::Tell);
        }
    }

    /// `pc.bootstrap=YES`: everybody whom this server sees outside a component makes one.
    fn tell(&mut self, n: usize, epoch: u64) {
        let server = self.nodes[n].server.as_ref();
        let Some(name) = server.filter(|s| s.part == Part::Apart).map(|s| s.name) else {
            return;
        };
        let sees = |m: &usize| {
            let server = self.nodes[*m].server.as_ref();
            let apart = server.filter(|s| s.part == Part::Apart);
            self.wire[*m] == self.wire[n] && apart.is_some_and(|s| s.name == name)
        };
        let group: BTreeSet<usize> = (0..self.nodes.len()).filter(sees).collect();
        for m in &group {
            if let Some(server) = &mut self.nodes[*m].server {
                server.epoch = epoch;
            }
        }
        self.oracle.count("revived");
        let holders = group
            .iter()
            .copied()
            .filter(|m| self.nodes[*m].copy().is_some())
            .collect();
        self.form(group, holders, epoch);
    }

    /// The monitor finds a server that is not primary, and Pacemaker recovers the resource.
    pub fn recover_lost(&mut self, n: usize) {
        let node = &self.nodes[n];
        if self.lost(n) && node.stack && node.pending.is_none() {
            self.leave(n);
            self.begin(n);
        }
    }
}
