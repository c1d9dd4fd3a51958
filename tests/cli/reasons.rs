//! `docs/reasons.md` has every sentence that an action of an agent can end with.

use std::fs;
use std::path::Path;
use std::str::FromStr;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use crate::peer::sources;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// What the agents are made of; `ctl` is for people.
const FOLDERS: [&str; 6] = ["galera", "maxscale", "mycnf", "ocf", "sys", "vip"];

/// Sources whose texts are no reasons: what others write and is read here, meta-data, logs, tables for people.
const NO_REASONS: [&str; 9] = [
    "galera/donor.rs",
    "galera/recover.rs",
    "maxscale/table.rs",
    "ocf/about.rs",
    "ocf/by_hand.rs",
    "ocf/failure.rs",
    "ocf/log.rs",
    "ocf/metadata.rs",
    "ocf/sample.rs",
];

/// How texts of other sources begin that are no reasons: statements, XML, what tools say, names, the log.
const NO_REASON: [&str; 15] = [
    "SELECT ",
    "SET ",
    "KILL ",
    "<",
    "\" value=",
    "/v1/",
    "# GALERA saved state",
    "Could not open mysql.plugin table",
    "MariaDB Galera node",
    "MariaDB MaxScale",
    "Virtual IP addresses",
    "Basic ",
    "looking for the position of the data",
    "parameters were changed",
    "nobody attends to it",
];

/// The texts of a source, without those of its tests, documentation and log.
fn texts(tokens: TokenStream, found: &mut Vec<String>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let words = |count: usize| -> String {
            let some = tokens.iter().skip(at).take(count);
            some.map(ToString::to_string).collect()
        };
        at += match token {
            TokenTree::Punct(sign) if sign.as_char() == '#' => attribute(&tokens, at, found),
            TokenTree::Ident(_) if words(3) == "log::" => 6, // log::warn!(..)
            TokenTree::Group(group) => {
                texts(group.stream(), found);
                1
            }
            TokenTree::Literal(literal) => {
                found.extend(value(&literal.to_string()));
                1
            }
            TokenTree::Ident(_) | TokenTree::Punct(_) => 1,
        };
    }
}

/// Takes the text of `#[error(..)]` and passes over every other attribute, and over what is there for tests only. Returns
/// how many tokens that is.
fn attribute(tokens: &[TokenTree], at: usize, found: &mut Vec<String>) -> usize {
    let is_group = |token: &&TokenTree| matches!(token, TokenTree::Group(_));
    let rest = || tokens.iter().skip(at);
    let length = rest().take_while(|token| !is_group(token)).count() + 1;
    let Some(TokenTree::Group(group)) = rest().find(is_group) else {
        return 1;
    };
    let text = group.stream().to_string();
    if text.starts_with("error") {
        texts(group.stream(), found);
    }
    if text != "cfg (test)" {
        return length;
    }
    let ends = |token: &TokenTree| match token {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        TokenTree::Punct(sign) => sign.as_char() == ';',
        TokenTree::Ident(_) | TokenTree::Literal(_) => false,
    };
    let item = rest().skip(length).take_while(|token| !ends(token)).count() + 1;
    length + item
}

/// What a literal stands for; `None` when it is no text.
fn value(literal: &str) -> Option<String> {
    let text = literal.strip_prefix('"')?.strip_suffix('"')?;
    let lines: Vec<_> = text.split("\\\n").map(str::trim_start).collect();
    Some(lines.concat().replace("\\\"", "\""))
}

/// The parts of a reason that are always the same, of two words at least.
fn constants(text: &str) -> Vec<String> {
    let parts = text.split('{').enumerate().map(|(at, part)| match at {
        0 => part,
        _ => part.split_once('}').map_or(part, |(_, rest)| rest),
    });
    let trimmed = parts.map(|part| part.trim_matches(|c: char| " :;,.()<>/`\"".contains(c)));
    let is_word = |word: &&str| word.chars().any(char::is_alphabetic);
    let long = trimmed.filter(|part| part.split(' ').filter(is_word).count() >= 2);
    long.map(plain).collect()
}

/// Without the marks that a page needs for itself.
fn plain(text: &str) -> String {
    text.replace(['`', '\\', '"'], "")
}

/// The reasons of all agents, with the sources that they are in.
fn reasons() -> Vec<(String, String)> {
    let src = Path::new(ROOT).join("src");
    let mut files: Vec<_> = FOLDERS
        .iter()
        .flat_map(|folder| sources(&src.join(folder)))
        .collect();
    files.push(src.join("cib/error.rs"));
    let mut all = Vec::new();
    for file in files {
        let name = file.strip_prefix(&src).unwrap().display().to_string();
        if name.contains("tests") || NO_REASONS.contains(&&*name) {
            continue;
        }
        let tokens = TokenStream::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        let mut found = Vec::new();
        texts(tokens, &mut found);
        found.retain(|text| !NO_REASON.iter().any(|start| text.starts_with(start)));
        found.retain(|text| !text.contains('\n'));
        let constants = found.iter().flat_map(|text| constants(text));
        all.extend(constants.map(|constant| (name.clone(), constant)));
    }
    all
}

#[test]
fn every_exit_reason_has_an_entry_with_its_remedy() {
    let page = fs::read_to_string(Path::new(ROOT).join("docs/reasons.md")).unwrap();
    let page = plain(&page);
    let reasons = reasons();
    assert!(reasons.len() > 150, "only {} were found", reasons.len());
    let missing = reasons.iter().filter(|(_, words)| !page.contains(words));
    let missing: Vec<_> = missing
        .map(|(file, words)| format!("src/{file}: {words}"))
        .collect();
    assert!(
        missing.is_empty(),
        "docs/reasons.md lacks:\n{}",
        missing.join("\n")
    );
}

/// The rows of all tables of reasons, cell by cell; some tables have the code between the reason and what to do.
fn rows(page: &str) -> Vec<Vec<&str>> {
    let tables = page.split("\n| reason |").skip(1);
    let lines = tables.flat_map(|table| {
        let lines = table
            .lines()
            .take_while(|line| line.starts_with(['|', ' ']));
        lines.skip(2)
    });
    let cells = lines.map(|line| {
        let row = line.trim_start_matches('|').trim_end_matches('|');
        row.split(" | ").map(str::trim).collect()
    });
    cells.collect()
}

#[test]
fn no_reason_is_without_a_remedy() {
    let page = fs::read_to_string(Path::new(ROOT).join("docs/reasons.md")).unwrap();
    let rows = rows(&page);
    assert!(rows.len() > 150, "only {} rows were found", rows.len());
    for row in rows {
        let ([reason, remedy] | [reason, _, remedy]) = row[..] else {
            panic!("neither two cells nor three: {row:?}");
        };
        assert!(reason.contains('`'), "no reason: {row:?}");
        // What remains without the mark of a failure.
        let remedy = remedy.trim_start_matches("*failed*");
        let letters = remedy.chars().filter(|c| c.is_alphabetic()).count();
        assert!(letters >= 4, "no remedy: {row:?}");
    }
}
