//! The agent's own processes are killed at any point: the next action or monitor finds its way.

use std::time::Duration;

use crate::harness::{IN_SERVICE, Lab, Node, SINGLE_WRITER, lives, on_all};

/// Seconds after the process was seen.
const MOMENTS: [&str; 4] = ["0", "0.15", "0.3", "0.5"];

/// On every node: waits for a process of the agent with this action, then kills it `after` that time.
fn kill_action(lab: &Lab, action: &str, after: &str) -> Vec<bool> {
    let pattern = format!("resource.d/galera-rs/galera-rs {action}$");
    let hunt = format!(
        "for i in $(seq 1000); do \
           if pid=$(pgrep -f '{pattern}'); then sleep {after}; kill -9 $pid 2>/dev/null && exit 0; exit 1; fi; \
           [ -z \"$(cat /run/lab/hunted 2>/dev/null)\" ] || exit 1; sleep 0.01; \
         done; exit 1"
    );
    let killed = on_all(lab, |node| {
        let killed = node.run(&hunt).code == 0;
        if killed {
            std::fs::write(lab.shared().join("hunted"), "yes").expect("the shared directory");
        }
        killed
    });
    std::fs::write(lab.shared().join("hunted"), "").expect("the shared directory");
    killed
}

#[test]
fn a_promotion_killed_amid_the_bootstrap_delays_the_cluster_and_no_more() {
    let Some(lab) = Lab::in_service(SINGLE_WRITER) else {
        return;
    };
    let mut met = 0;
    for moment in MOMENTS {
        let value = lab
            .rows(1)
            .map_or(0, |rows| i64::try_from(rows).unwrap_or(0))
            + 1000;
        lab.insert(lab.promoted()[0], value);
        let marks = lab.error_logs();
        on_all(&lab, |node| node.ok("rm -f /var/lib/mysql/gvwstate.dat"));
        lab.kill_all_servers();
        let killed = kill_action(&lab, "promote", moment);
        met += usize::from(killed.contains(&true));
        let took = lab.wait_in_service(&format!("a promotion killed {moment} s after it began"));
        eprintln!(
            "promotion killed {moment} s after it began ({killed:?}): in service after another {:.2} s, epoch {:?}",
            took.as_secs_f64(),
            lab.epoch()
        );
        assert!((1..=3).all(|k| lab.has(k, value)), "a row is gone");
        assert_eq!(crate::harness::full_transfers(&marks), 0);
    }
    assert!(met > MOMENTS.len() / 2, "{met} promotions were killed");
    power_lost_amid_the_bootstrap(&lab);
}

/// Not only the promotion ends: the whole node that was elected.
fn power_lost_amid_the_bootstrap(lab: &Lab) {
    lab.insert(lab.promoted()[0], 77);
    let (marks, before) = (lab.error_logs(), lab.epoch());
    on_all(lab, |node| node.ok("rm -f /var/lib/mysql/gvwstate.dat"));
    lab.kill_all_servers();
    let mut elected = None;
    lab.wait("a new epoch", IN_SERVICE, || {
        let now = lab.epoch();
        elected = (now.0 > before.0).then(|| now.1.trim_start_matches("node").parse());
        elected.is_some()
    });
    let elected = elected
        .and_then(Result::ok)
        .expect("nodes are called node1..");
    lab.crash(elected);
    let took = lab.wait_in_service("a power cut of the elected node");
    eprintln!("node{elected} lost power in its bootstrap: in service after {took:.1?}");
    assert!((1..=3).all(|k| lab.has(k, 77)), "a row is gone");
    assert_eq!(crate::harness::full_transfers(&marks), 0);
}

#[test]
fn a_background_job_killed_on_its_way_is_replaced() {
    let Some(lab) = Lab::in_service(SINGLE_WRITER) else {
        return;
    };
    for moment in MOMENTS {
        lab.insert(lab.promoted()[0], 5);
        let marks = lab.error_logs();
        lab.kill_all_servers();
        kill_jobs(&lab, moment);
        let took = lab.wait_in_service(&format!("jobs killed {moment} s after the servers"));
        eprintln!(
            "jobs killed {moment} s after the servers: in service after another {:.2} s",
            took.as_secs_f64()
        );
        assert_eq!(crate::harness::full_transfers(&marks), 0);
    }
}

#[test]
fn a_watcher_killed_in_service_is_replaced_and_the_server_goes_on() {
    let Some(lab) = Lab::in_service(SINGLE_WRITER) else {
        return;
    };
    let before = lives(&lab);
    kill_jobs(&lab, "0");
    lab.wait("other jobs", Duration::from_secs(30), || {
        on_all(&lab, |node| {
            node.run("pgrep -f 'resource.d/galera-rs/galera-rs job$'")
                .code
                == 0
        })
        .into_iter()
        .all(|lives| lives)
    });
    assert_eq!(lives(&lab), before);
    assert!(lab.serves());
    lab.kill_server(lab.promoted()[0]);
    lab.wait("in service after another death", IN_SERVICE, || {
        lives(&lab) != before && lab.serves()
    });
}

