//! The agent `vip-rs`: virtual addresses, through netlink and raw sockets.

mod entry;
mod faults;
mod frame;
mod job;
mod lines;
mod manager;
mod monitor;
mod others;
mod params;
mod place;
mod plan;
mod record;
mod routing;
mod start;
mod stop;

use std::cell::RefCell;
use std::collections::BTreeMap;

use self::entry::Entry;
use self::place::{Places, Wanted};
use self::record::Records;
use self::stop::Leaving;
use crate::ocf::{About, Action, ActionRow, Agent, Deadline, Done, Env, Failure, Status};
use crate::sys::by_resource;
use crate::sys::net::{Address, Device, Namespace, Netlink, address, device};

pub use self::entry::Entries;
pub use self::params::VipParams;

/// The agent for one action.
#[derive(Debug)]
pub struct Vip {
    params: VipParams,
    env: Env,
    /// What validate has found, for start: it need not look again.
    found: RefCell<Option<(Netlink, Places)>>,
}

const fn monitor(interval_s: u32, depth: u32) -> ActionRow {
    let mut row = ActionRow::new(Action::Monitor, 20);
    row.interval_s = Some(interval_s);
    row.depth = Some(depth);
    row
}

impl Agent for Vip {
    const ABOUT: About = About {
        name: "vip-rs",
        version: env!("CARGO_PKG_VERSION"),
        shortdesc: "Virtual IP addresses",
        longdesc: "\
Holds one virtual address or many, IPv4 and IPv6, as one resource: adds them, tells the network at once, watches them,
and removes them wherever they are. It speaks to the kernel itself and starts no other program. It takes the parameters
of ocf:heartbeat:IPaddr2, except those of cluster IP addresses.",
        actions: &[
            ActionRow::new(Action::Start, 20),
            ActionRow::new(Action::Stop, 20),
            monitor(10, 0),
            monitor(61, 10),
            monitor(127, 20),
            ActionRow::new(Action::ReloadAgent, 20),
            ActionRow::new(Action::ValidateAll, 20),
            ActionRow::new(Action::MetaData, 5),
        ],
    };
    type Params = VipParams;

    fn new(params: VipParams, env: Env) -> Self {
        let found = RefCell::default();
        Self { params, env, found }
    }

    fn validate(&self) -> Done {
        let found = self.look()?;
        self.found.replace(Some(found));
        Ok(())
    }

    fn start(&self) -> Done {
        let found = self.found.take().map_or_else(|| self.look(), Ok);
        let (mut netlink, places) = found?;
        start::start(self, &mut netlink, &places)
    }

    fn stop(&self) -> Done {
        let label = self.params.lvs_ipv6_addrlabel_value;
        let leaving = Leaving {
            namespace: self.params.network_namespace.clone(),
            ips: self.entries().into_iter().map(|entry| entry.ip).collect(),
            park: self.params.lvs_support,
            label: self.params.lvs_ipv6_addrlabel.then_some(label),
        };
        stop::stop(&self.records(), leaving, &Deadline::of(&self.env))?;
        if self.params.flush_routes {
            stop::flush_routes();
        }
        Ok(())
    }

    fn stop_blind(env: &Env) -> Done {
        let ips = Entries::salvage(env.param("ip").unwrap_or_default());
        let leaving = Leaving {
            namespace: env.param("network_namespace").map(str::to_owned),
            ips: ips.into_iter().collect(),
            ..Leaving::default()
        };
        stop::stop(&records(env), leaving, &Deadline::of(env))
    }

    fn monitor(&self) -> Result<Status, Failure> {
        match self.netlink()? {
            Some(mut netlink) => monitor::monitor(self, &mut netlink),
            None => Ok(Status::Stopped), // whatever was in the namespace went with it
        }
    }

    /// Nothing to do: each action reads the parameters.
    fn reload(&self) -> Done {
        Ok(())
    }

    fn job(&self) -> Done {
        job::run(self)
    }

    fn resource_from_cluster(name: Option<&str>) -> Result<Vec<(String, String)>, Failure> {
        by_resource::environment("vip-rs", name)
    }

    fn describe(&self) -> Option<String> {
        let mut netlink = self.netlink().ok()??;
        monitor::describe(self, &mut netlink)
    }
}

impl Vip {
    fn records(&self) -> Records {
        records(&self.env)
    }

    /// The entries of this instance.
    fn entries(&self) -> Vec<Entry> {
        let number = self.env.meta("clone").and_then(|text| text.parse().ok());
        self.params.entries(number.unwrap_or(0))
    }

