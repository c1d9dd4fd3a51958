//! Nothing alive is ever evicted. Each step tries to make the agents do it; eviction is what they would do at once.

use std::time::Duration;

use galera_rs::galera::published::{Dead, Phase, Published};

use crate::harness::{Lab, SINGLE_WRITER, STEP, within};

/// Survivors look ten times a second at a silent member, and at once when they are woken.
const HARM: Duration = Duration::from_secs(4);

/// The same, when it has to happen: soon enough that nothing else ends it.
const SEEN: Duration = Duration::from_secs(30);

/// Galera keeps a silent member in the view for so long: who is not in the view cannot be evicted.
const PATIENT: &str = "evs.inactive_timeout=PT60S;evs.suspect_timeout=PT40S";

/// Galera's own.
const USUAL: &str = "evs.suspect_timeout=PT5S;evs.inactive_timeout=PT15S";

#[test]
fn nothing_alive_is_evicted_whatever_is_published_hangs_or_is_cut_off() {
    let Some(lab) = Lab::in_service(SINGLE_WRITER) else {
        return;
    };
    patience(&lab, PATIENT);
    lab.maintenance(true);
    lies_about_the_living(&lab);
    hangs_and_is_said_to_be_dead(&lab);
    left_with_its_server_running(&lab);
    lab.maintenance(false);
    lab.wait_in_service("maintenance");
    hangs_and_is_ended_by_the_cluster(&lab);
    loses_power_and_cannot_be_fenced(&lab);
    patience(&lab, USUAL);
    cut_off_without_fencing(&lab);
}

/// A node says that it is dead itself, and then that another is.
fn lies_about_the_living(lab: &Lab) {
    for (liar, victim) in [(2, 2), (3, 2)] {
        say_that_it_is_dead(lab, liar, &server_of(lab, victim));
        wake(lab, &[1]);
        spared(
            lab,
            &format!("node {liar} called the server of node {victim} dead"),
        );
        // Whoever lives says so again, once it looks.
        wake(lab, &[2, 3]);
        lab.wait("the truth", STEP, || {
            lab.published(liar)["phase"] == "member"
        });
    }
}

/// Nobody ends it: the resource is not managed. The kernel still answers for it.
fn hangs_and_is_said_to_be_dead(lab: &Lab) {
    let server = server_of(lab, 3); // once it hangs it does not say so any more
    lab.script(&["pause", "3", "mariadbd"]).ok();
    say_that_it_is_dead(lab, 3, &server);
    wake(lab, &[1, 2]);
    spared(lab, "the server of node 3 hung and was called dead");
    lab.script(&["resume", "3", "mariadbd"]).ok();
    wake(lab, &[3]);
    lab.wait("the server that hung back", STEP, || lab.all_synced());
}

/// For Pacemaker its node left in order. Then nothing is heard from it any more.
fn left_with_its_server_running(lab: &Lab) {
    lab.node(3).ok("pkill -TERM -x pacemakerd");
    lab.wait("node 3 gone in order", STEP, || {
        lab.node(1)
            .ok("crm_mon -1")
            .contains("Online: [ node1 node2 ]")
    });
    lab.cut(3);
    spared(
        lab,
        "node 3 had left with its server running, and was cut off",
    );
    lab.heal(3);
    lab.node(3).ok(
        "PCMK_logfile=/var/log/pacemaker/pacemaker.log PCMK_logfacility=none \
         setsid pacemakerd -f >/dev/null 2>&1 </dev/null &",
    );
    lab.wait("node 3 back", STEP, || lab.ready() && lab.all_synced());
}

/// The monitor fails, and the cluster's stop ends the process: only after that it is evicted, and then at once. Its first
/// job is killed before: the kernel has a held child go on when its parent ends, and it would leave the group in order.
fn hangs_and_is_ended_by_the_cluster(lab: &Lab) {
    let node = lab.node(3);
    let job = || node.run("pgrep -f 'galera-rs/galera-rs job$'").stdout;
    let first = job();
    node.ok("pkill -KILL -f 'galera-rs/galera-rs job$'");
    lab.wait("another job", STEP, || {
        ![String::new(), first.clone()].contains(&job())
    });
    let (before, life) = (lab.evictions(), node.server_life());
    lab.script(&["pause", "3", "mariadbd"]).ok();
    let took = lab.wait("the end of the server that hung", STEP, || {
        let evicted = lab.evictions() > before;
        let lives = lab.node(3).server_life() == life;
        assert!(!(evicted && lives), "it was evicted alive");
        !lives
    });
    lab.wait("its eviction", SEEN, || lab.evictions() > before);
    eprintln!("a server that hangs is ended after {took:.1?}, then evicted");
    lab.wait_in_service("a server hung");
    patience(lab, PATIENT);
}

