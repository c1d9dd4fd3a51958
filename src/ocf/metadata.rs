//! The description of an agent, from the same rows that parse its parameters.

use std::io::{self, Write};

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use super::about::{About, ActionRow, Role};
use super::action::Action;
use super::env::Env;
use super::param::Row;

/// Which version of the OCF API the description is written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// With the DOCTYPE of `ra-api-1.dtd`, and nothing that it does not know.
    V1_0,
    /// With roles, `reload-agent`, `reloadable` and `unique-group`.
    V1_1,
}

impl View {
    /// The view for this caller. Pacemaker always states a version; `ocf-tester`
    /// never does, and validates against the DTD of 1.0.
    #[must_use]
    pub fn of(env: &Env) -> Self {
        match env.plain("OCF_RA_VERSION_MAJOR") {
            Some(_) => View::V1_1,
            None => View::V1_0,
        }
    }
}

impl View {
    /// The version that the description itself states.
    const fn version(self) -> &'static str {
        match self {
            View::V1_0 => "1.0",
            View::V1_1 => "1.1",
        }
    }

    /// Whether this version knows the action; the DTD of 1.0 lists them.
    fn knows(self, action: Action) -> bool {
        self == View::V1_1 || action != Action::ReloadAgent
    }

    /// The word that this version has for the role.
    const fn role(self, role: Role) -> &'static str {
        match (self, role) {
            (View::V1_0, Role::Promoted) => "Master",
            (View::V1_0, Role::Unpromoted) => "Slave",
            (View::V1_1, Role::Promoted) => "Promoted",
            (View::V1_1, Role::Unpromoted) => "Unpromoted",
        }
    }
}

/// Writes the description of an agent as XML.
///
/// The order of the elements is that of both `ra-api-1.dtd` and the OCF 1.1
/// schema `ra-api.rng`.
///
/// # Errors
/// Those of `out`.
pub fn write(about: &About, rows: &[Row], view: View, out: &mut dyn Write) -> io::Result<()> {
    let mut xml = Writer::new_with_indent(Vec::new(), b' ', 2);
    xml.write_event(Event::Decl(BytesDecl::new("1.0", None, None)))?;
    if view == View::V1_0 {
        let doctype = r#"resource-agent SYSTEM "ra-api-1.dtd""#;
        xml.write_event(Event::DocType(BytesText::from_escaped(doctype)))?;
    }
    xml.create_element("resource-agent")
        .with_attributes([("name", about.name), ("version", about.version)])
        .write_inner_content(|xml| {
            text(xml, "version", view.version())?;
            description(xml, "longdesc", about.longdesc)?;
            description(xml, "shortdesc", about.shortdesc)?;
            xml.create_element("parameters")
                .write_inner_content(|xml| {
                    rows.iter().try_for_each(|row| parameter(xml, row, view))
                })?;
            xml.create_element("actions").write_inner_content(|xml| {
                let mut known = about.actions.iter().filter(|row| view.knows(row.action));
                known.try_for_each(|row| action(xml, row, view))
            })?;
            Ok(())
        })?;
    out.write_all(&xml.into_inner())?;
    out.write_all(b"\n")
}

type Xml = Writer<Vec<u8>>;

fn text(xml: &mut Xml, element: &str, text: &str) -> io::Result<()> {
    xml.create_element(element)
        .write_text_content(BytesText::new(text))?;
    Ok(())
}

/// A description without the blanks that each line of a doc comment starts with.
fn description(xml: &mut Xml, element: &str, doc: &str) -> io::Result<()> {
    let lines: Vec<_> = doc.trim().lines().map(str::trim).collect();
    xml.create_element(element)
        .with_attribute(("lang", "en"))
        .write_text_content(BytesText::new(&lines.join("\n")))?;
    Ok(())
}

fn parameter(xml: &mut Xml, row: &Row, view: View) -> io::Result<()> {
    let required = !row.optional && row.default.is_none();
    let mut element = xml
        .create_element("parameter")
        .with_attributes([("name", row.name), ("required", flag(required))]);
    if view == View::V1_1 {
        element = element.with_attribute(("reloadable", flag(row.reloadable)));
        if let Some(group) = row.unique_group {
            element = element.with_attribute(("unique-group", group));
        }
    }
    element.write_inner_content(|xml| {
        let long = if row.long.trim().is_empty() {
            row.short
        } else {
            row.long
        };
        description(xml, "longdesc", long)?;
        description(xml, "shortdesc", row.short)?;
        xml.create_element("content")
            .with_attribute(("type", row.kind.name()))
            .with_attributes(row.default.map(|text| ("default", text)))
            .write_empty()?;
        Ok(())
    })?;
    Ok(())
}

