//! Conditions over some thousand rows at once: false, true, or not known where a value is missing,
//! as SQL and CQL2 have it.

use std::cell::OnceCell;
use std::ops::Range;

use geo::Geometry;

use super::compile::{Filter, Node, Number};
use super::texts;
use crate::io::IoError;
use crate::io::feature_file::{BLOCK, FeatureFile, LonLatBox};
use crate::ogc::cql2::{Arithmetic, Comparison};

/// Rows that are looked at together.
pub(super) const CHUNK: usize = 32 * BLOCK;

pub(super) const FALSE: u8 = 0;
pub(super) const TRUE: u8 = 1;
pub(super) const UNKNOWN: u8 = 2;

/// Rows of a file.
pub(super) struct Chunk<'a> {
    pub file: &'a FeatureFile,
    pub rows: Range<usize>,
    boxes: OnceCell<Vec<LonLatBox>>,
}

impl<'a> Chunk<'a> {
    pub fn new(file: &'a FeatureFile, rows: Range<usize>) -> Self {
        Self { file, rows, boxes: OnceCell::new() }
    }

    pub fn boxes(&self) -> Result<&[LonLatBox], IoError> {
        if self.boxes.get().is_none() {
            let mut boxes = Vec::new();
            self.file.boxes(self.rows.clone(), &mut boxes)?;
            let _ = self.boxes.set(boxes);
        }
        Ok(self.boxes.get().map_or(&[], Vec::as_slice))
    }

    pub fn geometry(&self, k: usize) -> Result<Geometry<f64>, IoError> {
        self.file.geometry_of(self.rows.start + k)
    }

    /// Makes false what a filter does not have as true.
    pub fn narrow(&self, filter: &Filter, truth: &mut [u8]) -> Result<(), IoError> {
        if truth.iter().all(|t| *t == FALSE) {
            return Ok(());
        }
        let found = self.eval(filter.node(), Some(truth))?;
        truth.iter_mut().zip(found).for_each(|(t, f)| *t = u8::from(*t == TRUE && f == TRUE));
        Ok(())
    }

    /// What a condition is for each row; where `skip` has false, anything.
    fn eval(&self, node: &Node, skip: Option<&[u8]>) -> Result<Vec<u8>, IoError> {
        Ok(match node {
            Node::Const(truth) => vec![*truth; self.rows.len()],
            Node::And(parts) => {
                let mut all = skip.map_or_else(
                    || vec![TRUE; self.rows.len()],
                    |skip| skip.iter().map(|s| u8::from(*s != FALSE)).collect(),
                );
                for part in parts {
                    if all.iter().all(|t| *t == FALSE) {
                        break;
                    }
                    let found = self.eval(part, Some(&all))?;
                    all.iter_mut().zip(found).for_each(|(a, f)| {
                        *a = match (*a, f) {
                            (FALSE, _) | (_, FALSE) => FALSE,
                            (UNKNOWN, _) | (_, UNKNOWN) => UNKNOWN,
                            _ => TRUE,
                        };
                    });
                }
                all
            }
            Node::Or(parts) => {
                let mut any = vec![FALSE; self.rows.len()];
                for part in parts {
                    let found = self.eval(part, skip)?;
                    any.iter_mut().zip(found).for_each(|(a, f)| {
                        *a = match (*a, f) {
                            (TRUE, _) | (_, TRUE) => TRUE,
                            (UNKNOWN, _) | (_, UNKNOWN) => UNKNOWN,
                            _ => FALSE,
                        };
                    });
                }
                any
            }
            Node::Not(inner) => {
                let mut found = self.eval(inner, skip)?;
                found.iter_mut().filter(|t| **t != UNKNOWN).for_each(|t| *t = TRUE - *t);
                found
            }
            Node::Numbers(how, left, Number::Const(n)) => against(&self.numbers(left)?, *how, *n),
            Node::Numbers(how, left, right) => {
                let (left, right) = (self.numbers(left)?, self.numbers(right)?);
                let pairs = left.iter().zip(&right);
                pairs.map(|(a, b)| a.partial_cmp(b).map_or(UNKNOWN, |o| u8::from(how.holds(o)))).collect()
            }
            Node::OneOf(number, sorted) => {
                let listed = |v: &f64| sorted.binary_search_by(|s| s.total_cmp(v)).is_ok();
                // No zero has a sign.
                let found = self.numbers(number)?.into_iter().map(|v| v + 0.0);
                found.map(|v| if v.is_nan() { UNKNOWN } else { u8::from(listed(&v)) }).collect()
            }
            Node::Longs(how, column, n) => {
                let truth =
                    |v: &Option<i64>| v.map_or(UNKNOWN, |v| u8::from(how.holds(i128::from(v).cmp(n))));
                self.longs(*column)?.iter().map(truth).collect()
            }
            Node::LongPair(how, a, b) => {
                let (left, right) = (self.longs(*a)?, self.longs(*b)?);
                let both = left.iter().zip(&right).map(|(a, b)| a.zip(*b));
                both.map(|pair| pair.map_or(UNKNOWN, |(a, b)| u8::from(how.holds(a.cmp(&b))))).collect()
            }
            Node::Missing(column) => self.column(*column)?.iter().map(|v| u8::from(v.is_nan())).collect(),
            Node::Codes(column, codes) => {
                let codes_of = self.column(*column)?;
                let truth = |v: &f64| if v.is_nan() { UNKNOWN } else { u8::from(codes.has(*v as usize)) };
                codes_of.iter().map(truth).collect()
            }
            Node::TextPair(how, a, b, fold) => texts::compare(self, *how, *a, *b, *fold)?,
            Node::Spatial(shape) => shape.holds(self, skip)?,
        })
    }

