//! What must come about once trouble ends: with all nodes back a primary component, or a refusal that an
//! order ends.

use galera_rs::galera::ballot::{Data, Stand};
use galera_rs::galera::election::{Verdict, elect};

use crate::world::{Disk, Part, Stage, World};

const ROUNDS: usize = 80;

impl World {
    /// Everything that goes on by itself, until nothing changes; waits that have an end, end.
    pub fn run_quietly(&mut self) {
        let mut still = 0;
        for _ in 0..ROUNDS {
            let before = self.signature();
            for n in 0..self.nodes.len() {
                self.take_effect(n);
                self.agent(n);
                self.order_promote(n);
                self.save_view(n);
                self.transfer(n);
                self.fence_lost(n);
                self.evict(n);
                self.suspect(n);
                if self.nodes[n].hopeless {
                    self.recover_lost(n);
                }
                self.judge_step();
            }
            still = if self.signature() == before {
                still + 1
            } else {
                0
            };
            if still > 3 || self.serving() {
                return;
            }
            if still == 1 {
                (0..self.nodes.len()).for_each(|n| self.time_out(n));
            }
        }
    }

    /// Changes as long as anything goes on.
    fn signature(&self) -> Vec<(Stage, Stand, Option<Part>)> {
        let each = self.nodes.iter();
        each.map(|n| (n.stage.clone(), n.stand.clone(), n.part()))
            .collect()
    }

    /// Every node whose resource is started serves in one component.
    pub fn serving(&self) -> bool {
        let started = self.nodes.iter().filter(|n| n.stage != Stage::Stopped);
        let serves = |node: &crate::world::Node| node.synced() && node.stage == Stage::Running;
        self.components.len() == 1 && started.into_iter().all(serves)
    }

    /// The networks are whole, and these nodes are up with the resource started; the others are off.
    pub fn bring_up(&mut self, up: &[usize]) {
        let size = self.nodes.len();
        self.change_membership(true, |world| world.ring = vec![0; size]);
        self.wire = vec![0; size];
        self.regroup();
        for n in 0..size {
            if !up.contains(&n) {
                self.power_off(n);
            }
        }
        for n in up {
            self.boot(*n);
            self.take_effect(*n);
            self.start_resource(*n);
        }
    }

    /// What an operator may rely on when `up` are back.
    pub fn judge_end(&self, up: &[usize]) -> Option<String> {
        let mut world = self.clone();
        world.bring_up(up);
        world.run_quietly();
        if world.serving() || world.oracle.failure.is_some() {
            return world.oracle.failure;
        }
        let first = *up.first()?;
        let verdict = elect(&world.look(first));
        let all = up.len() == world.nodes.len();
        let settled =
            matches!(verdict, Verdict::Refuse(_)) || (!all && matches!(verdict, Verdict::Wait(_)));
        if !settled {
            let stages: Vec<_> = world
                .nodes
                .iter()
                .map(|n| (&n.stage, &n.stand, &n.server))
                .collect();
            return Some(format!("nothing moves: {verdict:?}, {stages:?}"));
        }
        if !world.quorate(first) {
            return None;
        }
        let startable = |n: &&usize| {
            let report = world.nodes[**n].report.as_ref();
            report.is_some_and(|r| matches!(r.data, Data::At(_) | Data::Blank { .. }))
        };
        let Some(chosen) = up.iter().find(startable).copied() else {
            let whole = self.nodes.iter().any(|n| matches!(n.disk, Disk::Holds(_)));
            return (all && whole).then(|| "no node can be ordered to start".to_owned());
        };
        world.order(chosen);
        world.run_quietly();
        let failure = world.oracle.failure.clone();
        let stuck = (!world.serving()).then(|| {
            let stages: Vec<_> = world.nodes.iter().map(|n| (&n.stage, &n.stand)).collect();
            format!("an order for n{chosen} does not end {verdict:?}: {stages:?}")
        });
        failure.or(stuck)
    }
}
