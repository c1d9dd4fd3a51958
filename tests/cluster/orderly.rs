//! Nothing is broken: stops, starts, a node in standby, each action twice.

use std::time::Duration;

use crate::harness::{IN_SERVICE, Lab, Node, SINGLE_WRITER, STEP, full_transfers, lives};

#[test]
fn a_full_stop_leaves_nothing_running_and_the_next_start_is_incremental() {
    let Some(lab) = Lab::in_service(SINGLE_WRITER) else {
        return;
    };
    a_sound_cluster_passes_the_check_and_a_faulty_server_does_not(&lab);
    for node in lab.nodes() {
        node.ok("setsid galeractl serve --address 127.0.0.1 >/dev/null 2>&1 &");
    }
    balancers_and_monitoring_see_who_is_who(&lab);
    lab.insert(1, 99);
    let marks = lab.error_logs();
    let before = lives(&lab);
    lab.crm("node standby node2");
    lab.wait("node 2 in standby", STEP, || {
        lab.node(2).database_processes().is_empty()
    });
    lab.settle();
    lab.insert(1, 100);
    lab.crm("node online node2");
    lab.wait_in_service("standby of node 2");
    let after = lives(&lab);
    assert_eq!((&after[0], &after[2]), (&before[0], &before[2]));
    assert!(lab.has(2, 100));

    lab.stop_clone();
    for node in lab.nodes() {
        assert_eq!(node.database_processes(), "", "node {}", node.number());
        assert_eq!(lab.published(node.number())["phase"], "stopped");
        assert_eq!(http(node, "/").0, "503");
        assert_eq!(node.run("galeractl health --nagios").code, 2);
    }
    lab.start_clone();
    let took = lab.wait_in_service("a full stop");
    eprintln!(
        "in service {:.2} s after a clean full stop",
        took.as_secs_f64()
    );
    assert!((1..=3).all(|k| lab.has(k, 100)));
    assert_eq!(full_transfers(&marks), 0);
}

/// What a load balancer and a monitoring system are told.
fn balancers_and_monitoring_see_who_is_who(lab: &Lab) {
    let promoted = lab.promoted();
    for node in lab.nodes() {
        lab.wait("an answer over HTTP", STEP, || http(node, "/").0 == "200");
        let (writer, reader) = match promoted.contains(&node.number()) {
            true => ("200", "503"),
            false => ("503", "200"),
        };
        assert_eq!(http(node, "/writer").0, writer);
        assert_eq!(http(node, "/reader").0, reader);
        let (code, metrics) = http(node, "/metrics");
        assert_eq!(code, "200");
        assert!(
            metrics.contains("\nmysql_global_status_wsrep_local_state 4\n"),
            "{metrics}"
        );
        let told = node.run("galeractl health --nagios --members-min 3");
        assert_eq!(told.code, 0, "{}", told.stdout);
        assert!(
            told.stdout.starts_with("GALERA OK - Primary, Synced |"),
            "{}",
            told.stdout
        );
        let told = node.ok("galeractl health --json");
        let told: serde_json::Value = serde_json::from_str(&told).expect("one object");
        assert_eq!(told["server"]["members"], 3);
    }
    let few = lab.node(1).run("galeractl health --nagios --members-min 4");
    assert_eq!(few.code, 2, "{}", few.stdout);
}

/// Code and text of an answer of `galeractl serve` on this node; "0" without one.
fn http(node: Node<'_>, path: &str) -> (String, String) {
    let ask = format!(
        "import urllib.request as r, urllib.error as e\n\
         try: a = r.urlopen('http://127.0.0.1:9200{path}', timeout=5)\n\
         except e.HTTPError as error: a = error\n\
         except OSError: print(0); raise SystemExit\n\
         print(a.status); print(a.read().decode())"
    );
    let told = node.ok(&format!("python3 -c \"{ask}\""));
    let (code, text) = told.split_once('\n').unwrap_or((&told, ""));
    (code.to_owned(), text.to_owned())
}

/// Distributions enable the server's own unit when they install it.
fn a_sound_cluster_passes_the_check_and_a_faulty_server_does_not(lab: &Lab) {
    let node = lab.node(1);
    let wants = "/etc/systemd/system/multi-user.target.wants";
    node.ok(&format!("rm -f {wants}/mariadb.service"));
    let sound = node.run("galeractl check");
    assert_eq!(sound.code, 0, "{}{}", sound.stdout, sound.stderr);
    a_server_unlike_the_others_is_found(lab, node);

    node.ok(&format!(
        "mkdir -p {wants}; ln -s /lib/systemd/system/mariadb.service {wants}/
         printf '[mysqld]\nnonsense=1\nwsrep_sst_auth=sst:secret\n' >/etc/mysql/conf.d/wrong.cnf; chmod 644 /etc/mysql/conf.d/wrong.cnf"
    ));
    let faulty = node.run("galeractl check --json");
    node.ok(&format!(
        "rm {wants}/mariadb.service /etc/mysql/conf.d/wrong.cnf"
    ));
    assert_eq!(faulty.code, 4, "{}", faulty.stdout);
    let told: serde_json::Value = serde_json::from_str(&faulty.stdout).expect("one object");
    let mut texts: Vec<_> = told["findings"]
        .as_array()
        .expect("a list")
        .iter()
        .collect();
    texts.sort_by_key(|one| one["text"].as_str());
    let texts: Vec<_> = texts.iter().map(|one| one["text"].to_string()).collect();
    for (text, words) in texts.iter().zip([
        "wrong.cnf holds a password",
        "mariadb.service",
        "nonsense=1",
    ]) {
        assert!(text.contains(words), "{words}: {texts:?}");
    }
    assert_eq!(texts.len(), 3, "{texts:?}");
}

