//! One writer, and everybody else read-only: from the first moment, through moves, deaths and reloads.

use std::thread;
use std::time::{Duration, Instant};

use mysql::prelude::Queryable;

use crate::harness::{Lab, Node, SINGLE_WRITER, STEP, lives, median, within};

/// How much longer than with an agent that does nothing a switchover may take at the median.
const BEYOND: Duration = Duration::from_millis(300);

/// Moves of each agent.
const ROUNDS: usize = 3;

/// An agent that answers at once, configured as ours.
const INSTANT: &str = "
primitive st ocf:pacemaker:Stateful op start timeout=60s interval=0 op stop timeout=120s interval=0 \
  op promote timeout=300s interval=0 op demote timeout=60s interval=0 \
  op monitor interval=1s role=Promoted timeout=20s op monitor interval=2s role=Unpromoted timeout=20s
clone st-clone st meta promotable=true promoted-max=1 notify=true interleave=true
";

#[test]
fn nobody_but_the_promoted_node_is_writable_and_a_switchover_takes_no_write_and_no_time() {
    let Some(lab) = Lab::with_agent() else { return };
    lab.prepare_history(&[]);
    let (_, seen) = lab.watched(|| {
        lab.load_crm_with(SINGLE_WRITER, "unpromoted_read_only=true");
        lab.load_crm_text(INSTANT);
        lab.wait_in_service("the first start");
        readers_refuse(&lab);
    });
    assert!(seen.looks > 100 && seen.two.is_empty(), "{seen:?}");
    let (_, seen) = lab.watched(|| {
        moves(&lab);
        open_transactions(&lab);
        rank(&lab);
    });
    eprintln!("all servers were asked {} times", seen.looks);
    assert!(seen.looks > 1000 && seen.two.is_empty(), "{seen:?}");
    put_right(&lab);
    reloaded(&lab);
    let (_, seen) = lab.watched(|| killed(&lab));
    assert!(seen.looks > 100 && seen.two.is_empty(), "{seen:?}");
}

fn writer(lab: &Lab) -> Node<'_> {
    lab.node(lab.promoted()[0])
}

fn reader(lab: &Lab) -> Node<'_> {
    lab.node(lab.unpromoted()[0])
}

fn is_read_only(node: Node<'_>) -> bool {
    node.sql("select @@global.read_only")
        .is_ok_and(|on| on == "1")
}

/// The servers that ordinary clients can write to.
fn writable(lab: &Lab) -> Vec<u8> {
    let open = lab.nodes().filter(|node| !is_read_only(*node));
    open.map(|node| node.number()).collect()
}

fn readers_refuse(lab: &Lab) {
    let refused = reader(lab)
        .client()
        .unwrap()
        .query_drop("insert into a(v) values (1)");
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("read-only"), "{refused}");
    lab.insert(lab.promoted()[0], 2);
    lab.wait("the row on a reader", STEP, || {
        lab.unpromoted().iter().all(|&k| lab.has(k, 2))
    });
}

/// Gives the promoted role of a clone to a node; the time until that node has it, as `promoted` sees.
fn moved(lab: &Lab, clone: &str, to: u8, promoted: impl Fn() -> bool) -> Duration {
    let begun = Instant::now();
    let mover = lab.node(1);
    mover.ok(&format!(
        "crm_resource -r {clone} --move --promoted -N node{to}"
    ));
    while !promoted() {
        assert!(begun.elapsed() < STEP, "{clone} is not promoted on {to}");
        thread::sleep(Duration::from_millis(2));
    }
    let took = begun.elapsed();
    lab.settle();
    mover.ok(&format!("crm_resource -r {clone} --clear"));
    lab.settle();
    took
}

fn moved_writer(lab: &Lab, to: u8) -> Duration {
    let note = lab
        .node(to)
        .root()
        .unwrap()
        .join("run/galera-rs/db/promoted.json");
    moved(lab, "db-clone", to, || note.exists())
}

