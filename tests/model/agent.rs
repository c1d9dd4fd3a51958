//! The agents' protocol: one call of [`World::agent`] is one atomic step of one agent.

use std::collections::BTreeSet;

use galera_rs::galera::ballot::{Ballot, Data, LastView, Report, Stand};
use galera_rs::galera::election::{Reason, Verdict, elect, newest_epoch};
use galera_rs::galera::epoch::{cost_of, next_epoch};
use galera_rs::galera::position::Position;

use crate::galera::Mode;
use crate::world::{Disk, Opening, Part, Record, Stage, World};

impl World {
    /// The next step of the agent on `n`; nothing while an attribute that it wrote cannot be read back.
    pub fn agent(&mut self, n: usize) {
        let node = &self.nodes[n];
        if !node.stack || node.pending.is_some() {
            return;
        }
        match node.stage.clone() {
            Stage::Stopped => {}
            Stage::Start => self.start(n),
            Stage::Reported => self.reported(n),
            Stage::LookToJoin { epoch, keep } => self.look_to_join(n, epoch, keep),
            Stage::Prepare { epoch, keep } => self.prepare(n, epoch, keep),
            Stage::Join { epoch } => {
                self.start_server(n, Mode::Join, epoch);
                self.nodes[n].stage = Stage::Joining { epoch };
            }
            Stage::Joining { epoch } => self.joining(n, epoch),
            Stage::LookToRestore { epoch } => self.look_to_restore(n, epoch),
            Stage::Restoring => self.restoring(n),
            Stage::Promote => self.promote(n),
            Stage::Open { next } => self.open(n, next),
            Stage::Announce { next } => {
                self.publish(n, Stand::Bootstrapping, Stage::LookToBootstrap { next });
            }
            Stage::LookToBootstrap { next } => self.look_to_bootstrap(n, next),
            Stage::Note { next } => self.note(n, next),
            Stage::Bootstrap { next } => self.bootstrap(n, &next),
            Stage::Running => self.running(n),
            Stage::Apart => self.apart(n),
            Stage::Revive { next, then } => self.revive(n, next, then),
        }
    }

    /// Publishes a stand.
    pub fn publish(&mut self, n: usize, stand: Stand, then: Stage) {
        let word = self.word(n, &stand);
        let node = &mut self.nodes[n];
        node.pending_word = word;
        if stand == Stand::Primary {
            node.primary_epoch = node.epoch;
        }
        (node.pending, node.stage) = (Some(stand), then);
    }

    /// Says that it is a member, of the newest epoch that the others of its view are of.
    pub fn enter(&mut self, n: usize) {
        if let Some(newest) = self.epoch_of_fellows(n) {
            let node = &mut self.nodes[n];
            node.epoch = node.epoch.max(newest);
        }
        self.publish(n, Stand::Primary, Stage::Running);
    }

    fn epoch_of_fellows(&self, n: usize) -> Option<u64> {
        let here = self.partition(n);
        let fellows = here.iter().filter(|m| {
            let same =
                self.component_of(**m).is_some() && self.component_of(**m) == self.component_of(n);
            same && self.nodes[**m].stand == Stand::Primary
        });
        let newest = fellows.map(|m| self.nodes[*m].primary_epoch).max();
        newest.filter(|_| self.rules.epoch_of_fellows)
    }

    fn publish_report(&mut self, n: usize) {
        let report = self.report(n);
        self.nodes[n].report = Some(report.clone());
        let eligible = true;
        self.publish(n, Stand::Reported { report, eligible }, Stage::Reported);
    }

    /// What a node outside any component says of itself.
    pub fn report(&self, n: usize) -> Report {
        let node = &self.nodes[n];
        let data = match &node.disk {
            Disk::Blank => Data::Blank { user_data: false },
            Disk::Partial => Data::Partial,
            Disk::Holds(copy) => Data::At(Position {
                history: copy.history,
                seqno: copy.log.len() as u64,
                gtid: None,
            }),
        };
        let record = node.record.as_ref();
        let view = match &node.saved {
            Some(saved) => Some(LastView {
                id: Some(saved.id.to_string()),
                members: saved.members.clone(),
                floor: record
                    .filter(|r| r.view == Some(saved.id))
                    .and_then(|r| r.floor),
            }),
            None => record
                .filter(|r| r.at == Some(node.len()))
                .map(|r| LastView {
                    id: None,
                    members: r.members.clone(),
                    floor: r.floor,
                }),
        };
        Report {
            epoch: node.epoch,
            opened_by: None,
            safe: node.safe && node.copy().is_some(),
            recovered: !node.clean,
            lives: node.lives.clone(),
            view: view.filter(|_| node.copy().is_some()),
            data,
        }
    }

