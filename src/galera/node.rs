//! This node and its resource: what it looks at, what it publishes, what it remembers.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::time::Duration;

use super::ballot::Report;
use super::database::Database;
use super::datadir;
use super::electorate::{self, Electorate};
use super::gate::Gate;
use super::grastate;
use super::gvwstate::{self, SavedView};
use super::make::Make;
use super::outlook::{Asker, Outlook};
use super::params::GaleraParams;
use super::published::{self, Dead, Phase, Published};
use super::record::Record;
use super::report::{self, Disk};
use super::server::Server;
use super::settings::{self, Settings};
use super::silence::DatabaseError;
use super::version;
use super::volatile::Volatile;
use crate::ocf::{Deadline, Env, Failure};
use crate::sys::{alone, cluster, files};

/// How long a change of an attribute may take to be seen.
const VISIBLE: Duration = Duration::from_secs(10);

/// The score of a node that may bootstrap, and of one that serves.
pub const FULL_SCORE: i32 = 100;

/// The score of a node that must not be promoted, whatever constraints say: minus infinity.
pub const NEVER: i32 = -1_000_000;

/// A resource on this node, with everything that its actions need.
#[derive(Debug)]
pub struct Node {
    /// The resource's name, without an instance number.
    pub resource: String,
    /// This node's name in the cluster: where its attributes are. Inside a bundle it may be the container's host.
    pub name: String,
    /// Where the resource runs, as the cluster sees it: inside a bundle the container.
    pub place: String,
    /// Its parameters.
    pub params: GaleraParams,
    /// What holds on this node.
    pub settings: Settings,
    /// Who takes part, and who this node is.
    pub electorate: Electorate,
    /// What is known until the next reboot.
    pub volatile: Volatile,
}

impl Node {
    /// Reads the configuration and finds out who this node is.
    ///
    /// # Errors
    /// When the configuration cannot be read, or does not name this node.
    pub fn new(params: &GaleraParams, env: &Env) -> Result<Self, Failure> {
        let settings = Settings::read(params, env)?;
        let name = match env.node() {
            Some(name) => name.to_owned(),
            None => cluster::node_name().map_err(retry)?,
        };
        let place = env.on_node().unwrap_or(&name).to_owned();
        let electorate = electorate::find(params, &settings, &name)?;
        if alone::store().map_err(retry)?.is_some() && electorate.members.len() > 1 {
            return Err(Failure::WrongHere(format!(
                "{}: without a cluster wsrep_cluster_address may name this node only",
                alone::SWITCH
            )));
        }
        Ok(Self {
            place,
            resource: env.resource().to_owned(),
            volatile: Volatile::of(env.resource()),
            params: params.clone(),
            name,
            settings,
            electorate,
        })
    }

