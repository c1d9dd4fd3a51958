//! Where messages go, and the one line that tells the operator why.
//!
//! The variables `HA_*` and the prefix of the exit reason are Pacemaker's.
//! Nothing here fails: an action is never lost for a message.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process;
use std::sync::Mutex;
use std::time::Duration;

use ::log::{Level, LevelFilter, Log, Metadata, Record};
use syslog::{Facility, Formatter3164, LoggerBackend};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::env::Env;

/// The target of an exit reason: it has been on stderr already.
const EXIT_REASON: &str = "ocf-exit-reason";

/// A full socket of the system log may delay an action by this much a message.
const LARGEST_DELAY: Duration = Duration::from_millis(100);

/// Starts the log of this process. A second start changes nothing.
pub(super) fn start(agent: &str, env: &Env) {
    let targets = Targets::of(env, io::stderr().is_terminal());
    let logger = Logger::new(agent, env.instance(), targets);
    ::log::set_max_level(level(env));
    let _ = ::log::set_boxed_logger(Box::new(logger));
}

/// Tells why the action failed, or why the resource is degraded: one line on
/// stderr, which the cluster keeps, and the same text in the log.
pub(super) fn exit_reason(env: &Env, level: Level, reason: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", exit_reason_line(env, reason));
    ::log::log!(target: EXIT_REASON, level, "{reason}");
}

/// Pacemaker keeps the text after the prefix, up to the end of the line.
fn exit_reason_line(env: &Env, reason: &str) -> String {
    let prefix = env
        .plain("OCF_EXIT_REASON_PREFIX")
        .filter(|prefix| !prefix.is_empty())
        .unwrap_or("ocf-exit-reason:");
    format!("{prefix}{}", one_line(reason))
}

/// The text with every run of line ends and blanks around them as one blank.
fn one_line(text: &str) -> String {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join(" ")
}

/// Debug messages only when the cluster asks for them.
fn level(env: &Env) -> LevelFilter {
    let debug = env.plain("HA_debug").and_then(|text| text.parse().ok());
    match debug {
        None | Some(0u32) => LevelFilter::Info,
        Some(_) => LevelFilter::Debug,
    }
}

/// Where messages are to go.
#[derive(Debug)]
struct Targets {
    facility: Option<Facility>,
    file: Option<PathBuf>,
}

impl Targets {
    /// Neither system log nor file for a person at a terminal.
    fn of(env: &Env, terminal: bool) -> Self {
        let set = |name| env.plain(name).filter(|text| !terminal && !text.is_empty());
        Targets {
            facility: set("HA_LOGFACILITY").and_then(|name| name.parse().ok()),
            file: set("HA_LOGFILE").map(PathBuf::from),
        }
    }
}

type Syslog = syslog::Logger<LoggerBackend, Formatter3164>;

/// The system log or else stderr, and a file besides.
struct Logger {
    tag: String,
    syslog: Option<Mutex<Syslog>>,
    file: Option<Mutex<File>>,
}

impl Logger {
    /// What cannot be opened is left out.
    fn new(agent: &str, instance: Option<&str>, targets: Targets) -> Self {
        let name = format!("{agent}({})", instance.unwrap_or(agent));
        let append = |path| OpenOptions::new().append(true).create(true).open(path).ok();
        Logger {
            tag: format!("{name}[{}]", process::id()),
            file: targets.file.and_then(append).map(Mutex::new),
            syslog: targets
                .facility
                .and_then(|facility| open_syslog(facility, name))
                .map(Mutex::new),
        }
    }

    fn to_syslog(&self, logger: &Mutex<Syslog>, level: Level, text: &str) {
        let Ok(mut logger) = logger.lock() else {
            return;
        };
        let text = format!("{level}: {text}");
        let _ = match level {
            Level::Error => logger.err(text),
            Level::Warn => logger.warning(text),
            Level::Info => logger.info(text),
            Level::Debug | Level::Trace => logger.debug(text),
        };
    }

