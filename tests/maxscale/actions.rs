//! Codes, reasons, idempotence, and the files of earlier lives.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;
use std::process::Command;

use nix::sys::signal::Signal;
use nix::unistd::{Group, User};

use crate::site::{
    DEGRADED, GENERIC, NOT_INSTALLED, NOT_PERMITTED, NOT_RUNNING, RECURRING, ROUTING, SUCCESS,
    Site, WRONG_HERE, lives,
};

const PROBE: (&str, &str) = ("OCF_RESKEY_CRM_meta_interval", "0");

/// "start, start again, stop, stop again, status in both states" (founding document on MaxScale with Pacemaker).
#[test]
fn start_stop_and_monitor_may_be_repeated() {
    let Some(site) = Site::new() else { return };
    site.expect("monitor", &[PROBE], NOT_RUNNING);
    site.expect("stop", &[], SUCCESS);
    let started = site.expect("start", &[], SUCCESS);
    let pid = site.pid();
    assert_eq!(site.leftovers().len(), 3, "{started:?}");
    site.expect("start", &[], SUCCESS);
    assert_eq!(site.pid(), pid);
    site.expect("monitor", &[PROBE], SUCCESS);
    site.expect("monitor", &[RECURRING], SUCCESS);
    site.expect("stop", &[], SUCCESS);
    assert!(site.leftovers().is_empty(), "{:?}", site.leftovers());
    site.expect("stop", &[], SUCCESS);
    site.expect("monitor", &[RECURRING], NOT_RUNNING);
}

