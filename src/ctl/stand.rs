//! Where an elector and its node stand, in words. Pure.

use super::scene::Scene;
use crate::cib::Node;
use crate::galera::ballot::{Data, Report, Stand};
use crate::galera::published::Phase;

/// A node's place in the cluster: one word, the most telling one.
pub(super) fn state(node: &Node) -> &'static str {
    if node.unclean() {
        "unclean"
    } else if node.pending() {
        "pending"
    } else if !node.online() {
        "offline"
    } else if node.maintenance() {
        "maintenance"
    } else if node.standby() {
        "standby"
    } else {
        "online"
    }
}

/// What kind of data a report tells of.
pub(super) fn data_word(data: &Data) -> &'static str {
    match data {
        Data::Blank { user_data: false } => "blank",
        Data::Blank { user_data: true } => "databases",
        Data::At(_) => "position",
        Data::Partial => "partial",
        Data::Unreadable(_) => "unreadable",
    }
}

/// Why data cannot be compared or started from, in half a sentence.
pub(super) fn data_reason(data: &Data) -> Option<String> {
    match data {
        Data::At(_) => None,
        Data::Blank { user_data: false } => Some("its data directory has no history".into()),
        Data::Blank { user_data: true } => {
            Some("its data directory holds databases and no history".into())
        }
        Data::Partial => Some("a state transfer was interrupted: its data is not complete".into()),
        Data::Unreadable(why) => Some(why.clone()),
    }
}

/// An elector's stand as a sentence without its name.
pub(super) fn sentence(scene: &Scene, elector: &str, stand: &Stand) -> String {
    match stand {
        Stand::Silent => format!("silent: {}", silence(scene, elector)),
        Stand::Reported { report, eligible } => {
            let stopped = if *eligible {
                ""
            } else {
                "; its resource is stopped"
            };
            format!("reported {}{stopped}", reported(report))
        }
        Stand::Restoring(report) => {
            format!(
                "restores the last primary component, from {}",
                reported(report)
            )
        }
        Stand::Apart(report) => {
            format!("has lost its component, and holds {}", reported(report))
        }
        Stand::Joining => "its server looks for the primary component".into(),
        Stand::Bootstrapping => "opens an epoch and bootstraps".into(),
        Stand::Primary => "is in the primary component".into(),
    }
}

/// Why an elector is silent, as far as the cluster knows.
pub(super) fn silence(scene: &Scene, elector: &str) -> String {
    let Some(node) = scene.node(elector) else {
        return "no node of the cluster is known to be it".into();
    };
    let (name, state) = (&node.uname, state(node));
    let published = scene.outlook.published.get(&**name);
    if state != "online" {
        state.into()
    } else if published.is_some_and(|one| one.phase == Phase::Recovering) {
        "looking for its position".into()
    } else {
        "online, and has published nothing".into()
    }
}

fn reported(report: &Report) -> String {
    let mut words = match (report.position(), data_reason(&report.data)) {
        (Some(position), _) => format!("{position} of epoch {}", report.epoch),
        (None, reason) => format!("that {}", reason.unwrap_or_default()),
    };
    if report.safe {
        words += ", left last";
    } else if report.recovered {
        words += ", recovered after a crash";
    }
    words
}
