//! One MaxScale and its address in a group: the use cases of the founding document.

use super::waits::{kill, lives, together, told};
use super::{ALL_DOWN, load_with, real, with_maxscale};
use crate::harness::{Lab, Output, STEP};

const EXAMPLE: &str = "crm-examples/maxscale-group-vip.crm";

/// How the list of failures names them.
const FAILED_MONITOR: &str = "maxscale 1000ms-interval monitor on";
const FAILED_START: &str = "maxscale start on";

/// "start, start again, stop, stop again, status in both states, kill -9 then restarted in place, failed start then placed
/// elsewhere, cleanup, VIP together with MaxScale"
#[test]
fn maxscale_in_a_group_with_its_address_is_started_stopped_restarted_in_place_and_placed_elsewhere()
{
    let Some(lab) = with_maxscale() else { return };
    // "None required when /etc/maxscale.cnf says it"
    load_with(&lab, EXAMPLE, "");
    let home = together(&lab, "the first start");
    let life = lab.node(home).maxscale_life();
    lab.crm("resource start proxy");
    lab.settle();
    assert_eq!(lab.node(home).maxscale_life(), life, "started again");
    status(&lab, home);
    routed(&lab, home);
    rival(&lab, home);

    for _ in 0..2 {
        lab.crm("resource stop proxy");
        lab.settle();
    }
    assert!(lab.roles("maxscale").values().all(|role| role == "Stopped") && lives(&lab).is_empty());
    let stopped = lab.node(home).by_hand("status");
    assert_eq!((stopped.code, stopped.stdout.trim()), (7, "Stopped"));
    lab.crm("resource start proxy");
    let home = together(&lab, "another start");

    kill(&lab, home);
    lab.wait("the failure in the list", STEP, || {
        lab.crm_mon().contains(FAILED_MONITOR)
    });
    assert_eq!(together(&lab, "kill -9"), home, "restarted in place");
    lab.crm("resource cleanup maxscale");
    lab.settle();
    assert!(!lab.crm_mon().contains(FAILED_MONITOR), "{}", lab.crm_mon());

    match real() {
        None => backends_down(&lab, home),
        Some(_) => servers_killed(&lab),
    }
    failed_start(&lab);
    assert!(lab.fenced().is_empty(), "{:?}", lab.fenced());
}

/// Seen from this node only, all servers are gone: two restarts in place do not help, and the group moves.
fn backends_down(lab: &Lab, home: u8) {
    lab.node(home).play(ALL_DOWN);
    lab.wait("another home", STEP, || {
        lab.roles("maxscale")
            .iter()
            .any(|(k, role)| *k != home && role == "Started")
    });
    told(lab, "service RW has no usable server");
    together(lab, "the loss of all servers on one node");
    lab.node(home).play("{}");
    lab.crm("resource cleanup maxscale");
    lab.settle();
}

/// In front of a real cluster all servers are killed at once, and come back: MaxScale is restarted, and serves again.
fn servers_killed(lab: &Lab) {
    lab.crm("resource maintenance db-clone on");
    lab.kill_all_servers();
    told(lab, "service RW has no usable server");
    lab.crm("resource maintenance db-clone off");
    lab.wait_in_service("all servers killed");
    lab.crm("resource cleanup maxscale");
    together(lab, "the return of the servers");
}

/// A query through the listener, and one with an account that is refused.
fn routed(lab: &Lab, home: u8) {
    let (user, password) = match real() {
        None => ("check", "swordfish"),
        Some(_) => ("w", "w"),
    };
    for (password, code) in [(password, 0), ("other", 190)] {
        let account = format!("OCF_RESKEY_check_user={user} OCF_RESKEY_check_password={password}");
        let asked = agent(
            lab,
            home,
            &format!("OCF_CHECK_LEVEL=20 {account}"),
            "monitor",
        );
        assert_eq!(asked.code, code, "{asked:?}");
    }
}

