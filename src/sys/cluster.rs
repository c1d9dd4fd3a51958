//! Pacemaker's own tools: one query for a look, and the few changes that the agents make.
//!
//! A query without `--local` is answered by the DC, and so is the change of an attribute: what has been read
//! back after a change is what every later query of any node sees.
//!
//! Where somebody asks for a node [alone], the store of that answers in the cluster's place.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use thiserror::Error;

use super::alone;
use super::command::{CommandError, Output, program, run};
use crate::cib::{Cib, CibError};
use crate::ocf::{Deadline, TimedOut, wait_until};

/// The tools give up after 30 s by themselves; the cluster is of no use to us for longer than this.
const LIMIT: Duration = Duration::from_secs(15);

/// How often a change is looked for.
const STEP: Duration = Duration::from_millis(20);

/// Exit code of `cibadmin` when the object exists already (`CRM_EX_EXISTS`, crm/common/results.h).
const EXISTS: i32 = 108;

/// Exit code of `cibadmin` when there is no such object (`CRM_EX_NOSUCH`).
const NO_SUCH: i32 = 105;

/// Why the cluster could not be asked or told.
#[derive(Debug, Error)]
pub enum ClusterError {
    /// A tool could not be run.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// A tool failed.
    #[error("{tool} failed (code {}): {message}", code.map_or("signal".into(), |c| c.to_string()))]
    Tool {
        /// Its name.
        tool: String,
        /// Its exit code.
        code: Option<i32>,
        /// Its last words.
        message: String,
    },
    /// There is no cluster to be asked, and what stands in for it cannot be used.
    #[error("{switch}: {0}", switch = alone::SWITCH)]
    Alone(String),
    /// The answer is no CIB.
    #[error("the answer of cibadmin cannot be read: {0}")]
    Cib(#[from] CibError),
    /// A change was accepted and did not take effect.
    #[error(transparent)]
    Late(#[from] TimedOut),
}

/// One look at the whole cluster.
///
/// # Errors
/// No cluster here, or an answer that is no CIB.
pub fn look() -> Result<Cib, ClusterError> {
    if let Some(store) = alone::store()? {
        return store.look();
    }
    let mut query = program("cibadmin");
    query.arg("--query");
    Ok(Cib::parse(&succeed(query)?.stdout)?)
}

/// The name by which the cluster knows this node.
///
/// # Errors
/// No cluster here.
pub fn node_name() -> Result<String, ClusterError> {
    if let Some(store) = alone::store()? {
        return Ok(store.node().to_owned());
    }
    let mut query = program("crm_node");
    query.arg("--name");
    let output = succeed(query)?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Sets a transient attribute of a node, or removes it, and returns when every node can see that.
///
/// # Errors
/// When the tool fails or the change cannot be seen before the deadline.
pub fn set_attribute(
    node: &str,
    name: &str,
    value: Option<&str>,
    deadline: &Deadline,
) -> Result<(), ClusterError> {
    if let Some(store) = alone::store()? {
        return store.set_attribute(name, value);
    }
    let mut change = program("crm_attribute");
    change.args(["--node", node, "--lifetime", "reboot", "--name", name]);
    match value {
        Some(value) => change.args(["--update", value]),
        None => change.arg("--delete"),
    };
    succeed(change)?;
    let what = format!("attribute {name} of {node} to change in the CIB");
    wait_until(deadline, STEP, &what, || {
        let cib = look()?;
        let seen = cib.node(node).and_then(|node| node.transient.get(name));
        Ok((seen == value).then_some(()))
    })
}

/// Sets an attribute of this node that never gets into the CIB, where each change would make the cluster think
/// again; `None` empties it.
///
/// # Errors
/// When the tool fails.
pub fn set_private(name: &str, value: Option<&str>) -> Result<(), ClusterError> {
    let mut change = program("attrd_updater");
    let value = value.unwrap_or_default();
    change.args(["--private", "--name", name, "--update", value]);
    succeed(change).map(drop)
}

/// The values of such an attribute, by node; empty ones, and an attribute that nobody has set, count as none.
///
/// # Errors
/// When the tool cannot be run.
pub fn private(name: &str) -> Result<BTreeMap<String, String>, ClusterError> {
    let mut query = program("attrd_updater");
    query.args(["--query", "--all", "--name", name]);
    let output = run(query, LIMIT)?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().filter_map(private_value).collect())
}

/// `name="db-transfer" host="node3" value="receiving"`; what is in the value may be escaped or not.
fn private_value(line: &str) -> Option<(String, String)> {
    let (_, host) = line.split_once(" host=\"")?;
    let (host, value) = host.split_once("\" value=\"")?;
    let value = value.strip_suffix('"')?;
    let value = quick_xml::escape::unescape(value).map_or(value.into(), |plain| plain.into_owned());
    (!value.is_empty()).then(|| (host.to_owned(), value))
}

/// Sets this node's promotion score for a resource, or removes it.
///
/// # Errors
/// When the tool fails.
pub fn set_score(node: &str, resource: &str, score: Option<i32>) -> Result<(), ClusterError> {
    let name = format!("master-{resource}");
    if let Some(store) = alone::store()? {
        return store.set_attribute(&name, score.map(|score| score.to_string()).as_deref());
    }
    let mut change = program("crm_attribute");
    change.args(["--node", node, "--lifetime", "reboot", "--name", &name]);
    match score {
        Some(score) => change.args(["--update", &score.to_string()]),
        None => change.arg("--delete"),
    };
    succeed(change).map(drop)
}

/// Creates a set of permanent cluster properties. Returns false when a set with this id exists: of several
/// who try at once, exactly one creates it.
///
/// # Errors
/// When the cluster does not answer or refuses.
pub fn create_properties(set: &str, pairs: &[(String, String)]) -> Result<bool, ClusterError> {
    if let Some(store) = alone::store()? {
        return store.create_properties(set, pairs);
    }
    let mut xml = format!("<cluster_property_set id=\"{set}\">");
    for (name, value) in pairs {
        let value = quick_xml::escape::escape(value);
        xml += &format!("<nvpair id=\"{set}-{name}\" name=\"{name}\" value=\"{value}\"/>");
    }
    xml += "</cluster_property_set>";
    let mut create = program("cibadmin");
    create.args(["--create", "--scope", "crm_config", "--xml-text", &xml]);
    let output = run(create, LIMIT)?;
    match output.code {
        Some(0) => Ok(true),
        Some(EXISTS) => Ok(false),
        _ => Err(failed("cibadmin", &output)),
    }
}

/// Sets one permanent property in a set of its own.
///
/// # Errors
/// When the tool fails.
pub fn set_property(set: &str, name: &str, value: &str) -> Result<(), ClusterError> {
    if let Some(store) = alone::store()? {
        return store.set_property(set, name, value);
    }
    let mut change = program("crm_attribute");
    change.args([
        "--type",
        "crm_config",
        "--set-name",
        set,
        "--name",
        name,
        "--update",
        value,
    ]);
    succeed(change).map(drop)
}

/// Removes a set of cluster properties; it is well when there is none.
///
/// # Errors
/// When the cluster does not answer or refuses.
pub fn delete_properties(set: &str) -> Result<(), ClusterError> {
    if let Some(store) = alone::store()? {
        return store.delete_properties(set);
    }
    let mut delete = program("cibadmin");
    let xml = format!("<cluster_property_set id=\"{set}\"/>");
    delete.args(["--delete", "--scope", "crm_config", "--xml-text", &xml]);
    let output = run(delete, LIMIT)?;
    match output.code {
        Some(0 | NO_SUCH) => Ok(()),
        _ => Err(failed("cibadmin", &output)),
    }
}

/// Tells the cluster that the resource has failed on this node, so that it recovers it at once.
///
/// # Errors
/// When the tool fails.
pub fn report_failure(resource: &str, node: &str) -> Result<(), ClusterError> {
    if alone::store()?.is_some() {
        return Ok(()); // nobody recovers anything
    }
    let mut fail = program("crm_resource");
    fail.args(["--fail", "--resource", resource, "--node", node]);
    succeed(fail).map(drop)
}

fn succeed(command: Command) -> Result<Output, ClusterError> {
    let tool = command.get_program().to_string_lossy().into_owned();
    let output = run(command, LIMIT)?;
    match output.code {
        Some(0) => Ok(output),
        _ => Err(failed(&tool, &output)),
    }
}

fn failed(tool: &str, output: &Output) -> ClusterError {
    let (tool, message) = (tool.to_owned(), output.last_words().to_owned());
    ClusterError::Tool {
        tool,
        code: output.code,
        message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_value_is_read_escaped_or_not() {
        let wanted = Some(("node3".to_owned(), "{\"a\":1}".to_owned()));
        let line = r#"name="db-transfer" host="node3" value="{"a":1}""#;
        assert_eq!(private_value(line), wanted);
        let line = r#"name="db-transfer" host="node3" value="{&quot;a&quot;:1}""#;
        assert_eq!(private_value(line), wanted);
        assert_eq!(private_value(r#"name="x" host="node3" value="""#), None);
    }
}
