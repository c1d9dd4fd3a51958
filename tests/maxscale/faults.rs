//! What goes wrong with a running MaxScale: code and reason of each level.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::site::{DEGRADED, GENERIC, NOT_RUNNING, QUERY, RECURRING, ROUTING, SUCCESS, Site};

const CHECK: [(&str, &str); 2] = [("check_user", "check"), ("check_password", "swordfish")];

#[test]
fn a_maxscale_that_serves_is_well_at_every_level() {
    let Some(site) = Site::of_stand_in() else {
        return;
    };
    site.expect("start", &[], SUCCESS);
    for level in [RECURRING, ROUTING, QUERY] {
        site.expect("monitor", &[&CHECK[..], &[level]].concat(), SUCCESS);
    }
}

#[test]
fn a_killed_maxscale_is_not_running() {
    let Some(site) = Site::new() else { return };
    site.expect("start", &[], SUCCESS);
    site.kill();
    for level in [RECURRING, ROUTING] {
        site.expect("monitor", &[level], NOT_RUNNING);
    }
}

#[test]
fn a_held_maxscale_is_found_within_the_time_of_the_rest_api() {
    let Some(site) = Site::new() else { return };
    site.expect("start", &[], SUCCESS);
    site.signal(Signal::SIGSTOP);
    let quick = ("rest_timeout", "1s");
    let found = site.expect("monitor", &[RECURRING, quick], GENERIC);
    assert!(found.reason().contains("is held, by SIGSTOP"), "{found:?}");
    assert!(found.took < Duration::from_secs(4), "{found:?}");
    // Whatever rest_timeout says, the monitor's own time is the end.
    let own = [
        ("OCF_RESKEY_CRM_meta_timeout", "2000"),
        ("rest_timeout", "15s"),
    ];
    let found = site.expect("monitor", &[&own[..], &[RECURRING]].concat(), GENERIC);
    assert!(found.took < Duration::from_secs(10), "{found:?}");
    site.signal(Signal::SIGCONT);
    site.expect("monitor", &[RECURRING], SUCCESS);
}