    /// The resource is started: whatever ran is stopped, nothing is known of this node.
    pub fn begin(&mut self, n: usize) {
        self.kill_server(n);
        self.publish(n, Stand::Silent, Stage::Start);
    }

    fn start(&mut self, n: usize) {
        let own = self.nodes[n].epoch;
        self.retract(n, own);
        self.publish_report(n);
    }

    /// Takes back an epoch beyond `own` that this node opened: it never started a server in it.
    pub fn retract(&mut self, n: usize, own: u64) {
        let newest = self.nodes[n].cib.epoch();
        let mine = newest.opened_by.as_ref() == Some(&self.nodes[n].name);
        if mine && newest.number > own {
            self.write_cib(n, |cib| drop(cib.epochs.pop()));
        }
    }

    fn reported(&mut self, n: usize) {
        if !matches!(self.nodes[n].stand, Stand::Reported { .. }) {
            return self.publish_report(n);
        }
        let ballot = self.look(n);
        let verdict = elect(&ballot);
        self.judge_verdict(&ballot, &verdict);
        let name = self.nodes[n].name.clone();
        self.nodes[n].elected = matches!(&verdict, Verdict::Bootstrap(who, _) if *who == name);
        match verdict {
            Verdict::Join(primary) => {
                if let Some((epoch, keep)) = self.plan_join(n, &ballot, &primary) {
                    self.nodes[n].elected = false;
                    self.publish(n, Stand::Joining, Stage::LookToJoin { epoch, keep });
                }
            }
            Verdict::Restore(members) if members.contains(&name) => {
                let Some(report) = self.nodes[n].report.clone() else {
                    return;
                };
                let epoch = newest_epoch(&ballot);
                self.publish(n, Stand::Restoring(report), Stage::LookToRestore { epoch });
            }
            Verdict::Restore(_)
            | Verdict::Bootstrap(..)
            | Verdict::Revive(..)
            | Verdict::Wait(_)
            | Verdict::Refuse(_) => {}
        }
    }

    fn look_to_join(&mut self, n: usize, epoch: u64, keep: bool) {
        if !self.rules.second_look_to_join {
            self.nodes[n].stage = Stage::Prepare { epoch, keep };
            return;
        }
        let ballot = self.look(n);
        let announced = self.nodes[n].stand == Stand::Joining;
        let planned = if let Verdict::Join(primary) = elect(&ballot) {
            self.plan_join(n, &ballot, &primary).filter(|_| announced)
        } else {
            None
        };
        let Some((epoch, keep)) = planned else {
            return self.publish_report(n);
        };
        self.nodes[n].stage = Stage::Prepare { epoch, keep };
    }

    /// The epoch to join, and whether the data may go on from where it is.
    fn plan_join(&self, n: usize, ballot: &Ballot, primary: &str) -> Option<(u64, bool)> {
        let report = self.nodes[n].report.as_ref()?;
        let of_primary = self.nodes.iter().find(|node| node.name == primary);
        let of_primary = of_primary.map_or(0, |node| node.primary_epoch);
        let epoch = if self.rules.epoch_from_primary {
            of_primary
        } else {
            newest_epoch(ballot)
        };
        let known = ballot.epoch.position.as_ref().map(|p| p.history);
        let own = report.position().map(|p| p.history);
        let same = known.is_none() || own.is_none() || known == own;
        let (at, seqno) = (report.epoch, report.seqno());
        let continues = if self.rules.epoch_from_primary {
            same && ballot.epoch.leads_to(epoch, at, seqno)
        } else {
            same && ballot.epoch.leads_to(ballot.epoch.number, at, seqno)
        };
        Some((epoch, continues || !self.rules.forced_data_is_given_up))
    }

