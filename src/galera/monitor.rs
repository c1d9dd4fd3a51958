//! What monitor answers. A healthy one starts no process and does not ask the cluster.

use std::time::Duration;

use super::checkup::Patient;
use super::health::{self, Health, Limits, Seen};
use super::params::GaleraParams;
use super::server;
use super::silence::DatabaseError;
use super::volatile::{Mood, Note, Started, Volatile};
use crate::ocf::{Deadline, Env, Failure, Params as _, Status, wait_until};
use crate::sys::process::Process;

/// What a monitor found.
#[derive(Debug)]
pub struct Found {
    /// The answer.
    pub status: Result<Status, Failure>,
    /// The resource is in hand and nobody attends to it.
    pub job_is_missing: bool,
    /// Who attends to it.
    pub job: Option<Process>,
}

/// How long a server that has left the primary component may take to come back: views change.
const GRACE: Duration = Duration::from_secs(3);

const STEP: Duration = Duration::from_millis(200);

/// Looks at a resource, as deep as the check level says. What `start` noted is enough for this: the option files
/// may have changed, or be gone, while the server runs as before.
///
/// # Errors
/// When it cannot be told whether a server runs.
pub fn monitor(
    resource: &str,
    params: &GaleraParams,
    started: &Started,
    level: u32,
) -> Result<Found, Failure> {
    let volatile = Volatile::of(resource);
    let job = volatile.process("job");
    let (note, promoted) = (volatile.note(), volatile.promoted());
    if server::running(resource, &started.datadir)?.is_none() {
        let status = without_server(job.is_some(), promoted, note.as_ref());
        let in_hand = matches!(status, Ok(Status::Running | Status::Degraded(_)));
        return Ok(Found {
            status,
            job_is_missing: in_hand && job.is_none(),
            job,
        });
    }
    let patient = Patient {
        volatile: &volatile,
        params,
        started,
        note: note.as_ref(),
        promoted,
        level,
    };
    Ok(Found {
        status: examined(&patient)?,
        job_is_missing: job.is_none(),
        job,
    })
}

/// Whether the job runs with other values of reloadable parameters than this recurring monitor: Pacemaker 2.1.5 gives
/// monitors the new ones, and sends no reload to an instance whose last action was a demote. A monitor by hand, or of a
/// deeper level, may have values of its own.
pub fn is_outdated(job: Process, env: &Env) -> bool {
    if !env.is_recurring() || env.check_level() > 0 {
        return false;
    }
    let pairs = job.environments();
    pairs.is_some_and(|pairs| GaleraParams::differ_by_reload(env, &Env::from_pairs(pairs)))
}

/// The answer for a server that runs. One that served a moment ago gets a little time to come back.
fn examined(patient: &Patient<'_>) -> Result<Result<Status, Failure>, Failure> {
    let serving = served(patient.note);
    let patience = Deadline::after(if serving { GRACE } else { Duration::ZERO });
    wait_until(&patience, STEP, "the primary component", || {
        let examined = patient.examine();
        if let Err(error) = &examined {
            log::debug!("{error}");
        }
        // The job may have found out meanwhile what becomes of it.
        let note = patient.volatile.note();
        let (verdict, passing) = match &examined {
            Ok(seen) => answered(seen, &patient.limits(), note.as_ref()),
            Err(error) => (silent(error, patient.promoted, note.as_ref()), false),
        };
        Ok::<_, Failure>((!passing || patience.passed()).then_some(verdict))
    })
}

/// It serves, or did until it lost its component.
fn served(note: Option<&Note>) -> bool {
    note.is_some_and(Note::served)
}

/// The answer to a cluster that takes the instance for unpromoted. Pacemaker 2.1.5 does so after it has reloaded
/// a promoted one, and an answer of "promoted" would make it stop the server [measured]. Told "unpromoted", it
/// promotes it again, or another, which moves nothing but the role.
pub fn as_unpromoted(found: Result<Status, Failure>) -> Result<Status, Failure> {
    match found {
        Ok(Status::Promoted) => Ok(Status::Running),
        Ok(Status::DegradedPromoted(reason)) => Ok(Status::Degraded(reason)),
        Err(Failure::BrokenPromoted(reason)) => Err(Failure::Retry(reason)),
        other => other,
    }
}

