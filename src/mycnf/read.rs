//! Walks the option files in the server's order.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::line::{self, Directive, Line};
use super::{Entry, Fault, Files, MyCnfError, Options};

/// As deep as the server follows includes (measured on 10.11).
const DEEPEST: usize = 10;

/// The server has no such limit: it would read on for ages.
const MOST_FILES: usize = 1000;

struct Walk<'a> {
    files: &'a Files,
    groups: Vec<String>,
    options: Options,
    read: usize,
}

pub(super) fn read(files: &Files) -> Result<Options, MyCnfError> {
    let mut walk = Walk {
        files,
        groups: groups(files.version),
        options: Options::default(),
        read: 0,
    };
    match &files.defaults_file {
        Some(path) => walk.named(path)?,
        None => walk.standard()?,
    }
    Ok(walk.options)
}

/// What `mariadbd --help --verbose` prints under "The following groups are read".
fn groups(version: Option<(u16, u16)>) -> Vec<String> {
    let mut groups = ["mysqld", "server", "mariadb", "mariadbd"]
        .map(String::from)
        .to_vec();
    if let Some((major, minor)) = version {
        groups.extend(
            ["mysqld", "mariadb", "mariadbd"].map(|name| format!("{name}-{major}.{minor}")),
        );
    }
    groups.extend(["client-server", "galera"].map(String::from));
    groups
}

impl Walk<'_> {
    fn named(&mut self, path: &Path) -> Result<(), MyCnfError> {
        match self.file(path, 0)? {
            Some(MyCnfError::NotAFile(_)) if path == Path::new("/dev/null") => Ok(()),
            Some(refused) => Err(refused),
            None => Ok(()),
        }
    }

    fn standard(&mut self) -> Result<(), MyCnfError> {
        let mut paths = vec![self.rooted("/etc/my.cnf"), self.rooted("/etc/mysql/my.cnf")];
        paths.extend(self.files.home.as_ref().map(|home| home.join(".my.cnf")));
        for path in paths.iter().filter(|path| path.exists()) {
            let complaint = self.file(path, 0)?;
            self.options.complaints.extend(complaint);
        }
        Ok(())
    }

    /// Reads one file and what it includes. `Ok(Some(why))`: the server does not read it, and goes on.
    fn file(&mut self, path: &Path, depth: usize) -> Result<Option<MyCnfError>, MyCnfError> {
        self.read += 1;
        if self.read > MOST_FILES {
            return Err(MyCnfError::TooMany {
                path: path.to_owned(),
                limit: MOST_FILES,
            });
        }
        let text = match content(path) {
            Ok(text) => text,
            Err(refused) => return Ok(Some(refused)),
        };
        if text.starts_with(b"\xef\xbb\xbf") {
            return Err(MyCnfError::ByteOrderMark(path.to_owned()));
        }
        let mut group = None;
        for (number, raw) in line::lines(&text) {
            let place = Place {
                path,
                number,
                depth,
            };
            match line::read(raw) {
                Line::Nothing => {}
                Line::Group(name) => group = Some(self.wants(&name)),
                Line::Option { name, value } => match group {
                    None => return Err(place.fault(Fault::BeforeGroup)),
                    Some(true) => self.options.entries.push(place.entry(&name, value)),
                    Some(false) => {}
                },
                Line::BadGroup => return Err(place.fault(Fault::Group)),
                Line::Directive(_) if depth == DEEPEST => {
                    self.options.complaints.push(place.fault(Fault::Depth));
                }
                Line::Directive(directive) => self.directive(&place, directive)?,
            }
        }
        Ok(None)
    }

    fn directive(&mut self, place: &Place, directive: Directive) -> Result<(), MyCnfError> {
        match directive {
            Directive::File(path) => self.include(self.resolve(path), place.depth),
            Directive::Directory(directory) => {
                let directory = self.resolve(directory);
                let listed = listing(&directory).map_err(|source| MyCnfError::Directory {
                    path: place.path.to_owned(),
                    line: place.number,
                    directory: directory.clone(),
                    source,
                })?;
                let mut listed = listed.into_iter();
                listed.try_for_each(|path| self.include(path, place.depth))
            }
            Directive::NoPath => Err(place.fault(Fault::Include)),
            Directive::Unknown => {
                self.options.complaints.push(place.fault(Fault::Directive));
                Ok(())
            }
        }
    }

    /// A fault in an included file ends that file, not the reading.
    fn include(&mut self, path: PathBuf, depth: usize) -> Result<(), MyCnfError> {
        match self.file(&path, depth + 1) {
            Ok(complaint) => self.options.complaints.extend(complaint),
            Err(fatal @ MyCnfError::TooMany { .. }) => return Err(fatal),
            Err(fault) => self.options.complaints.push(fault),
        }
        Ok(())
    }

    fn wants(&self, group: &[u8]) -> bool {
        self.groups
            .iter()
            .any(|name| name.as_bytes().eq_ignore_ascii_case(group))
    }

    /// `~/` is the server's home; a relative path stays relative to the working directory, as for the server.
    fn resolve(&self, path: Vec<u8>) -> PathBuf {
        let path = PathBuf::from(std::ffi::OsString::from_vec(path));
        match (path.strip_prefix("~"), &self.files.home) {
            (Ok(rest), Some(home)) => home.join(rest),
            _ => self.rooted(path),
        }
    }

    fn rooted(&self, path: impl AsRef<Path>) -> PathBuf {
        let path = path.as_ref();
        match path.strip_prefix("/") {
            Ok(rest) => self.files.root.join(rest),
            Err(_) => path.to_owned(),
        }
    }
}

fn content(path: &Path) -> Result<Vec<u8>, MyCnfError> {
    let unreadable = |source| MyCnfError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let metadata = fs::metadata(path).map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(MyCnfError::NotAFile(path.to_owned()));
    }
    if metadata.permissions().mode() & 0o002 != 0 {
        return Err(MyCnfError::WorldWritable(path.to_owned()));
    }
    fs::read(path).map_err(unreadable)
}

/// The `.cnf` files of a directory in byte order, hidden ones too (measured on 10.11).
fn listing(directory: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut paths = fs::read_dir(directory)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()?;
    paths.retain(|path| {
        path.file_name()
            .is_some_and(|name| name.as_bytes().ends_with(b".cnf"))
    });
    paths.sort_by(|a, b| a.as_os_str().as_bytes().cmp(OsStr::as_bytes(b.as_os_str())));
    Ok(paths)
}

/// Where we are reading.
struct Place<'a> {
    path: &'a Path,
    number: usize,
    depth: usize,
}

impl Place<'_> {
    fn fault(&self, fault: Fault) -> MyCnfError {
        MyCnfError::Line {
            path: self.path.to_owned(),
            line: self.number,
            fault,
        }
    }

    fn entry(&self, name: &[u8], value: Option<Vec<u8>>) -> Entry {
        Entry {
            name: String::from_utf8_lossy(name).into_owned(),
            value: value.map(|text| String::from_utf8_lossy(&text).into_owned()),
            file: self.path.to_owned(),
            line: self.number,
        }
    }
}
