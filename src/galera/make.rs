//! What a node's server is, for those who compare the nodes.

use serde::{Deserialize, Deserializer, Serialize};

/// The make of a server. Nothing is decided by it: a value that nobody understands is no reason not to read the rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Make {
    /// `wsrep_cluster_name`, as configured.
    pub group: String,
    /// The version of the program that was installed when this was written, as `10.11.14`; `None` when it does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// Reads the make of another node, whose agent may be a newer one: `None` for what is not understood.
///
/// # Errors
/// When the text around it is broken.
pub fn lenient<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Make>, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(value).ok())
}

/// The series that a release belongs to: `10.11` of `10.11.14`.
pub fn series(version: &str) -> Option<String> {
    let (series, _) = version.rsplit_once('.')?;
    Some(series.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::published::{Phase, Published};
    use super::*;

    /// What a node has published with this make, as far as it is understood.
    fn read(make: &str) -> Option<Make> {
        let text = format!(
            r#"{{"elector":"g1","electors":["g1"],"make":{make},"phase":"bootstrapping","epoch":7}}"#
        );
        let published: Published = serde_json::from_str(&text).unwrap();
        assert_eq!(published.phase, Phase::Bootstrapping { epoch: 7 });
        published.make
    }

    #[test]
    fn a_make_that_is_not_understood_is_no_reason_not_to_read_the_rest() {
        for make in [r#"{"version":"11.4.2"}"#, "7", "null", r#"{"group":[1]}"#] {
            assert_eq!(read(make), None, "{make}");
        }
        let known = read(r#"{"group":"g","version":"11.4.2","flavour":"new"}"#);
        assert_eq!(known.map(|make| make.group).as_deref(), Some("g"));
    }

    #[test]
    fn a_series_has_many_releases() {
        assert_eq!(series("10.11.14"), series("10.11.6"));
        assert_ne!(series("10.11.14"), series("11.4.14"));
        assert_eq!(series("nonsense"), None);
    }
}
