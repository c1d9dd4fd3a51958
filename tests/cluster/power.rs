//! Power loss of every node at once.

use crate::harness::{IN_SERVICE, Lab, SINGLE_WRITER};

#[test]
fn power_loss_of_all_nodes_loses_no_row_and_needs_no_hand() {
    let Some(lab) = Lab::in_service(SINGLE_WRITER) else {
        return;
    };
    let fault = || {
        lab.crash_all();
        lab.boot_all();
    };
    let recovery = lab.recovery(IN_SERVICE, fault, || lab.all_synced());
    recovery.tell("power loss of all nodes, boot included");
    lab.nothing_lost(&recovery);
}
