use super::*;
use crate::cib::Cib;
use crate::galera::survey::Survey;

const NODES: &str =
    "<nodes><node id=\"1\" uname=\"node1\"/><node id=\"2\" uname=\"node2\"/></nodes>";
const FENCED: &str = "<primitive id=\"fence\" class=\"stonith\" type=\"fence_ipmilan\"/>";

/// Operations as the example has them.
const OPERATIONS: &str = "<operations>\
    <op id=\"o1\" name=\"start\" interval=\"0\" timeout=\"60s\"/><op id=\"o2\" name=\"stop\" interval=\"0\" timeout=\"120s\"/>\
    <op id=\"o3\" name=\"promote\" interval=\"0\" timeout=\"300s\"/><op id=\"o4\" name=\"demote\" interval=\"0\" timeout=\"60s\"/>\
    <op id=\"o5\" name=\"monitor\" interval=\"1s\" role=\"Promoted\" timeout=\"20s\"/>\
    <op id=\"o6\" name=\"monitor\" interval=\"2s\" role=\"Unpromoted\" timeout=\"20s\"/></operations>";

const GOOD: &str = "<nvpair id=\"m1\" name=\"promotable\" value=\"true\"/><nvpair id=\"m2\" name=\"notify\" value=\"true\"/>";

fn clone(meta: &str, operations: &str) -> String {
    format!(
        "<clone id=\"db-clone\"><meta_attributes id=\"m\">{meta}</meta_attributes>\
         <primitive id=\"db\" class=\"ocf\" provider=\"galera-rs\" type=\"galera-rs\">{operations}</primitive></clone>"
    )
}

/// Severity and subject of what is found, and all of it as text.
fn found(options: &str, resources: &str) -> (Vec<(Severity, String)>, String) {
    found_beside("", options, resources)
}

/// The same, with what the nodes have published.
fn found_beside(status: &str, options: &str, resources: &str) -> (Vec<(Severity, String)>, String) {
    let text = format!(
        "<cib have-quorum=\"1\"><configuration><crm_config><cluster_property_set id=\"c\">{options}</cluster_property_set></crm_config>\
         {NODES}<resources>{resources}</resources></configuration><status>{status}</status></cib>"
    );
    let scene = Scene::of(Cib::parse(text.as_bytes()).unwrap(), None).unwrap();
    let report = of_cib(&scene);
    let brief = report.findings.iter();
    let brief = brief.map(|one| (one.severity, one.subject.clone()));
    (brief.collect(), super::super::show::check(&report))
}

fn danger(subject: &str) -> (Severity, String) {
    (Severity::Danger, subject.to_owned())
}

#[test]
fn a_good_configuration_has_no_findings() {
    let (brief, text) = found("", &(clone(GOOD, OPERATIONS) + FENCED));
    assert_eq!(brief, [], "{text}");
    assert!(text.contains("dangers: 0, warnings: 0, hints: 0"), "{text}");
}

#[test]
fn missing_fencing_is_a_danger_whether_off_or_without_a_device() {
    let off = "<nvpair id=\"x\" name=\"stonith-enabled\" value=\"false\"/>";
    let (brief, text) = found(off, &clone(GOOD, OPERATIONS));
    assert_eq!(brief, [danger("cluster")], "{text}");
    let (brief, text) = found("", &clone(GOOD, OPERATIONS));
    assert_eq!(brief, [danger("cluster")], "{text}");
    assert!(text.contains("no fence device"), "{text}");
}

#[test]
fn a_watchdog_that_the_cluster_counts_on_is_fencing_and_one_that_it_does_not_is_none() {
    let judged = |options: &[(&str, &str)]| {
        let pairs = options.iter().map(|(name, value)| {
            format!("<nvpair id=\"x-{name}\" name=\"{name}\" value=\"{value}\"/>")
        });
        found(&pairs.collect::<String>(), &clone(GOOD, OPERATIONS)).0
    };
    for time in ["10s", "-1"] {
        let sbd = [
            ("have-watchdog", "true"),
            ("stonith-watchdog-timeout", time),
        ];
        assert_eq!(judged(&sbd), []);
    }
    for none in [
        [("have-watchdog", "true"), ("stonith-watchdog-timeout", "0")],
        [
            ("have-watchdog", "false"),
            ("stonith-watchdog-timeout", "10s"),
        ],
    ] {
        assert_eq!(judged(&none), [danger("cluster")]);
    }
    assert_eq!(judged(&[("have-watchdog", "true")]), [danger("cluster")]);
}

#[test]
fn what_the_agent_cannot_use_is_a_danger() {
    let malformed = format!(
        "<instance_attributes id=\"i\"><nvpair id=\"n\" name=\"enable_creation\" value=\"perhaps\"/></instance_attributes>{OPERATIONS}"
    );
    let (brief, text) = found("", &(clone(GOOD, &malformed) + FENCED));
    assert_eq!(brief, [danger("db")], "{text}");
    for words in ["enable_creation", "a start fails", "correct what is named"] {
        assert!(text.contains(words), "{text}");
    }
}

