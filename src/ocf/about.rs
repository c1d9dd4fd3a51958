//! What an agent is and can do, as it tells the cluster.

use super::action::Action;

/// What an agent is and can do.
#[derive(Debug, Clone, Copy)]
pub struct About {
    /// The name of the agent and of its program.
    pub name: &'static str,
    /// The version of the agent.
    pub version: &'static str,
    /// One line.
    pub shortdesc: &'static str,
    /// Several lines.
    pub longdesc: &'static str,
    /// What is advertised, and nothing else is done.
    pub actions: &'static [ActionRow],
}

impl About {
    /// Whether the agent advertises this action. Its own job is always allowed.
    #[must_use]
    pub fn offers(&self, action: Action) -> bool {
        action == Action::Job || self.actions.iter().any(|row| row.action == action)
    }

    /// The names of the advertised actions, for people: `start, stop, monitor`.
    #[must_use]
    pub fn action_list(&self) -> String {
        let mut names: Vec<_> = self.actions.iter().map(|row| row.action.name()).collect();
        names.dedup();
        names.join(", ")
    }
}

/// One advertised action, with what the cluster should use by default.
#[derive(Debug, Clone, Copy)]
pub struct ActionRow {
    /// The action.
    pub action: Action,
    /// Seconds.
    pub timeout_s: u32,
    /// Seconds between two monitors.
    pub interval_s: Option<u32>,
    /// The role that a monitor is meant for.
    pub role: Option<Role>,
    /// The `OCF_CHECK_LEVEL` that a monitor is meant for.
    pub depth: Option<u32>,
}

impl ActionRow {
    /// An action with a timeout in seconds and nothing else.
    #[must_use]
    pub const fn new(action: Action, timeout_s: u32) -> Self {
        ActionRow {
            action,
            timeout_s,
            interval_s: None,
            role: None,
            depth: None,
        }
    }
}

/// The role of a promotable resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// `Promoted`; before OCF 1.1 `Master`.
    Promoted,
    /// `Unpromoted`; before OCF 1.1 `Slave`.
    Unpromoted,
}
