//! The REST API over https.

use std::path::Path;
use std::process::Command;

use crate::site::{GENERIC, SUCCESS, Site, WRONG_HERE};

const OPENSSL: &str = "/usr/bin/openssl";

/// A CA, and what it has signed: a server at 127.0.0.1 and a client.
const KEYS: &str = "
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=ours -keyout ca.key -out ca.pem
for who in server client; do
  openssl req -newkey rsa:2048 -nodes -subj /CN=$who -keyout $who.key -out $who.csr
  echo 'subjectAltName=IP:127.0.0.1' >$who.ext
  openssl x509 -req -in $who.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile $who.ext -out $who.pem
done
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=other -keyout other.key -out other.pem
chmod a+r *.key
";

#[test]
fn the_api_is_verified_and_told_who_asks() {
    let Some(site) = Site::of_stand_in() else {
        return;
    };
    let there = Path::new(OPENSSL).exists();
    let required = std::env::var("REQUIRE_REAL").is_ok_and(|value| value == "1");
    assert!(
        there || !required,
        "{OPENSSL} is missing, and REQUIRE_REAL=1"
    );
    if !there {
        eprintln!("SKIPPED: {OPENSSL} is missing");
        return;
    }
    let mut openssl = Command::new("/bin/sh");
    let made = openssl
        .args(["-ec", KEYS])
        .current_dir(site.path(""))
        .output();
    assert!(made.as_ref().unwrap().status.success(), "{made:?}");
    let path = |name: &str| site.path(name).to_str().unwrap().to_owned();
    let (server, key) = (path("server.pem"), path("server.key"));
    site.configure(&format!("admin_ssl_cert={server}\nadmin_ssl_key={key}"), "");
    let refused = site.expect("start", &[], WRONG_HERE);
    assert!(
        refused.reason().contains("set the parameter admin_ca"),
        "{refused:?}"
    );
    let [ours, other] = ["ca.pem", "other.pem"].map(path);
    let ca = ("admin_ca", ours.as_str());
    site.expect("start", &[ca], SUCCESS);
    site.expect("monitor", &[ca], SUCCESS);
    let stranger = site.expect("monitor", &[("admin_ca", &other)], GENERIC);
    assert!(stranger.reason().contains("certificate"), "{stranger:?}");
    site.expect("stop", &[ca], SUCCESS);

    site.configure(
        &format!("admin_ssl_cert={server}\nadmin_ssl_key={key}\nadmin_ssl_ca={ours}"),
        "",
    );
    site.play(r#"{"mutual": true}"#);
    let client = ["client.pem", "client.key"].map(path);
    let shown = [
        ("admin_cert", client[0].as_str()),
        ("admin_key", client[1].as_str()),
    ];
    site.expect("start", &shown, SUCCESS);
    site.expect("monitor", &shown, SUCCESS);
    site.expect("monitor", &[], GENERIC);
    site.expect("stop", &shown, SUCCESS);
}
