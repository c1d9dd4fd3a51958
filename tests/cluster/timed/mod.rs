//! Scenarios that compare times: each has the machine to itself.

mod all_killed;
mod bench_monitor;
mod evict;
mod hand;
mod moved_address;
pub mod peer;
mod single_writer;
mod slow_recovery;
mod vip;
