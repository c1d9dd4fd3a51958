//! The package on real nodes: installed, upgraded and removed under what runs.

use std::path::PathBuf;

use crate::harness::{Lab, Node, STEP, lives};

/// What a node sees of the packages that are handed to it.
const PACKAGE: &str = "/run/lab/galera-rs.deb";
const NEXT: &str = "/run/lab/next.deb";

#[test]
fn the_package_is_installed_upgraded_and_removed_without_a_touch_of_what_runs() {
    let Some(lab) = Lab::up(3) else { return };
    std::fs::copy(package(), lab.shared().join("galera-rs.deb")).expect("the package");
    for node in lab.nodes() {
        install(node, PACKAGE);
        // What `systemctl disable mariadb` does, on nodes without systemd.
        node.ok("rm -f /etc/systemd/system/*.wants/mariadb.service");
    }
    lab.fencing();
    lab.script(&["galera"]).ok();
    follow(&lab, "## Quick start with pcs");
    lab.stop_clone();
    lab.crm("configure delete db-clone db");
    lab.settle();
    follow(&lab, "## Quick start with crmsh");
    let before = lives(&lab);

    make_next(lab.node(1));
    for node in lab.nodes() {
        install(node, NEXT);
    }
    lab.wait_in_service("an upgrade");
    assert_eq!(lives(&lab), before, "the upgrade touched a server");
    assert!(!lab.crm_mon().contains("fail-count"), "{}", lab.crm_mon());

    let reader = lab.node(lab.unpromoted()[0]);
    let refused = reader.run("dpkg --no-triggers -r galera-rs");
    assert_ne!(refused.code, 0, "removed under a running resource");
    let name = format!("node{}", reader.number());
    for words in [
        "not removed: the cluster runs db".to_owned(),
        format!("crm node standby {name}"),
    ] {
        assert!(refused.stderr.contains(&words), "{}", refused.stderr);
    }
    assert_eq!(reader.act("monitor").code, 0, "it is there still");

    lab.crm(&format!("node maintenance {name}"));
    lab.settle();
    reader.ok("dpkg --no-triggers -r galera-rs");
    reader.ok("! ls /usr/lib/ocf/resource.d/galera-rs/galera-rs 2>/dev/null");
    let writer = lab.promoted()[0];
    lab.sql(writer, "create database proof")
        .expect("the writer writes");
    lab.wait(
        "what was written, on the node without the agent",
        STEP,
        || lab.sql(reader.number(), "use proof").is_ok(),
    );
    install(reader, NEXT);
    lab.crm(&format!("node ready {name}"));
    lab.wait_in_service("the agent's return");
    assert_eq!(lives(&lab), before, "the removal touched a server");
    assert!(!lab.fence_log().contains("reboot"), "{}", lab.fence_log());
}

/// The package of this build, which `make deb` puts where this says.
fn package() -> PathBuf {
    let folder = std::env::var("GALERA_RS_DIST").unwrap_or_else(|_| "target/dist".to_owned());
    let listed = std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{folder}: {e}; make deb"));
    let paths = listed.flatten().map(|entry| entry.path());
    let mut packages = paths.filter(|path| path.extension().is_some_and(|end| end == "deb"));
    packages
        .next()
        .unwrap_or_else(|| panic!("no package in {folder}: make deb"))
}

fn follow(lab: &Lab, heading: &str) {
    lab.follow("docs/install.md", heading);
    lab.wait_in_service(heading);
}

fn install(node: Node<'_>, package: &str) {
    node.run_for(STEP, &format!("dpkg --no-triggers -i {package}"))
        .ok();
}

/// The same package, as the version after this one.
fn make_next(node: Node<'_>) {
    let make = format!(
        "rm -rf /tmp/next && dpkg-deb -R {PACKAGE} /tmp/next && sed -i 's/^Version: .*/&+next/' /tmp/next/DEBIAN/control &&
         dpkg-deb --root-owner-group -Zgzip -z1 -b /tmp/next {NEXT}"
    );
    node.run_for(STEP * 2, &make).ok();
}
