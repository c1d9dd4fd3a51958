//! The network of one namespace: devices, addresses and routes through netlink, frames through raw sockets.
#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "the kernel's messages have open ends: what is not asked for is passed over"
)]

pub mod address;
pub mod device;
pub mod frames;
pub mod namespace;
mod netlink;
pub mod route;

pub use address::{Address, Loss, Manner};
pub use device::{Device, Medium};
pub use namespace::Namespace;
pub use netlink::Netlink;
