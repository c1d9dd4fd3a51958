//! Full state transfers: outside every action, however long they take, and begun anew when they are cut off.

use std::time::{Duration, Instant};

use crate::harness::{Lab, SINGLE_WRITER, STEP, full_transfers};

/// Short against the transfer, so that any action that waited for it would run out of time.
const TIMEOUTS: &str = "
primitive db ocf:galera-rs op start timeout=4s interval=0 op promote timeout=4s interval=0 op demote timeout=4s interval=0 \
  op stop timeout=120s interval=0 op monitor interval=1s role=Promoted timeout=20s \
  op monitor interval=2s role=Unpromoted timeout=20s
";

/// Ten times as long.
const LONG: Duration = Duration::from_secs(40);

/// A role moves in about a second; an action that waited for the transfer would take longer than this.
const MOVING: Duration = Duration::from_secs(20);

#[test]
fn a_transfer_ten_times_as_long_as_any_timeout_fails_nothing_and_holds_nobody_up() {
    let Some(lab) = Lab::in_service(SINGLE_WRITER) else {
        return;
    };
    lab.load_crm_text(TIMEOUTS);
    lab.wait_in_service("shorter time-outs");
    let (writer, joiner) = (lab.promoted()[0], lab.unpromoted()[1]);
    let marks = lab.error_logs();
    lab.begin_transfer(joiner, "10");
    let begun = Instant::now();
    // The death of its server counts: from now on nothing may fail.
    lab.crm(&format!("resource cleanup db node{joiner}"));
    let failures = format!("crm_failcount --query -r db -N node{joiner}");
    let failures = || lab.any().ok(&failures);
    lab.wait("a clean slate", STEP, || failures().contains("value=0"));
    lab.crm(&format!(
        "configure location elsewhere db-clone rule role=Promoted -inf: '#uname' eq node{writer}"
    ));
    let moved = lab.wait("another writer during the transfer", MOVING, || {
        lab.promoted().iter().any(|&node| node != writer)
    });
    lab.crm("configure delete elsewhere");
    assert!(lab.receives(joiner), "the transfer was over too soon");
    is_told(&lab, joiner);
    lab.node(joiner).ok("pkill -KILL -f 'galera-rs job$'");
    is_told(&lab, joiner); // by another job, which finds the transfer going on
    lab.wait("the end of the transfer", 3 * STEP, || lab.all_synced());
    let took = begun.elapsed();
    lab.script(&["slow", &joiner.to_string(), "0"]).ok();
    eprintln!("full transfer of {took:.1?}; another writer after {moved:.1?}");
    assert!(took >= LONG, "the transfer took only {took:.1?}");
    lab.settle();
    assert!(failures().contains("value=0"), "{}", failures());
    assert_eq!(full_transfers(&marks), 1);
    let status = lab.any().ok("galeractl status");
    assert!(!status.contains("full copy"), "still told of: {status}");
}

#[test]
fn a_joiner_killed_amid_a_full_transfer_begins_another_at_once() {
    let Some(lab) = Lab::in_service(SINGLE_WRITER) else {
        return;
    };
    let joiner = lab.unpromoted()[1];
    lab.begin_transfer(joiner, "20");
    // What receives for it outlives the server, and has to be out of the way of the next one.
    lab.wait("the death of the joiner amid it", STEP, || {
        lab.receives(joiner) && lab.node(joiner).run("pkill -KILL -x mariadbd").code == 0
    });
    lab.script(&["slow", &joiner.to_string(), "0"]).ok();
    let took = lab.wait("service again", Duration::from_secs(25), || lab.serves());
    eprintln!("joiner killed amid a full transfer: in service after {took:.1?}");
}

/// Another node tells of the transfer, and more of it the next time.
fn is_told(lab: &Lab, joiner: u8) {
    let told = || {
        let teller = lab.node(if joiner == 1 { 2 } else { 1 });
        let status = teller.ok("galeractl status --json");
        let status: serde_json::Value = serde_json::from_str(&status).expect("JSON");
        let name = format!("node{joiner}");
        let rows = status["nodes"].as_array().cloned().unwrap_or_default();
        let row = rows.into_iter().find(|row| row["node"] == name.as_str());
        row.map(|row| row["transfer"].clone()).unwrap_or_default()
    };
    let bytes = || told()["bytes"].as_u64().unwrap_or(0);
    lab.wait("a full copy that is told of", STEP, || {
        told()["step"] == "receiving"
    });
    let before = bytes();
    lab.wait("more bytes", STEP, || bytes() > before);
    let now = told();
    eprintln!("told of on another node: {now}");
    let donor = now["donor"].as_str().unwrap_or_default();
    assert!(
        donor.starts_with("node") && donor != format!("node{joiner}"),
        "{now}"
    );
    assert!(now["bytes_per_second"].as_u64() > Some(0), "{now}");
    let said = lab.node(joiner).act("monitor").stdout;
    assert!(
        said.contains(&format!("receiving a full copy from {donor}")),
        "{said}"
    );
}
