//! Marks in a server's error log, so that a scenario can say what happened since.

use std::path::PathBuf;

use super::{Lab, Node};

/// A place in an error log.
#[derive(Debug)]
pub struct Mark {
    path: PathBuf,
    offset: usize,
}

/// State transfers a server received.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub struct Transfers {
    /// Full copies of the data (SST).
    pub full: usize,
    /// Transfers of the missing write sets only (IST).
    pub incremental: usize,
}

impl Lab {
    /// Marks the present end of a node's error log.
    pub fn error_log(&self, k: u8) -> Mark {
        let path = self.node(k).log_path("mysql/error.log");
        let offset =
            std::fs::metadata(&path).map_or(0, |file| usize::try_from(file.len()).unwrap_or(0));
        Mark { path, offset }
    }

    /// How often anybody has evicted somebody.
    pub fn evictions(&self) -> usize {
        self.nodes().map(|node| node.evictions()).sum()
    }
}

impl Node<'_> {
    /// How often this node has evicted somebody.
    pub fn evictions(&self) -> usize {
        let log = self.log_text("pacemaker/pacemaker.log");
        log.matches("evicting the dead").count()
    }

    /// A log below `/var/log` as this machine sees it, whether the node is on or off.
    pub(super) fn log_path(&self, log: &str) -> PathBuf {
        self.lab
            .dir
            .join(format!("node{}/upper/var/log/{log}", self.number))
    }
}

impl Mark {
    /// What was written since.
    pub fn since(&self) -> String {
        let bytes = std::fs::read(&self.path).unwrap_or_default();
        String::from_utf8_lossy(bytes.get(self.offset..).unwrap_or_default()).into_owned()
    }

    /// The transfers this server received since, as the transfer script counts them: the server itself
    /// logs "IST" and "SST" for both kinds.
    pub fn transfers(&self) -> Transfers {
        let text = self.since();
        let count = |what: &str| text.lines().filter(|line| line.contains(what)).count();
        Transfers {
            full: count(" SST completed on joiner"),
            incremental: count(" IST completed on joiner"),
        }
    }
}
