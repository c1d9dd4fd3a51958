//! Parts of the protocol that cover for each other: a walk holds without either, and not without both. Two parts of
//! the survivors' protocol that nothing covers for are here as well.

use crate::known::{shows_the_need, start, stop, walk};
use crate::step::Step::{self, *};
use crate::walk::Walk;
use crate::world::Rules;

/// The walk holds without either part, and not without both.
fn either_is_enough(walk: &Walk, one: Rules, other: Rules, neither: Rules, failure: &str) {
    assert_eq!(walk.run(one).0, None, "without the first");
    assert_eq!(walk.run(other).0, None, "without the second");
    shows_the_need(walk, neither, failure);
}

/// It finds itself elected, and its promotion finds the same.
fn promoted(n: usize) -> [Step; 3] {
    [Agent(n), Promote(n), Agent(n)]
}

/// It opens the epoch, says so, looks again, notes it and starts its server.
fn opens(n: usize) -> [Step; 7] {
    [
        Agent(n),
        Agent(n),
        Effect(n),
        Agent(n),
        Agent(n),
        Agent(n),
        Effect(n),
    ]
}

/// A promotion is overtaken by an order for another node, which opens the same epoch first.
fn overtaken() -> Walk {
    let down = stop(1).into_iter().chain(stop(0));
    let up = down.chain(start(0)).chain(start(1));
    let both = up.chain(promoted(0)).chain([Order(1)]).chain(promoted(1));
    walk(2, both.chain(opens(1)).chain(opens(0)))
}

#[test]
fn only_one_node_opens_an_epoch() {
    let one = Rules {
        exclusive_epoch: false,
        ..Rules::ALL
    };
    let other = Rules {
        second_look: false,
        ..Rules::ALL
    };
    let neither = Rules {
        second_look: false,
        ..one
    };
    let failure = "two primary components";
    either_is_enough(&overtaken(), one, other, neither, failure);
}

/// While a node says that it restores, an order starts another one without its data.
#[test]
fn a_restoring_node_looks_a_second_time() {
    let back = [Write(0), PowerOffAll, Boot(0), Boot(1)];
    let up = back.into_iter().chain(start(0)).chain(start(1));
    let ordered = up.chain([Agent(0), Order(1)]).chain(promoted(1));
    let served = ordered.chain(opens(1)).chain([Write(1); 3]);
    let walk = walk(2, served.chain([Effect(0), Agent(0), Transfer(0)]));
    let one = Rules {
        second_look_to_restore: false,
        ..Rules::ALL
    };
    let other = Rules {
        name_per_forced: false,
        ..Rules::ALL
    };
    let neither = Rules {
        name_per_forced: false,
        ..one
    };
    either_is_enough(&walk, one, other, neither, "had diverged");
}

/// Two halves evict each other.
#[test]
fn who_evicts_has_quorum() {
    let one = Rules {
        evict_with_quorum: false,
        ..Rules::ALL
    };
    let other = Rules {
        lost_means_fenced: false,
        ..Rules::ALL
    };
    let neither = Rules {
        lost_means_fenced: false,
        ..one
    };
    let mut walk = walk(2, [Recover, Cut(2), Evict(0), Evict(1)]);
    walk.fencing = true;
    either_is_enough(&walk, one, other, neither, "two primary components");
}

/// Two of three members went on without the third one, and are dead.
#[test]
fn more_than_half_of_a_view_may_have_gone_on() {
    let known = [Calm, Agent(0)].into_iter().chain(stop(3)).chain(stop(4));
    let gone_on = [NoteFloor(0), CutWire(1), Write(1)];
    let dead = [PowerOff(1), PowerOff(2), Fence(0), Suspect(0)];
    let steps = known.chain(gone_on).chain(dead);
    let steps = steps.chain([Agent(0), Effect(0), CutWire(0), Calm]);
    let mut walk = walk(5, steps);
    walk.fencing = true;
    let without = Rules {
        half_or_less: false,
        ..Rules::ALL
    };
    shows_the_need(&walk, without, "lacks Acknowledged");
}

/// A survivor acknowledges a write as soon as the component is there.
#[test]
fn survivors_note_the_epoch_before_it_has_a_server() {
    let known = [Calm, Agent(0), Agent(1), NoteFloor(0), NoteFloor(1)];
    let dead = [CutWire(12), PowerOff(2), PowerOff(3), Fence(0), Suspect(0)];
    let said = [Agent(0), Effect(0), Agent(1), Effect(1)];
    let opened = [Agent(0), Agent(0), Agent(0), Effect(0), Agent(0)];
    let told = [Agent(0), Effect(0), Agent(0), Agent(0)];
    let steps = known.into_iter().chain(dead).chain(said).chain(opened);
    let mut walk = walk(4, steps.chain(told).chain([Write(1), PowerOffAll]));
    walk.fencing = true;
    let without = Rules {
        survivors_note_the_epoch: false,
        ..Rules::ALL
    };
    shows_the_need(&walk, without, "lacks Acknowledged");
}
