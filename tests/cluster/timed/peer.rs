//! The comparison: `ocf:heartbeat:galera` in the same lab, with the same faults.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use super::all_killed::{Times, lose_power};
use crate::harness::{Lab, Recovery, median};

/// After this long without all servers Synced the answer is "never".
pub const NEVER: Duration = Duration::from_secs(120);

fn configuration(binary: &str) -> String {
    format!(
        "
primitive db ocf:heartbeat:galera \
  params binary={binary} datadir=/var/lib/mysql config=/etc/mysql/my.cnf socket=/run/mysqld/mysqld.sock \
    pid=/run/mysqld/mysqld.pid log=/var/log/mysql/error.log check_user=root \
    wsrep_cluster_address=gcomm://node1,node2,node3 \
  op start timeout=120s op stop timeout=120s op promote timeout=300s op demote timeout=120s \
  op monitor interval=20s timeout=30s op monitor interval=10s role=Promoted timeout=30s \
  op monitor interval=30s role=Unpromoted timeout=30s
clone db-clone db meta promotable=true promoted-max=3 ordered=false interleave=true notify=true
"
    )
}

/// A lab where the peer's agent runs the cluster.
fn with_peer(binary: &str) -> Option<Lab> {
    let lab = Lab::up(3)?;
    lab.fencing();
    serve(&lab, binary);
    Some(lab)
}

/// Has the peer's agent bring a cluster into service.
pub fn serve(lab: &Lab, binary: &str) {
    lab.prepare_galera(&[]);
    let start = Instant::now();
    lab.load_crm_text(&configuration(binary));
    lab.wait("the peer's first start", Duration::from_secs(180), || {
        lab.all_synced()
    });
    lab.settle();
    eprintln!(
        "heartbeat:galera ({binary}): first start {:.1} s",
        start.elapsed().as_secs_f64()
    );
}

/// Measured once in a run.
pub fn measured() -> Option<&'static Times> {
    static MEASURED: OnceLock<Option<Times>> = OnceLock::new();
    MEASURED.get_or_init(measure).as_ref()
}

fn measure() -> Option<Times> {
    let lab = with_peer("/usr/sbin/mariadbd")?;
    let rounds = (1..=3).map(|round| {
        let recovery = lab.recovery(NEVER, || lab.kill_all_servers(), || lab.all_synced());
        recovery.tell(&format!("all killed under heartbeat:galera, round {round}"));
        came_back(&lab, &recovery)
    });
    let rounds: Option<Vec<_>> = rounds.collect();
    let killed = rounds.map(median);
    let power_lost = killed.and_then(|_| {
        let what = "power loss of all nodes under heartbeat:galera";
        let (recovery, boot) = lose_power(&lab, what, NEVER, || {});
        Some(came_back(&lab, &recovery)?.saturating_sub(boot))
    });
    Some(Times { killed, power_lost })
}

fn came_back(lab: &Lab, recovery: &Recovery) -> Option<Duration> {
    if recovery.took.is_some() {
        lab.settle();
    } else {
        eprintln!("{}", lab.crm_mon());
    }
    recovery.took
}

#[test]
fn everything_down_under_the_peer() {
    let _ = measured();
}
