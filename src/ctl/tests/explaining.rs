//! `explain`.

use clap::Parser as _;

use super::super::cli::{Cli, Verb};
use super::super::{explain, order, show};
use super::{PLAIN, REAL, X, Y, real, reported};

#[test]
fn each_verdict_names_its_rule() {
    let title = |name: &str| explain::of(&real(name)).rule.title;
    assert_eq!(title("member"), "Join a primary component");
    assert_eq!(title("reported"), "Every node has reported");
    assert_eq!(title("creation"), "Creation");
    assert_eq!(title("ordered"), "An operator's order");
    assert_eq!(title("bootstrapping"), "One bootstrap at a time");
    assert_eq!(title("missing"), "No silent node may be ahead");
    assert_eq!(title("histories"), "Two histories never merge");
    assert_eq!(title("stopped"), "Nobody is started");
}

#[test]
fn nothing_has_to_be_done_when_all_are_members() {
    assert!(explain::of(&real("member")).next.is_empty());
}

#[test]
fn an_explanation_names_the_silent_node_how_to_start_it_and_how_to_go_on_without_it() {
    let text = show::explanation(&explain::of(&real("missing")));
    for wanted in [
        "  node3   silent: offline\n",
        "  node2   reported 52f97c7a-e591-11f1-9b43-5269b625a658:14 of epoch 2, recovered\n",
        "      pcs cluster start node3  (or on node3: crm cluster start)\n",
        "      galeractl bootstrap --from node2 --force\n",
        "    gives up: node3 is silent (offline): whatever only it has would be given up\n",
    ] {
        assert!(text.contains(wanted), "{wanted} in\n{text}");
    }
}

#[test]
fn of_two_histories_each_can_be_chosen_with_what_it_gives_up() {
    let text = show::explanation(&explain::of(&real("histories")));
    for wanted in [
        "bootstrap --from node1 --force",
        "bootstrap --from node3 --force",
        &format!("node3 has seqno 19 of another history,\n              {Y}:"),
    ] {
        assert!(text.contains(wanted), "{wanted} in\n{text}");
    }
    assert!(
        !text.contains("--from node2"),
        "node1 has more of that history\n{text}"
    );
}

#[test]
fn every_order_that_is_advised_would_be_accepted() {
    let mut advised = 0;
    for name in REAL {
        let scene = real(name);
        for step in explain::of(&scene).next {
            let Some(command) = step.command.filter(|c| c.starts_with("galeractl")) else {
                continue;
            };
            let cli = Cli::try_parse_from(command.split_whitespace()).unwrap();
            let Verb::Bootstrap(words) = cli.verb else {
                panic!("{command}");
            };
            order::accepted(&scene, &words.from, words.force).unwrap();
            assert_eq!(words.force, !step.losses.is_empty(), "{command}");
            advised += 1;
        }
    }
    assert_eq!(advised, 3);
}

#[test]
fn without_quorum_the_nodes_that_are_away_are_named() {
    let maker = super::Maker {
        quorum: false,
        ..PLAIN
    };
    let scene = maker.scene(&[
        ("a", true, reported("a", 1, X, 5)),
        ("b", false, None),
        ("c", false, None),
    ]);
    let explanation = explain::of(&scene);
    assert_eq!(explanation.rule.title, "No quorum, no decision");
    let next: Vec<_> = explanation.next.iter().map(|step| &*step.what).collect();
    assert_eq!(
        next,
        [
            "start node b, and Pacemaker on it",
            "start node c, and Pacemaker on it"
        ]
    );
}
