//! How well a running server is. Pure.

use super::position::History;
use super::wsrep::{ClusterStatus, LocalState, Status};

/// From where on a node is degraded; 0 switches a limit off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Free space for the data directory, in MiB.
    pub disk_free_min: u64,
    /// The part of the time in which flow control held writes up, in percent.
    pub flow_control_max: u64,
    /// Write sets received and not yet applied.
    pub recv_queue_max: u64,
}

/// What was seen of a server that answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// What it says of the replication.
    pub status: Status,
    /// The cluster promoted it.
    pub promoted: bool,
    /// Only the promoted node is to be writable.
    pub single_writer: bool,
    /// The history that it entered the component with.
    pub entered: Option<History>,
    /// What only a deeper look tells.
    pub deep: Option<Deep>,
}

/// What a look of check level 10 sees beyond the replication's own words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Deep {
    /// Ordinary accounts cannot write.
    pub read_only: bool,
    /// Flow control held writes up for this part of the time since the last look, in percent.
    pub paused: Option<u64>,
    /// Free space for the data directory, in MiB.
    pub disk_free: Option<u64>,
    /// The newest write set that could not be applied since this node serves, as the file that the server
    /// wrote about it.
    pub not_applied: Option<String>,
    /// What this look could not see, and why.
    pub blind: Option<String>,
}

/// How well it is, with the reason for the operator: the value and the remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Health {
    /// Nothing to say.
    Well,
    /// It serves, and somebody should know this.
    Degraded(String),
    /// It does not serve.
    Failed(String),
}

/// Judges a server that answers.
pub fn judge(seen: &Seen, limits: &Limits) -> Health {
    if let Some(reason) = failed(seen) {
        return Health::Failed(reason);
    }
    let deep = seen.deep.as_ref();
    let reasons = [
        state(&seen.status),
        deep.and_then(|deep| writable(deep, seen)),
        deep.and_then(applied),
        deep.and_then(|deep| disk(deep, limits)),
        deep.and_then(|deep| flow(deep, limits)),
        deep.and_then(|_| queue(&seen.status, limits)),
        deep.and_then(|deep| deep.blind.clone()),
    ];
    let reasons: Vec<_> = reasons.into_iter().flatten().collect();
    if reasons.is_empty() {
        Health::Well
    } else {
        Health::Degraded(reasons.join("; "))
    }
}

fn failed(seen: &Seen) -> Option<String> {
    let status = &seen.status;
    if !status.connected {
        return Some(
            "wsrep_connected=OFF: out of the group; see the server's error log and its network"
                .into(),
        );
    }
    match status.cluster_status {
        ClusterStatus::Primary => {}
        ClusterStatus::NonPrimary => {
            return Some(
                "wsrep_cluster_status=non-Primary: no majority; bring the other nodes or their network back"
                    .into(),
            );
        }
        ClusterStatus::Disconnected => {
            return Some(
                "wsrep_cluster_status=Disconnected: out of the cluster; see the server's error log"
                    .into(),
            );
        }
    }
    if let (Some(entered), Some(now)) = (seen.entered, status.cluster_state_uuid)
        && entered != now
    {
        return Some(format!(
            "wrong cluster: wsrep_cluster_state_uuid={now}, it entered {entered}; compare wsrep_cluster_address"
        ));
    }
    let has_data = matches!(
        status.local_state,
        Some(LocalState::Synced | LocalState::Donor)
    );
    (has_data && !status.ready)
        .then(|| "wsrep_ready=OFF: it takes no statements; see the server's error log".into())
}

fn state(status: &Status) -> Option<String> {
    match status.local_state {
        Some(LocalState::Synced) => None,
        Some(LocalState::Donor) if status.desynced => {
            Some("desynced: it may fall behind without limit; SET GLOBAL wsrep_desync=OFF".into())
        }
        Some(LocalState::Donor) => {
            Some("donor: gives state to another node, or a backup locks it; wait".into())
        }
        Some(LocalState::Joined) => Some("Joined, not Synced: it catches up; wait".into()),
        Some(LocalState::Joining) => Some("Joining, not Synced: it receives state; wait".into()),
        Some(LocalState::Initialized | LocalState::Other(_)) | None => {
            Some("Primary, not Synced: see wsrep_local_state_comment".into())
        }
    }
}

