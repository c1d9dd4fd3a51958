//! Operations as configured, and how Pacemaker writes times.

use std::time::Duration;

use super::attributes::Attributes;
use super::draft::{Catalog, Draft};
use super::error::CibError;
use super::read::{Element, Text, Xml};

/// One `op` of a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// Its XML id.
    pub id: Text,
    /// `monitor`, `start`, ..
    pub name: Text,
    /// How often it recurs; zero: when needed.
    pub interval: Duration,
    /// How long it may take, if it says so.
    pub timeout: Option<Duration>,
    /// The role it is for, in today's words.
    pub role: Option<Text>,
    /// What its failure leads to.
    pub on_fail: Option<Text>,
    /// False when it is turned off.
    pub enabled: bool,
    /// What it passes to the agent, `OCF_CHECK_LEVEL` among them.
    pub parameters: Attributes,
    /// Settings given as meta attributes.
    pub meta: Attributes,
}

/// An operation as read.
#[derive(Debug)]
pub(super) struct OperationDraft {
    id: Text,
    name: Text,
    own: Own,
    parameters: Draft,
    meta: Draft,
}

/// What stands in the `op` element itself.
#[derive(Debug)]
struct Own {
    interval: Option<Text>,
    timeout: Option<Text>,
    role: Option<Text>,
    on_fail: Option<Text>,
    enabled: Option<Text>,
}

impl OperationDraft {
    pub fn resolve(self, catalog: &Catalog) -> Operation {
        let meta = self.meta.resolve(catalog);
        let either = |own: Option<Text>, name| own.or_else(|| meta.get(name).map(Text::from));
        let interval = either(self.own.interval, "interval");
        let timeout = either(self.own.timeout, "timeout");
        let role = either(self.own.role, "role");
        let enabled = either(self.own.enabled, "enabled");
        Operation {
            id: self.id,
            name: self.name,
            interval: interval
                .and_then(|text| read_duration(&text))
                .unwrap_or_default(),
            timeout: timeout.and_then(|text| read_duration(&text)),
            role: role.map(|role| Text::from(modern_role(&role))),
            on_fail: either(self.own.on_fail, "on-fail"),
            enabled: enabled.is_none_or(|text| super::node::is_true(&text)),
            parameters: self.parameters.resolve(catalog),
            meta,
        }
    }
}

/// Reads the children of `operations` into `out`.
pub(super) fn read_operations(
    xml: &mut Xml<'_>,
    catalog: &mut Catalog,
    out: &mut Vec<OperationDraft>,
) -> Result<(), CibError> {
    while let Some(child) = xml.child()? {
        match child.name {
            "op" => out.push(read_operation(xml, &child, catalog)?),
            _ => xml.skip()?,
        }
    }
    Ok(())
}

fn read_operation(
    xml: &mut Xml<'_>,
    op: &Element<'_>,
    catalog: &mut Catalog,
) -> Result<OperationDraft, CibError> {
    let own = Own {
        interval: xml.get(op, "interval"),
        timeout: xml.get(op, "timeout"),
        role: xml.get(op, "role"),
        on_fail: xml.get(op, "on-fail"),
        enabled: xml.get(op, "enabled"),
    };
    let mut draft = OperationDraft {
        id: xml.get(op, "id").unwrap_or_default(),
        name: xml.need(op, "name")?,
        own,
        parameters: Draft::default(),
        meta: Draft::default(),
    };
    while let Some(child) = xml.child()? {
        match child.name {
            "instance_attributes" => draft.parameters.read(xml, &child, catalog)?,
            "meta_attributes" => draft.meta.read(xml, &child, catalog)?,
            _ => xml.skip()?,
        }
    }
    Ok(draft)
}

/// Today's word for a role.
fn modern_role(role: &str) -> &str {
    match role {
        "Master" => "Promoted",
        "Slave" => "Unpromoted",
        other => other,
    }
}

/// Reads a time as Pacemaker writes it: `20` and `20s` are seconds, also `500ms`, `10us`, `2m`, `1h`, and ISO 8601 like `PT1M30S`.
pub fn read_duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    if let Some(iso) = text.strip_prefix('P') {
        return read_iso_duration(iso);
    }
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let number: u64 = text[..end].parse().ok()?;
    match text[end..].trim() {
        "" | "s" | "sec" => Some(Duration::from_secs(number)),
        "ms" | "msec" => Some(Duration::from_millis(number)),
        "us" | "usec" => Some(Duration::from_micros(number)),
        "m" | "min" => number.checked_mul(60).map(Duration::from_secs),
        "h" | "hr" => number.checked_mul(3600).map(Duration::from_secs),
        _ => None,
    }
}

/// What follows the `P`. Months and years have no fixed length: not taken.
fn read_iso_duration(text: &str) -> Option<Duration> {
    let (days, times) = text.split_once('T').unwrap_or((text, ""));
    let parts = [
        (days, 'W', 604_800),
        (days, 'D', 86_400),
        (times, 'H', 3600),
        (times, 'M', 60),
        (times, 'S', 1),
    ];
    let mut seconds = 0_u64;
    for (part, unit, size) in parts {
        let Some(end) = part.find(unit) else { continue };
        let start = part[..end]
            .rfind(|c: char| !c.is_ascii_digit())
            .map_or(0, |at| at + 1);
        let number: u64 = part[start..end].parse().ok()?;
        seconds = seconds.checked_add(number.checked_mul(size)?)?;
    }
    Some(Duration::from_secs(seconds))
}
