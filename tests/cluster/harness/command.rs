//! Programs run from the tests: always with a limit.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// What a program left behind.
#[derive(Debug)]
pub struct Output {
    /// Exit code; 124 when it ran out of time.
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
    command: String,
}

impl Output {
    /// Standard output of a program that has to succeed.
    #[track_caller]
    pub fn ok(self) -> String {
        assert!(
            self.code == 0,
            "{} ended with {}\n{}{}",
            self.command,
            self.code,
            self.stdout,
            self.stderr
        );
        self.stdout
    }
}

/// The lab script, for the lab in this directory.
pub fn lab(dir: &Path) -> Command {
    let mut lab = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cluster/lab"));
    lab.env("LAB", dir);
    lab
}

/// The demonstration, in a lab in this directory.
pub fn demo(dir: &Path) -> Command {
    let mut demo = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cluster/demo"));
    demo.env("LAB", dir);
    demo
}

/// Runs under timeout(1), which ends the whole process group.
pub fn run(command: &Command, limit: Duration) -> Output {
    let mut limited = Command::new("timeout");
    limited.args(["--kill-after=1", &limit.as_secs_f64().to_string()]);
    limited.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        limited.env(name, value.unwrap_or_default());
    }
    let output = limited.output().expect("timeout(1) starts");
    Output {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        command: format!("{command:?}"),
    }
}
