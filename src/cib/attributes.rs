//! Sets of name/value pairs, and which one wins.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::read::Text;
use super::score::Score;

/// One `nvpair`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// Its XML id; of the pair it refers to, when it is an `id-ref`.
    pub id: Text,
    /// Its name.
    pub name: Text,
    /// Its value; `None` when the pair has none, which unsets a lower one.
    pub value: Option<Text>,
}

/// One block of pairs: `cluster_property_set`, `instance_attributes`, `meta_attributes`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributeSet {
    /// Its XML id.
    pub id: Text,
    /// Sets of higher score win.
    pub score: Score,
    /// It has a rule. Rules are not evaluated: its pairs are listed here, and never win.
    pub conditional: bool,
    pairs: Vec<Pair>,
    /// Places in `pairs`: of two pairs of one name the first holds.
    by_name: BTreeMap<Text, usize>,
}

impl AttributeSet {
    pub(super) fn new(id: Text, score: Score, conditional: bool, pairs: Vec<Pair>) -> Self {
        let mut by_name = BTreeMap::new();
        for (place, pair) in pairs.iter().enumerate() {
            by_name.entry(pair.name.clone()).or_insert(place);
        }
        Self {
            id,
            score,
            conditional,
            pairs,
            by_name,
        }
    }

    /// Its pairs, as written.
    pub fn pairs(&self) -> &[Pair] {
        &self.pairs
    }

    /// The pair of this name.
    pub fn pair(&self, name: &str) -> Option<&Pair> {
        self.pairs.get(*self.by_name.get(name)?)
    }

    /// The value of `name` in this set alone.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.pair(name)?.value.as_deref()
    }
}

/// All sets of one owner. Of equal scores the set that is written last wins, as in Pacemaker.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attributes {
    /// The strongest first. Shared by all that refer to them.
    sets: Vec<Arc<AttributeSet>>,
}

impl Attributes {
    /// The value that holds.
    pub fn get(&self, name: &str) -> Option<&str> {
        let pair = self.unconditional().find_map(|set| set.pair(name))?;
        pair.value.as_deref()
    }

    /// Every name with the value that holds, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut values = BTreeMap::new();
        for name in self.unconditional().flat_map(|set| set.by_name.keys()) {
            values.entry(&**name).or_insert_with(|| self.get(name));
        }
        values
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
    }

    /// The sets, the strongest first.
    pub fn sets(&self) -> impl Iterator<Item = &AttributeSet> {
        self.sets.iter().map(|set| &**set)
    }

    /// The set with this XML id.
    pub fn set(&self, id: &str) -> Option<&AttributeSet> {
        self.sets().find(|set| &*set.id == id)
    }

    /// No set at all.
    pub fn is_empty(&self) -> bool {
        self.sets.is_empty()
    }

    /// The attributes of these sets, in the order in which they were written; the one with the id `first` is the strongest.
    pub(super) fn new(
        sets: impl DoubleEndedIterator<Item = Arc<AttributeSet>>,
        first: Option<&str>,
    ) -> Self {
        let mut sets: Vec<_> = sets.rev().collect();
        sets.sort_by_key(|set| (first != Some(&*set.id), Reverse(set.score)));
        Self { sets }
    }

    /// How many sets.
    pub(super) fn len(&self) -> usize {
        self.sets.len()
    }

    /// These sets together with a template's, which lose where the scores are equal.
    pub(super) fn over(&self, template: &Self) -> Self {
        let mut sets = [self.sets.as_slice(), &template.sets].concat();
        sets.sort_by_key(|set| Reverse(set.score));
        Self { sets }
    }

    fn unconditional(&self) -> impl Iterator<Item = &AttributeSet> {
        self.sets().filter(|set| !set.conditional)
    }
}
