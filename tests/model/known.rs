//! Walks that found something, or were thought out to: each holds with the whole protocol, and shows what
//! one part of it is for.

use crate::step::Step::{self, *};
use crate::walk::{Walk, walk_all};
use crate::world::Rules;

/// A walk with these steps, from a cluster that serves.
pub fn walk(size: usize, steps: impl IntoIterator<Item = Step>) -> Walk {
    Walk {
        seed: 0,
        size,
        blank: false,
        two_node_mode: false,
        fencing: false,
        steps: steps.into_iter().collect(),
    }
}

/// The walk holds, and without the part of the protocol it does not.
pub fn shows_the_need(walk: &Walk, without: Rules, failure: &str) {
    assert_eq!(walk.run(Rules::ALL).0, None, "with the whole protocol");
    let found = walk.run(without).0.unwrap_or_default();
    assert!(found.contains(failure), "without a part of it: `{found}`");
}

/// Among these random walks there is one that fails without a part of the protocol.
fn some_walk_shows_the_need(seeds: std::ops::Range<u64>, without: Rules) {
    let tally = walk_all(seeds, 80, without);
    assert!(tally.failure.is_some(), "without a part of the protocol");
}

/// The steps of a start, up to the published report.
pub fn start(n: usize) -> [Step; 4] {
    [StartResource(n), Effect(n), Agent(n), Effect(n)]
}

/// The steps of a clean stop.
pub fn stop(n: usize) -> [Step; 2] {
    [StopResource(n), Effect(n)]
}

#[test]
fn data_that_an_order_gave_up_is_not_joined_with() {
    let forced_data_is_given_up = false;
    some_walk_shows_the_need(
        0..100,
        Rules {
            forced_data_is_given_up,
            ..Rules::ALL
        },
    );
}

/// A promotion on an old verdict, in a partition that is cut off in between.
#[test]
fn a_bootstrapper_looks_a_second_time() {
    let second_look = false;
    some_walk_shows_the_need(
        100..140,
        Rules {
            second_look,
            ..Rules::ALL
        },
    );
}

/// The server of a node whose cluster stack has died runs on, apart, and joins the forced component as soon
/// as it can reach it: Galera sees the same history and a lower seqno.
#[test]
fn a_server_of_an_older_epoch_cannot_connect() {
    let name_per_forced = false;
    some_walk_shows_the_need(
        1_530..1_540,
        Rules {
            name_per_forced,
            ..Rules::ALL
        },
    );
}

/// A synced node acknowledges writes before its agent has noted anything.
#[test]
fn a_joiner_notes_the_epoch_before_its_server_starts() {
    let down = stop(0).into_iter().chain(stop(1));
    let up = start(0).into_iter().chain(start(1));
    let bootstrap = [
        Agent(1),
        Promote(1),
        Agent(1),
        Agent(1),
        Agent(1),
        Effect(1),
    ];
    let primary = [Agent(1), Agent(1), Agent(1), Effect(1)];
    let join = [
        Agent(0),
        Effect(0),
        Agent(0),
        Agent(0),
        Agent(0),
        Transfer(0),
    ];
    let steps = down.chain(up).chain(bootstrap).chain(primary).chain(join);
    let steps = steps.chain([Write(0), PowerOffAll]);
    let without = Rules {
        epoch_before_join: false,
        ..Rules::ALL
    };
    shows_the_need(&walk(2, steps), without, "lacks Acknowledged");
}

/// A component that was given up serves on in a minority; after the heal it is there first.
#[test]
fn a_primary_node_of_an_epoch_that_was_given_up_is_not_joined() {
    let down = stop(1).into_iter().chain(stop(2)).chain([Cut(1)]);
    let forced = start(1).into_iter().chain([Order(1), Calm, Write(1)]);
    let back = [PowerOff(1), Heal(true), Boot(1)];
    let steps = down.chain(forced).chain(back).chain(start(1));
    let without = Rules {
        given_up_primary_is_ignored: false,
        ..Rules::ALL
    };
    let walk = walk(3, steps.chain([Agent(1), Agent(1)]));
    shows_the_need(&walk, without, "lacks Acknowledged");
}

/// An order that is given while another node opens an epoch is bound to that epoch, and outlives it.
#[test]
fn a_bootstrap_voids_the_orders_before_it() {
    let alone = [
        KillServer(1),
        Effect(1),
        Flush(0),
        Agent(1),
        Effect(1),
        Agent(1),
        Effect(1),
    ];
    let down = [
        Agent(1),
        Effect(1),
        Agent(1),
        Flush(0),
        Agent(1),
        PowerOff(1),
        KillServer(0),
        Agent(0),
        Effect(0),
    ];
    let both = [
        Agent(0),
        Boot(1),
        StartResource(1),
        Effect(1),
        Agent(1),
        Effect(1),
        Effect(0),
    ];
    let open = [
        Agent(0),
        Promote(0),
        Agent(0),
        Agent(0),
        Agent(0),
        Order(1),
        Effect(0),
    ];
    let serve = [Agent(0), Agent(0), Agent(0), Write(0)];
    let steps = alone.into_iter().chain(down).chain(both).chain(open);
    let without = Rules {
        starts_void_orders: false,
        ..Rules::ALL
    };
    let mut walk = walk(2, steps.chain(serve));
    (walk.two_node_mode, walk.seed) = (true, 1_000_718);
    shows_the_need(&walk, without, "the order's cost did not say so");
}

