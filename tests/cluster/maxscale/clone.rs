//! A MaxScale on every node, all alike, and the address beside a healthy one.

use super::waits::{fenced, healthy, kill, told};
use super::{load, real, with_maxscale};

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
    if real().is_none() {
        lab.crm("resource cleanup maxscale");
        lab.settle();
        lab.node(home).play(r#"{"unbound": ["Listener"]}"#);
        kill(&lab, home);
        let next = healthy(&lab, home, "kill -9 again");
        lab.crm("resource cleanup maxscale");
        told(&lab, "listener Listener at 127.0.0.1:4006 does not serve");
        assert_eq!(healthy(&lab, home, "a port that is not bound"), next);
    }
    assert_eq!(fenced(&lab), "", "nobody was fenced");
}
