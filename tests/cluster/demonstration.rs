//! `make demo`, once what it shows is built.

use crate::harness::Lab;

#[test]
fn the_demonstration_asks_nothing_loses_nothing_and_leaves_a_cluster_in_service() {
    let Some((lab, said)) = Lab::of_the_demonstration() else {
        return;
    };
    // All servers killed, power lost, and the writer's node lost.
    assert_eq!(said.matches("LOST 0").count(), 3, "{said}");
    for told in ["Reported, epoch 1, ", "waiting for node3"] {
        assert!(said.contains(told), "no word of `{told}`: {said}");
    }
    lab.wait_in_service("the demonstration");
    for hint in [
        "tests/cluster/lab sh 1 galeractl status",
        "tests/cluster/lab down",
    ] {
        assert!(said.contains(hint), "no word of `{hint}`: {said}");
    }
}
