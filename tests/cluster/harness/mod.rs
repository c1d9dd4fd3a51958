//! The lab as Rust sees it: a cluster that lives as long as its `Lab`.
#![allow(dead_code, reason = "each scenario uses the part it needs")]

mod agent;
mod command;
mod data;
mod document;
mod evidence;
mod fault;
mod galera;
mod log;
mod outside;
mod sampler;
mod transfer;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError, TryLockError};
use std::thread;
use std::time::{Duration, Instant};

pub use agent::{IN_SERVICE, MULTI_WRITER, SINGLE_WRITER, lives};
pub use command::Output;
pub use data::full_transfers;
pub use fault::{Recovery, mean, measured_until, median};
pub use log::Mark;
pub use outside::{Answers, on_two_nodes};
pub use writer::{Fault, Writer};

/// A step that nobody promises to be quick may take this long: the end of a wait is for what never comes, and a busy
/// machine is slow.
pub const STEP: Duration = Duration::from_secs(120);

/// How often a wait looks again.
const POLL: Duration = Duration::from_millis(100);

/// Corosync's token time-out: short, and long enough for a busy machine.
const TOKEN: Duration = Duration::from_secs(1);

/// The demonstration may take this long.
const DEMONSTRATION: Duration = Duration::from_secs(600);

/// Where labs live unless `LAB` names a place: as many at a time, whatever the number of test threads.
static PLACES: [(&str, Mutex<()>); 2] = [
    ("/run/galera-rs-test", Mutex::new(())),
    ("/run/galera-rs-test-2", Mutex::new(())),
];

/// A running cluster. Dropping it removes every trace, unless `KEEP_LAB=1`.
#[derive(Debug)]
pub struct Lab {
    nodes: u8,
    dir: PathBuf,
    _place: MutexGuard<'static, ()>,
}

/// One node of a lab.
#[derive(Debug, Clone, Copy)]
pub struct Node<'a> {
    lab: &'a Lab,
    number: u8,
}

impl Lab {
    /// Boots a quorate cluster without resources. `None`, after a word about it, where that is impossible.
    pub fn up(nodes: u8) -> Option<Self> {
        Self::up_with(nodes, TOKEN)
    }

    /// The same; a node that is lost is noticed after 2.2 times `token`.
    pub fn up_with(nodes: u8, token: Duration) -> Option<Self> {
        Self::boot_all_of(nodes, token, None)
    }

    /// The same as [`Lab::up`], with a quorum device on the switch that has one vote.
    pub fn up_with_quorum_device(nodes: u8) -> Option<Self> {
        Self::boot_all_of(nodes, TOKEN, Some("qdevice"))
    }

    /// The cluster that `make demo` leaves behind, and what it said.
    pub fn of_the_demonstration() -> Option<(Self, String)> {
        let lab = Self::in_a_free_place(3)?;
        let said = command::run(&command::demo(&lab.dir), DEMONSTRATION).ok();
        Some((lab, said))
    }

    fn boot_all_of(nodes: u8, token: Duration, vote: Option<&str>) -> Option<Self> {
        let lab = Self::in_a_free_place(nodes)?;
        let mut up = command::lab(&lab.dir);
        up.args(["up", &nodes.to_string()])
            .env("LAB_TOKEN", token.as_millis().to_string())
            .env("LAB_VOTE", vote.unwrap_or_default());
        command::run(&up, Duration::from_secs(180)).ok();
        Some(lab)
    }

    /// No lab yet, and nothing of one that was.
    fn in_a_free_place(nodes: u8) -> Option<Self> {
        let (dir, place) = place();
        if let Err(missing) = possible() {
            assert!(!set("REQUIRE_REAL"), "REQUIRE_REAL is set, but: {missing}");
            eprintln!("SKIPPED: {missing}");
            return None;
        }
        let lab = Self {
            nodes,
            dir,
            _place: place,
        };
        lab.script(&["down"]).ok();
        Some(lab)
    }

