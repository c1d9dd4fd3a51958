//! The event reader: one pass over the bytes, bounded in size, depth and attributes.
//!
//! Readers of a subject descend with [`Xml::child`]: it yields the next child of the element that is open and `None` once that
//! element is closed. Each child must be read to its end, with [`Xml::child`] or [`Xml::skip`].

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use foldhash::fast::RandomState;
use quick_xml::XmlVersion;
use quick_xml::events::Event;
use quick_xml::events::attributes::Attributes;

use super::error::{CibError, Place};
use super::wellformed::{decode, is_name};

/// Text of the CIB. Equal texts share one allocation.
pub type Text = Arc<str>;

/// Bytes of input that are read at most.
pub const MAX_BYTES: usize = 64 << 20;
/// Elements inside each other that are read at most.
pub const MAX_DEPTH: usize = 64;
/// Attributes of one element that are read at most; bounds the search for duplicates.
pub const MAX_ATTRIBUTES: usize = 128;

/// An element's start tag. Attribute values are unescaped.
#[derive(Debug)]
pub(super) struct Element<'a> {
    pub name: &'a str,
    /// Where the tag starts.
    pub offset: usize,
    attributes: Vec<(&'a str, Cow<'a, str>)>,
}

impl<'a> Element<'a> {
    pub fn get(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value.as_ref())
    }

    pub fn attributes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.attributes
            .iter()
            .map(|(key, value)| (*key, value.as_ref()))
    }
}

/// The input with a position in it.
#[derive(Debug)]
pub(super) struct Xml<'a> {
    text: &'a str,
    events: quick_xml::Reader<&'a [u8]>,
    /// Names of the open elements.
    path: Vec<&'a str>,
    texts: HashSet<Text, RandomState>,
}

impl<'a> Xml<'a> {
    pub fn new(input: &'a [u8]) -> Result<Self, CibError> {
        let text = decode(input)?;
        let mut events = quick_xml::Reader::from_str(text);
        let config = events.config_mut();
        config.enable_all_checks(true);
        config.expand_empty_elements = true;
        Ok(Self {
            text,
            events,
            path: Vec::new(),
            texts: HashSet::default(),
        })
    }

