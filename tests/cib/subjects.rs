//! What each lookup answers, subject by subject.

use std::time::Duration;

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, Writer};

use galera_rs::cib::{Cib, ConstraintKind, NodeKind, OpStatus, Role, Score, read_duration};

use crate::fixtures;

fn node_states(options: &str, states: &str) -> Cib {
    let text = format!(
        "<cib execution-date=\"1763716000\"><configuration><crm_config>\
        <cluster_property_set id=\"cib-bootstrap-options\">{options}</cluster_property_set></crm_config>\
        <nodes><node id=\"1\" uname=\"a\"/></nodes></configuration><status>{states}</status></cib>"
    );
    Cib::parse(text.as_bytes()).unwrap()
}

#[test]
fn the_header_tells_quorum_versions_and_the_dc() {
    let cib = fixtures::cib("lab");
    let header = &cib.header;
    assert!(header.have_quorum);
    assert_eq!(
        (header.admin_epoch, header.epoch, header.num_updates),
        (0, 5, 7)
    );
    assert_eq!(header.crm_feature_set.as_deref(), Some("3.16.1"));
    assert_eq!(header.validate_with.as_deref(), Some("pacemaker-3.9"));
    assert_eq!(
        header.last_written.as_deref(),
        Some("Sat Nov 21 09:00:13 2026")
    );
    assert_eq!(cib.dc().map(|node| &*node.uname), Some("node1"));
    assert!(!fixtures::cib("noquorum").header.have_quorum);
}

#[test]
fn our_own_property_set_is_found_by_its_id_with_the_ids_of_its_pairs() {
    let cib = fixtures::cib("base");
    let set = cib.options().set("galera-rs").unwrap();
    assert_eq!(&*set.pair("galera-db-epoch").unwrap().id, "galera-rs-epoch");
    assert_eq!(
        (set.get("galera-db-epoch"), cib.option("galera-db-epoch")),
        (Some("3"), Some("3"))
    );
}

/// The same document with the attributes of every element the other way round.
fn turned_round(text: &str) -> String {
    let mut reader = Reader::from_str(text);
    let mut writer = Writer::new(Vec::new());
    let turned = |element: BytesStart<'_>| {
        let mut attributes: Vec<_> = element.attributes().map(Result::unwrap).collect();
        attributes.reverse();
        let name = element.name().as_ref().to_owned();
        BytesStart::new(name).with_attributes(attributes)
    };
    loop {
        let event = match reader.read_event().unwrap() {
            Event::Eof => break,
            Event::Start(element) => Event::Start(turned(element)),
            Event::Empty(element) => Event::Empty(turned(element)),
            other => other,
        };
        writer.write_event(event).unwrap();
    }
    String::from_utf8(writer.into_inner()).unwrap()
}

/// `ocf:heartbeat:galera` looks for attributes in the order in which one version of `crm_mon` writes them.
#[test]
fn the_order_of_attributes_makes_no_difference() {
    for (name, path) in fixtures::all() {
        let text = std::fs::read_to_string(path).unwrap();
        let turned = turned_round(&text);
        // Tables, and what is handed through as it stands, have no order.
        let read = |text: &str| {
            let all = format!("{:#?}", Cib::parse(text.as_bytes()).unwrap());
            let mut lines: Vec<_> = all.lines().map(str::to_owned).collect();
            lines.sort();
            lines
        };
        assert!(read(&text) == read(&turned), "{name}");
    }
}

// crm_mon 2.1.5 reads the same CIB so.
#[test]
fn bootstrap_options_win_then_the_score_then_the_last_written() {
    let text = "<cib><configuration><crm_config>\
        <cluster_property_set id=\"a\" score=\"5\"><nvpair id=\"a1\" name=\"x\" value=\"a\"/><nvpair id=\"a2\" name=\"y\" value=\"a\"/>\
        <nvpair id=\"a3\" name=\"z\" value=\"a\"/></cluster_property_set>\
        <cluster_property_set id=\"b\" score=\"5\"><nvpair id=\"b1\" name=\"y\" value=\"b\"/></cluster_property_set>\
        <cluster_property_set id=\"c\" score=\"4\"><nvpair id=\"c1\" name=\"z\" value=\"c\"/></cluster_property_set>\
        <cluster_property_set id=\"r\" score=\"INFINITY\"><rule id=\"r0\"/><nvpair id=\"r1\" name=\"z\" value=\"r\"/></cluster_property_set>\
        <cluster_property_set id=\"cib-bootstrap-options\"><nvpair id=\"o1\" name=\"x\" value=\"first\"/></cluster_property_set>\
        </crm_config></configuration></cib>";
    let cib = Cib::parse(text.as_bytes()).unwrap();
    let values = ["x", "y", "z"].map(|name| cib.option(name).unwrap());
    assert_eq!(values, ["first", "b", "a"]);
    assert!(cib.options().set("r").unwrap().conditional);
}

