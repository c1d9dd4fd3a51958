//! A place for one MaxScale: program, configuration, directories and ports of its own.

use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

const AGENT: &str = env!("CARGO_BIN_EXE_maxscale-rs");
const REPOSITORY: &str = env!("CARGO_MANIFEST_DIR");

pub const SUCCESS: i32 = 0;
pub const GENERIC: i32 = 1;
pub const WRONG_HERE: i32 = 2;
pub const UNIMPLEMENTED: i32 = 3;
pub const NOT_PERMITTED: i32 = 4;
pub const NOT_INSTALLED: i32 = 5;
pub const NOT_RUNNING: i32 = 7;
pub const PROMOTED: i32 = 8;
pub const BROKEN_PROMOTED: i32 = 9;
pub const DEGRADED: i32 = 190;

pub const ROUTING: (&str, &str) = ("OCF_CHECK_LEVEL", "10");
pub const QUERY: (&str, &str) = ("OCF_CHECK_LEVEL", "20");
pub const RECURRING: (&str, &str) = ("OCF_RESKEY_CRM_meta_interval", "10000");
pub const PROMOTABLE: (&str, &str) = ("OCF_RESKEY_CRM_meta_promoted_max", "1");
pub const ON_NODE: (&str, &str) = ("OCF_RESKEY_CRM_meta_on_node", "node1");

static SITES: AtomicU32 = AtomicU32::new(0);

/// One MaxScale's place; it is ended, and all is gone, when this is dropped.
#[derive(Debug)]
pub struct Site {
    folder: tempfile::TempDir,
    name: String,
    program: PathBuf,
    pub ports: [u16; 3],
}

/// What the agent answered.
#[derive(Debug)]
pub struct Answer {
    pub code: i32,
    pub said: String,
    pub took: Duration,
}

impl Answer {
    /// The one exit reason; panics when there is none or several.
    pub fn reason(&self) -> &str {
        let lines = self.said.lines();
        let mut reasons = lines.filter_map(|line| line.strip_prefix("ocf-exit-reason:"));
        let reason = reasons.next();
        let reason = reason.unwrap_or_else(|| panic!("no reason: {self:?}"));
        assert_eq!(reasons.next(), None, "{self:?}");
        reason
    }
}

impl Site {
    /// `None`, after a word about it, without root or Python.
    pub fn new() -> Option<Self> {
        let there = nix::unistd::geteuid().is_root() && Path::new("/usr/bin/python3").exists();
        let required = std::env::var("REQUIRE_REAL").is_ok_and(|value| value == "1");
        assert!(
            there || !required,
            "root or python3 is missing, and REQUIRE_REAL=1"
        );
        if !there {
            eprintln!("SKIPPED: root or python3 is missing");
            return None;
        }
        let folder = tempfile::Builder::new()
            .prefix("maxscale")
            .tempdir_in("/tmp")
            .unwrap();
        open(folder.path());
        let number = SITES.fetch_add(1, Ordering::Relaxed);
        let site = Self {
            program: program(folder.path()),
            name: format!("ms-test-{}-{number}", std::process::id()),
            ports: ports(number),
            folder,
        };
        site.configure("", "");
        Some(site)
    }

    /// The same, or `None` where a real MaxScale is tested: it cannot play the case.
    pub fn of_stand_in() -> Option<Self> {
        let real = std::env::var_os("MAXSCALE").is_some();
        if real {
            eprintln!("SKIPPED: only the stand-in can play this");
        }
        (!real).then(Self::new)?
    }

