//! How an action ends: the only table of exit codes.
//!
//! Codes: OCF resource agent API 1.1, "Exit Status Codes". What the cluster makes
//! of them follows the source of Pacemaker's scheduler: 2 to 5 ban the resource
//! from the node, 6 from every node, the rest may be tried again.

use std::fmt;
use std::process::ExitCode;

use super::deadline::TimedOut;

/// The exit code of an agent process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code(u8);

impl Code {
    /// The action did what was asked, or the resource runs unpromoted.
    pub const SUCCESS: Code = Code(0);
    /// See [`Failure::Retry`].
    pub const RETRY: Code = Code(1);
    /// See [`Failure::WrongHere`].
    pub const WRONG_HERE: Code = Code(2);
    /// See [`Failure::Unsupported`].
    pub const UNSUPPORTED: Code = Code(3);
    /// See [`Failure::NotPermitted`].
    pub const NOT_PERMITTED: Code = Code(4);
    /// See [`Failure::NotInstalled`].
    pub const NOT_INSTALLED: Code = Code(5);
    /// See [`Failure::WrongEverywhere`].
    pub const WRONG_EVERYWHERE: Code = Code(6);
    /// Certainly not running.
    pub const NOT_RUNNING: Code = Code(7);
    /// See [`Status::Promoted`].
    pub const PROMOTED: Code = Code(8);
    /// See [`Failure::BrokenPromoted`].
    pub const BROKEN_PROMOTED: Code = Code(9);
    /// See [`Status::Degraded`].
    pub const DEGRADED: Code = Code(190);
    /// See [`Status::DegradedPromoted`].
    pub const DEGRADED_PROMOTED: Code = Code(191);

    /// The number handed to the parent process.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        ExitCode::from(code.0)
    }
}

/// Why an action failed, named after what the cluster will do.
///
/// Each holds the reason for the operator: what failed, on which value, what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// May pass later: recover here or on another node.
    #[error("{0}")]
    Retry(String),
    /// A valid parameter that does not fit this node: not on this node.
    #[error("{0}")]
    WrongHere(String),
    /// The agent has no such action.
    #[error("{0}")]
    Unsupported(String),
    /// Something is forbidden to us on this node: not on this node.
    #[error("{0}")]
    NotPermitted(String),
    /// A program or a file of the installation is missing: not on this node.
    #[error("{0}")]
    NotInstalled(String),
    /// A parameter that no node could use: on no node. Use with care.
    #[error("{0}")]
    WrongEverywhere(String),
    /// The action needs a running resource, and it is certainly not running.
    #[error("{0}")]
    NotRunning(String),
    /// Perhaps promoted, and broken: demote, stop and recover.
    #[error("{0}")]
    BrokenPromoted(String),
}

impl Failure {
    /// The exit code that makes the cluster do what the name says.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Failure::Retry(_) => Code::RETRY,
            Failure::WrongHere(_) => Code::WRONG_HERE,
            Failure::Unsupported(_) => Code::UNSUPPORTED,
            Failure::NotPermitted(_) => Code::NOT_PERMITTED,
            Failure::NotInstalled(_) => Code::NOT_INSTALLED,
            Failure::WrongEverywhere(_) => Code::WRONG_EVERYWHERE,
            Failure::NotRunning(_) => Code::NOT_RUNNING,
            Failure::BrokenPromoted(_) => Code::BROKEN_PROMOTED,
        }
    }
}

/// A wait that ran out may succeed at the next attempt.
impl From<TimedOut> for Failure {
    fn from(late: TimedOut) -> Self {
        Failure::Retry(late.to_string())
    }
}

/// What `monitor` found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Status {
    /// Runs, unpromoted.
    Running,
    /// Certainly not running; in doubt the answer is [`Failure::Retry`].
    Stopped,
    /// Runs, promoted.
    Promoted,
    /// Runs, unpromoted, and is likely to fail soon for this reason.
    Degraded(String),
    /// Runs, promoted, and is likely to fail soon for this reason.
    DegradedPromoted(String),
}

impl Status {
    /// The exit code of this answer.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Status::Running => Code::SUCCESS,
            Status::Stopped => Code::NOT_RUNNING,
            Status::Promoted => Code::PROMOTED,
            Status::Degraded(_) => Code::DEGRADED,
            Status::DegradedPromoted(_) => Code::DEGRADED_PROMOTED,
        }
    }

    /// Why the resource is degraded; Pacemaker 2.1.5 shows it as an exit reason.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match self {
            Status::Degraded(reason) | Status::DegradedPromoted(reason) => Some(reason),
            Status::Running | Status::Stopped | Status::Promoted => None,
        }
    }
}

/// The word for people.
impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Status::Running => "Running",
            Status::Stopped => "Stopped",
            Status::Promoted => "Promoted",
            Status::Degraded(_) => "Running, degraded",
            Status::DegradedPromoted(_) => "Promoted, degraded",
        })
    }
}

/// How an action ended well.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Answer {
    /// The action did what was asked.
    Done,
    /// `monitor` looked, and this is what it found.
    Found(Status),
}

impl Answer {
    /// The exit code of this answer.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Answer::Done => Code::SUCCESS,
            Answer::Found(status) => status.code(),
        }
    }

    /// What has to be printed as exit reason although nothing failed.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match self {
            Answer::Done => None,
            Answer::Found(status) => status.reason(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 0 success, 1 unspecified error, 2 invalid parameters (on this host), 3
    /// unimplemented, 4 privilege, 5 not installed, 6 not configured (inherently
    /// invalid), 7 not running, 8 running promoted, 9 failed promoted, 190
    /// degraded, 191 degraded promoted (OCF 1.1, "Exit Status Codes").
    #[test]
    fn the_codes_are_those_of_the_specification() {
        let failures: [fn(String) -> Failure; 8] = [
            Failure::Retry,
            Failure::WrongHere,
            Failure::Unsupported,
            Failure::NotPermitted,
            Failure::NotInstalled,
            Failure::WrongEverywhere,
            Failure::NotRunning,
            Failure::BrokenPromoted,
        ];
        let codes = failures.map(|failure| failure(String::new()).code().number());
        assert_eq!(codes, [1, 2, 3, 4, 5, 6, 7, 9]);
        let statuses = [
            Status::Running,
            Status::Stopped,
            Status::Promoted,
            Status::Degraded(String::new()),
            Status::DegradedPromoted(String::new()),
        ];
        let codes = statuses.map(|status| status.code().number());
        assert_eq!(codes, [0, 7, 8, 190, 191]);
    }

    #[test]
    fn only_a_degraded_answer_carries_a_reason() {
        let slow = Answer::Found(Status::DegradedPromoted("queue of 400".into()));
        assert_eq!(slow.reason(), Some("queue of 400"));
        assert_eq!(Answer::Found(Status::Promoted).reason(), None);
        assert_eq!(Answer::Done.reason(), None);
    }

    #[test]
    fn a_failure_shows_nothing_but_its_reason() {
        let failure = Failure::NotInstalled("no mariadbd".into());
        assert_eq!(failure.to_string(), "no mariadbd");
    }
}
