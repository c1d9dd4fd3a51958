//! The rest of the announcements, outside the action: a copy of the agent that ends by itself.
//!
//! It is started while start waits for answers, and does nothing before it is told that the addresses are taken.
//! It also hears the answers that came too late for start.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::IpAddr;
use std::process::{Child, Stdio};
use std::time::Duration;

use super::lines::Lines;
use super::place::Places;
use super::record::Trouble;
use super::{Vip, cannot, frame, held};
use crate::ocf::{Action, Deadline, Done, Failure};
use crate::sys::command;
use crate::sys::net::Netlink;
use crate::sys::process::{Process, own_program};

/// For so long answers that come late are heard: as long as RFC 5227 probes and as RFC 4862 waits.
const LATE: Duration = Duration::from_secs(1);

/// No job lives longer, whatever the parameters say.
const LONGEST: Duration = Duration::from_secs(60);

/// The job as its parent sees it. Dropped before [`Job::go`], it ends without having done anything.
#[derive(Debug)]
pub struct Job(Option<Child>);

impl Job {
    /// Starts the job if there will be anything to do for it. It also has the last hold on the socket: start is not
    /// the one to wait for the close.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn prepare(vip: &Vip, lines: &Lines) -> Result<Self, Failure> {
        let more = vip.params.arp_count > 1 || vip.params.looks_for_conflicts();
        if lines.is_empty() || !more || !vip.params.arp_bg {
            return Ok(Self(None));
        }
        // Its successor, if the agent is being upgraded.
        let program =
            own_program().map_err(cannot("find the agent's own program", "mount /proc"))?;
        let mut job = command::program(program);
        job.arg(Action::Job.name()).envs(vip.env.pairs());
        job.stdin(Stdio::piped()).stderr(Stdio::null());
        job.stdout(lines.hold().map_or_else(Stdio::null, Stdio::from));
        let job = job.spawn().map_err(|error| {
            Failure::Retry(format!(
                "cannot start the background job: {error}; install the agent again"
            ))
        })?;
        Ok(Self(Some(job)))
    }

    /// Which process it is.
    pub fn process(&self) -> Option<Process> {
        Process::of_pid(self.0.as_ref()?.id())
    }

    /// Tells it that the addresses are taken.
    pub fn go(mut self) {
        let told = self.0.as_mut().and_then(|job| job.stdin.take());
        if let Some(mut told) = told
            && let Err(error) = told.write_all(b"go")
        {
            log::warn!("the background job has ended before it began: {error}");
        }
    }
}

/// The life of the job.
///
/// # Errors
/// When the addresses cannot be looked at any more.
pub fn run(vip: &Vip) -> Done {
    let mut word = [0; 2];
    if std::io::stdin().read_exact(&mut word).is_err() {
        return Ok(()); // start has failed, and taken everything back
    }
    announce(vip, LATE)
}

/// Announces as often as is wanted, less the once that start has done, and listens for `late` at least.
///
/// # Errors
/// When the addresses cannot be looked at any more.
pub fn announce(vip: &Vip, late: Duration) -> Done {
    let Some(record) = vip.records().taken() else {
        return Ok(());
    };
    let Some(mut netlink) = vip.netlink()? else {
        return Ok(());
    };
    let places = vip.recorded_places(&mut netlink, record.wanted)?;
    let lines = Lines::open(&places.wanted, &places.devices)?;
    let mut left = Left {
        announcements: vip.params.arp_count.saturating_sub(1),
        listening: Deadline::after(late),
        end: Deadline::after(LONGEST),
    };
    while let Some(pause) = left.pause(vip.params.arp_interval.0) {
        if hears_rival(vip, &mut netlink, &lines, &places, &pause) {
            return Ok(());
        }
        let held: BTreeSet<_> = held(&mut netlink)?.iter().map(|held| held.ip).collect();
        if !places.wanted.iter().any(|wanted| held.contains(&wanted.ip)) {
            return Ok(());
        }
        if left.announcements > 0 {
            tell(vip, &lines, &held);
        }
        left.announcements = left.announcements.saturating_sub(1);
    }
    Ok(())
}

/// What a job has still to do.
#[derive(Debug)]
struct Left {
    announcements: u32,
    /// Until then late answers are heard.
    listening: Deadline,
    /// Nothing is done after that.
    end: Deadline,
}

impl Left {
    /// Until when to listen now: for `interval` before each announcement. `None`: all is done, or the time is over.
    fn pause(&self, interval: Duration) -> Option<Deadline> {
        let more = self.announcements > 0;
        if self.end.passed() || !more && self.listening.passed() {
            return None;
        }
        Some(if more {
            self.end.at_most(interval)
        } else {
            self.listening
        })
    }
}

/// Only what is still here is announced.
fn tell(vip: &Vip, lines: &Lines, held: &BTreeSet<IpAddr>) {
    let told = lines.announce(|ip| held.contains(&ip));
    if let Err(error) = told.and_then(|()| lines.ask(&vip.params.gateways())) {
        log::error!("not announced: {error}");
        let sentence = format!("the addresses could not be announced again: {error}");
        vip.records().note(&Trouble::Unannounced(sentence));
    }
}

/// Listens until the deadline. A gateway that answers is told directly who has the addresses; another machine that
/// has one of them is noted for the monitor.
fn hears_rival(
    vip: &Vip,
    netlink: &mut Netlink,
    lines: &Lines,
    places: &Places,
    until: &Deadline,
) -> bool {
    let gateways = vip.params.gateways();
    let watched = vip.params.looks_for_conflicts();
    let ours = |ip| watched && places.wanted.iter().any(|wanted| wanted.ip == ip);
    let rival = lines.owner(netlink, until, ours, |device, speaker| {
        if gateways.contains(&speaker.ip)
            && let Err(error) = lines.tell(speaker.ip, &speaker.mac, &device.name)
        {
            let mac = frame::mac(&speaker.mac);
            log::warn!("cannot tell {} ({mac}): {error}", speaker.ip);
        }
    });
    let Some(rival) = rival else {
        return false;
    };
    log::error!("{}", rival.sentence());
    vip.records().note(&Trouble::Conflict(rival.sentence()));
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn left(announcements: u32, late: Duration, longest: Duration) -> Left {
        Left {
            announcements,
            listening: Deadline::after(late),
            end: Deadline::after(longest),
        }
    }

    #[test]
    fn no_job_outlives_its_limit_whatever_count_and_interval_say() {
        for (announcements, interval) in [(u32::MAX, Duration::ZERO), (1, HOUR), (u32::MAX, HOUR)] {
            let over = left(announcements, HOUR, Duration::ZERO);
            assert_eq!(over.pause(interval), None, "{over:?}");
        }
        let pause = left(1, Duration::ZERO, LONGEST).pause(HOUR);
        let pause = pause.expect("one is to come").left();
        assert!(pause <= LONGEST, "{pause:?}");
        assert!(LATE < LONGEST);
    }

    #[test]
    fn a_job_has_done_all_when_it_has_told_and_listened() {
        assert_eq!(left(0, Duration::ZERO, HOUR).pause(HOUR), None);
        let listening = left(0, LATE, HOUR);
        assert_eq!(listening.pause(HOUR), Some(listening.listening));
        let telling = left(1, Duration::ZERO, HOUR);
        assert!(
            telling
                .pause(LATE)
                .is_some_and(|pause| pause.left() <= LATE)
        );
    }
}
