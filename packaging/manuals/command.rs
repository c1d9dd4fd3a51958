//! Manual pages of section 8 and completions of the commands, as clap makes them.

use std::io;
use std::path::Path;

use clap::Command;
use clap_complete::Shell;
use clap_mangen::Man;

use crate::put;

/// Writes `man8/NAME.8` (and one page for each verb), and completions for bash, fish and zsh.
pub fn write(directory: &Path, mut command: Command) -> io::Result<()> {
    command.build();
    let name = command.get_name().to_owned();
    page(directory, &name, &command)?;
    for verb in command
        .get_subcommands()
        .filter(|verb| verb.get_name() != "help")
    {
        let name = format!("{name}-{}", verb.get_name());
        page(directory, &name, verb)?;
    }
    let files = [
        (Shell::Bash, format!("bash/{name}")),
        (Shell::Fish, format!("fish/{name}.fish")),
        (Shell::Zsh, format!("zsh/_{name}")),
    ];
    for (shell, file) in files {
        let mut bytes = Vec::new();
        clap_complete::generate(shell, &mut command, name.clone(), &mut bytes);
        put(&directory.join("completions").join(file), &bytes)?;
    }
    Ok(())
}

fn page(directory: &Path, name: &str, command: &Command) -> io::Result<()> {
    let mut bytes = Vec::new();
    Man::new(command.clone())
        .title(name)
        .section("8")
        .manual("galera-rs")
        .render(&mut bytes)?;
    put(&directory.join("man8").join(format!("{name}.8")), &bytes)
}
