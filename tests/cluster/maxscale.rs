//! MaxScale under Pacemaker: the shipped examples, the use cases of the founding document, and its faults.
//!
//! With the stand-in of `tests/maxscale`, or the MaxScale of `MAXSCALE=/path/to/maxscale` behind which a Galera cluster then
//! runs; what only the stand-in can play is left out with that.

use std::path::Path;
use std::time::Duration;

use crate::harness::{Lab, Node, Output, SINGLE_WRITER, on_all};

const STEP: Duration = Duration::from_secs(40);

const GROUP: &str = "crm-examples/maxscale-group-vip.crm";
const PROMOTABLE: &str = "crm-examples/maxscale-promotable-vip.crm";
const CLONE: &str = "crm-examples/maxscale-clone-vip.crm";

const CONFIGURATION: &str = "[maxscale]
threads=1
[Server-1]
type=server
address=node1
port=3306
[Server-2]
type=server
address=node2
port=3306
[Monitor]
type=monitor
module=galeramon
servers=Server-1,Server-2
user=w
password=w
monitor_interval=500ms
[RW]
type=service
router=readwritesplit
servers=Server-1,Server-2
user=w
password=w
[Listener]
type=listener
service=RW
address=0.0.0.0
port=4006
";

/// How the list of failures names them.
const FAILED_MONITOR: &str = "maxscale 1000ms-interval monitor on";
const FAILED_START: &str = "maxscale start on";

const ALL_DOWN: &str = r#"{"down": ["Server-1", "Server-2"]}"#;

/// "start, start again, stop, stop again, status in both states, kill -9 then restarted in place, failed start then placed
/// elsewhere, cleanup, VIP together with MaxScale"
#[test]
fn maxscale_in_a_group_with_its_address_is_started_stopped_restarted_in_place_and_placed_elsewhere()
{
    let Some(lab) = with_maxscale() else { return };
    load(&lab, GROUP);
    let home = together(&lab, "the first start");
    let life = lab.node(home).maxscale_life();
    lab.crm("resource start proxy");
    lab.settle();
    assert_eq!(lab.node(home).maxscale_life(), life, "started again");
    status(&lab, home);
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

    if real().is_none() {
        backends_down(&lab, home);
    }
    failed_start(&lab);
    assert_eq!(fenced(&lab), "", "nobody was fenced");
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

/// The unit of systemd is enabled: start would refuse, and the monitor of what runs says why.
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
}

/// The same tables as `maxctrl`, and JSON.
fn status(lab: &Lab, home: u8) {
    let shown = lab.node(home).by_hand("status");
    assert_eq!(shown.code, 0, "{shown:?}");
    assert!(shown.stdout.starts_with("Running\n┌"), "{shown:?}");
    assert!(
        shown.stdout.contains("│ RW      │ readwritesplit │"),
        "{shown:?}"
    );
    let json = lab.node(home).by_hand("monitor --json");
    let parsed: serde_json::Value = serde_json::from_str(&json.stdout).expect("JSON");
    assert_eq!(parsed["services"][0]["service"], "RW");
}