/// Kills what it finds after that time; at once it finds a job on each node, later one may be between two lives.
fn kill_jobs(lab: &Lab, after: &str) {
    let killed = on_all(lab, |node| {
        node.run(&format!(
            "sleep {after}; pkill -9 -f 'resource.d/galera-rs/galera-rs job$'"
        ))
    });
    let all = killed.iter().all(|out| out.code == 0);
    assert!(after != "0" || all, "no job to kill: {killed:?}");
}

/// Seconds after which an action of one node is killed: before it has done anything, amid it, and when it is over.
const CUTS: [&str; 4] = ["0.01", "0.04", "0.1", "0.3"];

/// What changes a name on disk, or starts a process: an action is killed at the first, at the second, and so on until it
/// comes to its end.
const CHANGES: &str = "rename,renameat,renameat2,unlink,unlinkat,clone,clone3,fork,vfork";

/// More changes than any action makes.
const MOST: u32 = 60;

#[test]
fn any_action_killed_at_any_point_leaves_the_next_one_its_way() {
    let Some(lab) = Lab::in_service(SINGLE_WRITER) else {
        return;
    };
    lab.insert(1, 66);
    let marks = lab.error_logs();
    lab.maintenance(true);
    let node = lab.node(lab.unpromoted()[0]);
    let cut = |action: &str, after: &str| {
        node.run(&format!(
            "timeout -s KILL {after} {}",
            command(node, action)
        ));
    };
    let whole = |action: &str, code: i32, after: &str| {
        let done = node.run(&command(node, action));
        assert_eq!(done.code, code, "{action} after {after}: {done:?}");
    };
    for moment in CUTS {
        for action in ["promote", "demote", "monitor", "reload-agent", "notify"] {
            cut(action, moment);
        }
        whole("promote", 0, "killed promotions and demotions");
        whole("monitor", 8, "the promotion");
        whole("demote", 0, "the promotion");
        whole("monitor", 0, "the demotion");
        cut("stop", moment);
        whole("stop", 0, "a killed stop");
        assert_eq!(
            node.database_processes(),
            "",
            "stop killed after {moment} s"
        );
        whole("monitor", 7, "a killed stop");
        cut("start", moment);
        whole("stop", 0, "a killed start");
        assert_eq!(
            node.database_processes(),
            "",
            "start killed after {moment} s"
        );
        cut("start", moment);
        whole("start", 0, "a killed start");
        lab.wait("Synced again", IN_SERVICE, || lab.all_synced());
        whole("monitor", 0, "a killed start");
    }
    killed_at_each_change(node, ["promote", "demote"], [8, 0]);
    whole("stop", 0, "killed promotions and demotions");
    killed_at_each_change(node, ["start", "stop"], [0, 7]);
    lab.maintenance(false);
    lab.wait_in_service("killed actions");
    assert!((1..=3).all(|k| lab.has(k, 66)));
    assert_eq!(crate::harness::full_transfers(&marks), 0);
}

/// Two actions by turns, of which the second undoes the first, each killed at its n-th change and then run whole: a monitor
/// answers as it should, and a resource that is in hand has a job.
fn killed_at_each_change(node: Node<'_>, actions: [&str; 2], codes: [i32; 2]) {
    let mut cuts = [0, 0];
    for change in 1..=MOST {
        let mut ended = true;
        for ((action, code), cuts) in actions.into_iter().zip(codes).zip(&mut cuts) {
            let trace = format!(
                "strace -qq -o /dev/null -e trace={CHANGES} -e inject={CHANGES}:signal=KILL:when={change}"
            );
            let killed = node.run(&format!("{trace} {}", command(node, action))).code == 137;
            *cuts += u32::from(killed);
            ended &= !killed;
            let what = format!("{action} killed at change {change}");
            let whole = node.run(&command(node, action));
            assert_eq!(whole.code, 0, "{what}: {whole:?}");
            let job = node.run("pgrep -f 'galera-rs/galera-rs job$'").code == 0;
            assert_eq!(job, code != 7, "{what}: a job");
            let seen = node.run(&command(node, "monitor"));
            assert_eq!(seen.code, code, "{what}: {seen:?}");
            if code == 7 {
                assert_eq!(node.database_processes(), "", "{what}");
            }
        }
        if ended {
            eprintln!("{actions:?} killed at each of {cuts:?} changes");
            assert!(cuts.iter().all(|cuts| *cuts > 0), "{cuts:?}");
            return;
        }
    }
    panic!("{actions:?} change more than {MOST} names");
}

/// An action with the environment that the cluster sets.
fn command(node: Node<'_>, action: &str) -> String {
    format!(
        "env OCF_RESOURCE_INSTANCE=db OCF_RESKEY_CRM_meta_on_node=node{} OCF_RESKEY_CRM_meta_timeout=20000 \
         /usr/lib/ocf/resource.d/galera-rs/galera-rs {action}",
        node.number()
    )
}
