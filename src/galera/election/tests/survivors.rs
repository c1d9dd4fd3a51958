//! Servers that run and have lost their component.

use super::*;
use crate::galera::survivors::{AtLarge, Prospect, prospect};

/// A server that has lost the others of view "v", which it has seen applied.
fn apart(name: &str, seqno: u64, members: &[&str]) -> Stand {
    let mut report = crashed(name, seqno);
    report.recovered = false;
    report.view = view(Some("v"), members, Some(seqno));
    Stand::Apart(report)
}

/// Nodes whose servers are lost with them.
fn fenced(ballot: &mut Ballot, names: &[&str]) {
    ballot
        .fates
        .lost
        .extend(names.iter().map(|name| life(name)));
}

fn revives(ballot: &Ballot, name: &str) -> bool {
    matches!(elect(ballot), Verdict::Revive(chosen, _) if chosen == name)
}

fn alone_of_two() -> Ballot {
    ballot([("a", apart("a", 9, &["a", "b"])), ("b", Stand::Silent)])
}

#[test]
fn a_survivor_goes_on_when_the_other_half_is_fenced_and_not_before() {
    let mut ballot = alone_of_two();
    waits_for(&ballot, &["b"], Gap::MemberSilent("a".to_owned()));
    fenced(&mut ballot, &["b"]);
    assert!(revives(&ballot, "a"));
    ballot.quorate = false;
    assert_eq!(elect(&ballot), Verdict::Wait(Waiting::NoQuorum));
    let own = "a".to_owned();
    assert!(matches!(prospect(&ballot, &own), Prospect::NoQuorum(_)));
}

#[test]
fn more_than_half_that_is_lost_may_have_gone_on_and_what_died_in_this_view_has_not() {
    let members = ["a", "b", "c"];
    let silent = [("b", Stand::Silent), ("c", Stand::Silent)];
    let [b, c] = silent;
    let mut ballot = ballot([("a", apart("a", 9, &members)), b, c]);
    fenced(&mut ballot, &["b", "c"]);
    waits_for(&ballot, &["b", "c"], Gap::HalfLost("a".to_owned()));
    ballot.fates.lost.clear();
    let here = |name| (life(name), "v".to_owned());
    ballot.fates.gone.extend([here("b"), here("c")]);
    assert!(revives(&ballot, "a"));
    let later = |name| (life(name), "w".to_owned());
    ballot.fates.gone = [later("b"), here("c")].into();
    waits_for(&ballot, &["b", "c"], Gap::MemberSilent("a".to_owned()));
}

#[test]
fn a_survivor_that_may_lack_earlier_writes_does_not_go_on() {
    let mut report = crashed("a", 9);
    report.view = view(Some("v"), &["a", "b"], None);
    let mut ballot = ballot([("a", Stand::Apart(report)), ("b", Stand::Silent)]);
    fenced(&mut ballot, &["b"]);
    waits_for(&ballot, &["b"], Gap::ViewNotReached("a".to_owned()));
}

#[test]
fn nobody_goes_on_while_a_server_may_run_that_knows_nothing_of_it() {
    let mut ballot = alone_of_two();
    fenced(&mut ballot, &["b"]);
    ballot.fates.at_large.insert("x".into(), AtLarge::default());
    let at_large = Waiting::AtLarge(names(&["x"]));
    assert_eq!(elect(&ballot), Verdict::Wait(at_large));
}

#[test]
fn of_several_survivors_the_most_advanced_goes_on_and_a_report_that_is_ahead_comes_first() {
    let members = ["a", "b"];
    let both = ballot([
        ("a", apart("a", 9, &members)),
        ("b", apart("b", 10, &members)),
    ]);
    assert!(revives(&both, "b"));
    let ahead = ballot([
        ("a", apart("a", 9, &members)),
        ("b", reported(crashed("b", 10))),
    ]);
    assert_eq!(
        elect(&ahead),
        Verdict::Wait(Waiting::Survivors(names(&["a"])))
    );
    assert!(matches!(
        prospect(&ahead, &"a".to_owned()),
        Prospect::Never(_)
    ));
    let equal = ballot([
        ("b", apart("b", 9, &members)),
        ("a", reported(crashed("a", 9))),
    ]);
    assert!(revives(&equal, "b"), "a server that runs keeps its clients");
}

#[test]
fn a_survivor_is_kept_running_only_while_fencing_would_let_it_go_on() {
    let own = "a".to_owned();
    let mut ballot = alone_of_two();
    let servers = [life("b")].into();
    let settles = true;
    ballot
        .fates
        .at_large
        .insert("node2".into(), AtLarge { servers, settles });
    let Prospect::Soon(reason) = prospect(&ballot, &own) else {
        panic!("{:?}", prospect(&ballot, &own));
    };
    assert!(reason.contains("fencing of node2"), "{reason}");
    ballot.fates.at_large.get_mut("node2").unwrap().settles = false;
    assert!(matches!(prospect(&ballot, &own), Prospect::Never(_)));
}

