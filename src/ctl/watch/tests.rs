//! Two looks and their difference, and what is drawn of them.

use super::draw::Picture;
use super::event::{Event, Mood, between};
use super::snapshot::{Here, Snapshot};
use super::*;
use crate::ctl::tests::{PLAIN, X, real, reported};
use crate::ctl::text::WIDTH;
use crate::galera::health::Health;
use crate::galera::pulse::Pulse;
use crate::galera::transfer::{Step, Transfer};
use crate::galera::wsrep::Status as Server;

fn seen(scene: &Scene) -> Snapshot {
    let time = OffsetDateTime::from_unix_timestamp(1_764_306_001).unwrap();
    Snapshot::new(time, status::of(scene), None)
}

fn told(before: &Snapshot, now: &Snapshot) -> Vec<String> {
    let events = between(before, now).into_iter();
    events.map(|event| event.text).collect()
}

fn drawn(seen: &Snapshot, events: &[Event], height: Option<usize>) -> Vec<String> {
    let picture = Picture {
        seen,
        error: None,
        every: 2,
        events,
    };
    let lines = picture.lines(height);
    lines.iter().map(|line| line.text(false)).collect()
}

/// A cluster of five with names of 60 characters, one of which receives a copy.
fn five(joiner_bytes: u64, size: Option<u64>) -> Snapshot {
    let names = ["a", "b", "c", "d", "e"].map(|letter| letter.repeat(60));
    let joins = |name: &str| {
        format!("{{\"elector\":\"{name}\",\"electors\":[\"{name}\"],\"phase\":\"joining\"}}")
    };
    let nodes = [
        (&*names[0], true, reported(&names[0], 1, X, u64::MAX)),
        (&*names[1], true, Some(joins(&names[1]))),
        (&*names[2], true, reported(&names[2], 1, X, 7)),
        (&*names[3], false, None),
        (&*names[4], true, None),
    ];
    let mut scene = PLAIN.scene(&nodes);
    let transfer = Transfer {
        step: Step::Receiving,
        donor: Some(names[0].clone()),
        bytes: Some(joiner_bytes),
        bytes_per_second: Some(1 << 20),
        since: 0,
    };
    scene.transfers.insert(names[1].clone(), transfer);
    scene.copy_size = size;
    seen(&scene)
}

#[test]
fn two_looks_at_the_same_are_no_event() {
    for name in ["member", "missing", "joining"] {
        let events = told(&seen(&real(name)), &seen(&real(name)));
        assert!(events.is_empty(), "{name}: {events:?}");
    }
}

#[test]
fn a_lost_node_and_a_role_that_moves_are_told_with_their_names() {
    let before = seen(&real("member"));
    let mut now = seen(&real("member"));
    let promoted = |row: &&mut crate::ctl::status::Row| row.role == Some("Promoted");
    let lost = now.status.nodes.iter_mut().find(promoted).unwrap();
    (lost.state, lost.role, lost.phase) = (Some("unclean"), None, None);
    let lost = lost.name().to_owned();
    let heir = now
        .status
        .nodes
        .iter_mut()
        .find(|row| row.state == Some("online"));
    let heir = heir.unwrap();
    (heir.role, heir.fail_count) = (Some("Promoted"), 1);
    let heir = heir.name().to_owned();
    let events = told(&before, &now);
    for wanted in [
        format!("{lost} is unclean"),
        format!("{lost} is not promoted any more: nothing is known to run there"),
        format!("{lost}: no word of it (was Member)"),
        format!("{heir} is promoted"),
        format!("an operation has failed on {heir} (fail count 1)"),
    ] {
        assert!(events.contains(&wanted), "{wanted}: {events:#?}");
    }
    let back = between(&now, &before);
    let of = |text: &str| back.iter().find(|event| event.text == text).unwrap();
    assert_eq!(of(&format!("{lost}: Member")).mood, Mood::Good);
    assert_eq!(of(&format!("{lost} is online")).mood, Mood::Good);
}

#[test]
fn a_transfer_is_an_event_when_it_begins_and_when_it_ends_and_not_in_between() {
    let (early, late) = (five(5 << 20, None), five(9 << 20, None));
    assert!(told(&early, &late).is_empty());
    let mut without = five(0, None);
    without.status.nodes[1].transfer = None;
    assert!(told(&without, &early)[0].contains("receiving a full copy from aaa"));
    assert!(told(&late, &without)[0].ends_with("its transfer is over"));
}

