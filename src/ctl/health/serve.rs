//! A little HTTP server for load balancers and Prometheus. Each answer is a look of that moment at the server; the cluster is
//! asked once, for the resource's parameters, so that no answer depends on it and none starts a program.

use std::net::SocketAddr;

use tiny_http::{Header, Method, Request, Response, Server};

use super::{environment, metrics, word};
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
    let server = Server::http(place).map_err(|error| Error::Listen {
        place,
        error: error.to_string(),
    })?;
    let mut known = None;
    for request in server.incoming_requests() {
        let found = parameters(&mut known, words.resource.as_deref())
            .and_then(|env| pulse::look(env).map_err(Error::Pulse));
        let page = page(request.url(), &found, words.donor);
        answer(request, page);
    }
    Ok(())
}

/// The resource's environment: asked for again and again until the cluster has told it.
fn parameters<'a>(known: &'a mut Option<Env>, resource: Option<&str>) -> Result<&'a Env, Error> {
    let env = match known.take() {
        Some(env) => env,
        None => environment(resource)?,
    };
    Ok(known.insert(env))
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

fn answer(request: Request, page: Page) {
    // xinetd's clustercheck answered OPTIONS and HEAD as it did GET.
    let known = [Method::Get, Method::Head, Method::Options];
    let page = if known.contains(request.method()) {
        page
    } else {
        Page {
            code: 405,
            text: "GET, HEAD, OPTIONS\r\n".to_owned(),
        }
    };
    let mut response = Response::from_string(page.text).with_status_code(page.code);
    if let Ok(header) = Header::from_bytes("Content-Type", "text/plain; version=0.0.4") {
        response = response.with_header(header);
    }
    if let Err(error) = request.respond(response) {
        log::debug!("a client left: {error}");
    }
}
