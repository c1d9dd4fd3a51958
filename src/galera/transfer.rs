//! How far a state transfer to this node is: seen by the job, told to everybody while it lasts.

use std::collections::VecDeque;
use std::fmt;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::datadir::free_mib;
use super::donor::{self, Group};
use super::membership::Progress;
use super::node::Node;
use super::offspring::{self, PREPARERS, RECEIVERS};
use super::volatile::{Mood, Volatile, since_epoch};
use crate::ocf::Deadline;
use crate::sys::cluster;
use crate::sys::process::Process;

/// How often the job looks, and how often it tells.
const LOOKING: Duration = Duration::from_secs(1);
const TELLING: Duration = Duration::from_secs(2);

/// What is over sooner than this is not told.
const WORTH_TELLING: Duration = Duration::from_secs(2);

/// Over how many looks the rate is taken.
const LOOKS: usize = 5;

/// Where only missing write sets are due, the donor sends nothing but their position to the scripts.
const FULL: u64 = 1 << 20;

/// MiB. A copy that needs more than was left ends with about as much.
const HARDLY_ANY: u64 = 16;

/// A state transfer to a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer {
    /// What is going on.
    pub step: Step,
    /// Who gives, by `wsrep_node_name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub donor: Option<String>,
    /// How much has been received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// How much of it in a second, at last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_per_second: Option<u64>,
    /// Since when, in seconds of the epoch.
    pub since: u64,
}

/// What is going on in a transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// The server has no data yet, and its transfer script waits or has little received.
    Requesting,
    /// A full copy comes in.
    Receiving,
    /// It has come, and is made usable.
    Preparing,
    /// The server starts with its data.
    Starting,
    /// Missing write sets come in, or are applied.
    Replaying,
}

impl fmt::Display for Transfer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.step {
            Step::Requesting => "asking for state",
            Step::Receiving => "receiving a full copy",
            Step::Preparing => "preparing the full copy",
            Step::Starting => "starting with its data",
            Step::Replaying => "receiving missing write sets",
        })?;
        if let Some(donor) = self.donor.as_ref().filter(|_| self.step != Step::Starting) {
            write!(f, " from {donor}")?;
        }
        if let (Step::Receiving, Some(bytes)) = (self.step, self.bytes) {
            write!(f, ": {}", Size(bytes))?;
            if let Some(rate) = self.bytes_per_second {
                write!(f, ", {}/s", Size(rate))?;
            }
        }
        Ok(())
    }
}

/// Bytes for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size(pub u64);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = ["KiB", "MiB", "GiB", "TiB"];
        let unit = units.into_iter().enumerate().rev();
        let fits = |power: usize| self.0 >= 1 << (10 * (power + 1));
        let mut unit = unit.filter(|(power, _)| fits(*power));
        let (power, name) = unit.next().unwrap_or((0, "KiB"));
        let tenths = self.0.saturating_mul(10) >> (10 * (power + 1));
        match name {
            "KiB" | "MiB" => write!(f, "{} {name}", tenths / 10),
            _ => write!(f, "{}.{} {name}", tenths / 10, tenths % 10),
        }
    }
}

/// The name of the private attribute that tells of a resource's transfers.
pub fn attribute(resource: &str) -> String {
    format!("{resource}-transfer")
}

/// Follows one transfer to this node.
#[derive(Debug)]
pub struct Meter<'a> {
    node: &'a Node,
    since: u64,
    next_look: Deadline,
    next_word: Deadline,
    received: Option<u64>,
    looks: VecDeque<(Instant, u64)>,
    least_free: Option<u64>,
    last: Option<Step>,
}

impl<'a> Meter<'a> {
    /// Begins with a server that is in the component and does not serve yet.
    pub fn new(node: &'a Node) -> Self {
        Self {
            node,
            since: since_epoch().as_secs(),
            next_look: Deadline::after(Duration::ZERO),
            next_word: Deadline::after(WORTH_TELLING),
            received: None,
            looks: VecDeque::new(),
            least_free: None,
            last: None,
        }
    }

    /// Looks, if it is time to, and tells monitors and the cluster.
    pub fn look(&mut self, server: Process, progress: &Progress) {
        // More often than the rest: a copy that does not fit may end the server before the next look.
        let free = free_mib(&self.node.settings.datadir);
        self.least_free = self.least_free.into_iter().chain(free).min();
        if !self.next_look.passed() {
            return;
        }
        self.next_look = Deadline::after(LOOKING);
        let helpers = offspring::besides(&self.node.resource, server);
        self.count(&helpers);
        let step = step(&names(&helpers), self.received, progress);
        let donor = self.group().donor;
        let transfer = Transfer {
            step,
            donor,
            bytes: self.received,
            bytes_per_second: self.rate().filter(|_| step == Step::Receiving),
            since: self.since,
        };
        let text = transfer.to_string();
        if self.last.replace(step) != Some(step) {
            log::info!("{}: {text}", self.node.name);
        }
        self.node.volatile.set_note(&text, Mood::Well);
        if self.next_word.passed() {
            self.next_word = Deadline::after(TELLING);
            self.tell(&transfer);
        }
    }

