//! A MaxScale on every node, all alike, and the address beside a healthy one.

use super::waits::{healthy, kill, told};
use super::{DEAF, FROZEN, load, real, with_maxscale};
use crate::harness::Lab;

const EXAMPLE: &str = "crm-examples/maxscale-clone-vip.crm";

#[test]
fn the_address_is_beside_a_healthy_maxscale_of_a_clone() {
    let Some(lab) = with_maxscale() else { return };
    load(&lab, EXAMPLE);
    let mut home = healthy(&lab, 0, "the first start");
    kill(&lab, home);
    home = healthy(&lab, home, "kill -9");
    lab.node(home).order("PUT", "listeners/Listener/stop");
    told(&lab, "listener Listener is Stopped");
    home = healthy(&lab, home, "the end of a listener");
    home = hung(&lab, home);
    if real().is_none() {
        home = moved(&lab, home, r#"{"deaf": true}"#, DEAF);
        home = moved(&lab, home, r#"{"frozen": true}"#, FROZEN);
        lab.node(home).play(r#"{"unbound": ["Listener"]}"#);
        kill(&lab, home);
        let next = healthy(&lab, home, "kill -9 again");
        lab.crm("resource cleanup maxscale");
        told(&lab, "listener Listener at 127.0.0.1:4006 does not serve");
        assert_eq!(healthy(&lab, home, "a port that is not bound"), next);
    }
    assert!(lab.fenced().is_empty(), "{:?}", lab.fenced());
}

/// SIGSTOP: it is killed, and the address does not wait for it.
fn hung(lab: &Lab, home: u8) -> u8 {
    cleaned(lab);
    lab.node(home).ok("pkill -STOP -x maxscale");
    told(lab, "is held, by SIGSTOP");
    let next = healthy(lab, home, "SIGSTOP");
    cleaned(lab);
    next
}

/// What the stand-in plays moves the address to another node, for this reason.
fn moved(lab: &Lab, home: u8, state: &str, words: &str) -> u8 {
    lab.node(home).play(state);
    told(lab, words);
    let next = healthy(lab, home, state);
    lab.node(home).play("{}");
    cleaned(lab);
    next
}

/// No failure keeps a node out any more.
fn cleaned(lab: &Lab) {
    lab.crm("resource cleanup maxscale");
    lab.settle();
}
