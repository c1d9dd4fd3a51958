//! What a node's server is, for those who compare the nodes.

use serde::{Deserialize, Serialize};

/// The make of a server. Nothing is decided by it: a value that nobody understands is no reason not to read the rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Make {
    /// `wsrep_cluster_name`, as configured.
    pub group: String,
    /// The version of the program that was installed when this was written, as `10.11.14`; `None` when it does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// The series that a release belongs to: `10.11` of `10.11.14`.
pub fn series(version: &str) -> Option<String> {
    let (series, _) = version.rsplit_once('.')?;
    Some(series.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_has_many_releases() {
        assert_eq!(series("10.11.14"), series("10.11.6"));
        assert_ne!(series("10.11.14"), series("11.4.14"));
        assert_eq!(series("nonsense"), None);
    }
}
