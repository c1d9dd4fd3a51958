//! One line of an option file, as the server's own reader takes it apart. Pure; works on bytes as the server does.
//!
//! Source: MariaDB's documentation of option files, and the real `my_print_defaults` 10.11, against which `tests/mycnf.rs`
//! compares this module on files chosen and random.

/// What a line means.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// Blank or comment.
    Nothing,
    /// `[name]`: what follows belongs to that group.
    Group(Vec<u8>),
    /// `name` or `name = value`.
    Option {
        name: Vec<u8>,
        value: Option<Vec<u8>>,
    },
    /// `!`
    Directive(Directive),
    /// `[` without `]`
    BadGroup,
}

/// What follows `!`.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Directive {
    /// `include FILE`
    File(Vec<u8>),
    /// `includedir DIRECTORY`
    Directory(Vec<u8>),
    /// One of the two without an argument.
    NoPath,
    /// Something else; the server skips it in silence.
    Unknown,
}

/// The server reads into a buffer of this many bytes, newline included; what is longer goes on as a line of its own.
const LONGEST: usize = 4094;

/// The lines of a file with their numbers from 1, each with its newline.
pub(super) fn lines(text: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let split = text.split_inclusive(|&byte| byte == b'\n');
    let pieces =
        |(at, line): (usize, _)| <[u8]>::chunks(line, LONGEST).map(move |piece| (at + 1, piece));
    split.enumerate().flat_map(pieces)
}

/// Takes one line, newline included, apart.
pub(super) fn read(raw: &[u8]) -> Line {
    let end = raw.iter().position(|&byte| byte == 0); // a C string ends there
    let line = skip_blanks(&raw[..end.unwrap_or(raw.len())]);
    match line.first() {
        None | Some(b'#' | b';') => Line::Nothing,
        Some(b'!') => Line::Directive(directive(skip_blanks(&line[1..]))),
        Some(b'[') => group(&line[1..]),
        Some(_) => option(before_comment(line)),
    }
}

fn directive(text: &[u8]) -> Directive {
    let argument = |keyword: &str| {
        let rest = text.strip_prefix(keyword.as_bytes())?;
        rest.first().is_some_and(is_blank).then_some(rest)
    };
    if let Some(rest) = argument("includedir") {
        path(rest).map_or(Directive::NoPath, Directive::Directory)
    } else if let Some(rest) = argument("include") {
        path(rest).map_or(Directive::NoPath, Directive::File)
    } else {
        Directive::Unknown
    }
}

/// The path after `!include`. The server cuts the last byte off, taking it for the newline: a path on the last line of a
/// file without a final newline loses a letter (measured on 10.11).
fn path(text: &[u8]) -> Option<Vec<u8>> {
    let (_, path) = skip_blanks(text).split_last()?;
    let path = trim_end(path);
    (!path.is_empty()).then(|| path.to_vec())
}

fn group(text: &[u8]) -> Line {
    match text.iter().position(|&byte| byte == b']') {
        Some(end) => Line::Group(trim_end(&text[..end]).to_vec()),
        None => Line::BadGroup,
    }
}

fn option(text: &[u8]) -> Line {
    let (name, value) = match text.iter().position(|&byte| byte == b'=') {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    Line::Option {
        name: trim_end(name).to_vec(),
        value: value.map(|text| unescape(unquote(trim_end(skip_blanks(text))))),
    }
}

/// Cuts off what follows a `#` outside quotes. A backslash protects a quote inside quotes only.
fn before_comment(line: &[u8]) -> &[u8] {
    let (mut quote, mut escaped) = (None, false);
    for (at, &byte) in line.iter().enumerate() {
        if matches!(byte, b'"' | b'\'') && !escaped {
            quote = match quote {
                None => Some(byte),
                Some(open) if open == byte => None,
                Some(open) => Some(open),
            };
        }
        if byte == b'#' && quote.is_none() {
            return &line[..at];
        }
        escaped = quote.is_some() && byte == b'\\' && !escaped;
    }
    line
}

/// Takes off quotes when the first and the last byte are the same one.
fn unquote(value: &[u8]) -> &[u8] {
    match value {
        [first @ (b'"' | b'\''), inner @ .., last] if first == last => inner,
        other => other,
    }
}

/// `\n \t \r \b \s \" \' \\`; any other backslash stays, and so does one at the end.
fn unescape(value: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len());
    let mut rest = value.iter().copied();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        match rest.next() {
            Some(b'n') => out.push(b'\n'),
            Some(b't') => out.push(b'\t'),
            Some(b'r') => out.push(b'\r'),
            Some(b'b') => out.push(8),
            Some(b's') => out.push(b' '),
            Some(same @ (b'"' | b'\'' | b'\\')) => out.push(same),
            Some(other) => out.extend([b'\\', other]),
            None => out.push(b'\\'),
        }
    }
    out
}

