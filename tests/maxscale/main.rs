//! `maxscale-rs` and a MaxScale on this machine, without a cluster; as root.
//!
//! | file | claims |
//! |---|---|
//! | `actions` | start, stop, monitor, validate-all: codes, reasons, idempotence, left-over files |
//! | `faults` | what goes wrong with a running MaxScale, and what the monitors say |
//! | `https` | the REST API over TLS |
//! | `roles` | active and passive, whatever an earlier life has left |
//! | `secrets` | passwords, which nobody is shown |
//! | `cost` | what a monitor costs |
//!
//! With `MAXSCALE=/path/to/maxscale` the same cases run against that one, less those that only the stand-in can play.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    clippy::wildcard_enum_match_arm,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and starts the programs it tests"
)]

mod actions;
mod cost;
mod faults;
mod https;
mod roles;
mod secrets;
mod site;
