//! What `mariadbd --wsrep-recover` and the error log say. Pure.
//!
//! Measured on 10.11.19 with provider 26.4.23, texts in `tests/fixtures/galera/`:
//! - A transaction that a client prepared with XA survives the crash; recovery warns (`Found 1 prepared XA transactions`),
//!   prints the position all the same, and the server starts. Galera itself accepts no XA: such ones stem from a time without.
//! - Transactions that the server itself had prepared, with the binary log lost that would decide about them, make recovery
//!   end with code 1 (`Found 8 prepared transactions! ...`) and without a position. Without the log lost, they are resolved.
//! - `disabled, skipping position recovery` comes without a provider, whatever the data directory contains. An empty data
//!   directory with a provider gives the zero UUID and -1.

use super::position::{self, Position};

/// The outcome of a recovery run.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Recovered {
    /// The data stand here.
    Position(Position),
    /// The server found no position in the data: zero UUID, or -1.
    Nothing,
    /// The server did not look: it is configured without a provider. Says nothing about the data.
    Disabled,
    /// The server refuses to go on before somebody decides about these prepared transactions, with
    /// `--wsrep-recover --tc-heuristic-recover=ROLLBACK` or `COMMIT`; without the first, the server looks for its group
    /// before it decides, and gives up.
    PreparedXa {
        /// How many.
        count: u64,
    },
    /// No answer, also when there is no text at all. The server's last words, or "no output".
    Unknown(String),
}

/// Reads what a recovery run wrote to its standard output and error, or to the error log. The last answer counts: a log may
/// hold several runs.
pub fn read(text: &str) -> Recovered {
    let answer = text.lines().filter_map(answer).next_back();
    answer.unwrap_or_else(|| {
        let last = || text.lines().rfind(|line| !line.trim().is_empty());
        let words = last_words(text).or_else(|| last().map(message).map(bounded));
        Recovered::Unknown(words.unwrap_or_else(|| "no output".to_owned()))
    })
}

fn answer(line: &str) -> Option<Recovered> {
    // `WSREP: Recovered position: ...`, and with brackets around WSREP in Percona XtraDB Cluster 8
    if let Some((_, found)) = line
        .split_once("Recovered position: ")
        .filter(|_| line.contains("WSREP"))
    {
        let found = found.split_whitespace().next().unwrap_or_default();
        return Some(match position::read_position(found) {
            Ok(Some(position)) => Recovered::Position(position),
            Ok(None) => Recovered::Nothing,
            Err(error) => Recovered::Unknown(bounded(&error.to_string())),
        });
    }
    if line.contains("WSREP: disabled, skipping position recovery") {
        return Some(Recovered::Disabled);
    }
    let (_, count) = line.split_once("[ERROR] Found ")?;
    let count = count.split_once(" prepared transactions!")?.0;
    Some(Recovered::PreparedXa {
        count: count.parse().ok()?,
    })
}

/// Longest answer of [`last_words`], in bytes.
const LONGEST: usize = 400;

/// Why the server gave up: the first two telling `[ERROR]` lines of the last run in an error log, without time stamps, at
/// most 400 bytes. The first one names the cause, the later ones what followed from it.
pub fn last_words(log: &str) -> Option<String> {
    let start = log.rfind("[Note] Starting MariaDB ").unwrap_or(0);
    let errors = log[start..]
        .lines()
        .filter(|line| line.contains("[ERROR]"))
        .map(message);
    let mut words: Vec<&str> = Vec::new();
    for error in errors.filter(|error| telling(error)) {
        if words.len() < 2 && !words.contains(&error) {
            words.push(error);
        }
    }
    (!words.is_empty()).then(|| bounded(&words.join("; ")))
}

/// False for what the server says whatever went wrong.
fn telling(error: &str) -> bool {
    let empty = [
        "Aborting",
        "Plugin ",
        "WSREP: wsrep::connect(",
        "WSREP: gcs connect failed",
    ];
    !error.is_empty() && !empty.iter().any(|start| error.starts_with(start))
}

/// What follows the level, for instance `[ERROR] `.
fn message(line: &str) -> &str {
    let levels = ["[ERROR] ", "[Warning] ", "[Note] "];
    let after = levels
        .iter()
        .find_map(|level| Some(line.split_once(level)?.1));
    after.unwrap_or(line).trim()
}

