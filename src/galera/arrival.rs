//! From a stopped node to a server in the primary component: report, election, and then join or restore.
//! The third way, to bootstrap, is the promotion's.

use std::time::{Duration, Instant};

use super::ballot::{Data, Report, Stand};
use super::election::{Verdict, Waiting, elect, newest_epoch};
use super::job::Job;
use super::membership::{self, Progress};
use super::node::{FULL_SCORE, retry};
use super::outlook::Outlook;
use super::position::Position;
use super::properties;
use super::published::{Component, Phase};
use super::rehearsal;
use super::server::Beginning;
use super::service::Others;
use super::volatile::Mood;
use crate::ocf::{Deadline, Failure};
use crate::sys::cluster;
use crate::sys::process::Process;

/// How soon the job looks again while others are about to report.
const AT_ONCE: Duration = Duration::from_millis(100);

/// For so long: a recovery with little to replay takes a fraction of a second.
const HURRY: Duration = Duration::from_secs(3);

/// How soon it looks again after that.
const SOON: Duration = Duration::from_millis(500);

/// How soon it looks again once it has waited for a while.
const LATER: Duration = Duration::from_secs(2);

/// After this long it looks less often.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often a server on its way up is asked.
const ASKING: Duration = Duration::from_millis(100);

/// How long the members of a view wait for each other before they start their servers.
const ANNOUNCING: Duration = Duration::from_secs(2);

/// How often they look, so at most how far apart they start.
const TOGETHER: Duration = Duration::from_millis(20);

/// How often a joining node makes sure that there still is a component to join.
const REASSURANCE: Duration = Duration::from_secs(1);

/// How many looks a member is given that publishes its membership and cannot be reached.
const STALE: u32 = 30;

/// A server in the primary component, with the component's epoch.
pub type Arrived = (Process, u64);

/// Reports, and waits until the election, or the promotion by the cluster, has a server run here. `None` when
/// the attempt came to nothing and has to begin anew.
///
/// # Errors
/// When the position cannot be looked for, the cluster does not answer, or the server ends by itself.
pub fn arrive(job: &Job<'_>) -> Result<Option<Arrived>, Failure> {
    if job.node.volatile.failures().is_none() {
        job.note("looking for the position of the data", Mood::Well);
    }
    let mut report = job.node.report()?;
    close_unused_epoch(job, &report)?;
    job.node.publish(Phase::Reported {
        report: report.clone(),
    })?;
    let began = Instant::now();
    let (mut candidate, mut unanswered) = (false, 0);
    loop {
        if let Some(process) = job.node.server().running()? {
            return Ok(Some((process, job.adopt(process)?)));
        }
        let outlook = job.node.look()?;
        let verdict = elect(&outlook.ballot);
        log::debug!("verdict: {verdict:?}");
        let resting = job.node.volatile.rest().and(job.node.volatile.failures());
        let chosen = is_for(&verdict, &job.node.electorate.own) && resting.is_none();
        if chosen != candidate {
            job.node.score(chosen.then_some(FULL_SCORE))?;
            candidate = chosen;
        }
        match &verdict {
            _ if let Some(failures) = &resting => job.note(&failures.sentence(), Mood::Failing),
            Verdict::Join(_) if unanswered < STALE && !component_answers(job, &outlook) => {
                unanswered += 1;
                job.note(
                    "waiting for the primary component, which does not answer",
                    Mood::Waiting,
                );
            }
            Verdict::Join(_) if is_other_half(&report, &outlook) => {
                job.note(OTHER_HALF, Mood::Waiting);
            }
            Verdict::Join(_) => return join(job, &report),
            Verdict::Restore(members) if members.contains(&job.node.electorate.own) => {
                return restore(job, &report, newest_epoch(&outlook.ballot));
            }
            Verdict::Restore(_) | Verdict::Bootstrap(..) | Verdict::Revive(..) => {
                job.note(&verdict.to_string(), Mood::Well)
            }
            Verdict::Wait(_) | Verdict::Refuse(_) => {
                job.note(&verdict.to_string(), Mood::Waiting);
                report = read_again(job, report)?;
            }
        }
        job.ear.listen(pause(began.elapsed()));
    }
}

/// A position that could not be found out is looked for again, as what was in the way may be gone; less and less
/// often, see [`Failures`](super::failures::Failures).
fn read_again(job: &Job<'_>, report: Report) -> Result<Report, Failure> {
    if !matches!(report.data, Data::Unreadable(_)) {
        return Ok(report);
    }
    let now = job.node.report()?;
    if let Data::Unreadable(reason) = &now.data {
        job.node.volatile.failed(reason);
    }
    if now != report {
        let report = now.clone();
        job.node.publish(Phase::Reported { report })?;
    }
    Ok(now)
}

