//! With what MaxScale runs: the section `[maxscale]` of its configuration file, under the parameters.
//!
//! Names and defaults: the answer of `/v1/maxscale` of MaxScale 24.02.4 and its documentation of global settings.

use std::fs;
use std::path::{Path, PathBuf};

use configparser::ini::{Ini, IniDefault};

use super::params::{Address, MaxScaleParams};
use crate::ocf::Failure;

/// The directories of one MaxScale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directories {
    /// Of the PID file.
    pub pid: PathBuf,
    /// Of the log.
    pub log: PathBuf,
    /// Of its data.
    pub data: PathBuf,
    /// Of its cache.
    pub cache: PathBuf,
    /// Of settings made at run time.
    pub persist: PathBuf,
    /// Of the modules' configuration.
    pub modules: PathBuf,
    /// Of its messages' language; MaxScale does not start without it.
    pub language: PathBuf,
}

impl Directories {
    /// All of them.
    pub fn all(&self) -> [&Path; 7] {
        [
            &self.pid,
            &self.log,
            &self.data,
            &self.cache,
            &self.persist,
            &self.modules,
            &self.language,
        ]
    }
}

/// What the agent needs to know of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Where MaxScale keeps its files.
    pub directories: Directories,
    /// Where the REST API is.
    pub admin: Address,
    /// The CA of its certificate.
    pub admin_ca: Option<PathBuf>,
    /// Whether there is a REST API at all.
    pub admin_enabled: bool,
}

impl Settings {
    /// Those of these parameters and of the configuration file that they name.
    ///
    /// # Errors
    /// When the file is not there or cannot be read.
    pub fn read(params: &MaxScaleParams) -> Result<Self, Failure> {
        let file = params.config.display();
        let text = fs::read_to_string(&params.config).map_err(|error| {
            Failure::WrongHere(format!(
                "configuration file {file}: {error}; put it there, or set the parameter config"
            ))
        })?;
        Self::from_text(params, &text)
            .map_err(|fault| Failure::WrongHere(format!("configuration file {file}: {fault}")))
    }

    /// Those of the parameters and of MaxScale's defaults, for who has no file any more.
    pub fn without_file(params: &MaxScaleParams) -> Self {
        Self::of(params, &Global(Ini::new()))
    }

    fn from_text(params: &MaxScaleParams, text: &str) -> Result<Self, String> {
        let mut defaults = IniDefault::default();
        defaults.comment_symbols = vec!['#', ';'];
        defaults.inline_comment_symbols = Some(Vec::new());
        defaults.delimiters = vec!['='];
        defaults.multiline = true;
        let mut ini = Ini::new_from_defaults(defaults);
        ini.read(text.to_owned())?;
        Ok(Self::of(params, &Global(ini)))
    }

    fn of(params: &MaxScaleParams, global: &Global) -> Self {
        let place = |given: &Option<PathBuf>, name, default| {
            let given = given.clone();
            given.unwrap_or_else(|| PathBuf::from(global.text(name).unwrap_or(default)))
        };
        let directories = Directories {
            pid: place(&params.piddir, "piddir", "/var/run/maxscale"),
            log: place(&params.logdir, "logdir", "/var/log/maxscale"),
            data: place(&params.datadir, "datadir", "/var/lib/maxscale"),
            cache: place(&params.cachedir, "cachedir", "/var/cache/maxscale"),
            persist: place(
                &params.persistdir,
                "persistdir",
                "/var/lib/maxscale/maxscale.cnf.d",
            ),
            modules: place(
                &params.moduledir,
                "module_configdir",
                "/etc/maxscale.modules.d",
            ),
            language: place(&None, "language", "/var/lib/maxscale"),
        };
        let admin = params.admin_address.clone();
        let ca = params.admin_ca.clone();
        Self {
            directories,
            admin: admin.unwrap_or_else(|| global.admin()),
            admin_ca: ca.or_else(|| global.text("admin_ssl_ca").map(PathBuf::from)),
            admin_enabled: global
                .text("admin_enabled")
                .is_none_or(|text| !is_false(text)),
        }
    }
}

