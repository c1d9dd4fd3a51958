//! What a scenario does to a node and its MaxScale.

use super::CONFIGURATION;
use crate::harness::{Node, Output};

impl Node<'_> {
    pub fn configure_maxscale(&self) {
        let root = self.root().expect("a node that is on");
        std::fs::write(root.join("etc/maxscale.cnf"), CONFIGURATION).unwrap();
    }

    /// The account that the agent uses.
    pub fn know(&self, user: &str, password: &str) {
        let file = "/etc/maxscale.rest";
        self.ok(&format!(
            "umask 077 && printf 'user={user}\\npassword={password}\\n' >{file}"
        ));
    }

    /// Tells the stand-in what its surroundings are like.
    pub fn play(&self, json: &str) {
        let root = self.root().expect("a node that is on");
        std::fs::write(root.join("etc/maxscale.cnf.standin"), json).unwrap();
    }

    /// What a change through the REST API leaves for the next life.
    pub fn leave_passive(&self, passive: bool) {
        let directory = "/var/lib/maxscale/maxscale.cnf.d";
        self.ok(&format!(
            "mkdir -p {directory} && printf '[maxscale]\\npassive={passive}\\n' >{directory}/maxscale.cnf && \
             chown -R maxscale /var/lib/maxscale"
        ));
    }

    /// The process; empty without one.
    pub fn maxscale_life(&self) -> String {
        let running = "ps -o stat=,pid= -C maxscale | awk '$1 !~ /Z/ {print $2}'";
        self.run(running).stdout.trim().to_owned()
    }

    pub fn has_proxy_address(&self) -> bool {
        self.run("ip -4 addr show dev eth0")
            .stdout
            .contains("192.0.2.10/24")
    }

    pub fn by_hand(&self, words: &str) -> Output {
        self.run(&format!("/usr/sbin/maxscale-rs {words}"))
    }

    pub fn rest(&self, method: &str, path: &str) -> Output {
        let script = "import sys,urllib.request as u,base64 as b\n\
                      r=u.Request(\"http://127.0.0.1:8989/v1/\"+sys.argv[2],method=sys.argv[1])\n\
                      r.add_header(\"Authorization\",\"Basic \"+b.b64encode(b\"admin:mariadb\").decode())\n\
                      print(u.urlopen(r,timeout=2).read().decode())";
        self.run(&format!("python3 -c '{script}' {method} {path}"))
    }

    pub fn order(&self, method: &str, path: &str) {
        self.rest(method, path).ok();
    }

    /// `None` when it does not say.
    pub fn passive(&self) -> Option<bool> {
        let answer = self.rest("GET", "maxscale").stdout;
        [true, false]
            .into_iter()
            .find(|passive| answer.contains(&format!("\"passive\": {passive}")))
    }
}
