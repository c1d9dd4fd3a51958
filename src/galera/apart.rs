//! A server that runs and has lost its primary component: it says what it holds, and goes on as the survivors'
//! verdict has it. The decisions are those of [`survivors`](super::survivors) and the election.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::arrival;
use super::ballot::{Ballot, Data, Epoch, Report, Stand};
use super::bootstrap;
use super::election::{Reason, Verdict, elect};
use super::epoch::next_epoch;
use super::job::Job;
use super::membership::{self, ANSWER, Progress};
use super::node::{Node, retry};
use super::outlook::Outlook;
use super::position::Position;
use super::published::Phase;
use super::survivors::{Prospect, prospect};
use super::volatile::Mood;
use super::wsrep::Status;
use crate::ocf::{Deadline, Done, Failure, wait_until};
use crate::sys::process::{Watch, Woken};

/// How often the server and the cluster are asked.
const PAUSE: Duration = Duration::from_millis(250);

/// For so long the cluster may be busy with its own losses before its silence, or its lack of quorum, counts as "no".
const DEAF: Duration = Duration::from_secs(10);

/// How long the other survivors may take to note a new epoch, and the server to be Primary in it.
const PATIENCE: Duration = Duration::from_secs(20);

const STEP: Duration = Duration::from_millis(100);

/// Whether the server of this node says that it is outside a primary component.
pub fn is(node: &Node) -> bool {
    matches!(membership::progress(node), Ok(Progress::Outside))
}

/// Attends to a server outside a primary component. Returns the epoch of the component that it is a member of
/// again; `None` when the server has ended. `known`: the servers of the other nodes.
///
/// # Errors
/// When its component was given up: then the server is stopped.
pub fn attend(
    job: &Job<'_>,
    watch: &Watch,
    known: BTreeMap<String, Uuid>,
) -> Result<Option<u64>, Failure> {
    // No note before the first verdict: Pacemaker shows the first reason of a monitor that fails, and no later one.
    let mut survivor = Survivor {
        job,
        known,
        said: None,
        since: Instant::now(),
        heard: Instant::now(),
    };
    loop {
        let status = status(job.node);
        if let Some(status) = &status
            && status.serves()
        {
            let epoch = job.node.record()?.epoch;
            match membership::enter(job.node, status, epoch) {
                Ok(epoch) => return Ok(Some(epoch)),
                Err(failure) => log::warn!("{failure}"),
            }
        }
        if let Some(status) = status.filter(Status::is_apart) {
            survivor.look(&status)?;
        }
        match watch.ended_or_ready(job.ear, PAUSE) {
            Woken::Ended => return Ok(None),
            Woken::Ready => job.ear.listen(Duration::ZERO),
            Woken::Nothing => {}
        }
    }
}

fn status(node: &Node) -> Option<Status> {
    let asked = node.database(ANSWER);
    asked.and_then(|mut database| database.status()).ok()
}

struct Survivor<'a> {
    job: &'a Job<'a>,
    known: BTreeMap<String, Uuid>,
    /// What was published last.
    said: Option<Report>,
    /// When the component was lost.
    since: Instant,
    /// When the cluster answered last.
    heard: Instant,
}

