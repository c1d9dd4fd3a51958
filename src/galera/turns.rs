//! Whose turn it is to evict the dead: one member after another, until nobody has to any more. Pure.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use uuid::Uuid;

/// Two that evict at once cost a second; so each waits for those before it.
const TURN: Duration = Duration::from_millis(1500);

/// Who was found dead, since when, and how often it was this node's turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turns {
    dead: BTreeSet<Uuid>,
    since: Instant,
    done: u32,
}

impl Turns {
    /// Begins when these are found dead.
    #[must_use]
    pub fn new(dead: BTreeSet<Uuid>, now: Instant) -> Self {
        Self {
            dead,
            since: now,
            done: 0,
        }
    }

    /// Whether they are about the same dead.
    #[must_use]
    pub fn are_about(&self, dead: &BTreeSet<Uuid>) -> bool {
        self.dead == *dead
    }

    /// Whether the turn of this one of all members has come: the first at once, each next one when nothing has changed by
    /// then, and after the last the first again. `rank`: how many of the living come before it.
    pub fn is_due(&mut self, rank: usize, members: usize, now: Instant) -> bool {
        let before = rank + members * self.done as usize;
        let turns = u32::try_from(before).unwrap_or(u32::MAX);
        let due = now.saturating_duration_since(self.since) >= TURN.saturating_mul(turns);
        self.done += u32::from(due);
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEMBERS: usize = 3;

    fn dead(n: u128) -> BTreeSet<Uuid> {
        BTreeSet::from([Uuid::from_u128(n)])
    }

    /// Multiples of a tenth of a turn, up to ten turns, at which a member of this rank evicts.
    fn due(rank: usize) -> Vec<u32> {
        let begin = Instant::now();
        let mut turns = Turns::new(dead(1), begin);
        let due = |tenth: &u32| turns.is_due(rank, MEMBERS, begin + TURN / 10 * *tenth);
        (0..100).filter(due).collect()
    }

    #[test]
    fn the_first_evicts_at_once_and_the_next_step_in_one_after_another_until_it_is_done() {
        assert_eq!(due(0), [0, 30, 60, 90]);
        assert_eq!(due(1), [10, 40, 70]);
        assert_eq!(due(2), [20, 50, 80]);
    }

    #[test]
    fn no_two_members_evict_at_a_time() {
        let all: Vec<u32> = (0..MEMBERS).flat_map(due).collect();
        let each: BTreeSet<u32> = all.iter().copied().collect();
        assert_eq!(each.len(), all.len(), "{all:?}");
    }

    #[test]
    fn turns_about_others_are_others() {
        let turns = Turns::new(dead(1), Instant::now());
        assert!(turns.are_about(&dead(1)) && !turns.are_about(&dead(2)));
    }
}
