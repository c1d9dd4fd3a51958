//! The programs as the cluster and people run them, on a machine without a cluster.
//!
//! | file | claims |
//! |---|---|
//! | `answers` | (environment, action) -> (exit code, reason) of the agent |
//! | `checking` | `galeractl check`: exit codes, keys, the faults of a node's own files |
//! | `description` | the meta-data: everywhere, for everybody, as reviewed |
//! | `directory` | users and hosts that only a directory service knows |
//! | `documents` | the commands that the documents tell people to give |
//! | `galeractl` | the command for people: usage, exit codes, saved CIBs |
//! | `installed` | the layout that `make install` makes; static programs in an empty root |
//! | `logging` | system log, file and standard error, as the cluster says |
//! | `pages` | the pages of `docs/`: found from the README, no link leads nowhere, each failure names its test |
//! | `peer` | what happened to users of the other agent: the table of proofs |
//! | `reasons` | every exit reason has an entry in `docs/reasons.md` |
//! | `removal` | the scripts of packages that are removed |
//! | `reporting` | `galeractl report`, opened by a browser |
//! | `serving` | `galeractl serve` beside broken and hostile clients |
//! | `tester` | `ocf-tester`, which knows no cluster |
//! | `watching` | `galeractl status --watch` on a terminal and on paper |
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    clippy::wildcard_enum_match_arm,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and starts the programs it tests"
)]

mod answers;
mod checking;
mod description;
mod directory;
mod documents;
mod galeractl;
mod installed;
mod logging;
mod pages;
mod peer;
mod reasons;
mod removal;
mod reporting;
mod serving;
mod tester;
mod watching;

use std::path::Path;
use std::time::Duration;

use assert_cmd::Command;

const AGENT: &str = env!("CARGO_BIN_EXE_galera-rs");
const VIP: &str = env!("CARGO_BIN_EXE_vip-rs");
const MAXSCALE: &str = env!("CARGO_BIN_EXE_maxscale-rs");
const GALERACTL: &str = env!("CARGO_BIN_EXE_galeractl");

/// A program with an empty environment and ten seconds to live.
fn bare(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env_clear().timeout(Duration::from_secs(10));
    command
}

/// Long enough to copy all programs of a debug build on a machine that is busy.
const COPY: Duration = Duration::from_secs(120);

/// Puts a program there, written by another process: a child that another test starts in that moment would keep a file open
/// that we write, and then the program cannot be started ("Text file busy").
fn copy_program(from: impl AsRef<Path>, to: &Path) {
    installer(from.as_ref(), to).assert().success();
}

/// The same with this text.
fn write_program(text: &str, to: &Path) {
    let mut install = installer(Path::new("/dev/stdin"), to);
    install.write_stdin(text).assert().success();
}

fn installer(from: &Path, to: &Path) -> Command {
    let mut install = bare("/usr/bin/install");
    install.args(["-m", "0755"]).arg(from).arg(to).timeout(COPY);
    install
}

/// What a program answered.
struct Answer {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

fn run(command: &mut Command) -> Answer {
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Answer {
        code: output.status.code(),
        stdout: text(&output.stdout),
        stderr: text(&output.stderr),
    }
}

/// True; or, for want of something, says so and fails when `REQUIRE_REAL=1`: a skip must not look like a pass.
fn available(there: bool, what: &str) -> bool {
    if !there {
        let required = std::env::var("REQUIRE_REAL").is_ok_and(|value| value == "1");
        assert!(!required, "{what} is missing, and REQUIRE_REAL=1");
        eprintln!("SKIPPED: {what} is missing");
    }
    there
}

fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}
