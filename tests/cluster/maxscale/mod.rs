//! MaxScale under Pacemaker: the shipped examples, the use cases of the founding document, and its faults.
//!
//! With the stand-in of `tests/maxscale`, or the MaxScale of `MAXSCALE=/path/to/maxscale` behind which a Galera cluster then
//! runs; what only the stand-in can play is left out with that.

mod active;
mod clone;
mod group;
mod node;
mod waits;

use std::path::Path;

use crate::harness::{Lab, SINGLE_WRITER, on_all};

const CONFIGURATION: &str = "[maxscale]
threads=1
[Server-1]
type=server
address=node1
port=3306
[Server-2]
type=server
address=node2
port=3306
[Monitor]
type=monitor
module=galeramon
servers=Server-1,Server-2
user=w
password=w
monitor_interval=500ms
[RW]
type=service
router=readwritesplit
servers=Server-1,Server-2
user=w
password=w
[Listener]
type=listener
service=RW
address=0.0.0.0
port=4006
";
const ALL_DOWN: &str = r#"{"down": ["Server-1", "Server-2"]}"#;

/// Why a MaxScale whose API is closed has failed, and one whose monitor stands still.
const DEAF: &str = "REST API at http://127.0.0.1:8989 does not answer";
const FROZEN: &str = "monitor Monitor has not looked at its servers for";

/// What makes the faults be found sooner, and another account than that of a new installation.
const PARAMS: &str = "params stall_timeout=6s rest_timeout=4s admin_credentials=/etc/maxscale.rest";

/// The real MaxScale to test, if one is given.
fn real() -> Option<String> {
    std::env::var("MAXSCALE").ok()
}

/// Three nodes with MaxScale, and nothing configured.
fn with_maxscale() -> Option<Lab> {
    let lab = Lab::with_agent()?;
    let lab = match real() {
        Some(_) => lab.serving(SINGLE_WRITER)?,
        None => lab,
    };
    stand_in(&lab);
    on_all(&lab, |node| {
        node.ok("useradd --system --no-create-home maxscale && mkdir -p /opt/maxscale");
        let program = real().unwrap_or_else(|| "/opt/maxscale/maxscale".to_owned());
        node.ok("cp -a /run/lab/maxscale/. /opt/maxscale");
        node.ok(&format!("ln -sf {program} /usr/bin/maxscale"));
        node.configure_maxscale();
        node.know("admin", "mariadb");
    });
    Some(lab)
}

/// Where every node finds the stand-in.
fn stand_in(lab: &Lab) {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shared = lab.shared().join("maxscale");
    std::fs::create_dir_all(shared.join("answers")).unwrap();
    for (source, target) in [
        ("tests/maxscale/standin", shared.clone()),
        ("tests/fixtures/maxscale", shared.join("answers")),
    ] {
        for file in std::fs::read_dir(here.join(source)).unwrap() {
            let file = file.unwrap();
            if file.path().is_file() {
                std::fs::copy(file.path(), target.join(file.file_name())).unwrap();
            }
        }
    }
}

/// An example as it is shipped, but for the address, with monitors that need not be waited for.
fn load(lab: &Lab, example: &str) {
    load_with(lab, example, PARAMS);
}

/// The same, with these parameters of `maxscale-rs`; there may be none.
fn load_with(lab: &Lab, example: &str, params: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(example);
    let text = std::fs::read_to_string(path).unwrap();
    for needed in ["ip=192.0.2.10 ", "interval=5s "] {
        assert!(text.contains(needed), "{needed} in {example}");
    }
    let text = text
        .replace("ip=192.0.2.10 ", "ip=192.0.2.10/24@eth0 ")
        .replace("interval=5s ", "interval=1s ")
        .replace("interval=6s ", "interval=2s ")
        .replace("op start timeout=120s", "op start timeout=12s")
        .replace(
            "ocf:galera-rs:maxscale-rs",
            &format!("ocf:galera-rs:maxscale-rs {params}"),
        );
    lab.load_crm_text(&text);
    lab.settle();
}
