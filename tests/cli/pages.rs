//! The pages of `docs/`: each is found from the README, each link leads somewhere, each failure names the test that shows it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::peer::{functions, quoted, text_of};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The pages in `docs/`.
fn pages() -> Vec<PathBuf> {
    let entries = fs::read_dir(Path::new(ROOT).join("docs")).unwrap();
    let mut found: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    found.sort();
    found
}

/// A page without its blocks of code.
fn prose(page: &Path) -> String {
    let text = fs::read_to_string(page).unwrap();
    let parts = text.split("\n```").step_by(2);
    parts.collect::<Vec<_>>().join("\n")
}

/// Where the links of a text lead.
fn links(text: &str) -> Vec<&str> {
    let after = text.split("](").skip(1);
    after.filter_map(|rest| rest.split(')').next()).collect()
}

/// The names by which headings are linked: small letters, hyphens for blanks, no other punctuation.
fn headings(page: &Path) -> BTreeSet<String> {
    let text = prose(page);
    let heads = text.lines().filter(|line| line.starts_with('#'));
    let anchor = |head: &str| {
        let words = head.trim_start_matches('#').trim().to_lowercase();
        let kept = words
            .chars()
            .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    heads.map(anchor).collect()
}

/// What is wrong with a link of this page.
fn fault(page: &Path, link: &str) -> Option<String> {
    if link.contains("://") {
        return None;
    }
    let (file, heading) = link.split_once('#').unwrap_or((link, ""));
    let folder = page.parent().unwrap();
    let target = match file {
        "" => page.to_owned(),
        file => folder.join(file),
    };
    if !target.exists() {
        return Some(format!("{}: no file {link}", page.display()));
    }
    let there = heading.is_empty() || headings(&target).contains(heading);
    (!there).then(|| format!("{}: no heading {link}", page.display()))
}

#[test]
fn every_page_is_linked_from_the_readme() {
    let readme = prose(&Path::new(ROOT).join("README.md"));
    let linked: BTreeSet<_> = links(&readme).into_iter().collect();
    let pages = pages();
    assert!(pages.len() > 10, "{pages:?}");
    for page in pages {
        let name = page.file_name().unwrap().to_string_lossy().into_owned();
        let link = format!("docs/{name}");
        assert!(
            linked.contains(&*link),
            "the README has no link to docs/{name}"
        );
    }
}

#[test]
fn every_link_of_readme_and_pages_leads_to_a_file_and_a_heading_that_are_there() {
    let mut all = pages();
    all.push(Path::new(ROOT).join("README.md"));
    let mut faults = Vec::new();
    let mut count = 0;
    for page in &all {
        let text = prose(page);
        let links = links(&text);
        count += links.len();
        faults.extend(links.into_iter().filter_map(|link| fault(page, link)));
    }
    assert!(count > 40, "only {count} links were found");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn each_failure_names_a_test_that_is_there_or_says_that_none_is() {
    let table = fs::read_to_string(Path::new(ROOT).join("docs/failures.md")).unwrap();
    let (src, tests) = (text_of("src"), text_of("tests"));
    let there: BTreeSet<_> = functions(&src).union(&functions(&tests)).copied().collect();
    let mut rows = 0;
    for line in table.lines() {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let [_, event, does, see, act, proof, _] = cells[..] else {
            continue;
        };
        if event == "event" || event.starts_with("---") {
            continue;
        }
        rows += 1;
        let names = quoted(proof);
        for name in &names {
            assert!(there.contains(name), "{event}: there is no test {name}");
        }
        let told = !names.is_empty() || proof.contains("not tested");
        let complete = [does, see, act].iter().all(|cell| !cell.is_empty());
        assert!(told && complete, "{line}");
    }
    assert!(rows > 60, "only {rows} rows");
}
