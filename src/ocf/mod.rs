//! The OCF contract, for every agent; knows no database.
//!
//! An agent is an implementation of [`Agent`] and a three-line program that
//! calls [`main`]. Here is everything that the cluster demands of such a
//! program: actions, environment, parameters, meta-data, exit codes, log,
//! deadlines. Specification: OCF resource agent API 1.1.

pub mod about;
pub mod action;
mod by_hand;
mod crm_meta;
pub mod deadline;
pub mod env;
pub mod failure;
mod log;
pub mod metadata;
pub mod notification;
pub mod param;
mod program;
#[cfg(test)]
mod sample;
pub mod value;

pub use about::{About, ActionRow, Role};
pub use action::Action;
pub use by_hand::command;
pub use deadline::{Deadline, TimedOut, wait_until};
pub use env::Env;
pub use failure::{Answer, Code, Failure, Status};
pub use metadata::View;
pub use notification::{Member, Moment, Notification};
pub use param::{ParamError, Params, Row};
pub use program::main;
pub use value::{Kind, Secret, Value};

use std::fmt::Debug;
use std::io::Write;

/// How most actions end.
pub type Done = Result<(), Failure>;

/// One type of resource. A process makes one and asks it for one action.
pub trait Agent: Sized + Debug {
    /// Name, descriptions and actions, for the meta-data.
    const ABOUT: About;
    /// Whether [`Agent::tables`] has something to show, also as JSON.
    const HAS_TABLES: bool = false;
    /// Declared with [`params!`](crate::params).
    type Params: Params;

    /// Keeps what the actions need; looks at nothing.
    fn new(params: Self::Params, env: Env) -> Self;

    /// Looks at the node, not only at the text of the parameters. Called before
    /// `start`, and by `validate-all` from check level 10 on; never by stop,
    /// monitor or a probe.
    ///
    /// # Errors
    /// Why the resource cannot run on this node.
    fn validate(&self) -> Done;

    /// Starts; succeeds when it already runs. Ends unpromoted.
    ///
    /// # Errors
    /// When the resource is not fully up at the deadline.
    fn start(&self) -> Done;

    /// Stops; succeeds when there is nothing left to stop.
    ///
    /// # Errors
    /// Only when something may still be running: the node will be fenced.
    fn stop(&self) -> Done;

    /// Stops without parameters, which could not be read: whatever the agent
    /// itself recorded as started on this node.
    ///
    /// # Errors
    /// As [`Agent::stop`].
    fn stop_blind(env: &Env) -> Done;

    /// Tells what runs; [`Status::Stopped`] only when that is certain.
    ///
    /// # Errors
    /// In doubt, and when it runs but is broken.
    fn monitor(&self) -> Result<Status, Failure>;

    /// Promotes; succeeds when it already is. Called only when advertised.
    ///
    /// # Errors
    /// When the resource is not promoted at the deadline.
    fn promote(&self) -> Done {
        Err(unsupported(&Self::ABOUT, Action::Promote.name()))
    }

    /// Demotes; succeeds when it already is. Called only when advertised.
    ///
    /// # Errors
    /// When the resource may still be promoted.
    fn demote(&self) -> Done {
        Err(unsupported(&Self::ABOUT, Action::Demote.name()))
    }

    /// Hears what happens to the other instances. Cannot fail: the cluster
    /// ignores the answer.
    fn notify(&self, _: &Notification) {}

    /// Takes over changed reloadable parameters. Called only when advertised.
    ///
    /// # Errors
    /// When the running resource does not follow the new values.
    fn reload(&self) -> Done {
        Err(unsupported(&Self::ABOUT, Action::ReloadAgent.name()))
    }

    /// The life of the detached background process, if the agent has one.
    ///
    /// # Errors
    /// Logged; nobody else will see it.
    fn job(&self) -> Done {
        Err(unsupported(&Self::ABOUT, Action::Job.name()))
    }

    /// Finds a resource of this type in the cluster for a person who runs the
    /// agent by hand, and returns the environment that the cluster would set:
    /// `OCF_RESOURCE_INSTANCE`, the `OCF_RESKEY_*` and what else it knows.
    ///
    /// # Errors
    /// No cluster, no such resource, or several and no `name` to choose by.
    fn resource_from_cluster(name: Option<&str>) -> Result<Vec<(String, String)>, Failure>;

