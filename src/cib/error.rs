//! What can be wrong with a CIB, and where.

use std::fmt;

use thiserror::Error;

/// Where in the input something was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Line, from 1.
    pub line: usize,
    /// Column in bytes, from 1.
    pub column: usize,
    /// Byte offset, from 0.
    pub offset: usize,
    /// The open elements, `/cib/configuration/nodes`; empty before the first.
    pub path: String,
}

impl Place {
    /// The place of byte `offset` of `input`, inside the elements of `path`.
    pub(super) fn new(input: &[u8], offset: usize, path: String) -> Self {
        let before = &input[..offset.min(input.len())];
        let line_start = before
            .iter()
            .rposition(|&byte| byte == b'\n')
            .map_or(0, |at| at + 1);
        Self {
            line: before.iter().filter(|&&byte| byte == b'\n').count() + 1,
            column: before.len() - line_start + 1,
            offset: before.len(),
            path,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {} column {}", self.line, self.column)?;
        match self.path.as_str() {
            "" => Ok(()),
            path => write!(f, " ({path})"),
        }
    }
}

/// Input that is no CIB this reader takes. Every text says what to do.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CibError {
    /// More bytes than any real CIB has.
    #[error(
        "the CIB has {found} bytes, at most {limit} are read: ask cibadmin for a smaller part with --scope or --xpath"
    )]
    Size {
        /// Bytes given.
        found: usize,
        /// Bytes taken.
        limit: usize,
    },
    /// Not UTF-8, or characters that XML forbids.
    #[error("{place}: {found}: the CIB must be UTF-8 text; check what cibadmin --query printed")]
    Encoding {
        /// Where.
        place: Place,
        /// What stands there.
        found: String,
    },
    /// Not well-formed XML: truncated or damaged.
    #[error(
        "{place}: {found}: the CIB is truncated or damaged; query it again with cibadmin --query"
    )]
    Malformed {
        /// Where.
        place: Place,
        /// What is wrong.
        found: String,
    },
    /// XML that no CIB contains and that could be an attack.
    #[error("{place}: {found} is refused: a CIB has none; find out who wrote this")]
    Refused {
        /// Where.
        place: Place,
        /// What was found: a DOCTYPE, too deep nesting, too many attributes.
        found: String,
    },
    /// The outermost element is another one.
    #[error("{place}: found <{found}>, expected <cib>: pass the whole output of cibadmin --query")]
    NotACib {
        /// Where.
        place: Place,
        /// The element found.
        found: String,
    },
    /// An element without the attribute that names it.
    #[error(
        "{place}: <{element}> has no `{attribute}`: repair it with cibadmin --modify, then check with crm_verify --live-check"
    )]
    Missing {
        /// Where.
        place: Place,
        /// The element.
        element: String,
        /// The attribute.
        attribute: &'static str,
    },
    /// A value that cannot be read.
    #[error(
        "{place}: `{attribute}` is `{found}`, expected {wanted}: repair it with cibadmin --modify, then check with crm_verify --live-check"
    )]
    Value {
        /// Where.
        place: Place,
        /// The attribute.
        attribute: String,
        /// What it holds.
        found: String,
        /// What it should hold.
        wanted: &'static str,
    },
    /// Two resources or two nodes with one name.
    #[error(
        "{place}: a second <{element}> named `{name}`: remove one with cibadmin --delete, then check with crm_verify --live-check"
    )]
    Duplicate {
        /// Where.
        place: Place,
        /// The element.
        element: String,
        /// The name they share.
        name: String,
    },
}
