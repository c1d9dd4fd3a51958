//! The clock: a large CIB is read faster than `xmllint` checks it. What is compared is processor time, the least of several
//! looks: others on the machine can only add to it.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

use galera_rs::cib::{Cib, Role};

use crate::fixtures;

const NODES: usize = 1000;
const RESOURCES: usize = 2000;
const LOOKS: usize = 7;

/// One after the other: threads of one process get in each other's way where they ask for memory.
fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// So many nodes, and twice as many resources, each with a history on seven nodes.
fn large(nodes: usize) -> String {
    let mut text = String::with_capacity(11 << 20);
    text += "<cib crm_feature_set=\"3.16.1\" validate-with=\"pacemaker-3.9\" epoch=\"5\" num_updates=\"7\" admin_epoch=\"0\" \
        have-quorum=\"1\" dc-uuid=\"1\">\n  <configuration>\n    <crm_config/>\n    <nodes>\n";
    for node in 1..=nodes {
        writeln!(text, "      <node id=\"{node}\" uname=\"node{node}\"/>").unwrap();
    }
    text += "    </nodes>\n    <resources>\n";
    for number in 0..2 * nodes {
        writeln!(
            text,
            "      <primitive id=\"rsc{number}\" class=\"ocf\" provider=\"pacemaker\" type=\"Dummy\">\n        \
            <instance_attributes id=\"rsc{number}-par\">\n          \
            <nvpair id=\"rsc{number}-par-state\" name=\"state\" value=\"/run/rsc{number}\"/>\n        </instance_attributes>\n        \
            <operations>\n          <op id=\"rsc{number}-mon\" name=\"monitor\" interval=\"10s\" timeout=\"20s\"/>\n        \
            </operations>\n      </primitive>"
        )
        .unwrap();
    }
    text += "    </resources>\n    <constraints/>\n  </configuration>\n  <status>\n";
    for node in 1..=nodes {
        node_state(&mut text, node, 2 * nodes);
    }
    text + "  </status>\n</cib>\n"
}

fn node_state(text: &mut String, node: usize, resources: usize) {
    writeln!(
        text,
        "    <node_state id=\"{node}\" uname=\"node{node}\" in_ccm=\"true\" crmd=\"online\" join=\"member\" expected=\"member\" \
        crm-debug-origin=\"do_state_transition\">\n      <lrm id=\"{node}\">\n        <lrm_resources>"
    )
    .unwrap();
    for place in 0..14 {
        let number = (node * 14 + place) % resources;
        let (operation, rc) = if place % 7 == 0 {
            ("start", 0)
        } else {
            ("monitor", 7)
        };
        let key = format!(
            "{}:3:{rc}:b0a3e1b4-5a6c-4d8e-9f10-0123456789ab",
            node + place
        );
        writeln!(
            text,
            "          <lrm_resource id=\"rsc{number}\" class=\"ocf\" provider=\"pacemaker\" type=\"Dummy\">\n            \
            <lrm_rsc_op id=\"rsc{number}_last_0\" operation_key=\"rsc{number}_{operation}_0\" operation=\"{operation}\" \
            crm-debug-origin=\"build_active_RAs\" crm_feature_set=\"3.16.1\" transition-key=\"{key}\" \
            transition-magic=\"0:{rc};{key}\" exit-reason=\"\" on_node=\"node{node}\" call-id=\"{place}\" rc-code=\"{rc}\" \
            op-status=\"0\" interval=\"0\" last-rc-change=\"1763715{place:03}\" exec-time=\"20\" queue-time=\"0\" \
            op-digest=\"f2317cad3d54cec5d7d7aa7d0bf35cf8\"/>\n          </lrm_resource>"
        )
        .unwrap();
    }
    writeln!(
        text,
        "        </lrm_resources>\n      </lrm>\n      <transient_attributes id=\"{node}\">\n        \
        <instance_attributes id=\"status-{node}\">\n          \
        <nvpair id=\"status-{node}-feature\" name=\"#feature-set\" value=\"3.16.1\"/>\n        </instance_attributes>\n      \
        </transient_attributes>\n    </node_state>"
    )
    .unwrap();
}

