//! The background job: brings the server up, however long that takes, and watches it for its whole life.
//!
//! It is detached from every action, so no time-out ever meets a recovery or a state transfer. Each node
//! decides for itself, by the same election on the same facts.

use std::time::{Duration, Instant};

use super::Galera;
use super::apart;
use super::arrival;
use super::ear::Ear;
use super::evictor::Evictor;
use super::failures;
use super::hand;
use super::membership::{self, Progress};
use super::node::{Node, retry};
use super::published::Phase;
use super::server;
use super::service::Way;
use super::transfer::{self, Meter};
use super::upkeep::Upkeep;
use super::volatile::Mood;
use crate::ocf::{Deadline, Done, Failure};
use crate::sys::process::{Process, Watch, Woken};

/// How often the saved view of a serving node is looked at.
pub const WATCHING: Duration = Duration::from_secs(1);

/// How often the cluster is looked at without a cause: nobody may have told that the component was given up.
const UNASKED: Duration = Duration::from_secs(30);

/// How long a server of the job's own may take to stop.
pub const STOPPING: Duration = Duration::from_secs(30);

/// The same for one that is in no component: most of this passes before it is killed.
const OUTSIDE: Duration = Duration::from_secs(5);

/// The life of the job. Returns when the server has died and the cluster is to recover it, or when there is another
/// job.
///
/// # Errors
/// When it cannot go on; the next monitor finds it gone and starts another.
pub fn run(agent: &Galera) -> Done {
    let mut node = agent.node()?;
    let Some(_lock) = node.volatile.job_lock().map_err(retry)? else {
        return Ok(());
    };
    if let Some(own) = Process::of_pid(std::process::id()) {
        node.volatile.set_process("job", own).map_err(retry)?;
    }
    let ear = node.volatile.ear().map_err(retry)?;
    while let Some(changed) = attend(agent, &node, &ear)? {
        node = changed;
    }
    Ok(())
}

/// Attends to the server until the configuration names other members: returns the node as it is configured then.
fn attend(agent: &Galera, node: &Node, ear: &Ear) -> Result<Option<Node>, Failure> {
    let job = Job { agent, node, ear };
    loop {
        let (failure, cut) = match job.one_life() {
            Ok(Life::Served(time)) => {
                let told = job.announce_death(time);
                let alone = job.is_left_alone().unwrap_or(false);
                if !(alone && job.comes_back_by_hand()) {
                    job.hand_over();
                    job.report_failure()?;
                    return told.map(|()| None);
                }
                continue;
            }
            Ok(Life::Changed(node)) => return Ok(Some(*node)),
            Ok(Life::Outside) => {
                node.volatile.forget_failures();
                job.withdraw();
                continue;
            }
            Ok(Life::Cut(failure)) => (failure, true),
            Err(failure) => (failure, false),
        };
        if job.is_in_service() {
            log::warn!("{}: {failure}", node.name);
            ear.listen(WATCHING);
            continue;
        }
        let failures = node.volatile.failed(&failure.to_string());
        job.note(&failures.sentence(), Mood::Failing);
        job.withdraw();
        while let Some(left) = node.volatile.rest() {
            job.ear.listen(left);
        }
        if job.is_left_alone().unwrap_or(false) {
            job.comes_back_by_hand();
        } else if failures.are_many() && node.volatile.failures().is_some() {
            return job.give_up(&failures, cut).map(|()| None);
        }
    }
}

/// How one life of the server ended, or why the job begins anew with it.
#[derive(Debug)]
enum Life {
    /// It served for so long, and has died unasked.
    Served(Duration),
    /// It found no component in time and was stopped: back to the election.
    Outside,
    /// It serves, and the node is configured otherwise now.
    Changed(Box<Node>),
    /// It died amid its state transfer.
    Cut(Failure),
}

/// Whether the others wait for the join or the restore that a node in this phase is about.
pub fn is_waited_for(phase: &Phase) -> bool {
    matches!(phase, Phase::Joining | Phase::Restoring { .. })
}

