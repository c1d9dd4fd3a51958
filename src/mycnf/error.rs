//! What can be wrong with option files.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// A fault in an option file. Fatal in a file that the server reads by itself; in an included file the server drops the rest
/// of that file and goes on, and so do we, see [`super::Options::complaints`].
#[derive(Debug, Error)]
pub enum MyCnfError {
    /// The file cannot be opened.
    #[error("option file {path} cannot be read: {source}; create it, or correct its name or rights", path = .path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The server ignores a file that anybody could have written.
    #[error("option file {path} is ignored because everybody may write it; run `chmod o-w` on it", path = .0.display())]
    WorldWritable(PathBuf),
    /// A directory, a pipe, a device: the server would find no options in it, or wait for ever.
    #[error("option file {path} is not a regular file; name another", path = .0.display())]
    NotAFile(PathBuf),
    /// The server takes a byte order mark for an option before any group.
    #[error("{path} starts with a byte order mark, which the server cannot read; save it as UTF-8 without BOM", path = .0.display())]
    ByteOrderMark(PathBuf),
    /// The directory of `!includedir` cannot be listed.
    #[error("{path}, line {line}: !includedir {directory} cannot be read: {source}; create it or remove the line",
        path = .path.display(), directory = .directory.display())]
    Directory {
        /// Which file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// The directory that it names.
        directory: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A line that the server does not accept.
    #[error("{path}, line {line}: {fault}", path = .path.display())]
    Line {
        /// Which file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// What is wrong with it.
        fault: Fault,
    },
    /// Files that include each other more than once multiply.
    #[error("{path}: more than {limit} option files; does a file include itself?", path = .path.display())]
    TooMany {
        /// The first file that is too much.
        path: PathBuf,
        /// How many are read.
        limit: usize,
    },
}

impl MyCnfError {
    /// Whether the file may be whole, and only the system could not read it now: too many open files, a file system that
    /// does not answer.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        let lasting = [io::ErrorKind::NotFound, io::ErrorKind::PermissionDenied];
        match self {
            Self::Unreadable { source, .. } | Self::Directory { source, .. } => {
                !lasting.contains(&source.kind())
            }
            Self::WorldWritable(_)
            | Self::NotAFile(_)
            | Self::ByteOrderMark(_)
            | Self::Line { .. }
            | Self::TooMany { .. } => false,
        }
    }
}

/// What is wrong with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Fault {
    /// `[` without `]`.
    #[error("a group needs its closing bracket, as in [mysqld]")]
    Group,
    /// An option that belongs to nobody.
    #[error("an option before any group; put [mysqld] above it")]
    BeforeGroup,
    /// `!include` of nothing.
    #[error("!include and !includedir need a path")]
    Include,
    /// `!` and a word that the server does not know; it skips the line in silence.
    #[error("only !include and !includedir are known; the line has no effect")]
    Directive,
    /// The server follows includes ten deep and skips the line.
    #[error("includes nest deeper than 10; does a file include itself?")]
    Depth,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_system_may_do_better_next_time_passes() {
        let unreadable = |kind: io::ErrorKind| MyCnfError::Unreadable {
            path: "/etc/my.cnf".into(),
            source: kind.into(),
        };
        assert!(unreadable(io::ErrorKind::Other).may_pass());
        assert!(!unreadable(io::ErrorKind::NotFound).may_pass());
        assert!(!MyCnfError::WorldWritable("/etc/my.cnf".into()).may_pass());
    }
}
