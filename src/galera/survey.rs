//! What this node's own files say about its server, for those who check a configuration. Nothing is changed.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::node::Node;
use super::params::GaleraParams;
use super::{params, rehearsal, settings, validate};
use crate::mycnf::Options;
use crate::ocf::{Env, Failure};
use crate::sys::{command, units};

/// Units that start the server, by the names that distributions have given them.
const UNITS: [&str; 4] = [
    "mariadb.service",
    "mysql.service",
    "mysqld.service",
    "mariadb@bootstrap.service",
];

/// The transfer method of a server that is told none (sql/wsrep_sst.h).
const DEFAULT_METHOD: &str = "rsync";

/// What was found on one node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Survey {
    /// The node's name in the cluster.
    pub node: String,
    /// `innodb_flush_log_at_trx_commit`, where it may lose what is acknowledged.
    pub lossy_flush: Option<String>,
    /// `wsrep_sst_method`.
    pub sst_method: String,
    /// What the transfer method needs and this node does not have.
    pub missing_programs: Vec<String>,
    /// The link through which systemd starts the server too.
    pub enabled_unit: Option<PathBuf>,
    /// Files with a password that everybody on this node may read.
    pub open_secrets: Vec<PathBuf>,
    /// Why no server can run here.
    pub invalid: Option<String>,
    /// The option that the server refuses, in its own words.
    pub refused: Option<String>,
    /// What in the option files has no effect.
    pub complaints: Vec<String>,
}

/// Looks at this node with the parameters of a resource.
///
/// # Errors
/// When the option files cannot be read, or do not name this node.
pub fn look(env: &Env) -> Result<Survey, Failure> {
    let params = GaleraParams {
        enable_creation: false, // nothing is made here
        ..params(env)?
    };
    let options = settings::options(&params, env)?;
    let node = Node::new(&params, env)?;
    let method = options.get("wsrep_sst_method").unwrap_or(DEFAULT_METHOD);
    let root = Path::new("/");
    Ok(Survey {
        lossy_flush: node.settings.lossy_flush().map(str::to_owned),
        missing_programs: missing(method),
        sst_method: method.to_owned(),
        enabled_unit: UNITS.iter().find_map(|unit| units::enabled(root, unit)),
        open_secrets: open_secrets(&options, root),
        invalid: validate::validate(&node)
            .err()
            .map(|failure| failure.to_string()),
        refused: rehearsal::read_options(&node)
            .err()
            .map(|failure| failure.to_string()),
        complaints: options
            .complaints()
            .iter()
            .map(ToString::to_string)
            .collect(),
        node: node.name,
    })
}

/// The programs of a transfer method, each by any of its names, that are not installed.
fn missing(method: &str) -> Vec<String> {
    let script = format!("wsrep_sst_{method}");
    let mut needed = vec![vec![script.as_str()]];
    needed.extend(programs(method).iter().map(|names| names.to_vec()));
    let absent = needed
        .into_iter()
        .filter(|names| !names.iter().any(|name| command::is_installed(name)));
    absent.map(|names| names.join(" or ")).collect()
}

/// What the scripts of MariaDB 10.6 to 11.8 call, beyond what every system has (scripts/wsrep_sst_*.sh).
fn programs(method: &str) -> &'static [&'static [&'static str]] {
    match method {
        "rsync" | "rsync_wan" => &[&["rsync"], &["lsof", "ss", "sockstat"]],
        "mariabackup" => &[
            &["mariabackup", "mariadb-backup"],
            &["socat", "nc"],
            &["lsof", "ss", "sockstat"],
        ],
        "mysqldump" => &[&["mariadb-dump", "mysqldump"]],
        _ => &[],
    }
}

/// Files that hold a password and are readable by everybody: the server's option files, and that of clustercheck.
fn open_secrets(options: &Options, root: &Path) -> Vec<PathBuf> {
    let secret = |name: &str| {
        let name = name.replace('-', "_").to_ascii_lowercase();
        name.ends_with("password") || name.ends_with("wsrep_sst_auth")
    };
    let filled = |value: &Option<String>| value.as_ref().is_some_and(|value| !value.is_empty());
    let entries = options.entries().iter();
    let holding = entries.filter(|entry| secret(&entry.name) && filled(&entry.value));
    let mut files: Vec<PathBuf> = holding.map(|entry| entry.file.clone()).collect();
    files.sort();
    files.dedup();
    files.extend(settings::check_secrets(root));
    files.retain(|file| is_open(file));
    files
}

/// Whether others than owner and group may read it.
fn is_open(file: &Path) -> bool {
    fs::metadata(file).is_ok_and(|found| found.permissions().mode() & 0o004 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mycnf::Files;

    #[test]
    fn a_file_with_a_password_that_everybody_may_read_is_found_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str, mode| {
            let file = folder.path().join(name);
            fs::write(&file, text).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
            file
        };
        let open = write("open.cnf", "[mysqld]\nwsrep-sst-auth=sst:secret\n", 0o644);
        let closed = write("closed.cnf", "[mysqld]\nwsrep_sst_auth=sst:secret\n", 0o640);
        let empty = write("empty.cnf", "[mysqld]\nwsrep_sst_auth=\nport=3306\n", 0o644);
        let all = [&open, &closed, &empty].map(|file| format!("!include {}\n", file.display()));
        let main = write("main.cnf", &all.concat(), 0o644);
        let files = Files {
            defaults_file: Some(main),
            root: "/".into(),
            home: None,
            version: None,
        };
        let options = Options::read(&files).unwrap();
        assert_eq!(open_secrets(&options, folder.path()), [open]);
    }

    #[test]
    fn the_clustercheck_file_with_a_password_is_found_when_everybody_may_read_it() {
        let root = tempfile::tempdir().unwrap();
        for place in ["etc/sysconfig", "etc/default"] {
            let found = |text: &str, mode| {
                let file = root.path().join(place).join("clustercheck");
                fs::create_dir_all(file.parent().unwrap()).unwrap();
                fs::write(&file, text).unwrap();
                fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
                let found = open_secrets(&Options::default(), root.path());
                fs::remove_file(&file).unwrap();
                found == [file]
            };
            let filled = "MYSQL_USERNAME=chk\nMYSQL_PASSWORD='secret'\n";
            assert!(found(filled, 0o644), "{place}");
            assert!(!found(filled, 0o600), "{place}");
            assert!(!found("MYSQL_USERNAME=chk\n", 0o644), "{place}");
            assert!(!found("MYSQL_PASSWORD=''\n", 0o644), "{place}");
        }
    }

    #[test]
    fn an_unknown_method_lacks_its_script() {
        assert_eq!(missing("pigeon"), ["wsrep_sst_pigeon"]);
    }
}
