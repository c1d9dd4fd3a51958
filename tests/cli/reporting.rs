//! `galeractl report` on a saved CIB and a log, opened by a browser without a screen.

use std::fs;
use std::path::Path;
use std::time::Duration;

use assert_cmd::Command;

use crate::{GALERACTL, available, bare, run};

const BROWSER: &str = "/usr/bin/chromium";

fn saved(name: &str) -> String {
    format!(
        "{}/tests/fixtures/cluster/{name}",
        env!("CARGO_MANIFEST_DIR")
    )
}

/// What a browser makes of the page: the document as it stands after loading.
fn opened(page: &Path) -> String {
    let profile = tempfile::tempdir().unwrap();
    let mut browser = Command::new(BROWSER);
    browser
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("file://{}", page.display()))
        .env("HOME", profile.path())
        .timeout(Duration::from_secs(180));
    let answer = run(&mut browser);
    assert_eq!(answer.code, Some(0), "{}", answer.stderr);
    answer.stdout
}

#[test]
fn a_browser_shows_the_nodes_and_the_phases_of_the_last_failover() {
    if !available(Path::new(BROWSER).exists(), "chromium") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("report.html");
    let answer = run(bare(GALERACTL)
        .args([
            "report",
            "--cib",
            &saved("failover.xml"),
            "--log",
            &saved("failover.log"),
        ])
        .arg("--output")
        .arg(&page));
    assert_eq!(
        (answer.code, &*answer.stdout),
        (Some(0), ""),
        "{}",
        answer.stderr
    );
    let shown = opened(&page);
    for wanted in [
        "<h2>Last failover</h2>",
        "node1",
        "node2",
        "node3",
        "fencing",
        "promotion",
        "</svg>",
    ] {
        assert!(shown.contains(wanted), "{wanted}: {shown}");
    }
}

#[test]
fn a_log_that_cannot_be_read_is_named_on_the_page_and_a_saved_cib_takes_none_of_this_machine() {
    let of = |words: &[&str]| {
        let cib = saved("member.xml");
        let answer = run(bare(GALERACTL).args(["report", "--cib", &cib]).args(words));
        assert_eq!(answer.code, Some(0), "{}", answer.stderr);
        answer.stdout
    };
    let unread = of(&["--log", "/missing.log"]);
    assert!(
        unread.contains("<td>/missing.log</td><td class=\"bad\">not read</td>"),
        "{unread}"
    );
    assert!(of(&[]).contains("--log FILE names one"));
}

#[test]
fn a_page_that_cannot_be_written_is_an_error() {
    let answer = run(bare(GALERACTL).args([
        "report",
        "--cib",
        &saved("failover.xml"),
        "--output",
        "/missing/x.html",
    ]));
    assert_eq!(answer.code, Some(1));
    assert!(
        answer.stderr.contains("cannot write /missing/x.html"),
        "{}",
        answer.stderr
    );
    assert!(fs::metadata("/missing").is_err());
}
