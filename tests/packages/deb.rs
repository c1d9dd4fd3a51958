//! What the deb brings, and an upgrade of it in a root of its own.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::{PROGRAMS, files, give_shell, ok, package};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The files of a directory of the repository that end so.
fn ours(directory: &str, end: &str) -> Vec<String> {
    let listed = files(&Path::new(ROOT).join(directory));
    let names = listed.iter().map(|file| file.file_name().unwrap().to_str());
    let names = names.map(|name| name.unwrap().to_owned());
    names.filter(|name| name.ends_with(end)).collect()
}

/// What an installation is to find, as the documents say it.
fn promised() -> BTreeSet<String> {
    let mut promised = BTreeSet::new();
    let mut put = |directory: &str, name: &str| promised.insert(format!("/usr/{directory}/{name}"));
    for agent in PROGRAMS {
        put("lib/ocf/resource.d/galera-rs", agent);
        put("sbin", agent);
        put("share/man/man7", &format!("ocf_galera-rs_{agent}.7"));
    }
    put("bin", "galeractl");
    for verb in galera_rs::ctl::command().get_subcommands() {
        let page = format!("galeractl-{}.8", verb.get_name());
        put("share/man/man8", &page);
    }
    for program in PROGRAMS.iter().chain(&["galeractl"]) {
        put("share/man/man8", &format!("{program}.8"));
        put("share/bash-completion/completions", program);
        put(
            "share/fish/vendor_completions.d",
            &format!("{program}.fish"),
        );
        put("share/zsh/vendor-completions", &format!("_{program}"));
    }
    for name in ["README.md", "copyright", "changelog", "changelog.Debian"] {
        put("share/doc/galera-rs", name);
    }
    put("share/lintian/overrides", "galera-rs");
    for (directory, end) in [
        ("docs", ".md"),
        ("crm-examples", ".crm"),
        ("pcs-examples", ".sh"),
        ("corosync", ".conf"),
        ("booth", ".conf"),
    ] {
        for name in ours(directory, end) {
            put(&format!("share/doc/galera-rs/{directory}"), &name);
        }
    }
    promised
}

/// The files and links in the package.
fn brought() -> Vec<String> {
    let deb = package(".deb");
    let listed = ok("dpkg-deb", &["--contents", deb.to_str().unwrap()]);
    let entries = listed.lines().filter(|line| !line.ends_with('/'));
    let paths = entries.map(|line| line.split_whitespace().nth(5).unwrap());
    let paths = paths.map(|path| path.trim_start_matches('.').to_owned());
    paths.collect()
}

#[test]
fn the_deb_brings_agents_manuals_completions_documents_examples_and_licences_and_nothing_else() {
    let brought = brought();
    let plain = brought.iter().map(|path| path.trim_end_matches(".gz"));
    let plain: BTreeSet<_> = plain.map(str::to_owned).collect();
    let promised = promised();
    let lacking: Vec<_> = promised.difference(&plain).collect();
    let more: Vec<_> = plain.difference(&promised).collect();
    assert!(
        lacking.is_empty() && more.is_empty(),
        "lacks {lacking:#?}, has more {more:#?}"
    );
    let deb = package(".deb");
    let unpacked = ok(
        "sh",
        &[
            "-c",
            "dpkg-deb --fsys-tarfile $0 | tar -xO ./usr/share/doc/galera-rs/copyright",
            deb.to_str().unwrap(),
        ],
    );
    for licence in [
        "License: Apache-2.0 or Expat",
        "\nLicense: Apache-2.0\n",
        "\nLicense: Expat\n",
    ] {
        assert!(unpacked.contains(licence), "{licence}: {unpacked}");
    }
}

/// A tool that loads an example does not unpack it first.
#[test]
fn the_deb_brings_every_example_as_it_is() {
    let brought = brought();
    for directory in ["crm-examples", "pcs-examples", "corosync", "booth"] {
        for name in ours(directory, "") {
            let path = format!("/usr/share/doc/galera-rs/{directory}/{name}");
            assert!(brought.contains(&path), "{path} in\n{brought:#?}");
        }
    }
}

