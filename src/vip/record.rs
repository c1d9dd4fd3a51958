//! What this node holds for the resource, until it reboots: two files in `/run/galera-rs`.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::cannot;
use super::place::Wanted;
use crate::ocf::Done;
use crate::sys::process::Process;
use crate::sys::{VOLATILE, files};

/// What start took: stop works from this even when the parameters are gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The network namespace, if not that of the cluster.
    pub namespace: Option<String>,
    /// The addresses, in their places.
    pub wanted: Vec<Wanted>,
    /// The background job that announces them.
    pub job: Option<Process>,
}

/// What the background job found out, for the next monitor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Trouble {
    /// Another machine has the address too: a sentence.
    Conflict(String),
    /// The addresses could not be announced again: a sentence.
    Unannounced(String),
}

/// The files of one instance.
#[derive(Debug, Clone)]
pub struct Records(String);

impl Records {
    /// Those of this instance.
    pub fn of(instance: &str) -> Self {
        Self(instance.to_owned())
    }

    fn path(&self, kind: &str) -> PathBuf {
        Path::new(VOLATILE).join(format!("{}.{kind}.json", self.0))
    }

    /// What start took; one that cannot be read is as good as none.
    pub fn taken(&self) -> Option<Record> {
        files::load(&self.path("vip")).unwrap_or_else(|error| {
            log::warn!("what was started is not known: {error}");
            None
        })
    }

    /// Notes what is being taken.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn take(&self, record: &Record) -> Done {
        let path = self.path("vip");
        files::put(&path, record).map_err(cannot(
            format!("note in {} what is taken", path.display()),
            "make /run writable, with room in it",
        ))
    }

    /// What the background job found out.
    pub fn trouble(&self) -> Option<Trouble> {
        files::load(&self.path("trouble")).ok().flatten()
    }

    /// Notes trouble.
    pub fn note(&self, trouble: &Trouble) {
        if let Err(error) = files::put(&self.path("trouble"), trouble) {
            log::warn!("cannot note what was found: {error}");
        }
    }

    /// Forgets the trouble of earlier days.
    ///
    /// # Errors
    /// When the file cannot be removed.
    pub fn forget_trouble(&self) -> Done {
        let path = self.path("trouble");
        files::remove(&path).map_err(cannot(
            format!("remove {}", path.display()),
            "make /run writable",
        ))
    }

    /// Forgets everything.
    pub fn clear(&self) {
        let path = self.path("vip");
        if let Err(error) = files::remove(&path) {
            log::warn!("cannot remove {}: {error}", path.display());
        }
        if let Err(failure) = self.forget_trouble() {
            log::warn!("{failure}");
        }
    }
}

impl Record {
    /// The addresses alone.
    pub fn ips(&self) -> impl Iterator<Item = IpAddr> {
        self.wanted.iter().map(|wanted| wanted.ip)
    }
}