    /// A sentence for a person who ran `monitor` by hand: "Primary and Synced".
    fn describe(&self) -> Option<String> {
        None
    }

    /// What runs, in detail, for a person who ran `monitor` by hand; or as JSON, for a program of his. Called only
    /// with [`Agent::HAS_TABLES`], and when something runs.
    ///
    /// # Errors
    /// When it cannot be told.
    fn tables(&self, json: bool) -> Result<String, Failure> {
        let _ = json;
        Err(unsupported(&Self::ABOUT, Action::Monitor.name()))
    }
}

/// The whole life of an agent, without arguments, log or exit. Only `meta-data`
/// writes to `out`.
///
/// # Errors
/// What the action fails with, and the reasons to refuse it.
pub fn run<A: Agent>(action: Action, env: &Env, out: &mut dyn Write) -> Result<Answer, Failure> {
    // Must work before anything is configured or installed, for whomever asks.
    if action == Action::MetaData {
        metadata::write(&A::ABOUT, A::Params::ROWS, View::of(env), out)
            .map_err(|e| Failure::Retry(format!("cannot write the meta-data: {e}")))?;
        return Ok(Answer::Done);
    }
    env.api_version()?;
    if !A::ABOUT.offers(action) {
        return Err(unsupported(&A::ABOUT, action.name()));
    }
    let agent = match A::Params::read(env) {
        Ok(params) => A::new(params, env.clone()),
        Err(bad) if action == Action::Stop => {
            ::log::warn!("stopping what was recorded as started: {bad}");
            return A::stop_blind(env).map(|()| Answer::Done);
        }
        Err(bad) => return Err(unreadable(action, &bad)),
    };
    act(&agent, action, env)
}

/// One action of an agent whose parameters are readable.
fn act<A: Agent>(agent: &A, action: Action, env: &Env) -> Result<Answer, Failure> {
    match action {
        Action::Start => agent.validate().and_then(|()| agent.start())?,
        Action::Stop => agent.stop()?, // no validate(): a broken node must still stop
        Action::Monitor => return agent.monitor().map(Answer::Found),
        Action::Promote => agent.promote()?,
        Action::Demote => agent.demote()?,
        Action::Notify => {
            if let Some(notification) = env.notification() {
                agent.notify(&notification);
            }
        }
        Action::ReloadAgent => agent.reload()?,
        // Below 10 a tool may ask on a node that will never run the resource.
        Action::ValidateAll if env.check_level() < 10 => {}
        Action::ValidateAll => agent.validate()?,
        Action::Job => agent.job()?,
        Action::MetaData => {} // answered before the parameters were read
    }
    Ok(Answer::Done)
}

/// Start and validate-all judge the parameters for every node. Any other action
/// only tells that it could not be done: its code must not ban a running
/// resource from the whole cluster.
fn unreadable(action: Action, bad: &ParamError) -> Failure {
    let reason = bad.to_string();
    if matches!(action, Action::Start | Action::ValidateAll) {
        Failure::WrongEverywhere(reason)
    } else {
        Failure::Retry(reason)
    }
}

/// The refusal of an action that is unknown or not advertised.
fn unsupported(about: &About, asked: &str) -> Failure {
    let (name, known) = (about.name, about.action_list());
    Failure::Unsupported(format!("{name} has no action \"{asked}\", only {known}"))
}

#[cfg(test)]
mod tests {
    use super::sample::{Sample, calls, env};
    use super::*;

    fn ask(action: Action, env: &Env) -> Result<Answer, Failure> {
        run::<Sample>(action, env, &mut Vec::new())
    }

    #[test]
    fn meta_data_needs_no_environment_at_all() {
        let mut out = Vec::new();
        let nothing = Env::from_pairs::<String, String>([]);
        let answer = run::<Sample>(Action::MetaData, &nothing, &mut out);
        assert_eq!(answer, Ok(Answer::Done));
        assert!(out.starts_with(b"<?xml"));
        assert!(calls().is_empty());
    }

    #[test]
    fn start_looks_at_the_node_first() {
        assert_eq!(ask(Action::Start, &env(&[])), Ok(Answer::Done));
        assert_eq!(calls(), ["validate", "start"]);
    }

