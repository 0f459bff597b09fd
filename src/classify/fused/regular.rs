//! Regularize over lanes: every lane has its own valid dates, no lane branches. The same
//! bits as [`crate::cube::Regularizer::apply`], which is the plain form.

use super::LANES;
use super::kernel::Lane;
use crate::cube::{HAMPEL_FLOOR, HAMPEL_LIMIT, Regularize, fewest_of};

/// Brings the series of one cube to a time grid.
#[derive(Clone, Debug)]
pub(super) struct LaneRegularizer {
    days: Vec<f32>,
    steps: Vec<f32>,
    /// Number of dates before each step.
    before: Vec<usize>,
    despike: bool,
    smoother: Option<Vec<f32>>,
    /// The date of each step, where nothing is filled.
    observed: Option<Vec<Option<usize>>>,
}

/// An observation a lane: value (NaN for none) and day.
#[derive(Clone)]
struct Seen {
    value: Lane<f32>,
    day: Lane<f32>,
}

impl Seen {
    const NONE: Self = Self { value: Lane([f32::NAN; LANES]), day: Lane([0.0; LANES]) };

    /// Takes the values of a day where they are valid.
    #[inline(always)]
    fn take(&mut self, values: &Lane<f32>, date: f32) {
        for ((value, day), &new) in self.value.0.iter_mut().zip(&mut self.day.0).zip(&values.0) {
            let valid = new.is_finite();
            *value = if valid { new } else { *value };
            *day = if valid { date } else { *day };
        }
    }
}

/// Memory for one thread.
pub(super) struct Scratch {
    /// The first valid observation from each date on; one more for the end.
    next: Vec<Seen>,
    /// The next two valid values from each date on; what is left of them.
    ahead: Vec<Near>,
    kept: Vec<Lane<f32>>,
    rough: Vec<Lane<f32>>,
}

impl LaneRegularizer {
    pub fn new(regularize: &Regularize, days: &[f32]) -> Self {
        let steps = regularize.grid.days(days);
        Self {
            before: steps.iter().map(|step| days.iter().filter(|day| *day < step).count()).collect(),
            smoother: regularize.smoothing.matrix(steps.len()),
            days: days.to_vec(),
            steps,
            despike: regularize.despike,
            observed: regularize.grid.observed(days),
        }
    }

    pub fn dates(&self) -> usize {
        self.days.len()
    }

    pub fn steps(&self) -> usize {
        self.steps.len()
    }

    pub fn scratch(&self) -> Scratch {
        let spare = |wanted: bool, n: usize| vec![Lane([0.0; LANES]); if wanted { n } else { 0 }];
        Scratch {
            next: vec![Seen::NONE; self.days.len() + 1],
            ahead: vec![Near::NONE; if self.despike { self.days.len() + 1 } else { 0 }],
            kept: spare(self.despike, self.days.len()),
            rough: spare(self.smoother.is_some(), self.steps.len()),
        }
    }

    /// Observations `[date]` to `out`, `[step]`.
    #[inline(always)]
    pub fn apply(&self, observed: &[Lane<f32>], scratch: &mut Scratch, out: &mut [Lane<f32>]) {
        let Scratch { next, ahead, kept, rough } = scratch;
        let mut count = [0u32; LANES];
        for values in observed {
            for (count, v) in count.iter_mut().zip(&values.0) {
                *count += u32::from(v.is_finite());
            }
        }
        if let Some(dates) = &self.observed {
            return as_observed(observed, dates, &count, fewest_of(self.dates()) as u32, out);
        }
        let observed = if self.despike {
            despike(observed, ahead, kept);
            kept
        } else {
            observed
        };
        self.look_ahead(observed, next);
        match &self.smoother {
            None => self.interpolate(observed, next, &count, out),
            Some(matrix) => {
                self.interpolate(observed, next, &count, rough);
                for (out, row) in out.iter_mut().zip(matrix.chunks_exact(rough.len())) {
                    out.0.fill(0.0);
                    for (values, weight) in rough.iter().zip(row) {
                        for (out, v) in out.0.iter_mut().zip(&values.0) {
                            *out += weight * v;
                        }
                    }
                }
            }
        }
    }

    #[inline(always)]
    fn look_ahead(&self, observed: &[Lane<f32>], next: &mut [Seen]) {
        for date in (0..self.days.len()).rev() {
            let (here, later) = next.split_at_mut(date + 1);
            here[date].clone_from(&later[0]);
            here[date].take(&observed[date], self.days[date]);
        }
    }

