//! CQL2 text (OGC 21-065r2): conditions on attributes and geometries, from text to a tree.
//!
//! No library is used: the one that parses CQL2 brings a JSON Schema validator and an SQL parser, and
//! nested parentheses cost it twice the time a level.

mod lex;
mod parse;
#[cfg(test)]
mod tests;

use geo::Geometry;
use jiff::civil::DateTime;

/// Longest condition, in characters.
pub const LONGEST: usize = 16_384;
/// Most names, values and operators of a condition.
pub const MOST_WORDS: usize = 10_000;

/// A condition, or a value in one.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    /// All hold.
    And(Vec<Self>),
    /// At least one holds.
    Or(Vec<Self>),
    /// Does not hold.
    Not(Box<Self>),
    /// Two values beside each other.
    Compare(Comparison, Box<Self>, Box<Self>),
    /// A value from a least to a greatest, both included.
    Between(Box<Self>, Box<Self>, Box<Self>),
    /// A value that is one of a list.
    In(Box<Self>, Vec<Self>),
    /// A text of a pattern with `%` and `_`.
    Like(Box<Self>, Box<Self>),
    /// No value.
    IsNull(Box<Self>),
    /// Two geometries beside each other.
    Spatial(SpatialRelation, Box<Self>, Box<Self>),
    /// The value of a property.
    Property(String),
    /// A number.
    Number(f64),
    /// A whole number of which floating point would lose digits.
    Integer(i64),
    /// A text.
    Text(String),
    /// A moment in UTC; of a date, its beginning.
    Time(DateTime),
    /// True or false.
    Bool(bool),
    /// A value and what is done to it, from left to right: a list, so that a long sum is not a deep tree.
    Arithmetic(Box<Self>, Vec<(Arithmetic, Self)>),
    /// A text of which upper and lower case are one.
    Casei(Box<Self>),
    /// A geometry, coordinates in the order that was written.
    Geometry(Geometry<f64>),
    /// A box: two corners. West is greater than east across the antimeridian.
    Bbox([f64; 4]),
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `<>`
    Unequal,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

impl Comparison {
    /// What holds where the two sides change places.
    #[must_use]
    pub fn mirrored(self) -> Self {
        match self {
            Self::Less => Self::Greater,
            Self::LessOrEqual => Self::GreaterOrEqual,
            Self::Greater => Self::Less,
            Self::GreaterOrEqual => Self::LessOrEqual,
            same => same,
        }
    }

    /// Whether it holds for an order.
    pub fn holds(self, order: std::cmp::Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::Unequal => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
        }
    }
}

/// How two numbers become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arithmetic {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `div`: the whole part of a quotient.
    Quotient,
    /// `%`
    Remainder,
    /// `^`
    Power,
}

/// How two geometries lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names of OGC Simple Features")]
pub enum SpatialRelation {
    Intersects,
    Disjoint,
    Equals,
    Touches,
    Within,
    Overlaps,
    Crosses,
    Contains,
}

/// What is wrong with a text, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at character {at}: {message}")]
pub struct Cql2Error {
    /// The character, from 1.
    pub at: usize,
    /// What is wrong.
    pub message: String,
}

impl Expr {
    /// Reads CQL2 text.
    ///
    /// # Errors
    /// [`Cql2Error`] where it is no condition, is longer than [`LONGEST`], has more than [`MOST_WORDS`] names,
    /// values and operators, or is nested too deeply.
    pub fn parse(text: &str) -> Result<Self, Cql2Error> {
        if text.chars().count() > LONGEST {
            let message = format!("the condition is longer than {LONGEST} characters");
            return Err(Cql2Error { at: LONGEST, message });
        }
        parse::condition(text)
    }
}
