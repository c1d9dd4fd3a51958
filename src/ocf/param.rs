//! Parameters: one declaration gives the struct, its parser and the meta-data.

use super::env::Env;
use super::value::{Kind, Value};

/// One parameter, as the meta-data shows it.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// The name, without `OCF_RESKEY_`.
    pub name: &'static str,
    /// The content type.
    pub kind: Kind,
    /// Whether it may be absent although it has no default.
    pub optional: bool,
    /// The text used when it is absent.
    pub default: Option<&'static str>,
    /// Whether `reload-agent` takes over a change.
    pub reloadable: bool,
    /// Resources must differ in the parameters of one group, taken together.
    pub unique_group: Option<&'static str>,
    /// One line.
    pub short: &'static str,
    /// Several lines, each with the blank that a doc comment starts with.
    pub long: &'static str,
}

/// All parameters of an agent: declared with [`params!`](crate::params).
pub trait Params: Sized {
    /// In the order of the declaration.
    const ROWS: &'static [Row];

    /// Reads every parameter; looks at nothing but the text.
    ///
    /// # Errors
    /// The first parameter that is missing or malformed.
    fn read(env: &Env) -> Result<Self, ParamError>;

    /// Whether these two give a parameter that is reloadable different values, as text.
    fn differ_by_reload(one: &Env, other: &Env) -> bool {
        let mut reloadable = Self::ROWS.iter().filter(|row| row.reloadable);
        reloadable.any(|row| {
            let value = |env: &Env| {
                let given = env.param(row.name).filter(|text| !text.is_empty());
                given.or(row.default).map(str::to_owned)
            };
            value(one) != value(other)
        })
    }
}

/// A parameter that cannot be used, whatever the node.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParamError {
    /// Required, and absent or empty.
    #[error(
        "parameter {name} is missing; set it with: \
         crm_resource --resource {resource} --set-parameter {name} --parameter-value VALUE"
    )]
    Missing {
        /// The resource that lacks it.
        resource: String,
        /// The parameter.
        name: &'static str,
    },
    /// Not readable as its type.
    #[error(
        "parameter {name} is \"{value}\"; it must be {expected}; correct it with: \
         crm_resource --resource {resource} --set-parameter {name} --parameter-value VALUE"
    )]
    Malformed {
        /// The resource that has it.
        resource: String,
        /// The parameter.
        name: &'static str,
        /// The text found.
        value: String,
        /// What was expected instead.
        expected: String,
    },
}

/// Reads one parameter of `env`, or its default.
///
/// Empty text counts as absent: neither the cluster's shells nor its CIB tell
/// the two apart. An explicit 0 is a value.
///
/// # Errors
/// When it is required and absent, or malformed.
pub fn read<T: Value>(
    env: &Env,
    name: &'static str,
    default: Option<&'static str>,
) -> Result<T, ParamError> {
    let resource = || env.resource().to_owned();
    let given = env.param(name).filter(|text| !text.is_empty());
    match given.or(default) {
        Some(text) => T::read(text).map_err(|expected| ParamError::Malformed {
            resource: resource(),
            name,
            value: text.to_owned(),
            expected,
        }),
        None => T::absent().ok_or_else(|| ParamError::Missing {
            resource: resource(),
            name,
        }),
    }
}

