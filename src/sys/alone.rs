//! One node without a cluster: what it publishes goes to a file instead of the CIB, so that `ocf-tester`, which knows no
//! cluster, can run an agent from start to end.
//!
//! A node of a cluster must never come here, where nobody can contradict it. So somebody has to ask for it by name,
//! it is refused where there are signs of a cluster, and the caller makes sure that there are no other members.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::Duration;

use quick_xml::escape::escape;
use serde::{Deserialize, Serialize};

use super::cluster::ClusterError;
use super::{files, lock, names};
use crate::cib::Cib;
use crate::ocf::{Deadline, Env, Failure, wait_until};

/// The variable that asks for it: the directory of the file.
pub const SWITCH: &str = "GALERA_RS_ALONE";

/// What Pacemaker leaves on every node that it has ever run on (`CRM_CONFIG_DIR`, `cib.xml`).
const CIB_FILE: &str = "/var/lib/pacemaker/cib/cib.xml";

/// A change of the file takes milliseconds.
const LIMIT: Duration = Duration::from_secs(5);

const STEP: Duration = Duration::from_millis(5);

/// Where this process keeps what it would publish; an error when it must not.
static STORE: LazyLock<Option<Result<Store, String>>> =
    LazyLock::new(|| Store::asked_for(&Env::from_process(), Path::new(CIB_FILE)));

/// The store of this process; `None` when the cluster is the one to ask.
///
/// # Errors
/// When it is asked for where there may be a cluster.
pub fn store() -> Result<Option<&'static Store>, ClusterError> {
    match &*STORE {
        None => Ok(None),
        Some(Ok(store)) => Ok(Some(store)),
        Some(Err(refusal)) => Err(ClusterError::Alone(refusal.clone())),
    }
}

/// The file of one node.
#[derive(Debug)]
pub struct Store {
    directory: PathBuf,
    node: String,
}

/// Its content.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Kept {
    /// Node attributes.
    attributes: BTreeMap<String, String>,
    /// Sets of cluster properties, by their ids.
    sets: BTreeMap<String, BTreeMap<String, String>>,
}

impl Store {
    fn asked_for(env: &Env, cib: &Path) -> Option<Result<Self, String>> {
        let directory = PathBuf::from(env.plain(SWITCH)?);
        let by_cluster = env.node().or(env.param("crm_feature_set")).is_some();
        Some(if by_cluster {
            Err("the cluster called this agent".to_owned())
        } else if cib.exists() {
            Err(format!("{} shows a node of a cluster", cib.display()))
        } else if !directory.is_absolute() {
            Err(format!("{} is no absolute path", directory.display()))
        } else {
            let node = names::own_name().unwrap_or_else(|| "localhost".to_owned());
            Ok(Self { directory, node })
        })
    }

    /// The host's own name.
    pub fn node(&self) -> &str {
        &self.node
    }

    /// A CIB with this one node.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn look(&self) -> Result<Cib, ClusterError> {
        Ok(Cib::parse(render(&self.load()?, &self.node).as_bytes())?)
    }

    /// Sets an attribute of the node, or removes it.
    ///
    /// # Errors
    /// When the file cannot be changed.
    pub fn set_attribute(&self, name: &str, value: Option<&str>) -> Result<(), ClusterError> {
        self.change(|kept| match value {
            Some(value) => drop(kept.attributes.insert(name.to_owned(), value.to_owned())),
            None => drop(kept.attributes.remove(name)),
        })
    }

    /// Creates a set of properties; false when there is one with this id.
    ///
    /// # Errors
    /// When the file cannot be changed.
    pub fn create_properties(
        &self,
        set: &str,
        pairs: &[(String, String)],
    ) -> Result<bool, ClusterError> {
        self.change(|kept| {
            let free = !kept.sets.contains_key(set);
            if free {
                let pairs = pairs.iter().cloned().collect();
                kept.sets.insert(set.to_owned(), pairs);
            }
            free
        })
    }

    /// Sets one property.
    ///
    /// # Errors
    /// When the file cannot be changed.
    pub fn set_property(&self, set: &str, name: &str, value: &str) -> Result<(), ClusterError> {
        self.change(|kept| {
            let set = kept.sets.entry(set.to_owned()).or_default();
            set.insert(name.to_owned(), value.to_owned());
        })
    }

    /// Removes a set of properties.
    ///
    /// # Errors
    /// When the file cannot be changed.
    pub fn delete_properties(&self, set: &str) -> Result<(), ClusterError> {
        self.change(|kept| drop(kept.sets.remove(set)))
    }

    fn path(&self) -> PathBuf {
        self.directory.join("published.json")
    }

    fn load(&self) -> Result<Kept, ClusterError> {
        let kept = files::load(&self.path()).map_err(|error| self.unusable(&error))?;
        Ok(kept.unwrap_or_default())
    }

    /// Changes the file; actions and the background job take turns.
    fn change<T>(&self, change: impl FnOnce(&mut Kept) -> T) -> Result<T, ClusterError> {
        let lock = self.directory.join("lock");
        let what = format!("the lock on {}", lock.display());
        let _lock = wait_until(&Deadline::after(LIMIT), STEP, &what, || {
            lock::take(&lock).map_err(|error| Failure::Retry(error.to_string()))
        })
        .map_err(|failure| ClusterError::Alone(failure.to_string()))?;
        let mut kept = self.load()?;
        let changed = change(&mut kept);
        files::save(&self.path(), &kept).map_err(|error| self.unusable(&error))?;
        Ok(changed)
    }

    fn unusable(&self, error: &io::Error) -> ClusterError {
        ClusterError::Alone(format!("{}: {error}", self.path().display()))
    }
}

