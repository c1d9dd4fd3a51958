//! The environment that the cluster would set for a resource, for a person who runs an agent by hand.

use super::cluster;
use crate::cib::{Cib, Resource};
use crate::ocf::Failure;

/// The provider of our agents.
pub const PROVIDER: &str = "galera-rs";

/// The environment of the one resource of this agent, or of the one with this name.
///
/// # Errors
/// No cluster, no such resource, or several and no name to choose by.
pub fn environment(agent: &str, name: Option<&str>) -> Result<Vec<(String, String)>, Failure> {
    let cib = cluster::look().map_err(|error| {
        Failure::NotInstalled(format!("{error}; run this on a node of a running cluster"))
    })?;
    let resource = choose(&cib, agent, name)?;
    let mut pairs = parameters(resource);
    pairs.extend([
        ("OCF_RESKEY_CRM_meta_on_node".to_owned(), own_name()?),
        (
            "OCF_RESKEY_CRM_meta_promoted_max".to_owned(),
            cib.promoted_max(&resource.id).to_string(),
        ),
    ]);
    Ok(pairs)
}

/// Its name and parameters, as the cluster hands them to the agent on any node.
pub fn parameters(resource: &Resource) -> Vec<(String, String)> {
    let parameters = resource.parameters.iter();
    let named = parameters.map(|(name, value)| (format!("OCF_RESKEY_{name}"), value.to_owned()));
    let instance = ("OCF_RESOURCE_INSTANCE".to_owned(), resource.id.to_string());
    named.chain([instance]).collect()
}

fn own_name() -> Result<String, Failure> {
    cluster::node_name().map_err(|error| Failure::Retry(error.to_string()))
}

/// The resource of this agent: the named one, else the only one. The name of the clone or group around it will do.
///
/// # Errors
/// None, or several; the message names them.
pub fn choose<'a>(cib: &'a Cib, agent: &str, name: Option<&str>) -> Result<&'a Resource, Failure> {
    let of_agent = |resource: &&Resource| {
        let found = resource.agent().filter(|found| &*found.name == agent);
        found.is_some_and(|found| found.provider.as_deref() == Some(PROVIDER))
    };
    let all: Vec<_> = cib.resources().filter(of_agent).collect();
    let meant = |resource: &&Resource| {
        let mut around = cib.with_ancestors(&resource.id);
        name.is_none_or(|name| around.any(|outer| &*outer.id == name))
    };
    let chosen: Vec<_> = all.iter().copied().filter(meant).collect();
    match (name, chosen.as_slice()) {
        (_, [only]) => Ok(only),
        (Some(name), []) => Err(Failure::WrongHere(format!(
            "no resource {name} of ocf:galera-rs:{agent} is configured; there is: {}",
            names(&all)
        ))),
        (None, []) => Err(Failure::WrongHere(format!(
            "no resource of ocf:galera-rs:{agent} is configured"
        ))),
        (_, several) => Err(Failure::WrongHere(format!(
            "several resources are configured: choose one with --resource: {}",
            names(several)
        ))),
    }
}

fn names(resources: &[&Resource]) -> String {
    let names = resources.iter().map(|resource| &*resource.id);
    let names: Vec<_> = names.collect();
    if names.is_empty() {
        return "none".to_owned();
    }
    names.join(", ")
}
