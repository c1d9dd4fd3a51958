//! What a healthy monitor costs, beside that of `ocf:heartbeat:galera` on the same node in the same run.

use std::fs;

use crate::harness::{Lab, Node, SINGLE_WRITER};

/// What both agents are told, as by the cluster.
const CLUSTER: &str = "env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin OCF_ROOT=/usr/lib/ocf OCF_RESOURCE_INSTANCE=db \
    OCF_RA_VERSION_MAJOR=1 OCF_RA_VERSION_MINOR=1 HA_LOGFACILITY=daemon OCF_RESKEY_CRM_meta_timeout=20000 \
    OCF_RESKEY_CRM_meta_interval=1000 OCF_RESKEY_CRM_meta_role=Promoted OCF_RESKEY_CRM_meta_promoted_max=1";

/// What the peer needs besides.
const PEER: &str = "OCF_RESOURCE_TYPE=galera OCF_RESKEY_binary=/usr/sbin/mariadbd \
    OCF_RESKEY_datadir=/var/lib/mysql OCF_RESKEY_config=/etc/mysql/my.cnf OCF_RESKEY_check_user=root \
    OCF_RESKEY_socket=/run/mysqld/mysqld.sock OCF_RESKEY_pid=/run/mysqld/mysqld.pid \
    OCF_RESKEY_log=/var/log/mysql/error.log OCF_RESKEY_wsrep_cluster_address=gcomm://node1,node2,node3";

const OURS: &str = "/usr/lib/ocf/resource.d/galera-rs/galera-rs monitor";
const THEIRS: &str = "/usr/lib/ocf/resource.d/heartbeat/galera monitor";

/// A writer in maintenance: the cluster does not ask its server meanwhile.
fn writer(lab: &Lab) -> Node<'_> {
    lab.maintenance(true);
    lab.node(lab.promoted()[0])
}

/// The least of some runs, in microseconds of wall and of CPU time: what else the machine does only adds to them. The
/// largest memory, in KiB.
#[derive(Debug, Clone, Copy)]
struct Cost {
    wall: u64,
    cpu: u64,
    memory: u64,
}

/// What so many promoted monitors cost.
fn cost(node: Node<'_>, runs: u32, environment: &str, agent: &str) -> Cost {
    let said = node.ok(&format!(
        "{CLUSTER} {environment} python3 -IS /run/lab/bench_monitor.py {runs} 8 {agent}"
    ));
    let figures: Vec<u64> = said
        .split_whitespace()
        .map(|figure| figure.parse().unwrap())
        .collect();
    Cost {
        wall: figures[0],
        cpu: figures[1],
        memory: figures[2],
    }
}

#[test]
fn a_healthy_monitor_starts_no_process_and_costs_a_twentieth_of_the_peers_time_and_a_thirtieth_of_its_processor()
 {
    let Some(lab) = Lab::in_service(SINGLE_WRITER) else {
        return;
    };
    let script = include_str!("bench_monitor.py");
    fs::write(lab.shared().join("bench_monitor.py"), script).unwrap();
    let node = writer(&lab);
    starts_no_process(node);
    // In turns, as many of each.
    let rounds: Vec<_> = (1..=30)
        .map(|_| (cost(node, 2, "", OURS), cost(node, 2, PEER, THEIRS)))
        .collect();
    let best = |figure: fn(&(Cost, Cost)) -> u64| rounds.iter().map(figure).min().unwrap();
    let (ours, theirs) = (best(|(ours, _)| ours.wall), best(|(_, peer)| peer.wall));
    let (our_cpu, their_cpu) = (best(|(ours, _)| ours.cpu), best(|(_, peer)| peer.cpu));
    let memory = rounds.iter().map(|(ours, _)| ours.memory).max().unwrap();
    eprintln!("healthy monitor     wall          CPU");
    eprintln!("galera-rs           {ours:6} us     {our_cpu:6} us     at most {memory} KiB");
    eprintln!("heartbeat:galera    {theirs:6} us     {their_cpu:6} us");
    eprintln!(
        "ratio               {:6}        {:6}",
        theirs / ours,
        their_cpu / our_cpu
    );
    assert!(memory < 10 * 1024, "{memory} KiB");
    assert!(theirs >= 20 * ours, "wall");
    assert!(their_cpu >= 30 * our_cpu, "CPU");
}

fn starts_no_process(node: Node<'_>) {
    for level in [0, 10, 20] {
        let calls = node.ok(&format!(
            "{CLUSTER} OCF_CHECK_LEVEL={level} strace -f -e trace=process -o /run/calls {OURS}; \
             test $? = 8 && cat /run/calls"
        ));
        let started = calls.lines().filter(|line| {
            // A thread is no process.
            ["fork(", "execve(", "execveat(", "clone"]
                .iter()
                .any(|call| line.contains(call))
                && !line.contains("CLONE_THREAD")
        });
        // The one is strace's own.
        assert_eq!(started.count(), 1, "level {level}:\n{calls}");
    }
}
