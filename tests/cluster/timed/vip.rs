//! Addresses in a cluster: they go where their service goes, at once, and are on one node at a time.

use std::net::Ipv4Addr;
use std::thread;
use std::time::{Duration, Instant};

use crate::harness::{Answers, Lab, Node, STEP, median, on_two_nodes, repository_file};

/// Short: every second of it is waited for twenty times.
const TOKEN: Duration = Duration::from_millis(500);

/// Addresses of our agent and of the peer's, always on one node. The peer's comes first; however busy the machine is,
/// Pacemaker does not wait for its start before it begins ours.
const BESIDE: &str = "
property load-threshold=0%
primitive theirs ocf:heartbeat:IPaddr2 params ip=THEIRS op monitor interval=5s timeout=20s
primitive ours ocf:galera-rs:vip-rs params ip=OURS op monitor interval=5s timeout=20s
colocation together inf: ours theirs
";

/// What befalls the node that has the addresses.
#[derive(Debug, Clone, Copy)]
enum Fault {
    /// Power cut.
    Crash,
    /// Cut from the others, healed when the addresses are elsewhere.
    Cut,
    /// Cut from the others, healed after so many milliseconds: before they miss it, while they do, or after.
    Blink(u64),
}

/// Twenty crashes, cuts and heals: 6, 7 and 7.
const FAULTS: [Fault; 13] = [
    Fault::Crash,
    Fault::Cut,
    Fault::Blink(300),
    Fault::Crash,
    Fault::Blink(700),
    Fault::Cut,
    Fault::Crash,
    Fault::Blink(1100),
    Fault::Crash,
    Fault::Cut,
    Fault::Crash,
    Fault::Blink(1500),
    Fault::Crash,
];

#[test]
fn an_address_moves_no_later_than_the_peers_and_is_never_on_two_nodes() {
    let lab = Lab::up_with(3, TOKEN).and_then(Lab::equipped);
    let Some(lab) = lab else { return };
    let ips = [lab.free_address(101), lab.free_address(102)];
    let [ours, theirs] = ips.map(|ip| ip.to_string());
    lab.load_crm_text(&BESIDE.replace("OURS", &ours).replace("THEIRS", &theirs));
    let (moves, seen) = lab.seen_from_outside(&ips, |answers| {
        let moves = FAULTS.map(|fault| suffer(&lab, answers, ips, fault));
        moves.into_iter().flatten().collect::<Vec<_>>()
    });
    let rounds = seen.last().unwrap().round;
    eprintln!("asked {rounds} times, {} answers", seen.len());
    assert_eq!(on_two_nodes(&seen), []);
    let [ours, theirs] = [0, 1].map(|at| median(moves.iter().map(|took| took[at]).collect()));
    eprintln!(
        "RATIO node of the address lost: answers from another after {ours:.2?}, IPaddr2 {theirs:.2?}"
    );
    assert!(ours <= theirs, "{moves:.2?}");
    without_fencing_two_nodes_have_it_and_that_is_seen(&lab, ips);
}

/// One fault, and the whole cluster again. How long it took until each address answered from another node.
fn suffer(lab: &Lab, answers: &Answers, ips: [Ipv4Addr; 2], fault: Fault) -> Option<[Duration; 2]> {
    let victim = settled(lab, answers, ips);
    let begun = Instant::now();
    match fault {
        Fault::Crash => lab.crash(victim),
        Fault::Cut => lab.cut(victim),
        Fault::Blink(ms) => {
            lab.cut(victim);
            thread::sleep(Duration::from_millis(ms));
            lab.heal(victim);
            return None;
        }
    }
    let elsewhere = || ips.map(|ip| answers.elsewhere(ip, victim, begun));
    lab.wait("both addresses elsewhere", STEP, || {
        elsewhere().iter().all(Option::is_some)
    });
    lab.heal(victim);
    let took = elsewhere().map(|answer| answer.unwrap().at - begun);
    eprintln!("{fault:?} of node {victim}: {took:.2?}");
    Some(took)
}

