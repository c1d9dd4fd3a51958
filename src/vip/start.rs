//! Start: all addresses of the resource, or none.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use super::job::{self, Job};
use super::lines::Lines;
use super::place::{Places, Wanted};
use super::plan::{self, Step};
use super::record::Record;
use super::{Vip, retry, stop};
use crate::ocf::{Deadline, Done, Failure, wait_until};
use crate::sys::net::{Address, Netlink, address, device};

/// How often the kernel is asked whether it has looked for duplicates.
const STEP: Duration = Duration::from_millis(10);

/// Takes the addresses.
///
/// # Errors
/// When one of them cannot be had; then none of them has been taken.
pub fn start(vip: &Vip, netlink: &mut Netlink, places: &Places) -> Done {
    let deadline = Deadline::of(&vip.env);
    let records = vip.records();
    stop::end_job(records.taken().as_ref(), &deadline)?;
    records.forget_trouble().map_err(retry)?;
    let held = address::all(netlink).map_err(retry)?;
    let lines = Lines::open(&places.wanted, &places.devices)?;
    let asked = asked(vip, netlink, &held, &places.wanted)?;
    ask(vip, &lines, &asked)?;
    let window = Deadline::after(vip.params.conflict_window.0);
    let job = Job::prepare(vip, &lines)?; // while the answers are on their way
    let record = Record {
        namespace: vip.params.network_namespace.clone(),
        wanted: places.wanted.clone(),
        job: job.process(),
    };
    records.take(&record).map_err(retry)?;
    let taken = refuse_conflict(netlink, &lines, &window, &asked)
        .and_then(|()| take(netlink, &held, places, &deadline))
        .and_then(|steps| {
            // What came meanwhile is in time: nobody has been told anything yet.
            refuse_conflict(netlink, &lines, &Deadline::after(Duration::ZERO), &asked)
                .and_then(|()| announce(vip, &lines))
                .inspect_err(|_| give_back(netlink, steps))
        });
    if taken.is_err() {
        records.clear();
        return taken;
    }
    label(vip, netlink, &places.wanted);
    job.go();
    if vip.params.arp_bg {
        Ok(())
    } else {
        job::announce(vip, Duration::ZERO)
    }
}

/// The addresses that others are asked for: those that this node does not have yet, anywhere. One that is only kept on
/// the loopback device for an LVS is not had: another node may serve it.
fn asked(
    vip: &Vip,
    netlink: &mut Netlink,
    held: &[Address],
    wanted: &[Wanted],
) -> Result<BTreeSet<IpAddr>, Failure> {
    if !vip.params.looks_for_conflicts() {
        return Ok(BTreeSet::new());
    }
    let parked = match vip.params.lvs_support {
        true => device::named(netlink, "lo").map_err(retry)?,
        false => None,
    };
    let counts = |held: &&Address| parked.as_ref().is_none_or(|lo| lo.index != held.device());
    let here: BTreeSet<_> = held.iter().filter(counts).map(|held| held.ip).collect();
    let asked = |ip: &IpAddr| !here.contains(ip) && (ip.is_ipv4() || !vip.params.nodad);
    Ok(wanted
        .iter()
        .map(|wanted| wanted.ip)
        .filter(asked)
        .collect())
}

