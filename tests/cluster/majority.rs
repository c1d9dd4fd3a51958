//! Servers that have lost their majority: they go on when the others are proven dead, and stop where nobody can
//! know.

use std::thread;
use std::time::Duration;

use crate::harness::{Lab, SINGLE_WRITER, STEP, Writer, full_transfers, within};
use crate::parted::one_of_two_goes_on_when_only_their_servers_are_parted;

/// Longer than a monitor bears a server that has left its component.
const KEPT: Duration = Duration::from_secs(5);

/// How often it is made sure that there are no two primary components.
pub const OFTEN: Duration = Duration::from_millis(200);

#[test]
fn the_survivor_of_two_nodes_goes_on_without_a_restart_once_the_other_is_fenced_and_a_split_makes_one_component()
 {
    let Some(lab) = Lab::up(2).and_then(Lab::equipped) else {
        return;
    };
    let Some(lab) = lab.serving(SINGLE_WRITER) else {
        return;
    };
    let (other, writer) = lose_power_while_fencing_fails(&lab);
    is_kept_running_until_fenced(&lab, 3 - other);
    let marks = lab.error_logs();
    lab.wait_in_service("the power cut");
    assert_eq!(writer.finish().lost, Some(0));
    assert_eq!(
        full_transfers(&marks),
        0,
        "the returned node took a full copy"
    );
    split_makes_one_component(&lab);
    one_of_two_goes_on_when_only_their_servers_are_parted(&lab);
    in_two_node_mode_a_dead_survivor_starts_alone(&lab);
    with_an_arbitrator_the_survivor_stays_primary(&lab);
}

/// The node that is not promoted loses power, and the power switch is out of order. Returns its number.
fn lose_power_while_fencing_fails(lab: &Lab) -> (u8, Writer) {
    let [promoted] = lab.promoted()[..] else {
        lab.fail("one node is promoted");
    };
    let other = 3 - promoted;
    let writer = flowing(lab, promoted);
    lab.script(&["fencing", "break"]).ok();
    lab.crash(other);
    lab.wait("the survivor outside a primary component", STEP, || {
        lab.node(promoted).status("wsrep_cluster_status") == "non-Primary"
    });
    (other, writer)
}

fn flowing(lab: &Lab, k: u8) -> Writer {
    let writer = lab.writer(&[&format!("node{k}")], 50);
    let before = lab.rows(k).unwrap_or(0);
    lab.wait("rows", STEP, || {
        lab.rows(k).is_some_and(|rows| rows >= before + 50)
    });
    writer
}

fn is_kept_running_until_fenced(lab: &Lab, survivor: u8) {
    let life = lab.node(survivor).server_life();
    let other = 3 - survivor;
    let words = format!("waiting for fencing of node{other}");
    lab.wait("the reason why it is kept running", STEP, || {
        lab.crm_mon().contains(&words)
    });
    let gone = within(KEPT, || {
        lab.node(survivor).status("wsrep_cluster_status") != "non-Primary"
    });
    assert_eq!(gone, None, "nobody may go on before node {other} is fenced");
    let published = lab.published(survivor);
    assert_eq!(published["phase"], "apart", "{published}");
    // Others would go on without it.
    assert!(
        published["dead"].is_null(),
        "it lives and is called dead: {published}"
    );
    let told = lab.node(survivor).run("galeractl explain").stdout;
    assert!(
        told.contains("Nobody at large") || told.contains("may be ahead"),
        "{told}"
    );
    // Whoever attends to it next knows nothing but what is written down.
    lab.node(survivor).ok("pkill -KILL -f 'galera-rs job$'");
    lab.script(&["fencing", "mend"]).ok();
    let took = lab.wait("the survivor Primary again", STEP, || lab.synced(survivor));
    eprintln!(
        "the survivor is Primary {:.1} s after the power switch is mended",
        took.as_secs_f64()
    );
    assert_eq!(
        lab.node(survivor).server_life(),
        life,
        "the survivor was restarted"
    );
}

/// Each node sees the other as lost, and has its servers, its votes and its power switch. Without a delay for one of
/// them both may be fenced, and then wait for each other.
fn split_makes_one_component(lab: &Lab) {
    let whole = size(lab, 1).expect("node 1 is a member");
    lab.crm("resource param fence set pcmk_delay_base node1:5s");
    lab.settle();
    let writer = flowing(lab, 1);
    let marks = lab.error_logs();
    lab.cut(2);
    let fenced = || lab.fence_log().matches("reboot node").count();
    let before = fenced();
    lab.wait("one half fenced, and the other Primary alone", STEP, || {
        let halves = primaries(lab, whole);
        assert!(halves <= 1, "two primary components");
        fenced() > before && halves == 1
    });
    for _ in 0..25 {
        assert!(primaries(lab, whole) <= 1, "two primary components");
        thread::sleep(OFTEN);
    }
    lab.heal(2);
    lab.wait("all members back", 2 * STEP, || {
        [1, 2]
            .iter()
            .all(|k| lab.synced(*k) && size(lab, *k) == Some(whole))
    });
    assert_eq!(writer.finish().lost, Some(0));
    assert_eq!(full_transfers(&marks), 0, "a half took a full copy");
}

/// Members of the component of this node, the arbitrator included.
pub fn size(lab: &Lab, k: u8) -> Option<u32> {
    lab.node(k).status("wsrep_cluster_size").parse().ok()
}

/// How many nodes take writes without the other; `whole`: the members of the component that both are in.
pub fn primaries(lab: &Lab, whole: u32) -> usize {
    let alone = |k: u8| lab.synced(k) && size(lab, k).is_some_and(|size| size < whole);
    lab.nodes().filter(|node| alone(node.number())).count()
}

