//! Watches the servers, for as long as something else goes on.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use mysql::Conn;
use mysql::prelude::Queryable;

use super::{Lab, Node};

/// How often every node is asked.
const OFTEN: Duration = Duration::from_millis(5);

/// What was seen of the servers, by a watcher that never stops asking them.
#[derive(Debug, Default)]
pub struct Seen {
    /// How often all of them were asked.
    pub looks: usize,
    /// A node that was writable before and after another one was: both were at once.
    pub two: Vec<(u8, u8)>,
}

impl Lab {
    /// Does `act` and watches meanwhile whether two servers are ever writable at once.
    pub fn watched<T>(&self, act: impl FnOnce() -> T) -> (T, Seen) {
        meanwhile(|over| self.watch(over), act)
    }

    /// Does `act` and counts meanwhile how many servers are Synced: the fewest that were.
    pub fn fewest_synced<T>(&self, act: impl FnOnce() -> T) -> (T, usize) {
        let count = |over: &AtomicBool| {
            let mut fewest = usize::from(self.nodes);
            while !over.load(Ordering::Relaxed) {
                fewest = fewest.min(self.nodes().filter(Node::synced).count());
                thread::sleep(OFTEN);
            }
            fewest
        };
        meanwhile(count, act)
    }

    fn watch(&self, over: &AtomicBool) -> Seen {
        let (mut seen, mut open) = (Seen::default(), Vec::new());
        open.resize_with(usize::from(self.nodes), || None);
        let mut before: Vec<u8> = Vec::new();
        while !over.load(Ordering::Relaxed) {
            for node in self.nodes() {
                let connection = &mut open[usize::from(node.number()) - 1];
                if !writable(node, connection) {
                    before.retain(|other| *other != node.number());
                    continue;
                }
                // Those between this node's last look and now were writable while it was.
                if let Some(at) = before.iter().position(|other| *other == node.number()) {
                    let between = before[at + 1..].iter();
                    seen.two
                        .extend(between.map(|other| (node.number(), *other)));
                    before.remove(at);
                }
                before.push(node.number());
            }
            seen.looks += 1;
            thread::sleep(OFTEN);
        }
        seen
    }
}

/// Does `act` while another thread watches, until it is over.
fn meanwhile<T, S: Send>(
    watch: impl FnOnce(&AtomicBool) -> S + Send,
    act: impl FnOnce() -> T,
) -> (T, S) {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let watcher = scope.spawn(|| watch(&over));
        let ended = End(&over);
        let done = act();
        drop(ended);
        (done, watcher.join().expect("the watcher"))
    })
}

/// Ends the watch, also when the scenario fails.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Whether ordinary accounts could write there now; not where nobody answers.
fn writable(node: Node<'_>, connection: &mut Option<Conn>) -> bool {
    if connection.is_none() {
        *connection = node.connection().ok();
    }
    let Some(asked) = connection else {
        return false;
    };
    match asked.query_first::<i64, _>("select @@global.read_only") {
        Ok(read_only) => read_only == Some(0),
        Err(_) => {
            *connection = None;
            false
        }
    }
}
