//! A server's way from the component into service, and when there is nothing left to wait for.

use std::time::Duration;

use super::hand;
use super::job::{self, Job, STOPPING, WATCHING};
use super::membership::{self, Progress};
use super::node::retry;
use super::outlook::Outlook;
use super::published::Phase;
use super::transfer::Meter;
use super::volatile::Mood;
use crate::ocf::{Deadline, Failure};
use crate::sys::process::Process;

/// How often a server on its way up is asked.
const ASKING: Duration = Duration::from_millis(100);

/// A server that waits for state does not say where it is. After so long without anybody in the component, nobody is left
/// who could give it.
const FORSAKEN: Duration = Duration::from_secs(5);

/// How a server's way from the component into service ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// It serves in the component of this epoch.
    Synced(u64),
    /// There is no component any more.
    Outside,
    /// It died.
    Died,
}

/// What the other nodes do that are online, as far as a server on its way into service depends on them. Of several, the
/// greatest counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Others {
    /// None of what follows.
    Nothing,
    /// Somebody is outside a component and has said what it holds: it may wait for this node's report.
    Waiting,
    /// Somebody is on the way to make a component.
    Coming,
    /// Somebody is in one.
    Members,
}

impl Others {
    /// What all nodes that are online do but this one.
    pub fn of(outlook: &Outlook, own: &str) -> Self {
        let others = outlook.online().filter(|one| one.elector != own);
        let all = others.map(|one| match one.phase {
            Phase::Member(_) => Self::Members,
            Phase::Bootstrapping { .. } | Phase::Restoring { .. } => Self::Coming,
            Phase::Reviving { .. } => Self::Coming,
            Phase::Reported { .. } | Phase::Apart { .. } => Self::Waiting,
            Phase::Recovering | Phase::Joining | Phase::Stopped { .. } => Self::Nothing,
        });
        all.max().unwrap_or(Self::Nothing)
    }

    /// Whether nobody is in a component any more, or on the way to make one: whoever looks for it now keeps the others
    /// from an election.
    pub fn are_gone(self) -> bool {
        self < Self::Coming
    }
}

/// Whether a server waits in vain. `None`: it refuses the account. It may be in the component all by itself then, and is
/// stopped only for somebody who waits for it; `waited_for`: its node says that it joins or restores.
fn is_in_vain(progress: Option<&Progress>, others: Others, waited_for: bool) -> bool {
    match progress {
        Some(Progress::Outside | Progress::Silent) => others.are_gone(),
        Some(Progress::Inside(_) | Progress::Serving(_)) => false,
        None => waited_for && others == Others::Waiting,
    }
}

/// Whether a node that restores the component is no more than one that joins: its server is not inside, and nobody serves
/// there. Were it to say on that it restores, two such nodes would wait for each other, and the rest for them.
fn only_joins(progress: Option<&Progress>, others: Others) -> bool {
    let inside = matches!(progress, Some(Progress::Inside(_) | Progress::Serving(_)));
    !inside && others < Others::Members
}

