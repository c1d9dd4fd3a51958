//! Text of 80 columns. Pure.

/// How wide text for people may be.
pub(super) const WIDTH: usize = 80;

/// Words in lines of at most [`WIDTH`] columns. The first line starts with `first`, the others with as many blanks.
pub(super) fn wrap(first: &str, text: &str) -> String {
    let indent = " ".repeat(first.chars().count());
    let (mut done, mut line) = (String::new(), first.to_owned());
    let mut fresh = true;
    for word in text.split_whitespace() {
        let wide = line.chars().count() + 1 + word.chars().count() > WIDTH;
        if wide && !fresh {
            done += line.trim_end();
            done.push('\n');
            line.clone_from(&indent);
            fresh = true;
        }
        if !fresh {
            line.push(' ');
        }
        line += word;
        fresh = false;
    }
    done + line.trim_end() + "\n"
}

/// Each text as a point of a list.
pub(super) fn bullets(texts: &[String]) -> String {
    let points: String = texts.iter().map(|text| wrap("  - ", text)).collect();
    points.trim_end().to_owned()
}

/// Rows as lines with aligned columns, two blanks apart; the last column is not padded.
pub(super) fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<_> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths);
        let padded = cells.map(|(cell, width)| format!("{cell:width$}"));
        let line = padded.collect::<Vec<_>>().join("  ");
        line.trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

/// The columns of the widest line.
pub(super) fn width(text: &str) -> usize {
    let widths = text.lines().map(|line| line.chars().count());
    widths.max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_broken_between_words_and_indented() {
        let text = wrap("Verdict  ", &"word ".repeat(40));
        assert!(width(&text) <= WIDTH, "{text}");
        assert!(text.starts_with("Verdict  word word"), "{text}");
        assert!(
            text.lines()
                .skip(1)
                .all(|line| line.starts_with("         word"))
        );
        assert_eq!(text.matches("word").count(), 40);
    }

    #[test]
    fn a_word_that_is_too_long_is_kept_whole() {
        let long = "x".repeat(100);
        assert_eq!(wrap("- ", &long), format!("- {long}\n"));
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["Node", "Phase"], ["db-long", "-"]];
        let rows = rows.map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(table(&rows), "Node     Phase\ndb-long  -\n");
    }
}