fn moves(lab: &Lab) {
    let client = lab.writer(&["node1", "node2", "node3"], 50);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let to = lab.unpromoted()[round % 2];
        ours.push(moved_writer(lab, to));
        let roles = lab.roles("st");
        let (to, _) = roles
            .iter()
            .find(|(_, role)| *role == "Unpromoted")
            .unwrap();
        let state = lab.node(*to).root().unwrap().join("run/Stateful-st.state");
        theirs.push(moved(lab, "st-clone", *to, || {
            std::fs::read_to_string(&state).is_ok_and(|role| role.trim() == "Promoted")
        }));
    }
    let report = client.finish();
    eprintln!("switchover: {ours:.2?}; an agent that answers at once: {theirs:.2?}");
    eprintln!("longest write gap {:.2} s", report.longest_gap);
    eprintln!("{} rows, by node {:?}", report.acked, report.by_node);
    assert_eq!(report.lost, Some(0));
    assert!(
        report.by_node.len() > 1,
        "the client did not follow: {report:?}"
    );
    let (ours, theirs) = (median(ours), median(theirs));
    eprintln!(
        "RATIO switchover: {ours:.2?}, Pacemaker's own time {theirs:.2?} (limit +{BEYOND:?})"
    );
    assert!(ours < theirs + BEYOND, "{ours:?} against {theirs:?}");
}

/// One transaction ends in time and is kept, one never ends and is killed, and so is a statement that writes and has not
/// come to its first row; a reader is left alone.
fn open_transactions(lab: &Lab) {
    lab.any().ok("crm_resource -r db -p drain_timeout -v 2");
    lab.settle();
    let (from, to) = (writer(lab), reader(lab));
    let begin = |value: i64| {
        let mut client = from.client().unwrap();
        client.query_drop("begin").unwrap();
        client
            .exec_drop("insert into a(v) values (?)", (value,))
            .unwrap();
        client
    };
    let (mut timely, mut idle) = (begin(1001), begin(1002));
    let statement = |text: &'static str| {
        let mut client = from.client().unwrap();
        thread::spawn(move || client.query_drop(text).map_err(|error| error.to_string()))
    };
    let endless = statement("insert into a(v) select sleep(100) + 1003");
    let reading = statement("select sleep(7)");
    let note = from.root().unwrap().join("run/galera-rs/db/promoted.json");
    let committed = thread::spawn(move || {
        within(STEP, || !note.exists()).expect("the demote begins");
        timely
            .query_drop("commit")
            .map_err(|error| error.to_string())
    });
    let took = moved_writer(lab, to.number());
    eprintln!("switchover with transactions that do not end: {took:.2?}");
    assert_eq!(committed.join().unwrap(), Ok(()));
    assert!(took < Duration::from_secs(20), "{took:?}");
    idle.query_drop("commit").unwrap_err();
    let killed = endless.join().unwrap();
    assert!(killed.is_err(), "{killed:?}");
    assert_eq!(reading.join().unwrap(), Ok(()), "a reader was killed");
    lab.wait("the row of the one that ended in time", STEP, || {
        lab.has(to.number(), 1001)
    });
    assert!(!lab.has(to.number(), 1002) && !lab.has(to.number(), 1003));
    lab.any().ok("crm_resource -r db -d drain_timeout");
    lab.settle();
    a_reload_keeps_the_role_where_it_is(lab);
}

/// Each time on another node, so that the one which the cluster prefers among equals is not always the right one.
fn a_reload_keeps_the_role_where_it_is(lab: &Lab) {
    for round in 0..3 {
        let to = lab.unpromoted()[round % 2];
        moved_writer(lab, to);
        lab.wait("the score of the promoted node", STEP, || {
            lab.score(to) == "101"
        });
        let value = round + 3;
        lab.any()
            .ok(&format!("crm_resource -r db -p drain_timeout -v {value}"));
        lab.settle();
        assert_eq!(lab.promoted(), [to], "the role moved with a reload");
    }
    lab.any().ok("crm_resource -r db -d drain_timeout");
    lab.settle();
}

