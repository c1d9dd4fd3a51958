//! `bootstrap`: what is refused, what it costs, and that the election obeys.

use super::super::advice;
use super::super::judgement::Outcome;
use super::super::order::{self, Refused};
use super::super::scene::Scene;
use super::{Made, Maker, PLAIN, X, Y, epoch, publishes, real, reported};
use crate::galera::election::{Reason, Verdict};

fn refusal(scene: &Scene, from: &str, force: bool) -> String {
    order::accepted(scene, from, force).unwrap_err().to_string()
}

/// Two of three have reported, `c` is offline and its view unknown.
fn two_of_three() -> [Made<'static>; 3] {
    [
        ("a", true, reported("a", 1, X, 100)),
        ("b", true, reported("b", 1, X, 120)),
        ("c", false, None),
    ]
}

#[test]
fn a_bootstrap_beside_a_running_cluster_is_refused_even_by_force() {
    let text = refusal(&real("two-members"), "node1", true);
    assert!(
        text.starts_with("node2 is in the primary component: node1 joins it"),
        "{text}"
    );
    let text = refusal(&real("bootstrapping"), "node1", true);
    assert!(
        text.starts_with("node3 is bootstrapping the cluster"),
        "{text}"
    );
}

#[test]
fn an_unknown_name_is_answered_with_the_known_ones() {
    let text = refusal(&real("missing"), "node9", true);
    assert_eq!(
        text,
        "no node node9 among the nodes of the cluster; there are: node1, node2, node3"
    );
}

#[test]
fn without_quorum_no_order_is_given() {
    let maker = Maker {
        quorum: false,
        ..PLAIN
    };
    let text = refusal(&maker.scene(&two_of_three()), "b", true);
    assert!(
        text.contains("no quorum") && text.contains("not seen: c"),
        "{text}"
    );
}

#[test]
fn a_node_that_has_not_reported_is_refused_with_the_reason_and_those_that_have() {
    let text = refusal(&real("missing"), "node3", true);
    assert!(
        text.contains("node3 has not reported (silent: offline)"),
        "{text}"
    );
    assert!(
        text.ends_with("choose a node that has: node1, node2"),
        "{text}"
    );
    let nobody = PLAIN.scene(&[("a", true, None), ("b", true, None)]);
    let text = refusal(&nobody, "a", true);
    assert!(text.contains("no node has reported"), "{text}");
    assert!(text.contains("pcs resource enable db-clone"), "{text}");
}

#[test]
fn a_node_whose_resource_is_stopped_is_refused() {
    let text = refusal(&real("stopped"), "node3", true);
    assert!(
        text.starts_with("the resource is stopped on node3"),
        "{text}"
    );
}

#[test]
fn data_that_cannot_be_started_from_is_refused_even_by_force() {
    for (data, why) in [
        ("\"partial\"", "a state transfer was interrupted"),
        ("{\"unreadable\":\"no redo log\"}", "no redo log"),
    ] {
        let scene = PLAIN.scene(&[
            ("a", true, publishes("a", "reported", 1, data)),
            ("b", true, reported("b", 1, X, 1)),
            ("c", true, reported("c", 1, X, 1)),
        ]);
        let text = refusal(&scene, "a", true);
        assert!(
            text.contains(why) && text.ends_with("another node: b, c"),
            "{text}"
        );
    }
}

#[test]
fn an_order_that_costs_something_needs_force_and_lists_every_loss() {
    let scene = PLAIN.scene(&two_of_three());
    let text = refusal(&scene, "a", false);
    for wanted in [
        &format!("b has seqno 120 of history {X}: 20 write"),
        "sets after 100 would be given up",
        "c is silent (offline): whatever only it has would be given up",
        "To accept that: galeractl bootstrap --from a --force",
    ] {
        assert!(text.contains(wanted), "{wanted} in\n{text}");
    }
    let order = order::accepted(&scene, "a", true).unwrap();
    assert_eq!((order.losses.len(), order.needless), (2, false));
}

