//! What a running server says of the replication, in rows of name and value, as a typed value. Pure.
//!
//! The rows are those of `SHOW GLOBAL STATUS LIKE 'wsrep%'`; of a donor, the variable `wsrep_desync` too.

use std::str::FromStr;

use uuid::Uuid;

use super::position::{self, History};

/// `wsrep_cluster_status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClusterStatus {
    /// Part of the component that takes writes.
    Primary,
    /// Connected to a component without quorum; takes no writes.
    NonPrimary,
    /// Not connected, or without a provider.
    Disconnected,
}

/// `wsrep_local_state`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LocalState {
    /// 0 Initialized: outside a primary component, also when it lost it.
    Initialized,
    /// 1 Joining: needs or receives a state transfer.
    Joining,
    /// 2 Donor or desynced: sends one, or was told not to hold up others.
    Donor,
    /// 3 Joined: has the state, catches up.
    Joined,
    /// 4 Synced.
    Synced,
    /// A number we do not know.
    Other(u64),
}

/// What the server says of itself. A row that is missing, or that makes no sense, leaves `None` (the cautious value where
/// there is no `Option`) and its name in `missing`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Cautious value: disconnected.
    pub cluster_status: ClusterStatus,
    /// `None` without a provider.
    pub local_state: Option<LocalState>,
    /// Takes statements. Cautious value: false.
    pub ready: bool,
    /// Connected to the group. Cautious value: false.
    pub connected: bool,
    /// Members of the current component.
    pub cluster_size: Option<u64>,
    /// The history of the cluster.
    pub cluster_state_uuid: Option<History>,
    /// The number of the last view; `None` outside a primary one.
    pub cluster_conf_id: Option<u64>,
    /// The last write set that this server committed.
    pub last_committed: Option<u64>,
    /// This life of the server in the group; changes with each start.
    pub gcomm_uuid: Option<Uuid>,
    /// Flow control holds writes up now. Cautious value: false.
    pub flow_control_active: bool,
    /// Nanoseconds in which flow control held writes up, since the last `FLUSH STATUS`.
    pub flow_control_paused_ns: Option<u64>,
    /// Write sets received and not yet applied.
    pub local_recv_queue: Option<u64>,
    /// Somebody told this node not to hold up others (`wsrep_desync=ON`). The state is the same for a donor, and while
    /// a backup holds a global lock; `wsrep_desync_count` rises for all of them. Cautious value: false.
    pub desynced: bool,
    /// Write sets not yet sent.
    pub local_send_queue: Option<u64>,
    /// Where the members take clients, as they say; `AUTO` is the server's word for "not set".
    pub incoming_addresses: Vec<String>,
    /// `wsrep_evs_evict_list` as it stands; empty when nobody is evicted.
    pub evict_list: String,
    /// Rows that were not there or made no sense, in the order of this struct.
    pub missing: Vec<&'static str>,
}

impl Status {
    /// Reads the rows (name, value), in any order; others are passed over. Never fails.
    pub fn read<N: AsRef<str>, V: AsRef<str>>(rows: &[(N, V)]) -> Self {
        let mut rows = Rows {
            rows,
            missing: Vec::new(),
        };
        Self {
            cluster_status: rows
                .read("wsrep_cluster_status", cluster_status)
                .unwrap_or(ClusterStatus::Disconnected),
            local_state: rows.read("wsrep_local_state", local_state),
            ready: rows.read("wsrep_ready", switch).unwrap_or(false),
            connected: rows.read("wsrep_connected", switch).unwrap_or(false),
            cluster_size: rows.read("wsrep_cluster_size", number),
            cluster_state_uuid: rows.read("wsrep_cluster_state_uuid", history).flatten(),
            cluster_conf_id: rows.read("wsrep_cluster_conf_id", seqno).flatten(),
            last_committed: rows.read("wsrep_last_committed", seqno).flatten(),
            gcomm_uuid: rows.read("wsrep_gcomm_uuid", |text| Uuid::try_parse(text).ok()),
            flow_control_active: rows
                .read("wsrep_flow_control_active", switch)
                .unwrap_or(false),
            flow_control_paused_ns: rows.read("wsrep_flow_control_paused_ns", number),
            local_recv_queue: rows.read("wsrep_local_recv_queue", number),
            desynced: rows.find("wsrep_desync", switch).unwrap_or(false),
            local_send_queue: rows.read("wsrep_local_send_queue", number),
            incoming_addresses: rows
                .read("wsrep_incoming_addresses", addresses)
                .unwrap_or_default(),
            evict_list: rows
                .read("wsrep_evs_evict_list", |text| Some(text.to_owned()))
                .unwrap_or_default(),
            missing: rows.missing,
        }
    }

    /// It lives, and is outside a primary component.
    pub fn is_apart(&self) -> bool {
        self.connected && self.cluster_status == ClusterStatus::NonPrimary
    }

    /// Part of the component that takes writes, with the data of that component: `Synced`, or donor for another.
    pub fn serves(&self) -> bool {
        let has_data = matches!(
            self.local_state,
            Some(LocalState::Synced | LocalState::Donor)
        );
        self.cluster_status == ClusterStatus::Primary && self.ready && has_data
    }
}

struct Rows<'a, N, V> {
    rows: &'a [(N, V)],
    missing: Vec<&'static str>,
}