/// A reader may be read-only; the node that is chosen to serve may not. Where it must be, the background job puts it
/// right within a second, unless something keeps it from that.
fn writable(deep: &Deep, seen: &Seen) -> Option<String> {
    match (seen.promoted, deep.read_only) {
        (true, true) => Some(
            "read_only=ON and promoted: clients cannot write; SET GLOBAL read_only=OFF".into(),
        ),
        (false, false) if seen.single_writer => Some(
            "read_only=OFF, not promoted, and unpromoted_read_only is set; the agent's log says what keeps it".into(),
        ),
        (true, false) | (false, _) => None,
    }
}

fn applied(deep: &Deep) -> Option<String> {
    let file = deep.not_applied.as_ref()?;
    Some(format!(
        "applier error: a write set was not applied ({file}); compare this node's data, then remove the file"
    ))
}

fn disk(deep: &Deep, limits: &Limits) -> Option<String> {
    let free = deep.disk_free?;
    (free < limits.disk_free_min).then(|| {
        format!(
            "disk: {free} MiB free for the data directory, disk_free_min is {}; make room",
            limits.disk_free_min
        )
    })
}

fn flow(deep: &Deep, limits: &Limits) -> Option<String> {
    let paused = deep.paused?;
    let most = limits.flow_control_max;
    (most > 0 && paused > most).then(|| {
        format!(
            "flow control held writes up {paused}% of the time, flow_control_max is {most}; find the slow node"
        )
    })
}

fn queue(status: &Status, limits: &Limits) -> Option<String> {
    let queue = status.local_recv_queue?;
    let most = limits.recv_queue_max;
    (most > 0 && queue > most).then(|| {
        format!(
            "wsrep_local_recv_queue={queue}, recv_queue_max is {most}: applying is slow here; see wsrep_slave_threads"
        )
    })
}

