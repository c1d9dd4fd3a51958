//! Scenarios on a real cluster of Corosync, Pacemaker and Galera: nodes that lose power, network or server.
//!
//! `make cluster`, as root on Debian 12: most of a scenario is waiting, so two labs run side by side, except where times
//! are compared (`timed`). One scenario: `make stage`, then
//! `GALERA_RS_STAGE=target/stage cargo test --test cluster -- --test-threads=1 --nocapture NAME`. `LAB=DIR` gives it a
//! place of its own.
//! Without root or packages every scenario prints SKIPPED; with `REQUIRE_REAL=1` it fails instead.
//! `KEEP_LAB=1` leaves the cluster of a scenario running: look at it with `LAB=DIR tests/cluster/lab status`.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a test crate: it starts programs, waits for them, and panics to fail"
)]

mod cookbook;
mod creation;
mod defects;
mod demonstration;
mod encryption;
mod evict_living;
mod examples;
mod faults;
mod four_nodes;
mod harness;
mod health;
mod honest;
mod job;
mod killed_actions;
mod lab_itself;
mod latest_missing;
mod majority;
mod maxscale;
mod members;
mod moving_over;
mod names;
mod operations;
mod orderly;
mod packages;
mod parted;
mod positions;
mod timed;
mod transfer;
mod transfer_cut;
mod two_clusters;
mod writer_lost;
