//! The agent's own processes are killed at any point: the next action or monitor finds its way.

use std::time::Duration;

use crate::harness::{IN_SERVICE, Lab, SINGLE_WRITER, lives, on_all};

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
        let took = lab.wait_in_service(&format!("a promotion killed {moment} s after it began"));
        eprintln!(
            "promotion killed {moment} s after it began ({killed:?}): in service after another {:.2} s, epoch {:?}",
            took.as_secs_f64(),
            lab.epoch()
        );
        assert!((1..=3).all(|k| lab.has(k, value)), "a row is gone");
        assert_eq!(crate::harness::full_transfers(&marks), 0);
    }
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

fn kill_jobs(lab: &Lab, after: &str) {
    on_all(lab, |node| {
        node.run(&format!(
            "sleep {after}; pkill -9 -f 'resource.d/galera-rs/galera-rs job$'"
        ))
    });
}
