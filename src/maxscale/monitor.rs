//! Monitor: the process and its API; with check levels the routing, and a query through it.

use std::path::Path;
use std::time::Duration;

use super::answers::{MaxScale, Monitor, Object};
use super::greeting::await_greeting;
use super::health::{Routing, Seen, Watched};
use super::record::Record;
use super::rest::{Rest, RestError};
use super::{MaxScaleAgent, query, role, unit};
use crate::ocf::{Action, Deadline, Failure, Status, wait_until};
use crate::sys::process::Process;

/// From this check level on the routing is looked at.
const ROUTING: u32 = 10;

/// From this check level on a query is routed.
const QUERY: u32 = 20;

/// A busy machine that was suspended may take so long to come to itself.
const AWAKE: Duration = Duration::from_secs(3);

const STEP: Duration = Duration::from_millis(100);

/// What is wrong with a MaxScale that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
enum Verdict {
    Well,
    /// It serves, and somebody should look.
    Degraded(String),
    /// It does not serve: recover it.
    Broken(String),
}

impl Verdict {
    /// The worse of the two; both reasons, where neither is.
    fn or_worse(self, other: Self) -> Self {
        match (self, other) {
            (Verdict::Degraded(one), Verdict::Degraded(two)) if one != two => {
                Verdict::Degraded(format!("{one}; {two}"))
            }
            (Verdict::Well, other) | (Verdict::Degraded(_), other @ Verdict::Broken(_)) => other,
            (worse, _) => worse,
        }
    }
}

/// Looks as deep as the check level says.
///
/// # Errors
/// When it runs and does not serve.
pub fn monitor(agent: &MaxScaleAgent) -> Result<Status, Failure> {
    let settings = match agent.settings() {
        Ok(settings) => settings,
        // Nothing of it was ever started here, or it was started with files that are remembered.
        Err(failure) => return without_settings(agent, failure),
    };
    let Some(process) = agent.running(&agent.files(&settings))? else {
        return Ok(gone(agent));
    };
    let mut record = record_of(agent, process);
    if agent.env.is_probe(Action::Monitor) {
        // Pacemaker was restarted, or told to look again: it may have forgotten the score.
        record.told = None;
    }
    record.promoted &= !is_taken_for_unpromoted(agent);
    let verdict = match Rest::new(&agent.params, &settings) {
        Ok(rest) => match rest.maxscale() {
            Ok(maxscale) => look(agent, &rest, &maxscale, process, &mut record),
            Err(error) => unanswered(&error, process),
        },
        // It lives; that we cannot look at it does not harm it.
        Err(failure) => Verdict::Degraded(failure.to_string()),
    };
    let verdict = match verdict {
        Verdict::Broken(reason) => Verdict::Broken(explained(reason, process)),
        Verdict::Well | Verdict::Degraded(_) => verdict,
    };
    if matches!(verdict, Verdict::Broken(_)) && !agent.env.is_probe(Action::Monitor) {
        role::tell_unfit(agent, &mut record);
    }
    remember(agent, process, &record);
    answer(verdict, record.promoted && agent.is_promotable())
}

/// A probe takes nothing over, and leaves no file where there was none.
fn remember(agent: &MaxScaleAgent, process: Process, record: &Record) {
    let before = agent.records().load();
    let known = before.process == Some(process);
    // One whose role was not asked for yet is not known yet.
    let asked = record.process == Some(process);
    if *record != before && asked && (known || !agent.env.is_probe(Action::Monitor)) {
        agent.records().save(record);
    }
}

/// Pacemaker 2.1.5 takes a promoted instance for unpromoted after it has reloaded it, and an answer of "promoted" would make it
/// stop MaxScale (as measured with `galera-rs`). Told "unpromoted", it promotes it again, or another.
fn is_taken_for_unpromoted(agent: &MaxScaleAgent) -> bool {
    matches!(agent.env.meta("role"), Some("Unpromoted" | "Slave"))
}

fn look(
    agent: &MaxScaleAgent,
    rest: &Rest,
    maxscale: &MaxScale,
    process: Process,
    record: &mut Record,
) -> Verdict {
    let is_probe = agent.env.is_probe(Action::Monitor);
    let mut imposed = Verdict::Well;
    if record.process.is_none() {
        // Taken over: only MaxScale itself knows its role.
        let active = maxscale.parameters.passive == Some(false);
        record.promoted = active && agent.is_promotable() && !is_taken_for_unpromoted(agent);
    } else if !is_probe && let Err(error) = role::impose(agent, rest, maxscale, record.promoted) {
        imposed = Verdict::Degraded(error.to_string());
        if Deadline::of(&agent.env).passed() {
            return imposed; // no time is left for an answer that would prove anything
        }
    }
    record.process = Some(process);
    let level = agent.env.check_level();
    let looked = match level {
        ROUTING.. => rest.look().map_or_else(
            |error| unanswered(&error, process),
            |seen| {
                let verdict = routes(agent, rest, maxscale, record, &seen);
                match verdict == Verdict::Well && level >= QUERY {
                    true => queried(agent, &seen),
                    false => verdict,
                }
            },
        ),
        _ => Verdict::Well,
    };
    imposed.or_worse(looked)
}