#[test]
fn no_line_is_wider_than_80_columns_nor_coloured_when_colours_are_off() {
    let event = |text: String| Event {
        time: OffsetDateTime::UNIX_EPOCH,
        mood: Mood::Bad,
        text,
    };
    let events = [event("word ".repeat(40)), event("x".repeat(200))];
    let pictures = ["member", "missing", "histories", "ordered", "forced"]
        .map(|name| drawn(&seen(&real(name)), &events, None));
    let long = drawn(&five(5 << 20, Some(50 << 20)), &events, None);
    for line in pictures.iter().flatten().chain(&long) {
        assert!(line.chars().count() <= WIDTH, "{line}");
        assert!(!line.contains('\u{1b}'), "{line}");
    }
    for letter in ["a", "b", "c", "d", "e"] {
        let row = |line: &&String| line.starts_with(&letter.repeat(7));
        assert_eq!(long.iter().filter(row).count(), 1, "{long:#?}");
    }
}

#[test]
fn a_copy_of_known_size_has_a_time_left_and_a_bar() {
    let known = drawn(&five(10 << 20, Some(40 << 20)), &[], None).join("\n");
    for wanted in ["about 40 MiB in all, 30 s left", "[##########....", "25 %"] {
        assert!(known.contains(wanted), "{known}");
    }
    for unknown in [five(10 << 20, None), five(50 << 20, Some(40 << 20))] {
        let text = drawn(&unknown, &[], None).join("\n");
        assert!(text.contains("MiB, 1 MiB/s\n"), "{text}");
        assert!(!text.contains("left") && !text.contains('['), "{text}");
    }
}

#[test]
fn a_low_terminal_loses_the_oldest_events_first() {
    let event = |number: i64| Event {
        time: OffsetDateTime::UNIX_EPOCH,
        mood: Mood::Plain,
        text: format!("event {number}"),
    };
    let events: Vec<_> = (1..=40).map(event).collect();
    let lines = drawn(&seen(&real("member")), &events, Some(20));
    assert_eq!(lines.len(), 20, "{lines:#?}");
    assert!(lines.iter().any(|line| line.ends_with("event 40")));
    assert!(!lines.iter().any(|line| line.ends_with("event 1")));
    assert_eq!(drawn(&seen(&real("member")), &events, Some(3)).len(), 3);
}

#[test]
fn the_server_that_is_asked_gives_its_nodes_position_and_queues() {
    let rows = [
        ("wsrep_cluster_status", "Primary"),
        ("wsrep_local_state", "4"),
        ("wsrep_last_committed", "4711"),
        ("wsrep_local_recv_queue", "7"),
        ("wsrep_local_send_queue", "2"),
    ];
    let pulse = Pulse {
        node: Some("node1".into()),
        promoted: true,
        health: Health::Degraded("the disk is nearly full".into()),
        status: Some(Server::read(&rows)),
    };
    let at = OffsetDateTime::UNIX_EPOCH;
    let now = Snapshot::new(at, status::of(&real("member")), Some(Here(pulse)));
    let text = drawn(&now, &[], None).join("\n");
    for wanted in [
        ":4711",
        "node1 is degraded: the disk is nearly full",
        "Primary, Synced; queues: 7 to apply, 2 to send",
    ] {
        assert!(text.contains(wanted), "{text}");
    }
    let events = told(&seen(&real("member")), &now);
    assert_eq!(
        events,
        ["the server here is degraded: the disk is nearly full"]
    );
    let json = now.json(&between(&seen(&real("member")), &now)).unwrap();
    assert_eq!(json["here"]["server"]["receive_queue"], 7);
    assert_eq!(json["here"]["node"], "node1");
    assert_eq!(json["time"], "1970-01-01T00:00:00Z");
    assert_eq!(json["events"][0]["mood"], "bad");
    assert_eq!(json["verdict"]["outcome"], "up");
}

#[test]
fn a_look_that_fails_is_told_once_and_so_is_the_next_answer() {
    let mut film = Film::of(seen(&real("member")));
    let at = OffsetDateTime::UNIX_EPOCH;
    let fails = || Err(Error::Write(io::Error::other("no cluster")));
    film.take(fails(), at);
    film.take(fails(), at);
    assert_eq!(film.events.len(), 1, "{:?}", film.events);
    assert!(film.json().unwrap()["error"].is_string());
    let lines = film.picture(2).lines(None);
    assert!(
        lines
            .iter()
            .any(|line| line.text(false).contains("no cluster"))
    );
    film.take(Ok(seen(&real("member"))), at);
    assert_eq!(film.events.last().unwrap().text, "there is an answer again");
    assert!(film.json().unwrap()["error"].is_null());
    for _ in 0..2 * KEPT {
        film.take(fails(), at);
        film.take(Ok(seen(&real("member"))), at);
    }
    assert_eq!(film.events.len(), KEPT);
}
