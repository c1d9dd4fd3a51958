//! `galeractl`: what the agents see and decide, for people.
fn main() -> std::process::ExitCode {
    galera_rs::ctl::main()
}
