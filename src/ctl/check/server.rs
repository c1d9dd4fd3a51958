//! This node's server: can it run, can it receive data, and does it keep what it acknowledges?

use super::{Finding, Severity};
use crate::galera::survey::Survey;

pub(super) fn findings(survey: &Survey) -> Vec<Finding> {
    let mut found: Vec<_> = [
        durability(survey),
        programs(survey),
        unit(survey),
        invalid(survey),
        refused(survey),
    ]
    .into_iter()
    .flatten()
    .collect();
    found.extend(secrets(survey));
    found.extend(complaints(survey));
    found
}

fn durability(survey: &Survey) -> Option<Finding> {
    let value = survey.lossy_flush.as_deref()?;
    Some(Finding::new(
        if value == "0" {
            Severity::Danger
        } else {
            Severity::Warning
        },
        &*survey.node,
        format!("innodb_flush_log_at_trx_commit is {value}"),
        match value {
            "0" => {
                "a server that dies loses acknowledged writes of its last second, and all of them together lose them for good"
            }
            _ => "a power cut of all nodes loses acknowledged writes of the last second",
        },
        "set innodb_flush_log_at_trx_commit=1 where that matters more than speed",
    ))
}

fn programs(survey: &Survey) -> Option<Finding> {
    let missing = survey.missing_programs.join(", ");
    let method = &survey.sst_method;
    (!missing.is_empty()).then(|| {
        Finding::new(
            Severity::Danger,
            &*survey.node,
            format!("wsrep_sst_method={method} needs {missing}, which is not installed here"),
            "a node that has to take a full copy of the data, from here or here, cannot come back",
            "install what is missing on every node",
        )
    })
}

fn unit(survey: &Survey) -> Option<Finding> {
    let link = survey.enabled_unit.as_ref()?;
    let unit = link.file_name().unwrap_or_default().to_string_lossy();
    Some(Finding::new(
        Severity::Danger,
        &*survey.node,
        format!("systemd starts the server too ({})", link.display()),
        "at boot it runs before the cluster has decided anything, and what the cluster stops it may start again",
        format!("systemctl disable --now {unit}"),
    ))
}

fn invalid(survey: &Survey) -> Option<Finding> {
    let why = survey.invalid.as_deref()?;
    Some(Finding::new(
        Severity::Danger,
        &*survey.node,
        why,
        "the server cannot run on this node",
        "mend that, then: crm resource cleanup",
    ))
}

fn refused(survey: &Survey) -> Option<Finding> {
    let words = survey.refused.as_deref()?;
    Some(Finding::new(
        Severity::Danger,
        &*survey.node,
        format!("the installed server refuses its options: {words}"),
        "the server that runs goes on; the next one does not start",
        "correct or remove the option",
    ))
}

fn secrets(survey: &Survey) -> impl Iterator<Item = Finding> {
    survey.open_secrets.iter().map(|file| {
        let (clustercheck, file) = (file.ends_with("clustercheck"), file.display());
        Finding::new(
            Severity::Warning,
            &*survey.node,
            format!("{file} holds a password and is readable by everybody"),
            "every account on this node can take it, and with it the data",
            match clustercheck {
                // The server does not read it.
                true => format!("chmod 600 {file}"),
                false => format!("chown root:mysql {file}; chmod 640 {file}"),
            },
        )
    })
}

fn complaints(survey: &Survey) -> impl Iterator<Item = Finding> {
    survey.complaints.iter().map(|complaint| {
        Finding::new(
            Severity::Warning,
            &*survey.node,
            complaint,
            "the server runs without what is meant there",
            "correct the file",
        )
    })
}
