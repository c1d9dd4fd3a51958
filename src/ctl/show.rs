//! What the verbs tell, as text of 80 columns. Pure.

use std::collections::BTreeSet;

use super::advice::Step;
use super::check::{Report, Severity};
use super::explain::Explanation;
use super::status::{EpochView, Missing, Row, Status};
use super::text::{WIDTH, bullets, table, width, wrap};
use crate::galera::ballot::Force;

/// The answer of `status`.
pub(super) fn status(status: &Status) -> String {
    let clone = status.clone.as_ref();
    let within = clone.map_or(String::new(), |clone| format!(" (clone {clone})"));
    let quorum = if status.quorate { "yes" } else { "NO" };
    let mut text = wrap("Resource  ", &format!("{}{within}", status.resource));
    text += &wrap("Quorum    ", quorum);
    text += &wrap("Epoch     ", &epoch(&status.epoch));
    if let Some(given) = &status.order {
        text += &wrap("Order     ", &order(given));
    }
    text += &format!("\n{}\n", nodes(&status.nodes));
    for missing in &status.missing {
        text += &wrap("Missing   ", &absence(missing));
    }
    text += &warnings(&status.warnings);
    text + &wrap("Verdict   ", &status.verdict.text)
}

/// The answer of `explain`.
pub(super) fn explanation(explanation: &Explanation) -> String {
    let (verdict, rule) = (&explanation.verdict, &explanation.rule);
    let mut text = wrap("Verdict  ", &verdict.text);
    text += &wrap("Rule     ", &format!("{}. {}", rule.title, rule.words));
    text += "Facts\n";
    let widest = explanation
        .facts
        .iter()
        .map(|fact| fact.subject.chars().count());
    let column = widest.max().unwrap_or(0);
    for fact in &explanation.facts {
        text += &wrap(&format!("  {:column$}  ", fact.subject), &fact.text);
    }
    text += &warnings(&explanation.warnings);
    if explanation.next.is_empty() {
        return text + "Next     nothing to do\n";
    }
    text += "Next\n";
    explanation
        .next
        .iter()
        .fold(text, |text, next| text + &step(next))
}

/// The answer of `check`.
pub(super) fn check(report: &Report) -> String {
    let mut text = String::new();
    for finding in &report.findings {
        let word = finding.severity.word();
        text += &wrap(
            &format!("{word:7}  "),
            &format!("{}: {}", finding.subject, finding.text),
        );
        text += &wrap("         ", &format!("{}.", finding.reason));
        text += &wrap("         Remedy: ", &finding.remedy);
        text.push('\n');
    }
    text += &warnings(&report.warnings);
    if !report.server {
        text += &wrap(
            "Note      ",
            "a saved CIB says nothing of the nodes' own files",
        );
    }
    let count = |severity| {
        report
            .findings
            .iter()
            .filter(|one| one.severity == severity)
            .count()
    };
    let (dangers, doubts) = (count(Severity::Danger), count(Severity::Warning));
    let hints = count(Severity::Hint);
    text + &wrap(
        "Verdict   ",
        &format!("dangers: {dangers}, warnings: {doubts}, hints: {hints}"),
    )
}

fn step(step: &Step) -> String {
    let mut text = wrap("  - ", &step.what);
    if let Some(command) = &step.command {
        text += &format!("      {command}\n");
    }
    for loss in &step.losses {
        text += &wrap("    gives up: ", loss);
    }
    text
}

fn warnings(warnings: &[String]) -> String {
    warnings
        .iter()
        .map(|warning| wrap("Warning   ", warning))
        .collect()
}

/// An epoch in a sentence.
pub(super) fn epoch(epoch: &EpochView) -> String {
    if epoch.number == 0 {
        return "none: this cluster was never started by the agent".into();
    }
    let by = epoch.opened_by.as_deref().unwrap_or("an unknown node");
    let at = epoch.position.as_deref().unwrap_or("a new history");
    let mut text = format!("{}, opened by {by} at {at}", epoch.number);
    for forced in &epoch.forced {
        text += &format!(
            "; epoch {} was forced, giving up what was beyond seqno {}",
            forced.epoch, forced.seqno
        );
    }
    text
}

