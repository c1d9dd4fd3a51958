//! The parameters of `vip-rs`: those of `ocf:heartbeat:IPaddr2`, and few more.

use std::net::IpAddr;

use super::entry::{
    Broadcast, ClusterIp, Entries, Entry, Gateways, Lifetime, Millis, Prefix, later,
};
use crate::params;

params! {
    /// Parameters of `vip-rs`.
    pub struct VipParams {
        /// Addresses
        ///
        /// One address or many, IPv4 and IPv6, separated by commas or blanks; each as ADDRESS[/PREFIX][@DEVICE], for
        /// example 192.0.2.10 or 192.0.2.10/24@eth0. They are started, stopped and monitored as one.
        #[unique_group = "ip"]
        ip: Entries,
        /// Device
        ///
        /// The device of the addresses that name none, by its name or an alternative name. NAME:LABEL, the old way to
        /// give a label, is understood. Default: the device of the route that leads straight to the address.
        nic: Option<String>,
        /// Network bits
        ///
        /// The prefix length of the addresses that give none, as 24 or 255.255.255.0. Default: that of the route that
        /// leads straight to the address.
        cidr_netmask: Option<Prefix>,
        /// Network bits, old name
        ///
        /// The same as cidr_netmask.
        netmask: Option<Prefix>,
        /// Broadcast address
        ///
        /// Of IPv4 addresses: an address, + for the last or - for the first of the network. Default: +.
        broadcast: Broadcast = "+",
        /// Routing protocol
        ///
        /// Look only at routes made by this protocol (kernel, static, dhcp, bgp, .. or a number) for device and
        /// network bits.
        proto: Option<String>,
        /// Label
        ///
        /// Of IPv4 addresses, added to the device's name; both together have at most 15 characters.
        iflabel: Option<String>,
        /// LVS direct routing
        ///
        /// For real servers of an LVS: an IPv4 address that is stopped is kept on the loopback device.
        lvs_support: bool = "false",
        /// Address label
        ///
        /// Give IPv6 addresses a label of their own in the policy table, so that this node does not choose them as
        /// the source of its own connections.
        lvs_ipv6_addrlabel: bool = "true",
        /// Number of the address label
        lvs_ipv6_addrlabel_value: u32 = "99",
        /// Cluster IP: hardware address
        ///
        /// Not supported: the kernel's CLUSTERIP target is gone.
        mac: Option<ClusterIp>,
        /// Cluster IP: hash seed
        ///
        /// Not supported: the kernel's CLUSTERIP target is gone.
        clusterip_hash: Option<ClusterIp>,
        /// Cluster IP: hash seed
        ///
        /// Not supported: the kernel's CLUSTERIP target is gone.
        clusterip_hash_seed: Option<ClusterIp>,
        /// Cluster IP: firewall
        ///
        /// Not supported: the kernel's CLUSTERIP target is gone.
        clusterip_firewall: Option<ClusterIp>,
        /// Cluster IP: table
        ///
        /// Not supported: the kernel's CLUSTERIP target is gone.
        clusterip_table: Option<ClusterIp>,
        /// Cluster IP: chain
        ///
        /// Not supported: the kernel's CLUSTERIP target is gone.
        clusterip_chain: Option<ClusterIp>,
        /// Cluster IP: hardware address
        ///
        /// Not supported: the kernel's CLUSTERIP target is gone.
        clusterip_mac_mangle: Option<ClusterIp>,
        /// An address for each instance
        ///
        /// In a globally unique clone: add the number of the instance to each address.
        unique_clone_address: bool = "false",
        /// Pause between announcements
        ///
        /// Milliseconds, unless another unit is given.
        #[reloadable = true]
        arp_interval: Millis = "200",
        /// Announcements at start
        ///
        /// How often the addresses are announced, by ARP or neighbour advertisement. The first goes out before start
        /// returns; the rest follows in the background, for at most a minute.
        #[reloadable = true]
        arp_count: u32 = "5",
        /// Announcements at each monitor
        #[reloadable = true]
        arp_count_refresh: u32 = "0",
        /// Announce in the background
        ///
        /// If false, start returns after the last announcement.
        #[reloadable = true]
        arp_bg: bool = "true",
        /// Program that sends announcements
        ///
        /// Accepted for configurations of ocf:heartbeat:IPaddr2 and not used: the agent sends them itself.
        arp_sender: Option<String>,
        /// Options of the program that sends announcements
        ///
        /// Accepted for configurations of ocf:heartbeat:IPaddr2 and not used.
        send_arp_opts: Option<String>,
        /// Flush the route cache at stop
        flush_routes: bool = "false",
        /// Look for a duplicate
        ///
        /// Accepted for configurations of ocf:heartbeat:IPaddr2: if true, conflict_check is true as well.
        run_arping: bool = "false",
        /// No duplicate address detection
        ///
        /// Let nobody look for duplicates of IPv6 addresses at start: neither the agent nor the kernel.
        nodad: bool = "false",
        /// No route to the network
        ///
        /// Add the addresses without the route to their network.
        noprefixroute: bool = "false",
        /// Preferred lifetime
        ///
        /// Of IPv6 addresses: forever, or seconds; with 0 this node does not choose them as the source of its own
        /// connections.
        preferred_lft: Lifetime = "forever",
        /// Network namespace
        ///
        /// The name of the namespace that holds device and addresses, as ip netns has it.
        network_namespace: Option<String>,
        /// Watch the link
        ///
        /// Fail at start and monitor while a device is down, or nothing carries it.
        check_link_status: bool = "true",
        /// Look for a conflict
        ///
        /// Before start claims an address that this node does not have yet, ask whether another machine has it, by
        /// ARP probe (RFC 5227) or the neighbour solicitation of duplicate address detection (RFC 4862), and fail
        /// with its hardware address if one answers. If false, IPv6 addresses wait for the kernel's own detection.
        conflict_check: bool = "true",
        /// Time for an answer
        ///
        /// How long start waits for an answer before it claims the addresses. One that comes before they are announced is
        /// in time too. What is later is heard in the background for a second, and makes the next monitor fail.
        #[reloadable = true]
        conflict_window: Millis = "500us",
        /// Put back what others removed
        ///
        /// When another program, such as systemd-networkd or wicked, has removed an address of the running resource,
        /// the monitor adds it again and says in the log which, from where, and who manages that device, instead of
        /// failing.
        #[reloadable = true]
        restore: bool = "false",
        /// Gateways
        ///
        /// Addresses, separated by commas or blanks, which are told directly as well who has the addresses: for
        /// gateways that do not listen to announcements to everybody. A monitor of check level 20 asks them. Default:
        /// none is told; a monitor of check level 20 asks the gateway of the default route.
        #[reloadable = true]
        gateway: Option<Gateways>,
    }
}

impl VipParams {
    /// The bits of the addresses that give none.
    pub fn prefix(&self) -> Option<u8> {
        self.cidr_netmask.or(self.netmask).map(|prefix| prefix.0)
    }

    /// Whether to look for conflicts before an address is claimed.
    pub fn looks_for_conflicts(&self) -> bool {
        self.conflict_check || self.run_arping
    }

    /// The gateways that are to be told.
    pub fn gateways(&self) -> Vec<IpAddr> {
        let given = self.gateway.as_ref();
        given.map(|gateways| gateways.0.clone()).unwrap_or_default()
    }

    /// The addresses of this instance: `number` is its number in the clone.
    pub fn entries(&self, number: u32) -> Vec<Entry> {
        let mut entries = self.ip.0.clone();
        if self.unique_clone_address {
            for entry in &mut entries {
                entry.ip = later(entry.ip, number);
            }
        }
        entries
    }
}