/// How long to wait before the next look, after so long a wait.
fn pause(waited: Duration) -> Duration {
    match waited {
        waited if waited < HURRY => AT_ONCE,
        waited if waited < PATIENCE => SOON,
        _ => LATER,
    }
}

/// Why a node of the other half of a split does not join by itself: that would replace its data. Its position is in the data
/// too, so that nothing less than an empty directory gives it up.
const OTHER_HALF: &str = "this node was in the other half of a split and may hold acknowledged writes that the \
    cluster lacks: save them, put the node in standby, empty its data directory, take it online again";

/// Whether this node's data went on in another epoch of the same number than the component's.
fn is_other_half(report: &Report, outlook: &Outlook) -> bool {
    let lineage = outlook
        .epoch()
        .is_foreign(report.epoch, report.opened_by.as_ref());
    let component = outlook
        .component()
        .filter(|component| component.epoch == report.epoch);
    let openers = component
        .and_then(|component| component.opened_by)
        .zip(report.opened_by.as_ref());
    let other = openers.is_some_and(|(theirs, own)| theirs != *own);
    report.position().is_some() && (lineage || other)
}

/// Whether it is this node's turn: it is to bootstrap, or its promotion is about it already.
fn is_for(verdict: &Verdict, own: &str) -> bool {
    match verdict {
        Verdict::Bootstrap(name, _) | Verdict::Wait(Waiting::Bootstrapping(name)) => name == own,
        Verdict::Join(_) | Verdict::Restore(_) | Verdict::Revive(..) => false,
        Verdict::Wait(_) | Verdict::Refuse(_) => false,
    }
}

/// Whether some member of the component can be reached. Right after all servers died together, a node may
/// not have noticed its own server's death yet: joining a component of the past would waste the chance to
/// restore it.
fn component_answers(job: &Job<'_>, outlook: &Outlook) -> bool {
    outlook.online().any(|one| {
        matches!(one.phase, Phase::Member(_)) && job.node.electorate.reaches(&one.elector)
    })
}

/// Closes an epoch of this node that somebody was killed over before a server ran in it.
///
/// # Errors
/// When the cluster does not answer.
pub fn close_unused_epoch(job: &Job<'_>, report: &Report) -> Result<(), Failure> {
    let (resource, own) = (&job.node.resource, &job.node.electorate.own);
    let cib = cluster::look().map_err(retry)?;
    if let Some(number) = properties::unused_epoch(&cib, resource, own, report.epoch) {
        log::warn!("epoch {number} was opened here and never used: closing it");
        cluster::delete_properties(&properties::epoch_set(resource, number)).map_err(retry)?;
    }
    Ok(())
}

/// Starts the server to join the component that runs elsewhere.
fn join(job: &Job<'_>, report: &Report) -> Result<Option<Arrived>, Failure> {
    let Some(_lock) = job.node.volatile.server_lock().map_err(retry)? else {
        return Ok(None);
    };
    rehearsal::rehearse(job.node, report)?;
    job.node.publish(Phase::Joining)?;
    let Some((outlook, component)) = still_there(job, report)? else {
        return Ok(None);
    };
    let epoch = component.epoch;
    let position = report.position().filter(|position| {
        let continues = outlook
            .epoch()
            .leads_to(epoch, report.epoch, position.seqno);
        position.history == component.history && continues
    });
    prepare_to_join(job, report, position, &component)?;
    job.note("joining the primary component", Mood::Well);
    let forced = outlook.epoch().last_forced(epoch);
    let start = position.filter(|_| report.recovered);
    let configured = job.node.settings.sst_donor.as_deref();
    let donors = job.node.volatile.disappointments().wanted(configured);
    let beginning = Beginning::Join { forced, donors };
    let process = job.node.server().start(beginning, start)?;
    let limit = Deadline::after(job.node.params.join_timeout);
    let joined = reach_component(job, process, &limit, || component_is_gone(job))?;
    Ok(joined.then_some((process, epoch)))
}

/// The component that this node has said it joins, if it still may. Who opens an epoch after this look sees what was said,
/// and waits; who opened one before is seen here.
fn still_there(job: &Job<'_>, report: &Report) -> Result<Option<(Outlook, Component)>, Failure> {
    let outlook = job.node.look()?;
    let joins = matches!(elect(&outlook.ballot), Verdict::Join(_));
    let component = outlook
        .component()
        .filter(|_| joins && !is_other_half(report, &outlook));
    Ok(component.map(|component| (outlook, component)))
}

