//! Running a program to its end, with a limit on its time.

use std::fs::File;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use thiserror::Error;

use super::process::Watch;
use crate::ocf::Deadline;

/// What a program said before it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// The exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// Its standard output.
    pub stdout: Vec<u8>,
    /// Its standard error, as text.
    pub stderr: String,
}

impl Output {
    /// The last line of standard error that says something.
    pub fn last_words(&self) -> &str {
        let mut lines = self.stderr.lines().rev().map(str::trim);
        lines.find(|line| !line.is_empty()).unwrap_or("no message")
    }
}

/// Why there is no output.
#[derive(Debug, Error)]
pub enum CommandError {
    /// It could not be started.
    #[error("cannot run {program}: {error}")]
    Start {
        /// The program.
        program: String,
        /// The system's answer.
        error: std::io::Error,
    },
    /// It ran longer than it may and was killed.
    #[error("{program} did not end within {:.2} s and was killed", .limit.as_secs_f32())]
    TooLong {
        /// The program.
        program: String,
        /// What it was given.
        limit: Duration,
    },
}

/// Where the tools of the cluster and of the server are, whatever the caller's own path says.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A program that is about to run, in a process group of its own: a signal to the agent's group spares it.
#[allow(
    clippy::disallowed_methods,
    reason = "the one place that starts programs"
)]
pub fn program(name: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(name);
    command
        .stdin(Stdio::null())
        .env("PATH", PATH)
        .process_group(0);
    command
}

/// Whether there is such a program where [`program`] looks.
pub fn is_installed(name: &str) -> bool {
    PATH.split(':')
        .any(|folder| std::path::Path::new(folder).join(name).is_file())
}

/// Runs the program to its end, at most for `limit`, and not beyond the time that this process has itself. Its end is that of its
/// output too: what it leaves behind and still writes there counts as the program, and is killed with it.
///
/// # Errors
/// When it cannot be started or takes longer. Any exit code is an [`Output`].
pub fn run(mut command: Command, limit: Duration) -> Result<Output, CommandError> {
    let limit = Deadline::bound(limit);
    let name = command_name(&command);
    let start = |error| CommandError::Start {
        program: name.clone(),
        error,
    };
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(start)?;
    let deadline = Deadline::after(limit);
    let stdout = drain(child.stdout.take());
    let stderr = drain(child.stderr.take());
    let said = || Some((collect(&stdout, &deadline)?, collect(&stderr, &deadline)?));
    let Some((stdout, stderr)) = ended(&child, limit).then(said).flatten() else {
        kill(&mut child);
        return Err(CommandError::TooLong {
            program: name,
            limit,
        });
    };
    let status = child.wait().map_err(start)?;
    Ok(Output {
        code: status.code(),
        stdout,
        stderr: String::from_utf8_lossy(&stderr).into_owned(),
    })
}

/// Runs a program that leaves another one in the background, to its own end. What both say goes to a file: a pipe would
/// stay open as long as the other one lives. `None`: a signal ended it.
///
/// # Errors
/// As [`run`].
pub fn launch(
    mut command: Command,
    words: &File,
    limit: Duration,
) -> Result<Option<i32>, CommandError> {
    let limit = Deadline::bound(limit);
    let program = command_name(&command);
    let start = |error| CommandError::Start {
        program: program.clone(),
        error,
    };
    let both = words
        .try_clone()
        .and_then(|out| Ok((out, words.try_clone()?)));
    let (out, err) = both.map_err(start)?;
    let mut child = command.stdout(out).stderr(err).spawn().map_err(start)?;
    if !ended(&child, limit) {
        kill(&mut child);
        return Err(CommandError::TooLong { program, limit });
    }
    child.wait().map(|status| status.code()).map_err(start)
}

fn command_name(command: &Command) -> String {
    command.get_program().to_string_lossy().into_owned()
}

fn ended(child: &Child, limit: Duration) -> bool {
    match Watch::of_pid(child.id()) {
        Some(watch) => watch.ended_within(limit),
        None => true, // it has ended already
    }
}

/// Ends the program with all of its group. Its number is that of the group, and nobody else's until it has been waited for.
fn kill(child: &mut Child) {
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    if let Some(Err(error)) = group.map(|group| kill_process_group(group, Signal::KILL)) {
        log::debug!("cannot kill the group of {}: {error}", child.id());
    }
    let _ = child.kill(); // whatever became of its group
    let _ = child.wait();
}

/// Reads a pipe to its end on a thread of its own, so that the program never waits for us.
fn drain(pipe: Option<impl Read + Send + 'static>) -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    if let Some(mut pipe) = pipe {
        thread::spawn(move || {
            let mut bytes = Vec::new();
            let _ = pipe.read_to_end(&mut bytes);
            let _ = sender.send(bytes);
        });
    }
    receiver
}

/// All that came through a pipe; `None` when somebody still holds its other end at the deadline.
fn collect(reader: &Receiver<Vec<u8>>, deadline: &Deadline) -> Option<Vec<u8>> {
    reader.recv_timeout(deadline.left()).ok()
}

#[cfg(test)]
mod tests {
    use super::super::process::Process;
    use super::*;
    use crate::ocf::{TimedOut, wait_until};

    fn shell(script: &str) -> Command {
        let mut command = program("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn both_outputs_and_the_code_come_back() {
        let output = run(
            shell("echo out; echo err >&2; exit 3"),
            Duration::from_secs(10),
        )
        .unwrap();
        assert_eq!(output.code, Some(3));
        assert_eq!(output.stdout, b"out\n");
        assert_eq!(output.last_words(), "err");
    }

    #[test]
    fn a_program_that_takes_too_long_is_killed_and_named() {
        let error = run(shell("exec sleep 60"), Duration::from_millis(50)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "sh did not end within 0.05 s and was killed"
        );
    }

    /// A script whose child sleeps and keeps its output; returns how it ended when the child is gone, too.
    fn with_a_sleeping_child(end: &str) -> CommandError {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pid");
        let script = format!("sleep 600 & echo $! >{}; {end}", file.display());
        let error = run(shell(&script), Duration::from_secs(3)).unwrap_err();
        let pid = std::fs::read_to_string(&file).unwrap();
        let pid = pid.trim().parse().unwrap();
        let deadline = Deadline::after(Duration::from_secs(10));
        let gone = || Ok::<_, TimedOut>(Process::of_pid(pid).is_none().then_some(()));
        wait_until(&deadline, Duration::from_millis(5), "its end", gone).unwrap();
        error
    }

    #[test]
    fn what_a_program_started_ends_with_it() {
        let error = with_a_sleeping_child("wait");
        assert!(matches!(error, CommandError::TooLong { .. }), "{error}");
    }

    #[test]
    fn a_child_that_keeps_the_output_of_a_program_that_has_ended_does_not_block() {
        let error = with_a_sleeping_child("exit 0");
        assert!(matches!(error, CommandError::TooLong { .. }), "{error}");
    }

    #[test]
    fn more_output_than_a_pipe_holds_does_not_block() {
        let output = run(shell("head -c 1000000 /dev/zero"), Duration::from_secs(10)).unwrap();
        assert_eq!(output.stdout.len(), 1_000_000);
    }
}
