//! What a condition may be for the rows of a stretch, told by the least and greatest of its columns.

use std::ops::Range;

use super::Filter;
use super::compile::{Node, Number};
use super::eval::{CHUNK, FALSE, TRUE};
use super::texts::Codes;
use crate::io::IoError;
use crate::io::feature_file::{FeatureFile, Span, stretches};
use crate::ogc::cql2::Comparison;

/// Which of true, false and unknown a condition may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Possible {
    truth: bool,
    falsehood: bool,
    unknown: bool,
}

impl Possible {
    const ANYTHING: Self = Self { truth: true, falsehood: true, unknown: true };

    fn not(self) -> Self {
        Self { truth: self.falsehood, falsehood: self.truth, ..self }
    }

    fn and(self, other: Self) -> Self {
        let holds = |p: Self| p.truth || p.unknown;
        Self {
            truth: self.truth && other.truth,
            falsehood: self.falsehood || other.falsehood,
            unknown: (self.unknown && holds(other)) || (other.unknown && holds(self)),
        }
    }

    fn or(self, other: Self) -> Self {
        self.not().and(other.not()).not()
    }
}

/// Rows of which something may match, and whether all of them do.
pub(super) struct Part {
    pub rows: Range<usize>,
    pub sure: bool,
}

/// The parts of a range of rows in which all conditions may hold, at most a chunk each.
pub(super) fn parts(
    file: &FeatureFile,
    filters: &[Filter],
    rows: Range<usize>,
) -> Result<Vec<Part>, IoError> {
    let mut found: Vec<Part> = Vec::new();
    for (stretch, rows) in stretches(rows) {
        let all = filters
            .iter()
            .try_fold(Possible { truth: true, falsehood: false, unknown: false }, |all, f| {
                Ok(all.and(possible(file, f.node(), stretch)?))
            })?;
        if !all.truth {
            continue;
        }
        let sure = !all.falsehood && !all.unknown;
        match found.last_mut() {
            Some(last) if last.rows.end == rows.start && last.sure == sure && last.rows.len() < CHUNK => {
                last.rows.end = rows.end;
            }
            _ => found.push(Part { rows, sure }),
        }
    }
    Ok(found)
}

fn possible(file: &FeatureFile, node: &Node, stretch: usize) -> Result<Possible, IoError> {
    let span = |column: usize| Ok(file.spans(column)?[stretch]);
    Ok(match node {
        Node::Const(truth) => {
            Possible { truth: *truth == TRUE, falsehood: *truth == FALSE, unknown: *truth > TRUE }
        }
        Node::And(parts) => {
            let first = Possible { truth: true, falsehood: false, unknown: false };
            parts.iter().try_fold(first, |all, part| Ok(all.and(possible(file, part, stretch)?)))?
        }
        Node::Or(parts) => {
            let first = Possible { truth: false, falsehood: true, unknown: false };
            parts.iter().try_fold(first, |any, part| Ok(any.or(possible(file, part, stretch)?)))?
        }
        Node::Not(inner) => possible(file, inner, stretch)?.not(),
        Node::Numbers(how, Number::Column(column), Number::Const(n)) => compared(span(*column)?, *how, *n),
        Node::Numbers(how, Number::Const(n), Number::Column(column)) => {
            compared(span(*column)?, how.mirrored(), *n)
        }
        Node::OneOf(Number::Column(column), sorted) => {
            let span = span(*column)?;
            let some = sorted.iter().any(|n| span.least <= *n && *n <= span.greatest);
            Possible { truth: some, falsehood: span.least <= span.greatest, unknown: span.missing }
        }
        Node::Codes(column, codes) => {
            let span = span(*column)?;
            let (truth, falsehood) = match codes {
                _ if span.least > span.greatest => (false, false),
                Codes::Range(range) => {
                    let (least, greatest) = (span.least as usize, span.greatest as usize);
                    (
                        range.start <= greatest && least < range.end,
                        !(range.contains(&least) && range.contains(&greatest)),
                    )
                }
                Codes::Bits(_) => (true, true),
            };
            Possible { truth, falsehood, unknown: span.missing }
        }
        Node::Missing(column) => {
            let span = span(*column)?;
            Possible { truth: span.missing, falsehood: span.least <= span.greatest, unknown: false }
        }
        Node::Longs(how, column, n) => {
            // Spans are rounded: what they exclude by a neighbour of theirs is excluded.
            let Span { least, greatest, missing } = span(*column)?;
            let outside =
                least > greatest || (*n as f64) < least.next_down() || (*n as f64) > greatest.next_up();
            Possible { truth: *how != Comparison::Equal || !outside, falsehood: true, unknown: missing }
        }
        Node::Numbers(..) | Node::OneOf(..) | Node::LongPair(..) | Node::TextPair(..) | Node::Spatial(_) => {
            Possible::ANYTHING
        }
    })
}

/// What a comparison with a number may be.
fn compared(span: Span, how: Comparison, n: f64) -> Possible {
    if n.is_nan() {
        return Possible { truth: false, falsehood: false, unknown: true };
    }
    let Span { least, greatest, missing } = span;
    let (below, above) = (least < n, greatest > n);
    let (all_below, all_above) = (greatest < n, least > n);
    let some = least <= greatest;
    let equal = some && least <= n && n <= greatest;
    let (truth, falsehood) = match how {
        Comparison::Equal => (equal, below || above),
        Comparison::Unequal => (below || above, equal),
        Comparison::Less => (below, !all_below),
        Comparison::LessOrEqual => (least <= n, above),
        Comparison::Greater => (above, !all_above),
        Comparison::GreaterOrEqual => (greatest >= n, below),
    };
    Possible { truth: some && truth, falsehood: some && falsehood, unknown: missing }
}
