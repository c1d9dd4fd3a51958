//! The packages by themselves: what the distributions' own checkers say, what they bring, and each in a root with a database
//! of its own.
//!
//! `make package-tests`, as root. The deb under running resources is a scenario of `tests/cluster`.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test crate: it starts programs and panics to fail"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// How the name of a package for this machine ends.
const BINARY: &str = if cfg!(target_arch = "aarch64") {
    ".aarch64.rpm"
} else {
    ".x86_64.rpm"
};

mod deb;

const PROGRAMS: [&str; 3] = ["galera-rs", "maxscale-rs", "vip-rs"];

/// The package of this build whose name ends so.
fn package(end: &str) -> PathBuf {
    let folder = std::env::var("GALERA_RS_DIST").unwrap_or_else(|_| "target/dist".to_owned());
    let listed = fs::read_dir(&folder).unwrap_or_else(|e| panic!("{folder}: {e}; make deb rpm"));
    let paths = listed.flatten().map(|entry| entry.path());
    let mut found = paths.filter(|path| path.to_string_lossy().ends_with(end));
    found
        .next()
        .unwrap_or_else(|| panic!("no *{end} in {folder}: make deb rpm"))
}

fn run(program: &str, args: &[&str]) -> Output {
    let output = Command::new(program).args(args).output();
    output.unwrap_or_else(|error| panic!("{program}: {error}"))
}

/// Standard output of a program that has to succeed.
fn ok(program: &str, args: &[&str]) -> String {
    let output = run(program, args);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{program} {args:?}: {out}{err}");
    out
}

#[test]
fn lintian_finds_no_error_in_the_deb() {
    let deb = package(".deb");
    ok(
        "lintian",
        &["--allow-root", "--fail-on", "error", deb.to_str().unwrap()],
    );
}

#[test]
fn rpmlint_finds_no_error_in_the_rpms() {
    let config = concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/rpm/rpmlint.toml");
    for end in [BINARY, ".src.rpm"] {
        let rpm = package(end);
        let output = run("rpmlint", &["-c", config, rpm.to_str().unwrap()]);
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.contains(" 0 errors,"), "{said}");
    }
}

#[test]
fn what_the_agents_need_is_recommended_so_that_a_node_without_it_can_install() {
    let deb = package(".deb");
    let field = |name| {
        let told = ok("dpkg-deb", &["-f", deb.to_str().unwrap(), name]);
        told.trim().to_owned()
    };
    assert_eq!(field("Depends"), "", "one static program needs nothing");
    assert_eq!(field("Pre-Depends"), "");
    let recommended = "pacemaker | pacemaker-remote, pacemaker-cli-utils, crmsh | pcs";
    assert_eq!(field("Recommends"), recommended);
    let rpm = package(BINARY);
    let requires = ok("rpm", &["-qp", "--requires", rpm.to_str().unwrap()]);
    let foreign = requires.lines().filter(|line| !line.starts_with("rpmlib("));
    assert_eq!(
        foreign.collect::<Vec<_>>(),
        ["/bin/sh"],
        "of the script before removal"
    );
    let recommends = ok("rpm", &["-qp", "--recommends", rpm.to_str().unwrap()]);
    let recommends: Vec<_> = recommends.lines().collect();
    assert_eq!(recommends, ["pacemaker", "pacemaker-cli"]);
}

#[test]
fn the_rpm_installs_runs_verifies_and_leaves_nothing_in_a_root_of_its_own() {
    let root = tempfile::tempdir().unwrap();
    let place = root.path().to_str().unwrap();
    give_shell(root.path());
    let before = files(root.path());
    let rpm = package(BINARY);
    let rpm = rpm.to_str().unwrap();
    rpm_in(place, &["--initdb"]);
    for upgrade in [&["-i"][..], &["-U", "--replacepkgs"]] {
        rpm_in(place, &[&["--nodeps"], upgrade, &[rpm]].concat());
        assert_eq!(rpm_in(place, &["--nodeps", "-V", "galera-rs"]), "");
    }
    for program in PROGRAMS {
        let agent = format!("/usr/lib/ocf/resource.d/galera-rs/{program}");
        let described = ok("chroot", &[place, &agent, "meta-data"]);
        assert!(described.contains("<resource-agent"), "{described}");
        ok(
            "chroot",
            &[place, &format!("/usr/sbin/{program}"), "--version"],
        );
    }
    ok("chroot", &[place, "/usr/bin/galeractl", "--help"]);
    for file in [
        "usr/share/man/man7/ocf_galera-rs_galera-rs.7",
        "usr/share/man/man8/galeractl.8",
        "usr/share/bash-completion/completions/galeractl",
        "usr/share/doc/galera-rs/crm-examples/galera-single-writer.crm",
        "usr/share/doc/galera-rs/pcs-examples/galera-single-writer.sh",
        "usr/share/doc/galera-rs/corosync/three-nodes.conf",
        "usr/share/doc/galera-rs/booth/two-sites.conf",
    ] {
        let plain = root.path().join(file);
        let packed = root.path().join(format!("{file}.gz"));
        assert!(plain.exists() || packed.exists(), "{file}");
    }
    rpm_in(place, &["--nodeps", "-e", "galera-rs"]);
    assert_eq!(files(root.path()), before);
}

/// Runs rpm on a root and its database, which Debian's rpm would put into a home directory.
fn rpm_in(root: &str, words: &[&str]) -> String {
    ok(
        "rpm",
        &[&["--root", root, "--dbpath", "/var/lib/rpm"], words].concat(),
    )
}

/// The script that runs before a removal needs a shell.
fn give_shell(root: &Path) {
    let listed = ok("ldd", &["/bin/sh"]);
    let paths = listed
        .split_whitespace()
        .filter(|word| word.starts_with('/'));
    for path in paths.chain(["/bin/sh"]) {
        let to = root.join(path.trim_start_matches('/'));
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(path, to).unwrap();
    }
}

/// Everything below a root but the database of the packages.
fn files(root: &Path) -> Vec<PathBuf> {
    let listed = ok(
        "find",
        &[root.to_str().unwrap(), "-type", "f", "-o", "-type", "l"],
    );
    let paths = listed.lines().map(PathBuf::from);
    let mut paths: Vec<_> = paths
        .filter(|path| !path.starts_with(root.join("var")))
        .collect();
    paths.sort();
    paths
}