/// In the real CIB, where the last node that has told the make of its server tells another.
fn a_server_unlike_the_others_is_found(lab: &Lab, node: Node<'_>) {
    let version = node.ok("mariadbd --no-defaults --version | grep -oP '(?<=Ver )[0-9.]+'");
    let told = format!("&quot;version&quot;:&quot;{}&quot;", version.trim());
    let cib = node.ok("cibadmin --query");
    assert_eq!(cib.matches(&told).count(), 3, "{told} in {cib}");
    let (before, after) = cib.rsplit_once(&told).expect("three of them");
    let other = format!("{before}&quot;version&quot;:&quot;11.99.1&quot;{after}");
    let other = other.replacen("&quot;group&quot;:&quot;", "&quot;group&quot;:&quot;an", 1);
    std::fs::write(lab.shared().join("other.xml"), other).expect("the shared directory");
    let found = node.run("galeractl check --cib /run/lab/other.xml");
    assert_eq!(found.code, 4, "{}", found.stdout);
    for words in ["wsrep_cluster_name differs", "11.99.1 on node"] {
        assert!(found.stdout.contains(words), "{words}: {}", found.stdout);
    }
}

#[test]
fn each_action_succeeds_twice() {
    let Some(lab) = Lab::in_service(SINGLE_WRITER) else {
        return;
    };
    lab.maintenance(true);
    let node = lab.node(lab.unpromoted()[0]);
    let twice = |action: &str, code: i32| {
        for time in 1..=2 {
            let done = node.act(action);
            assert_eq!(done.code, code, "{action}, time {time}: {done:?}");
        }
    };
    ocf_tester_passes_on_a_node_of_the_cluster(&lab, node);
    // On a reader.
    twice("monitor", 0);
    twice("start", 0);
    twice("demote", 0);
    twice("notify", 0);
    twice("reload-agent", 0);
    twice("validate-all", 0);
    twice("promote", 0);
    // On a writer.
    twice("monitor", 8);
    twice("start", 0);
    twice("promote", 0);
    twice("notify", 0);
    twice("reload-agent", 0);
    twice("monitor", 8);
    twice("demote", 0);
    twice("monitor", 0);
    twice("promote", 0);
    twice("stop", 0);
    // On nothing.
    assert_eq!(node.database_processes(), "", "after stop");
    twice("monitor", 7);
    twice("demote", 0);
    twice("notify", 0);
    twice("validate-all", 0);
    twice("stop", 0);
    twice("monitor", 7);
    assert_eq!(node.database_processes(), "", "after all of them");
    // On a server on its way, and on one that is there.
    twice("start", 0);
    twice("demote", 0);
    twice("stop", 0);
    twice("start", 0);
    lab.wait("Synced again", IN_SERVICE, || lab.all_synced());
    let life = node.server_life();
    twice("start", 0);
    twice("monitor", 0);
    assert_eq!(node.server_life(), life);
    lab.maintenance(false);
    lab.wait_in_service("maintenance");
    assert_eq!(node.server_life(), life);
}

/// The tester stops what runs, and leaves it stopped.
fn ocf_tester_passes_on_a_node_of_the_cluster(lab: &Lab, node: Node<'_>) {
    let tested = node.run_for(
        Duration::from_secs(180),
        "ocf-tester -n db /usr/lib/ocf/resource.d/galera-rs/galera-rs",
    );
    assert_eq!(tested.code, 0, "{tested:?}");
    assert!(tested.stdout.contains("passed all tests"), "{tested:?}");
    assert_eq!(node.act("start").code, 0);
    lab.wait("Synced after the tester", IN_SERVICE, || lab.all_synced());
}

#[test]
fn stop_ends_a_server_that_hangs_and_what_it_has_started() {
    let Some(lab) = Lab::in_service(SINGLE_WRITER) else {
        return;
    };
    lab.maintenance(true);
    let k = lab.unpromoted()[0];
    let node = lab.node(k);
    lab.script(&["pause", &k.to_string(), "mariadbd"]).ok();
    // A server that is held hears no SIGTERM: to wait for it would only lose time.
    let done = node.run_for(
        Duration::from_secs(40),
        "OCF_RESOURCE_INSTANCE=db OCF_RESKEY_CRM_meta_timeout=120000 /usr/sbin/galera-rs stop",
    );
    assert_eq!(done.code, 0, "{done:?}");
    assert_eq!(node.database_processes(), "");
    assert_eq!(node.act("monitor").code, 7);
    lab.maintenance(false);
    lab.wait_in_service("the end of a server that hung");
}