/// The CIB that a cluster of this one node would have.
fn render(kept: &Kept, node: &str) -> String {
    let mut sets = String::new();
    for (id, properties) in &kept.sets {
        let id = escape(id);
        let pairs = pairs(&id, properties);
        let _ = write!(
            sets,
            r#"<cluster_property_set id="{id}">{pairs}</cluster_property_set>"#
        );
    }
    let (node, own) = (escape(node), pairs("own", &kept.attributes));
    format!(
        r#"<cib have-quorum="1"><configuration><crm_config>{sets}</crm_config><nodes><node id="1" uname="{node}"/></nodes>
<resources/><constraints/></configuration><status><node_state id="1" uname="{node}" in_ccm="true" crmd="online"
join="member" expected="member"><transient_attributes id="1"><instance_attributes id="own">{own}</instance_attributes>
</transient_attributes></node_state></status></cib>"#
    )
}

fn pairs(set: &str, all: &BTreeMap<String, String>) -> String {
    let mut xml = String::new();
    for (name, value) in all {
        let (name, value) = (escape(name), escape(value));
        let _ = write!(
            xml,
            r#"<nvpair id="{set}-{name}" name="{name}" value="{value}"/>"#
        );
    }
    xml
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(pairs: &[(&str, &str)], cib: &Path) -> Option<Result<Store, String>> {
        Store::asked_for(&Env::from_pairs(pairs.iter().copied()), cib)
    }

    #[test]
    fn nobody_is_alone_without_having_asked_for_it() {
        let nowhere = Path::new("/nonexistent/cib.xml");
        assert!(asked(&[], nowhere).is_none());
        assert!(asked(&[("OCF_RESOURCE_INSTANCE", "db")], nowhere).is_none());
    }

    #[test]
    fn a_node_of_a_cluster_is_never_alone() {
        let nowhere = Path::new("/nonexistent/cib.xml");
        let asks = (SWITCH, "/run/alone");
        for by_cluster in [
            ("OCF_RESKEY_CRM_meta_on_node", "n1"),
            ("OCF_RESKEY_crm_feature_set", "3.16.2"),
        ] {
            assert!(matches!(asked(&[asks, by_cluster], nowhere), Some(Err(_))));
        }
        let cib = tempfile::NamedTempFile::new().unwrap();
        assert!(matches!(asked(&[asks], cib.path()), Some(Err(_))));
        assert!(matches!(asked(&[(SWITCH, "run")], nowhere), Some(Err(_))));
        assert!(matches!(asked(&[asks], nowhere), Some(Ok(_))));
    }

    #[test]
    fn what_was_published_is_seen_and_a_set_is_created_once() {
        let directory = tempfile::tempdir().unwrap();
        let (directory, node) = (directory.path().join("alone"), "n<1>".to_owned());
        let store = Store { directory, node };
        let value = r#"{"phase":"recovering"}"#;
        store.set_attribute("db-galera", Some(value)).unwrap();
        store.set_attribute("master-db", Some("100")).unwrap();
        store.set_attribute("master-db", None).unwrap();
        let pairs = [("db-epoch".to_owned(), "1".to_owned())];
        assert!(store.create_properties("db-epoch-1", &pairs).unwrap());
        assert!(!store.create_properties("db-epoch-1", &[]).unwrap());
        store.set_property("db-epoch-1", "more", "&").unwrap();
        let cib = store.look().unwrap();
        let node = cib.node("n<1>").unwrap();
        assert!(node.online() && cib.header.have_quorum);
        assert_eq!(node.transient.get("db-galera"), Some(value));
        assert_eq!(node.transient.get("master-db"), None);
        let set = cib.options().set("db-epoch-1").unwrap();
        assert_eq!(
            (set.get("db-epoch"), set.get("more")),
            (Some("1"), Some("&"))
        );
        store.delete_properties("db-epoch-1").unwrap();
        assert!(store.look().unwrap().options().set("db-epoch-1").is_none());
    }
}
