//! What XML and a CIB forbid and the event reader lets through.

use quick_xml::events::{BytesDecl, BytesRef};

use super::error::{CibError, Place};
use super::read::{MAX_BYTES, Xml};

impl Xml<'_> {
    pub(super) fn check_declaration(
        &self,
        offset: usize,
        declaration: &BytesDecl<'_>,
    ) -> Result<(), CibError> {
        if offset > 0 {
            return Err(self.malformed(offset, "an XML declaration that is not at the start"));
        }
        match declaration.encoding() {
            None => Ok(()),
            Some(Ok(name))
                if ["utf-8", "us-ascii"].contains(&name.to_ascii_lowercase().as_str()) =>
            {
                Ok(())
            }
            Some(Ok(name)) => Err(CibError::Encoding {
                place: self.place(offset),
                found: format!("declared as `{name}`"),
            }),
            Some(Err(error)) => Err(self.malformed(offset, &error.to_string())),
        }
    }

    /// Only the references that XML itself defines: others need a DOCTYPE.
    pub(super) fn check_reference(
        &self,
        offset: usize,
        reference: &BytesRef<'_>,
    ) -> Result<(), CibError> {
        let known = ["lt", "gt", "amp", "apos", "quot"].contains(&&**reference);
        if !self.is_outside() && (known || matches!(reference.resolve_char_ref(), Ok(Some(_)))) {
            return Ok(());
        }
        Err(self.malformed(
            offset,
            &format!("the unknown reference `&{};`", &**reference),
        ))
    }

    pub(super) fn check_text(&self, offset: usize, text: &str) -> Result<(), CibError> {
        match self.is_outside() && !text.trim().is_empty() {
            true => Err(self.malformed(offset, "text outside of the document's element")),
            false => Ok(()),
        }
    }
}

/// The input as text, when it is one that XML may contain.
pub(super) fn decode(input: &[u8]) -> Result<&str, CibError> {
    if input.len() > MAX_BYTES {
        return Err(CibError::Size {
            found: input.len(),
            limit: MAX_BYTES,
        });
    }
    let bad = |offset, found: &str| CibError::Encoding {
        place: Place::new(input, offset, String::new()),
        found: found.to_owned(),
    };
    if input.starts_with(b"\xff\xfe") || input.starts_with(b"\xfe\xff") {
        return Err(bad(0, "UTF-16 text"));
    }
    if let Some(at) = first_forbidden(input) {
        return Err(bad(at, &format!("the byte {:#04x}", input[at])));
    }
    let text = std::str::from_utf8(input)
        .map_err(|error| bad(error.valid_up_to(), "bytes that are not UTF-8"))?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// The first byte that XML may not contain. Whole blocks are judged at once, which a processor does many bytes at a time.
fn first_forbidden(input: &[u8]) -> Option<usize> {
    let forbidden = |byte: u8| byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r');
    let blocks = input.chunks(256);
    let bad = |block: &[u8]| block.iter().fold(false, |bad, &byte| bad | forbidden(byte));
    let clean: usize = blocks
        .take_while(|block| !bad(block))
        .map(<[u8]>::len)
        .sum();
    let at = input[clean..].iter().position(|&byte| forbidden(byte))?;
    Some(clean + at)
}

/// May an element or attribute be called so?
pub(super) fn is_name(name: &str) -> bool {
    // Beyond ASCII nearly everything is allowed; all of it is here.
    let part = |byte: u8| byte.is_ascii_alphanumeric() || byte >= 0x80 || b"_:-.".contains(&byte);
    let first = name.bytes().next();
    first.is_some_and(|byte| !byte.is_ascii_digit() && !b"-.".contains(&byte))
        && name.bytes().all(part)
}
