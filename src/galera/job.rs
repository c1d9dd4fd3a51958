//! The background job: brings the server up, however long that takes, and watches it for its whole life.
//!
//! It is detached from every action, so no time-out ever meets a recovery or a state transfer. Each node
//! decides for itself, by the same election on the same facts.

use std::time::Duration;

use super::arrival;
use super::evictor::Evictor;
use super::failures::Failures;
use super::hand;
use super::membership::{self, Progress};
use super::node::{Node, retry};
use super::published::Phase;
use super::server;
use super::volatile::{Ear, Mood};
use crate::ocf::{Deadline, Done, Failure};
use crate::sys::cluster;
use crate::sys::process::{Process, Watch, Woken};

/// How often a server on its way up is asked.
const ASKING: Duration = Duration::from_millis(100);

/// How often the saved view of a serving node is looked at.
const WATCHING: Duration = Duration::from_secs(1);

/// How long a server of the job's own may take to stop.
const STOPPING: Duration = Duration::from_secs(30);

/// The same for one that is in no component: most of this passes before it is killed.
const OUTSIDE: Duration = Duration::from_secs(5);

/// How long a job that has given up waits for a monitor to tell the cluster why.
const UNHEARD: Duration = Duration::from_secs(30);

/// The life of the job. Returns when the server has died, or when there is another job.
///
/// # Errors
/// When it cannot go on; the next monitor finds it gone and starts another.
pub fn run(node: &Node) -> Done {
    let Some(_lock) = node.volatile.job_lock().map_err(retry)? else {
        return Ok(());
    };
    if let Some(own) = Process::of_pid(std::process::id()) {
        node.volatile.set_process("job", own).map_err(retry)?;
    }
    let ear = node.volatile.ear().map_err(retry)?;
    let job = Job { node, ear };
    loop {
        match job.one_life() {
            Ok(Life::Served) => return job.report_death(),
            Ok(Life::Outside) => node.volatile.forget_failures(),
            Err(failure) => {
                let failures = node.volatile.failed(&failure.to_string());
                job.note(&failures.sentence(), Mood::Failing);
                while let Some(left) = node.volatile.rest() {
                    job.ear.listen(left);
                }
                if failures.are_many() && node.volatile.failures().is_some() {
                    return job.give_up(&failures);
                }
            }
        }
    }
}

/// How one life of the server ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Life {
    /// It served, and has died unasked.
    Served,
    /// It found no component in time and was stopped: back to the election.
    Outside,
}

/// The job of one resource.
#[derive(Debug)]
pub struct Job<'a> {
    /// The resource on this node.
    pub node: &'a Node,
    /// Where it hears that it should look again.
    pub ear: Ear,
}