/// Level 10.
fn routes(
    agent: &MaxScaleAgent,
    rest: &Rest,
    maxscale: &MaxScale,
    record: &mut Record,
    seen: &Seen,
) -> Verdict {
    let watched = Watched::of(&agent.params);
    record.ticks = record.ticks.after(&seen.monitors, maxscale.uptime);
    if let Some(stalled) = stalled(agent, rest, maxscale, record, &seen.monitors) {
        return Verdict::Broken(stalled);
    }
    if let Err(fault) = greeted(agent, seen, &watched) {
        return Verdict::Broken(fault);
    }
    let routing = seen.routing(&watched);
    if !agent.env.is_probe(Action::Monitor) {
        role::tell_score(agent, record, &routing, record.promoted);
    }
    match (routing, unit::rival(Path::new("/"))) {
        (Routing::Well, None) => Verdict::Well,
        (Routing::Well, Some(rival)) => Verdict::Degraded(rival),
        (Routing::Partly(reason), _) => Verdict::Degraded(reason),
        // Where there are roles, its score takes it: another one that routes is promoted, and a restart helps nobody.
        (Routing::Not(reason), _) if agent.is_promotable() => Verdict::Degraded(reason),
        (Routing::Not(reason), _) => Verdict::Broken(reason),
    }
}

/// Whether every watched listener greets.
///
/// # Errors
/// The first that does not: a sentence.
pub fn greeted(agent: &MaxScaleAgent, seen: &Seen, watched: &Watched<'_>) -> Result<(), String> {
    let mut listeners = seen.listeners(watched)?.into_iter();
    listeners.try_for_each(|listener| await_greeting(listener, agent.params.greeting_timeout))
}

/// A monitor that has not moved for long, and does not within two of its intervals and [`AWAKE`] either: after a pause of the
/// whole machine none has moved.
fn stalled(
    agent: &MaxScaleAgent,
    rest: &Rest,
    maxscale: &MaxScale,
    record: &Record,
    monitors: &[Object<Monitor>],
) -> Option<String> {
    let patience = agent.params.stall_timeout;
    let told = record.ticks.stalled(monitors, maxscale.uptime, patience)?;
    let paces = monitors
        .iter()
        .map(|monitor| monitor.attributes.parameters.interval());
    let time = (paces.max().unwrap_or_default() * 2).max(AWAKE);
    let limit = Deadline::of(&agent.env).at_most(time);
    let moved = wait_until(&limit, STEP, "", || {
        let now = rest.all::<Monitor>("monitors");
        let now = now.map_err(|error| Failure::Retry(error.to_string()))?;
        let ticks = record.ticks.after(&now, maxscale.uptime);
        let still = ticks.stalled(&now, maxscale.uptime, patience);
        Ok::<_, Failure>(still.is_none().then_some(()))
    });
    moved.is_err().then_some(told)
}

/// Level 20.
fn queried(agent: &MaxScaleAgent, seen: &Seen) -> Verdict {
    match query::through_all(&agent.params, seen) {
        Ok(()) => Verdict::Well,
        Err(query::Fault::KeptOut(reason)) => Verdict::Degraded(reason),
        Err(query::Fault::Unserved(reason)) => Verdict::Broken(reason),
    }
}

/// The API did not answer. One that keeps only us out serves its clients.
fn unanswered(error: &RestError, process: Process) -> Verdict {
    if error.is_alive() {
        return Verdict::Degraded(error.to_string());
    }
    Verdict::Broken(match process.is_held() {
        true => error.to_string(),
        false => format!("{error}; process {} lives", process.pid),
    })
}

/// Whatever it fails at, with the cause where the process is held: then it can do nothing.
pub fn explained(reason: String, process: Process) -> String {
    match process.is_held() {
        true => format!(
            "{reason}; process {} is held, by SIGSTOP or a debugger",
            process.pid
        ),
        false => reason,
    }
}

fn answer(verdict: Verdict, promoted: bool) -> Result<Status, Failure> {
    match (verdict, promoted) {
        (Verdict::Well, false) => Ok(Status::Running),
        (Verdict::Well, true) => Ok(Status::Promoted),
        (Verdict::Degraded(reason), false) => Ok(Status::Degraded(reason)),
        (Verdict::Degraded(reason), true) => Ok(Status::DegradedPromoted(reason)),
        (Verdict::Broken(reason), false) => Err(Failure::Retry(reason)),
        (Verdict::Broken(reason), true) => Err(Failure::BrokenPromoted(reason)),
    }
}

/// What is remembered of this process; nothing of an earlier one holds for it.
pub fn record_of(agent: &MaxScaleAgent, process: Process) -> Record {
    let record = agent.records().load();
    match record.process {
        Some(known) if known == process => record,
        Some(_) => {
            log::warn!(
                "MaxScale was restarted by somebody else: process {}",
                process.pid
            );
            Record {
                files: record.files,
                ..Record::default()
            }
        }
        None => record,
    }
}

fn gone(agent: &MaxScaleAgent) -> Status {
    let known = agent.records().load().process;
    match known.filter(|_| !agent.env.is_probe(Action::Monitor)) {
        Some(process) => log::warn!("MaxScale, process {}, has ended", process.pid),
        None => log::debug!("MaxScale does not run"),
    }
    Status::Stopped
}

/// The configuration cannot be read: what is remembered tells whether something runs.
fn without_settings(agent: &MaxScaleAgent, failure: Failure) -> Result<Status, Failure> {
    let files = agent.records().load().files;
    let running = files.map(|files| agent.running(&files));
    match running.transpose()?.flatten() {
        Some(_) => Ok(Status::Degraded(failure.to_string())),
        None => Ok(Status::Stopped),
    }
}
