//! Random walks: from a seed to steps, from steps to a failure, from a failure to the fewest steps.

use std::collections::BTreeMap;

use crate::step::{Mix, Step, random};
use crate::world::{Rules, World};

/// SplitMix64: small, and the same everywhere.
#[derive(Debug, Clone)]
pub struct Rng(u64);

impl Rng {
    /// From a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

/// Where a walk starts, and its steps.
#[derive(Debug, Clone)]
pub struct Walk {
    pub seed: u64,
    pub size: usize,
    pub blank: bool,
    pub two_node_mode: bool,
    pub fencing: bool,
    pub steps: Vec<Step>,
}

impl Walk {
    /// The walk of a seed.
    pub fn new(seed: u64, length: usize) -> Self {
        let mut rng = Rng::new(seed);
        let size = 2 + rng.below(4) as usize;
        let size = if size == 5 && rng.below(2) == 0 {
            3
        } else {
            size
        };
        let mix = Mix {
            trouble: 5 + rng.below(30),
            orders: rng.below(2) == 0,
            restless: rng.below(2) == 0,
        };
        let blank = rng.below(16) == 0;
        let two_node_mode = size == 2 && rng.below(3) == 0;
        let mut steps = Vec::new();
        if rng.below(2) == 0 {
            steps = outage(&mut rng, size);
        }
        steps.extend((0..length).map(|_| random(&mut rng, size, &mix)));
        Self {
            seed,
            size,
            blank,
            two_node_mode,
            fencing: !seed.is_multiple_of(4),
            steps,
        }
    }

    fn origin(&self, rules: Rules) -> World {
        let mut world = World::new(self.size, rules);
        let all: Vec<usize> = (0..self.size).collect();
        if !self.blank {
            world.bring_up(&all);
            world.run_quietly();
            assert!(world.serving(), "the first start of {} nodes", self.size);
        }
        world.creation = self.blank;
        world.two_node_mode = self.two_node_mode;
        world.fencing = self.fencing;
        world
    }

    /// Walks. The failure, if there is one, and what was seen on the way.
    pub fn run(&self, rules: Rules) -> (Option<String>, BTreeMap<&'static str, u64>) {
        let mut world = self.origin(rules);
        for step in &self.steps {
            world.apply(*step);
            if world.oracle.failure.is_some() {
                return (world.oracle.failure, world.oracle.seen);
            }
        }
        let all: Vec<usize> = (0..self.size).collect();
        let silent = (self.seed % self.size as u64) as usize;
        let some: Vec<usize> = all.iter().copied().filter(|n| *n != silent).collect();
        let failure = world.judge_end(&all).or_else(|| world.judge_end(&some));
        (failure, world.oracle.seen)
    }

    /// Takes steps out while the walk still fails, larger pieces first.
    fn shrink(mut self, rules: Rules) -> Self {
        let mut piece = self.steps.len() / 2;
        while piece > 0 {
            let mut from = 0;
            while from < self.steps.len() {
                let mut fewer = self.clone();
                fewer
                    .steps
                    .drain(from..(from + piece).min(self.steps.len()));
                if fewer.run(rules).0.is_some() {
                    self = fewer;
                } else {
                    from += piece;
                }
            }
            piece /= 2;
        }
        self
    }
}

/// The cluster goes down in one of several ways and comes back, so that the walk goes on amid an election.
fn outage(rng: &mut Rng, size: usize) -> Vec<Step> {
    let mut steps = Vec::new();
    for n in 0..size {
        steps.push(Step::Write(n));
        if rng.below(2) == 0 {
            steps.push(Step::NoteFloor(n));
        }
        if rng.below(3) == 0 {
            steps.push(Step::StopResource(n));
        }
        if rng.below(4) == 0 {
            steps.push(Step::KillServer(n));
        }
    }
    steps.push(Step::PowerOffAll);
    steps.extend((0..size).map(Step::Boot));
    let up = (0..size).filter(|_| rng.below(5) > 0);
    for n in up.collect::<Vec<_>>() {
        let own = [Step::StartResource(n), Step::Effect(n), Step::Agent(n)];
        steps.extend(own);
        steps.extend([Step::Effect(n), Step::Agent(n)]);
    }
    steps
}

/// What the walks of a range of seeds came to.
#[derive(Debug, Default)]
pub struct Tally {
    /// What was seen, over all of them.
    pub seen: BTreeMap<&'static str, u64>,
    /// The first failure.
    pub failure: Option<Failure>,
}

/// A failure and the fewest steps found that lead to it.
#[derive(Debug)]
pub struct Failure {
    pub what: String,
    pub walk: Walk,
}

/// Walks every seed of a range until one fails.
pub fn walk_all(seeds: std::ops::Range<u64>, length: usize, rules: Rules) -> Tally {
    let mut tally = Tally::default();
    for seed in seeds {
        let walk = Walk::new(seed, length);
        let (failure, seen) = walk.run(rules);
        for (what, times) in seen {
            *tally.seen.entry(what).or_default() += times;
        }
        if failure.is_some() {
            let walk = walk.shrink(rules);
            let what = walk.run(rules).0.unwrap_or_default();
            tally.failure = Some(Failure { what, walk });
            return tally;
        }
    }
    tally
}
