//! The options of Galera's provider: what the server's option files say, and what is added to that. Pure.

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

fn options(text: &str) -> impl Iterator<Item = &str> {
    let options = text.split(';').map(str::trim);
    options.filter(|option| !option.is_empty())
}

fn key(option: &str) -> &str {
    let (key, _) = option.split_once('=').unwrap_or((option, ""));
    key.trim()
}

#[cfg(test)]
mod tests {
    use super::with_added;

    #[test]
    fn what_the_option_files_set_is_kept_and_the_rest_is_added() {
        let both = with_added("gcache.size=1G; evs.a = 5;", "evs.a=1;evs.b=2");
        assert_eq!(both.as_deref(), Some("gcache.size=1G;evs.a = 5;evs.b=2"));
        assert_eq!(with_added("", "evs.b=2").as_deref(), Some("evs.b=2"));
    }

    #[test]
    fn nothing_is_said_where_nothing_is_added() {
        assert_eq!(with_added("evs.b=1", "evs.b = 2;"), None);
        assert_eq!(with_added("gcache.size=1G", ""), None);
    }
}
