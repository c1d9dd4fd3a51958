//! Our agent on every node of a lab, and what the cluster says of it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::{Lab, Node, on_all};

/// One writer, two synced readers.
pub const SINGLE_WRITER: &str = "crm-examples/galera-single-writer.crm";

/// Every synced node is promoted.
pub const MULTI_WRITER: &str = "crm-examples/galera-multi-writer.crm";

/// Long enough for every way into service, short enough to be a failure.
pub const IN_SERVICE: Duration = Duration::from_secs(180);

impl Lab {
    /// The promotion score of a node; empty without one.
    pub fn score(&self, k: u8) -> String {
        let query = format!("crm_attribute -N node{k} -l reboot -n master-db --query --quiet");
        self.any().run(&query).stdout.trim().to_owned()
    }

    /// Boots three nodes with the agent and a fence device. `None`, after a word about it, where that is impossible.
    pub fn with_agent() -> Option<Self> {
        Self::up(3)?.equipped()
    }

    /// Installs the agent and configures a fence device.
    pub fn equipped(self) -> Option<Self> {
        self.deploy(&stage()?);
        self.fencing();
        Some(self)
    }

    /// The same, with a cluster in service from data directories that have a history.
    pub fn in_service(example: &str) -> Option<Self> {
        Self::with_agent()?.serving(example)
    }

    /// Brings a cluster into service from data directories that have a history.
    pub fn serving(self, example: &str) -> Option<Self> {
        let lab = self;
        lab.prepare_history(&[]);
        lab.load_crm(example);
        lab.wait_in_service("the first start");
        Some(lab)
    }

    /// Waits until all servers are Synced in one component and all instances have their roles.
    pub fn wait_in_service(&self, after: &str) -> Duration {
        let took = self.wait(&format!("in service after {after}"), IN_SERVICE, || {
            self.serves()
        });
        self.settle();
        took
    }

    /// Every server is Synced, and as many nodes are promoted as the configuration wants.
    pub fn serves(&self) -> bool {
        self.all_synced() && self.promoted().len() == self.wanted()
    }

    fn wanted(&self) -> usize {
        let cib = self.cib();
        let max = cib.split("name=\"promoted-max\" value=\"").nth(1);
        max.and_then(|text| text.split('"').next()?.parse().ok())
            .unwrap_or(1)
    }

    /// The nodes where the clone is promoted.
    pub fn promoted(&self) -> Vec<u8> {
        self.with_role("Promoted")
    }

    /// The nodes where the clone is started and not promoted.
    pub fn unpromoted(&self) -> Vec<u8> {
        self.with_role("Unpromoted")
    }

    fn with_role(&self, role: &str) -> Vec<u8> {
        let roles = self.roles("db");
        roles
            .into_iter()
            .filter_map(|(node, has)| (has == role).then_some(node))
            .collect()
    }

    /// The role of a clone's instance on each node, as the cluster sees it.
    pub fn roles(&self, resource: &str) -> BTreeMap<u8, String> {
        let seen = self.any().run("crm_mon -1 --output-as=xml").stdout;
        let (mut roles, mut role) = (BTreeMap::new(), None);
        let lines = seen.lines().map(str::trim);
        // What comes after names nodes too.
        for line in lines.take_while(|line| *line != "</resources>") {
            if line.starts_with("<resource ") {
                // One without a node is stopped: the next node belongs to something else.
                let ours =
                    attribute(line, "id").as_deref() == Some(resource) && !line.ends_with("/>");
                role = attribute(line, "role").filter(|_| ours);
            } else if line.starts_with("<node name=\"node")
                && let Some(role) = role.take()
                && let Some(node) = attribute(line, "name")
            {
                let number = node.trim_start_matches("node").parse();
                roles.insert(number.expect("nodes are called node1.."), role);
            }
        }
        roles
    }

    /// What an operator sees.
    pub fn crm_mon(&self) -> String {
        self.any().run("crm_mon -1rf").stdout
    }

