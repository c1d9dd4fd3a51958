//! The table of nodes, never wider than a terminal. Pure.

use super::line::{Ink, Line};
use crate::ctl::show;
use crate::ctl::status::Row;
use crate::ctl::text::WIDTH;

/// What separates columns.
const GAP: usize = 2;

/// A name or a position is not cut shorter than this.
const LEAST: usize = 9;

const HEADING: [&str; 7] = [
    "Node", "State", "Role", "Phase", "Position", "Score", "Fails",
];
const NODE: usize = 0;
const POSITION: usize = 4;

type Cells = [(Ink, String); HEADING.len()];

/// A heading and a line for each node.
pub(super) fn nodes(rows: &[Row]) -> Vec<Line> {
    let short = show::short_histories(rows);
    let heading = HEADING.map(|name| (Ink::Title, name.to_owned()));
    let mut table: Vec<Cells> = vec![heading];
    table.extend(rows.iter().map(|row| cells(row, short)));
    let widths = widths(&table);
    let line = |cells: &Cells| {
        let cells = cells.iter().zip(widths);
        cells
            .filter(|(_, width)| *width > 0)
            .fold(Line::default(), |line, ((ink, text), width)| {
                line.with(*ink, &format!("{:width$}", cut(text, width)))
                    .with(Ink::Plain, &" ".repeat(GAP))
            })
    };
    table.iter().map(line).collect()
}

fn cells(row: &Row, short: usize) -> Cells {
    let or_dash = |text: Option<&str>| text.unwrap_or("-").to_owned();
    let fails = if row.fail_count > 0 {
        Ink::Bad
    } else {
        Ink::Plain
    };
    [
        (Ink::Plain, row.name().to_owned()),
        (state(row.state), or_dash(row.state)),
        (role(row.role), or_dash(row.role)),
        (phase(row.phase), or_dash(row.phase)),
        (Ink::Plain, show::position(row, short)),
        (Ink::Plain, or_dash(row.score.as_deref())),
        (fails, row.fail_count.to_string()),
    ]
}

fn state(word: Option<&str>) -> Ink {
    match word {
        Some("online") => Ink::Good,
        Some("standby" | "maintenance" | "pending") => Ink::Underway,
        Some(_) => Ink::Bad,
        None => Ink::Faint,
    }
}

fn role(word: Option<&str>) -> Ink {
    match word {
        Some("Promoted") => Ink::Good,
        Some("Stopped") | None => Ink::Faint,
        Some(_) => Ink::Plain,
    }
}

fn phase(word: Option<&str>) -> Ink {
    match word {
        Some("Member") => Ink::Good,
        Some("Apart") => Ink::Bad,
        Some("Stopped") | None => Ink::Faint,
        Some(_) => Ink::Underway,
    }
}

/// How wide each column is; 0: it is left out. The longer of names and positions give way first, then the last columns.
fn widths(table: &[Cells]) -> [usize; HEADING.len()] {
    let mut widths = [0; HEADING.len()];
    for cells in table {
        for (width, (_, text)) in widths.iter_mut().zip(cells) {
            *width = text.chars().count().max(*width);
        }
    }
    for last in (POSITION + 1..HEADING.len()).rev() {
        let excess = excess(&widths);
        let spare = [NODE, POSITION].map(|column| widths[column].saturating_sub(LEAST));
        if excess <= spare.iter().sum() {
            break;
        }
        widths[last] = 0;
    }
    while excess(&widths) > 0 && widths[NODE].max(widths[POSITION]) > 1 {
        let longer = if widths[NODE] > widths[POSITION] {
            NODE
        } else {
            POSITION
        };
        widths[longer] -= 1;
    }
    widths
}

fn excess(widths: &[usize]) -> usize {
    let shown = widths.iter().filter(|width| **width > 0);
    let wide: usize = shown.map(|width| width + GAP).sum();
    wide.saturating_sub(WIDTH + GAP)
}

/// The text, or its beginning with a mark.
pub(super) fn cut(text: &str, room: usize) -> String {
    if text.chars().count() <= room {
        return text.to_owned();
    }
    let kept: String = text.chars().take(room.saturating_sub(2)).collect();
    kept + ".."
}
