//! Units of systemd, read from its files: a node need not run it to have them enabled.

use std::fs;
use std::path::{Path, PathBuf};

/// Where an administrator's and a run-time unit is enabled (systemd.unit(5), systemctl(1) "enable").
const ENABLED: [&str; 2] = ["etc/systemd/system", "run/systemd/system"];

/// The link below `root` that enables a unit: in `NAME.wants` or `NAME.requires` of any target.
pub fn enabled(root: &Path, unit: &str) -> Option<PathBuf> {
    ENABLED
        .iter()
        .find_map(|directory| wanted_by(&root.join(directory), unit))
}

fn wanted_by(directory: &Path, unit: &str) -> Option<PathBuf> {
    let entries = fs::read_dir(directory).ok()?;
    let targets = entries.flatten().map(|entry| entry.path());
    let pulls = |path: &PathBuf| {
        path.extension()
            .is_some_and(|end| end == "wants" || end == "requires")
    };
    let mut links = targets.filter(pulls).map(|path| path.join(unit));
    links.find(|link| link.is_symlink() || link.exists())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_unit_is_enabled_by_its_link_and_not_by_its_file() {
        let root = tempfile::tempdir().unwrap();
        let wants = root
            .path()
            .join("etc/systemd/system/multi-user.target.wants");
        fs::create_dir_all(&wants).unwrap();
        fs::write(root.path().join("etc/systemd/system/a.service"), "").unwrap();
        assert_eq!(enabled(root.path(), "a.service"), None);
        let link = wants.join("a.service");
        symlink("/lib/systemd/system/a.service", &link).unwrap();
        assert_eq!(enabled(root.path(), "a.service"), Some(link));
        assert_eq!(enabled(root.path(), "b.service"), None);
    }
}
