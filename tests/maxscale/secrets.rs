//! No password is shown to anybody: in a command line, an environment, a log, a reason or the help.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::site::{
    DEGRADED, GENERIC, PROMOTABLE, QUERY, RECURRING, ROUTING, SUCCESS, Site, UNIMPLEMENTED,
    WRONG_HERE,
};

const ADMIN: &str = "open-sesame";
const CHECK: &str = "swordfish";

/// Both, and the first as it is sent: the base64 of `admin:open-sesame`.
const SHOWN: [&str; 3] = [ADMIN, CHECK, "YWRtaW46b3Blbi1zZXNhbWU"];

fn assert_none_in(place: &str, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for secret in SHOWN {
        assert!(!text.contains(secret), "{secret} in {place}: {text}");
    }
}

fn of_process(pid: i32, file: &str) -> Vec<u8> {
    fs::read(format!("/proc/{pid}/{file}")).unwrap()
}

#[test]
fn no_action_shows_a_password_even_when_everything_is_logged() {
    let Some(site) = Site::of_stand_in() else {
        return;
    };
    site.play(&format!(r#"{{"password": "{ADMIN}"}}"#));
    let log = site.path("agent.log");
    let common = [
        ("HA_debug", "1"),
        ("HA_LOGFILE", log.to_str().unwrap()),
        ("admin_user", "admin"),
        ("admin_password", ADMIN),
        ("check_user", "check"),
        ("check_password", CHECK),
        PROMOTABLE,
    ];
    let act = |action: &str, more: &[(&str, &str)], code| {
        let answer = site.expect(action, &[&common[..], more].concat(), code);
        assert_none_in(action, answer.said.as_bytes());
    };
    act("start", &[], SUCCESS);
    for file in ["environ", "cmdline"] {
        assert_none_in(file, &of_process(site.pid(), file));
    }
    for level in [RECURRING, ROUTING, QUERY] {
        act("monitor", &[level], SUCCESS);
    }
    // Refused, once the listener's and once the API's account.
    act("monitor", &[QUERY, ("check_user", "other")], DEGRADED);
    act("monitor", &[QUERY, ("admin_user", "other")], DEGRADED);
    act("start", &[("admin_user", "other")], GENERIC);
    act("start", &[("user", "no-such-user")], WRONG_HERE);
    for action in [
        "promote",
        "demote",
        "validate-all",
        "reload-agent",
        "status",
    ] {
        act(action, &[ROUTING], SUCCESS);
    }
    act("meta-data", &[], SUCCESS);
    act("--help", &[], UNIMPLEMENTED); // it is for who calls it by hand, without parameters
    act("stop", &[("drain_timeout", "1s")], SUCCESS);
    let log = fs::read(log).unwrap();
    assert!(log.len() > 1000, "everything is logged");
    assert_none_in("the log", &log);
}

/// Not even the account of a new installation.
#[test]
fn help_by_hand_needs_no_environment_and_shows_no_account() {
    let mut help = Command::new(env!("CARGO_BIN_EXE_maxscale-rs"));
    let output = help.env_clear().arg("--help").output().unwrap();
    assert_eq!(output.status.code(), Some(SUCCESS), "{output:?}");
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(said.contains("Usage: maxscale-rs"), "{said}");
    for word in ["mariadb", "admin", "password"] {
        assert!(!said.contains(word), "{word}: {said}");
    }
}

#[test]
fn an_account_in_a_file_works_and_its_password_is_nowhere_else() {
    let Some(site) = Site::new() else { return };
    let file = site.path("secret");
    fs::write(&file, "user=admin\npassword=mariadb\n").unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    let account = ("admin_credentials", file.to_str().unwrap());
    let debug = ("HA_debug", "1");
    let started = site.expect(
        "start",
        &[account, debug, ("check_password", "hunter2")],
        SUCCESS,
    );
    let inherited = fs::read(format!("/proc/{}/environ", site.pid())).unwrap();
    let words = fs::read(format!("/proc/{}/cmdline", site.pid())).unwrap();
    for place in [started.said.into_bytes(), inherited, words] {
        let place = String::from_utf8_lossy(&place).into_owned();
        assert!(
            !place.contains("hunter2") && !place.contains("password=mariadb"),
            "{place}"
        );
    }
    fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
    let refused = site.expect("monitor", &[account, RECURRING], DEGRADED);
    assert!(refused.reason().contains("chmod 0600"), "{refused:?}");
    site.expect("stop", &[account], SUCCESS);
}
