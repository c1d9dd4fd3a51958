//! Stop: nothing of this MaxScale runs any more, and it has been told once.

use std::time::Duration;

use super::instance::Files;
use super::record::{Record, Records};
use super::rest::Rest;
use crate::ocf::{Deadline, Done, Failure, wait_until};
use crate::sys::process::{Process, Watch};

/// Between two looks at the connections that are left.
const DRAINING: Duration = Duration::from_millis(100);

/// Kept back for killing and for looking whether that helped.
const KILLING: Duration = Duration::from_secs(2);

const STEP: Duration = Duration::from_millis(10);

/// Clients that may leave before MaxScale ends.
#[derive(Debug)]
pub struct Drain {
    /// How to ask.
    pub rest: Rest,
    /// How long they may take.
    pub limit: Duration,
}

/// Ends the MaxScale of these files and of the record.
///
/// # Errors
/// When it, or something that cannot be seen, still runs.
pub fn stop(records: &Records, files: &Files, drain: Option<&Drain>, deadline: &Deadline) -> Done {
    let mut record = records.load();
    let all = [Some(files), record.files.as_ref()];
    let all: Vec<_> = all.into_iter().flatten().cloned().collect();
    for process in running(&record, &all)? {
        if let Some(drain) = drain
            && record.terminated != Some(process)
            && !process.is_held()
        {
            drained(drain, process, deadline);
        }
        end(records, &mut record, process, deadline)?;
    }
    // The locks go with the process; another one that has been started meanwhile is not overlooked.
    let gone = wait_until(deadline, STEP, "the locks of MaxScale to be free", || {
        Ok(running(&record, &all)?.is_empty().then_some(()))
    });
    gone.map_err(|failure: Failure| still(&record, &all, &failure))?;
    all.iter().for_each(Files::remove_stale);
    records.clear();
    Ok(())
}

/// Whoever holds a lock, and whom we started: his files may have been removed.
fn running(record: &Record, files: &[Files]) -> Result<Vec<Process>, Failure> {
    let mut found: Vec<_> = record.process.filter(Process::lives).into_iter().collect();
    for files in files {
        found.extend(files.running()?);
    }
    found.dedup();
    Ok(found)
}

fn still(record: &Record, files: &[Files], failure: &Failure) -> Failure {
    let found = running(record, files).unwrap_or_default();
    let pids: Vec<_> = found
        .iter()
        .map(|process| process.pid.to_string())
        .collect();
    Failure::Retry(format!(
        "{failure}; still running: process {}",
        pids.join(", ")
    ))
}

/// Tells it once, waits, and kills it when its time is over, or when it cannot hear.
fn end(records: &Records, record: &mut Record, process: Process, deadline: &Deadline) -> Done {
    let Some(watch) = Watch::of(process) else {
        return Ok(());
    };
    let pid = process.pid;
    if process.is_held() {
        log::warn!(
            "MaxScale, process {pid}, is held by a signal or a debugger: it cannot hear, killing it"
        );
        watch.kill();
    } else {
        if record.terminated != Some(process) {
            record.terminated = Some(process);
            records.save(record);
            watch.terminate();
        }
        if !watch.ended_within(deadline.left().saturating_sub(KILLING)) {
            log::warn!("MaxScale, process {pid}, does not end: killing it");
            watch.kill();
        }
    }
    match watch.ended_within(deadline.left()) {
        true => Ok(()),
        false => Err(Failure::Retry(format!(
            "MaxScale, process {pid}, does not even end when it is killed: see its state with ps -o stat,wchan {pid}"
        ))),
    }
}

/// Keeps new clients out and lets the others finish. That is a kindness: whatever fails here, MaxScale is stopped.
fn drained(drain: &Drain, process: Process, deadline: &Deadline) {
    let limit = drain.limit.min(deadline.left().saturating_sub(KILLING * 2));
    let limit = Deadline::after(limit);
    let clients = || {
        let services = drain.rest.all::<super::answers::Service>("services")?;
        let connections = services
            .iter()
            .map(|service| service.attributes.connections);
        Ok::<u64, super::rest::RestError>(connections.sum())
    };
    let closed = drain.rest.all::<super::answers::Listener>("listeners");
    let closed = closed.and_then(|listeners| {
        let mut names = listeners.iter().map(|listener| &listener.id);
        names.try_for_each(|name| drain.rest.stop_listener(name))
    });
    let waited = closed.map_err(|error| error.to_string()).and_then(|()| {
        let what = "the clients to leave";
        wait_until(&limit, DRAINING, what, || {
            let left = clients().map_err(|error| Failure::Retry(error.to_string()))?;
            Ok::<_, Failure>((left == 0 || !process.lives()).then_some(()))
        })
        .map_err(|failure| failure.to_string())
    });
    if let Err(words) = waited {
        log::warn!("stopping MaxScale with clients: {words}");
    }
}
