//! A small agent for the tests of the contract: it records what it was asked.

use std::cell::RefCell;

use super::{About, Action, ActionRow, Agent, Done, Env, Failure, Notification, Role, Status};

crate::params! {
    /// Parameters of the sample.
    #[allow(dead_code, reason = "of some only the meta-data is looked at")]
    pub struct SampleParams {
        /// Data directory
        ///
        /// Where the files are: <here> & not there.
        ///
        /// Second paragraph.
        #[unique_group = "datadir"]
        datadir: std::path::PathBuf = "/var/lib/sample",
        /// Whether the node is broken
        #[reloadable = true]
        broken: bool = "no",
        /// Port
        port: Option<u16>,
        /// Name
        name: String,
    }
}

#[derive(Debug)]
pub(super) struct Sample(SampleParams);

thread_local! {
    static CALLS: RefCell<Vec<&'static str>> = const { RefCell::new(Vec::new()) };
}

/// What the agents of this test were asked, in order.
pub(super) fn calls() -> Vec<&'static str> {
    CALLS.take()
}

/// The cluster's environment for a sample with these parameters.
pub(super) fn env(params: &[(&str, &str)]) -> Env {
    let env = Env::from_pairs([("OCF_RESOURCE_INSTANCE", "db:0"), ("OCF_RESKEY_name", "db")]);
    params
        .iter()
        .fold(env, |env, (name, value)| env.with_param(name, value))
}

fn called(name: &'static str) -> Done {
    CALLS.with_borrow_mut(|calls| calls.push(name));
    Ok(())
}

impl Agent for Sample {
    const ABOUT: About = About {
        name: "sample",
        version: "0.1.0",
        shortdesc: "A sample",
        longdesc: "For the tests of <the contract>.",
        actions: &[
            ActionRow::new(Action::Start, 300),
            ActionRow::new(Action::Stop, 120),
            ActionRow {
                interval_s: Some(10),
                role: Some(Role::Promoted),
                depth: Some(0),
                ..ActionRow::new(Action::Monitor, 30)
            },
            ActionRow {
                interval_s: Some(11),
                role: Some(Role::Unpromoted),
                ..ActionRow::new(Action::Monitor, 30)
            },
            ActionRow::new(Action::Promote, 300),
            ActionRow::new(Action::Notify, 20),
            ActionRow::new(Action::ReloadAgent, 20),
            ActionRow::new(Action::ValidateAll, 20),
            ActionRow::new(Action::MetaData, 5),
        ],
    };
    const HAS_TABLES: bool = true;
    type Params = SampleParams;

    fn new(params: SampleParams, _: Env) -> Self {
        Sample(params)
    }

    fn validate(&self) -> Done {
        called("validate")?;
        if self.0.broken {
            return Err(Failure::WrongHere("this node is broken".to_owned()));
        }
        Ok(())
    }

    fn start(&self) -> Done {
        called("start")
    }

    fn stop(&self) -> Done {
        called("stop")
    }

    fn stop_blind(_: &Env) -> Done {
        called("stop_blind")
    }

    fn monitor(&self) -> Result<Status, Failure> {
        called("monitor")?;
        Ok(Status::Promoted)
    }

    fn promote(&self) -> Done {
        called("promote")
    }

    /// Written, but not advertised.
    fn demote(&self) -> Done {
        called("demote")
    }

    fn notify(&self, _: &Notification) {
        let _ = called("notify");
    }

    fn job(&self) -> Done {
        called("job")
    }

    fn resource_from_cluster(name: Option<&str>) -> Result<Vec<(String, String)>, Failure> {
        match name {
            Some("lost") => Err(Failure::Retry("no such resource".to_owned())),
            _ => Ok(vec![("OCF_RESKEY_name".to_owned(), "db".to_owned())]),
        }
    }

    fn describe(&self) -> Option<String> {
        Some("Primary and Synced".to_owned())
    }

    fn tables(&self, json: bool) -> Result<String, Failure> {
        Ok(if json { "{}" } else { "| a | b |" }.to_owned())
    }
}
