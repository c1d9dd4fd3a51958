//! Who has an address, as a machine at the other end of every node's cable sees it.
//!
//! Every node is asked over its own cable, without the switch's cuts in between: a node that is cut off and still has
//! the address answers too. It is the kernel that answers.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::net::Ipv4Addr;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use nix::ifaddrs::getifaddrs;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sched::{CloneFlags, setns};
use nix::sys::socket::{
    AddressFamily, LinkAddr, MsgFlags, SockFlag, SockProtocol, SockType, recvfrom, sendto, socket,
};

use super::Lab;

/// How often every node is asked.
const OFTEN: Duration = Duration::from_millis(10);

/// `PACKET_OUTGOING` (packet(7)): a copy of what leaves through a port.
const OUTGOING: u8 = 4;

/// What was answered since the watch began.
#[derive(Debug, Default)]
pub struct Answers {
    all: Mutex<Vec<Answer>>,
    over: AtomicBool,
}

/// One answer of one node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// The question that it answers; all nodes are asked at once.
    pub round: u32,
    pub ip: Ipv4Addr,
    pub node: u8,
    /// When it came.
    pub at: Instant,
}

impl Lab {
    /// An address of the nodes' network that none of them has by itself.
    pub fn free_address(&self, last: u8) -> Ipv4Addr {
        let [a, b, c, _] = self.address(1).octets();
        Ipv4Addr::new(a, b, c, last)
    }

    fn address(&self, k: u8) -> Ipv4Addr {
        let told = self.script(&["ip", &k.to_string()]).ok();
        told.trim().parse().expect("the address of a node")
    }

    /// Does `act`; meanwhile all nodes are asked for these addresses, without a pause.
    pub fn seen_from_outside<T>(
        &self,
        ips: &[Ipv4Addr],
        act: impl FnOnce(&Answers) -> T,
    ) -> (T, Vec<Answer>) {
        let answers = Answers::default();
        let number = self.address(1).octets()[2];
        let lab = if number == 0 {
            "galab".to_owned()
        } else {
            format!("galab{number}")
        };
        let switch = File::open(format!("/run/netns/{lab}-switch")).expect("the switch");
        let done = thread::scope(|scope| {
            let watcher = scope.spawn(|| {
                setns(switch, CloneFlags::CLONE_NEWNET).expect("the switch's namespace");
                answers.watch(ips)
            });
            let end = End(&answers.over);
            let done = act(&answers);
            drop(end);
            watcher.join().expect("the watcher").expect("its socket");
            done
        });
        (done, answers.lock().clone())
    }
}

impl Answers {
    fn lock(&self) -> MutexGuard<'_, Vec<Answer>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The nodes that have answered for the address in the last 50 ms.
    pub fn holders(&self, ip: Ipv4Addr) -> BTreeSet<u8> {
        let all = self.lock();
        let new = all.iter().rev();
        let new = new.take_while(|answer| answer.at.elapsed() < 5 * OFTEN);
        new.filter(|answer| answer.ip == ip)
            .map(|answer| answer.node)
            .collect()
    }

    /// When a node other than this one first answered for the address after that moment, and which.
    pub fn elsewhere(&self, ip: Ipv4Addr, than: u8, since: Instant) -> Option<Answer> {
        let all = self.lock();
        let mut later = all.iter().filter(|answer| answer.at > since);
        later
            .find(|answer| answer.ip == ip && answer.node != than)
            .copied()
    }

    fn watch(&self, ips: &[Ipv4Addr]) -> io::Result<()> {
        let kind = (
            AddressFamily::Packet,
            SockType::Raw,
            SockFlag::SOCK_NONBLOCK,
        );
        let cables = socket(kind.0, kind.1, kind.2, SockProtocol::EthAll)?;
        let mut round = 0;
        while !self.over.load(Ordering::Relaxed) {
            round += 1;
            let next = Instant::now() + OFTEN;
            let ports = ports()?;
            for (_, port) in &ports {
                for ip in ips {
                    // A port may have gone since: its node has died.
                    let _ = sendto(
                        cables.as_raw_fd(),
                        &question(round, *ip),
                        port,
                        MsgFlags::empty(),
                    );
                }
            }
            self.listen(&cables, &ports, next)?;
        }
        Ok(())
    }

    fn listen(&self, cables: &OwnedFd, ports: &[(u8, LinkAddr)], end: Instant) -> io::Result<()> {
        let mut frame = [0; 64];
        loop {
            while let Ok((length, Some(from))) =
                recvfrom::<LinkAddr>(cables.as_raw_fd(), &mut frame)
            {
                let at = Instant::now();
                let port = ports
                    .iter()
                    .find(|(_, port)| port.ifindex() == from.ifindex());
                if from.pkttype() != OUTGOING
                    && let Some((node, _)) = port
                    && let Some((round, ip)) = answer(&frame[..length])
                {
                    self.lock().push(Answer {
                        round,
                        ip,
                        node: *node,
                        at,
                    });
                }
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            let wait = PollTimeout::try_from(left.as_millis().max(1)).unwrap_or(PollTimeout::ZERO);
            poll(&mut [PollFd::new(cables.as_fd(), PollFlags::POLLIN)], wait)?;
        }
    }
}

/// The rounds in which more than one node answered for one address.
pub fn on_two_nodes(answers: &[Answer]) -> Vec<(u32, Ipv4Addr, BTreeSet<u8>)> {
    let mut holders = std::collections::BTreeMap::<_, BTreeSet<u8>>::new();
    for answer in answers {
        let asked = (answer.round, answer.ip);
        holders.entry(asked).or_default().insert(answer.node);
    }
    let twice = holders.into_iter().filter(|(_, nodes)| nodes.len() > 1);
    twice
        .map(|((round, ip), nodes)| (round, ip, nodes))
        .collect()
}

/// The switch's end of each node's cable.
fn ports() -> io::Result<Vec<(u8, LinkAddr)>> {
    let port = |found: nix::ifaddrs::InterfaceAddress| {
        let node = found.interface_name.strip_prefix('p')?.parse().ok()?;
        Some((node, *found.address?.as_link_addr()?))
    };
    Ok(getifaddrs()?.filter_map(port).collect())
}

/// An ARP probe (RFC 5227, 2.1.1). The hardware address that asks carries the number of the round: the answer names it.
fn question(round: u32, ip: Ipv4Addr) -> Vec<u8> {
    let asker = [&[0x02, 0x5e], &round.to_be_bytes()[..]].concat();
    let ethernet = [&[0xff; 6], &asker[..], &[0x08, 0x06]].concat();
    let request = [0, 1, 8, 0, 6, 4, 0, 1];
    [
        &ethernet[..],
        &request,
        &asker,
        &[0; 4],
        &[0; 6],
        &ip.octets(),
    ]
    .concat()
}

/// The round and the address of an answer to such a question.
fn answer(frame: &[u8]) -> Option<(u32, Ipv4Addr)> {
    let (to, rest) = frame.split_first_chunk::<6>()?;
    let (_from, arp) = rest.split_first_chunk::<6>()?;
    let [8, 6, 0, 1, 8, 0, 6, 4, 0, 2, ..] = arp else {
        return None;
    };
    let ip: [u8; 4] = arp.get(16..20)?.try_into().ok()?;
    let [0x02, 0x5e, round @ ..] = to else {
        return None;
    };
    Some((u32::from_be_bytes(*round), ip.into()))
}

/// Ends the watch, also when the scenario fails.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