#[test]
fn the_active_maxscale_has_the_address_and_one_that_cannot_route_loses_both() {
    let Some(lab) = with_maxscale() else { return };
    // An earlier life has left all of them active.
    on_all(&lab, |node| node.leave_passive(false));
    load(&lab, PROMOTABLE);
    let mut active = beside(&lab, 0, "the first start");
    assert_eq!(passives(&lab).len(), 2, "what was left over does not count");

    forgotten(&lab, active);
    refused(&lab, active);
    kill(&lab, active);
    lab.wait("somebody active", STEP, || promoted(&lab).len() == 1);
    active = beside(&lab, 0, "kill -9");

    lab.node(active).ok("pkill -STOP -x maxscale");
    lab.wait("the hung one to be found", STEP, || {
        lab.crm_mon().contains("is held, by SIGSTOP")
    });
    active = beside(&lab, 0, "SIGSTOP");
    lab.crm("resource cleanup maxscale");
    lab.settle();

    if real().is_none() {
        for (state, words) in [
            (
                r#"{"deaf": true}"#,
                "REST API at http://127.0.0.1:8989 does not answer",
            ),
            (
                r#"{"frozen": true}"#,
                "monitor Monitor has not looked at its servers for",
            ),
        ] {
            lab.node(active).play(state);
            told(&lab, words);
            lab.node(active).play("{}");
            active = beside(&lab, 0, state);
            lab.crm("resource cleanup maxscale");
            lab.settle();
        }
        // Nothing is restarted, and the role goes at once.
        let life = lab.node(active).maxscale_life();
        lab.node(active).play(ALL_DOWN);
        let next = beside(&lab, active, "the loss of all servers on one node");
        assert_eq!(
            lab.node(active).maxscale_life(),
            life,
            "a restart helps nobody"
        );
        assert!(
            lab.crm_mon().contains("service RW has no usable server"),
            "{}",
            lab.crm_mon()
        );
        // Nobody can: nobody is promoted, until somebody can again.
        on_all(&lab, |node| node.play(ALL_DOWN));
        lab.wait("nobody active", STEP, || promoted(&lab).is_empty());
        lab.node(next).play("{}");
        assert_eq!(beside(&lab, 0, "the return of the servers"), next);
    }
    assert_eq!(passives(&lab).len(), 2);
    assert_eq!(fenced(&lab), "", "nobody was fenced");
}

/// As after a restart of Pacemaker under a MaxScale that goes on: the score is told again when it has looked.
fn forgotten(lab: &Lab, active: u8) {
    let k = passives(lab)[0];
    let score = format!("crm_attribute -N node{k} -l reboot -n master-maxscale");
    lab.any().ok(&format!("{score} --delete"));
    lab.crm("resource refresh maxscale");
    lab.wait("the score", STEP, || {
        let told = lab.any().run(&format!("{score} --query --quiet"));
        told.stdout.trim() == "100"
    });
    assert_eq!(beside(lab, 0, "a refresh"), active);
}

/// The account was changed behind the agent's back: clients are served, and nothing is moved.
fn refused(lab: &Lab, active: u8) {
    let life = lab.node(active).maxscale_life();
    lab.node(active).know("admin", "wrong");
    told(lab, "refuses the account");
    lab.node(active).know("admin", "mariadb");
    lab.crm("resource cleanup maxscale");
    lab.settle();
    assert!(!lab.crm_mon().contains("refuses the account"));
    assert_eq!(beside(lab, 0, "the right account"), active);
    assert_eq!(lab.node(active).maxscale_life(), life);
}

