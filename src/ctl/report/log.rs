//! Lines of Pacemaker's log, in which the agents write too, as entries with a time. Pure.
//!
//! Pacemaker writes the time of the day without a year and without a zone, to the millisecond or to the second; the agents write
//! RFC 3339 in UTC, to the second.

use time::format_description::well_known::Rfc3339;
use time::{Date, Duration, Month, OffsetDateTime, Time, UtcOffset};

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub at: OffsetDateTime,
    /// The program: `pacemaker-controld`, `galera-rs(db)`.
    pub by: String,
    pub text: String,
}

/// How times without a year or a zone are meant.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    /// No line is younger than this.
    pub now: OffsetDateTime,
    /// The zone of the machine that wrote the log.
    pub zone: UtcOffset,
}

/// The lines that begin with a time, in their order.
pub(super) fn read(text: &str, clock: Clock) -> Vec<Entry> {
    let lines = text.lines();
    lines
        .filter_map(|line| agents(line).or_else(|| pacemakers(line, clock)))
        .collect()
}

/// `2026-01-31T23:59:59Z galera-rs(db)[77]: INFO: node1: Member`
fn agents(line: &str) -> Option<Entry> {
    let (time, rest) = line.split_once(' ')?;
    let at = OffsetDateTime::parse(time, &Rfc3339).ok()?;
    let (by, text) = rest.split_once("]: ")?;
    let (by, _) = by.split_once('[')?;
    let (_, text) = text.split_once(": ")?;
    Some(entry(at, by, text))
}

/// `Nov 28 05:01:12.345 node1 pacemaker-controld  [77] (log_executor_event) \tnotice: Result of promote operation ..`
fn pacemakers(line: &str, clock: Clock) -> Option<Entry> {
    let mut words = line.split_whitespace();
    let (month, day) = (words.next()?, words.next()?);
    let day = (month_of(month)?, day.parse().ok()?);
    let time = time_of(words.next()?)?;
    let (_host, by) = (words.next()?, words.next()?);
    let (by, _) = by.split_once('[').unwrap_or((by, ""));
    // The text comes after the function's name and the severity.
    let (_, text) = line.split_once(")")?;
    let (severity, text) = text.trim_start().split_once(": ")?;
    let known = ["crit", "error", "warning", "notice", "info", "debug"];
    let at = moment(day, time, clock)?;
    known.contains(&severity).then(|| entry(at, by, text))
}

fn entry(at: OffsetDateTime, by: &str, text: &str) -> Entry {
    Entry {
        at,
        by: by.to_owned(),
        text: text.trim().to_owned(),
    }
}

fn month_of(word: &str) -> Option<Month> {
    let names = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let place = names.iter().position(|name| *name == word)?;
    Month::try_from(u8::try_from(place + 1).ok()?).ok()
}

/// `05:01:12.345`, `05:01:12`
fn time_of(word: &str) -> Option<Time> {
    let (whole, part) = word.split_once('.').unwrap_or((word, "0"));
    let mut numbers = whole.split(':').map(str::parse::<u8>);
    let mut next = || numbers.next()?.ok();
    let (hour, minute, second) = (next()?, next()?, next()?);
    let milli: u16 = part.parse().ok()?;
    Time::from_hms_milli(hour, minute, second, milli).ok()
}

/// In the latest year that makes it no later than now; a clock of another machine may be a little ahead.
fn moment((month, day): (Month, u8), time: Time, clock: Clock) -> Option<OffsetDateTime> {
    let year = clock.now.to_offset(clock.zone).year();
    let at = |year| {
        let date = Date::from_calendar_date(year, month, day).ok()?;
        Some(date.with_time(time).assume_offset(clock.zone))
    };
    let latest = clock.now + Duration::hours(1);
    let candidates = [year, year - 1].into_iter().filter_map(at);
    candidates.into_iter().find(|at| *at <= latest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(now: i64) -> Clock {
        Clock {
            now: OffsetDateTime::from_unix_timestamp(now).unwrap(),
            zone: UtcOffset::from_hms(1, 0, 0).unwrap(),
        }
    }

    /// 2026-01-01T12:00:00Z
    const NEW_YEAR: i64 = 1_767_268_800;

    #[test]
    fn both_kinds_of_lines_have_a_time_a_program_and_a_text() {
        let text = "\
Jan  1 12:30:00.250 node1 pacemaker-controld  [77] (log_executor_event@x.c:9) \tnotice: Result of promote operation for db on node1: ok
2026-01-01T11:30:01Z galera-rs(db)[78]: INFO: node1: Member
no line of a log
";
        let entries = read(text, clock(NEW_YEAR));
        let seen: Vec<_> = entries
            .iter()
            .map(|entry| {
                (
                    entry.at.unix_timestamp_nanos() / 1_000_000,
                    &*entry.by,
                    &*entry.text,
                )
            })
            .collect();
        let half_past = i128::from(NEW_YEAR - 1800) * 1000;
        assert_eq!(
            seen,
            [
                (
                    half_past + 250,
                    "pacemaker-controld",
                    "Result of promote operation for db on node1: ok"
                ),
                (half_past + 1000, "galera-rs(db)", "node1: Member"),
            ]
        );
    }

    #[test]
    fn a_line_of_december_read_in_january_is_of_last_year() {
        let line = "Dec 31 23:59:59 node1 pacemaker-fenced [7] (f) \twarning: x";
        let entries = read(line, clock(NEW_YEAR));
        assert_eq!(entries[0].at.year(), 2025);
    }
}
