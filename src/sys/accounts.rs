//! Users and groups. A static binary has no name-service modules: local files first, then `getent`.

use std::fs;
use std::time::Duration;

use super::command::{program, run};

/// A user or a group could take this long in a directory service.
const LIMIT: Duration = Duration::from_secs(5);

/// The number of a user; `None` when nobody knows it.
pub fn uid(name: &str) -> Option<u32> {
    number("passwd", name)
}

/// The number of a group; `None` when nobody knows it.
pub fn gid(name: &str) -> Option<u32> {
    number("group", name)
}

fn number(database: &str, name: &str) -> Option<u32> {
    let local = fs::read_to_string(format!("/etc/{database}")).unwrap_or_default();
    find(&local, name).or_else(|| find(&getent(database, name)?, name))
}

fn getent(database: &str, name: &str) -> Option<String> {
    let mut command = program("getent");
    command.args([database, name]);
    let output = run(command, LIMIT).ok()?;
    String::from_utf8(output.stdout).ok()
}

/// `name:x:number:..`, in both files (passwd(5), group(5)).
fn find(table: &str, name: &str) -> Option<u32> {
    let mut rows = table
        .lines()
        .map(|line| line.split(':').collect::<Vec<_>>());
    let row = rows.find(|row| row.first() == Some(&name))?;
    row.get(2)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_matched_whole() {
        let table = "mysqlx:x:1:1::/:\nmysql:x:101:102::/:\n";
        assert_eq!(find(table, "mysql"), Some(101));
        assert_eq!(find(table, "mysq"), None);
    }
}
