//! Where messages go: what the cluster's variables say.

use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use crate::{AGENT, Answer, available, bare, is_root, run};

/// A machine whose system log is a socket of the test's.
const INSIDE: &str = "
mount -t tmpfs tmpfs /dev && mknod -m 666 /dev/null c 1 3 && ln -s \"$LOG\" /dev/log || exit 99
exec \"$AGENT\" validate-all
";

/// What an action that fails says on stderr, and to the system log.
fn told(pairs: &[(&str, &str)]) -> (Answer, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let socket = UnixDatagram::bind(&path).unwrap();
    let mut inside = bare("/usr/bin/unshare");
    inside
        .args(["--mount", "/bin/sh", "-c", INSIDE])
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .env("LOG", &path)
        .env("AGENT", AGENT)
        .env("OCF_RESOURCE_INSTANCE", "db")
        .env("OCF_RESKEY_recv_queue_max", "many")
        .envs(pairs.iter().copied());
    let answer = run(&mut inside);
    socket
        .set_read_timeout(Some(Duration::from_millis(1)))
        .unwrap();
    let mut messages = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(length) = socket.recv(&mut buffer) {
        messages.push(String::from_utf8_lossy(&buffer[..length]).into_owned());
    }
    (answer, messages)
}

#[test]
fn the_reason_goes_to_the_facility_and_to_the_file_that_the_cluster_names() {
    if !available(is_root(), "root") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ha.log");
    let named = [
        ("HA_LOGFACILITY", "local3"),
        ("HA_LOGFILE", file.to_str().unwrap()),
    ];
    let (answer, messages) = told(&named);
    assert!(
        answer.stderr.contains("recv_queue_max"),
        "{}",
        answer.stderr
    );
    let [message] = &messages[..] else {
        panic!("{messages:?}, {}", answer.stderr)
    };
    // RFC 3164: facility times eight and severity; local3 is 19, an error 3.
    assert!(message.starts_with("<155>"), "{message}");
    for text in [message, &std::fs::read_to_string(&file).unwrap()] {
        assert!(
            text.contains("galera-rs(db)[") && text.contains("recv_queue_max"),
            "{text}"
        );
    }
    assert_eq!(told(&[]).1, [""; 0], "nobody has named a facility");
}
