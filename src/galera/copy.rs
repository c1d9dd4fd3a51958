//! How large a full copy of the cluster's data is, as the files of a node tell that has it. An estimate: what is written
//! meanwhile, compression and the redo log make the difference.

use std::fs;
use std::path::Path;

use super::volatile::Volatile;
use super::wsrep::{LocalState, Status};

/// Files beside the databases' directories that a transfer takes along (`wsrep_sst_rsync`, the filter; the redo log
/// is left out, of which `mariadb-backup` takes a part).
const BESIDE: [&str; 3] = ["ibdata", "undo", "aria_log"];

/// In bytes; `None` when this node's server does not have all of the data, or its directory cannot be read.
pub fn size(resource: &str, status: &Status) -> Option<u64> {
    let complete = match status.local_state? {
        LocalState::Donor | LocalState::Joined | LocalState::Synced => true,
        LocalState::Initialized | LocalState::Joining | LocalState::Other(_) => false,
    };
    let started = Volatile::of(resource).started().ok().flatten()?;
    complete.then(|| of_directory(&started.datadir)).flatten()
}

fn of_directory(datadir: &Path) -> Option<u64> {
    let entries = fs::read_dir(datadir).ok()?.flatten();
    let sizes = entries.map(|entry| {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        match entry.path().metadata() {
            Ok(found) if found.is_dir() => below(&entry.path()),
            Ok(found) if BESIDE.iter().any(|start| name.starts_with(start)) => found.len(),
            Ok(_) | Err(_) => 0,
        }
    });
    Some(sizes.sum())
}

/// The files of one database. What goes away during the look counts as nothing.
fn below(directory: &Path) -> u64 {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let sizes = entries.filter_map(|entry| Some(entry.metadata().ok()?.len()));
    sizes.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_transfer_takes_along_is_counted_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let put = |name: &str, size: usize| {
            fs::write(dir.path().join(name), vec![0; size]).unwrap();
        };
        fs::create_dir(dir.path().join("shop")).unwrap();
        put("shop/a.ibd", 1000);
        put("ibdata1", 200);
        put("undo001", 30);
        put("galera.cache", 5000);
        put("ib_logfile0", 7000);
        assert_eq!(of_directory(dir.path()), Some(1230));
        assert_eq!(of_directory(&dir.path().join("none")), None);
    }
}