/// The part of the time in percent, from two readings of `wsrep_flow_control_paused_ns`. `None` when it cannot be
/// told: no time has passed, or the counter was set back (`FLUSH STATUS`, a new server).
pub fn paused_percent(before_ns: u64, now_ns: u64, between_ns: u64) -> Option<u64> {
    let paused = now_ns.checked_sub(before_ns)?;
    let percent = u128::from(paused) * 100 / u128::from(Some(between_ns).filter(|ns| *ns > 0)?);
    u64::try_from(percent.min(100)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str = include_str!("../../tests/fixtures/galera/status-synced-two.tsv");
    const NON_PRIMARY: &str = include_str!("../../tests/fixtures/galera/status-non-primary.tsv");
    const LIMITS: Limits = Limits {
        disk_free_min: 500,
        flow_control_max: 25,
        recv_queue_max: 1000,
    };
    const OFF: Limits = Limits {
        disk_free_min: 0,
        flow_control_max: 0,
        recv_queue_max: 0,
    };

    fn seen(text: &str, deep: Deep) -> Seen {
        let rows: Vec<_> = text
            .lines()
            .filter_map(|line| line.split_once('\t'))
            .collect();
        Seen {
            status: Status::read(&rows),
            promoted: true,
            single_writer: false,
            entered: None,
            deep: Some(deep),
        }
    }

    fn with(from: &str, to: &str) -> Seen {
        let text = TWO.replace(from, to);
        assert_ne!(text, TWO, "{from} is not in the fixture");
        seen(&text, Deep::default())
    }

    #[track_caller]
    fn degraded(seen: &Seen, words: &str) {
        let health = judge(seen, &LIMITS);
        let Health::Degraded(reason) = &health else {
            panic!("{health:?}");
        };
        assert!(reason.starts_with(words), "{reason}");
        assert!(reason.len() <= 127, "{} bytes: {reason}", reason.len());
    }

    #[track_caller]
    fn fails(seen: &Seen, words: &str) {
        let health = judge(seen, &LIMITS);
        let Health::Failed(reason) = &health else {
            panic!("{health:?}");
        };
        assert!(reason.starts_with(words), "{reason}");
    }

    #[test]
    fn a_synced_member_with_room_is_well() {
        let deep = Deep {
            paused: Some(25),
            disk_free: Some(500),
            ..Deep::default()
        };
        assert_eq!(judge(&seen(TWO, deep), &LIMITS), Health::Well);
    }

    #[test]
    fn a_donor_and_a_desynced_node_are_degraded_and_told_apart() {
        let donor = TWO.replace("local_state\t4", "local_state\t2");
        degraded(&seen(&donor, Deep::default()), "donor");
        // The counter rises for transfers and backups too.
        let counted = donor.replace("wsrep_desync_count\t0", "wsrep_desync_count\t1");
        assert_ne!(counted, donor);
        degraded(&seen(&counted, Deep::default()), "donor");
        let desynced = donor.replace("wsrep_desync\t0", "wsrep_desync\t1");
        degraded(&seen(&desynced, Deep::default()), "desynced");
    }

    #[test]
    fn a_node_that_catches_up_is_degraded() {
        degraded(&with("local_state\t4", "local_state\t3"), "Joined");
    }

    #[test]
    fn a_node_outside_the_component_fails_with_the_variable_that_says_so() {
        fails(&seen(NON_PRIMARY, Deep::default()), "wsrep_cluster_status");
        fails(
            &with("wsrep_connected\tON", "wsrep_connected\tOFF"),
            "wsrep_connected",
        );
        fails(&with("wsrep_ready\tON", "wsrep_ready\tOFF"), "wsrep_ready");
    }

    #[test]
    fn another_cluster_than_the_one_it_entered_is_a_failure() {
        let mut foreign = seen(TWO, Deep::default());
        foreign.entered = "11111111-e58a-11f1-a799-e79950e2a9dd".parse().ok();
        assert!(foreign.entered.is_some());
        fails(&foreign, "wrong cluster");
        foreign.entered = foreign.status.cluster_state_uuid;
        assert_eq!(judge(&foreign, &LIMITS), Health::Well);
    }

    #[test]
    fn read_only_matters_on_the_promoted_node_alone() {
        let mut node = seen(TWO, Deep::default());
        node.deep = Some(Deep {
            read_only: true,
            ..Deep::default()
        });
        degraded(&node, "read_only=ON");
        node.promoted = false;
        assert_eq!(judge(&node, &LIMITS), Health::Well);
    }

    #[test]
    fn a_writable_node_that_is_not_promoted_matters_where_only_the_promoted_one_may_be() {
        let mut node = seen(TWO, Deep::default());
        node.single_writer = true;
        assert_eq!(judge(&node, &LIMITS), Health::Well);
        node.promoted = false;
        degraded(&node, "read_only=OFF");
    }

    #[test]
    fn each_limit_degrades_when_it_is_crossed_and_not_when_it_is_off() {
        let low = Deep {
            paused: Some(26),
            disk_free: Some(499),
            ..Deep::default()
        };
        let mut node = with("wsrep_local_recv_queue\t0", "wsrep_local_recv_queue\t1001");
        degraded(&node, "wsrep_local_recv_queue=1001");
        node.deep = Some(low.clone());
        let Health::Degraded(reasons) = judge(&node, &LIMITS) else {
            panic!("not degraded");
        };
        assert!(
            reasons.contains("499 MiB") && reasons.contains("26%"),
            "{reasons}"
        );
        assert_eq!(judge(&node, &OFF), Health::Well);
        node.deep = None;
        assert_eq!(judge(&node, &LIMITS), Health::Well);
    }

    #[test]
    fn a_write_set_that_was_not_applied_degrades() {
        let deep = Deep {
            not_applied: Some("GRA_9_12_v2.log".into()),
            ..Deep::default()
        };
        degraded(&seen(TWO, deep), "applier error");
    }

    #[test]
    fn the_paused_part_is_known_only_from_a_counter_that_went_on() {
        assert_eq!(paused_percent(100, 350, 1000), Some(25));
        assert_eq!(paused_percent(0, u64::MAX, 1), Some(100));
        assert_eq!(paused_percent(100, 99, 1000), None);
        assert_eq!(paused_percent(0, 0, 0), None);
    }
}
