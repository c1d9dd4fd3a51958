//! The recipes of `docs/cookbook.md`, word by word.

use crate::harness::{Lab, MULTI_WRITER, full_transfers, lives};

#[test]
fn the_cookbooks_recipes_lose_no_row_and_restart_only_what_they_name() {
    let Some(lab) = Lab::in_service(MULTI_WRITER) else {
        return;
    };
    let marks = lab.error_logs();
    follow(
        &lab,
        "## Stop the whole cluster, and start it again",
        &[1, 2, 3],
    );
    let client = lab.writer(&["node1"], 50);
    lab.rows_flow(1);
    follow(&lab, "## Upgrade MariaDB, one node after the other", &[2]);
    assert_eq!(full_transfers(&marks), 0);
    follow(&lab, "## Replace a node, or give it new data", &[3]);
    assert_eq!(full_transfers(&marks), 1, "the new data of node 3");
    lab.node(3).ok("test -e /var/lib/mysql.old/t");
    let report = client.finish();
    assert_eq!(report.lost, Some(0), "{report:?}");
}

/// Follows a recipe that restarts these nodes' servers.
fn follow(lab: &Lab, heading: &str, restarted: &[u8]) {
    let before = lives(lab);
    lab.follow("docs/cookbook.md", heading);
    lab.wait_in_service(heading);
    for (node, (now, then)) in (1..).zip(lives(lab).iter().zip(&before)) {
        assert_eq!(
            now != then,
            restarted.contains(&node),
            "{heading}, node {node}"
        );
    }
}
