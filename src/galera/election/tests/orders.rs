//! What an order may do, what it costs, and what later joins make of it.

use super::*;

#[test]
fn an_order_beats_silence_and_higher_seqnos() {
    let mut b = ballot([
        ("a", reported(crashed("a", 9))),
        ("b", reported(crashed("b", 10))),
        ("c", Stand::Silent),
    ]);
    b.force = order("a", 1, Some(at(LINE, 9)));
    wins(&b, "a", Reason::Forced);
    let cost = vec![("b".to_owned(), Some(at(LINE, 10))), ("c".to_owned(), None)];
    assert_eq!(cost_of(&b, &"a".to_owned()), cost);
}

#[test]
fn an_order_is_void_once_the_node_or_the_epoch_has_moved() {
    let mut b = ballot([("a", reported(crashed("a", 9))), ("c", Stand::Silent)]);
    for void in [
        order("a", 0, Some(at(LINE, 9))),
        order("a", 2, Some(at(LINE, 9))),
        order("a", 1, Some(at(LINE, 8))),
        order("a", 1, None),
        order("c", 1, Some(at(LINE, 9))),
    ] {
        b.force = void;
        assert_eq!(winner(&b), None, "{:?}", b.force);
    }
}

#[test]
fn an_order_does_not_start_a_partial_copy_or_a_stopped_node() {
    let partial = Report {
        data: Data::Partial,
        ..crashed("a", 0)
    };
    let mut b = ballot([
        ("a", reported(partial)),
        ("b", stopped(crashed("b", 9))),
        ("c", Stand::Silent),
    ]);
    b.force = order("a", 1, None);
    assert_eq!(winner(&b), None);
    b.force = order("b", 1, Some(at(LINE, 9)));
    assert_eq!(winner(&b), None);
}

#[test]
fn a_forced_epoch_gives_up_what_lay_beyond_it() {
    let mut b = ballot([
        ("a", reported(crashed("a", 90))),
        ("b", reported(crashed("b", 100))),
    ]);
    b.force = order("a", 1, Some(at(LINE, 90)));
    let next = next_epoch(&b, &"a".to_owned(), &Reason::Forced).expect("a has reported");
    assert_eq!((next.number, &next.forced), (2, &vec![(2, 90)]));
    assert!(next.leads_to(next.number, 1, 90) && !next.leads_to(next.number, 1, 91));
    assert!(next.leads_to(next.number, 2, 91));
}

#[test]
fn a_second_order_that_goes_back_behind_a_forced_epoch_gives_that_up_too() {
    let forced = Report {
        epoch: 2,
        ..crashed("a", 95)
    };
    let mut b = ballot([("a", reported(forced)), ("b", reported(crashed("b", 100)))]);
    b.epoch.number = 2;
    b.epoch.forced = vec![(2, 90)];
    let cost = cost_of(&b, &"b".to_owned());
    assert_eq!(cost, vec![("a".to_owned(), Some(at(LINE, 95)))]);
    let next = next_epoch(&b, &"b".to_owned(), &Reason::Forced).expect("b has reported");
    assert_eq!(next.forced, vec![(2, 90), (3, 90)]);
    assert!(
        !next.leads_to(next.number, 2, 95),
        "91..=95 differ in epoch 2"
    );
}

#[test]
fn a_bootstrap_without_the_partner_is_marked_like_a_forced_one() {
    let b = ballot([("a", reported(crashed("a", 9))), ("b", Stand::Silent)]);
    let reason = Reason::PartnerGone("b".to_owned());
    let next = next_epoch(&b, &"a".to_owned(), &reason).expect("a has reported");
    assert_eq!(next.forced, vec![(2, 9)]);
}

#[test]
fn a_proven_bootstrap_gives_up_nothing() {
    let b = ballot([("a", reported(crashed("a", 9)))]);
    let next = next_epoch(&b, &"a".to_owned(), &Reason::AllReported).expect("a has reported");
    assert_eq!((next.number, next.forced), (2, Vec::new()));
    let silent = ballot([("a", Stand::Silent)]);
    assert_eq!(
        next_epoch(&silent, &"a".to_owned(), &Reason::AllReported),
        None
    );
}

#[test]
fn when_the_record_was_lost_older_data_counts_as_no_prefix() {
    let newer = Report {
        epoch: 7,
        ..crashed("a", 9)
    };
    let b = ballot([("a", reported(newer))]);
    let next = next_epoch(&b, &"a".to_owned(), &Reason::AllReported).expect("a has reported");
    assert_eq!((next.number, &next.forced), (8, &vec![(7, 0)]));
    assert!(next.leads_to(next.number, 7, 9) && !next.leads_to(next.number, 6, 9));
}

#[test]
fn a_record_leads_only_to_the_component_that_it_knows() {
    let record = Epoch {
        number: 3,
        forced: vec![(2, 50), (3, 40)],
        ..Epoch::default()
    };
    assert!(record.leads_to(2, 1, 50), "epoch 3 may be taken back");
    assert!(!record.leads_to(3, 1, 50) && record.leads_to(3, 1, 40));
    assert!(
        !record.leads_to(4, 1, 1),
        "the record is older than epoch 4"
    );
    assert!(
        !record.leads_to(2, 3, 1),
        "the component is older than the data"
    );
    assert!(record.leads_to(9, 9, 1));
}
