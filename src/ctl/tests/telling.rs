//! `status`.

use super::super::judgement::Outcome;
use super::super::scene::Scene;
use super::super::text::width;
use super::super::{explain, show, status};
use super::{PLAIN, REAL, X, publishes, real, real_text, reported};
use crate::cib::Cib;
use crate::galera::transfer::{Step, Transfer};

fn text(scene: &Scene) -> String {
    show::status(&status::of(scene))
}

#[test]
fn who_is_missing_stands_under_the_table_and_the_verdict_last() {
    let wanted = "\
Resource  db (clone db-clone)
Quorum    yes
Epoch     2, opened by node3 at 52f97c7a-e591-11f1-9b43-5269b625a658:7

Node   State    Role        Phase     Position     Epoch  Score  Fails
node1  online   Unpromoted  Reported  52f97c7a:10  2      -      0
node2  online   Unpromoted  Reported  52f97c7a:14  2      -      0
node3  offline  -           -         -            -      -      0
History 52f97c7a is 52f97c7a-e591-11f1-9b43-5269b625a658

Missing   node3: offline
Verdict   waiting for node3, which may have later writes: a member of the last
          primary view of node2 has not reported
";
    assert_eq!(text(&real("missing")), wanted);
}

#[test]
fn every_answer_fits_80_columns() {
    for name in REAL {
        let scene = real(name);
        let both = text(&scene) + &show::explanation(&explain::of(&scene));
        assert!(width(&both) <= 80, "{name}: {both}");
    }
}

#[test]
fn long_names_get_a_paragraph_for_each_node() {
    let long = "a-node-with-quite-a-long-name.and.domain.example.org";
    let node = (long, true, reported("a", 1, X, 5));
    let text = text(&PLAIN.scene(&[node]));
    assert!(width(&text) <= 80, "{text}");
    assert!(
        text.contains("phase Reported") && text.contains(&format!("{X}:5")),
        "{text}"
    );
}

#[test]
fn each_outcome_is_told_from_the_others() {
    let of = |name: &str| status::of(&real(name)).verdict.outcome;
    assert_eq!(of("member"), Outcome::Up);
    assert_eq!(of("joining"), Outcome::Incomplete);
    assert_eq!(of("two-members"), Outcome::Incomplete);
    assert_eq!(of("reported"), Outcome::Bootstrap);
    assert_eq!(of("creation"), Outcome::Bootstrap);
    assert_eq!(of("ordered"), Outcome::Bootstrap);
    assert_eq!(of("bootstrapping"), Outcome::Wait);
    assert_eq!(of("missing"), Outcome::Wait);
    assert_eq!(of("histories"), Outcome::Refuse);
    assert_eq!(of("stopped"), Outcome::Stopped);
}

/// The election takes no stands at all for a cluster whose directories are empty.
#[test]
fn a_cluster_in_which_nobody_has_published_is_not_called_empty() {
    let maker = super::Maker {
        epoch: &super::epoch(4, ""),
        ..PLAIN
    };
    let verdict = status::of(&maker.scene(&[("a", true, None), ("b", false, None)])).verdict;
    assert_eq!(verdict.outcome, Outcome::Stopped);
    assert!(
        verdict.text.contains("not started anywhere"),
        "{}",
        verdict.text
    );
}

#[test]
fn data_without_a_position_is_shown_with_its_reason() {
    let data = "{\"unreadable\":\"ib_logfile0 is missing\"}";
    let scene = PLAIN.scene(&[
        ("a", true, publishes("a", "reported", 1, data)),
        ("b", true, publishes("b", "reported", 1, "\"partial\"")),
    ]);
    let text = text(&scene);
    assert!(text.contains("a: ib_logfile0 is missing"), "{text}");
    assert!(
        text.contains("b: a state transfer was interrupted"),
        "{text}"
    );
}

