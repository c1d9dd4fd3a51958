//! What holds on this node: the parameters, else the server's option files, else the server's defaults.

use std::fs;
use std::path::{Path, PathBuf};

use super::address;
use super::params::GaleraParams;
use super::provider;
use super::version;
use crate::mycnf::{Files, Options};
use crate::ocf::{Env, Failure, Secret};
use crate::sys::accounts::{self, AccountError};

/// Where distributions put the server, in the order of their age.
const SERVERS: [&str; 6] = [
    "/usr/sbin/mariadbd",
    "/usr/libexec/mariadbd",
    "/usr/bin/mariadbd",
    "/usr/sbin/mysqld",
    "/usr/libexec/mysqld",
    "/usr/bin/mysqld",
];

/// Read by clustercheck and by `ocf:heartbeat:galera`, in this order.
const CHECK_FILES: [&str; 2] = ["/etc/sysconfig/clustercheck", "/etc/default/clustercheck"];

/// `wsrep_cluster_name` where none is configured (sql/sys_vars.cc).
const DEFAULT_NAME: &str = "my_wsrep_cluster";

/// The account for health checks.
#[derive(Debug, Clone)]
pub struct Account {
    /// Its name.
    pub user: String,
    /// Its password; `None` where the socket identifies the user.
    pub password: Option<Secret>,
}

/// What the server is started and asked with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `--defaults-file`, if a parameter names one.
    pub defaults_file: Option<PathBuf>,
    /// Data directory.
    pub datadir: PathBuf,
    /// Unix socket.
    pub socket: PathBuf,
    /// PID file, where one is configured.
    pub pid_file: Option<PathBuf>,
    /// Error log.
    pub error_log: PathBuf,
    /// The error log is given by us: the option files name none that the server would use.
    pub own_error_log: bool,
    /// The operating system's user that the server becomes.
    pub user: String,
    /// The group of its files.
    pub group: String,
    /// `wsrep_cluster_address`.
    pub cluster_address: Option<String>,
    /// `wsrep_cluster_name`.
    cluster_name: Option<String>,
    /// `wsrep_node_address`, the part before a port.
    pub node_address: Option<String>,
    /// Where the members listen for each other unless `wsrep_cluster_address` says otherwise.
    pub port: u16,
    /// Where this one does.
    pub listen_port: u16,
    /// `wsrep_node_name`.
    pub node_name: Option<String>,
    /// `wsrep_sst_donor`, where set.
    pub sst_donor: Option<String>,
    /// `wsrep_provider`.
    pub provider: Option<PathBuf>,
    /// `wsrep_provider_options`; empty where not set.
    pub provider_options: String,
    /// `innodb_flush_log_at_trx_commit`, where set.
    flush_log: Option<String>,
}

impl Settings {
    /// Reads the option files and lays the parameters over them.
    ///
    /// # Errors
    /// When an option file cannot be read or understood; what no retry can mend keeps the resource from this node.
    pub fn read(params: &GaleraParams, env: &Env) -> Result<Self, Failure> {
        Ok(Self::over(params, &options(params, env)?))
    }

    fn over(params: &GaleraParams, options: &Options) -> Self {
        let text = |given: &Option<String>, name| {
            given
                .clone()
                .or_else(|| options.get(name).map(str::to_owned))
        };
        let datadir = params
            .datadir
            .clone()
            .or_else(|| options.get("datadir").map(PathBuf::from));
        let datadir = datadir.unwrap_or_else(|| PathBuf::from("/var/lib/mysql"));
        // The server takes relative paths from the data directory.
        let path = |given: &Option<PathBuf>, name| {
            let found = given
                .clone()
                .or_else(|| options.get(name).map(PathBuf::from));
            found
                .filter(|path| !path.as_os_str().is_empty())
                .map(|path| datadir.join(path))
        };
        let error_log = path(&params.log, "log_error").map(with_extension);
        let node_address = options
            .get("wsrep_node_address")
            .filter(|address| *address != "AUTO");
        let (node_address, port) = node_address.map_or((None, None), address::split);
        let provider_options = options.get("wsrep_provider_options").unwrap_or_default();
        let (port, listen_port) = provider::ports(provider_options, port);
        Self {
            defaults_file: params.config.clone(),
            socket: path(&params.socket, "socket").unwrap_or_else(default_socket),
            pid_file: path(&params.pid, "pid_file"),
            own_error_log: error_log.is_none() || params.log.is_some(),
            error_log: error_log.unwrap_or_else(|| PathBuf::from("/var/log/mysqld.log")),
            user: text(&params.user, "user").unwrap_or_else(|| "mysql".into()),
            group: params.group.clone().unwrap_or_else(|| "mysql".into()),
            cluster_address: text(&params.wsrep_cluster_address, "wsrep_cluster_address"),
            node_address,
            port,
            listen_port,
            cluster_name: options.get("wsrep_cluster_name").map(str::to_owned),
            node_name: options.get("wsrep_node_name").map(str::to_owned),
            sst_donor: options.get("wsrep_sst_donor").map(str::to_owned),
            provider: options.get("wsrep_provider").map(PathBuf::from),
            provider_options: provider_options.to_owned(),
            flush_log: options
                .get("innodb_flush_log_at_trx_commit")
                .map(str::to_owned),
            datadir,
        }
    }

