//! The logs of this node, or those that were named.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use time::{OffsetDateTime, UtcOffset};

use super::log::{self, Clock, Entry};
use super::{Looked, timeline};

/// Where Pacemaker logs, if its settings do not say otherwise.
const USUAL: &str = "/var/log/pacemaker/pacemaker.log";

/// Its settings on Debian and on Red Hat.
const SETTINGS: [&str; 2] = ["/etc/default/pacemaker", "/etc/sysconfig/pacemaker"];

/// What is older than the last so many bytes is no matter of the last failover.
const TAIL: u64 = 32 << 20;

/// Where this node's Pacemaker logs.
pub(super) fn usual() -> PathBuf {
    let settings = SETTINGS
        .iter()
        .filter_map(|path| std::fs::read_to_string(path).ok());
    let mut named = settings.filter_map(|text| named(&text));
    named.next().unwrap_or_else(|| PathBuf::from(USUAL))
}

/// `PCMK_logfile=..`; none and a commented line count as nothing.
fn named(text: &str) -> Option<PathBuf> {
    let mut values = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("PCMK_logfile="));
    let value = values.next_back()?.trim_matches(['"', '\'', ' ']);
    value.starts_with('/').then(|| PathBuf::from(value))
}

/// This machine's; to be asked before the process has threads, which would make the answer unsafe.
pub(super) fn clock() -> Clock {
    Clock {
        now: OffsetDateTime::now_utc(),
        zone: UtcOffset::current_local_offset().unwrap_or(UtcOffset::UTC),
    }
}

/// The entries of a log, and what is to be said of it.
pub(super) fn read(path: &Path, clock: Clock) -> (Vec<Entry>, Looked) {
    let name = path.display().to_string();
    let found = tail(path).map(|text| log::read(&text, clock));
    match found {
        Ok(entries) => {
            let found = extent(&entries);
            (entries, Looked { name, found })
        }
        Err(error) => (
            Vec::new(),
            Looked {
                name,
                found: Err(error.to_string()),
            },
        ),
    }
}

fn extent(entries: &[Entry]) -> Result<String, String> {
    match (entries.first(), entries.last()) {
        (Some(first), Some(last)) => Ok(format!(
            "{} lines from {} to {}",
            entries.len(),
            timeline::clock(first.at),
            timeline::clock(last.at)
        )),
        (_, _) => Err("no line of it is one of Pacemaker's log".to_owned()),
    }
}

fn tail(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    file.seek(SeekFrom::Start(size.saturating_sub(TAIL)))?;
    let mut bytes = Vec::new();
    file.take(TAIL).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_is_where_the_settings_say() {
        let text = "# PCMK_logfile=/a\nPCMK_debug=no\nPCMK_logfile=\"/b/c.log\"\n";
        assert_eq!(named(text), Some(PathBuf::from("/b/c.log")));
        assert_eq!(named("PCMK_logfile=none\n"), None);
    }
}
