//! The agent in the hands of a person, who sets no environment: the parameters
//! come from the cluster, and a monitor says what it found.

use std::io::Write;

use clap::builder::PossibleValue;
use clap::error::ErrorKind;
use clap::{Arg, ArgAction, Command};

use super::{About, Action, Agent, Answer, Code, Env, Failure, Params, Status, run};

/// What a person asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) action: Action,
    /// Needed only when the cluster has several resources of this type.
    pub(super) resource: Option<String>,
    /// Details as JSON, and nothing else.
    pub(super) json: bool,
}

/// Reads the words after the program's own name.
///
/// # Errors
/// What was wrong with them; also the texts of `--help` and `--version`.
pub(super) fn read<A: Agent>(words: Vec<String>) -> Result<Request, clap::Error> {
    let words = std::iter::once(A::ABOUT.name.to_owned()).chain(words);
    let mut command = command::<A>();
    let mut matches = command.try_get_matches_from_mut(words)?;
    let word: Option<String> = matches.remove_one("action");
    let action = word.as_deref().and_then(Action::read);
    Ok(Request {
        action: action
            .ok_or_else(|| command.error(ErrorKind::InvalidValue, "this is no action"))?,
        resource: matches.remove_one("resource"),
        json: A::HAS_TABLES && matches.get_flag("json"),
    })
}

/// The command line of an agent in a person's hands; manual pages and completions are made from it.
#[must_use]
pub fn command<A: Agent>() -> Command {
    let command = plain(&A::ABOUT);
    if !A::HAS_TABLES {
        return command;
    }
    command.arg(
        Arg::new("json")
            .long("json")
            .action(ArgAction::SetTrue)
            .help("With monitor: what runs, as JSON, and nothing else"),
    )
}

fn plain(about: &About) -> Command {
    let offered = Action::PUBLIC.into_iter().filter(|a| about.offers(*a));
    let actions = offered.map(|action| {
        let value = PossibleValue::new(action.name());
        if action == Action::Monitor {
            value.alias("status")
        } else {
            value
        }
    });
    Command::new(about.name)
        .version(about.version)
        .about(about.shortdesc)
        .arg(
            Arg::new("action")
                .value_name("ACTION")
                .required(true)
                .value_parser(actions.collect::<Vec<_>>())
                .help("What to do; the cluster is not told of it"),
        )
        .arg(
            Arg::new("resource")
                .long("resource")
                .value_name("NAME")
                .help("The resource in the cluster whose parameters to use"),
        )
}

/// Prints why the command line cannot be used, or the help that was asked for.
pub(super) fn explain(usage: &clap::Error) -> Code {
    let _ = usage.print();
    if usage.use_stderr() {
        Code::UNSUPPORTED
    } else {
        Code::SUCCESS
    }
}

/// Does it, with the parameters that the cluster has. Only the meta-data needs
/// no cluster.
pub(super) fn answer<A: Agent>(
    request: &Request,
    env: Env,
    out: &mut dyn Write,
) -> Result<Answer, Failure> {
    let env = if request.action == Action::MetaData {
        env
    } else {
        env.with(A::resource_from_cluster(request.resource.as_deref())?)
    };
    let answer = run::<A>(request.action, &env, out);
    if let Ok(Answer::Found(status)) = &answer
        && !request.json
    {
        let reason = status.reason().map(str::to_owned);
        let _ = match reason.or_else(|| agent::<A>(&env)?.describe()) {
            Some(sentence) => writeln!(out, "{status}: {sentence}"),
            None => writeln!(out, "{status}"),
        };
    }
    // Also of what has failed, as that is when people look.
    if A::HAS_TABLES && request.action == Action::Monitor && !is_stopped(&answer) {
        let tables = agent::<A>(&env).map(|agent| agent.tables(request.json));
        let _ = match tables {
            Some(Ok(tables)) => writeln!(out, "{tables}"),
            Some(Err(failure)) => {
                ::log::debug!("no tables: {failure}");
                Ok(())
            }
            None => Ok(()),
        };
    }
    answer
}

fn is_stopped(answer: &Result<Answer, Failure>) -> bool {
    matches!(answer, Ok(Answer::Found(Status::Stopped)))
}

fn agent<A: Agent>(env: &Env) -> Option<A> {
    let params = A::Params::read(env).ok()?;
    Some(A::new(params, env.clone()))
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Sample, calls};
    use super::*;

    fn parse(words: &[&str]) -> Result<Request, clap::Error> {
        let words = words.iter().map(|&word| word.to_owned()).collect();
        read::<Sample>(words)
    }

    fn by_hand(action: Action, resource: Option<&str>) -> (Result<Answer, Failure>, String) {
        asked(action, resource, false)
    }

    fn asked(
        action: Action,
        resource: Option<&str>,
        json: bool,
    ) -> (Result<Answer, Failure>, String) {
        let request = Request {
            action,
            resource: resource.map(str::to_owned),
            json,
        };
        let mut out = Vec::new();
        let nothing = Env::from_pairs::<String, String>([]);
        let answer = answer::<Sample>(&request, nothing, &mut out);
        (answer, String::from_utf8(out).unwrap())
    }

    #[test]
    fn action_and_resource_are_read() {
        let request = parse(&["stop", "--resource", "db"]).unwrap();
        assert_eq!(request.action, Action::Stop);
        assert_eq!(request.resource.as_deref(), Some("db"));
        let request = parse(&["status"]).unwrap();
        assert_eq!((request.action, request.resource), (Action::Monitor, None));
    }

    #[test]
    fn an_unknown_action_is_answered_with_the_list_and_code_3() {
        let usage = parse(&["explode"]).unwrap_err();
        let text = usage.to_string();
        assert!(text.contains("explode"), "{text}");
        assert!(text.contains("start, stop, monitor, promote"), "{text}");
        assert_eq!(explain(&usage), Code::UNSUPPORTED);
    }

    #[test]
    fn nobody_asks_for_the_job_or_for_what_is_not_advertised() {
        for word in ["job", "demote"] {
            assert_eq!(parse(&[word]).unwrap_err().kind(), ErrorKind::InvalidValue);
        }
    }

    #[test]
    fn help_is_no_error() {
        let help = parse(&["--help"]).unwrap_err();
        assert!(help.to_string().contains("--resource <NAME>"));
        assert_eq!(explain(&help), Code::SUCCESS);
    }

    #[test]
    fn a_monitor_says_what_it_found() {
        let (answer, text) = by_hand(Action::Monitor, None);
        assert_eq!(answer.unwrap().code(), Code::PROMOTED);
        assert_eq!(text, "Promoted: Primary and Synced\n| a | b |\n");
    }

    #[test]
    fn json_is_told_alone() {
        assert!(parse(&["status", "--json"]).unwrap().json);
        assert!(!parse(&["status"]).unwrap().json);
        let (answer, text) = asked(Action::Monitor, None, true);
        assert_eq!(answer.unwrap().code(), Code::PROMOTED);
        assert_eq!(text, "{}\n");
    }

    #[test]
    fn a_resource_that_the_cluster_does_not_have_is_an_error() {
        let (answer, _) = by_hand(Action::Stop, Some("lost"));
        assert_eq!(answer, Err(Failure::Retry("no such resource".to_owned())));
        assert!(calls().is_empty());
    }

    #[test]
    fn meta_data_asks_no_cluster() {
        let (answer, text) = by_hand(Action::MetaData, Some("lost"));
        assert_eq!(answer, Ok(Answer::Done));
        assert!(text.contains("<resource-agent"), "{text}");
    }
}
