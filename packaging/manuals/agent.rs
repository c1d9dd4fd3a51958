//! The manual page of an agent, in section 7 and in the form that administrators know from `ocf_heartbeat_*`(7).

use galera_rs::ocf::{ActionRow, Agent, Params as _, Row};
use roff::{Inline, Roff, bold, italic, roman};

/// The page's file name and text.
pub fn page<A: Agent>() -> (String, String) {
    let about = &A::ABOUT;
    let title = format!("ocf_galera-rs_{}", about.name);
    let mut page = Roff::new();
    page.control(
        "TH",
        [
            title.to_uppercase().as_str(),
            "7",
            "",
            about.version,
            "OCF resource agents",
        ],
    );
    page.control("SH", ["NAME"]);
    page.text([roman(format!("{title} - {}", about.shortdesc))]);
    page.control("SH", ["SYNOPSIS"]);
    page.text([
        bold(about.name),
        roman(" ["),
        roman(actions(about.actions)),
        roman("]"),
    ]);
    page.control("SH", ["DESCRIPTION"]);
    paragraphs(&mut page, about.longdesc);
    page.control("SH", ["SUPPORTED PARAMETERS"]);
    for row in A::Params::ROWS {
        parameter(&mut page, row);
    }
    page.control("SH", ["SUPPORTED ACTIONS"]);
    page.text([roman(
        "The values are what the agent suggests; the cluster uses what its configuration says.",
    )]);
    for row in about.actions {
        page.control("TP", []);
        page.text([bold(row.action.name())]);
        page.text([roman(suggestion(row))]);
    }
    example(&mut page, about.name, A::Params::ROWS, about.actions);
    page.control("SH", ["SEE ALSO"]);
    page.text([
        bold("galeractl"),
        roman("(8), "),
        bold(about.name),
        roman("(8), "),
        bold("crm_resource"),
        roman("(8), /usr/share/doc/galera-rs"),
    ]);
    (format!("{title}.7"), page.to_roff())
}

fn actions(rows: &[ActionRow]) -> String {
    let mut names: Vec<_> = rows.iter().map(|row| row.action.name()).collect();
    names.dedup();
    names.join(" | ")
}

fn parameter(page: &mut Roff, row: &Row) {
    page.control("TP", []);
    page.text([bold(row.name)]);
    let mut facts = vec![row.kind.name().to_owned()];
    match row.default {
        Some(default) => facts.push(format!("default {default:?}")),
        None if row.optional => facts.push("optional".to_owned()),
        None => facts.push("required".to_owned()),
    }
    if row.reloadable {
        facts.push("may be changed while it runs".to_owned());
    }
    page.text([
        roman(format!("{} (", row.short.trim())),
        italic(facts.join(", ")),
        roman(")"),
    ]);
    if !row.long.trim().is_empty() {
        page.control("IP", []);
        page.text(lines(row.long));
    }
}

/// What the agent advertises for an action.
pub fn suggestion(row: &ActionRow) -> String {
    let mut text = format!("timeout {} s", row.timeout_s);
    if let Some(interval) = row.interval_s {
        text += &format!(", interval {interval} s");
    }
    if let Some(role) = row.role {
        text += &format!(", role {role:?}");
    }
    if let Some(depth) = row.depth.filter(|depth| *depth > 0) {
        text += &format!(", OCF_CHECK_LEVEL {depth}");
    }
    text
}

/// A description in one line: `\n` in it is no more than where its source was wrapped.
fn lines(text: &str) -> Vec<Inline> {
    let words: Vec<_> = text.split_whitespace().collect();
    vec![roman(words.join(" "))]
}

fn paragraphs(page: &mut Roff, text: &str) {
    for paragraph in text.split("\n\n") {
        page.text(lines(paragraph));
        page.control("PP", []);
    }
}

fn example(page: &mut Roff, name: &str, parameters: &[Row], actions: &[ActionRow]) {
    let promotable = actions.iter().any(|row| row.action.name() == "promote");
    let clone = if promotable {
        "clone RESOURCE-clone RESOURCE meta promotable=true promoted-max=1 notify=true interleave=true\n"
    } else {
        ""
    };
    page.control("SH", ["EXAMPLES"]);
    page.text([roman(
        "Complete, commented configurations are in /usr/share/doc/galera-rs, below crm-examples and pcs-examples. The smallest, \
         for the crm shell:",
    )]);
    block(
        page,
        &format!(
            "primitive RESOURCE ocf:galera-rs:{name}{}\n{clone}",
            primitive(parameters, actions)
        ),
    );
    page.text([roman(
        "With pcs, which adds the suggested operations by itself:",
    )]);
    let clone = if promotable {
        " promotable promoted-max=1 notify=true interleave=true"
    } else {
        ""
    };
    block(
        page,
        &format!(
            "pcs resource create RESOURCE ocf:galera-rs:{name}{}{clone}\n",
            required(parameters)
        ),
    );
}

/// Parameters and operations as the crm shell wants them, one to a line.
fn primitive(parameters: &[Row], actions: &[ActionRow]) -> String {
    let given = required(parameters);
    let mut text = match given.is_empty() {
        true => String::new(),
        false => format!(" \\\n    params{given}"),
    };
    // Pacemaker runs these without an operation of their own, or not at all.
    let unused = ["validate-all", "meta-data", "reload-agent"];
    for row in actions
        .iter()
        .filter(|row| !unused.contains(&row.action.name()))
    {
        text += &format!(" \\\n    op {}", row.action.name());
        if let Some(interval) = row.interval_s {
            text += &format!(" interval={interval}s");
        }
        if let Some(role) = row.role {
            text += &format!(" role={role:?}");
        }
        text += &format!(" timeout={}s", row.timeout_s);
        if let Some(depth) = row.depth.filter(|depth| *depth > 0) {
            text += &format!(" OCF_CHECK_LEVEL={depth}");
        }
    }
    text
}

/// The parameters without which the agent refuses, each with a place for its value.
fn required(parameters: &[Row]) -> String {
    let rows = parameters.iter();
    let rows = rows.filter(|row| row.default.is_none() && !row.optional);
    rows.map(|row| format!(" {}={}", row.name, row.name.to_uppercase()))
        .collect()
}

fn block(page: &mut Roff, text: &str) {
    page.control("PP", []);
    page.control("nf", []);
    for line in text.lines() {
        page.text([roman(line)]);
    }
    page.control("fi", []);
    page.control("PP", []);
}
