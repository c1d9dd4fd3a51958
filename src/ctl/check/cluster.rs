//! The cluster's own options: fencing, quorum, maintenance.

use super::{Finding, Severity};
use crate::cib::Cib;

pub(super) fn findings(cib: &Cib) -> Vec<Finding> {
    let found = [fencing(cib), quorum(cib), maintenance(cib)];
    found.into_iter().flatten().collect()
}

fn fencing(cib: &Cib) -> Option<Finding> {
    if !cib.fencing_enabled() {
        return Some(Finding::new(
            Severity::Danger,
            "cluster",
            "fencing is off (stonith-enabled=false)",
            "nobody can make sure that a lost node has stopped: its server may go on writing and keep its address, a lost \
             writer is not evicted from Galera's group, and a node that hangs in its stop blocks the resource",
            "configure a fence device for every node, then: crm configure property stonith-enabled=true",
        ));
    }
    (!cib.has_fencing_resource() && !cib.fences_by_watchdog()).then(|| {
        Finding::new(
            Severity::Danger,
            "cluster",
            "fencing is on, and there is no fence device",
            "the cluster waits for ever for a node that is lost, and starts nothing in its place",
            "configure a fence device for every node (primitive fence-node1 stonith:..), or SBD with a watchdog and \
             stonith-watchdog-timeout",
        )
    })
}

fn quorum(cib: &Cib) -> Option<Finding> {
    let policy = cib.option("no-quorum-policy")?;
    (policy == "ignore").then(|| {
        Finding::new(
            Severity::Danger,
            "cluster",
            "a partition without quorum goes on (no-quorum-policy=ignore)",
            "both halves of a split cluster start and promote; the agent refuses to bootstrap without quorum, but addresses \
             and other resources run twice",
            "crm configure property no-quorum-policy=stop; for two nodes use two_node or a quorum device in corosync.conf",
        )
    })
}

fn maintenance(cib: &Cib) -> Option<Finding> {
    cib.maintenance_mode().then(|| {
        Finding::new(
            Severity::Warning,
            "cluster",
            "maintenance mode is on",
            "nothing that fails is recovered",
            "when the work is done: crm configure property maintenance-mode=false",
        )
    })
}
