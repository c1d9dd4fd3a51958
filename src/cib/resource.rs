//! Resources as configured: primitives and what holds them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::attributes::Attributes;
use super::bundle::Bundle;
use super::draft::{Catalog, Draft};
use super::error::CibError;
use super::operation::{Operation, OperationDraft, read_operations};
use super::read::{Element, Text, Xml};

/// What kind of resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// An agent's instance.
    Primitive(Agent),
    /// Primitives that stay together.
    Group,
    /// Copies of a primitive or group; also the old `master` element.
    Clone,
    /// Containers.
    Bundle(Box<Bundle>),
}

/// Which program runs a primitive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    /// `ocf`, `systemd`, `stonith`, ..
    pub class: Text,
    /// `heartbeat`, .. Only OCF has providers.
    pub provider: Option<Text>,
    /// `galera`, ..
    pub name: Text,
}

/// One resource, or a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// Its id.
    pub id: Text,
    /// What it is.
    pub kind: Kind,
    /// Written with the old `master` element: promotable without saying so.
    pub old_master: bool,
    /// The group, clone or bundle around it.
    pub parent: Option<Text>,
    /// The resources directly inside, in their order.
    pub children: Vec<Text>,
    /// The template it takes the rest from.
    pub template: Option<Text>,
    /// Its agent's parameters, the template's included.
    pub parameters: Attributes,
    /// Its own meta attributes, the template's included. See `Cib::meta` for those that hold.
    pub meta: Attributes,
    /// By name, interval and id: two of one name and interval are an error of whoever configured them, and both are kept.
    operations: BTreeMap<(Text, Duration, Text), Arc<Operation>>,
}

impl Resource {
    /// The agent of a primitive.
    pub fn agent(&self) -> Option<&Agent> {
        match &self.kind {
            Kind::Primitive(agent) => Some(agent),
            Kind::Group | Kind::Clone | Kind::Bundle(_) => None,
        }
    }

    /// The containers of a bundle.
    pub fn bundle(&self) -> Option<&Bundle> {
        match &self.kind {
            Kind::Bundle(bundle) => Some(bundle),
            Kind::Primitive(_) | Kind::Group | Kind::Clone => None,
        }
    }

    /// Its operations, the template's included, by name and interval.
    pub fn operations(&self) -> impl Iterator<Item = &Operation> {
        self.operations.values().map(|operation| &**operation)
    }

    /// The operation of this name with the shortest interval.
    pub fn operation(&self, name: &str) -> Option<&Operation> {
        let from = (Text::from(name), Duration::ZERO, Text::from(""));
        let (key, operation) = self.operations.range(from..).next()?;
        (&*key.0 == name).then_some(&**operation)
    }

    /// The operation of this name and interval.
    pub(super) fn operation_every(&self, name: &Text, interval: Duration) -> Option<&Operation> {
        let from = (name.clone(), interval, Text::from(""));
        let (key, operation) = self.operations.range(from..).next()?;
        (key.0 == *name && key.1 == interval).then_some(&**operation)
    }

    /// How much a primitive takes over from this template.
    pub(super) fn weight(&self) -> usize {
        self.parameters.len() + self.meta.len() + self.operations.len()
    }

    /// Takes from its template what it does not say itself.
    pub(super) fn inherit(&mut self, template: &Self) {
        self.parameters = self.parameters.over(&template.parameters);
        self.meta = self.meta.over(&template.meta);
        let added = template.operations.iter();
        let added = added
            .filter(|((name, interval, _), _)| self.operation_every(name, *interval).is_none());
        let added: Vec<_> = added.map(|(key, one)| (key.clone(), one.clone())).collect();
        self.operations.extend(added);
        if let (Kind::Primitive(own), Kind::Primitive(agent)) = (&mut self.kind, &template.kind) {
            own.clone_from(agent);
        }
    }
}

/// A resource as read.
#[derive(Debug)]
pub(super) struct ResourceDraft {
    resource: Resource,
    parameters: Draft,
    meta: Draft,
    operations: Vec<OperationDraft>,
}

impl ResourceDraft {
    pub fn resolve(self, catalog: &Catalog) -> Resource {
        let operations = self.operations.into_iter().map(|draft| {
            let operation = draft.resolve(catalog);
            let key = (
                operation.name.clone(),
                operation.interval,
                operation.id.clone(),
            );
            (key, Arc::new(operation))
        });
        Resource {
            operations: operations.collect(),
            parameters: self.parameters.resolve(catalog),
            meta: self.meta.resolve(catalog),
            ..self.resource
        }
    }

    /// What tells it apart from the others.
    pub fn id(&self) -> &Text {
        &self.resource.id
    }
}

/// Is this the element of a resource or template?
pub(super) fn is_resource(name: &str) -> bool {
    matches!(
        name,
        "primitive" | "template" | "group" | "clone" | "master" | "bundle"
    )
}

/// Reads a resource and, into `out`, those inside it.
pub(super) fn read_resource(
    xml: &mut Xml<'_>,
    element: &Element<'_>,
    parent: Option<&Text>,
    catalog: &mut Catalog,
    out: &mut Vec<ResourceDraft>,
) -> Result<Text, CibError> {
    let id = xml.need(element, "id")?;
    if !catalog.claim_resource(&id) {
        return Err(xml.duplicate(element, &id));
    }
    let mut draft = ResourceDraft {
        resource: Resource {
            id: id.clone(),
            kind: read_kind(xml, element),
            old_master: element.name == "master",
            parent: parent.cloned(),
            children: Vec::new(),
            template: xml.get(element, "template"),
            parameters: Attributes::default(),
            meta: Attributes::default(),
            operations: BTreeMap::new(),
        },
        parameters: Draft::default(),
        meta: Draft::default(),
        operations: Vec::new(),
    };
    while let Some(child) = xml.child()? {
        match child.name {
            "instance_attributes" => draft.parameters.read(xml, &child, catalog)?,
            "meta_attributes" => draft.meta.read(xml, &child, catalog)?,
            "operations" => read_operations(xml, catalog, &mut draft.operations)?,
            name if is_resource(name) => {
                let inside = read_resource(xml, &child, Some(&id), catalog, out)?;
                draft.resource.children.push(inside);
            }
            _ => match &mut draft.resource.kind {
                Kind::Bundle(bundle) => bundle.read_part(xml, &child)?,
                Kind::Primitive(_) | Kind::Group | Kind::Clone => xml.skip()?,
            },
        }
    }
    out.push(draft);
    Ok(id)
}

fn read_kind(xml: &mut Xml<'_>, element: &Element<'_>) -> Kind {
    match element.name {
        "group" => Kind::Group,
        "clone" | "master" => Kind::Clone,
        "bundle" => Kind::Bundle(Box::default()),
        // A primitive with a template names no agent: it comes from there.
        _ => Kind::Primitive(Agent {
            class: xml.get(element, "class").unwrap_or_default(),
            provider: xml.get(element, "provider"),
            name: xml.get(element, "type").unwrap_or_default(),
        }),
    }
}
