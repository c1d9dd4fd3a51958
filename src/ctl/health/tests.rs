use std::collections::BTreeSet;

use clap::Parser as _;

use super::serve::{Page, page};
use super::*;
use crate::galera::health::{Limits, Seen, judge};

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

/// These rows, with what is different.
fn status(changes: &[(&str, &str)]) -> Status {
    let changed = |name: &str| {
        changes
            .iter()
            .find(|change| change.0 == name)
            .map(|change| change.1)
    };
    let rows = ROWS.map(|(name, value)| (name, changed(name).unwrap_or(value)));
    Status::read(&rows)
}

fn pulse(changes: &[(&str, &str)], promoted: bool, health: Health) -> Result<Pulse, Error> {
    Ok(Pulse {
        node: None,
        promoted,
        health,
        status: Some(status(changes)),
    })
}

/// A server with these rows, judged as a monitor of level 0 judges it.
fn judged(changes: &[(&str, &str)], promoted: bool) -> Result<Pulse, Error> {
    let seen = Seen {
        status: status(changes),
        promoted,
        single_writer: false,
        entered: None,
        deep: None,
    };
    let off = Limits {
        disk_free_min: 0,
        flow_control_max: 0,
        recv_queue_max: 0,
    };
    pulse(changes, promoted, judge(&seen, &off))
}

fn without_server() -> Result<Pulse, Error> {
    Ok(Pulse {
        node: None,
        promoted: false,
        health: Health::Failed("the resource is stopped on this node".to_owned()),
        status: None,
    })
}

/// The answer of `galeractl health` with these words.
fn told(found: Result<Pulse, Error>, words: &[&str]) -> (u8, String) {
    let given = ["galeractl", "health"].iter().chain(words);
    let cli = cli::Cli::try_parse_from(given).unwrap();
    let cli::Verb::Health(words) = cli.verb else {
        panic!("another verb");
    };
    let answer = answer(found, &words).unwrap();
    (answer.code, answer.text)
}

const DONOR: [(&str, &str); 1] = [("wsrep_local_state", "2")];

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
fn people_and_scripts_hear_of_well_degraded_and_failed_by_text_and_by_code() {
    let (code, text) = told(judged(&[], true), &[]);
    let numbers = "Members   3\nCommitted 4711\nQueues    7 to apply, 0 to send\n";
    let well = "Health    well\nPromoted  yes\nState     Primary, Synced\n";
    assert_eq!((code, text), (0, format!("{well}{numbers}")));
    let (code, text) = told(judged(&DONOR, false), &[]);
    let donor = "Health    degraded: donor: gives state to another node, or a backup locks it;\n          wait\n\
                 Promoted  no\nState     Primary, Donor\n";
    assert_eq!((code, text), (3, format!("{donor}{numbers}")));
    let stopped = "Health    failed: the resource is stopped on this node\nPromoted  no\n";
    assert_eq!(told(without_server(), &[]), (4, stopped.to_owned()));
    let words = cli::Cli::try_parse_from(["galeractl", "health"]).unwrap();
    let cli::Verb::Health(words) = words.verb else {
        panic!("another verb");
    };
    assert!(answer(unknown(), &words).is_err(), "code 1");
}

/// The names between backticks from here to there in a section of the documentation.
fn documented(section: &str, from: &str, to: &str) -> Vec<String> {
    let page = include_str!("../../../docs/galeractl.md");
    let (_, section) = page.split_once(&format!("\n## {section}\n")).unwrap();
    let (_, named) = section.split_once(from).unwrap();
    let (named, _) = named.split_once(to).unwrap();
    let names = named.split('`').skip(1).step_by(2);
    names.map(str::to_owned).collect()
}

#[test]
fn the_object_has_the_documented_keys_and_no_others_and_the_same_codes() {
    let of = |found| {
        let (code, text) = told(found, &["--json"]);
        (code, serde_json::from_str::<Value>(&text).unwrap())
    };
    let (code, well) = of(judged(&[], true));
    let expected = json!({ "health": "well", "reason": null, "promoted": true, "server": {
        "component": "Primary", "state": "Synced", "ready": true, "members": 3, "last_committed": 4711,
        "receive_queue": 7, "send_queue": 0, "flow_control_paused_ns": 12 } });
    assert_eq!((code, &well), (0, &expected));
    let keys = |object: &Value| object.as_object().unwrap().keys().cloned().collect();
    let mut all: Vec<String> = keys(&well);
    all.extend::<Vec<String>>(keys(&well["server"]));
    let all: BTreeSet<_> = all.into_iter().collect();
    let named: BTreeSet<_> = documented("health", "\nJSON: ", "\n\n")
        .into_iter()
        .collect();
    assert_eq!(all, named);
    let (code, donor) = of(judged(&DONOR, false));
    assert_eq!((code, &donor["health"]), (3, &json!("degraded")));
    let (code, stopped) = of(without_server());
    let expected = json!({ "health": "failed", "reason": "the resource is stopped on this node",
        "promoted": false, "server": null });
    assert_eq!((code, stopped), (4, expected));
}