/// The processor's time that this thread has had.
fn had() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID)
        .unwrap()
        .into()
}

/// What it costs to read that.
fn cost(text: &str) -> Duration {
    let before = had();
    let cib = Cib::parse(text.as_bytes()).unwrap();
    let cost = had() - before;
    drop(cib);
    cost
}

/// Prints what the command has cost, in microseconds.
const COST: &str = "
import resource, subprocess, sys
subprocess.check_call(sys.argv[1:])
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(round((used.ru_utime + used.ru_stime) * 1000000))
";

/// What it costs `xmllint` to check the file.
fn their_cost(file: &Path) -> Option<Duration> {
    fixtures::program("xmllint")?;
    let mut python = fixtures::program("python3")?;
    python.args(["-c", COST, "xmllint", "--noout"]).arg(file);
    Some(Duration::from_micros(number(&mut python)))
}

/// The number that a program prints.
fn number(program: &mut Command) -> u64 {
    let output = program.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.trim().parse().unwrap()
}

#[test]
fn ten_megabytes_are_read_faster_than_xmllint_checks_them() {
    let _turn = alone();
    let text = large(NODES);
    assert!(
        (9 << 20..12 << 20).contains(&text.len()),
        "{} bytes",
        text.len()
    );
    let cib = Cib::parse(text.as_bytes()).unwrap();
    assert_eq!(
        (cib.nodes().count(), cib.resources().count()),
        (NODES, RESOURCES)
    );
    assert_eq!(
        cib.all_histories()
            .filter(|history| history.role() == Role::Started)
            .count(),
        NODES * 2
    );

    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &text).unwrap();
    // In turn, so that a busy machine slows both.
    let looks = (0..LOOKS).map(|_| (cost(&text), their_cost(file.path())));
    let (ours, theirs): (Vec<_>, Vec<_>) = looks.unzip();
    let (Some(ours), Some(Some(theirs))) = (ours.iter().min(), theirs.iter().min()) else {
        return;
    };
    eprintln!(
        "{} bytes: read in {ours:?}, checked by xmllint in {theirs:?}",
        text.len()
    );
    assert!(ours < theirs, "read in {ours:?}, xmllint took {theirs:?}");
}

/// How much longer four times as much may take: caches and the allocator cost a little more, a square would cost sixteen.
const LINEAR: u32 = 7;

#[test]
fn a_cib_four_times_as_large_takes_about_four_times_as_long() {
    let _turn = alone();
    let (small, whole) = (large(NODES / 4), large(NODES));
    let looks = (0..LOOKS).map(|_| (cost(&small), cost(&whole)));
    let (small, whole): (Vec<_>, Vec<_>) = looks.unzip();
    let (small, whole) = (*small.iter().min().unwrap(), *whole.iter().min().unwrap());
    eprintln!("{whole:?} against {small:?}");
    assert!(whole <= small * LINEAR, "{whole:?} against {small:?}");
}

/// Prints the most memory that the command had, in KiB.
const MEMORY: &str = "
import resource, subprocess, sys
subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
";

#[test]
fn a_cib_four_times_as_large_takes_at_most_four_times_as_much_memory() {
    let _turn = alone();
    let memory = |text: &str| -> Option<u64> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let mut python = fixtures::program("python3")?;
        python.args(["-c", MEMORY, env!("CARGO_BIN_EXE_galeractl")]);
        python.args(["status", "--cib"]).arg(file.path());
        Some(number(&mut python))
    };
    let (small, whole) = (large(NODES / 4), large(NODES));
    let Some((few, all)) = memory(&small).zip(memory(&whole)) else {
        return;
    };
    eprintln!(
        "{} bytes: {all} KiB; {} bytes: {few} KiB",
        whole.len(),
        small.len()
    );
    assert!(
        all * 1024 > whole.len() as u64,
        "it was not read: {all} KiB"
    );
    assert!(all <= few * 4, "{all} against {few} KiB");
}