    /// `wsrep_cluster_name`, or what the server takes instead.
    pub fn group(&self) -> &str {
        self.cluster_name.as_deref().unwrap_or(DEFAULT_NAME)
    }

    /// `innodb_flush_log_at_trx_commit`, where it may lose what is acknowledged.
    pub fn lossy_flush(&self) -> Option<&str> {
        self.flush_log.as_deref().filter(|value| is_lossy(value))
    }

    /// The numbers of the server's user and group.
    ///
    /// # Errors
    /// When nobody knows the user, or nobody can be asked.
    pub fn owner(&self) -> Result<(u32, u32), Failure> {
        accounts::owner(&self.user, &self.group).map_err(|error| match error {
            AccountError::Unknown { .. } => Failure::NotInstalled(error.to_string()),
            AccountError::Unasked { .. } => Failure::Retry(error.to_string()),
        })
    }
}

/// The server's option files.
///
/// # Errors
/// As of [`Settings::read`].
pub fn options(params: &GaleraParams, env: &Env) -> Result<Options, Failure> {
    let files = Files {
        defaults_file: params.config.clone(),
        root: PathBuf::from("/"),
        home: env.plain("HOME").map(PathBuf::from),
        version: server(params)
            .ok()
            .and_then(|server| Some(version::of(&server)?.series())),
    };
    Options::read(&files).map_err(|error| match error.may_pass() {
        true => Failure::Retry(error.to_string()),
        false => Failure::WrongHere(error.to_string()),
    })
}

/// A `log_error` without an extension gets `.err` from the server (sql/mysqld.cc).
fn with_extension(path: PathBuf) -> PathBuf {
    match path.extension() {
        Some(_) => path,
        None => path.with_extension("err"),
    }
}

/// The socket that the distributions compile in.
fn default_socket() -> PathBuf {
    let debian = Path::new("/etc/debian_version").exists();
    let path = if debian {
        "/run/mysqld/mysqld.sock"
    } else {
        "/var/lib/mysql/mysql.sock"
    };
    PathBuf::from(path)
}

/// The server program: the parameter's, or the first that is installed.
///
/// # Errors
/// When there is none.
pub fn server(params: &GaleraParams) -> Result<PathBuf, Failure> {
    let found = match &params.binary {
        Some(binary) if is_wrapper(binary) => beside(binary),
        Some(binary) => Some(binary.clone()).filter(|path| path.is_file()),
        None => SERVERS
            .iter()
            .map(PathBuf::from)
            .find(|path| path.is_file()),
    };
    found.ok_or_else(|| {
        let wanted = params
            .binary
            .as_ref()
            .map_or("mariadbd".into(), |path| path.display().to_string());
        Failure::NotInstalled(format!(
            "server program {wanted} not found; install MariaDB or set the parameter binary"
        ))
    })
}

/// Whether this is a script that starts the server, and starts it again when that is killed.
pub fn is_wrapper(binary: &Path) -> bool {
    let name = binary.file_name().unwrap_or_default().to_string_lossy();
    name.ends_with("_safe") || name.ends_with("-safe")
}

/// The server that belongs to a wrapper: in its directory, else in the usual places.
fn beside(wrapper: &Path) -> Option<PathBuf> {
    let directory = wrapper.parent().unwrap_or(Path::new("/usr/bin"));
    let names = ["mariadbd", "mysqld"].map(|name| directory.join(name));
    let usual = SERVERS.iter().map(PathBuf::from);
    names.into_iter().chain(usual).find(|path| path.is_file())
}

