//! The epochs as the cluster's properties have them: a set of its own for each.

use super::ballot::{Elector, Epoch};
use super::position::read_position;
use super::published;
use crate::cib::Cib;

/// The id of the property set that opens an epoch. The cluster creates it for exactly one node.
pub fn epoch_set(resource: &str, epoch: u64) -> String {
    format!("{resource}-epoch-{epoch}")
}

/// The properties of an epoch.
pub fn epoch_pairs(resource: &str, epoch: &Epoch) -> Vec<(String, String)> {
    let marks = |marks: &[(u64, u64)]| {
        let each = marks
            .iter()
            .map(|(number, seqno)| format!("{number}:{seqno}"));
        each.collect::<Vec<_>>().join(" ")
    };
    let lineage = epoch
        .lineage
        .iter()
        .map(|(number, elector)| format!("{number}:{elector}"));
    let mut pairs = vec![
        (
            format!("{resource}-epoch-lineage"),
            lineage.collect::<Vec<_>>().join(" "),
        ),
        (format!("{resource}-epoch"), epoch.number.to_string()),
        (format!("{resource}-epoch-forced"), marks(&epoch.forced)),
        (format!("{resource}-epoch-survived"), marks(&epoch.survived)),
    ];
    if let Some(since) = epoch.revived {
        pairs.push((format!("{resource}-epoch-revived"), since.to_string()));
    }
    if let Some(elector) = &epoch.opened_by {
        pairs.push((format!("{resource}-epoch-opened-by"), elector.clone()));
    }
    if let Some(position) = &epoch.position {
        pairs.push((format!("{resource}-epoch-position"), position.to_string()));
    }
    pairs
}

/// The epochs that stand in the CIB, by number.
pub fn epoch_numbers(cib: &Cib, resource: &str) -> Vec<u64> {
    let prefix = format!("{resource}-epoch-");
    let numbers = cib
        .options()
        .sets()
        .filter_map(|set| set.id.strip_prefix(&*prefix)?.parse().ok());
    let mut numbers: Vec<u64> = numbers.collect();
    numbers.sort_unstable();
    numbers
}

/// The newest epoch of the cluster.
pub fn epoch(cib: &Cib, resource: &str) -> Epoch {
    let Some(&number) = epoch_numbers(cib, resource).last() else {
        return Epoch::default();
    };
    let set = cib.options().set(&epoch_set(resource, number));
    let get = |name: &str| set.and_then(|set| set.get(&format!("{resource}-{name}")));
    let marks = |name| {
        let text = get(name).unwrap_or_default().split_whitespace();
        text.filter_map(read_mark).collect()
    };
    let lineage = get("epoch-lineage").unwrap_or_default().split_whitespace();
    Epoch {
        number,
        opened_by: get("epoch-opened-by").map(str::to_owned),
        position: get("epoch-position").and_then(|text| read_position(text).ok().flatten()),
        lineage: lineage.filter_map(read_opener).collect(),
        forced: marks("epoch-forced"),
        survived: marks("epoch-survived"),
        revived: get("epoch-revived").and_then(|text| read_since(text, number)),
    }
}

/// The newest epoch, if this elector opened it and `own`, the epoch of its record, says that it has never
/// started a server in it. Nobody else may remove it, and nobody can start without it.
///
/// A node without a record (0) may have lost it: only of the first epoch can it be sure, and nobody else may be of it.
pub fn unused_epoch(cib: &Cib, resource: &str, elector: &Elector, own: u64) -> Option<u64> {
    let epoch = epoch(cib, resource);
    let mine = epoch.opened_by.as_ref() == Some(elector);
    let lost = own == 0 && epoch.number > 1;
    let used = published::all(cib, resource)
        .values()
        .any(|one| one.elector != *elector && one.phase.epoch() >= Some(epoch.number));
    (mine && epoch.number > own && !lost && !used).then_some(epoch.number)
}