    pub fn column(&self, column: usize) -> Result<Vec<f64>, IoError> {
        let mut values = Vec::new();
        self.file.values(column, self.rows.clone(), &mut values)?;
        Ok(values)
    }

    /// The whole numbers of a column, long or not.
    fn longs(&self, column: usize) -> Result<Vec<Option<i64>>, IoError> {
        if !self.file.is_long(column) {
            let whole = |v: f64| (!v.is_nan()).then_some(v as i64);
            return Ok(self.column(column)?.into_iter().map(whole).collect());
        }
        let mut values = Vec::new();
        self.file.longs(column, self.rows.clone(), &mut values)?;
        Ok(values)
    }

    fn numbers(&self, number: &Number) -> Result<Vec<f64>, IoError> {
        Ok(match number {
            Number::Const(n) => vec![*n; self.rows.len()],
            Number::Long(n) => vec![*n as f64; self.rows.len()],
            Number::Column(column) => self.column(*column)?,
            Number::Of(first, rest) => {
                let mut found = self.numbers(first)?;
                for (how, operand) in rest {
                    match operand {
                        Number::Const(b) => found.iter_mut().for_each(|a| *a = calculate(*how, *a, *b)),
                        operand => {
                            let right = self.numbers(operand)?;
                            found.iter_mut().zip(right).for_each(|(a, b)| *a = calculate(*how, *a, b));
                        }
                    }
                }
                found
            }
        })
    }
}

/// Numbers beside one that is the same for all: a loop for each comparison, so that it runs over many
/// at once.
fn against(values: &[f64], how: Comparison, n: f64) -> Vec<u8> {
    fn each(values: &[f64], known: bool, holds: impl Fn(f64) -> bool) -> Vec<u8> {
        let truth = |v: &f64| if known && !v.is_nan() { u8::from(holds(*v)) } else { UNKNOWN };
        values.iter().map(truth).collect()
    }
    let known = !n.is_nan();
    match how {
        Comparison::Equal => each(values, known, |v| v == n),
        Comparison::Unequal => each(values, known, |v| v != n),
        Comparison::Less => each(values, known, |v| v < n),
        Comparison::LessOrEqual => each(values, known, |v| v <= n),
        Comparison::Greater => each(values, known, |v| v > n),
        Comparison::GreaterOrEqual => each(values, known, |v| v >= n),
    }
}

/// What has no answer (a division by zero) is missing.
pub(super) fn calculate(how: Arithmetic, a: f64, b: f64) -> f64 {
    let found = match how {
        Arithmetic::Add => a + b,
        Arithmetic::Subtract => a - b,
        Arithmetic::Multiply => a * b,
        Arithmetic::Divide => a / b,
        Arithmetic::Quotient => (a / b).trunc(),
        Arithmetic::Remainder => a % b,
        Arithmetic::Power => a.powf(b),
    };
    if found.is_finite() { found } else { f64::NAN }
}
