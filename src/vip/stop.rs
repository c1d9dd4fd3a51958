//! Stop: none of the addresses is on this node any more, wherever it was.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::others::Others;
use super::plan::{self, Step};
use super::record::{Record, Records};
use super::{AGAIN, cannot, enter, held, kernel, start};
use crate::ocf::{Deadline, Done, Failure};
use crate::sys::net::{Address, Manner, Netlink, address, device};
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
        leaving.namespace = record.namespace; // the parameters may have changed since
    }
    remove(&leaving, deadline)?;
    records.clear();
    Ok(())
}

fn remove(leaving: &Leaving, deadline: &Deadline) -> Done {
    if let Some(name) = &leaving.namespace
        && !enter(name)?
    {
        log::info!("the namespace {name} is gone, and its addresses with it");
        return Ok(());
    }
    let mut netlink = kernel()?;
    let mut others = Others::look(&mut netlink, deadline)?;
    let held = others.before();
    let parked = parking(&mut netlink, leaving)?;
    let steps = plan::leave(held, &leaving.ips, &parked);
    let park = parked.iter().filter(|parked| {
        let is_there = |held: &Address| held.is_at(parked);
        !held.iter().any(is_there) && held.iter().any(|held| held.ip == parked.ip)
    });
    let steps: Vec<_> = steps
        .into_iter()
        .chain(park.cloned().map(Step::Add))
        .collect();
    others.keep(&mut netlink, &steps);
    let mut failures = Vec::new();
    for step in &steps {
        if let Err(failure) = start::apply(&mut netlink, step) {
            failures.push(failure.to_string());
        }
        forget_label(&mut netlink, step, leaving.label);
    }
    if let Err(failure) = others.bring_back(&mut netlink, &leaving.ips) {
        log::error!("{failure}"); // ours are gone for all that
    }
    verify(&mut netlink, leaving, &parked, &steps, &failures)
}

/// The places on the loopback device where the addresses of an LVS real server stay.
fn parking(netlink: &mut Netlink, leaving: &Leaving) -> Result<Vec<Address>, Failure> {
    if !leaving.park {
        return Ok(Vec::new());
    }
    let lo = device::named(netlink, "lo").map_err(cannot("look at device lo", AGAIN))?;
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
    let held = held(netlink)?;
    let left = plan::leave(&held, &leaving.ips, parked);
    if left.is_empty() {
        return Ok(());
    }
    let left = left.iter().map(|step| match step {
        Step::Add(address) | Step::Remove(address) => address.to_string(),
    });
    let left: Vec<_> = left.collect();
    let why = match failures {
        [] => "each was removed, and another program has added it again: stop that program (ip monitor address tells \
               when it does so, the journal of that moment which it is)"
            .to_owned(),
        failures => failures.join("; "),
    };
    let left = left.join(", ");
    Err(Failure::Retry(format!("still on this node: {left}; {why}")))
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
    let (Some(job), Some(watch)) = (job, job.and_then(Watch::of)) else {
        return Ok(());
    };
    watch.kill();
    if watch.ended_within(deadline.left()) {
        Ok(())
    } else {
        let pid = job.pid;
        Err(Failure::Retry(format!(
            "the background job, process {pid}, was killed and does not end; see what it waits for in /proc/{pid}/stack"
        )))
    }
}

/// Has the kernel forget what it remembers of routes; what is left of the route cache since Linux 3.6.
pub fn flush_routes() {
    if let Err(error) = std::fs::write("/proc/sys/net/ipv4/route/flush", "1") {
        log::warn!("the route cache was not flushed: {error}");
    }
}
