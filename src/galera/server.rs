//! This node's mariadbd: found by the locks on its data, started, asked to recover, stopped with proof.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::datadir::{any_holder, data_holder};
use super::donor;
use super::hand;
use super::offspring;
use super::params::GaleraParams;
use super::position::Position;
use super::provider;
use super::recover::{self, Recovered};
use super::settings::{self, Settings};
use super::volatile::Volatile;
use crate::ocf::{Deadline, Failure, wait_until};
use crate::sys::command::{program, run};
use crate::sys::process::{Process, Watch};

/// A recovery replays the redo log: minutes, for a large one. Nothing waits for it but the job.
const LONGEST_RECOVERY: Duration = Duration::from_secs(24 * 3600);

/// Installing the system tables takes seconds.
const LONGEST_INSTALLATION: Duration = Duration::from_secs(240);

/// Galera's limit for a cluster's name.
const LONGEST_NAME: usize = 32;

const STEP: Duration = Duration::from_millis(25);

/// Bytes of an error log that an error message can come from.
const LAST: u64 = 16 * 1024;

/// Bytes of an error log between the start of a server and its being Synced.
const JOINING: u64 = 256 * 1024;

/// How a server begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Beginning {
    /// As the first of a new component.
    NewCluster {
        /// The newest forced epoch of the component's past, see [`Server::group`].
        forced: Option<u64>,
    },
    /// By looking for the others.
    Join {
        /// As for a new cluster.
        forced: Option<u64>,
        /// `wsrep_sst_donor`, where others than the configured are to be asked for state.
        donors: Option<String>,
    },
}

/// The server of one resource on this node.
#[derive(Debug, Clone, Copy)]
pub struct Server<'a> {
    /// The resource's name.
    pub resource: &'a str,
    /// What it runs with.
    pub settings: &'a Settings,
    /// The parameters that concern its command line.
    pub params: &'a GaleraParams,
}

