//! The numbers in the text format of Prometheus, by the names that mysqld_exporter gives them. Pure.

use std::fmt::Write as _;

use super::component;
use crate::galera::health::Health;
use crate::galera::pulse::Pulse;
use crate::galera::wsrep::{LocalState, Status};

/// Everything that is known of a server; of one that does not answer, that it is down.
pub(super) fn text(pulse: &Pulse) -> String {
    let mut text = String::new();
    let flag = |on: bool| Some(u64::from(on));
    gauge(
        &mut text,
        "mysql_up",
        "Whether the server answers",
        flag(pulse.status.is_some()),
    );
    gauge(
        &mut text,
        "galera_rs_promoted",
        "Whether the cluster promoted this node",
        flag(pulse.promoted),
    );
    let well = match pulse.health {
        Health::Well => 0,
        Health::Degraded(_) => 1,
        Health::Failed(_) => 2,
    };
    gauge(
        &mut text,
        "galera_rs_health",
        "0 well, 1 degraded, 2 failed",
        Some(well),
    );
    if let Some(status) = &pulse.status {
        of_server(&mut text, status);
    }
    text
}

fn of_server(text: &mut String, status: &Status) {
    let flag = |on: bool| Some(u64::from(on));
    let primary = flag(component(status) == "Primary");
    let state = status.local_state.map(|state| match state {
        LocalState::Initialized => 0,
        LocalState::Joining => 1,
        LocalState::Donor => 2,
        LocalState::Joined => 3,
        LocalState::Synced => 4,
        LocalState::Other(number) => number,
    });
    for (name, help, value) in [
        (
            "wsrep_cluster_status",
            "1: part of the primary component",
            primary,
        ),
        ("wsrep_local_state", "4: Synced", state),
        (
            "wsrep_ready",
            "Whether it takes statements",
            flag(status.ready),
        ),
        (
            "wsrep_connected",
            "Whether it is in the group",
            flag(status.connected),
        ),
        (
            "wsrep_cluster_size",
            "Members of its component",
            status.cluster_size,
        ),
        (
            "wsrep_local_recv_queue",
            "Write sets not yet applied",
            status.local_recv_queue,
        ),
        (
            "wsrep_local_send_queue",
            "Write sets not yet sent",
            status.local_send_queue,
        ),
        (
            "wsrep_last_committed",
            "The last write set committed",
            status.last_committed,
        ),
        (
            "wsrep_flow_control_paused_ns",
            "Time in which flow control held writes up",
            status.flow_control_paused_ns,
        ),
    ] {
        gauge(text, &format!("mysql_global_status_{name}"), help, value);
    }
}

/// Counters of the server without a type of their own are gauges too; mysqld_exporter gives them no type.
fn gauge(text: &mut String, name: &str, help: &str, value: Option<u64>) {
    if let Some(value) = value {
        let _ = writeln!(
            text,
            "# HELP {name} {help}\n# TYPE {name} gauge\n{name} {value}"
        );
    }
}
