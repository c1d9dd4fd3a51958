//! `galeractl status --watch` on a terminal, in a pipe and as JSON; it looks at a file that changes.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use nix::pty::{Winsize, openpty};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::{GALERACTL, bare, run};

const PATIENCE: Duration = Duration::from_secs(10);

/// How a terminal is given back: line wrap, cursor, and the first screen.
const LEAVE: &str = "\x1b[?7h\x1b[?25h\x1b[?1049l";

/// A saved CIB that becomes another one.
struct Cib {
    folder: tempfile::TempDir,
}

impl Cib {
    fn of(name: &str) -> Self {
        let cib = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        cib.becomes(name);
        cib
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("cib.xml")
    }

    fn becomes(&self, name: &str) {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/cluster");
        let next = self.folder.path().join("next");
        fs::copy(root.join(format!("{name}.xml")), &next).unwrap();
        fs::rename(next, self.path()).unwrap();
    }
}

/// A terminal of 24 lines with the command in it.
struct Terminal {
    child: Child,
    shown: Receiver<Vec<u8>>,
    text: String,
}

impl Terminal {
    fn with(cib: &Cib, variables: &[(&str, &str)]) -> Self {
        let size = Winsize {
            ws_row: 24,
            ws_col: 80,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        let pty = openpty(&size, None).unwrap();
        // Where tests run in the background, Ctrl-C may be ignored.
        let mut command = Command::new("/usr/bin/env");
        command
            .args(["--default-signal=INT", GALERACTL])
            .args(["status", "--watch", "1", "--cib"])
            .arg(cib.path())
            .env_clear()
            .env("TERM", "xterm")
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(pty.slave.try_clone().unwrap())
            .stderr(pty.slave);
        let child = command.spawn().unwrap();
        let (sender, shown) = mpsc::channel();
        let mut master = File::from(pty.master);
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = master.read(&mut bytes) {
                let _ = sender.send(bytes[..count].to_vec());
            }
        });
        Self {
            child,
            shown,
            text: String::new(),
        }
    }

    fn shows(&mut self, wanted: &str) {
        let end = Instant::now() + PATIENCE;
        while !self.text.contains(wanted) {
            let left = end.saturating_duration_since(Instant::now());
            let bytes = self.shown.recv_timeout(left);
            let bytes = bytes.unwrap_or_else(|_| panic!("no {wanted}: {:?}", self.text));
            self.text += &String::from_utf8_lossy(&bytes);
        }
    }

    /// Everything that was shown when the signal has ended it.
    fn ended_by(mut self, signal: Signal) -> String {
        let pid = i32::try_from(self.child.id()).unwrap();
        kill(Pid::from_raw(pid), signal).unwrap();
        let status = self.child.wait().unwrap();
        assert_eq!(status.signal(), Some(signal as i32), "{status}");
        while let Ok(bytes) = self.shown.recv_timeout(PATIENCE) {
            self.text += &String::from_utf8_lossy(&bytes);
        }
        self.text
    }
}

#[test]
fn a_terminal_is_drawn_over_says_what_has_changed_and_is_given_back() {
    let cib = Cib::of("joining");
    let mut terminal = Terminal::with(&cib, &[]);
    terminal.shows("none since the first look");
    cib.becomes("member");
    terminal.shows(": Member (was Joining)");
    let text = terminal.ended_by(Signal::SIGINT);
    assert!(text.starts_with("\x1b[?1049h"), "{text:?}");
    assert!(text.matches("\x1b[H").count() >= 2, "{text:?}");
    assert!(text.contains("\x1b[32m"), "no colour: {text:?}");
    assert!(text.ends_with(LEAVE), "{text:?}");
}

#[test]
fn no_color_leaves_the_colours_out_and_a_termination_gives_the_terminal_back_too() {
    let cib = Cib::of("member");
    let mut terminal = Terminal::with(&cib, &[("NO_COLOR", "1")]);
    terminal.shows("none since the first look");
    let text = terminal.ended_by(Signal::SIGTERM);
    for code in ["\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[3"] {
        assert!(!text.contains(code), "{text:?}");
    }
    assert!(text.ends_with(LEAVE), "{text:?}");
}

/// Its first lines, and the end of the command when nobody reads on.
fn piped(words: &str, lines: usize) -> String {
    let cib = Cib::of("member");
    let script = format!(
        "{GALERACTL} status {words} --cib {} | head -n {lines}; echo ${{PIPESTATUS[0]}}",
        cib.path().display()
    );
    let answer = run(bare("/bin/bash")
        .args(["-c", &script])
        .env("PATH", "/usr/bin:/bin")
        .env("TERM", "xterm"));
    assert_eq!(answer.stderr, "");
    let text = answer.stdout.strip_suffix("0\n");
    text.unwrap_or_else(|| panic!("{}", answer.stdout))
        .to_owned()
}

#[test]
fn a_pipe_gets_one_plain_picture_after_the_other() {
    let text = piped("--watch 1", 30);
    assert!(
        text.matches("Verdict   the cluster is up").count() >= 2,
        "{text}"
    );
    assert!(!text.contains('\x1b'), "{text:?}");
}

#[test]
fn json_is_one_object_for_each_line() {
    let text = piped("--json --watch 1", 2);
    assert_eq!(text.lines().count(), 2, "{text}");
    for line in text.lines() {
        let object: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(object["verdict"]["outcome"], "up");
        assert_eq!(object["events"], serde_json::json!([]));
        assert!(object["time"].is_string(), "{line}");
    }
}
