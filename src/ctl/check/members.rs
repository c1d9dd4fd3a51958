//! The clone around the resource: is it what the agent is made for?

use super::{Finding, Severity};
use crate::cib::{Cib, is_true};

pub(super) fn findings(cib: &Cib, resource: &str) -> Vec<Finding> {
    let found = if cib.promotable(resource) {
        [notify(cib, resource), unique(cib, resource)]
    } else {
        [Some(not_promotable(cib, resource)), None]
    };
    found.into_iter().flatten().collect()
}

fn not_promotable(cib: &Cib, resource: &str) -> Finding {
    let (text, remedy) = match cib.clone_of(resource) {
        Some(clone) => (
            format!("its clone {} is not promotable", clone.id),
            format!("crm resource meta {} set promotable true", clone.id),
        ),
        None => (
            "it is not in a clone".to_owned(),
            format!(
                "crm configure clone {resource}-clone {resource} meta promotable=true promoted-max=1 notify=true \
                 interleave=true"
            ),
        ),
    };
    Finding::new(
        Severity::Danger,
        resource,
        text,
        "a cluster that is down everywhere is started by a promotion: without one every node waits",
        remedy,
    )
}

fn notify(cib: &Cib, resource: &str) -> Option<Finding> {
    let clone = cib.clone_of(resource)?;
    (!cib.notify(resource)).then(|| {
        Finding::new(
            Severity::Hint,
            &*clone.id,
            "notifications are off",
            "nodes that wait see what has happened with their next look, up to a second later",
            format!("crm resource meta {} set notify true", clone.id),
        )
    })
}

fn unique(cib: &Cib, resource: &str) -> Option<Finding> {
    let clone = cib.clone_of(resource)?;
    let on = cib.meta(&clone.id, "globally-unique").is_some_and(is_true);
    on.then(|| {
        Finding::new(
            Severity::Danger,
            &*clone.id,
            "its instances are unique (globally-unique=true)",
            "two instances may be placed on one node, where they would share one data directory",
            format!("crm resource meta {} set globally-unique false", clone.id),
        )
    })
}
