//! Who gives state to a joining server: what its error log says of that, and whom to ask next. Pure.
//!
//! Galera tells the names of its members in the log alone until the server is open (gcs/src/gcs_group.cpp).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The group of a joining server, as its log shows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Group {
    /// Every other member (`wsrep_node_name`).
    pub others: Vec<String>,
    /// The one that was chosen to give state.
    pub donor: Option<String>,
}

/// Reads the last life of the server in its error log.
pub fn read(log: &str) -> Group {
    let start = log.rfind("[Note] Starting MariaDB ").unwrap_or(0);
    let (mut own, mut members) = (None, BTreeMap::new());
    let mut requests = Vec::new();
    for line in log[start..].lines() {
        if let Some(place) = line.split_once("New COMPONENT: primary = yes,") {
            own = number_after(place.1, "my_idx = ");
            members.clear();
        } else if let Some(message) = line.split_once("STATE EXCHANGE: got state msg: ") {
            members.extend(member(message.1));
        } else if let Some(request) = line.split_once("[Note] WSREP: Member ") {
            requests.extend(request_and_donor(request.1));
        }
    }
    let own = own.and_then(|index: usize| members.remove(&index));
    let mut mine = requests.into_iter().rev();
    let donor = mine.find(|(name, _)| own.as_ref() == Some(name));
    Group {
        others: members.into_values().collect(),
        donor: donor.map(|(_, donor)| donor),
    }
}

/// `UUID from 0 (node1)`
fn member(message: &str) -> Option<(usize, String)> {
    let (_, from) = message.split_once(" from ")?;
    let (index, name) = from.split_once(" (")?;
    Some((index.parse().ok()?, name.strip_suffix(')')?.to_owned()))
}

/// `1.0 (node2) requested state transfer from '*any*'. Selected 0.0 (node1)(SYNCED) as donor.`
fn request_and_donor(text: &str) -> Option<(String, String)> {
    let (who, chosen) = text.split_once(") requested state transfer from ")?;
    let (_, name) = who.split_once(" (")?;
    let (_, chosen) = chosen.split_once(". Selected ")?;
    let (_, donor) = chosen.split_once(" (")?;
    let (donor, _) = donor.rsplit_once(")(")?;
    Some((name.to_owned(), donor.to_owned()))
}

fn number_after(text: &str, label: &str) -> Option<usize> {
    let (_, rest) = text.split_once(label)?;
    rest.split(',').next()?.trim().parse().ok()
}

/// From whom transfers have died since this node served last.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disappointments {
    /// The donors.
    failed: Vec<String>,
    /// The other members, at the last time.
    others: Vec<String>,
}

impl Disappointments {
    /// Notes that a transfer has died. When all have failed, the last one alone is avoided.
    pub fn add(&mut self, group: &Group) {
        let Some(donor) = &group.donor else {
            return;
        };
        self.others.clone_from(&group.others);
        self.failed.retain(|failed| failed != donor);
        self.failed.push(donor.clone());
        if self.others.iter().all(|name| self.failed.contains(name)) {
            self.failed = vec![donor.clone()];
        }
    }

    /// The value of `wsrep_sst_donor` that asks the others first and, as it ends with a comma, whoever is left
    /// then. `None` when nobody has failed, there is no other, or the operator's own choice leaves none.
    pub fn wanted(&self, configured: Option<&str>) -> Option<String> {
        let configured = configured.unwrap_or_default().trim();
        let free = configured.is_empty() || configured.ends_with(',');
        if self.failed.is_empty() || !free {
            return None;
        }
        let chosen = configured.split(',').map(str::trim);
        let all = chosen.chain(self.others.iter().map(String::as_str));
        let mut names: Vec<&str> = Vec::new();
        for name in all.filter(|name| !name.is_empty() && !name.contains(',')) {
            if !names.contains(&name) && !self.failed.iter().any(|failed| failed == name) {
                names.push(name);
            }
        }
        (!names.is_empty()).then(|| names.join(",") + ",")
    }
}

/// Whether the operator's own words on the command line say who is to be asked for state.
pub fn is_named(additional: &str) -> bool {
    let mut words = additional.split_whitespace();
    words.any(|word| {
        let name = word.split('=').next().unwrap_or_default();
        name.replace('_', "-") == "--wsrep-sst-donor"
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = include_str!("../../tests/fixtures/galera/log-full-transfer.log");

    fn died(donors: &[&str]) -> Disappointments {
        let mut all = Disappointments::default();
        for donor in donors {
            all.add(&Group {
                others: vec!["db1".into(), "db2".into()],
                donor: Some((*donor).into()),
            });
        }
        all
    }

    #[test]
    fn the_log_of_a_joiner_names_its_donor_and_the_others() {
        let group = read(LOG);
        assert_eq!(group.donor.as_deref(), Some("node1"));
        assert_eq!(group.others, ["node1"]);
        assert_eq!(read("garbage\n"), Group::default());
    }

    #[test]
    fn only_the_last_life_and_only_the_own_request_count() {
        let other = LOG.replace("Member 1.0 (node2)", "Member 2.0 (node3)");
        assert_eq!(read(&other).donor, None);
        let next = format!("{LOG}0 [Note] Starting MariaDB 10.11\n");
        assert_eq!(read(&next), Group::default());
    }

    #[test]
    fn after_a_death_the_others_are_asked_first() {
        assert_eq!(died(&[]).wanted(None), None);
        assert_eq!(died(&["db1"]).wanted(None).as_deref(), Some("db2,"));
        assert_eq!(died(&["db1", "db2"]).wanted(None).as_deref(), Some("db1,"));
    }

    #[test]
    fn an_operator_who_allows_one_donor_alone_is_obeyed() {
        let died = died(&["db1"]);
        assert_eq!(died.wanted(Some("db1")), None);
        assert_eq!(died.wanted(Some("db1,")).as_deref(), Some("db2,"));
        assert_eq!(died.wanted(Some("db3,db1,")).as_deref(), Some("db3,db2,"));
    }

    #[test]
    fn an_operators_own_donor_is_seen_in_every_spelling() {
        assert!(is_named("--skip-log-bin --wsrep-sst-donor=n3,"));
        assert!(is_named("--wsrep_sst_donor n3"));
        assert!(!is_named("--wsrep-sst-donor-rejects-queries=1"));
        assert!(!is_named(""));
    }
}