    /// The kernel's ear in the resource's namespace; `None` when there is no such namespace.
    fn netlink(&self) -> Result<Option<Netlink>, Failure> {
        if let Some(name) = &self.params.network_namespace
            && !enter(name)?
        {
            return Ok(None);
        }
        kernel().map(Some)
    }

    /// The same, for those who need it.
    fn inside(&self) -> Result<Netlink, Failure> {
        self.netlink()?.ok_or_else(|| {
            let name = self.params.network_namespace.as_deref().unwrap_or_default();
            retry(format!(
                "there is no network namespace {name} on this node; make it, or correct network_namespace"
            ))
        })
    }

    /// Where the addresses belong, and who told it.
    fn look(&self) -> Result<(Netlink, Places), Failure> {
        let mut netlink = self.inside()?;
        let places = self.places(&mut netlink)?;
        Ok((netlink, places))
    }

    /// The place of each address, on a device that works.
    fn places(&self, netlink: &mut Netlink) -> Result<Places, Failure> {
        let places = place::all(netlink, &self.params, &self.entries())?;
        self.refuse_sharing(&places)?;
        let down = places.devices.values().find(|device| !device.up);
        match down.filter(|_| self.params.check_link_status) {
            Some(device) => Err(Failure::Retry(format!(
                "device {} is {}; mend the link, or set check_link_status=false",
                device.name, device.state
            ))),
            None => Ok(places),
        }
    }

    /// The instances of a clone do not share an address: on the network it would be on each of their nodes. On the
    /// loopback device it is seen by its own node alone, as on the real servers of an LVS.
    fn refuse_sharing(&self, places: &Places) -> Done {
        let instances = self
            .env
            .meta("clone_max")
            .and_then(|text| text.parse().ok());
        let instances: u32 = instances.unwrap_or(1);
        if instances < 2 || self.params.unique_clone_address {
            return Ok(());
        }
        match places.devices.values().find(|device| !device.loopback) {
            None => Ok(()),
            Some(device) => Err(Failure::WrongEverywhere(format!(
                "{instances} instances of a clone would have the same address on {}, as the kernel's CLUSTERIP target for \
                 that is gone; take the resource out of the clone, or set unique_clone_address=true",
                device.name
            ))),
        }
    }

    /// Places that were noted earlier, with their devices as they are now; what has no device any more is left out.
    fn recorded_places(
        &self,
        netlink: &mut Netlink,
        mut wanted: Vec<Wanted>,
    ) -> Result<Places, Failure> {
        let mut devices = BTreeMap::new();
        for one in &wanted {
            if !devices.contains_key(&one.device)
                && let Some(found) = numbered(netlink, one.device)?
            {
                devices.insert(one.device, found);
            }
        }
        wanted.retain(|one| devices.contains_key(&one.device));
        Ok(Places { wanted, devices })
    }
}

/// The remedy where there is nothing to mend.
const AGAIN: &str = "try again";

/// The records of this instance: in a globally unique clone several are on one node.
fn records(env: &Env) -> Records {
    Records::of(env.instance().unwrap_or_else(|| env.resource()))
}

/// Moves this process into the namespace. False when there is none of this name.
fn enter(name: &str) -> Result<bool, Failure> {
    let entered = Namespace::of(name).enter();
    entered.map_err(cannot(
        format!("enter the network namespace {name}"),
        "it has to be one of ip netns, and the agent to run as root",
    ))
}

/// The kernel's ear in the namespace of this process.
fn kernel() -> Result<Netlink, Failure> {
    Netlink::open().map_err(cannot(
        "open a netlink socket to the kernel",
        "the agent has to be allowed to, and to have files left to open",
    ))
}

/// All addresses of all devices.
fn held(netlink: &mut Netlink) -> Result<Vec<Address>, Failure> {
    address::all(netlink).map_err(cannot(
        "list the addresses of this node",
        "if it lasts, find what changes them all the time with ip monitor address",
    ))
}

/// The device of this number; `None` when there is none.
fn numbered(netlink: &mut Netlink, index: u32) -> Result<Option<Device>, Failure> {
    device::numbered(netlink, index).map_err(cannot(format!("look at device {index}"), AGAIN))
}

/// Something that may pass: what could not be done on what, and the remedy.
fn cannot(what: impl std::fmt::Display, remedy: &str) -> impl FnOnce(std::io::Error) -> Failure {
    move |error| Failure::Retry(format!("cannot {what}: {error}; {remedy}"))
}

/// Something that may pass.
fn retry(error: impl std::fmt::Display) -> Failure {
    Failure::Retry(error.to_string())
}