    #[inline(always)]
    fn interpolate(
        &self,
        observed: &[Lane<f32>],
        next: &[Seen],
        count: &[u32; LANES],
        out: &mut [Lane<f32>],
    ) {
        let fewest = fewest_of(self.dates()) as u32;
        let (mut last, mut dates) = (Seen::NONE, 0);
        for ((out, &day), &before) in out.iter_mut().zip(&self.steps).zip(&self.before) {
            while dates < before {
                last.take(&observed[dates], self.days[dates]);
                dates += 1;
            }
            let after = &next[before];
            for (l, (out, &count)) in out.0.iter_mut().zip(count).enumerate() {
                let (p, n) = (last.value.0[l], after.value.0[l]);
                let between = line(&last, after, l, day);
                let value = if p.is_nan() {
                    n
                } else if n.is_nan() {
                    p
                } else {
                    between
                };
                *out = if count < fewest { f32::NAN } else { value };
            }
        }
    }
}

/// What was observed on the date of each step, for lanes with enough valid dates.
#[inline(always)]
fn as_observed(
    observed: &[Lane<f32>],
    dates: &[Option<usize>],
    count: &[u32; LANES],
    fewest: u32,
    out: &mut [Lane<f32>],
) {
    for (out, date) in out.iter_mut().zip(dates) {
        let Some(date) = date else {
            out.0.fill(f32::NAN);
            continue;
        };
        for ((out, v), &count) in out.0.iter_mut().zip(&observed[*date].0).zip(count) {
            *out = if count >= fewest && v.is_finite() { *v } else { f32::NAN };
        }
    }
}

/// Two valid values on one side of a date, the nearer first; infinity for none.
#[derive(Clone)]
struct Near([Lane<f32>; 2]);

impl Near {
    const NONE: Self = Self([Lane([f32::INFINITY; LANES]); 2]);

    #[inline(always)]
    fn take(&mut self, values: &Lane<f32>) {
        let [near, far] = &mut self.0;
        for ((near, far), &new) in near.0.iter_mut().zip(&mut far.0).zip(&values.0) {
            let valid = new.is_finite();
            *far = if valid { *near } else { *far };
            *near = if valid { new } else { *near };
        }
    }
}

/// [`crate::cube::despike`] over lanes. Lanes with at least [`crate::cube::FEWEST_DATES`] valid values have
/// three to five around each; what the others get is not used.
#[inline(always)]
fn despike(observed: &[Lane<f32>], ahead: &mut [Near], kept: &mut [Lane<f32>]) {
    for (date, values) in observed.iter().enumerate().rev() {
        let (here, later) = ahead.split_at_mut(date + 1);
        here[date].clone_from(&later[0]);
        here[date].take(values);
    }
    let mut behind = Near::NONE;
    for ((values, kept), ahead) in observed.iter().zip(kept).zip(&ahead[1..]) {
        for l in 0..LANES {
            let v = values.0[l];
            let around = [behind.0[1].0[l], behind.0[0].0[l], v, ahead.0[0].0[l], ahead.0[1].0[l]];
            let missing = around.iter().map(|v| u32::from(!v.is_finite())).sum();
            let middle = median(around, missing);
            let spread = median(around.map(|v| (v - middle).abs()), missing);
            let limit = HAMPEL_LIMIT * spread;
            let limit = if limit > HAMPEL_FLOOR { limit } else { HAMPEL_FLOOR };
            kept.0[l] = if (v - middle).abs() <= limit { v } else { f32::NAN };
        }
        behind.take(values);
    }
}

/// The median of five values of which up to two are infinite for missing.
#[inline(always)]
fn median(values: [f32; 5], missing: u32) -> f32 {
    let mut s = values;
    // The sorting network of Bose and Nelson.
    for (i, j) in [(0, 1), (3, 4), (2, 4), (2, 3), (1, 4), (0, 3), (0, 2), (1, 3), (1, 2)] {
        let (a, b) = (s[i], s[j]);
        (s[i], s[j]) = if b < a { (b, a) } else { (a, b) };
    }
    match missing {
        0 => s[2],
        1 => (s[1] + s[2]) * 0.5,
        _ => s[1],
    }
}

/// The line through two observations, at a day; the plain form's formula.
#[inline(always)]
fn line(a: &Seen, b: &Seen, l: usize, day: f32) -> f32 {
    a.value.0[l] + (b.value.0[l] - a.value.0[l]) * ((day - a.day.0[l]) / (b.day.0[l] - a.day.0[l]))
}