    /// The resource.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes the configuration: more lines for `[maxscale]`, and more sections.
    pub fn configure(&self, global: &str, sections: &str) {
        let here = self.folder.path().display();
        let [admin, write, read] = self.ports;
        let text = format!(
            "[maxscale]\nthreads=1\nadmin_host=127.0.0.1\nadmin_port={admin}\npiddir={here}/run\nlogdir={here}/log\n\
             datadir={here}/data\ncachedir={here}/cache\npersistdir={here}/data/maxscale.cnf.d\n\
             module_configdir={here}/modules\nlanguage={here}/data\n{global}\n\
             [Galera-1]\ntype=server\naddress=127.0.0.1\nport=1\n\
             [Galera-2]\ntype=server\naddress=127.0.0.1\nport=1\n\
             [Monitor]\ntype=monitor\nmodule=galeramon\nservers=Galera-1,Galera-2\nuser=maxuser\npassword=maxpwd\n\
             monitor_interval=200ms\n\
             [RW]\ntype=service\nrouter=readwritesplit\nservers=Galera-1,Galera-2\nuser=maxuser\npassword=maxpwd\n\
             [RO]\ntype=service\nrouter=readconnroute\nrouter_options=running\nservers=Galera-1,Galera-2\n\
             user=maxuser\npassword=maxpwd\n\
             [RW-Listener]\ntype=listener\nservice=RW\naddress=127.0.0.1\nport={write}\n\
             [RO-Listener]\ntype=listener\nservice=RO\naddress=127.0.0.1\nport={read}\n{sections}\n"
        );
        fs::write(self.path("maxscale.cnf"), text).unwrap();
        open(&self.path("maxscale.cnf"));
    }

    /// Tells the stand-in what its surroundings are like.
    pub fn play(&self, json: &str) {
        let (new, file) = (self.path("new"), self.path("maxscale.cnf.standin"));
        fs::write(&new, json).unwrap();
        open(&new);
        fs::rename(new, file).unwrap();
    }

    /// One action, with these parameters, or variables where they are named in full.
    pub fn act(&self, action: &str, params: &[(&str, &str)]) -> Answer {
        let mut agent = Command::new(AGENT);
        agent.env_clear().envs(self.variables(params));
        agent.arg(action).stdin(Stdio::null());
        let begun = Instant::now();
        let output = agent.output().unwrap();
        Answer {
            took: begun.elapsed(),
            code: output.status.code().unwrap(),
            said: String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned(),
        }
    }

    /// The programs, processes and threads that a successful action starts, as strace(1) sees them.
    pub fn programs(&self, action: &str, params: &[(&str, &str)]) -> String {
        self.programs_of(action, params, SUCCESS)
    }

    /// The same of an action that ends with this code.
    #[track_caller]
    pub fn programs_of(&self, action: &str, params: &[(&str, &str)], code: i32) -> String {
        let trace = tempfile::NamedTempFile::new().unwrap();
        let mut agent = Command::new("/usr/bin/strace");
        agent.args(["-f", "-qq", "-s", "200", "-e", "trace=process", "-o"]);
        agent.arg(trace.path()).args([AGENT, action]);
        let variables = self.variables(params);
        let output = agent.env_clear().envs(variables).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        let calls = fs::read_to_string(trace.path()).unwrap();
        let starts = ["execve(", "clone(", "clone3(", "fork("];
        let started = calls
            .lines()
            .filter(|call| starts.iter().any(|start| call.contains(start)));
        started.skip(1).collect::<Vec<_>>().join("\n")
    }

