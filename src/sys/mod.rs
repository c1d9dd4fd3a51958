//! What lies outside the process: programs, the cluster's tools, processes, the network, locks, accounts and names.

pub mod accounts;
pub mod alone;
pub mod by_resource;
pub mod cluster;
pub mod command;
pub mod files;
pub mod links;
pub mod lock;
pub mod names;
pub mod net;
pub mod process;
pub mod sockets;
pub mod units;

/// What an agent has to remember until a reboot, which ends the processes that it speaks of: one directory for each resource.
pub const VOLATILE: &str = "/run/galera-rs";