    fn count(&mut self, helpers: &[Process]) {
        let receiving = helpers
            .iter()
            .filter(|process| RECEIVERS.contains(&process.program().as_str()));
        let mut written = receiving.filter_map(Process::written).peekable();
        if written.peek().is_none() {
            return; // over: the last count stands
        }
        let bytes = written.sum();
        self.received = Some(bytes);
        self.looks.push_back((Instant::now(), bytes));
        if self.looks.len() > LOOKS {
            self.looks.pop_front();
        }
    }

    fn rate(&self) -> Option<u64> {
        let ((from, before), (to, now)) = (self.looks.front()?, self.looks.back()?);
        let between = to.duration_since(*from).as_millis();
        let more = u128::from(now.checked_sub(*before)?) * 1000;
        u64::try_from(more.checked_div(between)?).ok()
    }

    /// What the server's error log says of its group.
    pub fn group(&self) -> Group {
        donor::read(&self.node.server().log())
    }

    fn tell(&self, transfer: &Transfer) {
        let name = attribute(&self.node.resource);
        let told = serde_json::to_string(transfer).map_err(|error| error.to_string());
        let told = told.and_then(|text| {
            let noted = self.node.volatile.set_transfer_told(true);
            noted.map_err(|error| error.to_string())?;
            cluster::set_private(&name, Some(&text)).map_err(|error| error.to_string())
        });
        if let Err(error) = told {
            log::debug!("nobody hears of the transfer: {error}");
        }
    }

    /// How the transfer ended, if the space for the data did with it.
    pub fn full_disk(&self) -> Option<String> {
        full_disk(
            self.least_free?,
            &self.node.settings.datadir.to_string_lossy(),
        )
    }
}

fn full_disk(free_mib: u64, datadir: &str) -> Option<String> {
    let full = free_mib < HARDLY_ANY;
    full.then(|| format!("the disk is full: {free_mib} MiB left for {datadir}; make room"))
}

fn names(helpers: &[Process]) -> Vec<String> {
    helpers.iter().map(Process::program).collect()
}

fn step(helpers: &[String], received: Option<u64>, progress: &Progress) -> Step {
    let any = |names: &[&str]| helpers.iter().any(|helper| names.contains(&&**helper));
    let full = received.is_some_and(|bytes| bytes >= FULL);
    match progress {
        Progress::Inside(_) | Progress::Serving(_) => Step::Replaying,
        Progress::Silent if helpers.is_empty() => Step::Starting,
        Progress::Silent if full && !any(&RECEIVERS) && any(&PREPARERS) => Step::Preparing,
        Progress::Silent if full => Step::Receiving,
        Progress::Silent | Progress::Outside => Step::Requesting,
    }
}

/// Takes back what was told: there is no transfer to this node any more.
pub fn is_over(volatile: &Volatile, resource: &str) {
    if !volatile.transfer_told() {
        return;
    }
    if let Err(error) = cluster::set_private(&attribute(resource), None) {
        log::warn!("the cluster was not told that the transfer is over: {error}");
    }
    if let Err(error) = volatile.set_transfer_told(false) {
        log::warn!("{error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transfer(step: Step) -> Transfer {
        Transfer {
            step,
            donor: Some("node1".into()),
            bytes: Some(1_288_490_189),
            bytes_per_second: Some(41_943_040),
            since: 0,
        }
    }

    #[test]
    fn a_transfer_is_a_sentence_with_its_donor_and_how_far_it_is() {
        let text = transfer(Step::Receiving).to_string();
        assert_eq!(text, "receiving a full copy from node1: 1.2 GiB, 40 MiB/s");
        let text = transfer(Step::Preparing).to_string();
        assert_eq!(text, "preparing the full copy from node1");
    }

    #[test]
    fn sizes_have_the_largest_unit_that_they_fill() {
        let sizes = [0, 1 << 10, 1 << 20, (1 << 30) - 1, 1 << 30, 3 << 39];
        let texts = sizes.map(|bytes| Size(bytes).to_string());
        let wanted = ["0 KiB", "1 KiB", "1 MiB", "1023 MiB", "1.0 GiB", "1.5 TiB"];
        assert_eq!(texts, wanted);
    }

    #[test]
    fn little_from_the_network_is_no_full_copy() {
        let helpers = ["bash".to_owned(), "rsync".to_owned()];
        let of = |received| step(&helpers, received, &Progress::Silent);
        assert_eq!(of(Some(300)), Step::Requesting);
        assert_eq!(of(Some(FULL)), Step::Receiving);
        assert_eq!(of(None), Step::Requesting);
    }

    #[test]
    fn a_copy_that_has_come_is_prepared_and_then_started_from() {
        let of = |helpers: &[String]| step(helpers, Some(FULL), &Progress::Silent);
        assert_eq!(
            of(&["bash".into(), "mariadb-backup".into()]),
            Step::Preparing
        );
        assert_eq!(of(&[]), Step::Starting);
    }

    #[test]
    fn a_full_disk_is_named_and_one_with_room_is_not() {
        assert!(full_disk(3, "/d").is_some_and(|text| text.contains("3 MiB left for /d")));
        assert_eq!(full_disk(HARDLY_ANY, "/d"), None);
    }
}
