//! A full state transfer that lasts.

use std::time::Duration;

use super::Lab;

/// How soon the transfer has begun.
const SOON: Duration = Duration::from_secs(60);

impl Lab {
    /// Returns when the node receives a full copy over a link of so many Mbit/s; `slow K 0` lets it end.
    pub fn begin_transfer(&self, joiner: u8, mbit: &str) {
        self.script(&["slow", &joiner.to_string(), "1", "0", mbit])
            .ok();
        self.node(joiner).ok(
            "rm /var/lib/mysql/grastate.dat /var/lib/mysql/gvwstate.dat; pkill -KILL -x mariadbd; \
             cd /var/lib/mysql && rm -rf t mysql/*.MAD ibdata1",
        );
        self.wait("a full transfer to begin", SOON, || self.receives(joiner));
    }

    /// Whether the node receives a full copy. The brackets keep the search from finding the shell that it runs in.
    pub fn receives(&self, joiner: u8) -> bool {
        self.node(joiner).run("pgrep -f '[r]sync.*--daemon'").code == 0
    }
}