    /// Switches maintenance mode on or off, and returns when the cluster has taken it in: monitors end and begin with it,
    /// and what one that still runs finds would be recovered afterwards. `crm_resource --wait` does not see that.
    pub fn maintenance(&self, on: bool) {
        self.crm(&format!("configure property maintenance-mode={on}"));
        let mut idle = 0;
        self.wait("an idle controller", IN_SERVICE, || {
            let asked = self
                .any()
                .run("for node in $(crm_node -l | cut -d' ' -f2); do crmadmin -S $node; done");
            idle = if asked.stdout.contains("S_IDLE") {
                idle + 1
            } else {
                0
            };
            idle > 2
        });
    }

    /// Stops the clone in order.
    pub fn stop_clone(&self) {
        self.crm("resource stop db-clone");
        self.wait("the clone stopped", Duration::from_secs(150), || {
            self.roles("db").values().all(|role| role == "Stopped")
        });
        self.settle();
    }

    pub fn start_clone(&self) {
        self.crm("resource start db-clone");
    }

    /// The number of the newest epoch and the node that opened it.
    pub fn epoch(&self) -> (u64, String) {
        let cib = self.cib();
        let number = values(&cib, "db-epoch")
            .filter_map(|value| value.parse().ok())
            .max();
        let number = number.unwrap_or(0);
        let set = format!("id=\"db-epoch-{number}-db-epoch-opened-by\"");
        let line = cib.lines().find(|line| line.contains(&set));
        (
            number,
            line.and_then(|line| attribute(line, "value"))
                .unwrap_or_default(),
        )
    }

    /// What the agent on a node has published last, as JSON.
    pub fn published(&self, k: u8) -> serde_json::Value {
        let query =
            format!("crm_attribute -N node{k} -l reboot -n db-galera --query --quiet 2>/dev/null");
        let text = self.any().run(&query).stdout;
        serde_json::from_str(text.trim()).unwrap_or_default()
    }

    /// Removes everything that the agent knows of earlier lives: epochs, attributes, records. The clone is stopped.
    pub fn forget(&self) {
        let epochs = "cibadmin --delete-all --force --xpath \"//cluster_property_set[starts-with(@id,'db-epoch')]\"";
        self.any().ok(epochs);
        for node in self.nodes() {
            let k = node.number;
            node.run(&format!(
                "crm_attribute -N node{k} -l reboot -n db-galera --delete"
            ));
            node.ok("rm -rf /var/lib/galera-rs");
        }
    }
}

impl Node<'_> {
    /// Identity of the running server: its process and when that began; empty without one.
    pub fn server_life(&self) -> String {
        self.run("ps -o pid=,lstart= -C mariadbd")
            .stdout
            .trim()
            .to_owned()
    }

    /// Processes of the agent, the server and its helpers.
    pub fn database_processes(&self) -> String {
        self.run(
            "ps -eo pid=,args= | grep -E 'resource.d/galera-rs|mariadbd|mysqld|wsrep_sst|rsync|socat|mbstream|mariadb-backup' | grep -v grep",
        )
        .stdout
    }

    /// Runs an action by hand; the parameters come from the cluster.
    pub fn act(&self, action: &str) -> super::Output {
        self.run_for(
            Duration::from_secs(130),
            &format!("/usr/sbin/galera-rs {action}"),
        )
    }
}

/// The lives of all servers.
pub fn lives(lab: &Lab) -> Vec<String> {
    on_all(lab, |node| node.server_life())
}

fn values<'a>(cib: &'a str, name: &str) -> impl Iterator<Item = String> + use<'a> {
    let wanted = format!(" name=\"{name}\" ");
    cib.lines()
        .filter(move |line| line.contains(&wanted))
        .filter_map(|line| attribute(line, "value"))
}

/// The value of an attribute of the XML element on this line.
fn attribute(line: &str, name: &str) -> Option<String> {
    let rest = line.split(&format!(" {name}=\"")).nth(1)?;
    rest.split('"').next().map(str::to_owned)
}

/// The tree that `make install DESTDIR=..` makes.
fn stage() -> Option<PathBuf> {
    let stage = std::env::var_os("GALERA_RS_STAGE").map(PathBuf::from);
    if stage.as_ref().is_some_and(|tree| tree.is_dir()) {
        return stage;
    }
    let missing =
        "GALERA_RS_STAGE names no tree with the agent: make stage; GALERA_RS_STAGE=target/stage";
    assert!(
        !super::set("REQUIRE_REAL"),
        "REQUIRE_REAL is set, but: {missing}"
    );
    eprintln!("SKIPPED: {missing}");
    None
}