impl Server<'_> {
    fn volatile(&self) -> Volatile {
        Volatile::of(self.resource)
    }

    /// The running server, whoever started it; not one that only recovers its position.
    ///
    /// # Errors
    /// When it cannot be told.
    pub fn running(&self) -> Result<Option<Process>, Failure> {
        running(self.resource, &self.settings.datadir)
    }

    /// Starts the server and returns at once. None is running.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub fn start(
        &self,
        beginning: Beginning,
        position: Option<&Position>,
    ) -> Result<Process, Failure> {
        let mut command = self.command()?;
        if let Some(position) = position {
            command.arg(format!("--wsrep-start-position={position}"));
        }
        let forced = match beginning {
            Beginning::NewCluster { forced } => {
                command.arg("--wsrep-new-cluster");
                forced
            }
            Beginning::Join { forced, donors } => {
                let donors = donors.filter(|_| !donor::is_named(self.additional()));
                command.args(donors.map(|names| format!("--wsrep-sst-donor={names}")));
                forced
            }
        };
        if let Some(forced) = forced {
            command.arg(format!("--wsrep-cluster-name={}", self.group(forced)));
        }
        if self.params.unpromoted_read_only {
            command.arg("--read-only"); // until it is promoted
            let noted = self.volatile().set_made_read_only(true);
            noted.map_err(|error| unusable("its own directory", &error))?;
        }
        self.prepare()?;
        offspring::end(self.resource);
        let words = self.volatile().first_words();
        let words = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(words);
        let words = words.map_err(|error| unusable("its own directory", &error))?;
        command.stdout(Stdio::null()).stderr(words);
        log::info!("starting {command:?}");
        let child = command.spawn().map_err(|error| {
            let text = format!("cannot start {}: {error}", command.get_program().display());
            if error.kind() == io::ErrorKind::NotFound {
                return Failure::NotInstalled(text);
            }
            Failure::Retry(text) // no memory, too many processes, a file system that is away
        })?;
        let process =
            Process::of_pid(child.id()).ok_or_else(|| Failure::Retry(self.last_words()))?;
        hand::note(self.resource, process, &self.settings.socket)?;
        Ok(process)
    }

    /// The cluster's name after the forced bootstrap of this epoch. Servers of an older name are refused by
    /// Galera's own handshake: one that was cut off while the cluster was started without it must not meet the
    /// new component, where its seqnos stand for other write sets.
    fn group(&self, forced: u64) -> String {
        let suffix = format!(".{forced}");
        let room = LONGEST_NAME.saturating_sub(suffix.len());
        let name: String = self.settings.group().chars().take(room).collect();
        name + &suffix
    }

    /// The server's command line, without what one start needs.
    ///
    /// # Errors
    /// When there is no server program.
    pub fn command(&self) -> Result<Command, Failure> {
        let settings = self.settings;
        let mut command = program(settings::server(self.params)?);
        if let Some(file) = &settings.defaults_file {
            command.arg(format!("--defaults-file={}", file.display())); // must be the first
        }
        command
            .arg(format!("--datadir={}", settings.datadir.display()))
            .arg(format!("--socket={}", settings.socket.display()))
            .arg(format!("--user={}", settings.user));
        if let Some(file) = &settings.pid_file {
            command.arg(format!("--pid-file={}", file.display()));
        }
        if settings.own_error_log {
            command.arg(format!("--log-error={}", settings.error_log.display()));
        }
        if let Some(address) = &self.params.wsrep_cluster_address {
            command.arg(format!("--wsrep-cluster-address={address}"));
        }
        let configured = &settings.provider_options;
        if let Some(options) = provider::with_added(configured, &self.params.provider_options) {
            command.arg(format!("--wsrep-provider-options={options}"));
        }
        // The last word is theirs, but for what a start needs: the position, and the name of the group.
        command.args(self.additional().split_whitespace());
        command.env(offspring::MARK, self.resource);
        // The job has it from the cluster; the server's user may read what the server inherits.
        command.env_remove("OCF_RESKEY_check_passwd");
        Ok(command)
    }

    fn additional(&self) -> &str {
        let additional = self.params.additional_parameters.as_deref();
        additional.unwrap_or_default()
    }

    /// Makes what the server needs and must own: the directories of its socket and PID file, its log.
    fn prepare(&self) -> Result<(), Failure> {
        let (uid, gid) = self.settings.owner()?;
        let settings = self.settings;
        let files = [Some(&settings.socket), settings.pid_file.as_ref()];
        for directory in files.into_iter().flatten().filter_map(|file| file.parent()) {
            if !directory.exists() {
                let made = fs::create_dir_all(directory).and_then(|()| give(directory, uid, gid));
                made.map_err(|error| unusable(&directory.display().to_string(), &error))?;
            }
        }
        let log = &settings.error_log;
        if !log.exists() {
            let made = OpenOptions::new()
                .create(true)
                .append(true)
                .mode(0o640)
                .open(log);
            let made = made.and_then(|_| give(log, uid, gid));
            made.map_err(|error| unusable(&log.display().to_string(), &error))?;
        }
        Ok(())
    }

    /// Asks the storage engine how far the data goes. Replays the redo log, however long that takes.
    ///
    /// # Errors
    /// When the program cannot be run.
    pub fn recover(&self) -> Result<Recovered, Failure> {
        offspring::end_recoveries(self.resource);
        let mut command = self.command()?;
        // The error log may be anywhere; the position must come to us.
        command.args(["--wsrep-recover", "--disable-log-error"]);
        let output =
            run(command, LONGEST_RECOVERY).map_err(|error| Failure::Retry(error.to_string()))?;
        Ok(recover::read(&output.stderr))
    }

    /// Installs the system tables into an empty data directory.
    ///
    /// # Errors
    /// When the program is missing or fails.
    pub fn install(&self) -> Result<(), Failure> {
        let installer = settings::server(self.params)?;
        let names = ["mariadb-install-db", "mysql_install_db"];
        let beside = names.map(|name| installer.with_file_name(name));
        let usual = names.map(|name| Path::new("/usr/bin").join(name));
        let found = beside.into_iter().chain(usual).find(|path| path.is_file());
        let missing = || {
            Failure::NotInstalled("mariadb-install-db not found: enable_creation needs it".into())
        };
        let mut command = program(found.ok_or_else(missing)?);
        if let Some(file) = &self.settings.defaults_file {
            command.arg(format!("--defaults-file={}", file.display()));
        }
        command.arg(format!("--datadir={}", self.settings.datadir.display()));
        command.arg(format!("--user={}", self.settings.user));
        command.args(["--skip-test-db", "--auth-root-authentication-method=socket"]);
        command.env(offspring::MARK, self.resource);
        let output = run(command, LONGEST_INSTALLATION)
            .map_err(|error| Failure::Retry(error.to_string()))?;
        match output.code {
            Some(0) => Ok(()),
            _ => Err(Failure::Retry(format!(
                "installing the system tables failed: {}",
                output.last_words()
            ))),
        }
    }

    /// The last part of its error log, enough for what it says while it joins.
    pub fn log(&self) -> String {
        tail(&self.settings.error_log, JOINING)
    }

    /// What the server said last before it ended, from its error log or from before it had one.
    pub fn last_words(&self) -> String {
        let tail = |path: &Path| recover::last_words(&tail(path, LAST));
        let words = tail(&self.volatile().first_words()).or_else(|| tail(&self.settings.error_log));
        let log = self.settings.error_log.display();
        match words {
            Some(words) => format!("{words} (see {log})"),
            None => format!("it said nothing (see {log})"),
        }
    }
}

