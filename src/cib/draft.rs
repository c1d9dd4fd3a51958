//! Sets of attributes as read, before references among them are resolved.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use foldhash::fast::RandomState;

use super::attributes::{AttributeSet, Attributes, Pair};
use super::error::CibError;
use super::read::{Element, Text, Xml};
use super::score::Score;

/// Sets that one owner may have; real ones have one or two.
const MAX_SETS: usize = 64;

/// Sets as read: references are resolved when all have been read.
#[derive(Debug, Default)]
pub(super) struct Draft(Vec<SetDraft>);

#[derive(Debug)]
enum SetDraft {
    Here(Arc<AttributeSet>),
    Elsewhere(Text),
}

/// All sets and pairs of the CIB by id, for `id-ref`, and the names that are taken.
#[derive(Debug, Default)]
pub(super) struct Catalog {
    sets: HashMap<Text, Arc<AttributeSet>, RandomState>,
    pairs: HashMap<Text, Pair, RandomState>,
    resources: HashSet<Text, RandomState>,
    nodes: HashSet<Text, RandomState>,
}

impl Catalog {
    /// Resolves the pairs of each set, once for all that refer to it. To be called when all is read.
    pub fn settle(&mut self) {
        for set in self.sets.values_mut() {
            *set = resolve_pairs(set.clone(), &self.pairs);
        }
    }

    /// False when a resource of this id was there before.
    pub fn claim_resource(&mut self, id: &Text) -> bool {
        self.resources.insert(id.clone())
    }

    /// False when a node of this name was there before.
    pub fn claim_node(&mut self, uname: &Text) -> bool {
        self.nodes.insert(uname.clone())
    }
}

impl Draft {
    /// Reads one set into the draft.
    pub fn read(
        &mut self,
        xml: &mut Xml<'_>,
        set: &Element<'_>,
        catalog: &mut Catalog,
    ) -> Result<(), CibError> {
        if self.0.len() == MAX_SETS {
            return Err(xml.refused(
                set.offset,
                &format!("more than {MAX_SETS} sets of attributes"),
            ));
        }
        if let Some(reference) = xml.get(set, "id-ref") {
            self.0.push(SetDraft::Elsewhere(reference));
            return xml.skip();
        }
        let read = Arc::new(read_set(xml, set, catalog)?);
        catalog.sets.insert(read.id.clone(), read.clone());
        self.0.push(SetDraft::Here(read));
        Ok(())
    }

    /// The attributes; a reference to nothing is passed over, as Pacemaker does.
    pub fn resolve(self, catalog: &Catalog) -> Attributes {
        self.resolve_first(catalog, None)
    }

    /// The same; the set with the id `first` is the strongest.
    pub fn resolve_first(self, catalog: &Catalog, first: Option<&str>) -> Attributes {
        let sets = self.0.into_iter().filter_map(|set| match set {
            SetDraft::Here(set) => Some(resolve_pairs(set, &catalog.pairs)),
            SetDraft::Elsewhere(id) => catalog.sets.get(&id).cloned(),
        });
        let sets: Vec<_> = sets.collect();
        Attributes::new(sets.into_iter(), first)
    }
}

/// Fills in the pairs of `set` that are references.
fn resolve_pairs(
    set: Arc<AttributeSet>,
    all: &HashMap<Text, Pair, RandomState>,
) -> Arc<AttributeSet> {
    if set.pairs().iter().all(|pair| !pair.name.is_empty()) {
        return set;
    }
    let resolved = set.pairs().iter().filter_map(|pair| match &*pair.name {
        "" => all.get(&pair.id),
        _ => Some(pair),
    });
    let pairs = resolved.cloned().collect();
    Arc::new(AttributeSet::new(
        set.id.clone(),
        set.score,
        set.conditional,
        pairs,
    ))
}

fn read_set(
    xml: &mut Xml<'_>,
    set: &Element<'_>,
    catalog: &mut Catalog,
) -> Result<AttributeSet, CibError> {
    let id = xml.get(set, "id").unwrap_or_default();
    let score = Score::read(set.get("score").unwrap_or("0"));
    let mut pairs = Vec::new();
    let conditional = read_pairs(xml, &mut pairs, catalog)?;
    Ok(AttributeSet::new(id, score, conditional, pairs))
}

/// Reads the pairs; true when there is a rule beside them.
fn read_pairs(
    xml: &mut Xml<'_>,
    out: &mut Vec<Pair>,
    catalog: &mut Catalog,
) -> Result<bool, CibError> {
    let mut conditional = false;
    while let Some(child) = xml.child()? {
        match child.name {
            // Old CIBs wrap the pairs.
            "attributes" => {
                conditional |= read_pairs(xml, out, catalog)?;
                continue;
            }
            "nvpair" => {
                let pair = read_pair(xml, &child)?;
                if !pair.name.is_empty() && !pair.id.is_empty() {
                    catalog.pairs.insert(pair.id.clone(), pair.clone());
                }
                out.push(pair);
            }
            "rule" => conditional = true,
            _ => {}
        }
        xml.skip()?;
    }
    Ok(conditional)
}

/// A pair; one that refers to another has that one's id, and no name until it is resolved.
fn read_pair(xml: &mut Xml<'_>, pair: &Element<'_>) -> Result<Pair, CibError> {
    if let Some(id) = xml.get(pair, "id-ref") {
        return Ok(Pair {
            id,
            name: Text::default(),
            value: None,
        });
    }
    Ok(Pair {
        id: xml.get(pair, "id").unwrap_or_default(),
        name: xml.need(pair, "name")?,
        value: xml.get(pair, "value"),
    })
}