/// The state of a node that is a member of the group of this history; `make` is what it tells of its server.
fn member(node: u32, history: &str, make: &str) -> String {
    let told = format!(
        "{{\"elector\":\"node{node}\",\"electors\":[\"node1\",\"node2\"],{make}\"phase\":\"member\",\
         \"gcomm\":\"6f05e4f1-0000-11f0-9d0c-00000000000{node}\",\"history\":\"{history}\",\"epoch\":1}}"
    );
    let told = told.replace('"', "&quot;");
    format!(
        "<node_state id=\"{node}\" uname=\"node{node}\"><transient_attributes id=\"{node}\">\
         <instance_attributes id=\"s{node}\"><nvpair id=\"s{node}-p\" name=\"db-galera\" value=\"{told}\"/>\
         </instance_attributes></transient_attributes></node_state>"
    )
}

const HISTORY: &str = "6f05e4f1-1111-11f0-9d0c-000000000001";

/// What is found when node 1 tells one thing of its server, and node 2 another.
fn found_among(one: &str, other: &str) -> (Vec<(Severity, String)>, String) {
    let status = member(1, HISTORY, one) + &member(2, HISTORY, other);
    found_beside(&status, "", &(clone(GOOD, OPERATIONS) + FENCED))
}

fn make(group: &str, version: &str) -> String {
    format!("\"make\":{{\"group\":\"{group}\",\"version\":\"{version}\"}},")
}

#[test]
fn servers_that_have_different_names_for_their_cluster_are_a_danger() {
    let (brief, text) = found_among(&make("shop", "10.11.14"), &make("store", "10.11.14"));
    assert_eq!(brief, [danger("db")], "{text}");
    let differing = "wsrep_cluster_name differs: shop on node1; store on node2";
    assert!(text.contains(differing), "{text}");
}

#[test]
fn another_series_of_the_server_is_a_warning_and_another_release_a_hint() {
    let of = |other: &str| found_among(&make("shop", "10.11.14"), &make("shop", other)).0;
    assert_eq!(of("10.11.14"), []);
    assert_eq!(of("10.11.6"), [(Severity::Hint, "db".to_owned())]);
    assert_eq!(of("11.4.14"), [(Severity::Warning, "db".to_owned())]);
}

/// Agents of before have not told it, and a program may not tell its version.
#[test]
fn who_has_not_told_what_its_server_is_is_like_the_others() {
    let known = make("shop", "10.11.14");
    assert_eq!(found_among(&known, "").0, []);
    assert_eq!(found_among("", "").0, []);
    assert_eq!(found_among(&known, "\"make\":{\"group\":\"shop\"},").0, []);
}

#[test]
fn members_of_different_histories_are_a_danger() {
    let other = "6f05e4f1-2222-11f0-9d0c-000000000002";
    let good = clone(GOOD, OPERATIONS) + FENCED;
    assert_eq!(found_among("", "").0, []);
    let apart = member(1, HISTORY, "") + &member(2, other, "");
    let (brief, text) = found_beside(&apart, "", &good);
    assert_eq!(brief, [danger("db")], "{text}");
    assert!(text.contains("different histories"), "{text}");
}

#[test]
fn quorum_that_is_ignored_is_a_danger() {
    let ignored = "<nvpair id=\"x\" name=\"no-quorum-policy\" value=\"ignore\"/>";
    let (brief, text) = found(ignored, &(clone(GOOD, OPERATIONS) + FENCED));
    assert_eq!(brief, [danger("cluster")], "{text}");
}

#[test]
fn a_resource_that_cannot_be_promoted_is_a_danger_with_the_command_that_helps() {
    let (brief, text) = found("", &(clone("", OPERATIONS) + FENCED));
    assert!(brief.contains(&danger("db")), "{text}");
    assert!(
        text.contains("crm resource meta db-clone set promotable true"),
        "{text}"
    );
}

#[test]
fn a_resource_outside_any_clone_is_a_danger_with_the_command_that_makes_one() {
    let alone = format!(
        "<primitive id=\"db\" class=\"ocf\" provider=\"galera-rs\" type=\"galera-rs\">{OPERATIONS}</primitive>"
    );
    let (brief, text) = found("", &(alone + FENCED));
    assert!(brief.contains(&danger("db")), "{text}");
    for words in ["it is not in a clone", "crm configure clone db-clone db"] {
        assert!(text.contains(words), "{text}");
    }
}

#[test]
fn missing_notifications_are_a_hint_and_so_are_those_that_are_switched_off() {
    let promotable = "<nvpair id=\"m1\" name=\"promotable\" value=\"true\"/>";
    let off = GOOD.replace(
        "name=\"notify\" value=\"true\"",
        "name=\"notify\" value=\"false\"",
    );
    for meta in [promotable, &off] {
        let (brief, text) = found("", &(clone(meta, OPERATIONS) + FENCED));
        assert_eq!(brief, [(Severity::Hint, "db-clone".to_owned())], "{text}");
        assert!(text.contains("notifications are off"), "{text}");
        let remedy = "crm resource meta db-clone set notify true";
        assert!(text.contains(remedy), "{text}");
    }
}

