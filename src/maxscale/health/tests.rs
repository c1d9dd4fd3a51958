use super::super::answers::captured;
use super::*;

const ALL: Watched<'_> = Watched {
    services: None,
    listeners: None,
    min_servers: 1,
};

fn seen() -> Seen {
    Seen {
        servers: captured::servers(),
        services: captured::services(),
        listeners: captured::listeners(),
        monitors: captured::monitors(),
    }
}

fn with_states(states: [&str; 3]) -> Seen {
    let mut seen = seen();
    for (server, state) in seen.servers.iter_mut().zip(states) {
        server.attributes.state = state.to_owned();
    }
    seen
}

#[test]
fn the_captured_maxscale_routes_and_so_it_does_with_one_server_down() {
    assert_eq!(seen().routing(&ALL), Routing::Well);
    let one_down = Seen {
        servers: captured::servers_one_down(),
        ..seen()
    };
    assert_eq!(one_down.routing(&ALL), Routing::Well);
    let three = Watched {
        min_servers: 3,
        ..ALL
    };
    let Routing::Partly(reason) = one_down.routing(&three) else {
        panic!("two of three");
    };
    assert!(
        reason.starts_with("service Galera-RW-Service has 2 of 3 usable"),
        "{reason}"
    );
    assert!(reason.contains("Galera-3: Down"), "{reason}");
}

#[test]
fn without_any_server_it_does_not_route() {
    for states in [["Down"; 3], ["Running"; 3], ["Maintenance, Running"; 3]] {
        let routing = with_states(states).routing(&ALL);
        assert!(matches!(routing, Routing::Not(_)), "{states:?} {routing:?}");
    }
}

#[test]
fn a_service_without_a_master_is_degraded_while_another_serves() {
    let mut seen = with_states(["Down", "Slave, Synced, Running", "Slave, Synced, Running"]);
    let routing = seen.routing(&ALL);
    assert!(
        matches!(routing, Routing::Not(_)),
        "both need one: {routing:?}"
    );
    seen.services[1].attributes.router = "readconnroute".to_owned();
    let Routing::Partly(reason) = seen.routing(&ALL) else {
        panic!("the other one serves");
    };
    assert!(
        reason.starts_with("service Replication-Service has no master"),
        "{reason}"
    );
    let other = Names(vec!["Galera-RW-Service".to_owned()]);
    let other = Watched {
        services: Some(&other),
        ..ALL
    };
    assert_eq!(seen.routing(&other), Routing::Well);
}

#[test]
fn a_master_in_maintenance_is_none() {
    let seen = with_states(["Maintenance, Master, Running", "Slave, Running", "Down"]);
    assert!(matches!(seen.routing(&ALL), Routing::Not(_)));
}

/// It keeps the clients that it has, and takes no new ones.
#[test]
fn a_master_that_is_drained_is_none() {
    for state in ["Draining, Master, Running", "Drained, Master, Running"] {
        let seen = with_states([state, "Slave, Running", "Down"]);
        let routing = seen.routing(&ALL);
        assert!(matches!(routing, Routing::Not(_)), "{state} {routing:?}");
    }
}

#[test]
fn a_service_that_is_stopped_or_missing_is_named() {
    let mut seen = seen();
    seen.services[0].attributes.state = "Stopped".to_owned();
    let Routing::Partly(reason) = seen.routing(&ALL) else {
        panic!("one serves");
    };
    assert!(
        reason.contains("maxctrl start service Replication-Service"),
        "{reason}"
    );
    let gone = Names(vec!["gone".to_owned()]);
    let gone = Watched {
        services: Some(&gone),
        ..ALL
    };
    let reason = Routing::Not("there is no service gone".to_owned());
    assert_eq!(seen.routing(&gone), reason);
}

#[test]
fn a_stopped_monitor_is_degraded() {
    let mut seen = seen();
    seen.monitors[0].attributes.state = "Stopped".to_owned();
    assert!(matches!(seen.routing(&ALL), Routing::Partly(_)));
}

#[test]
fn a_service_of_a_cluster_or_of_services_has_their_servers() {
    let mut seen = with_states(["Down"; 3]);
    let text = r#"{"id":"By-Cluster","attributes":{"state":"Started","router":"readconnroute"},
        "relationships":{"monitors":{"data":[{"id":"Galera-Monitor","type":"monitors"}]}}}"#;
    seen.services = vec![serde_json::from_str(text).unwrap()];
    assert!(matches!(seen.routing(&ALL), Routing::Not(_)));
    seen.servers[2].attributes.state = "Synced, Running".to_owned();
    assert_eq!(seen.routing(&ALL), Routing::Well);
    let text = r#"{"id":"Front","attributes":{"state":"Started","router":"hintrouter"},
        "relationships":{"services":{"data":[{"id":"By-Cluster","type":"services"},
        {"id":"Front","type":"services"}]}}}"#;
    seen.services.push(serde_json::from_str(text).unwrap());
    assert_eq!(seen.routing(&ALL), Routing::Well);
    seen.servers[2].attributes.state = "Down".to_owned();
    assert!(matches!(seen.routing(&ALL), Routing::Not(_)));
}

#[test]
fn listeners_that_are_not_running_or_not_there_are_named() {
    let mut seen = seen();
    assert_eq!(seen.listeners(&ALL).unwrap().len(), 2);
    let one = Names(vec!["Galera-RW-Service".to_owned()]);
    let of_one = Watched {
        services: Some(&one),
        ..ALL
    };
    assert_eq!(seen.listeners(&of_one).unwrap().len(), 1);
    seen.listeners[0].attributes.state = "Stopped".to_owned();
    let wrong = seen.listeners(&ALL).unwrap_err();
    assert_eq!(wrong, "listener Replication-Listener is Stopped");
    assert_eq!(seen.listeners(&of_one).unwrap().len(), 1);
    let gone = Names(vec!["gone".to_owned()]);
    let gone = Watched {
        listeners: Some(&gone),
        ..ALL
    };
    assert_eq!(
        seen.listeners(&gone).unwrap_err(),
        "there is no listener gone"
    );
}
