//! Before a node joins: can its server come up at all? One that fails only after it has joined spoils a good state, and a
//! typing error in an option file then costs a full transfer at every attempt [measured].

use std::time::Duration;

use super::ballot::{Data, Report};
use super::node::{Node, retry};
use super::recover::{self, Recovered};
use crate::ocf::Failure;
use crate::sys::command::run;

/// Reading the options takes a fraction of a second.
const READING: Duration = Duration::from_secs(60);

/// Has the server read its options, and open its data, without joining anybody.
///
/// # Errors
/// When it cannot, with its own words.
pub fn rehearse(node: &Node, report: &Report) -> Result<(), Failure> {
    read_options(node)?;
    match &report.data {
        Data::At(_) if report.recovered => Ok(()), // it has been opened already
        Data::At(_) => open_data(node),
        // A full transfer replaces it, whatever it is.
        Data::Unreadable(_) | Data::Blank { .. } | Data::Partial => Ok(()),
    }
}

/// With `--verbose --help` the server goes as far as to refuse what it does not know.
///
/// # Errors
/// What it refuses, in its own words.
pub fn read_options(node: &Node) -> Result<(), Failure> {
    let mut command = node.server().command()?;
    command.args(["--verbose", "--help", "--disable-log-error"]);
    let output = run(command, READING).map_err(retry)?;
    match refusal(output.code, &output.stderr) {
        Some(words) => Err(Failure::Retry(words)),
        None => Ok(()),
    }
}

/// Why the options were refused. A server that could not look up its installed plugins does not know their options: it
/// says so, and its word does not count.
fn refusal(code: Option<i32>, stderr: &str) -> Option<String> {
    if code == Some(0) || stderr.contains("Could not open mysql.plugin table") {
        return None;
    }
    recover::last_words(stderr)
}

fn open_data(node: &Node) -> Result<(), Failure> {
    match node.server().recover()? {
        Recovered::Unknown(words) => Err(Failure::Retry(words)),
        Recovered::Position(_)
        | Recovered::Nothing
        | Recovered::Disabled
        | Recovered::PreparedXa { .. } => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNKNOWN: &str = "2026-11-27 12:16:30 0 [ERROR] mariadbd: unknown variable 'nonsense=1'\n";

    #[test]
    fn an_unknown_option_is_refused_in_the_servers_words() {
        let words = "mariadbd: unknown variable 'nonsense=1'".to_owned();
        assert_eq!(refusal(Some(7), UNKNOWN), Some(words));
        assert_eq!(refusal(Some(0), ""), None);
    }

    #[test]
    fn a_server_that_does_not_know_its_plugins_is_not_believed() {
        let text = "2026-11-27 12:17:22 0 [Warning] Could not open mysql.plugin table: \"Got error '145 ..\n".to_owned();
        assert_eq!(refusal(Some(7), &(text + UNKNOWN)), None);
    }

    #[test]
    fn a_failure_without_a_word_keeps_nobody_from_joining() {
        assert_eq!(refusal(Some(1), "Memory not freed\n"), None);
    }
}
