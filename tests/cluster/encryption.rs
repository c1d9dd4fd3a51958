//! Replication and transfers over TLS, and everything on the disks encrypted.

use crate::harness::{Lab, SINGLE_WRITER, STEP, full_transfers, on_all};

const SECRET: &str = "a-secret-that-nobody-may-read";

/// What the option files say in addition. Debian's send the words of this transfer method to the syslog.
const OPTIONS: [&str; 15] = [
    "plugin_load_add=file_key_management",
    "file_key_management_filename=/etc/mysql/tls/keys",
    "innodb_encrypt_tables=FORCE",
    "innodb_encrypt_log=ON",
    "aria_encrypt_tables=ON",
    "require_secure_transport=ON",
    "wsrep_sst_method=mariabackup",
    "wsrep_sst_auth=mysql:",
    "wsrep_provider_options=gcache.size=32M;socket.ssl=yes;socket.ssl_key=/etc/mysql/tls/key.pem;\
     socket.ssl_cert=/etc/mysql/tls/cert.pem;socket.ssl_ca=/etc/mysql/tls/ca.pem",
    "[sst]",
    "sst-syslog=-1",
    "encrypt=4",
    "tkey=/etc/mysql/tls/key.pem",
    "tcert=/etc/mysql/tls/cert.pem",
    "tca=/etc/mysql/tls/ca.pem",
];

/// An authority, and one certificate for all.
const CERTIFICATES: &str = r#"
set -e
cd /run/lab
openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -subj /CN=authority -days 2
openssl req -newkey rsa:2048 -nodes -keyout key.pem -out request.pem -subj /CN=galera
openssl x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -out cert.pem -days 2
echo "1;$(openssl rand -hex 32)" >keys
"#;

const INSTALL: &str = "install -d /etc/mysql/tls && cd /run/lab && \
    install -o mysql -g mysql -m 600 ca.pem cert.pem key.pem keys /etc/mysql/tls";

#[test]
fn encrypted_tables_and_tls_survive_the_death_of_all_servers_and_a_full_transfer() {
    let Some(lab) = Lab::with_agent() else { return };
    lab.any().ok(CERTIFICATES);
    on_all(&lab, |node| node.ok(INSTALL));
    lab.prepare_history(&OPTIONS);
    lab.load_crm(SINGLE_WRITER);
    lab.wait_in_service("the first start");
    lab.sql(1, "create table t.s(v varchar(100))").unwrap();
    lab.sql(1, &format!("insert into t.s values ('{SECRET}')"))
        .unwrap();
    let marks = lab.error_logs();
    speaks_tls(&lab);

    lab.kill_all_servers();
    lab.wait_in_service("the death of all servers");
    assert_eq!(full_transfers(&marks), 0);
    assert_eq!(lab.sql(2, "select v from t.s"), Ok(SECRET.to_owned()));

    for (method, words) in [
        ("mariabackup", "Using openssl based encryption with socat"),
        ("rsync", "Using stunnel for SSL encryption"),
    ] {
        takes_an_encrypted_copy(&lab, method, words);
    }

    lab.stop_clone();
    for node in lab.nodes() {
        // The gcache has an encryption of its own.
        let found = node.run(&format!(
            "grep -rl --exclude=galera.cache {SECRET} /var/lib/mysql"
        ));
        assert_eq!(
            (found.code, found.stdout.as_str()),
            (1, ""),
            "node {}",
            node.number()
        );
    }
}

/// A node takes everything from another, and both speak TLS meanwhile.
fn takes_an_encrypted_copy(lab: &Lab, method: &str, words: &str) {
    let joiner = lab.unpromoted()[0];
    let marks = lab.error_logs();
    lab.node(joiner).ok(&format!(
        "sed -i 's/^wsrep_sst_method=.*/wsrep_sst_method={method}/' /etc/mysql/mariadb.conf.d/90-galera.cnf; \
         pkill -KILL -x mariadbd; cd /var/lib/mysql && rm -rf *"
    ));
    lab.wait(&format!("a full transfer by {method}"), STEP, || {
        lab.serves()
    });
    let log = marks[usize::from(joiner) - 1].since();
    assert_eq!(full_transfers(&marks), 1, "{method}: {log}");
    assert!(log.contains(words), "{method}: {log}");
    assert_eq!(lab.sql(joiner, "select v from t.s"), Ok(SECRET.to_owned()));
    lab.wait("the end of what encrypted the transfer", STEP, || {
        lab.node(joiner).run("pgrep stunnel").stdout.is_empty()
    });
}

/// The port for replication asks for a certificate of the authority.
fn speaks_tls(lab: &Lab) {
    let port = "openssl s_client -connect node2:4567 -CAfile /etc/mysql/tls/ca.pem </dev/null 2>&1";
    let said = lab.node(1).run(port).stdout;
    assert!(said.contains("Verify return code: 0 (ok)"), "{said}");
}
