//! What has to be changed: seen and wanted addresses to steps. Pure.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::sys::net::Address;

/// One change, which can be undone.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Step {
    /// Give the device the address.
    Add(Address),
    /// Take it away.
    Remove(Address),
}

impl Step {
    /// The address that changes.
    pub fn ip(&self) -> IpAddr {
        match self {
            Step::Add(address) | Step::Remove(address) => address.ip,
        }
    }

    /// The change that takes this one back.
    pub fn undo(self) -> Self {
        match self {
            Step::Add(address) => Step::Remove(address),
            Step::Remove(address) => Step::Add(address),
        }
    }
}

/// Adds what is missing and keeps what is right. What is here in another place goes first: an IPv6 address can be on
/// a device only once.
pub fn take(held: &[Address], wanted: &[Address]) -> Vec<Step> {
    let right = |held: &&Address| wanted.iter().any(|wanted| held.fulfils(wanted));
    let ips: BTreeSet<_> = wanted.iter().map(|wanted| wanted.ip).collect();
    let misplaced: Vec<_> = ours(held, &ips).filter(|held| !right(held)).collect();
    let missing = wanted
        .iter()
        .filter(|wanted| !held.iter().any(|held| held.fulfils(wanted)));
    let mut steps = removals(misplaced);
    steps.extend(missing.cloned().map(Step::Add));
    steps
}

/// Removes these addresses wherever they are, except those to `keep`.
pub fn leave(held: &[Address], ips: &BTreeSet<IpAddr>, keep: &[Address]) -> Vec<Step> {
    let kept = |address: &&Address| keep.iter().any(|keep| keep.is_at(address));
    removals(ours(held, ips).filter(|held| !kept(held)).collect())
}

fn ours<'a>(
    held: &'a [Address],
    ips: &'a BTreeSet<IpAddr>,
) -> impl Iterator<Item = &'a Address> + Clone {
    held.iter().filter(|held| ips.contains(&held.ip))
}

/// Secondary addresses go before the one they hang on, as the kernel would remove them with it.
fn removals(mut addresses: Vec<&Address>) -> Vec<Step> {
    addresses.sort_by_key(|address| !address.is_secondary());
    addresses.into_iter().cloned().map(Step::Remove).collect()
}

/// The addresses of others on these devices that went when ours went: they hung on one of ours.
pub fn lost(
    before: &[Address],
    after: &[Address],
    ips: &BTreeSet<IpAddr>,
    devices: &BTreeSet<u32>,
) -> Vec<Address> {
    let gone = |address: &&Address| {
        address.is_secondary()
            && devices.contains(&address.device())
            && !ips.contains(&address.ip)
            && !after.iter().any(|after| after.is_at(address))
    };
    before.iter().filter(gone).cloned().collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sys::net::Manner;

    fn at(ip: &str, prefix: u8, device: u32) -> Address {
        Address::new(ip.parse().unwrap(), prefix, device, &Manner::default())
    }

    fn ips(addresses: &[Address]) -> BTreeSet<IpAddr> {
        addresses.iter().map(|address| address.ip).collect()
    }

    /// The kernel, as far as a plan is concerned.
    fn after(held: &[Address], steps: &[Step]) -> Vec<Address> {
        let mut held = held.to_vec();
        for step in steps {
            match step {
                Step::Add(address) => {
                    assert!(!held.iter().any(|held| held.is_at(address)));
                    let twice = |held: &Address| {
                        held.ip.is_ipv6()
                            && held.ip == address.ip
                            && held.device() == address.device()
                    };
                    assert!(!held.iter().any(twice), "an IPv6 address twice on a device");
                    held.push(address.clone());
                }
                Step::Remove(address) => {
                    let at = held.iter().position(|held| held.is_at(address));
                    held.remove(at.expect("it is there"));
                }
            }
        }
        held
    }

    #[test]
    fn what_is_right_is_taken_over_without_a_step() {
        let wanted = [at("192.0.2.1", 24, 2), at("2001:db8::1", 64, 2)];
        assert_eq!(take(&wanted, &wanted), []);
    }

    #[test]
    fn an_address_with_another_prefix_or_device_goes_first() {
        let wanted = at("2001:db8::1", 64, 2);
        let (prefix, device) = (at("2001:db8::1", 128, 2), at("2001:db8::1", 64, 3));
        for old in [prefix, device] {
            let steps = take(std::slice::from_ref(&old), std::slice::from_ref(&wanted));
            assert_eq!(steps, [Step::Remove(old), Step::Add(wanted.clone())]);
        }
    }

    #[test]
    fn leaving_finds_the_address_on_every_device_with_every_prefix() {
        let held = [
            at("192.0.2.1", 24, 2),
            at("192.0.2.1", 32, 3),
            at("192.0.2.2", 24, 2),
        ];
        let steps = leave(&held, &ips(&held[..1]), &[]);
        assert_eq!(after(&held, &steps), held[2..]);
    }

    fn some_address() -> impl Strategy<Value = Address> {
        let ip = prop::sample::select(vec!["192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2"]);
        (ip, 24u8..27, 1u32..4).prop_map(|(ip, prefix, device)| at(ip, prefix, device))
    }

    /// No two that the kernel could not hold at once.
    fn possible(addresses: Vec<Address>) -> Vec<Address> {
        let mut kept: Vec<Address> = Vec::new();
        for address in addresses {
            let clash = |held: &Address| {
                held.is_at(&address)
                    || held.ip.is_ipv6()
                        && held.ip == address.ip
                        && held.device() == address.device()
            };
            if !kept.iter().any(clash) {
                kept.push(address);
            }
        }
        kept
    }

    fn one_of_each(addresses: Vec<Address>) -> Vec<Address> {
        let mut seen = BTreeSet::new();
        addresses
            .into_iter()
            .filter(|address| seen.insert(address.ip))
            .collect()
    }

    proptest! {
        #[test]
        fn after_taking_every_address_is_in_its_place_and_nowhere_else(
            held in prop::collection::vec(some_address(), 0..8).prop_map(possible),
            wanted in prop::collection::vec(some_address(), 1..4).prop_map(one_of_each),
        ) {
            let then = after(&held, &take(&held, &wanted));
            for address in &then {
                let foreign = !ips(&wanted).contains(&address.ip);
                prop_assert!(foreign && held.contains(address) || wanted.iter().any(|w| w.is_at(address)));
            }
            for address in &wanted {
                prop_assert_eq!(then.iter().filter(|held| held.ip == address.ip).count(), 1);
            }
            prop_assert_eq!(take(&then, &wanted), []);
        }

        #[test]
        fn undone_in_reverse_order_everything_is_as_it_was(
            held in prop::collection::vec(some_address(), 0..8).prop_map(possible),
            wanted in prop::collection::vec(some_address(), 1..4).prop_map(one_of_each),
            done in 0usize..8,
        ) {
            let mut steps = take(&held, &wanted);
            steps.truncate(done);
            let then = after(&held, &steps);
            let back: Vec<_> = steps.into_iter().rev().map(Step::undo).collect();
            let mut back = after(&then, &back);
            let key = |address: &Address| (address.ip, address.prefix(), address.device());
            back.sort_by_key(key);
            let mut held = held;
            held.sort_by_key(key);
            prop_assert_eq!(back, held);
        }
    }
}
