//! Monitors of MaxScale that stand still: a pure decision over two looks.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::answers::{Monitor, Object};

/// What was seen of each monitor, and when its ticks had changed last, in seconds since MaxScale started.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticks(BTreeMap<String, Tick>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Tick {
    ticks: u64,
    /// When they had changed last. A clock that jumps, as after a suspended machine, makes this look long ago: whoever
    /// finds a monitor stalled looks again before he says so.
    uptime: u64,
}

impl Ticks {
    /// The same after another look.
    #[must_use]
    pub fn after(&self, monitors: &[Object<Monitor>], uptime: u64) -> Self {
        let running = monitors.iter().filter(|one| is_running(one));
        let each = running.map(|monitor| {
            let now = Tick {
                ticks: monitor.attributes.ticks,
                uptime,
            };
            let before = self.0.get(&monitor.id).copied();
            let kept = before.filter(|tick| tick.ticks == now.ticks && tick.uptime <= uptime);
            (monitor.id.clone(), kept.unwrap_or(now))
        });
        Self(each.collect())
    }

    /// The first monitor that has stood still for too long: a sentence.
    pub fn stalled(
        &self,
        monitors: &[Object<Monitor>],
        uptime: u64,
        patience: Duration,
    ) -> Option<String> {
        monitors.iter().find_map(|monitor| {
            let tick = self.0.get(&monitor.id)?;
            let pace = &monitor.attributes.parameters;
            let allowed = patience.max(pace.interval() * 2) + pace.script();
            let still = Duration::from_secs(uptime.saturating_sub(tick.uptime));
            (still >= allowed).then(|| {
                let (name, ticks) = (&monitor.id, tick.ticks);
                format!(
                    "monitor {name} has not looked at its servers for {} s (ticks {ticks}): it hangs",
                    still.as_secs()
                )
            })
        })
    }
}

fn is_running(monitor: &Object<Monitor>) -> bool {
    monitor.attributes.state == "Running"
}

#[cfg(test)]
mod tests {
    use super::super::answers::captured;
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    fn at(ticks: u64) -> Vec<Object<Monitor>> {
        let mut monitors = captured::monitors();
        monitors[0].attributes.ticks = ticks;
        monitors
    }

    #[test]
    fn ticks_that_advance_are_well_however_slowly() {
        let mut ticks = Ticks::default();
        for (count, uptime) in [(2, 3), (2, 9), (3, 10), (3, 19), (900, 500)] {
            ticks = ticks.after(&at(count), uptime);
            assert_eq!(ticks.stalled(&at(count), uptime, PATIENCE), None);
        }
    }

    #[test]
    fn frozen_ticks_are_told_after_the_patience_is_over() {
        let ticks = Ticks::default().after(&at(7), 100).after(&at(7), 109);
        assert_eq!(ticks.stalled(&at(7), 109, PATIENCE), None);
        let told = ticks.stalled(&at(7), 110, PATIENCE).unwrap();
        assert!(told.contains("for 10 s (ticks 7)"), "{told}");
    }

    #[test]
    fn an_interval_or_a_script_may_make_it_slower() {
        let mut slow = at(7);
        let pace = r#"{"monitor_interval":"8000ms","script":"/bin/x","script_timeout":"90000ms"}"#;
        slow[0].attributes.parameters = serde_json::from_str(pace).unwrap();
        let ticks = Ticks::default().after(&slow, 0);
        assert_eq!(ticks.stalled(&slow, 105, PATIENCE), None);
        assert!(ticks.stalled(&slow, 106, PATIENCE).is_some());
    }

    #[test]
    fn a_stopped_monitor_and_a_new_life_of_maxscale_begin_anew() {
        let frozen = Ticks::default().after(&at(7), 100);
        let again = frozen.after(&at(7), 3);
        assert_eq!(again.stalled(&at(7), 12, PATIENCE), None);
        let mut stopped = at(7);
        stopped[0].attributes.state = "Stopped".to_owned();
        assert_eq!(frozen.after(&stopped, 200), Ticks::default());
    }
}
