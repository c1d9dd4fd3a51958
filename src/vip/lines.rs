//! The devices of the resource as lines to everybody there: to ask, to tell, and to listen.

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::os::fd::OwnedFd;
use std::time::Duration;

use super::frame::{self, Speaker};
use super::place::Wanted;
use super::retry;
use crate::ocf::{Deadline, Failure};
use crate::sys::net::frames::Wire;
use crate::sys::net::{Device, Medium, Netlink, device};

/// So many messages are read before the clock is looked at: more than wait in a socket (`net.core.rmem_default` has room
/// for some 300 of them), so that what came in time is heard.
const ROUND: usize = 1000;

/// One device, and what it should have.
#[derive(Debug)]
struct Line {
    device: Device,
    ips: Vec<IpAddr>,
}

/// All devices at which somebody can be asked.
#[derive(Debug)]
pub struct Lines {
    lines: BTreeMap<u32, Line>,
    wire: Option<Wire>,
}

/// Another machine that has one of the addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rival {
    /// What it says.
    pub speaker: Speaker,
    /// The device where it was heard.
    pub device: String,
}

impl Rival {
    fn new(device: &Device, speaker: Speaker) -> Self {
        let device = device.name.clone();
        Self { speaker, device }
    }

    /// A sentence.
    pub fn sentence(&self) -> String {
        let (ip, mac) = (self.speaker.ip, frame::mac(&self.speaker.mac));
        format!("{mac} has {ip} too, on {}", self.device)
    }
}

impl Lines {
    /// Opens the devices of these addresses.
    ///
    /// # Errors
    /// When a device is gone, or the system forbids it.
    pub fn open(wanted: &[Wanted], devices: &BTreeMap<u32, Device>) -> Result<Self, Failure> {
        let mut lines: BTreeMap<u32, Line> = BTreeMap::new();
        for wanted in wanted {
            let device = devices.get(&wanted.device);
            let Some(device) = device.filter(|device| device.medium != Medium::Silent) else {
                continue;
            };
            let line = lines.entry(wanted.device).or_insert_with(|| Line {
                device: device.clone(),
                ips: Vec::new(),
            });
            line.ips.push(wanted.ip);
        }
        let has_v6 = |line: &&Line| line.ips.iter().any(IpAddr::is_ipv6);
        let neighbours = lines.values().filter(has_v6);
        let neighbours = neighbours.map(|line| (line.device.index, line.device.name.as_str()));
        let wire = match lines.is_empty() {
            true => None,
            false => Some(Wire::open(neighbours).map_err(|error| {
                retry(format!("cannot speak ARP and neighbour discovery: {error}"))
            })?),
        };
        Ok(Self { lines, wire })
    }

    /// Whether nobody can be asked or told anywhere.
    pub fn is_empty(&self) -> bool {
        self.wire.is_none()
    }

    /// Another hold on the socket; see [`Wire::hold`]. `None` where there is none.
    pub fn hold(&self) -> Option<OwnedFd> {
        self.wire.as_ref()?.hold().ok()
    }

    /// Asks everybody whether they have one of these addresses.
    ///
    /// # Errors
    /// When a device does not take the question.
    pub fn probe(&self, ips: impl Fn(IpAddr) -> bool) -> io::Result<()> {
        self.each(&ips, |line, ip| {
            frame::probe(&line.device, ip).into_iter().collect()
        })
    }

    /// Tells everybody who has these addresses now.
    ///
    /// # Errors
    /// When a device does not take the announcement; the others have been tried.
    pub fn announce(&self, ips: impl Fn(IpAddr) -> bool) -> io::Result<()> {
        self.each(&ips, |line, ip| frame::announcements(&line.device, ip))
    }

    /// Asks the gateways, on behalf of each address.
    ///
    /// # Errors
    /// When a device does not take the question; the others have been tried.
    pub fn ask(&self, gateways: &[IpAddr]) -> io::Result<()> {
        self.each(&|_| true, |line, ip| {
            let asked = gateways.iter();
            asked
                .filter_map(|gateway| frame::question(&line.device, ip, *gateway))
                .collect()
        })
    }

    /// Tells a gateway, whose hardware address is known, who has these addresses now.
    ///
    /// # Errors
    /// When a device does not take it.
    pub fn tell(&self, gateway: IpAddr, mac: &[u8], device: &str) -> io::Result<()> {
        self.each(&|_| true, |line, ip| {
            let here = line.device.name == device;
            let frame = frame::to_neighbour(&line.device, mac, ip, gateway);
            frame.filter(|_| here).into_iter().collect()
        })
    }

