//! The commands that the documents tell people to give.

use std::fs;
use std::path::{Path, PathBuf};

use clap::error::ErrorKind;
use galera_rs::galera::Galera;
use galera_rs::maxscale::MaxScaleAgent;
use galera_rs::vip::Vip;
use galera_rs::{ctl, ocf};

use crate::{available, bare, run};

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

const SERVER: &str = "/usr/sbin/mariadbd";

/// The blocks of option files.
fn option_files(text: &str) -> impl Iterator<Item = &str> {
    let blocks = text.split("```ini\n").skip(1);
    blocks.filter_map(|block| block.split(FENCE).next())
}

/// What the server takes for an option after it has read its help, where `-` stands for `_`.
fn value<'a>(help: &'a str, option: &str) -> Option<&'a str> {
    let name = option.replace('_', "-");
    let (_, values) = help.split_once("\n--------")?;
    let row = values.lines().find_map(|line| line.strip_prefix(&*name));
    row.filter(|rest| rest.starts_with(' ')).map(str::trim)
}

#[test]
fn every_option_file_of_the_documents_is_one_that_the_server_takes_as_it_is_written() {
    if !available(Path::new(SERVER).exists(), SERVER) {
        return;
    }
    let mut options = 0;
    for document in documents() {
        for block in option_files(&fs::read_to_string(&document).unwrap()) {
            let file = tempfile::NamedTempFile::new().unwrap();
            fs::write(file.path(), block).unwrap();
            let mut server = bare(SERVER);
            server.arg(format!("--defaults-file={}", file.path().display()));
            let answer = run(server.args(["--user=root", "--verbose", "--help"]));
            let shown = format!("{}: {block}{}", document.display(), answer.stderr);
            assert_eq!(answer.code, Some(0), "{shown}");
            for line in block.lines().filter(|line| line.contains('=')) {
                let (name, wanted) = line.split_once('=').unwrap();
                let taken = value(&answer.stdout, name);
                let switch = |value| if value == "ON" { "TRUE" } else { value };
                assert_eq!(taken, Some(switch(wanted)), "{name} in {shown}");
                options += 1;
            }
        }
    }
    assert!(options >= 6, "only {options} options were found");
}
