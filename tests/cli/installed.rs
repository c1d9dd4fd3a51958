//! What is installed, and that it needs nothing else.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use assert_cmd::assert::Assert;

use crate::{
    AGENT, COPY, GALERACTL, MAXSCALE, VIP, available, bare, copy_program, is_root, run,
    write_program,
};

/// Runs `make install` without its build: what is installed are the programs under test.
fn install(destination: &str) {
    install_with(destination, "/usr/bin:/bin");
}

fn install_with(destination: &str, path: &str) {
    make_install("/usr/bin/make", &[], destination, path).success();
}

/// Runs `program` with `args` and then what make is given to install there.
fn make_install(program: &str, args: &[&str], destination: &str, path: &str) -> Assert {
    let built = tempfile::tempdir().unwrap();
    for program in [AGENT, VIP, MAXSCALE, GALERACTL] {
        let name = Path::new(program).file_name().unwrap();
        std::os::unix::fs::symlink(program, built.path().join(name)).unwrap();
    }
    let mut make = bare(program);
    make.env("PATH", path)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .timeout(COPY);
    make.args(args)
        .args(["-o", "build", "TARGET=none", "install"]);
    make.arg(format!("DESTDIR={destination}"));
    make.arg(format!("OUT={}", built.path().display()));
    make.assert()
}

/// Runs make in a mount namespace of its own, where what is written below `/usr` goes to the directory `$1`, and lists
/// that.
const ASIDE: &str = r#"
set -e
mount -t tmpfs tmpfs "$1"
mkdir "$1/new" "$1/work"
mount -t overlay overlay -o "lowerdir=/usr,upperdir=$1/new,workdir=$1/work" /usr
aside=$1
shift
make "$@" >&2
cd "$aside/new"
find . ! -type d
"#;

#[test]
fn the_system_itself_is_a_destination() {
    if !available(is_root(), "root") {
        return;
    }
    let aside = tempfile::tempdir().unwrap();
    let shell = ["--mount", "sh", "-c", ASIDE, "sh"];
    let args = [&shell[..], &[aside.path().to_str().unwrap()]].concat();
    let installed = make_install(
        "/usr/bin/unshare",
        &args,
        "/",
        "/usr/sbin:/usr/bin:/sbin:/bin",
    );
    let output = installed.success().get_output().stdout.clone();
    let listed = String::from_utf8(output).unwrap();
    let mut agents = Vec::new();
    for name in ["galera-rs", "maxscale-rs", "vip-rs"] {
        agents.push(format!("./lib/ocf/resource.d/galera-rs/{name}"));
        agents.push(format!("./sbin/{name}"));
    }
    agents.push("./bin/galeractl".to_owned());
    agents.sort();
    let mut found: Vec<&str> = listed.lines().collect();
    found.sort_unstable();
    assert_eq!(found, agents);
}

#[test]
fn agents_links_and_the_command_lie_where_the_cluster_and_people_look() {
    if !available(Path::new("/usr/bin/make").exists(), "make") {
        return;
    }
    // A destination may end in a slash; installing twice is an upgrade.
    for slash in ["", "/"] {
        let root = tempfile::tempdir().unwrap();
        let destination = format!("{}{slash}", root.path().display());
        install(&destination);
        install(&destination);
        let agents = root.path().join("usr/lib/ocf/resource.d/galera-rs");
        let agents = ["galera-rs", "vip-rs", "maxscale-rs"].map(|name| (name, agents.join(name)));
        let command = root.path().join("usr/bin/galeractl");
        for program in agents.iter().map(|(_, path)| path).chain([&command]) {
            let found = fs::metadata(program).unwrap();
            assert_eq!(
                found.permissions().mode() & 0o7777,
                0o755,
                "{}",
                program.display()
            );
        }
        for (name, agent) in agents {
            let link = fs::read_link(root.path().join("usr/sbin").join(name)).unwrap();
            let installed = Path::new("/usr/lib/ocf/resource.d/galera-rs").join(name);
            assert_eq!(link, installed);
            let answer = run(bare(agent.to_str().unwrap()).arg("meta-data"));
            assert_eq!(answer.code, Some(0), "{}", answer.stderr);
        }
    }
}

/// Where `make build` has put the static programs: `target/<triple>/release`.
fn static_programs() -> Option<PathBuf> {
    let given = std::env::var("GALERA_RS_STATIC_DIR")
        .ok()
        .map(PathBuf::from);
    let what = "GALERA_RS_STATIC_DIR (target/<triple>/release after make build)";
    let there = given
        .as_ref()
        .is_some_and(|folder| folder.join("galera-rs").exists());
    given.filter(|_| available(there, what))
}

#[test]
fn static_programs_run_in_an_empty_root() {
    if !available(is_root(), "root") {
        return;
    }
    let Some(folder) = static_programs() else {
        available(false, "GALERA_RS_STATIC_DIR");
        return;
    };
    let root = tempfile::tempdir().unwrap();
    for (name, word) in [
        ("galera-rs", "meta-data"),
        ("vip-rs", "meta-data"),
        ("maxscale-rs", "meta-data"),
        ("galeractl", "--help"),
    ] {
        copy_program(folder.join(name), &root.path().join(name));
        let mut inside = bare("/usr/sbin/chroot");
        let answer = run(inside.arg(root.path()).arg(format!("/{name}")).arg(word));
        assert_eq!(
            (answer.code, &*answer.stderr),
            (Some(0), ""),
            "{name} {word}"
        );
        assert!(answer.stdout.contains(name), "{}", answer.stdout);
    }
}

/// A monitor that meets no program answers "not installed", and the node is banned. install(1) removes a file, then copies.
#[test]
fn an_installation_over_another_never_leaves_a_program_missing() {
    if !available(Path::new("/usr/bin/make").exists(), "make") {
        return;
    }
    let (root, tools) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let destination = root.path().display().to_string();
    install(&destination);
    let wary = tools.path().join("install");
    let script = "#!/bin/sh\nfor last; do :; done\nif [ -f \"$last\" ]; then echo \"over $last\" >&2; exit 1; fi\n\
                  exec /usr/bin/install \"$@\"\n";
    write_program(script, &wary);
    install_with(
        &destination,
        &format!("{}:/usr/bin:/bin", tools.path().display()),
    );
    let agents = root.path().join("usr/lib/ocf/resource.d/galera-rs");
    assert_eq!(
        fs::read_dir(agents).unwrap().count(),
        3,
        "something is left over"
    );
}
