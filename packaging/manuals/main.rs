//! Writes what packages and documents say of the programs from the programs' own declarations.
//!
//! `manuals DIR` fills `DIR/man7`, `DIR/man8` and `DIR/completions`; `manuals reference` prints `docs/reference.md`.
#![allow(clippy::print_stdout, reason = "a tool that prints what it makes")]

mod agent;
mod command;
mod reference;

use std::path::Path;
use std::{fs, io};

use galera_rs::galera::Galera;
use galera_rs::maxscale::MaxScaleAgent;
use galera_rs::vip::Vip;
use galera_rs::{ctl, ocf};

fn main() -> io::Result<()> {
    match std::env::args().nth(1).as_deref() {
        Some("reference") => {
            print!("{}", reference::page());
            Ok(())
        }
        Some(directory) => write(Path::new(directory)),
        None => Err(io::Error::other("usage: manuals DIR, or manuals reference")),
    }
}

fn write(directory: &Path) -> io::Result<()> {
    for (name, page) in [
        agent::page::<Galera>(),
        agent::page::<MaxScaleAgent>(),
        agent::page::<Vip>(),
    ] {
        put(&directory.join("man7").join(name), page.as_bytes())?;
    }
    for command in [
        ctl::command(),
        ocf::command::<Galera>(),
        ocf::command::<MaxScaleAgent>(),
        ocf::command::<Vip>(),
    ] {
        command::write(directory, command)?;
    }
    Ok(())
}

/// Writes a file, and makes the directory that it is in.
fn put(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    fs::write(path, bytes)
}
