//! How this node's server is at this moment, for people and load balancers. No program is started and nothing is noted, so
//! that it may be asked as often as somebody likes.

use super::checkup::Patient;
use super::health::{self, Health};
use super::params;
use super::server;
use super::silence::DatabaseError;
use super::volatile::Volatile;
use super::wsrep::Status;
use crate::ocf::{Env, Failure};

/// What was found.
#[derive(Debug)]
pub struct Pulse {
    /// This node's name in the cluster, once the resource was started here.
    pub node: Option<String>,
    /// The cluster promoted it.
    pub promoted: bool,
    /// How well it is.
    pub health: Health,
    /// What it says of itself; `None` when it does not run or does not answer.
    pub status: Option<Status>,
}

impl Pulse {
    fn without_server(node: Option<String>, reason: String) -> Self {
        Self {
            node,
            promoted: false,
            health: Health::Failed(reason),
            status: None,
        }
    }
}

/// Looks at the server of the resource with these parameters.
///
/// # Errors
/// When a parameter cannot be read, or it cannot be told whether the server runs.
pub fn look(env: &Env) -> Result<Pulse, Failure> {
    let params = params(env)?;
    let volatile = Volatile::of(env.resource());
    let note = volatile.note();
    let started = volatile.started().map_err(super::node::retry)?;
    let runs = match &started {
        Some(started) => server::running(env.resource(), &started.datadir)?.is_some(),
        None => false,
    };
    let node = started.as_ref().map(|started| started.node.clone());
    let Some(started) = started.filter(|_| runs) else {
        let why = note.map_or_else(
            || "the resource is stopped on this node".to_owned(),
            |note| note.text,
        );
        return Ok(Pulse::without_server(node, why));
    };
    let patient = Patient {
        volatile: &volatile,
        params: &params,
        started: &started,
        note: note.as_ref(),
        promoted: volatile.promoted(),
        level: 0,
    };
    match patient.examine() {
        Ok(seen) => Ok(Pulse {
            node,
            promoted: seen.promoted,
            health: health::judge(&seen, &patient.limits()),
            status: Some(seen.status),
        }),
        Err(error) => Ok(Pulse::without_server(node, silent(&error))),
    }
}

fn silent(error: &DatabaseError) -> String {
    format!("the server runs and does not answer: {error}")
}