    pub fn node(&self, number: u8) -> Node<'_> {
        assert!((1..=self.nodes).contains(&number), "no node {number}");
        Node { lab: self, number }
    }

    pub fn nodes(&self) -> impl Iterator<Item = Node<'_>> {
        (1..=self.nodes).map(|number| Node { lab: self, number })
    }

    /// Runs a verb of the lab script: see `tests/cluster/lab help`.
    pub fn script(&self, args: &[&str]) -> Output {
        command::run(command::lab(&self.dir).args(args), Duration::from_secs(180))
    }

    /// Power cut: `kill -9` of everything on the node, its network first.
    pub fn crash(&self, k: u8) {
        self.script(&["crash", &k.to_string()]).ok();
    }

    /// Power cut of all nodes at once.
    pub fn crash_all(&self) {
        self.script_for_all("crash");
    }

    /// Powers a node on; does not wait for it to join.
    pub fn boot(&self, k: u8) {
        self.script(&["boot", &k.to_string()]).ok();
    }

    pub fn boot_all(&self) {
        self.script_for_all("boot");
    }

    fn script_for_all(&self, verb: &str) {
        let numbers: Vec<String> = (1..=self.nodes).map(|k| k.to_string()).collect();
        let args: Vec<&str> = std::iter::once(verb)
            .chain(numbers.iter().map(String::as_str))
            .collect();
        self.script(&args).ok();
    }

    /// The switch drops everything to and from the node until `heal`.
    pub fn cut(&self, k: u8) {
        self.script(&["cut", &k.to_string()]).ok();
    }

    pub fn heal(&self, k: u8) {
        self.script(&["heal", &k.to_string()]).ok();
    }

    /// Whether every running node is an online member of a quorate cluster, as each of them sees it.
    pub fn ready(&self) -> bool {
        self.script(&["ready", "0"]).code == 0
    }

    /// Waits until Pacemaker has nothing left to do: servers may be up before their actions have ended.
    pub fn settle(&self) {
        self.any()
            .run_for(
                Duration::from_secs(190),
                "crm_resource --wait --timeout=180s",
            )
            .ok();
    }

    /// Switches fencing on, with the lab's own fence agent.
    pub fn fencing(&self) {
        self.script(&["fencing"]).ok();
    }

    /// What the power switch was asked and did, one line each.
    pub fn fence_log(&self) -> String {
        std::fs::read_to_string(self.dir.join("fence.log")).unwrap_or_default()
    }

    /// What the power switch was told to do, other than to be asked.
    pub fn fenced(&self) -> Vec<String> {
        let log = self.fence_log();
        let acts = |line: &&str| line.contains(" off ") || line.contains(" reboot ");
        log.lines().filter(acts).map(str::to_owned).collect()
    }

    /// The whole CIB as the first running node has it.
    pub fn cib(&self) -> String {
        self.any().ok("cibadmin --query")
    }

    /// `crm ARGS` on the first running node.
    pub fn crm(&self, args: &str) -> String {
        self.any()
            .run_for(Duration::from_secs(60), &format!("crm --force {args}"))
            .ok()
    }

    /// Loads crm shell configuration from a file of the repository, given relative to its root.
    pub fn load_crm(&self, file: &str) {
        self.load_crm_text(&repository_file(file));
    }

    /// The same, with every clone kept stopped until somebody starts it.
    pub fn load_crm_stopped(&self, file: &str) {
        self.load_crm_changed(file, |text| {
            changed(
                &text,
                "meta promotable",
                "meta target-role=Stopped promotable",
            )
        });
    }

    /// The same, with these parameters for our agent.
    pub fn load_crm_with(&self, file: &str, params: &str) {
        let agent = "primitive db ocf:galera-rs";
        self.load_crm_changed(file, |text| {
            changed(&text, agent, &format!("{agent} params {params}"))
        });
    }

    /// The same, with the changes that this lab needs.
    pub fn load_crm_changed(&self, file: &str, change: impl Fn(String) -> String) {
        self.load_crm_text(&change(repository_file(file)));
    }

    /// An address in the nodes' network that no machine has.
    pub fn address_of_clients(&self) -> String {
        let node = self.script(&["ip", "1"]).ok();
        let network = node.trim().rsplit_once('.').expect("an IPv4 address").0;
        format!("{network}.200")
    }

    /// Loads crm shell configuration, adding to what is there.
    pub fn load_crm_text(&self, text: &str) {
        std::fs::write(self.shared().join("load.crm"), text).expect("the lab's shared directory");
        self.crm("configure load update /run/lab/load.crm");
    }

    /// A directory that every node sees as `/run/lab`.
    pub fn shared(&self) -> PathBuf {
        self.dir.join("shared")
    }

    /// Installs a tree made by `make install DESTDIR=..` on every node.
    pub fn deploy(&self, tree: &Path) {
        self.script(&["deploy", tree.to_str().expect("UTF-8 path")])
            .ok();
    }

    /// The first node that is on.
    pub fn any(&self) -> Node<'_> {
        self.nodes()
            .find(|node| node.root().is_some())
            .expect("a node that is on")
    }

    /// Waits for the condition and returns how long it took. When the time is up, panics with what was awaited and
    /// with what cluster and servers say.
    pub fn wait(&self, what: &str, limit: Duration, condition: impl FnMut() -> bool) -> Duration {
        within(limit, condition)
            .unwrap_or_else(|| self.fail(&format!("not within {limit:?}: {what}")))
    }

    /// Ends the scenario with what cluster and servers say.
    pub fn fail(&self, what: &str) -> ! {
        panic!("{what}\n{}", self.evidence())
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if set("KEEP_LAB") {
            eprintln!(
                "KEEP_LAB: the cluster stays; LAB={} tests/cluster/lab status",
                self.dir.display()
            );
        } else {
            self.script(&["down"]);
        }
    }
}

