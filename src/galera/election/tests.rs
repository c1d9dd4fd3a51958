//! Each rule of the election as a claim.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::*;
use crate::galera::ballot::{Epoch, Force, LastView};
use crate::galera::epoch::{cost_of, next_epoch};
use crate::galera::position::{History, Position};

const LINE: u128 = 1;
const OTHER_LINE: u128 = 2;

fn at(line: u128, seqno: u64) -> Position {
    Position {
        history: History::new(Uuid::from_u128(line)).expect("not zero"),
        seqno,
        gtid: None,
    }
}

fn life(name: &str) -> Uuid {
    let number = name.bytes().fold(0, |n, byte| n * 256 + u128::from(byte));
    Uuid::from_u128(number)
}

/// A node of epoch 1 that crashed at `seqno`, with an unknown last view.
fn crashed(name: &str, seqno: u64) -> Report {
    Report {
        epoch: 1,
        opened_by: Some("a".to_owned()),
        data: Data::At(at(LINE, seqno)),
        safe: false,
        recovered: true,
        lives: vec![life(name)],
        view: None,
    }
}

fn blank(user_data: bool) -> Report {
    Report {
        epoch: 0,
        opened_by: None,
        data: Data::Blank { user_data },
        safe: false,
        recovered: false,
        lives: Vec::new(),
        view: None,
    }
}

fn view(id: Option<&str>, members: &[&str], floor: Option<u64>) -> Option<LastView> {
    Some(LastView {
        id: id.map(str::to_owned),
        members: members.iter().map(|name| life(name)).collect(),
        floor,
    })
}

fn reported(report: Report) -> Stand {
    Stand::Reported {
        report,
        eligible: true,
    }
}

fn stopped(report: Report) -> Stand {
    Stand::Reported {
        report,
        eligible: false,
    }
}

/// A quorate ballot in epoch 1.
fn ballot<const N: usize>(stands: [(&str, Stand); N]) -> Ballot {
    Ballot {
        quorate: true,
        epoch: Epoch {
            number: 1,
            opened_by: Some("a".to_owned()),
            position: Some(at(LINE, 1)),
            lineage: vec![(1, "a".to_owned())],
            forced: Vec::new(),
            survived: Vec::new(),
            revived: None,
        },
        stands: stands.map(|(name, stand)| (name.to_owned(), stand)).into(),
        ..Ballot::default()
    }
}

/// A ballot of a cluster that never had an epoch.
fn first_start<const N: usize>(reports: [(&str, Report); N]) -> Ballot {
    Ballot {
        epoch: Epoch::default(),
        enable_creation: true,
        ..ballot(reports.map(|(name, report)| (name, reported(report))))
    }
}

fn winner(ballot: &Ballot) -> Option<(String, Reason)> {
    match elect(ballot) {
        Verdict::Bootstrap(name, reason) => Some((name, reason)),
        Verdict::Join(_) | Verdict::Restore(_) | Verdict::Revive(..) => None,
        Verdict::Wait(_) | Verdict::Refuse(_) => None,
    }
}

fn wins(ballot: &Ballot, name: &str, reason: Reason) {
    assert_eq!(elect(ballot), Verdict::Bootstrap(name.to_owned(), reason));
}

fn names(names: &[&str]) -> Vec<Elector> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn waits_for(ballot: &Ballot, missing: &[&str], gap: Gap) {
    let missing = names(missing);
    assert_eq!(
        elect(ballot),
        Verdict::Wait(Waiting::Electors { missing, gap })
    );
}

fn order(name: &str, epoch: u64, position: Option<Position>) -> Option<Force> {
    Some(Force {
        elector: name.to_owned(),
        epoch,
        position,
    })
}

mod choice;
mod orders;
mod proof;
mod survivors;
