//! What the REST API answers: only what is used, from the captured answers of MaxScale 24.02.4 in `tests/fixtures/maxscale`.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

/// An answer about one object.
#[derive(Debug, Deserialize)]
pub struct One<A> {
    /// The object.
    pub data: Object<A>,
}

/// An answer about all objects of a kind.
#[derive(Debug, Deserialize)]
pub struct Many<A> {
    /// The objects.
    pub data: Vec<Object<A>>,
}

/// An object with its name.
#[derive(Debug, Clone, Deserialize)]
pub struct Object<A> {
    /// Its name.
    pub id: String,
    /// What it is.
    pub attributes: A,
    /// Which others belong to it.
    #[serde(default)]
    pub relationships: Relationships,
}

/// The names of the objects that belong to one.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Relationships {
    servers: Related,
    monitors: Related,
    services: Related,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Related {
    data: Vec<Named>,
}

#[derive(Debug, Clone, Deserialize)]
struct Named {
    id: String,
}

impl Relationships {
    /// Servers.
    pub fn servers(&self) -> impl Iterator<Item = &str> {
        self.servers.data.iter().map(|one| &*one.id)
    }

    /// Monitors: of a service that is configured with `cluster`, and of a server.
    pub fn monitors(&self) -> impl Iterator<Item = &str> {
        self.monitors.data.iter().map(|one| &*one.id)
    }

    /// Services: the targets of a service, and the one of a listener.
    pub fn services(&self) -> impl Iterator<Item = &str> {
        self.services.data.iter().map(|one| &*one.id)
    }
}

/// `/v1/maxscale`
#[derive(Debug, Clone, Deserialize)]
pub struct MaxScale {
    /// As `24.02.4`.
    pub version: String,
    /// Seconds.
    #[serde(default)]
    pub uptime: u64,
    /// The global settings.
    #[serde(default)]
    pub parameters: Global,
}

/// The global settings that matter.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Global {
    /// `None` where the version has no such setting.
    pub passive: Option<bool>,
}

/// `/v1/servers`
#[derive(Debug, Clone, Deserialize)]
pub struct Server {
    /// A list, as `Master, Synced, Running`.
    pub state: String,
    /// Address and port.
    #[serde(default)]
    pub parameters: Endpoint,
    /// How many use it.
    #[serde(default)]
    pub statistics: Statistics,
    /// Its position.
    #[serde(default)]
    pub gtid_current_pos: Option<String>,
}

impl Server {
    /// Its states: `Master`, `Synced`, `Running`.
    pub fn states(&self) -> BTreeSet<&str> {
        self.state.split(',').map(str::trim).collect()
    }
}

/// Where something listens.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Endpoint {
    /// A host or an address.
    pub address: Option<String>,
    /// 0 and `None` are no port.
    pub port: Option<u16>,
    /// A path, or an abstract name with `@`.
    pub socket: Option<String>,
    /// Of a listener; a bare name or that of a module.
    pub protocol: Option<String>,
}

/// How much an object is used.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Statistics {
    /// Now.
    pub connections: u64,
}

/// `/v1/services`
#[derive(Debug, Clone, Deserialize)]
pub struct Service {
    /// `Started`, `Stopped`, `Failed`, `Allocated`.
    pub state: String,
    /// The module that routes.
    #[serde(default)]
    pub router: String,
    /// Clients, now.
    #[serde(default)]
    pub connections: u64,
    /// Clients, ever.
    #[serde(default)]
    pub total_connections: u64,
    /// Its settings.
    #[serde(default)]
    pub parameters: Routing,
}

/// The settings of a service that matter.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Routing {
    /// Of `readconnroute`: which servers it uses.
    router_options: Value,
}

