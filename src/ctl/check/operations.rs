//! The operations of every resource of ours: their times, and the monitors that find failures.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Finding, Severity};
use crate::cib::{Cib, Operation, Resource, read_duration};
use crate::galera::Galera;
use crate::maxscale::MaxScaleAgent;
use crate::ocf::{Action, ActionRow, Agent as _};
use crate::sys::by_resource::PROVIDER;
use crate::vip::Vip;

/// What Pacemaker gives an operation that nobody has given a time-out.
const DEFAULT: Duration = Duration::from_secs(20);

pub(super) fn findings(cib: &Cib) -> Vec<Finding> {
    let ours = cib.resources().filter_map(|resource| {
        let agent = resource.agent()?;
        let ours = agent.provider.as_deref() == Some(PROVIDER);
        Some((resource, advertised(&agent.name).filter(|_| ours)?))
    });
    ours.flat_map(|(resource, rows)| {
        let mut found = times(cib, resource, rows);
        found.extend(monitors(cib, resource));
        found
    })
    .collect()
}

fn advertised(agent: &str) -> Option<&'static [ActionRow]> {
    [&Galera::ABOUT, &Vip::ABOUT, &MaxScaleAgent::ABOUT]
        .into_iter()
        .find(|about| about.name == agent)
        .map(|about| about.actions)
}

/// Operations that have less time than the agent says it may need.
fn times(cib: &Cib, resource: &Resource, rows: &[ActionRow]) -> Vec<Finding> {
    let cluster = cib.op_defaults().get("timeout").and_then(read_duration);
    let usual = cluster.unwrap_or(DEFAULT);
    let mut wanted = BTreeMap::new();
    for row in rows.iter().filter(|row| is_run_by_the_cluster(row.action)) {
        let most = wanted.entry(row.action.name()).or_insert(row.timeout_s);
        *most = row.timeout_s.max(*most);
    }
    let roles = cib.promotable(&resource.id);
    let short = wanted.into_iter().filter_map(|(name, wanted)| {
        let role_only = ["promote", "demote", "notify"].contains(&name);
        let given = shortest(resource, name).unwrap_or(usual);
        let wanted = Duration::from_secs(wanted.into());
        ((roles || !role_only) && given < wanted).then(|| too_short(resource, name, given, wanted))
    });
    short.collect()
}

/// `validate-all` and `meta-data` are for people and tools; `reload-agent` takes the time of a start.
fn is_run_by_the_cluster(action: Action) -> bool {
    matches!(
        action,
        Action::Start
            | Action::Stop
            | Action::Monitor
            | Action::Promote
            | Action::Demote
            | Action::Notify
    )
}

/// The shortest time that is given to an operation of this name.
fn shortest(resource: &Resource, name: &str) -> Option<Duration> {
    let named = resource.operations().filter(|one| &*one.name == name);
    named.filter_map(|one| one.timeout).min()
}

fn too_short(resource: &Resource, name: &str, given: Duration, wanted: Duration) -> Finding {
    let (given, wanted) = (given.as_secs(), wanted.as_secs());
    let reason = match name {
        "stop" => "a stop that runs out of time is a failure, and the node is fenced for it",
        _ => "an action that runs out of time is a failure, though it would have succeeded",
    };
    Finding::new(
        if name == "stop" {
            Severity::Danger
        } else {
            Severity::Warning
        },
        &*resource.id,
        format!("{name} has {given} s, and may need {wanted}"),
        reason,
        format!(
            "crm configure edit {}: op {name} timeout={wanted}s",
            resource.id
        ),
    )
}

/// Missing monitors, and such of which only one is run.
fn monitors(cib: &Cib, resource: &Resource) -> Vec<Finding> {
    let recurring: Vec<&Operation> = resource
        .operations()
        .filter(|one| &*one.name == "monitor" && !one.interval.is_zero() && one.enabled)
        .collect();
    let mut found = Vec::new();
    for (place, one) in recurring.iter().enumerate() {
        let same = |other: &&&Operation| other.interval == one.interval;
        if recurring[..place].iter().find(same).is_some() {
            found.push(Finding::new(
                Severity::Danger,
                &*resource.id,
                format!("two monitors every {} s", one.interval.as_secs_f64()),
                "Pacemaker tells operations apart by name and interval: one of the two is not run, in one of the roles nobody \
                 looks",
                "give each monitor an interval of its own, as 1s and 2s",
            ));
        }
    }
    let roles: &[&str] = match cib.promotable(&resource.id) {
        true => &["Promoted", "Unpromoted"],
        false => &["Started"],
    };
    for role in roles {
        // One without a role is for those that are not promoted.
        let meant = |one: &&Operation| match one.role.as_deref() {
            Some(named) => named == *role,
            None => *role != "Promoted",
        };
        if !recurring.iter().any(meant) {
            found.push(Finding::new(
                Severity::Warning,
                &*resource.id,
                format!("no monitor for the role {role}"),
                "a failure there is not noticed by the cluster",
                format!(
                    "crm configure edit {}: op monitor role={role} interval=..",
                    resource.id
                ),
            ));
        }
    }
    found
}
