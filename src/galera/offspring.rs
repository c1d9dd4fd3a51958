//! What the servers of a resource have started, and what is left of it: transfer scripts, their programs, recoveries.

use std::time::Duration;

use crate::ocf::Deadline;
use crate::sys::process::{Process, Watch, marked};

/// Every process that descends from a server of ours has this in its environment, with the resource's name.
pub const MARK: &str = "GALERA_RS_RESOURCE";

/// How long one that was killed may take to let go of its files.
const ENDING: Duration = Duration::from_secs(1);

/// What receives from the network for the server's transfer scripts (wsrep_sst_rsync, wsrep_sst_mariabackup).
pub const RECEIVERS: [&str; 5] = ["rsync", "socat", "nc", "stunnel", "stunnel4"];

/// What makes a backup, or a received one usable; the kernel cuts names to 15 bytes.
pub const PREPARERS: [&str; 2] = ["mariadb-backup", "mariabackup"];

/// All of it but the server itself.
pub fn besides(resource: &str, server: Process) -> Vec<Process> {
    let mut all = ours(resource);
    all.retain(|process| *process != server);
    all
}

/// One of them, the server included.
pub fn any(resource: &str) -> Option<Process> {
    ours(resource).into_iter().next()
}

/// The agent itself inherits the mark when a server's child calls it.
fn ours(resource: &str) -> Vec<Process> {
    let mut all = marked(MARK, resource);
    all.retain(|process| !process.is_of_this_program());
    all
}

/// Ends what a server has left behind: the receiving end of a state transfer outlives a server that is killed,
/// and keeps the next one from receiving (30 s of "Previous SST is not completed").
pub fn end(resource: &str) {
    ours(resource).into_iter().for_each(kill);
}

/// Ends a recovery whose job was killed: it holds the data, and nobody hears its answer.
pub fn end_recoveries(resource: &str) {
    let all = ours(resource).into_iter();
    all.filter(recovers).for_each(kill);
}

/// Ends the state transfers that a server gives or takes: asked to end, it waits for them.
pub fn end_transfers(resource: &str, server: Process) {
    let all = besides(resource, server).into_iter();
    all.filter(transfers).for_each(kill);
}

fn kill(process: Process) {
    log::warn!(
        "ending process {}: {:?}",
        process.pid,
        process.arguments().first()
    );
    if let Some(watch) = Watch::of(process) {
        watch.kill();
        watch.ended_within(Deadline::bound(ENDING)); // what follows may need the files that it holds
    }
}

fn transfers(process: &Process) -> bool {
    let program = process.program();
    let programs = RECEIVERS.iter().chain(&PREPARERS).chain(&["mbstream"]);
    let script = |argument: &String| argument.contains("wsrep_sst_");
    programs.clone().any(|name| *name == program) || process.arguments().iter().any(script)
}

/// Whether it only looks for the position of the data.
pub fn recovers(process: &Process) -> bool {
    let wanted = ["--wsrep-recover", "--wsrep_recover"];
    let arguments = process.arguments();
    arguments
        .iter()
        .any(|argument| wanted.contains(&argument.as_str()))
}

/// Whether another resource has started this server.
pub fn is_anothers(resource: &str, process: Process) -> bool {
    process
        .environment(MARK)
        .is_some_and(|name| name != resource)
}
