//! What this node remembers of the MaxScale that it runs, until it reboots: a file in `/run/galera-rs`.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::instance::Files;
use super::ticks::Ticks;
use crate::sys::process::Process;
use crate::sys::{VOLATILE, files};

/// What is remembered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Record {
    /// The process that was started or taken over.
    pub process: Option<Process>,
    /// Its files: stop finds it by them even when the parameters are gone.
    pub files: Option<Files>,
    /// Whether the cluster has promoted it.
    pub promoted: bool,
    /// The process that has been told to end; a second time would make it drop its clients.
    pub terminated: Option<Process>,
    /// How far its monitors had come.
    pub ticks: Ticks,
    /// The promotion score that the cluster was told; `None`: not yet told of this process.
    pub told: Option<Score>,
}

/// How well an instance is fit for the role, and whether it has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Score {
    /// Whether it may be promoted.
    pub fitness: Fitness,
    /// Whether it is.
    pub promoted: bool,
}

/// Whether a promotable instance may be promoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fitness {
    /// It routes.
    Well,
    /// It routes, and another might do better.
    Partly,
    /// It does not route: never.
    Never,
}

impl Score {
    /// The number that the cluster compares; `None`: none at all.
    ///
    /// The promoted instance has one more than others that are as fit: Pacemaker 2.1.5 takes a promoted instance that it has
    /// reloaded for unpromoted, and of equal scores it may then promote another one, without a demotion of this one.
    pub fn number(self) -> Option<i32> {
        let number = match self.fitness {
            Fitness::Well => 100,
            Fitness::Partly => 10,
            Fitness::Never => return None,
        };
        Some(number + i32::from(self.promoted))
    }
}

/// The file of one resource.
#[derive(Debug, Clone)]
pub struct Records(PathBuf);

impl Records {
    /// That of this resource.
    pub fn of(resource: &str) -> Self {
        Self(Path::new(VOLATILE).join(format!("{resource}.maxscale.json")))
    }

    /// What is remembered; what cannot be read is as good as nothing.
    pub fn load(&self) -> Record {
        let found = files::load(&self.0).unwrap_or_else(|error| {
            log::warn!("what was started is not known: {error}");
            None
        });
        found.unwrap_or_default()
    }

    /// Remembers. Without it stop and monitor know less, and work all the same.
    pub fn save(&self, record: &Record) {
        if let Err(error) = files::put(&self.0, record) {
            log::warn!("cannot write {}: {error}", self.0.display());
        }
    }

    /// Forgets everything.
    pub fn clear(&self) {
        if let Err(error) = files::remove(&self.0) {
            log::warn!("cannot remove {}: {error}", self.0.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(fitness: Fitness, promoted: bool) -> Option<i32> {
        Score { fitness, promoted }.number()
    }

    #[test]
    fn of_equals_the_promoted_one_keeps_the_role_and_a_fitter_one_takes_it() {
        for fitness in [Fitness::Well, Fitness::Partly] {
            assert!(number(fitness, true) > number(fitness, false));
        }
        assert!(number(Fitness::Well, false) > number(Fitness::Partly, true));
        assert_eq!(number(Fitness::Never, true), None);
    }
}
