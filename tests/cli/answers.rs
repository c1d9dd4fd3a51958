//! (environment, action) -> (exit code, reason).

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use assert_cmd::Command;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

use crate::{AGENT, Answer, available, bare, is_root, run};

const PREFIX: &str = "ocf-exit-reason:";

/// A node on which nothing runs and, but for an empty option file and data directory, nothing exists.
struct Machine(tempfile::TempDir);

impl Machine {
    fn new() -> Self {
        let machine = Self(tempfile::tempdir().unwrap());
        fs::create_dir(machine.path("data")).unwrap();
        fs::write(machine.path("my.cnf"), "").unwrap();
        machine
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    /// The agent as the cluster calls it here. A `~` in a value is this machine's directory.
    fn agent(&self, action: &str, env: &[(&str, &str)]) -> Command {
        self.called(bare(AGENT), action, env)
    }

    /// The same without any network, where no name server keeps it waiting.
    fn cut_off(&self, action: &str, env: &[(&str, &str)]) -> Command {
        let mut command = bare("/usr/bin/unshare");
        command.args(["--net", AGENT]);
        self.called(command, action, env)
    }

    fn called(&self, mut command: Command, action: &str, env: &[(&str, &str)]) -> Command {
        let defaults = [
            ("OCF_RESOURCE_INSTANCE", "galera-rs-cli-test"),
            ("OCF_RESKEY_CRM_meta_timeout", "8000"),
            ("OCF_RESKEY_config", "~/my.cnf"),
            ("OCF_RESKEY_datadir", "~/data"),
            ("HA_debug", "1"),
        ];
        for (name, value) in defaults.iter().chain(env) {
            command.env(name, value.replace('~', self.0.path().to_str().unwrap()));
        }
        command.arg(action);
        command
    }

    fn answer(&self, action: &str, env: &[(&str, &str)]) -> Answer {
        run(&mut self.agent(action, env))
    }
}

/// The exit reasons among the lines of standard error.
fn reasons(answer: &Answer) -> Vec<&str> {
    let lines = answer.stderr.lines();
    lines.filter_map(|line| line.strip_prefix(PREFIX)).collect()
}

/// Asserts the code and the one reason; with an empty `reason`, that there is none.
fn assert_answer(action: &str, env: &[(&str, &str)], code: i32, reason: &[&str]) {
    assert_answered(
        &Machine::new().answer(action, env),
        action,
        env,
        code,
        reason,
    );
}

fn assert_answered(
    answer: &Answer,
    action: &str,
    env: &[(&str, &str)],
    code: i32,
    reason: &[&str],
) {
    let shown = format!("{action} with {env:?}:\n{}{}", answer.stdout, answer.stderr);
    assert_eq!(answer.code, Some(code), "{shown}");
    let said = reasons(answer);
    assert_eq!(said.len(), usize::from(code != 0 && code != 7), "{shown}");
    for word in reason {
        assert!(
            said.iter().any(|line| line.contains(word)),
            "{word} in {shown}"
        );
    }
}

const PROBE: (&str, &str) = ("OCF_RESKEY_CRM_meta_interval", "0");

#[test]
fn an_unknown_action_is_not_supported_and_the_known_ones_are_named() {
    let known = ["\"explode\"", "start, stop, monitor"];
    assert_answer("explode", &[], 3, &known);
    assert_answer("migrate_to", &[], 3, &["migrate_to"]);
    assert_answer("", &[], 3, &["no action \"\""]);
}

/// "the RA shall ignore all other arguments"
#[test]
fn words_after_the_action_are_ignored() {
    let machine = Machine::new();
    let answer = run(machine.agent("monitor", &[PROBE]).arg("--help"));
    assert_eq!(answer.code, Some(7), "{}", answer.stderr);
}

#[test]
fn a_bad_value_is_named_with_its_parameter_and_the_remedy() {
    for (name, value, wanted) in [
        ("enable_creation", "perhaps", "it must be yes or no"),
        ("two_node_mode", "2", "it must be"),
        ("restore_timeout", "soon", "it must be"),
        ("join_timeout", "-1", "it must be"),
    ] {
        let variable = format!("OCF_RESKEY_{name}");
        let parameter = format!("parameter {name} is \"{value}\"");
        let remedy = format!("--resource galera-rs-cli-test --set-parameter {name}");
        let env = [(&*variable, value)];
        assert_answer("validate-all", &env, 6, &[&parameter, wanted, &remedy]);
        assert_answer("start", &env, 6, &[&parameter]);
        // Its code must not ban a running resource from every node.
        assert_answer("monitor", &env, 1, &[&parameter]);
    }
}

#[test]
fn a_probe_on_a_node_without_the_server_answers_not_running_whatever_the_configuration() {
    for broken in [
        ("OCF_RESKEY_config", "~/missing.cnf"),
        ("OCF_RESKEY_datadir", "~/missing"),
        ("OCF_RESKEY_binary", "~/missing"),
        ("OCF_RESKEY_user", "nobody-of-that-name"),
        ("OCF_RESKEY_cluster_host_map", "not a map"),
        ("OCF_RESKEY_wsrep_cluster_address", "not an address"),
        ("PATH", "/missing"),
    ] {
        assert_answer("monitor", &[PROBE, broken], 7, &[]);
    }
}

#[test]
fn a_stop_with_everything_broken_succeeds_when_nothing_runs() {
    assert_answer("stop", &[], 0, &[]);
    for broken in [
        ("OCF_RESKEY_config", "~/missing.cnf"),
        ("OCF_RESKEY_datadir", "~/missing"),
        ("OCF_RESKEY_binary", "~/missing"),
        ("OCF_RESKEY_wsrep_cluster_address", "not an address"),
        ("OCF_RESKEY_enable_creation", "perhaps"),
        ("OCF_RESKEY_CRM_meta_on_node", "node1"),
    ] {
        assert_answer("stop", &[broken, ("PATH", "/missing")], 0, &[]);
    }
}

#[test]
fn a_second_stop_succeeds_like_the_first() {
    let machine = Machine::new();
    for _ in 0..2 {
        assert_eq!(machine.answer("stop", &[]).code, Some(0));
    }
}

/// Locks a file as a server does, says so, and waits; deaf to SIGTERM when that is wanted.
const HOLDER: &str = "import fcntl, signal, sys, time
if 'deaf' in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
file = open(sys.argv[1], 'r+b')
fcntl.lockf(file, fcntl.LOCK_EX)
print('held', flush=True)
time.sleep(60)";

/// A process that holds this file of the machine's data as a server does.
fn hold_data(machine: &Machine, file: &str, hearing: &str) -> Child {
    let file = machine.path(&format!("data/{file}"));
    fs::write(&file, "").unwrap();
    let mut holder = std::process::Command::new("python3");
    let mut holder = holder
        .args(["-c", HOLDER, &file, hearing])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    let mut out = BufReader::new(holder.stdout.take().unwrap());
    out.read_line(&mut said).unwrap();
    assert_eq!(said, "held\n");
    holder
}

#[test]
fn a_server_without_its_option_file_is_not_called_stopped_and_does_stop() {
    for file in ["ibdata1", "aria_log_control"] {
        is_seen_and_stopped_by_its_lock(file);
    }
}

fn is_seen_and_stopped_by_its_lock(file: &str) {
    let machine = Machine::new();
    let mut server = hold_data(&machine, file, "");
    let lost = [
        ("OCF_RESKEY_config", "~/missing.cnf"),
        ("OCF_RESKEY_binary", "~/missing"),
    ];
    for probe in [&[][..], &[PROBE]] {
        let answer = machine.answer("monitor", &[probe, &lost].concat());
        assert_eq!(answer.code, Some(1), "{}", answer.stderr);
        let said = reasons(&answer);
        assert!(
            said.len() == 1 && said[0].contains("missing.cnf"),
            "{said:?}"
        );
    }
    assert!(server.try_wait().unwrap().is_none(), "a monitor ended it");
    let answer = machine.answer("stop", &lost);
    assert_eq!(answer.code, Some(0), "{}", answer.stderr);
    assert!(server.wait().is_ok_and(|ended| !ended.success()));
}

#[test]
fn a_server_that_is_deaf_to_an_order_to_end_is_killed_before_the_stop_has_no_time_left() {
    let machine = Machine::new();
    let mut server = hold_data(&machine, "ibdata1", "deaf");
    let begun = Instant::now();
    let limit = Duration::from_secs(20);
    let mut stop = machine.agent("stop", &[("OCF_RESKEY_CRM_meta_timeout", "20000")]);
    let answer = run(stop.timeout(limit * 2));
    let took = begun.elapsed();
    assert_eq!(answer.code, Some(0), "{}", answer.stderr);
    assert!(took < limit, "{took:.1?}");
    let ended = server.wait().unwrap();
    assert_eq!(ended.signal(), Some(libc::SIGKILL));
}

/// As for a server in a container on the same data: this test holds the lock, and the agent cannot see it.
#[test]
fn a_stop_that_cannot_prove_the_end_fails_and_a_monitor_in_doubt_does_not_say_stopped() {
    if !available(is_root(), "root") {
        return;
    }
    let machine = Machine::new();
    let data = File::create(machine.path("data/ibdata1")).unwrap();
    let lock = libc::flock {
        l_type: libc::F_WRLCK as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    fcntl(&data, FcntlArg::F_SETLK(&lock)).unwrap();
    for action in ["stop", "monitor"] {
        let mut inside = bare("/usr/bin/unshare");
        inside.args(["--pid", "--fork", "--mount-proc", AGENT, action]);
        inside.env("OCF_RESOURCE_INSTANCE", "galera-rs-cli-test");
        inside.env("OCF_RESKEY_datadir", machine.path("data"));
        inside.env("OCF_RESKEY_config", machine.path("my.cnf"));
        let answer = run(&mut inside);
        assert_eq!(answer.code, Some(1), "{action}: {}", answer.stderr);
        let said = reasons(&answer);
        assert!(
            said.len() == 1 && said[0].contains("ibdata1: locked by a process"),
            "{action}: {said:?}"
        );
    }
}

#[test]
fn a_node_without_a_cluster_starts_nothing_where_there_may_be_another() {
    let alone = ("GALERA_RS_ALONE", "~/alone");
    let own = ("OCF_RESKEY_wsrep_cluster_address", "gcomm://n1");
    let by_cluster = ("OCF_RESKEY_CRM_meta_on_node", "n1");
    assert_answer(
        "start",
        &[alone, own, by_cluster],
        1,
        &["GALERA_RS_ALONE", "the cluster called this agent"],
    );
    let name = nix::unistd::gethostname().unwrap();
    let list = format!("gcomm://{},n2", name.to_str().unwrap());
    let others = ("OCF_RESKEY_wsrep_cluster_address", &*list);
    assert_answer("start", &[alone, others], 2, &["may name this node only"]);
}

#[test]
fn validate_all_at_level_0_looks_at_nothing_but_the_text() {
    for level in [&[][..], &[("OCF_CHECK_LEVEL", "0")]] {
        let missing = [
            ("OCF_RESKEY_config", "~/missing.cnf"),
            ("OCF_RESKEY_datadir", "~/missing"),
            ("OCF_RESKEY_binary", "~/missing"),
            ("OCF_RESKEY_enable_creation", "true"),
        ];
        let machine = Machine::new();
        let answer = machine.answer("validate-all", &[level, &missing].concat());
        assert_eq!(answer.code, Some(0), "{}", answer.stderr);
        assert!(!Path::new(&machine.path("missing")).exists());
    }
}

#[test]
fn validate_all_at_level_10_looks_at_the_node() {
    if !available(is_root(), "root") {
        return;
    }
    let assert_answer = |action: &str, env: &[(&str, &str)], code: i32, reason: &[&str]| {
        let answer = run(&mut Machine::new().cut_off(action, env));
        assert_answered(&answer, action, env, code, reason);
    };
    let deep = ("OCF_CHECK_LEVEL", "10");
    let node = ("OCF_RESKEY_CRM_meta_on_node", "n1");
    let list = ("OCF_RESKEY_wsrep_cluster_address", "gcomm://n1,n2,n3");
    assert_answer(
        "validate-all",
        &[deep, node],
        2,
        &["wsrep_cluster_address is not set", "gcomm://"],
    );
    let unknown = "gcomm://n10.invalid,n2,n3";
    assert_answer(
        "validate-all",
        &[deep, node, ("OCF_RESKEY_wsrep_cluster_address", unknown)],
        1,
        &["cannot resolve n10.invalid", "cluster_host_map"],
    );
    let other = "gcomm://203.0.113.10,203.0.113.2,203.0.113.3";
    let other = ("OCF_RESKEY_wsrep_cluster_address", other);
    assert_answer(
        "validate-all",
        &[deep, node, other],
        2,
        &["n1 is not in", "cluster_host_map"],
    );
    let binary = ("OCF_RESKEY_binary", "~/missing");
    assert_answer(
        "validate-all",
        &[deep, node, list, binary],
        5,
        &["/missing"],
    );
}

#[test]
fn a_password_is_never_shown_whatever_happens() {
    let secret = "hunter2-correct-horse";
    let password = ("OCF_RESKEY_check_passwd", secret);
    let actions = [
        "start",
        "stop",
        "monitor",
        "promote",
        "demote",
        "notify",
        "reload-agent",
        "validate-all",
    ];
    for bad in [
        ("A", "b"),
        ("OCF_RESKEY_enable_creation", "perhaps"),
        ("OCF_CHECK_LEVEL", "10"),
    ] {
        for action in actions {
            let answer = Machine::new().answer(action, &[password, bad, ("PATH", "/missing")]);
            let all = answer.stdout + &answer.stderr;
            assert!(!all.contains("hunter2"), "{action}: {all}");
        }
    }
}

#[test]
fn by_hand_without_a_cluster_says_that_there_is_none() {
    let answer = run(bare(AGENT).arg("monitor"));
    assert_eq!(reasons(&answer).len(), 1, "{}", answer.stderr);
    assert!(
        answer.stderr.contains("running cluster"),
        "{}",
        answer.stderr
    );
}
