//! The parameters of `maxscale-rs`. None is required where MaxScale's own configuration file says it.

use std::path::PathBuf;
use std::time::Duration;

use crate::ocf::{Kind, Secret, Value};
use crate::params;

params! {
    /// Parameters of `maxscale-rs`.
    pub struct MaxScaleParams {
        /// MaxScale's program
        binary: PathBuf = "/usr/bin/maxscale",
        /// Configuration file
        ///
        /// What it says in its section [maxscale] of directories and of the REST API need not be said here.
        config: PathBuf = "/etc/maxscale.cnf",
        /// System user
        ///
        /// MaxScale runs as this user.
        user: String = "maxscale",
        /// System group
        ///
        /// The group of directories that the agent makes. MaxScale itself takes the groups of its user.
        group: String = "maxscale",
        /// Directory of the PID file
        ///
        /// Default: piddir of the configuration file, else /var/run/maxscale.
        piddir: Option<PathBuf>,
        /// Directory of the log
        ///
        /// Default: logdir of the configuration file, else /var/log/maxscale.
        logdir: Option<PathBuf>,
        /// Data directory
        ///
        /// Default: datadir of the configuration file, else /var/lib/maxscale.
        datadir: Option<PathBuf>,
        /// Cache directory
        ///
        /// Default: cachedir of the configuration file, else /var/cache/maxscale.
        cachedir: Option<PathBuf>,
        /// Directory of settings made at run time
        ///
        /// Does not follow datadir. Default: persistdir of the configuration file, else
        /// /var/lib/maxscale/maxscale.cnf.d.
        persistdir: Option<PathBuf>,
        /// Directory of the modules' configuration
        ///
        /// Default: module_configdir of the configuration file, else /etc/maxscale.modules.d.
        moduledir: Option<PathBuf>,
        /// Address of the REST API
        ///
        /// http://HOST:PORT or https://HOST:PORT; the name in the certificate for https. Default: admin_host and
        /// admin_port of the configuration file, with https where it has admin_ssl_cert.
        #[reloadable = true]
        admin_address: Option<Address>,
        /// CA of the REST API
        ///
        /// File in PEM, for https. Default: admin_ssl_ca of the configuration file.
        #[reloadable = true]
        admin_ca: Option<PathBuf>,
        /// Client certificate for the REST API
        ///
        /// File in PEM, where MaxScale asks for one.
        #[reloadable = true]
        admin_cert: Option<PathBuf>,
        /// Key of the client certificate
        ///
        /// File in PEM.
        #[reloadable = true]
        admin_key: Option<PathBuf>,
        /// File with the account for the REST API
        ///
        /// Lines user=NAME and password=TEXT; mode 0600. Default: admin_user and admin_password, else MaxScale's own
        /// account of a new installation.
        #[reloadable = true]
        admin_credentials: Option<PathBuf>,
        /// User for the REST API
        ///
        /// An administrator where the resource is a promotable clone.
        #[reloadable = true]
        admin_user: Option<String>,
        /// Password for the REST API
        ///
        /// Better put into admin_credentials: who may read the cluster's configuration can read it here.
        #[reloadable = true]
        admin_password: Option<Secret>,
        /// File with the account for routed queries
        ///
        /// For monitors of check level 20: lines user=NAME and password=TEXT; mode 0600.
        #[reloadable = true]
        check_credentials: Option<PathBuf>,
        /// User for routed queries
        ///
        /// For monitors of check level 20, which ask SELECT 1 through every listener. It needs no privileges.
        #[reloadable = true]
        check_user: Option<String>,
        /// Password for routed queries
        ///
        /// Better put into check_credentials.
        #[reloadable = true]
        check_password: Option<Secret>,
        /// Time for an answer of the REST API
        ///
        /// A MaxScale that hangs is found after this time.
        #[reloadable = true]
        rest_timeout: Duration = "5s",
        /// Time for the greeting of a listener, and for a routed query
        #[reloadable = true]
        greeting_timeout: Duration = "3s",
        /// How long a monitor may stand still
        ///
        /// A monitor of MaxScale that has not looked at its servers for so long, and for two of its intervals, has
        /// failed. It may take its script_timeout longer when it has a script.
        #[reloadable = true]
        stall_timeout: Duration = "15s",
        /// Time for clients to leave
        ///
        /// Stop first stops the listeners, and waits at most so long for the end of the connections. 0: it does not.
        #[reloadable = true]
        drain_timeout: Duration = "0",
        /// Usable servers
        ///
        /// A service with fewer is degraded.
        #[reloadable = true]
        min_servers: u32 = "1",
        /// Services to watch
        ///
        /// Names, separated by commas or blanks. Default: all.
        #[reloadable = true]
        services: Option<Names>,
        /// Listeners to watch
        ///
        /// Names, separated by commas or blanks. Default: those of the watched services.
        #[reloadable = true]
        listeners: Option<Names>,
        /// More words for MaxScale's command line
        additional_parameters: Option<String>,
    }
}

/// A list of names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names(pub Vec<String>);

impl Names {
    /// Whether this name is in the list; in an absent list are all.
    pub fn hold(names: Option<&Self>, name: &str) -> bool {
        names.is_none_or(|Names(names)| names.iter().any(|one| one == name))
    }
}

impl Value for Names {
    const KIND: Kind = Kind::String;

    fn read(text: &str) -> Result<Self, String> {
        let names = text.split([',', ' ', '\t', '\n']);
        let names: Vec<_> = names
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect();
        match names.is_empty() {
            true => Err("one name or several".to_owned()),
            false => Ok(Self(names)),
        }
    }
}

/// Where the REST API is: scheme, host and port, without a slash at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address(pub String);

impl Value for Address {
    const KIND: Kind = Kind::String;

    fn read(text: &str) -> Result<Self, String> {
        let expected = || "http://HOST:PORT or https://HOST:PORT, and no account in it".to_owned();
        let text = text.trim().trim_end_matches('/');
        let (scheme, rest) = text.split_once("://").ok_or_else(expected)?;
        let plain = !rest.is_empty() && !rest.contains(['/', '@', '?', '#', ' ']);
        match matches!(scheme, "http" | "https") && plain {
            true => Ok(Self(text.to_owned())),
            false => Err(expected()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_scheme_and_a_host_and_no_account() {
        let read = |text| Address::read(text).ok().map(|Address(text)| text);
        assert_eq!(read("http://h:1/"), Some("http://h:1".to_owned()));
        assert!(read("https://[::1]:8989").is_some());
        for wrong in ["h:1", "ftp://h", "http://", "http://a:b@h:1", "http://h/v1"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_list_of_names_is_separated_by_commas_or_blanks() {
        let names = Names::read("a, b\tc").unwrap();
        assert_eq!(names.0, ["a", "b", "c"]);
        assert!(Names::hold(Some(&names), "b") && !Names::hold(Some(&names), "d"));
        assert!(Names::hold(None, "d"));
        assert!(Names::read(" ,").is_err());
    }
}
