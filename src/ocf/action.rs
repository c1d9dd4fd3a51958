//! What the cluster can ask of an agent, and how it spells it.

use std::fmt;

/// One action of an agent. A process lives for exactly one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// Brings the resource up, in the unpromoted role.
    Start,
    /// Brings the resource down; succeeds when there is nothing to stop.
    Stop,
    /// Tells what is running; with interval 0 a probe.
    Monitor,
    /// From unpromoted to promoted.
    Promote,
    /// From promoted to unpromoted.
    Demote,
    /// Tells the instances of a clone what happens to the others.
    Notify,
    /// Checks the parameters.
    ValidateAll,
    /// Takes over changed parameters that are marked reloadable (OCF 1.1).
    ReloadAgent,
    /// Prints the description of the agent.
    MetaData,
    /// The detached background process of an agent: internal, never advertised.
    Job,
}

impl Action {
    /// Every action that the cluster or a person may ask for: all but [`Action::Job`].
    pub const PUBLIC: [Action; 9] = [
        Action::Start,
        Action::Stop,
        Action::Monitor,
        Action::Promote,
        Action::Demote,
        Action::Notify,
        Action::ReloadAgent,
        Action::ValidateAll,
        Action::MetaData,
    ];

    /// Reads the spelling of the command line; `None` for anything unknown.
    ///
    /// `status` is the old word for `monitor`, still listed in `ra-api-1.dtd`.
    #[must_use]
    pub fn read(text: &str) -> Option<Action> {
        match text {
            "status" => Some(Action::Monitor),
            "job" => Some(Action::Job),
            _ => Action::PUBLIC
                .into_iter()
                .find(|action| action.name() == text),
        }
    }

    /// The spelling used on the command line and in the meta-data.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Action::Start => "start",
            Action::Stop => "stop",
            Action::Monitor => "monitor",
            Action::Promote => "promote",
            Action::Demote => "demote",
            Action::Notify => "notify",
            Action::ValidateAll => "validate-all",
            Action::ReloadAgent => "reload-agent",
            Action::MetaData => "meta-data",
            Action::Job => "job",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_is_read_from_its_own_name() {
        for action in Action::PUBLIC.into_iter().chain([Action::Job]) {
            assert_eq!(Action::read(action.name()), Some(action));
        }
    }

    #[test]
    fn status_is_the_old_word_for_monitor() {
        assert_eq!(Action::read("status"), Some(Action::Monitor));
    }

    #[test]
    fn the_background_job_is_not_public() {
        assert!(!Action::PUBLIC.contains(&Action::Job));
    }

    #[test]
    fn an_unknown_word_is_no_action() {
        for word in ["", "Start", "migrate_to", "reload", "meta_data"] {
            assert_eq!(Action::read(word), None, "{word}");
        }
    }
}
