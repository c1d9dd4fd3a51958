//! The verbs on real CIBs and on made ones, without a cluster.

mod explaining;
mod ordering;
mod telling;

use super::scene::Scene;
use crate::cib::Cib;

/// The real CIBs, by name.
const REAL: [&str; 10] = [
    "bootstrapping",
    "creation",
    "forced",
    "histories",
    "joining",
    "member",
    "missing",
    "ordered",
    "reported",
    "two-members",
];

pub(super) const X: &str = "52f97c7a-e591-11f1-9b43-5269b625a658";
const Y: &str = "deadbeef-e591-11f1-9b43-5269b625a658";

fn real_text(name: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/cluster");
    std::fs::read_to_string(format!("{folder}/{name}.xml")).unwrap()
}

pub(super) fn real(name: &str) -> Scene {
    scene(&real_text(name))
}

fn scene(text: &str) -> Scene {
    Scene::of(Cib::parse(text.as_bytes()).unwrap(), None).unwrap()
}

/// A node of a made CIB: name, online, what it published.
pub(super) type Made<'a> = (&'a str, bool, Option<String>);

/// A made CIB of one resource `db`, with an epoch when there is one.
pub(super) struct Maker<'a> {
    quorum: bool,
    params: &'a str,
    epoch: &'a str,
    order: Option<(&'a str, &'a str)>,
}

pub(super) const PLAIN: Maker<'static> = Maker {
    quorum: true,
    params: "",
    epoch: "",
    order: None,
};

impl Maker<'_> {
    pub(in crate::ctl) fn scene(&self, nodes: &[Made<'_>]) -> Scene {
        let listed: String = nodes
            .iter()
            .map(|(name, ..)| format!("<node id=\"{name}\" uname=\"{name}\"/>"))
            .collect();
        let states: String = nodes.iter().map(|node| self.state(node)).collect();
        scene(&format!(
            "<cib have-quorum=\"{}\"><configuration><crm_config>\
             <cluster_property_set id=\"o\"><nvpair id=\"o1\" name=\"stonith-enabled\" value=\"false\"/></cluster_property_set>\
             {}</crm_config><nodes>{listed}</nodes><resources><clone id=\"db-clone\">\
             <primitive id=\"db\" class=\"ocf\" provider=\"galera-rs\" type=\"galera-rs\">\
             <instance_attributes id=\"p\">{}</instance_attributes></primitive></clone></resources></configuration>\
             <status>{states}</status></cib>",
            u8::from(self.quorum),
            self.epoch,
            self.params
        ))
    }

    fn state(&self, (name, online, published): &Made<'_>) -> String {
        let (member, answers) = if *online {
            ("true", "online")
        } else {
            ("false", "offline")
        };
        let pair = |attribute: &str, value: &str| {
            let value = quick_xml::escape::escape(value).into_owned();
            format!("<nvpair id=\"{attribute}-{name}\" name=\"{attribute}\" value=\"{value}\"/>")
        };
        let mut pairs = published
            .as_ref()
            .map_or(String::new(), |text| pair("db-galera", text));
        if let Some((node, order)) = self.order
            && node == *name
        {
            pairs += &pair("db-bootstrap", order);
        }
        format!(
            "<node_state id=\"{name}\" uname=\"{name}\" in_ccm=\"{member}\" crmd=\"{answers}\" join=\"member\" \
             expected=\"member\"><transient_attributes id=\"{name}\"><instance_attributes id=\"s-{name}\">{pairs}\
             </instance_attributes></transient_attributes></node_state>"
        )
    }
}

/// The properties of an epoch.
fn epoch(number: u64, forced: &str) -> String {
    let pair = |name: &str, value: &str| {
        format!("<nvpair id=\"e-{name}\" name=\"db-{name}\" value=\"{value}\"/>")
    };
    let (opened, at, forced) = (
        pair("epoch-opened-by", "a"),
        pair("epoch-position", &format!("{X}:5")),
        pair("epoch-forced", forced),
    );
    format!(
        "<cluster_property_set id=\"db-epoch-{number}\">{opened}{at}{forced}</cluster_property_set>"
    )
}

/// What a node publishes with this data, as an elector of a, b and c.
fn publishes(elector: &str, phase: &str, epoch: u64, data: &str) -> Option<String> {
    Some(format!(
        "{{\"elector\":\"{elector}\",\"electors\":[\"a\",\"b\",\"c\"],\"phase\":\"{phase}\",\
         \"report\":{{\"epoch\":{epoch},\"data\":{data}}}}}"
    ))
}

pub(super) fn reported(elector: &str, epoch: u64, history: &str, seqno: u64) -> Option<String> {
    publishes(
        elector,
        "reported",
        epoch,
        &format!("{{\"at\":\"{history}:{seqno}\"}}"),
    )
}
