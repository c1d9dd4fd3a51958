//! What a clone instance is told before and after the others change.

use super::action::Action;
use super::env::Env;

/// One notification, as Pacemaker describes it in `OCF_RESKEY_CRM_meta_notify_*`.
///
/// Each set holds the instances that will be, or were, touched by the transition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// Before or after the operation.
    pub moment: Moment,
    /// Start, stop, promote or demote.
    pub operation: Action,
    /// Instances to be started.
    pub start: Vec<Member>,
    /// Instances to be stopped.
    pub stop: Vec<Member>,
    /// Instances to be promoted.
    pub promote: Vec<Member>,
    /// Instances to be demoted.
    pub demote: Vec<Member>,
    /// Instances that run, in whatever role.
    pub active: Vec<Member>,
    /// Instances that do not run; they have no node.
    pub inactive: Vec<Member>,
    /// Instances that are promoted.
    pub promoted: Vec<Member>,
    /// Instances that are not.
    pub unpromoted: Vec<Member>,
}

/// When a notification is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Before the operation.
    Pre,
    /// After the operation.
    Post,
}

/// A clone instance and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// `db:0`.
    pub instance: String,
    /// The cluster's name of the node; `None` where Pacemaker does not tell.
    pub node: Option<String>,
}

impl Notification {
    /// Reads the notification; `None` when type or operation are absent or unknown.
    pub(super) fn read(env: &Env) -> Option<Self> {
        let moment = match env.meta("notify_type")? {
            "pre" => Moment::Pre,
            "post" => Moment::Post,
            _ => return None,
        };
        let set = |name| members(env, name).unwrap_or_default();
        let renamed = |new, old| {
            members(env, new)
                .or_else(|| members(env, old))
                .unwrap_or_default()
        };
        Some(Notification {
            moment,
            operation: Action::read(env.meta("notify_operation")?)?,
            start: set("start"),
            stop: set("stop"),
            promote: set("promote"),
            demote: set("demote"),
            active: set("active"),
            inactive: set("inactive"),
            promoted: renamed("promoted", "master"),
            unpromoted: renamed("unpromoted", "slave"),
        })
    }
}

/// One set: two parallel lists, separated by blanks, of instances and nodes.
/// `None` when the set is not in the environment at all.
fn members(env: &Env, set: &str) -> Option<Vec<Member>> {
    let instances = env.meta(&format!("notify_{set}_resource"))?;
    let nodes = env.meta(&format!("notify_{set}_uname")).unwrap_or_default();
    let mut nodes = nodes.split_whitespace().map(str::to_owned);
    Some(
        instances
            .split_whitespace()
            .map(|instance| Member {
                instance: instance.to_owned(),
                node: nodes.next(),
            })
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &[(&str, &str)]) -> Env {
        Env::from_pairs(
            pairs
                .iter()
                .map(|(name, value)| (format!("OCF_RESKEY_CRM_meta_notify_{name}"), *value)),
        )
    }

    fn member(instance: &str, node: Option<&str>) -> Member {
        Member {
            instance: instance.to_owned(),
            node: node.map(str::to_owned),
        }
    }

    #[test]
    fn instances_and_nodes_are_paired() {
        let env = env(&[
            ("type", "pre"),
            ("operation", "promote"),
            ("promote_resource", "db:1 db:0 "),
            ("promote_uname", "n2 n1 "),
        ]);
        let notification = env.notification().unwrap();
        assert_eq!(notification.moment, Moment::Pre);
        assert_eq!(notification.operation, Action::Promote);
        assert_eq!(
            notification.promote,
            [member("db:1", Some("n2")), member("db:0", Some("n1"))]
        );
        assert!(notification.stop.is_empty());
    }

    #[test]
    fn an_inactive_instance_has_no_node() {
        let env = env(&[
            ("type", "post"),
            ("operation", "stop"),
            ("inactive_resource", "db:2"),
        ]);
        let notification = env.notification().unwrap();
        assert_eq!(notification.inactive, [member("db:2", None)]);
    }

    #[test]
    fn the_old_names_of_the_roles_are_understood() {
        let env = env(&[
            ("type", "post"),
            ("operation", "start"),
            ("master_resource", "db:0"),
            ("master_uname", "n1"),
            ("slave_resource", " "),
        ]);
        let notification = env.notification().unwrap();
        assert_eq!(notification.promoted, [member("db:0", Some("n1"))]);
        assert!(notification.unpromoted.is_empty());
    }

    #[test]
    fn without_type_or_operation_there_is_no_notification() {
        assert_eq!(env(&[("type", "pre")]).notification(), None);
        assert_eq!(env(&[("operation", "start")]).notification(), None);
        let odd = env(&[("type", "during"), ("operation", "start")]);
        assert_eq!(odd.notification(), None);
    }
}
