use super::serve::page;
use super::*;

/// What a synced node of a healthy cluster says.
const ROWS: [(&str, &str); 10] = [
    ("wsrep_cluster_status", "Primary"),
    ("wsrep_local_state", "4"),
    ("wsrep_ready", "ON"),
    ("wsrep_connected", "ON"),
    ("wsrep_cluster_size", "3"),
    ("wsrep_local_recv_queue", "7"),
    ("wsrep_local_send_queue", "0"),
    ("wsrep_last_committed", "4711"),
    ("wsrep_flow_control_paused_ns", "12"),
    ("wsrep_desync", "OFF"),
];

fn pulse(changes: &[(&str, &str)], promoted: bool, health: Health) -> Result<Pulse, Error> {
    let changed = |name: &str| {
        changes
            .iter()
            .find(|change| change.0 == name)
            .map(|change| change.1)
    };
    let rows = ROWS.map(|(name, value)| (name, changed(name).unwrap_or(value)));
    Ok(Pulse {
        node: None,
        promoted,
        health,
        status: Some(Status::read(&rows)),
    })
}

fn unknown() -> Result<Pulse, Error> {
    Err(Error::Pulse(crate::ocf::Failure::Retry(
        "no\nanswer".to_owned(),
    )))
}

fn nagios(found: &Result<Pulse, Error>, limits: &Thresholds) -> (u8, String) {
    let answer = nagios::answer(found, limits);
    (answer.code, answer.text)
}

#[test]
fn nagios_hears_the_state_by_code_and_the_numbers_with_their_limits() {
    let limits = Thresholds {
        queue_warning: Some(5),
        queue_critical: Some(50),
        members_min: Some(2),
    };
    let well = pulse(&[], false, Health::Well);
    let numbers = "| members=3;;2:;0 receive_queue=7;5;50;0 send_queue=0;;;0 last_committed=4711c \
                   flow_control_paused_ns=12c\n";
    let (code, text) = nagios(&well, &limits);
    assert_eq!(
        (code, text),
        (
            1,
            format!("GALERA WARNING - 7 write sets not yet applied {numbers}")
        )
    );
    let (code, text) = nagios(&well, &Thresholds::default());
    assert_eq!(code, 0);
    assert!(text.starts_with("GALERA OK - Primary, Synced |"), "{text}");
    let few = pulse(&[("wsrep_cluster_size", "1")], false, Health::Well);
    assert_eq!(nagios(&few, &limits).0, 2);
    assert_eq!(
        nagios(&unknown(), &limits),
        (3, "GALERA UNKNOWN - no answer\n".to_owned())
    );
}

#[test]
fn a_node_of_state_4_that_is_not_primary_is_seen() {
    let apart = pulse(
        &[("wsrep_cluster_status", "non-Primary")],
        false,
        Health::Failed("non-Primary: no majority".to_owned()),
    );
    assert_eq!(page("/", &apart, true).code, 503);
    assert_eq!(nagios(&apart, &Thresholds::default()).0, 2);
    assert!(
        metrics::text(apart.as_ref().unwrap())
            .contains("\nmysql_global_status_wsrep_cluster_status 0\n")
    );
}

#[test]
fn balancers_get_200_from_synced_nodes_and_by_role_and_from_donors_only_when_wanted() {
    let code = |path, found: &Result<Pulse, Error>, donor| page(path, found, donor).code;
    let writer = pulse(&[], true, Health::Well);
    let reader = pulse(&[], false, Health::Well);
    let donor = pulse(
        &[("wsrep_local_state", "2")],
        false,
        Health::Degraded("donor".to_owned()),
    );
    assert_eq!(
        [
            code("/", &writer, false),
            code("/writer", &writer, false),
            code("/reader", &writer, false)
        ],
        [200, 200, 503]
    );
    assert_eq!(
        [
            code("/", &reader, false),
            code("/writer", &reader, false),
            code("/reader?x=1", &reader, false)
        ],
        [200, 503, 200]
    );
    assert_eq!(
        [code("/", &donor, false), code("/", &donor, true)],
        [503, 200]
    );
    assert_eq!(
        [
            code("/", &unknown(), true),
            code("/metrics", &unknown(), true)
        ],
        [503, 503]
    );
    assert_eq!(code("/nothing", &reader, false), 404);
}

#[test]
fn metrics_have_the_names_of_the_exporters() {
    let text = metrics::text(&pulse(&[], true, Health::Well).unwrap());
    for line in [
        "mysql_up 1",
        "galera_rs_promoted 1",
        "galera_rs_health 0",
        "mysql_global_status_wsrep_local_state 4",
        "mysql_global_status_wsrep_cluster_size 3",
        "mysql_global_status_wsrep_local_recv_queue 7",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}: {text}");
    }
}
