//! The agent `galera-rs`: a MariaDB Galera node under Pacemaker.
//!
//! Each action is short: what can take long is the business of the [`job`].

pub mod address;
mod apart;
mod arrival;
mod attempts;
mod attend;
pub mod ballot;
mod bootstrap;
mod checkup;
pub mod copy;
pub mod database;
mod datadir;
mod death;
mod donor;
mod drain;
mod ear;
pub mod election;
mod electorate;
pub mod epoch;
pub mod evict;
mod evictor;
mod failures;
mod fitness;
mod gate;
pub mod grastate;
pub mod gvwstate;
mod hand;
pub mod health;
mod job;
pub mod make;
mod membership;
mod monitor;
mod node;
mod offspring;
pub mod outlook;
mod params;
mod places;
pub mod position;
pub mod properties;
mod provider;
pub mod published;
pub mod pulse;
mod record;
pub mod recover;
mod rehearsal;
mod report;
mod server;
mod service;
mod settings;
pub mod silence;
mod stop;
pub mod survey;
pub mod survivors;
pub mod transfer;
mod turns;
mod upkeep;
mod validate;
mod verdict;
mod version;
mod volatile;
pub mod wsrep;

use std::path::PathBuf;
use std::time::Duration;

use self::gate::Gate;
use self::node::{Node, retry};
use self::volatile::{Mood, Volatile};
use crate::ocf::{
    About, Action, ActionRow, Agent, Deadline, Done, Env, Failure, Notification, Params as _, Role,
    Status, wait_until,
};
use crate::sys::{alone, by_resource};

pub use self::params::GaleraParams;

const STEP: Duration = Duration::from_millis(20);

/// How long a promotion waits for a server that is on its way by itself.
const REJOINING: Duration = Duration::from_secs(5);

/// How long a monitor waits for the job that it starts.
const SECOND_JOB: Duration = Duration::from_secs(2);

/// The agent for one action.
#[derive(Debug)]
pub struct Galera {
    params: GaleraParams,
    env: Env,
}

const fn monitor(interval_s: u32, role: Role, depth: u32) -> ActionRow {
    let mut row = ActionRow::new(Action::Monitor, 20);
    row.interval_s = Some(interval_s);
    row.role = Some(role);
    row.depth = Some(depth);
    row
}