/// Declares the parameters of an agent.
///
/// The first line of a doc comment is the short description, the rest (after an
/// empty line) the long one. A parameter with neither a default nor an
/// `Option` type is required. `#[reloadable = true]` and then
/// `#[unique_group = "name"]` may stand between doc comment and name.
///
/// ```
/// use galera_rs::ocf::{Env, Params};
///
/// galera_rs::params! {
///     /// Parameters of an example.
///     pub struct Example {
///         /// Data directory
///         ///
///         /// Where the server keeps its files.
///         #[unique_group = "datadir"]
///         datadir: std::path::PathBuf = "/var/lib/mysql",
///         /// Pause between two looks
///         #[reloadable = true]
///         pause: std::time::Duration = "500ms",
///     }
/// }
/// let env = Env::from_pairs([("OCF_RESKEY_pause", "0")]);
/// assert!(Example::read(&env).unwrap().pause.is_zero());
/// ```
#[macro_export]
macro_rules! params {
    ($(#[$outer:meta])* pub struct $Name:ident { $(
        #[doc = $short:literal] $(#[doc = $long:literal])*
        $(#[reloadable = $reloadable:literal])?
        $(#[unique_group = $group:literal])?
        $field:ident : $ty:ty $(= $default:literal)?,
    )* }) => {
        $(#[$outer])*
        #[derive(Debug, Clone)]
        pub struct $Name { $( #[doc = $short] pub $field: $ty, )* }

        impl $crate::ocf::Params for $Name {
            const ROWS: &'static [$crate::ocf::Row] = &[ $( $crate::ocf::Row {
                name: stringify!($field),
                kind: <$ty as $crate::ocf::Value>::KIND,
                optional: <$ty as $crate::ocf::Value>::OPTIONAL,
                default: $crate::params!(@text $($default)?),
                reloadable: $crate::params!(@flag $($reloadable)?),
                unique_group: $crate::params!(@text $($group)?),
                short: $short,
                long: concat!($($long, "\n"),*),
            }, )* ];

            fn read(env: &$crate::ocf::Env) -> Result<Self, $crate::ocf::ParamError> {
                Ok(Self { $( $field: $crate::ocf::param::read(
                    env, stringify!($field), $crate::params!(@text $($default)?))?, )* })
            }
        }
    };
    (@text) => { None };
    (@text $text:literal) => { Some($text) };
    (@flag) => { false };
    (@flag $flag:literal) => { $flag };
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::ocf::Secret;

    crate::params! {
        /// Parameters of the tests.
        pub struct Sample {
            /// Address
            ///
            /// All members.
            /// A second line.
            #[unique_group = "address"]
            address: String,
            /// Pause
            #[reloadable = true]
            pause: Duration = "5",
            /// Port
            #[reloadable = true]
            #[unique_group = "address"]
            port: u16 = "3306",
            /// User
            user: Option<String>,
            /// Password
            password: Option<Secret>,
        }
    }

    fn read(pairs: &[(&str, &str)]) -> Result<Sample, ParamError> {
        let env = Env::from_pairs([("OCF_RESOURCE_INSTANCE", "db:0")]);
        Sample::read(
            &pairs
                .iter()
                .fold(env, |env, (name, value)| env.with_param(name, value)),
        )
    }

    #[test]
    fn absent_parameters_have_their_defaults() {
        let sample = read(&[("address", "a")]).unwrap();
        assert_eq!(sample.address, "a");
        assert_eq!(sample.pause, Duration::from_secs(5));
        assert_eq!(sample.port, 3306);
        assert_eq!(sample.user, None);
    }

    #[test]
    fn empty_text_counts_as_absent() {
        let sample = read(&[("address", "a"), ("pause", ""), ("user", "")]).unwrap();
        assert_eq!(sample.pause, Duration::from_secs(5));
        assert_eq!(sample.user, None);
        assert!(read(&[("address", "")]).is_err());
    }

    #[test]
    fn an_explicit_0_is_a_value() {
        let sample = read(&[("address", "a"), ("pause", "0")]).unwrap();
        assert_eq!(sample.pause, Duration::ZERO);
    }

    #[test]
    fn a_missing_parameter_is_named_with_the_command_that_sets_it() {
        let text = read(&[]).unwrap_err().to_string();
        assert!(text.contains("parameter address is missing"), "{text}");
        assert!(
            text.contains("--resource db --set-parameter address"),
            "{text}"
        );
    }

    #[test]
    fn a_malformed_parameter_is_named_with_its_value_and_what_it_must_be() {
        let text = read(&[("address", "a"), ("port", "99999")])
            .unwrap_err()
            .to_string();
        let head = "parameter port is \"99999\"; it must be a whole number from 0 to 65535;";
        assert!(text.starts_with(head), "{text}");
    }

    #[test]
    fn only_a_reloadable_parameter_with_another_value_makes_a_reload_due() {
        let env = Env::from_pairs([("OCF_RESKEY_address", "a")]);
        let differs = |name: &str, value: &str| {
            Sample::differ_by_reload(&env, &env.clone().with_param(name, value))
        };
        assert!(differs("pause", "6"));
        assert!(!differs("address", "b"), "it needs a restart");
        assert!(
            !differs("pause", "5") && !differs("pause", ""),
            "that is the default"
        );
    }

    #[test]
    fn the_rows_say_what_the_declaration_says() {
        let names: Vec<_> = Sample::ROWS.iter().map(|row| row.name).collect();
        assert_eq!(names, ["address", "pause", "port", "user", "password"]);
        let [address, pause, port, user, _] = Sample::ROWS else {
            panic!("five rows");
        };
        assert_eq!(address.long.trim(), "All members.\n A second line.");
        assert_eq!(address.unique_group, Some("address"));
        assert!(!address.optional && !address.reloadable);
        assert!(pause.reloadable && pause.unique_group.is_none());
        assert!(port.reloadable && port.unique_group == Some("address"));
        assert_eq!((port.kind, port.default), (Kind::Integer, Some("3306")));
        assert!(user.optional && user.default.is_none());
    }

    #[test]
    fn parameters_can_be_shown_without_their_secrets() {
        let sample = read(&[("address", "a"), ("password", "hunter2")]).unwrap();
        let shown = format!("{sample:?}");
        assert_eq!(sample.password.unwrap().reveal(), "hunter2");
        assert!(
            shown.contains("***") && !shown.contains("hunter2"),
            "{shown}"
        );
    }
}