/// Node 2 loses power for good, and node 1 its server: node 2 may have written later, and two_node_mode says to go on.
fn in_two_node_mode_a_dead_survivor_starts_alone(lab: &Lab) {
    lab.any().ok("crm_resource -r db -p two_node_mode -v true");
    lab.crm("resource param fence set pcmk_reboot_action off");
    lab.wait_in_service("two_node_mode");
    lab.settle();
    let before = lab.epoch().0;
    lab.node(1).kill_server();
    lab.crash(2);
    lab.wait("node 1 to start alone", STEP, || {
        lab.synced(1) && size(lab, 1) == Some(1)
    });
    assert_eq!(lab.epoch(), (before + 1, "node1".to_owned()));
    lab.crm("resource param fence delete pcmk_reboot_action");
    lab.boot(2);
    lab.wait_in_service("the return of node 2");
}

/// An arbitrator is a member of the view that no node of the cluster knows.
fn with_an_arbitrator_the_survivor_stays_primary(lab: &Lab) {
    lab.script(&["garbd"]).ok();
    lab.wait("three members", STEP, || {
        lab.node(1).status("wsrep_cluster_size") == "3"
            && lab.node(2).status("wsrep_cluster_size") == "3"
    });
    let writer = flowing(lab, 1);
    let (life, epoch) = (lab.node(1).server_life(), lab.epoch());
    lab.crash(2);
    lab.wait("node 1 with the arbitrator", STEP, || {
        lab.synced(1) && lab.node(1).status("wsrep_cluster_size") == "2"
    });
    lab.wait("node 2 back", STEP, || {
        lab.synced(2) && lab.node(2).status("wsrep_cluster_size") == "3"
    });
    assert_eq!(writer.finish().lost, Some(0));
    assert_eq!(
        (lab.node(1).server_life(), lab.epoch()),
        (life, epoch),
        "it never left"
    );
    split_makes_one_component(lab);
}

#[test]
fn with_a_quorum_device_the_half_that_it_votes_for_goes_on_alone() {
    let lab = Lab::up_with_quorum_device(2).and_then(Lab::equipped);
    let Some(lab) = lab.and_then(|lab| lab.serving(SINGLE_WRITER)) else {
        return;
    };
    split_makes_one_component(&lab);
    lab.wait_in_service("the split");
    let [victim] = lab.promoted()[..] else {
        lab.fail("one node is promoted");
    };
    let survivor = 3 - victim;
    let writer = flowing(&lab, survivor);
    let life = lab.node(survivor).server_life();
    lab.crash(victim);
    lab.wait("the survivor alone, and promoted", STEP, || {
        primaries(&lab, 2) == 1 && lab.promoted() == [survivor]
    });
    lab.wait_in_service("the power cut");
    assert_eq!(writer.finish().lost, Some(0));
    assert_eq!(
        lab.node(survivor).server_life(),
        life,
        "the survivor was restarted"
    );
}

#[test]
fn a_node_that_is_cut_off_gives_up_its_role_and_a_last_node_waits_until_it_has_a_majority() {
    let Some(lab) = Lab::in_service(SINGLE_WRITER) else {
        return;
    };
    lab.crm("configure property stonith-enabled=false");
    for policy in ["stop", "ignore", "freeze"] {
        lab.crm(&format!("configure property no-quorum-policy={policy}"));
        lab.settle();
        is_cut_off(&lab, policy);
    }
    lab.crm("configure property no-quorum-policy=stop");
    lab.crm("configure property stonith-enabled=true");
    lab.settle();
    the_last_of_three_waits(&lab);
}

/// The writer is cut off; nobody can fence it.
fn is_cut_off(lab: &Lab, policy: &str) {
    let [writer] = lab.promoted()[..] else {
        lab.fail("one node is promoted");
    };
    let marks = lab.error_logs();
    lab.cut(writer);
    let other = if writer == 1 { 2 } else { 1 };
    lab.wait("the others serve", STEP, || {
        lab.synced(other) && lab.node(other).status("wsrep_cluster_size") == "2"
    });
    let gave_up = lab.wait(&format!("no role without quorum ({policy})"), STEP, || {
        let role = lab.node(writer).run("crm_mon -1 --output-as=xml").stdout;
        let ours = role.split("<resource id=\"db\"").skip(1);
        let promoted = |text: &str| {
            let text = text.split("</resource>").next().unwrap_or_default();
            text.contains("role=\"Promoted\"") && text.contains(&format!("\"node{writer}\""))
        };
        !lab.synced(writer) && !ours.clone().any(promoted)
    });
    eprintln!(
        "no-quorum-policy={policy}: the role is given up after {:.1} s",
        gave_up.as_secs_f64()
    );
    lab.heal(writer);
    lab.wait_in_service(&format!("the network is healed ({policy})"));
    assert_eq!(
        full_transfers(&marks),
        0,
        "a full copy after no-quorum-policy={policy}"
    );
}

/// Two of three lose power at once: nobody has a majority, and the last one cannot know what they did.
fn the_last_of_three_waits(lab: &Lab) {
    let writer = flowing(lab, 1);
    lab.script(&["crash", "2", "3"]).ok();
    lab.wait("node 1 outside a primary component", STEP, || {
        !lab.synced(1)
    });
    let went_on = within(KEPT, || lab.synced(1));
    assert_eq!(went_on, None, "one of three went on by itself");
    let told = lab.node(1).run("galeractl explain").stdout;
    assert!(told.contains("No quorum, no decision"), "{told}");
    // Its quorum fences the third.
    lab.boot(2);
    lab.wait_in_service("one of the two is back");
    assert_eq!(writer.finish().lost, Some(0));
}