/// An order in a sentence.
pub(super) fn order(order: &Force) -> String {
    let position = order.position.as_ref().map(ToString::to_string);
    let position = position.unwrap_or_else(|| "a directory without a history".into());
    format!(
        "start from {} at {position}, given in epoch {}",
        order.elector, order.epoch
    )
}

/// Who has not reported, and why, in a sentence.
pub(super) fn absence(missing: &Missing) -> String {
    let mut text = format!("{}: {}", missing.elector, missing.why);
    if let Some(since) = &missing.since {
        text += &format!(", since {since}");
    }
    text
}

/// The table where it fits, else a paragraph for each node; then what does not fit into cells.
fn nodes(rows: &[Row]) -> String {
    let short = short_histories(rows);
    let same = rows
        .iter()
        .all(|row| row.elector.is_none() || row.elector == row.node);
    let mut lines = vec![heading(!same)];
    lines.extend(rows.iter().map(|row| cells(row, !same, short)));
    let mut text = table(&lines);
    if width(&text) > WIDTH {
        let head = heading(true);
        text = rows.iter().map(|row| paragraph(&head, row)).collect();
    }
    for history in rows
        .iter()
        .filter_map(|row| row.history.as_ref())
        .collect::<BTreeSet<_>>()
    {
        text += &format!("History {} is {history}\n", cut(history, short));
    }
    for row in rows {
        if let Some(reason) = &row.reason {
            text += &wrap("", &format!("{}: {reason}", row.name()));
        }
        if let Some(transfer) = &row.transfer {
            text += &wrap("", &format!("{}: {}", row.name(), transfer.text));
        }
    }
    text
}

fn heading(with_elector: bool) -> Vec<String> {
    let all = [
        "Node", "Galera", "State", "Role", "Phase", "Position", "Epoch", "Score", "Fails",
    ];
    let shown = all
        .into_iter()
        .filter(|name| with_elector || *name != "Galera");
    shown.map(str::to_owned).collect()
}

fn cells(row: &Row, with_elector: bool, short: usize) -> Vec<String> {
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".into());
    let owned = |text: Option<&'static str>| or_dash(text.map(str::to_owned));
    let mut cells = vec![or_dash(row.node.clone())];
    if with_elector {
        cells.push(or_dash(row.elector.clone()));
    }
    cells.extend([
        owned(row.state),
        owned(row.role),
        owned(row.phase),
        position(row, short),
        or_dash(row.epoch.map(|epoch| epoch.to_string())),
        or_dash(row.score.clone()),
        row.fail_count.to_string(),
    ]);
    cells
}

/// The history cut short with the seqno; a member's seqno is not published.
pub(super) fn position(row: &Row, short: usize) -> String {
    match (&row.position, &row.history, row.data) {
        (Some(position), Some(history), _) => {
            let seqno = position.get(history.len()..).unwrap_or_default();
            format!("{}{seqno}", cut(history, short))
        }
        (None, Some(history), _) => cut(history, short).to_owned(),
        (_, None, Some(word)) => word.to_owned(),
        (_, None, None) => "-".to_owned(),
    }
}

fn paragraph(head: &[String], row: &Row) -> String {
    let cells = cells(row, true, usize::MAX);
    let facts = head.iter().zip(&cells).skip(1);
    let facts = facts.map(|(name, cell)| format!("{} {cell}", name.to_lowercase()));
    let facts = facts.collect::<Vec<_>>().join(", ");
    format!("{}\n{}", row.name(), wrap("  ", &facts))
}

/// How many characters tell the histories apart; at least eight.
pub(super) fn short_histories(rows: &[Row]) -> usize {
    let all: BTreeSet<_> = rows.iter().filter_map(|row| row.history.as_ref()).collect();
    let distinct = |length: &usize| {
        let cut: BTreeSet<_> = all.iter().map(|history| cut(history, *length)).collect();
        cut.len() == all.len()
    };
    (8..36).find(distinct).unwrap_or(36)
}

fn cut(history: &str, length: usize) -> &str {
    history.get(..length).unwrap_or(history)
}

/// What would be lost, or that nothing would.
pub(super) fn losses(losses: &[String]) -> String {
    if losses.is_empty() {
        return "Nothing that is known of is given up.\n".into();
    }
    format!("This gives up:\n{}\n", bullets(losses))
}
