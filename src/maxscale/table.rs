//! What an operator sees of servers and services: the tables of `maxctrl list servers` and `list services`.

use comfy_table::{ContentLineStyle, LineStyle, Table, TableStyle};
use serde_json::{Value, json};

use super::answers::{MaxScale, Object, Server, Service};
use super::health::Seen;

/// The lines of `maxctrl`.
const LINES: TableStyle = TableStyle::new()
    .top_border(LineStyle::new('┌', '─', '┬', '┐'))
    .header_lines(ContentLineStyle::new('│', '│', '│'))
    .header_separator(LineStyle::new('├', '─', '┼', '┤'))
    .content_lines(ContentLineStyle::new('│', '│', '│'))
    .row_separator(LineStyle::new('├', '─', '┼', '┤'))
    .bottom_border(LineStyle::new('└', '─', '┴', '┘'));

/// Whether MaxScale is the active one, where its version has a word for it, and both tables.
pub fn text(maxscale: &MaxScale, seen: &Seen) -> String {
    let servers = [
        "Server",
        "Address",
        "Port",
        "Connections",
        "State",
        "GTID",
        "Monitor",
    ];
    let services = [
        "Service",
        "Router",
        "Connections",
        "Total Connections",
        "Targets",
    ];
    let servers = table(&servers, seen.servers.iter().map(server));
    let services = table(&services, seen.services.iter().map(service));
    let version = &maxscale.version;
    let role = match maxscale.parameters.passive {
        Some(true) => ", passive",
        Some(false) => ", active",
        None => "",
    };
    format!("MaxScale {version}{role}\n{servers}\n{services}")
}

/// The same, for programs.
pub fn json(maxscale: &MaxScale, seen: &Seen) -> String {
    let servers = seen.servers.iter().map(|one| {
        let [server, address, port, connections, state, gtid, monitor] = server(one);
        json!({
            "server": server, "address": address, "port": number(&port), "connections": number(&connections),
            "state": state, "gtid": gtid, "monitor": monitor,
        })
    });
    let services = seen.services.iter().map(|one| {
        let [service, router, connections, total, targets] = service(one);
        let targets: Vec<_> = targets
            .split(", ")
            .filter(|name| !name.is_empty())
            .collect();
        json!({
            "service": service, "router": router, "connections": number(&connections),
            "total_connections": number(&total), "state": one.attributes.state, "targets": targets,
        })
    });
    let all = json!({
        "version": maxscale.version,
        "passive": maxscale.parameters.passive,
        "servers": servers.collect::<Vec<_>>(),
        "services": services.collect::<Vec<_>>(),
    });
    format!("{all:#}")
}

fn table<const N: usize>(head: &[&str; N], rows: impl Iterator<Item = [String; N]>) -> Table {
    let mut table = Table::new();
    table.load_style(LINES).set_header(head).add_rows(rows);
    table
}

fn server(server: &Object<Server>) -> [String; 7] {
    let attributes = &server.attributes;
    let place = &attributes.parameters;
    let address = place.socket.as_ref().or(place.address.as_ref());
    let port = place.port.filter(|_| place.socket.is_none());
    [
        server.id.clone(),
        address.cloned().unwrap_or_default(),
        port.map(|port| port.to_string()).unwrap_or_default(),
        attributes.statistics.connections.to_string(),
        attributes.state.clone(),
        attributes.gtid_current_pos.clone().unwrap_or_default(),
        joined(server.relationships.monitors()),
    ]
}

fn service(service: &Object<Service>) -> [String; 5] {
    let attributes = &service.attributes;
    let related = &service.relationships;
    [
        service.id.clone(),
        attributes.router.clone(),
        attributes.connections.to_string(),
        attributes.total_connections.to_string(),
        joined(
            related
                .servers()
                .chain(related.services())
                .chain(related.monitors()),
        ),
    ]
}

fn joined<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

/// A number where it is one.
fn number(text: &str) -> Value {
    text.parse::<u64>().map_or(Value::Null, Value::from)
}

#[cfg(test)]
mod tests {
    use super::super::answers::captured;
    use super::*;

    fn seen() -> Seen {
        Seen {
            servers: captured::servers_one_down(),
            services: captured::services(),
            listeners: Vec::new(),
            monitors: Vec::new(),
        }
    }

    #[test]
    fn servers_and_services_are_shown_as_maxctrl_shows_them() {
        let text = text(&captured::maxscale(), &seen());
        let mut lines = text.lines();
        assert_eq!(lines.next().unwrap(), "MaxScale 24.02.4, active");
        assert_eq!(
            lines.next().unwrap(),
            "┌──────────┬────────────┬──────┬─────────────┬─────────────────────────┬──────┬────────────────┐"
        );
        assert_eq!(
            lines.next().unwrap(),
            "│ Server   │ Address    │ Port │ Connections │ State                   │ GTID │ Monitor        │"
        );
        assert!(
            text.contains("│ Galera-3 │ 10.77.0.13 │ 3306 │ 0           │ Down  "),
            "{text}"
        );
        assert!(
            text.contains("│ Galera-RW-Service   │ readwritesplit │"),
            "{text}"
        );
        assert!(text.contains("│ Galera-1, Galera-2, Galera-3 │"), "{text}");
    }

    #[test]
    fn programs_get_numbers_and_lists() {
        let parsed: Value = serde_json::from_str(&json(&captured::maxscale(), &seen())).unwrap();
        assert_eq!(parsed["servers"][2]["state"], "Down");
        assert_eq!(parsed["servers"][0]["port"], 3306);
        assert_eq!(parsed["services"][0]["targets"][2], "Galera-3");
        assert_eq!(parsed["services"][0]["state"], "Started");
    }

    #[test]
    fn who_is_active_is_told_where_the_version_knows_it() {
        for (passive, line) in [
            (Some(true), "MaxScale 24.02.4, passive\n"),
            (Some(false), "MaxScale 24.02.4, active\n"),
            (None, "MaxScale 24.02.4\n"),
        ] {
            let mut maxscale = captured::maxscale();
            maxscale.parameters.passive = passive;
            assert!(text(&maxscale, &seen()).starts_with(line), "{line}");
            let parsed: Value = serde_json::from_str(&json(&maxscale, &seen())).unwrap();
            assert_eq!(parsed["passive"], json!(passive));
            assert_eq!(parsed["version"], "24.02.4");
        }
    }
}