#[test]
fn nagios_is_told_the_worst_of_health_and_limits_from_the_limit_on_with_every_reason() {
    let limits = [
        "--nagios",
        "--queue-warning",
        "5",
        "--queue-critical",
        "50",
        "--members-min",
        "3",
    ];
    let queue = |length| [("wsrep_local_recv_queue", length)];
    for (length, code, word) in [
        ("0", 0, "OK"),
        ("4", 0, "OK"),
        ("5", 1, "WARNING"),
        ("49", 1, "WARNING"),
        ("50", 2, "CRITICAL"),
        ("4000", 2, "CRITICAL"),
    ] {
        let answer = told(judged(&queue(length), false), &limits);
        let said = match code {
            0 => "Primary, Synced".to_owned(),
            _ => format!("{length} write sets not yet applied"),
        };
        let line = format!(
            "GALERA {word} - {said} | members=3;;3:;0 receive_queue={length};5;50;0 send_queue=0;;;0 last_committed=4711c \
             flow_control_paused_ns=12c\n"
        );
        assert_eq!(answer, (code, line));
    }
    let slow = [DONOR[0], queue("50")[0]];
    let (code, text) = told(judged(&slow, false), &limits);
    assert_eq!(code, 2);
    let both = "GALERA CRITICAL - donor: gives state to another node, or a backup locks it; wait; \
                50 write sets not yet applied | members=3;;3:;0 receive_queue=50;5;50;0 ";
    assert!(text.starts_with(both), "{text}");
    let (code, text) = told(judged(&DONOR, false), &limits[..1]);
    assert!(
        code == 1 && text.starts_with("GALERA WARNING - donor: "),
        "{text}"
    );
    assert!(
        text.contains(" | members=3;;;0 receive_queue=7;;;0 "),
        "{text}"
    );
    let down = "GALERA CRITICAL - the resource is stopped on this node\n";
    assert_eq!(told(without_server(), &limits), (2, down.to_owned()));
}

/// The server's own rows: `wsrep_ready` too may be on still, at the moment of the look.
#[test]
fn a_node_of_state_4_that_is_not_primary_is_seen_by_everybody_as_not_serving() {
    let rows = [
        ("wsrep_local_state", "4"),
        ("wsrep_cluster_status", "non-Primary"),
    ];
    let apart = |promoted| judged(&rows, promoted);
    for (path, promoted) in [
        ("/", true),
        ("/", false),
        ("/writer", true),
        ("/reader", false),
    ] {
        for donor in [true, false] {
            let answer = page(path, &apart(promoted), donor);
            assert_eq!(answer.code, 503, "{path}");
            let why = "Galera cluster node is not synced: wsrep_cluster_status=non-Primary";
            assert!(answer.text.starts_with(why), "{}", answer.text);
        }
    }
    assert_eq!(told(apart(false), &["--nagios"]).0, 2);
    let (code, text) = told(apart(false), &[]);
    assert_eq!(code, 4);
    assert!(text.contains("State     non-Primary, Synced\n"), "{text}");
    assert_eq!(told(apart(false), &["--json"]).0, 4);
    let text = metrics::text(&apart(false).unwrap());
    for line in [
        "mysql_up 1",
        "galera_rs_health 2",
        "mysql_global_status_wsrep_local_state 4",
        "mysql_global_status_wsrep_cluster_status 0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}: {text}");
    }
}

/// Some balancers look for the words.
#[test]
fn the_body_is_that_of_clustercheck() {
    let synced = Page {
        code: 200,
        text: "Galera cluster node is synced.\r\n".to_owned(),
    };
    assert_eq!(page("/", &judged(&[], false), false), synced);
    assert_eq!(page("/", &judged(&DONOR, false), true), synced);
    for found in [judged(&DONOR, false), without_server(), unknown()] {
        let answer = page("/", &found, false);
        assert_eq!(answer.code, 503);
        let words = "Galera cluster node is not synced: ";
        assert!(answer.text.starts_with(words), "{}", answer.text);
        assert!(answer.text.ends_with("\r\n"), "{}", answer.text);
    }
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

/// The names of the samples, each of which has its two lines of comment before it.
fn samples(text: &str) -> BTreeSet<String> {
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len() % 3, 0, "{text}");
    let each = lines.chunks(3).map(|three| {
        let (name, value) = three[2].split_once(' ').unwrap();
        assert!(three[0].starts_with(&format!("# HELP {name} ")), "{text}");
        assert_eq!(three[1], format!("# TYPE {name} gauge"));
        assert!(value.parse::<u64>().is_ok(), "{text}");
        name.to_owned()
    });
    let names: BTreeSet<_> = each.collect();
    assert_eq!(
        names.len() * 3,
        lines.len(),
        "a name is there twice: {text}"
    );
    names
}

#[test]
fn metrics_are_those_of_the_documentation_and_a_server_that_is_down_has_no_numbers() {
    let named = documented("serve", "| `/metrics` |", "|\n");
    let named: BTreeSet<_> = named
        .iter()
        .map(|name| name.replace("..", "mysql_global_status_wsrep"))
        .collect();
    assert_eq!(named.len(), 12);
    assert_eq!(samples(&metrics::text(&judged(&[], true).unwrap())), named);
    let down = metrics::text(&without_server().unwrap());
    let few = ["galera_rs_health", "galera_rs_promoted", "mysql_up"];
    assert_eq!(samples(&down), few.map(str::to_owned).into());
    for line in ["mysql_up 0", "galera_rs_promoted 0", "galera_rs_health 2"] {
        assert!(down.lines().any(|found| found == line), "{line}: {down}");
    }
}
