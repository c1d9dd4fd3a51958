//! The options of Galera's provider: what the server's option files say, and what is added to that. Pure.

use super::address;

/// The value for `wsrep_provider_options` with everything of `configured` and those of `added` whose key it does
/// not set itself; `None` when that adds nothing. Options are `key=value`, separated by semicolons.
pub fn with_added(configured: &str, added: &str) -> Option<String> {
    let taken: Vec<_> = options(configured).map(key).collect();
    let new: Vec<_> = options(added)
        .filter(|option| !taken.contains(&key(option)))
        .collect();
    if new.is_empty() {
        return None;
    }
    let all: Vec<_> = options(configured).chain(new).collect();
    Some(all.join(";"))
}

/// The port of members whose address names none [measured], and the one that this server listens on. `of_node`: that in
/// `wsrep_node_address`, which Galera takes for `base_port` (`ReplicatorSMM::InitConfig`).
pub fn ports(configured: &str, of_node: Option<u16>) -> (u16, u16) {
    let base = value(configured, "base_port").and_then(|port| port.parse().ok());
    let base = base.or(of_node).unwrap_or(address::PORT);
    let listen = value(configured, "gmcast.listen_addr");
    let listen = listen.and_then(|address| address.rsplit_once(':')?.1.parse().ok());
    (base, listen.unwrap_or(base))
}

/// The value of an option; the last one counts.
fn value<'a>(text: &'a str, wanted: &str) -> Option<&'a str> {
    let mut found = options(text).filter(|option| key(option) == wanted);
    let (_, value) = found.next_back()?.split_once('=')?;
    Some(value.trim())
}

fn options(text: &str) -> impl DoubleEndedIterator<Item = &str> {
    let options = text.split(';').map(str::trim);
    options.filter(|option| !option.is_empty())
}

fn key(option: &str) -> &str {
    let (key, _) = option.split_once('=').unwrap_or((option, ""));
    key.trim()
}

#[cfg(test)]
mod tests {
    use super::{ports, with_added};

    #[test]
    fn what_the_option_files_set_is_kept_and_the_rest_is_added() {
        let both = with_added("gcache.size=1G; evs.a = 5;", "evs.a=1;evs.b=2");
        assert_eq!(both.as_deref(), Some("gcache.size=1G;evs.a = 5;evs.b=2"));
        assert_eq!(with_added("", "evs.b=2").as_deref(), Some("evs.b=2"));
    }

    #[test]
    fn the_ports_are_those_of_the_configuration() {
        assert_eq!(ports("gcache.size=1G", None), (4567, 4567));
        assert_eq!(ports("", Some(5567)), (5567, 5567));
        assert_eq!(ports("base_port = 6567;a=b", Some(5567)), (6567, 6567));
        let listens = |address| ports(&format!("gmcast.listen_addr={address}"), None);
        assert_eq!(listens("tcp://0.0.0.0:5567"), (4567, 5567));
        assert_eq!(listens("ssl://[::]:5567"), (4567, 5567));
        assert_eq!(listens("tcp://0.0.0.0"), (4567, 4567));
    }

    #[test]
    fn nothing_is_said_where_nothing_is_added() {
        assert_eq!(with_added("evs.b=1", "evs.b = 2;"), None);
        assert_eq!(with_added("gcache.size=1G", ""), None);
    }
}
