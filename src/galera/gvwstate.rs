//! `gvwstate.dat`: the last primary view, kept while a server runs and after a crash, removed by a clean stop. Pure.
//!
//! When all its members are back, Galera makes the component primary again by itself (`pc.recovery`).

use std::collections::BTreeSet;
use std::fmt;

use thiserror::Error;
use uuid::Uuid;

/// The content of an intact file. The UUIDs are of servers' lives, not of histories.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedView {
    /// Whose file it is. From its start until it has restored the view, a server names its new life here while the
    /// members are still those of the last lives [measured]: then it is not among them.
    pub me: Uuid,
    /// Which view.
    pub view: ViewId,
    /// Who was in it.
    pub members: BTreeSet<Uuid>,
    /// The flag `bootstrap`; 0 in all files seen.
    pub bootstrap: bool,
}

/// A primary view: two members that name the same one saw the same component. Shown as `UUID:NUMBER`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ViewId {
    /// The member that represented the view.
    pub uuid: Uuid,
    /// Counts the views.
    pub number: u32,
}

impl fmt::Display for ViewId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.uuid, self.number)
    }
}

/// Why a file tells no view.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Damaged {
    /// Nothing but blanks. Galera 26.4.23 then joins under the zero UUID (measured); see also codership/galera#354.
    /// Such a file is better removed before a start.
    #[error("gvwstate.dat is empty")]
    Empty,
    /// A line is missing; `#vwend` is the last one.
    #[error("gvwstate.dat has no line `{0}`")]
    Missing(&'static str),
    /// Two lines with one name, or a member that is listed twice.
    #[error("gvwstate.dat has `{0}` more than once")]
    Twice(String),
    /// A line that does not belong there, or not in this form.
    #[error("gvwstate.dat has the line `{0}`")]
    Line(String),
}

/// The type of a primary view in `view_id: TYPE UUID NUMBER` (gcomm's `V_PRIM`).
const PRIMARY: &str = "3";

/// Reads the file's text.
pub fn read(text: &str) -> Result<SavedView, Damaged> {
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    if lines.is_empty() {
        return Err(Damaged::Empty);
    }
    let mut found = Found::default();
    for line in lines {
        found.add(line)?;
    }
    let missing = Damaged::Missing;
    found.start.ok_or(missing("#vwbeg"))?;
    found.end.ok_or(missing("#vwend"))?;
    Ok(SavedView {
        me: found.me.ok_or(missing("my_uuid"))?,
        view: found.view.ok_or(missing("view_id"))?,
        members: found.members,
        bootstrap: found.bootstrap.ok_or(missing("bootstrap"))?,
    })
}

#[derive(Default)]
struct Found {
    me: Option<Uuid>,
    start: Option<()>,
    view: Option<ViewId>,
    bootstrap: Option<bool>,
    members: BTreeSet<Uuid>,
    end: Option<()>,
}

impl Found {
    fn add(&mut self, line: &str) -> Result<(), Damaged> {
        let odd = || Damaged::Line(line.chars().take(80).collect());
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["my_uuid:", me] => once(&mut self.me, uuid(me), line, odd),
            ["#vwbeg"] => once(&mut self.start, Some(()), line, odd),
            ["view_id:", PRIMARY, node, number] => {
                once(&mut self.view, view(node, number), line, odd)
            }
            ["bootstrap:", flag] => once(&mut self.bootstrap, bit(flag), line, odd),
            // the second value is the segment, a byte
            ["member:", member, segment] => match (uuid(member), segment.parse::<u8>()) {
                (Some(member), Ok(_)) if self.members.insert(member) => Ok(()),
                (Some(member), Ok(_)) => Err(Damaged::Twice(member.to_string())),
                _ => Err(odd()),
            },
            ["#vwend"] => once(&mut self.end, Some(()), line, odd),
            _ => Err(odd()),
        }
    }
}

fn once<T>(
    slot: &mut Option<T>,
    value: Option<T>,
    line: &str,
    odd: impl Fn() -> Damaged,
) -> Result<(), Damaged> {
    let name = line.split_whitespace().next().unwrap_or_default();
    match slot.replace(value.ok_or_else(odd)?) {
        Some(_) => Err(Damaged::Twice(name.to_owned())),
        None => Ok(()),
    }
}

fn view(node: &str, number: &str) -> Option<ViewId> {
    Some(ViewId {
        uuid: uuid(node)?,
        number: number.parse().ok()?,
    })
}

fn bit(text: &str) -> Option<bool> {
    match text {
        "0" => Some(false),
        "1" => Some(true),
        _ => None,
    }
}

fn uuid(text: &str) -> Option<Uuid> {
    let uuid = Uuid::try_parse(text).ok()?;
    (text.len() == 36 && !uuid.is_nil()).then_some(uuid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SINGLE: &str = include_str!("../../tests/fixtures/galera/gvwstate-single.dat");
    const TWO: &str = include_str!("../../tests/fixtures/galera/gvwstate-two.dat");

    #[test]
    fn galeras_own_files_are_read() {
        let two = read(TWO).unwrap();
        assert_eq!(two.me.to_string(), "0a5bc99c-e58c-11f1-b626-23c4f68fe906");
        assert_eq!(
            two.view.to_string(),
            "0a5bc99c-e58c-11f1-b626-23c4f68fe906:2"
        );
        assert_eq!((two.members.len(), two.bootstrap), (2, false));
        assert_eq!(read(SINGLE).unwrap().members.len(), 1);
    }

    #[test]
    fn each_damage_has_its_name() {
        let damage = |text: &str| read(text).unwrap_err();
        assert_eq!(damage("\n"), Damaged::Empty);
        assert_eq!(
            damage(&TWO.replace("#vwbeg", "")),
            Damaged::Missing("#vwbeg")
        );
        assert_eq!(
            damage(&TWO.replace("bootstrap: 0", "")),
            Damaged::Missing("bootstrap")
        );
        assert_eq!(
            damage(&(TWO.to_owned() + TWO)),
            Damaged::Twice("my_uuid:".to_owned())
        );
        assert_eq!(
            damage(&TWO.replace("view_id: 3", "view_id: 4")),
            Damaged::Line("view_id: 4 0a5bc99c-e58c-11f1-b626-23c4f68fe906 2".to_owned())
        );
        assert!(matches!(damage("\0\0\0"), Damaged::Line(_)));
        let me = "0a5bc99c-e58c-11f1-b626-23c4f68fe906";
        let other = "0a6f81a7-e58c-11f1-86fb-4e9e4220233e";
        assert_eq!(
            damage(&TWO.replace(other, me)),
            Damaged::Twice(me.to_owned())
        );
        let stranger = TWO.replace(
            &format!("my_uuid: {me}"),
            &format!("my_uuid: {}", &other.replace("0a6", "0a7")),
        );
        let view = read(&stranger).unwrap();
        assert!(!view.members.contains(&view.me));
    }

    #[test]
    fn a_file_that_lost_its_end_is_no_view() {
        for end in 0..TWO.trim_end().len() {
            assert!(read(&TWO[..end]).is_err(), "{end}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in r"(?s)((my_uuid:|view_id: 3|bootstrap:|member:|#vw).{0,40}){0,6}") {
            let _ = read(&text);
        }
    }
}
