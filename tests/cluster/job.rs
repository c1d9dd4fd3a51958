//! The background job: there is one of it, and it outlives whatever is done to it.

use std::time::Duration;

use crate::harness::{Lab, SINGLE_WRITER, STEP, lives, within};

/// Another job with the environment of the first.
const JOB: &str = "xargs -0 -a /run/job.env sh -c 'exec env -i \"$@\" /usr/lib/ocf/resource.d/galera-rs/galera-rs job' job";

#[test]
fn two_jobs_are_one_and_a_job_outlives_the_upgrade_of_the_agent() {
    let Some(lab) = Lab::in_service(SINGLE_WRITER) else {
        return;
    };
    let k = lab.unpromoted()[0];
    let (node, before) = (lab.node(k), lives(&lab));
    node.ok("cp /proc/$(pgrep -f 'galera-rs job$')/environ /run/job.env");
    assert_eq!(node.run(JOB).code, 0, "a second job leaves");
    node.ok(&format!(
        "pkill -9 -f 'galera-rs job$'; for i in 1 2 3; do setsid {JOB} >/dev/null 2>&1 & done"
    ));
    let mut alone = 0;
    lab.wait("one of three jobs", STEP, || {
        alone = if jobs(&lab, k).len() == 1 {
            alone + 1
        } else {
            0
        };
        alone == 5
    });
    assert_eq!(
        within(Duration::from_secs(3), || jobs(&lab, k).len() != 1),
        None
    );
    assert_eq!(lives(&lab), before, "a server was touched");

    let job = jobs(&lab, k);
    upgrade(&lab, k);
    assert_eq!(node.act("monitor").code, 0);
    lab.settle();
    assert_eq!(
        (jobs(&lab, k), lives(&lab)),
        (job, before),
        "the upgrade touched something"
    );
    lab.kill_server(k);
    lab.wait_in_service("a server died whose job is of the version before");

    a_job_without_its_files_is_replaced(&lab, k);

    upgrade(&lab, k);
    lab.crm(&format!("node standby node{k}"));
    lab.wait("the end of everything of ours", STEP, || {
        node.database_processes().is_empty()
    });
    lab.settle();
    assert!(!lab.fence_log().contains("reboot"), "a stop failed");
    lab.crm(&format!("node online node{k}"));
    lab.wait_in_service("standby is over");
}

/// What it knows is gone, and its lock with that: a monitor starts another, which finds nobody in its way.
fn a_job_without_its_files_is_replaced(lab: &Lab, k: u8) {
    let (node, first, life) = (lab.node(k), jobs(lab, k), lab.node(k).server_life());
    node.ok("rm -rf /run/galera-rs");
    lab.wait("another job", STEP, || {
        node.run("test -s /run/galera-rs/db/job.pid").code == 0 && jobs(lab, k) != first
    });
    let now = jobs(lab, k);
    assert_eq!(
        now.len(),
        1,
        "the job {first:?} of before still runs: {now:?}"
    );
    lab.wait_in_service("another job");
    assert_eq!(node.server_life(), life, "the server was touched");
}

/// The processes of the jobs on a node.
fn jobs(lab: &Lab, k: u8) -> Vec<String> {
    let found = lab.node(k).run("pgrep -f 'galera-rs job$'").stdout;
    found.lines().map(str::to_owned).collect()
}

/// Puts another file in the place of the agent, as a package does.
fn upgrade(lab: &Lab, k: u8) {
    lab.node(k).ok(
        "cd /usr/lib/ocf/resource.d/galera-rs && cp galera-rs .galera-rs.new && mv -f .galera-rs.new galera-rs",
    );
    let replaced = "readlink /proc/$(pgrep -f 'galera-rs job$')/exe | grep -q deleted";
    lab.node(k).ok(replaced);
}