impl<N: AsRef<str>, V: AsRef<str>> Rows<'_, N, V> {
    fn find<T>(&self, name: &str, read: impl Fn(&str) -> Option<T>) -> Option<T> {
        let mut rows = self.rows.iter();
        let row = rows.find(|(key, _)| key.as_ref().eq_ignore_ascii_case(name));
        row.and_then(|(_, value)| read(value.as_ref()))
    }

    fn read<T>(&mut self, name: &'static str, read: impl Fn(&str) -> Option<T>) -> Option<T> {
        let value = self.find(name, read);
        if value.is_none() {
            self.missing.push(name);
        }
        value
    }
}

fn cluster_status(text: &str) -> Option<ClusterStatus> {
    match text.to_ascii_lowercase().as_str() {
        "primary" => Some(ClusterStatus::Primary),
        "non-primary" => Some(ClusterStatus::NonPrimary),
        "disconnected" => Some(ClusterStatus::Disconnected),
        _ => None,
    }
}

fn local_state(text: &str) -> Option<LocalState> {
    Some(match number(text)? {
        0 => LocalState::Initialized,
        1 => LocalState::Joining,
        2 => LocalState::Donor,
        3 => LocalState::Joined,
        4 => LocalState::Synced,
        other => LocalState::Other(other),
    })
}

fn switch(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "on" | "true" | "1" => Some(true),
        "off" | "false" | "0" => Some(false),
        _ => None,
    }
}

fn number(text: &str) -> Option<u64> {
    u64::from_str(text).ok()
}

/// The inner `None` is the server's -1.
fn seqno(text: &str) -> Option<Option<u64>> {
    position::read_seqno(text).ok()
}

/// The inner `None` is the zero UUID, or nothing as without a provider.
fn history(text: &str) -> Option<Option<History>> {
    match text {
        "" => Some(None),
        other => position::read_uuid(other).ok(),
    }
}

fn addresses(text: &str) -> Option<Vec<String>> {
    let addresses = text
        .split(',')
        .map(str::trim)
        .filter(|address| !address.is_empty());
    Some(addresses.map(str::to_owned).collect())
}

#[cfg(test)]
impl Status {
    /// From rows as the client prints them: name, tab, value.
    pub fn of_table(text: &str) -> Self {
        let rows = text.lines().filter_map(|line| line.split_once('\t'));
        Self::read(&rows.collect::<Vec<_>>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TWO: &str = include_str!("../../tests/fixtures/galera/status-synced-two.tsv");
    const ALONE: &str = include_str!("../../tests/fixtures/galera/status-synced-alone.tsv");
    const NON_PRIMARY: &str = include_str!("../../tests/fixtures/galera/status-non-primary.tsv");
    const NO_PROVIDER: &str = include_str!("../../tests/fixtures/galera/status-no-provider.tsv");

    #[test]
    fn a_synced_member_serves() {
        let two = Status::of_table(TWO);
        assert!(two.serves() && two.connected);
        assert_eq!(
            (two.cluster_size, two.missing.as_slice()),
            (Some(2), [].as_slice())
        );
        assert_eq!(two.incoming_addresses, ["AUTO", "AUTO"]);
        let alone = Status::of_table(ALONE);
        assert_eq!(alone.last_committed, Some(1));
        assert_eq!(
            alone.gcomm_uuid.unwrap().to_string(),
            "a050f14a-e58a-11f1-91c5-8bedb9d9b61e"
        );
        assert_eq!(
            alone.cluster_state_uuid,
            "a05139e6-e58a-11f1-a799-e79950e2a9dd".parse().ok()
        );
    }

    #[test]
    fn a_survivor_without_quorum_does_not_serve_and_keeps_its_history() {
        let lost = Status::of_table(NON_PRIMARY);
        assert_eq!(lost.cluster_status, ClusterStatus::NonPrimary);
        assert_eq!(lost.local_state, Some(LocalState::Initialized));
        assert!(!lost.serves() && lost.connected && !lost.ready);
        assert!(lost.cluster_state_uuid.is_some());
        assert_eq!(
            (lost.cluster_conf_id, lost.missing.as_slice()),
            (None, [].as_slice())
        );
    }

    #[test]
    fn a_server_without_provider_is_disconnected_and_lacks_rows() {
        let plain = Status::of_table(NO_PROVIDER);
        assert_eq!(plain.cluster_status, ClusterStatus::Disconnected);
        assert!(!plain.serves());
        assert_eq!(plain.missing.first(), Some(&"wsrep_local_state"));
        assert!(plain.missing.contains(&"wsrep_last_committed"));
        assert!(!plain.missing.contains(&"wsrep_cluster_state_uuid"));
    }

    #[test]
    fn no_rows_mean_the_cautious_values_and_all_names() {
        let none = Status::of_table("");
        assert!(!none.serves() && !none.connected && !none.flow_control_active);
        assert_eq!(none.missing.len(), 15);
    }

    #[test]
    fn a_donor_serves_and_a_joiner_does_not() {
        let with = |state: &str| {
            Status::of_table(&TWO.replace("local_state\t4", &format!("local_state\t{state}")))
        };
        assert!(with("2").serves());
        for state in ["0", "1", "3", "5", "x"] {
            assert!(!with(state).serves(), "{state}");
        }
        assert_eq!(with("x").missing, ["wsrep_local_state"]);
    }

    #[test]
    fn a_member_that_is_not_ready_does_not_serve() {
        assert!(!Status::of_table(&TWO.replace("wsrep_ready\tON", "wsrep_ready\tOFF")).serves());
    }

    proptest! {
        #[test]
        fn no_value_makes_it_panic(values in prop::collection::vec(r"\PC{0,40}", 16)) {
            let rows: Vec<_> = Status::of_table("").missing.into_iter().zip(values).collect();
            let _ = Status::read(&rows);
        }
    }
}
