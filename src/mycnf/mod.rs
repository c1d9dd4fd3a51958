//! The server's option files, as mariadbd reads them: which files, which groups, which value wins.
//!
//! Faithful to the server even where it is odd, because the question is always "with which value does it
//! run?". Compared with the real `my_print_defaults` in `tests/mycnf.rs`. Not done: `--defaults-extra-file`, `--defaults-group-suffix`
//! and their variables `MYSQL_HOME` and `MYSQL_GROUP_SUFFIX`.

mod error;
mod line;
mod read;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

pub use error::{Fault, MyCnfError};

/// Which files to read.
#[derive(Debug, Clone)]
pub struct Files {
    /// The argument of `--defaults-file`: then this file and what it includes, nothing else.
    pub defaults_file: Option<PathBuf>,
    /// Where `/` is: the standard files and absolute paths in `!include` are taken from below it.
    /// `defaults_file` and `home` are not.
    pub root: PathBuf,
    /// `HOME` in the server's environment; its `.my.cnf` is the last standard file. `None`: not set, not read.
    pub home: Option<PathBuf>,
    /// The server's major and minor version: it also reads groups like `[mariadb-10.11]`.
    pub version: Option<(u16, u16)>,
}

/// An option as found in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The name as written; bytes outside UTF-8 are replaced, here and in the value.
    pub name: String,
    /// `None` when there is no `=`.
    pub value: Option<String>,
    /// Where it stands.
    pub file: PathBuf,
    /// From 1.
    pub line: usize,
}

/// The options of all groups that the server reads, in its order.
#[derive(Debug, Default)]
pub struct Options {
    entries: Vec<Entry>,
    complaints: Vec<MyCnfError>,
}

impl Options {
    /// Reads the files. A missing standard file is no error; a missing `defaults_file` is.
    ///
    /// Errors are what makes the server refuse to start, a world-writable `defaults_file` (the server would run without any
    /// options), and more than 1000 files.
    pub fn read(files: &Files) -> Result<Self, MyCnfError> {
        read::read(files)
    }

    /// The value in effect. Names may be written with `-` or `_`, in either case.
    ///
    /// An option without `=` has the value `""`, see [`Options::flag`] for booleans. `skip-NAME` and `disable-NAME` give "0",
    /// `enable-NAME` gives "1".
    pub fn get(&self, name: &str) -> Option<&str> {
        let (entry, sense) = self.find(name)?;
        let text = entry.value.as_deref();
        Some(match sense {
            Sense::Plain => text.unwrap_or(""),
            Sense::On if text.is_none_or(is_on) => "1",
            Sense::Off if text.is_some_and(|text| !is_on(text)) => "1",
            Sense::On | Sense::Off => "0",
        })
    }

    /// The value in effect of a boolean option, where no value means on. The server knows 1, on, true in any case; it takes
    /// every other text for off (measured: `yes` and `2` are off).
    pub fn flag(&self, name: &str) -> Option<bool> {
        let (entry, sense) = self.find(name)?;
        let on = entry.value.as_deref().is_none_or(is_on);
        Some(on != (sense == Sense::Off))
    }

    /// The file and line, from 1, that the value in effect comes from.
    pub fn origin(&self, name: &str) -> Option<(&Path, usize)> {
        let (entry, _) = self.find(name)?;
        Some((&entry.file, entry.line))
    }

    /// Every option in the order in which the server applies them.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Faults that the server tolerates: something in the files has no effect.
    pub fn complaints(&self) -> &[MyCnfError] {
        &self.complaints
    }

    fn find(&self, name: &str) -> Option<(&Entry, Sense)> {
        let name = canonical(name);
        let matching = |entry| sense(entry, &name).map(|sense| (entry, sense));
        self.entries.iter().rev().find_map(matching)
    }
}

/// What a prefix does to a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sense {
    Plain,
    On,
    Off,
}

/// Whether the entry sets this option, after prefixes like `loose-skip-`; the last prefix counts (measured).
fn sense(entry: &Entry, name: &str) -> Option<Sense> {
    const PREFIXES: [(&str, Sense); 4] = [
        ("loose_", Sense::Plain),
        ("skip_", Sense::Off),
        ("disable_", Sense::Off),
        ("enable_", Sense::On),
    ];
    let written = canonical(&entry.name);
    let (mut rest, mut sense) = (written.as_str(), Sense::Plain);
    while rest != name && !abbreviates(rest, name) {
        (rest, sense) = PREFIXES
            .iter()
            .find_map(|(prefix, sense)| Some((rest.strip_prefix(prefix)?, *sense)))?;
    }
    Some(sense)
}

/// Whether the server takes it for this option: it takes the beginning of a name, as long as no other name begins so, and does
/// not start otherwise (measured: `datad`, `wsrep_cluster_addr`).
fn abbreviates(written: &str, name: &str) -> bool {
    // Names of their own that others begin with.
    const WHOLE: [&str; 2] = ["innodb", "wsrep_provider"];
    let begins = !written.is_empty() && name != written && name.starts_with(written);
    begins && !WHOLE.contains(&written)
}

fn canonical(name: &str) -> String {
    name.replace('-', "_").to_ascii_lowercase()
}

fn is_on(text: &str) -> bool {
    ["1", "on", "true"]
        .iter()
        .any(|on| text.eq_ignore_ascii_case(on))
}
