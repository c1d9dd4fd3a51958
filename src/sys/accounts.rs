//! Users and groups. A static binary has no name-service modules: local files first, then `getent`.

use std::fs;
use std::io;
use std::time::Duration;

use thiserror::Error;

use super::command::{program, run};

/// A user or a group could take this long in a directory service.
const LIMIT: Duration = Duration::from_secs(5);

/// Why an account that a parameter names has no number.
#[derive(Debug, Error)]
pub enum AccountError {
    /// Nobody knows it.
    #[error("{what} {name} does not exist on this node; create it or set the parameter {what}")]
    Unknown {
        /// `user` or `group`: the parameter, too.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// Nobody can be asked: it may be known all the same.
    #[error("{what} {name}: {source}")]
    Unasked {
        /// As of the other.
        what: &'static str,
        /// Its name.
        name: String,
        /// Why.
        source: io::Error,
    },
}

/// The numbers of the user and of the group that own the files of a server.
///
/// # Errors
/// When one of them is not known.
pub fn owner(user: &str, group: &str) -> Result<(u32, u32), AccountError> {
    Ok((
        known("user", "passwd", user)?,
        known("group", "group", group)?,
    ))
}

fn known(what: &'static str, database: &str, name: &str) -> Result<u32, AccountError> {
    let found = number(database, name);
    let name = name.to_owned();
    match found {
        Ok(Some(number)) => Ok(number),
        Ok(None) => Err(AccountError::Unknown { what, name }),
        Err(source) => Err(AccountError::Unasked { what, name, source }),
    }
}

/// `None` when nobody knows it.
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
