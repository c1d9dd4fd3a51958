//! Once a second for a server in service: is it writable or not as its role wants, and how well does it suit the role?

use std::time::Duration;

use super::database::Database;
use super::fitness::{Fitness, Ranking};
use super::node::{Node, retry};
use crate::ocf::{Deadline, Done, Failure};

/// How long the server may take for each answer: the job has more to do than to wait.
const ANSWER: Duration = Duration::from_millis(500);

/// How long it is left alone when it has not answered.
const PAUSE: Duration = Duration::from_secs(3);

/// What is known of one serving server.
#[derive(Debug)]
pub struct Upkeep<'a> {
    node: &'a Node,
    /// The connection of the look before.
    database: Option<Database>,
    /// Before this nobody asks again.
    silence: Deadline,
    ranking: Ranking,
    /// Why the last look came to nothing.
    trouble: Option<Failure>,
}

impl<'a> Upkeep<'a> {
    /// Begins with a node that has entered the component.
    pub fn new(node: &'a Node) -> Self {
        Self {
            node,
            database: None,
            silence: Deadline::after(Duration::ZERO),
            ranking: Ranking::default(),
            trouble: None,
        }
    }

    /// The cluster may have forgotten this node's score.
    pub fn forget(&mut self) {
        self.ranking = Ranking::default();
    }

    /// One look. A healthy one tells the cluster nothing.
    pub fn look(&mut self) {
        if !self.silence.passed() {
            return;
        }
        let trouble = self.try_look().err();
        if let Some(failure) = &trouble
            && self.trouble != trouble
        {
            log::warn!("{}: {failure}", self.node.name);
        }
        self.trouble = trouble;
    }

    fn try_look(&mut self) -> Done {
        let node = self.node;
        self.silence = Deadline::after(PAUSE);
        let mut database = match self.database.take() {
            Some(database) => database,
            None => node.database(ANSWER).map_err(retry)?,
        };
        let status = database.status().map_err(retry)?;
        let known = self.ranking.published();
        let now = Fitness::of(&status, node.params.recv_queue_max, known);
        let kept = node.gate().keep(&mut database);
        self.silence = Deadline::after(Duration::ZERO);
        self.database = Some(database);
        if let Some(fitness) = self.ranking.see(now, node.volatile.promoted()) {
            node.score(fitness.score())?;
            self.ranking = Ranking::new(fitness);
            log::info!("{}: {fitness:?} as far as promotion goes", node.name);
        }
        kept
    }
}
