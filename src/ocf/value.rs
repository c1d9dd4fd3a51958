//! The types that a parameter can have.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// The content type that the meta-data states for a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Any text.
    String,
    /// A whole number.
    Integer,
    /// An OCF boolean.
    Boolean,
}

impl Kind {
    /// The word of the meta-data schema.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Kind::String => "string",
            Kind::Integer => "integer",
            Kind::Boolean => "boolean",
        }
    }
}

/// A type that a parameter can have.
pub trait Value: Sized {
    /// The type stated in the meta-data.
    const KIND: Kind;
    /// Whether the parameter may be absent although it has no default.
    const OPTIONAL: bool = false;

    /// Reads text that is not empty; looks at nothing but the text.
    ///
    /// # Errors
    /// What was expected instead, to complete the sentence "it must be ..".
    fn read(text: &str) -> Result<Self, String>;

    /// The value of an absent parameter without default; `None` if it is required.
    #[must_use]
    fn absent() -> Option<Self> {
        None
    }
}

/// A password: shown as `***` wherever it is printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes the text that must not be shown.
    #[must_use]
    pub fn new(text: String) -> Self {
        Secret(text)
    }

    /// The text itself, for the one who has to use it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Value for String {
    const KIND: Kind = Kind::String;

    fn read(text: &str) -> Result<Self, String> {
        Ok(text.to_owned())
    }
}

impl Value for Secret {
    const KIND: Kind = Kind::String;

    fn read(text: &str) -> Result<Self, String> {
        Ok(Secret(text.to_owned()))
    }
}

impl Value for PathBuf {
    const KIND: Kind = Kind::String;

    fn read(text: &str) -> Result<Self, String> {
        Ok(PathBuf::from(text))
    }
}

/// The true words of `ocf_is_true` (resource-agents' `ocf-shellfuncs`), their
/// opposites, and Pacemaker's `y` and `n`, in any case. Anything else is an
/// error, not false.
impl Value for bool {
    const KIND: Kind = Kind::Boolean;

    fn read(text: &str) -> Result<Self, String> {
        match text.trim().to_ascii_lowercase().as_str() {
            "yes" | "y" | "true" | "1" | "on" | "ja" => Ok(true),
            "no" | "n" | "false" | "0" | "off" | "nein" => Ok(false),
            _ => Err("yes or no".to_owned()),
        }
    }
}

macro_rules! integer {
    ($($ty:ty),*) => { $(
        impl Value for $ty {
            const KIND: Kind = Kind::Integer;

            fn read(text: &str) -> Result<Self, String> {
                text.trim()
                    .parse()
                    .map_err(|_| format!("a whole number from 0 to {}", <$ty>::MAX))
            }
        }
    )* };
}

integer!(u16, u32, u64);

/// Whole seconds, or a whole number with `ms`, `s` or `min`. A string in the
/// meta-data, as OCF has no type for times.
impl Value for Duration {
    const KIND: Kind = Kind::String;

    fn read(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let unit_at = text
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(text.len());
        let (number, unit) = text.split_at(unit_at);
        let number = number.parse().ok();
        match (number, unit.trim_start()) {
            (Some(n), "ms") => Some(Duration::from_millis(n)),
            (Some(n), "" | "s") => Some(Duration::from_secs(n)),
            (Some(n), "min") => n.checked_mul(60).map(Duration::from_secs),
            (Some(_) | None, _) => None,
        }
        .ok_or_else(|| "a time in seconds, such as 30, 30s, 500ms or 2min".to_owned())
    }
}

impl<T: Value> Value for Option<T> {
    const KIND: Kind = T::KIND;
    const OPTIONAL: bool = true;

    fn read(text: &str) -> Result<Self, String> {
        T::read(text).map(Some)
    }

    fn absent() -> Option<Self> {
        Some(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn booleans_have_many_spellings_and_anything_else_is_an_error() {
        for text in ["yes", "TRUE", "1", "On", "ja", "y"] {
            assert_eq!(bool::read(text), Ok(true), "{text}");
        }
        for text in ["no", "False", "0", "OFF", "nein", "n"] {
            assert_eq!(bool::read(text), Ok(false), "{text}");
        }
        assert!(bool::read("2").is_err());
        assert!(bool::read("maybe").is_err());
    }

    #[test]
    fn numbers_are_bounded_by_their_type() {
        assert_eq!(u16::read("65535"), Ok(65535));
        assert_eq!(
            u16::read("65536"),
            Err("a whole number from 0 to 65535".to_owned())
        );
        assert!(u32::read("-1").is_err());
        assert!(u64::read("1.5").is_err());
    }

    #[test]
    fn times_are_seconds_unless_a_unit_is_given() {
        assert_eq!(Duration::read("30"), Ok(Duration::from_secs(30)));
        assert_eq!(Duration::read("30s"), Ok(Duration::from_secs(30)));
        assert_eq!(Duration::read("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(Duration::read("2 min"), Ok(Duration::from_secs(120)));
        assert_eq!(Duration::read("0"), Ok(Duration::ZERO));
    }

    #[test]
    fn odd_times_are_errors() {
        for text in ["s", "-1", "1.5", "3 weeks", "99999999999999999999", "1h"] {
            assert!(Duration::read(text).is_err(), "{text}");
        }
        assert!(Duration::read(&format!("{}min", u64::MAX)).is_err());
    }

    #[test]
    fn a_secret_is_never_shown() {
        let secret = Secret::new("hunter2".to_owned());
        assert_eq!(format!("{secret} {secret:?}"), "*** ***");
        assert_eq!(secret.reveal(), "hunter2");
    }

    #[test]
    fn an_option_has_the_type_of_what_it_holds_and_may_be_absent() {
        assert_eq!(Option::<u16>::KIND, Kind::Integer);
        assert_eq!(Option::<u16>::absent(), Some(None));
        assert_eq!(Option::<u16>::read("7"), Ok(Some(7)));
        assert_eq!(u16::absent(), None);
    }
}