fn action(xml: &mut Xml, row: &ActionRow, view: View) -> io::Result<()> {
    let seconds = |s: u32| format!("{s}s");
    let mut element = xml
        .create_element("action")
        .with_attribute(("name", row.action.name()))
        .with_attribute(("timeout", seconds(row.timeout_s).as_str()));
    if let Some(interval) = row.interval_s {
        element = element.with_attribute(("interval", seconds(interval).as_str()));
    }
    if let Some(depth) = row.depth {
        element = element.with_attribute(("depth", depth.to_string().as_str()));
    }
    if let Some(role) = row.role {
        element = element.with_attribute(("role", view.role(role)));
    }
    element.write_empty()?;
    Ok(())
}

const fn flag(set: bool) -> &'static str {
    if set { "1" } else { "0" }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::process::{Command, Stdio};

    use super::super::sample::{Sample, SampleParams};
    use super::super::{Agent, Params};
    use super::*;

    fn xml(view: View) -> String {
        let mut out = Vec::new();
        write(&Sample::ABOUT, SampleParams::ROWS, view, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    /// Whether `path` is on this machine. `REQUIRE_REAL=1` makes its absence a
    /// failure, so that a skip cannot look like a pass.
    fn available(path: &str) -> bool {
        let found = Path::new(path).exists();
        if !found {
            let required = Env::from_process().plain("REQUIRE_REAL") == Some("1");
            assert!(!required, "{path} is missing, and REQUIRE_REAL=1");
            eprintln!("SKIPPED: {path} is missing");
        }
        found
    }

    #[allow(
        clippy::disallowed_methods,
        reason = "the validator that the cluster's own tools use"
    )]
    fn validate(document: &str, folder: &str, options: &[&str]) {
        if !available("/usr/bin/xmllint") {
            return;
        }
        let mut xmllint = Command::new("/usr/bin/xmllint")
            .args(["--noout", "--nonet"])
            .args(options)
            .arg("-")
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = xmllint.stdin.take().unwrap();
        stdin.write_all(document.as_bytes()).unwrap();
        drop(stdin);
        let ended = xmllint.wait_with_output().unwrap();
        let complaints = String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.success(), "{complaints}\n{document}");
    }

    #[test]
    fn the_1_1_view_follows_the_official_schema() {
        let schema = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/fixtures/ocf/ra-api-1.1.rng"
        );
        validate(&xml(View::V1_1), "/", &["--relaxng", schema]);
    }

    #[test]
    fn the_1_1_view_follows_the_schema_of_pcs() {
        let schema = "/usr/share/pcs/data/ocf-1.1.rng";
        if available(schema) {
            validate(&xml(View::V1_1), "/", &["--relaxng", schema]);
        }
    }

    /// `ocf-tester` runs "xmllint --noout --valid -" in this folder.
    #[test]
    fn the_1_0_view_follows_the_dtd_of_ocf_tester() {
        let folder = "/usr/share/resource-agents";
        if available("/usr/share/resource-agents/ra-api-1.dtd") {
            validate(&xml(View::V1_0), folder, &["--valid"]);
        }
    }

    #[test]
    fn the_1_0_view_has_nothing_that_1_0_does_not_know() {
        let xml = xml(View::V1_0);
        for word in [
            "reload-agent",
            "reloadable",
            "unique-group",
            "Promoted",
            "1.1",
        ] {
            assert!(!xml.contains(word), "{word} in {xml}");
        }
        assert!(xml.contains(r#"depth="0" role="Master"/>"#), "{xml}");
    }

    #[test]
    fn the_caller_that_states_a_version_gets_1_1() {
        let env = |pairs: &[(&str, &str)]| Env::from_pairs(pairs.iter().copied());
        assert_eq!(View::of(&env(&[])), View::V1_0);
        assert_eq!(View::of(&env(&[("OCF_RA_VERSION_MAJOR", "1")])), View::V1_1);
    }

    #[test]
    fn a_parameter_is_described_as_declared() {
        let xml = xml(View::V1_1);
        let datadir = r#"    <parameter name="datadir" required="0" reloadable="0" unique-group="datadir">
      <longdesc lang="en">Where the files are: &lt;here&gt; &amp; not there.

Second paragraph.</longdesc>
      <shortdesc lang="en">Data directory</shortdesc>
      <content type="string" default="/var/lib/sample"/>
    </parameter>
"#;
        assert!(xml.contains(datadir), "{xml}");
        let head = r#"<parameter name="broken" required="0" reloadable="1">"#;
        assert!(xml.contains(head), "{xml}");
        let name = r#"    <parameter name="name" required="1" reloadable="0">
      <longdesc lang="en">Name</longdesc>
      <shortdesc lang="en">Name</shortdesc>
      <content type="string"/>
"#;
        assert!(xml.contains(name), "{xml}");
    }

    #[test]
    fn an_action_is_advertised_as_declared() {
        let xml = xml(View::V1_1);
        let monitor =
            r#"<action name="monitor" timeout="30s" interval="10s" depth="0" role="Promoted"/>"#;
        assert!(xml.contains(monitor), "{xml}");
        assert!(xml.contains(r#"<action name="reload-agent" timeout="20s"/>"#));
        assert!(!xml.contains("job"));
    }
}
