//! `docs/reference.md`: parameters and actions of every agent in tables.

use galera_rs::galera::Galera;
use galera_rs::maxscale::MaxScaleAgent;
use galera_rs::ocf::{ActionRow, Agent, Params as _, Row};
use galera_rs::vip::Vip;

use crate::agent::suggestion;

/// The whole page.
pub fn page() -> String {
    let head = "# Reference\n\nEvery parameter and action of the agents, printed from their declarations by `make reference`. On a node:\n\
                `man ocf_galera-rs_galera-rs`, `crm ra info ocf:galera-rs:galera-rs`, `pcs resource describe ocf:galera-rs:galera-rs`.\n";
    [
        head.to_owned(),
        section::<Galera>(),
        section::<Vip>(),
        section::<MaxScaleAgent>(),
    ]
    .join("\n")
}

fn section<A: Agent>() -> String {
    let about = &A::ABOUT;
    let mut text = format!(
        "## ocf:galera-rs:{}\n\n{}\n\n| parameter | type, default | |\n|---|---|---|\n",
        about.name,
        about.longdesc.trim()
    );
    text.extend(A::Params::ROWS.iter().map(parameter));
    text += "\nR: a change takes effect without a restart (`reload-agent`).\n\n| action | suggested |\n|---|---|\n";
    text.extend(about.actions.iter().map(action));
    text
}

fn parameter(row: &Row) -> String {
    let default = match row.default {
        Some(default) => format!(", `{default}`"),
        None if row.optional => String::new(),
        None => ", required".to_owned(),
    };
    let reloadable = if row.reloadable { ", R" } else { "" };
    let long: Vec<_> = row.long.split_whitespace().collect();
    let text = format!("{}. {}", row.short.trim(), long.join(" "));
    let text = text.trim_end().replace('|', "\\|");
    format!(
        "| `{}` | {}{default}{reloadable} | {text} |\n",
        row.name,
        row.kind.name()
    )
}

fn action(row: &ActionRow) -> String {
    format!("| `{}` | {} |\n", row.action.name(), suggestion(row))
}