impl Routing {
    /// The words of `router_options`, which is a text or a list.
    pub fn options(&self) -> BTreeSet<String> {
        let text = match &self.router_options {
            Value::String(text) => text.clone(),
            Value::Array(all) => {
                let words: Vec<_> = all.iter().filter_map(Value::as_str).collect();
                words.join(",")
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => String::new(),
        };
        let words = text.split([',', ' ']).filter(|word| !word.is_empty());
        words.map(str::to_ascii_lowercase).collect()
    }
}

/// `/v1/listeners`
#[derive(Debug, Clone, Deserialize)]
pub struct Listener {
    /// `Running`, `Stopped`, `Failed`, `Created`. It says `Running` even when the port could not be bound.
    pub state: String,
    /// Where it listens.
    #[serde(default)]
    pub parameters: Endpoint,
}

/// `/v1/monitors`
#[derive(Debug, Clone, Deserialize)]
pub struct Monitor {
    /// `Running`, `Stopped`.
    pub state: String,
    /// How often it has looked at its servers.
    #[serde(default)]
    pub ticks: u64,
    /// Its settings.
    #[serde(default)]
    pub parameters: Pace,
}

/// The settings of a monitor that matter.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Pace {
    monitor_interval: Value,
    script: Option<String>,
    script_timeout: Value,
}

impl Pace {
    /// Between two looks.
    pub fn interval(&self) -> Duration {
        time(&self.monitor_interval).unwrap_or(Duration::from_secs(2))
    }

    /// How long its script may keep it from looking.
    pub fn script(&self) -> Duration {
        let script = self.script.as_ref().filter(|script| !script.is_empty());
        let limit = time(&self.script_timeout).unwrap_or(Duration::from_secs(90));
        script.map_or(Duration::ZERO, |_| limit)
    }
}

