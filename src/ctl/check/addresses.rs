//! Addresses that more than one resource holds.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::{Finding, Severity};
use crate::cib::{Cib, Resource};
use crate::vip::Entries;

/// The agents that hold what their parameter `ip` says.
const HOLDERS: [&str; 4] = ["vip-rs", "IPaddr2", "IPaddr", "IPv6addr"];

pub(super) fn findings(cib: &Cib) -> Vec<Finding> {
    let mut holders: BTreeMap<IpAddr, Vec<&str>> = BTreeMap::new();
    for resource in cib.resources() {
        for ip in held(resource) {
            holders.entry(ip).or_default().push(&resource.id);
        }
    }
    holders.retain(|_, resources| resources.len() > 1);
    let shared = holders.into_iter().map(|(ip, resources)| {
        let names = resources.join(" and ");
        Finding::new(
            Severity::Danger,
            names.clone(),
            format!("{names} both hold {ip}"),
            "two nodes may have the address at once, and a stop of one resource takes it from the other",
            "remove one of them, or its entry in ip",
        )
    });
    shared.collect()
}

/// The addresses that a resource is to hold.
pub(in crate::ctl) fn held(resource: &Resource) -> Vec<IpAddr> {
    let holds = resource
        .agent()
        .is_some_and(|agent| HOLDERS.contains(&&*agent.name));
    let parameters = &resource.parameters;
    let ip = parameters.get("ip").or_else(|| parameters.get("ipv6addr"));
    ip.filter(|_| holds)
        .map(Entries::salvage)
        .unwrap_or_default()
}
