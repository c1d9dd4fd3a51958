//! A little HTTP server for load balancers and Prometheus. Each answer is a look of that moment at the server; the cluster is
//! asked once, for the resource's parameters, so that no answer depends on it and none starts a program.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use super::{environment, http, metrics, word};
use crate::ctl::cli;
use crate::ctl::error::Error;
use crate::galera::health::Health;
use crate::galera::pulse::{self, Pulse};
use crate::galera::wsrep::LocalState;
use crate::ocf::Env;

/// Serves until it is killed.
///
/// # Errors
/// When nobody can listen there.
pub(in crate::ctl) fn serve(words: &cli::Serve) -> Result<(), Error> {
    let place = SocketAddr::new(words.address, words.port);
    let (resource, donor) = (words.resource.clone(), words.donor);
    let mut known = None;
    let looks = Looks::new(move || {
        parameters(&mut known, resource.as_deref())
            .and_then(|env| pulse::look(env).map_err(Error::Pulse))
    });
    let respond = move |path: &str| page(path, &looks.look(Instant::now()), donor);
    http::serve(place, respond).map_err(|error| Error::Listen { place, error })
}

/// The resource's environment: asked for again and again until the cluster has told it.
fn parameters<'a>(known: &'a mut Option<Env>, resource: Option<&str>) -> Result<&'a Env, Error> {
    let env = match known.take() {
        Some(env) => env,
        None => environment(resource)?,
    };
    Ok(known.insert(env))
}

/// One look at a time, and those who have waited for it share the next: a server that hangs is not asked by each client.
struct Looks<T, F>(Mutex<State<T, F>>);

struct State<T, F> {
    look: F,
    /// When the last one began, and what it found.
    last: Option<(Instant, Arc<T>)>,
}

impl<T, F: FnMut() -> T> Looks<T, F> {
    fn new(look: F) -> Self {
        Self(Mutex::new(State { look, last: None }))
    }

    /// What a look finds that did not begin before the request came.
    fn look(&self, came: Instant) -> Arc<T> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, found)) = state.last.as_ref().filter(|(begun, _)| *begun >= came) {
            return Arc::clone(found);
        }
        let begun = Instant::now();
        let found = Arc::new((state.look)());
        state.last = Some((begun, Arc::clone(&found)));
        found
    }
}

/// What a client gets.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Page {
    pub code: u16,
    pub text: String,
}

/// `/` is what clustercheck answers, `/writer` and `/reader` by role, `/metrics` for Prometheus.
pub(super) fn page(path: &str, found: &Result<Pulse, Error>, donor: bool) -> Page {
    let pulse = match found {
        Ok(pulse) => pulse,
        Err(error) => return unavailable(&error.to_string()),
    };
    match path.split('?').next() {
        Some("/metrics") => Page {
            code: 200,
            text: metrics::text(pulse),
        },
        Some("/writer") if !pulse.promoted => unavailable("this node is not promoted"),
        Some("/reader") if pulse.promoted => unavailable("this node is promoted"),
        Some("/" | "/writer" | "/reader") => of_node(pulse, donor),
        _ => Page {
            code: 404,
            text: "there is /, /writer, /reader and /metrics\r\n".to_owned(),
        },
    }
}

fn of_node(pulse: &Pulse, donor: bool) -> Page {
    if let Health::Failed(reason) = &pulse.health {
        return unavailable(reason);
    }
    let state = pulse.status.as_ref().and_then(|status| status.local_state);
    match state {
        Some(LocalState::Synced) => synced(),
        Some(LocalState::Donor) if donor => synced(),
        _ => unavailable(word(&pulse.health).1.unwrap_or("it is on its way")),
    }
}

/// clustercheck's own words: some balancers look for them.
fn synced() -> Page {
    Page {
        code: 200,
        text: "Galera cluster node is synced.\r\n".to_owned(),
    }
}

fn unavailable(why: &str) -> Page {
    Page {
        code: 503,
        text: format!("Galera cluster node is not synced: {why}\r\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_serves_those_who_came_before_it_began_and_nobody_later() {
        let mut count = 0;
        let looks = Looks::new(|| {
            count += 1;
            count
        });
        let early = Instant::now();
        assert_eq!(*looks.look(early), 1);
        assert_eq!(*looks.look(early), 1);
        assert_eq!(*looks.look(Instant::now()), 2);
    }
}
