//! Stop: everything of this resource on this node ends, with proof, whatever else is broken.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::datadir::{Directory, data_holder};
use super::grastate::{self, GraState};
use super::gvwstate::{self, SavedView};
use super::node::retry;
use super::offspring;
use super::properties;
use super::published::{self, Dead, Phase, Published};
use super::record::Record;
use super::report::{self, Disk};
use super::server;
use super::transfer;
use super::volatile::{Note, Volatile};
use crate::ocf::{Action, Deadline, Done, Env, Failure, wait_until};
use crate::sys::cluster;
use crate::sys::process::{Process, Watch, marked};

/// How long a server that was never Synced is given to stop by itself.
const JOINING: Duration = Duration::from_secs(8);

const STEP: Duration = Duration::from_millis(20);

/// The server's own default.
const DATADIR: &str = "/var/lib/mysql";

/// The environment of a background job has this, with the resource's name.
pub const JOB: &str = "GALERA_RS_JOB";

/// Holds no data: only what this resource itself has started is found.
const NOWHERE: &str = "/nonexistent";

/// Stops the job, the server and its helpers. `configured`: the data directory that the configuration names
/// now; what `start` noted goes before it.
///
/// # Errors
/// When something still runs at the deadline.
pub fn stop(env: &Env, configured: Option<PathBuf>) -> Done {
    let deadline = Deadline::of(env);
    let resource = env.resource();
    let volatile = Volatile::of(resource);
    let started = volatile.started().unwrap_or_else(|error| {
        log::warn!("what was started is not known: {error}");
        None
    });
    let datadir = started.as_ref().map(|started| started.datadir.clone());
    let datadir = datadir.or(configured).map_or_else(|| usual(resource), Ok)?;
    end_job(resource, &deadline)?;
    let node = env.node().map(str::to_owned);
    let node = node.or(started.map(|started| started.node));
    let mut last_view = None;
    let patience = patience(volatile.note().as_ref());
    thread::scope(|scope| {
        if let Some(node) = &node {
            scope.spawn(move || begin_to_leave(resource, node));
        }
        server::stop(resource, &datadir, &deadline, patience, || {
            last_view = saved_view(&datadir).or_else(|| last_view.take());
        })
    })?;
    if let Some(node) = node
        && let Err(error) = say_goodbye(resource, &node, &datadir, last_view.as_ref())
    {
        log::warn!("stopped, and the cluster could not be told: {error}");
    }
    transfer::is_over(&volatile, resource);
    if let Err(error) = volatile.clear() {
        log::warn!("{resource} is stopped, and what was noted of it could not be removed: {error}");
    }
    Ok(())
}

/// From now on this node is no place to look for a component, nor for a report: nobody knows when its server ends. Were
/// it to outlast this action, the others would wait for it as a member for ever.
fn begin_to_leave(resource: &str, node: &str) {
    let told = || -> Done {
        let cib = cluster::look().map_err(retry)?;
        let Some(leaving) = published::all(&cib, resource)
            .remove(node)
            .and_then(leaving)
        else {
            return Ok(());
        };
        let (name, text) = (
            published::attribute(resource),
            serde_json::to_string(&leaving).map_err(retry)?,
        );
        let deadline = Deadline::after(Duration::from_secs(5));
        cluster::set_attribute(node, &name, Some(&text), &deadline).map_err(retry)
    };
    if let Err(failure) = told() {
        log::warn!("stopping, and the cluster could not be told: {failure}");
    }
}

/// What a node publishes whose server is about to end; `None` when what it has published says nothing of a server that
/// runs. It does not say that its server is gone: that would be half of the proof that it is dead.
fn leaving(published: Published) -> Option<Published> {
    match published.phase {
        Phase::Recovering | Phase::Reported { .. } | Phase::Stopped { .. } => None,
        Phase::Restoring { .. } | Phase::Joining | Phase::Bootstrapping { .. } => None,
        Phase::Member(_) | Phase::Apart { .. } | Phase::Reviving { .. } => Some(Published {
            phase: Phase::Recovering,
            dead: None,
            ..published
        }),
    }
}

/// Where the data most likely is when nobody says so any more; not where another resource runs its server.
///
/// # Errors
/// When it cannot be told who runs a server there.
pub fn usual(resource: &str) -> Result<PathBuf, Failure> {
    let holder = data_holder(Path::new(DATADIR))?;
    let free = holder.is_none_or(|holder| !offspring::is_anothers(resource, holder));
    Ok(if free { DATADIR } else { NOWHERE }.into())
}

/// A server on its way into the component hears no SIGTERM until it is there, and has nothing to lose.
fn patience(note: Option<&Note>) -> Duration {
    match note {
        Some(note) if !note.served() => JOINING,
        _ => Duration::MAX,
    }
}

