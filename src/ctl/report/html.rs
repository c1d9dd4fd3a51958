//! Text for a page. Pure.

use quick_xml::escape::escape;

/// The text as content or attribute: nothing in it is markup, and what no page may hold is shown as a box.
pub(super) fn plain(text: &str) -> String {
    let allowed = |letter: char| match letter {
        '\n' | '\t' => ' ',
        letter if letter.is_control() => '\u{fffd}',
        letter => letter,
    };
    let text: String = text.chars().map(allowed).collect();
    escape(&*text).into_owned()
}

/// `<name class="class">text</name>`
pub(super) fn element(name: &str, class: &str, text: &str) -> String {
    let class = match class {
        "" => String::new(),
        class => format!(" class=\"{class}\""),
    };
    format!("<{name}{class}>{}</{name}>", plain(text))
}

/// A table row of escaped cells.
pub(super) fn row(cells: &[(&str, &str)]) -> String {
    let cells: String = cells
        .iter()
        .map(|(class, text)| element("td", class, text))
        .collect();
    format!("<tr>{cells}</tr>\n")
}

/// A heading row.
pub(super) fn heading(names: &[&str]) -> String {
    let names: String = names.iter().map(|name| element("th", "", name)).collect();
    format!("<thead><tr>{names}</tr></thead>\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_outside_is_markup() {
        let text = plain("<script>'\"&\u{1b}\n");
        assert_eq!(text, "&lt;script&gt;&apos;&quot;&amp;\u{fffd} ");
        assert_eq!(element("td", "", "<b>"), "<td>&lt;b&gt;</td>");
    }
}
