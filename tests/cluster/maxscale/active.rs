//! A MaxScale on every node, one of them active, with the address: who is, and who takes over.

use super::waits::{actives, beside, kill, passives, promoted, told};
use super::{ALL_DOWN, DEAF, FROZEN, load, real, with_maxscale};
use crate::harness::{Lab, STEP, on_all};

const EXAMPLE: &str = "crm-examples/maxscale-promotable-vip.crm";

#[test]
fn the_active_maxscale_has_the_address_and_one_that_cannot_route_loses_both() {
    let Some(lab) = with_maxscale() else { return };
    // An earlier life has left all of them active.
    on_all(&lab, |node| node.leave_passive(false));
    load(&lab, EXAMPLE);
    let mut active = beside(&lab, 0, "the first start");
    assert_eq!(passives(&lab).len(), 2, "what was left over does not count");

    forgotten(&lab, active);
    reloaded(&lab, active);
    refused(&lab, active);
    kill(&lab, active);
    lab.wait("somebody active", STEP, || promoted(&lab).len() == 1);
    active = beside(&lab, 0, "kill -9");

    lab.node(active).ok("pkill -STOP -x maxscale");
    lab.wait("the hung one to be found", STEP, || {
        lab.crm_mon().contains("is held, by SIGSTOP")
    });
    active = beside(&lab, 0, "SIGSTOP");
    lab.crm("resource cleanup maxscale");
    lab.settle();

    if real().is_none() {
        for (state, words) in [(r#"{"deaf": true}"#, DEAF), (r#"{"frozen": true}"#, FROZEN)] {
            lab.node(active).play(state);
            told(&lab, words);
            lab.node(active).play("{}");
            active = beside(&lab, 0, state);
            lab.crm("resource cleanup maxscale");
            lab.settle();
        }
        // Nothing is restarted, and the role goes at once.
        let life = lab.node(active).maxscale_life();
        lab.node(active).play(ALL_DOWN);
        let next = beside(&lab, active, "the loss of all servers on one node");
        assert_eq!(
            lab.node(active).maxscale_life(),
            life,
            "a restart helps nobody"
        );
        assert!(
            lab.crm_mon().contains("service RW has no usable server"),
            "{}",
            lab.crm_mon()
        );
        // Nobody can: nobody is promoted, until somebody can again.
        on_all(&lab, |node| node.play(ALL_DOWN));
        lab.wait("nobody active", STEP, || promoted(&lab).is_empty());
        lab.node(next).play("{}");
        assert_eq!(beside(&lab, 0, "the return of the servers"), next);
        without_passive(&lab, next);
    }
    assert_eq!(passives(&lab).len(), 2);
    assert!(lab.fenced().is_empty(), "{:?}", lab.fenced());
}

/// In a version that knows no difference only the node attribute tells who is active.
fn without_passive(lab: &Lab, active: u8) {
    on_all(lab, |node| node.play(r#"{"no_passive": true}"#));
    let down = ALL_DOWN.replace('{', r#"{"no_passive": true, "#);
    lab.node(active).play(&down);
    beside(lab, active, "the loss of all servers, without passive");
    assert!(passives(lab).is_empty() && actives(lab).is_empty());
    on_all(lab, |node| node.play("{}"));
    lab.wait("two passive ones again", STEP, || passives(lab).len() == 2);
}

/// As after a restart of Pacemaker under a MaxScale that goes on: the score is told again when it has looked.
fn forgotten(lab: &Lab, active: u8) {
    let k = passives(lab)[0];
    let attribute = format!("crm_attribute -N node{k} -l reboot -n master-maxscale");
    lab.any().ok(&format!("{attribute} --delete"));
    lab.crm("resource refresh maxscale");
    lab.wait("the score", STEP, || score(lab, k) == "100");
    assert_eq!(beside(lab, 0, "a refresh"), active);
}

/// Pacemaker 2.1.5 takes a promoted instance that it has reloaded for unpromoted: its score keeps the role where it is.
fn reloaded(lab: &Lab, active: u8) {
    lab.wait("the score of the active one", STEP, || {
        lab.nodes().all(|node| {
            let expected = if node.number() == active {
                "101"
            } else {
                "100"
            };
            score(lab, node.number()) == expected
        })
    });
    let set = "crm_resource -r maxscale -p greeting_timeout -v 4s";
    lab.any().ok(set);
    std::thread::scope(|scope| {
        let settled = scope.spawn(|| lab.settle());
        while !settled.is_finished() {
            let (active, promoted) = (actives(lab), promoted(lab));
            assert!(active.len() <= 1, "active at once: {active:?}");
            assert!(promoted.len() <= 1, "promoted at once: {promoted:?}");
        }
    });
    assert_eq!(beside(lab, 0, "a reload"), active, "the role moved");
}

fn score(lab: &Lab, k: u8) -> String {
    let ask = format!("crm_attribute -N node{k} -l reboot -n master-maxscale --query --quiet");
    lab.any().run(&ask).stdout.trim().to_owned()
}

/// The account was changed behind the agent's back: clients are served, and nothing is moved.
fn refused(lab: &Lab, active: u8) {
    let life = lab.node(active).maxscale_life();
    lab.node(active).know("admin", "wrong");
    told(lab, "refuses the account");
    lab.node(active).know("admin", "mariadb");
    lab.crm("resource cleanup maxscale");
    lab.settle();
    assert!(!lab.crm_mon().contains("refuses the account"));
    assert_eq!(beside(lab, 0, "the right account"), active);
    assert_eq!(lab.node(active).maxscale_life(), life);
}
