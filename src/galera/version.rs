//! The version of an installed server: it decides which option groups count.

use std::fmt;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::sys::command::{program, run};
use crate::sys::{VOLATILE, files};

/// Remembered until the next reboot, so that a monitor starts no process.
const CACHE: &str = "server-version.json";

const LIMIT: Duration = Duration::from_secs(10);

/// The version of a server program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    major: u16,
    minor: u16,
    patch: u16,
}

impl Version {
    /// Major and minor, which name the series and option groups.
    pub fn series(self) -> (u16, u16) {
        (self.major, self.minor)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Known {
    program: PathBuf,
    changed: i64,
    version: Option<Version>,
}

/// The version of the server program; `None` when it does not tell.
pub fn of(server: &Path) -> Option<Version> {
    let changed = fs::metadata(server).ok()?.ctime();
    let cache = &Path::new(VOLATILE).join(CACHE);
    let known: Option<Known> = files::load(cache).ok().flatten();
    if let Some(known) = known.filter(|known| known.program == server && known.changed == changed) {
        return known.version;
    }
    let mut question = program(server);
    question.args(["--no-defaults", "--version"]);
    let answer = run(question, LIMIT).ok()?;
    let version = read(&String::from_utf8_lossy(&answer.stdout));
    let known = Known {
        program: server.to_owned(),
        changed,
        version,
    };
    if let Err(error) = files::save(cache, &known) {
        log::debug!("{}: {error}", cache.display());
    }
    version
}

/// `mariadbd  Ver 10.11.14-MariaDB-0+deb12u2 for debian-linux-gnu on x86_64 (Debian 12)`
fn read(text: &str) -> Option<Version> {
    let (_, rest) = text.split_once("Ver ")?;
    let mut numbers = rest.split(|c: char| !c.is_ascii_digit());
    let mut next = || numbers.next()?.parse().ok();
    Some(Version {
        major: next()?,
        minor: next()?,
        patch: next()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_read_from_what_the_server_prints() {
        let text =
            "/usr/sbin/mariadbd  Ver 10.11.14-MariaDB-0+deb12u2 for debian-linux-gnu on x86_64";
        let version = read(text).unwrap();
        assert_eq!(version.series(), (10, 11));
        assert_eq!(version.to_string(), "10.11.14");
        assert_eq!(read("garbage"), None);
    }
}