/// The job of one resource.
#[derive(Debug)]
pub struct Job<'a> {
    /// The resource on this node.
    pub node: &'a Node,
    /// Where it hears that it should look again.
    pub ear: &'a Ear,
    agent: &'a Galera,
}

impl Job<'_> {
    /// From wherever the node stands now to the end of its server.
    fn one_life(&self) -> Result<Life, Failure> {
        let found = self.node.server().running()?;
        let (process, epoch) = match found {
            Some(process) if self.was_a_member()? => {
                hand::adopt(&self.node.resource, process, &self.node.settings)?;
                self.resume()?;
                // Not the epoch of whoever is primary now: this server's component may have been given up since.
                return self.watch(process, self.node.record()?.epoch);
            }
            Some(process) => {
                if self.node.volatile.note().is_none() {
                    self.note("found a server that runs", Mood::Well);
                }
                (process, self.adopt(process)?)
            }
            None => match arrival::arrive(self)? {
                Some(arrived) => arrived,
                None => return Ok(Life::Outside),
            },
        };
        let mut meter = Meter::new(self.node);
        let ended = self.until_synced(process, epoch, &mut meter);
        transfer::is_over(&self.node.volatile, &self.node.resource);
        match ended? {
            Way::Synced(epoch) => self.watch(process, epoch),
            Way::Outside => Ok(Life::Outside),
            Way::Died => self.was_cut(&meter).map(Life::Cut),
        }
    }

    /// A join or a restore has come to nothing: nobody has to wait for it while this node rests. Without a server none can
    /// come about, and before the next one starts this node says so and looks again.
    fn withdraw(&self) {
        let said = self.node.look().and_then(|outlook| {
            let own = outlook.published.get(&self.node.name);
            if own.is_some_and(|own| is_waited_for(&own.phase))
                && self.node.server().running()?.is_none()
            {
                self.node.publish(Phase::Recovering)?;
            }
            Ok(())
        });
        if let Err(failure) = said {
            log::warn!("{failure}");
        }
    }

    /// What killed a state transfer. Unless it was this node's own disk, the next one comes from another donor.
    fn was_cut(&self, meter: &Meter<'_>) -> Result<Failure, Failure> {
        let words = self.death("before it was synced");
        if let Some(full) = meter.full_disk() {
            return Ok(Failure::Retry(format!("{full} ({words})")));
        }
        let (volatile, group) = (&self.node.volatile, meter.group());
        let mut all = volatile.disappointments();
        all.add(&group);
        volatile.set_disappointments(Some(&all)).map_err(retry)?;
        let donor = group.donor.unwrap_or_else(|| "an unknown donor".into());
        Ok(Failure::Retry(format!(
            "the state transfer from {donor} failed: {words}"
        )))
    }

    /// Returns when the server has died, or the configuration names other members. Nothing that fails ends the watch:
    /// the server serves.
    fn watch(&self, process: Process, mut epoch: u64) -> Result<Life, Failure> {
        let Some(watch) = Watch::of(process) else {
            return Ok(Life::Served(Duration::ZERO));
        };
        let began = Instant::now();
        let mut upkeep = Upkeep::new(self.node);
        upkeep.look();
        let mut evictor = Evictor::new(self.node);
        let (mut news, mut silence) = (true, false);
        let mut witness = Deadline::after(WATCHING);
        let mut unasked = Deadline::after(UNASKED);
        loop {
            if news || silence || unasked.passed() {
                if self.component_is_given_up(&mut epoch, &mut evictor, &mut upkeep) {
                    return Err(self.leave_component(epoch)?);
                }
                unasked = Deadline::after(UNASKED);
            }
            if let Some(node) = news.then(|| self.changed()).flatten() {
                return Ok(Life::Changed(node));
            }
            news = match watch.ended_or_ready(self.ear, evictor.pause()) {
                Woken::Ended => return Ok(Life::Served(began.elapsed())),
                Woken::Ready => {
                    self.ear.listen(Duration::ZERO);
                    upkeep.look(); // the role may have changed
                    true
                }
                Woken::Nothing => false,
            };
            silence = evictor.glance();
            if witness.passed() {
                if apart::is(self.node) {
                    match apart::attend(self, &watch, evictor.known())? {
                        Some(entered) => {
                            epoch = entered;
                            upkeep.forget();
                        }
                        None => return Ok(Life::Served(began.elapsed())),
                    }
                }
                if failures::is_proven(began.elapsed()) {
                    self.node.volatile.forget_failures();
                }
                news |= self.witness(process);
                upkeep.look();
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
    /// stopped meanwhile, knows it with other electors, or has another member of this view in a newer epoch. Returns
    /// whether the component was given up by a forced bootstrap.
    fn component_is_given_up(
        &self,
        epoch: &mut u64,
        evictor: &mut Evictor<'_>,
        upkeep: &mut Upkeep<'_>,
    ) -> bool {
        let looked = self.node.look().and_then(|outlook| {
            evictor.look(&outlook);
            let given_up = outlook.epoch().gave_up(*epoch);
            let own = outlook.published.get(&self.node.name);
            let known = own.is_some_and(|own| {
                matches!(own.phase, Phase::Member(_))
                    && own.electors == self.node.electorate.names()
            });
            let view = self.node.saved_view();
            let newest = view.and_then(|view| outlook.epoch_of(&view));
            if !given_up
                && (!known || newest > Some(*epoch))
                && let Progress::Serving(status) = membership::progress(self.node)?
            {
                *epoch = membership::enter(self.node, &status, *epoch)?;
                upkeep.forget();
            }
            Ok(given_up)
        });
        looked.unwrap_or_else(|failure| {
            log::warn!("{failure}");
            false
        })
    }

    /// The node with the members that the configuration names now, if those are others: members are added and removed
    /// without a restart. What cannot be read now will be read at the next start.
    fn changed(&self) -> Option<Box<Node>> {
        match self.agent.node() {
            Ok(node) if node.electorate == self.node.electorate => None,
            Ok(node) => {
                log::info!("{}: the members are configured otherwise now", node.name);
                Some(Box::new(node))
            }
            Err(failure) => {
                log::warn!("the configuration is not valid now: {failure}");
                None
            }
        }
    }

    /// Somebody started the cluster without this node while it was cut off: its component does not count. Returns the
    /// failure that this is.
    ///
    /// # Errors
    /// When the server does not stop, or the cluster does not answer.
    pub fn leave_component(&self, epoch: u64) -> Result<Failure, Failure> {
        let name = &self.node.name;
        log::warn!("{name}: epoch {epoch} was given up by a forced bootstrap");
        self.node.score(None)?;
        self.node.publish(Phase::Recovering)?;
        self.stop_server(STOPPING)?;
        Ok(Failure::Retry(format!(
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

    /// Stops the server, with so long to end by itself.
    ///
    /// # Errors
    /// When it does not stop.
    pub fn stop_server(&self, limit: Duration) -> Result<(), Failure> {
        let deadline = Deadline::after(limit);
        let (resource, datadir) = (&self.node.resource, &self.node.settings.datadir);
        server::stop(resource, datadir, &deadline, limit, || {})
    }

    /// The failure of a server that ended by itself.
    pub fn died(&self, when: &str) -> Failure {
        Failure::Retry(self.death(when))
    }

    fn death(&self, when: &str) -> String {
        let (name, words) = (&self.node.name, self.node.server().last_words());
        format!("{words}: the server on {name} ended {when}")
    }

    /// Tells monitors and people what the job is doing, and logs it when it is news.
    pub fn note(&self, text: &str, mood: Mood) {
        if self.node.volatile.set_note(text, mood) {
            log::info!("{}: {text}", self.node.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::ballot::{Data, Report};
    use super::*;

    #[test]
    fn nobody_waits_for_the_restore_or_the_join_of_a_node_that_rests() {
        let report = Report::bare(1, Data::Partial);
        assert!(is_waited_for(&Phase::Joining));
        assert!(is_waited_for(&Phase::Restoring {
            report: report.clone()
        }));
        assert!(!is_waited_for(&Phase::Reported { report }), "it may lead");
        assert!(!is_waited_for(&Phase::Recovering));
    }
}
