//! Start: checked, started, and up when its REST API answers and every listener greets.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::greeting::await_greeting;
use super::health::Watched;
use super::record::Record;
use super::rest::{Cause, Rest, RestError};
use super::{MaxScaleAgent, role, unit};
use crate::ocf::{Deadline, Done, Failure, wait_until};
use crate::sys::process::Process;
use crate::sys::{VOLATILE, files};

const STEP: Duration = Duration::from_millis(25);

/// What must be so before MaxScale may run on this node.
///
/// # Errors
/// What is not so, and what to do.
pub fn validate(agent: &MaxScaleAgent) -> Done {
    let params = &agent.params;
    if !params.binary.is_file() {
        let binary = params.binary.display();
        return Err(Failure::NotInstalled(format!(
            "{binary} is not there: install MaxScale, or set the parameter binary"
        )));
    }
    let settings = agent.settings()?;
    if !settings.admin_enabled {
        let config = params.config.display();
        return Err(Failure::WrongHere(format!(
            "{config} has admin_enabled=false, and the agent needs the REST API: set it to true"
        )));
    }
    let rest = Rest::new(params, &settings)?;
    rest.account().map_err(Failure::NotPermitted)?;
    agent.launch(&settings, Path::new("")).owner()?;
    match unit::rival(Path::new("/")) {
        Some(rival) => Err(Failure::WrongHere(rival)),
        None => Ok(()),
    }
}

/// Starts, or takes over what runs.
///
/// # Errors
/// When it does not serve before the deadline.
pub fn start(agent: &MaxScaleAgent) -> Done {
    let deadline = Deadline::of(&agent.env);
    let settings = agent.settings()?;
    let rest = Rest::new(&agent.params, &settings)?;
    let files = agent.files(&settings);
    let process = match agent.running(&files)? {
        Some(process) => process,
        None => {
            let words = words(agent)?;
            let launch = agent.launch(&settings, &words);
            launch.make_directories()?;
            launch.check(&deadline)?;
            files.remove_stale();
            launch.start(&deadline)?;
            wait_until(&deadline, STEP, "MaxScale to lock its files", || {
                files.running()
            })?
        }
    };
    let mut record = Record {
        process: Some(process),
        files: Some(files),
        ..Record::default()
    };
    let before = agent.records().load();
    if before.process == Some(process) {
        record.ticks = before.ticks;
    }
    agent.records().save(&record);
    serves(agent, &rest, process, &deadline)?;
    role::settle(agent, &rest, &mut record);
    agent.records().save(&record);
    log::info!("MaxScale runs as process {}", process.pid);
    Ok(())
}

/// A file for what MaxScale says before it has a log.
fn words(agent: &MaxScaleAgent) -> Result<PathBuf, Failure> {
    let directory = Path::new(VOLATILE);
    files::private_directory(directory)
        .map_err(|error| Failure::Retry(format!("cannot make {}: {error}", directory.display())))?;
    Ok(directory.join(format!("{}.maxscale.words", agent.env.resource())))
}

/// Waits until the API answers and MaxScale has taken its role at once, and then until the listeners greet. A wrong account is
/// no matter of time.
fn serves(agent: &MaxScaleAgent, rest: &Rest, process: Process, deadline: &Deadline) -> Done {
    attempts(agent, process, deadline, || {
        let maxscale = rest.maxscale().map_err(trouble)?;
        role::impose(agent, rest, &maxscale, false).map_err(trouble)
    })?;
    let watched = Watched::of(&agent.params);
    attempts(agent, process, deadline, || {
        let seen = rest.look().map_err(trouble)?;
        let mut listeners = seen
            .listeners(&watched)
            .map_err(Trouble::Passing)?
            .into_iter();
        let limit = agent.params.greeting_timeout.min(deadline.left());
        let greeted = listeners.try_for_each(|listener| await_greeting(listener, limit));
        greeted.map_err(Trouble::Passing)
    })
}

/// Why an attempt has failed.
enum Trouble {
    /// Another one may succeed: a sentence.
    Passing(String),
    /// No time was left for an answer: what was wrong before that is the reason.
    Late(String),
    /// None will.
    Lasting(Failure),
}

fn trouble(error: RestError) -> Trouble {
    match error.cause {
        Cause::Denied(_) => Trouble::Lasting(error.failure()),
        Cause::Late => Trouble::Late(error.to_string()),
        Cause::Unreachable(_) | Cause::Odd(_) => Trouble::Passing(error.to_string()),
    }
}

/// Attempts until one succeeds, as long as the process lives; the last trouble is the reason.
fn attempts<T>(
    agent: &MaxScaleAgent,
    process: Process,
    deadline: &Deadline,
    mut attempt: impl FnMut() -> Result<T, Trouble>,
) -> Result<T, Failure> {
    let mut last = String::new();
    let waited = wait_until(deadline, STEP, "MaxScale to serve", || {
        if !process.lives() {
            let log = agent.settings()?.directories.log.join("maxscale.log");
            let log = log.display();
            return Err(Failure::Retry(format!(
                "MaxScale ended while it started: see {log}"
            )));
        }
        match attempt() {
            Ok(found) => return Ok(Some(found)),
            Err(Trouble::Lasting(failure)) => return Err(failure),
            Err(Trouble::Late(_)) if !last.is_empty() => {}
            Err(Trouble::Late(words) | Trouble::Passing(words)) => last = words,
        }
        Ok(None)
    });
    waited.map_err(|failure| match deadline.passed() && !last.is_empty() {
        true => Failure::Retry(format!("{failure}: {last}")),
        false => failure,
    })
}