impl Agent for Galera {
    const ABOUT: About = About {
        name: "galera-rs",
        version: env!("CARGO_PKG_VERSION"),
        shortdesc: "MariaDB Galera node",
        longdesc: "\
Runs a node of a MariaDB Galera cluster: starts the cluster from the latest seqno after it was down everywhere,
joins, serves and leaves. Use it as a promotable clone: Unpromoted is a node in the agent's hand (waiting for the
election, joining, or a synced reader), Promoted is Primary, Synced and chosen to serve. promoted-max=1 makes one
writer, promoted-max=N makes every synced node serve. No parameter is required: what is not given is read from the
server's own option files.",
        actions: &[
            ActionRow::new(Action::Start, 60),
            ActionRow::new(Action::Stop, 120),
            monitor(2, Role::Unpromoted, 0),
            monitor(1, Role::Promoted, 0),
            monitor(12, Role::Unpromoted, 10),
            monitor(11, Role::Promoted, 10),
            monitor(62, Role::Unpromoted, 20),
            monitor(61, Role::Promoted, 20),
            ActionRow::new(Action::Promote, 300),
            ActionRow::new(Action::Demote, 60),
            ActionRow::new(Action::Notify, 20),
            ActionRow::new(Action::ReloadAgent, 20),
            ActionRow::new(Action::ValidateAll, 20),
            ActionRow::new(Action::MetaData, 5),
        ],
    };
    type Params = GaleraParams;

    fn new(params: GaleraParams, env: Env) -> Self {
        Self { params, env }
    }

    fn validate(&self) -> Done {
        validate::validate(&self.node()?)
    }

    /// Takes the node in hand and leaves the rest to the job: nothing that can take long happens here.
    fn start(&self) -> Done {
        let node = self.node()?;
        let volatile = &node.volatile;
        if let Some(reason) = volatile.take_surrender().map_err(retry)? {
            return Err(Failure::Retry(reason));
        }
        if volatile.process("job").is_none() {
            if node.server().running()?.is_none() {
                node.score(None)?;
                node.forget_report()?;
            }
            volatile.set_promoted(false).map_err(retry)?;
            volatile.set_note("starting", Mood::Well);
            self.attend(&attend::started(&node)?, &Deadline::of(&self.env))?;
        }
        Ok(())
    }

    fn stop(&self) -> Done {
        let settings = settings::Settings::read(&self.params, &self.env);
        let datadir = settings.ok().map(|settings| settings.datadir);
        stop::stop(&self.env, datadir.or(self.params.datadir.clone()))
    }

    fn stop_blind(env: &Env) -> Done {
        stop::stop(env, env.param("datadir").map(PathBuf::from))
    }

    fn monitor(&self) -> Result<Status, Failure> {
        let resource = self.env.resource();
        if self.env.is_probe(Action::Monitor) {
            // Pacemaker may have been away and know nothing of us, somebody have cleaned up after a repair, or the
            // members be others now. The pause outlives a stop, so it ends here for a stopped resource too.
            Volatile::of(resource).forget_failures();
            Volatile::of(resource).poke();
        }
        let started = match Volatile::of(resource).started().map_err(retry)? {
            Some(started) => started,
            None => match self.found_running()? {
                Some(found) => found,
                None => {
                    self.renew();
                    return Ok(Status::Stopped);
                }
            },
        };
        let found = monitor::monitor(resource, &self.params, &started, self.env.check_level())?;
        let outdated = found
            .job
            .is_some_and(|job| monitor::is_outdated(job, &self.env));
        if (found.job_is_missing || outdated) && !self.env.is_probe(Action::Monitor) {
            let why = if outdated {
                "parameters were changed"
            } else {
                "nobody attends to it"
            };
            log::warn!("{resource}: {why}: starting the background job");
            // Whatever keeps the job from its work, the server may be well.
            if let Err(failure) = self.attend(&started, &Deadline::after(SECOND_JOB)) {
                log::error!("{failure}");
            }
        }
        match self.env.meta("role") {
            Some("Unpromoted" | "Slave") => {
                self.forget_role();
                monitor::as_unpromoted(found.status)
            }
            Some(_) | None => found.status,
        }
    }

    fn promote(&self) -> Done {
        let node = self.running_node()?;
        let deadline = Deadline::of(&self.env);
        let runs = node.server().running()?.is_some();
        if !runs && alone::store().map_err(retry)?.is_some() {
            bootstrap::await_turn(&node, &deadline)?;
        }
        if !runs && !bootstrap::bootstrap(&node, &deadline)? {
            // The cluster promotes on an old score: the server is gone, and this node's way back is another. While
            // a promotion waits, the cluster does nothing for any other node either.
            node.score(None)?;
        }
        let limit = if runs {
            deadline.left()
        } else {
            deadline.left().min(REJOINING)
        };
        wait_until(
            &Deadline::after(limit),
            STEP * 5,
            &membership::awaited(&node),
            || {
                let serves = matches!(
                    membership::progress(&node)?,
                    membership::Progress::Serving(_)
                );
                Ok::<_, Failure>(serves.then_some(()))
            },
        )?;
        node.gate().open(&deadline)?;
        node.volatile.poke();
        Ok(())
    }

    /// Gives up the role; the server goes on.
    fn demote(&self) -> Done {
        let resource = self.env.resource();
        let volatile = Volatile::of(resource);
        let Some(started) = volatile.started().map_err(retry)? else {
            return volatile.set_promoted(false).map_err(retry);
        };
        let gate = Gate {
            volatile: &volatile,
            params: &self.params,
            socket: started.socket.clone(),
        };
        gate.close(&Deadline::of(&self.env), || {
            Ok(server::running(resource, &started.datadir)?.is_some())
        })?;
        volatile.poke(); // its score is that of the others now
        Ok(())
    }

    fn notify(&self, _: &Notification) {
        Volatile::of(self.env.resource()).poke();
    }

    /// Nothing to do: each action reads the parameters, and the job is told to read them again.
    fn reload(&self) -> Done {
        let node = self.running_node()?;
        let deadline = Deadline::of(&self.env);
        stop::end_job(&node.resource, &deadline)?;
        self.attend(&attend::started(&node)?, &deadline)
    }

    fn job(&self) -> Done {
        job::run(self)
    }

    fn resource_from_cluster(name: Option<&str>) -> Result<Vec<(String, String)>, Failure> {
        by_resource::environment("galera-rs", name)
    }

    fn describe(&self) -> Option<String> {
        let note = Volatile::of(self.env.resource()).note()?;
        Some(note.text)
    }
}

impl Galera {
    fn node(&self) -> Result<Node, Failure> {
        Node::new(&self.params, &self.env)
    }

    /// The node, for actions on what runs already: no fault of its configuration may ban it.
    fn running_node(&self) -> Result<Node, Failure> {
        self.node().map_err(soft)
    }

    /// A probe of a stopped resource brings the members that it has published up to date: an election would wait for
    /// one that was removed since.
    fn renew(&self) {
        if !self.env.is_probe(Action::Monitor) {
            return;
        }
        if let Err(failure) = self.node().and_then(|node| node.renew()) {
            log::info!("nothing to renew: {failure}");
        }
    }

    /// The cluster has taken the role away without a demote, as Pacemaker 2.1.5 may with a reload: it will promote
    /// another node, and this one must not go on as a second writer.
    fn forget_role(&self) {
        let volatile = Volatile::of(self.env.resource());
        if self.env.is_probe(Action::Monitor) || !volatile.promoted() {
            return;
        }
        log::warn!("the cluster takes {} for unpromoted", self.env.resource());
        if let Err(error) = volatile.set_promoted(false) {
            log::error!("the role cannot be noted: {error}");
        }
        volatile.poke();
    }
}

/// Any failure as one that may pass: 2 to 6 would take the resource away from the node.
fn soft(failure: Failure) -> Failure {
    Failure::Retry(failure.to_string())
}

/// The parameters of this agent, from an environment; for those who ask about a resource by hand.
///
/// # Errors
/// When a value cannot be read.
pub fn params(env: &Env) -> Result<GaleraParams, Failure> {
    GaleraParams::read(env).map_err(|error| Failure::WrongEverywhere(error.to_string()))
}
