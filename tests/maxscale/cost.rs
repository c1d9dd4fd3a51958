//! What a monitor costs: on the static program, as it is installed; a debug build is no measure.

use std::path::Path;
use std::process::Command;

use crate::site::{ON_NODE, PROMOTABLE, RECURRING, ROUTING, SUCCESS, Site};

/// Runs `argv[3:]` so often, and prints the mean of its processor time and of its time, in milliseconds. As the user
/// `nobody` without a single process or thread more, if `argv[1]` is `bare`.
const MEASURE: &str = r"
import os, pwd, resource, subprocess, sys, time
def bare():
    user = pwd.getpwnam('nobody')
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
rounds = int(sys.argv[2])
before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
for _ in range(rounds):
    code = subprocess.call(sys.argv[3:], preexec_fn=bare if sys.argv[1] == 'bare' else None)
    if code:
        sys.exit(code)
after, took = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic() - begun
cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
print(cpu * 1000 / rounds, took * 1000 / rounds)
";

fn measured(site: &Site, agent: &Path, how: [&str; 2], params: &[(&str, &str)]) -> (f64, f64) {
    let mut python = Command::new("/usr/bin/python3");
    python
        .args(["-c", MEASURE])
        .args(how)
        .arg(agent)
        .arg("monitor");
    let output = python
        .env_clear()
        .envs(site.variables(params))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{:?} {said}", output.status);
    // What could not be written or read as nobody is no matter here; what could not be started is.
    assert!(!said.contains("cannot run"), "{said}");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let (cpu, took) = text.trim().split_once(' ').unwrap();
    (cpu.parse().unwrap(), took.parse().unwrap())
}

#[test]
fn no_level_of_a_monitor_starts_a_process_or_a_thread() {
    let Some(site) = Site::of_stand_in() else {
        return;
    };
    site.expect("start", &[], SUCCESS);
    let agent = Path::new(site.agent());
    let query = [
        ("OCF_CHECK_LEVEL", "20"),
        ("check_user", "check"),
        ("check_password", "swordfish"),
    ];
    for level in [&[RECURRING][..], &[ROUTING], &query] {
        measured(&site, agent, ["bare", "1"], level);
    }
}

/// The one exception is a score that the cluster does not know yet: its own tool is started.
#[test]
fn a_score_that_has_not_changed_starts_no_process_either() {
    let Some(site) = Site::of_stand_in() else {
        return;
    };
    let programs = |level| site.programs("monitor", &[PROMOTABLE, RECURRING, ON_NODE, level]);
    site.expect("start", &[PROMOTABLE], SUCCESS);
    assert!(programs(ROUTING).contains("crm_attribute"));
    site.remember_as_told("Well");
    for level in [("OCF_CHECK_LEVEL", "0"), ROUTING] {
        assert_eq!(programs(level), "", "{level:?}");
    }
    site.remember_as_told("Partly");
    assert!(programs(ROUTING).contains("crm_attribute"));
}

#[test]
fn a_monitor_of_level_0_costs_at_most_5_ms_of_processor_time() {
    let folder = std::env::var("GALERA_RS_STATIC_DIR").unwrap_or_default();
    let agent = Path::new(&folder).join("maxscale-rs");
    let required = std::env::var("REQUIRE_REAL").is_ok_and(|value| value == "1");
    let missing =
        "GALERA_RS_STATIC_DIR (target/<triple>/release after make build) has no maxscale-rs";
    assert!(agent.exists() || !required, "{missing}, and REQUIRE_REAL=1");
    if !agent.exists() {
        eprintln!("SKIPPED: {missing}");
        return;
    }
    let Some(site) = Site::new() else { return };
    site.expect("start", &[], SUCCESS);
    for (level, params) in [("0", RECURRING), ("10", ROUTING)] {
        if level == "10" && std::env::var_os("MAXSCALE").is_some() {
            continue; // its servers are not there
        }
        let (cpu, took) = measured(&site, &agent, ["root", "50"], &[params]);
        eprintln!("monitor of level {level}: {cpu:.2} ms of processor time, {took:.2} ms");
        assert!(level != "0" || cpu <= 5.0, "{cpu} ms");
    }
}