/// Waits for all nodes and for both addresses; the node that has them.
fn settled(lab: &Lab, answers: &Answers, ips: [Ipv4Addr; 2]) -> u8 {
    let mut holder = None;
    let took = lab.wait("all nodes, and the addresses on one of them", STEP, || {
        let [ours, theirs] = ips.map(|ip| answers.holders(ip));
        holder = ours
            .first()
            .copied()
            .filter(|_| ours.len() == 1 && ours == theirs);
        holder.is_some() && lab.ready()
    });
    eprintln!("settled after {took:.2?}");
    holder.unwrap()
}

/// The watch is worth something: it sees two nodes with one address where there are two.
fn without_fencing_two_nodes_have_it_and_that_is_seen(lab: &Lab, ips: [Ipv4Addr; 2]) {
    let ((), seen) = lab.seen_from_outside(&ips, |answers| {
        let victim = settled(lab, answers, ips);
        lab.crm("configure property stonith-enabled=false no-quorum-policy=ignore");
        lab.settle();
        lab.cut(victim);
        lab.wait("two nodes with one address", STEP, || {
            ips.iter().any(|ip| answers.holders(*ip).len() == 2)
        });
    });
    assert_ne!(on_two_nodes(&seen), []);
}

#[test]
fn the_examples_move_their_addresses_with_what_they_belong_to() {
    let Some(lab) = Lab::with_agent() else { return };
    lab.prepare_history(&[]);
    let [writer, reader1, reader2] = [100, 101, 102].map(|last| lab.free_address(last));
    let net = lab.free_address(0).to_string();
    let addresses = format!("ip={}10", net.trim_end_matches('0'));
    let load = |example: &str| {
        let text = repository_file(example);
        assert!(text.contains("ip=192.0.2.1"), "{text}");
        lab.load_crm_text(&text.replace("ip=192.0.2.1", &addresses));
    };
    load("crm-examples/vip-with-writer.crm");
    lab.wait_in_service("the first start");
    let ((), seen) = lab.seen_from_outside(&[writer, reader1, reader2], |answers| {
        with_the_writer(&lab, answers, writer);
        reloaded(&lab, answers, writer);
        load("crm-examples/vip-readers.crm");
        spread(&lab, answers, [reader1, reader2]);
    });
    assert_eq!(on_two_nodes(&seen), []);
    a_cable_that_is_out_bans_nobody(&lab);
}

/// On a network of its own, so that the cluster does not miss the node: the address leaves the node whose cable is out, and
/// comes back when it is in again, without a cleanup.
fn a_cable_that_is_out_bans_nobody(lab: &Lab) {
    const SOFT: &str = "
primitive soft ocf:galera-rs:vip-rs params ip=198.51.100.7/24@cable meta failure-timeout=15s \\
  op start timeout=20s interval=0 op stop timeout=20s interval=0 op monitor interval=1s timeout=20s
";
    for node in lab.nodes() {
        node.ok("ip link add cable type veth peer name plug && ip link set cable up && ip link set plug up");
    }
    lab.load_crm_text(SOFT);
    let holders = || -> Vec<u8> {
        let has = |node: &Node<'_>| node.run("ip -o address").stdout.contains("198.51.100.7/24");
        lab.nodes().filter(has).map(|node| node.number()).collect()
    };
    lab.wait("the address on a cable", STEP, || holders().len() == 1);
    let victim = holders()[0];
    lab.node(victim).ok("ip link set plug down");
    lab.wait("the cable that is out to be told", STEP, || {
        lab.crm_mon().contains("device cable is LOWERLAYERDOWN")
    });
    lab.wait("the address on another cable", STEP, || {
        holders().len() == 1 && holders() != [victim]
    });
    lab.node(victim).ok("ip link set plug up");
    lab.any()
        .ok(&format!("crm_resource -r soft --move -N node{victim}"));
    lab.wait("the address back", STEP, || holders() == [victim]);
}

/// The address is where the writer is, and nowhere else.
fn is_with_writer(lab: &Lab, answers: &Answers, address: Ipv4Addr) -> bool {
    let promoted = lab.promoted();
    promoted.len() == 1 && answers.holders(address).into_iter().eq(promoted)
}

