//! `ocf:galera-rs:galera-rs`: a MariaDB Galera node under Pacemaker.
fn main() -> std::process::ExitCode {
    galera_rs::ocf::main::<galera_rs::galera::Galera>()
}
