//! Every example is what it says: the crm shell loads it, pcs does the same by its own commands, Pacemaker finds nothing wrong
//! with it and places it as meant; Corosync and booth read their configuration. On a node, in a CIB of their own.

mod configured;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use galera_rs::cib::Cib;

use crate::harness::{Lab, Node};

/// As many commands as the longest example has, each of which starts an interpreter, on a very busy machine.
const COMMANDS: Duration = Duration::from_secs(300);

/// Two sites, of which one has the ticket.
const TWO_SITES: &str = "two-sites-booth";

/// What the scheduler has to answer for an example: these lines, with blanks as one.
fn intended(example: &str) -> &'static [&'static str] {
    match example {
        "galera-single-writer" => &["Promoted: [ node1 ]", "Unpromoted: [ node2 node3 ]"],
        "galera-multi-writer" => &["Promoted: [ node1 node2 node3 ]"],
        "vip-with-writer" => &[
            "Promoted: [ node1 ]",
            "address (ocf:galera-rs:vip-rs): Started node1",
        ],
        "vip-readers" => &[
            "Promoted: [ node1 ]",
            "reader1 (ocf:galera-rs:vip-rs): Started node2",
            "reader2 (ocf:galera-rs:vip-rs): Started node3",
        ],
        // Any node will do, and the group is together.
        "maxscale-group-vip" => &[
            "vip (ocf:galera-rs:vip-rs): Started node2 * maxscale (ocf:galera-rs:maxscale-rs): Started node2",
        ],
        "maxscale-clone-vip" => &[
            "Started: [ node1 node2 node3 ]",
            "vip (ocf:galera-rs:vip-rs): Started node",
        ],
        "maxscale-promotable-vip" => &[
            "Promoted: [ node1 ]",
            "vip (ocf:galera-rs:vip-rs): Started node1",
        ],
        "two-nodes-garbd" => &[
            "Promoted: [ node1 ]",
            "Unpromoted: [ node2 ]",
            "arbitrator (ocf:heartbeat:garbd): Started node3",
        ],
        // As it is loaded, nobody has granted the ticket.
        TWO_SITES => &[
            "Unpromoted: [ node1 node2 node3 ]",
            "address (ocf:galera-rs:vip-rs): Stopped",
            "booth-site (ocf:pacemaker:booth-site): Started node",
        ],
        other => panic!("nobody says how {other} should be placed"),
    }
}

/// The files of a directory of the repository, by name without extension.
fn examples(directory: &str) -> BTreeMap<String, String> {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(directory);
    let listed = fs::read_dir(&directory).expect("the examples").flatten();
    let files = listed.map(|entry| {
        let name = entry.path().file_stem().map(std::ffi::OsStr::to_os_string);
        let name = name.and_then(|name| name.into_string().ok());
        let text = fs::read_to_string(entry.path()).expect("text");
        (name.expect("a name in UTF-8"), text)
    });
    files.collect()
}

#[test]
fn every_example_loads_and_is_placed_as_meant_and_corosync_and_booth_read_their_files() {
    let Some(lab) = Lab::up(1).and_then(Lab::equipped) else {
        return;
    };
    let names = |directory| examples(directory).into_keys().collect::<Vec<_>>();
    let (lab, all) = (&lab, names("crm-examples"));
    assert_eq!(all, names("pcs-examples"), "each is there for both");
    // Nothing but interpreters that start: two at a time.
    thread::scope(|scope| {
        for half in all.chunks(all.len().div_ceil(2)) {
            scope.spawn(move || half.iter().for_each(|name| is_what_it_says(lab, name)));
        }
    });
    the_writer_goes_with_the_ticket(lab.node(1));
    word_for_word_by_pcs(lab);
    corosync_reads_its_files(lab);
    booth_reads_its_files(lab);
}

fn is_what_it_says(lab: &Lab, name: &str) {
    let (node, made) = (lab.node(1), load_by_crm(lab, name));
    let (crm, pcs) = (configured(node, &made), run_by_pcs(lab, name));
    assert_eq!(crm, configured(node, &pcs), "{name}: crm and pcs");
    let placed = simulate(node, &format!("--xml-file {made}"));
    for line in intended(name) {
        assert!(placed.contains(line), "{name}: no {line:?} in\n{placed}");
    }
}

/// Where an example becomes a CIB.
fn cib(name: &str, tool: &str) -> String {
    format!("/tmp/{name}.{tool}.xml")
}

fn load_by_crm(lab: &Lab, name: &str) -> String {
    let cib = cib(name, "crm");
    make_cib(lab, &cib);
    let file = shared(lab, "crm-examples", name);
    let load = format!("CIB_file={cib} crm --force configure load update {file}");
    let loaded = lab.node(1).run_for(COMMANDS, &load);
    let clean = loaded.code == 0 && !loaded.stderr.contains("ERROR");
    assert!(clean, "{name}: {}{}", loaded.stdout, loaded.stderr);
    cib
}

