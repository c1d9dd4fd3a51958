//! What the cluster says about the action: instance, node, timeout, clone.
//!
//! Names: OCF resource agent API 1.1 and Pacemaker's `OCF_RESKEY_CRM_meta_*`
//! ("Pacemaker Administration", chapter on resource agents); the old words are
//! those of Pacemaker before 2.1.

use std::time::Duration;

use super::action::Action;
use super::env::{Env, INSTANCE};
use super::failure::Failure;
use super::notification::Notification;

impl Env {
    /// The resource instance, with its number in a clone: `db:0`.
    #[must_use]
    pub fn instance(&self) -> Option<&str> {
        self.plain(INSTANCE).filter(|name| !name.is_empty())
    }

    /// The resource without its number in a clone: `db`. Without an instance the
    /// name of the agent (`OCF_RESOURCE_TYPE`, or the program's own).
    #[must_use]
    pub fn resource(&self) -> &str {
        let Some(instance) = self.instance() else {
            return self
                .plain("OCF_RESOURCE_TYPE")
                .unwrap_or(env!("CARGO_PKG_NAME"));
        };
        match instance.rsplit_once(':') {
            Some((name, number)) if number.bytes().all(|b| b.is_ascii_digit()) => name,
            Some(_) | None => instance,
        }
    }

    /// The cluster's name of the node that the action runs on; inside a bundle that is the container.
    #[must_use]
    pub fn on_node(&self) -> Option<&str> {
        self.meta("on_node")
    }

    /// The cluster's name of the node that this instance's attributes and scores belong to: the one that the action
    /// runs on, or, inside a bundle with `container-attribute-target=host`, the container's host. Pacemaker makes the
    /// same choice when it looks for a promotion score (`pcmk__node_attr_target`, lib/common/attrs.c).
    #[must_use]
    pub fn node(&self) -> Option<&str> {
        let host = self.meta("physical_host").filter(|host| !host.is_empty());
        let target = self.meta("container_attribute_target");
        let of_host = target.is_some_and(|target| target.eq_ignore_ascii_case("host"));
        host.filter(|_| of_host).or_else(|| self.on_node())
    }

    /// After this time, counted from [`Env::taken`], the cluster kills the action.
    #[must_use]
    pub fn timeout(&self) -> Option<Duration> {
        let millis = self.meta("timeout")?.parse().ok()?;
        Some(Duration::from_millis(millis)).filter(|timeout| !timeout.is_zero())
    }

    /// Whether this is a probe: a monitor with the interval 0, or without one from
    /// Pacemaker, which does not set it then [measured with 2.1.5]. By hand, without
    /// an interval, a monitor is a plain monitor.
    #[must_use]
    pub fn is_probe(&self, action: Action) -> bool {
        let of_cluster = self.param("crm_feature_set").is_some();
        let once = match self.meta("interval") {
            Some(interval) => interval == "0",
            None => of_cluster,
        };
        action == Action::Monitor && once
    }

    /// Whether the cluster repeats this action; not one that is run by hand.
    #[must_use]
    pub fn is_recurring(&self) -> bool {
        self.meta("interval")
            .is_some_and(|interval| interval != "0")
    }

    /// How deep monitor and validate-all are to look; 0 when absent or no number.
    #[must_use]
    pub fn check_level(&self) -> u32 {
        self.plain("OCF_CHECK_LEVEL")
            .and_then(|level| level.parse().ok())
            .unwrap_or(0)
    }

    /// How many instances may be promoted at once (before Pacemaker 2.1 `master_max`).
    #[must_use]
    pub fn promoted_max(&self) -> Option<u32> {
        self.meta("promoted_max")
            .or_else(|| self.meta("master_max"))?
            .parse()
            .ok()
    }

    /// Whether the clone has `notify=true`.
    #[must_use]
    pub fn notify_enabled(&self) -> bool {
        self.meta("notify")
            .is_some_and(|text| text.eq_ignore_ascii_case("true"))
    }

    /// What `notify` is told; `None` when the environment holds no notification.
    #[must_use]
    pub fn notification(&self) -> Option<Notification> {
        Notification::read(self)
    }

