//! The command `galeractl`: what the agent sees and decides, for people, and the one order that they can give it.
//!
//! | module | holds |
//! |---|---|
//! | `cli` | the words of the command line |
//! | `scene` | one look: a CIB, a resource of it, the agent's own outlook |
//! | `judgement` | the verdict of this moment in one sentence |
//! | `status`, `explain` | what the two verbs tell, as data (the shape of `--json`) |
//! | `report` | one page with the cluster drawn and the last failover |
//! | `rule`, `stand`, `losses`, `advice` | the parts of an explanation |
//! | `check` | what in the configuration will hurt |
//! | `health` | how this node's server is |
//! | `watch` | `status` again and again, with what has changed |
//! | `order`, `bootstrap` | whether an order may be given, and giving it |
//! | `show`, `text` | data to text of 80 columns |
//!
//! Everything but `cli`, `bootstrap`, the looks of `check`, `health`, `report` and `watch` and the functions here is pure.

mod advice;
mod bootstrap;
mod check;
mod cli;
mod error;
mod explain;
mod health;
mod in_use;
mod judgement;
mod losses;
mod order;
mod report;
mod rule;
mod scene;
mod show;
mod stand;
mod status;
#[cfg(test)]
mod tests;
mod text;
mod warnings;
mod watch;

use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use clap::CommandFactory as _;
use serde::Serialize;

use self::check::Severity;
use self::cli::{Cli, Verb, View};
use self::error::Error;
use self::scene::Scene;
use crate::galera::copy;

/// The command line cannot be used.
const USAGE: u8 = 2;

/// `check` has found something that will hurt; `in-use`, a resource that needs the agents.
const WARNED: u8 = 3;

/// `check` has found a danger to data or to the whole service.
const ENDANGERED: u8 = 4;

/// The whole command.
#[must_use]
pub fn main() -> ExitCode {
    warnings::start();
    let words: Vec<String> = crate::ocf::env::arguments();
    let cli = match Cli::of(&words) {
        Ok(cli) => cli,
        Err(usage) => return explain_usage(&usage, &words),
    };
    match run(&cli, &mut io::stdout()) {
        Ok(code) => code,
        // Whoever read our answer has seen enough of it.
        Err(Error::Write(error)) if error.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "galeractl: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Prints why the words cannot be used, or the help that was asked for. A monitoring system hears it as it hears everything: on
/// standard output, and as UNKNOWN; its CRITICAL has the number of wrong usage.
fn explain_usage(usage: &clap::Error, words: &[String]) -> ExitCode {
    let _ = usage.print();
    if !usage.use_stderr() {
        return ExitCode::SUCCESS;
    }
    if !(words.iter().any(|word| word == "health") && words.iter().any(|word| word == "--nagios")) {
        return USAGE.into();
    }
    let answer = health::wrong_usage(usage);
    let _ = io::stdout().write_all(answer.text.as_bytes());
    answer.code.into()
}

/// The command line; manual pages and completions are made from it.
#[must_use]
pub fn command() -> clap::Command {
    Cli::command()
}

/// Does what the words say; everything for people goes to `out`.
fn run(cli: &Cli, out: &mut dyn Write) -> Result<ExitCode, Error> {
    match &cli.verb {
        Verb::Check(view) => {
            let report = check::of(view.resource.as_deref(), view.cib.as_deref())?;
            tell(out, view, &report, || show::check(&report))?;
            return Ok(match report.worst() {
                Some(Severity::Danger) => ENDANGERED.into(),
                Some(Severity::Warning) => WARNED.into(),
                Some(Severity::Hint) | None => ExitCode::SUCCESS,
            });
        }
        Verb::Status(cli::Status {
            view,
            watch: Some(seconds),
        }) => watch::watch(view, *seconds, out)?,
        Verb::Status(cli::Status { view, watch: None }) => {
            let mut scene = look(view)?;
            if view.cib.is_none() {
                look_beyond(&mut scene);
            }
            let status = status::of(&scene);
            tell(out, view, &status, || show::status(&status))?;
        }
        Verb::Explain(view) => {
            let explanation = explain::of(&look(view)?);
            tell(out, view, &explanation, || show::explanation(&explanation))?;
        }
        Verb::Report(words) => report::report(words, out)?,
        Verb::Health(words) => {
            let answer = health::health(words)?;
            out.write_all(answer.text.as_bytes())?;
            return Ok(answer.code.into());
        }
        Verb::Serve(words) => health::serve(words)?,
        Verb::InUse => {
            let found = in_use::look()?;
            writeln!(out, "{found}")?;
            return Ok(if found.resources.is_empty() {
                ExitCode::SUCCESS
            } else {
                WARNED.into()
            });
        }
        Verb::Bootstrap(words) => bootstrap::run(words, out)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn look(view: &View) -> Result<Scene, Error> {
    let cib = scene::cib(view.cib.as_deref())?;
    Scene::of(cib, view.resource.as_deref())
}

/// State transfers, and how large they will be.
fn look_beyond(scene: &mut Scene) {
    scene.look_at_transfers();
    if scene.receives() {
        let server = scene.look_here().ok().and_then(|pulse| pulse.status);
        scene.copy_size = server.and_then(|server| copy::size(&scene.resource, &server));
    }
}

fn tell(
    out: &mut dyn Write,
    view: &View,
    data: &impl Serialize,
    text: impl FnOnce() -> String,
) -> Result<(), Error> {
    if view.json {
        serde_json::to_writer_pretty(&mut *out, data).map_err(io::Error::from)?;
        writeln!(out)?;
    } else {
        out.write_all(text().as_bytes())?;
    }
    Ok(())
}