/// The account for health checks.
pub fn account(params: &GaleraParams) -> Account {
    let file = CHECK_FILES
        .iter()
        .find_map(|path| fs::read_to_string(path).ok())
        .unwrap_or_default();
    account_from(params, &file)
}

/// The files below `root` that hold a password for health checks.
pub fn check_secrets(root: &Path) -> Vec<PathBuf> {
    let files = CHECK_FILES.map(|file| root.join(file.trim_start_matches('/')));
    let password = |file: &PathBuf| assigned(&fs::read_to_string(file).ok()?, "MYSQL_PASSWORD");
    let holds = |file: &PathBuf| password(file).is_some_and(|password| !password.is_empty());
    files.into_iter().filter(holds).collect()
}

fn account_from(params: &GaleraParams, file: &str) -> Account {
    let user = params
        .check_user
        .clone()
        .or_else(|| assigned(file, "MYSQL_USERNAME"));
    let password = match (&params.check_passwd, params.check_passwd_use_empty) {
        (_, true) => None,
        (Some(given), false) => Some(given.clone()),
        (None, false) => assigned(file, "MYSQL_PASSWORD").map(Secret::new),
    };
    Account {
        user: user.unwrap_or_else(|| "root".into()),
        password,
    }
}

/// The value of `NAME=value` in a file of shell assignments, which is read and never executed.
fn assigned(file: &str, name: &str) -> Option<String> {
    let lines = file
        .lines()
        .map(str::trim)
        .map(|line| line.strip_prefix("export ").unwrap_or(line));
    let mut values = lines.filter_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    let value = values.next_back()?;
    let bare = ['"', '\'']
        .iter()
        .find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote));
    Some(bare.unwrap_or(value).to_owned())
}

/// 3 flushes at each commit as 1 does, and once more (MariaDB, "InnoDB System Variables").
fn is_lossy(flush_log: &str) -> bool {
    !["1", "3"].contains(&flush_log)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ocf::Params;

    fn params(pairs: &[(&str, &str)]) -> GaleraParams {
        let named = pairs
            .iter()
            .map(|(name, value)| (format!("OCF_RESKEY_{name}"), (*value).to_owned()));
        GaleraParams::read(&Env::from_pairs(named)).unwrap()
    }

    #[test]
    fn no_parameter_is_required() {
        params(&[]);
    }

    #[test]
    fn a_log_that_is_flushed_at_each_commit_loses_nothing_once_or_twice() {
        assert_eq!(
            ["0", "1", "2", "3"].map(is_lossy),
            [true, false, true, false]
        );
    }

    #[test]
    fn the_clustercheck_file_is_read_and_not_executed() {
        let file = "MYSQL_USERNAME=\"check\"\nexport MYSQL_PASSWORD='a=$(b)'\n";
        let account = account_from(&params(&[]), file);
        assert_eq!(account.user, "check");
        assert_eq!(account.password.unwrap().reveal(), "a=$(b)");
        let empty = account_from(&params(&[("check_passwd_use_empty", "1")]), file);
        assert!(empty.password.is_none());
    }

    #[test]
    fn a_parameter_beats_the_clustercheck_file() {
        let given = params(&[("check_user", "me"), ("check_passwd", "secret")]);
        let account = account_from(&given, "MYSQL_USERNAME=check\nMYSQL_PASSWORD=x\n");
        assert_eq!(
            (account.user.as_str(), account.password.unwrap().reveal()),
            ("me", "secret")
        );
    }

    #[test]
    fn the_donors_that_the_operator_names_are_known() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("my.cnf");
        fs::write(&file, "[mysqld]\nwsrep-sst-donor = db1,db2\n").unwrap();
        let params = params(&[("config", file.to_str().unwrap())]);
        let settings = Settings::read(&params, &Env::from_pairs([("", "")])).unwrap();
        assert_eq!(settings.sst_donor.as_deref(), Some("db1,db2"));
    }

    #[test]
    fn a_log_without_extension_is_where_the_server_puts_it() {
        assert_eq!(
            with_extension("/var/log/mysql".into()),
            PathBuf::from("/var/log/mysql.err")
        );
        assert_eq!(
            with_extension("/var/log/a.log".into()),
            PathBuf::from("/var/log/a.log")
        );
    }
}
