//! `galeractl check`: what in a configuration will hurt one day, told before it does.
//!
//! Each module looks at one subject and is pure; what this node's own files say is gathered by
//! [`survey`](crate::galera::survey).

mod addresses;
mod alike;
mod cluster;
mod members;
mod operations;
mod server;

pub(super) use self::addresses::held as addresses_of;
use std::path::Path;

use serde::Serialize;

use super::error::Error;
use super::scene::{self, Scene};
use crate::galera::survey;
use crate::ocf::Env;
use crate::sys::by_resource;

/// How much it hurts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Severity {
    /// Data or the whole service is at risk.
    Danger,
    /// A failure will take longer, or be met by the wrong remedy.
    Warning,
    /// It could be better.
    Hint,
}

impl Severity {
    /// For people.
    pub fn word(self) -> &'static str {
        match self {
            Severity::Danger => "DANGER",
            Severity::Warning => "WARNING",
            Severity::Hint => "HINT",
        }
    }
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    pub severity: Severity,
    /// The resource, node or file that it is about, or `cluster`.
    pub subject: String,
    /// What is so.
    pub text: String,
    /// What comes of it.
    pub reason: String,
    /// What to do.
    pub remedy: String,
}

impl Finding {
    fn new(
        severity: Severity,
        subject: impl Into<String>,
        text: impl Into<String>,
        reason: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            severity,
            subject: subject.into(),
            text: text.into(),
            reason: reason.into(),
            remedy: remedy.into(),
        }
    }
}

/// What `check` tells.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    /// The resource that was looked at.
    pub resource: String,
    /// Whether this node's files were looked at too.
    pub server: bool,
    /// The worst first.
    pub findings: Vec<Finding>,
    /// What could not be looked at, and why.
    pub warnings: Vec<String>,
}

impl Report {
    /// The worst of what was found.
    pub fn worst(&self) -> Option<Severity> {
        self.findings.iter().map(|finding| finding.severity).min()
    }
}

/// Looks at the running cluster and at this node's files, or at a saved CIB only.
///
/// # Errors
/// When there is no CIB, or no resource of ours in it.
pub(super) fn of(resource: Option<&str>, file: Option<&Path>) -> Result<Report, Error> {
    let scene = Scene::of(scene::cib(file)?, resource)?;
    let mut report = of_cib(&scene);
    if file.is_none() {
        let chosen = scene.cib.resource(&scene.resource);
        let env = Env::from_pairs(chosen.map(by_resource::parameters).unwrap_or_default());
        match survey::look(&env) {
            Ok(survey) => {
                report.findings.extend(server::findings(&survey));
                report.server = true;
            }
            // Told already.
            Err(_) if scene.malformed.is_some() => {}
            Err(failure) => report.findings.push(unusable(&failure.to_string())),
        }
    }
    report.findings.sort_by_key(|finding| finding.severity);
    Ok(report)
}

/// Parameters or files that cannot be read.
fn unusable(why: &str) -> Finding {
    Finding::new(
        Severity::Danger,
        "this node",
        why,
        "neither can the agent use it: a start fails, and this node's files were not looked at",
        "correct what is named",
    )
}

fn of_cib(scene: &Scene) -> Report {
    let (cib, resource) = (&scene.cib, &*scene.resource);
    let malformed = scene.malformed.as_deref().map(|why| Finding {
        subject: resource.to_owned(),
        ..unusable(why)
    });
    let findings = [
        malformed.into_iter().collect(),
        cluster::findings(cib),
        members::findings(cib, resource),
        operations::findings(cib),
        addresses::findings(cib),
        alike::findings(scene),
    ];
    let told = scene.warnings.iter();
    let told = told.filter(|warning| scene.malformed.as_ref() != Some(*warning));
    Report {
        resource: resource.to_owned(),
        server: false,
        findings: findings.concat(),
        warnings: told.cloned().collect(),
    }
}

#[cfg(test)]
mod tests;
