//! MaxScale's command line, and what its exit code means.

use std::fs::{self, OpenOptions, Permissions};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::params::MaxScaleParams;
use super::settings::Settings;
use crate::ocf::{Deadline, Done, Failure};
use crate::sys::accounts::{self, AccountError};
use crate::sys::command::{launch, program};

/// What MaxScale's own unit allows it (`LimitNOFILE`).
const FILES: u64 = 65_535;

/// Bytes of a log in which an error is looked for.
const LAST_WORDS: usize = 64 * 1024;

/// The parameters that MaxScale's own user must not find in what MaxScale inherits.
const SECRETS: [&str; 2] = ["OCF_RESKEY_admin_password", "OCF_RESKEY_check_password"];

/// One MaxScale that is not running.
#[derive(Debug, Clone, Copy)]
pub struct Launch<'a> {
    /// Its parameters.
    pub params: &'a MaxScaleParams,
    /// With what it runs.
    pub settings: &'a Settings,
    /// A file for what it says before it has a log.
    pub words: &'a Path,
}

impl Launch<'_> {
    /// Has MaxScale look at its configuration, without running.
    ///
    /// # Errors
    /// With MaxScale's own message.
    pub fn check(&self, deadline: &Deadline) -> Done {
        let mut command = self.command();
        command.arg("--config-check");
        let code = self.run(command, deadline)?;
        if code == Some(0) {
            return Ok(());
        }
        let config = self.params.config.display();
        let told = self.fault().unwrap_or_else(|| exited(code));
        Err(Failure::WrongHere(format!(
            "MaxScale refuses {config}: {told}"
        )))
    }

    /// Starts MaxScale, and returns when it has gone into the background.
    ///
    /// # Errors
    /// By its exit code: observed with 24.02.4.
    pub fn start(&self, deadline: &Deadline) -> Done {
        raise_file_limit();
        let mut command = self.command();
        let more = self.params.additional_parameters.as_deref();
        command.args(more.unwrap_or_default().split_whitespace());
        log::info!("starting {command:?}");
        let code = self.run(command, deadline)?;
        let told = || self.fault().unwrap_or_else(|| exited(code));
        Err(match code {
            Some(0) => return Ok(()),
            Some(4) => Failure::Retry(format!(
                "MaxScale says that it runs already: {}; find it with: ps -C maxscale",
                told()
            )),
            Some(5) => Failure::WrongHere(format!(
                "MaxScale does not find its user: {}; create it or set the parameter user",
                told()
            )),
            Some(6) => Failure::Retry(format!(
                "MaxScale cannot have the address of its REST API, {}: {}; find who has it with: ss -ltnp",
                self.settings.admin.0,
                told()
            )),
            _ => Failure::Retry(format!("MaxScale does not start: {}", told())),
        })
    }

    /// Makes the directories that are missing, with their owner.
    ///
    /// # Errors
    /// When one cannot be made, or user or group are not known.
    pub fn make_directories(&self) -> Done {
        let (uid, gid) = self.owner()?;
        for directory in self.settings.directories.all() {
            if directory.is_dir() {
                continue;
            }
            let made = fs::create_dir_all(directory)
                .and_then(|()| fs::set_permissions(directory, Permissions::from_mode(0o755)))
                .and_then(|()| chown(directory, Some(uid), Some(gid)));
            made.map_err(|error| {
                let shown = directory.display();
                Failure::Retry(format!("cannot make directory {shown}: {error}"))
            })?;
            log::info!("made directory {}", directory.display());
        }
        Ok(())
    }

    /// The numbers of user and group.
    ///
    /// # Errors
    /// When they are not known on this node.
    pub fn owner(&self) -> Result<(u32, u32), Failure> {
        let (user, group) = (&self.params.user, &self.params.group);
        accounts::owner(user, group).map_err(|error| match error {
            AccountError::Unknown { .. } => Failure::WrongHere(error.to_string()),
            AccountError::Unasked { .. } => Failure::Retry(error.to_string()),
        })
    }

    fn command(&self) -> Command {
        let params = self.params;
        let mut command = program(&params.binary);
        command.arg(format!("--user={}", params.user));
        command.arg("-f").arg(&params.config);
        let given: [(&str, &Option<PathBuf>); 6] = [
            ("-P", &params.piddir),
            ("-L", &params.logdir),
            ("-D", &params.datadir),
            ("-A", &params.cachedir),
            ("-F", &params.persistdir),
            ("-M", &params.moduledir),
        ];
        for (option, directory) in given {
            if let Some(directory) = directory {
                command.arg(option).arg(directory);
            }
        }
        for secret in SECRETS {
            command.env_remove(secret);
        }
        command
    }

    fn run(&self, command: Command, deadline: &Deadline) -> Result<Option<i32>, Failure> {
        let mut options = OpenOptions::new();
        let words = options
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(self.words);
        let words = words.map_err(|error| {
            let path = self.words.display();
            Failure::Retry(format!("cannot write {path}: {error}"))
        })?;
        let limit = deadline.left().max(Duration::from_millis(1));
        launch(command, &words, limit).map_err(|error| Failure::Retry(error.to_string()))
    }

    /// The first error of those that MaxScale told last: on its output, else in its log.
    fn fault(&self) -> Option<String> {
        let log = self.settings.directories.log.join("maxscale.log");
        let words = tail(self.words);
        let told = fault(&words).or_else(|| fault(&tail(&log)));
        told.or_else(|| last_line(&words))
    }
}

