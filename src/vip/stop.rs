//! Stop: none of the addresses is on this node any more, wherever it was.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::plan::{self, Step};
use super::record::{Record, Records};
use super::{retry, start};
use crate::ocf::{Deadline, Done, Failure};
use crate::sys::net::{Address, Manner, Namespace, Netlink, address, device};
use crate::sys::process::Watch;

/// What is to go, and from where.
#[derive(Debug, Default)]
pub struct Leaving {
    /// The network namespace, if not that of the cluster.
    pub namespace: Option<String>,
    /// The addresses.
    pub ips: BTreeSet<IpAddr>,
    /// Keep IPv4 addresses on the loopback device.
    pub park: bool,
    /// The label in the policy table that start gave to IPv6 addresses.
    pub label: Option<u32>,
}

/// Removes the addresses, on every device and with every prefix, and looks whether they are gone.
///
/// # Errors
/// When one of them is still there.
pub fn stop(records: &Records, mut leaving: Leaving, deadline: &Deadline) -> Done {
    let record = records.taken();
    end_job(record.as_ref(), deadline)?;
    if let Some(record) = record {
        leaving.ips.extend(record.ips());
        leaving.namespace = leaving.namespace.or(record.namespace);
    }
    remove(&leaving)?;
    records.clear();
    Ok(())
}

fn remove(leaving: &Leaving) -> Done {
    if let Some(name) = &leaving.namespace
        && !Namespace::of(name).enter().map_err(retry)?
    {
        log::info!("the namespace {name} is gone, and its addresses with it");
        return Ok(());
    }
    let mut netlink = Netlink::open().map_err(retry)?;
    let held = address::all(&mut netlink).map_err(retry)?;
    let parked = parking(&mut netlink, leaving)?;
    let steps = plan::leave(&held, &leaving.ips, &parked);
    let park = parked.iter().filter(|parked| {
        let is_there = |held: &Address| held.is_at(parked);
        !held.iter().any(is_there) && held.iter().any(|held| held.ip == parked.ip)
    });
    let steps: Vec<_> = steps
        .into_iter()
        .chain(park.cloned().map(Step::Add))
        .collect();
    let mut failures = Vec::new();
    for step in &steps {
        if let Err(failure) = start::apply(&mut netlink, step) {
            failures.push(failure.to_string());
        }
        forget_label(&mut netlink, step, leaving.label);
    }
    bring_back(&mut netlink, &held, &steps, &leaving.ips)?;
    verify(&mut netlink, leaving, &parked, &steps, &failures)
}

/// The places on the loopback device where the addresses of an LVS real server stay.
fn parking(netlink: &mut Netlink, leaving: &Leaving) -> Result<Vec<Address>, Failure> {
    if !leaving.park {
        return Ok(Vec::new());
    }
    let lo = device::named(netlink, "lo").map_err(retry)?;
    let Some(lo) = lo else {
        return Ok(Vec::new());
    };
    let v4 = leaving.ips.iter().filter(|ip| ip.is_ipv4());
    Ok(v4
        .map(|ip| Address::new(*ip, 32, lo.index, &Manner::default()))
        .collect())
}

/// A removal may have been overtaken by the end of the device: what counts is what is there.
fn verify(
    netlink: &mut Netlink,
    leaving: &Leaving,
    parked: &[Address],
    steps: &[Step],
    failures: &[String],
) -> Done {
    if steps.is_empty() {
        return Ok(());
    }
    let held = address::all(netlink).map_err(retry)?;
    let left = plan::leave(&held, &leaving.ips, parked);
    if left.is_empty() {
        return Ok(());
    }
    let left = left.iter().map(|step| match step {
        Step::Add(address) | Step::Remove(address) => address.to_string(),
    });
    let left: Vec<_> = left.collect();
    Err(Failure::Retry(format!(
        "still on this node: {}; {}",
        left.join(", "),
        failures.join("; ")
    )))
}

/// Adds the addresses of others again that the kernel removed together with ours.
///
/// # Errors
/// When one of them cannot be added.
pub fn bring_back(
    netlink: &mut Netlink,
    before: &[Address],
    steps: &[Step],
    ips: &BTreeSet<IpAddr>,
) -> Done {
    let took_others = |step: &Step| match step {
        Step::Remove(address) => address.ip.is_ipv4() && !address.is_secondary(),
        Step::Add(_) => false,
    };
    let others = before
        .iter()
        .any(|held| held.is_secondary() && !ips.contains(&held.ip));
    if !others || !steps.iter().any(took_others) {
        return Ok(());
    }
    let after = address::all(netlink).map_err(retry)?;
    for lost in plan::lost(before, &after, ips) {
        log::info!("{lost} hung on an address of ours and went with it: adding it again");
        start::apply(netlink, &Step::Add(lost))?;
    }
    Ok(())
}

fn forget_label(netlink: &mut Netlink, step: &Step, label: Option<u32>) {
    if let (Step::Remove(address), Some(label)) = (step, label)
        && address.ip.is_ipv6()
        && let Err(error) = address::clear_label(netlink, address, label)
    {
        log::debug!("label of {address}: {error}");
    }
}

/// Ends the background job: it must not announce what is about to go.
///
/// # Errors
/// When it does not end before the deadline.
pub fn end_job(record: Option<&Record>, deadline: &Deadline) -> Done {
    let job = record.and_then(|record| record.job);
    let Some(watch) = job.and_then(Watch::of) else {
        return Ok(());
    };
    watch.kill();
    if watch.ended_within(deadline.left()) {
        Ok(())
    } else {
        Err(Failure::Retry("the background job does not end".to_owned()))
    }
}

/// Has the kernel forget what it remembers of routes; what is left of the route cache since Linux 3.6.
pub fn flush_routes() {
    if let Err(error) = std::fs::write("/proc/sys/net/ipv4/route/flush", "1") {
        log::warn!("the route cache was not flushed: {error}");
    }
}
