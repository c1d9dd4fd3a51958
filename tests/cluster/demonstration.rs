//! `make demo`, once what it shows is built.

use crate::harness::Lab;

#[test]
fn the_demonstration_asks_nothing_loses_nothing_and_leaves_a_cluster_in_service() {
    let Some((lab, said)) = Lab::of_the_demonstration() else {
        return;
    };
    // All servers killed, and the writer's node lost.
    assert_eq!(said.matches("LOST 0").count(), 2, "{said}");
    lab.wait_in_service("the demonstration");
    for hint in [
        "tests/cluster/lab sh 1 galeractl status",
        "tests/cluster/lab down",
    ] {
        assert!(said.contains(hint), "no word of `{hint}`: {said}");
    }
}