impl Job<'_> {
    /// From wherever the node stands now to the end of its server.
    fn one_life(&self) -> Result<Life, Failure> {
        let found = self.node.server().running()?;
        let (process, epoch) = match found {
            Some(process) => (process, self.adopt(process)?),
            None => match arrival::arrive(self)? {
                Some(arrived) => arrived,
                None => return Ok(Life::Outside),
            },
        };
        if !self.until_synced(process, epoch)? {
            return Ok(Life::Outside);
        }
        self.watch(process, epoch)?;
        Ok(Life::Served)
    }

    /// From the component to full service. Stops the server and returns false when the component is no more: a
    /// server whose donors died waits for them for ever, and the others wait for its report.
    fn until_synced(&self, process: Process, epoch: u64) -> Result<bool, Failure> {
        let mut look = Deadline::after(WATCHING);
        loop {
            if !process.lives() {
                return Err(self.died("before it was synced"));
            }
            let progress = membership::progress(self.node)?;
            if let Progress::Serving(status) = &progress {
                membership::enter(self.node, status, epoch)?;
                log::info!("{} serves in epoch {epoch}", self.node.name);
                return Ok(true);
            }
            if look.passed() {
                if progress == Progress::Outside && arrival::component_is_gone(self)? {
                    log::warn!("{}: the component that it joined is gone", self.node.name);
                    self.stop_outsider()?;
                    return Ok(false);
                }
                look = Deadline::after(WATCHING);
                if progress == Progress::Silent {
                    // One that receives state opens its socket, maybe another than ours, after that.
                    hand::adopt(&self.node.resource, process, &self.node.settings)?;
                }
            }
            self.note("in the primary component, receiving state", Mood::Well);
            self.ear.listen(ASKING);
        }
    }

    /// Returns when the server has died. Nothing else that fails ends the watch: the server serves.
    fn watch(&self, process: Process, epoch: u64) -> Result<(), Failure> {
        let Some(watch) = Watch::of(process) else {
            return Ok(());
        };
        let mut evictor = self.node.params.evict.then(|| Evictor::new(self.node));
        let mut news = true;
        let mut witness = Deadline::after(WATCHING);
        loop {
            if news && self.component_is_given_up(epoch, evictor.as_mut()) {
                return self.leave_component(epoch);
            }
            let pause = evictor.as_ref().map_or(WATCHING, Evictor::pause);
            news = match watch.ended_or_ready(&self.ear, pause) {
                Woken::Ended => return Ok(()),
                Woken::Ready => {
                    self.ear.listen(Duration::ZERO);
                    true
                }
                Woken::Nothing => false,
            };
            news |= evictor.as_mut().is_some_and(Evictor::glance);
            if witness.passed() {
                news |= self.witness(process);
                witness = Deadline::after(WATCHING);
            }
        }
    }

    /// Looks whether the saved view has changed, and notes from which seqno on it holds everything.
    fn witness(&self, process: Process) -> bool {
        membership::witness(self.node, process).unwrap_or_else(|failure| {
            log::warn!("{failure}");
            false
        })
    }

    /// Publishes this node's membership again if the cluster has forgotten it, as it does when Pacemaker was
    /// stopped meanwhile. Returns whether the component was given up by a forced bootstrap.
    fn component_is_given_up(&self, epoch: u64, evictor: Option<&mut Evictor<'_>>) -> bool {
        let looked = self.node.look().and_then(|outlook| {
            if let Some(evictor) = evictor {
                evictor.look(&outlook);
            }
            let given_up = outlook.epoch().gave_up(epoch);
            let own = outlook.published.get(&self.node.name).map(|own| &own.phase);
            if !given_up
                && !matches!(own, Some(Phase::Member(_)))
                && let Progress::Serving(status) = membership::progress(self.node)?
            {
                membership::enter(self.node, &status, epoch)?;
            }
            Ok(given_up)
        });
        looked.unwrap_or_else(|failure| {
            log::warn!("{failure}");
            false
        })
    }

    /// Somebody started the cluster without this node while it was cut off: its component does not count.
    fn leave_component(&self, epoch: u64) -> Result<(), Failure> {
        let name = &self.node.name;
        log::warn!("{name}: epoch {epoch} was given up by a forced bootstrap");
        self.node.score(None)?;
        self.node.publish(Phase::Recovering)?;
        self.stop_server(STOPPING)?;
        Err(Failure::Retry(format!(
            "the component of epoch {epoch} was given up"
        )))
    }

    /// Stops a server that is not in a component. It may wait for one, deaf to SIGTERM (measured: for 34 s), and
    /// has nothing that is not on disk.
    ///
    /// # Errors
    /// When it does not stop in time.
    pub fn stop_outsider(&self) -> Result<(), Failure> {
        self.stop_server(OUTSIDE)
    }

    fn stop_server(&self, limit: Duration) -> Result<(), Failure> {
        let deadline = Deadline::after(limit);
        let (resource, datadir) = (&self.node.resource, &self.node.settings.datadir);
        server::stop(resource, datadir, &deadline, limit, || {})
    }

    /// Takes a server in hand that was found running. Returns its epoch: the component's, else this node's own.
    ///
    /// # Errors
    /// When the cluster does not answer or the record cannot be read.
    pub fn adopt(&self, process: Process) -> Result<u64, Failure> {
        hand::adopt(&self.node.resource, process, &self.node.settings)?;
        let component = self.node.look()?.component();
        let own = self.node.record()?.epoch;
        Ok(component.map_or(own, |component| component.epoch))
    }

    /// The server has died unasked: the cluster recovers it at once, and everybody may know.
    fn report_death(&self) -> Done {
        let words = self.node.server().last_words();
        log::error!("the server on {} has died: {words}", self.node.name);
        self.note(&format!("{words}: the server has died"), Mood::Died);
        let published = self.node.publish(Phase::Recovering);
        cluster::report_failure(&self.node.resource, &self.node.name).map_err(retry)?;
        published
    }

    /// The resource has failed. The next monitor says why, which this job cannot; where there is none, the job
    /// tells that it has.
    fn give_up(&self, failures: &Failures) -> Done {
        self.note(&failures.sentence(), Mood::Failed);
        let unheard = Deadline::after(UNHEARD);
        while !unheard.passed() {
            self.ear.listen(unheard.left());
        }
        cluster::report_failure(&self.node.resource, &self.node.name).map_err(retry)
    }

    /// The failure of a server that ended by itself.
    pub fn died(&self, when: &str) -> Failure {
        let words = self.node.server().last_words();
        let name = &self.node.name;
        Failure::Retry(format!("{words}: the server on {name} ended {when}"))
    }

    /// Tells monitors and people what the job is doing, and logs it when it is news.
    pub fn note(&self, text: &str, mood: Mood) {
        if self.node.volatile.set_note(text, mood) {
            log::info!("{}: {text}", self.node.name);
        }
    }
}