/// After a forced bootstrap a lower seqno can hold what a higher one does not.
#[test]
fn the_cost_of_an_order_counts_the_epochs() {
    let cut = [
        Cut(2),
        KillServer(0),
        StopResource(2),
        Agent(0),
        Effect(0),
        Agent(0),
        Effect(0),
    ];
    let forced = [Order(0), Calm, Write(0), StopResource(0)];
    let back = [Heal(true), Effect(0), Order(1)];
    let steps = cut.into_iter().chain(forced).chain(back);
    assert_eq!(walk(3, steps).run(Rules::ALL).0, None);
}

/// Half of the nodes cannot know that the other half is dead.
#[test]
fn nobody_is_evicted_before_it_is_fenced() {
    let steps = [
        Effect(1),
        Evict(0),
        NoteFloor(1),
        Cut(2),
        Evict(0),
        Write(0),
    ];
    let without = Rules {
        lost_means_fenced: false,
        ..Rules::ALL
    };
    let mut walk = walk(2, steps);
    walk.fencing = true;
    shows_the_need(&walk, without, "lacks Acknowledged");
}

/// The stack of a node has died, and its server lives; it connects to what the survivors make.
#[test]
fn survivors_wait_for_everybody_at_large() {
    let nobody_at_large = false;
    some_walk_shows_the_need(
        89_885..89_890,
        Rules {
            nobody_at_large,
            ..Rules::ALL
        },
    );
}

/// While a node prepares its join, the component dies and is bootstrapped anew under the same name: what it acknowledges
/// there it would take for a write of the epoch before. Its second look shows the new epoch, and so do the words of the
/// others in its view.
#[test]
fn a_joiner_is_of_the_epoch_of_the_component_that_it_finds() {
    let alone = [Calm, Effect(0), Effect(1)].into_iter().chain(stop(0));
    let alone = alone.chain([Effect(1), Agent(1), NoteFloor(1), Write(1), Flush(1)]);
    let decided = start(0).into_iter().chain([Agent(0)]);
    let dead = [
        KillServer(1),
        Agent(1),
        Effect(1),
        Agent(1),
        Effect(1),
        Agent(1),
    ];
    let bootstrap = [
        Promote(1),
        Agent(1),
        Agent(1),
        Agent(1),
        Effect(1),
        Agent(1),
        Agent(1),
        Agent(1),
        Effect(1),
    ];
    let join = [
        Effect(0),
        Agent(0),
        Agent(0),
        Agent(0),
        Transfer(0),
        Agent(0),
        Effect(0),
    ];
    let steps = alone.chain(decided).chain(dead).chain(bootstrap);
    let walk = walk(2, steps.chain(join).chain([Write(0), PowerOffAll]));
    let second_look_to_join = false;
    let one = Rules {
        second_look_to_join,
        ..Rules::ALL
    };
    assert_eq!(walk.run(one).0, None);
    let neither = Rules {
        epoch_of_fellows: false,
        ..one
    };
    shows_the_need(&walk, neither, "lacks Acknowledged");
}

/// Two servers lose each other, and both agents say so.
fn parted() -> impl Iterator<Item = Step> {
    let apart = [Calm, CutWire(1), Suspect(0), Suspect(1)];
    let said = [Agent(0), Effect(0), Agent(1), Effect(1)];
    apart.into_iter().chain(said)
}

/// The first one opens an epoch to make the component anew, says so, looks again and notes it.
const NOTED: [Step; 5] = [Agent(0), Agent(0), Agent(0), Effect(0), Agent(0)];

/// Galera heals the component; the other one serves in it, and all lose power.
const HEALED: [Step; 5] = [CutWire(0), Agent(1), Effect(1), Write(1), PowerOffAll];

/// Galera heals by itself while an agent makes the component anew: it has noted an epoch that the others learn of after
/// they have served.
#[test]
fn a_component_that_healed_by_itself_amid_its_revival_keeps_what_it_acknowledged() {
    let without = Rules {
        healed_counts_as_revived: false,
        ..Rules::ALL
    };
    let walk = walk(2, parted().chain(NOTED).chain(HEALED));
    shows_the_need(&walk, without, "lacks Acknowledged");
}

/// The same with a first attempt that comes to nothing: its agent loses sight of the other one, which notes neither epoch.
#[test]
fn a_component_that_healed_by_itself_amid_a_second_revival_keeps_what_it_acknowledged() {
    let failed = [
        Agent(0),
        Effect(0),
        CutRing(2),
        Agent(0),
        CutRing(0),
        Effect(0),
    ];
    let without = Rules {
        every_attempt_counts: false,
        ..Rules::ALL
    };
    let steps = parted().chain(NOTED).chain(failed);
    let walk = walk(2, steps.chain(NOTED).chain(HEALED));
    shows_the_need(&walk, without, "lacks Acknowledged");
}
