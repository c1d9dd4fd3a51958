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
    let left_last =
        |position| disk.state().is_some_and(GraState::safe) && record.may_have_left_last(position);
    let safe = disk.clean_position().as_ref().is_some_and(left_last);
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

#[cfg(test)]
mod tests {
    use super::super::grastate;
    use super::super::position::read_position;
    use super::super::record::Left;
    use super::*;

    const X: &str = "6b4c1f4e-0000-0000-0000-000000000001";
    const Y: &str = "6b4c1f4e-0000-0000-0000-000000000002";
    const ZERO: &str = "00000000-0000-0000-0000-000000000000";

    fn at(text: &str) -> Position {
        read_position(text).unwrap().unwrap()
    }

    fn disk(uuid: &str, seqno: &str, safe: u8, recovered: Option<Recovered>) -> Disk {
        let text = format!(
            "# GALERA saved state\nversion: 2.1\nuuid: {uuid}\nseqno: {seqno}\nsafe_to_bootstrap: {safe}\n"
        );
        Disk {
            directory: Directory::Databases,
            grastate: Some(grastate::read(&text).map_err(|damage| damage.to_string())),
            saved_view: None,
            recovered,
        }
    }

    /// Where it stood, and what Galera said then.
    fn left(position: &str, last: Option<bool>) -> Record {
        let left = Left {
            position: at(position),
            members: [uuid::Uuid::from_u128(7)].into(),
            floor: None,
            last,
        };
        Record {
            left: Some(left),
            ..Record::default()
        }
    }

    #[test]
    fn safe_to_bootstrap_counts_unless_it_was_set_after_the_stop_or_a_component_was_joined_since() {
        let here = format!("{X}:5");
        let safe = |record: &Record| report(&disk(X, "5", 1, None), record).safe;
        assert!(safe(&Record::default()), "stopped by hand");
        assert!(safe(&left(&here, Some(true))) && safe(&left(&here, None)));
        assert!(!safe(&left(&here, Some(false))), "set by hand");
        assert!(
            safe(&left(&format!("{X}:4"), Some(false))),
            "a stop of before"
        );
        let joining = Record {
            joining: Some(2),
            ..Record::default()
        };
        assert!(!safe(&joining), "others went on");
        assert!(!report(&disk(X, "5", 0, None), &Record::default()).safe);
        let crashed = disk(X, "-1", 1, Some(Recovered::Position(at(&here))));
        assert!(!report(&crashed, &Record::default()).safe);
    }

    #[test]
    fn what_is_on_the_disk_is_a_position_or_the_reason_why_it_is_none() {
        let found = |uuid: &str, recovered| {
            report(&disk(uuid, "-1", 0, recovered), &Record::default()).data
        };
        let position = || Some(Recovered::Position(at(&format!("{X}:9"))));
        assert_eq!(found(X, position()), Data::At(at(&format!("{X}:9"))));
        assert_eq!(found(ZERO, position()), Data::At(at(&format!("{X}:9"))));
        let why = |uuid: &str, recovered| match found(uuid, recovered) {
            Data::Unreadable(why) => why,
            readable @ (Data::At(_) | Data::Blank { .. } | Data::Partial) => panic!("{readable:?}"),
        };
        let other = why(Y, position());
        assert!(other.contains(X) && other.contains(Y), "{other}");
        assert!(why(X, Some(Recovered::Nothing)).contains("the data does not have"));
        assert!(why(X, Some(Recovered::Disabled)).contains("wsrep_provider is not set"));
        assert!(why(X, Some(Recovered::PreparedXa { count: 2 })).starts_with("2 prepared"));
        assert_eq!(
            found(ZERO, Some(Recovered::Nothing)),
            Data::Blank { user_data: true }
        );
    }

    #[test]
    fn data_that_a_full_transfer_was_replacing_is_no_copy() {
        let joining = Record {
            joining: Some(2),
            ..Record::default()
        };
        let recovered = Some(Recovered::Position(at(&format!("{X}:9"))));
        let torn = report(&disk(ZERO, "-1", 0, recovered.clone()), &joining);
        assert_eq!(torn.data, Data::Partial);
        let whole = report(&disk(X, "-1", 0, recovered), &joining);
        assert_eq!(whole.data, Data::At(at(&format!("{X}:9"))));
    }
}
