//! The agent `maxscale-rs`: a MariaDB MaxScale, its process, its routing, and whether it is the active one.

mod account;
mod answers;
mod greeting;
mod health;
mod instance;
mod launch;
mod monitor;
mod params;
mod query;
mod record;
mod rest;
mod role;
mod settings;
mod start;
mod stop;
mod table;
mod ticks;
mod unit;

use std::path::Path;

use self::instance::Files;
use self::launch::Launch;
use self::record::Records;
use self::rest::Rest;
use self::settings::Settings;
use self::stop::Drain;
use crate::ocf::{
    About, Action, ActionRow, Agent, Deadline, Done, Env, Failure, Params, Role, Status,
};
use crate::sys::by_resource;
use crate::sys::process::Process;

pub use self::params::MaxScaleParams;

/// The agent for one action.
#[derive(Debug)]
pub struct MaxScaleAgent {
    params: MaxScaleParams,
    env: Env,
}

const fn monitor(interval_s: u32, depth: u32, role: Option<Role>) -> ActionRow {
    let mut row = ActionRow::new(Action::Monitor, 20);
    row.interval_s = Some(interval_s);
    row.depth = Some(depth);
    row.role = role;
    row
}

impl Agent for MaxScaleAgent {
    const ABOUT: About = About {
        name: "maxscale-rs",
        version: env!("CARGO_PKG_VERSION"),
        shortdesc: "MariaDB MaxScale",
        longdesc: "\
Runs a MariaDB MaxScale and watches what clients get from it: that it lives, that every listener greets, that its monitors
look at their servers, and that every service has the servers it needs. As a promotable clone, the promoted instance is
active and the others are passive; one that cannot route loses the role to one that can. It starts no program to look.",
        actions: &[
            ActionRow::new(Action::Start, 120),
            ActionRow::new(Action::Stop, 60),
            monitor(10, 0, None),
            monitor(13, 10, None),
            monitor(61, 20, None),
            monitor(11, 10, Some(Role::Promoted)),
            monitor(12, 10, Some(Role::Unpromoted)),
            ActionRow::new(Action::Promote, 30),
            ActionRow::new(Action::Demote, 30),
            ActionRow::new(Action::ReloadAgent, 20),
            ActionRow::new(Action::ValidateAll, 20),
            ActionRow::new(Action::MetaData, 5),
        ],
    };
    const HAS_TABLES: bool = true;
    type Params = MaxScaleParams;

    fn new(params: MaxScaleParams, env: Env) -> Self {
        Self { params, env }
    }

    fn validate(&self) -> Done {
        start::validate(self)
    }

    fn start(&self) -> Done {
        start::start(self)
    }

    fn stop(&self) -> Done {
        let deadline = Deadline::of(&self.env);
        let settings = self.settings().unwrap_or_else(|failure| {
            log::warn!("stopping what is remembered or usual: {failure}");
            Settings::without_file(&self.params)
        });
        let limit = self.params.drain_timeout;
        let drain = match limit.is_zero() {
            true => None,
            false => Rest::new(&self.params, &settings)
                .map(|rest| Drain { rest, limit })
                .inspect_err(|failure| log::warn!("stopping MaxScale with clients: {failure}"))
                .ok(),
        };
        stop::stop(
            &self.records(),
            &Files::of(&settings.directories),
            drain.as_ref(),
            &deadline,
        )?;
        role::forget(&self.env);
        Ok(())
    }

    fn stop_blind(env: &Env) -> Done {
        let defaults = MaxScaleParams::read(&Env::from_pairs::<String, String>([]));
        let defaults = defaults.map_err(|error| Failure::Retry(error.to_string()))?;
        let settings =
            Settings::read(&defaults).unwrap_or_else(|_| Settings::without_file(&defaults));
        let files = Files::of(&settings.directories);
        stop::stop(
            &Records::of(env.resource()),
            &files,
            None,
            &Deadline::of(env),
        )?;
        role::forget(env);
        Ok(())
    }

    fn monitor(&self) -> Result<Status, Failure> {
        monitor::monitor(self)
    }

    fn promote(&self) -> Done {
        role::promote(self)
    }

    fn demote(&self) -> Done {
        role::demote(self)
    }

    /// Nothing to do: each action reads the parameters.
    fn reload(&self) -> Done {
        Ok(())
    }

    fn resource_from_cluster(name: Option<&str>) -> Result<Vec<(String, String)>, Failure> {
        by_resource::environment("maxscale-rs", name)
    }

    fn tables(&self, json: bool) -> Result<String, Failure> {
        let rest = Rest::new(&self.params, &self.settings()?)?;
        let maxscale = rest.maxscale().map_err(|error| error.failure())?;
        let seen = rest.look().map_err(|error| error.failure())?;
        Ok(if json {
            table::json(&maxscale, &seen)
        } else {
            table::text(&maxscale, &seen)
        })
    }
}

impl MaxScaleAgent {
    fn records(&self) -> Records {
        Records::of(self.env.resource())
    }

    fn settings(&self) -> Result<Settings, Failure> {
        Settings::read(&self.params)
    }

    fn files(&self, settings: &Settings) -> Files {
        Files::of(&settings.directories)
    }

    /// The process that holds the locks; or, when somebody has removed the files, the one that was started.
    fn running(&self, files: &Files) -> Result<Option<Process>, Failure> {
        let known = || self.records().load().process.filter(Process::lives);
        Ok(files.running()?.or_else(known))
    }

    fn launch<'a>(&'a self, settings: &'a Settings, words: &'a Path) -> Launch<'a> {
        Launch {
            params: &self.params,
            settings,
            words,
        }
    }

    /// Whether the cluster gives this instance a role.
    fn is_promotable(&self) -> bool {
        role::is_promotable(&self.env)
    }
}
