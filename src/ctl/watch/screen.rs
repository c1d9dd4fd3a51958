//! The terminal: another screen that is drawn over and over, and given back whatever ends the process.

use std::io::{self, IsTerminal, Write};
use std::thread;

use nix::sys::signal::{SigSet, Signal, raise};
use rustix::termios::tcgetwinsize;

use super::line::Line;
use crate::ocf::Env;

/// The other screen, no cursor, and no line that goes on in the next: where the terminal is narrow, lines are cut.
const ENTER: &[u8] = b"\x1b[?1049h\x1b[?25l\x1b[?7l";

/// Everything as it was.
const LEAVE: &[u8] = b"\x1b[?7h\x1b[?25h\x1b[?1049l";

/// What ends or halts a process that somebody watches.
const ENDS: [Signal; 5] = [
    Signal::SIGINT,
    Signal::SIGTERM,
    Signal::SIGHUP,
    Signal::SIGQUIT,
    Signal::SIGTSTP,
];

/// Where lines are drawn; gives the terminal back when it goes.
#[derive(Debug)]
pub(super) enum Screen {
    /// In place.
    Terminal {
        /// With colours.
        colour: bool,
    },
    /// One after the other: a file, a pipe, a terminal that cannot do more.
    Paper,
}

impl Screen {
    /// Takes the terminal, if standard output is one.
    pub fn open(env: &Env) -> io::Result<Self> {
        let set = |name| env.plain(name).filter(|text| !text.is_empty());
        let able = set("TERM").is_some_and(|name| name != "dumb");
        if !(able && io::stdout().is_terminal()) {
            return Ok(Screen::Paper);
        }
        watch_signals()?;
        put(ENTER)?;
        Ok(Screen::Terminal {
            colour: set("NO_COLOR").is_none(),
        })
    }

    /// How many lines there is room for, where that is known.
    pub fn height(&self) -> Option<usize> {
        match self {
            Screen::Terminal { .. } => {
                let size = tcgetwinsize(io::stdout()).ok()?;
                Some(usize::from(size.ws_row)).filter(|rows| *rows > 0)
            }
            Screen::Paper => None,
        }
    }

    /// Shows the lines: over those before, or after them.
    pub fn draw(&self, lines: &[Line], out: &mut dyn Write) -> io::Result<()> {
        let text = match self {
            Screen::Terminal { colour } => over(lines, *colour),
            Screen::Paper => after(lines),
        };
        out.write_all(text.as_bytes())?;
        out.flush()
    }
}

/// From the first place of the screen on; what stood there before is wiped.
fn over(lines: &[Line], colour: bool) -> String {
    let lines = lines.iter().map(|line| line.text(colour) + "\x1b[K");
    let lines: Vec<_> = lines.collect();
    format!("\x1b[H{}\x1b[J", lines.join("\r\n"))
}

/// Below the picture before.
fn after(lines: &[Line]) -> String {
    let lines = lines.iter().map(|line| line.text(false) + "\n");
    lines.collect::<String>() + "\n"
}

impl Drop for Screen {
    fn drop(&mut self) {
        if matches!(self, Screen::Terminal { .. }) {
            let _ = put(LEAVE);
        }
    }
}

fn put(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}

/// From now on a thread hears the signals. It gives the terminal back first, and lets them do then what they always do.
fn watch_signals() -> io::Result<()> {
    let set: SigSet = ENDS.into_iter().collect();
    set.thread_block()?;
    thread::spawn(move || {
        while let Ok(signal) = set.wait() {
            // Held until the process ends or halts: nothing is drawn after this.
            let mut out = io::stdout().lock();
            let _ = out.write_all(LEAVE).and_then(|()| out.flush());
            // What halts a process has no effect where nobody could have it go on; this one always has.
            let effect = if signal == Signal::SIGTSTP {
                Signal::SIGSTOP
            } else {
                signal
            };
            let _ = SigSet::from_iter([effect]).thread_unblock();
            let _ = raise(effect);
            let _ = out.write_all(ENTER).and_then(|()| out.flush());
        }
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::line::Ink;
    use super::*;

    #[test]
    fn a_terminal_is_drawn_over_and_paper_is_written_on() {
        let lines = [Line::of(Ink::Good, "a"), Line::of(Ink::Plain, "b")];
        assert_eq!(over(&lines, false), "\x1b[Ha\x1b[K\r\nb\x1b[K\x1b[J");
        assert!(over(&lines, true).contains("\x1b[32ma\x1b[0m\x1b[K"));
        assert_eq!(after(&lines), "a\nb\n\n");
    }
}