/// Ends the background job, so that it brings nothing up again; also one whose files under `/run` are gone.
///
/// # Errors
/// When it survives.
pub fn end_job(resource: &str, deadline: &Deadline) -> Done {
    let known = Volatile::of(resource).process("job");
    let strays = marked(JOB, resource).into_iter().filter(is_job);
    for job in known.into_iter().chain(strays) {
        let Some(watch) = Watch::of(job) else {
            continue;
        };
        watch.kill(); // it keeps nothing that is not on disk
        let what = format!(
            "the background job of {resource}, process {}, to end",
            job.pid
        );
        wait_until(deadline, STEP, &what, || {
            Ok::<_, Failure>((!job.lives()).then_some(()))
        })?;
    }
    Ok(())
}

/// Not one of the programs that a job has started.
fn is_job(process: &Process) -> bool {
    process.arguments().get(1).map(String::as_str) == Some(Action::Job.name())
}

fn saved_view(datadir: &Path) -> Option<SavedView> {
    let text = std::fs::read_to_string(datadir.join("gvwstate.dat")).ok()?;
    gvwstate::read(&text).ok()
}

/// Leaves the report of a clean stop behind, so that this node need not be waited for.
fn say_goodbye(resource: &str, node: &str, datadir: &Path, last_view: Option<&SavedView>) -> Done {
    cluster::set_score(node, resource, None).map_err(retry)?;
    let deadline = Deadline::after(Duration::from_secs(5));
    let name = published::attribute(resource);
    let phase = farewell(resource, datadir, last_view)?;
    let before = cluster::look().map_err(retry)?;
    let published = published::all(&before, resource).remove(node);
    if let Some(published) = &published {
        let own = Record::load(resource).map_err(retry)?.epoch;
        if let Some(number) = properties::unused_epoch(&before, resource, &published.elector, own) {
            log::warn!("epoch {number} was opened here and never used: closing it");
            let set = properties::epoch_set(resource, number);
            cluster::delete_properties(&set).map_err(retry)?;
        }
    }
    let Some(published) = published else {
        return Ok(());
    };
    // Without a position of its own, the disk still shows whether the server left the group.
    let dead = saved_view(datadir).map(|view| Dead::of(&view));
    let published = Published {
        phase: phase.unwrap_or(Phase::Recovering),
        dead: dead.or(published.dead),
        ..published
    };
    let text = serde_json::to_string(&published).map_err(retry)?;
    cluster::set_attribute(node, &name, Some(&text), &deadline).map_err(retry)
}

/// The report of a node that was stopped cleanly; `None` when its position is not known without a recovery.
fn farewell(
    resource: &str,
    datadir: &Path,
    last_view: Option<&SavedView>,
) -> Result<Option<Phase>, Failure> {
    let Ok(text) = std::fs::read_to_string(datadir.join("grastate.dat")) else {
        return Ok(None);
    };
    let grastate = grastate::read(&text).map_err(|damage| damage.to_string());
    let last = grastate.as_ref().is_ok_and(GraState::safe);
    let saved_view = saved_view(datadir);
    let disk = Disk {
        directory: Directory::System,
        grastate: Some(grastate),
        saved_view,
        recovered: None,
    };
    let Some(position) = disk.clean_position() else {
        return Ok(None);
    };
    let mut record = Record::load(resource).map_err(retry)?;
    if let Some(view) = last_view {
        record.leave(view, &position, last);
        record.save(resource).map_err(retry)?;
    }
    Ok(Some(Phase::Stopped {
        report: report::report(&disk, &record),
    }))
}

#[cfg(test)]
mod tests {
    use super::super::volatile::Mood;
    use super::*;

    fn published(phase: Phase) -> Published {
        let names = vec!["n1".to_owned(), "n2".to_owned()];
        Published {
            elector: names[0].clone(),
            electors: names,
            dead: None,
            make: None,
            phase,
        }
    }

    #[test]
    fn a_member_that_stops_is_neither_a_member_nor_dead_before_its_server_has_ended() {
        let member = published::Membership {
            gcomm: uuid::Uuid::from_u128(1),
            history: uuid::Uuid::from_u128(2).to_string(),
            epoch: 3,
            opened_by: None,
        };
        let told = leaving(published(Phase::Member(member)));
        assert_eq!(told, Some(published(Phase::Recovering)));
        assert_eq!(leaving(published(Phase::Recovering)), None);
    }

    #[test]
    fn only_a_server_that_never_served_is_killed_after_a_few_seconds() {
        let of = |mood| patience(Some(&Note::now("", mood)));
        for mood in [Mood::Serving, Mood::Apart, Mood::Lost] {
            assert_eq!(of(mood), Duration::MAX);
        }
        assert_eq!(of(Mood::Well), JOINING);
        assert_eq!(patience(None), Duration::MAX, "nothing is known of it");
    }
}
