//! A line for a terminal: pieces of text with a colour each. Pure.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use super::event::Mood;
use crate::ctl::text::WIDTH;

/// What a piece of text means, and so its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ink {
    Plain,
    Title,
    Faint,
    Good,
    /// It is on its way.
    Underway,
    Bad,
}

impl Ink {
    fn style(self) -> Style {
        match self {
            Ink::Plain => Style::new(),
            Ink::Title => Style::new().bold(),
            Ink::Faint => Style::new().dimmed(),
            Ink::Good => AnsiColor::Green.on_default(),
            Ink::Underway => AnsiColor::Yellow.on_default(),
            Ink::Bad => AnsiColor::Red.on_default().bold(),
        }
    }
}

impl From<Mood> for Ink {
    fn from(mood: Mood) -> Self {
        match mood {
            Mood::Good => Ink::Good,
            Mood::Plain => Ink::Plain,
            Mood::Bad => Ink::Bad,
        }
    }
}

/// A line of at most [`WIDTH`] columns; what does not fit is cut off.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Line(Vec<(Ink, String)>);

impl Line {
    /// A line of one colour.
    pub fn of(ink: Ink, text: &str) -> Self {
        Self::default().with(ink, text)
    }

    /// The same with more text. What would steer a terminal is shown as `?`: names and reasons come from other machines.
    pub fn with(mut self, ink: Ink, text: &str) -> Self {
        let harmless = |letter: char| if letter.is_control() { '?' } else { letter };
        let room = WIDTH.saturating_sub(self.columns());
        let text = text.chars().map(harmless).take(room).collect();
        self.0.push((ink, text));
        self
    }

    fn columns(&self) -> usize {
        self.0.iter().map(|(_, text)| text.chars().count()).sum()
    }

    /// The text, with the colours or without, and no blanks at its end.
    pub fn text(&self, colour: bool) -> String {
        if !colour {
            let text: String = self.0.iter().map(|(_, text)| &**text).collect();
            return text.trim_end().to_owned();
        }
        let mut text = String::new();
        for (ink, piece) in &self.0 {
            let style = ink.style();
            let _ = write!(text, "{style}{piece}{style:#}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_never_wider_than_a_terminal_and_has_no_codes_of_others() {
        let line = Line::of(Ink::Bad, "node\u{1b}[2J\n").with(Ink::Plain, &"x".repeat(100));
        let text = line.text(false);
        assert_eq!(text.chars().count(), WIDTH);
        assert!(text.starts_with("node?[2J?x"), "{text}");
        assert!(!line.text(true).contains("[2J\n"));
    }

    #[test]
    fn colours_end_where_they_should_and_are_left_out_when_off() {
        let line = Line::of(Ink::Good, "Member").with(Ink::Plain, "  -");
        assert_eq!(line.text(true), "\u{1b}[32mMember\u{1b}[0m  -");
        assert_eq!(line.text(false), "Member  -");
    }
}
