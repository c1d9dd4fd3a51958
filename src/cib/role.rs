//! The role that an operation history amounts to, as Pacemaker's scheduler reads it. Pure.
//!
//! Not followed: the expiry of failures (`failure-timeout` needs the time of day; an expired failure stays in the history until
//! the cluster cleans it up), and the two halves of a live migration: until its stop is recorded, the source counts as running.

use std::cmp::Ordering;

use super::history::{OpRecord, OpStatus};

/// What a resource is on a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Nothing is recorded.
    Unknown,
    /// Not running.
    Stopped,
    /// Running; of a resource that is not promotable.
    Started,
    /// Running, not promoted.
    Unpromoted,
    /// Running and promoted.
    Promoted,
}

/// What the configuration says that bears on the reading of a history.
#[derive(Debug, Clone, Copy)]
pub(super) struct Setting<F> {
    pub promotable: bool,
    pub managed: bool,
    /// What a failure of this operation leads to.
    pub on_fail: F,
}

/// What has been read of a history so far.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading<'a> {
    pub role: Role,
    /// A failure that no later success has cleared.
    pub failing: bool,
    /// The cluster fences the node for one of the failures.
    pub fences: bool,
    last_failure: Option<&'a OpRecord>,
}

/// The order in which operations happened; pending ones come last.
pub(super) fn by_call(a: &OpRecord, b: &OpRecord) -> Ordering {
    let pending = |op: &OpRecord| op.call_id < 0;
    let call = pending(a).cmp(&pending(b)).then(a.call_id.cmp(&b.call_id));
    call.then(a.last_rc_change.cmp(&b.last_rc_change))
}

/// Reads `operations`, which are in order.
pub(super) fn read<'a, F>(operations: &'a [OpRecord], setting: &Setting<F>) -> Reading<'a>
where
    F: Fn(&OpRecord) -> OnFail,
{
    let mut reading = Reading {
        role: Role::Unknown,
        failing: false,
        fences: false,
        last_failure: None,
    };
    for op in operations.iter().filter(|op| bears_on_role(op)) {
        reading.take(op, setting);
    }
    if setting.promotable && reading.role == Role::Started {
        reading.role = Role::Unpromoted;
    }
    reading
}

/// What the cluster does about a failure; only what bears on the reading is told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OnFail {
    Ignore,
    Block,
    Fence,
    Recover,
}

fn bears_on_role(op: &OpRecord) -> bool {
    let tasks = [
        "monitor",
        "start",
        "stop",
        "promote",
        "demote",
        "migrate_to",
        "migrate_from",
        "asyncmon",
    ];
    let result = op.status != OpStatus::Cancelled && op.status != OpStatus::Other(-2) && op.rc >= 0;
    result && tasks.contains(&&*op.operation)
}

impl<'a> Reading<'a> {
    fn take<F: Fn(&OpRecord) -> OnFail>(&mut self, op: &'a OpRecord, setting: &Setting<F>) {
        if op.is_masked_probe() {
            self.role = Role::Stopped;
        } else if op.status == OpStatus::Pending {
            self.pending(op);
        } else if op.failed_as(setting.managed) {
            if matches!(op.effective_rc(), 8 | 9) {
                self.role = Role::Promoted;
            }
            self.fail(op, (setting.on_fail)(op));
        } else {
            self.succeed(op, op.effective_rc());
        }
    }

    fn pending(&mut self, op: &OpRecord) {
        let failed_since = self.last_failure.is_some_and(|failure| {
            let same = failure.operation == op.operation && failure.interval == op.interval;
            same && op.last_rc_change.is_some() && failure.last_rc_change >= op.last_rc_change
        });
        match &*op.operation {
            _ if failed_since => {}
            "start" => self.role = Role::Started,
            "promote" => self.role = Role::Promoted,
            _ => {}
        }
    }

    fn succeed(&mut self, op: &OpRecord, rc: i32) {
        match (&*op.operation, rc) {
            (_, 5 | 7) => self.role = Role::Stopped,
            ("monitor", 8) => self.role = Role::Promoted,
            ("monitor", _) => self.role = self.role.max(Role::Started),
            ("start" | "migrate_from", _) => self.role = Role::Started,
            ("stop", _) => self.role = Role::Stopped,
            ("promote", _) => self.role = Role::Promoted,
            ("demote", _) => self.role = Role::Unpromoted,
            _ => self.role = self.role.max(Role::Started),
        }
        let clears = match &*op.operation {
            _ if rc == 7 => true,
            "monitor" => self
                .last_failure
                .is_some_and(|failure| failure.same_operation(op)),
            "start" | "stop" | "promote" | "migrate_from" => true,
            _ => false,
        };
        self.failing &= self.fences || !clears;
    }

    fn fail(&mut self, op: &'a OpRecord, on_fail: OnFail) {
        if on_fail == OnFail::Ignore {
            return self.succeed(op, op.expected_rc.unwrap_or(0));
        }
        self.last_failure = Some(op);
        self.failing = true;
        self.fences |= on_fail == OnFail::Fence;
        match (&*op.operation, op.rc) {
            ("promote", _) => self.role = Role::Promoted,
            ("demote", _) if on_fail == OnFail::Block => self.role = Role::Promoted,
            ("demote", 7) => self.role = Role::Started,
            ("demote", _) => self.role = Role::Unpromoted,
            _ => {}
        }
        // Even when it is not known to run: a failure has to be cleaned up by a stop.
        self.role = self.role.max(Role::Started);
    }
}
