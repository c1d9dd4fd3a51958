//! What holds for a resource: its own settings, those of what is around it, and the cluster's defaults.

use super::Cib;
use super::node::is_true;
use super::resource::{Kind, Resource};

impl Cib {
    /// The resource and what is around it, from inside out.
    pub fn with_ancestors(&self, id: &str) -> impl Iterator<Item = &Resource> {
        std::iter::successors(self.resource(id), |inner| {
            self.resource(inner.parent.as_deref()?)
        })
    }

    /// The clone that `id` is or is in.
    pub fn clone_of(&self, id: &str) -> Option<&Resource> {
        self.with_ancestors(id)
            .find(|outer| outer.kind == Kind::Clone)
    }

    /// The bundle that `id` is or is in.
    pub fn bundle_of(&self, id: &str) -> Option<&Resource> {
        self.with_ancestors(id)
            .find(|outer| outer.bundle().is_some())
    }

    /// A meta attribute as it holds: the resource's own, else of what is around it, else the cluster's default.
    pub fn meta(&self, id: &str, name: &str) -> Option<&str> {
        let own = self
            .with_ancestors(id)
            .find_map(|outer| outer.meta.get(name));
        own.or_else(|| self.rsc_defaults.get(name))
    }

    /// Can instances of `id`, or of the clone or bundle it is in, be promoted?
    pub fn promotable(&self, id: &str) -> bool {
        match (
            self.bundle_of(id).and_then(Resource::bundle),
            self.clone_of(id),
        ) {
            (Some(bundle), _) => bundle.promoted_max() > 0,
            (None, Some(outer)) => {
                outer.old_master || self.meta(&outer.id, "promotable").is_some_and(is_true)
            }
            (None, None) => false,
        }
    }

    /// How many instances may be promoted: 0 when not promotable.
    pub fn promoted_max(&self, id: &str) -> u32 {
        if !self.promotable(id) {
            return 0;
        }
        if let Some(bundle) = self.bundle_of(id).and_then(Resource::bundle) {
            return bundle.promoted_max();
        }
        let max = self
            .clone_number(id, "promoted-max")
            .or_else(|| self.clone_number(id, "master-max"));
        max.unwrap_or(1)
    }

    /// How many instances there may be in all: 1 when it is no clone.
    pub fn clone_max(&self, id: &str) -> u32 {
        match (
            self.bundle_of(id).and_then(Resource::bundle),
            self.clone_of(id),
        ) {
            (Some(bundle), _) => bundle.replicas(),
            (None, Some(_)) => self
                .clone_number(id, "clone-max")
                .unwrap_or_else(|| self.node_count()),
            (None, None) => 1,
        }
    }

    /// Are the instances told what happens to the others?
    pub fn notify(&self, id: &str) -> bool {
        let outer = self.clone_of(id);
        outer.is_some_and(|outer| self.meta(&outer.id, "notify").is_some_and(is_true))
    }

    /// Does the cluster start, stop and recover it?
    pub fn managed(&self, id: &str) -> bool {
        let managed = self
            .meta(id, "is-managed")
            .or_else(|| self.option("is-managed-default"));
        let maintenance = self.meta(id, "maintenance").is_some_and(is_true);
        managed.is_none_or(is_true) && !maintenance && !self.maintenance_mode()
    }

    /// A number among the meta attributes of the clone around `id`.
    fn clone_number(&self, id: &str, name: &str) -> Option<u32> {
        self.meta(&self.clone_of(id)?.id, name)?.parse().ok()
    }

    fn node_count(&self) -> u32 {
        u32::try_from(self.nodes.len()).unwrap_or(u32::MAX).max(1)
    }
}
