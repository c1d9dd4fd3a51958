//! The program around an agent: arguments, log, exit reason and exit code.

use std::any::Any;
use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;

use ::log::Level;

use super::{
    About, Action, Agent, Answer, Code, Deadline, Env, Failure, by_hand, log, run, unsupported,
};

/// The whole program. It answers with a code that OCF knows, whatever happens.
#[must_use]
pub fn main<A: Agent>() -> ExitCode {
    let env = Env::from_process();
    log::start(A::ABOUT.name, &env);
    panic::set_hook(Box::new(|info| ::log::error!("{info}")));
    let words = super::env::arguments();
    let mut out = io::stdout();
    let ended = if env.is_by_hand() {
        match by_hand::read::<A>(words) {
            Ok(request) => guarded(&A::ABOUT, || {
                let env = with_time(&A::ABOUT, request.action, env.clone());
                Deadline::of(&env).bind();
                by_hand::answer::<A>(&request, env, &mut out)
            }),
            Err(usage) => return by_hand::explain(&usage).into(),
        }
    } else {
        guarded(&A::ABOUT, || {
            // "the RA shall ignore all other arguments" (OCF 1.1, "Execution Syntax")
            let action = asked(&A::ABOUT, words.first())?;
            if action != Action::Job {
                Deadline::of(&env).bind(); // nobody waits for the job
            }
            run::<A>(action, &env, &mut out)
        })
    };
    conclude(&env, &ended).into()
}

/// Gives an action without a time-out the one that the agent advertises, as the cluster would: a healthy stop must not be cut short
/// only because a person asked for it.
fn with_time(about: &About, action: Action, env: Env) -> Env {
    let rows = about.actions.iter().filter(|row| row.action == action);
    match rows.map(|row| row.timeout_s).max() {
        Some(seconds) if env.timeout().is_none() => {
            env.with_param("CRM_meta_timeout", &format!("{seconds}000"))
        }
        Some(_) | None => env,
    }
}

/// The action that the cluster asks for.
fn asked(about: &About, word: Option<&String>) -> Result<Action, Failure> {
    let word = word.map_or("", String::as_str);
    Action::read(word).ok_or_else(|| unsupported(about, word))
}

/// Turns a panic, whose own exit code 101 OCF does not know, into a failure.
/// Where it happened has been logged by the hook.
fn guarded(
    about: &About,
    work: impl FnOnce() -> Result<Answer, Failure>,
) -> Result<Answer, Failure> {
    panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let (name, version) = (about.name, about.version);
        let what = message(panic.as_ref());
        Err(Failure::Retry(format!(
            "bug in {name} {version}: {what}; please report it with the log of this node"
        )))
    })
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let fixed = panic.downcast_ref::<&str>().copied();
    let made = panic.downcast_ref::<String>().map(String::as_str);
    fixed.or(made).unwrap_or("panic without a message")
}

/// Prints the exit reason if there is one, and gives the exit code.
fn conclude(env: &Env, ended: &Result<Answer, Failure>) -> Code {
    match ended {
        Ok(answer) => {
            if let Some(reason) = answer.reason() {
                log::exit_reason(env, Level::Debug, reason);
            }
            answer.code()
        }
        Err(failure) => {
            log::exit_reason(env, Level::Error, &failure.to_string());
            failure.code()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::Sample;
    use super::*;

    #[test]
    fn an_unknown_action_is_refused_with_the_list() {
        let refused = asked(&Sample::ABOUT, Some(&"explode".to_owned())).unwrap_err();
        assert_eq!(refused.code(), Code::UNSUPPORTED);
        let text = refused.to_string();
        assert!(text.contains("\"explode\", only start, stop"), "{text}");
        let nothing = asked(&Sample::ABOUT, None).unwrap_err();
        assert_eq!(nothing.code(), Code::UNSUPPORTED);
    }

    #[test]
    fn by_hand_an_action_has_the_time_that_the_agent_advertises_and_otherwise_what_it_is_given() {
        let time = |action, pairs: &[(&str, &str)]| {
            let env = Env::from_pairs(pairs.iter().copied());
            with_time(&Sample::ABOUT, action, env).timeout()
        };
        let seconds = |number| Some(std::time::Duration::from_secs(number));
        assert_eq!(time(Action::Stop, &[]), seconds(120));
        assert_eq!(time(Action::Monitor, &[]), seconds(30));
        let given = [("OCF_RESKEY_CRM_meta_timeout", "7000")];
        assert_eq!(time(Action::Stop, &given), seconds(7));
        assert_eq!(time(Action::Job, &[]), None);
    }

    #[test]
    fn a_panic_is_a_failure_that_names_it() {
        let port = String::from("no port");
        let ended = guarded(&Sample::ABOUT, || panic!("{port}"));
        let text = "bug in sample 0.1.0: no port; please report it with the log of this node";
        assert_eq!(ended, Err(Failure::Retry(text.to_owned())));
        let ended = guarded(&Sample::ABOUT, || panic!("fixed"));
        assert!(ended.unwrap_err().to_string().contains("fixed"));
    }
}