    fn each(
        &self,
        ips: &dyn Fn(IpAddr) -> bool,
        frames: impl Fn(&Line, IpAddr) -> Vec<Vec<u8>>,
    ) -> io::Result<()> {
        let mut worst = Ok(());
        let Some(wire) = &self.wire else {
            return worst;
        };
        for (index, line) in &self.lines {
            for ip in line.ips.iter().copied().filter(|ip| ips(*ip)) {
                for frame in frames(line, ip) {
                    if let Err(error) = wire.send(*index, &frame) {
                        worst = Err(io::Error::other(format!(
                            "{ip} on {}: {error}",
                            line.device.name
                        )));
                    }
                }
            }
        }
        worst
    }

    /// Listens until the deadline, or until `heard` makes something of what somebody says.
    pub fn listen<T>(
        &self,
        deadline: &Deadline,
        mut heard: impl FnMut(&Device, Speaker) -> Option<T>,
    ) -> Option<T> {
        let wire = self.wire.as_ref()?;
        let hear = |(index, message)| {
            // One that was spoken on a device that is none of ours is passed over.
            let Line { device, .. } = self.lines.get(&index)?;
            heard(device, frame::speaker(&message, device.medium)?)
        };
        until(deadline, || wire.heard(), |left| wire.wait(left), hear)
    }

    /// Listens until the deadline for another machine that has one of these addresses. `aside` hears everybody.
    ///
    /// One that only asks who has it does not count, although RFC 5227 (2.1.1) takes that for a claim: tools that
    /// watch an address ask in the same way, and the cluster lets one node at a time start.
    pub fn owner(
        &self,
        netlink: &mut Netlink,
        deadline: &Deadline,
        ips: impl Fn(IpAddr) -> bool,
        mut aside: impl FnMut(&Device, &Speaker),
    ) -> Option<Rival> {
        let mut own = OwnMacs::default();
        self.listen(deadline, |device, speaker| {
            aside(device, &speaker);
            let rival = speaker.owns && ips(speaker.ip) && !own.contains(netlink, &speaker);
            rival.then(|| Rival::new(device, speaker))
        })
    }
}

/// Hears one message after the other until the deadline, or until `hear` makes something of one. It looks at the clock
/// after [`ROUND`] at the latest: in a storm there is always one more.
fn until<M, T>(
    deadline: &Deadline,
    mut next: impl FnMut() -> Option<M>,
    wait: impl Fn(Duration),
    mut hear: impl FnMut(M) -> Option<T>,
) -> Option<T> {
    loop {
        let round = std::iter::from_fn(&mut next).take(ROUND);
        let mut waiting = 0;
        for message in round {
            waiting += 1;
            let made = hear(message);
            if made.is_some() {
                return made;
            }
        }
        if deadline.passed() {
            return None;
        }
        if waiting < ROUND {
            wait(deadline.left());
        }
    }
}

/// The hardware addresses of this machine, which may answer itself when two of its devices are in one network.
#[derive(Default)]
struct OwnMacs(Option<Vec<Vec<u8>>>);

impl OwnMacs {
    fn contains(&mut self, netlink: &mut Netlink, speaker: &Speaker) -> bool {
        let look = || {
            let devices = device::all(netlink).unwrap_or_default();
            devices.into_iter().map(|device| device.mac).collect()
        };
        self.0.get_or_insert_with(look).contains(&speaker.mac)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    /// Reads messages that never end, or end after so many, until `wanted` is heard.
    fn hear(messages: u32, wanted: u32, time: Duration) -> Option<u32> {
        let (started, mut read) = (Instant::now(), 0);
        let next = || {
            assert!(started.elapsed() < Duration::from_secs(20), "no end");
            read += 1;
            (read <= messages).then_some(read)
        };
        let found = |number| (number == wanted).then_some(number);
        until(&Deadline::after(time), next, |_| {}, found)
    }

    #[test]
    fn a_storm_of_messages_does_not_keep_anybody_beyond_the_deadline() {
        assert_eq!(hear(u32::MAX, 0, Duration::from_millis(5)), None);
    }

    #[test]
    fn what_waits_in_the_socket_is_heard_when_the_time_is_over() {
        assert_eq!(hear(400, 400, Duration::ZERO), Some(400));
    }
}
