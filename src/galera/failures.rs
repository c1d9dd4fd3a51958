//! Failed attempts to bring a server up, and how long the next one waits. They outlive the job and every restart of the
//! resource, so that no loop, whoever drives it, is faster than this.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Attempts between two reports of failure to the cluster.
const ATTEMPTS: u32 = 5;

/// Bytes of a reason that Pacemaker 2.1.5 keeps.
const SHOWN: usize = 127;

/// The longest pause, in seconds.
const LONGEST: u64 = 16;

/// A server that has served for so long did come up. Whoever dies sooner, again and again, would be restarted as fast as
/// recovery and join allow.
const PROVEN: Duration = Duration::from_secs(2);

/// Whether a server that has served for so long did come up: what failed before does not count any more.
#[must_use]
pub fn is_proven(served: Duration) -> bool {
    served >= PROVEN
}

/// The failed attempts since this node last served for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failures {
    /// How many.
    pub count: u32,
    /// When the last one failed, since boot: the time of day may jump.
    pub at: Duration,
    /// Why it failed.
    pub reason: String,
    /// The server was up and had hardly begun to serve: to come up again proves nothing.
    #[serde(default)]
    pub in_service: bool,
}

impl Failures {
    /// One more than these.
    #[must_use]
    pub fn after(before: Option<Self>, reason: &str, now: Duration) -> Self {
        Self {
            count: before.map_or(0, |before| before.count).saturating_add(1),
            at: now,
            reason: reason.to_owned(),
            in_service: false,
        }
    }

    /// How long the next attempt has to wait yet: after the first failure a second, then twice as long each time.
    #[must_use]
    pub fn rest(&self, now: Duration) -> Duration {
        let doubled = 1u64.checked_shl(self.count.saturating_sub(1));
        let pause = Duration::from_secs(doubled.unwrap_or(LONGEST).min(LONGEST));
        pause.saturating_sub(now.saturating_sub(self.at))
    }

    /// Whether it is time to tell the cluster.
    #[must_use]
    pub fn are_many(&self) -> bool {
        self.count.is_multiple_of(ATTEMPTS)
    }

    /// What the cluster shows when it is told, whole within the 127 bytes that it keeps: the reason, and what to do.
    #[must_use]
    pub fn given_up(&self, resource: &str) -> String {
        let next = format!(
            " ({} attempts); mend that, then: crm resource cleanup {resource}",
            self.count
        );
        let mut room = SHOWN.saturating_sub(next.len());
        if self.reason.len() > room {
            room = room.saturating_sub("..".len());
            while !self.reason.is_char_boundary(room) {
                room -= 1;
            }
            return format!("{}..{next}", &self.reason[..room]);
        }
        format!("{}{next}", self.reason)
    }

    /// What the last one failed with and how often it happened; what matters first, as the cluster keeps 127 bytes.
    #[must_use]
    pub fn sentence(&self) -> String {
        format!("{} (attempt {})", self.reason, self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn each_pause_is_twice_as_long_as_the_one_before_up_to_the_longest() {
        let mut failures = None;
        let mut pauses = Vec::new();
        for _ in 0..7 {
            let next = Failures::after(failures.take(), "no", s(100));
            pauses.push(next.rest(s(100)).as_secs());
            failures = Some(next);
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 16, 16]);
        let endless = Failures {
            count: u32::MAX,
            ..failures.unwrap()
        };
        assert_eq!(endless.rest(s(100)), s(16));
    }

    /// The pauses after deaths in service, each after so many seconds of it.
    fn pauses_after(lives: &[u64]) -> Vec<u64> {
        let mut failures = None;
        let mut pauses = Vec::new();
        for life in lives {
            let before = failures.take().filter(|_| !is_proven(s(*life)));
            failures = (!is_proven(s(*life))).then(|| Failures::after(before, "died", s(100)));
            pauses.push(
                failures
                    .as_ref()
                    .map_or(0, |some| some.rest(s(100)).as_secs()),
            );
        }
        pauses
    }

    #[test]
    fn only_deaths_soon_after_the_service_began_make_pauses_and_a_while_of_service_ends_them() {
        assert_eq!(pauses_after(&[3, 10, 3, 10, 1000]), [0; 5]);
        assert_eq!(pauses_after(&[1, 0, 1, 1]), [1, 2, 4, 8]);
        assert_eq!(pauses_after(&[1, 1, 1, 5, 1]), [1, 2, 4, 0, 1]);
    }

    #[test]
    fn who_gives_up_says_why_and_what_to_do_within_what_the_cluster_keeps() {
        let told = |reason: &str| {
            let failures = Failures::after(None, reason, s(1));
            failures.given_up("db")
        };
        assert_eq!(
            told("no such disk"),
            "no such disk (1 attempts); mend that, then: crm resource cleanup db"
        );
        for long in ["x".repeat(300), "é".repeat(300)] {
            let text = told(&long);
            assert!((125..=127).contains(&text.len()), "{text}");
            assert!(text.starts_with(&long[..60]) && text.ends_with("cleanup db"));
        }
        assert!(told(&"x".repeat(73)).starts_with(&"x".repeat(50)));
    }

    #[test]
    fn time_that_has_passed_counts_and_the_pause_ends() {
        let two = Failures {
            count: 2,
            ..Failures::after(None, "no", s(100))
        };
        assert_eq!(two.rest(s(101)), s(1));
        assert_eq!(two.rest(s(500)), s(0));
        // Not more than the whole pause, should a clock go back all the same.
        assert_eq!(two.rest(s(10)), s(2));
    }

    #[test]
    fn the_cluster_is_told_of_every_fifth() {
        let told = |count| {
            let failures = Failures {
                count,
                ..Failures::after(None, "no", s(1))
            };
            failures.are_many()
        };
        let told: Vec<u32> = (1..=11).filter(|count| told(*count)).collect();
        assert_eq!(told, [5, 10]);
    }
}
