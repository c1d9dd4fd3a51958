//! Active and passive.

use std::fs;

use nix::sys::signal::Signal;

use crate::site::{
    BROKEN_PROMOTED, DEGRADED, GENERIC, NOT_RUNNING, ON_NODE, PROMOTABLE, PROMOTED, RECURRING,
    ROUTING, SUCCESS, Site,
};

const PROBE: (&str, &str) = ("OCF_RESKEY_CRM_meta_interval", "0");

fn passive(site: &Site) -> Option<bool> {
    let mut ask = std::process::Command::new("/usr/bin/python3");
    let script = "import sys,json,urllib.request as u,base64 as b\n\
                  r=u.Request(sys.argv[1])\n\
                  r.add_header('Authorization','Basic '+b.b64encode(b'admin:mariadb').decode())\n\
                  print(json.load(u.urlopen(r,timeout=30))['data']['attributes']['parameters'].get('passive'))";
    let url = format!("http://127.0.0.1:{}/v1/maxscale", site.ports[0]);
    let output = ask.args(["-c", script, &url]).output().unwrap();
    match String::from_utf8_lossy(&output.stdout).trim() {
        "True" => Some(true),
        "False" => Some(false),
        _ => None,
    }
}

fn set_passive(site: &Site, passive: bool) {
    let body = format!(r#"{{"data":{{"attributes":{{"parameters":{{"passive":{passive}}}}}}}}}"#);
    site.order("PATCH", "maxscale", &body);
}

#[test]
fn promoted_is_active_and_unpromoted_is_passive() {
    let Some(site) = Site::of_stand_in() else {
        return;
    };
    site.expect("demote", &[PROMOTABLE], NOT_RUNNING);
    site.expect("promote", &[PROMOTABLE], NOT_RUNNING);
    site.expect("start", &[PROMOTABLE], SUCCESS);
    assert_eq!(passive(&site), Some(true));
    site.expect("monitor", &[PROMOTABLE, RECURRING], SUCCESS);
    for _ in 0..2 {
        site.expect("promote", &[PROMOTABLE], SUCCESS);
        assert_eq!(passive(&site), Some(false));
        site.expect("monitor", &[PROMOTABLE, RECURRING], PROMOTED);
        site.expect("monitor", &[PROMOTABLE, PROBE], PROMOTED);
    }
    for _ in 0..2 {
        site.expect("demote", &[PROMOTABLE], SUCCESS);
        assert_eq!(passive(&site), Some(true));
        site.expect("monitor", &[PROMOTABLE, RECURRING, ROUTING], SUCCESS);
    }
}

/// Set through the REST API it survives a restart: an instance begins in the role that it has now.
#[test]
fn what_an_earlier_life_has_left_does_not_count() {
    let Some(site) = Site::new() else { return };
    site.expect("start", &[], SUCCESS);
    set_passive(&site, true);
    site.kill();
    site.expect("start", &[], SUCCESS);
    assert_eq!(passive(&site), Some(false), "alone it is active");
    site.expect("stop", &[], SUCCESS);
    site.expect("start", &[PROMOTABLE], SUCCESS);
    assert_eq!(passive(&site), Some(true), "not promoted yet");
}

#[test]
fn an_order_to_be_passive_that_is_lost_is_given_again_and_fails_no_start() {
    let Some(site) = Site::of_stand_in() else {
        return;
    };
    site.play(r#"{"lost_orders": 2}"#);
    let quick = ("rest_timeout", "1s");
    site.expect("start", &[PROMOTABLE, quick], SUCCESS);
    assert_eq!(passive(&site), Some(true));
}

/// The cluster demotes before it stops, and shows the last reason.
#[test]
fn a_demotion_that_fails_as_the_process_is_held_says_so() {
    let Some(site) = Site::new() else { return };
    site.expect("start", &[PROMOTABLE], SUCCESS);
    site.expect("promote", &[PROMOTABLE], SUCCESS);
    site.signal(Signal::SIGSTOP);
    let quick = ("rest_timeout", "1s");
    let failed = site.expect("demote", &[PROMOTABLE, quick], GENERIC);
    assert!(
        failed.reason().contains("is held, by SIGSTOP"),
        "{failed:?}"
    );
    site.signal(Signal::SIGCONT);
}

/// With readable parameters and without: the score would draw the role to a node where nothing runs.
#[test]
fn every_stop_removes_the_promotion_score_and_says_that_it_is_not_active() {
    let Some(site) = Site::new() else { return };
    for more in [("rest_timeout", "1s"), ("rest_timeout", "soon")] {
        site.expect("start", &[PROMOTABLE], SUCCESS);
        let started = site.programs("stop", &[PROMOTABLE, ON_NODE, more]);
        let told = |words: String| started.contains(&words);
        let name = site.name();
        assert!(
            told(format!("\"master-{name}\", \"--delete\"")),
            "{started}"
        );
        let inactive = format!("\"{name}-active\", \"--update\", \"false\"");
        assert!(told(inactive), "{started}");
    }
}

/// A promoted one that is recovered: its score of 101 would bring the role back to it.
#[test]
fn one_that_does_not_serve_loses_its_promotion_score_before_the_monitor_fails() {
    let Some(site) = Site::of_stand_in() else {
        return;
    };
    let monitor = |more: &[(&str, &str)]| {
        let params = [&[PROMOTABLE, ON_NODE, RECURRING], more].concat();
        site.programs_of("monitor", &params, BROKEN_PROMOTED)
    };
    let removed = format!("\"master-{}\", \"--delete\"", site.name());
    site.expect("start", &[PROMOTABLE], SUCCESS);
    site.expect("promote", &[PROMOTABLE], SUCCESS);
    site.order("PUT", "listeners/RW-Listener/stop", "");
    let started = monitor(&[ROUTING]);
    assert!(started.contains(&removed), "a listener: {started}");
    site.order("PUT", "listeners/RW-Listener/start", "");
    let quick = ("stall_timeout", "1s");
    site.play(r#"{"frozen": true}"#);
    let watch = [PROMOTABLE, RECURRING, ROUTING, quick];
    site.wait("the ticks to be stale", || {
        site.act("monitor", &watch).code == BROKEN_PROMOTED
    });
    let started = monitor(&[ROUTING, quick]);
    assert!(started.contains(&removed), "the ticks: {started}");
    site.play("{}");
    site.signal(Signal::SIGSTOP);
    let started = monitor(&[("rest_timeout", "1s")]);
    assert!(started.contains(&removed), "the API: {started}");
}

#[test]
fn a_role_that_somebody_changed_by_hand_is_put_right() {
    let Some(site) = Site::new() else { return };
    site.expect("start", &[PROMOTABLE], SUCCESS);
    set_passive(&site, false);
    let put = site.expect("monitor", &[PROMOTABLE, RECURRING], SUCCESS);
    assert!(put.said.contains("MaxScale is made passive"), "{put:?}");
    assert_eq!(passive(&site), Some(true));
}

#[test]
fn a_role_that_maxscale_does_not_take_hides_no_listener_that_is_stopped() {
    let Some(site) = Site::of_stand_in() else {
        return;
    };
    site.expect("start", &[], SUCCESS);
    set_passive(&site, true);
    site.play(r#"{"forbidden": true}"#);
    let refused = site.expect("monitor", &[RECURRING, ROUTING], DEGRADED);
    assert!(refused.reason().contains("403"), "{refused:?}");
    site.order("PUT", "listeners/RW-Listener/stop", "");
    let found = site.expect("monitor", &[RECURRING, ROUTING], GENERIC);
    assert_eq!(found.reason(), "listener RW-Listener is Stopped");
}

#[test]
fn one_that_cannot_route_is_not_promoted_and_one_that_breaks_says_so() {
    let Some(site) = Site::of_stand_in() else {
        return;
    };
    site.expect("start", &[PROMOTABLE], SUCCESS);
    site.play(r#"{"down": ["Galera-1", "Galera-2"]}"#);
    let refused = site.expect("promote", &[PROMOTABLE], GENERIC);
    assert!(
        refused
            .reason()
            .starts_with("not promoted, as it cannot route"),
        "{refused:?}"
    );
    assert_eq!(passive(&site), Some(true));
    site.play("{}");
    site.order("PUT", "listeners/RW-Listener/stop", "");
    let refused = site.expect("promote", &[PROMOTABLE], GENERIC);
    let reason = "not promoted, as it cannot route: listener RW-Listener is Stopped";
    assert_eq!(refused.reason(), reason);
    assert_eq!(passive(&site), Some(true));
    site.order("PUT", "listeners/RW-Listener/start", "");
    site.play(r#"{"down": ["Galera-1", "Galera-2"]}"#);
    // It gives up the role through its score; a restart would help nobody.
    site.expect("monitor", &[PROMOTABLE, ROUTING], 190);
    site.play("{}");
    site.expect("promote", &[PROMOTABLE], SUCCESS);
    site.play(r#"{"down": ["Galera-1", "Galera-2"]}"#);
    site.expect("monitor", &[PROMOTABLE, ROUTING], 191);
    site.play("{}");
    site.order("PUT", "listeners/RW-Listener/stop", "");
    site.expect("monitor", &[PROMOTABLE, ROUTING], BROKEN_PROMOTED);
}

#[test]
fn a_promoted_one_with_a_service_without_a_master_is_degraded_and_promoted() {
    let Some(site) = Site::of_stand_in() else {
        return;
    };
    site.expect("start", &[PROMOTABLE], SUCCESS);
    site.expect("promote", &[PROMOTABLE], SUCCESS);
    site.play(r#"{"no_master": true}"#);
    let found = site.expect("monitor", &[PROMOTABLE, RECURRING, ROUTING], 191);
    let words = "service RW has no master";
    assert!(found.reason().starts_with(words), "{found:?}");
    assert!(!found.reason().contains("service RO"), "{found:?}");
}

#[test]
fn a_version_without_passive_has_roles_all_the_same() {
    let Some(site) = Site::of_stand_in() else {
        return;
    };
    site.play(r#"{"no_passive": true, "version": "26.10.0"}"#);
    site.expect("start", &[PROMOTABLE], SUCCESS);
    site.expect("monitor", &[PROMOTABLE, RECURRING], SUCCESS);
    site.expect("promote", &[PROMOTABLE], SUCCESS);
    site.expect("monitor", &[PROMOTABLE, RECURRING], PROMOTED);
    site.expect("demote", &[PROMOTABLE], SUCCESS);
    site.expect("monitor", &[PROMOTABLE, RECURRING], SUCCESS);
    assert!(!fs::exists(site.path("data/maxscale.cnf.d/maxscale.cnf")).unwrap());
}

/// As Pacemaker 2.1.5 does after a reload: an answer of "promoted" would make it stop what runs.
#[test]
fn one_that_the_cluster_takes_for_unpromoted_becomes_so() {
    let Some(site) = Site::of_stand_in() else {
        return;
    };
    site.expect("start", &[PROMOTABLE], SUCCESS);
    site.expect("promote", &[PROMOTABLE], SUCCESS);
    let role = |role| ("OCF_RESKEY_CRM_meta_role", role);
    site.expect(
        "monitor",
        &[PROMOTABLE, RECURRING, role("Promoted")],
        PROMOTED,
    );
    for _ in 0..2 {
        site.expect(
            "monitor",
            &[PROMOTABLE, RECURRING, role("Unpromoted")],
            SUCCESS,
        );
    }
    // That is kept: without the word, too.
    site.expect("monitor", &[PROMOTABLE, RECURRING], SUCCESS);
    assert_eq!(passive(&site), Some(true));
    site.expect("promote", &[PROMOTABLE], SUCCESS);
    site.expect(
        "monitor",
        &[PROMOTABLE, RECURRING, role("Promoted")],
        PROMOTED,
    );
}
