//! `galeractl health` and `galeractl serve`: how this node's server is, for people, monitoring systems and load balancers.
//!
//! | module | holds |
//! |---|---|
//! | `nagios` | the verdict of a plugin with thresholds and performance data |
//! | `metrics` | the text format of Prometheus |
//! | `serve` | the pages for balancers |
//! | `http` | the little HTTP server |

mod http;
mod metrics;
mod nagios;
mod serve;

use serde::Serialize;
use serde_json::{Value, json};

pub(super) use self::nagios::{Thresholds, wrong_usage};
pub(super) use self::serve::serve;
use super::error::Error;
use super::text::wrap;
use super::{cli, scene};
use crate::galera::health::Health;
use crate::galera::pulse::{self, Pulse};
use crate::galera::wsrep::{ClusterStatus, LocalState, Status};
use crate::ocf::Env;
use crate::sys::by_resource;

/// What `health` prints, and the exit code that goes with it.
#[derive(Debug)]
pub(super) struct Answer {
    pub text: String,
    pub code: u8,
}

/// Looks at this node's server and answers in the form that was asked for.
///
/// # Errors
/// When there is no cluster here, or it cannot be told how the server is. A Nagios plugin has an answer for that too.
pub(super) fn health(words: &cli::Health) -> Result<Answer, Error> {
    let found = environment(words.resource.as_deref())
        .and_then(|env| pulse::look(&env).map_err(Error::Pulse));
    answer(found, words)
}

/// What was found, in that form.
fn answer(found: Result<Pulse, Error>, words: &cli::Health) -> Result<Answer, Error> {
    if words.nagios {
        return Ok(nagios::answer(&found, &words.thresholds));
    }
    let pulse = found?;
    let text = if words.json {
        format!("{:#}\n", as_json(&pulse))
    } else {
        for_people(&pulse)
    };
    let code = match pulse.health {
        Health::Well => 0,
        Health::Degraded(_) => super::WARNED,
        Health::Failed(_) => super::ENDANGERED,
    };
    Ok(Answer { text, code })
}

/// The environment that the cluster would give to the resource's agent on this node.
fn environment(resource: Option<&str>) -> Result<Env, Error> {
    let cib = scene::running()?;
    let chosen = by_resource::choose(&cib, scene::AGENT, resource).map_err(Error::Choice)?;
    Ok(Env::from_pairs(by_resource::parameters(chosen)))
}

/// One word for the health, and why.
pub(super) fn word(health: &Health) -> (&'static str, Option<&str>) {
    match health {
        Health::Well => ("well", None),
        Health::Degraded(reason) => ("degraded", Some(reason)),
        Health::Failed(reason) => ("failed", Some(reason)),
    }
}

fn for_people(pulse: &Pulse) -> String {
    let (word, reason) = word(&pulse.health);
    let mut text = wrap(
        "Health    ",
        &reason.map_or_else(|| word.to_owned(), |reason| format!("{word}: {reason}")),
    );
    text += &wrap("Promoted  ", if pulse.promoted { "yes" } else { "no" });
    let Some(status) = &pulse.status else {
        return text;
    };
    text += &wrap("State     ", &place(status));
    text += &wrap("Members   ", &number(status.cluster_size));
    text += &wrap("Committed ", &number(status.last_committed));
    text + &wrap("Queues    ", &queues(status))
}

fn number(value: Option<u64>) -> String {
    value.map_or_else(|| "?".to_owned(), |value| value.to_string())
}

/// `Primary, Synced`
pub(super) fn place(status: &Status) -> String {
    format!("{}, {}", component(status), state(status))
}

/// `7 to apply, 0 to send`
pub(super) fn queues(status: &Status) -> String {
    let receive = number(status.local_recv_queue);
    let send = number(status.local_send_queue);
    format!("{receive} to apply, {send} to send")
}

fn component(status: &Status) -> &'static str {
    match status.cluster_status {
        ClusterStatus::Primary => "Primary",
        ClusterStatus::NonPrimary => "non-Primary",
        ClusterStatus::Disconnected => "Disconnected",
    }
}

fn state(status: &Status) -> &'static str {
    match status.local_state {
        Some(LocalState::Initialized) => "Initialized",
        Some(LocalState::Joining) => "Joining",
        Some(LocalState::Donor) => "Donor",
        Some(LocalState::Joined) => "Joined",
        Some(LocalState::Synced) => "Synced",
        Some(LocalState::Other(_)) | None => "unknown state",
    }
}

#[derive(Debug, Serialize)]
struct Numbers {
    component: &'static str,
    state: &'static str,
    ready: bool,
    members: Option<u64>,
    last_committed: Option<u64>,
    receive_queue: Option<u64>,
    send_queue: Option<u64>,
    flow_control_paused_ns: Option<u64>,
}

/// What was found, as an object.
pub(super) fn as_json(pulse: &Pulse) -> Value {
    let (word, reason) = word(&pulse.health);
    let server = pulse.status.as_ref().map(|status| Numbers {
        component: component(status),
        state: state(status),
        ready: status.ready,
        members: status.cluster_size,
        last_committed: status.last_committed,
        receive_queue: status.local_recv_queue,
        send_queue: status.local_send_queue,
        flow_control_paused_ns: status.flow_control_paused_ns,
    });
    json!({ "health": word, "reason": reason, "promoted": pulse.promoted, "server": server })
}

#[cfg(test)]
mod tests;
