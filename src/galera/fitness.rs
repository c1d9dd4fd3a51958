//! How well a server that runs suits the role Promoted: its promotion score. Pure. The rules are in `docs/roles.md`.

use super::node::FULL_SCORE;
use super::wsrep::{ClusterStatus, LocalState, Status};

/// How often running another fitness has to be seen before it counts: scores that flap move roles.
const CONFIRMED: u32 = 3;

/// How well it suits, the best last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fitness {
    /// Outside the primary component: it cannot be promoted.
    Outside,
    /// In the component and not Synced: a donor, desynced, or it catches up.
    Unsynced,
    /// Synced, with a long queue of write sets that it has not applied yet.
    Behind,
    /// Synced.
    Full,
    /// It has the role. One more than all others: Pacemaker 2.1.5 takes a promoted instance that it has reloaded for
    /// unpromoted, and of equal scores it may then promote another node, without a demotion of this one [measured].
    Promoted,
}

impl Fitness {
    /// What the server's own words mean. `known`: the fitness so far; whoever is behind has to come to half the limit
    /// to be well again. `recv_queue_max`: 0 switches the limit off.
    pub fn of(status: &Status, recv_queue_max: u64, known: Option<Self>) -> Self {
        if status.cluster_status != ClusterStatus::Primary {
            return Self::Outside;
        }
        if status.local_state != Some(LocalState::Synced) {
            return Self::Unsynced;
        }
        let limit = if known == Some(Self::Behind) {
            recv_queue_max / 2
        } else {
            recv_queue_max
        };
        let queue = status.local_recv_queue.unwrap_or(0);
        if recv_queue_max > 0 && queue > limit {
            Self::Behind
        } else {
            Self::Full
        }
    }

    /// Its promotion score.
    pub const fn score(self) -> Option<i32> {
        match self {
            Self::Outside => None,
            Self::Unsynced => Some(10),
            Self::Behind => Some(50),
            Self::Full => Some(FULL_SCORE),
            Self::Promoted => Some(FULL_SCORE + 1),
        }
    }
}

/// What is published, and what has been seen since.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ranking {
    published: Option<Fitness>,
    /// Another one, and how often running it was seen.
    seen: Option<(Fitness, u32)>,
}

impl Ranking {
    /// From what is published.
    pub const fn new(published: Fitness) -> Self {
        Self {
            published: Some(published),
            seen: None,
        }
    }

    /// The fitness that is published, if that is known.
    pub const fn published(&self) -> Option<Fitness> {
        self.published
    }

    /// Takes note of one look; the fitness to publish, when that is another. The promoted node keeps its role, whatever
    /// it does for others: to take it away would cost its clients more than a donor does. A change of the role counts at
    /// once.
    pub fn see(&mut self, now: Fitness, promoted: bool) -> Option<Fitness> {
        let now = if promoted { Fitness::Promoted } else { now };
        if self.published == Some(now) {
            self.seen = None;
            return None;
        }
        let times = match self.seen {
            Some((before, times)) if before == now => times + 1,
            _ => 1,
        };
        self.seen = Some((now, times));
        let demoted = self.published == Some(Fitness::Promoted);
        let urgent = promoted || demoted || self.published.is_none();
        (urgent || times >= CONFIRMED).then_some(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str = include_str!("../../tests/fixtures/galera/status-synced-two.tsv");
    const NON_PRIMARY: &str = include_str!("../../tests/fixtures/galera/status-non-primary.tsv");

    fn queued(queue: u64) -> Status {
        Status {
            local_recv_queue: Some(queue),
            ..Status::of_table(TWO)
        }
    }

    fn score(text: &str) -> Option<i32> {
        Fitness::of(&Status::of_table(text), 1000, None).score()
    }

    #[test]
    fn a_synced_node_comes_before_a_donor_and_nothing_outside_the_component_can_be_promoted() {
        let with = |state| TWO.replace("local_state\t4", state);
        assert_eq!(score(TWO), Some(FULL_SCORE));
        for state in ["local_state\t1", "local_state\t2", "local_state\t3"] {
            assert!(score(&with(state)).is_some_and(|low| low < FULL_SCORE / 2));
        }
        assert_eq!(score(NON_PRIMARY), None);
    }

    #[test]
    fn a_long_queue_makes_a_node_lag_until_half_of_it_is_applied() {
        let full = |queue| Fitness::of(&queued(queue), 1000, None);
        let behind = |queue| Fitness::of(&queued(queue), 1000, Some(Fitness::Behind));
        assert_eq!(full(1000), Fitness::Full);
        assert_eq!(full(1001), Fitness::Behind);
        assert_eq!(behind(501), Fitness::Behind);
        assert_eq!(behind(500), Fitness::Full);
        let unlimited = Fitness::of(&queued(u64::MAX), 0, None);
        assert_eq!(unlimited, Fitness::Full);
        assert!(Fitness::Behind.score() < Fitness::Full.score());
        assert!(Fitness::Unsynced.score() < Fitness::Behind.score());
    }

    #[test]
    fn only_what_lasts_changes_the_score() {
        let mut ranking = Ranking::new(Fitness::Full);
        for _ in 0..10 {
            assert_eq!(ranking.see(Fitness::Unsynced, false), None);
            assert_eq!(ranking.see(Fitness::Unsynced, false), None);
            assert_eq!(ranking.see(Fitness::Full, false), None);
        }
        assert_eq!(ranking.see(Fitness::Unsynced, false), None);
        assert_eq!(ranking.see(Fitness::Outside, false), None);
        assert_eq!(ranking.see(Fitness::Outside, false), None);
        let changed = ranking.see(Fitness::Outside, false);
        assert_eq!(changed, Some(Fitness::Outside));
    }

    #[test]
    fn what_is_not_known_to_be_published_is_published_at_once() {
        let changed = Ranking::default().see(Fitness::Unsynced, false);
        assert_eq!(changed, Some(Fitness::Unsynced));
    }

    #[test]
    fn a_promoted_donor_keeps_its_role_and_a_donor_that_is_promoted_takes_it_for_good() {
        let mut ranking = Ranking::new(Fitness::Promoted);
        for _ in 0..10 {
            assert_eq!(ranking.see(Fitness::Unsynced, true), None);
        }
        let mut ranking = Ranking::new(Fitness::Unsynced);
        let changed = ranking.see(Fitness::Unsynced, true);
        assert_eq!(changed, Some(Fitness::Promoted));
    }

    #[test]
    fn a_reloaded_promoted_node_is_promoted_again_and_a_demoted_one_has_no_more_than_the_others() {
        assert!(Fitness::Promoted.score() > Fitness::Full.score());
        let mut ranking = Ranking::new(Fitness::Promoted);
        assert_eq!(ranking.see(Fitness::Full, false), Some(Fitness::Full));
    }
}
