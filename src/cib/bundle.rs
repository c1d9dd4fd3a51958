//! Bundles: containers that hold a resource each.

use super::error::CibError;
use super::read::{Element, Text, Xml};

/// The attributes of an element, kept as written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plain(Vec<(Text, Text)>);

impl Plain {
    /// The value of an attribute.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value)
    }

    /// All of them, in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }

    pub(super) fn read(xml: &mut Xml<'_>, element: &Element<'_>) -> Self {
        let read = element
            .attributes()
            .map(|(name, value)| (xml.text(name), xml.text(value)));
        Self(read.collect())
    }
}

/// What is particular to a bundle.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bundle {
    /// `docker`, `podman` or `rkt`.
    pub technology: Text,
    /// The attributes of that element: `image`, `replicas`, `promoted-max`, ..
    pub container: Plain,
    /// The attributes of `network`: `ip-range-start`, `control-port`, ..
    pub network: Plain,
    /// Each `port-mapping`.
    pub ports: Vec<Plain>,
    /// Each `storage-mapping`.
    pub storage: Vec<Plain>,
}

impl Bundle {
    /// How many containers.
    pub fn replicas(&self) -> u32 {
        let said = self
            .container
            .get("replicas")
            .and_then(|text| text.parse().ok());
        said.or_else(|| Some(self.promoted_max()).filter(|&max| max > 0))
            .unwrap_or(1)
    }

    /// How many of them may be promoted; 0: none.
    pub fn promoted_max(&self) -> u32 {
        let said = self
            .container
            .get("promoted-max")
            .or_else(|| self.container.get("masters"));
        said.and_then(|text| text.parse().ok()).unwrap_or(0)
    }

    /// Reads a child of the bundle that is no resource.
    pub(super) fn read_part(
        &mut self,
        xml: &mut Xml<'_>,
        child: &Element<'_>,
    ) -> Result<(), CibError> {
        match child.name {
            "docker" | "podman" | "rkt" => {
                self.technology = xml.text(child.name);
                self.container = Plain::read(xml, child);
                xml.skip()
            }
            "network" => {
                self.network = Plain::read(xml, child);
                read_mappings(xml, "port-mapping", &mut self.ports)
            }
            "storage" => read_mappings(xml, "storage-mapping", &mut self.storage),
            _ => xml.skip(),
        }
    }
}

fn read_mappings(xml: &mut Xml<'_>, name: &str, out: &mut Vec<Plain>) -> Result<(), CibError> {
    while let Some(child) = xml.child()? {
        if child.name == name {
            out.push(Plain::read(xml, &child));
        }
        xml.skip()?;
    }
    Ok(())
}
