//! The scripts that packages run before they are removed, with stand-ins for the programs that they ask.

use std::fs;
use std::path::Path;

use crate::{Answer, bare, run, write_program};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The script of each kind of package with the words of a removal and of an upgrade.
fn scripts() -> [(String, &'static str, &'static str); 2] {
    let deb = fs::read_to_string(format!("{ROOT}/packaging/debian/prerm")).unwrap();
    let spec = fs::read_to_string(format!("{ROOT}/packaging/rpm/galera-rs.spec")).unwrap();
    let (_, rest) = spec.split_once("%preun\n").unwrap();
    let (rpm, _) = rest.split_once("\n%").unwrap();
    [(deb, "remove", "upgrade"), (rpm.to_owned(), "0", "1")]
}

/// Runs a script where `galeractl in-use` ends with `code`, and Pacemaker runs or does not.
fn removed(script: &str, word: &str, code: u8, pacemaker: bool) -> Answer {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| {
        let file = folder.path().join(name);
        write_program(text, &file);
        file
    };
    put(
        "galeractl",
        &format!("#!/bin/sh\necho the cluster runs db\necho the words >&2\nexit {code}\n"),
    );
    let found = if pacemaker { 0 } else { 1 };
    put("pidof", &format!("#!/bin/sh\nexit {found}\n"));
    let script = put("script", script);
    let path = format!("{}:/usr/bin:/bin", folder.path().display());
    run(bare("/bin/sh")
        .arg(Path::new(&script))
        .arg(word)
        .env("PATH", path))
}

#[test]
fn a_package_is_not_removed_while_the_cluster_needs_it_or_cannot_tell() {
    for (script, remove, upgrade) in scripts() {
        for (code, pacemaker, allowed) in [
            (0, true, true),
            (3, true, false),
            (1, true, false),
            (1, false, true),
            (127, false, true),
        ] {
            let answer = removed(&script, remove, code, pacemaker);
            let case = format!("{code}, {pacemaker}: {}", answer.stderr);
            assert_eq!(answer.code == Some(0), allowed, "{case}");
            assert_eq!(answer.stderr.contains("not removed: "), !allowed, "{case}");
            let told = answer.stderr.contains("not removed: the cluster runs db");
            assert_eq!(told, code == 3, "{case}");
            assert!(answer.stderr.contains("the words"), "{case}");
            let upgraded = removed(&script, upgrade, code, pacemaker);
            assert_eq!((upgraded.code, &*upgraded.stderr), (Some(0), ""), "{case}");
        }
    }
}