#[test]
fn a_state_transfer_is_told_under_the_table_while_the_node_joins() {
    let transfer = Transfer {
        step: Step::Receiving,
        donor: Some("a".into()),
        bytes: Some(5 << 20),
        bytes_per_second: Some(1 << 20),
        since: 0,
    };
    let joins = "{\"elector\":\"b\",\"electors\":[\"a\",\"b\"],\"phase\":\"joining\"}";
    let told = |phase: Option<String>| {
        let mut scene = PLAIN.scene(&[("b", true, phase)]);
        scene.transfers.insert("b".into(), transfer.clone());
        text(&scene)
    };
    let text = told(Some(joins.into()));
    let line = "b: receiving a full copy from a: 5 MiB, 1 MiB/s\n";
    assert!(text.contains(line), "{text}");
    assert!(!told(reported("b", 1, X, 5)).contains("receiving"));
}

#[test]
fn a_silent_elector_is_found_by_the_map_and_else_as_the_only_one_left() {
    let nodes = [
        ("node1", true, reported("a", 1, X, 5)),
        ("node2", true, None),
        ("node3", false, None),
    ];
    let unknown = PLAIN.scene(&nodes);
    assert_eq!(unknown.strangers().count(), 2);
    assert!(text(&unknown).contains("b: no node of the cluster is known to be it"));
    let map = "<nvpair id=\"m\" name=\"cluster_host_map\" value=\"node3:b\"/>";
    let maker = super::Maker {
        params: map,
        ..PLAIN
    };
    let text = text(&maker.scene(&nodes));
    assert!(text.contains("Missing   b: offline"), "{text}");
    assert!(
        text.contains("Missing   c: online, and has published nothing"),
        "{text}"
    );
    assert!(text.contains("Node   Galera"), "{text}");
}

#[test]
fn a_node_that_left_in_order_is_missing_since_then() {
    let status = status::of(&real("two-members"));
    assert_eq!(
        status.missing[0].since.as_deref(),
        Some("2026-11-21T09:53:35Z")
    );
    // One that was started last and is away has crashed at some time after that.
    let started = real_text("two-members").replace("operation=\"stop\"", "operation=\"start\"");
    assert_eq!(status::of(&super::scene(&started)).missing[0].since, None);
}

#[test]
fn json_has_the_documented_keys() {
    let status = serde_json::to_value(status::of(&real("missing"))).unwrap();
    let node = &status["nodes"][1];
    assert_eq!(status["epoch"]["number"], 2);
    assert_eq!(
        (&node["elector"], &node["state"]),
        (&"node2".into(), &"online".into())
    );
    assert_eq!(node["position"], format!("{X}:14"));
    assert_eq!(
        (&node["recovered"], &node["fail_count"]),
        (&true.into(), &0.into())
    );
    assert_eq!(status["missing"][0]["elector"], "node3");
    assert_eq!(status["verdict"]["outcome"], "wait");
    assert_eq!(status["clone"], "db-clone");
}

#[test]
fn a_parameter_that_cannot_be_read_is_a_warning_and_its_default_holds() {
    let params = "<nvpair id=\"c\" name=\"enable_creation\" value=\"perhaps\"/>";
    let maker = super::Maker { params, ..PLAIN };
    let text = text(&maker.scene(&[("a", true, reported("a", 1, X, 5))]));
    assert!(
        text.contains("Warning   parameter enable_creation is \"perhaps\""),
        "{text}"
    );
}

#[test]
fn of_several_resources_one_has_to_be_named_by_itself_or_by_its_clone() {
    let text = real_text("member");
    let start = text.find("<clone ").unwrap();
    let end = text.find("</clone>").unwrap() + "</clone>".len();
    let second = text[start..end].replace("\"db", "\"shop");
    let text = format!("{}{second}{}", &text[..end], &text[end..]);
    let look = |name| Scene::of(Cib::parse(text.as_bytes()).unwrap(), name);
    let refused = look(None).unwrap_err().to_string();
    assert!(
        refused.contains("choose one with --resource: db, shop"),
        "{refused}"
    );
    for name in ["db", "db-clone"] {
        assert_eq!(look(Some(name)).unwrap().resource, "db");
    }
    let unknown = look(Some("nix")).unwrap_err().to_string();
    assert!(
        unknown.contains("no resource nix") && unknown.contains("db, shop"),
        "{unknown}"
    );
    let command = look(Some("shop")).unwrap().command("bootstrap --from a");
    assert_eq!(command, "galeractl bootstrap --from a --resource shop");
}
