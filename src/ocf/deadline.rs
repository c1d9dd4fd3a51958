//! Every wait has an end, and it comes before the cluster's.

use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use super::env::Env;

/// Used when the environment has no timeout, as that of a tester: Pacemaker's own default.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(20);

/// The time kept back from any timeout, unless a tenth of it is less.
const LARGEST_MARGIN: Duration = Duration::from_secs(2);

/// By when this process has to have answered; unset, it may take any time.
static ANSWER: OnceLock<Deadline> = OnceLock::new();

/// The moment by which an action must have answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline(Instant);

impl Deadline {
    /// The cluster's timeout less a margin, counted from the start of the process:
    /// Pacemaker's SIGKILL must never be what ends an action.
    #[must_use]
    pub fn of(env: &Env) -> Self {
        let timeout = env.timeout().unwrap_or(DEFAULT_TIMEOUT);
        let margin = LARGEST_MARGIN.min(timeout / 10);
        Deadline(later(env.taken(), timeout - margin))
    }

    /// Makes this the end of the whole process: from now on no wait in it goes on for longer, whoever waits for
    /// what, see [`Deadline::after`] and [`Deadline::bound`]. The first one counts.
    pub fn bind(self) {
        let _ = ANSWER.set(self);
    }

    /// So much time from now on, or less where the process has to answer before that.
    #[must_use]
    pub fn after(time: Duration) -> Self {
        Deadline(later(Instant::now(), Self::bound(time)))
    }

    /// This time, or what is left of the process's own.
    #[must_use]
    pub fn bound(time: Duration) -> Duration {
        ANSWER.get().map_or(time, |answer| time.min(answer.left()))
    }

    /// The time that is left; zero when it has passed.
    #[must_use]
    pub fn left(&self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// Whether the time is over.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.left().is_zero()
    }

    /// The same deadline, but not later than so much time from now on.
    #[must_use]
    pub fn at_most(&self, time: Duration) -> Self {
        Deadline(self.0.min(later(Instant::now(), time)))
    }
}

/// A time longer than the clock can count is as good as a year.
fn later(from: Instant, time: Duration) -> Instant {
    const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);
    from.checked_add(time).unwrap_or(from + YEAR)
}

/// A wait that ran out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("waited {:.1} s in vain for {what}", .waited.as_secs_f64())]
pub struct TimedOut {
    /// What did not happen.
    pub what: String,
    /// How long it was waited for.
    pub waited: Duration,
}

/// Looks every `step` until `look` finds something, and returns that.
///
/// It looks at least once, and a last time when the deadline has come. `what`
/// completes "waited 3 s in vain for ..".
///
/// # Errors
/// Whatever `look` fails with, at once; [`TimedOut`] when the deadline passed.
pub fn wait_until<T, E: From<TimedOut>>(
    deadline: &Deadline,
    step: Duration,
    what: &str,
    mut look: impl FnMut() -> Result<Option<T>, E>,
) -> Result<T, E> {
    let started = Instant::now();
    loop {
        let last = deadline.passed();
        if let Some(found) = look()? {
            return Ok(found);
        }
        if last {
            let what = what.to_owned();
            let waited = started.elapsed();
            return Err(TimedOut { what, waited }.into());
        }
        pause(step.min(deadline.left()));
    }
}

#[allow(clippy::disallowed_methods, reason = "the one place that sleeps")]
fn pause(time: Duration) {
    thread::sleep(time);
}

#[cfg(test)]
mod tests {
    use super::*;

    const NO_TIME: Duration = Duration::ZERO;

    fn kept_back(timeout_ms: &str) -> Duration {
        let env = Env::from_pairs([("OCF_RESKEY_CRM_meta_timeout", timeout_ms)]);
        let timeout = Duration::from_millis(timeout_ms.parse().unwrap());
        env.taken() + timeout - Deadline::of(&env).0
    }

    #[test]
    fn a_tenth_of_the_timeout_is_kept_back_but_at_most_two_seconds() {
        assert_eq!(kept_back("10000"), Duration::from_secs(1));
        assert_eq!(kept_back("600000"), Duration::from_secs(2));
    }

    #[test]
    fn without_a_timeout_the_clusters_default_counts_from_the_start() {
        let env = Env::from_pairs::<String, String>([]);
        let deadline = Deadline::of(&env);
        assert_eq!(deadline.0 - env.taken(), Duration::from_secs(18));
    }

    #[test]
    fn at_most_never_moves_a_deadline_back() {
        let soon = Deadline::after(Duration::from_secs(5));
        assert_eq!(soon.at_most(Duration::from_secs(60)), soon);
        assert!(soon.at_most(NO_TIME).passed());
        assert!(!soon.passed());
    }

    #[test]
    fn no_time_is_too_long() {
        assert!(!Deadline::after(Duration::MAX).passed());
        assert!(kept_back("18446744073709551") <= LARGEST_MARGIN);
    }

    #[test]
    fn a_wait_returns_what_was_found_and_looks_no_more() {
        let mut looks = 0;
        let found = wait_until(
            &Deadline::after(Duration::from_secs(60)),
            NO_TIME,
            "the third look",
            || -> Result<_, TimedOut> {
                looks += 1;
                Ok((looks == 3).then_some("found"))
            },
        );
        assert_eq!(found, Ok("found"));
        assert_eq!(looks, 3);
    }

    #[test]
    fn a_passed_deadline_still_allows_one_look() {
        let now = Deadline::after(NO_TIME);
        let found = wait_until(&now, NO_TIME, "it", || Ok::<_, TimedOut>(Some(1)));
        assert_eq!(found, Ok(1));
    }

    #[test]
    fn running_out_names_what_was_waited_for() {
        let now = Deadline::after(NO_TIME);
        let late = wait_until(&now, NO_TIME, "the socket", || {
            Ok::<Option<()>, TimedOut>(None)
        });
        let text = late.unwrap_err().to_string();
        assert!(text.starts_with("waited "), "{text}");
        assert!(text.ends_with(" s in vain for the socket"), "{text}");
    }

    #[test]
    fn a_failing_look_ends_the_wait_at_once() {
        #[derive(Debug, PartialEq)]
        enum Odd {
            Late,
            Broken,
        }
        impl From<TimedOut> for Odd {
            fn from(_: TimedOut) -> Self {
                Odd::Late
            }
        }
        let far = Deadline::after(Duration::from_secs(60));
        let ended = wait_until::<(), _>(&far, NO_TIME, "it", || Err(Odd::Broken));
        assert_eq!(ended, Err(Odd::Broken));
        let now = Deadline::after(NO_TIME);
        let ended = wait_until::<(), _>(&now, NO_TIME, "it", || Ok(None));
        assert_eq!(ended, Err(Odd::Late));
    }
}
