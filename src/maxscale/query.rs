//! Level 20: a query through every listener, as a client asks it.

use std::time::Duration;

use mysql::prelude::Queryable;
use mysql::{Conn, OptsBuilder};

use super::account::Account;
use super::greeting::{Place, connect_unix, place};
use super::health::{Seen, Watched};
use super::params::MaxScaleParams;
use crate::galera::silence::cause;
use crate::ocf::Deadline;

/// No answer has a longer row.
const LONGEST_ROW: usize = 1 << 20;

/// Why a query was not answered: a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It keeps only us out.
    KeptOut(String),
    /// Clients are not served.
    Unserved(String),
}

/// Asks through every watched listener.
///
/// # Errors
/// The first that does not answer; and when there is no account to ask with.
pub fn through_all(params: &MaxScaleParams, seen: &Seen) -> Result<(), Fault> {
    let found = Account::find(
        params.check_credentials.as_deref(),
        params.check_user.as_ref(),
        params.check_password.as_ref(),
    );
    let account = found.map_err(Fault::KeptOut)?.ok_or_else(|| {
        let reason = "a monitor of check level 20 asks through MaxScale: set check_credentials, or check_user and \
                      check_password";
        Fault::KeptOut(reason.to_owned())
    })?;
    let listeners = seen
        .listeners(&Watched::of(params))
        .map_err(Fault::Unserved)?;
    for listener in listeners {
        let Some(place) = place(&listener.attributes.parameters) else {
            continue;
        };
        ask(&place, &account, params.greeting_timeout).map_err(|error| {
            let name = &listener.id;
            match cause(&error).is_alive() {
                true => Fault::KeptOut(format!(
                    "listener {name} refuses the account of the routed query: {error}; correct check_credentials"
                )),
                false => Fault::Unserved(format!("no answer through listener {name}: {error}")),
            }
        })?;
    }
    Ok(())
}

fn ask(place: &Place, account: &Account, limit: Duration) -> mysql::Result<()> {
    // Zero would mean no limit.
    let limit = Deadline::bound(limit).max(Duration::from_millis(1));
    let options = OptsBuilder::new()
        .user(Some(&account.user))
        .pass(Some(account.password.reveal()))
        .prefer_socket(false)
        .max_allowed_packet(Some(LONGEST_ROW))
        .tcp_connect_timeout(Some(limit))
        .read_timeout(Some(limit))
        .write_timeout(Some(limit));
    let options = match place {
        Place::Tcp(host, port) => options.ip_or_hostname(Some(host)).tcp_port(*port),
        // The driver knows no abstract sockets. The listener has greeted.
        Place::Unix(path) if path.starts_with('@') => return Ok(()),
        Place::Unix(path) => {
            // The driver's own wait for a place in the queue has no end.
            drop(connect_unix(path, limit)?);
            options.socket(Some(path))
        }
    };
    Conn::new(options)?.query_drop("SELECT 1")
}

#[cfg(test)]
mod tests {
    use super::super::greeting::played::with_a_full_queue;
    use super::*;
    use crate::galera::silence::Cause;
    use crate::ocf::Secret;

    #[test]
    fn a_unix_socket_whose_queue_is_full_does_not_hold_the_query_up() {
        let account = Account {
            user: "check".to_owned(),
            password: Secret::new("swordfish".to_owned()),
        };
        let late = with_a_full_queue(|path| {
            let place = Place::Unix(path.to_str().unwrap().to_owned());
            ask(&place, &account, Duration::from_millis(300)).unwrap_err()
        });
        assert_eq!(cause(&late), Cause::Late, "{late}");
    }
}
