//! Where each address belongs: device and prefix, given or from the routes that lead straight to it.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr};

use serde::{Deserialize, Serialize};

use super::entry::{Entry, Lifetime, longest_prefix};
use super::params::VipParams;
use super::routing::{NoRoute, Question, choose};
use super::{AGAIN, cannot, numbered, retry};
use crate::ocf::Failure;
use crate::sys::net::route::{self, Route};
use crate::sys::net::{Address, Device, Manner, Netlink, device};

/// The longest label that the kernel keeps (`IFNAMSIZ` less the final 0).
const LONGEST_LABEL: usize = 15;

/// One address with all that is needed to add it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// The address.
    pub ip: IpAddr,
    /// The bits of its network.
    pub prefix: u8,
    /// The number of its device.
    pub device: u32,
    /// Everything else.
    pub manner: Manner,
}

impl Wanted {
    /// One that is here, as far as announcing it goes.
    pub fn of(held: &Address) -> Self {
        Self {
            ip: held.ip,
            prefix: held.prefix(),
            device: held.device(),
            manner: Manner::default(),
        }
    }

    /// The address as the kernel is told of it.
    pub fn address(&self) -> Address {
        Address::new(self.ip, self.prefix, self.device, &self.manner)
    }
}

/// All addresses of the resource, and the devices where they belong.
#[derive(Debug)]
pub struct Places {
    /// In the order of the parameter.
    pub wanted: Vec<Wanted>,
    /// By number.
    pub devices: BTreeMap<u32, Device>,
}

/// The kernel's lists, each read when it is first needed.
struct Lists<'a> {
    netlink: &'a mut Netlink,
    by_name: BTreeMap<String, Option<Device>>,
    routes: [Option<Vec<Route>>; 2],
}

/// Finds the place of each entry.
///
/// # Errors
/// The first entry that has none here, or several. Devices and routes come and go, so that may pass by itself.
pub fn all(
    netlink: &mut Netlink,
    params: &VipParams,
    entries: &[Entry],
) -> Result<Places, Failure> {
    let mut lists = Lists {
        netlink,
        by_name: BTreeMap::new(),
        routes: [None, None],
    };
    let mut places = Places {
        wanted: Vec::new(),
        devices: BTreeMap::new(),
    };
    for entry in entries {
        let (wanted, device) = one(&mut lists, params, entry)?;
        places.devices.entry(device.index).or_insert(device);
        places.wanted.push(wanted);
    }
    Ok(places)
}

fn one(
    lists: &mut Lists<'_>,
    params: &VipParams,
    entry: &Entry,
) -> Result<(Wanted, Device), Failure> {
    let ip = entry.ip;
    let prefix = entry.prefix.or(params.prefix());
    if prefix.is_some_and(|prefix| prefix > longest_prefix(ip)) {
        let prefix = prefix.unwrap_or_default();
        return Err(Failure::WrongEverywhere(format!(
            "cidr_netmask {prefix} is too long for {ip}; give each address its own, as {ip}/PREFIX"
        )));
    }
    let (name, label) = named_device(params, entry);
    let given = name.map(|name| lists.device(name)).transpose()?;
    let (device, prefix) = match (given, prefix) {
        (Some(device), Some(prefix)) => (device, prefix),
        (given, prefix) => lists.by_route(params, ip, given, prefix)?,
    };
    let manner = Manner {
        label: label_for(&device, ip, label.or(params.iflabel.as_deref()))?,
        broadcast: broadcast_for(&device, params, ip, prefix),
        no_prefix_route: params.noprefixroute,
        // What the agent has asked for itself, the kernel need not ask again: it would take a second and more.
        no_dad: params.nodad || params.looks_for_conflicts(),
        preferred: match params.preferred_lft {
            Lifetime::Forever => None,
            Lifetime::Seconds(seconds) => Some(seconds),
        },
    };
    let wanted = Wanted {
        ip,
        prefix,
        device: device.index,
        manner,
    };
    Ok((wanted, device))
}

/// The name of the entry's device and the label behind it, as far as they are given.
pub fn named_device<'a>(
    params: &'a VipParams,
    entry: &'a Entry,
) -> (Option<&'a str>, Option<&'a str>) {
    match entry.device.as_deref().or(params.nic.as_deref()) {
        None => (None, None),
        Some(name) => match name.split_once(':') {
            Some((name, label)) => (Some(name), Some(label)),
            None => (Some(name), None),
        },
    }
}

