//! Data directories in every state that a cluster can leave behind.

use super::{Lab, Mark, Node, on_all};

/// A server starts as a cluster of its own and stops in order: from now on its data have a history.
const FOUND: &str = r#"
mariadbd --wsrep-new-cluster >/dev/null 2>&1 &
until mariadb -e "insert into t.a(v) values (-1)" 2>/dev/null; do kill -0 $! || exit; sleep 0.05; done
mariadb-admin shutdown
wait
cd /var/lib && tar --exclude=galera.cache --exclude=gvwstate.dat -cf /run/lab/history.tar mysql
"#;

/// Puts the copy in the place of whatever data there is.
const UNPACK: &str = r#"
cd /var/lib && rm -rf mysql && tar -xf /run/lab/history.tar
sed -i "s/safe_to_bootstrap: 1/safe_to_bootstrap: 0/" mysql/grastate.dat
"#;

impl Lab {
    /// Gives every node the same data directory: of a cluster that was stopped in order, with one row and equal seqnos.
    pub fn prepare_history(&self, lines: &[&str]) {
        self.script(&["data", "1"]).ok();
        self.script(&[&["galera"], lines].concat()).ok();
        self.node(1).ok(FOUND);
        self.unpack_history();
    }

    /// The same data directory again, on every node.
    pub fn unpack_history(&self) {
        on_all(self, |node| node.ok(UNPACK));
    }

    /// Marks the error logs of all nodes.
    pub fn error_logs(&self) -> Vec<Mark> {
        (1..=self.nodes).map(|k| self.error_log(k)).collect()
    }

    pub fn rows(&self, k: u8) -> Option<u64> {
        self.sql(k, "select count(*) from t.a").ok()?.parse().ok()
    }

    /// One row more, acknowledged by this node.
    pub fn insert(&self, k: u8, value: i64) {
        self.sql(k, &format!("insert into t.a(v) values ({value})"))
            .unwrap_or_else(|error| panic!("node {k} takes no row: {error}"));
    }

    pub fn has(&self, k: u8, value: i64) -> bool {
        self.sql(
            k,
            &format!("select count(*) > 0 from t.a where v = {value}"),
        )
        .is_ok_and(|found| found == "1")
    }
}

impl Node<'_> {
    /// The history that the data directory names.
    pub fn history(&self) -> String {
        self.ok("sed -n 's/^uuid: *//p' /var/lib/mysql/grastate.dat")
            .trim()
            .to_owned()
    }

    /// Writes `grastate.dat` as Galera does.
    pub fn set_grastate(&self, history: &str, seqno: &str, safe: u8) {
        self.set_file(
            "grastate.dat",
            &format!("# GALERA saved state\nversion: 2.1\nuuid:    {history}\nseqno:   {seqno}\nsafe_to_bootstrap: {safe}\n"),
        );
    }

    /// Writes a file of the data directory, as the server's user.
    pub fn set_file(&self, name: &str, text: &str) {
        let path = format!("/var/lib/mysql/{name}");
        self.ok(&format!(
            "printf %s '{text}' >{path} && chown mysql:mysql {path} && chmod 660 {path}"
        ));
    }
}

/// How many full copies of the data were taken since these marks.
pub fn full_transfers(marks: &[Mark]) -> usize {
    marks.iter().map(|mark| mark.transfers().full).sum()
}
