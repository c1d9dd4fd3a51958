//! The cluster drawn: a box for each node, those of the primary component on one ground. Pure.

use std::fmt::Write as _;

use super::html::plain;
use super::{Addresses, tone};
use crate::ctl::show;
use crate::ctl::status::{Row, Status};

const WIDTH: usize = 250;
const HEIGHT: usize = 126;
const GAP: usize = 22;
const IN_A_ROW: usize = 3;

/// How many letters a line of a box holds.
const LETTERS: usize = 30;

/// An inline SVG.
pub(super) fn draw(status: &Status, addresses: &Addresses) -> String {
    let rows = &status.nodes;
    let columns = rows.len().clamp(1, IN_A_ROW);
    let lines = rows.len().div_ceil(IN_A_ROW).max(1);
    let (wide, high) = (columns * (WIDTH + GAP) + GAP, lines * (HEIGHT + GAP) + GAP);
    let short = show::short_histories(rows);
    let mut svg = format!(
        "<svg viewBox=\"0 0 {wide} {high}\" style=\"max-width:{wide}px\" role=\"img\" aria-label=\"The nodes of the cluster\">\n"
    );
    for (place, row) in rows.iter().enumerate() {
        let x = GAP + place % IN_A_ROW * (WIDTH + GAP);
        let y = GAP + place / IN_A_ROW * (HEIGHT + GAP);
        if row.phase == Some("Member") {
            ground(&mut svg, x, y);
        }
        node(&mut svg, (x, y), row, &words(row, short, addresses));
    }
    svg + "</svg>\n"
}

/// Grounds of neighbours touch.
fn ground(svg: &mut String, x: usize, y: usize) {
    let margin = GAP / 2;
    let _ = writeln!(
        svg,
        "<rect class=\"ground\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/>",
        x - margin,
        y - margin,
        WIDTH + GAP,
        HEIGHT + GAP
    );
}

/// What stands in a box below the name.
fn words(row: &Row, short: usize, addresses: &Addresses) -> Vec<String> {
    let word = |word: Option<&'static str>| word.unwrap_or("-");
    let mut words = vec![
        format!("{}, {}", word(row.state), word(row.role)),
        format!("{}  {}", word(row.phase), show::position(row, short)),
    ];
    if row.elector.is_some() && row.elector != row.node {
        words.push(format!("Galera: {}", row.elector.as_deref().unwrap_or("-")));
    }
    let held = row.node.as_ref().and_then(|node| addresses.get(node));
    if let Some(held) = held.filter(|held| !held.is_empty()) {
        words.push(format!("holds {}", held.join(", ")));
    }
    words
}

fn node(svg: &mut String, (x, y): (usize, usize), row: &Row, words: &[String]) {
    let class = if row.role == Some("Promoted") {
        "box promoted"
    } else {
        "box"
    };
    let _ = writeln!(
        svg,
        "<g><title>{}</title><rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" rx=\"8\"/>\
         <circle class=\"{}\" cx=\"{}\" cy=\"{}\" r=\"6\"/>",
        plain(row.name()),
        tone(row),
        x + 20,
        y + 24
    );
    let _ = writeln!(
        svg,
        "<text class=\"name\" x=\"{}\" y=\"{}\">{}</text>",
        x + 34,
        y + 29,
        cut(row.name(), LETTERS - 6)
    );
    for (line, text) in words.iter().enumerate() {
        let _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"{}\">{}</text>",
            x + 16,
            y + 55 + line * 21,
            cut(text, LETTERS)
        );
    }
    svg.push_str("</g>\n");
}

/// Escaped, and no longer than there is room for.
fn cut(text: &str, room: usize) -> String {
    if text.chars().count() <= room {
        return plain(text);
    }
    let kept: String = text.chars().take(room - 1).collect();
    plain(&(kept + "\u{2026}"))
}
