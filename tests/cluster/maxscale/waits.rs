//! What a scenario waits for: who has which role, and where the address is.

use crate::harness::Lab;
use crate::harness::STEP;

pub fn kill(lab: &Lab, k: u8) {
    lab.node(k).ok("pkill -KILL -x maxscale");
}

fn with_role(lab: &Lab, resource: &str, role: &str) -> Vec<u8> {
    let roles = lab.roles(resource).into_iter();
    roles
        .filter_map(|(k, has)| (has == role).then_some(k))
        .collect()
}

pub fn promoted(lab: &Lab) -> Vec<u8> {
    with_role(lab, "maxscale", "Promoted")
}

/// The nodes on which a MaxScale runs.
pub fn lives(lab: &Lab) -> Vec<u8> {
    let running = lab.nodes().filter(|node| !node.maxscale_life().is_empty());
    running.map(|node| node.number()).collect()
}

/// Waits until MaxScale and address are on one node, and nowhere else.
pub fn together(lab: &Lab, after: &str) -> u8 {
    let mut home = 0;
    lab.wait(
        &format!("MaxScale beside its address after {after}"),
        STEP,
        || {
            let [maxscale, vip] = ["maxscale", "vip"].map(|name| with_role(lab, name, "Started"));
            home = vip.first().copied().unwrap_or(0);
            vip.len() == 1
                && maxscale == vip
                && lives(lab) == vip
                && lab.node(home).has_proxy_address()
        },
    );
    lab.settle();
    home
}

/// Waits until the address is beside the one active MaxScale, on another node than `not`, and the others are passive.
pub fn beside(lab: &Lab, not: u8, after: &str) -> u8 {
    let mut home = 0;
    lab.wait(
        &format!("an active MaxScale with the address after {after}"),
        STEP,
        || {
            let (active, vip) = (promoted(lab), with_role(lab, "vip", "Started"));
            home = vip.first().copied().unwrap_or(0);
            let one = vip.len() == 1
                && active == vip
                && home != not
                && lab.node(home).has_proxy_address();
            one && lives(lab).len() == 3 && !passives(lab).contains(&home) && published(lab, home)
        },
    );
    lab.settle();
    home
}

/// The node attributes say that this one is active, and the others are not.
fn published(lab: &Lab, home: u8) -> bool {
    lab.nodes().all(|node| {
        let k = node.number();
        let ask = format!("crm_attribute -N node{k} -l reboot -n maxscale-active --query --quiet");
        lab.any().run(&ask).stdout.trim() == (k == home).to_string()
    })
}

/// Waits until the address is beside a MaxScale that runs, on another node than `not`.
pub fn healthy(lab: &Lab, not: u8, after: &str) -> u8 {
    let mut home = 0;
    lab.wait(
        &format!("the address beside a healthy MaxScale after {after}"),
        STEP,
        || {
            let (vip, running) = (
                with_role(lab, "vip", "Started"),
                with_role(lab, "maxscale", "Started"),
            );
            home = vip.first().copied().unwrap_or(0);
            vip.len() == 1
                && home != not
                && running.contains(&home)
                && lab.node(home).has_proxy_address()
        },
    );
    lab.settle();
    home
}

/// The nodes whose MaxScale says that it is passive.
pub fn passives(lab: &Lab) -> Vec<u8> {
    saying(lab, true)
}

/// The nodes whose MaxScale says that it is active.
pub fn actives(lab: &Lab) -> Vec<u8> {
    saying(lab, false)
}

fn saying(lab: &Lab, passive: bool) -> Vec<u8> {
    let saying = lab.nodes().filter(|node| node.passive() == Some(passive));
    saying.map(|node| node.number()).collect()
}

pub fn told(lab: &Lab, words: &str) {
    lab.wait(&format!("the cluster to be told: {words}"), STEP, || {
        lab.crm_mon().contains(words)
    });
}
