//! Whether a server can run on this node at all.

use super::node::Node;
use super::{server, settings};
use crate::ocf::{Done, Failure};

/// Looks at the node: can the server run here at all?
///
/// # Errors
/// What keeps it from that, and what to do.
pub fn validate(node: &Node) -> Done {
    settings::server(&node.params)?;
    node.settings.owner()?;
    if let Some(provider) = &node.settings.provider
        && !provider.exists()
    {
        let provider = provider.display();
        return Err(Failure::NotInstalled(format!(
            "wsrep_provider {provider} does not exist; install galera-4 or correct the path"
        )));
    }
    if let Some(value) = node.settings.lossy_flush() {
        log::warn!(
            "innodb_flush_log_at_trx_commit is {value}, not 1: a crash of all nodes together loses acknowledged writes"
        );
    }
    let datadir = &node.settings.datadir;
    match std::fs::metadata(datadir) {
        Ok(found) if !found.is_dir() => Err(Failure::WrongHere(format!(
            "datadir {} is not a directory",
            datadir.display()
        ))),
        Ok(_) => Ok(()),
        Err(_) if node.params.enable_creation => {
            let (uid, gid) = node.settings.owner()?;
            let made =
                std::fs::create_dir_all(datadir).and_then(|()| server::give(datadir, uid, gid));
            made.map_err(|error| {
                Failure::Retry(format!(
                    "cannot make datadir {}: {error}",
                    datadir.display()
                ))
            })
        }
        Err(error) => Err(Failure::Retry(format!(
            "datadir {}: {error}; mount it, correct the path, or set enable_creation",
            datadir.display()
        ))),
    }
}
