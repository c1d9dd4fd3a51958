//! Active or passive: what the cluster decides, MaxScale is told, and what MaxScale can do, the cluster is told.

use super::answers::MaxScale;
use super::health::{Routing, Watched};
use super::record::{Fitness, Record, Score};
use super::rest::{Rest, RestError};
use super::{MaxScaleAgent, monitor};
use crate::ocf::{Deadline, Done, Env, Failure};
use crate::sys::cluster;
use crate::sys::process::Process;

/// Whether the cluster gives this instance a role.
pub fn is_promotable(env: &Env) -> bool {
    env.promoted_max().is_some_and(|max| max > 0)
}

/// Whether MaxScale should be passive: an instance that may be promoted and is not.
const fn should_be_passive(promotable: bool, promoted: bool) -> bool {
    promotable && !promoted
}

/// The end of a start: unpromoted, if there are roles.
pub fn settle(agent: &MaxScaleAgent, rest: &Rest, record: &mut Record) {
    if !agent.is_promotable() {
        return;
    }
    publish_active(&agent.env, false);
    match rest.look() {
        Ok(seen) => {
            let routing = seen.routing(&Watched::of(&agent.params));
            tell_score(agent, record, &routing, false);
        }
        Err(error) => log::warn!("no promotion score yet: {error}"),
    }
}

/// Makes MaxScale what it should be in this role, where its version knows the difference, whatever an earlier life has
/// left.
///
/// # Errors
/// When it does not obey.
pub fn impose(
    agent: &MaxScaleAgent,
    rest: &Rest,
    maxscale: &MaxScale,
    promoted: bool,
) -> Result<(), RestError> {
    let wanted = should_be_passive(agent.is_promotable(), promoted);
    let Some(passive) = maxscale.parameters.passive else {
        log::debug!("MaxScale {} has no passive", maxscale.version);
        return Ok(());
    };
    if passive == wanted {
        return Ok(());
    }
    log::info!(
        "MaxScale is made {}",
        if wanted { "passive" } else { "active" }
    );
    rest.set_passive(wanted)
}

/// Promotes, after another look: the score is only a hint.
///
/// # Errors
/// When it does not run, does not route or does not obey.
pub fn promote(agent: &MaxScaleAgent) -> Done {
    let (rest, mut record, _) = running(agent)?;
    let maxscale = rest.maxscale().map_err(|error| error.failure())?;
    let seen = rest.look().map_err(|error| error.failure())?;
    let watched = Watched::of(&agent.params);
    let routing = match monitor::greeted(agent, &seen, &watched) {
        Ok(()) => seen.routing(&watched),
        Err(fault) => Routing::Not(fault),
    };
    if let Routing::Not(reason) = &routing {
        tell_score(agent, &mut record, &routing, false);
        agent.records().save(&record);
        return Err(Failure::Retry(format!(
            "not promoted, as it cannot route: {reason}"
        )));
    }
    impose(agent, &rest, &maxscale, true).map_err(|error| error.failure())?;
    record.promoted = true;
    tell_score(agent, &mut record, &routing, true);
    agent.records().save(&record);
    publish_active(&agent.env, true);
    Ok(())
}

/// Demotes. One that does not run is not promoted, and the cluster is told that it does not run.
///
/// # Errors
/// When it does not run, or may still be active.
pub fn demote(agent: &MaxScaleAgent) -> Done {
    let (rest, mut record, process) = running(agent)?;
    let failed = |error: RestError| Failure::Retry(monitor::explained(error.to_string(), process));
    let maxscale = rest.maxscale().map_err(failed)?;
    impose(agent, &rest, &maxscale, false).map_err(failed)?;
    record.promoted = false;
    if let Some(told) = record.told {
        let promoted = false;
        tell(agent, &mut record, Score { promoted, ..told });
    }
    agent.records().save(&record);
    publish_active(&agent.env, false);
    Ok(())
}

fn running(agent: &MaxScaleAgent) -> Result<(Rest, Record, Process), Failure> {
    let settings = agent.settings()?;
    let found = agent.running(&agent.files(&settings))?;
    let Some(process) = found else {
        return Err(Failure::NotRunning("MaxScale is not running".to_owned()));
    };
    let rest = Rest::new(&agent.params, &settings)?;
    Ok((rest, monitor::record_of(agent, process), process))
}

/// Tells the cluster how fit this instance is for the role, and that it has it, when that has changed.
pub fn tell_score(agent: &MaxScaleAgent, record: &mut Record, routing: &Routing, promoted: bool) {
    let fitness = match routing {
        Routing::Well => Fitness::Well,
        Routing::Partly(_) => Fitness::Partly,
        Routing::Not(_) => Fitness::Never,
    };
    tell(agent, record, Score { fitness, promoted });
}

/// One that is to be recovered has no score: until it serves again, the role must not come back to it.
pub fn tell_unfit(agent: &MaxScaleAgent, record: &mut Record) {
    let (fitness, promoted) = (Fitness::Never, record.promoted);
    tell(agent, record, Score { fitness, promoted });
}

fn tell(agent: &MaxScaleAgent, record: &mut Record, score: Score) {
    if !agent.is_promotable() || record.told == Some(score) {
        return;
    }
    let Some(node) = agent.env.node() else { return };
    match cluster::set_score(node, agent.env.resource(), score.number()) {
        Ok(()) => record.told = Some(score),
        Err(error) => log::warn!("the promotion score was not told: {error}"),
    }
}

/// The node attribute `RESOURCE-active`, which tells everybody which MaxScale is active, whether or not its version
/// knows the difference. Nothing depends on it here: when the cluster cannot be told, the role is all the same.
fn publish_active(env: &Env, active: bool) {
    let Some(node) = env.node().filter(|_| is_promotable(env)) else {
        return;
    };
    let name = format!("{}-active", env.resource());
    let value = if active { "true" } else { "false" };
    let limit = Deadline::of(env);
    if let Err(error) = cluster::set_attribute(node, &name, Some(value), &limit) {
        log::warn!("attribute {name} was not set: {error}");
    }
}

/// The cluster forgets the instance's score and attribute: it is stopped.
pub fn forget(env: &Env) {
    let Some(node) = env.node().filter(|_| is_promotable(env)) else {
        return;
    };
    if let Err(error) = cluster::set_score(node, env.resource(), None) {
        log::warn!("the promotion score was not removed: {error}");
    }
    publish_active(env, false);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_unpromoted_instance_of_a_promotable_clone_is_passive() {
        assert!(should_be_passive(true, false));
        assert!(!should_be_passive(true, true));
        assert!(!should_be_passive(false, false));
    }
}
