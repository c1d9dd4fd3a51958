//! The answer of a Nagios plugin: one line, performance data, and 0 to 3 as exit code. Pure.
//!
//! Form and codes: Monitoring Plugins Development Guidelines, "Plugin Output" and "Plugin Return Codes".

use std::fmt::Display;

use clap::Args;

use super::{Answer, component, state, word};
use crate::ctl::error::Error;
use crate::galera::health::Health;
use crate::galera::pulse::Pulse;
use crate::galera::wsrep::Status;

/// From where on it is a warning, or critical.
#[derive(Debug, Clone, Default, Args)]
pub(in crate::ctl) struct Thresholds {
    /// With --nagios: warn from so many write sets that are not yet applied
    #[arg(long, value_name = "WRITE-SETS")]
    pub queue_warning: Option<u64>,
    /// With --nagios: critical from so many write sets that are not yet applied
    #[arg(long, value_name = "WRITE-SETS")]
    pub queue_critical: Option<u64>,
    /// With --nagios: critical below so many members of the component
    #[arg(long, value_name = "MEMBERS")]
    pub members_min: Option<u64>,
}

/// The states of a plugin, the worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    Ok,
    Warning,
    Critical,
}

impl State {
    const fn word(self) -> &'static str {
        match self {
            State::Ok => "OK",
            State::Warning => "WARNING",
            State::Critical => "CRITICAL",
        }
    }

    const fn code(self) -> u8 {
        match self {
            State::Ok => 0,
            State::Warning => 1,
            State::Critical => 2,
        }
    }
}

/// It could not be told.
const UNKNOWN: u8 = 3;

/// The whole answer.
pub(super) fn answer(found: &Result<Pulse, Error>, limits: &Thresholds) -> Answer {
    let pulse = match found {
        Ok(pulse) => pulse,
        Err(error) => return unknown(error),
    };
    let mut found = vec![of_health(&pulse.health)];
    found.extend(
        pulse
            .status
            .iter()
            .flat_map(|status| beyond(status, limits)),
    );
    let worst = found
        .iter()
        .map(|(state, _)| *state)
        .max()
        .unwrap_or(State::Ok);
    let reasons = found.into_iter().filter_map(|(_, reason)| reason);
    let mut text = reasons.collect::<Vec<_>>().join("; ");
    if let Some(status) = pulse.status.as_ref().filter(|_| text.is_empty()) {
        text = format!("{}, {}", component(status), state(status));
    }
    let data = pulse.status.as_ref().map(|status| data(status, limits));
    Answer {
        text: format!(
            "GALERA {} - {}{}\n",
            worst.word(),
            one_line(&text),
            data.unwrap_or_default()
        ),
        code: worst.code(),
    }
}

/// It cannot be told, and why.
fn unknown(why: &impl Display) -> Answer {
    Answer {
        text: format!("GALERA UNKNOWN - {}\n", one_line(why)),
        code: UNKNOWN,
    }
}

/// The answer to words that cannot be used.
pub(in crate::ctl) fn wrong_usage(usage: &clap::Error) -> Answer {
    let text = usage.to_string();
    let first = text.lines().next().unwrap_or_default();
    unknown(&first.trim_start_matches("error: "))
}

fn of_health(health: &Health) -> (State, Option<String>) {
    let state = match health {
        Health::Well => State::Ok,
        Health::Degraded(_) => State::Warning,
        Health::Failed(_) => State::Critical,
    };
    (state, word(health).1.map(str::to_owned))
}

fn beyond(status: &Status, limits: &Thresholds) -> Vec<(State, Option<String>)> {
    let mut found = Vec::new();
    if let Some(queue) = status.local_recv_queue {
        let from = |limit: Option<u64>| limit.is_some_and(|limit| queue >= limit);
        let state = match (from(limits.queue_critical), from(limits.queue_warning)) {
            (true, _) => Some(State::Critical),
            (false, true) => Some(State::Warning),
            (false, false) => None,
        };
        found.extend(
            state.map(|state| (state, Some(format!("{queue} write sets not yet applied")))),
        );
    }
    if let (Some(members), Some(min)) = (status.cluster_size, limits.members_min)
        && members < min
    {
        found.push((
            State::Critical,
            Some(format!("{members} members, fewer than {min}")),
        ));
    }
    found
}

/// `'label'=value[unit];[warn];[crit];[min]`
fn data(status: &Status, limits: &Thresholds) -> String {
    let limit = |value: Option<u64>| value.map(|value| value.to_string()).unwrap_or_default();
    let (warn, crit) = (limit(limits.queue_warning), limit(limits.queue_critical));
    let members = limits
        .members_min
        .map(|min| format!("{min}:"))
        .unwrap_or_default();
    let rows = [
        ("members", status.cluster_size, "", format!(";;{members};0")),
        (
            "receive_queue",
            status.local_recv_queue,
            "",
            format!(";{warn};{crit};0"),
        ),
        ("send_queue", status.local_send_queue, "", ";;;0".to_owned()),
        ("last_committed", status.last_committed, "c", String::new()),
        (
            "flow_control_paused_ns",
            status.flow_control_paused_ns,
            "c",
            String::new(),
        ),
    ];
    let known = rows
        .into_iter()
        .filter_map(|(label, value, unit, rest)| Some(format!(" {label}={}{unit}{rest}", value?)));
    format!(" |{}", known.collect::<String>())
}

/// A line break or a bar would end the text.
fn one_line(text: &impl Display) -> String {
    text.to_string().replace(['\n', '|'], " ")
}