/// The writer's server dies, and then its role is moved in order: clients need the address alone.
fn with_the_writer(lab: &Lab, answers: &Answers, address: Ipv4Addr) {
    let with_writer = || is_with_writer(lab, answers, address);
    lab.wait("the address at the writer", STEP, with_writer);
    let client = lab.writer(&[&address.to_string()], 50);
    lab.rows_flow(1);
    let victim = lab.promoted()[0];
    let killed = Instant::now();
    lab.kill_server(victim);
    let elsewhere = || answers.elsewhere(address, victim, killed);
    lab.wait("the address elsewhere", STEP, || elsewhere().is_some());
    let moved = elsewhere().unwrap().at - killed;
    eprintln!(
        "the writer's server killed: its address answers from another node after {moved:.2?}"
    );
    lab.rows_flow(1);
    lab.wait_in_service("the writer's server killed");
    lab.wait("the address with the new writer", STEP, with_writer);
    lab.any().ok(&format!(
        "crm_resource -r db-clone --move --promoted -N node{victim}"
    ));
    lab.wait("the address back", STEP, || {
        lab.promoted() == [victim] && with_writer()
    });
    lab.rows_flow(1);
    lab.any().ok("crm_resource -r db-clone --clear");
    lab.settle();
    lab.wait("the address where it was", STEP, with_writer);
    for node in lab.nodes() {
        let has = node.number() == victim;
        let monitor = node.run("/usr/sbin/vip-rs monitor");
        assert_eq!(monitor.code, if has { 0 } else { 7 }, "{monitor:?}");
        let told = node.run("/usr/sbin/vip-rs status").stdout;
        assert_eq!(told.contains(&address.to_string()), has, "{told}");
    }
    let report = client.finish();
    eprintln!(
        "longest write gap {:.2} s, rows by node {:?}",
        report.longest_gap, report.by_node
    );
    assert_eq!(report.lost, Some(0));
    assert_eq!(report.by_node.len(), 2, "{report:?}");
}

/// A reloadable parameter takes effect without a restart.
fn reloaded(lab: &Lab, answers: &Answers, address: Ipv4Addr) {
    lab.any().ok("crm_resource -r address -p restore -v true");
    lab.settle();
    let holder = lab.node(lab.promoted()[0]);
    let log = holder.log_text("pacemaker/pacemaker.log");
    assert!(
        log.contains("Result of reload-agent operation for address on"),
        "{log}"
    );
    holder.ok(&format!("ip address del {address}/24 dev eth0"));
    lab.wait("the address gone", STEP, || {
        answers.holders(address).is_empty()
    });
    lab.wait("the address put back", STEP, || {
        is_with_writer(lab, answers, address)
    });
    assert!(
        !lab.crm_mon().contains("address_monitor"),
        "{}",
        lab.crm_mon()
    );
}

/// Two addresses for readers: on two nodes without the writer's; away from one that is desynced, and from one that is
/// dead; back when all is well.
fn spread(lab: &Lab, answers: &Answers, ips: [Ipv4Addr; 2]) {
    let holders = || -> Vec<u8> { ips.iter().flat_map(|ip| answers.holders(*ip)).collect() };
    let apart = || {
        let (mut held, mut readers) = (holders(), lab.unpromoted());
        held.sort_unstable();
        readers.sort_unstable();
        held == readers
    };
    lab.wait("an address on each reader", STEP, apart);
    let slow = lab.node(holders()[0]);
    slow.sql("set global wsrep_desync = on").unwrap();
    let left = |node: u8| move || holders().len() == 2 && !holders().contains(&node);
    lab.wait("no address on a desynced node", STEP, left(slow.number()));
    slow.sql("set global wsrep_desync = off").unwrap();
    lab.wait("an address on each reader again", STEP, apart);
    let victim = holders()[1];
    let crashed = Instant::now();
    lab.crash(victim);
    let elsewhere = || answers.elsewhere(ips[1], victim, crashed);
    lab.wait("the address elsewhere", STEP, || elsewhere().is_some());
    let moved = elsewhere().unwrap().at - crashed;
    eprintln!("the reader's node lost: its address answers from another node after {moved:.2?}");
    lab.wait_in_service("a reader lost");
    lab.wait("an address on each reader at last", STEP, apart);
}
