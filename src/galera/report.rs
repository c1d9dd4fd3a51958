//! From what lies on a node's disk to its report. Pure.

use super::ballot::{Data, Report};
use super::datadir::Directory;
use super::grastate::GraState;
use super::gvwstate::SavedView;
use super::position::Position;
use super::record::Record;
use super::recover::Recovered;

/// What was found on the disk of a stopped node.
#[derive(Debug, Clone)]
pub struct Disk {
    /// What the data directory holds.
    pub directory: Directory,
    /// `grastate.dat`: `None` when it is missing, the text when it is damaged.
    pub grastate: Option<Result<GraState, String>>,
    /// `gvwstate.dat`, when it is there and whole.
    pub saved_view: Option<SavedView>,
    /// What the storage engine said; `None` when `grastate.dat` made the question needless.
    pub recovered: Option<Recovered>,
}

impl Disk {
    /// The state that a clean stop left behind: a history and a seqno.
    pub fn clean_position(&self) -> Option<Position> {
        let state = self.grastate.as_ref()?.as_ref().ok()?;
        let (history, seqno) = state.history.zip(state.seqno)?;
        Some(Position {
            history,
            seqno,
            gtid: None,
        })
    }

    /// Whether the storage engine has to be asked.
    pub fn needs_recovery(&self) -> bool {
        self.directory != Directory::Empty && self.clean_position().is_none()
    }

    fn state(&self) -> Option<&GraState> {
        self.grastate.as_ref()?.as_ref().ok()
    }
}

/// The report of a node with this disk and this record.
pub fn report(disk: &Disk, record: &Record) -> Report {
    let data = data(disk, record);
    let mut lives = record.lives.clone();
    if let Some(view) = &disk.saved_view {
        lives.retain(|life| *life != view.me);
        lives.push(view.me);
    }
    let view = match &data {
        Data::At(position) => record.last_view(disk.saved_view.as_ref(), position),
        Data::Blank { .. } | Data::Partial | Data::Unreadable(_) => None,
    };
    let recovered = matches!(data, Data::At(_)) && disk.clean_position().is_none();
    let safe = !recovered && disk.state().is_some_and(GraState::safe);
    Report {
        epoch: record.epoch,
        opened_by: record.opened_by.clone(),
        data,
        safe,
        recovered,
        lives,
        view,
    }
}

fn data(disk: &Disk, record: &Record) -> Data {
    if let Some(position) = disk.clean_position() {
        return Data::At(position);
    }
    let blank = Data::Blank {
        user_data: disk.directory == Directory::Databases,
    };
    // Galera marks the data unsafe (a zero UUID) before a full transfer touches it; it does the same during
    // DDL, but then this node was a member and not joining.
    let named = disk.state().and_then(|state| state.history);
    let transferring = record.joining.is_some() && named.is_none();
    match &disk.recovered {
        _ if transferring => Data::Partial,
        None | Some(Recovered::Nothing) if named.is_none() => blank,
        Some(Recovered::Disabled) => Data::Unreadable(
            "wsrep_provider is not set: the server did not look for its position".into(),
        ),
        None | Some(Recovered::Nothing) => {
            Data::Unreadable("grastate.dat names a history that the data does not have".into())
        }
        Some(Recovered::Position(found)) => match named {
            Some(named) if named != found.history => Data::Unreadable(format!(
                "grastate.dat names history {named}, the data is of {}",
                found.history
            )),
            Some(_) | None => Data::At(found.clone()),
        },
        Some(Recovered::PreparedXa { count }) => Data::Unreadable(format!(
            "{count} prepared transactions have to be decided about (mariadbd --wsrep-recover --tc-heuristic-recover=ROLLBACK or COMMIT)"
        )),
        Some(Recovered::Unknown(words)) => {
            Data::Unreadable(format!("the position could not be recovered: {words}"))
        }
    }
}
