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

/// From the times in that log: 45.579 lost, 48.191 fenced, 50.071 promotion begins, 50.175 ends, 54.331 started, 59.967 member.
#[test]
fn the_page_has_the_seconds_of_each_phase_and_of_the_whole() {
    let (cib, log) = (saved("failover.xml"), saved("failover.log"));
    let answer = run(bare(GALERACTL).args(["report", "--cib", &cib, "--log", &log]));
    assert_eq!(answer.code, Some(0), "{}", answer.stderr);
    let cell = |line: &str, class: &str| {
        let (_, rest) = line.split_once(&format!("<div class=\"{class}\">"))?;
        rest.split("</div>").next().map(str::to_owned)
    };
    let of = |class| {
        answer
            .stdout
            .lines()
            .filter_map(move |line| cell(line, class))
    };
    let bars: Vec<_> = of("label").zip(of("number")).collect();
    let wanted = [
        ("fencing", "2.6 s"),
        ("decision to promote", "1.9 s"),
        ("promotion", "0.1 s"),
        ("restart of node1", "4.2 s"),
        ("node1 joins until it is synced", "5.6 s"),
    ];
    assert_eq!(
        bars,
        wanted.map(|(name, took)| (name.to_owned(), took.to_owned()))
    );
    let whole = "From the first to the last phase: 14.4 s.";
    assert!(answer.stdout.contains(whole), "{}", answer.stdout);
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
