//! From a server that is written to, to one that is read-only: transactions that have written may end, the others are
//! killed.
//!
//! Measured with MariaDB 10.11: once `SET GLOBAL read_only = ON` has returned, no ordinary account's transaction is
//! committed any more; a commit that was on its way is finished or refused before. It waits for every statement that is
//! writing. Write sets of other nodes go on meanwhile. A session with `wsrep_on = OFF` may do all of this without a
//! primary component, and does not desync the node, as the same statement does otherwise.

use std::time::Duration;

use super::database::Database;
use super::node::retry;
use super::silence::{Cause, DatabaseError};
use crate::ocf::{Deadline, Failure, wait_until};

/// `information_schema.innodb_trx` shows the same for a tenth of a second, and longer to whoever asks more often.
const LOOK: Duration = Duration::from_millis(120);

/// How long the server waits for a lock at a time, in whole seconds.
const PATIENCE_S: u32 = 1;

/// Transactions of clients that have written, by their numbers, with the numbers of their connections. Not those of
/// appliers, nor of recovered ones, which have no connection.
const WRITERS: &str = "SELECT t.trx_id, p.id FROM information_schema.innodb_trx t \
    JOIN information_schema.processlist p ON p.id = t.trx_mysql_thread_id \
    WHERE t.trx_rows_modified > 0 AND p.id <> CONNECTION_ID() AND p.user <> 'system user'";

/// Clients whose statement has been running for as long as we have waited, and is not plainly a read.
const STATEMENTS: &str = "SELECT id, id FROM information_schema.processlist \
    WHERE command IN ('Query', 'Execute') AND time_ms >= 1000 AND state NOT LIKE 'Waiting for backup lock%' \
    AND id <> CONNECTION_ID() AND user NOT IN ('system user', 'event_scheduler') \
    AND info NOT REGEXP '^[[:space:](]*(SELECT|SHOW|WITH|EXPLAIN)[^A-Z]'";

/// What a client is doing.
#[derive(Debug, Clone, Copy)]
struct Work {
    /// The number of the transaction, or another that tells it from the client's next work.
    number: u64,
    /// The number of the connection.
    connection: u64,
}

/// Makes the server read-only before the deadline. Transactions that have written are given `patience` to end.
///
/// # Errors
/// When the server refuses, goes away, or something that cannot be killed writes until the deadline.
pub fn shut(
    database: &mut Database,
    patience: Duration,
    deadline: &Deadline,
) -> Result<(), Failure> {
    let last = Duration::from_secs(PATIENCE_S.into()); // a try that begins in time ends in time
    let deadline = Deadline::after(deadline.left().saturating_sub(last));
    alone(database).map_err(retry)?;
    for work in undrained(database, &deadline.at_most(patience))? {
        kill(database, work)?;
    }
    let limit = format!("SET SESSION lock_wait_timeout = {PATIENCE_S}");
    database.execute(&limit).map_err(retry)?;
    let what = "read_only=ON, which waits for a lock (SHOW FULL PROCESSLIST)";
    wait_until(&deadline, Duration::ZERO, what, || {
        match database.execute("SET GLOBAL read_only = ON") {
            Err(locked) if locked.cause == Cause::Locked => {
                log::warn!("somebody writes and keeps the server from being made read-only");
                for question in [WRITERS, STATEMENTS] {
                    for work in work(database, question)? {
                        kill(database, work)?;
                    }
                }
                Ok(None)
            }
            other => other.map(Some).map_err(retry),
        }
    })
}

/// Makes the server writable.
///
/// # Errors
/// When it refuses or does not answer.
pub fn open(database: &mut Database) -> Result<(), DatabaseError> {
    alone(database)?;
    database.execute("SET GLOBAL read_only = OFF")
}

/// What follows is this server's business alone.
fn alone(database: &mut Database) -> Result<(), DatabaseError> {
    database.execute("SET SESSION wsrep_on = OFF")
}

/// Waits for the end of all transactions that have written by now; those that last longer than `patience`.
fn undrained(database: &mut Database, patience: &Deadline) -> Result<Vec<Work>, Failure> {
    let mut known: Option<Vec<Work>> = None;
    wait_until(patience, LOOK, "open transactions", || {
        let mut left = work(database, WRITERS)?;
        if let Some(known) = &known {
            left.retain(|one| known.iter().any(|before| before.number == one.number));
        }
        let over = left.is_empty() || patience.passed();
        known = Some(left.clone());
        Ok::<_, Failure>(over.then_some(left))
    })
}

fn work(database: &mut Database, question: &str) -> Result<Vec<Work>, Failure> {
    let rows: Vec<(u64, u64)> = database.query(question).map_err(retry)?;
    let work = rows
        .into_iter()
        .map(|(number, connection)| Work { number, connection });
    Ok(work.collect())
}

/// Ends a client. It may have gone by itself; and the server protects what runs on all nodes at once.
fn kill(database: &mut Database, work: Work) -> Result<(), Failure> {
    let connection = work.connection;
    match database.execute(&format!("KILL CONNECTION {connection}")) {
        Err(refused) if refused.cause == Cause::Question => log::info!("{refused}"),
        Err(error) => return Err(retry(error)),
        Ok(()) => log::warn!("killed connection {connection}, which was writing"),
    }
    Ok(())
}