    fn prepare(&mut self, n: usize, epoch: u64, keep: bool) {
        if !keep {
            self.nodes[n].disk = Disk::Partial;
        }
        self.move_saved_view(n);
        let node = &mut self.nodes[n];
        if self.rules.epoch_before_join && node.epoch != epoch {
            // From here on the old view proves nothing: it was not the last one of this epoch.
            (node.epoch, node.record) = (epoch, None);
        }
        self.nodes[n].stage = Stage::Join { epoch };
    }

    /// `gvwstate.dat` moves into the agent's own record, so that the server does not try to restore it.
    fn move_saved_view(&mut self, n: usize) {
        let view = self.report(n).view;
        let node = &mut self.nodes[n];
        if node.saved.take().is_some() {
            let at = Some(node.len());
            node.record = view.map(|view| Record {
                view: None,
                members: view.members,
                floor: view.floor,
                at,
            });
        }
    }

    fn joining(&mut self, n: usize, epoch: u64) {
        match self.nodes[n].part() {
            None => self.begin(n),
            Some(Part::Synced) => {
                if !self.rules.epoch_before_join {
                    self.nodes[n].epoch = epoch;
                }
                self.enter(n);
            }
            Some(Part::Apart | Part::Joiner | Part::Receiving) => {}
        }
    }

    fn look_to_restore(&mut self, n: usize, epoch: u64) {
        let ballot = self.look(n);
        let name = &self.nodes[n].name;
        let still = matches!(elect(&ballot), Verdict::Restore(members) if members.contains(name));
        let announced = matches!(self.nodes[n].stand, Stand::Restoring(_));
        let good = still && announced && newest_epoch(&ballot) == epoch;
        if !good && self.rules.second_look_to_restore {
            return self.publish_report(n);
        }
        self.void_orders(n);
        let own = self.nodes[n].epoch;
        self.start_server(n, Mode::Restore, own);
        self.nodes[n].stage = Stage::Restoring;
    }

    /// An order was bound to positions that are about to be left behind.
    pub fn void_orders(&mut self, n: usize) {
        if self.rules.starts_void_orders && self.nodes[n].cib.order.is_some() {
            self.write_cib(n, |cib| cib.order = None);
        }
    }

    fn restoring(&mut self, n: usize) {
        match self.nodes[n].part() {
            None => self.begin(n),
            Some(Part::Synced) => self.enter(n),
            Some(Part::Apart) => {}
            Some(Part::Joiner | Part::Receiving) => self.only_joins(n),
        }
    }

    /// A node that has restored a component where nobody serves now waits there like any other that joins.
    fn only_joins(&mut self, n: usize) {
        let here = self.partition(n).into_iter().map(|m| &self.nodes[m]);
        let served = here.map(|node| &node.stand).any(|it| *it == Stand::Primary);
        if matches!(self.nodes[n].stand, Stand::Restoring(_)) && !served {
            self.publish(n, Stand::Joining, Stage::Restoring);
        }
    }

    /// A join or a restore has taken too long.
    pub fn time_out(&mut self, n: usize) {
        let waits = matches!(
            self.nodes[n].stage,
            Stage::Joining { .. } | Stage::Restoring
        );
        if waits && self.nodes[n].stack && self.nodes[n].pending.is_none() {
            self.kill_server(n);
            self.move_saved_view(n);
            self.begin(n);
        }
    }

    fn promote(&mut self, n: usize) {
        let ballot = self.look(n);
        let verdict = elect(&ballot);
        let name = self.nodes[n].name.clone();
        (self.nodes[n].stage, self.nodes[n].elected) = (Stage::Reported, false);
        let Verdict::Bootstrap(who, reason) = verdict else {
            return;
        };
        let Some(epoch) = next_epoch(&ballot, &name, &reason).filter(|_| who == name) else {
            return;
        };
        let cost = match &reason {
            Reason::Forced => self.nodes[n]
                .cib
                .order
                .as_ref()
                .map(|(_, cost)| cost.clone()),
            Reason::PartnerGone(_) => Some(cost_of(&ballot, &name)),
            Reason::AllReported | Reason::LastView(_) | Reason::Creation => None,
            Reason::Survivors(_) => None,
        };
        let next = Box::new(Opening {
            epoch,
            before: ballot.epoch,
            cost,
            unknown: Vec::new(),
        });
        self.nodes[n].stage = Stage::Open { next };
    }