#[test]
fn instances_that_are_unique_are_a_danger() {
    let unique = format!("{GOOD}<nvpair id=\"m3\" name=\"globally-unique\" value=\"true\"/>");
    let (brief, text) = found("", &(clone(&unique, OPERATIONS) + FENCED));
    assert_eq!(brief, [danger("db-clone")], "{text}");
}

#[test]
fn maintenance_mode_is_a_warning() {
    let on = "<nvpair id=\"x\" name=\"maintenance-mode\" value=\"true\"/>";
    let (brief, text) = found(on, &(clone(GOOD, OPERATIONS) + FENCED));
    assert_eq!(brief, [(Severity::Warning, "cluster".to_owned())], "{text}");
}

#[test]
fn two_monitors_of_one_interval_are_a_danger_though_each_role_has_one() {
    let same = OPERATIONS.replace("interval=\"2s\"", "interval=\"1s\"");
    let (brief, text) = found("", &(clone(GOOD, &same) + FENCED));
    assert_eq!(brief, [danger("db")], "{text}");
    assert!(text.contains("two monitors every 1 s"), "{text}");
}

#[test]
fn times_below_the_advertised_are_named_and_a_short_stop_is_a_danger() {
    let (brief, text) = found("", &(clone(GOOD, "") + FENCED));
    // Pacemaker's own 20 s are too short for start, stop, promote and demote, and nobody monitors either role.
    let warnings = brief
        .iter()
        .filter(|one| one.0 == Severity::Warning)
        .count();
    assert_eq!((brief.len(), warnings), (6, 5), "{text}");
    assert!(brief.contains(&danger("db")), "{text}");
    assert!(text.contains("stop has 20 s, and may need 120"), "{text}");
    assert!(
        text.contains("no monitor for the role Unpromoted"),
        "{text}"
    );
}

#[test]
fn one_address_in_two_resources_is_a_danger_whichever_agents_hold_it() {
    let address = |id: &str, provider: &str, agent: &str, ip: &str| {
        format!(
            "<primitive id=\"{id}\" class=\"ocf\" provider=\"{provider}\" type=\"{agent}\"><instance_attributes id=\"{id}-p\">\
             <nvpair id=\"{id}-ip\" name=\"ip\" value=\"{ip}\"/></instance_attributes>\
             <operations><op id=\"{id}-o\" name=\"monitor\" interval=\"5s\"/></operations></primitive>"
        )
    };
    let ours = address("a", "galera-rs", "vip-rs", "192.0.2.9 192.0.2.10/24@eth0");
    let theirs = address("b", "heartbeat", "IPaddr2", "192.0.2.10");
    let other = address("c", "heartbeat", "IPaddr2", "192.0.2.11");
    let all = clone(GOOD, OPERATIONS) + FENCED + &ours + &theirs + &other;
    let (brief, text) = found("", &all);
    assert_eq!(brief, [danger("a and b")], "{text}");
    assert!(text.contains("192.0.2.10"), "{text}");
}

#[test]
fn a_log_that_commits_do_not_flush_is_a_warning_and_one_that_they_do_not_write_a_danger() {
    let judged = |value: &str| {
        let survey = Survey {
            lossy_flush: Some(value.into()),
            ..Survey::default()
        };
        let found = server::findings(&survey);
        assert_eq!(found.len(), 1, "{found:?}");
        let named = format!("innodb_flush_log_at_trx_commit is {value}");
        assert_eq!(found[0].text, named);
        found[0].severity
    };
    assert_eq!(judged("0"), Severity::Danger);
    assert_eq!(judged("2"), Severity::Warning);
}

#[test]
fn what_a_nodes_own_files_say_is_judged_by_what_it_costs() {
    let good = Survey {
        node: "node1".into(),
        sst_method: "rsync".into(),
        ..Survey::default()
    };
    assert_eq!(server::findings(&good), []);
    let bad = Survey {
        lossy_flush: Some("2".into()),
        missing_programs: vec!["rsync".into()],
        enabled_unit: Some("/etc/systemd/system/multi-user.target.wants/mariadb.service".into()),
        open_secrets: vec!["/etc/mysql/my.cnf".into()],
        refused: Some("unknown variable 'nonsense=1'".into()),
        ..good
    };
    let found = server::findings(&bad);
    let severities: Vec<_> = found.iter().map(|one| one.severity).collect();
    let (warning, danger) = (Severity::Warning, Severity::Danger);
    assert_eq!(severities, [warning, danger, danger, danger, warning]);
    let remedies: Vec<_> = found.iter().map(|one| &*one.remedy).collect();
    assert!(
        remedies.contains(&"systemctl disable --now mariadb.service"),
        "{remedies:?}"
    );
    assert!(
        remedies[4].contains("chmod 640 /etc/mysql/my.cnf"),
        "{remedies:?}"
    );
    let bad = Survey {
        open_secrets: vec!["/etc/default/clustercheck".into()],
        ..Survey::default()
    };
    let found = server::findings(&bad);
    assert_eq!(found[0].remedy, "chmod 600 /etc/default/clustercheck");
}
