//! `ocf:galera-rs:maxscale-rs`: a MariaDB MaxScale under Pacemaker.
fn main() -> std::process::ExitCode {
    galera_rs::ocf::main::<galera_rs::maxscale::MaxScaleAgent>()
}