/// An action as the cluster calls it, with these variables too.
fn agent(lab: &Lab, k: u8, variables: &str, action: &str) -> Output {
    let cluster = "OCF_RESOURCE_INSTANCE=maxscale OCF_RESKEY_CRM_meta_timeout=20000 OCF_RESKEY_CRM_meta_interval=1000";
    let program = "/usr/lib/ocf/resource.d/galera-rs/maxscale-rs";
    lab.node(k)
        .run(&format!("{cluster} {variables} {program} {action}"))
}

/// Wherever it goes first, its configuration is bad there: it goes to the next node, with MaxScale's own message.
fn failed_start(lab: &Lab) {
    let home = together(lab, "the cleanup");
    let bad: Vec<_> = (1..=3).filter(|k| *k != home).take(1).collect();
    for k in &bad {
        lab.node(*k)
            .ok("printf '[Odd]\\ntype=oddity\\n' >>/etc/maxscale.cnf");
    }
    lab.any()
        .ok(&format!("crm_resource -r proxy --move -N node{}", bad[0]));
    lab.wait("the failed start", STEP, || {
        lab.crm_mon().contains(FAILED_START)
    });
    told(lab, "MaxScale refuses /etc/maxscale.cnf: ");
    let now = together(lab, "a failed start");
    assert!(!bad.contains(&now), "placed elsewhere");
    lab.any().ok("crm_resource -r proxy --clear");
    lab.node(bad[0]).configure_maxscale();
    lab.crm("resource cleanup maxscale");
    lab.settle();
    assert!(!lab.crm_mon().contains(FAILED_START), "{}", lab.crm_mon());
}

/// Neither enabled nor active may the unit of systemd be where MaxScale is to be started.
fn refused_beside_the_unit(lab: &Lab, k: u8) {
    let node = lab.node(k);
    let enabled = "/etc/systemd/system/multi-user.target.wants/maxscale.service";
    let active = "/run/systemd/units/invocation:maxscale.service";
    for (link, word) in [(enabled, "enabled"), (active, "active")] {
        node.ok(&format!(
            "mkdir -p $(dirname {link}) && ln -s /there {link}"
        ));
        let refused = agent(lab, k, "", "start");
        node.ok(&format!("rm {link}"));
        assert_eq!(refused.code, 2, "{refused:?}");
        let told = format!("maxscale.service of systemd is {word}");
        let helps = "run systemctl disable --now maxscale.service";
        assert!(
            refused.stderr.contains(&told) && refused.stderr.contains(helps),
            "{refused:?}"
        );
        assert_eq!(node.maxscale_life(), "", "{word}");
    }
}

/// The unit of systemd is enabled: start refuses, and the monitor of what runs says why.
fn rival(lab: &Lab, home: u8) {
    let wants = "/etc/systemd/system/multi-user.target.wants";
    let link = format!("{wants}/maxscale.service");
    let node = lab.node(home);
    node.ok(&format!(
        "mkdir -p {wants} && ln -s /lib/systemd/system/maxscale.service {link}"
    ));
    told(lab, "maxscale.service of systemd is enabled");
    let refused = node.run("OCF_CHECK_LEVEL=10 /usr/sbin/maxscale-rs validate-all");
    assert_eq!(refused.code, 2, "{refused:?}");
    let helps = "run systemctl disable --now maxscale.service";
    assert!(refused.stderr.contains(helps), "{refused:?}");
    node.ok(&format!("rm {link}"));
    lab.crm("resource cleanup maxscale");
    assert_eq!(together(lab, "the end of the unit"), home);
    refused_beside_the_unit(lab, home % 3 + 1);
}

/// The same tables as `maxctrl`, and JSON.
fn status(lab: &Lab, home: u8) {
    let shown = lab.node(home).by_hand("status");
    assert_eq!(shown.code, 0, "{shown:?}");
    let head = shown.stdout.starts_with("Running\nMaxScale ");
    assert!(head && shown.stdout.contains(", active\n┌"), "{shown:?}");
    assert!(
        shown.stdout.contains("│ RW      │ readwritesplit │"),
        "{shown:?}"
    );
    let json = lab.node(home).by_hand("monitor --json");
    let parsed: serde_json::Value = serde_json::from_str(&json.stdout).expect("JSON");
    assert_eq!(parsed["services"][0]["service"], "RW");
}
