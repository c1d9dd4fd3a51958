//! The environment of the process: the only reader of it.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Instant;

const PARAM: &str = "OCF_RESKEY_";
const META: &str = "OCF_RESKEY_CRM_meta_";
pub(super) const INSTANCE: &str = "OCF_RESOURCE_INSTANCE";

/// A snapshot of the environment, with the moment it was taken.
#[derive(Clone)]
pub struct Env {
    pairs: BTreeMap<String, String>,
    taken: Instant,
}

impl Env {
    /// The environment of this process. Bytes that are not UTF-8 become U+FFFD,
    /// so that a broken value is seen as broken and not as absent.
    #[must_use]
    #[allow(
        clippy::disallowed_methods,
        reason = "the one place that reads the environment"
    )]
    pub fn from_process() -> Self {
        Self::from_pairs(std::env::vars_os().map(|(name, value)| {
            (
                name.to_string_lossy().into_owned(),
                value.to_string_lossy().into_owned(),
            )
        }))
    }

    /// An environment of exactly these names and values.
    pub fn from_pairs<N: Into<String>, V: Into<String>>(
        pairs: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        Env {
            pairs: pairs
                .into_iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
            taken: Instant::now(),
        }
    }

    /// The same environment with the parameter `name` set to `value`.
    #[must_use]
    pub fn with_param(self, name: &str, value: &str) -> Self {
        self.with([(format!("{PARAM}{name}"), value.to_owned())])
    }

    /// The same environment, and moment, with these variables set over it.
    #[must_use]
    pub fn with(mut self, pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        self.pairs.extend(pairs);
        self
    }

    /// Every name and value, to hand the same environment to a background job.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(n, v)| (n.as_str(), v.as_str()))
    }

    /// The variable of exactly this name, such as `HA_LOGFACILITY`.
    #[must_use]
    pub fn plain(&self, name: &str) -> Option<&str> {
        self.pairs.get(name).map(String::as_str)
    }

    /// The instance parameter `name` as text; `None` when it was not set.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&str> {
        self.plain(&format!("{PARAM}{name}"))
    }

    /// The meta attribute `name` (`OCF_RESKEY_CRM_meta_name`, with `_` for `-`).
    #[must_use]
    pub fn meta(&self, name: &str) -> Option<&str> {
        self.plain(&format!("{META}{name}"))
    }

    /// When this snapshot was taken; for the process's own one its start.
    #[must_use]
    pub fn taken(&self) -> Instant {
        self.taken
    }

    /// Whether a person started the process: no cluster or tester would leave out
    /// both the instance and every parameter.
    #[must_use]
    pub fn is_by_hand(&self) -> bool {
        self.plain(INSTANCE).is_none() && !self.pairs.keys().any(|name| name.starts_with(PARAM))
    }
}

/// Names only: a value may be a password.
impl fmt::Debug for Env {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ocf = self.pairs.keys().filter(|name| name.starts_with("OCF_"));
        f.debug_set().entries(ocf).finish()
    }
}

/// The words of the command line after the program's own name.
pub fn arguments() -> Vec<String> {
    std::env::args_os()
        .skip(1)
        .map(|word| word.to_string_lossy().into_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &[(&str, &str)]) -> Env {
        Env::from_pairs(pairs.iter().copied())
    }

    #[test]
    fn a_parameter_is_found_without_its_prefix() {
        let env = env(&[("OCF_RESKEY_datadir", "/srv"), ("datadir", "/other")]);
        assert_eq!(env.param("datadir"), Some("/srv"));
        assert_eq!(env.param("socket"), None);
    }

    #[test]
    fn a_meta_attribute_is_no_parameter() {
        let env = env(&[("OCF_RESKEY_CRM_meta_timeout", "20000")]);
        assert_eq!(env.meta("timeout"), Some("20000"));
        assert_eq!(env.param("timeout"), None);
    }

    #[test]
    fn a_background_job_gets_the_same_environment() {
        let first = env(&[("PATH", "/bin"), ("OCF_RESKEY_user", "check")]);
        let second = Env::from_pairs(first.pairs());
        assert_eq!(second.plain("PATH"), Some("/bin"));
        assert_eq!(second.param("user"), Some("check"));
    }

    #[test]
    fn a_parameter_set_later_wins_and_the_moment_stays() {
        let first = env(&[("OCF_RESKEY_user", "old")]);
        let taken = first.taken();
        let second = first.with_param("user", "new");
        assert_eq!(second.param("user"), Some("new"));
        assert_eq!(second.taken(), taken);
    }

    #[test]
    fn a_person_sets_neither_instance_nor_parameter() {
        assert!(env(&[("PATH", "/bin"), ("OCF_ROOT", "/usr/lib/ocf")]).is_by_hand());
        assert!(!env(&[("OCF_RESOURCE_INSTANCE", "db")]).is_by_hand());
        assert!(!env(&[("OCF_RESKEY_CRM_meta_timeout", "20000")]).is_by_hand());
    }

    #[test]
    fn debug_shows_no_value() {
        let shown = format!("{:?}", env(&[("OCF_RESKEY_password", "hunter2")]));
        assert!(shown.contains("OCF_RESKEY_password"), "{shown}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
