//! Which of the routes leads straight to an address. Pure.

use std::net::IpAddr;

use crate::sys::net::route::Route;

/// What a route is looked for.
#[derive(Debug, Clone, Copy)]
pub struct Question {
    /// The address that it should lead to.
    pub ip: IpAddr,
    /// The bits of the address's network, when given.
    pub prefix: Option<u8>,
    /// The number of the device, when given.
    pub device: Option<u32>,
    /// Who made it, when given.
    pub protocol: Option<u8>,
}

/// Why no route can be chosen.
#[derive(Debug, PartialEq, Eq)]
pub enum NoRoute {
    /// None leads there.
    Nowhere,
    /// These are equal, by different devices.
    Several(Vec<Route>),
}

/// The narrowest network that holds the address, of several the one with the least metric. A network given by its
/// bits alone has to lie in that of the route.
///
/// # Errors
/// None, or several.
pub fn choose(routes: &[Route], asked: &Question) -> Result<Route, NoRoute> {
    let fits = |route: &&Route| {
        route.gateway.is_none()
            && route.prefix > 0
            && route.holds(asked.ip)
            && asked.protocol.is_none_or(|by| by == route.protocol)
            && asked.device.is_none_or(|device| device == route.device)
            && asked.prefix.is_none_or(|bits| route.prefix <= bits)
    };
    let rank = |route: &&Route| (u8::MAX - route.prefix, route.metric);
    let fitting: Vec<_> = routes.iter().filter(fits).collect();
    let best = fitting.iter().map(rank).min().ok_or(NoRoute::Nowhere)?;
    let best: Vec<_> = fitting.into_iter().filter(|r| rank(r) == best).collect();
    let one_device = best.iter().all(|route| route.device == best[0].device);
    if one_device {
        Ok(best[0].clone())
    } else {
        Err(NoRoute::Several(best.into_iter().cloned().collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(network: &str, prefix: u8, device: u32, metric: u32) -> Route {
        Route {
            network: network.parse().unwrap(),
            prefix,
            device,
            metric,
            protocol: 2,
            gateway: None,
        }
    }

    fn asked(ip: &str) -> Question {
        Question {
            ip: ip.parse().unwrap(),
            prefix: None,
            device: None,
            protocol: None,
        }
    }

    fn device(routes: &[Route], asked: &Question) -> Option<u32> {
        choose(routes, asked).ok().map(|route| route.device)
    }

    #[test]
    fn the_narrowest_network_is_chosen_and_then_the_least_metric() {
        let routes = [
            route("192.0.0.0", 16, 1, 0),
            route("192.0.2.0", 24, 2, 100),
            route("192.0.2.0", 24, 3, 50),
        ];
        assert_eq!(device(&routes, &asked("192.0.2.1")), Some(3));
        assert_eq!(device(&routes, &asked("192.0.3.1")), Some(1));
        assert_eq!(device(&routes, &asked("10.0.0.1")), None);
    }

    #[test]
    fn two_devices_with_equal_routes_are_both_named_as_candidates() {
        let routes = [route("192.0.2.0", 24, 2, 0), route("192.0.2.0", 24, 3, 0)];
        let several = NoRoute::Several(routes.to_vec());
        assert_eq!(choose(&routes, &asked("192.0.2.1")), Err(several));
        let by_device = Question {
            device: Some(3),
            ..asked("192.0.2.1")
        };
        assert_eq!(device(&routes, &by_device), Some(3));
    }

    #[test]
    fn two_routes_of_one_device_are_no_choice() {
        let routes = [route("192.0.2.0", 24, 2, 0), route("192.0.2.0", 24, 2, 0)];
        assert_eq!(device(&routes, &asked("192.0.2.1")), Some(2));
    }

    #[test]
    fn neither_a_gateway_nor_the_default_route_leads_straight_there() {
        let mut far = route("192.0.2.0", 24, 2, 0);
        far.gateway = Some("10.0.0.1".parse().unwrap());
        let routes = [far, route("0.0.0.0", 0, 3, 0)];
        assert_eq!(device(&routes, &asked("192.0.2.1")), None);
    }

    #[test]
    fn a_protocol_leaves_only_its_own_routes() {
        let mut dhcp = route("192.0.2.0", 24, 3, 100);
        dhcp.protocol = 16;
        let routes = [route("192.0.2.0", 24, 2, 0), dhcp];
        let question = Question {
            protocol: Some(16),
            ..asked("192.0.2.1")
        };
        assert_eq!(device(&routes, &question), Some(3));
    }

    #[test]
    fn a_prefix_without_a_device_has_to_lie_in_the_network_of_the_route() {
        let routes = [route("192.0.2.0", 24, 2, 0)];
        let with = |bits| Question {
            prefix: Some(bits),
            ..asked("192.0.2.1")
        };
        assert_eq!(device(&routes, &with(28)), Some(2));
        assert_eq!(device(&routes, &with(16)), None);
    }
}