fn label_for(device: &Device, ip: IpAddr, label: Option<&str>) -> Result<Option<String>, Failure> {
    let Some(label) = label.filter(|_| ip.is_ipv4()) else {
        return Ok(None);
    };
    let whole = format!("{}:{label}", device.name);
    if whole.len() > LONGEST_LABEL {
        return Err(Failure::WrongHere(format!(
            "the label {whole} of {ip} is longer than {LONGEST_LABEL} characters; shorten iflabel"
        )));
    }
    Ok(Some(whole))
}

fn broadcast_for(device: &Device, params: &VipParams, ip: IpAddr, prefix: u8) -> Option<Ipv4Addr> {
    match ip {
        IpAddr::V4(ip) if !device.loopback => params.broadcast.of(ip, prefix),
        IpAddr::V4(_) | IpAddr::V6(_) => None,
    }
}

impl Lists<'_> {
    fn device(&mut self, name: &str) -> Result<Device, Failure> {
        if !self.by_name.contains_key(name) {
            let look = format!("look at device {name}");
            let found = device::named(self.netlink, name).map_err(cannot(look, AGAIN))?;
            self.by_name.insert(name.to_owned(), found);
        }
        let found = self.by_name.get(name).cloned().flatten();
        found.ok_or_else(|| {
            retry(format!(
                "there is no device {name} on this node; correct nic or ip, or make the device"
            ))
        })
    }

    fn routes(&mut self, family: IpAddr) -> io::Result<Vec<Route>> {
        let slot = &mut self.routes[usize::from(family.is_ipv6())];
        if slot.is_none() {
            *slot = Some(route::all(self.netlink, family)?);
        }
        Ok(slot.clone().unwrap_or_default())
    }

    fn by_route(
        &mut self,
        params: &VipParams,
        ip: IpAddr,
        given: Option<Device>,
        prefix: Option<u8>,
    ) -> Result<(Device, u8), Failure> {
        if given.is_none() && ip.is_loopback() {
            let lo = self.device("lo")?;
            return Ok((lo, prefix.unwrap_or(if ip.is_ipv4() { 8 } else { 128 })));
        }
        if given.is_none() && is_link_local(ip) {
            return Err(Failure::WrongEverywhere(format!(
                "{ip} is an address of the link alone: say on which device, with nic or as {ip}@DEVICE"
            )));
        }
        let protocol = params.proto.as_deref().map(protocol).transpose()?;
        let question = Question {
            ip,
            prefix,
            device: given.as_ref().map(|device| device.index),
            protocol,
        };
        let routes = self.routes(ip).map_err(cannot("list the routes", AGAIN))?;
        let found = choose(&routes, &question);
        let route = found.map_err(|none| self.explain(&none, &question, given.as_ref()))?;
        let device = match given {
            Some(device) => device,
            None => numbered(self.netlink, route.device)?.ok_or_else(|| {
                retry(format!(
                    "the device of the route to {ip} has just gone; {AGAIN}"
                ))
            })?,
        };
        Ok((device, prefix.unwrap_or(route.prefix)))
    }

    fn explain(&mut self, none: &NoRoute, asked: &Question, given: Option<&Device>) -> Failure {
        let ip = asked.ip;
        match none {
            NoRoute::Nowhere => {
                let device = given.map(|device| format!(" by {}", device.name));
                let device = device.unwrap_or_default();
                Failure::Retry(format!(
                    "no route leads straight to {ip}{device}; add a base address of its network, or say where it \
                     belongs: {ip}/PREFIX@DEVICE"
                ))
            }
            NoRoute::Several(routes) => {
                let mut name = |route: &Route| {
                    let device = device::numbered(self.netlink, route.device).ok().flatten();
                    let name = device.map_or("a device that has gone".to_owned(), |d| d.name);
                    let (network, prefix, metric) = (route.network, route.prefix, route.metric);
                    format!("{name} ({network}/{prefix}, metric {metric})")
                };
                let candidates: Vec<_> = routes.iter().map(&mut name).collect();
                retry(format!(
                    "several routes lead straight to {ip}: {}; choose one, as {ip}@DEVICE",
                    candidates.join(", ")
                ))
            }
        }
    }
}

fn is_link_local(ip: IpAddr) -> bool {
    matches!(ip, IpAddr::V6(ip) if ip.is_unicast_link_local())
}

fn protocol(name: &str) -> Result<u8, Failure> {
    route::protocol(name).ok_or_else(|| {
        Failure::WrongEverywhere(format!(
            "proto is \"{name}\"; it must be a routing protocol such as kernel or static, or its number"
        ))
    })
}
