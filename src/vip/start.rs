//! Start: all addresses of the resource, or none.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use super::job::{self, Job};
use super::lines::Lines;
use super::others::Others;
use super::place::{Places, Wanted};
use super::plan::{self, Step};
use super::record::Record;
use super::{AGAIN, Vip, cannot, held, stop};
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
    records.forget_trouble()?;
    let held = held(netlink)?;
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
    records.take(&record)?;
    let taken = refuse_conflict(netlink, &lines, &window, &asked)
        .and_then(|()| take(netlink, &held, places, &deadline))
        .and_then(|steps| {
            // What came meanwhile is in time: nobody has been told anything yet.
            refuse_conflict(netlink, &lines, &Deadline::after(Duration::ZERO), &asked)
                .and_then(|()| announce(vip, &lines))
                .inspect_err(|_| give_back(netlink, steps, &deadline))
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
/// the loopback device for an LVS is not had, as another node may serve it, nor is a duplicate, which the kernel does not
/// use.
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
        true => device::named(netlink, "lo").map_err(cannot("look at device lo", AGAIN))?,
        false => None,
    };
    let counts = |held: &&Address| {
        !held.is_duplicate() && parked.as_ref().is_none_or(|lo| lo.index != held.device())
    };
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
            "nobody can be asked whether the address is free: {error}; mend the link, or set check_link_status=false"
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
    let mut done = Vec::new();
    let made = change(netlink, held, places, deadline, &mut done)
        .and_then(|()| await_detection(netlink, held, places, deadline));
    match made {
        Ok(()) => Ok(done),
        Err(failure) => {
            give_back(netlink, done, deadline);
            Err(failure)
        }
    }
}

/// Makes the changes up to the first that fails; `done`: those that were made.
fn change(
    netlink: &mut Netlink,
    held: &[Address],
    places: &Places,
    deadline: &Deadline,
    done: &mut Vec<Step>,
) -> Done {
    let targets: Vec<_> = places.wanted.iter().map(Wanted::address).collect();
    let mut steps = plan::take(held, &targets);
    let mut others = None;
    if steps.iter().any(|step| matches!(step, Step::Remove(_))) {
        let others = others.insert(Others::look(netlink, deadline)?);
        steps = plan::take(others.before(), &targets);
        others.keep(netlink, &steps);
    }
    let made = steps.into_iter().try_for_each(|step| {
        apply(netlink, &step)?;
        done.push(step);
        Ok(())
    });
    let ips = targets.iter().map(|target| target.ip).collect();
    let whole = others.map_or(Ok(()), |others| others.bring_back(netlink, &ips));
    made.and(whole)
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

/// Takes back what was done, as far as that goes.
fn give_back(netlink: &mut Netlink, done: Vec<Step>, deadline: &Deadline) {
    if done.is_empty() {
        return;
    }
    let told = |failure: &Failure| log::error!("while taking back what was done: {failure}");
    let steps: Vec<_> = done.into_iter().rev().map(Step::undo).collect();
    let others = Others::look(netlink, deadline).inspect_err(told);
    let others = others.map(|mut others| {
        others.keep(netlink, &steps);
        others
    });
    for step in &steps {
        let _ = apply(netlink, step).inspect_err(told);
    }
    let ips = steps.iter().map(Step::ip).collect();
    if let Ok(others) = others {
        let _ = others.bring_back(netlink, &ips).inspect_err(told);
    }
}

/// Waits for the kernel's own duplicate address detection, where it is in use: also for an address that was here before
/// start and is still looked for. `held`: what was here.
fn await_detection(
    netlink: &mut Netlink,
    held: &[Address],
    places: &Places,
    deadline: &Deadline,
) -> Done {
    let looked_for = |ip| {
        let mut same = held.iter().filter(|held| held.ip == ip);
        same.any(Address::is_tentative)
    };
    let detected: BTreeSet<_> = places
        .wanted
        .iter()
        .filter(|wanted| wanted.ip.is_ipv6())
        .filter(|wanted| !wanted.manner.no_dad || looked_for(wanted.ip))
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
            let held = super::held(netlink)?;
            let mut ours = held.iter().filter(|held| detected.contains(&held.ip));
            if let Some(duplicate) = ours.clone().find(|held| held.is_duplicate()) {
                return Err(Failure::Retry(format!(
                    "another machine has {} too, as the kernel's duplicate address detection found; find that machine",
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
            "the addresses could not be announced: {error}; nothing was taken; mend the link, or set \
             check_link_status=false"
        ))),
        Err(error) => {
            log::warn!("not announced: {error}");
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}
