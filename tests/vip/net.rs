//! Two hosts and two cables between them: namespaces `node` and `peer`, devices `eth0` and `eth1` in both.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::thread;
use std::time::{Duration, Instant};

use nix::sched::{CloneFlags, setns};

/// The agent under test.
pub const AGENT: &str = env!("CARGO_BIN_EXE_vip-rs");
/// The agent that ours is compared with.
pub const IPADDR2: &str = "/usr/lib/ocf/resource.d/heartbeat/IPaddr2";

/// The base addresses of the node and of its peer; all tests use these networks.
pub const NODE: [&str; 2] = ["192.168.144.1/24", "2001:db8:1234::1/64"];
pub const PEER: [&str; 2] = ["192.168.144.3/24", "2001:db8:1234::3/64"];

static NETS: AtomicU32 = AtomicU32::new(0);

/// Those who measure times have the machine for themselves.
static QUIET: RwLock<()> = RwLock::new(());

#[derive(Debug)]
enum Turn {
    Shared(#[allow(dead_code, reason = "held")] RwLockReadGuard<'static, ()>),
    Alone(#[allow(dead_code, reason = "held")] RwLockWriteGuard<'static, ()>),
}

/// The two hosts; gone with everything in them when dropped.
#[derive(Debug)]
pub struct Net {
    name: String,
    _turn: Turn,
}

/// What an agent answered.
#[derive(Debug)]
pub struct Answer {
    pub code: i32,
    pub said: String,
    pub took: Duration,
}

impl Answer {
    /// The one exit reason; panics when there is none or several.
    pub fn reason(&self) -> &str {
        let mut reasons = self
            .said
            .lines()
            .filter_map(|line| line.strip_prefix("ocf-exit-reason:"));
        let reason = reasons
            .next()
            .unwrap_or_else(|| panic!("no reason: {self:?}"));
        assert_eq!(reasons.next(), None, "{self:?}");
        reason
    }
}

/// Whether this machine can make hosts; says so if not, and fails when `REQUIRE_REAL=1`.
fn possible() -> bool {
    let root = nix::unistd::geteuid().is_root();
    let there = root && Path::new("/usr/sbin/ip").exists();
    let required = std::env::var("REQUIRE_REAL").is_ok_and(|value| value == "1");
    assert!(
        there || !required,
        "root or ip is missing, and REQUIRE_REAL=1"
    );
    if !there {
        eprintln!("SKIPPED: root or ip is missing");
    }
    there
}

impl Net {
    /// Both hosts with their base addresses on `eth0`.
    pub fn new() -> Option<Self> {
        Some(Self::bare()?.with_addresses())
    }

    /// The same, while no other test runs.
    pub fn alone() -> Option<Self> {
        let turn = Turn::Alone(QUIET.write().unwrap_or_else(PoisonError::into_inner));
        Some(Self::made(turn)?.with_addresses())
    }

    fn with_addresses(self) -> Self {
        let net = self;
        for (host, addresses) in [("node", NODE), ("peer", PEER)] {
            for address in addresses {
                let nodad = if address.contains(':') { " nodad" } else { "" };
                net.ip(host, &format!("address add {address} dev eth0{nodad}"));
            }
        }
        net
    }

    /// Both hosts without any address.
    pub fn bare() -> Option<Self> {
        Self::made(Turn::Shared(
            QUIET.read().unwrap_or_else(PoisonError::into_inner),
        ))
    }

    fn made(turn: Turn) -> Option<Self> {
        if !possible() {
            return None;
        }
        let number = NETS.fetch_add(1, Ordering::Relaxed);
        let net = Self {
            name: format!("viptest{}-{number}", std::process::id()),
            _turn: turn,
        };
        for host in ["node", "peer"] {
            run(Command::new("ip").args(["netns", "add", &net.namespace(host)]));
            net.ip(host, "link set lo up");
        }
        for device in ["eth0", "eth1"] {
            let peer = net.namespace("peer");
            net.ip(
                "node",
                &format!("link add {device} type veth peer name {device} netns {peer}"),
            );
            for host in ["node", "peer"] {
                net.ip(host, &format!("link set {device} addrgenmode none up"));
            }
        }
        Some(net)
    }

    pub fn namespace(&self, host: &str) -> String {
        format!("{}-{host}", self.name)
    }

    /// `ip ARGS` on a host; its output.
    pub fn ip(&self, host: &str, args: &str) -> String {
        let mut ip = Command::new("ip");
        ip.args(["-n", &self.namespace(host)]);
        run(ip.args(args.split_ascii_whitespace()))
    }

    /// Whether `ip ARGS` succeeds on a host.
    pub fn can(&self, host: &str, args: &str) -> bool {
        let mut ip = Command::new("ip");
        ip.args(["-n", &self.namespace(host)]);
        let output = ip.args(args.split_ascii_whitespace()).output().unwrap();
        output.status.success()
    }

    /// All addresses of a host with everything the kernel says of them.
    pub fn addresses(&self, host: &str) -> String {
        self.ip(host, "-d address show")
    }

    /// Whether a host has the address, in any place.
    pub fn has(&self, host: &str, ip: &str) -> bool {
        let found = self.ip(host, "-o address show");
        found
            .split_ascii_whitespace()
            .any(|word| word.split('/').next() == Some(ip))
    }

    /// The hardware address of a device.
    pub fn mac(&self, host: &str, device: &str) -> String {
        let link = self.ip(host, &format!("-o link show {device}"));
        let mac = link.split("link/ether ").nth(1).unwrap();
        mac.split_ascii_whitespace().next().unwrap().to_owned()
    }

    /// The agent as the cluster calls it on a host, with these parameters. Names with capitals are whole variables.
    pub fn act_on(&self, host: &str, action: &str, params: &[(&str, &str)]) -> Answer {
        let mut agent = Command::new(AGENT);
        agent.arg(action).env_clear();
        agent.env("OCF_RESOURCE_INSTANCE", format!("{}-{host}", self.name));
        self.ask(host, agent, params)
    }

    /// The same on the node.
    pub fn act(&self, action: &str, params: &[(&str, &str)]) -> Answer {
        self.act_on("node", action, params)
    }

    /// The same of another build of the agent, or of another agent.
    pub fn act_by(&self, program: &str, action: &str, params: &[(&str, &str)]) -> Answer {
        let mut agent = Command::new(program);
        agent.arg(action).env_clear();
        agent.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        agent.env("OCF_ROOT", "/usr/lib/ocf");
        agent.env("OCF_RESOURCE_INSTANCE", format!("{}-node", self.name));
        self.ask("node", agent, params)
    }

    /// Ours on the node; what it did to processes is written to the file, see strace(1).
    pub fn act_traced(&self, action: &str, params: &[(&str, &str)], trace: &Path) -> Answer {
        let mut agent = Command::new("/usr/bin/strace");
        agent
            .args(["-f", "-qq", "-e", "trace=process", "-o"])
            .arg(trace);
        agent.args([AGENT, action]).env_clear();
        agent.env("OCF_RESOURCE_INSTANCE", format!("{}-node", self.name));
        self.ask("node", agent, params)
    }

    /// Ours on the node, where nothing can be written in `/proc/sys`, as in a container.
    pub fn act_in_a_container(&self, action: &str, params: &[(&str, &str)]) -> Answer {
        let mut agent = Command::new("/usr/bin/unshare");
        let script = "mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys && exec \"$0\" \"$1\"";
        agent.args(["-m", "/bin/sh", "-c", script, AGENT, action]);
        agent
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        agent.env("OCF_RESOURCE_INSTANCE", format!("{}-node", self.name));
        self.ask("node", agent, params)
    }

    fn ask(&self, host: &str, mut agent: Command, params: &[(&str, &str)]) -> Answer {
        agent.env("OCF_RESKEY_CRM_meta_timeout", "20000");
        for (name, value) in params {
            if name.starts_with("OCF_") {
                agent.env(name, value);
            } else {
                agent.env(format!("OCF_RESKEY_{name}"), value);
            }
        }
        // A file, as a pipe would also wait for what the agent leaves in the background.
        let said = tempfile::NamedTempFile::new().unwrap();
        agent.stdin(Stdio::null()).stdout(Stdio::null());
        agent.stderr(said.reopen().unwrap());
        let (status, took) = self.inside(host, || {
            let started = Instant::now();
            let status = agent.status().unwrap();
            (status, started.elapsed())
        });
        Answer {
            code: status.code().unwrap(),
            said: String::from_utf8_lossy(&fs::read(said.path()).unwrap()).into_owned(),
            took,
        }
    }

    /// Does something in the namespace of a host; programs that it starts are there too.
    pub fn inside<T: Send>(&self, host: &str, work: impl FnOnce() -> T + Send) -> T {
        let path = format!("/run/netns/{}", self.namespace(host));
        thread::scope(|scope| {
            let inside = scope.spawn(|| {
                setns(File::open(path).unwrap(), CloneFlags::CLONE_NEWNET).unwrap();
                work()
            });
            inside.join().unwrap()
        })
    }

    /// Asserts the code of an action on the node.
    pub fn expect(&self, action: &str, params: &[(&str, &str)], code: i32) -> Answer {
        let answer = self.act(action, params);
        assert_eq!(
            answer.code,
            code,
            "{action} {params:?}: {}\n{}",
            answer.said,
            self.addresses("node")
        );
        answer
    }

    /// The same of an action whose answer follows the state of a cable: the kernel may pass that on a moment later.
    pub fn expect_soon(&self, action: &str, params: &[(&str, &str)], code: i32) -> Answer {
        let mut answer = None;
        wait(action, Duration::from_secs(10), || {
            let given = answer.insert(self.act(action, params));
            given.code == code
        });
        answer.unwrap()
    }

    /// What the agent has noted of the resource.
    pub fn record(&self, host: &str) -> String {
        format!("/run/galera-rs/{}-{host}.vip.json", self.name)
    }

    /// The background job of the node's resource: its process.
    pub fn job(&self) -> Option<u64> {
        let text = fs::read_to_string(self.record("node")).unwrap_or_default();
        let record: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        record["job"]["pid"].as_u64()
    }

    /// The background job of the node's resource has ended.
    pub fn await_job(&self) {
        if let Some(pid) = self.job() {
            let ended = || !runs(pid);
            wait("the background job to end", Duration::from_secs(10), ended);
        }
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        for host in ["node", "peer"] {
            let _ = Command::new("ip")
                .args(["netns", "del", &self.namespace(host)])
                .output();
            let _ = fs::remove_file(self.record(host));
            let _ = fs::remove_file(self.record(host).replace(".vip.", ".trouble."));
        }
    }
}

/// Whether this process has not ended.
pub fn runs(pid: u64) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"));
    stat.is_ok_and(|stat| !stat.contains(") Z"))
}

/// Looks every few milliseconds until the condition holds, and once more when the time is over.
pub fn wait(what: &str, limit: Duration, mut condition: impl FnMut() -> bool) {
    let started = Instant::now();
    loop {
        let last = started.elapsed() >= limit;
        if condition() {
            return;
        }
        assert!(!last, "not within {limit:?}: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

fn run(command: &mut Command) -> String {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    let stderr = String::from_utf8_lossy(&stderr);
    assert!(status.success(), "{command:?}: {stderr}");
    String::from_utf8_lossy(&stdout).into_owned()
}
