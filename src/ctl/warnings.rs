//! Warnings of the code that the agent shares with this command: on standard error.

use std::io::{self, Write};

use log::{Level, LevelFilter, Log, Metadata, Record};

struct Warnings;

/// Shows warnings from now on.
pub(super) fn start() {
    log::set_max_level(LevelFilter::Warn);
    let _ = log::set_logger(&Warnings);
}

/// Shows none any more: a screen that is redrawn has no place for them.
pub(super) fn mute() {
    log::set_max_level(LevelFilter::Off);
}

impl Log for Warnings {
    fn enabled(&self, metadata: &Metadata) -> bool {
        metadata.level() <= Level::Warn
    }

    fn log(&self, record: &Record) {
        if self.enabled(record.metadata()) {
            let _ = writeln!(io::stderr(), "galeractl: warning: {}", record.args());
        }
    }

    fn flush(&self) {}
}