/// A root with a shell for the package's scripts, and an empty database.
fn empty_root() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    give_shell(root.path());
    for made in ["info", "updates", "triggers"] {
        fs::create_dir_all(root.path().join("var/lib/dpkg").join(made)).unwrap();
    }
    fs::write(root.path().join("var/lib/dpkg/status"), "").unwrap();
    root
}

fn install(root: &Path, deb: &Path) {
    let root = format!("--root={}", root.display());
    let words = [&root, "--force-not-root", "--no-triggers", "-i"].map(str::to_owned);
    let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
    words.push(deb.to_str().unwrap());
    ok("dpkg", &words);
}

/// The next version, each program of which has one word more.
fn next_version(folder: &Path) -> PathBuf {
    let (deb, next) = (package(".deb"), folder.join("next.deb"));
    let make = "set -e; dpkg-deb -R $0 $1/tree; sed -i 's/^Version: .*/&+next/' $1/tree/DEBIAN/control
        for file in $1/tree/usr/lib/ocf/resource.d/galera-rs/* $1/tree/usr/bin/galeractl; do printf next >>$file; done
        dpkg-deb --root-owner-group -Zgzip -z1 -b $1/tree $1/next.deb";
    let words = [deb.to_str().unwrap(), folder.to_str().unwrap()];
    ok("sh", &[&["-c", make][..], &words].concat());
    next
}

fn bytes(mut file: &File) -> Vec<u8> {
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).unwrap();
    bytes
}

/// A monitor that meets no program, or half of one, fails; one that runs goes on as the program that it was started from.
#[test]
fn an_upgrade_puts_other_bytes_in_the_place_of_each_program_in_one_step() {
    let (root, folder) = (empty_root(), tempfile::tempdir().unwrap());
    install(root.path(), &package(".deb"));
    let agents = PROGRAMS.map(|name| format!("usr/lib/ocf/resource.d/galera-rs/{name}"));
    let programs: Vec<_> = agents
        .iter()
        .map(String::as_str)
        .chain(["usr/bin/galeractl"])
        .collect();
    let programs: Vec<_> = programs.iter().map(|path| root.path().join(path)).collect();
    let before: Vec<_> = programs
        .iter()
        .map(|path| fs::read(path).unwrap())
        .collect();
    let running: Vec<_> = programs
        .iter()
        .map(|path| File::open(path).unwrap())
        .collect();
    let next = next_version(folder.path());
    let done = AtomicBool::new(false);
    let looks = thread::scope(|scope| {
        let watch = scope.spawn(|| watch(&programs, &done));
        install(root.path(), &next);
        done.store(true, Ordering::Relaxed);
        watch.join().unwrap()
    });
    assert!(looks > 100, "only {looks} looks");
    for ((path, old), running) in programs.iter().zip(before).zip(&running) {
        let new = fs::read(path).unwrap();
        assert_eq!(new, [&old[..], b"next"].concat(), "{}", path.display());
        assert_eq!(bytes(running), old, "{} was written over", path.display());
    }
    let agents = root.path().join("usr/lib/ocf/resource.d/galera-rs");
    assert_eq!(
        files(&agents).len(),
        PROGRAMS.len(),
        "something is left over"
    );
}

/// Looks at the programs again and again: each is there, and whole. Returns how often.
fn watch(programs: &[PathBuf], done: &AtomicBool) -> usize {
    let size = |path: &PathBuf| {
        fs::metadata(path)
            .unwrap_or_else(|e| panic!("{}: {e}", path.display()))
            .len()
    };
    let old: Vec<_> = programs.iter().map(size).collect();
    let mut looks = 0;
    while !done.load(Ordering::Relaxed) {
        for (path, old) in programs.iter().zip(&old) {
            let more = size(path).checked_sub(*old);
            assert!(
                more == Some(0) || more == Some(4),
                "{}: a part",
                path.display()
            );
        }
        looks += 1;
    }
    looks
}