#[test]
fn the_address_is_beside_a_healthy_maxscale_of_a_clone() {
    let Some(lab) = with_maxscale() else { return };
    load(&lab, CLONE);
    let mut home = healthy(&lab, 0, "the first start");
    kill(&lab, home);
    home = healthy(&lab, home, "kill -9");
    lab.node(home).order("PUT", "listeners/Listener/stop");
    told(&lab, "listener Listener is Stopped");
    home = healthy(&lab, home, "the end of a listener");
    if real().is_none() {
        lab.crm("resource cleanup maxscale");
        lab.settle();
        lab.node(home).play(r#"{"unbound": ["Listener"]}"#);
        kill(&lab, home);
        let next = healthy(&lab, home, "kill -9 again");
        lab.crm("resource cleanup maxscale");
        told(&lab, "listener Listener at 127.0.0.1:4006 does not serve");
        assert_eq!(healthy(&lab, home, "a port that is not bound"), next);
    }
    assert_eq!(fenced(&lab), "", "nobody was fenced");
}

/// The real MaxScale to test, if one is given.
fn real() -> Option<String> {
    std::env::var("MAXSCALE").ok()
}

/// Three nodes with MaxScale, and nothing configured.
fn with_maxscale() -> Option<Lab> {
    let lab = Lab::with_agent()?;
    let lab = match real() {
        Some(_) => lab.serving(SINGLE_WRITER)?,
        None => lab,
    };
    stand_in(&lab);
    on_all(&lab, |node| {
        node.ok("useradd --system --no-create-home maxscale && mkdir -p /opt/maxscale");
        let program = real().unwrap_or_else(|| "/opt/maxscale/maxscale".to_owned());
        node.ok("cp -a /run/lab/maxscale/. /opt/maxscale");
        node.ok(&format!("ln -sf {program} /usr/bin/maxscale"));
        node.configure_maxscale();
        node.know("admin", "mariadb");
    });
    Some(lab)
}

/// Where every node finds the stand-in.
fn stand_in(lab: &Lab) {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shared = lab.shared().join("maxscale");
    std::fs::create_dir_all(shared.join("answers")).unwrap();
    for (source, target) in [
        ("tests/maxscale/standin", shared.clone()),
        ("tests/fixtures/maxscale", shared.join("answers")),
    ] {
        for file in std::fs::read_dir(here.join(source)).unwrap() {
            let file = file.unwrap();
            if file.path().is_file() {
                std::fs::copy(file.path(), target.join(file.file_name())).unwrap();
            }
        }
    }
}

/// An example as it is shipped, but for the address, and with monitors that need not be waited for.
fn load(lab: &Lab, example: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(example);
    let text = std::fs::read_to_string(path).unwrap();
    for needed in ["ip=192.0.2.10 ", "interval=5s "] {
        assert!(text.contains(needed), "{needed} in {example}");
    }
    let text = text
        .replace("ip=192.0.2.10 ", "ip=192.0.2.10/24@eth0 ")
        .replace("interval=5s ", "interval=1s ")
        .replace("interval=6s ", "interval=2s ")
        .replace("op start timeout=120s", "op start timeout=12s")
        .replace(
            "ocf:galera-rs:maxscale-rs",
            "ocf:galera-rs:maxscale-rs params stall_timeout=3s rest_timeout=2s admin_credentials=/etc/maxscale.rest",
        );
    lab.load_crm_text(&text);
    lab.settle();
}

fn kill(lab: &Lab, k: u8) {
    lab.node(k).ok("pkill -KILL -x maxscale");
}

fn with_role(lab: &Lab, resource: &str, role: &str) -> Vec<u8> {
    let roles = lab.roles(resource).into_iter();
    roles
        .filter_map(|(k, has)| (has == role).then_some(k))
        .collect()
}

fn promoted(lab: &Lab) -> Vec<u8> {
    with_role(lab, "maxscale", "Promoted")
}

/// The nodes on which a MaxScale runs.
fn lives(lab: &Lab) -> Vec<u8> {
    let running = lab.nodes().filter(|node| !node.maxscale_life().is_empty());
    running.map(|node| node.number()).collect()
}

/// Waits until MaxScale and address are on one node, and nowhere else.
fn together(lab: &Lab, after: &str) -> u8 {
    let mut home = 0;
    lab.wait(
        &format!("MaxScale beside its address after {after}"),
        STEP,
        || {
            let [maxscale, vip] = ["maxscale", "vip"].map(|name| with_role(lab, name, "Started"));
            home = vip.first().copied().unwrap_or(0);
            vip.len() == 1
                && maxscale == vip
                && lives(lab) == vip
                && lab.node(home).has_proxy_address()
        },
    );
    lab.settle();
    home
}

/// Waits until the address is beside the one active MaxScale, on another node than `not`, and the others are passive.
fn beside(lab: &Lab, not: u8, after: &str) -> u8 {
    let mut home = 0;
    lab.wait(
        &format!("an active MaxScale with the address after {after}"),
        STEP,
        || {
            let (active, vip) = (promoted(lab), with_role(lab, "vip", "Started"));
            home = vip.first().copied().unwrap_or(0);
            let one = vip.len() == 1
                && active == vip
                && home != not
                && lab.node(home).has_proxy_address();
            one && lives(lab).len() == 3 && !passives(lab).contains(&home)
        },
    );
    lab.settle();
    home
}

/// Waits until the address is beside a MaxScale that runs, on another node than `not`.
fn healthy(lab: &Lab, not: u8, after: &str) -> u8 {
    let mut home = 0;
    lab.wait(
        &format!("the address beside a healthy MaxScale after {after}"),
        STEP,
        || {
            let (vip, running) = (
                with_role(lab, "vip", "Started"),
                with_role(lab, "maxscale", "Started"),
            );
            home = vip.first().copied().unwrap_or(0);
            vip.len() == 1
                && home != not
                && running.contains(&home)
                && lab.node(home).has_proxy_address()
        },
    );
    lab.settle();
    home
}

/// The nodes whose MaxScale is passive.
fn passives(lab: &Lab) -> Vec<u8> {
    let passive = lab.nodes().filter(|node| node.is_passive());
    passive.map(|node| node.number()).collect()
}

fn told(lab: &Lab, words: &str) {
    lab.wait(&format!("the cluster to be told: {words}"), STEP, || {
        lab.crm_mon().contains(words)
    });
}

/// What the power switch was told to do, other than to be asked.
fn fenced(lab: &Lab) -> String {
    let log = lab.fence_log();
    let acts = log
        .lines()
        .filter(|line| line.contains(" off ") || line.contains(" reboot "));
    acts.collect::<Vec<_>>().join("\n")
}

impl Node<'_> {
    fn configure_maxscale(&self) {
        let root = self.root().expect("a node that is on");
        std::fs::write(root.join("etc/maxscale.cnf"), CONFIGURATION).unwrap();
    }

    /// The account that the agent uses.
    fn know(&self, user: &str, password: &str) {
        let file = "/etc/maxscale.rest";
        self.ok(&format!(
            "umask 077 && printf 'user={user}\\npassword={password}\\n' >{file}"
        ));
    }

    /// Tells the stand-in what its surroundings are like.
    fn play(&self, json: &str) {
        let root = self.root().expect("a node that is on");
        std::fs::write(root.join("etc/maxscale.cnf.standin"), json).unwrap();
    }

    /// What a change through the REST API leaves for the next life.
    fn leave_passive(&self, passive: bool) {
        let directory = "/var/lib/maxscale/maxscale.cnf.d";
        self.ok(&format!(
            "mkdir -p {directory} && printf '[maxscale]\\npassive={passive}\\n' >{directory}/maxscale.cnf && \
             chown -R maxscale /var/lib/maxscale"
        ));
    }

    /// The process; empty without one.
    fn maxscale_life(&self) -> String {
        let running = "ps -o stat=,pid= -C maxscale | awk '$1 !~ /Z/ {print $2}'";
        self.run(running).stdout.trim().to_owned()
    }

    fn has_proxy_address(&self) -> bool {
        self.run("ip -4 addr show dev eth0")
            .stdout
            .contains("192.0.2.10/24")
    }

    fn by_hand(&self, words: &str) -> Output {
        self.run(&format!("/usr/sbin/maxscale-rs {words}"))
    }

    fn rest(&self, method: &str, path: &str) -> Output {
        let script = "import sys,urllib.request as u,base64 as b\n\
                      r=u.Request(\"http://127.0.0.1:8989/v1/\"+sys.argv[2],method=sys.argv[1])\n\
                      r.add_header(\"Authorization\",\"Basic \"+b.b64encode(b\"admin:mariadb\").decode())\n\
                      print(u.urlopen(r,timeout=2).read().decode())";
        self.run(&format!("python3 -c '{script}' {method} {path}"))
    }

    fn order(&self, method: &str, path: &str) {
        self.rest(method, path).ok();
    }

    fn is_passive(&self) -> bool {
        self.rest("GET", "maxscale")
            .stdout
            .contains("\"passive\": true")
    }
}
