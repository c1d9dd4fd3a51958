//! Scores: numbers with an infinity.

use std::fmt;

/// A score; beyond plus or minus 1000000 there is only infinity.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Score(i32);

impl Score {
    /// What no number of points outweighs.
    pub const INFINITY: Self = Self(1_000_000);
    /// What no number of points makes up for.
    pub const MINUS_INFINITY: Self = Self(-1_000_000);

    /// The score of a number.
    pub fn new(points: i64) -> Self {
        let points = points.clamp(-1_000_000, 1_000_000);
        Self(i32::try_from(points).unwrap_or_default())
    }

    /// Reads a score as Pacemaker does: what it cannot read is 0.
    pub fn read(text: &str) -> Self {
        match text {
            "INFINITY" | "+INFINITY" => Self::INFINITY,
            "-INFINITY" | "red" => Self::MINUS_INFINITY,
            // `green` and `yellow` have points of their own only as node health.
            number => Self::new(leading_number(number)),
        }
    }

    /// The points, infinity being 1000000.
    pub fn points(self) -> i32 {
        self.0
    }
}

/// The number that `text` starts with, as C's `strtoll` reads it.
fn leading_number(text: &str) -> i64 {
    let text = text.trim_start();
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let digits = digits.chars().map_while(|c| c.to_digit(10)).map(i64::from);
    sign * digits.fold(0_i64, |sum, digit| {
        sum.saturating_mul(10).saturating_add(digit)
    })
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::INFINITY => f.write_str("INFINITY"),
            Self::MINUS_INFINITY => f.write_str("-INFINITY"),
            Self(points) => points.fmt(f),
        }
    }
}
