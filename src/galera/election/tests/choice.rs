//! Who wins when everybody has reported, and when nobody may win.

use super::*;

#[test]
fn a_stale_node_that_is_safe_to_bootstrap_does_not_beat_a_higher_seqno() {
    let stale = Report {
        safe: true,
        ..crashed("a", 100)
    };
    let b = ballot([("a", reported(stale)), ("b", reported(crashed("b", 101)))]);
    wins(&b, "b", Reason::AllReported);
}

#[test]
fn seqnos_are_compared_as_exact_integers() {
    let (low, high) = (1 << 53, (1 << 53) + 1);
    let b = ballot([
        ("a", reported(crashed("a", low))),
        ("b", reported(crashed("b", high))),
        ("c", reported(crashed("c", 9))),
    ]);
    wins(&b, "b", Reason::AllReported);
}

#[test]
fn ties_go_to_the_safe_node_then_to_a_clean_stop_then_to_the_first_name() {
    let mut reports = [crashed("a", 7), crashed("b", 7), crashed("c", 7)];
    let all = |r: &[Report; 3]| {
        let [a, b, c] = r.clone().map(reported);
        ballot([("a", a), ("b", b), ("c", c)])
    };
    wins(&all(&reports), "a", Reason::AllReported);
    reports[1].recovered = false;
    wins(&all(&reports), "b", Reason::AllReported);
    reports[2].safe = true;
    wins(&all(&reports), "c", Reason::AllReported);
}

#[test]
fn a_node_with_another_history_makes_the_election_refuse_by_name() {
    let other = Report {
        data: Data::At(at(OTHER_LINE, 500)),
        ..crashed("c", 0)
    };
    let b = ballot([
        ("a", reported(crashed("a", 10))),
        ("b", reported(crashed("b", 10))),
        ("c", reported(other)),
    ]);
    let held = BTreeMap::from([
        (at(LINE, 0).history, names(&["a", "b"])),
        (at(OTHER_LINE, 0).history, names(&["c"])),
    ]);
    let refusal = Refusal::Histories(held);
    assert!(refusal.to_string().contains("on a, b"), "{refusal}");
    assert_eq!(elect(&b), Verdict::Refuse(refusal));
}

#[test]
fn data_of_a_history_that_is_not_the_clusters_makes_it_refuse() {
    let other = Report {
        data: Data::At(at(OTHER_LINE, 500)),
        ..crashed("a", 0)
    };
    let b = ballot([("a", reported(other))]);
    let refusal = Refusal::Replaced {
        expected: at(LINE, 0).history,
        found: at(OTHER_LINE, 0).history,
        nodes: names(&["a"]),
    };
    assert_eq!(elect(&b), Verdict::Refuse(refusal));
}

#[test]
fn an_older_epoch_never_wins_however_high_its_seqno() {
    let newer = Report {
        epoch: 2,
        ..crashed("b", 10)
    };
    let b = ballot([("a", reported(crashed("a", 900))), ("b", reported(newer))]);
    wins(&b, "b", Reason::AllReported);
}

#[test]
fn when_nobody_of_the_newest_epoch_has_reported_it_waits_for_them() {
    let mut b = ballot([("a", reported(crashed("a", 900))), ("b", Stand::Silent)]);
    b.epoch.number = 2;
    b.epoch.opened_by = Some("b".to_owned());
    let waiting = Waiting::Epoch {
        epoch: 2,
        opened_by: Some("b".to_owned()),
        missing: names(&["b"]),
    };
    assert_eq!(elect(&b), Verdict::Wait(waiting));
}

#[test]
fn whoever_is_primary_is_joined_even_without_quorum() {
    let mut b = ballot([("a", reported(crashed("a", 900))), ("b", Stand::Primary)]);
    b.quorate = false;
    b.force = order("a", 1, Some(at(LINE, 900)));
    assert_eq!(elect(&b), Verdict::Join("b".to_owned()));
}

#[test]
fn two_never_bootstrap_at_a_time() {
    let b = ballot([
        ("a", reported(crashed("a", 9))),
        ("b", Stand::Bootstrapping),
    ]);
    let waiting = Waiting::Bootstrapping("b".to_owned());
    assert_eq!(elect(&b), Verdict::Wait(waiting));
}