/// A reader that somebody made writable is made read-only again, by the job or by the one that a monitor starts in its
/// place. Meanwhile it is degraded.
fn put_right(lab: &Lab) {
    let reader = reader(lab);
    let open = || reader.sql("set global read_only = off").map(drop);
    let shut = |why: &str| lab.wait(why, STEP, || is_read_only(reader));
    reader.ok("pkill -STOP -f 'galera-rs/galera-rs job$'");
    open().unwrap();
    let level = "OCF_RESOURCE_INSTANCE=db OCF_CHECK_LEVEL=10 OCF_RESKEY_unpromoted_read_only=true";
    let told = reader.run(&format!("{level} /usr/sbin/galera-rs monitor"));
    assert_eq!(told.code, 190, "{told:?}");
    assert!(told.stderr.contains("read_only=OFF"), "{told:?}");
    reader.ok("pkill -KILL -f 'galera-rs/galera-rs job$'");
    shut("read-only by a job that a monitor has started");
    open().unwrap();
    shut("read-only again");
}

/// Location scores keep their meaning; a promoted donor keeps its role, another one gets a low score until it is well.
fn rank(lab: &Lab) {
    let (from, to) = (writer(lab), reader(lab));
    lab.crm(&format!(
        "configure location preferred db-clone rule role=Promoted 50: '#uname' eq node{}",
        to.number()
    ));
    lab.wait("the preferred node promoted", STEP, || {
        lab.promoted() == [to.number()]
    });
    lab.settle();
    from.sql("set global wsrep_desync = on").unwrap();
    to.sql("set global wsrep_desync = on").unwrap();
    lab.wait("a low score", STEP, || lab.score(from.number()) == "10");
    assert_eq!(lab.score(to.number()), "101");
    for node in [from, to] {
        node.sql("set global wsrep_desync = off").unwrap();
    }
    lab.wait("the full score again", STEP, || {
        lab.score(from.number()) == "100"
    });
    lab.crm("configure delete preferred");
    lab.settle();
    let before = version(lab);
    assert_eq!(
        within(Duration::from_secs(4), || version(lab) != before),
        None
    );
    assert_eq!(
        lab.promoted(),
        [to.number()],
        "the role moved for no reason"
    );
}

/// Whatever is written to the CIB changes this.
fn version(lab: &Lab) -> String {
    let cib = lab.cib();
    let head = cib.lines().next().unwrap_or_default();
    let counts = head
        .split(' ')
        .filter(|word| word.starts_with("epoch") || word.starts_with("num_updates"));
    counts.collect()
}

/// Switched off and on while the servers run, each of which was the writer once: Pacemaker 2.1.5 reloads no instance
/// whose last action was a demote. A monitor has the new values, and the job the old ones.
fn reloaded(lab: &Lab) {
    let before = lives(lab);
    let demoted = lab.cib().matches("operation=\"demote\"").count();
    assert!(demoted > 0, "everybody would be reloaded");
    let set = "crm_resource -r db -p unpromoted_read_only -v";
    lab.any().ok(&format!("{set} false"));
    lab.wait("everybody writable", STEP, || writable(lab).len() == 3);
    lab.any().ok(&format!("{set} true"));
    lab.wait("one writer again", STEP, || writable(lab).len() == 1);
    lab.wait_in_service("a reload");
    lab.wait("the promoted node writable", STEP, || {
        writable(lab) == lab.promoted()
    });
    assert_eq!(lives(lab), before, "a server was restarted");
}

fn killed(lab: &Lab) {
    let victim = writer(lab);
    let client = lab.writer(&["node1", "node2", "node3"], 50);
    victim.kill_server();
    lab.wait("another writer", STEP, || {
        lab.promoted().iter().any(|&node| node != victim.number())
    });
    lab.wait_in_service("the writer's server killed");
    assert_eq!(writable(lab), lab.promoted());
    assert_eq!(client.finish().lost, Some(0));
}
