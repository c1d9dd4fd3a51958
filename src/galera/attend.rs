//! A resource taken in hand: what is known of its server, and the background job that attends to it.

use std::process::{Child, Stdio};
use std::time::Duration;

use super::node::{Node, retry};
use super::volatile::{Started, Volatile};
use super::{Galera, STEP, hand, server, settings, stop};
use crate::ocf::{Action, Deadline, Done, Failure, wait_until};
use crate::sys::{command, process};

/// How long a job is given to begin before another is started in its place, if it has ended.
const AGAIN: Duration = Duration::from_millis(500);

impl Galera {
    /// A server that runs on this resource's data although nobody started it here.
    pub(super) fn found_running(&self) -> Result<Option<Started>, Failure> {
        match settings::Settings::read(&self.params, &self.env) {
            Ok(settings) => {
                let found = server::running(self.env.resource(), &settings.datadir)?;
                let node = self.env.node().unwrap_or_default().to_owned();
                Ok(found.map(|process| Started {
                    socket: hand::socket(process, &settings.socket),
                    datadir: settings.datadir,
                    node,
                }))
            }
            // What was never started needs no valid configuration to be not running.
            Err(unreadable) => {
                let resource = self.env.resource();
                let named = self.params.datadir.clone();
                let datadir = named.map_or_else(|| stop::usual(resource), Ok)?;
                if server::running(resource, &datadir)?.is_some() {
                    let place = datadir.display();
                    return Err(Failure::Retry(format!(
                        "a server runs on {place}, but {unreadable}"
                    )));
                }
                log::warn!("{unreadable}");
                Ok(None)
            }
        }
    }

    /// Takes the resource in hand: starts the background job and returns once that has taken over.
    pub(super) fn attend(&self, started: &Started, deadline: &Deadline) -> Done {
        let volatile = Volatile::of(self.env.resource());
        stop::end_job(self.env.resource(), deadline)?; // one whose files are gone would stand in the way
        volatile.set_started(started).map_err(retry)?;
        let mut job = self.spawn_job()?;
        let mut patience = Deadline::after(AGAIN);
        wait_until(deadline, STEP, "the background job to begin", || {
            if volatile.process("job").is_some() {
                return Ok(Some(()));
            }
            // Somebody may have killed it before it had said that it lives.
            if patience.passed() && job.try_wait().map_err(retry)?.is_some() {
                job = self.spawn_job()?;
                patience = Deadline::after(AGAIN);
            }
            Ok::<_, Failure>(None)
        })
    }

    fn spawn_job(&self) -> Result<Child, Failure> {
        let mut job = command::program(process::own_program().map_err(retry)?);
        job.arg(Action::Job.name()).envs(self.env.pairs());
        job.env(stop::JOB, self.env.resource());
        job.stdout(Stdio::null()).stderr(Stdio::null());
        job.spawn()
            .map_err(|error| Failure::Retry(format!("cannot start the background job: {error}")))
    }
}

/// What `stop` and `monitor` will need of this node.
pub(super) fn started(node: &Node) -> Result<Started, Failure> {
    let configured = &node.settings.socket;
    let running = node.server().running()?;
    Ok(Started {
        datadir: node.settings.datadir.clone(),
        socket: running.map_or_else(|| configured.clone(), |it| hand::socket(it, configured)),
        node: node.name.clone(),
    })
}
