//! A server that died in service or never came there: who is told, and who brings it back.

use std::thread;
use std::time::Duration;

use super::failures::{self, Failures};
use super::job::{Job, WATCHING};
use super::node::{NEVER, retry};
use super::published::{self, Phase, Published};
use super::volatile::Mood;
use crate::cib::{self, Cib, Role};
use crate::ocf::{Deadline, Done, Failure};
use crate::sys::cluster;

/// How long a job that has given up waits for a monitor to tell the cluster why.
const UNHEARD: Duration = Duration::from_secs(30);

/// How long the cluster is given to promote another node before it hears that this one has to be recovered.
const SUCCESSION: Duration = Duration::from_secs(2);

/// How often it is looked at meanwhile.
const GLANCE: Duration = Duration::from_millis(30);

impl Job<'_> {
    /// The server has died unasked: everybody may know, and nobody promotes this node. `served`: how long it had served;
    /// one that had hardly begun to is restarted after a pause.
    ///
    /// # Errors
    /// When the cluster does not take the news.
    pub fn announce_death(&self, served: Duration) -> Done {
        let words = self.node.server().last_words();
        log::error!("the server on {} has died: {words}", self.node.name);
        let text = format!("{words}: the server has died");
        self.note(&text, Mood::Died);
        let told = thread::scope(|scope| {
            let score = scope.spawn(|| self.node.score(Some(NEVER)));
            let published = self.node.publish(Phase::Recovering);
            published.and(score.join().unwrap_or(Ok(())))
        });
        if !failures::is_proven(served) {
            self.node.volatile.failed_in_service(&text);
        }
        told
    }

    /// Lets the role go to another node first: the cluster promotes none while it stops and starts an instance, and an
    /// address that goes with the role waits as long. Returns when another is being promoted, or none can be.
    pub fn hand_over(&self) {
        if !self.node.volatile.promoted() {
            return;
        }
        let limit = Deadline::after(SUCCESSION);
        while !limit.passed() && cluster::look().is_ok_and(|cib| self.has_heir(&cib)) {
            self.ear.listen(GLANCE);
        }
    }

    /// Whether nobody else is promoted, and somebody can be.
    fn has_heir(&self, cib: &Cib) -> bool {
        let resource = &self.node.resource;
        let member = |name: &String, one: &Published| {
            let online = cib.node(name).is_some_and(cib::Node::online);
            *name != self.node.name && online && matches!(one.phase, Phase::Member(_))
        };
        let able = published::all(cib, resource);
        let able = able.iter().any(|(name, one)| member(name, one));
        let mut others = cib.histories(resource);
        able && !others.any(|one| *one.node != *self.node.place && one.role() == Role::Promoted)
    }

    /// Has the cluster recover the resource at once.
    ///
    /// # Errors
    /// When the cluster does not answer.
    pub fn report_failure(&self) -> Done {
        cluster::report_failure(&self.node.resource, &self.node.place).map_err(retry)
    }

    /// Whether the resource is not managed here now: somebody maintains it, and nothing is started or reported behind
    /// their back.
    ///
    /// # Errors
    /// When the cluster does not answer.
    pub fn is_left_alone(&self) -> Result<bool, Failure> {
        let cib = cluster::look().map_err(retry)?;
        let here = |name| cib.node(name).is_some_and(cib::Node::maintenance);
        let nodes = here(&self.node.name) || here(&self.node.place);
        Ok(nodes || !cib.managed(&self.node.resource))
    }

    /// Waits for whoever maintains the resource: a server that they start by hand is adopted. Returns whether one runs;
    /// if not, the resource is managed again.
    pub fn comes_back_by_hand(&self) -> bool {
        log::info!("{}: not managed now, so nothing is started", self.node.name);
        loop {
            self.ear.listen(WATCHING);
            let running = self.node.server().running();
            match (running, self.is_left_alone()) {
                (Ok(Some(_)), _) => return true,
                (Ok(None), Ok(false)) => return false,
                (Ok(None), Ok(true)) => {}
                (Err(failure), _) | (_, Err(failure)) => log::warn!("{failure}"),
            }
        }
    }

    /// The resource has failed. The next monitor says why, which this job cannot; where there is none, the job
    /// tells that it has. `cut`: it was a state transfer that died. One that keeps dying moves the whole data each
    /// time, so the start that follows fails too, which keeps the resource away until somebody cleans it up.
    ///
    /// # Errors
    /// When the cluster does not answer.
    pub fn give_up(&self, failures: &Failures, cut: bool) -> Done {
        let text = failures.given_up(&self.node.resource);
        if cut {
            self.node.volatile.surrender(&text).map_err(retry)?;
        }
        self.note(&text, Mood::Failed);
        let unheard = Deadline::after(UNHEARD);
        while !unheard.passed() {
            self.ear.listen(unheard.left());
        }
        self.report_failure()
    }
}