/// The server of a resource that runs on this data directory, whoever started it; not one that only recovers
/// its position.
///
/// # Errors
/// When it cannot be told.
pub fn running(resource: &str, datadir: &Path) -> Result<Option<Process>, Failure> {
    let found = match Volatile::of(resource).process("server") {
        Some(process) => Some(process),
        None => data_holder(datadir)?,
    };
    Ok(found.filter(|process| !offspring::recovers(process)))
}

/// Stops whatever runs on this data directory, and returns only when the kernel knows of nothing any more.
///
/// `patience`: how long a clean shutdown may take before the server is killed, inside the deadline.
/// `meanwhile` is called before the server is asked to end, and while it is on its way down.
///
/// # Errors
/// When something still runs at the deadline.
pub fn stop(
    resource: &str,
    datadir: &Path,
    deadline: &Deadline,
    patience: Duration,
    mut meanwhile: impl FnMut(),
) -> Result<(), Failure> {
    // Killing takes hardly any time, and what it takes has to remain.
    let patience = Deadline::after(patience.min(deadline.left().mul_f32(0.8)));
    if let Some(server) = Volatile::of(resource)
        .process("server")
        .or(any_holder(datadir)?)
    {
        log::info!("stopping the server, process {}", server.pid);
        hand::end_wrapper(server);
        if let Some(watch) = Watch::of(server) {
            meanwhile(); // a clean end may take less than one look
            watch.terminate();
            let mut look = Deadline::after(Duration::ZERO);
            while !patience.passed() && !watch.ended_within(STEP) && !server.is_held() {
                if look.passed() {
                    offspring::end_transfers(resource, server);
                    look = Deadline::after(STEP * 40);
                }
                meanwhile();
            }
            if server.lives() {
                log::warn!("process {} does not stop and is killed", server.pid);
                watch.kill();
            }
        }
    }
    let what = format!(
        "every process to end that has to do with {}",
        datadir.display()
    );
    let ended = wait_until(deadline, STEP, &what, || {
        offspring::end(resource);
        let rest = remaining(resource, datadir)?;
        if let Some(process) = rest
            && let Some(watch) = Watch::of(process)
            && patience.passed()
        {
            watch.kill();
        }
        Ok::<_, Failure>(rest.is_none().then_some(()))
    });
    ended.map_err(|failure| match remaining(resource, datadir) {
        Ok(Some(process)) => {
            let (pid, program) = (process.pid, process.program());
            Failure::Retry(format!(
                "{failure}: process {pid} ({program}) survives SIGKILL; see /proc/{pid}/stack, most likely storage hangs"
            ))
        }
        Ok(None) | Err(_) => failure,
    })
}

/// A process that still has to do with the data.
fn remaining(resource: &str, datadir: &Path) -> Result<Option<Process>, Failure> {
    Ok(offspring::any(resource).or(any_holder(datadir)?))
}

/// Gives a file to a user and a group.
///
/// # Errors
/// When that is not allowed.
pub fn give(path: &Path, uid: u32, gid: u32) -> io::Result<()> {
    std::os::unix::fs::chown(path, Some(uid), Some(gid))
}

/// The failure to use a file or directory that a server needs.
pub fn unusable(what: &str, error: &io::Error) -> Failure {
    Failure::Retry(format!("cannot use {what}: {error}"))
}

/// The last bytes of a text file.
fn tail(path: &Path, part: u64) -> String {
    use std::io::{Read, Seek, SeekFrom};
    let read = || -> io::Result<Vec<u8>> {
        let mut file = fs::File::open(path)?;
        let start = file.metadata()?.len().saturating_sub(part);
        file.seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::new();
        file.take(part).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    String::from_utf8_lossy(&read().unwrap_or_default()).into_owned()
}