/// `2000ms`; older versions answer 2000.
fn time(value: &Value) -> Option<Duration> {
    let millis = match value {
        Value::String(text) => text.trim_end_matches("ms").parse().ok()?,
        Value::Number(number) => number.as_u64()?,
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    Some(Duration::from_millis(millis))
}

#[cfg(test)]
pub mod captured {
    //! The captured answers.

    use super::*;

    macro_rules! captured {
        ($name:literal) => {
            include_str!(concat!("../../tests/fixtures/maxscale/", $name, ".json"))
        };
    }

    pub fn maxscale() -> MaxScale {
        let one: One<_> = serde_json::from_str(captured!("maxscale")).unwrap();
        one.data.attributes
    }

    pub fn servers() -> Vec<Object<Server>> {
        let many: Many<_> = serde_json::from_str(captured!("servers")).unwrap();
        many.data
    }

    pub fn servers_one_down() -> Vec<Object<Server>> {
        let many: Many<_> = serde_json::from_str(captured!("servers-one-down")).unwrap();
        many.data
    }

    pub fn services() -> Vec<Object<Service>> {
        let many: Many<_> = serde_json::from_str(captured!("services")).unwrap();
        many.data
    }

    pub fn listeners() -> Vec<Object<Listener>> {
        let many: Many<_> = serde_json::from_str(captured!("listeners")).unwrap();
        many.data
    }

    pub fn monitors() -> Vec<Object<Monitor>> {
        let many: Many<_> = serde_json::from_str(captured!("monitors")).unwrap();
        many.data
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_captured_answers_are_understood() {
        let maxscale = captured::maxscale();
        assert_eq!((&*maxscale.version, maxscale.uptime), ("24.02.4", 3));
        assert_eq!(maxscale.parameters.passive, Some(false));
        let servers = captured::servers();
        assert!(servers[0].attributes.states().contains("Master"));
        assert_eq!(servers[0].attributes.parameters.port, Some(3306));
        let services = captured::services();
        assert_eq!(services[0].relationships.servers().count(), 3);
        assert!(
            services[0]
                .attributes
                .parameters
                .options()
                .contains("master")
        );
        assert_eq!(services[1].attributes.router, "readwritesplit");
        let listeners = captured::listeners();
        assert_eq!(listeners[0].attributes.parameters.port, Some(4007));
        let services: Vec<_> = listeners[0].relationships.services().collect();
        assert_eq!(services, ["Replication-Service"]);
        let monitors = captured::monitors();
        assert_eq!(monitors[0].attributes.ticks, 2);
        let pace = &monitors[0].attributes.parameters;
        assert_eq!(pace.interval(), Duration::from_secs(2));
        assert_eq!(pace.script(), Duration::ZERO);
    }

    /// The fields that the documentation of the REST API of 2.5 names: times are numbers, protocols have their old names.
    #[test]
    fn the_shorter_answers_of_older_versions_are_understood() {
        let maxscale: One<MaxScale> = serde_json::from_str(
            r#"{"links":{},"data":{"id":"maxscale","type":"maxscale","attributes":{"parameters":{"threads":4,
                "passive":false},"version":"2.5.29","commit":"","started_at":"","uptime":77}}}"#,
        )
        .unwrap();
        let maxscale = maxscale.data.attributes;
        assert_eq!((&*maxscale.version, maxscale.uptime), ("2.5.29", 77));
        assert_eq!(maxscale.parameters.passive, Some(false));
        let server: Many<Server> = serde_json::from_str(
            r#"{"data":[{"id":"a","type":"servers","attributes":{"parameters":{"address":"db1","port":3306,
                "protocol":"MariaDBBackend"},"state":"Master, Running"}}]}"#,
        )
        .unwrap();
        let server = &server.data[0].attributes;
        assert!(server.states().contains("Running"));
        assert_eq!(
            (server.statistics.connections, &server.gtid_current_pos),
            (0, &None)
        );
        let service: Many<Service> = serde_json::from_str(
            r#"{"data":[{"id":"RO","type":"services","attributes":{"router":"readconnroute","state":"Started",
                "parameters":{"router_options":"slave"}},
                "relationships":{"servers":{"data":[{"id":"a","type":"servers"}]}}}]}"#,
        )
        .unwrap();
        let options = service.data[0].attributes.parameters.options();
        assert_eq!(options.into_iter().collect::<Vec<_>>(), ["slave"]);
        assert_eq!(
            service.data[0].relationships.servers().collect::<Vec<_>>(),
            ["a"]
        );
        let listener: Many<Listener> = serde_json::from_str(
            r#"{"data":[{"id":"L","type":"listeners","attributes":{"state":"Running","parameters":{"port":4008,
                "protocol":"MariaDBClient","socket":null,"address":"::"}},
                "relationships":{"services":{"data":[{"id":"RO","type":"services"}]}}}]}"#,
        )
        .unwrap();
        assert_eq!(listener.data[0].attributes.parameters.port, Some(4008));
        assert_eq!(
            listener.data[0]
                .relationships
                .services()
                .collect::<Vec<_>>(),
            ["RO"]
        );
        let monitor: Many<Monitor> = serde_json::from_str(
            r#"{"data":[{"id":"M","type":"monitors","attributes":{"module":"galeramon","state":"Running",
                "ticks":9,"parameters":{"monitor_interval":1000,"script":""}}}]}"#,
        )
        .unwrap();
        let pace = &monitor.data[0].attributes.parameters;
        assert_eq!(pace.interval(), Duration::from_secs(1));
        assert_eq!(pace.script(), Duration::ZERO);
    }

    #[test]
    fn a_version_without_passive_and_numbers_without_unit_are_understood() {
        let text =
            r#"{"data":{"id":"maxscale","attributes":{"version":"26.10.0","parameters":{}}}}"#;
        let one: One<MaxScale> = serde_json::from_str(text).unwrap();
        assert_eq!(one.data.attributes.parameters.passive, None);
        let text = r#"{"state":"Running","ticks":1,
            "parameters":{"monitor_interval":1500,"script":"/bin/x","script_timeout":"10000ms"}}"#;
        let monitor: Monitor = serde_json::from_str(text).unwrap();
        assert_eq!(monitor.parameters.interval(), Duration::from_millis(1500));
        assert_eq!(monitor.parameters.script(), Duration::from_secs(10));
    }
}
