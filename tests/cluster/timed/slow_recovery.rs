//! The background job recovers: nobody waits for it.

use std::time::{Duration, Instant};

use crate::harness::{
    Lab, Node, SINGLE_WRITER, STEP, full_transfers, lives, measured_until, median,
};

/// How long a recovery takes that has much to replay, in seconds: several times what a takeover takes.
const SLOW: u32 = 60;

/// Takeovers of each kind. One alone takes 0.5 or 1 s, as Galera's group forms in one step or in two.
const ROUNDS: usize = 3;

/// How much longer a takeover may take beside a slow recovery than beside a quick one, at the median. One that waited for
/// the recovery would take fifty times as long.
const RATIO: f64 = 2.0;

/// A start is given this long, in milliseconds.
const AT_ONCE: u64 = 2000;

/// Attempts to found the cluster that come to nothing: time and node.
const ATTEMPTS: &str = "attempts";

/// Deaths of a server that serves for half a second only: times.
const DEATHS: &str = "deaths";

/// The server, except that it founds no cluster while there is a file `attempts`, that a recovery holds the
/// data for as many seconds as a file says, as if it had so much to replay, and that while there is a file `deaths` it dies
/// soon after it is Synced.
const SERVER: &str = r#"#!/usr/bin/python3
import fcntl, os, signal, subprocess, sys, time
slow = "/run/lab/slow-" + os.uname().nodename
if "--wsrep-recover" in sys.argv and os.path.exists(slow):
    data = open("/var/lib/mysql/ibdata1", "r+b")
    fcntl.lockf(data, fcntl.LOCK_EX | fcntl.LOCK_NB)
    time.sleep(float(open(slow).read()))
attempts = "/run/lab/attempts"
if "--wsrep-new-cluster" in sys.argv and os.path.exists(attempts):
    with open(attempts, "a") as log:
        print(time.monotonic(), os.uname().nodename, file=log)
    sys.exit(1)
deaths = "/run/lab/deaths-" + os.uname().nodename
server = os.getpid()
asked = ["mariadb", "-NBe", "select variable_value from information_schema.global_status where variable_name = 'wsrep_local_state_comment'"]
if os.path.exists(deaths) and "--wsrep-recover" not in sys.argv and "--help" not in sys.argv and os.fork() == 0:
    os.setsid()
    while os.getppid() == server:
        if subprocess.run(asked, capture_output=True, text=True).stdout.strip() == "Synced":
            time.sleep(0.5)
            os.kill(server, signal.SIGKILL)
            with open(deaths, "a") as log:
                print(time.monotonic(), file=log)
            break
        time.sleep(0.1)
    os._exit(0)
os.execv("/usr/sbin/mariadbd", ["/usr/sbin/mariadbd"] + sys.argv[1:])
"#;

const ADDRESS: &str = "
primitive address ocf:heartbeat:IPaddr2 params ip=10.200.0.1 cidr_netmask=32 nic=lo op monitor interval=10s timeout=20s
colocation address-with-writer inf: address db-clone:Promoted
";

#[test]
fn a_slow_recovery_holds_up_neither_the_promotion_of_a_survivor_nor_its_address() {
    let Some(lab) = Lab::in_service(SINGLE_WRITER) else {
        return;
    };
    std::fs::write(lab.shared().join("server"), SERVER).expect("the shared directory");
    for node in lab.nodes() {
        node.ok("install -m 755 /run/lab/server /usr/local/sbin/slow-mariadbd");
    }
    lab.load_crm_text(ADDRESS);
    let before = lives(&lab);
    lab.any()
        .ok("crm_resource -r db -p binary -v /usr/local/sbin/slow-mariadbd");
    lab.wait("the restart of all servers", STEP, || {
        lives(&lab)
            .iter()
            .zip(&before)
            .all(|(now, before)| now != before)
    });
    lab.wait_in_service("another server program");
    takeover(&lab, 0); // the first one finds cold caches
    let pair = || (takeover(&lab, 0), takeover(&lab, SLOW));
    let pairs = measured_until(ROUNDS, pair, as_fast);
    eprintln!(
        "RATIO writer killed, (promotion, address) elsewhere: (quick recovery, one of {SLOW} s): {pairs:.2?}"
    );
    assert!(as_fast(&pairs), "promotion or address waited");
    failed_promotions_are_spaced(&lab);
    deaths_soon_after_the_service_began_are_spaced(&lab);
}

/// Whether promotion and address were as fast beside a slow recovery (the second of each pair) as beside a quick one.
fn as_fast(pairs: &[(Takeover, Takeover)]) -> bool {
    let of_all = |figure: fn(&(Takeover, Takeover)) -> Duration| {
        median(pairs.iter().map(figure).collect()).as_secs_f64()
    };
    let promoted = of_all(|pair| pair.1.0) <= RATIO * of_all(|pair| pair.0.0);
    promoted && of_all(|pair| pair.1.1) <= RATIO * of_all(|pair| pair.0.1)
}

