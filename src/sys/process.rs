//! Processes: which one is meant, whether it lives, how it is told to end.

use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::{Deserialize, Serialize};

/// What the kernel appends to the path of a program whose file was replaced or removed (proc(5), `/proc/PID/exe`).
const REPLACED: &str = " (deleted)";

/// A process, told apart from a later one with the same number by its start time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// When it started, in clock ticks since boot (`/proc/PID/stat`, field 22).
    pub started: u64,
}

impl Process {
    /// The process that has this number now; `None` when there is none, or only a zombie.
    pub fn of_pid(pid: u32) -> Option<Self> {
        let (state, started) = stat(pid)?;
        (state != 'Z' && state != 'X').then_some(Self { pid, started })
    }

    /// Whether it is held, by SIGSTOP or a debugger: it hears no signal but SIGKILL.
    pub fn is_held(&self) -> bool {
        stat(self.pid)
            .is_some_and(|(state, started)| "Tt".contains(state) && started == self.started)
    }

    /// Whether it still lives.
    pub fn lives(&self) -> bool {
        Self::of_pid(self.pid) == Some(*self)
    }

    /// The process that started it, while that lives.
    pub fn parent(&self) -> Option<Self> {
        fields(self.pid)?
            .get(1)?
            .parse()
            .ok()
            .and_then(Self::of_pid)
    }

    /// The value of this name in the environment that it was started with.
    pub fn environment(&self, name: &str) -> Option<String> {
        let mut all = self.environments()?.into_iter();
        all.find_map(|(key, value)| (key == name).then_some(value))
    }

    /// The environment that it was started with; `None` when it has ended.
    pub fn environments(&self) -> Option<Vec<(String, String)>> {
        let environment = fs::read(format!("/proc/{}/environ", self.pid)).ok()?;
        let entries = environment.split(|byte| *byte == 0);
        let pairs = entries.filter_map(|entry| {
            let entry = String::from_utf8_lossy(entry);
            let (name, value) = entry.split_once('=')?;
            Some((name.to_owned(), value.to_owned()))
        });
        Some(pairs.collect())
    }

    /// The files that it has open.
    pub fn open_files(&self) -> Vec<OpenFile> {
        let Ok(entries) = fs::read_dir(format!("/proc/{}/fd", self.pid)) else {
            return Vec::new();
        };
        let paths = entries.flatten().map(|entry| entry.path());
        let files = paths.filter_map(|path| {
            let name = fs::read_link(&path).ok()?;
            Some(OpenFile { path, name })
        });
        files.collect()
    }

    /// Whether it sees the same file systems at the same paths as this process.
    pub fn shares_our_paths(&self) -> bool {
        let space = |who: &str| fs::read_link(format!("/proc/{who}/ns/mnt")).ok();
        space("self").is_some_and(|own| space(&self.pid.to_string()) == Some(own))
    }

    /// Whether it runs this very program, or the one that an upgrade has put this one in the place of, or the
    /// other way round.
    pub fn is_of_this_program(&self) -> bool {
        let theirs = fs::read_link(format!("/proc/{}/exe", self.pid));
        own_program().is_ok_and(|own| theirs.is_ok_and(|theirs| place(&theirs) == own))
    }

    /// The name of its program, cut to 15 bytes (`/proc/PID/comm`).
    pub fn program(&self) -> String {
        let name = fs::read_to_string(format!("/proc/{}/comm", self.pid));
        name.unwrap_or_default().trim_end().to_owned()
    }

    /// How many bytes it, and whatever children of it have ended, have written to files, pipes and sockets
    /// (`wchar` of `/proc/PID/io`); `None` when that is not shown.
    pub fn written(&self) -> Option<u64> {
        let counts = fs::read_to_string(format!("/proc/{}/io", self.pid)).ok()?;
        let count = counts.lines().find_map(|line| line.strip_prefix("wchar: "));
        count?.parse().ok()
    }

    /// Its command line.
    pub fn arguments(&self) -> Vec<String> {
        let line = fs::read(format!("/proc/{}/cmdline", self.pid)).unwrap_or_default();
        let words = line
            .split(|byte| *byte == 0)
            .filter(|word| !word.is_empty());
        words
            .map(|word| String::from_utf8_lossy(word).into_owned())
            .collect()
    }
}

/// A file that a process has open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenFile {
    /// Opens the very same file, even where no name leads to it any more.
    pub path: PathBuf,
    /// What the kernel calls it: the path, `socket:[..]` and the like.
    pub name: PathBuf,
}

/// Where the program of this process lies: its successor, if it was upgraded meanwhile.
///
/// # Errors
/// When the kernel does not tell.
pub fn own_program() -> io::Result<PathBuf> {
    fs::read_link("/proc/self/exe").map(|link| place(&link))
}

/// The place that a program was started from.
fn place(link: &Path) -> PathBuf {
    let text = link.to_str().unwrap_or_default();
    text.strip_suffix(REPLACED)
        .map_or(link, Path::new)
        .to_owned()
}

/// The state and the start time of a process.
fn stat(pid: u32) -> Option<(char, u64)> {
    let fields = fields(pid)?;
    let state = fields.first()?.chars().next()?;
    Some((state, fields.get(19)?.parse().ok()?))
}

