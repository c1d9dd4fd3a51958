//! What has been seen, as lines of a terminal. Pure.

use super::event::{Event, Mood, mood};
use super::grid;
use super::line::{Ink, Line};
use super::snapshot::{Here, Snapshot};
use crate::ctl::health;
use crate::ctl::show;
use crate::ctl::status::{Status, TransferView};
use crate::ctl::text::{WIDTH, wrap};

/// How many events are shown where nobody says how high the terminal is.
const EVENTS: usize = 10;

/// Columns of a progress bar.
const BAR: usize = 40;

/// What is drawn.
#[derive(Debug)]
pub(super) struct Picture<'a> {
    /// The last look that succeeded.
    pub seen: &'a Snapshot,
    /// Why the last one did not.
    pub error: Option<&'a str>,
    /// Seconds between two looks.
    pub every: u64,
    /// The newest last.
    pub events: &'a [Event],
}

impl Picture<'_> {
    /// The lines; at most `height` of them.
    pub fn lines(&self, height: Option<usize>) -> Vec<Line> {
        let status = &self.seen.status;
        let mut lines = vec![self.title()];
        if let Some(error) = self.error {
            lines.extend(paragraph(Ink::Bad, "Not now   ", error));
        }
        lines.extend(cluster(status));
        lines.push(Line::default());
        lines.extend(grid::nodes(&status.nodes));
        lines.extend(below(status));
        if let Some(here) = &self.seen.here {
            lines.extend(server(here));
        }
        lines.push(Line::default());
        let room = height.map_or(EVENTS + 1, |height| height.saturating_sub(lines.len()));
        lines.extend(events(self.events, room));
        lines.truncate(height.unwrap_or(usize::MAX));
        lines
    }

    fn title(&self) -> Line {
        let status = &self.seen.status;
        let clone = status.clone.as_ref();
        let within = clone.map_or(String::new(), |clone| format!(" (clone {clone})"));
        let name = format!("{}{within}", status.resource);
        let when = format!("every {} s  {}", self.every, clock(self.seen.time));
        let room = WIDTH.saturating_sub(when.chars().count() + 2);
        let name = grid::cut(&name, room);
        Line::of(Ink::Title, &format!("{name:room$}  ")).with(Ink::Faint, &when)
    }
}

/// `23:59:59 UTC`
fn clock(time: time::OffsetDateTime) -> String {
    let (hour, minute, second) = time.to_hms();
    format!("{hour:02}:{minute:02}:{second:02} UTC")
}

fn cluster(status: &Status) -> Vec<Line> {
    let quorum = if status.quorate {
        Line::of(Ink::Plain, "Quorum    yes")
    } else {
        Line::of(Ink::Bad, "Quorum    NO")
    };
    let mut lines = vec![quorum];
    lines.extend(paragraph(
        Ink::Plain,
        "Epoch     ",
        &show::epoch(&status.epoch),
    ));
    if let Some(order) = &status.order {
        lines.extend(paragraph(Ink::Underway, "Order     ", &show::order(order)));
    }
    let ink = match mood(status.verdict.outcome) {
        Mood::Plain => Ink::Underway,
        mood @ (Mood::Good | Mood::Bad) => mood.into(),
    };
    lines.extend(paragraph(ink, "Verdict   ", &status.verdict.text));
    lines
}

/// What does not fit into the cells of the table.
fn below(status: &Status) -> Vec<Line> {
    let mut lines = Vec::new();
    for row in &status.nodes {
        if let Some(reason) = &row.reason {
            lines.extend(paragraph(
                Ink::Bad,
                "  ",
                &format!("{}: {reason}", row.name()),
            ));
        }
        if let Some(transfer) = &row.transfer {
            let text = format!("{}: {}", row.name(), transfer.text);
            lines.extend(paragraph(Ink::Underway, "  ", &text));
            lines.extend(bar(transfer));
        }
    }
    for missing in &status.missing {
        lines.extend(paragraph(Ink::Bad, "Missing   ", &show::absence(missing)));
    }
    for warning in &status.warnings {
        lines.extend(paragraph(Ink::Bad, "Warning   ", warning));
    }
    lines
}

/// `  [##########..............................]  25 %`, where it is known how much there will be.
fn bar(transfer: &TransferView) -> Option<Line> {
    let (bytes, size) = transfer.bytes.zip(transfer.bytes_expected)?;
    let percent = bytes.saturating_mul(100).checked_div(size)?.min(100);
    let done = usize::try_from(percent).ok()? * BAR / 100;
    let text = format!(
        "  [{}{}] {percent:3} %",
        "#".repeat(done),
        ".".repeat(BAR - done)
    );
    Some(Line::of(Ink::Underway, &text))
}

/// The server of the node that looks, with its queues.
fn server(here: &Here) -> Vec<Line> {
    let (word, reason) = here.health();
    let ink = match word {
        "well" => Ink::Good,
        "degraded" => Ink::Underway,
        _ => Ink::Bad,
    };
    let mut text = here
        .node()
        .map_or(String::new(), |node| format!("{node} is "));
    text += word;
    if let Some(reason) = reason {
        text += &format!(": {reason}");
    }
    let mut lines = paragraph(ink, "Here      ", &text);
    if let Some(status) = &here.0.status {
        let queues = format!(
            "{}; queues: {}",
            health::place(status),
            health::queues(status)
        );
        lines.extend(paragraph(Ink::Plain, "          ", &queues));
    }
    lines
}

/// The newest first, in so many lines with their heading.
fn events(events: &[Event], room: usize) -> Vec<Line> {
    let mut lines = vec![Line::of(Ink::Title, "Events")];
    if events.is_empty() {
        lines.push(Line::of(Ink::Faint, "none since the first look"));
    }
    for event in events.iter().rev() {
        let when = format!("{}  ", clock(event.time));
        lines.extend(paragraph(event.mood.into(), &when, &event.text));
    }
    lines.truncate(room);
    lines
}

/// Text under a heading, broken between words.
fn paragraph(ink: Ink, first: &str, text: &str) -> Vec<Line> {
    let indent = first.chars().count();
    let wrapped = wrap(first, text);
    let line = |line: &str| {
        let (head, rest) = line.split_at_checked(indent).unwrap_or((line, ""));
        Line::of(Ink::Plain, head).with(ink, rest)
    };
    wrapped.lines().map(line).collect()
}