/// A server that comes up and dies at once, again and again: each restart waits longer than the one before.
fn deaths_soon_after_the_service_began_are_spaced(lab: &Lab) {
    let mortal = lab.unpromoted()[0];
    let file = lab.shared().join(format!("{DEATHS}-node{mortal}"));
    std::fs::write(&file, "").expect("the shared directory");
    lab.kill_server(mortal);
    let deaths = || {
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        let times = text.lines().filter_map(|line| line.parse::<f64>().ok());
        times.collect::<Vec<_>>()
    };
    lab.wait("five deaths", 2 * STEP, || deaths().len() >= 5);
    let all = deaths();
    std::fs::remove_file(&file).expect("the shared directory");
    eprintln!("deaths soon after Synced: {all:.1?}");
    for (pair, pause) in all.windows(2).zip([1.0, 2.0, 4.0, 8.0]) {
        assert!(pair[1] - pair[0] >= pause, "{all:?}");
    }
    lab.crm("resource cleanup db"); // the next pause is the longest
    lab.wait_in_service("a server that died again and again");
}

/// The server of the elected node ends whenever it is to found the cluster: each attempt waits longer than the one
/// before, though the cluster restarts the resource each time.
fn failed_promotions_are_spaced(lab: &Lab) {
    let file = lab.shared().join(ATTEMPTS);
    std::fs::write(&file, "").expect("the shared directory");
    for node in lab.nodes() {
        node.ok("rm -f /var/lib/mysql/gvwstate.dat");
    }
    lab.kill_all_servers();
    let attempts = || {
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        let lines = text.lines().filter_map(|line| line.split_once(' '));
        let lines =
            lines.filter_map(|(time, node)| Some((node.to_owned(), time.parse::<f64>().ok()?)));
        lines.collect::<Vec<_>>()
    };
    lab.wait("four attempts of one node", STEP, || {
        let all = attempts();
        lab.nodes().any(|node| {
            let name = format!("node{}", node.number());
            all.iter().filter(|(by, _)| *by == name).count() >= 4
        })
    });
    let all = attempts();
    eprintln!("failed promotions: {all:.1?}");
    for node in lab.nodes() {
        let name = format!("node{}", node.number());
        let own: Vec<f64> = all
            .iter()
            .filter(|(by, _)| *by == name)
            .map(|(_, at)| *at)
            .collect();
        for (pair, pause) in own.windows(2).zip([1.0, 2.0, 4.0, 8.0, 16.0]) {
            assert!(pair[1] - pair[0] >= pause, "{name}: {own:?}");
        }
    }
    std::fs::remove_file(&file).expect("the shared directory");
    lab.wait_in_service("promotions that failed");
    lab.wait("the failures forgotten", STEP, || {
        let known = |node: Node<'_>| node.run("test -e /run/galera-rs/db/failures.json").code == 0;
        !lab.nodes().any(known)
    });
}

/// Until another node is promoted, and until it has the address.
type Takeover = (Duration, Duration);

/// Kills the writer's server, whose recovery takes so many seconds, and returns how long it takes until another node
/// is promoted, and has the address. The killed one comes back by itself, though its job is killed amid the recovery.
fn takeover(lab: &Lab, recovery: u32) -> Takeover {
    let victim = lab.promoted()[0];
    lab.insert(victim, 1);
    lab.wait("the address beside the writer", STEP, || {
        has_address(lab, victim)
    });
    let marker = lab.shared().join(format!("slow-node{victim}"));
    if recovery > 0 {
        std::fs::write(&marker, recovery.to_string()).expect("the shared directory");
    }
    let marks = lab.error_logs();
    let start = Instant::now();
    lab.kill_server(victim);
    let (mut promoted, mut address) = (None, None);
    lab.wait("another writer with the address", STEP, || {
        let others = || (1..=3).filter(|k| *k != victim);
        if address.is_none() && others().any(|k| has_address(lab, k)) {
            address = Some(start.elapsed());
        }
        if promoted.is_none() && lab.promoted().iter().any(|k| *k != victim) {
            promoted = Some(start.elapsed());
        }
        promoted.is_some() && address.is_some()
    });
    if recovery > 0 {
        // It may begin only after the role has gone to another node.
        lab.wait("the recovery", STEP, || recovers(lab, victim));
        std::fs::write(&marker, "0.5").expect("the shared directory");
        lab.node(victim).ok("pkill -9 -f 'galera-rs job$'");
    }
    lab.wait_in_service("a server was killed");
    assert_eq!(full_transfers(&marks), 0, "its position was lost");
    let took = start_time(lab, victim);
    assert!(took <= AT_ONCE, "start took {took} ms");
    let _ = std::fs::remove_file(&marker);
    (promoted.expect("measured"), address.expect("measured"))
}

fn has_address(lab: &Lab, k: u8) -> bool {
    lab.node(k)
        .run("ip -o addr show dev lo | grep -q 10.200.0.1/")
        .code
        == 0
}

fn recovers(lab: &Lab, k: u8) -> bool {
    lab.node(k).run("pgrep -f '[w]srep-recover'").code == 0
}

/// How long the node's last start took, in milliseconds, as the cluster noted it.
fn start_time(lab: &Lab, k: u8) -> u64 {
    let query = format!(
        "cibadmin -Q --xpath \"//node_state[@uname='node{k}']//lrm_resource[@id='db']/lrm_rsc_op[@operation='start']\""
    );
    let operation = lab.any().ok(&query);
    let time = operation.split("exec-time=\"").nth(1);
    let time = time.and_then(|text| text.split('"').next()?.parse().ok());
    time.unwrap_or_else(|| panic!("no time in {operation}"))
}