/// The node may live as well as not, as long as nobody has switched it off.
fn loses_power_and_cannot_be_fenced(lab: &Lab) {
    lab.script(&["fencing", "break"]).ok();
    lab.crash(3);
    lab.wait("a failed fencing", STEP, || {
        lab.fence_log().contains("node3: failed")
    });
    let seen = lab.node(1).ok("crm_mon -1");
    assert!(seen.contains("UNCLEAN"), "{seen}");
    spared(lab, "node 3 was lost and not fenced");
    let before = lab.evictions();
    lab.script(&["fencing", "mend"]).ok();
    lab.wait("node 3 fenced and evicted", STEP, || {
        lab.evictions() > before
    });
    assert!(lab.fence_log().contains("node3: ok"), "{}", lab.fence_log());
    lab.wait("node 3 back", STEP, || lab.ready());
    lab.wait_in_service("the power cut");
}

/// The node lives on. It must not act on what it does not see; the others may, they are the majority.
fn cut_off_without_fencing(lab: &Lab) {
    lab.crm("configure property stonith-enabled=false");
    let before = lab.node(3).evictions();
    lab.cut(3);
    lab.wait("the others without node 3", STEP, || {
        lab.node(1).status("wsrep_cluster_size") == "2"
    });
    lab.wait("node 3 outside a primary component", STEP, || {
        lab.node(3).status("wsrep_cluster_status") != "Primary"
    });
    assert_eq!(lab.node(3).evictions(), before, "it evicted the others");
    lab.heal(3);
    lab.wait_in_service("the network is healed");
}

/// A node publishes what its agent would after the death of the victim's server, in the view that stands.
fn say_that_it_is_dead(lab: &Lab, liar: u8, server: &str) {
    let view = lab
        .node(1)
        .ok("sed -n 's/^view_id: 3 //p' /var/lib/mysql/gvwstate.dat");
    let truth: Published =
        serde_json::from_value(lab.published(liar)).expect("what an agent has published");
    let dead = Dead {
        server: server.parse().expect("a UUID"),
        view: view.trim().replace(' ', ":"),
    };
    let lie = Published {
        dead: Some(dead),
        phase: Phase::Recovering,
        ..truth
    };
    let lie = serde_json::to_string(&lie).expect("JSON");
    let change = format!("crm_attribute -N node{liar} -l reboot -n db-galera -v '{lie}'");
    lab.any().ok(&change);
}

/// The life of a node's server in the group.
fn server_of(lab: &Lab, k: u8) -> String {
    let server = lab.node(k).status("wsrep_gcomm_uuid");
    assert_eq!(server.len(), 36, "no life of a server: {server}");
    server
}

/// Has the jobs of these nodes look at the cluster, as each event of it would.
fn wake(lab: &Lab, nodes: &[u8]) {
    for k in nodes {
        lab.node(*k).ok(
            "OCF_RESOURCE_INSTANCE=db OCF_RESKEY_CRM_meta_timeout=20000 OCF_RESKEY_CRM_meta_notify_type=pre \
             OCF_RESKEY_CRM_meta_notify_operation=stop /usr/sbin/galera-rs notify",
        );
    }
}

/// Fails when somebody is evicted.
fn spared(lab: &Lab, while_what: &str) {
    let before = lab.evictions();
    let evicted = within(HARM, || lab.evictions() > before);
    assert_eq!(evicted, None, "somebody was evicted while {while_what}");
    let size = lab.node(1).status("wsrep_cluster_size");
    assert_eq!(size, "3", "the view changed while {while_what}");
}

/// Sets when Galera lets go of silent members.
fn patience(lab: &Lab, options: &str) {
    for node in lab.nodes() {
        for option in options.split(';') {
            let set = format!("set global wsrep_provider_options = '{option}'");
            node.sql(&set).expect("an option of Galera's provider");
        }
    }
}
