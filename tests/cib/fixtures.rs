//! The captured CIBs, and the programs to compare with.

use std::path::PathBuf;
use std::process::Command;

use galera_rs::cib::Cib;

/// Every fixture, by name.
pub fn all() -> Vec<(String, PathBuf)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/cib");
    let files = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut all: Vec<_> = files
        .filter(|path| path.extension().is_some_and(|extension| extension == "xml"))
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), path))
        .collect();
    all.sort();
    assert!(all.len() > 20, "the fixtures are missing");
    all
}

/// The text of a fixture.
pub fn text(name: &str) -> String {
    let path = format!(
        "{}/tests/fixtures/cib/{name}.xml",
        env!("CARGO_MANIFEST_DIR")
    );
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A fixture, read.
pub fn cib(name: &str) -> Cib {
    Cib::parse(text(name).as_bytes()).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// A program of this machine; where it is missing, says so, and fails when `REQUIRE_REAL` is set.
#[allow(
    clippy::disallowed_methods,
    reason = "a test compares with real programs"
)]
pub fn program(name: &str) -> Option<Command> {
    if Command::new(name).arg("--version").output().is_ok() {
        return Some(Command::new(name));
    }
    assert!(
        std::env::var_os("REQUIRE_REAL").is_none(),
        "{name} is not installed"
    );
    eprintln!("SKIPPED: {name} is not installed");
    None
}
