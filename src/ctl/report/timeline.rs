//! The last failover as a chart and a table. Pure.

use time::{Duration, OffsetDateTime};

use super::html::{element, heading, plain, row};
use super::step::{Kind, Source, Step};
use super::story::{Failover, Phase};

/// The section below the heading.
pub(super) fn draw(failover: Option<&Failover>) -> String {
    let Some(failover) = failover else {
        return element(
            "p",
            "",
            "No promotion is on record: no failover can be told of.",
        );
    };
    let mut text = element("p", "", &summary(failover));
    text.push_str("<div class=\"chart\">\n");
    for phase in &failover.phases {
        text += &bar(phase, &failover.phases);
    }
    text.push_str("</div>\n<div class=\"wide\"><table>");
    text += &heading(&["after", "time (UTC)", "what", "from"]);
    text.push_str("<tbody>\n");
    let start = failover.steps.first().map(|step| step.at);
    for step in &failover.steps {
        text += &line(step, start.unwrap_or(step.at));
    }
    text + "</tbody></table></div>\n"
}

/// What happened, in sentences.
fn summary(failover: &Failover) -> String {
    let whole = failover.phases.iter().map(Phase::took).sum::<Duration>();
    let why = match &failover.cause {
        Some(cause) => format!("It began with: {}.", cause.text),
        None => "No crash is on record: the role was moved, or first taken.".to_owned(),
    };
    format!(
        "{why} Promoted since: {}. From the first to the last phase: {}.",
        failover.heir,
        seconds(whole)
    )
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_seconds_f64())
}

/// A bar where the phase is in the whole, with its seconds.
fn bar(phase: &Phase, all: &[Phase]) -> String {
    let start = all.first().map_or(phase.from, |first| first.from);
    let end = all.last().map_or(phase.to, |last| last.to);
    let whole = (end - start).as_seconds_f64().max(0.001);
    let percent = |time: Duration| (time.as_seconds_f64() / whole * 100.0).clamp(0.0, 100.0);
    format!(
        "<div class=\"label\">{}</div><div class=\"track\"><div class=\"bar\" style=\"margin-left:{:.2}%;width:{:.2}%\"></div></div>\
         <div class=\"number\">{}</div>\n",
        plain(&phase.name),
        percent(phase.from - start).min(99.0),
        percent(phase.took()).max(1.0),
        seconds(phase.took())
    )
}

fn line(step: &Step, start: OffsetDateTime) -> String {
    let after = format!("{:.1}", (step.at - start).as_seconds_f64());
    let from = match step.source {
        Source::Cluster => "Pacemaker's log",
        Source::Agent => "the agent's log",
        Source::Cib => "CIB, about",
    };
    let class = match step.kind {
        Kind::Lost | Kind::Died | Kind::Failed => "bad",
        Kind::Member | Kind::Done(_) | Kind::Fenced => "good",
        Kind::Fencing | Kind::Evicting | Kind::Elected | Kind::Begins(_) | Kind::Phase => "",
    };
    row(&[
        ("number", &format!("{after} s")),
        ("time", &clock(step.at)),
        (class, &step.text),
        ("faint time", from),
    ])
}

/// `2026-01-31 23:59:59.123`
pub(super) fn clock(at: OffsetDateTime) -> String {
    let at = at.to_offset(time::UtcOffset::UTC);
    let (hour, minute, second, milli) = at.to_hms_milli();
    format!("{} {hour:02}:{minute:02}:{second:02}.{milli:03}", at.date())
}