/// No server: the job is bringing it up, or it has died.
fn without_server(job: bool, promoted: bool, note: Option<&Note>) -> Result<Status, Failure> {
    match note {
        Some(note) if note.mood == Mood::Failed => Err(Failure::Retry(note.text.clone())),
        Some(note) if note.mood == Mood::Died => Ok(Status::Stopped),
        Some(note) if job && !promoted => Ok(waiting(note)),
        // Killed before it published anything: another job will find its way.
        Some(note) if !promoted && note.mood != Mood::Serving => Ok(waiting(note)),
        _ => Ok(Status::Stopped),
    }
}

/// Seconds that a node may wait for the others before people should be told.
const UNREMARKABLE: u64 = 5;

fn waiting(note: &Note) -> Status {
    match note.mood {
        Mood::Well | Mood::Serving => Status::Running,
        Mood::Waiting if note.age() < UNREMARKABLE => Status::Running,
        Mood::Waiting | Mood::Failing | Mood::Apart => Status::Degraded(note.text.clone()),
        Mood::Lost | Mood::Died | Mood::Failed => Status::Degraded(note.text.clone()),
    }
}

/// The answer for a server that answers, and whether a moment may change it: views change.
fn answered(seen: &Seen, limits: &Limits, note: Option<&Note>) -> (Result<Status, Failure>, bool) {
    let on_its_way = !served(note) && !seen.status.serves();
    match health::judge(seen, limits) {
        Health::Well => (Ok(well(seen.promoted)), false),
        Health::Degraded(_) if on_its_way && !seen.promoted => (Ok(arriving(note)), false),
        Health::Degraded(reason) => (Ok(degraded(seen.promoted, reason)), false),
        // A restart would cost its clients and its write-set cache, and nothing is won by it.
        Health::Failed(_) if seen.status.is_apart() && stays(note).is_some() => {
            let reason = stays(note).unwrap_or_default();
            (Ok(degraded(seen.promoted, reason)), false)
        }
        Health::Failed(reason) if served(note) => {
            let lost = note.filter(|note| note.mood == Mood::Lost && seen.status.is_apart());
            let reason = lost.map_or(reason, |note| note.text.clone());
            (Err(broken(seen.promoted, reason)), true)
        }
        Health::Failed(_) => (Ok(arriving(note)), false),
    }
}

/// The answer for a server that does not answer. Where it has proven that it lives, a restart would only hurt
/// the clients that it serves.
fn silent(error: &DatabaseError, promoted: bool, note: Option<&Note>) -> Result<Status, Failure> {
    if error.cause.is_alive() {
        return Ok(degraded(promoted, error.to_string()));
    }
    if served(note) {
        return Err(broken(promoted, error.to_string()));
    }
    Ok(arriving(note))
}

/// Why a server outside a primary component is kept running, if it is.
fn stays(note: Option<&Note>) -> Option<String> {
    let note = note.filter(|note| note.mood == Mood::Apart);
    note.map(|note| note.text.clone())
}

fn arriving(note: Option<&Note>) -> Status {
    note.map_or(Status::Running, waiting)
}

fn well(promoted: bool) -> Status {
    if promoted {
        Status::Promoted
    } else {
        Status::Running
    }
}

fn degraded(promoted: bool, reason: String) -> Status {
    if promoted {
        Status::DegradedPromoted(reason)
    } else {
        Status::Degraded(reason)
    }
}

fn broken(promoted: bool, reason: String) -> Failure {
    if promoted {
        Failure::BrokenPromoted(reason)
    } else {
        Failure::Retry(reason)
    }
}

#[cfg(test)]
mod tests {
    use super::super::silence::Cause;
    use super::*;
    use crate::sys::command;

    fn note(text: &str, mood: Mood, since: u64) -> Note {
        Note {
            text: text.into(),
            since,
            uptime: since,
            mood,
        }
    }

    /// A recurring monitor's environment.
    fn recurring(pairs: &[(&str, &str)]) -> Env {
        let usual = [("OCF_RESKEY_CRM_meta_interval", "2000")];
        Env::from_pairs(usual.iter().chain(pairs).copied())
    }