    /// The next child of the open element (before the first: the document's), `None` at its end.
    pub fn child(&mut self) -> Result<Option<Element<'a>>, CibError> {
        loop {
            let offset = self.offset();
            let event = self
                .events
                .read_event()
                .map_err(|error| self.xml_error(&error))?;
            match event {
                Event::Start(tag) => return self.open(offset, tag.name().0.len()).map(Some),
                Event::End(_) => {
                    self.path.pop();
                    return Ok(None);
                }
                Event::Eof if self.path.is_empty() => return Ok(None),
                Event::Eof => {
                    return Err(self.malformed(offset, "the input ends inside an element"));
                }
                Event::DocType(_) => return Err(self.refused(offset, "a document type (DOCTYPE)")),
                Event::Decl(declaration) => self.check_declaration(offset, &declaration)?,
                Event::GeneralRef(reference) => self.check_reference(offset, &reference)?,
                Event::Text(text) => self.check_text(offset, &text)?,
                Event::CData(_) if self.path.is_empty() => {
                    return Err(self.malformed(offset, "text outside of the document's element"));
                }
                // Expanded into Start and End; the others say nothing about the cluster.
                Event::Empty(_) | Event::CData(_) | Event::Comment(_) | Event::PI(_) => {}
            }
        }
    }

    /// Passes over the rest of the open element. Checks it all the same.
    pub fn skip(&mut self) -> Result<(), CibError> {
        let depth = self.path.len();
        while self.path.len() >= depth {
            self.child()?;
        }
        Ok(())
    }

    /// One shared copy of `text`.
    pub fn text(&mut self, text: &str) -> Text {
        if let Some(known) = self.texts.get(text) {
            return known.clone();
        }
        let new: Text = text.into();
        self.texts.insert(new.clone());
        new
    }

    /// The attribute `name` of `element`, if it is there.
    pub fn get(&mut self, element: &Element<'_>, name: &str) -> Option<Text> {
        element.get(name).map(|value| self.text(value))
    }

    /// The same for an attribute that hardly two elements share: not worth a search.
    pub fn get_unshared(&self, element: &Element<'_>, name: &str) -> Option<Text> {
        element.get(name).map(Text::from)
    }

    /// The attribute `name` of `element`, which must be there.
    pub fn need(&mut self, element: &Element<'_>, name: &'static str) -> Result<Text, CibError> {
        match element.get(name) {
            Some(value) => Ok(self.text(value)),
            None => Err(CibError::Missing {
                place: self.place(element.offset),
                element: element.name.to_owned(),
                attribute: name,
            }),
        }
    }

    /// The attribute `name` as a number, if it is there.
    pub fn number<T: std::str::FromStr>(
        &self,
        element: &Element<'_>,
        name: &str,
    ) -> Result<Option<T>, CibError> {
        let Some(value) = element.get(name) else {
            return Ok(None);
        };
        match value.trim().parse() {
            Ok(number) => Ok(Some(number)),
            Err(_) => Err(self.bad_value(element, name, "a whole number")),
        }
    }

    /// The error for a value of `element` that cannot be read.
    pub fn bad_value(&self, element: &Element<'_>, name: &str, wanted: &'static str) -> CibError {
        CibError::Value {
            place: self.place(element.offset),
            attribute: name.to_owned(),
            found: element.get(name).unwrap_or_default().to_owned(),
            wanted,
        }
    }

    /// The error for a document that starts with another element.
    pub fn not_a_cib(&self, offset: usize, found: &str) -> CibError {
        CibError::NotACib {
            place: self.place(offset),
            found: found.to_owned(),
        }
    }

    /// The error for a second thing of one name.
    pub fn duplicate(&self, element: &Element<'_>, name: &str) -> CibError {
        let place = self.place(element.offset);
        CibError::Duplicate {
            place,
            element: element.name.to_owned(),
            name: name.to_owned(),
        }
    }

    /// The error for a document of two.
    pub fn second_root(&self, element: &Element<'_>) -> CibError {
        self.malformed(element.offset, "a second document after the first")
    }

    /// The place of a byte, inside the elements that are open now.
    pub fn place(&self, offset: usize) -> Place {
        let path = self
            .path
            .iter()
            .fold(String::new(), |path, name| path + "/" + name);
        Place::new(self.text.as_bytes(), offset, path)
    }

    /// Before the document's element or after it.
    pub fn is_outside(&self) -> bool {
        self.path.is_empty()
    }

    fn offset(&self) -> usize {
        offset(self.events.buffer_position())
    }

    fn open(&mut self, offset: usize, name_length: usize) -> Result<Element<'a>, CibError> {
        let tag = &self.text[offset + 1..self.offset() - 1];
        let tag = tag.strip_suffix('/').unwrap_or(tag);
        let name = &tag[..name_length];
        if self.path.len() == MAX_DEPTH {
            return Err(self.refused(offset, &format!("an element inside of {MAX_DEPTH} others")));
        }
        self.path.push(name);
        if !is_name(name) {
            return Err(self.malformed(offset, "an element without a proper name"));
        }
        let attributes = self.read_attributes(offset, tag, name_length)?;
        Ok(Element {
            name,
            offset,
            attributes,
        })
    }

    fn read_attributes(
        &self,
        offset: usize,
        tag: &'a str,
        name_length: usize,
    ) -> Result<Vec<(&'a str, Cow<'a, str>)>, CibError> {
        let mut attributes: Vec<(&str, Cow<'_, str>)> = Vec::with_capacity(24);
        // Its own check for duplicates allocates a list for each element: a sixth of the whole time.
        for attribute in Attributes::new(tag, name_length).with_checks(false) {
            let attribute =
                attribute.map_err(|error| self.malformed(offset, &error.to_string()))?;
            if attributes.len() == MAX_ATTRIBUTES {
                return Err(self.refused(
                    offset,
                    &format!("an element of more than {MAX_ATTRIBUTES} attributes"),
                ));
            }
            let key = attribute.key.into_inner();
            if !is_name(key) || attribute.value.contains('<') {
                return Err(self.malformed(
                    offset,
                    &format!("the attribute `{key}` has a bad name or holds `<`"),
                ));
            }
            if attributes.iter().any(|(earlier, _)| *earlier == key) {
                return Err(self.malformed(offset, &format!("the attribute `{key}` twice")));
            }
            let value = attribute.normalized_value(XmlVersion::Explicit1_0);
            let value = value
                .map_err(|error| self.malformed(offset, &format!("attribute `{key}`: {error}")))?;
            attributes.push((key, value));
        }
        Ok(attributes)
    }

    fn xml_error(&self, error: &quick_xml::Error) -> CibError {
        self.malformed(offset(self.events.error_position()), &error.to_string())
    }

    /// The error for damage.
    pub fn malformed(&self, offset: usize, found: &str) -> CibError {
        CibError::Malformed {
            place: self.place(offset),
            found: found.to_owned(),
        }
    }

    /// The error for what no real CIB has.
    pub fn refused(&self, offset: usize, found: &str) -> CibError {
        CibError::Refused {
            place: self.place(offset),
            found: found.to_owned(),
        }
    }
}

/// The reader's positions are within a slice that is in memory.
fn offset(position: u64) -> usize {
    usize::try_from(position).unwrap_or(usize::MAX)
}
