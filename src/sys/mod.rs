//! What lies outside the process: programs, the cluster's tools, processes, locks, accounts and names.

pub mod accounts;
pub mod alone;
pub mod by_resource;
pub mod cluster;
pub mod command;
pub mod files;
pub mod links;
pub mod lock;
pub mod names;
pub mod process;
pub mod sockets;