#[test]
fn a_rest_api_that_is_gone_while_the_process_lives_is_a_failure() {
    let Some(site) = Site::of_stand_in() else {
        return;
    };
    site.expect("start", &[], SUCCESS);
    site.play(r#"{"deaf": true}"#);
    site.wait("the API to be closed", || {
        TcpStream::connect(("127.0.0.1", site.ports[0])).is_err()
    });
    let found = site.expect("monitor", &[RECURRING], GENERIC);
    let words = format!("process {} lives", site.pid());
    assert!(
        found.reason().contains("does not answer") && found.reason().contains(&words),
        "{found:?}"
    );
    site.expect("stop", &[], SUCCESS);
}

#[test]
fn an_account_that_is_refused_is_no_reason_to_recover() {
    let Some(site) = Site::new() else { return };
    site.expect("start", &[], SUCCESS);
    for level in [RECURRING, ROUTING, QUERY] {
        let found = site.expect(
            "monitor",
            &[("admin_password", "x"), ("admin_user", "admin"), level],
            DEGRADED,
        );
        assert!(found.reason().contains("refuses the account"), "{found:?}");
    }
}

#[test]
fn a_stopped_listener_is_a_failure_although_it_accepts() {
    let Some(site) = Site::of_stand_in() else {
        return;
    };
    site.expect("start", &[], SUCCESS);
    site.order("PUT", "listeners/RW-Listener/stop", "");
    let found = site.expect("monitor", &[ROUTING], GENERIC);
    assert_eq!(found.reason(), "listener RW-Listener is Stopped");
    site.expect("monitor", &[RECURRING], SUCCESS);
    site.expect("monitor", &[ROUTING, ("listeners", "RO-Listener")], SUCCESS);
    site.expect("monitor", &[ROUTING, ("services", "RO")], SUCCESS);
    site.order("PUT", "listeners/RW-Listener/start", "");
    // It says Running, accepts, and does not greet.
    site.play(r#"{"stopped": ["RW-Listener"]}"#);
    let found = site.expect(
        "monitor",
        &[ROUTING, ("greeting_timeout", "300ms")],
        GENERIC,
    );
    assert!(
        found.reason().contains("does not greet within 300ms"),
        "{found:?}"
    );
}

#[test]
fn a_port_that_was_not_bound_is_a_failure_although_the_listener_says_running() {
    let Some(site) = Site::of_stand_in() else {
        return;
    };
    site.play(r#"{"unbound": ["RO-Listener"]}"#);
    let late = ("OCF_RESKEY_CRM_meta_timeout", "8000");
    let refused = site.expect("start", &[late], GENERIC);
    let words = format!(
        "listener RO-Listener at 127.0.0.1:{} does not serve",
        site.ports[2]
    );
    assert!(refused.reason().contains(&words), "{refused:?}");
    let found = site.expect("monitor", &[ROUTING], GENERIC);
    assert!(found.reason().contains(&words), "{found:?}");
    site.expect("start", &[("services", "RW")], SUCCESS);
    site.expect("stop", &[], SUCCESS);
}

#[test]
fn all_backends_down_is_a_failure_and_one_of_them_is_not() {
    let Some(site) = Site::of_stand_in() else {
        return;
    };
    site.expect("start", &[], SUCCESS);
    site.play(r#"{"down": ["Galera-1"]}"#);
    site.expect("monitor", &[ROUTING], SUCCESS);
    let found = site.expect("monitor", &[ROUTING, ("min_servers", "2")], DEGRADED);
    assert!(
        found
            .reason()
            .contains("service RW has 1 of 2 usable servers (Galera-1: Down"),
        "{found:?}"
    );
    site.play(r#"{"down": ["Galera-1", "Galera-2"]}"#);
    let found = site.expect("monitor", &[ROUTING], GENERIC);
    assert!(
        found
            .reason()
            .contains("service RO has no usable server (Galera-1: Down"),
        "{found:?}"
    );
    site.expect("monitor", &[RECURRING], SUCCESS);
}

#[test]
fn a_service_without_a_master_while_another_serves_is_degraded() {
    let Some(site) = Site::of_stand_in() else {
        return;
    };
    site.expect("start", &[], SUCCESS);
    site.play(r#"{"no_master": true}"#);
    let found = site.expect("monitor", &[ROUTING], DEGRADED);
    let words = "service RW has no master (Galera-1: Slave, Synced, Running";
    assert!(found.reason().starts_with(words), "{found:?}");
    assert!(!found.reason().contains("service RO"), "{found:?}");
    site.expect("monitor", &[ROUTING, ("services", "RO")], SUCCESS);
    let found = site.expect("monitor", &[ROUTING, ("services", "RW")], GENERIC);
    assert!(found.reason().starts_with(words), "{found:?}");
}

#[test]
fn a_service_that_is_stopped_while_another_serves_is_degraded() {
    let Some(site) = Site::of_stand_in() else {
        return;
    };
    site.expect("start", &[], SUCCESS);
    site.order("PUT", "services/RW/stop", "");
    let found = site.expect("monitor", &[ROUTING], DEGRADED);
    assert!(
        found.reason().contains("maxctrl start service RW"),
        "{found:?}"
    );
}

#[test]
fn frozen_ticks_are_a_failure_and_a_pause_of_the_whole_process_is_none() {
    let Some(site) = Site::of_stand_in() else {
        return;
    };
    site.expect("start", &[], SUCCESS);
    let quick = ("stall_timeout", "2s");
    site.expect("monitor", &[ROUTING, quick], SUCCESS);
    site.signal(Signal::SIGSTOP);
    std::thread::sleep(Duration::from_secs(3));
    site.signal(Signal::SIGCONT);
    site.expect("monitor", &[ROUTING, quick], SUCCESS);
    site.play(r#"{"frozen": true}"#);
    site.expect("monitor", &[ROUTING, quick], SUCCESS);
    let frozen = || site.act("monitor", &[ROUTING, quick]);
    site.wait("the monitor to fail", || frozen().code == GENERIC);
    let found = frozen();
    assert!(
        found
            .reason()
            .starts_with("monitor Monitor has not looked at its servers for"),
        "{found:?}"
    );
    site.expect("monitor", &[RECURRING], SUCCESS);
    site.order("PUT", "monitors/Monitor/stop", "");
    let found = site.expect("monitor", &[ROUTING, quick], DEGRADED);
    assert!(
        found.reason().contains("maxctrl start monitor Monitor"),
        "{found:?}"
    );
}

#[test]
fn a_routed_query_is_answered_or_the_listener_is_named() {
    let Some(site) = Site::of_stand_in() else {
        return;
    };
    site.expect("start", &[], SUCCESS);
    let found = site.expect("monitor", &[QUERY], DEGRADED);
    assert!(
        found.reason().contains("set check_credentials"),
        "{found:?}"
    );
    let wrong = [
        ("check_user", "check"),
        ("check_password", "hunter2"),
        QUERY,
    ];
    let found = site.expect("monitor", &wrong, DEGRADED);
    assert!(
        found
            .reason()
            .contains("refuses the account of the routed query"),
        "{found:?}"
    );
    assert!(!found.said.contains("hunter2"), "{found:?}");
    site.expect("monitor", &[CHECK[0], CHECK[1], QUERY], SUCCESS);
    // It greets and knows the account, and the answer does not come.
    site.play(r#"{"mute": ["RO-Listener"]}"#);
    let quick = ("greeting_timeout", "2s");
    let found = site.expect("monitor", &[CHECK[0], CHECK[1], QUERY, quick], GENERIC);
    let words = "no answer through listener RO-Listener: ";
    assert!(found.reason().starts_with(words), "{found:?}");
    site.expect("monitor", &[ROUTING, quick], SUCCESS);
}

/// `socket=PATH`, and `socket=@NAME` for an abstract one, through which the driver cannot ask.
#[test]
fn listeners_on_unix_sockets_greet_and_a_query_is_routed_through_those_with_a_path() {
    let Some(site) = Site::of_stand_in() else {
        return;
    };
    // In a directory of MaxScale's own user.
    let path = site.path("run/socket").display().to_string();
    let name = format!("@{path}");
    for (socket, asked) in [(&path, true), (&name, false)] {
        let listener = format!("[Local]\ntype=listener\nservice=RW\nsocket={socket}\n");
        site.configure("", &listener);
        site.play("{}");
        site.expect("start", &[], SUCCESS);
        let level = |level| [CHECK[0], CHECK[1], level, ("greeting_timeout", "2s")];
        for depth in [ROUTING, QUERY] {
            site.expect("monitor", &level(depth), SUCCESS);
        }
        site.play(r#"{"mute": ["Local"]}"#);
        let code = if asked { GENERIC } else { SUCCESS };
        let found = site.expect("monitor", &level(QUERY), code);
        let words = "no answer through listener Local: ";
        assert_eq!(found.said.contains(words), asked, "{found:?}");
        site.expect("stop", &[], SUCCESS);
    }
}

/// Clients that are left when the time is over do not keep it.
#[test]
fn clients_are_given_time_to_leave_and_no_new_ones_are_greeted() {
    let Some(site) = Site::of_stand_in() else {
        return;
    };
    site.expect("start", &[], SUCCESS);
    let mut client = TcpStream::connect(("127.0.0.1", site.ports[1])).unwrap();
    client.read_exact(&mut [0; 16]).unwrap();
    let drain = ("drain_timeout", "1s");
    let stopped = site.expect("stop", &[drain], SUCCESS);
    assert!(stopped.took > Duration::from_secs(1), "{stopped:?}");
    assert!(
        stopped.said.contains("in vain for the clients to leave"),
        "{stopped:?}"
    );
    site.expect("start", &[], SUCCESS);
    let mut client = TcpStream::connect(("127.0.0.1", site.ports[1])).unwrap();
    client.read_exact(&mut [0; 16]).unwrap();
    let leaving = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(300));
        let _ = client.write_all(b"\x01\0\0\x01\x01");
    });
    let stopped = site.expect("stop", &[("drain_timeout", "15s")], SUCCESS);
    leaving.join().unwrap();
    assert!(stopped.took < Duration::from_secs(10), "{stopped:?}");
    assert!(!stopped.said.contains("in vain"), "{stopped:?}");
}
