//! The database servers of a lab.

use std::time::Duration;

use super::{Lab, Node, on_all};

impl Lab {
    /// Gives every node fresh data and its Galera configuration; `lines` go to `[mysqld]` too.
    pub fn prepare_galera(&self, lines: &[&str]) {
        self.script(&["data"]).ok();
        self.script(&[&["galera"], lines].concat()).ok();
    }

    /// Brings Galera up without Pacemaker: the first node bootstraps, the others join one by one.
    pub fn start_by_hand(&self) {
        for node in self.nodes() {
            node.start_server(if node.number == 1 {
                "--wsrep-new-cluster"
            } else {
                ""
            });
            self.wait(
                &format!("node {} Synced", node.number),
                Duration::from_secs(60),
                || node.synced(),
            );
        }
    }

    /// `kill -9` of the node's server and of whatever would restart it; the node stays.
    pub fn kill_server(&self, k: u8) {
        self.node(k).kill_server();
    }

    /// The same on all nodes at once.
    pub fn kill_all_servers(&self) {
        on_all(self, |node| node.kill_server());
    }

    /// One row per line, columns split by tabs.
    pub fn sql(&self, k: u8, query: &str) -> Result<String, String> {
        self.node(k).sql(query)
    }

    pub fn synced(&self, k: u8) -> bool {
        self.node(k).synced()
    }

    /// Whether every node is Synced in one primary component of all.
    pub fn all_synced(&self) -> bool {
        on_all(self, |node| {
            node.synced() && node.status("wsrep_cluster_size") == node.lab.nodes.to_string()
        })
        .into_iter()
        .all(|synced| synced)
    }
}

impl Node<'_> {
    /// Asks this node's server over its socket, as root.
    pub fn sql(&self, query: &str) -> Result<String, String> {
        let quoted = query.replace('\'', r"'\''");
        let answer = self.run_for(
            Duration::from_secs(10),
            &format!("mariadb --connect-timeout=2 -NBe '{quoted}'"),
        );
        if answer.code == 0 {
            Ok(answer.stdout.trim_end().to_owned())
        } else {
            Err(answer.stderr)
        }
    }

    /// A status variable; empty when the server does not answer.
    pub fn status(&self, name: &str) -> String {
        let row = self
            .sql(&format!("show status like '{name}'"))
            .unwrap_or_default();
        row.split('\t').nth(1).unwrap_or_default().to_owned()
    }

    /// Synced, in a primary component.
    pub fn synced(&self) -> bool {
        let rows = self.sql(
            "select group_concat(variable_value order by variable_name) from information_schema.global_status \
             where variable_name in ('wsrep_cluster_status', 'wsrep_local_state_comment')",
        );
        rows.is_ok_and(|states| states == "Primary,Synced")
    }

    /// Starts the server in a session of its own: it outlives the command that starts it.
    pub fn start_server(&self, options: &str) {
        self.ok(&format!(
            "setsid mariadbd {options} >/dev/null 2>&1 </dev/null &"
        ));
    }

    pub fn kill_server(&self) {
        self.run("pkill -KILL -x 'mysqld_safe|mariadbd-safe'; pkill -KILL -x mariadbd");
    }
}
