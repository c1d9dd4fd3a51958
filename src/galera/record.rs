//! What this node remembers of itself outside the data directory, which a state transfer replaces.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::ballot::{Elector, Epoch, LastView};
use super::gvwstate::SavedView;
use super::position::Position;
use super::published::Component;
use crate::sys::files;

/// Where the records live; it must outlive a reboot.
const DIRECTORY: &str = "/var/lib/galera-rs";

/// How many lives are remembered: as many as a view of long ago could name.
const LIVES: usize = 8;

/// The record of one resource on this node.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Record {
    /// The newest epoch that this node was a member of.
    pub epoch: u64,
    /// Who opened that epoch.
    pub opened_by: Option<Elector>,
    /// The epoch of the component that it was told to join and was not yet Synced in.
    pub joining: Option<u64>,
    /// The group communication UUIDs of its servers, newest last.
    pub lives: Vec<Uuid>,
    /// The last primary view that was seen applied, with the seqno reached then.
    pub seen: Option<Seen>,
    /// What is known of the last primary view when `gvwstate.dat` is gone. It holds at this position only.
    pub left: Option<Left>,
}

/// A primary view whose change was applied on this node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Galera's identifier of the view.
    pub view: String,
    /// A seqno of that view: data from here on has everything of earlier views.
    pub floor: u64,
}

/// The last primary view of a server that is stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    /// Where the data stood.
    pub position: Position,
    /// Those of the view that may have gone on.
    pub members: BTreeSet<Uuid>,
    /// See [`LastView::floor`].
    pub floor: Option<u64>,
    /// Whether Galera said, when it had stopped there, that nobody went on (`safe_to_bootstrap`). `None`: it was not asked.
    #[serde(default)]
    pub last: Option<bool>,
}

impl Left {
    fn is_at(&self, position: &Position) -> bool {
        self.position.history == position.history && self.position.seqno == position.seqno
    }
}

/// The file of a resource's record.
pub fn path(resource: &str) -> PathBuf {
    Path::new(DIRECTORY).join(format!("{resource}.json"))
}

impl Record {
    /// Reads the record; an empty one when there is none yet.
    ///
    /// # Errors
    /// When there is one that cannot be read: then nothing is known, which is not the same as nothing.
    pub fn load(resource: &str) -> io::Result<Self> {
        Ok(files::load(&path(resource))?.unwrap_or_default())
    }

    /// Writes the record; on disk when this returns.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save(&self, resource: &str) -> io::Result<()> {
        files::save(&path(resource), self)
    }

    /// Notes a life; the newest is last. Returns whether that is news.
    pub fn lived(&mut self, life: Uuid) -> bool {
        if self.lives.last() == Some(&life) {
            return false;
        }
        self.lives.retain(|known| *known != life);
        self.lives.push(life);
        let surplus = self.lives.len().saturating_sub(LIVES);
        self.lives.drain(..surplus);
        true
    }

    /// The floor of this view, if the view was seen applied.
    fn floor(&self, view: &str) -> Option<u64> {
        let seen = self.seen.as_ref().filter(|seen| seen.view == view)?;
        Some(seen.floor)
    }

    /// What is known of the last primary view of data at `position`. `saved`: `gvwstate.dat`, if it is there.
    pub fn last_view(&self, saved: Option<&SavedView>, position: &Position) -> Option<LastView> {
        if let Some(saved) = saved {
            let id = saved.view.to_string();
            let floor = self.floor(&id);
            return Some(LastView {
                id: Some(id),
                members: saved.members.clone(),
                floor,
            });
        }
        let left = self.left.as_ref().filter(|left| left.is_at(position))?;
        Some(LastView {
            id: None,
            members: left.members.clone(),
            floor: left.floor,
        })
    }

    /// Whether `safe_to_bootstrap` of data at `position` can be Galera's word. It is not when the file said otherwise as the
    /// server had stopped there, nor when this node was about to join a component since: others went on.
    pub fn may_have_left_last(&self, position: &Position) -> bool {
        let left = self.left.as_ref().filter(|left| left.is_at(position));
        self.joining.is_none() && left.and_then(|left| left.last) != Some(false)
    }

    /// Takes the view over from `gvwstate.dat`, which is about to be removed, for data at `position`.
    pub fn take_over(&mut self, view: &LastView, position: &Position) {
        let (members, floor) = (view.members.clone(), view.floor);
        self.left = Some(Left {
            position: position.clone(),
            members,
            floor,
            last: None,
        });
    }

    /// After a clean stop at `position`: the rest of the last view may have gone on, unless Galera says that this node
    /// left last.
    pub fn leave(&mut self, view: &SavedView, position: &Position, last: bool) {
        self.lived(view.me);
        let others = view.members.iter().copied();
        let members = others
            .filter(|member| !self.lives.contains(member))
            .collect();
        let floor = self.floor(&view.view.to_string());
        let position = position.clone();
        self.left = Some(Left {
            position,
            members,
            floor,
            last: Some(last),
        });
    }

    /// Before a server joins a component, whose epoch may be another one of the same number. Returns whether that is news.
    pub fn join(&mut self, component: &Component) -> bool {
        let same = self.epoch == component.epoch
            && (component.opened_by.is_none() || self.opened_by == component.opened_by);
        if !same {
            (self.epoch, self.opened_by) = (component.epoch, component.opened_by.clone());
            self.left = None; // the old view was not the last one of this epoch
        }
        !same
    }

    /// Before a bootstrap in a new epoch: its component begins with this node alone.
    pub fn begin(&mut self, epoch: &Epoch) {
        (self.epoch, self.opened_by) = (epoch.number, epoch.opened_by.clone());
        self.joining = None;
        self.seen = None;
        self.left = epoch.position.as_ref().map(|position| Left {
            position: position.clone(),
            members: BTreeSet::new(),
            floor: Some(position.seqno),
            last: None,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::position::History;
    use super::super::volatile::Volatile;
    use super::*;

    /// Each half of a split has opened epoch 6; this node was in one, was emptied, and joins the other.
    #[test]
    fn who_joins_the_other_half_is_of_its_epoch_though_the_numbers_are_the_same() {
        let mut record = Record {
            epoch: 6,
            opened_by: Some("n1".to_owned()),
            ..Record::default()
        };
        let component = |opened_by: Option<&str>| Component {
            history: History::new(Uuid::from_u128(9)).unwrap(),
            epoch: 6,
            opened_by: opened_by.map(str::to_owned),
        };
        assert!(!record.join(&component(None)), "nobody says who opened it");
        assert!(!record.join(&component(Some("n1"))));
        assert!(record.join(&component(Some("n2"))));
        assert_eq!(record.opened_by.as_deref(), Some("n2"));
    }

    /// `/run` is empty after a boot, `/var/lib` is not (file-hierarchy(7)).
    #[test]
    fn the_record_outlives_a_reboot_and_what_speaks_of_processes_does_not() {
        let record = path("db");
        assert!(record.starts_with("/var/lib"), "{record:?}");
        let note = Volatile::of("db").path("note.json");
        assert!(note.starts_with("/run"), "{note:?}");
    }
}
