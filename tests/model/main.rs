//! A model of Galera, Pacemaker and the agents between them, and random walks through it.
//!
//! The verdicts come from the crate's own `elect`; everything else is modelled, each atomic step of each
//! agent for itself, so that any interleaving of actions, crashes, delayed attributes and partitions can
//! come up. A failing walk prints its seed and the fewest steps that still fail.

mod agent;
mod alarms;
mod cluster;
mod covered;
mod eviction;
mod galera;
mod known;
mod oracle;
mod settle;
mod step;
mod survivor;
mod walk;
mod world;

use walk::walk_all;
use world::Rules;

/// What the walks must come across: one that never gets there proves nothing about it.
const REACHED: [&str; 13] = [
    "write",
    "formed",
    "join",
    "restore",
    "bootstrap",
    "wait",
    "refuse",
    "order",
    "forced",
    "given up",
    "revive",
    "revived",
    "evicted",
];

/// Walks them all; tells what they came across.
fn must_hold(seeds: std::ops::Range<u64>, length: usize) -> String {
    let tally = walk_all(seeds.clone(), length, Rules::ALL);
    if let Some(failure) = tally.failure {
        panic!("{}\n{:?}", failure.what, failure.walk);
    }
    for what in REACHED {
        assert!(tally.seen.contains_key(what), "no walk came to: {what}");
    }
    format!("seeds {seeds:?}, {length} steps each: {:?}", tally.seen)
}

#[test]
fn no_short_walk_loses_a_write_or_makes_two_primary_components_or_waits_for_ever() {
    println!("{}", must_hold(0..30_000, 80));
}

#[test]
fn no_long_walk_does_either() {
    println!("{}", must_hold(1_000_000..1_001_500, 1000));
}