    #[test]
    fn an_invalid_node_is_not_started_but_still_stopped_and_probed() {
        let env = env(&[("broken", "yes")]);
        let refused = ask(Action::Start, &env);
        assert!(matches!(refused, Err(Failure::WrongHere(_))), "{refused:?}");
        assert_eq!(ask(Action::Stop, &env), Ok(Answer::Done));
        let found = Answer::Found(Status::Promoted);
        assert_eq!(ask(Action::Monitor, &env), Ok(found));
        assert_eq!(calls(), ["validate", "stop", "monitor"]);
    }

    #[test]
    fn unreadable_parameters_stop_what_was_recorded() {
        let env = env(&[("broken", "perhaps")]);
        assert_eq!(ask(Action::Stop, &env), Ok(Answer::Done));
        assert_eq!(calls(), ["stop_blind"]);
    }

    #[test]
    fn unreadable_parameters_ban_everywhere_only_at_start_and_validate_all() {
        let env = env(&[("broken", "perhaps")]);
        let code = |action| ask(action, &env).unwrap_err().code();
        assert_eq!(code(Action::Start), Code::WRONG_EVERYWHERE);
        assert_eq!(code(Action::ValidateAll), Code::WRONG_EVERYWHERE);
        assert_eq!(code(Action::Monitor), Code::RETRY);
        assert!(calls().is_empty());
    }

    /// "this should verify the internal consistency [..] of specified parameters,
    /// but should not verify the local environment in any fashion" (OCF 1.1,
    /// "Check Levels", `validate-all` at 0).
    #[test]
    fn validate_all_looks_at_the_node_only_from_level_10_on() {
        let level = |text: &str| {
            let level = ("OCF_CHECK_LEVEL".to_owned(), text.to_owned());
            ask(Action::ValidateAll, &env(&[]).with([level]))
        };
        assert_eq!(level("0"), Ok(Answer::Done));
        assert!(calls().is_empty());
        assert_eq!(level("10"), Ok(Answer::Done));
        assert_eq!(calls(), ["validate"]);
    }

    #[test]
    fn an_action_that_is_not_advertised_is_refused_with_the_list() {
        let refused = ask(Action::Demote, &env(&[]));
        let text = "sample has no action \"demote\", only start, stop, monitor, \
                    promote, notify, reload-agent, validate-all, meta-data";
        assert_eq!(refused, Err(Failure::Unsupported(text.to_owned())));
        assert!(calls().is_empty());
    }

    #[test]
    fn an_advertised_action_that_is_not_written_is_refused_too() {
        let refused = ask(Action::ReloadAgent, &env(&[])).unwrap_err();
        assert_eq!(refused.code(), Code::UNSUPPORTED);
    }

    #[test]
    fn promote_and_demote_reach_the_agent() {
        let env = env(&[]);
        let sample = Sample::new(Params::read(&env).unwrap(), env.clone());
        assert_eq!(act(&sample, Action::Promote, &env), Ok(Answer::Done));
        assert_eq!(act(&sample, Action::Demote, &env), Ok(Answer::Done));
        assert_eq!(calls(), ["promote", "demote"]);
    }

    #[test]
    fn the_job_runs_although_it_is_not_advertised() {
        assert_eq!(ask(Action::Job, &env(&[])), Ok(Answer::Done));
        assert_eq!(calls(), ["job"]);
    }

    #[test]
    fn a_notify_without_a_notification_succeeds() {
        assert_eq!(ask(Action::Notify, &env(&[])), Ok(Answer::Done));
        assert!(calls().is_empty());
        let told = [("type", "pre"), ("operation", "stop")].map(|(name, value)| {
            let name = format!("OCF_RESKEY_CRM_meta_notify_{name}");
            (name, value.to_owned())
        });
        assert_eq!(ask(Action::Notify, &env(&[]).with(told)), Ok(Answer::Done));
        assert_eq!(calls(), ["notify"]);
    }

    #[test]
    fn another_major_version_of_the_api_is_refused_except_for_meta_data() {
        let version = ("OCF_RA_VERSION_MAJOR".to_owned(), "2".to_owned());
        let env = env(&[]).with([version]);
        assert_eq!(ask(Action::MetaData, &env), Ok(Answer::Done));
        let refused = ask(Action::Start, &env).unwrap_err();
        assert_eq!(refused.code(), Code::UNSUPPORTED);
        assert!(calls().is_empty());
    }
}