#[test]
fn another_history_an_older_epoch_and_unclustered_databases_are_losses_too() {
    let epochs = epoch(3, "3:90");
    let maker = Maker {
        epoch: &epochs,
        ..PLAIN
    };
    let scene = maker.scene(&[
        ("a", true, reported("a", 2, X, 100)),
        ("b", true, reported("b", 3, X, 95)),
        (
            "c",
            true,
            publishes("c", "reported", 0, "{\"blank\":{\"user_data\":true}}"),
        ),
    ]);
    let losses = order::plan(&scene, "a").unwrap().losses;
    assert_eq!(losses.len(), 3, "{losses:?}");
    assert!(losses[0].starts_with("b has data of another epoch, which a forced bootstrap parted"));
    assert!(losses[1].starts_with("c holds databases that are in no history"));
    assert!(losses[2].contains("what was written in epoch 3 would be given up"));
    let empty = order::plan(&scene, "c").unwrap().losses;
    assert!(
        empty
            .iter()
            .any(|loss| loss.contains("has no data of the cluster")),
        "{empty:?}"
    );
    let foreign = maker.scene(&[("a", true, reported("a", 3, Y, 7))]);
    let losses = order::plan(&foreign, "a").unwrap().losses;
    assert!(
        losses
            .iter()
            .any(|loss| loss.contains("is not of the cluster's history")),
        "{losses:?}"
    );
}

/// The component of a and b healed by itself while a was making it anew; b served, and has not heard of the new epoch.
#[test]
fn data_of_a_healed_component_is_compared_by_the_epoch_that_the_election_counts_it_as_of() {
    let end = "</cluster_property_set>";
    let revived = "<nvpair id=\"e-r\" name=\"db-epoch-revived\" value=\"1\"/>";
    let epochs = epoch(2, "").replace(end, &format!("{revived}{end}"));
    let maker = Maker {
        epoch: &epochs,
        ..PLAIN
    };
    let scene = maker.scene(&[
        ("a", true, reported("a", 2, X, 10)),
        ("b", true, reported("b", 1, X, 12)),
        ("c", false, None),
    ]);
    let losses = order::plan(&scene, "b").unwrap().losses;
    assert_eq!(losses.len(), 1, "{losses:?}");
    assert!(losses[0].starts_with("c is silent"), "{losses:?}");
    let steps = advice::of(&scene, Outcome::Wait);
    let last = steps.last().and_then(|step| step.command.as_deref());
    assert_eq!(last, Some("galeractl bootstrap --from b --force"));
}

#[test]
fn what_the_election_chooses_by_itself_needs_no_order() {
    let order = order::accepted(&real("reported"), "node3", false).unwrap();
    assert!(order.needless);
}

#[test]
fn an_order_is_obeyed_by_the_election_and_void_once_the_node_stands_elsewhere() {
    let before = PLAIN.scene(&two_of_three());
    assert!(matches!(before.verdict(), Verdict::Wait(_)));
    let order = order::accepted(&before, "b", true).unwrap();
    let text = serde_json::to_string(&order.force).unwrap();
    let maker = Maker {
        order: Some(("b", &text)),
        ..PLAIN
    };
    let after = maker.scene(&two_of_three());
    assert_eq!(
        after.verdict(),
        Verdict::Bootstrap("b".into(), Reason::Forced)
    );
    let mut moved = two_of_three();
    moved[1].2 = reported("b", 1, X, 121);
    assert!(matches!(maker.scene(&moved).verdict(), Verdict::Wait(_)));
}

#[test]
fn an_earlier_order_for_another_node_is_withdrawn_first() {
    let order = order::accepted(&real("ordered"), "node1", true).unwrap();
    assert_eq!(
        (&*order.node, order.earlier),
        ("node1", vec!["node2".to_owned()])
    );
}

#[test]
fn a_node_is_named_by_the_cluster_or_by_galera() {
    let scene = PLAIN.scene(&[
        ("node1", true, reported("a", 1, X, 5)),
        ("node2", true, reported("b", 1, X, 4)),
        ("node3", false, None),
    ]);
    for name in ["node1", "a"] {
        let order = order::accepted(&scene, name, true).unwrap();
        assert_eq!((&*order.node, &*order.force.elector), ("node1", "a"));
    }
    let refused = order::accepted(&scene, "node1", false).unwrap_err();
    assert!(
        matches!(&refused, Refused::Losses { command, .. } if command.ends_with("--from node1 --force"))
    );
}
