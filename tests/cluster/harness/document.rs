//! Documents whose commands are run word by word.

use std::time::Duration;

use super::{Lab, Node, on_all, repository_file};

/// Long enough for a command that waits for the cluster.
const COMMAND: Duration = Duration::from_secs(150);

/// One fenced block of commands.
#[derive(Debug)]
struct Block<'a> {
    place: Place,
    commands: &'a str,
}

/// Where they are run, as the line before the block says.
#[derive(Debug)]
enum Place {
    /// It says nothing.
    Anywhere,
    /// "on every node"
    Everywhere,
    /// It ends in "on node3:"
    On(u8),
}

impl Lab {
    /// Does what a document says below this heading up to the next one: on one node, or where it says.
    pub fn follow(&self, file: &str, heading: &str) {
        let text = repository_file(file);
        let (_, below) = text
            .split_once(&format!("\n{heading}\n"))
            .unwrap_or_else(|| panic!("no {heading} in {file}"));
        let section = below.split("\n## ").next().unwrap_or_default();
        let blocks = blocks(section);
        assert!(!blocks.is_empty(), "no commands below {heading} in {file}");
        for block in blocks {
            for command in block.commands.lines().filter(|line| !line.starts_with('#')) {
                self.obey(command, &block.place);
            }
        }
    }

    fn obey(&self, command: &str, place: &Place) {
        let obey = |node: Node<'_>| node.run_for(COMMAND, command).ok();
        match place {
            Place::Anywhere => drop(obey(self.any())),
            Place::Everywhere => drop(on_all(self, obey)),
            Place::On(number) => drop(obey(self.node(*number))),
        }
    }
}

fn blocks(section: &str) -> Vec<Block<'_>> {
    let (mut blocks, mut rest) = (Vec::new(), section);
    while let Some((before, block)) = rest.split_once("```sh\n") {
        let (commands, after) = block.split_once("```").expect("the end of a block");
        let introduction = before.trim_end().lines().next_back().unwrap_or_default();
        let place = place(&introduction.to_lowercase());
        blocks.push(Block { place, commands });
        rest = after;
    }
    blocks
}

fn place(introduction: &str) -> Place {
    let last = introduction.rsplit_once("on node");
    let number = last.and_then(|(_, number)| number.trim_end_matches(':').parse().ok());
    match number {
        Some(number) => Place::On(number),
        None if introduction.contains("on every node") => Place::Everywhere,
        None => Place::Anywhere,
    }
}