#[test]
fn a_primitive_takes_from_its_template_what_it_does_not_say() {
    let cib = fixtures::cib("base");
    let www = cib.resource("www").unwrap();
    assert_eq!(&*www.agent().unwrap().name, "Dummy");
    assert_eq!(
        (www.parameters.get("fake"), www.parameters.get("state")),
        (Some("own"), Some("/tmp/t"))
    );
    assert_eq!(
        www.operation("monitor").unwrap().timeout,
        Some(Duration::from_secs(20))
    );
    assert_eq!(cib.meta("www", "priority"), Some("1"));
    assert_eq!(cib.meta("www", "resource-stickiness"), Some("100"));
    assert!(cib.resource("dummies").is_none() && cib.template("dummies").is_some());
}

#[test]
fn a_set_that_refers_to_another_has_its_pairs() {
    assert_eq!(
        fixtures::cib("base")
            .resource("lone")
            .unwrap()
            .parameters
            .get("fake"),
        Some("own")
    );
}

#[test]
fn a_pair_that_refers_to_another_is_that_pair_wherever_its_set_is_used() {
    let text = "<cib><configuration><resources>\
        <primitive id=\"a\"><instance_attributes id-ref=\"s\"/></primitive>\
        <primitive id=\"b\"><instance_attributes id=\"s\"><nvpair id-ref=\"p\"/></instance_attributes></primitive>\
        <primitive id=\"c\"><instance_attributes id=\"t\"><nvpair id=\"p\" name=\"x\" value=\"1\"/></instance_attributes></primitive>\
        </resources></configuration></cib>";
    let cib = Cib::parse(text.as_bytes()).unwrap();
    assert_eq!(
        ["a", "b", "c"].map(|id| cib.resource(id).unwrap().parameters.get("x")),
        [Some("1"); 3]
    );
}

#[test]
fn operations_keep_role_level_and_times() {
    let cib = fixtures::cib("base");
    let monitor = cib.resource("db").unwrap().operation("monitor").unwrap();
    assert_eq!(
        (monitor.interval, monitor.role.as_deref()),
        (Duration::from_secs(10), Some("Promoted"))
    );
    assert_eq!(monitor.parameters.get("OCF_CHECK_LEVEL"), Some("10"));
    let old = cib
        .resource("olddb")
        .unwrap()
        .operations()
        .map(|op| op.role.as_deref().unwrap());
    assert_eq!(old.collect::<Vec<_>>(), ["Unpromoted", "Promoted"]);
}

#[test]
fn meta_attributes_hold_for_what_is_inside() {
    let cib = fixtures::cib("base");
    let of = |id| {
        (
            cib.promotable(id),
            cib.promoted_max(id),
            cib.clone_max(id),
            cib.notify(id),
        )
    };
    assert_eq!(of("db"), (true, 1, 3, true));
    assert_eq!(of("olddb"), (true, 2, 3, false));
    assert_eq!(of("uniq"), (false, 0, 4, false));
    assert_eq!(of("lone"), (false, 0, 1, false));
    assert_eq!(cib.clone_of("db").map(|clone| &*clone.id), Some("db-clone"));
    assert_eq!(
        cib.with_ancestors("vip")
            .map(|outer| &*outer.id)
            .collect::<Vec<_>>(),
        ["vip", "web"]
    );
}

#[test]
fn a_bundle_keeps_container_network_and_storage() {
    let cib = fixtures::cib("remote-running");
    let bundle = cib.bundle_of("inner").unwrap().bundle().unwrap();
    assert_eq!(
        (
            &*bundle.technology,
            bundle.replicas(),
            bundle.promoted_max()
        ),
        ("podman", 2, 1)
    );
    assert_eq!(bundle.network.get("control-port"), Some("3121"));
    assert_eq!(
        (
            bundle.ports[0].get("port"),
            bundle.storage[0].get("options")
        ),
        (Some("80"), Some("ro"))
    );
    assert!(cib.promotable("inner") && cib.clone_max("inner") == 2);
    let kinds = ["far", "guest", "pod-1", "node1"].map(|name| cib.node(name).unwrap().kind);
    assert_eq!(
        kinds,
        [
            NodeKind::Remote,
            NodeKind::Guest,
            NodeKind::Guest,
            NodeKind::Member
        ]
    );
}

