//! `ocf:galera-rs:vip-rs`: virtual addresses under Pacemaker.
fn main() -> std::process::ExitCode {
    galera_rs::ocf::main::<galera_rs::vip::Vip>()
}
