//! The steps of a walk. Every step can be tried in every state; one that makes no sense there does nothing, so
//! that a list of steps stays valid when some are taken out.

use galera_rs::galera::ballot::{Force, Stand};
use galera_rs::galera::election::newest_epoch;
use galera_rs::galera::epoch::cost_of;

use crate::walk::Rng;
use crate::world::{Stage, World};

/// One atomic event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The next step of this agent.
    Agent(usize),
    /// The attribute that it wrote takes effect.
    Effect(usize),
    Promote(usize),
    Write(usize),
    Flush(usize),
    SaveView(usize),
    NoteFloor(usize),
    Transfer(usize),
    TimeOut(usize),
    RecoverLost(usize),
    /// The agent tells Galera who is dead.
    Evict(usize),
    /// Galera gives those up for whom this server and its group wait.
    Suspect(usize),
    /// The partition of this node fences everybody whom it has lost.
    Fence(usize),
    KillServer(usize),
    /// The agent's action is killed: stop and start follow.
    KillAgent(usize),
    KillStack(usize),
    PowerOff(usize),
    /// All nodes at once.
    PowerOffAll,
    Boot(usize),
    StartResource(usize),
    StopResource(usize),
    /// Those in the mask are on one side of Corosync's network.
    CutRing(u8),
    /// The same for Galera's.
    CutWire(u8),
    /// The same for both.
    Cut(u8),
    /// Everything is connected; `true`: attributes of the losing side survive.
    Heal(bool),
    /// Everything that goes on by itself does so for a while.
    Calm,
    /// Everything comes back, and goes on by itself.
    Recover,
    /// An operator orders a bootstrap of this node.
    Order(usize),
}

/// How often each kind of step is tried: the protocol mostly, trouble often enough.
pub struct Mix {
    pub trouble: u64,
    pub orders: bool,
    /// Nothing ever goes on in peace: networks and orders change amid every action.
    pub restless: bool,
}

/// A random step.
pub fn random(rng: &mut Rng, size: usize, mix: &Mix) -> Step {
    let n = rng.below(size as u64) as usize;
    let mask = rng.below(1 << size) as u8;
    if rng.below(100) >= mix.trouble {
        return match rng.below(46) {
            0..=12 => Step::Agent(n),
            13..=18 => Step::Effect(n),
            19..=22 => Step::Promote(n),
            23..=27 => Step::Write(n),
            28 => Step::Flush(n),
            29 => Step::SaveView(n),
            30 => Step::NoteFloor(n),
            31..=33 => Step::Transfer(n),
            34..=36 => Step::StartResource(n),
            37..=39 => Step::Evict(n),
            40..=41 => Step::Suspect(n),
            _ => Step::Boot(n),
        };
    }
    // Restless: half of the trouble is networks, orders and time-outs.
    let kind = match rng.below(8) {
        0 | 1 if mix.restless => 16 + rng.below(8),
        2 if mix.restless => 28,
        3 if mix.restless => 0,
        _ => rng.below(33),
    };
    match kind {
        0 => Step::TimeOut(n),
        1 | 2 => Step::RecoverLost(n),
        3..=5 => Step::KillServer(n),
        6 => Step::KillAgent(n),
        7 => Step::KillStack(n),
        8..=10 => Step::PowerOff(n),
        11 | 12 => Step::PowerOffAll,
        13..=15 => Step::StopResource(n),
        16 => Step::CutRing(mask),
        17 => Step::CutWire(mask),
        18 | 19 => Step::Cut(mask),
        20..=23 => Step::Heal(rng.below(2) == 0),
        24 | 25 => Step::Calm,
        26 | 27 => Step::Recover,
        28 | 29 if mix.orders => Step::Order(n),
        30..=32 => Step::Fence(n),
        _ => Step::Heal(true),
    }
}

impl World {
    /// One step, and what must hold after it.
    pub fn apply(&mut self, step: Step) {
        let sides = |mask: u8, size: usize| (0..size).map(|n| mask >> n & 1).collect::<Vec<u8>>();
        let size = self.nodes.len();
        match step {
            Step::Agent(n) => self.agent(n),
            Step::Effect(n) => self.take_effect(n),
            Step::Promote(n) => self.order_promote(n),
            Step::Write(n) => self.write(n),
            Step::Flush(n) => self.flush(n),
            Step::SaveView(n) => self.save_view(n),
            Step::NoteFloor(n) => self.note_floor(n),
            Step::Transfer(n) => self.transfer(n),
            Step::TimeOut(n) => self.time_out(n),
            Step::RecoverLost(n) => self.recover_lost(n),
            Step::Evict(n) => self.evict(n),
            Step::Suspect(n) => self.suspect(n),
            Step::Fence(n) => self.fence_lost(n),
            Step::KillServer(n) => self.kill_server(n),
            Step::KillAgent(n) => self.kill_agent(n),
            Step::KillStack(n) => self.kill_stack(n),
            Step::PowerOff(n) => self.power_off(n),
            Step::PowerOffAll => self.power_off_all(),
            Step::Boot(n) => self.boot(n),
            Step::StartResource(n) => self.start_resource(n),
            Step::StopResource(n) => self.stop(n),
            Step::CutRing(mask) => self.change_membership(true, |w| w.ring = sides(mask, size)),
            Step::CutWire(mask) => self.cut_wire(sides(mask, size)),
            Step::Cut(mask) => {
                self.change_membership(true, |w| w.ring = sides(mask, size));
                self.cut_wire(sides(mask, size));
            }
            Step::Heal(keep) => {
                self.change_membership(keep, |w| w.ring = sides(0, size));
                self.cut_wire(sides(0, size));
            }
            Step::Calm => self.run_quietly(),
            Step::Recover => {
                self.bring_up(&(0..size).collect::<Vec<_>>());
                self.run_quietly();
            }
            Step::Order(n) => self.order(n),
        }
        self.judge_step();
    }

    fn cut_wire(&mut self, sides: Vec<u8>) {
        self.wire = sides;
        self.regroup();
    }

    fn kill_agent(&mut self, n: usize) {
        if self.nodes[n].stack && self.nodes[n].stage != Stage::Stopped {
            self.begin(n);
        }
    }

    /// Nobody outlives anybody: no view changes in between.
    fn power_off_all(&mut self) {
        let components = std::mem::take(&mut self.components);
        for n in 0..self.nodes.len() {
            self.kill_stack(n);
            self.kill_server(n);
        }
        drop(components);
    }

    /// Pacemaker starts the resource.
    pub fn start_resource(&mut self, n: usize) {
        let node = &self.nodes[n];
        if node.stack && node.stage == Stage::Stopped && node.pending.is_none() {
            self.begin(n);
        }
    }

    /// The operator reads the cost, and orders the bootstrap of a node that has reported.
    pub fn order(&mut self, n: usize) {
        let ballot = self.look(n);
        let name = self.nodes[n].name.clone();
        if let Some(Stand::Reported { report, .. }) = ballot.stands.get(&name) {
            let force = Force {
                epoch: newest_epoch(&ballot),
                position: report.position().cloned(),
                elector: name.clone(),
            };
            let cost = cost_of(&ballot, &name);
            self.oracle.count("order");
            self.write_cib(n, |cib| cib.order = Some((force, cost)));
        }
    }
}