impl Survivor<'_> {
    /// One look, and what follows from it. Only a component that was given up is a failure.
    fn look(&mut self, status: &Status) -> Done {
        let node = self.job.node;
        let looked = self.report(status).and_then(|report| {
            let outlook = node.look()?;
            Ok((report, outlook))
        });
        let (report, outlook) = match looked {
            Ok(looked) => looked,
            Err(failure) => {
                self.failed(&failure);
                return Ok(());
            }
        };
        self.heard = Instant::now();
        if outlook.epoch().gave_up(report.epoch) {
            return Err(self.job.leave_component(report.epoch)?);
        }
        if let Err(failure) = self.act(&report, &outlook) {
            log::warn!("{failure}");
            self.said = None;
        }
        Ok(())
    }

    fn failed(&self, failure: &Failure) {
        log::warn!("{failure}");
        let mood = if self.heard.elapsed() > DEAF {
            Mood::Lost
        } else {
            Mood::Apart
        };
        let text = format!("no majority, and the cluster does not answer: {failure}");
        self.job.note(&text, mood);
    }

    /// What the server holds, published when it is news. Galera says that a component is lost only when everything
    /// that was ordered there is applied (`drain_monitors_for_local_conf_change`, galera/src/replicator_smm.cpp).
    fn report(&mut self, status: &Status) -> Result<Report, Failure> {
        let node = self.job.node;
        let untold = || {
            Failure::Retry(format!(
                "the server on {} does not tell how far its data goes: SHOW STATUS LIKE 'wsrep%'",
                node.name
            ))
        };
        let history = status.cluster_state_uuid.ok_or_else(untold)?;
        let position = Position {
            history,
            seqno: status.last_committed.ok_or_else(untold)?,
            gtid: None,
        };
        let view = node.saved_view();
        let mut record = node.record()?;
        if let Some(view) = &view {
            record.lived(view.me);
        }
        let report = Report {
            epoch: record.epoch,
            opened_by: record.opened_by.clone(),
            safe: false,
            recovered: false,
            view: view.and_then(|view| record.last_view(Some(&view), &position)),
            lives: record.lives,
            data: Data::At(position),
        };
        if self.said.as_ref() != Some(&report) {
            arrival::close_unused_epoch(self.job, &report)?;
            self.keep_known()?;
            let known = self.known.clone();
            node.publish(Phase::Apart {
                report: report.clone(),
                known,
            })?;
            self.said = Some(report.clone());
        }
        Ok(report)
    }

    /// What an earlier job knew of the others.
    fn keep_known(&mut self) -> Done {
        let node = self.job.node;
        let outlook = node.look()?;
        if let Some(Phase::Apart { known, .. } | Phase::Reviving { known, .. }) =
            outlook.published.get(&node.name).map(|own| &own.phase)
        {
            for (name, server) in known {
                self.known.entry(name.clone()).or_insert(*server);
            }
        }
        Ok(())
    }

    fn act(&mut self, report: &Report, outlook: &Outlook) -> Done {
        let node = self.job.node;
        if let Some(opener) = new_epoch(outlook, report) {
            return note(node, outlook.epoch().number, Some(opener));
        }
        match prospect(&outlook.ballot, &node.electorate.own) {
            Prospect::Now(reason) => {
                self.job.note("making the component anew", Mood::Apart);
                self.revive(outlook, &reason)?;
            }
            Prospect::Soon(text) => self.job.note(&text, Mood::Apart),
            Prospect::NoQuorum(text) if self.since.elapsed() < DEAF => {
                self.job.note(&text, Mood::Apart);
            }
            Prospect::NoQuorum(text) | Prospect::Never(text) => self.job.note(&text, Mood::Lost),
        }
        Ok(())
    }

    /// Makes the component anew from the server that runs here.
    fn revive(&self, outlook: &Outlook, reason: &Reason) -> Done {
        let node = self.job.node;
        let epoch = next_epoch(&outlook.ballot, &node.electorate.own, reason)
            .ok_or_else(|| Failure::Retry(format!("{} has not reported", node.name)))?;
        let number = epoch.number;
        bootstrap::open(node, &epoch)?;
        if let Err(changed) = self.look_again(&outlook.ballot, &epoch) {
            bootstrap::close(node, &epoch)?;
            return Err(changed);
        }
        log::warn!(
            "making the component anew on {}, epoch {number}: {reason}",
            node.name
        );
        node.void_order(outlook)?;
        note(node, number, epoch.opened_by.clone())?;
        self.announce(number, true)?;
        all_noted(node, &outlook.ballot, &epoch)?;
        let told = node
            .database(ANSWER)
            .and_then(|mut database| database.set_provider_options("pc.bootstrap=YES"));
        told.map_err(retry)?;
        wait_until(
            &Deadline::after(PATIENCE),
            STEP,
            &membership::awaited(node),
            || {
                if node.server().running()?.is_none() {
                    return Err(Failure::Retry(format!(
                        "the server on {} has died",
                        node.name
                    )));
                }
                Ok(status(node).filter(Status::serves).map(drop))
            },
        )?;
        bootstrap::forget_old(node, &outlook.epochs)
    }

    fn announce(&self, epoch: u64, noted: bool) -> Done {
        let known = self.known.clone();
        self.job.node.publish(Phase::Reviving {
            epoch,
            noted,
            known,
        })
    }

    /// The second look, with the epoch open and published.
    fn look_again(&self, first: &Ballot, epoch: &Epoch) -> Done {
        let node = self.job.node;
        self.announce(epoch.number, false)?;
        let verdict = elect(&bootstrap::as_before(node, first, epoch)?);
        if matches!(&verdict, Verdict::Revive(name, _) if *name == node.electorate.own) {
            return Ok(());
        }
        Err(Failure::Retry(verdict.to_string()))
    }
}

/// Who has opened an epoch that this node has to note, before the server of that one makes the component anew.
fn new_epoch(outlook: &Outlook, own: &Report) -> Option<String> {
    let newest = outlook.epoch();
    let mut published = outlook.published.values();
    let opener = published.find(|one| {
        let noted = matches!(one.phase, Phase::Reviving { epoch, noted: true, .. } if epoch == newest.number);
        noted && newest.opened_by.as_ref() == Some(&one.elector)
    })?;
    (newest.number > own.epoch).then(|| opener.elector.clone())
}

/// Notes the epoch before this node's server can acknowledge anything in it.
fn note(node: &Node, epoch: u64, opened_by: Option<String>) -> Done {
    let mut record = node.record()?;
    (record.epoch, record.opened_by) = (epoch, opened_by);
    (record.joining, record.left) = (None, None);
    node.remember(&record)
}

/// Waits until everybody else who has lost the component has noted the epoch: their servers will be members the
/// moment that this one is. Nobody may have come since who knows nothing of it.
fn all_noted(node: &Node, first: &Ballot, epoch: &Epoch) -> Done {
    let deadline = Deadline::after(PATIENCE);
    wait_until(
        &deadline,
        STEP,
        "the other survivors to note the epoch",
        || {
            let ballot = bootstrap::as_before(node, first, epoch)?;
            if !ballot.quorate || !ballot.fates.at_large.is_empty() {
                let changed = elect(&ballot);
                return Err(Failure::Retry(changed.to_string()));
            }
            let behind = |(name, stand): (&String, &Stand)| matches!(stand, Stand::Apart(report) if report.epoch != epoch.number && *name != node.electorate.own);
            let waits = ballot.stands.iter().any(behind);
            Ok((!waits).then_some(()))
        },
    )
}