impl Job<'_> {
    /// From the component to full service. Stops the server when the component is no more: a server whose donors
    /// died waits for them for ever, and the others wait for its report.
    ///
    /// # Errors
    /// When the cluster does not answer, or the server is in another cluster.
    pub fn until_synced(
        &self,
        process: Process,
        epoch: u64,
        meter: &mut Meter<'_>,
    ) -> Result<Way, Failure> {
        let mut look = Deadline::after(WATCHING);
        let mut forsaken = Deadline::after(FORSAKEN);
        loop {
            if !process.lives() {
                return Ok(Way::Died);
            }
            let progress = membership::progress(self.node);
            if let Err(denied) = &progress {
                // A restart does not mend a password.
                self.note(&denied.to_string(), Mood::Failing);
            }
            let progress = progress.ok();
            if let Some(Progress::Serving(status)) = &progress {
                let epoch = membership::enter(self.node, status, epoch)?;
                let volatile = &self.node.volatile;
                volatile.set_disappointments(None).map_err(retry)?;
                log::info!("{} serves in epoch {epoch}", self.node.name);
                return Ok(Way::Synced(epoch));
            }
            if look.passed() {
                if !self.has_nothing_to_wait_for(progress.as_ref())? {
                    forsaken = Deadline::after(FORSAKEN);
                } else if progress == Some(Progress::Outside) || forsaken.passed() {
                    log::warn!("{}: the component that it joined is gone", self.node.name);
                    self.give_up_waiting(progress.as_ref())?;
                    return Ok(Way::Outside);
                }
                look = Deadline::after(WATCHING);
                if progress == Some(Progress::Silent) {
                    // One that receives state opens its socket, maybe another than ours, after that.
                    hand::adopt(&self.node.resource, process, &self.node.settings)?;
                }
            }
            let pause = match &progress {
                Some(progress) => {
                    meter.look(process, progress);
                    ASKING
                }
                None => WATCHING,
            };
            self.ear.listen(pause);
        }
    }

    /// Whether the wait is in vain. One that refuses the account may serve: it is kept while the cluster does not answer.
    fn has_nothing_to_wait_for(&self, progress: Option<&Progress>) -> Result<bool, Failure> {
        match (self.is_in_vain(progress), progress) {
            (Err(failure), None) => {
                log::warn!("{failure}");
                Ok(false)
            }
            (looked, _) => looked,
        }
    }

    /// One look at the others, and what this node says of itself after it.
    fn is_in_vain(&self, progress: Option<&Progress>) -> Result<bool, Failure> {
        if matches!(progress, Some(Progress::Inside(_) | Progress::Serving(_))) {
            return Ok(false);
        }
        let outlook = self.node.look()?;
        let others = Others::of(&outlook, &self.node.electorate.own);
        let own = outlook.published.get(&self.node.name).map(|own| &own.phase);
        if matches!(own, Some(Phase::Restoring { .. })) && only_joins(progress, others) {
            self.node.publish(Phase::Joining)?;
        }
        let waited_for = own.is_some_and(job::is_waited_for);
        Ok(is_in_vain(progress, others, waited_for))
    }

    /// One that refuses the account may serve clients: it is given the time to end well.
    fn give_up_waiting(&self, progress: Option<&Progress>) -> Result<(), Failure> {
        match progress {
            Some(_) => self.stop_outsider(),
            None => self.stop_server(STOPPING),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::ballot::{Data, Report};
    use super::super::evict::NodeState;
    use super::super::outlook::Asker;
    use super::super::published::Published;
    use super::super::wsrep::Status;
    use super::*;
    use crate::cib::Cib;

    const OUTSIDE: Option<&Progress> = Some(&Progress::Outside);
    const SILENT: Option<&Progress> = Some(&Progress::Silent);

    fn report() -> Report {
        Report::bare(1, Data::Partial)
    }

    fn restoring() -> Phase {
        Phase::Restoring { report: report() }
    }

    fn reported() -> Phase {
        Phase::Reported { report: report() }
    }

    fn member() -> Phase {
        let text = r#"{"elector":"b","electors":[],"phase":"member","history":"h","epoch":1,
            "gcomm":"00000000-0000-0000-0000-000000000001"}"#;
        let member: Published = serde_json::from_str(text).unwrap();
        member.phase
    }

    /// What the others do, as node a sees these.
    fn others<const N: usize>(nodes: [(&str, Phase); N]) -> Others {
        let asker = Asker {
            resource: "db",
            enable_creation: false,
            two_node_mode: false,
        };
        let mut outlook = Outlook::of(&Cib::parse(b"<cib/>").unwrap(), &asker);
        for (name, phase) in nodes {
            let published = Published {
                elector: name.to_owned(),
                electors: Vec::new(),
                dead: None,
                make: None,
                phase,
            };
            outlook.nodes.insert(name.to_owned(), NodeState::Online);
            outlook.published.insert(name.to_owned(), published);
        }
        Others::of(&outlook, "a")
    }

    #[test]
    fn a_restoring_node_does_not_wait_for_itself_when_the_component_is_gone() {
        let alone = others([("a", restoring()), ("b", reported()), ("c", reported())]);
        assert!(is_in_vain(OUTSIDE, alone, true) && is_in_vain(SILENT, alone, true));
        let served = others([("a", restoring()), ("b", member()), ("c", reported())]);
        assert!(!is_in_vain(OUTSIDE, served, true) && !is_in_vain(SILENT, served, true));
    }

    #[test]
    fn two_restoring_nodes_do_not_wait_for_each_other_when_the_component_is_gone() {
        let two = others([("a", restoring()), ("b", restoring()), ("c", reported())]);
        assert!(!is_in_vain(SILENT, two, true), "b may make a component");
        assert!(only_joins(SILENT, two) && only_joins(OUTSIDE, two));
        let said = others([("a", restoring()), ("b", Phase::Joining), ("c", reported())]);
        assert!(is_in_vain(SILENT, said, true));
        let inside = Progress::Inside(Status::read::<&str, &str>(&[]));
        assert!(!only_joins(Some(&inside), two), "it may serve in a moment");
        let served = others([("a", restoring()), ("b", member())]);
        assert!(!only_joins(SILENT, served), "b sends it the state");
    }

    #[test]
    fn a_server_that_refuses_the_account_is_stopped_only_for_somebody_who_waits_for_it() {
        let a = || ("a", Phase::Joining);
        let wanted = others([a(), ("b", reported())]);
        assert!(is_in_vain(None, wanted, true));
        assert!(
            !is_in_vain(None, wanted, false),
            "it bootstraps, and the account may have to be created yet"
        );
        let served = others([a(), ("b", reported()), ("c", member())]);
        assert!(!is_in_vain(None, served, true));
        let stopped = Phase::Stopped { report: report() };
        assert!(!is_in_vain(None, others([a(), ("b", stopped)]), true));
        assert!(
            !is_in_vain(None, others([a()]), true),
            "it may serve all alone"
        );
    }
}