#[test]
fn a_start_makes_the_directories_that_are_missing_and_waits_for_every_greeting() {
    let Some(site) = Site::of_stand_in() else {
        return;
    };
    site.play(r#"{"slow_start": 1.0}"#);
    let started = site.expect(
        "start",
        &[("piddir", site.path("other").to_str().unwrap())],
        SUCCESS,
    );
    assert!(started.took.as_secs_f32() > 1.0, "{started:?}");
    assert!(site.path("other/maxscale.pid").exists());
    let user = User::from_name("nobody").unwrap().unwrap();
    let group = Group::from_name("nogroup").unwrap().unwrap();
    let made = ["log", "data", "cache", "data/maxscale.cnf.d", "modules"];
    for directory in made.into_iter().chain(["other"]) {
        let there = fs::metadata(site.path(directory)).unwrap();
        assert!(there.is_dir(), "{directory}");
        let owner = (there.uid(), there.gid());
        assert_eq!(
            owner,
            (user.uid.as_raw(), group.gid.as_raw()),
            "{directory}"
        );
    }
    let elsewhere = site.path("other");
    site.expect("stop", &[("piddir", elsewhere.to_str().unwrap())], SUCCESS);
    assert!(!site.path("other/maxscale.pid").exists());
}

/// Each parameter goes before the configuration file, which says otherwise.
#[test]
fn directories_and_more_words_of_the_parameters_are_on_the_command_line() {
    let Some(site) = Site::new() else { return };
    let at = |name: &str| site.path(name).to_str().unwrap().to_owned();
    let language = format!("-N {}", at("other/language"));
    fs::create_dir_all(site.path("other/language")).unwrap();
    let directories = [
        ("piddir", "-P"),
        ("logdir", "-L"),
        ("datadir", "-D"),
        ("cachedir", "-A"),
        ("persistdir", "-F"),
        ("moduledir", "-M"),
    ];
    let given = directories.map(|(name, option)| (name, option, at(&format!("other/{name}"))));
    let params = given.iter().map(|(name, _, path)| (*name, path.as_str()));
    let more = ("additional_parameters", language.as_str());
    let params: Vec<_> = params.chain([more]).collect();
    site.expect("start", &params, SUCCESS);
    let pid = fs::read_to_string(site.path("other/piddir/maxscale.pid")).unwrap();
    let words = fs::read_to_string(format!("/proc/{}/cmdline", pid.trim())).unwrap();
    let words = words.replace('\0', " ");
    for (_, option, path) in &given {
        assert!(words.contains(&format!("{option} {path}")), "{words}");
    }
    assert!(words.contains(&language), "{words}");
    site.expect("monitor", &params, SUCCESS);
    site.expect("stop", &params, SUCCESS);
    assert!(!site.path("other/piddir/maxscale.pid").exists());
}

#[test]
fn what_is_not_there_is_named_with_what_to_do() {
    let Some(site) = Site::new() else { return };
    for (param, value, code, words) in [
        (
            "binary",
            "/nonexistent/maxscale",
            NOT_INSTALLED,
            "install MaxScale, or set the parameter binary",
        ),
        (
            "config",
            "/nonexistent/maxscale.cnf",
            WRONG_HERE,
            "or set the parameter config",
        ),
        (
            "user",
            "no-such-user",
            WRONG_HERE,
            "user no-such-user does not exist",
        ),
        (
            "group",
            "no-such-group",
            WRONG_HERE,
            "group no-such-group does not exist",
        ),
        (
            "admin_credentials",
            "/nonexistent/secret",
            NOT_PERMITTED,
            "credentials /nonexistent/secret",
        ),
    ] {
        let refused = site.expect("start", &[(param, value)], code);
        assert!(refused.reason().contains(words), "{refused:?}");
        site.expect("validate-all", &[(param, value)], SUCCESS);
        site.expect("validate-all", &[(param, value), ROUTING], code);
        site.expect("stop", &[(param, value)], SUCCESS);
    }
    for param in ["config", "binary"] {
        site.expect("monitor", &[(param, "/nonexistent"), PROBE], NOT_RUNNING);
    }
}

#[test]
fn without_a_rest_api_it_does_not_start() {
    let Some(site) = Site::new() else { return };
    site.configure("admin_enabled=false", "");
    let refused = site.expect("start", &[], WRONG_HERE);
    assert!(refused.reason().contains("set it to true"), "{refused:?}");
}

#[test]
fn a_bad_configuration_is_refused_with_maxscales_own_message() {
    let Some(site) = Site::new() else { return };
    site.configure("", "[Odd]\ntype=oddity\n");
    let refused = site.expect("start", &[], WRONG_HERE);
    assert!(
        refused.reason().contains("refuses ") && refused.reason().contains("Odd"),
        "{refused:?}"
    );
    assert!(site.leftovers().is_empty());
    site.expect("stop", &[], SUCCESS);
}

/// Exit code 1, of what the check of the configuration does not see.
#[test]
fn a_maxscale_that_ends_at_start_is_told_in_its_own_words() {
    let Some(site) = Site::new() else { return };
    let nowhere = ("additional_parameters", "-N /nonexistent");
    let refused = site.expect("start", &[nowhere], GENERIC);
    assert!(
        refused.reason().starts_with("MaxScale does not start: ")
            && refused.reason().contains("/nonexistent"),
        "{refused:?}"
    );
    site.expect("stop", &[], SUCCESS);
}

/// Exit code 6.
#[test]
fn a_rest_port_that_is_taken_is_named() {
    let Some(site) = Site::new() else { return };
    let _rival = TcpListener::bind(("127.0.0.1", site.ports[0])).unwrap();
    let refused = site.expect("start", &[], GENERIC);
    let address = format!("http://127.0.0.1:{}", site.ports[0]);
    assert!(
        refused.reason().contains(&address) && refused.reason().contains("ss -ltnp"),
        "{refused:?}"
    );
    site.expect("stop", &[], SUCCESS);
}

/// Exit code 4: MaxScale finds another process of its name in a PID file where the agent does not look.
#[test]
fn a_maxscale_that_says_that_it_runs_already_is_looked_for_by_a_human() {
    let Some(site) = Site::new() else { return };
    let elsewhere = site.path("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    let program = elsewhere.join("maxscale");
    fs::copy("/bin/sleep", &program).unwrap();
    let mut rival = Command::new(&program).arg("60").spawn().unwrap();
    let file = elsewhere.join("maxscale.pid");
    fs::write(&file, rival.id().to_string()).unwrap();
    let user = User::from_name("nobody").unwrap().unwrap();
    for path in [&elsewhere, &file] {
        std::os::unix::fs::chown(path, Some(user.uid.as_raw()), None).unwrap();
    }
    let more = format!("-P {}", elsewhere.display());
    let refused = site.expect("start", &[("additional_parameters", &more)], GENERIC);
    let reason = refused.reason();
    assert!(
        reason.starts_with("MaxScale says that it runs already: ")
            && reason.contains(&format!(" {}; ", rival.id()))
            && reason.ends_with("ps -C maxscale"),
        "{refused:?}"
    );
    let lived = rival.try_wait().unwrap().is_none();
    rival.kill().unwrap();
    rival.wait().unwrap();
    assert!(lived, "it is no business of the agent's");
    site.expect("stop", &[], SUCCESS);
}

/// Exit code 5: the agent has found the user of its parameter, and MaxScale is told of another.
#[test]
fn a_user_whom_maxscale_does_not_find_is_wrong_on_this_node() {
    let Some(site) = Site::new() else { return };
    let other = ("additional_parameters", "--user=no-such-user");
    let refused = site.expect("start", &[other], WRONG_HERE);
    assert!(
        refused
            .reason()
            .starts_with("MaxScale does not find its user: ")
            && refused.reason().contains("no-such-user"),
        "{refused:?}"
    );
    site.expect("stop", &[], SUCCESS);
}

#[test]
fn a_start_whose_account_is_refused_says_which_parameters_to_correct_and_shows_none() {
    let Some(site) = Site::new() else { return };
    let wrong = [("admin_user", "admin"), ("admin_password", "hunter2")];
    let refused = site.expect("start", &wrong, GENERIC);
    assert!(
        refused.reason().contains("correct admin_credentials"),
        "{refused:?}"
    );
    assert!(!refused.said.contains("hunter2"), "{refused:?}");
    site.expect("stop", &wrong, SUCCESS);
    site.expect("monitor", &wrong, NOT_RUNNING);
}

/// "After kill -9 stale files remain"; an empty or damaged PID file makes MaxScale itself refuse with 4.
#[test]
fn files_of_an_earlier_life_neither_look_like_one_nor_keep_it_from_starting() {
    let Some(site) = Site::new() else { return };
    site.expect("start", &[], SUCCESS);
    site.kill();
    assert_eq!(site.leftovers().len(), 3);
    site.expect("monitor", &[PROBE], NOT_RUNNING);
    site.expect("monitor", &[RECURRING], NOT_RUNNING);
    site.expect("stop", &[], SUCCESS);
    assert!(site.leftovers().is_empty());
    for damaged in [
        String::new(),
        "x".to_owned(),
        std::process::id().to_string(),
    ] {
        fs::write(site.path("run/maxscale.pid"), &damaged).unwrap();
        site.expect("monitor", &[PROBE], NOT_RUNNING);
        site.expect("start", &[], SUCCESS);
        site.kill();
        site.expect("start", &[], SUCCESS);
        site.expect("stop", &[], SUCCESS);
    }
}

/// "stop is proven by lock and process": whoever removes the files does not make it stopped.
#[test]
fn a_maxscale_whose_files_were_removed_runs_and_is_stopped() {
    let Some(site) = Site::new() else { return };
    site.expect("start", &[], SUCCESS);
    let pid = site.pid();
    fs::remove_file(site.path("run/maxscale.pid")).unwrap();
    site.expect("monitor", &[RECURRING], SUCCESS);
    for name in ["data/maxscale.lock", "cache/maxscale.lock"] {
        fs::remove_file(site.path(name)).unwrap();
    }
    site.expect("monitor", &[RECURRING], SUCCESS);
    site.expect("stop", &[], SUCCESS);
    assert!(!lives(pid));
    site.expect("monitor", &[RECURRING], NOT_RUNNING);
}

/// The configuration file was removed, or the parameters cannot be read: what was started is remembered.
#[test]
fn stop_needs_neither_the_configuration_nor_readable_parameters() {
    let Some(site) = Site::new() else { return };
    for broken in [("config", "/nonexistent"), ("rest_timeout", "soon")] {
        site.expect("start", &[], SUCCESS);
        site.expect("stop", &[broken], SUCCESS);
        assert!(site.leftovers().is_empty());
    }
    site.expect("start", &[], SUCCESS);
    let kept = site.expect(
        "monitor",
        &[("config", "/nonexistent"), RECURRING],
        DEGRADED,
    );
    assert!(kept.reason().contains("/nonexistent"), "{kept:?}");
}

/// A second SIGTERM would make it exit at once, with its clients.
#[test]
fn a_slow_stop_is_waited_for_and_told_only_once() {
    let Some(site) = Site::of_stand_in() else {
        return;
    };
    site.play(r#"{"slow_stop": 4.0}"#);
    site.expect("start", &[], SUCCESS);
    let late = [("OCF_RESKEY_CRM_meta_timeout", "3500")];
    let stopped = site.expect("stop", &late, SUCCESS);
    // Killed when 2 s of its 3.15 s were kept back; a second word would have been quicker.
    assert!(stopped.took.as_secs_f32() > 1.0, "{stopped:?}");
    assert!(
        stopped.said.contains("does not end: killing it"),
        "{stopped:?}"
    );
    site.expect("start", &[], SUCCESS);
    let stopped = site.expect("stop", &[], SUCCESS);
    assert!(
        stopped.took.as_secs_f32() > 3.9 && !stopped.said.contains("killing"),
        "{stopped:?}"
    );
    assert!(site.leftovers().is_empty());
}

/// The first stop was killed while it waited: the next one goes on waiting.
#[test]
fn a_stop_after_one_that_was_killed_does_not_tell_it_again() {
    let Some(site) = Site::of_stand_in() else {
        return;
    };
    site.play(r#"{"slow_stop": 4.0}"#);
    site.expect("start", &[], SUCCESS);
    let mut first = std::process::Command::new("/usr/bin/timeout");
    first.args(["-s", "KILL", "1", site.agent(), "stop"]);
    let killed = first.env_clear().envs(site.variables(&[])).status();
    assert!(!killed.unwrap().success());
    let stopped = site.expect("stop", &[], SUCCESS);
    assert!(stopped.took.as_secs_f32() > 1.5, "{stopped:?}");
    assert!(site.leftovers().is_empty());
}

#[test]
fn a_held_maxscale_is_killed_at_once() {
    let Some(site) = Site::new() else { return };
    site.expect("start", &[], SUCCESS);
    site.signal(Signal::SIGSTOP);
    // Asked for its clients, or told to end, it would take much longer.
    let patient = [("drain_timeout", "15s"), ("rest_timeout", "15s")];
    let stopped = site.expect("stop", &patient, SUCCESS);
    assert!(stopped.took.as_secs_f32() < 10.0, "{stopped:?}");
    assert!(site.leftovers().is_empty());
}
