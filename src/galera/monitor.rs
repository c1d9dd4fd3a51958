//! What monitor answers. A healthy one starts no process and does not ask the cluster.

use std::time::Duration;

use super::membership::{Progress, SERVING, ask};
use super::params::GaleraParams;
use super::server;
use super::volatile::{Mood, Note, Started, Volatile};
use super::wsrep::LocalState;
use crate::ocf::{Deadline, Failure, Status, wait_until};

/// What a monitor found.
#[derive(Debug)]
pub struct Found {
    /// The answer.
    pub status: Result<Status, Failure>,
    /// The resource is in hand and nobody attends to it.
    pub job_is_missing: bool,
}

/// How long a server that has left the primary component may take to come back: views change.
const GRACE: Duration = Duration::from_secs(3);

const STEP: Duration = Duration::from_millis(200);

/// Looks at a resource. What `start` noted is enough for this: the option files may have changed, or be gone,
/// while the server runs as before.
///
/// # Errors
/// When it cannot be told whether a server runs.
pub fn monitor(resource: &str, params: &GaleraParams, started: &Started) -> Result<Found, Failure> {
    let volatile = Volatile::of(resource);
    let job = volatile.process("job").is_some();
    let (note, promoted) = (volatile.note(), volatile.promoted());
    if server::running(resource, &started.datadir)?.is_none() {
        let status = without_server(job, promoted, note.as_ref());
        let in_hand = matches!(status, Ok(Status::Running | Status::Degraded(_)));
        return Ok(Found {
            status,
            job_is_missing: in_hand && !job,
        });
    }
    let serving = note.as_ref().is_some_and(|note| note.text == SERVING);
    let patience = Deadline::after(if serving { GRACE } else { Duration::ZERO });
    let progress = wait_until(&patience, STEP, "the primary component", || {
        let progress = ask(&started.socket, params)?;
        let settled = progress != Progress::Outside || patience.passed();
        Ok::<_, Failure>(settled.then_some(progress))
    })?;
    let status = with_server(&progress, promoted, note.as_ref());
    Ok(Found {
        status,
        job_is_missing: !job,
    })
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
        Some(note) if !promoted && note.text != SERVING => Ok(waiting(note)),
        _ => Ok(Status::Stopped),
    }
}

/// Seconds that a node may wait for the others before people should be told.
const UNREMARKABLE: u64 = 5;

fn waiting(note: &Note) -> Status {
    if note.mood == Mood::Well || note.age() < UNREMARKABLE {
        return Status::Running;
    }
    Status::Degraded(note.text.clone())
}

fn with_server(
    progress: &Progress,
    promoted: bool,
    note: Option<&Note>,
) -> Result<Status, Failure> {
    let serving = note.is_some_and(|note| note.text == SERVING);
    match progress {
        Progress::Serving(status) if status.local_state == Some(LocalState::Donor) => {
            let reason = "donor: gives state to another node";
            Ok(if promoted {
                Status::DegradedPromoted(reason.into())
            } else {
                Status::Degraded(reason.into())
            })
        }
        Progress::Serving(_) => Ok(if promoted {
            Status::Promoted
        } else {
            Status::Running
        }),
        Progress::Inside(_) if promoted => {
            Ok(Status::DegradedPromoted("Primary, not Synced".into()))
        }
        Progress::Silent if serving => Err(broken(promoted, "the server runs and does not answer")),
        Progress::Outside if serving => Err(broken(
            promoted,
            "the server is not in the primary component any more",
        )),
        Progress::Inside(_) | Progress::Silent | Progress::Outside => {
            Ok(note.map_or(Status::Running, waiting))
        }
    }
}

fn broken(promoted: bool, reason: &str) -> Failure {
    if promoted {
        Failure::BrokenPromoted(reason.into())
    } else {
        Failure::Retry(reason.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(text: &str, mood: Mood, since: u64) -> Note {
        Note {
            text: text.into(),
            since,
            mood,
        }
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
}