#[test]
fn constraints_are_found_by_each_resource_they_name() {
    let cib = fixtures::cib("base");
    let ids = |resource| {
        cib.constraints()
            .of(resource)
            .map(|constraint| &*constraint.id)
            .collect::<Vec<_>>()
    };
    assert_eq!(ids("db-clone"), ["col-vip", "ord-vip", "loc-db"]);
    let location = cib.constraints().of("lone").next().unwrap();
    assert_eq!(
        (location.kind, location.score),
        (ConstraintKind::Location, Score::new(50))
    );
    let rule = &cib
        .constraints()
        .iter()
        .find(|constraint| &*constraint.id == "loc-db")
        .unwrap()
        .rules[0];
    assert_eq!(rule.expressions[0].get("value"), Some("nowhere"));
    assert_eq!(cib.tag("front").unwrap().len(), 2);
}

#[test]
fn attributes_are_unescaped_and_a_transient_one_hides_a_permanent_one() {
    let cib = fixtures::cib("standby");
    assert_eq!(
        cib.node("node1").unwrap().permanent.get("site"),
        Some("a & b")
    );
    assert_eq!(
        cib.resource("db").unwrap().parameters.get("state"),
        Some("/run/db \"x\"")
    );
    let text = "<cib><configuration><nodes><node id=\"1\" uname=\"a\"><instance_attributes id=\"p\">\
        <nvpair id=\"p1\" name=\"x\" value=\"permanent\"/></instance_attributes></node></nodes></configuration><status>\
        <node_state id=\"1\" uname=\"a\"><transient_attributes id=\"1\"><instance_attributes id=\"t\">\
        <nvpair id=\"t1\" name=\"x\" value=\"transient\"/></instance_attributes></transient_attributes></node_state></status></cib>";
    assert_eq!(
        Cib::parse(text.as_bytes())
            .unwrap()
            .node("a")
            .unwrap()
            .attribute("x"),
        Some("transient")
    );
}

#[test]
fn promotion_scores_are_read_for_the_primitive() {
    let cib = fixtures::cib("promoted");
    let scores =
        ["node1", "node2", "node3"].map(|node| cib.promotion_score("db", node).map(Score::points));
    assert_eq!(scores, [Some(10), Some(100), None]);
    assert_eq!(cib.role("db", "node2"), Role::Promoted);
}

#[test]
fn fencing_is_on_unless_told_and_its_resource_is_seen() {
    let (on, off) = (fixtures::cib("promoted"), fixtures::cib("nofence-promoted"));
    assert!(on.fencing_enabled() && on.has_fencing_resource());
    assert!(!off.fencing_enabled());
    let lab = fixtures::cib("lab");
    assert!(lab.fencing_enabled() && !lab.has_fencing_resource());
}

#[test]
fn times_of_membership_are_read_as_newer_versions_write_them() {
    let state = |in_ccm: &str, crmd: &str, join: &str| {
        let state = format!(
            "<node_state id=\"1\" uname=\"a\" in_ccm=\"{in_ccm}\" crmd=\"{crmd}\" join=\"{join}\" expected=\"member\"/>"
        );
        let cib = node_states("", &state);
        let node = cib.node("a").unwrap();
        (node.online(), node.pending(), node.unclean())
    };
    assert_eq!(
        state("1763715600", "1763715601", "member"),
        (true, false, false)
    );
    assert_eq!(
        state("1763715600", "1763715601", "down"),
        (true, true, false)
    );
    assert_eq!(state("0", "0", "down"), (false, false, true));
    assert_eq!(state("1763715600", "0", "member"), (true, false, true));
}

#[test]
fn a_node_that_takes_too_long_to_join_is_unclean() {
    let state = "<node_state id=\"1\" uname=\"a\" in_ccm=\"1763715600\" crmd=\"0\" join=\"down\" expected=\"down\"/>";
    let option =
        |time| format!("<nvpair id=\"o\" name=\"node-pending-timeout\" value=\"{time}\"/>");
    let of = |time| {
        let cib = node_states(&option(time), state);
        let node = cib.node("a").unwrap();
        (node.pending(), node.unclean())
    };
    assert_eq!(of("7m"), (true, false));
    assert_eq!(of("6m"), (false, true));
    assert_eq!(of("0"), (true, false));
}

