//! A failover from the lines of a log, and the page of it.

use time::Duration;

use super::log::Clock;
use super::step::{Kind, Task};
use super::*;
use crate::ctl::tests::{PLAIN, X, real, reported};

/// A node is lost, fenced and back; as node1 of three logs it. The words are those of Pacemaker 2.1.5.
const CRASH: &str = "\
Nov 28 05:00:00.100 node1 pacemaker-controld  [7] (log_executor_event) \tnotice: Result of promote operation for db on node3: ok | graph action confirmed; call=22
Nov 28 05:10:00.000 node1 pacemaker-attrd     [8] (update_peer_state_iter) \tnotice: Node node3 state is now lost | nodeid=3 previous=member
Nov 28 05:10:00.010 node1 pacemaker-controld  [7] (update_peer_state_iter) \tnotice: Node node3 state is now lost | nodeid=3 previous=member
Nov 28 05:10:00.200 node1 pacemaker-controld  [7] (te_fence_node) \tnotice: Requesting fencing (reboot) targeting node node3 | action=1 timeout=60
Nov 28 05:10:02.500 node1 pacemaker-controld  [7] (handle_fence_notification) \tnotice: Peer node3 was terminated (reboot) by node2 on behalf of pacemaker-controld.7: OK | initiator=node1
2026-11-28T05:10:02Z galera-rs(db)[99]: WARN: node1: evicting the dead: evs.evict=5c
Nov 28 05:10:02.700 node1 pacemaker-controld  [7] (te_rsc_command) \tnotice: Initiating promote operation db_promote_0 locally on node1 | action 12
Nov 28 05:10:03.200 node1 pacemaker-controld  [7] (log_executor_event) \tnotice: Result of promote operation for db on node1: ok | graph action confirmed; call=30
Nov 28 05:10:03.300 node1 pacemaker-controld  [7] (log_executor_event) \tnotice: Result of notify operation for db on node1: ok | graph action confirmed; call=31
Nov 28 05:10:25.000 node1 pacemaker-attrd     [8] (attrd_peer_update) \tnotice: Setting db-galera[node3] in instance_attributes: (unset) -> {\"elector\":\"node3\",\"electors\":[],\"phase\":\"joining\"} | from node3
Nov 28 05:10:27.200 node1 pacemaker-attrd     [8] (attrd_peer_update) \tnotice: Setting db-galera[node3] in instance_attributes: {\"phase\":\"joining\"} -> {\"elector\":\"node3\",\"electors\":[],\"phase\":\"member\"} | from node3
Nov 28 05:10:27.300 node1 pacemaker-attrd     [8] (attrd_peer_update) \tnotice: Setting other-galera[node3] in instance_attributes: (unset) -> {\"phase\":\"member\"} | from node3
";

fn steps_of(text: &str) -> Vec<Step> {
    let clock = Clock {
        now: OffsetDateTime::from_unix_timestamp(1_795_845_600).unwrap(), // 2026-11-28T06:00:00Z
        zone: time::UtcOffset::UTC,
    };
    let entries = log::read(text, clock);
    entries
        .iter()
        .filter_map(|entry| step::of_entry(entry, "db"))
        .collect()
}

/// So many milliseconds for each phase.
fn milliseconds(failover: &Failover) -> Vec<(&str, i128)> {
    let phases = failover.phases.iter();
    phases
        .map(|phase| (&*phase.name, phase.took().whole_milliseconds()))
        .collect()
}

fn content(status: &Status, failover: Option<&Failover>) -> String {
    page::draw(&Content {
        made: OffsetDateTime::UNIX_EPOCH,
        status,
        addresses: &Addresses::new(),
        failover,
        sources: &[Looked {
            name: "a <log>".into(),
            found: Err("no & such".into()),
        }],
    })
}

#[test]
fn a_crash_is_told_from_the_loss_to_the_return_with_the_seconds_of_each_phase() {
    let failover = story::last(steps_of(CRASH)).unwrap();
    assert_eq!(failover.heir, "node1");
    let cause = failover.cause.as_ref().unwrap();
    assert_eq!((cause.kind, &*cause.node), (Kind::Lost, "node3"));
    assert_eq!(
        milliseconds(&failover),
        [
            ("fencing", 2500),
            ("decision to promote", 200),
            ("promotion", 500),
            ("node3 joins until it is synced", 24_000),
        ]
    );
    let lost = failover.steps.iter().filter(|step| step.kind == Kind::Lost);
    assert_eq!(lost.count(), 1, "one loss is told once");
    let earlier = failover
        .steps
        .iter()
        .any(|step| step.node == "node3" && step.kind == Kind::Done(Task::Promote));
    assert!(!earlier, "the promotion before is another story");
}

#[test]
fn a_role_that_was_moved_has_no_cause_and_none_is_told_without_a_promotion() {
    let moved: String = CRASH
        .lines()
        .filter(|line| {
            !line.contains("lost") && !line.contains("erminated") && !line.contains("fencing")
        })
        .map(|line| format!("{line}\n"))
        .collect();
    let failover = story::last(steps_of(&moved)).unwrap();
    assert!(failover.cause.is_none());
    assert_eq!(failover.phases.len(), 1, "{:?}", failover.phases);
    let none: String = moved
        .lines()
        .filter(|line| !line.contains("promote"))
        .collect();
    assert!(story::last(steps_of(&none)).is_none());
}

#[test]
fn the_cib_alone_tells_of_the_last_promotion_to_the_second() {
    let scene = real("two-members");
    let steps = step::of_cib(&scene.cib, &scene.resource);
    let failover = story::last(steps).unwrap();
    let promoted = failover
        .steps
        .iter()
        .find(|step| step.kind == Kind::Done(Task::Promote))
        .unwrap();
    assert_eq!(promoted.at.unix_timestamp(), 1_795_254_803);
    assert_eq!(promoted.node, failover.heir);
}

/// An operation as the CIB's history has it: when it began, in seconds, and how many milliseconds it took.
fn operation(key: &str, rc: i32, expected: i32, began: u32, took: u32) -> String {
    let name = key.split('_').nth(1).unwrap();
    format!(
        "<lrm_rsc_op id=\"{key}-{rc}\" operation_key=\"{key}\" operation=\"{name}\" transition-key=\"7:8:{expected}:u\" \
         transition-magic=\"0:{rc};7:8:{expected}:u\" call-id=\"{began}\" rc-code=\"{rc}\" op-status=\"0\" interval=\"0\" \
         last-rc-change=\"1795255{began:03}\" exec-time=\"{took}\"/>"
    )
}

#[test]
fn the_cib_alone_tells_the_seconds_of_the_phases_that_it_knows() {
    let history = |node: u32, operations: &[String]| {
        format!(
            "<node_state id=\"{node}\" uname=\"node{node}\"><lrm id=\"{node}\"><lrm_resources><lrm_resource id=\"db\" \
             type=\"galera-rs\" class=\"ocf\" provider=\"galera-rs\">{}</lrm_resource></lrm_resources></lrm></node_state>",
            operations.concat()
        )
    };
    // The monitor's failure is known at 0.2 s, the other node's promotion at 3.7, the first node's start at 12.5.
    let writer = [
        operation("db_monitor_1000", 1, 8, 0, 200),
        operation("db_start_0", 0, 0, 10, 2500),
    ];
    let heir = [operation("db_promote_0", 0, 0, 3, 700)];
    let cib = format!(
        "<cib><configuration><crm_config/><nodes><node id=\"1\" uname=\"node1\"/><node id=\"2\" uname=\"node2\"/></nodes>\
         <resources/></configuration><status>{}{}</status></cib>",
        history(1, &writer),
        history(2, &heir)
    );
    let cib = crate::cib::Cib::parse(cib.as_bytes()).unwrap();
    let failover = story::last(step::of_cib(&cib, "db")).unwrap();
    assert_eq!(failover.heir, "node2");
    assert_eq!(failover.cause.as_ref().unwrap().node, "node1");
    let phases: Vec<_> = failover
        .phases
        .iter()
        .map(|phase| (&*phase.name, phase.took().whole_milliseconds()))
        .collect();
    assert_eq!(phases, [("promotion", 3500), ("restart of node1", 8800)]);
}

#[test]
fn what_the_log_has_to_the_millisecond_is_not_told_a_second_time_from_the_cib() {
    let mut steps = steps_of(CRASH);
    let promoted = steps.iter().find(|step| {
        step.text.contains("promote")
            && step.node == "node1"
            && step.kind == Kind::Done(Task::Promote)
    });
    let mut again = promoted.unwrap().clone();
    again.source = step::Source::Cib;
    again.at -= Duration::milliseconds(700);
    steps.push(again);
    let failover = story::last(steps).unwrap();
    let done = |step: &&Step| step.kind == Kind::Done(Task::Promote);
    let done: Vec<_> = failover.steps.iter().filter(done).collect();
    assert_eq!(done.len(), 1, "{done:#?}");
    assert_eq!(done[0].source, step::Source::Cluster);
}

#[test]
fn a_page_needs_nothing_else_and_holds_no_markup_of_others() {
    let hostile = "<script src=http://x.example/>";
    let scene = PLAIN.scene(&[("node1", true, reported("a", 1, X, 5))]);
    let mut status = status::of(&scene);
    status.warnings.push(hostile.into());
    status.nodes[0].node = Some(hostile.into());
    status.nodes[0].reason = Some(hostile.into());
    let log = CRASH
        .replace("ok | graph", "<b>ok | graph")
        .replace("node3", "<i>3");
    let failover = story::last(steps_of(&(log + CRASH))).unwrap();
    let page = content(&status, Some(&failover));
    for tag in [
        "<script", "<b>", "<i>", "<log>", "src=\"", "href=", "@import", "url(",
    ] {
        assert!(!page.contains(tag), "{tag}: {page}");
    }
    assert!(page.contains("&lt;script src=http://x.example/&gt;"));
    assert!(page.contains("a &lt;log&gt;") && page.contains("no &amp; such"));
}

#[test]
fn each_node_is_drawn_once_and_the_members_stand_on_one_ground() {
    let status = status::of(&real("two-members"));
    let page = content(&status, None);
    assert_eq!(page.matches("class=\"name\"").count(), status.nodes.len());
    assert_eq!(page.matches("class=\"ground\"").count(), 2);
    assert!(page.contains("No promotion is on record"));
}

/// As the survivor node2 of a real cluster logged it, and the CIB after it.
#[test]
fn a_real_power_cut_is_told_with_all_its_phases() {
    let scene = real("failover");
    let mut steps = steps_of(include_str!("../../../tests/fixtures/cluster/failover.log"));
    steps.extend(step::of_cib(&scene.cib, &scene.resource));
    let failover = story::last(steps).unwrap();
    assert_eq!(failover.heir, "node3");
    assert_eq!(failover.cause.as_ref().unwrap().text, "node1 is lost");
    // 45.579 lost, 48.191 fenced, 50.071 promotion begins, 50.175 ends, 54.331 started, 59.967 member.
    assert_eq!(
        milliseconds(&failover),
        [
            ("fencing", 2612),
            ("decision to promote", 1880),
            ("promotion", 104),
            ("restart of node1", 4156),
            ("node1 joins until it is synced", 5636),
        ]
    );
}

/// The log of the crash without the lines that hold one of these words.
fn crash_without(words: &[&str]) -> String {
    let lines = CRASH.lines();
    let kept = lines.filter(|line| !words.iter().any(|word| line.contains(word)));
    kept.map(|line| format!("{line}\n")).collect()
}

/// The promoted server is killed, and node3 itself stays: its own attribute says so first.
#[test]
fn a_server_that_its_node_finds_dead_is_the_cause() {
    let member = r#"{"elector":"node3","phase":"member"}"#;
    let dead = r#"{"elector":"node3","dead":{"server":"b9d05119-eaed-11f1-9fa3-1e8ddb3d459d","view":"v"},"phase":"recovering"}"#;
    let says = |time: &str, old: &str, new: &str| {
        format!(
            "Nov 28 05:10:{time} node1 pacemaker-attrd     [8] (attrd_peer_update) \tnotice: \
             Setting db-galera[node3] in instance_attributes: {old} -> {new} | from node3\n"
        )
    };
    let log = crash_without(&["lost", "erminated", "fencing", "node3]"]);
    let died = says("01.700", member, dead);
    let failover = story::last(steps_of(&(log.clone() + &died))).unwrap();
    let cause = failover.cause.as_ref().unwrap();
    assert_eq!((cause.kind, &*cause.node), (Kind::Died, "node3"));
    assert_eq!(
        milliseconds(&failover),
        [("decision to promote", 1000), ("promotion", 500)]
    );
    // It has been dead since before: that is no news.
    let known = says("01.700", dead, dead);
    assert!(
        story::last(steps_of(&(log + &known)))
            .unwrap()
            .cause
            .is_none()
    );
}

/// One record of node3, promoted since the cluster expected 8.
fn monitored(interval: &str, rc: &str) -> Vec<Step> {
    let text = format!(
        r#"<cib><configuration><nodes><node id="3" uname="node3"/></nodes><resources><primitive id="db" class="ocf"
        provider="galera-rs" type="galera-rs"/></resources></configuration><status><node_state id="3" uname="node3"><lrm id="3">
        <lrm_resources><lrm_resource id="db" class="ocf" provider="galera-rs" type="galera-rs"><lrm_rsc_op
        id="db_last_failure_0" operation="monitor" interval="{interval}" call-id="25" rc-code="{rc}" op-status="0"
        transition-key="9:3:8:b0a3e1b4-5a6c-4d8e-9f10-0123456789ab" last-rc-change="1795842602" exec-time="3"/>
        </lrm_resource></lrm_resources></lrm></node_state></status></cib>"#
    );
    step::of_cib(&Cib::parse(text.as_bytes()).unwrap(), "db")
}

#[test]
fn a_monitor_that_finds_the_promoted_server_gone_is_the_cause_and_a_probe_is_none() {
    let log = crash_without(&["lost", "erminated", "fencing", "node3]"]);
    let told = |found: Vec<Step>| {
        let steps = steps_of(&log).into_iter().chain(found);
        story::last(steps.collect()).unwrap()
    };
    let failover = told(monitored("1000", "7"));
    let cause = failover.cause.as_ref().expect("the monitor");
    assert_eq!((cause.kind, &*cause.node), (Kind::Failed, "node3"));
    assert!(told(monitored("0", "7")).cause.is_none());
    assert!(monitored("1000", "8").is_empty());
    assert!(monitored("1000", "191").is_empty(), "degraded");
}

#[test]
fn a_fencing_that_failed_is_told_in_either_form() {
    for how in ["was not terminated", "was terminated"] {
        let log = CRASH
            .replace("was terminated", how)
            .replace(": OK", ": Timer expired");
        let steps = steps_of(&log);
        let failed: Vec<_> = steps
            .iter()
            .filter(|step| step.kind == Kind::Failed)
            .collect();
        assert_eq!(failed.len(), 1, "{steps:#?}");
        assert_eq!(failed[0].node, "node3");
        assert!(steps.iter().all(|step| step.kind != Kind::Fenced));
    }
}

#[test]
fn a_long_story_is_cut_and_has_all_its_phases() {
    let noise = (0..80).map(|number| {
        format!(
            "Nov 28 05:10:00.5{number:02} node1 pacemaker-attrd     [8] (attrd_peer_update) \tnotice: \
             Setting db-galera[node2]: (unset) -> {{\"phase\":\"p{number}\"}} | from node2\n"
        )
    });
    let failover = story::last(steps_of(&(CRASH.to_owned() + &noise.collect::<String>()))).unwrap();
    assert_eq!(failover.steps.len(), 60);
    let short = story::last(steps_of(CRASH)).unwrap();
    assert_eq!(milliseconds(&failover), milliseconds(&short));
}

/// Fenced after the promotion, for whatever reason: the promotion did not wait for that.
#[test]
fn a_later_fencing_is_no_phase_of_the_failover() {
    let late = CRASH
        .lines()
        .map(|line| match line.contains("was terminated") {
            true => line.replace("05:10:02.500", "05:30:00.000") + "\n",
            false => format!("{line}\n"),
        });
    let failover = story::last(steps_of(&late.collect::<String>())).unwrap();
    assert_eq!(
        milliseconds(&failover)[..2],
        [("decision to promote", 2700), ("promotion", 500)]
    );
}
