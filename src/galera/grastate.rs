//! `grastate.dat`: what Galera noted about the data when the server last started, joined or stopped.
//!
//! Galera keeps the file under a lock while the provider runs, and pads it with blanks where it got shorter (measured, 26.4).

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::Path;

use thiserror::Error;

use super::position::{self, History, PositionError};

/// The content of an intact file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GraState {
    /// `None` for the zero UUID: no data yet, or a crash in the middle of a schema change or a state transfer.
    pub history: Option<History>,
    /// `None` for -1: the server runs, or it crashed.
    pub seqno: Option<u64>,
    /// The line `safe_to_bootstrap` says 1; see [`GraState::safe`].
    pub safe_to_bootstrap: bool,
}

impl GraState {
    /// Galera's word that this copy left last, from a clean stop. A zero UUID or an unknown number cancels it: while the
    /// server runs alone the file says `1` with -1 (measured), and a crash leaves it so.
    pub fn safe(&self) -> bool {
        self.safe_to_bootstrap && self.history.is_some() && self.seqno.is_some()
    }
}

/// Why a file says nothing that can be relied on.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Damaged {
    /// Nothing but blanks, as after a crash of the machine.
    #[error("grastate.dat is empty")]
    Empty,
    /// A file system's mark of blocks that were never written.
    #[error("grastate.dat contains zero bytes")]
    Zeros,
    /// A line is missing.
    #[error("grastate.dat has no line `{0}:`")]
    Missing(&'static str),
    /// Two lines with one name: an editor's accident.
    #[error("grastate.dat has more than one line `{0}:`")]
    Twice(&'static str),
    /// The number may have lost its last digits.
    #[error("grastate.dat ends within the line `seqno:`")]
    Truncated,
    /// Neither a comment nor `name: value`.
    #[error("grastate.dat has the line `{0}`")]
    Line(String),
    /// No UUID, or no number.
    #[error("grastate.dat: {0}")]
    Value(#[from] PositionError),
    /// `safe_to_bootstrap` is neither 0 nor 1.
    #[error("grastate.dat: safe_to_bootstrap is `{0}`, not 0 or 1")]
    Flag(String),
}

/// Reads the file's text.
///
/// A missing `safe_to_bootstrap` line, which Galera before 3.19 did not write, means "allowed" to Galera. Here it means
/// not safe: the line also comes last, so a file that lost its end would turn into permission. Galera does not read a last
/// line without its newline either: a hand-edited `safe_to_bootstrap: 0` there is "allowed" too (measured, 26.4.23). Here
/// it is not safe.
pub fn read(text: &str) -> Result<GraState, Damaged> {
    if text.contains('\0') {
        return Err(Damaged::Zeros);
    }
    if text.trim().is_empty() {
        return Err(Damaged::Empty);
    }
    let value = |name| only(text, name);
    let mut lines = text.lines().map(str::trim);
    if let Some(odd) =
        lines.find(|line| !line.is_empty() && !line.starts_with('#') && !line.contains(':'))
    {
        return Err(Damaged::Line(odd.chars().take(80).collect()));
    }
    let required = |name| value(name)?.ok_or(Damaged::Missing(name));
    let (uuid, seqno) = (required("uuid")?, required("seqno")?);
    let last = text.lines().last().unwrap_or_default();
    if last.starts_with("seqno:") && !text.ends_with('\n') {
        return Err(Damaged::Truncated);
    }
    Ok(GraState {
        history: position::read_uuid(uuid)?,
        seqno: position::read_seqno(seqno)?,
        safe_to_bootstrap: match value("safe_to_bootstrap")? {
            None | Some("0") => false,
            Some("1") => true,
            Some(other) => return Err(Damaged::Flag(other.to_owned())),
        },
    })
}

/// The value of the only line with this name. Unknown names are Galera's business.
fn only<'a>(text: &'a str, name: &'static str) -> Result<Option<&'a str>, Damaged> {
    let value = |line: &'a str| line.trim().strip_prefix(name)?.strip_prefix(':');
    let mut values = text.lines().filter_map(value);
    let first = values.next().map(str::trim);
    match values.next() {
        Some(_) => Err(Damaged::Twice(name)),
        None => Ok(first),
    }
}

/// The text that Galera itself would write.
pub fn render(history: Option<History>, seqno: Option<u64>, safe: bool) -> String {
    let uuid = history.map_or_else(
        || uuid::Uuid::nil().to_string(),
        |history| history.to_string(),
    );
    let seqno = seqno.map_or_else(|| "-1".to_owned(), |seqno| seqno.to_string());
    let safe = u8::from(safe);
    format!(
        "# GALERA saved state\nversion: 2.1\nuuid:    {uuid}\nseqno:   {seqno}\nsafe_to_bootstrap: {safe}\n"
    )
}

/// Numeric user and group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    /// User.
    pub uid: u32,
    /// Group.
    pub gid: u32,
}

/// Replaces the file in one step that a crash of the machine either leaves undone or done. Keeps the owner and the mode of
/// the file; a new one gets `owner` and 0660, as Galera's. Refuses anything that is not a regular file.
///
/// The server must be down: it holds the old file open. Works in the server's directory as root, hence opens nothing there
/// that the server's user could have put in the way.
pub fn replace(path: &Path, text: &str, owner: Owner) -> io::Result<()> {
    let (owner, mode) = match fs::symlink_metadata(path) {
        Ok(old) if old.is_file() => (
            Owner {
                uid: old.uid(),
                gid: old.gid(),
            },
            old.mode() & 0o7777,
        ),
        Ok(_) => {
            return Err(io::Error::other(format!(
                "{} is not a regular file",
                path.display()
            )));
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => (owner, 0o660),
        Err(error) => return Err(error),
    };
    let directory = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    let mut name = path.as_os_str().to_owned();
    name.push(".galera-rs");
    let new = Path::new(&name);
    match fs::remove_file(new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {} // an earlier run died half-way
    }
    let written = write(new, text, owner, mode).and_then(|()| fs::rename(new, path));
    if written.is_err() {
        let _ = fs::remove_file(new); // the first error counts
    }
    written?;
    File::open(directory)?.sync_all()
}

fn write(path: &Path, text: &str, owner: Owner, mode: u32) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text.as_bytes())?;
    let is = file.metadata()?;
    if (is.uid(), is.gid()) != (owner.uid, owner.gid) {
        fchown(&file, Some(owner.uid), Some(owner.gid))?;
    }
    file.set_permissions(fs::Permissions::from_mode(mode))?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CLEAN: &str = include_str!("../../tests/fixtures/galera/grastate-clean.dat");
    const RUNNING: &str = include_str!("../../tests/fixtures/galera/grastate-running.dat");
    const ALONE: &str = include_str!("../../tests/fixtures/galera/grastate-running-alone.dat");

    fn damage(text: &str) -> Damaged {
        read(text).unwrap_err()
    }

    #[test]
    fn galeras_own_files_are_read() {
        let clean = read(CLEAN).unwrap();
        assert_eq!(
            clean.history.unwrap().to_string(),
            "0a5bf8a9-e58c-11f1-9c59-ef8809667345"
        );
        assert_eq!((clean.seqno, clean.safe_to_bootstrap), (Some(4), false));
        assert_eq!(read(RUNNING).unwrap().seqno, None);
    }

    #[test]
    fn the_flag_of_a_server_that_runs_or_crashed_alone_is_not_safe() {
        let alone = read(ALONE).unwrap();
        assert!(alone.safe_to_bootstrap && !alone.safe());
        let stopped = GraState {
            seqno: Some(4),
            ..alone
        };
        assert!(stopped.safe());
        assert!(
            !GraState {
                history: None,
                ..stopped
            }
            .safe()
        );
    }

    #[test]
    fn a_missing_flag_is_not_safe() {
        let text = render(None, Some(4), true).replace("safe_to_bootstrap: 1\n", "");
        assert!(!read(&text).unwrap().safe_to_bootstrap);
        assert!(
            !read(&(text + "safe_to_bootstrap: 0"))
                .unwrap()
                .safe_to_bootstrap
        );
    }

    #[test]
    fn render_writes_what_galera_writes() {
        let clean = read(CLEAN).unwrap();
        assert_eq!(
            render(clean.history, clean.seqno, false),
            CLEAN.trim_end().to_owned() + "\n"
        );
        let zero = "uuid:    00000000-0000-0000-0000-000000000000\nseqno:   -1\n";
        assert!(render(None, None, false).contains(zero));
    }

    #[test]
    fn each_damage_has_its_name() {
        assert_eq!(damage(" \n"), Damaged::Empty);
        assert_eq!(damage(&(RUNNING.to_owned() + "\0\0")), Damaged::Zeros);
        assert_eq!(
            damage(&RUNNING.replace("uuid:", "uid:")),
            Damaged::Missing("uuid")
        );
        assert_eq!(
            damage(&RUNNING.replace("seqno:", "#")),
            Damaged::Missing("seqno")
        );
        assert_eq!(
            damage(&(RUNNING.to_owned() + "seqno: 5\n")),
            Damaged::Twice("seqno")
        );
        assert_eq!(
            damage(&(RUNNING.to_owned() + "<<<<\n")),
            Damaged::Line("<<<<".to_owned())
        );
        assert_eq!(
            damage(&CLEAN.replace(": 0", ": yes")),
            Damaged::Flag("yes".to_owned())
        );
        let short = CLEAN.replace("0a5bf8a9-", "");
        assert!(matches!(
            damage(&short),
            Damaged::Value(PositionError::Uuid(_))
        ));
    }

    #[test]
    fn no_cut_end_changes_the_meaning() {
        let text = render(read(CLEAN).unwrap().history, Some(1234), true);
        let whole = read(&text).unwrap();
        for end in 0..text.len() {
            match read(&text[..end]) {
                Err(_) => {}
                Ok(cut) => assert_eq!(
                    (cut.history, cut.seqno),
                    (whole.history, whole.seqno),
                    "{end}"
                ),
            }
        }
    }

    #[test]
    fn replace_keeps_owner_and_mode_and_leaves_no_other_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("grastate.dat");
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        fs::write(directory.path().join("grastate.dat.galera-rs"), "stale").unwrap();
        let before = fs::metadata(&path).unwrap();
        replace(
            &path,
            "new\n",
            Owner {
                uid: 12345,
                gid: 12345,
            },
        )
        .unwrap();
        let after = fs::metadata(&path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new\n");
        assert_eq!(
            (after.uid(), after.gid(), after.mode()),
            (before.uid(), before.gid(), before.mode())
        );
        assert_ne!(after.ino(), before.ino());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn replace_makes_a_missing_file_and_does_not_follow_links() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("grastate.dat");
        let is = fs::metadata(directory.path()).unwrap();
        let owner = Owner {
            uid: is.uid(),
            gid: is.gid(),
        };
        replace(&path, "new\n", owner).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o660);
        let link = directory.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(replace(&link, "other\n", owner).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "new\n");
    }

    proptest! {
        #[test]
        fn what_is_rendered_is_read_again(bits: u128, seqno in prop::option::of(0..u64::MAX / 2), safe: bool) {
            let history = History::new(uuid::Uuid::from_u128(bits));
            let again = read(&render(history, seqno, safe)).unwrap();
            prop_assert_eq!(again, GraState { history, seqno, safe_to_bootstrap: safe });
        }

        #[test]
        fn no_text_makes_it_panic(text in r"(?s)((uuid|seqno|safe_to_bootstrap)?[: \n].{0,20}){0,6}") {
            let _ = read(&text);
        }
    }
}
