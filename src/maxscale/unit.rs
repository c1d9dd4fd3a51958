//! Whether systemd runs MaxScale too: two who start and stop the same process work against each other.

use std::fs;
use std::path::Path;

use crate::sys::units;

const UNIT: &str = "maxscale.service";

/// Where a link is while the unit is active; its control group stays as long as it has processes.
const ACTIVE: &str = "run/systemd/units/invocation:maxscale.service";
const GROUPS: [&str; 2] = [
    "sys/fs/cgroup/system.slice/maxscale.service/cgroup.procs",
    "sys/fs/cgroup/systemd/system.slice/maxscale.service/cgroup.procs",
];

/// Why MaxScale must not run under the cluster, below this root: a sentence with the command that helps.
pub fn rival(root: &Path) -> Option<String> {
    let why = match (units::enabled(root, UNIT), is_active(root)) {
        (Some(link), _) => format!("enabled ({})", link.display()),
        (None, true) => "active".to_owned(),
        (None, false) => return None,
    };
    Some(format!(
        "{UNIT} of systemd is {why} beside the cluster, and restarts MaxScale by itself: \
         run systemctl disable --now {UNIT}"
    ))
}

fn is_active(root: &Path) -> bool {
    let link = root.join(ACTIVE).is_symlink();
    let processes =
        |path: &&str| fs::read_to_string(root.join(path)).is_ok_and(|text| !text.is_empty());
    link || GROUPS.iter().any(processes)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn an_enabled_unit_is_told_with_the_command_that_helps() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(rival(root.path()), None);
        let wants = root
            .path()
            .join("etc/systemd/system/multi-user.target.wants");
        fs::create_dir_all(&wants).unwrap();
        assert_eq!(rival(root.path()), None);
        symlink("/lib/systemd/system/maxscale.service", wants.join(UNIT)).unwrap();
        let told = rival(root.path()).unwrap();
        assert!(
            told.contains("multi-user.target.wants/maxscale.service"),
            "{told}"
        );
        assert!(
            told.ends_with("run systemctl disable --now maxscale.service"),
            "{told}"
        );
    }

    #[test]
    fn a_unit_that_is_only_active_counts_too_and_an_empty_control_group_does_not() {
        let root = tempfile::tempdir().unwrap();
        let group = root.path().join(GROUPS[0]);
        fs::create_dir_all(group.parent().unwrap()).unwrap();
        fs::write(&group, "").unwrap();
        assert_eq!(rival(root.path()), None);
        fs::write(&group, "4711\n").unwrap();
        assert!(rival(root.path()).unwrap().contains("is active"));
        fs::remove_file(&group).unwrap();
        let link = root.path().join(ACTIVE);
        fs::create_dir_all(link.parent().unwrap()).unwrap();
        symlink("0123", link).unwrap();
        assert!(rival(root.path()).unwrap().contains("is active"));
    }
}