/// The fields of `/proc/PID/stat` from the third, the state, on (proc(5)).
fn fields(pid: u32) -> Option<Vec<String>> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name may hold blanks and parentheses; the fields follow the last one.
    let fields = stat.get(stat.rfind(')')? + 2..)?;
    Some(fields.split(' ').map(str::to_owned).collect())
}

/// A hold on a living process: its number cannot be reused behind our back.
#[derive(Debug)]
pub struct Watch(OwnedFd);

impl Watch {
    /// Holds the process; `None` when it has ended.
    pub fn of(process: Process) -> Option<Self> {
        let watch = Self::of_pid(process.pid)?;
        process.lives().then_some(watch)
    }

    /// Holds whatever process has this number; `None` when there is none.
    pub fn of_pid(pid: u32) -> Option<Self> {
        let pid = Pid::from_raw(i32::try_from(pid).ok()?)?;
        pidfd_open(pid, PidfdFlags::empty()).ok().map(Self)
    }

    /// Waits at most so long, and tells whether the process has ended.
    pub fn ended_within(&self, limit: Duration) -> bool {
        let mut fds = [PollFd::new(&self.0, PollFlags::IN)];
        let limit = Timespec::try_from(limit).ok();
        matches!(poll(&mut fds, limit.as_ref()), Ok(ready) if ready > 0)
    }

    /// Waits at most so long for the end of the process, or for `other` to have something to read.
    pub fn ended_or_ready(&self, other: impl AsFd, limit: Duration) -> Woken {
        let other = other.as_fd();
        let mut fds = [
            PollFd::new(&self.0, PollFlags::IN),
            PollFd::new(&other, PollFlags::IN),
        ];
        let limit = Timespec::try_from(limit).ok();
        if poll(&mut fds, limit.as_ref()).is_err() {
            return Woken::Nothing;
        }
        match (fds[0].revents().is_empty(), fds[1].revents().is_empty()) {
            (false, _) => Woken::Ended,
            (true, false) => Woken::Ready,
            (true, true) => Woken::Nothing,
        }
    }

    /// Asks it to end.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Ends it, whatever it is doing.
    pub fn kill(&self) {
        self.signal(Signal::KILL);
    }

    fn signal(&self, signal: Signal) {
        if let Err(error) = pidfd_send_signal(&self.0, signal) {
            log::debug!("cannot signal: {error}");
        }
    }
}

/// Why a wait came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Woken {
    /// The process has ended.
    Ended,
    /// The other descriptor can be read.
    Ready,
    /// The time is over.
    Nothing,
}

/// All processes whose environment holds `NAME=VALUE`: what a server started, whoever its parent is by now.
pub fn marked(name: &str, value: &str) -> Vec<Process> {
    let own = std::process::id();
    let others = all().filter(|process| process.pid != own);
    others
        .filter(|process| process.environment(name).as_deref() == Some(value))
        .collect()
}

/// All processes.
pub fn all() -> impl Iterator<Item = Process> {
    numbers().into_iter().filter_map(Process::of_pid)
}

fn numbers() -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let names = entries.flatten().map(|entry| entry.file_name());
    names
        .filter_map(|name| name.to_str()?.parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::command::program;
    use super::*;

    #[test]
    fn a_zombie_does_not_live() {
        let mut child = program("true").spawn().unwrap();
        let watch = Watch::of_pid(child.id()).unwrap();
        assert!(watch.ended_within(Duration::from_secs(10)));
        assert_eq!(Process::of_pid(child.id()), None);
        child.wait().unwrap();
    }

    #[test]
    fn a_program_is_the_same_before_and_after_its_file_was_replaced() {
        let upgraded = Path::new("/usr/lib/ocf/a (deleted)");
        assert_eq!(place(upgraded), Path::new("/usr/lib/ocf/a"));
        assert_eq!(place(Path::new("/usr/bin/b")), Path::new("/usr/bin/b"));
        let own = Process::of_pid(std::process::id()).unwrap();
        assert!(own.is_of_this_program());
    }

    #[test]
    fn another_process_with_the_same_number_is_not_the_same() {
        let own = Process::of_pid(std::process::id()).unwrap();
        let earlier = Process {
            started: own.started - 1,
            ..own
        };
        assert!(own.lives() && !earlier.lives());
    }

    #[test]
    fn a_grandchild_is_found_by_its_mark() {
        let mut command = program("sh");
        command
            .args(["-c", "sleep 60 & wait"])
            .env("GALERA_RS_TEST", "mark");
        let mut child = command.spawn().unwrap();
        let deadline = crate::ocf::Deadline::after(Duration::from_secs(10));
        let both = crate::ocf::wait_until(&deadline, Duration::from_millis(5), "both", || {
            let found = marked("GALERA_RS_TEST", "mark");
            Ok::<_, crate::ocf::TimedOut>((found.len() == 2).then_some(found))
        });
        for process in both.unwrap() {
            Watch::of(process).unwrap().kill();
        }
        child.wait().unwrap();
    }
}
