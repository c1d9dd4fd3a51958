//! Monitor: what is there, what is put back, and with check levels what the neighbours say.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use super::faults::{Devices, Expected, Fault, faults};
use super::lines::Lines;
use super::place::{self, Places, Wanted};
use super::plan::Step;
use super::record::{Record, Trouble};
use super::{AGAIN, Vip, cannot, held, manager, numbered, retry, start};
use crate::ocf::{Action, Deadline, Failure, Status};
use crate::sys::net::{Address, Netlink, address, device, route};

/// How long a monitor of check level 10 waits for somebody else to answer for an address.
const OTHERS: Duration = Duration::from_millis(100);

/// How long a monitor of check level 20 waits for the gateway to answer, each of three times.
const GATEWAY: Duration = Duration::from_millis(500);

/// What check level 10 does.
const ASK: &str = "ask whether another machine has the address";

/// The remedy where a device does not take a frame.
const LINK: &str = "mend the link";

/// The number of no device: one that is not there holds nothing.
const NOWHERE: u32 = 0;

/// What is there.
struct Seen {
    held: Vec<Address>,
    devices: Devices,
    faults: Vec<Fault>,
}

/// Looks at the addresses and at those who use them.
///
/// # Errors
/// When the resource runs and something is wrong with it.
pub fn monitor(vip: &Vip, netlink: &mut Netlink) -> Result<Status, Failure> {
    let record = vip.records().taken();
    let probe = vip.env.is_probe(Action::Monitor);
    let expected = expected(vip, netlink, record.as_ref(), probe)?;
    let mut seen = look(vip, netlink, &expected)?;
    if let Some(record) = record.as_ref().filter(|_| vip.params.restore && !probe)
        && restore(vip, netlink, record, &seen)?
    {
        seen = look(vip, netlink, &expected)?;
    }
    let missing = |fault: &Fault| matches!(fault, Fault::Missing(_));
    let sentences: Vec<_> = seen.faults.iter().map(Fault::sentence).collect();
    let reason = sentences.join("; ");
    if seen.faults.len() == expected.len() && seen.faults.iter().all(missing) {
        return match record.filter(|_| !probe) {
            Some(_) => Err(Failure::NotRunning(reason)),
            None => Ok(Status::Stopped),
        };
    }
    if !seen.faults.is_empty() {
        return Err(Failure::Retry(reason));
    }
    let trouble = vip.records().trouble().filter(|_| record.is_some());
    let (conflict, unannounced) = match trouble {
        Some(Trouble::Conflict(reason)) => (Some(reason), false),
        Some(Trouble::Unannounced(_)) => (None, true),
        None => (None, false),
    };
    if let Some(reason) = conflict {
        return Err(Failure::Retry(reason));
    }
    neighbours(vip, netlink, &seen, unannounced)
}

/// Where each address should be: what start noted, else what the parameters say.
fn expected(
    vip: &Vip,
    netlink: &mut Netlink,
    record: Option<&Record>,
    probe: bool,
) -> Result<Vec<Expected>, Failure> {
    let recorded: BTreeMap<IpAddr, &Wanted> = record
        .iter()
        .flat_map(|record| &record.wanted)
        .map(|wanted| (wanted.ip, wanted))
        .collect();
    let mut names = BTreeMap::new();
    let mut all = Vec::new();
    for entry in vip.entries() {
        if let Some(wanted) = recorded.get(&entry.ip) {
            all.push(Expected {
                ip: entry.ip,
                prefix: Some(wanted.prefix),
                device: Some(wanted.device),
            });
            continue;
        }
        let (name, _) = place::named_device(&vip.params, &entry);
        if let Some(name) = name
            && !names.contains_key(name)
        {
            let look = format!("look at device {name}");
            let found = device::named(netlink, name).map_err(cannot(look, AGAIN))?;
            if found.is_none() && !probe {
                return Err(Failure::Retry(format!(
                    "device {name} of {} is gone; correct nic or ip, or make the device",
                    entry.ip
                )));
            }
            names.insert(
                name.to_owned(),
                found.map_or(NOWHERE, |device| device.index),
            );
        }
        all.push(Expected {
            ip: entry.ip,
            prefix: entry.prefix.or(vip.params.prefix()),
            device: name.and_then(|name| names.get(name).copied()),
        });
    }
    Ok(all)
}

fn look(vip: &Vip, netlink: &mut Netlink, expected: &[Expected]) -> Result<Seen, Failure> {
    let ours: std::collections::BTreeSet<_> = expected.iter().map(|e| e.ip).collect();
    let mut held = held(netlink)?;
    held.retain(|held| ours.contains(&held.ip));
    let wanted = expected.iter().filter_map(|expected| expected.device);
    let mut devices = Devices::new();
    for index in held.iter().map(Address::device).chain(wanted) {
        if index != NOWHERE
            && !devices.contains_key(&index)
            && let Some(found) = numbered(netlink, index)?
        {
            devices.insert(index, found);
        }
    }
    let (parked, link) = (vip.params.lvs_support, vip.params.check_link_status);
    let faults = faults(expected, &held, &devices, parked, link);
    Ok(Seen {
        held,
        devices,
        faults,
    })
}