    /// The server of this resource.
    pub fn server(&self) -> Server<'_> {
        Server {
            resource: &self.resource,
            settings: &self.settings,
            params: &self.params,
        }
    }

    /// The socket of the server that runs, whoever started it.
    pub fn socket(&self) -> PathBuf {
        let started = self.volatile.started().ok().flatten();
        started.map_or_else(|| self.settings.socket.clone(), |started| started.socket)
    }

    /// A connection to that server. `limit`: how long it may take for each answer.
    ///
    /// # Errors
    /// When it does not answer in time, or refuses the account.
    pub fn database(&self, limit: Duration) -> Result<Database, DatabaseError> {
        Database::connect(&self.socket(), &settings::account(&self.params), limit)
    }

    /// Who may write to it.
    pub fn gate(&self) -> Gate<'_> {
        Gate {
            volatile: &self.volatile,
            params: &self.params,
            socket: self.socket(),
        }
    }

    /// One look at the cluster.
    ///
    /// # Errors
    /// When the cluster does not answer.
    pub fn look(&self) -> Result<Outlook, Failure> {
        let cib = cluster::look().map_err(retry)?;
        let asker = Asker {
            resource: &self.resource,
            enable_creation: self.params.enable_creation,
            two_node_mode: self.params.two_node_mode,
        };
        Ok(Outlook::of(&cib, &asker))
    }

    /// Makes an earlier report void: its position is about to be looked for anew.
    ///
    /// # Errors
    /// When the cluster does not take it.
    pub fn forget_report(&self) -> Result<(), Failure> {
        let outlook = self.look()?;
        match outlook.published.get(&self.name) {
            Some(own)
                if own.phase == Phase::Recovering && own.electors == self.electorate.names() =>
            {
                Ok(())
            }
            Some(_) | None => self.publish(Phase::Recovering),
        }
    }

    /// Publishes once more what this node has published, if the members are configured otherwise now.
    ///
    /// # Errors
    /// When the cluster does not take it.
    pub fn renew(&self) -> Result<(), Failure> {
        let outlook = self.look()?;
        let own = outlook.published.get(&self.name);
        match own.filter(|own| own.electors != self.electorate.names()) {
            Some(own) => self.publish(own.phase.clone()),
            None => Ok(()),
        }
    }

    /// Publishes what this node is doing, and returns when every node can see it.
    ///
    /// # Errors
    /// When the cluster does not take it.
    pub fn publish(&self, phase: Phase) -> Result<(), Failure> {
        log::info!("{}: {}", self.name, phase.told());
        let (elector, electors) = (self.electorate.own.clone(), self.electorate.names());
        let dead = self.dead(&phase)?;
        let published = Published {
            elector,
            electors,
            dead,
            make: Some(self.make()),
            phase,
        };
        let text = serde_json::to_string(&published).map_err(retry)?;
        let name = published::attribute(&self.resource);
        let deadline = Deadline::after(VISIBLE);
        cluster::set_attribute(&self.name, &name, Some(&text), &deadline).map_err(retry)
    }

    /// What this node's server is, or will be when it is started.
    fn make(&self) -> Make {
        let server = settings::server(&self.params).ok();
        let version = server.and_then(|server| version::of(&server));
        Make {
            group: self.settings.group().to_owned(),
            version: version.map(|version| version.to_string()),
        }
    }

    /// The server that ended here without leaving the group. It is remembered while the next one has not come as
    /// far: that one's way removes what it is known from.
    fn dead(&self, phase: &Phase) -> Result<Option<Dead>, Failure> {
        if matches!(phase, Phase::Member(_)) {
            self.volatile.set_dead(None).map_err(retry)?;
            return Ok(None);
        }
        if self.server().running()?.is_some() {
            return Ok(None);
        }
        if let Some(view) = self.saved_view() {
            self.volatile
                .set_dead(Some(&Dead::of(&view)))
                .map_err(retry)?;
        }
        Ok(self.volatile.dead())
    }

    /// Sets this node's promotion score, or removes it.
    ///
    /// # Errors
    /// When the cluster does not take it.
    pub fn score(&self, score: Option<i32>) -> Result<(), Failure> {
        cluster::set_score(&self.name, &self.resource, score).map_err(retry)
    }

    /// Removes an operator's order: it was bound to positions that are about to be left behind.
    ///
    /// # Errors
    /// When the cluster does not take it.
    pub fn void_order(&self, outlook: &Outlook) -> Result<(), Failure> {
        let name = published::order_attribute(&self.resource);
        for node in &outlook.orders {
            let deadline = Deadline::after(VISIBLE);
            cluster::set_attribute(node, &name, None, &deadline).map_err(retry)?;
        }
        Ok(())
    }

    /// What this node remembers of itself.
    ///
    /// # Errors
    /// When that cannot be read: guessing could make an old copy look new.
    pub fn record(&self) -> Result<Record, Failure> {
        Record::load(&self.resource).map_err(|error| {
            let path = super::record::path(&self.resource);
            Failure::Retry(format!(
                "{} cannot be read ({error}); remove it only if this node's data may be replaced",
                path.display()
            ))
        })
    }

    /// Writes the record.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn remember(&self, record: &Record) -> Result<(), Failure> {
        record.save(&self.resource).map_err(|error| {
            let path = super::record::path(&self.resource);
            Failure::Retry(format!("{} cannot be written: {error}", path.display()))
        })
    }

    /// What lies in the data directory, without asking the storage engine.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn disk(&self) -> Result<Disk, Failure> {
        let directory =
            datadir::inspect(&self.settings.datadir).map_err(|error| self.unreadable(&error))?;
        let grastate = match fs::read(self.file("grastate.dat")) {
            Ok(bytes) => {
                Some(grastate::read(&String::from_utf8_lossy(&bytes)).map_err(|e| e.to_string()))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(self.unreadable(&error)),
        };
        if let Some(Err(damage)) = &grastate {
            log::warn!(
                "{} is damaged: {damage}",
                self.file("grastate.dat").display()
            );
        }
        Ok(Disk {
            directory,
            grastate,
            saved_view: self.saved_view(),
            recovered: None,
        })
    }

    /// `gvwstate.dat`, when it is there and whole.
    pub fn saved_view(&self) -> Option<SavedView> {
        let path = self.file("gvwstate.dat");
        let bytes = fs::read(&path).ok()?;
        match gvwstate::read(&String::from_utf8_lossy(&bytes)) {
            Ok(view) => Some(view),
            Err(damage) => {
                log::warn!(
                    "{} is damaged and will not be used: {damage}",
                    path.display()
                );
                None
            }
        }
    }

    /// This node's report. Asks the storage engine if need be, however long that takes.
    ///
    /// # Errors
    /// When the disk cannot be read or the server not be run.
    pub fn report(&self) -> Result<Report, Failure> {
        let mut disk = self.disk()?;
        if disk.needs_recovery() {
            disk.recovered = Some(self.server().recover()?);
        }
        Ok(report::report(&disk, &self.record()?))
    }

    /// Moves the saved view from Galera's file, which is removed, into our own record: the server will look
    /// for the others instead of restoring the view.
    ///
    /// # Errors
    /// When the file cannot be removed or the record not be written.
    pub fn take_over_view(&self, report: &Report, record: &mut Record) -> Result<(), Failure> {
        if let Some((view, position)) = report.view.as_ref().zip(report.position()) {
            record.take_over(view, position);
        }
        record.lives.clone_from(&report.lives);
        self.remember(record)?;
        self.forget_view()
    }

    /// Removes Galera's saved view: the next server does not try to restore it.
    ///
    /// # Errors
    /// When the file cannot be removed.
    pub fn forget_view(&self) -> Result<(), Failure> {
        self.remove("gvwstate.dat")
    }

    /// Gives this node's data up, so that it takes a full state transfer.
    ///
    /// # Errors
    /// When the file cannot be removed.
    pub fn give_up_data(&self) -> Result<(), Failure> {
        self.remove("grastate.dat")
    }

    fn remove(&self, name: &str) -> Result<(), Failure> {
        files::remove(&self.file(name)).map_err(|error| {
            Failure::Retry(format!(
                "cannot remove {}: {error}",
                self.file(name).display()
            ))
        })
    }

    /// A path in the data directory.
    pub fn file(&self, name: &str) -> PathBuf {
        self.settings.datadir.join(name)
    }

    fn unreadable(&self, error: &std::io::Error) -> Failure {
        Failure::Retry(format!(
            "cannot read {}: {error}",
            self.settings.datadir.display()
        ))
    }
}

/// Whatever failed may pass.
pub fn retry(error: impl std::fmt::Display) -> Failure {
    Failure::Retry(error.to_string())
}
