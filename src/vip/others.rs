//! The addresses of others that hang on ours: with `promote_secondaries=0` the kernel removes a secondary IPv4 address
//! together with the primary one of its network (Documentation/networking/ip-sysctl.rst).
//!
//! So the kernel is told to keep them, before anything of ours goes: nobody can come between. Where `/proc/sys` cannot be
//! written, as in most containers, they are added again; then all agents on this node remove one after the other, as
//! else one would add what another has just stopped.

use std::collections::BTreeSet;
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::plan::{self, Step};
use super::{cannot, held, start};
use crate::ocf::{Deadline, Done, Failure, wait_until};
use crate::sys::lock::{self, Lock};
use crate::sys::net::{Address, Netlink, device};

/// Whoever holds it removes addresses; one for all resources of the node.
const LOCK: &str = "/run/galera-rs/addresses.lock";

/// How long the others are waited for: they take milliseconds.
const TURN: Duration = Duration::from_secs(2);

/// How often it is looked whether they are done.
const STEP: Duration = Duration::from_millis(1);

/// The kernel's settings for each device, and for all; what is set for all counts for each (`IN_DEV_ORCONF`,
/// include/linux/inetdevice.h). Those of the namespace that this process is in.
const SETTINGS: &str = "/proc/sys/net/ipv4/conf";

/// What is here while addresses of ours are removed. Until it is dropped, no other agent of ours removes any.
#[derive(Debug)]
pub struct Others {
    lock: Option<Lock>,
    before: Vec<Address>,
    /// The devices where the kernel removes what hangs on an address of ours.
    losing: BTreeSet<u32>,
}

impl Others {
    /// Waits for the turn of this process, and looks.
    ///
    /// # Errors
    /// When the kernel does not answer.
    pub fn look(netlink: &mut Netlink, deadline: &Deadline) -> Result<Self, Failure> {
        let lock = turn(deadline);
        let before = held(netlink)?;
        let losing = BTreeSet::new();
        Ok(Self {
            lock,
            before,
            losing,
        })
    }

    /// The addresses that were here.
    pub fn before(&self) -> &[Address] {
        &self.before
    }

    /// Has the kernel keep what hangs on the addresses that these steps remove, also what is added meanwhile.
    pub fn keep(&mut self, netlink: &mut Netlink, steps: &[Step]) {
        let carriers = steps.iter().filter_map(|step| match step {
            Step::Remove(address) => self.before.iter().find(|held| held.is_at(address)),
            Step::Add(_) => None,
        });
        let carriers = carriers.filter(|held| carries(held)).map(Address::device);
        let devices: BTreeSet<_> = carriers.collect();
        self.losing = devices
            .into_iter()
            .filter(|device| !promotes(netlink, *device))
            .collect();
    }

    /// Adds again what went with ours all the same. `ips`: ours.
    ///
    /// # Errors
    /// When one of them cannot be added.
    pub fn bring_back(&self, netlink: &mut Netlink, ips: &BTreeSet<IpAddr>) -> Done {
        if self.losing.is_empty() {
            return Ok(());
        }
        let after = held(netlink)?;
        for lost in plan::lost(&self.before, &after, ips, &self.losing) {
            if self.lock.is_none() {
                return Err(Failure::Retry(format!(
                    "{lost} hung on an address of ours and went with it; it is not added again, as its own resource may \
                     have stopped meanwhile; the next monitor of that one tells"
                )));
            }
            log::info!("{lost} hung on an address of ours and went with it: adding it again");
            start::apply(netlink, &Step::Add(lost))?;
        }
        Ok(())
    }
}

/// Whether others can hang on it.
fn carries(address: &Address) -> bool {
    address.ip.is_ipv4() && !address.is_secondary() && address.prefix() < 32
}

/// Waits until no other agent removes addresses. `None`, after a word about it, when that cannot be known: no reason to
/// go on holding an address that has to go.
fn turn(deadline: &Deadline) -> Option<Lock> {
    let limit = deadline.at_most(TURN);
    let what = "the removals of other resources on this node";
    let lock = wait_until(&limit, STEP, what, || {
        lock::take(Path::new(LOCK)).map_err(cannot(
            format!("take the lock {LOCK}"),
            "make /run writable",
        ))
    });
    lock.inspect_err(|failure| log::warn!("going on without a lock: {failure}"))
        .ok()
}

/// Whether the kernel keeps what hangs on an address of this device; it is told to if need be. It stays set, as systemd
/// sets it at boot: to take it back would hit whoever removes an address at that moment.
fn promotes(netlink: &mut Netlink, index: u32) -> bool {
    let Ok(Some(device)) = device::numbered(netlink, index) else {
        return true; // gone, and all addresses with it
    };
    let (all, own) = (setting("all"), setting(&device.name));
    let is_set = |path: &Path| fs::read_to_string(path).is_ok_and(|text| text.trim() != "0");
    if is_set(&all) || is_set(&own) {
        return true;
    }
    match fs::write(&own, "1") {
        Ok(()) => {
            log::info!(
                "set {}=1: addresses of others on {} stay when ours go",
                own.display(),
                device.name
            );
            true
        }
        Err(error) => {
            let own = own.display();
            log::info!("cannot set {own}=1: {error}; what hangs on ours is added again");
            false
        }
    }
}

fn setting(device: &str) -> PathBuf {
    Path::new(SETTINGS).join(device).join("promote_secondaries")
}
