//! What a CIB configures, in words that do not depend on the tool that wrote it.

use galera_rs::cib::{Attributes, Cib, Constraint, Operation, Plain, Resource, Rule};

/// One line for each resource and each constraint, sorted.
pub fn lines(cib: &Cib) -> Vec<String> {
    let resources = cib.resources().map(|one| resource(cib, one));
    let constraints = cib.constraints().iter().map(constraint);
    sorted(resources.chain(constraints))
}

fn sorted(lines: impl Iterator<Item = String>) -> Vec<String> {
    let mut lines: Vec<_> = lines.collect();
    lines.sort();
    lines
}

fn resource(cib: &Cib, one: &Resource) -> String {
    let promotable = cib.promotable(&one.id);
    let operations = one.operations();
    let operations = operations.filter(|op| counts(&op.name, promotable));
    format!(
        "{}: {:?} of {:?}, {:?}, meta {:?}, {:?}",
        one.id,
        one.kind,
        one.children,
        pairs(&one.parameters),
        pairs(&one.meta),
        sorted(operations.map(operation))
    )
}

/// Whether every example has to give this operation a time. pcs adds what else the agent has, used or not.
fn counts(operation: &str, promotable: bool) -> bool {
    match operation {
        "start" | "stop" | "monitor" => true,
        "promote" | "demote" => promotable,
        _ => false,
    }
}

fn operation(one: &Operation) -> String {
    format!(
        "{} every {:?} within {:?} as {:?} {:?}",
        one.name,
        one.interval,
        one.timeout,
        one.role,
        pairs(&one.parameters)
    )
}

fn pairs(of: &Attributes) -> Vec<String> {
    sorted(of.iter().map(|(name, value)| format!("{name}={value}")))
}

fn constraint(one: &Constraint) -> String {
    let rules = sorted(one.rules.iter().map(rule));
    let (id, kind) = (&one.id, one.kind);
    format!("{id}: {kind:?} {:?} {rules:?}", said(&one.attributes))
}

fn rule(one: &Rule) -> String {
    let expressions = one.expressions.iter().map(|one| said(one).join(" "));
    format!("{:?} {:?}", said(&one.attributes), sorted(expressions))
}

/// The attributes of an element, without what is so anyway and without names that nothing refers to.
fn said(of: &Plain) -> Vec<String> {
    // What is not said of the second action is so of the first.
    let first = of.get("first-action").unwrap_or("start");
    let told = of.iter().filter(|(name, value)| match *name {
        "id" => false,
        "kind" => *value != "Mandatory",
        "rsc-role" | "with-rsc-role" => *value != "Started",
        "first-action" => *value != "start",
        "then-action" => *value != first,
        "symmetrical" => *value != "true",
        "boolean-op" => *value != "and",
        _ => true,
    });
    sorted(told.map(|(name, value)| format!("{name}={value}")))
}
