//! The CIB reader against real CIBs, Pacemaker's own reading of them, damage, and the clock.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    clippy::wildcard_enum_match_arm,
    reason = "a test fails by panicking"
)]

#[path = "cib/damage.rs"]
mod damage;
#[path = "cib/fixtures.rs"]
mod fixtures;
#[path = "cib/oracle.rs"]
mod oracle;
#[path = "cib/speed.rs"]
mod speed;
#[path = "cib/subjects.rs"]
mod subjects;
