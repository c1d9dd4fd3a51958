//! From the elements to the parts of the snapshot, in one pass.

use super::constraint::read_references;
use super::draft::{Catalog, Draft};
use super::error::CibError;
use super::header::Header;
use super::history::{History, read_lrm};
use super::node::{Membership, NodeDraft, read_membership, read_node};
use super::read::{Element, Text, Xml};
use super::resource::{ResourceDraft, is_resource, read_resource};
use super::{Cib, resolve};

/// What has been read and not been put together yet.
#[derive(Debug, Default)]
struct Reading {
    cib: Cib,
    catalog: Catalog,
    options: Draft,
    rsc_defaults: Draft,
    op_defaults: Draft,
    nodes: Vec<NodeDraft>,
    states: Vec<State>,
    resources: Vec<ResourceDraft>,
    templates: Vec<ResourceDraft>,
    histories: Vec<History>,
}

/// A `node_state` as read.
#[derive(Debug)]
pub(super) struct State {
    pub id: Text,
    pub uname: Text,
    pub membership: Membership,
    pub transient: Draft,
}

/// Reads a whole document.
pub(super) fn parse(input: &[u8]) -> Result<Cib, CibError> {
    let mut xml = Xml::new(input)?;
    let mut reading = Reading::default();
    let Some(root) = xml.child()? else {
        return Err(xml.not_a_cib(input.len(), "nothing"));
    };
    if root.name != "cib" {
        return Err(xml.not_a_cib(root.offset, root.name));
    }
    reading.cib.header = Header::read(&mut xml, &root)?;
    while let Some(child) = xml.child()? {
        match child.name {
            "configuration" => reading.configuration(&mut xml)?,
            "status" => reading.status(&mut xml)?,
            _ => xml.skip()?,
        }
    }
    if let Some(second) = xml.child()? {
        return Err(xml.second_root(&second));
    }
    reading.finish(&xml)
}

impl Reading {
    fn configuration(&mut self, xml: &mut Xml<'_>) -> Result<(), CibError> {
        while let Some(child) = xml.child()? {
            match child.name {
                "crm_config" => read_sets(
                    xml,
                    "cluster_property_set",
                    &mut self.options,
                    &mut self.catalog,
                )?,
                "rsc_defaults" => read_sets(
                    xml,
                    "meta_attributes",
                    &mut self.rsc_defaults,
                    &mut self.catalog,
                )?,
                "op_defaults" => read_sets(
                    xml,
                    "meta_attributes",
                    &mut self.op_defaults,
                    &mut self.catalog,
                )?,
                "nodes" => self.nodes(xml)?,
                "resources" => self.resources(xml)?,
                "constraints" => self.cib.constraints.read(xml)?,
                "tags" => self.tags(xml)?,
                _ => xml.skip()?,
            }
        }
        Ok(())
    }

    fn nodes(&mut self, xml: &mut Xml<'_>) -> Result<(), CibError> {
        while let Some(child) = xml.child()? {
            match child.name {
                "node" => self.nodes.push(read_node(xml, &child, &mut self.catalog)?),
                _ => xml.skip()?,
            }
        }
        Ok(())
    }

    fn resources(&mut self, xml: &mut Xml<'_>) -> Result<(), CibError> {
        while let Some(child) = xml.child()? {
            let out = match child.name {
                "template" => &mut self.templates,
                name if is_resource(name) => &mut self.resources,
                _ => {
                    xml.skip()?;
                    continue;
                }
            };
            read_resource(xml, &child, None, &mut self.catalog, out)?;
        }
        Ok(())
    }

    fn tags(&mut self, xml: &mut Xml<'_>) -> Result<(), CibError> {
        while let Some(child) = xml.child()? {
            match child.name {
                "tag" => {
                    let id = xml.need(&child, "id")?;
                    let references = read_references(xml, "obj_ref")?;
                    self.cib.tags.insert(id, references);
                }
                _ => xml.skip()?,
            }
        }
        Ok(())
    }

    fn status(&mut self, xml: &mut Xml<'_>) -> Result<(), CibError> {
        while let Some(child) = xml.child()? {
            match child.name {
                "node_state" => self.node_state(xml, &child)?,
                _ => xml.skip()?,
            }
        }
        Ok(())
    }

    fn node_state(&mut self, xml: &mut Xml<'_>, element: &Element<'_>) -> Result<(), CibError> {
        let id = xml.need(element, "id")?;
        let uname = xml.get(element, "uname").unwrap_or_else(|| id.clone());
        let membership = read_membership(xml, element);
        let mut state = State {
            id,
            uname,
            membership,
            transient: Draft::default(),
        };
        while let Some(child) = xml.child()? {
            match child.name {
                "transient_attributes" => {
                    read_sets(
                        xml,
                        "instance_attributes",
                        &mut state.transient,
                        &mut self.catalog,
                    )?;
                }
                "lrm" => read_lrm(xml, &state.uname, &mut self.histories)?,
                _ => xml.skip()?,
            }
        }
        self.states.push(state);
        Ok(())
    }

    fn finish(mut self, xml: &Xml<'_>) -> Result<Cib, CibError> {
        self.catalog.settle();
        let bootstrap = Some("cib-bootstrap-options");
        self.cib.options = self.options.resolve_first(&self.catalog, bootstrap);
        self.cib.rsc_defaults = self.rsc_defaults.resolve(&self.catalog);
        self.cib.op_defaults = self.op_defaults.resolve(&self.catalog);
        self.cib.templates = resolve::by_id(self.templates, &self.catalog);
        self.cib.resources = resolve::by_id(self.resources, &self.catalog);
        if !resolve::apply_templates(&mut self.cib) {
            return Err(xml.refused(0, "a multitude of references to large templates"));
        }
        resolve::add_nodes(&mut self.cib, self.nodes, self.states, &self.catalog);
        resolve::judge(&mut self.cib, self.histories);
        Ok(self.cib)
    }
}

fn read_sets(
    xml: &mut Xml<'_>,
    name: &str,
    draft: &mut Draft,
    catalog: &mut Catalog,
) -> Result<(), CibError> {
    while let Some(child) = xml.child()? {
        match child.name == name {
            true => draft.read(xml, &child, catalog)?,
            false => xml.skip()?,
        }
    }
    Ok(())
}
