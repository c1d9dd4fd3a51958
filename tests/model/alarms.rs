//! The alarms can ring: with a fault planted, the oracle says what is wrong. That it sees two primary components and a
//! lost write is shown in `known.rs` and `covered.rs`.

use galera_rs::galera::ballot::Stand;
use galera_rs::galera::election::{Verdict, Waiting, elect};

use crate::known::{start, stop};
use crate::step::Step::{self, *};
use crate::world::{Rules, World};

/// Nodes that serve, and then take these steps.
fn after(size: usize, steps: impl IntoIterator<Item = Step>) -> World {
    let mut world = World::new(size, Rules::ALL);
    world.bring_up(&(0..size).collect::<Vec<_>>());
    world.run_quietly();
    world.creation = false;
    steps.into_iter().for_each(|step| world.apply(step));
    assert_eq!(world.oracle.failure, None, "before the fault");
    world
}

/// Both have reported, and the verdict is one that takes a node for silent.
#[test]
fn a_wait_without_need_is_seen() {
    let back = [Write(0), PowerOffAll, Boot(0), Boot(1)];
    let mut world = after(2, back.into_iter().chain(start(0)).chain(start(1)));
    let ballot = world.look(0);
    let mut fewer = ballot.clone();
    fewer.stands.insert("n1".to_owned(), Stand::Silent);
    let verdict = elect(&fewer);
    assert!(matches!(verdict, Verdict::Wait(Waiting::Electors { .. })));
    world.judge_verdict(&fewer, &verdict);
    assert_eq!(world.oracle.failure, None, "n1 is silent");
    world.judge_verdict(&ballot, &verdict);
    let found = world.oracle.failure.unwrap_or_default();
    assert!(found.contains("without need"), "`{found}`");
}

/// A node holds more than its component does, of the same epoch: its server aborts whenever it joins.
#[test]
fn a_cluster_that_does_not_come_back_is_seen() {
    let mut world = after(3, stop(2));
    assert_eq!(world.judge_end(&[0, 1, 2]), None, "without the fault");
    if let Some(copy) = world.nodes[2].copy_mut() {
        copy.log.extend(1_000..1_100);
        copy.durable = copy.log.len();
    }
    let found = world.judge_end(&[0, 1, 2]).unwrap_or_default();
    assert!(found.contains("nothing moves"), "`{found}`");
}
