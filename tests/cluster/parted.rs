//! Two nodes whose servers cannot see each other, and Pacemaker sees both.

use std::thread;
use std::time::Duration;

use crate::harness::{Lab, STEP, full_transfers, lives};
use crate::majority::{OFTEN, primaries, size};

/// The ports of Galera and its transfers, on one node.
const PART: &str = "nft -f - <<'END'
table inet parted {
  chain in {
    type filter hook input priority 0;
    tcp dport { 4444, 4567, 4568 } drop
    tcp sport { 4444, 4567, 4568 } drop
  }
  chain out {
    type filter hook output priority 0;
    tcp dport { 4444, 4567, 4568 } drop
    tcp sport { 4444, 4567, 4568 } drop
  }
}
END";

const MEND: &str = "nft delete table inet parted";

/// Long enough for each half to lose the component, and for whoever takes the other for dead.
const PARTED: Duration = Duration::from_secs(8);

/// For Pacemaker both nodes are well: nobody is fenced, and nobody is dead. They agree on who goes on.
pub fn one_of_two_goes_on_when_only_their_servers_are_parted(lab: &Lab) {
    let whole = size(lab, 1).expect("node 1 is a member");
    let (before, marks) = (lives(lab), lab.error_logs());
    let (evictions, fencing) = (lab.evictions(), lab.fenced());
    let writer = lab.writer(&["node1", "node2"], 50);
    lab.rows_flow(1);
    lab.node(2).ok(PART);
    let took = lab.wait("one of them Primary alone", STEP, || {
        at_most_one(lab, whole) == 1
    });
    eprintln!("only the servers are parted: one is Primary again after {took:.1?}");
    stay_at_most_one(lab, whole);
    let now = lives(lab);
    let alone = lab.nodes().find(|node| node.synced());
    let alone = alone.unwrap_or_else(|| lab.fail("nobody is Primary any more"));
    let at = usize::from(alone.number() - 1);
    assert_eq!(now[at], before[at], "whoever goes on was restarted");
    assert_eq!(lab.evictions(), evictions, "somebody alive was evicted");
    assert_eq!(lab.fenced(), fencing, "somebody was fenced");
    lab.node(2).ok(MEND);
    whole_again(lab, whole);
    assert_eq!(writer.finish().lost, Some(0));
    assert_eq!(full_transfers(&marks), 0, "a half took a full copy");
}

fn stay_at_most_one(lab: &Lab, whole: u32) {
    for _ in 0..PARTED.as_millis() / OFTEN.as_millis() {
        at_most_one(lab, whole);
        thread::sleep(OFTEN);
    }
}

fn at_most_one(lab: &Lab, whole: u32) -> usize {
    let parts = primaries(lab, whole);
    assert!(parts <= 1, "two primary components");
    parts
}

fn whole_again(lab: &Lab, whole: u32) {
    lab.wait("all members back", 2 * STEP, || {
        lab.nodes()
            .all(|node| node.synced() && size(lab, node.number()) == Some(whole))
    });
    lab.wait_in_service("the network is whole");
}
