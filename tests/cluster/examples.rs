//! Every example is what it says: the crm shell loads it, Pacemaker finds nothing wrong with it and places it as meant,
//! Corosync reads its configuration. On a node, in a CIB of their own.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use crate::harness::{Lab, Node};

/// Three nodes that are up, each with the scores that healthy agents publish, node 1 a little ahead, and a way to fence.
const CIB: &str = "/tmp/example.xml";

/// What the scheduler has to answer for an example: these lines, with blanks as one.
fn intended(example: &str) -> &'static [&'static str] {
    match example {
        "galera-single-writer.crm" => &["Promoted: [ node1 ]", "Unpromoted: [ node2 node3 ]"],
        "galera-multi-writer.crm" => &["Promoted: [ node1 node2 node3 ]"],
        "vip-with-writer.crm" => &[
            "Promoted: [ node1 ]",
            "address (ocf:galera-rs:vip-rs): Started node1",
        ],
        "vip-readers.crm" => &[
            "Promoted: [ node1 ]",
            "reader1 (ocf:galera-rs:vip-rs): Started node2",
            "reader2 (ocf:galera-rs:vip-rs): Started node3",
        ],
        // Any node will do, and the group is together.
        "maxscale-group-vip.crm" => &[
            "vip (ocf:galera-rs:vip-rs): Started node2 * maxscale (ocf:galera-rs:maxscale-rs): Started node2",
        ],
        "maxscale-clone-vip.crm" => &[
            "Started: [ node1 node2 node3 ]",
            "vip (ocf:galera-rs:vip-rs): Started node",
        ],
        "maxscale-promotable-vip.crm" => &[
            "Promoted: [ node1 ]",
            "vip (ocf:galera-rs:vip-rs): Started node1",
        ],
        "two-nodes-garbd.crm" => &[
            "Promoted: [ node1 ]",
            "Unpromoted: [ node2 ]",
            "arbitrator (ocf:heartbeat:garbd): Started node3",
        ],
        other => panic!("nobody says how {other} should be placed"),
    }
}

/// The files of a directory of the repository, by name.
fn examples(directory: &str) -> BTreeMap<String, String> {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(directory);
    let listed = fs::read_dir(&directory).expect("the examples").flatten();
    let files = listed.map(|entry| {
        let name = entry.file_name().into_string().expect("a name in UTF-8");
        (name, fs::read_to_string(entry.path()).expect("text"))
    });
    files.collect()
}

#[test]
fn every_example_loads_and_is_placed_as_meant_and_corosync_reads_its_files() {
    let Some(lab) = Lab::up(1).and_then(Lab::equipped) else {
        return;
    };
    let node = lab.node(1);
    for (name, text) in examples("crm-examples") {
        fs::write(lab.shared().join("example.crm"), text).expect("the shared directory");
        make_cib(&lab);
        let load = format!("CIB_file={CIB} crm --force configure load update /run/lab/example.crm");
        let loaded = node.run(&load);
        assert!(
            loaded.code == 0 && !loaded.stderr.contains("ERROR"),
            "{name}: {}{}",
            loaded.stdout,
            loaded.stderr
        );
        let verified = node.run(&format!("crm_verify --xml-file {CIB} -V"));
        assert_eq!((verified.code, &*verified.stderr), (0, ""), "{name}");
        let placed = simulate(node, &format!("--xml-file {CIB}"));
        for line in intended(&name) {
            assert!(placed.contains(line), "{name}: no {line:?} in\n{placed}");
        }
    }
    // Of crypto, Corosync wants the key too.
    node.ok("head -c 256 /dev/urandom >/etc/corosync/authkey; chmod 400 /etc/corosync/authkey");
    for (name, text) in examples("corosync") {
        fs::write(lab.shared().join("example.conf"), text).expect("the shared directory");
        let read = node.run("corosync -t -c /run/lab/example.conf");
        assert_eq!(read.code, 0, "{name}: {}{}", read.stdout, read.stderr);
    }
    fs::write(lab.shared().join("example.conf"), "totem {\n").expect("the shared directory");
    assert_ne!(node.run("corosync -t -c /run/lab/example.conf").code, 0);
}

/// What the scheduler would bring about.
fn simulate(node: Node<'_>, cib: &str) -> String {
    let told = node.ok(&format!("crm_simulate --simulate {cib}"));
    let (_, placed) = told.split_once("Revised Cluster Status").expect("a result");
    placed.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn make_cib(lab: &Lab) {
    let node = |k: u8| {
        let score = if k == 1 { 101 } else { 100 };
        format!(
            "<node_state id=\"{k}\" uname=\"node{k}\" in_ccm=\"true\" crmd=\"online\" join=\"member\" expected=\"member\">\
             <transient_attributes id=\"{k}\"><instance_attributes id=\"s{k}\">\
             <nvpair id=\"s{k}-db\" name=\"master-db\" value=\"{score}\"/><nvpair id=\"s{k}-mx\" name=\"master-maxscale\" value=\"{score}\"/>\
             </instance_attributes></transient_attributes></node_state>"
        )
    };
    let nodes: String = (1..=3)
        .map(|k| format!("<node id=\"{k}\" uname=\"node{k}\"/>"))
        .collect();
    let status: String = (1..=3).map(node).collect();
    let fence = "<primitive id=\"fence\" class=\"stonith\" type=\"fence_lab\"/>";
    let text = format!(
        "<cib validate-with=\"pacemaker-3.7\" crm_feature_set=\"3.0.14\" epoch=\"1\" num_updates=\"0\" admin_epoch=\"0\" have-quorum=\"1\" \
         dc-uuid=\"1\"><configuration><crm_config/><nodes>{nodes}</nodes><resources>{fence}</resources><constraints/></configuration>\
         <status>{status}</status></cib>"
    );
    fs::write(lab.shared().join("example.xml"), text).expect("the shared directory");
    lab.node(1).ok(&format!("cp /run/lab/example.xml {CIB}"));
}
