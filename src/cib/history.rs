//! What ran: the operation history of each resource on each node.

use std::time::Duration;

use super::error::CibError;
use super::read::{Element, Text, Xml};
use super::role::Role;

/// How an operation ended, apart from what the agent answered. Pacemaker's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpStatus {
    /// -1: running, or its result never arrived.
    Pending,
    /// 0: the agent answered.
    Done,
    /// 1
    Cancelled,
    /// 2: killed, it took too long.
    Timeout,
    /// 3: not supported here.
    NotSupported,
    /// 4: failed.
    Error,
    /// 5: failed, not to be tried on this node again.
    ErrorHard,
    /// 6: failed, not to be tried anywhere.
    ErrorFatal,
    /// 7: the agent is not there.
    NotInstalled,
    /// 8: the executor did not answer.
    NotConnected,
    /// 9: the executor could not run it, for now.
    Invalid,
    /// A number of a newer Pacemaker; -2 where none is recorded.
    Other(i32),
}

impl From<i32> for OpStatus {
    fn from(number: i32) -> Self {
        match number {
            -1 => Self::Pending,
            0 => Self::Done,
            1 => Self::Cancelled,
            2 => Self::Timeout,
            3 => Self::NotSupported,
            4 => Self::Error,
            5 => Self::ErrorHard,
            6 => Self::ErrorFatal,
            7 => Self::NotInstalled,
            8 => Self::NotConnected,
            9 => Self::Invalid,
            other => Self::Other(other),
        }
    }
}

/// One `lrm_rsc_op`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpRecord {
    /// `rsc_last_0`, `rsc_last_failure_0`, `rsc_monitor_10000`, ..
    pub id: Text,
    /// `start`, `monitor`, ..
    pub operation: Text,
    /// How often it recurs; zero: once.
    pub interval: Duration,
    /// The executor's count of calls on that node; -1 while pending.
    pub call_id: i32,
    /// What the agent answered.
    pub rc: i32,
    /// What the cluster expected it to answer, from the transition key.
    pub expected_rc: Option<i32>,
    /// How it ended.
    pub status: OpStatus,
    /// Why it failed, in the agent's words.
    pub exit_reason: Option<Text>,
    /// When the result changed last, seconds of the epoch.
    pub last_rc_change: Option<i64>,
    /// How long it ran.
    pub exec_time: Option<Duration>,
    /// The node it ran on, as recorded.
    pub on_node: Option<Text>,
    /// `status:rc;action:transition:expected-rc:uuid`
    pub transition_magic: Option<Text>,
    /// For migrations: where from.
    pub migrate_source: Option<Text>,
    /// For migrations: where to.
    pub migrate_target: Option<Text>,
}

/// The history of one resource instance on one node: one `lrm_resource`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// The node's name.
    pub node: Text,
    /// As the executor knows it: of an instance of a globally unique clone with its number, `web:0`.
    pub instance: Text,
    /// The resource of the configuration: the instance without its number.
    pub resource: Text,
    /// The guest's or container's resource, for a connection to a guest node.
    pub container: Option<Text>,
    /// Oldest first, pending last.
    pub operations: Vec<OpRecord>,
    pub(super) role: Role,
    pub(super) failing: bool,
}

impl History {
    /// What the operations amount to, whatever became of the node since. See `Cib::role`.
    pub fn role(&self) -> Role {
        self.role
    }

    /// An operation failed, and none since has shown that it is well again.
    pub fn failing(&self) -> bool {
        self.failing
    }

    /// The newest operation.
    pub fn last(&self) -> Option<&OpRecord> {
        self.operations.last()
    }
}

/// The resource of an instance: `web` of `web:0`.
pub(crate) fn without_number(instance: &str) -> &str {
    match instance.rsplit_once(':') {
        Some((resource, number))
            if !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) =>
        {
            resource
        }
        Some(_) | None => instance,
    }
}

/// Reads a node's `lrm` into `out`.
pub(super) fn read_lrm(
    xml: &mut Xml<'_>,
    node: &Text,
    out: &mut Vec<History>,
) -> Result<(), CibError> {
    while let Some(child) = xml.child()? {
        match child.name {
            "lrm_resources" => read_lrm(xml, node, out)?,
            "lrm_resource" => out.push(read_history(xml, &child, node)?),
            _ => xml.skip()?,
        }
    }
    Ok(())
}

fn read_history(
    xml: &mut Xml<'_>,
    element: &Element<'_>,
    node: &Text,
) -> Result<History, CibError> {
    let instance = xml.need(element, "id")?;
    let mut history = History {
        node: node.clone(),
        resource: xml.text(without_number(&instance)),
        instance,
        container: xml.get(element, "container"),
        operations: Vec::new(),
        role: Role::Unknown,
        failing: false,
    };
    while let Some(child) = xml.child()? {
        if child.name == "lrm_rsc_op" {
            history.operations.push(read_operation(xml, &child)?);
        }
        xml.skip()?;
    }
    history.operations.sort_by(super::role::by_call);
    Ok(history)
}

fn read_operation(xml: &mut Xml<'_>, op: &Element<'_>) -> Result<OpRecord, CibError> {
    let transition_key = op.get("transition-key");
    let milliseconds = |value: Option<u64>| value.map(Duration::from_millis);
    Ok(OpRecord {
        id: xml.get(op, "id").unwrap_or_default(),
        operation: xml.need(op, "operation")?,
        interval: milliseconds(xml.number(op, "interval")?).unwrap_or_default(),
        call_id: xml.number(op, "call-id")?.unwrap_or(-1),
        rc: xml.number(op, "rc-code")?.unwrap_or(-1),
        expected_rc: transition_key.and_then(expected_rc),
        status: OpStatus::from(xml.number(op, "op-status")?.unwrap_or(-2)),
        exit_reason: xml
            .get(op, "exit-reason")
            .filter(|reason| !reason.is_empty()),
        last_rc_change: xml.number(op, "last-rc-change")?,
        exec_time: milliseconds(xml.number(op, "exec-time")?),
        on_node: xml.get(op, "on_node"),
        transition_magic: xml.get_unshared(op, "transition-magic"),
        migrate_source: xml.get(op, "migrate_source"),
        migrate_target: xml.get(op, "migrate_target"),
    })
}

/// The third part of `action:transition:expected-rc:uuid`.
fn expected_rc(key: &str) -> Option<i32> {
    key.split(':').nth(2)?.parse().ok()
}
