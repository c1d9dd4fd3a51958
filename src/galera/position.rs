//! Where a copy of the data stands: a history and a sequence number in it. Pure.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use uuid::Uuid;

/// The UUID of a Galera history: two copies can only be compared within one history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct History(Uuid);

impl History {
    /// `None` for the zero UUID, which names no history.
    pub fn new(uuid: Uuid) -> Option<Self> {
        (!uuid.is_nil()).then_some(Self(uuid))
    }
}

impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for History {
    type Err = PositionError;

    fn from_str(text: &str) -> Result<Self, PositionError> {
        read_uuid(text)?.ok_or_else(|| PositionError::Uuid(text.to_owned()))
    }
}

/// A place in a history. Galera counts write sets and view changes from 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Position {
    /// Which history.
    pub history: History,
    /// The last write set that the data contains.
    pub seqno: u64,
    /// What `wsrep_gtid_mode=ON` appends, `domain-server-sequence`; passed back to the server unread.
    pub gtid: Option<String>,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.history, self.seqno)?;
        match &self.gtid {
            Some(gtid) => write!(f, ",{gtid}"),
            None => Ok(()),
        }
    }
}

impl From<Position> for String {
    fn from(position: Position) -> Self {
        position.to_string()
    }
}

impl TryFrom<String> for Position {
    type Error = PositionError;

    fn try_from(text: String) -> Result<Self, PositionError> {
        read_position(&text)?.ok_or(PositionError::Shape(text))
    }
}

/// Text that is no position.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PositionError {
    /// Not 8-4-4-4-12 hexadecimal digits, or zero where a history is needed.
    #[error("`{0}` is not the UUID of a history")]
    Uuid(String),
    /// Not a decimal number of 63 bits, nor -1.
    #[error("`{0}` is not a sequence number")]
    Seqno(String),
    /// No colon between the two.
    #[error("`{0}` is not UUID:SEQNO")]
    Shape(String),
}

/// Reads a UUID; the zero one is `None`.
pub fn read_uuid(text: &str) -> Result<Option<History>, PositionError> {
    let strict = text.len() == 36;
    match Uuid::try_parse(text) {
        Ok(uuid) if strict => Ok(History::new(uuid)),
        Ok(_) | Err(_) => Err(PositionError::Uuid(text.to_owned())),
    }
}

/// Reads a sequence number; -1 (also as Galera's unsigned 18446744073709551615) means unknown and is `None`.
///
/// Galera's numbers are signed, 64 bits: other numbers above `i64::MAX` are negative ones in disguise, and no position.
pub fn read_seqno(text: &str) -> Result<Option<u64>, PositionError> {
    if text == "-1" || text == "18446744073709551615" {
        return Ok(None);
    }
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse::<u64>() {
        Ok(seqno) if digits && i64::try_from(seqno).is_ok() => Ok(Some(seqno)),
        Ok(_) | Err(_) => Err(PositionError::Seqno(text.to_owned())),
    }
}

/// Reads `UUID:SEQNO[,GTID]`. `None` when the UUID is zero or the number unknown: no position at all.
pub fn read_position(text: &str) -> Result<Option<Position>, PositionError> {
    let (uuid, rest) = text
        .split_once(':')
        .ok_or_else(|| PositionError::Shape(text.to_owned()))?;
    let (number, gtid) = match rest.split_once(',') {
        Some((number, gtid)) => (number, Some(gtid.to_owned())),
        None => (rest, None),
    };
    let (history, seqno) = (read_uuid(uuid)?, read_seqno(number)?);
    Ok(history.zip(seqno).map(|(history, seqno)| Position {
        history,
        seqno,
        gtid,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const UUID: &str = "a05139e6-e58a-11f1-a799-e79950e2a9dd";
    const ZERO: &str = "00000000-0000-0000-0000-000000000000";

    fn seqno(text: &str) -> Option<u64> {
        read_seqno(text).unwrap()
    }

    #[test]
    fn minus_one_is_unknown_in_both_spellings() {
        assert_eq!(seqno("-1"), None);
        assert_eq!(seqno("18446744073709551615"), None);
    }

    #[test]
    fn numbers_that_a_double_cannot_tell_apart_differ() {
        assert_eq!(seqno("9007199254740993"), Some(9_007_199_254_740_993));
        assert_eq!(seqno("9223372036854775807"), Some(i64::MAX.unsigned_abs()));
    }

    #[test]
    fn other_texts_are_no_sequence_numbers() {
        for text in [
            "",
            "-2",
            "+5",
            " 5",
            "5 ",
            "0x5",
            "1e3",
            "-0",
            "18446744073709551614",
            "9223372036854775808",
        ] {
            assert_eq!(
                read_seqno(text),
                Err(PositionError::Seqno(text.to_owned())),
                "{text}"
            );
        }
    }

    #[test]
    fn only_the_long_form_is_a_uuid() {
        assert_eq!(read_uuid(ZERO), Ok(None));
        assert_eq!(read_uuid(UUID).unwrap().unwrap().to_string(), UUID);
        for text in [
            "",
            "a05139e6",
            &UUID.replace('-', ""),
            &format!("{{{UUID}}}"),
            &format!("{UUID} "),
        ] {
            assert!(read_uuid(text).is_err(), "{text}");
        }
    }

    #[test]
    fn upper_case_is_the_same_history() {
        assert_eq!(UUID.to_uppercase().parse::<History>(), UUID.parse());
    }

    #[test]
    fn the_zero_uuid_is_no_history() {
        assert!(ZERO.parse::<History>().is_err());
        assert_eq!(read_position(&format!("{ZERO}:5")), Ok(None));
    }

    #[test]
    fn a_gtid_is_kept_and_changes_no_number() {
        let position = read_position(&format!("{UUID}:10,5-7-6")).unwrap().unwrap();
        assert_eq!(
            (position.seqno, position.gtid.as_deref()),
            (10, Some("5-7-6"))
        );
        assert_eq!(position.to_string(), format!("{UUID}:10,5-7-6"));
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read_again(bits in 1..u128::MAX, seqno in 0..u64::MAX / 2) {
            let history = History::new(Uuid::from_u128(bits)).unwrap();
            let position = Position { history, seqno, gtid: None };
            prop_assert_eq!(read_position(&position.to_string()), Ok(Some(position)));
        }

        #[test]
        fn no_text_makes_it_panic(text in r"\PC{0,40}(:\PC{0,24})?(,\PC{0,9})?") {
            let _ = read_position(&text);
        }
    }
}