    fn to_file(&self, file: &Mutex<File>, level: Level, text: &str) {
        let Ok(mut file) = file.lock() else {
            return;
        };
        let now = now();
        // One write, as several processes append to the same file.
        let line = format!("{now} {}: {level}: {text}\n", self.tag);
        let _ = file.write_all(line.as_bytes());
    }
}

fn open_syslog(facility: Facility, process: String) -> Option<Syslog> {
    let logger = syslog::unix(Formatter3164 {
        facility,
        hostname: None,
        process,
        pid: process::id(),
    });
    let logger = logger.ok()?;
    if let LoggerBackend::Unix(socket) = &logger.backend {
        socket.set_write_timeout(Some(LARGEST_DELAY)).ok()?;
    }
    Some(logger)
}

/// `2026-01-31T23:59:59Z`
fn now() -> String {
    let now = OffsetDateTime::now_utc().truncate_to_second();
    now.format(&Rfc3339).unwrap_or_default()
}

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= ::log::max_level()
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let (level, text) = (record.level(), one_line(&record.args().to_string()));
        if let Some(logger) = &self.syslog {
            self.to_syslog(logger, level, &text);
        } else if record.target() != EXIT_REASON {
            let _ = writeln!(io::stderr().lock(), "{}: {level}: {text}", self.tag);
        }
        if let Some(file) = &self.file {
            self.to_file(file, level, &text);
        }
    }

    fn flush(&self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &[(&str, &str)]) -> Env {
        Env::from_pairs(pairs.iter().copied())
    }

    #[test]
    fn an_exit_reason_is_one_line_whatever_it_says() {
        let line = exit_reason_line(&env(&[]), "no server\n  on n1\r\n\n");
        assert_eq!(line, "ocf-exit-reason:no server on n1");
    }

    #[test]
    fn the_cluster_may_choose_the_prefix_of_an_exit_reason() {
        let line = exit_reason_line(&env(&[("OCF_EXIT_REASON_PREFIX", "why:")]), "x");
        assert_eq!(line, "why:x");
    }

    #[test]
    fn debug_messages_need_ha_debug() {
        assert_eq!(level(&env(&[])), LevelFilter::Info);
        assert_eq!(level(&env(&[("HA_debug", "0")])), LevelFilter::Info);
        assert_eq!(level(&env(&[("HA_debug", "1")])), LevelFilter::Debug);
    }

    #[test]
    fn the_facility_none_means_stderr() {
        let facility = |text| Targets::of(&env(&[("HA_LOGFACILITY", text)]), false).facility;
        assert!(facility("none").is_none());
        assert!(facility("").is_none());
        assert!(matches!(facility("daemon"), Some(Facility::LOG_DAEMON)));
    }

    #[test]
    fn a_person_at_a_terminal_has_it_on_stderr_only() {
        let env = env(&[("HA_LOGFACILITY", "daemon"), ("HA_LOGFILE", "/tmp/x")]);
        let targets = Targets::of(&env, true);
        assert!(targets.facility.is_none() && targets.file.is_none());
    }

    fn file_logger(file: PathBuf) -> Logger {
        let targets = Targets {
            facility: None,
            file: Some(file),
        };
        Logger::new("galera-rs", Some("db:0"), targets)
    }

    #[test]
    fn a_log_file_is_appended_to_with_time_tag_and_level() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ha.log");
        std::fs::write(&path, "before\n").unwrap();
        let logger = file_logger(path.clone());
        logger.to_file(logger.file.as_ref().unwrap(), Level::Warn, "odd");
        let text = std::fs::read_to_string(&path).unwrap();
        let (time, line) = text
            .strip_prefix("before\n")
            .unwrap()
            .split_once(' ')
            .unwrap();
        assert!(time.starts_with("20") && time.ends_with('Z'), "{time}");
        let tag = format!("galera-rs(db:0)[{}]", process::id());
        assert_eq!(line, format!("{tag}: WARN: odd\n"));
    }

    #[test]
    fn a_log_file_that_cannot_be_opened_is_left_out() {
        assert!(file_logger(PathBuf::from("/nowhere/at/all")).file.is_none());
    }
}