/// Runs the commands of an example. The two that fetch the CIB of the cluster and give it back do so with a file.
fn run_by_pcs(lab: &Lab, name: &str) -> String {
    let cib = cib(name, "pcs");
    make_cib(lab, &cib);
    let run = format!(
        "cd $(mktemp -d); pcs() {{ case \"$*\" in \
         'cluster cib before.xml') cp {cib} before.xml;; \
         'cluster cib-push after.xml diff-against=before.xml') cp after.xml {cib};; \
         *) command pcs \"$@\";; esac; }}; set -e; . {}",
        shared(lab, "pcs-examples", name)
    );
    let told = lab.node(1).run_for(COMMANDS, &run);
    let clean = told.code == 0 && !told.stderr.contains("eprecat");
    assert!(clean, "{name}: {}{}", told.stdout, told.stderr);
    cib
}

/// An example, where the nodes see it.
fn shared(lab: &Lab, directory: &str, name: &str) -> String {
    let text = examples(directory).remove(name).expect("the example");
    let file = format!("{directory}.{name}");
    fs::write(lab.shared().join(&file), text).expect("the shared directory");
    format!("/run/lab/{file}")
}

/// What a CIB configures, if Pacemaker finds nothing wrong with it.
fn configured(node: Node<'_>, cib: &str) -> Vec<String> {
    let verified = node.run(&format!("crm_verify --xml-file {cib} -V"));
    assert_eq!((verified.code, &*verified.stderr), (0, ""), "{cib}");
    let text = node.ok(&format!("cat {cib}"));
    configured::lines(&Cib::parse(text.as_bytes()).expect("a CIB"))
}

/// With the ticket there is one writer, with the address; without it the servers go on and nobody may write.
fn the_writer_goes_with_the_ticket(node: Node<'_>) {
    let (cib, granted) = (cib(TWO_SITES, "crm"), "/tmp/granted.xml");
    let grant = format!("--ticket-grant db-writer --xml-file {cib} --save-output {granted}");
    let placed = simulate(node, &grant);
    for line in [
        "Promoted: [ node1 ]",
        "Unpromoted: [ node2 node3 ]",
        "address (ocf:galera-rs:vip-rs): Started node1",
    ] {
        assert!(placed.contains(line), "granted: no {line:?} in\n{placed}");
    }
    let revoke = "crm_simulate --simulate --ticket-revoke db-writer";
    let told = node.ok(&format!("{revoke} --xml-file {granted}"));
    let words = told.split_whitespace().collect::<Vec<_>>().join(" ");
    for line in [
        "Resource action: db demote on node1",
        "Resource action: address stop on node1",
        "Unpromoted: [ node1 node2 node3 ]",
    ] {
        assert!(words.contains(line), "revoked: no {line:?} in\n{told}");
    }
    for never in ["db stop", "Fencing", "address start"] {
        assert!(!words.contains(never), "revoked: {never:?} in\n{told}");
    }
}

/// As a person would: in the running cluster.
fn word_for_word_by_pcs(lab: &Lab) {
    let (name, node) = ("galera-single-writer", lab.node(1));
    let script = shared(lab, "pcs-examples", name);
    let run = format!("cd $(mktemp -d); sh -e {script}");
    node.run_for(COMMANDS, &run).ok();
    let live = node.ok("cibadmin --query --scope resources");
    assert!(live.contains("id=\"db-clone\""), "{name}: {live}");
}

fn corosync_reads_its_files(lab: &Lab) {
    let node = lab.node(1);
    let read = |text: &str| {
        fs::write(lab.shared().join("example.conf"), text).expect("the shared directory");
        node.run("corosync -t -c /run/lab/example.conf")
    };
    // Of crypto, Corosync wants the key too.
    node.ok("head -c 256 /dev/urandom >/etc/corosync/authkey; chmod 400 /etc/corosync/authkey");
    let files = examples("corosync");
    let topologies = [
        "three-nodes",
        "three-nodes-two-links",
        "two-nodes",
        "two-nodes-qdevice",
    ];
    assert!(files.keys().eq(&topologies), "{:?}", files.keys());
    for (name, text) in &files {
        let read = read(text);
        assert_eq!(read.code, 0, "{name}: {}{}", read.stdout, read.stderr);
    }
    assert_ne!(read("totem {\n").code, 0);
}

/// In an empty network, where booth stops when it has read everything and looks for its own address.
fn booth_reads_its_files(lab: &Lab) {
    let node = lab.node(1);
    let read = |text: &str| {
        fs::write(lab.shared().join("example.conf"), text).expect("the shared directory");
        let daemon = "unshare --net boothd daemon -S -c /run/lab/example.conf";
        node.run(daemon).stderr
    };
    node.ok("test -e /etc/booth/authkey || { mkdir -p /etc/booth; booth-keygen; }");
    let found = "Cannot find myself in the configuration";
    for (name, text) in examples("booth") {
        let told = read(&text);
        assert!(told.contains(found), "{name}: {told}");
        // What a renewal with all its retries may take.
        let long = read(&text.replace("renewal-freq = 20", "renewal-freq = 18"));
        assert!(!long.contains(found), "{name}: {long}");
    }
}

/// What the scheduler would bring about.
fn simulate(node: Node<'_>, cib: &str) -> String {
    let told = node.ok(&format!("crm_simulate --simulate {cib}"));
    let (_, placed) = told.split_once("Revised Cluster Status").expect("a result");
    placed.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Three nodes that are up, each with the scores that healthy agents publish, node 1 a little ahead, and a way to fence.
fn make_cib(lab: &Lab, path: &str) {
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
    lab.node(1).ok(&format!("cat >{path} <<'CIB'\n{text}\nCIB"));
}
