//! `galeractl status --watch`: one look after the other, and what has changed between them.
//!
//! | module | holds |
//! |---|---|
//! | `snapshot` | what one look has found |
//! | `event` | what has changed from one to the next |
//! | `draw`, `grid`, `line` | both as lines of 80 columns |
//! | `screen` | the terminal |
//!
//! Only `screen` and the loop here do anything; a look runs the programs that `status` runs, and asks this node's server.

mod draw;
mod event;
mod grid;
mod line;
mod screen;
mod snapshot;
#[cfg(test)]
mod tests;

use std::io::{self, Write};
use std::time::Duration;

use serde_json::{Value, json};
use time::OffsetDateTime;

use self::draw::Picture;
use self::event::{Event, Mood};
use self::screen::Screen;
use self::snapshot::{Here, Snapshot, rfc3339};
use super::cli::View;
use super::error::Error;
use super::scene::Scene;
use super::{status, warnings};
use crate::galera::copy;
use crate::ocf::{Deadline, Env, TimedOut, wait_until};

/// How many events are kept.
const KEPT: usize = 100;

/// Looks every so many seconds until a signal ends the process.
///
/// # Errors
/// When the first look fails, or nobody reads what is written. Later looks that fail are shown.
pub(super) fn watch(view: &View, seconds: u64, out: &mut dyn Write) -> Result<(), Error> {
    let mut looker = Looker::new(view);
    let mut film = Film::of(looker.look()?);
    let screen = match view.json {
        true => None,
        false => Some(Screen::open(&Env::from_process())?),
    };
    if matches!(screen, Some(Screen::Terminal { .. })) {
        warnings::mute();
    }
    loop {
        let next = Deadline::after(Duration::from_secs(seconds));
        match &screen {
            Some(screen) => screen.draw(&film.picture(seconds).lines(screen.height()), out)?,
            None => {
                writeln!(out, "{}", film.json()?)?;
                out.flush()?;
            }
        }
        wait_until(&next, Duration::from_secs(1), "the next look", || {
            Ok::<_, TimedOut>(next.passed().then_some(()))
        })?;
        film.take(looker.look(), OffsetDateTime::now_utc());
    }
}

/// Who looks.
struct Looker<'a> {
    view: &'a View,
    /// Counted once for each transfer: a data directory may hold a hundred thousand files.
    copy_size: Option<u64>,
}

impl<'a> Looker<'a> {
    fn new(view: &'a View) -> Self {
        let copy_size = None;
        Self { view, copy_size }
    }

    fn look(&mut self) -> Result<Snapshot, Error> {
        let mut scene = super::look(self.view)?;
        let here = match self.view.cib {
            Some(_) => None,
            None => self.beyond(&mut scene),
        };
        let status = status::of(&scene);
        Ok(Snapshot::new(OffsetDateTime::now_utc(), status, here))
    }

    /// What the CIB does not tell; that this node's server cannot be asked is a warning.
    fn beyond(&mut self, scene: &mut Scene) -> Option<Here> {
        scene.look_at_transfers();
        let pulse = match scene.look_here() {
            Ok(pulse) => pulse,
            Err(error) => {
                let text = format!("the server here is not shown: {error}");
                scene.warnings.push(text);
                return None;
            }
        };
        self.copy_size = match (scene.receives(), &pulse.status) {
            (true, Some(server)) => {
                let known = self.copy_size;
                known.or_else(|| copy::size(&scene.resource, server))
            }
            (true, None) => self.copy_size,
            (false, _) => None,
        };
        scene.copy_size = self.copy_size;
        Some(Here(pulse))
    }
}

/// What has been seen so far.
struct Film {
    last: Snapshot,
    /// Why the newest look failed.
    error: Option<String>,
    /// The newest last.
    events: Vec<Event>,
    /// How many of them the newest look has brought.
    fresh: usize,
    now: OffsetDateTime,
}

impl Film {
    fn of(first: Snapshot) -> Self {
        Self {
            now: first.time,
            last: first,
            error: None,
            events: Vec::new(),
            fresh: 0,
        }
    }

    fn take(&mut self, look: Result<Snapshot, Error>, now: OffsetDateTime) {
        let event = |mood, text| Event {
            time: now,
            mood,
            text,
        };
        self.now = now;
        let was = self.error.take();
        let mut fresh = Vec::new();
        match look {
            Ok(seen) => {
                if was.is_some() {
                    fresh.push(event(Mood::Good, "there is an answer again".into()));
                }
                fresh.extend(event::between(&self.last, &seen));
                self.last = seen;
            }
            Err(error) => {
                let text = error.to_string();
                if was.is_none() {
                    fresh.push(event(Mood::Bad, text.clone()));
                }
                self.error = Some(text);
            }
        }
        self.fresh = fresh.len();
        self.events.extend(fresh);
        let old = self.events.len().saturating_sub(KEPT);
        self.events.drain(..old);
    }

    fn picture(&self, every: u64) -> Picture<'_> {
        Picture {
            seen: &self.last,
            error: self.error.as_deref(),
            every,
            events: &self.events,
        }
    }

    /// The newest look as one object.
    fn json(&self) -> Result<Value, Error> {
        let fresh = self.events.len().saturating_sub(self.fresh);
        let fresh = self.events.get(fresh..).unwrap_or_default();
        let object = match &self.error {
            Some(error) => {
                Ok(json!({ "time": rfc3339(self.now), "error": error, "events": fresh }))
            }
            None => self.last.json(fresh),
        };
        object.map_err(|error| Error::Write(io::Error::from(error)))
    }
}