/// The section `[maxscale]`; its name and those of its settings are the same in upper and lower case.
struct Global(Ini);

impl Global {
    fn text(&self, name: &str) -> Option<&str> {
        let section = self.0.get_map_ref().get("maxscale")?;
        let value = section.get(name)?.as_deref()?.trim();
        let bare = ['"', '\''].iter().find_map(|quote| {
            let inner = value.strip_prefix(*quote)?;
            inner.strip_suffix(*quote)
        });
        Some(bare.unwrap_or(value)).filter(|value| !value.is_empty())
    }

    /// An API that listens everywhere is asked at the loopback.
    fn admin(&self) -> Address {
        let scheme = match self.text("admin_ssl_cert") {
            Some(_) => "https",
            None => "http",
        };
        let host = match self.text("admin_host") {
            None | Some("0.0.0.0") => "127.0.0.1".to_owned(),
            Some("::") => "[::1]".to_owned(),
            Some(host) if host.contains(':') => format!("[{host}]"),
            Some(host) => host.to_owned(),
        };
        let port = self.text("admin_port").unwrap_or("8989");
        Address(format!("{scheme}://{host}:{port}"))
    }
}

/// MaxScale's words for false.
fn is_false(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    matches!(text.as_str(), "false" | "off" | "no" | "0")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ocf::{Env, Params};

    fn params(pairs: &[(&str, &str)]) -> MaxScaleParams {
        let env = Env::from_pairs::<String, String>([]);
        let env = pairs
            .iter()
            .fold(env, |env, (name, value)| env.with_param(name, value));
        MaxScaleParams::read(&env).unwrap()
    }

    fn settings(text: &str) -> Settings {
        Settings::from_text(&params(&[]), text).unwrap()
    }

    #[test]
    fn a_file_that_says_nothing_means_the_defaults_of_maxscale() {
        let settings = settings("[maxscale]\nthreads=auto\n\n[Server-1]\ntype=server\npiddir=/x\n");
        assert_eq!(settings, Settings::without_file(&params(&[])));
        assert_eq!(settings.admin.0, "http://127.0.0.1:8989");
        assert_eq!(settings.directories.pid, Path::new("/var/run/maxscale"));
        assert!(settings.admin_enabled);
    }

    #[test]
    fn the_file_is_read_as_maxscale_reads_it() {
        let text = "# a comment\n[MaxScale]\n PidDir = /run/one\nlogdir=\"/var/log/two\"\n\
                    admin_host=::\nadmin_port=9000\nadmin_enabled = off\n; another\n\
                    [Svc]\nservers=a,\n  b\nfilters=x|y\npassword=#;=x\n";
        let settings = settings(text);
        assert_eq!(settings.directories.pid, Path::new("/run/one"));
        assert_eq!(settings.directories.log, Path::new("/var/log/two"));
        assert_eq!(settings.admin.0, "http://[::1]:9000");
        assert!(!settings.admin_enabled);
    }

    #[test]
    fn a_certificate_means_https_and_an_address_everywhere_is_the_loopback() {
        let text = "[maxscale]\nadmin_host=0.0.0.0\nadmin_ssl_cert=/c\nadmin_ssl_ca=/ca\n";
        let settings = settings(text);
        assert_eq!(settings.admin.0, "https://127.0.0.1:8989");
        assert_eq!(settings.admin_ca, Some(PathBuf::from("/ca")));
    }

    #[test]
    fn a_parameter_goes_before_the_file() {
        let params = params(&[("piddir", "/run/p"), ("admin_address", "https://db1:9")]);
        let text = "[maxscale]\npiddir=/run/f\nadmin_port=1\n";
        let settings = Settings::from_text(&params, text).unwrap();
        assert_eq!(settings.directories.pid, Path::new("/run/p"));
        assert_eq!(settings.admin.0, "https://db1:9");
    }
}