/// Adds what another program has removed. False when there was nothing to add, or no device for it.
fn restore(
    vip: &Vip,
    netlink: &mut Netlink,
    record: &Record,
    seen: &Seen,
) -> Result<bool, Failure> {
    let missing = |wanted: &&Wanted| seen.faults.contains(&Fault::Missing(wanted.ip));
    let works = |wanted: &&Wanted| seen.devices.get(&wanted.device).is_some_and(|d| d.up);
    let back: Vec<_> = record.wanted.iter().filter(missing).filter(works).collect();
    for wanted in &back {
        start::apply(netlink, &Step::Add(wanted.address()))?;
        if let Some(device) = seen.devices.get(&wanted.device) {
            let (address, name, manager) = (wanted.address(), &device.name, manager::of(device));
            log::warn!(
                "another program has removed {address} from {name}{manager}: it is put back"
            );
        }
    }
    if back.is_empty() {
        return Ok(false);
    }
    let wanted = back.into_iter().cloned().collect();
    let places = vip.recorded_places(netlink, wanted)?;
    let lines = Lines::open(&places.wanted, &places.devices)?;
    lines
        .announce(|_| true)
        .map_err(|error| retry(format!("put back, and not announced: {error}; {LINK}")))?;
    Ok(true)
}

/// What those around say: nobody else has the address, and the gateway is there.
/// `again`: an earlier announcement could not be sent.
fn neighbours(
    vip: &Vip,
    netlink: &mut Netlink,
    seen: &Seen,
    again: bool,
) -> Result<Status, Failure> {
    let level = vip.env.check_level();
    let refresh = vip.params.arp_count_refresh.max(again.into());
    if level < 10 && refresh == 0 {
        return Ok(Status::Running);
    }
    let wanted = seen.held.iter().map(Wanted::of).collect();
    let places = Places {
        wanted,
        devices: seen.devices.clone(),
    };
    let lines = Lines::open(&places.wanted, &places.devices)?;
    for _ in 0..refresh {
        if let Err(error) = lines.announce(|_| true) {
            return Ok(Status::Degraded(format!("not announced: {error}")));
        }
    }
    if again {
        vip.records().forget_trouble()?;
    }
    if level >= 10 {
        lines.probe(|_| true).map_err(cannot(ASK, LINK))?;
        let ours = |ip| places.wanted.iter().any(|wanted| wanted.ip == ip);
        let others = Deadline::after(OTHERS);
        if let Some(rival) = lines.owner(netlink, &others, ours, |_, _| {}) {
            return Err(Failure::Retry(rival.sentence()));
        }
    }
    if level >= 20 {
        gateways_answer(vip, netlink, &lines, &places)?;
    }
    Ok(Status::Running)
}

/// Each gateway answers within three questions; without one there is nothing to ask.
fn gateways_answer(
    vip: &Vip,
    netlink: &mut Netlink,
    lines: &Lines,
    places: &Places,
) -> Result<(), Failure> {
    let mut silent = vip.params.gateways();
    if silent.is_empty() {
        silent = default_gateways(netlink, places)?;
    }
    for _ in 0..3 {
        if silent.is_empty() || lines.is_empty() {
            return Ok(());
        }
        lines
            .ask(&silent)
            .map_err(cannot("ask the gateway", LINK))?;
        lines.listen(&Deadline::after(GATEWAY), |_, speaker| {
            silent.retain(|gateway| !(speaker.owns && speaker.ip == *gateway));
            silent.is_empty().then_some(())
        });
    }
    if silent.is_empty() {
        return Ok(());
    }
    let silent: Vec<_> = silent.iter().map(IpAddr::to_string).collect();
    Err(Failure::Retry(format!(
        "the gateway {} does not answer",
        silent.join(", ")
    )))
}

/// The gateways of the default routes by the devices of the addresses, of the families that these have.
fn default_gateways(netlink: &mut Netlink, places: &Places) -> Result<Vec<IpAddr>, Failure> {
    let mut gateways = Vec::new();
    for v6 in [false, true] {
        let Some(one) = places
            .wanted
            .iter()
            .find(|wanted| wanted.ip.is_ipv6() == v6)
        else {
            continue;
        };
        let routes = route::all(netlink, one.ip).map_err(cannot("list the routes", AGAIN))?;
        let ours =
            |route: &&route::Route| route.prefix == 0 && places.devices.contains_key(&route.device);
        gateways.extend(routes.iter().filter(ours).filter_map(|route| route.gateway));
    }
    Ok(gateways)
}

/// A sentence on what this node holds: `192.0.2.10/24 on eth0`. `None` when it holds nothing.
pub fn describe(vip: &Vip, netlink: &mut Netlink) -> Option<String> {
    let ours: Vec<_> = vip.entries().into_iter().map(|entry| entry.ip).collect();
    let held = address::all(netlink).ok()?;
    let held = held.iter().filter(|held| ours.contains(&held.ip));
    let sentences: Vec<_> = held
        .map(|held| {
            let device = device::numbered(netlink, held.device()).ok().flatten();
            format!("{held} on {}", device.map_or("?".to_owned(), |d| d.name))
        })
        .collect();
    (!sentences.is_empty()).then(|| sentences.join(", "))
}