#[test]
fn without_quorum_nobody_decides_not_even_by_order() {
    let mut b = ballot([("a", reported(crashed("a", 9)))]);
    b.quorate = false;
    b.force = order("a", 1, Some(at(LINE, 9)));
    assert_eq!(elect(&b), Verdict::Wait(Waiting::NoQuorum));
}

#[test]
fn a_stopped_node_that_is_ahead_is_waited_for_and_an_equal_started_one_stands_in() {
    let b = ballot([
        ("a", stopped(crashed("a", 9))),
        ("b", reported(crashed("b", 8))),
    ]);
    let (node, seqno) = ("a".to_owned(), 9);
    assert_eq!(elect(&b), Verdict::Wait(Waiting::Ahead { node, seqno }));
    let b = ballot([
        ("a", stopped(crashed("a", 9))),
        ("b", reported(crashed("b", 9))),
    ]);
    wins(&b, "b", Reason::AllReported);
}

#[test]
fn data_that_cannot_be_read_may_be_ahead() {
    let unreadable = Report {
        data: Data::Unreadable("bad page".to_owned()),
        ..crashed("b", 0)
    };
    let b = ballot([
        ("a", reported(crashed("a", 9))),
        ("b", reported(unreadable)),
    ]);
    waits_for(&b, &["b"], Gap::ViewUnknown("a".to_owned()));
}

#[test]
fn the_first_start_takes_the_one_directory_with_user_data() {
    let b = first_start([("a", blank(false)), ("b", blank(true)), ("c", blank(false))]);
    wins(&b, "b", Reason::Creation);
}

#[test]
fn the_first_start_of_blank_nodes_takes_the_first_and_needs_leave_and_everybody() {
    let mut b = first_start([("a", blank(false)), ("b", blank(false))]);
    wins(&b, "a", Reason::Creation);
    b.enable_creation = false;
    assert_eq!(elect(&b), Verdict::Refuse(Refusal::NoHistory));
    b.enable_creation = true;
    b.stands.insert("c".to_owned(), Stand::Silent);
    waits_for(&b, &["c"], Gap::NoCandidate);
}

#[test]
fn two_directories_with_user_data_are_a_persons_choice() {
    let b = first_start([("a", blank(true)), ("b", blank(true))]);
    let several = Refusal::SeveralWithData(names(&["a", "b"]));
    assert_eq!(elect(&b), Verdict::Refuse(several));
}

#[test]
fn a_cluster_that_had_data_is_not_created_anew() {
    let mut b = first_start([("a", blank(false)), ("b", blank(false))]);
    b.epoch.number = 4;
    b.epoch.position = Some(at(LINE, 7));
    assert_eq!(elect(&b), Verdict::Refuse(Refusal::Emptied { epoch: 4 }));
}

/// The opener notes the position of the new history as soon as its server is Primary.
#[test]
fn a_creation_that_never_became_primary_may_be_repeated() {
    let mut b = first_start([("a", blank(false)), ("b", blank(false))]);
    b.epoch.number = 1;
    wins(&b, "a", Reason::Creation);
}

/// Two halves of a split without fencing both opened epoch 2.
#[test]
fn two_halves_that_went_on_by_themselves_refuse_by_name() {
    let half = |name: &str, opener: &str| Report {
        epoch: 2,
        opened_by: Some(opener.to_owned()),
        ..crashed(name, 9)
    };
    let mut b = ballot([
        ("a", reported(half("a", "a"))),
        ("b", reported(half("b", "b"))),
    ]);
    b.epoch.number = 2;
    let halves = [("a", &["a"][..]), ("b", &["b"][..])];
    let halves = halves.map(|(opener, nodes)| (opener.to_owned(), names(nodes)));
    let refusal = Refusal::TwoHalves {
        epoch: 2,
        halves: halves.into(),
    };
    assert_eq!(elect(&b), Verdict::Refuse(refusal));
}

#[test]
fn blank_nodes_beside_data_do_not_hold_it_up() {
    let b = ballot([
        ("a", reported(blank(false))),
        ("b", reported(crashed("b", 5))),
    ]);
    wins(&b, "b", Reason::AllReported);
}

#[test]
fn a_partial_copy_of_the_newest_epoch_is_no_copy() {
    let partial = Report {
        data: Data::Partial,
        ..crashed("a", 0)
    };
    let b = ballot([("a", reported(partial))]);
    let nodes = names(&["a"]);
    assert_eq!(
        elect(&b),
        Verdict::Refuse(Refusal::NoCopy { epoch: 1, nodes })
    );
}
