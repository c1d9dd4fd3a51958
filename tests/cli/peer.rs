//! `docs/peer.md`: each thing that happened to users of the other agent has a proof that it does not happen here.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Defects of the other agent, and what its users met with.
const ROWS: [(char, usize); 2] = [('D', 15), ('U', 28)];

/// Every Rust file below this folder.
pub fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

pub fn text_of(folder: &str) -> String {
    let files = sources(&Path::new(ROOT).join(folder));
    let texts = files.iter().map(|file| fs::read_to_string(file).unwrap());
    texts.collect::<Vec<_>>().join("\n")
}

/// The functions that these sources declare.
pub fn functions(text: &str) -> BTreeSet<&str> {
    let declared = text.lines().filter_map(|line| {
        let line = line.trim_start();
        let line = line.strip_prefix("pub ").unwrap_or(line);
        line.strip_prefix("fn ")?.split(['(', '<']).next()
    });
    declared.collect()
}

/// What stands in backticks.
pub fn quoted(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

#[test]
fn each_defect_and_pain_of_the_peers_users_has_a_test_that_is_there() {
    let table = fs::read_to_string(Path::new(ROOT).join("docs/peer.md")).unwrap();
    let (src, tests) = (text_of("src"), text_of("tests"));
    let there: BTreeSet<_> = functions(&src).union(&functions(&tests)).copied().collect();
    let mut seen = BTreeSet::new();
    for line in table.lines() {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let [_, row, _, _, proof, _] = cells[..] else {
            continue;
        };
        if !ROWS.iter().any(|(kind, _)| row.starts_with(*kind)) {
            continue;
        }
        seen.insert(row.to_owned());
        let proofs = quoted(proof);
        for name in &proofs {
            assert!(there.contains(name), "{row}: there is no test {name}");
        }
        let excused = proof.starts_with("not an agent's business");
        assert!(!proofs.is_empty() || excused, "{row} has no proof: {proof}");
    }
    for (kind, count) in ROWS {
        for number in 1..=count {
            let row = format!("{kind}{number}");
            assert!(seen.contains(&row), "no row {row}");
        }
    }
}

/// Text for people changes with every version: the peer looked for attributes of `crm_mon` in a fixed order.
#[test]
fn no_tool_is_asked_whose_answer_is_text_for_people() {
    let src = text_of("src");
    let calls = src.split("program(\"").skip(1);
    let asked: BTreeSet<_> = calls.filter_map(|rest| rest.split('"').next()).collect();
    assert!(asked.contains("cibadmin"), "{asked:?}");
    for tool in [
        "crm_mon",
        "crm",
        "pcs",
        "ps",
        "mariadb",
        "mariadb-admin",
        "mysql",
    ] {
        assert!(!asked.contains(tool), "{tool} is asked");
    }
}
