//! The database servers of a lab.

use std::time::Duration;

use mysql::prelude::Queryable;
use mysql::{Conn, OptsBuilder, Row, from_value};

use super::{Lab, Node, on_all};

/// How long a server may take for an answer.
const ANSWER: Duration = Duration::from_secs(10);

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
    /// Asks this node's server over its socket, as root: from here and without a process, so that a wait takes no
    /// time from what it waits for.
    pub fn sql(&self, query: &str) -> Result<String, String> {
        let rows: Vec<Row> = self
            .connection()?
            .query(query)
            .map_err(|error| error.to_string())?;
        let lines: Vec<_> = rows
            .into_iter()
            .map(|row| columns(row).join("\t"))
            .collect();
        Ok(lines.join("\n"))
    }

    /// A connection to this node's server, as root.
    pub fn connection(&self) -> Result<Conn, String> {
        Conn::new(self.account()?).map_err(|error| error.to_string())
    }

    /// A connection of an ordinary client, as the writer's.
    pub fn client(&self) -> Result<Conn, String> {
        let account = self.account()?.user(Some("w")).pass(Some("w"));
        Conn::new(account.db_name(Some("t"))).map_err(|error| error.to_string())
    }

    fn account(&self) -> Result<OptsBuilder, String> {
        let root = self.root().ok_or("the node is off")?;
        let socket = root.join("run/mysqld/mysqld.sock");
        Ok(OptsBuilder::new()
            .socket(socket.to_str())
            .user(Some("root"))
            .prefer_socket(false)
            .read_timeout(Some(ANSWER))
            .write_timeout(Some(ANSWER)))
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

/// The columns of a row, as the client of the distribution prints them.
fn columns(row: Row) -> Vec<String> {
    let values = row.unwrap().into_iter();
    let texts = values.map(from_value::<Option<String>>);
    texts
        .map(|text| text.unwrap_or_else(|| "NULL".to_owned()))
        .collect()
}