fn read_opener(text: &str) -> Option<(u64, Elector)> {
    let (epoch, elector) = text.split_once(':')?;
    Some((epoch.parse().ok()?, elector.to_owned()))
}

/// Agents that knew of one attempt only wrote `true`: since the epoch before.
fn read_since(text: &str, number: u64) -> Option<u64> {
    match text {
        "true" => number.checked_sub(1),
        _ => text.parse().ok(),
    }
}

fn read_mark(text: &str) -> Option<(u64, u64)> {
    let (epoch, seqno) = text.split_once(':')?;
    Some((epoch.parse().ok()?, seqno.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether g1 may close the epoch of this number, which it opened, when its record is of epoch `own` and g2 has
    /// reported one of `other`.
    fn closes(number: u64, own: u64, other: u64) -> bool {
        let said = format!(
            "{{&quot;elector&quot;:&quot;g2&quot;,&quot;electors&quot;:[],&quot;phase&quot;:&quot;reported&quot;,\
             &quot;report&quot;:{{&quot;epoch&quot;:{other},&quot;data&quot;:&quot;partial&quot;}}}}"
        );
        let text = format!(
            "<cib><configuration><crm_config><cluster_property_set id=\"db-epoch-{number}\">\
             <nvpair id=\"a\" name=\"db-epoch\" value=\"{number}\"/>\
             <nvpair id=\"b\" name=\"db-epoch-opened-by\" value=\"g1\"/></cluster_property_set></crm_config>\
             <nodes><node id=\"2\" uname=\"n2\"/></nodes><resources/><constraints/></configuration><status>\
             <node_state id=\"2\" uname=\"n2\"><transient_attributes id=\"2\"><instance_attributes id=\"s\">\
             <nvpair id=\"c\" name=\"{}\" value=\"{said}\"/></instance_attributes></transient_attributes></node_state>\
             </status></cib>",
            published::attribute("db")
        );
        let cib = Cib::parse(text.as_bytes()).unwrap();
        assert_eq!(published::all(&cib, "db").len(), 1, "{text}");
        unused_epoch(&cib, "db", &"g1".to_owned(), own) == Some(number)
    }

    #[test]
    fn an_epoch_is_read_as_it_was_written() {
        let written = Epoch {
            number: 6,
            opened_by: Some("g1".to_owned()),
            position: read_position("6b4c1f4e-0000-0000-0000-000000000001:140").unwrap(),
            lineage: vec![(5, "g2".to_owned()), (6, "g1".to_owned())],
            forced: vec![(2, 50), (3, 40)],
            survived: vec![(4, 90)],
            revived: Some(3),
        };
        let pairs = epoch_pairs("db", &written);
        let pairs = pairs.iter().map(|(name, value)| {
            format!("<nvpair id=\"{name}\" name=\"{name}\" value=\"{value}\"/>")
        });
        let text = format!(
            "<cib><configuration><crm_config><cluster_property_set id=\"db-epoch-6\">{}</cluster_property_set>\
             </crm_config><nodes/><resources/><constraints/></configuration></cib>",
            pairs.collect::<String>()
        );
        assert_eq!(epoch(&Cib::parse(text.as_bytes()).unwrap(), "db"), written);
    }

    #[test]
    fn a_revival_that_an_older_agent_wrote_counts_since_the_epoch_before() {
        assert_eq!(read_since("true", 6), Some(5));
        assert_eq!(read_since("4", 6), Some(4));
        assert_eq!(read_since("nonsense", 6), None);
    }

    #[test]
    fn an_epoch_is_closed_only_by_who_is_sure_that_nobody_was_in_it() {
        assert!(closes(6, 5, 5), "killed before its server started");
        assert!(!closes(6, 6, 5), "its server has started");
        assert!(!closes(6, 5, 6), "another node was in it");
        assert!(!closes(6, 0, 5), "its record may be lost");
        assert!(closes(1, 0, 0), "there was no epoch before");
        assert!(!closes(1, 0, 1), "another node was in the first");
    }
}
