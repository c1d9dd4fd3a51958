//! The page: one file without scripts and without anything from elsewhere. Pure.

use super::html::{element, heading, plain, row};
use super::{Content, Looked, picture, timeline, tone};
use crate::ctl::show;
use crate::ctl::status::Status;

/// Colours for light and dark, as the reader's browser is set.
const STYLE: &str = include_str!("page.css");

/// The whole file.
pub(super) fn draw(content: &Content<'_>) -> String {
    let status = content.status;
    let title = format!("{}: report of galeractl", status.resource);
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width\"><meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{}</title>\n<style>\n{STYLE}</style></head>\n<body><main>\n",
        plain(&title)
    );
    page += &head(content);
    let legend = "On the same ground: the primary component. With a frame: promoted.";
    let picture = picture::draw(status, content.addresses) + &element("p", "faint", legend);
    page += &section("Cluster", &picture);
    page += &section("Nodes", &nodes(status));
    page += &section("Last failover", &timeline::draw(content.failover));
    page += &section("What was read", &sources(content.sources));
    page + "</main></body></html>\n"
}

fn section(title: &str, inside: &str) -> String {
    format!(
        "<section>{}\n{inside}</section>\n",
        element("h2", "", title)
    )
}

fn head(content: &Content<'_>) -> String {
    let status = content.status;
    let clone = status.clone.as_ref();
    let name = clone.map_or(status.resource.clone(), |clone| {
        format!("{} in {clone}", status.resource)
    });
    let mut text = element("h1", "", &name);
    text += &element("p", "verdict", &status.verdict.text);
    let quorum = if status.quorate { "yes" } else { "NO" };
    let mut facts = vec![
        ("made", timeline::clock(content.made) + " UTC"),
        ("quorum", quorum.to_owned()),
        ("epoch", show::epoch(&status.epoch)),
    ];
    facts.extend(
        status
            .order
            .iter()
            .map(|order| ("order", show::order(order))),
    );
    facts.extend(
        status
            .warnings
            .iter()
            .map(|warning| ("warning", warning.clone())),
    );
    text.push_str("<dl>\n");
    for (term, words) in facts {
        text += &(element("dt", "", term) + &element("dd", "", &words) + "\n");
    }
    text + "</dl>\n"
}

fn nodes(status: &Status) -> String {
    let mut text = "<div class=\"wide\"><table>".to_owned();
    text += &heading(&[
        "node", "Galera", "state", "role", "phase", "position", "epoch", "score", "fails",
    ]);
    text.push_str("<tbody>\n");
    for one in &status.nodes {
        let word = |word: Option<&str>| word.unwrap_or("-").to_owned();
        let epoch = one.epoch.map_or("-".to_owned(), |epoch| epoch.to_string());
        text += &row(&[
            ("", &word(one.node.as_deref())),
            ("", &word(one.elector.as_deref())),
            ("", &word(one.state)),
            ("", &word(one.role)),
            (tone(one), &word(one.phase)),
            ("mono", &show::position(one, usize::MAX)),
            ("", &epoch),
            ("", &word(one.score.as_deref())),
            ("", &one.fail_count.to_string()),
        ]);
    }
    text.push_str("</tbody></table></div>\n");
    for one in &status.nodes {
        let transfer = one.transfer.as_ref().map(|transfer| &transfer.text);
        for note in one.reason.iter().chain(transfer) {
            text += &element("p", "", &format!("{}: {note}", one.name()));
        }
    }
    for missing in &status.missing {
        text += &element("p", "bad", &format!("missing: {}", show::absence(missing)));
    }
    text
}

fn sources(looked: &[Looked]) -> String {
    let lines = looked.iter().map(|one| match &one.found {
        Ok(found) => row(&[("", &one.name), ("good", "read"), ("", found)]),
        Err(why) => row(&[("", &one.name), ("bad", "not read"), ("", why)]),
    });
    let lines: String = lines.collect();
    format!("<div class=\"wide\"><table><tbody>\n{lines}</tbody></table></div>\n")
}