fn exited(code: Option<i32>) -> String {
    match code {
        Some(code) => format!("it ended with code {code}; see its log"),
        None => "it was killed; see its log".to_owned(),
    }
}

/// MaxScale serves many clients; Pacemaker gives its children few files.
fn raise_file_limit() {
    let now = getrlimit(Resource::Nofile);
    let wanted = now.maximum.map_or(FILES, |maximum| maximum.min(FILES));
    if now.current.is_some_and(|current| current < wanted) {
        let limit = Rlimit {
            current: Some(wanted),
            maximum: now.maximum,
        };
        if let Err(error) = setrlimit(Resource::Nofile, limit) {
            log::warn!(
                "the limit of open files stays at {:?}: {error}",
                now.current
            );
        }
    }
}

fn tail(path: &Path) -> String {
    let bytes = fs::read(path).unwrap_or_default();
    let start = bytes.len().saturating_sub(LAST_WORDS);
    String::from_utf8_lossy(&bytes[start..]).into_owned()
}

/// The first line of the last life with the level `error` or `alert`, without its time:
/// `2026-11-21 03:58:40   error  : message`; a life begins with
/// `MariaDB MaxScale  /var/log/maxscale/maxscale.log`.
fn fault(text: &str) -> Option<String> {
    let life = text.rfind("MariaDB MaxScale  /").unwrap_or(0);
    let message = |line: &str| {
        let (head, message) = line.split_once(": ")?;
        let level = head.split_whitespace().next_back()?;
        let is_fault = matches!(level, "error" | "alert") && !message.trim().is_empty();
        is_fault.then(|| message.trim().to_owned())
    };
    text[life..].lines().find_map(message)
}

fn last_line(text: &str) -> Option<String> {
    let mut lines = text.lines().rev().map(str::trim);
    lines.find(|line| !line.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_error_is_told_without_its_time() {
        let text = "2026-11-21 03:58:40   notice : Using up to 3.53GiB of memory\n\
                    2026-11-21 03:58:40   error  : Unknown parameter 'roter' for object 'RW'\n\
                    2026-11-21 03:58:40   error  : 1 errors were encountered\n";
        let told = fault(text).unwrap();
        assert_eq!(told, "Unknown parameter 'roter' for object 'RW'");
        assert_eq!(fault("2026-11-21 03:58:40   notice : well\n"), None);
        assert_eq!(fault(""), None);
    }

    #[test]
    fn errors_of_an_earlier_life_do_not_count() {
        let text = "x   error  : old\nMariaDB MaxScale  /var/log/maxscale.log  Sat\n---\nx   error  : new\n";
        assert_eq!(fault(text).unwrap(), "new");
    }

    #[test]
    fn words_that_are_no_log_are_told_as_they_are() {
        let text = "\n* Error: MaxScale cannot be run as root.\n\n";
        assert_eq!(fault(text), None);
        assert_eq!(
            last_line(text).unwrap(),
            "* Error: MaxScale cannot be run as root."
        );
    }
}
