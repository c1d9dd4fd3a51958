//! The commands that the documents tell people to give.

use std::fs;
use std::path::{Path, PathBuf};

use clap::error::ErrorKind;
use galera_rs::galera::Galera;
use galera_rs::maxscale::MaxScaleAgent;
use galera_rs::vip::Vip;
use galera_rs::{ctl, ocf};

const FENCE: &str = "```";

fn documents() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let docs = fs::read_dir(root.join("docs")).unwrap();
    let docs = docs.map(|entry| entry.unwrap().path());
    let mut found: Vec<_> = docs
        .filter(|path| path.extension().is_some_and(|end| end == "md"))
        .collect();
    found.extend(["README.md", "CHANGELOG.md"].map(|name| root.join(name)));
    found
}

/// The lines of code blocks, and what stands between backticks in a text.
fn code(text: &str) -> Vec<String> {
    let parts = text.split(FENCE).enumerate();
    let each = parts.flat_map(|(place, part)| match place % 2 {
        0 => part
            .split('`')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect(),
        _ => part.lines().map(str::to_owned).collect::<Vec<_>>(),
    });
    each.collect()
}

/// The command line of that program; `None` when it is not ours.
fn parser(program: &str) -> Option<clap::Command> {
    match program {
        "galeractl" => Some(ctl::command()),
        "galera-rs" => Some(ocf::command::<Galera>()),
        "maxscale-rs" => Some(ocf::command::<MaxScaleAgent>()),
        "vip-rs" => Some(ocf::command::<Vip>()),
        _ => None,
    }
}

#[test]
fn every_command_of_the_documents_is_one_that_the_programs_take() {
    let mut tried = 0;
    for document in documents() {
        for line in code(&fs::read_to_string(&document).unwrap()) {
            let command = line.split('#').next().unwrap_or_default();
            // What may be left out is given.
            let command = command.replace(['[', ']'], " ");
            let words: Vec<_> = command.split_whitespace().collect();
            let Some(parser) = words.first().and_then(|word| parser(word)) else {
                continue;
            };
            if words.len() < 2 {
                continue; // the name of the program
            }
            tried += 1;
            if let Err(error) = parser.try_get_matches_from(&words) {
                // A text may name a verb without what it needs.
                let named = words.len() == 2 && error.kind() == ErrorKind::MissingRequiredArgument;
                assert!(named, "{}: {line}: {error}", document.display());
            }
        }
    }
    assert!(tried >= 30, "only {tried} commands were found");
}