    fn open(&mut self, n: usize, next: Box<Opening>) {
        let newest = self.nodes[n].cib.epoch().number;
        if self.rules.exclusive_epoch && newest >= next.epoch.number {
            self.nodes[n].stage = Stage::Reported;
            return;
        }
        let epoch = next.epoch.clone();
        self.write_cib(n, |cib| cib.epochs.push(epoch));
        self.nodes[n].stage = Stage::Announce { next };
    }

    fn look_to_bootstrap(&mut self, n: usize, mut next: Box<Opening>) {
        let name = self.nodes[n].name.clone();
        let mine = self.nodes[n].cib.epoch() == next.epoch;
        let announced = self.nodes[n].stand == Stand::Bootstrapping;
        let ballot = self.look_as_before(n, &next);
        let still = matches!(elect(&ballot), Verdict::Bootstrap(who, _) if who == name);
        if (mine && announced && still) || !self.rules.second_look {
            next.unknown = ballot.unknown();
            self.nodes[n].stage = Stage::Note { next };
            return;
        }
        let own = self.nodes[n].epoch;
        self.retract(n, own);
        self.publish_report(n);
    }

    /// The ballot, as if this node had not opened its epoch.
    pub fn look_as_before(&self, n: usize, next: &Opening) -> Ballot {
        let mut world = self.clone();
        let (report, eligible) = (world.nodes[n].report.clone(), true);
        if let Some(report) = report {
            world.nodes[n].stand = Stand::Reported { report, eligible };
        }
        let opened = &next.epoch;
        world.nodes[n].cib.epochs.retain(|epoch| epoch != opened);
        let mut ballot = world.look(n);
        ballot.fates.at_large.remove(&self.nodes[n].name);
        ballot
    }

    /// From here on the bootstrap counts, even when the server never comes up.
    fn note(&mut self, n: usize, next: Box<Opening>) {
        if let Some(cost) = &next.cost {
            self.judge_forced(n, next.epoch.number, cost, &next.unknown);
        }
        self.void_orders(n);
        let node = &mut self.nodes[n];
        node.epoch = next.epoch.number;
        node.saved = None;
        let at = Some(node.len());
        node.record = Some(Record {
            view: None,
            members: BTreeSet::new(),
            floor: at,
            at,
        });
        node.stage = Stage::Bootstrap { next };
    }

    fn bootstrap(&mut self, n: usize, next: &Opening) {
        self.start_server(n, Mode::New, next.epoch.number);
        self.publish(n, Stand::Primary, Stage::Running);
    }

    fn running(&mut self, n: usize) {
        self.remember(n);
        let forced = self.nodes[n].cib.epoch().forced;
        let given_up = forced.iter().any(|(epoch, _)| *epoch > self.nodes[n].epoch);
        match self.nodes[n].part() {
            None => self.begin(n),
            Some(_) if given_up => {
                self.leave(n);
                self.begin(n);
            }
            Some(Part::Synced) if self.nodes[n].stand != Stand::Primary => self.enter(n),
            Some(Part::Synced) if self.epoch_of_fellows(n) > Some(self.nodes[n].epoch) => {
                self.enter(n);
            }
            Some(Part::Apart) if self.lost(n) => self.say_apart(n),
            Some(_) => {}
        }
    }

    /// The resource is stopped cleanly; its report stays behind.
    pub fn stop(&mut self, n: usize) {
        if !self.nodes[n].stack || self.nodes[n].stage == Stage::Stopped {
            return;
        }
        self.leave(n);
        let own = self.nodes[n].epoch;
        self.retract(n, own);
        let (report, eligible) = (self.report(n), false);
        self.nodes[n].elected = false;
        self.publish(n, Stand::Reported { report, eligible }, Stage::Stopped);
    }

    /// Pacemaker promotes, perhaps on an old verdict.
    pub fn order_promote(&mut self, n: usize) {
        let node = &mut self.nodes[n];
        if node.stack && node.elected && node.stage == Stage::Reported && node.pending.is_none() {
            node.stage = Stage::Promote;
        }
    }
}