impl Node<'_> {
    pub fn number(&self) -> u8 {
        self.number
    }

    /// The node's root directory as seen from here; `None` when it is off.
    pub fn root(&self) -> Option<PathBuf> {
        let file = self.lab.dir.join(format!("node{}/pid", self.number));
        let pid = std::fs::read_to_string(file).ok()?;
        let root = PathBuf::from(format!("/proc/{}/root", pid.trim()));
        root.join("run/lab").exists().then_some(root)
    }

    /// Runs a shell command on the node, for at most two minutes. Code 124 is "out of time".
    pub fn run(&self, command: &str) -> Output {
        self.run_for(STEP, command)
    }

    pub fn run_for(&self, limit: Duration, command: &str) -> Output {
        let mut lab = command::lab(&self.lab.dir);
        command::run(
            lab.args(["sh", &self.number.to_string(), "sh", "-c", command]),
            limit,
        )
    }

    /// Runs a command that has to succeed; its standard output.
    pub fn ok(&self, command: &str) -> String {
        self.run(command).ok()
    }
}

/// Polls until the condition holds: the time it took, or `None` when the limit has passed.
pub fn within(limit: Duration, mut condition: impl FnMut() -> bool) -> Option<Duration> {
    let start = Instant::now();
    loop {
        if condition() {
            return Some(start.elapsed());
        }
        if start.elapsed() >= limit {
            return None;
        }
        thread::sleep(POLL);
    }
}

/// Does the same on every node at once.
pub fn on_all<'a, T: Send>(lab: &'a Lab, act: impl Fn(Node<'a>) -> T + Sync) -> Vec<T> {
    let act = &act;
    thread::scope(|scope| {
        let jobs: Vec<_> = lab
            .nodes()
            .map(|node| scope.spawn(move || act(node)))
            .collect();
        jobs.into_iter()
            .map(|job| job.join().expect("a job on a node"))
            .collect()
    })
}

/// A place that no other lab of this run has, as soon as there is one.
fn place() -> (PathBuf, MutexGuard<'static, ()>) {
    if let Some(dir) = std::env::var_os("LAB") {
        let place = PLACES[0].1.lock();
        return (dir.into(), place.unwrap_or_else(PoisonError::into_inner));
    }
    loop {
        for (dir, place) in &PLACES {
            match place.try_lock() {
                Ok(place) => return (dir.into(), place),
                Err(TryLockError::Poisoned(place)) => return (dir.into(), place.into_inner()),
                Err(TryLockError::WouldBlock) => {}
            }
        }
        thread::sleep(POLL);
    }
}

/// The text of a file given relative to the repository's root.
pub fn repository_file(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The text with `to` wherever there was `from`, which must be somewhere.
pub fn changed(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "no `{from}` in\n{text}");
    text.replace(from, to)
}

/// Whether this machine can hold a lab: looked at once.
fn possible() -> Result<(), String> {
    static POSSIBLE: OnceLock<Result<(), String>> = OnceLock::new();
    POSSIBLE.get_or_init(checked).clone()
}

fn checked() -> Result<(), String> {
    if !nix::unistd::geteuid().is_root() {
        return Err("a cluster of namespaces needs root".to_owned());
    }
    let check = command::run(
        command::lab(Path::new("/nowhere")).arg("check"),
        Duration::from_secs(30),
    );
    if check.code == 0 {
        Ok(())
    } else {
        Err(check.stderr)
    }
}

fn set(variable: &str) -> bool {
    std::env::var_os(variable).is_some_and(|value| value == "1")
}