#[test]
fn what_the_fenced_had_beyond_the_survivor_is_not_part_of_the_new_epoch() {
    let mut ballot = alone_of_two();
    fenced(&mut ballot, &["b"]);
    let Verdict::Revive(name, reason) = elect(&ballot) else {
        panic!("{:?}", elect(&ballot));
    };
    let epoch = next_epoch(&ballot, &name, &reason).unwrap();
    assert_eq!(epoch.number, 2);
    assert!(epoch.leads_to(2, 1, 9) && !epoch.leads_to(2, 1, 10));
    assert_eq!(epoch.revived, None, "somebody may have had more");
    assert_eq!(
        epoch.last_forced(2),
        None,
        "servers that run keep the cluster's name"
    );
    assert!(!epoch.gave_up(1));
}

/// Galera heals the component by itself once a has noted the epoch that it has opened: b goes on without it.
#[test]
fn data_of_a_component_that_healed_by_itself_counts_as_of_the_epoch_of_its_revival() {
    let members = ["a", "b"];
    let both = ballot([
        ("a", apart("a", 9, &members)),
        ("b", apart("b", 9, &members)),
    ]);
    let Verdict::Revive(name, reason) = elect(&both) else {
        panic!("{:?}", elect(&both));
    };
    let epoch = next_epoch(&both, &name, &reason).unwrap();
    let noted = Report {
        epoch: 2,
        ..crashed("a", 10)
    };
    let later = |of_b: Report| Ballot {
        epoch: epoch.clone(),
        ..ballot([("a", reported(noted.clone())), ("b", reported(of_b))])
    };
    wins(&later(crashed("b", 12)), "b", Reason::AllReported);
    assert_eq!(cost_of(&later(crashed("b", 12)), &"b".to_owned()), []);
    wins(&later(crashed("b", 9)), "a", Reason::AllReported);
    let of_long_ago = Report {
        epoch: 0,
        ..crashed("b", 12)
    };
    wins(&later(of_long_ago), "a", Reason::AllReported);
    let other_half = Report {
        opened_by: Some("b".to_owned()),
        ..crashed("b", 12)
    };
    assert!(matches!(
        elect(&later(other_half)),
        Verdict::Refuse(Refusal::TwoHalves { .. })
    ));
}

/// The first attempt of a ends after it has noted its epoch, and before b has: b is not of the epoch before the second.
#[test]
fn data_of_a_component_that_healed_by_itself_counts_though_an_attempt_before_had_failed() {
    let members = ["a", "b"];
    let opened = |ballot: &Ballot| {
        let Verdict::Revive(name, reason) = elect(ballot) else {
            panic!("{:?}", elect(ballot));
        };
        assert_eq!(name, "a");
        next_epoch(ballot, &name, &reason).unwrap()
    };
    let noted = |epoch: u64| {
        let Stand::Apart(report) = apart("a", 9, &members) else {
            panic!("a is apart");
        };
        Stand::Apart(Report {
            epoch,
            opened_by: Some("a".to_owned()),
            ..report
        })
    };
    let mut both = ballot([("a", noted(1)), ("b", apart("b", 9, &members))]);
    for number in 2..5 {
        both.epoch = opened(&both);
        assert_eq!((both.epoch.number, both.epoch.revived), (number, Some(1)));
        both.stands.insert("a".to_owned(), noted(number));
    }
    let stopped = Report {
        epoch: 4,
        opened_by: Some("a".to_owned()),
        ..crashed("a", 10)
    };
    let later = Ballot {
        epoch: both.epoch.clone(),
        ..ballot([("a", reported(stopped)), ("b", reported(crashed("b", 12)))])
    };
    wins(&later, "b", Reason::AllReported);
}

/// b was cut off while the others were started without it: what it holds is another line.
#[test]
fn a_revival_does_not_count_data_from_before_a_bootstrap_as_of_its_epoch() {
    let Stand::Apart(report) = apart("a", 9, &["a"]) else {
        panic!("a is apart");
    };
    let a = Stand::Apart(Report { epoch: 2, ..report });
    let mut both = ballot([("a", a), ("b", apart("b", 12, &["b"]))]);
    (both.epoch.number, both.epoch.forced) = (2, vec![(2, 5)]);
    let epoch = next_epoch(&both, &"a".to_owned(), &Reason::AllReported).unwrap();
    assert_eq!((epoch.number, epoch.revived), (3, Some(2)));
    assert_eq!(epoch.of(&crashed("b", 12)), 1);
}
