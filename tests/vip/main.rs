//! `vip-rs` on real devices: each test in network namespaces of its own, as root.
//!
//! | file | claims |
//! |---|---|
//! | `actions` | start, stop, monitor, validate-all: codes, reasons, idempotence |
//! | `moving` | the peer's parameters, and those of cluster IP addresses that are refused |
//! | `ocft` | the peer's own cases on where an address goes |
//! | `places` | where an address goes: routes, names, labels, devices of all kinds |
//! | `leaving` | stop leaves nothing behind, and nothing of others takes harm |
//! | `neighbours` | announcements, conflicts, gateways: what a second host sees |
//! | `together` | several resources on one node at once |
//! | `speed` | beside the peer on the same machine, 500 addresses, 1000 rounds |
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    clippy::wildcard_enum_match_arm,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and starts the programs it tests"
)]

mod actions;
mod leaving;
mod moving;
mod neighbours;
mod net;
mod ocft;
mod places;
mod speed;
mod together;
