//! `galeractl` without a cluster.

use std::fs;

use crate::{Answer, GALERACTL, bare, run};

fn galeractl(words: &[&str]) -> Answer {
    run(bare(GALERACTL).args(words))
}

fn saved(name: &str) -> String {
    format!(
        "{}/tests/fixtures/cluster/{name}.xml",
        env!("CARGO_MANIFEST_DIR")
    )
}

#[test]
fn wrong_usage_is_code_2_and_points_to_the_help() {
    for words in [
        &[][..],
        &["explode"],
        &["status", "--explode"],
        &["bootstrap"],
        &["bootstrap", "--from", "a", "--cib", "f"],
        &["bootstrap", "--from", "a", "--wait", "soon"],
        &["status", "--watch", "--cib", "-"],
    ] {
        let answer = galeractl(words);
        assert_eq!((answer.code, &*answer.stdout), (Some(2), ""), "{words:?}");
        assert!(answer.stderr.contains("--help"), "{}", answer.stderr);
    }
}

#[test]
fn a_monitoring_system_hears_of_wrong_usage_as_unknown() {
    for words in [
        &["health", "--nagios", "--explode"][..],
        &["health", "--nagios", "--members-min", "two"],
        &["health", "--json", "--nagios"],
    ] {
        let answer = galeractl(words);
        assert_eq!(answer.code, Some(3), "{words:?}");
        assert!(
            answer.stdout.starts_with("GALERA UNKNOWN - "),
            "{}",
            answer.stdout
        );
        assert_eq!(answer.stdout.lines().count(), 1, "{}", answer.stdout);
    }
    let plain = galeractl(&["health", "--explode"]);
    assert_eq!((plain.code, &*plain.stdout), (Some(2), ""));
}

#[test]
fn help_and_version_are_no_errors() {
    let help = galeractl(&["--help"]);
    assert_eq!(help.code, Some(0));
    for word in ["status", "explain", "bootstrap", "Exit codes"] {
        assert!(help.stdout.contains(word), "{}", help.stdout);
    }
    let version = galeractl(&["--version"]);
    assert_eq!(
        version.stdout,
        format!("galeractl {}\n", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn without_a_cluster_the_remedy_is_named() {
    let dry_run = ["bootstrap", "--dry-run", "--from", "a"];
    for (verb, takes_a_file) in [
        (&["status"][..], true),
        (&["explain"], true),
        (&["check"], true),
        (&dry_run, true),
        (&["bootstrap", "--from", "a"], false),
        (&["health"], false),
        (&["in-use"], false),
    ] {
        let answer = galeractl(verb);
        assert_eq!((answer.code, &*answer.stdout), (Some(1), ""), "{verb:?}");
        let remedy = "run this on a node of a running cluster";
        assert!(answer.stderr.contains(remedy), "{}", answer.stderr);
        let offered = answer.stderr.contains("--cib FILE");
        assert_eq!(offered, takes_a_file, "{}", answer.stderr);
        assert_eq!(answer.stderr.lines().count(), 1, "{}", answer.stderr);
    }
}

#[test]
fn a_saved_cib_needs_no_cluster_from_a_file_or_from_standard_input() {
    let file = saved("missing");
    let from_file = galeractl(&["status", "--cib", &file]);
    assert_eq!(from_file.code, Some(0), "{}", from_file.stderr);
    assert!(
        from_file.stdout.contains("Missing   node3: offline"),
        "{}",
        from_file.stdout
    );
    let text = fs::read(&file).unwrap();
    let from_pipe = run(bare(GALERACTL)
        .args(["status", "--cib", "-"])
        .write_stdin(text));
    assert_eq!(from_pipe.stdout, from_file.stdout);
    let explained = galeractl(&["explain", "--cib", &file]);
    assert!(
        explained.stdout.contains("bootstrap --from node2 --force"),
        "{}",
        explained.stdout
    );
}

/// There would be nothing left in it to look at again.
#[test]
fn standard_input_cannot_be_watched() {
    let text = fs::read(saved("missing")).unwrap();
    let mut watch = bare(GALERACTL);
    watch.args(["status", "--watch", "1", "--cib", "-"]);
    let answer = run(watch.write_stdin(text));
    assert_eq!((answer.code, &*answer.stdout), (Some(2), ""));
    let remedy = "give --cib a file that is written anew";
    assert!(answer.stderr.contains(remedy), "{}", answer.stderr);
}

#[test]
fn json_is_one_object_on_standard_output() {
    for verb in ["status", "explain"] {
        let answer = galeractl(&[verb, "--json", "--cib", &saved("missing")]);
        let object: serde_json::Value = serde_json::from_str(&answer.stdout).unwrap();
        assert_eq!(object["verdict"]["outcome"], "wait");
    }
}

#[test]
fn check_tells_by_its_exit_code_whether_something_will_hurt() {
    let answer = galeractl(&["check", "--cib", &saved("missing")]);
    assert_eq!(answer.code, Some(4), "{}", answer.stdout);
    for words in ["DANGER   cluster: fencing", "Remedy: ", "dangers: "] {
        assert!(answer.stdout.contains(words), "{}", answer.stdout);
    }
    assert!(answer.stdout.lines().all(|line| line.len() <= 80));
}

#[test]
fn what_cannot_be_read_is_named() {
    let missing = galeractl(&["status", "--cib", "/missing.xml"]);
    assert_eq!(missing.code, Some(1));
    assert!(
        missing.stderr.contains("cannot read /missing.xml"),
        "{}",
        missing.stderr
    );
    let garbage = run(bare(GALERACTL)
        .args(["status", "--cib", "-"])
        .write_stdin("no xml"));
    assert_eq!(garbage.code, Some(1));
    assert!(
        garbage.stderr.contains("cibadmin --query"),
        "{}",
        garbage.stderr
    );
    let resource = galeractl(&["status", "--cib", &saved("missing"), "--resource", "nix"]);
    assert_eq!(resource.code, Some(1));
    assert!(
        resource.stderr.contains("there is: db"),
        "{}",
        resource.stderr
    );
}

#[test]
fn a_dry_run_says_what_would_be_lost_and_that_it_needs_force() {
    let dry = |node| {
        galeractl(&[
            "bootstrap",
            "--dry-run",
            "--cib",
            &saved("missing"),
            "--from",
            node,
        ])
    };
    let answer = dry("node2");
    assert_eq!(answer.code, Some(0), "{}", answer.stderr);
    for words in ["Start from node2", "node3 is silent", "It needs --force"] {
        assert!(answer.stdout.contains(words), "{}", answer.stdout);
    }
    let refused = dry("node3");
    assert_eq!(refused.code, Some(1));
    assert!(
        refused.stderr.contains("node3 has not reported"),
        "{}",
        refused.stderr
    );
}

/// As with `galeractl status | head -1`.
#[test]
fn a_reader_that_leaves_early_is_no_error() {
    let script = format!(
        "{GALERACTL} explain --cib {} | true; echo ${{PIPESTATUS[0]}}",
        saved("missing")
    );
    let answer = run(bare("/bin/bash").args(["-c", &script]));
    assert_eq!((&*answer.stdout, &*answer.stderr), ("0\n", ""));
}
