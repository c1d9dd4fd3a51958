//! Constraints, kept close to what is written.

use std::collections::BTreeMap;

use super::bundle::Plain;
use super::error::CibError;
use super::read::{Element, Text, Xml};
use super::score::Score;

/// What a constraint is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConstraintKind {
    /// Where a resource may run.
    Location,
    /// What runs beside what.
    Colocation,
    /// What comes before what.
    Order,
    /// What needs a ticket.
    Ticket,
}

/// One constraint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Constraint {
    /// Its XML id.
    pub id: Text,
    /// What it is about.
    pub kind: ConstraintKind,
    /// Its attributes as written: `rsc`, `node`, `with-rsc`, `first`, `then-action`, `kind`, `ticket`, ..
    pub attributes: Plain,
    /// Its score; 0 when none is written.
    pub score: Score,
    /// Its resource sets, in their order.
    pub sets: Vec<ResourceSet>,
    /// Its rules. They are not evaluated.
    pub rules: Vec<Rule>,
}

/// A `resource_set` of a constraint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceSet {
    /// Its attributes as written: `sequential`, `role`, `action`, ..
    pub attributes: Plain,
    /// The resources, in their order.
    pub resources: Vec<Text>,
}

/// A rule, coarse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its attributes as written: `score`, `role`, `boolean-op`, ..
    pub attributes: Plain,
    /// The attributes of each expression directly inside, of whatever kind.
    pub expressions: Vec<Plain>,
}

impl Constraint {
    /// The resources it names, once each mention.
    pub fn resources(&self) -> impl Iterator<Item = &str> {
        let named = ["rsc", "with-rsc", "first", "then"].into_iter();
        let single = named.filter_map(|name| self.attributes.get(name));
        single.chain(
            self.sets
                .iter()
                .flat_map(|set| set.resources.iter().map(|id| &**id)),
        )
    }
}

/// All constraints.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Constraints {
    all: Vec<Constraint>,
    /// Places in `all`, by the resource named.
    by_resource: BTreeMap<Text, Vec<usize>>,
}

impl Constraints {
    /// All, in their order.
    pub fn iter(&self) -> impl Iterator<Item = &Constraint> {
        self.all.iter()
    }

    /// Those that name `resource` itself, not its group, clone, template or tag, nor by pattern.
    pub fn of(&self, resource: &str) -> impl Iterator<Item = &Constraint> {
        let places = self
            .by_resource
            .get(resource)
            .map_or(&[][..], Vec::as_slice);
        places.iter().filter_map(|&place| self.all.get(place))
    }

    /// Reads the children of `constraints`.
    pub(super) fn read(&mut self, xml: &mut Xml<'_>) -> Result<(), CibError> {
        while let Some(child) = xml.child()? {
            let kind = match child.name {
                "rsc_location" => ConstraintKind::Location,
                "rsc_colocation" => ConstraintKind::Colocation,
                "rsc_order" => ConstraintKind::Order,
                "rsc_ticket" => ConstraintKind::Ticket,
                _ => {
                    xml.skip()?;
                    continue;
                }
            };
            let constraint = read_constraint(xml, &child, kind)?;
            self.push(xml, constraint);
        }
        Ok(())
    }

    fn push(&mut self, xml: &mut Xml<'_>, constraint: Constraint) {
        let place = self.all.len();
        for resource in constraint.resources() {
            let places = self.by_resource.entry(xml.text(resource)).or_default();
            if places.last() != Some(&place) {
                places.push(place);
            }
        }
        self.all.push(constraint);
    }
}

fn read_constraint(
    xml: &mut Xml<'_>,
    element: &Element<'_>,
    kind: ConstraintKind,
) -> Result<Constraint, CibError> {
    let mut constraint = Constraint {
        id: xml.get(element, "id").unwrap_or_default(),
        kind,
        attributes: Plain::read(xml, element),
        score: Score::read(element.get("score").unwrap_or("0")),
        sets: Vec::new(),
        rules: Vec::new(),
    };
    while let Some(child) = xml.child()? {
        match child.name {
            "resource_set" => {
                let attributes = Plain::read(xml, &child);
                let resources = read_references(xml, "resource_ref")?;
                constraint.sets.push(ResourceSet {
                    attributes,
                    resources,
                });
            }
            "rule" => constraint.rules.push(read_rule(xml, &child)?),
            _ => xml.skip()?,
        }
    }
    Ok(constraint)
}

fn read_rule(xml: &mut Xml<'_>, element: &Element<'_>) -> Result<Rule, CibError> {
    let mut rule = Rule {
        attributes: Plain::read(xml, element),
        expressions: Vec::new(),
    };
    while let Some(child) = xml.child()? {
        if child.name != "rule" {
            rule.expressions.push(Plain::read(xml, &child));
        }
        xml.skip()?;
    }
    Ok(rule)
}

/// Reads the ids of the children called `name`.
pub(super) fn read_references(xml: &mut Xml<'_>, name: &str) -> Result<Vec<Text>, CibError> {
    let mut ids = Vec::new();
    while let Some(child) = xml.child()? {
        if child.name == name {
            ids.push(xml.need(&child, "id")?);
        }
        xml.skip()?;
    }
    Ok(ids)
}
