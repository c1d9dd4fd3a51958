//! Failures: operations that did not end as expected, and how often that happened.

use std::collections::BTreeMap;
use std::time::Duration;

use super::history::{OpRecord, OpStatus, without_number};
use super::node::Node;
use super::read::Text;
use super::score::Score;

/// A failed operation that is still on record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failure<'a> {
    /// The node's name.
    pub node: &'a str,
    /// The resource, with the instance's number where it has one.
    pub instance: &'a str,
    /// The operation.
    pub record: &'a OpRecord,
}

/// How often an operation failed on a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailCount {
    /// The resource, with the instance's number where it has one.
    pub instance: Text,
    /// The operation; `None` in the attributes of old versions.
    pub operation: Option<Text>,
    /// Its interval.
    pub interval: Duration,
    /// How often; infinity: never again.
    pub count: Score,
    /// When last, seconds of the epoch.
    pub last: Option<i64>,
}

impl OpRecord {
    /// A look whether the resource runs, before the cluster knows.
    pub fn is_probe(&self) -> bool {
        &*self.operation == "monitor" && self.interval.is_zero()
    }

    /// It ended otherwise than the cluster expected; a probe that finds it running or not is no failure. Whether the resource is
    /// managed is not looked at: see `Cib::failures`.
    pub fn failed(&self) -> bool {
        !self.is_masked_probe() && self.failed_as(true)
    }

    /// It runs, but not as it should (190, 191): no failure.
    pub fn degraded(&self) -> bool {
        matches!(self.rc, 190 | 191)
    }

    /// The agent's answer, with "running, but degraded" (190, 191) taken as running.
    pub(super) fn effective_rc(&self) -> i32 {
        match self.rc {
            190 => 0,
            191 => 8,
            rc => rc,
        }
    }

    /// A probe that found no agent, or one that does not take the parameters: the resource cannot run there.
    pub(super) fn is_masked_probe(&self) -> bool {
        self.is_probe() && (matches!(self.rc, 2 | 5) || self.status == OpStatus::NotInstalled)
    }

    /// The same as `failed`; an unmanaged resource may stop without failing.
    pub(super) fn failed_as(&self, managed: bool) -> bool {
        let rc = self.effective_rc();
        match self.status {
            OpStatus::Pending | OpStatus::Cancelled => false,
            OpStatus::Done | OpStatus::Error => match rc {
                0 | 8 => self.expected_rc != Some(rc) && !self.is_probe(),
                7 => self.expected_rc != Some(rc) && !self.is_probe() && managed,
                2..=6 | 9 => true,
                _ => self.expected_rc != Some(rc),
            },
            OpStatus::Timeout
            | OpStatus::NotSupported
            | OpStatus::ErrorHard
            | OpStatus::ErrorFatal
            | OpStatus::NotInstalled
            | OpStatus::NotConnected
            | OpStatus::Invalid
            | OpStatus::Other(_) => true,
        }
    }

    /// Is this the same operation, as the executor counts?
    pub(super) fn same_operation(&self, other: &Self) -> bool {
        self.operation == other.operation && self.interval == other.interval
    }
}

/// The fail counts among a node's transient attributes, by resource without instance number.
pub(super) fn fail_counts(node: &Node) -> BTreeMap<Text, Vec<FailCount>> {
    let mut counts: BTreeMap<Text, Vec<FailCount>> = BTreeMap::new();
    for (name, value) in node.transient.iter() {
        let Some(key) = name.strip_prefix("fail-count-") else {
            continue;
        };
        let (instance, operation, interval) = split(key);
        let last = node.transient.get(&format!("last-failure-{key}"));
        counts
            .entry(without_number(instance).into())
            .or_default()
            .push(FailCount {
                instance: instance.into(),
                operation: operation.map(Text::from),
                interval,
                count: Score::read(value),
                last: last.and_then(|time| time.parse().ok()),
            });
    }
    counts
}

/// `resource#operation_interval`
fn split(key: &str) -> (&str, Option<&str>, Duration) {
    let parts = key.rsplit_once('#').and_then(|(resource, operation)| {
        let (operation, interval) = operation.rsplit_once('_')?;
        Some((
            resource,
            Some(operation),
            Duration::from_millis(interval.parse().ok()?),
        ))
    });
    parts.unwrap_or((key, None, Duration::ZERO))
}
