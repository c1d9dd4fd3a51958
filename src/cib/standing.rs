//! Whether a member of the cluster is online, pending or unclean: Pacemaker's rules over `node_state`. Pure.

use super::node::{Membership, Node, Standing, is_true};

/// Options of the whole cluster that bear on every node.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    pub fencing: bool,
    pub startup_fencing: bool,
    pub maintenance: bool,
    /// The time to take for now, where the CIB tells it.
    pub now: Option<i64>,
    /// How long a node may take from membership to an answering controller; zero: as long as it likes.
    pub pending_seconds: i64,
}

/// Judges a cluster member, its resources apart.
pub(super) fn judge(node: &Node, rules: Rules) -> Standing {
    let yes = |name| node.attribute(name).is_some_and(is_true);
    let shutdown = node.attribute("shutdown").is_some_and(|time| time != "0");
    let mut standing = Standing {
        standby: yes("standby"),
        maintenance: rules.maintenance || yes("maintenance"),
        ..Standing::default()
    };
    match &node.membership {
        None => standing.unclean = rules.fencing && rules.startup_fencing,
        Some(membership) => {
            standing.shutdown = shutdown;
            standing.expected_up = !shutdown && says(membership.expected.as_ref(), "member");
            match rules.fencing {
                true => with_fencing(&mut standing, node, membership, rules),
                false => without_fencing(&mut standing, membership),
            }
        }
    }
    standing.may_run = standing.online;
    standing
}

fn without_fencing(standing: &mut Standing, membership: &Membership) {
    let member = member_since(membership).is_some_and(|time| time > 0);
    let answers = answering_since(membership) > 0;
    standing.online = member && answers && says(membership.join.as_ref(), "member");
    standing.unclean = member && !answers && standing.expected_up;
}

fn with_fencing(standing: &mut Standing, node: &Node, membership: &Membership, rules: Rules) {
    let answering = answering_since(membership);
    if standing.shutdown {
        standing.online = answering > 0;
        return;
    }
    let Some(since) = member_since(membership) else {
        standing.unclean = true;
        return;
    };
    let join = |state| says(membership.join.as_ref(), state);
    let (member, answers) = (since > 0, answering > 0);
    standing.online = member;
    if join("banned") {
        standing.unclean = true;
    } else if termination_requested(node) {
        standing.unclean = member || answers || !join("down");
    } else if membership.expected.is_none() || says(membership.expected.as_ref(), "down") {
        if pending_too_long(since, answering, rules) {
            standing.unclean = true;
        } else {
            standing.pending = member || answers;
        }
    } else if !member || !answers {
        standing.unclean = true;
    } else if join("pending") || join("down") {
        standing.pending = true;
    } else {
        standing.unclean = !join("member");
    }
    standing.standby |= standing.pending;
}

/// Was it a member for longer than it may without an answering controller?
fn pending_too_long(since: i64, answering: i64, rules: Rules) -> bool {
    // A plain `true` carries no time: it counts as just now.
    let timed = rules.pending_seconds > 0 && since > 1 && answering <= 0;
    timed
        && rules
            .now
            .is_some_and(|now| now >= since.saturating_add(rules.pending_seconds))
}

/// Did somebody ask to fence it? `true`, or since when.
fn termination_requested(node: &Node) -> bool {
    node.attribute("terminate")
        .is_some_and(|value| time_or_truth(value).is_some_and(|time| time > 0))
}

/// Since when it is a member; 0: it is none; `None`: nothing is known.
fn member_since(membership: &Membership) -> Option<i64> {
    time_or_truth(membership.in_ccm.as_deref()?)
}

/// Since when its controller answers; 0: it does not.
fn answering_since(membership: &Membership) -> i64 {
    match membership.crmd.as_deref() {
        Some(crmd) if crmd.eq_ignore_ascii_case("online") => 1,
        Some(crmd) => crmd.parse().unwrap_or(0).max(0),
        None => 0,
    }
}

/// A time, or a truth value as 1 or 0; `None` for anything else.
fn time_or_truth(text: &str) -> Option<i64> {
    let no = ["false", "off", "no", "n"]
        .iter()
        .any(|no| text.eq_ignore_ascii_case(no));
    match text.parse::<i64>() {
        Ok(time) => Some(time).filter(|&time| time >= 0),
        Err(_) if is_true(text) => Some(1),
        Err(_) => no.then_some(0),
    }
}

fn says(text: Option<&super::Text>, word: &str) -> bool {
    text.is_some_and(|text| &**text == word)
}
