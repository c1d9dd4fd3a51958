//! Users and groups. A static binary has no name-service modules: local files first, then `getent`.

use std::fs;
use std::io;
use std::time::Duration;

use super::command::{program, run};

/// A user or a group could take this long in a directory service.
const LIMIT: Duration = Duration::from_secs(5);

/// The number of a user; `None` when nobody knows it.
///
/// # Errors
/// When nobody can be asked: it may be known all the same.
pub fn uid(name: &str) -> io::Result<Option<u32>> {
    number("passwd", name)
}

/// The number of a group; `None` when nobody knows it.
///
/// # Errors
/// As [`uid`].
pub fn gid(name: &str) -> io::Result<Option<u32>> {
    number("group", name)
}

fn number(database: &str, name: &str) -> io::Result<Option<u32>> {
    let local = fs::read_to_string(format!("/etc/{database}")).unwrap_or_default();
    match find(&local, name) {
        Some(number) => Ok(Some(number)),
        None => Ok(find(&getent(database, name)?, name)),
    }
}

/// Code 2 of `getent` is "not found" (getent(1)).
fn getent(database: &str, name: &str) -> io::Result<String> {
    let mut command = program("getent");
    command.args([database, name]);
    let output = run(command, LIMIT).map_err(io::Error::other)?;
    match output.code {
        Some(0 | 2) => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        _ => Err(io::Error::other(format!("getent {database} {name} failed"))),
    }
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