    #[test]
    fn a_job_with_other_values_than_the_recurring_monitor_is_outdated() {
        let mut command = command::program("sleep");
        command.arg("60").env("OCF_RESKEY_recv_queue_max", "7");
        let mut child = command.spawn().unwrap();
        let job = Process::of_pid(child.id()).unwrap();
        let outdated = |pairs: &[(&str, &str)]| is_outdated(job, &recurring(pairs));
        let (same, other) = (
            ("OCF_RESKEY_recv_queue_max", "7"),
            ("OCF_RESKEY_recv_queue_max", "8"),
        );
        assert!(outdated(&[other]));
        assert!(!outdated(&[same]));
        let by_hand = ("OCF_RESKEY_CRM_meta_interval", "0");
        assert!(!outdated(&[other, by_hand]));
        assert!(!outdated(&[other, ("OCF_CHECK_LEVEL", "10")]));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!outdated(&[other]), "it has ended");
    }

    #[test]
    fn a_server_that_died_in_service_is_stopped_and_not_brought_back_by_a_monitor() {
        let died = note("the server has died", Mood::Died, u64::MAX);
        assert_eq!(
            without_server(false, false, Some(&died)),
            Ok(Status::Stopped)
        );
        assert_eq!(without_server(true, true, Some(&died)), Ok(Status::Stopped));
    }

    #[test]
    fn a_node_that_waits_for_long_is_degraded_with_the_reason() {
        let waits = note("waiting for node3", Mood::Waiting, 0);
        let status = Status::Degraded("waiting for node3".into());
        assert_eq!(without_server(true, false, Some(&waits)), Ok(status));
        let joins = note("joining the primary component", Mood::Well, 0);
        assert_eq!(
            without_server(true, false, Some(&joins)),
            Ok(Status::Running)
        );
    }

    #[test]
    fn a_server_that_fails_on_its_way_up_is_told_of_at_once() {
        let now = super::super::volatile::since_boot().as_secs();
        let fails = note("no space left (attempt 1)", Mood::Failing, now);
        let status = Status::Degraded("no space left (attempt 1)".into());
        assert_eq!(without_server(true, false, Some(&fails)), Ok(status));
        let waits = note("waiting for node3", Mood::Waiting, now);
        let status = without_server(true, false, Some(&waits));
        assert_eq!(status, Ok(Status::Running), "that may be over in a moment");
    }

    /// The note was written when the time of day was years ahead; since boot, ten seconds have passed.
    #[test]
    fn a_time_of_day_that_has_jumped_back_hides_no_reason() {
        let waits = Note {
            since: u64::MAX,
            ..note("waiting for node3", Mood::Waiting, 0)
        };
        let status = Status::Degraded("waiting for node3".into());
        assert_eq!(without_server(true, false, Some(&waits)), Ok(status));
    }

    #[test]
    fn a_job_that_has_given_up_is_a_failure() {
        let failed = note("the server ended 5 times", Mood::Failed, 0);
        let failure = Failure::Retry("the server ended 5 times".into());
        assert_eq!(without_server(false, false, Some(&failed)), Err(failure));
    }

    #[test]
    fn a_cluster_that_takes_a_promoted_instance_for_unpromoted_hears_no_contradiction() {
        assert_eq!(as_unpromoted(Ok(Status::Promoted)), Ok(Status::Running));
        assert_eq!(as_unpromoted(Ok(Status::Stopped)), Ok(Status::Stopped));
    }

    fn error(cause: Cause) -> DatabaseError {
        DatabaseError {
            cause,
            socket: "/run/s".into(),
            words: String::new(),
        }
    }

    #[test]
    fn a_server_that_refuses_only_us_is_degraded_and_never_failed() {
        let serving = note("serving", Mood::Serving, 0);
        for cause in [Cause::Full, Cause::Denied] {
            for note in [None, Some(&serving)] {
                let found = silent(&error(cause), true, note);
                assert!(
                    matches!(found, Ok(Status::DegradedPromoted(_))),
                    "{found:?}"
                );
                let found = silent(&error(cause), false, note);
                assert!(matches!(found, Ok(Status::Degraded(_))), "{found:?}");
            }
        }
    }

    #[test]
    fn a_server_that_went_silent_in_service_has_failed_and_one_on_its_way_has_not() {
        let serving = note("serving", Mood::Serving, 0);
        let joins = note("joining", Mood::Well, 0);
        for cause in [Cause::Gone, Cause::Refused, Cause::Late, Cause::Cut] {
            let found = silent(&error(cause), true, Some(&serving));
            assert!(
                matches!(found, Err(Failure::BrokenPromoted(_))),
                "{found:?}"
            );
            let found = silent(&error(cause), false, Some(&serving));
            assert!(matches!(found, Err(Failure::Retry(_))), "{found:?}");
            assert_eq!(
                silent(&error(cause), false, Some(&joins)),
                Ok(Status::Running)
            );
        }
    }
}