/// Asks; who is told not to mind the link does not mind that nobody can be asked either.
fn ask(vip: &Vip, lines: &Lines, asked: &BTreeSet<IpAddr>) -> Done {
    match lines.probe(|ip| asked.contains(&ip)) {
        Err(error) if vip.params.check_link_status => Err(Failure::Retry(format!(
            "nobody can be asked whether the address is free: {error}"
        ))),
        Err(error) => {
            log::warn!("nobody was asked whether the address is free: {error}");
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}

fn refuse_conflict(
    netlink: &mut Netlink,
    lines: &Lines,
    window: &Deadline,
    asked: &BTreeSet<IpAddr>,
) -> Done {
    if asked.is_empty() || lines.is_empty() {
        return Ok(());
    }
    match lines.owner(netlink, window, |ip| asked.contains(&ip), |_, _| {}) {
        None => Ok(()),
        Some(rival) => Err(Failure::Retry(format!(
            "{}; nothing was taken; find that machine, or set conflict_check=false if it only answers for others",
            rival.sentence()
        ))),
    }
}

/// Makes the changes, all or none. Returns what was done.
fn take(
    netlink: &mut Netlink,
    held: &[Address],
    places: &Places,
    deadline: &Deadline,
) -> Result<Vec<Step>, Failure> {
    let targets: Vec<_> = places.wanted.iter().map(Wanted::address).collect();
    let mut done = Vec::new();
    for step in plan::take(held, &targets) {
        let made = apply(netlink, &step);
        done.push(step);
        if let Err(failure) = made {
            done.pop();
            give_back(netlink, done);
            return Err(failure);
        }
    }
    let ips = targets.iter().map(|target| target.ip).collect();
    let whole = stop::bring_back(netlink, held, &done, &ips)
        .and_then(|()| await_detection(netlink, places, deadline));
    match whole {
        Ok(()) => Ok(done),
        Err(failure) => {
            give_back(netlink, done);
            Err(failure)
        }
    }
}

/// Makes one change and says so in the log.
///
/// # Errors
/// When the kernel refuses.
pub fn apply(netlink: &mut Netlink, step: &Step) -> Done {
    let (made, address, word) = match step {
        Step::Add(address) => (address::add(netlink, address), address, "add"),
        Step::Remove(address) => (
            address::remove(netlink, address).map(drop),
            address,
            "remove",
        ),
    };
    log::debug!("{word} {address} on device {}: {made:?}", address.device());
    made.map_err(|error| {
        let device = address.device();
        Failure::Retry(format!(
            "cannot {word} {address} on device {device}: {error}"
        ))
    })
}

fn give_back(netlink: &mut Netlink, done: Vec<Step>) {
    for step in done.into_iter().rev().map(Step::undo) {
        if let Err(failure) = apply(netlink, &step) {
            log::error!("while taking back what was done: {failure}");
        }
    }
}

/// Waits for the kernel's own duplicate address detection, where it is in use.
fn await_detection(netlink: &mut Netlink, places: &Places, deadline: &Deadline) -> Done {
    let detected: BTreeSet<_> = places
        .wanted
        .iter()
        .filter(|wanted| wanted.ip.is_ipv6() && !wanted.manner.no_dad)
        .filter(|wanted| {
            places
                .devices
                .get(&wanted.device)
                .is_some_and(|device| device.up)
        })
        .map(|wanted| wanted.ip)
        .collect();
    if detected.is_empty() {
        return Ok(());
    }
    wait_until(
        deadline,
        STEP,
        "the kernel's duplicate address detection",
        || {
            let held = address::all(netlink).map_err(retry)?;
            let mut ours = held.iter().filter(|held| detected.contains(&held.ip));
            if let Some(duplicate) = ours.clone().find(|held| held.is_duplicate()) {
                return Err(Failure::Retry(format!(
                    "another machine has {} too, as the kernel's duplicate address detection found",
                    duplicate.ip
                )));
            }
            Ok((!ours.any(Address::is_tentative)).then_some(()))
        },
    )
}

/// Keeps this node from choosing the addresses as a source. Where the kernel has no such table, that is no reason
/// to go without the addresses.
fn label(vip: &Vip, netlink: &mut Netlink, wanted: &[Wanted]) {
    let number = vip.params.lvs_ipv6_addrlabel_value;
    let labelled = |wanted: &&Wanted| wanted.ip.is_ipv6() && vip.params.lvs_ipv6_addrlabel;
    for wanted in wanted.iter().filter(labelled) {
        if let Err(error) = address::set_label(netlink, &wanted.address(), number) {
            log::warn!("no address label for {}: {error}", wanted.ip);
        }
    }
}

/// Tells everybody, once. An address that nobody hears of is of no use.
fn announce(vip: &Vip, lines: &Lines) -> Done {
    let gateways = vip.params.gateways();
    let told = lines.announce(|_| true).and_then(|()| lines.ask(&gateways));
    match told {
        Err(error) if vip.params.check_link_status => Err(Failure::Retry(format!(
            "the addresses could not be announced: {error}; nothing was taken"
        ))),
        Err(error) => {
            log::warn!("not announced: {error}");
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}