    /// Major and minor version of the OCF API that the caller speaks; `None`
    /// when it does not say, as `ocf-tester`.
    ///
    /// # Errors
    /// [`Failure::Unsupported`] for another major version than 1: "A major number
    /// mismatch [..] must be reported as an error by both sides" (OCF resource
    /// agent API 1.1, "API Version Numbers").
    pub fn api_version(&self) -> Result<Option<(u32, u32)>, Failure> {
        let number = |name| self.plain(name).and_then(|text| text.parse().ok());
        let Some(major) = self.plain("OCF_RA_VERSION_MAJOR") else {
            return Ok(None);
        };
        if major != "1" {
            return Err(Failure::Unsupported(format!(
                "the cluster speaks version {major} of the OCF resource agent API, \
                 this agent speaks 1: install an agent for version {major}"
            )));
        }
        Ok(Some((1, number("OCF_RA_VERSION_MINOR").unwrap_or(0))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &[(&str, &str)]) -> Env {
        Env::from_pairs(pairs.iter().copied())
    }

    fn with_instance(name: &str) -> Env {
        env(&[(INSTANCE, name)])
    }

    #[test]
    fn the_resource_is_the_instance_without_its_number() {
        assert_eq!(with_instance("db:0").resource(), "db");
        assert_eq!(with_instance("db:12").resource(), "db");
        assert_eq!(with_instance("db").resource(), "db");
        assert_eq!(with_instance("a:b").resource(), "a:b");
    }

    #[test]
    fn without_an_instance_the_agent_names_the_resource() {
        assert_eq!(env(&[]).resource(), env!("CARGO_PKG_NAME"));
        assert_eq!(env(&[("OCF_RESOURCE_TYPE", "vip-rs")]).resource(), "vip-rs");
        assert_eq!(with_instance("").instance(), None);
    }

    /// What Pacemaker sets for an instance in the container `galera-bundle-1` on `ctl-2` (TripleO's configuration).
    fn contained(target: &str) -> Env {
        env(&[
            (INSTANCE, "galera:1"),
            ("OCF_RESKEY_CRM_meta_on_node", "galera-bundle-1"),
            ("OCF_RESKEY_CRM_meta_physical_host", "ctl-2"),
            ("OCF_RESKEY_CRM_meta_container_attribute_target", target),
        ])
    }

    #[test]
    fn attributes_of_an_instance_in_a_bundle_belong_to_the_host_where_the_bundle_says_so() {
        let env = contained("host");
        assert_eq!(env.node(), Some("ctl-2"));
        assert_eq!(env.on_node(), Some("galera-bundle-1"));
        assert_eq!(env.resource(), "galera");
        assert_eq!(contained("").node(), Some("galera-bundle-1"));
    }

    #[test]
    fn outside_a_bundle_attributes_belong_to_the_node_itself() {
        let on = ("OCF_RESKEY_CRM_meta_on_node", "node1");
        assert_eq!(env(&[on]).node(), Some("node1"));
        let target = ("OCF_RESKEY_CRM_meta_container_attribute_target", "host");
        assert_eq!(env(&[on, target]).node(), Some("node1"));
        assert_eq!(env(&[target]).node(), None);
    }

    #[test]
    fn the_timeout_is_in_milliseconds() {
        let timeout = |text| env(&[("OCF_RESKEY_CRM_meta_timeout", text)]).timeout();
        assert_eq!(timeout("1500"), Some(Duration::from_millis(1500)));
        assert_eq!(timeout("0"), None);
        assert_eq!(timeout("soon"), None);
        assert_eq!(env(&[]).timeout(), None);
    }

    #[test]
    fn only_a_monitor_with_interval_0_is_a_probe() {
        let interval = |text| env(&[("OCF_RESKEY_CRM_meta_interval", text)]);
        assert!(interval("0").is_probe(Action::Monitor));
        assert!(!interval("0").is_probe(Action::Start));
        assert!(!interval("10000").is_probe(Action::Monitor));
        assert!(interval("10000").is_recurring() && !interval("0").is_recurring());
        assert!(!env(&[]).is_recurring(), "by hand");
        assert!(!env(&[]).is_probe(Action::Monitor));
        let pacemakers = env(&[("OCF_RESKEY_crm_feature_set", "3.16.1")]);
        assert!(pacemakers.is_probe(Action::Monitor));
    }

    #[test]
    fn the_check_level_is_0_unless_it_is_a_number() {
        let level = |text| env(&[("OCF_CHECK_LEVEL", text)]).check_level();
        assert_eq!((level("10"), level("x")), (10, 0));
        assert_eq!(env(&[]).check_level(), 0);
    }

    #[test]
    fn the_new_name_of_promoted_max_goes_before_the_old() {
        let new = ("OCF_RESKEY_CRM_meta_promoted_max", "3");
        let old = ("OCF_RESKEY_CRM_meta_master_max", "2");
        assert_eq!(env(&[new, old]).promoted_max(), Some(3));
        assert_eq!(env(&[old]).promoted_max(), Some(2));
        assert_eq!(env(&[]).promoted_max(), None);
    }

    #[test]
    fn notifications_are_on_only_when_the_clone_says_true() {
        let notify = |text| env(&[("OCF_RESKEY_CRM_meta_notify", text)]).notify_enabled();
        assert!(notify("true"));
        assert!(!notify("false"));
        assert!(!env(&[]).notify_enabled());
    }

    #[test]
    fn another_major_version_of_the_api_is_an_error() {
        let version = |major| {
            env(&[
                ("OCF_RA_VERSION_MAJOR", major),
                ("OCF_RA_VERSION_MINOR", "1"),
            ])
            .api_version()
        };
        assert_eq!(version("1"), Ok(Some((1, 1))));
        assert!(matches!(version("2"), Err(Failure::Unsupported(_))));
        assert!(matches!(version("one"), Err(Failure::Unsupported(_))));
        assert_eq!(env(&[]).api_version(), Ok(None));
    }
}
