//! Who may be evicted, rule by rule.

use std::collections::BTreeMap;

use super::super::gvwstate::ViewId;
use super::*;

/// The server of node n.
fn server(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

fn view(members: &[u128]) -> SavedView {
    SavedView {
        me: server(1),
        view: ViewId {
            uuid: server(1),
            number: 7,
        },
        members: members.iter().map(|n| server(*n)).collect(),
        bootstrap: false,
    }
}

fn died_in(view: &SavedView, n: u128) -> Dead {
    Dead {
        server: server(n),
        view: view.view.to_string(),
    }
}

fn well(elector: &Elector, n: u128) -> Other<'_> {
    Other {
        elector,
        server: Some(server(n)),
        member: true,
        dead: None,
        node: NodeState::Online,
        unreachable: false,
        refused: false,
    }
}

fn lost(elector: &Elector, n: u128, node: NodeState) -> Other<'_> {
    Other {
        member: false,
        node,
        unreachable: true,
        refused: true,
        ..well(elector, n)
    }
}

fn killed<'a>(elector: &'a Elector, n: u128, dead: &'a Dead) -> Other<'a> {
    Other {
        member: false,
        dead: Some(dead),
        refused: true,
        ..well(elector, n)
    }
}

fn names() -> BTreeMap<u128, Elector> {
    (1..=5).map(|n| (n, format!("n{n}"))).collect()
}

fn sight<'a>(view: &'a SavedView, others: Vec<Other<'a>>) -> Sight<'a> {
    Sight {
        quorate: true,
        fencing: true,
        view,
        others,
    }
}

fn of(servers: &[u128]) -> BTreeSet<Uuid> {
    servers.iter().map(|n| server(*n)).collect()
}

#[test]
fn a_server_whose_own_node_says_that_it_died_in_this_view_is_dead() {
    let (view, n) = (view(&[1, 2, 3]), names());
    let three = died_in(&view, 3);
    let seen = sight(&view, vec![well(&n[&2], 2), killed(&n[&3], 3, &three)]);
    assert_eq!(dead(&seen), of(&[3]));
}

#[test]
fn the_last_survivor_may_evict_all_others_when_each_says_that_it_died_in_this_view() {
    let (view, n) = (view(&[1, 2, 3]), names());
    let (two, three) = (died_in(&view, 2), died_in(&view, 3));
    let others = vec![killed(&n[&2], 2, &two), killed(&n[&3], 3, &three)];
    assert_eq!(dead(&sight(&view, others)), of(&[2, 3]));
}

/// It may have been in a component that this node was cut off from, and have acknowledged writes there.
#[test]
fn a_server_that_died_in_another_view_is_left_to_galera() {
    let (view, n) = (view(&[1, 2, 3]), names());
    let mut three = died_in(&view, 3);
    three.view = "another".to_owned();
    let seen = sight(&view, vec![well(&n[&2], 2), killed(&n[&3], 3, &three)]);
    assert_eq!(dead(&seen), of(&[]));
}

#[test]
fn a_server_that_says_that_it_is_a_member_is_never_dead() {
    let (view, n) = (view(&[1, 2]), names());
    let two = died_in(&view, 2);
    let alive = Other {
        member: true,
        ..killed(&n[&2], 2, &two)
    };
    assert_eq!(dead(&sight(&view, vec![alive])), of(&[]));
}

#[test]
fn nobody_can_tell_that_the_server_of_another_is_dead() {
    let (view, n) = (view(&[1, 2, 3]), names());
    let two = died_in(&view, 2);
    let seen = sight(&view, vec![well(&n[&2], 2), killed(&n[&3], 3, &two)]);
    assert_eq!(dead(&seen), of(&[]));
}

#[test]
fn a_server_is_not_dead_while_its_connection_stands_whatever_is_said_of_it() {
    let (view, n) = (view(&[1, 2, 3]), names());
    let three = died_in(&view, 3);
    let connected = Other {
        refused: false,
        ..killed(&n[&3], 3, &three)
    };
    let seen = sight(&view, vec![well(&n[&2], 2), connected]);
    assert_eq!(dead(&seen), of(&[]));
}

#[test]
fn nobody_is_evicted_without_quorum() {
    let (view, n) = (view(&[1, 2]), names());
    let two = died_in(&view, 2);
    let seen = Sight {
        quorate: false,
        ..sight(&view, vec![killed(&n[&2], 2, &two)])
    };
    assert_eq!(dead(&seen), of(&[]));
}

#[test]
fn a_lost_node_is_evicted_only_once_it_is_fenced() {
    let (view, n) = (view(&[1, 2, 3]), names());
    let with = |state| dead(&sight(&view, vec![well(&n[&2], 2), lost(&n[&3], 3, state)]));
    assert_eq!(with(NodeState::Lost), of(&[]));
    assert_eq!(with(NodeState::Down), of(&[3]));
}

/// Pacemaker was stopped there in maintenance mode, and the server goes on.
#[test]
fn a_node_that_is_down_for_pacemaker_and_whose_server_answers_is_not_evicted() {
    let (view, n) = (view(&[1, 2, 3]), names());
    let answers = Other {
        unreachable: false,
        ..lost(&n[&3], 3, NodeState::Down)
    };
    assert_eq!(dead(&sight(&view, vec![well(&n[&2], 2), answers])), of(&[]));
}

#[test]
fn half_of_the_view_that_was_fenced_is_evicted_and_more_than_half_is_not() {
    let n = names();
    let two = view(&[1, 2]);
    let seen = sight(&two, vec![lost(&n[&2], 2, NodeState::Down)]);
    assert_eq!(dead(&seen), of(&[2]));
    let three = view(&[1, 2, 3]);
    let both = vec![
        lost(&n[&2], 2, NodeState::Down),
        lost(&n[&3], 3, NodeState::Down),
    ];
    assert_eq!(dead(&sight(&three, both)), of(&[]));
}

#[test]
fn without_fencing_only_a_majority_that_would_stay_primary_anyway_evicts() {
    let n = names();
    let (two, three) = (view(&[1, 2]), view(&[1, 2, 3]));
    let half = sight(&two, vec![lost(&n[&2], 2, NodeState::Lost)]);
    let most = sight(
        &three,
        vec![well(&n[&2], 2), lost(&n[&3], 3, NodeState::Lost)],
    );
    let unfenced = |seen| Sight {
        fencing: false,
        ..seen
    };
    assert_eq!(dead(&unfenced(half)), of(&[]));
    assert_eq!(dead(&unfenced(most)), of(&[3]));
}

#[test]
fn a_server_that_is_not_in_the_view_is_not_evicted() {
    let (view, n) = (view(&[1, 2]), names());
    let three = died_in(&view, 3);
    let others = vec![
        well(&n[&2], 2),
        killed(&n[&3], 3, &three),
        lost(&n[&4], 4, NodeState::Down),
    ];
    assert_eq!(dead(&sight(&view, others)), of(&[]));
}

#[test]
fn of_all_survivors_exactly_one_is_first() {
    let (view, n) = (view(&[1, 2, 3, 4]), names());
    let four = died_in(&view, 4);
    let ranks = [1, 2, 3].map(|own| {
        let others = [1, 2, 3].into_iter().filter(|other| *other != own);
        let mut others: Vec<_> = others.map(|other| well(&n[&other], other)).collect();
        others.push(killed(&n[&4], 4, &four));
        rank(&sight(&view, others), &n[&own], &of(&[4]))
    });
    assert_eq!(ranks, [0, 1, 2]);
}
