//! When silent nodes cannot be ahead, and when a component restores itself.

use super::*;

fn with_view(name: &str, seqno: u64, last: Option<LastView>) -> Stand {
    reported(Report {
        view: last,
        ..crashed(name, seqno)
    })
}

#[test]
fn the_last_view_suffices_when_all_of_it_have_reported() {
    let last = || view(None, &["a", "b"], Some(100));
    let b = ballot([
        ("a", with_view("a", 120, last())),
        ("b", with_view("b", 110, last())),
        ("c", Stand::Silent),
    ]);
    let closed = BTreeSet::from(["a".to_owned(), "b".to_owned()]);
    wins(&b, "a", Reason::LastView(closed));
}

#[test]
fn the_leaders_own_view_is_not_enough() {
    let later = || view(None, &["b", "c", "d"], Some(105));
    let b = ballot([
        (
            "a",
            with_view("a", 120, view(None, &["a", "b", "c"], Some(100))),
        ),
        ("b", with_view("b", 110, later())),
        ("c", with_view("c", 110, later())),
        ("d", Stand::Silent),
    ]);
    let Verdict::Wait(Waiting::Electors { missing, gap }) = elect(&b) else {
        panic!("{:?}", elect(&b));
    };
    assert_eq!(missing, names(&["d"]));
    assert!(matches!(gap, Gap::MemberSilent(_)), "{gap}");
}

#[test]
fn a_floor_that_nobody_reached_means_lost_writes() {
    c_may_have_more(&view(None, &["a", "b"], Some(121)));
}

#[test]
fn an_unknown_floor_proves_nothing() {
    let b = ballot([
        ("a", with_view("a", 120, view(Some("v"), &["a"], None))),
        ("c", Stand::Silent),
    ]);
    waits_for(&b, &["c"], Gap::ViewNotReached("a".to_owned()));
}

#[test]
fn whoever_left_last_and_safely_needs_nobody() {
    let safe = Report {
        safe: true,
        ..crashed("a", 120)
    };
    let b = ballot([("a", reported(safe)), ("b", Stand::Silent)]);
    let closed = BTreeSet::from(["a".to_owned()]);
    wins(&b, "a", Reason::LastView(closed));
}

#[test]
fn a_member_whose_data_is_of_another_epoch_breaks_the_proof() {
    let old = Report {
        epoch: 0,
        ..crashed("b", 110)
    };
    let b = ballot([
        ("a", with_view("a", 120, view(None, &["a", "b"], Some(100)))),
        ("b", reported(old)),
        ("c", Stand::Silent),
    ]);
    waits_for(&b, &["c"], Gap::MemberChanged("b".to_owned()));
}

#[test]
fn the_one_partner_counts_as_down_only_in_two_node_mode() {
    let mut b = ballot([("a", reported(crashed("a", 5))), ("b", Stand::Silent)]);
    waits_for(&b, &["b"], Gap::ViewUnknown("a".to_owned()));
    b.partner_gone = true;
    wins(&b, "a", Reason::PartnerGone("b".to_owned()));
    b.stands.insert("c".to_owned(), Stand::Silent);
    assert_eq!(winner(&b), None);
}

#[test]
fn all_of_one_saved_view_restore_it_together() {
    let last = || view(Some("v"), &["a", "b"], None);
    let mut b = ballot([
        ("a", with_view("a", 120, last())),
        ("b", with_view("b", 110, last())),
    ]);
    let both = BTreeSet::from(["a".to_owned(), "b".to_owned()]);
    assert_eq!(elect(&b), Verdict::Restore(both.clone()));
    let restoring = Report {
        view: last(),
        ..crashed("b", 110)
    };
    b.stands.insert("b".to_owned(), Stand::Restoring(restoring));
    assert_eq!(elect(&b), Verdict::Restore(both));
    b.stands.insert("b".to_owned(), Stand::Silent);
    assert!(matches!(elect(&b), Verdict::Wait(_)));
}

#[test]
fn nobody_restores_while_another_may_have_more() {
    c_may_have_more(&view(Some("v"), &["a", "b"], None));
}

#[test]
fn a_bootstrap_waits_for_those_that_restore_even_on_an_order() {
    let restoring = Report {
        view: view(Some("v"), &["b", "c"], None),
        ..crashed("b", 110)
    };
    let mut b = ballot([
        ("a", reported(crashed("a", 120))),
        ("b", Stand::Restoring(restoring)),
    ]);
    let waiting = Verdict::Wait(Waiting::Restoring(names(&["b"])));
    b.force = order("a", 1, Some(at(LINE, 120)));
    assert_eq!(elect(&b), waiting);
    b.force = None;
    assert!(matches!(elect(&b), Verdict::Wait(_)));
}

/// It would find the new component, and take what it acknowledges there for writes of the old one. On an order the group
/// has another name.
#[test]
fn a_bootstrap_waits_for_those_that_join_the_component_before_but_not_on_an_order() {
    let last = || view(None, &["a"], Some(100));
    let mut b = ballot([
        ("a", with_view("a", 120, last())),
        ("b", Stand::Silent),
        ("c", Stand::Silent),
    ]);
    let closed = BTreeSet::from(["a".to_owned()]);
    wins(&b, "a", Reason::LastView(closed));
    b.stands.insert("b".to_owned(), Stand::Joining);
    let waiting = Verdict::Wait(Waiting::Joining(names(&["b"])));
    assert_eq!(elect(&b), waiting);
    b.force = order("a", 1, Some(at(LINE, 120)));
    wins(&b, "a", Reason::Forced);
}

/// a and b are the last view of both, c is silent, and nothing shows that a has reached the view's floor.
fn c_may_have_more(last: &Option<LastView>) {
    let b = ballot([
        ("a", with_view("a", 120, last.clone())),
        ("b", with_view("b", 110, last.clone())),
        ("c", Stand::Silent),
    ]);
    waits_for(&b, &["c"], Gap::ViewNotReached("a".to_owned()));
}