/// Makes disk and record say that this node is on its way into the component, before its server can acknowledge
/// anything there. `position`: where the data may go on from; without one it is given up first.
fn prepare_to_join(
    job: &Job<'_>,
    report: &Report,
    position: Option<&Position>,
    component: &Component,
) -> Result<(), Failure> {
    if position.is_none() && report.position().is_some() {
        let name = &job.node.name;
        log::warn!(
            "{name}: the data here is not part of the cluster's history and is replaced by a full transfer"
        );
        job.node.give_up_data()?;
    }
    let mut record = job.node.record()?;
    record.joining = Some(component.epoch);
    job.node.take_over_view(report, &mut record)?;
    if record.join(component) {
        job.node.remember(&record)?;
    }
    Ok(())
}

/// Starts the server with the saved view, as all others of that view do now.
fn restore(job: &Job<'_>, report: &Report, epoch: u64) -> Result<Option<Arrived>, Failure> {
    let Some(_lock) = job.node.volatile.server_lock().map_err(retry)? else {
        return Ok(None);
    };
    job.node.publish(Phase::Restoring {
        report: report.clone(),
    })?;
    let Some(outlook) = all_announced(job, epoch)? else {
        // No server has run here: what was reported stands.
        let report = report.clone();
        job.node.publish(Phase::Reported { report })?;
        return Ok(None);
    };
    job.note("restoring the last primary component", Mood::Well);
    job.node.void_order(&outlook)?;
    let forced = outlook.epoch().last_forced(epoch);
    let start = report.position().filter(|_| report.recovered);
    let beginning = Beginning::Join {
        forced,
        donors: None,
    };
    let process = job.node.server().start(beginning, start)?;
    let limit = Deadline::after(job.node.params.restore_timeout);
    if reach_component(job, process, &limit, || Ok(false))? {
        return Ok(Some((process, epoch)));
    }
    log::warn!("the last primary component did not come back in time: electing");
    let mut record = job.node.record()?;
    job.node.take_over_view(report, &mut record)?;
    Ok(None)
}

fn component_is_gone(job: &Job<'_>) -> Result<bool, Failure> {
    let others = Others::of(&job.node.look()?, &job.node.electorate.own);
    Ok(others.are_gone())
}

/// Waits until every member of the view has announced that it restores: servers that start at the same moment
/// find together in one step, a tenth of a second apart they often take two or three [measured]. `None` when
/// this is not the verdict any more: whoever opened an epoch meanwhile looks again after that, so one of us
/// sees the other.
fn all_announced(job: &Job<'_>, epoch: u64) -> Result<Option<Outlook>, Failure> {
    let patience = Deadline::after(ANNOUNCING);
    loop {
        let outlook = job.node.look()?;
        let Verdict::Restore(members) = elect(&outlook.ballot) else {
            return Ok(None);
        };
        if !members.contains(&job.node.electorate.own) || newest_epoch(&outlook.ballot) != epoch {
            return Ok(None);
        }
        let stands = &outlook.ballot.stands;
        let announced = |member| matches!(stands.get(member), Some(Stand::Restoring(_)));
        if members.iter().all(announced) || patience.passed() {
            return Ok(Some(outlook));
        }
        job.ear.listen(TOGETHER);
    }
}

/// Waits until the server is in a primary component. Stops it and returns false when the time is over, or
/// there is nothing left to reach.
fn reach_component(
    job: &Job<'_>,
    process: Process,
    limit: &Deadline,
    gone: impl Fn() -> Result<bool, Failure>,
) -> Result<bool, Failure> {
    let mut look = Deadline::after(REASSURANCE);
    // A server that receives state does not answer, but it has saved the view by then.
    let before = job.node.saved_view().map(|saved| saved.view);
    loop {
        if !process.lives() {
            return Err(job.died("before it reached the primary component"));
        }
        let view = job.node.saved_view().map(|saved| saved.view);
        if view.is_some() && view != before {
            return Ok(true);
        }
        if let Ok(Progress::Inside(_) | Progress::Serving(_)) = membership::progress(job.node) {
            return Ok(true);
        }
        let mut over = limit.passed();
        if look.passed() {
            over |= gone()?;
            look = Deadline::after(REASSURANCE);
        }
        if over {
            job.stop_outsider()?;
            return Ok(false);
        }
        job.ear.listen(ASKING);
    }
}