fn bounded(text: &str) -> String {
    if text.len() <= LONGEST {
        return text.to_owned();
    }
    let end = (0..=LONGEST - 3).rfind(|&at| text.is_char_boundary(at));
    format!("{}...", &text[..end.unwrap_or(0)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    macro_rules! fixture {
        ($name:literal) => {
            include_str!(concat!("../../tests/fixtures/galera/", $name))
        };
    }

    fn position(text: &str) -> Recovered {
        Recovered::Position(position::read_position(text).unwrap().unwrap())
    }

    const UUID: &str = "a05139e6-e58a-11f1-a799-e79950e2a9dd";

    #[test]
    fn a_crashed_server_tells_its_position() {
        assert_eq!(
            read(fixture!("recover-after-kill.log")),
            position(&format!("{UUID}:5"))
        );
    }

    #[test]
    fn a_gtid_after_the_number_is_kept_apart() {
        let expected = position("0a5bf8a9-e58c-11f1-9c59-ef8809667345:4,5-7-6");
        assert_eq!(read(fixture!("recover-gtid.log")), expected);
    }

    #[test]
    fn brackets_around_the_tag_make_no_difference() {
        let line = format!(
            "2026-01-02T03:04:05.6Z 0 [Note] [MY-000000] [WSREP] Recovered position: {UUID}:7\n"
        );
        assert_eq!(read(&line), position(&format!("{UUID}:7")));
    }

    #[test]
    fn an_empty_data_directory_has_no_position() {
        assert_eq!(read(fixture!("recover-empty.log")), Recovered::Nothing);
        let unsigned = format!("WSREP: Recovered position: {UUID}:18446744073709551615");
        assert_eq!(read(&unsigned), Recovered::Nothing);
    }

    #[test]
    fn a_server_without_provider_says_nothing_about_its_data() {
        assert_eq!(
            read(fixture!("recover-no-provider.log")),
            Recovered::Disabled
        );
    }

    #[test]
    fn xa_transactions_of_clients_do_not_hide_the_position() {
        assert_eq!(
            read(fixture!("recover-prepared-xa.log")),
            position(&format!("{UUID}:5"))
        );
    }

    #[test]
    fn undecided_prepared_transactions_are_counted() {
        let expected = Recovered::PreparedXa { count: 8 };
        assert_eq!(read(fixture!("recover-prepared-refused.log")), expected);
    }

    #[test]
    fn the_last_of_several_runs_counts() {
        let after = fixture!("recover-after-kill.log");
        let refused = fixture!("recover-prepared-refused.log");
        assert_eq!(
            read(&[refused, after].concat()),
            position(&format!("{UUID}:5"))
        );
        assert_eq!(
            read(&[after, refused].concat()),
            Recovered::PreparedXa { count: 8 }
        );
    }

    #[test]
    fn no_answer_is_unknown_with_the_last_words() {
        assert_eq!(read(" \n"), Recovered::Unknown("no output".to_owned()));
        let words = "mariadbd: Can't create/write to file './ddl_recovery.log' (Errcode: 13 \"Permission denied\"); \
                     DDL_LOG: Failed to create ddl log file: ./ddl_recovery.log";
        assert_eq!(
            read(fixture!("log-datadir-not-ours.log")),
            Recovered::Unknown(words.to_owned())
        );
        assert_eq!(
            read("sh: not found\n"),
            Recovered::Unknown("sh: not found".to_owned())
        );
        let garbage = "WSREP: Recovered position: 12:x";
        assert_eq!(
            read(garbage),
            Recovered::Unknown("`12` is not the UUID of a history".to_owned())
        );
    }

    #[test]
    fn last_words_name_the_cause_before_the_consequence() {
        let words = last_words(fixture!("log-no-peer.log")).unwrap();
        assert!(
            words.starts_with(
                "WSREP: failed to open gcomm backend connection: 110: failed to reach"
            ),
            "{words}"
        );
        let words = last_words(fixture!("log-not-safe.log")).unwrap();
        assert!(
            words.starts_with("WSREP: It may not be safe to bootstrap"),
            "{words}"
        );
        assert!(!words.contains("Aborting"));
        let words = last_words(fixture!("log-no-address.log")).unwrap();
        assert!(words.contains("requires wsrep_cluster_address"), "{words}");
    }

    #[test]
    fn last_words_are_those_of_the_last_run() {
        let log = [
            fixture!("log-not-safe.log"),
            fixture!("recover-after-kill.log"),
        ]
        .concat();
        assert_eq!(last_words(&log), None);
    }

    #[test]
    fn last_words_are_bounded() {
        let words = last_words(&format!("0 [ERROR] {}", "\u{e0}".repeat(400))).unwrap();
        assert!(
            words.len() <= LONGEST && words.ends_with("..."),
            "{}",
            words.len()
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in r"(?s)((\[ERROR\] Found|WSREP: Recovered position:|\[Note\] Starting MariaDB) .{0,60}){0,6}") {
            let _ = read(&text);
            let _ = last_words(&text);
        }
    }
}