/// White space in latin1, the server's choice; its no-break space (0xA0) is also the end of an UTF-8 `à`.
fn is_blank(byte: &u8) -> bool {
    matches!(byte, b' ' | 0x09..=0x0d | 0xa0)
}

fn skip_blanks(text: &[u8]) -> &[u8] {
    let start = text.iter().position(|byte| !is_blank(byte));
    &text[start.unwrap_or(text.len())..]
}

fn trim_end(text: &[u8]) -> &[u8] {
    let end = text.iter().rposition(|byte| !is_blank(byte));
    &text[..end.map_or(0, |at| at + 1)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(line: &str) -> String {
        let Line::Option { value, .. } = read(line.as_bytes()) else {
            panic!("no option: {line}");
        };
        String::from_utf8(value.unwrap()).unwrap()
    }

    #[test]
    fn a_comment_starts_outside_quotes_only() {
        assert_eq!(value("a = b # c\n"), "b");
        assert_eq!(value("a = \"b # c\" # d\n"), "b # c");
        assert_eq!(value(r#"a = "b \" # c" # d"#), "b \" # c");
    }

    #[test]
    fn quotes_go_when_they_enclose_the_whole_value() {
        assert_eq!(value("a='b'\r\n"), "b");
        assert_eq!(value("a='b' 'c'\n"), "b' 'c");
        assert_eq!(value("a='b\n"), "'b");
        assert_eq!(value("a=\"\n"), "\"");
    }

    #[test]
    fn known_escapes_are_replaced_and_others_kept() {
        assert_eq!(value(r"a=\n\t\r\b\s\\\q\"), "\n\t\r\u{8} \\\\q\\");
    }

    #[test]
    fn a_group_name_ends_at_the_bracket() {
        assert_eq!(read(b" [mysqld ] # x\n"), Line::Group(b"mysqld".into()));
        assert_eq!(read(b"[mysqld\n"), Line::BadGroup);
    }

    #[test]
    fn a_path_without_final_newline_loses_its_last_letter() {
        let file = |path: &str| Line::Directive(Directive::File(path.into()));
        assert_eq!(read(b"!include /a.cnf"), file("/a.cn"));
        assert_eq!(read(b"! include  /a.cnf \r\n"), file("/a.cnf"));
    }

    #[test]
    fn a_directive_needs_a_known_word_and_a_path() {
        let directive = |text: &[u8]| match read(text) {
            Line::Directive(directive) => Some(directive),
            Line::Nothing | Line::Group(_) | Line::Option { .. } | Line::BadGroup => None,
        };
        assert_eq!(directive(b"!include \n"), Some(Directive::NoPath));
        assert_eq!(directive(b"!includes a\n"), Some(Directive::Unknown));
        assert_eq!(
            directive(b"!includedir /a\n"),
            Some(Directive::Directory(b"/a".into()))
        );
    }

    #[test]
    fn a_long_line_goes_on_as_the_next() {
        let text = vec![b'x'; LONGEST + 1];
        let got: Vec<_> = lines(&text).map(|(at, line)| (at, line.len())).collect();
        assert_eq!(got, [(1, LONGEST), (1, 1)]);
    }
}