#[test]
fn pending_operations_count_as_the_state_they_lead_out_of_or_into() {
    let cib = fixtures::cib("pending");
    assert_eq!(cib.role("db", "node1"), Role::Promoted, "promote pending");
    assert_eq!(cib.role("db", "node2"), Role::Promoted, "demote pending");
    assert_eq!(cib.role("vip", "node2"), Role::Started, "stop pending");
    assert_eq!(cib.role("lone", "node3"), Role::Started, "start pending");
    let last = cib.history("db", "node1")[0].last().unwrap();
    assert_eq!(
        (&*last.operation, last.call_id, last.rc, last.status),
        ("promote", -1, 193, OpStatus::Pending)
    );
}

#[test]
fn a_failure_tells_what_failed_where_and_why() {
    let cib = fixtures::cib("failed");
    let failure = cib.failures("db").next().unwrap();
    assert_eq!((failure.node, failure.instance), ("node2", "db"));
    let record = failure.record;
    assert_eq!(
        (record.rc, record.expected_rc, record.status),
        (1, Some(0), OpStatus::Done)
    );
    assert_eq!(
        record.exit_reason.as_deref(),
        Some("Simulated action result")
    );
    assert!(
        record.last_rc_change.is_some()
            && record
                .transition_magic
                .as_deref()
                .unwrap()
                .starts_with("0:1;")
    );
    assert!(cib.history("db", "node2")[0].failing() && !cib.history("db", "node1")[0].failing());
}

#[test]
fn fail_counts_add_up_and_stop_at_infinity() {
    let attributes = "<node_state id=\"1\" uname=\"a\"><transient_attributes id=\"1\"><instance_attributes id=\"t\">\
        <nvpair id=\"1a\" name=\"fail-count-db#monitor_10000\" value=\"2\"/>\
        <nvpair id=\"1b\" name=\"last-failure-db#monitor_10000\" value=\"1763715600\"/>\
        <nvpair id=\"1c\" name=\"fail-count-db#promote_0\" value=\"1\"/>\
        <nvpair id=\"1d\" name=\"fail-count-web:1#start_0\" value=\"INFINITY\"/>\
        <nvpair id=\"1e\" name=\"fail-count-old\" value=\"7\"/>\
        </instance_attributes></transient_attributes></node_state>";
    let cib = node_states("", attributes);
    assert_eq!(cib.fail_count("db", "a"), Score::new(3));
    let monitor = &cib.fail_counts("db", "a")[0];
    assert_eq!(
        (monitor.operation.as_deref(), monitor.interval),
        (Some("monitor"), Duration::from_secs(10))
    );
    assert_eq!(monitor.last, Some(1_763_715_600));
    assert_eq!(cib.fail_count("web", "a"), Score::INFINITY);
    assert_eq!(cib.fail_count("old", "a"), Score::new(7));
    assert_eq!(cib.fail_count("db", "b"), Score::default());
}

#[test]
fn numbered_instances_are_found_under_their_resource() {
    let cib = fixtures::cib("running");
    let instances: Vec<_> = cib
        .histories("uniq")
        .filter(|history| history.role() == Role::Started)
        .collect();
    assert_eq!(instances.len(), 4);
    assert!(
        instances
            .iter()
            .all(|history| &*history.resource == "uniq" && history.instance.starts_with("uniq:"))
    );
}

#[test]
fn times_are_read_in_every_spelling() {
    let seconds = |text| read_duration(text).map(|time| time.as_secs_f64());
    let spellings = [
        "20", "20s", " 20 sec ", "20000ms", "2m", "1h", "PT1M30S", "P1D", "250ms",
    ];
    let read = [20.0, 20.0, 20.0, 20.0, 120.0, 3600.0, 90.0, 86400.0, 0.25];
    assert_eq!(spellings.map(seconds), read.map(Some));
    assert_eq!(["", "soon", "5 parsecs", "-1"].map(seconds), [None; 4]);
}

#[test]
fn scores_are_read_as_pacemaker_does() {
    let points = |text| Score::read(text).points();
    let texts = [
        "INFINITY",
        "+INFINITY",
        "-INFINITY",
        "12",
        "-3",
        "2000000",
        "red",
        "",
        "x",
    ];
    assert_eq!(
        texts.map(points),
        [
            1_000_000, 1_000_000, -1_000_000, 12, -3, 1_000_000, -1_000_000, 0, 0
        ]
    );
}
