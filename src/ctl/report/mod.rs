//! `galeractl report`: one page with the cluster drawn, its nodes, and the last failover by phases.
//!
//! | module | holds |
//! |---|---|
//! | `log`, `step` | lines of logs and operations of the CIB as things that happened |
//! | `story` | those of the last failover, and its phases |
//! | `page`, `picture`, `timeline`, `html` | all of it as one file |
//! | `logs` | reading the logs |
//!
//! Only `logs` and the functions here do anything.

mod html;
mod log;
mod logs;
mod page;
mod picture;
mod step;
mod story;
#[cfg(test)]
mod tests;
mod timeline;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::PathBuf;

use time::OffsetDateTime;

use self::log::Clock;
use self::step::Step;
use self::story::Failover;
use super::error::Error;
use super::scene::{self, Scene};
use super::status::{Row, Status};
use super::{check, cli, status};
use crate::cib::{Cib, Role};

/// The virtual addresses on each node.
type Addresses = BTreeMap<String, Vec<String>>;

/// A source, and what it gave or why it gave nothing.
#[derive(Debug)]
struct Looked {
    name: String,
    found: Result<String, String>,
}

/// What a page tells.
#[derive(Debug)]
struct Content<'a> {
    made: OffsetDateTime,
    status: &'a Status,
    addresses: &'a Addresses,
    failover: Option<&'a Failover>,
    sources: &'a [Looked],
}

/// Writes the page to the file, or to `out`.
///
/// # Errors
/// When there is no CIB, or the page cannot be written. A log that cannot be read is named on the page.
pub(super) fn report(words: &cli::Report, out: &mut dyn Write) -> Result<(), Error> {
    let clock = logs::clock();
    let cib = scene::cib(words.cib.as_deref())?;
    let mut scene = Scene::of(cib, words.resource.as_deref())?;
    if words.cib.is_none() {
        super::look_beyond(&mut scene);
    }
    let page = page_of(&scene, words, clock);
    match &words.output {
        None => out.write_all(page.as_bytes())?,
        Some(path) => fs::write(path, page).map_err(|error| Error::Output {
            path: path.clone(),
            error,
        })?,
    }
    Ok(())
}

fn page_of(scene: &Scene, words: &cli::Report, clock: Clock) -> String {
    let (steps, sources) = steps(scene, words, clock);
    let failover = story::last(steps);
    page::draw(&Content {
        made: clock.now,
        status: &status::of(scene),
        addresses: &addresses(&scene.cib),
        failover: failover.as_ref(),
        sources: &sources,
    })
}

/// Everything that happened, and where that was read.
fn steps(scene: &Scene, words: &cli::Report, clock: Clock) -> (Vec<Step>, Vec<Looked>) {
    let mut steps = step::of_cib(&scene.cib, &scene.resource);
    let mut sources = vec![Looked {
        name: words.cib.as_ref().map_or_else(
            || "CIB of the running cluster".to_owned(),
            |path| format!("CIB {}", path.display()),
        ),
        found: Ok(format!("{} operations of {}", steps.len(), scene.resource)),
    }];
    let mut paths: Vec<PathBuf> = words.log.clone();
    if paths.is_empty() && words.cib.is_none() {
        paths.push(logs::usual());
    }
    if paths.is_empty() {
        let why = "none is named, and a saved CIB may be of another machine; --log FILE names one";
        sources.push(Looked {
            name: "Pacemaker's log".to_owned(),
            found: Err(why.to_owned()),
        });
    }
    for path in paths {
        let (entries, looked) = logs::read(&path, clock);
        let seen = entries
            .iter()
            .filter_map(|entry| step::of_entry(entry, &scene.resource));
        steps.extend(seen);
        sources.push(looked);
    }
    (steps, sources)
}

fn addresses(cib: &Cib) -> Addresses {
    let mut held = Addresses::new();
    for resource in cib.resources() {
        let ips: Vec<String> = check::addresses_of(resource)
            .iter()
            .map(ToString::to_string)
            .collect();
        for node in cib
            .nodes()
            .filter(|node| cib.role(&resource.id, &node.uname) >= Role::Started)
        {
            held.entry(node.uname.to_string())
                .or_default()
                .extend(ips.clone());
        }
    }
    held
}

/// The class of a node's colour.
fn tone(row: &Row) -> &'static str {
    match (row.state, row.phase) {
        (Some("offline" | "unclean"), _) | (_, Some("Apart")) => "bad",
        (_, Some("Member")) => "good",
        (_, Some("Stopped") | None) => "faint",
        (_, Some(_)) => "underway",
    }
}