    pub fn agent(&self) -> &'static str {
        AGENT
    }

    /// The environment of an action with these parameters.
    pub fn variables(&self, params: &[(&str, &str)]) -> Vec<(String, String)> {
        let config = self.path("maxscale.cnf");
        let own = [
            ("OCF_RESOURCE_INSTANCE", self.name.as_str()),
            ("OCF_RESKEY_CRM_meta_timeout", "20000"),
            ("binary", self.program.to_str().unwrap()),
            ("config", config.to_str().unwrap()),
            ("user", "nobody"),
            ("group", "nogroup"),
        ];
        let named = own.iter().chain(params).map(|(name, value)| {
            let full = name.starts_with("OCF_") || name.starts_with("HA_");
            let prefix = if full { "" } else { "OCF_RESKEY_" };
            (format!("{prefix}{name}"), (*value).to_owned())
        });
        named.collect()
    }

    #[track_caller]
    pub fn expect(&self, action: &str, params: &[(&str, &str)], code: i32) -> Answer {
        let answer = self.act(action, params);
        assert_eq!(answer.code, code, "{action} {params:?}: {answer:?}");
        answer
    }

    /// The number in the PID file.
    pub fn pid(&self) -> i32 {
        let text = fs::read_to_string(self.path("run/maxscale.pid")).unwrap();
        text.trim().parse().unwrap()
    }

    /// Sends it; a process is not held before some time after SIGSTOP was sent.
    pub fn signal(&self, signal: Signal) {
        let pid = self.pid();
        kill(Pid::from_raw(pid), signal).unwrap();
        if signal == Signal::SIGSTOP {
            self.wait("the process to be held", || state(pid) == Some('T'));
        }
    }

    /// Ends MaxScale without a word, and waits until it is gone.
    pub fn kill(&self) {
        let pid = self.pid();
        self.signal(Signal::SIGKILL);
        self.wait("the end of the process", || !lives(pid));
    }

    pub fn wait(&self, what: &str, condition: impl Fn() -> bool) {
        let begun = Instant::now();
        while !condition() {
            assert!(
                begun.elapsed() < Duration::from_secs(60),
                "not in time: {what}"
            );
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// An order through the REST API, as `maxctrl` would give it.
    pub fn order(&self, method: &str, path: &str, body: &str) {
        let mut curl = Command::new("/usr/bin/python3");
        let script = "import sys,urllib.request as u,base64 as b\n\
                      r=u.Request(sys.argv[2],method=sys.argv[1],data=sys.argv[3].encode() or None)\n\
                      r.add_header('Authorization','Basic '+b.b64encode(b'admin:mariadb').decode())\n\
                      u.urlopen(r,timeout=30).read()";
        let url = format!("http://127.0.0.1:{}/v1/{path}", self.ports[0]);
        let ended = curl
            .args(["-c", script, method, &url, body])
            .status()
            .unwrap();
        assert!(ended.success());
    }

    /// Has the agent remember that the cluster was told this fitness of an unpromoted instance.
    pub fn remember_as_told(&self, fitness: &str) {
        let file = self.record("json");
        let mut record: serde_json::Value =
            serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        record["told"] = serde_json::json!({"fitness": fitness, "promoted": false});
        fs::write(&file, record.to_string()).unwrap();
    }

    fn record(&self, kind: &str) -> String {
        format!("/run/galera-rs/{}.maxscale.{kind}", self.name)
    }

    /// Files that prove or claim that it runs.
    pub fn leftovers(&self) -> Vec<&'static str> {
        let all = [
            "run/maxscale.pid",
            "data/maxscale.lock",
            "cache/maxscale.lock",
        ];
        all.into_iter()
            .filter(|name| self.path(name).exists())
            .collect()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if let Ok(text) = fs::read_to_string(self.path("run/maxscale.pid"))
            && let Ok(pid) = text.trim().parse()
            && is_maxscale(pid)
        {
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
        for kind in ["json", "words"] {
            let _ = fs::remove_file(self.record(kind));
        }
    }
}

/// Free ports, of which nobody is given one before they are used: they lie below those that the kernel gives to who asks
/// for any (ip(7), `ip_local_port_range`), and each site has its own.
fn ports(number: u32) -> [u16; 3] {
    let first = std::process::id().wrapping_mul(97).wrapping_add(number * 3);
    let all = (first..).map(|k| 10_000 + u16::try_from(k % 20_000).unwrap());
    let mut free = all.filter(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok());
    std::array::from_fn(|_| free.next().unwrap())
}

fn is_maxscale(pid: i32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.trim() == "maxscale")
}

/// Zombies do not live.
pub fn lives(pid: i32) -> bool {
    state(pid).is_some_and(|state| state != 'Z')
}

/// The letter in `/proc/PID/stat`, after the name in brackets (proc(5)).
fn state(pid: i32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit(')').next()?.trim_start().chars().next()
}

fn open(path: &Path) {
    fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
}

/// The MaxScale under test: a real one, or the stand-in under its name.
fn program(folder: &Path) -> PathBuf {
    if let Some(real) = std::env::var_os("MAXSCALE") {
        return real.into();
    }
    let bin = folder.join("bin");
    fs::create_dir_all(bin.join("answers")).unwrap();
    open(&bin);
    open(&bin.join("answers"));
    for (source, target) in [
        ("tests/maxscale/standin", bin.clone()),
        ("tests/fixtures/maxscale", bin.join("answers")),
    ] {
        for file in fs::read_dir(Path::new(REPOSITORY).join(source)).unwrap() {
            let file = file.unwrap();
            let copy = target.join(file.file_name());
            if file.path().is_file() {
                fs::copy(file.path(), &copy).unwrap();
                open(&copy);
            }
        }
    }
    bin.join("maxscale")
}
