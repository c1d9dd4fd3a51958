//! Stop: everything of this resource on this node ends, with proof, whatever else is broken.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::datadir::{Directory, data_holder};
use super::grastate;
use super::gvwstate::{self, SavedView};
use super::membership::SERVING;
use super::node::retry;
use super::offspring;
use super::published::{self, Dead, Phase, Published};
use super::record::Record;
use super::report::{self, Disk};
use super::server;
use super::transfer;
use super::volatile::{Mood, Volatile};
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
    let mut last_view = None;
    server::stop(resource, &datadir, &deadline, patience(&volatile), || {
        last_view = saved_view(&datadir).or_else(|| last_view.take());
    })?;
    let node = env
        .node()
        .map(str::to_owned)
        .or(started.map(|started| started.node));
    if let Some(node) = node
        && let Err(error) = say_goodbye(resource, &node, &datadir, last_view.as_ref())
    {
        log::warn!("stopped, and the cluster could not be told: {error}");
    }
    transfer::is_over(&volatile, resource);
    volatile.clear().map_err(retry)
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
fn patience(volatile: &Volatile) -> Duration {
    match volatile.note() {
        Some(note) if note.text != SERVING && !matches!(note.mood, Mood::Apart | Mood::Lost) => {
            JOINING
        }
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
        wait_until(deadline, STEP, "the background job to end", || {
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
        if let Some(number) = published::unused_epoch(&before, resource, &published.elector, own) {
            log::warn!("epoch {number} was opened here and never used: closing it");
            let set = published::epoch_set(resource, number);
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
    let grastate = Some(grastate::read(&text).map_err(|damage| damage.to_string()));
    let saved_view = saved_view(datadir);
    let disk = Disk {
        directory: Directory::System,
        grastate,
        saved_view,
        recovered: None,
    };
    let Some(position) = disk.clean_position() else {
        return Ok(None);
    };
    let mut record = Record::load(resource).map_err(retry)?;
    if let Some(view) = last_view {
        record.leave(view, &position);
        record.save(resource).map_err(retry)?;
    }
    Ok(Some(Phase::Stopped {
        report: report::report(&disk, &record),
    }))
}
