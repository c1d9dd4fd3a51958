//! Who may write: with the parameter `unpromoted_read_only`, only clients of the promoted node.

use std::path::PathBuf;
use std::time::Duration;

use super::database::Database;
use super::drain;
use super::membership::ANSWER;
use super::node::retry;
use super::params::GaleraParams;
use super::settings;
use super::volatile::Volatile;
use crate::ocf::{Deadline, Done, Failure, wait_until};
use crate::sys::lock::Lock;

/// How often a change of the role waits for another one to end.
const STEP: Duration = Duration::from_millis(10);

/// How long the job waits for statements that keep the server from being made read-only.
const PATIENCE: Duration = Duration::from_secs(2);

/// The gate to one running server.
#[derive(Debug, Clone)]
pub struct Gate<'a> {
    /// What is known of the resource until the next reboot.
    pub volatile: &'a Volatile,
    /// Its parameters.
    pub params: &'a GaleraParams,
    /// The server's socket.
    pub socket: PathBuf,
}

impl Gate<'_> {
    /// Notes that the node is promoted, and lets its clients write before.
    ///
    /// # Errors
    /// When the server does not take that.
    pub fn open(&self, deadline: &Deadline) -> Done {
        let _lock = self.lock(deadline)?;
        if self.params.unpromoted_read_only || self.volatile.made_read_only() {
            let mut database = self.connect(deadline)?;
            self.let_write(&mut database)?;
        }
        self.volatile.set_promoted(true).map_err(retry)
    }

    /// Notes that the node is not promoted any more, and then keeps its clients from writing. `lives`: whether there
    /// is a server.
    ///
    /// # Errors
    /// When a server that lives cannot be made read-only before the deadline.
    pub fn close(&self, deadline: &Deadline, lives: impl Fn() -> Result<bool, Failure>) -> Done {
        let _lock = self.lock(deadline)?;
        self.volatile.set_promoted(false).map_err(retry)?;
        if !self.params.unpromoted_read_only || !lives()? {
            return Ok(());
        }
        let shut = self.connect(deadline).and_then(|mut database| {
            self.keep_out(&mut database, self.params.drain_timeout, deadline)
        });
        match shut {
            Err(failure) if lives()? => Err(failure),
            _ => Ok(()),
        }
    }

    /// Puts right what an action that was killed, a restart of the server or a new value of the parameter left. No
    /// transaction is waited for.
    ///
    /// # Errors
    /// When the server does not answer or does not take it.
    pub fn keep(&self, database: &mut Database) -> Done {
        let Some(_lock) = self.volatile.role_lock().map_err(retry)? else {
            return Ok(()); // the role is about to change
        };
        let shut = self.params.unpromoted_read_only && !self.volatile.promoted();
        let is_shut = database.read_only().map_err(retry)?;
        match wanted(shut, is_shut, self.volatile.made_read_only()) {
            Some(true) => {
                log::warn!("not promoted and writable: making the server read-only");
                let deadline = Deadline::after(PATIENCE);
                self.keep_out(&mut self.connect(&deadline)?, Duration::ZERO, &deadline)
            }
            Some(false) => {
                log::info!("making the server writable");
                self.let_write(database)
            }
            None => Ok(()),
        }
    }

    fn keep_out(&self, database: &mut Database, patience: Duration, deadline: &Deadline) -> Done {
        if !database.read_only().map_err(retry)? {
            self.volatile.set_made_read_only(true).map_err(retry)?;
        }
        drain::shut(database, patience, deadline)
    }

    fn let_write(&self, database: &mut Database) -> Done {
        drain::open(database).map_err(retry)?;
        self.volatile.set_made_read_only(false).map_err(retry)
    }

    fn connect(&self, deadline: &Deadline) -> Result<Database, Failure> {
        let account = settings::account(self.params);
        Database::connect(&self.socket, &account, ANSWER.min(deadline.left())).map_err(retry)
    }

    fn lock(&self, deadline: &Deadline) -> Result<Lock, Failure> {
        wait_until(deadline, STEP, "the role to be free for a change", || {
            self.volatile.role_lock().map_err(retry)
        })
    }
}

/// What `read_only` is to become, if anything: somebody else's setting is left alone unless the node must be shut.
/// `made`: the agent made it read-only.
const fn wanted(shut: bool, is_shut: bool, made: bool) -> Option<bool> {
    match (shut, is_shut) {
        (true, false) => Some(true),
        (false, true) if made => Some(false),
        (true | false, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_that_must_be_shut_is_shut_and_only_what_the_agent_shut_is_opened() {
        for made in [false, true] {
            assert_eq!(wanted(true, false, made), Some(true));
            assert_eq!(wanted(true, true, made), None);
            assert_eq!(wanted(false, false, made), None);
        }
        assert_eq!(wanted(false, true, true), Some(false));
        assert_eq!(wanted(false, true, false), None, "the operator's setting");
    }
}
