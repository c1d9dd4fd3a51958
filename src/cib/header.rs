//! The `cib` element itself.

use super::error::CibError;
use super::node::is_true;
use super::read::{Element, Text, Xml};

/// What stands in the `cib` element.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Header {
    /// This part of the cluster may act.
    pub have_quorum: bool,
    /// The id of the node that decides; none before an election.
    pub dc_uuid: Option<Text>,
    /// The version of what the decider computes.
    pub crm_feature_set: Option<Text>,
    /// The schema: `pacemaker-3.9`.
    pub validate_with: Option<Text>,
    /// Counts what administrators force.
    pub admin_epoch: u64,
    /// Counts changes of the configuration.
    pub epoch: u64,
    /// Counts changes of the status.
    pub num_updates: u64,
    /// When the configuration was last written, in words.
    pub last_written: Option<Text>,
    /// The time to take for now, seconds of the epoch; only in saved inputs of the scheduler.
    pub execution_date: Option<i64>,
}

impl Header {
    pub(super) fn read(xml: &mut Xml<'_>, cib: &Element<'_>) -> Result<Self, CibError> {
        Ok(Self {
            have_quorum: cib.get("have-quorum").is_some_and(is_true),
            dc_uuid: xml.get(cib, "dc-uuid").filter(|id| !id.is_empty()),
            crm_feature_set: xml.get(cib, "crm_feature_set"),
            validate_with: xml.get(cib, "validate-with"),
            admin_epoch: xml.number(cib, "admin_epoch")?.unwrap_or(0),
            epoch: xml.number(cib, "epoch")?.unwrap_or(0),
            num_updates: xml.number(cib, "num_updates")?.unwrap_or(0),
            last_written: xml.get(cib, "cib-last-written"),
            execution_date: xml.number(cib, "execution-date")?,
        })
    }
}
