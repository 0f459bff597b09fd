//! Regularize: every series on one time grid, so that a model applies to years whose
//! acquisition dates differ (methods, section 1).

use serde::{Deserialize, Serialize};

use super::smoothing::Smoothing;

/// Fewest valid observations a pixel's series needs; below it is nodata.
pub const FEWEST_DATES: usize = 3;

/// The same among `dates` dates: all of them where there are fewer, as with the first two images
/// of a season.
pub(crate) fn fewest_of(dates: usize) -> usize {
    FEWEST_DATES.min(dates)
}

/// The time steps of a regularized series.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum TimeGrid {
    /// The cube's own dates, gaps filled.
    Acquisitions,
    /// Equal steps by day of year (1 is 1 January of the first date's year; see
    /// [`Calendar`](super::Calendar)).
    Days {
        /// First day.
        first: f32,
        /// Days from step to step.
        step: f32,
        /// Number of steps.
        count: usize,
    },
    /// Days of year as listed, rising: the columns of a table made elsewhere.
    Listed {
        /// The days.
        days: Vec<f32>,
    },
    /// Days of year as listed, rising, and only what was observed on these very days: nothing is
    /// filled, for models that know missing values.
    Observed {
        /// The days.
        days: Vec<f32>,
    },
}

impl TimeGrid {
    /// The grid of `step` days that covers `days`, its first day a multiple of the step past 1.
    pub fn covering(days: &[f32], step: f32) -> Self {
        let first = days.first().copied().unwrap_or(1.0);
        let last = days.last().copied().unwrap_or(first);
        let first = 1.0 + ((first - 1.0) / step).floor() * step;
        Self::Days { first, step, count: ((last - first) / step).ceil() as usize + 1 }
    }

    /// Share of the steps that lie within the dates of a cube, a week beyond either end included.
    pub fn share_within(&self, days: &[f32]) -> f64 {
        const BEYOND: f32 = 7.0;
        let (Some(first), Some(last)) = (days.first(), days.last()) else { return 0.0 };
        let steps = self.days(days);
        if let Some(dates) = self.observed(days) {
            return dates.iter().flatten().count() as f64 / steps.len().max(1) as f64;
        }
        let inside = steps.iter().filter(|s| (first - BEYOND..=last + BEYOND).contains(*s)).count();
        inside as f64 / steps.len().max(1) as f64
    }

    /// The date of each step, where nothing is filled between dates.
    pub(crate) fn observed(&self, dates: &[f32]) -> Option<Vec<Option<usize>>> {
        let Self::Observed { days } = self else { return None };
        Some(days.iter().map(|day| dates.iter().position(|d| (d - day).abs() < 0.5)).collect())
    }

    /// The day of each step, for a cube with these `days`.
    pub fn days(&self, days: &[f32]) -> Vec<f32> {
        match self {
            Self::Acquisitions => days.to_vec(),
            Self::Days { first, step, count } => (0..*count).map(|i| first + step * i as f32).collect(),
            Self::Listed { days } | Self::Observed { days } => days.clone(),
        }
    }
}

/// How series become regular. Kept in the model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Regularize {
    /// The time steps.
    pub grid: TimeGrid,
    /// Whether observations that stick out of a pixel's own series (cloud rims and shadows that
    /// the mask missed) are left out before filling: see [`despike`].
    #[serde(default)]
    pub despike: bool,
    /// Smoothing on the regular grid.
    #[serde(default)]
    pub smoothing: Smoothing,
}

/// Most steps of a series.
pub(crate) const MOST_STEPS: usize = 2000;

impl Regularize {
    /// Why it cannot be done, or nothing. For what comes from a file.
    pub(crate) fn problem(&self) -> Option<String> {
        let rising = |days: &[f32]| days.iter().all(|d| d.is_finite()) && days.is_sorted_by(|a, b| a < b);
        let steps = match &self.grid {
            TimeGrid::Acquisitions => return None,
            TimeGrid::Days { first, step, count } => {
                let fits = first.abs() < 10_000.0 && *step > 0.0 && *step <= 366.0 && *count <= MOST_STEPS;
                if !fits {
                    return Some(format!("a time grid of {count} steps of {step} days from day {first}"));
                }
                *count
            }
            TimeGrid::Listed { days } | TimeGrid::Observed { days }
                if days.len() <= MOST_STEPS && rising(days) =>
            {
                days.len()
            }
            TimeGrid::Listed { .. } | TimeGrid::Observed { .. } => {
                return Some("the days of its time grid do not rise".to_owned());
            }
        };
        if steps == 0 { Some("its time grid has no step".to_owned()) } else { self.smoothing.problem(steps) }
    }
}

/// Brings the series of one cube to a time grid: the plain form, pixel by pixel, that the
/// fused inference is held against.
#[derive(Clone, Debug)]
pub struct Regularizer {
    days: Vec<f32>,
    steps: Vec<f32>,
    despike: bool,
    smoother: Option<Vec<f32>>,
    observed: Option<Vec<Option<usize>>>,
}

impl Regularizer {
    /// A regularizer for a cube whose dates are `days` (rising).
    pub fn new(regularize: &Regularize, days: &[f32]) -> Self {
        let steps = regularize.grid.days(days);
        let smoother = regularize.smoothing.matrix(steps.len());
        let observed = regularize.grid.observed(days);
        Self { days: days.to_vec(), steps, despike: regularize.despike, smoother, observed }
    }

    /// Days of the time steps.
    pub fn steps(&self) -> &[f32] {
        &self.steps
    }

    /// Observed values `[date][pixel]` (NaN missing) to `out`, `[step][pixel]`: linear between a
    /// pixel's own valid observations, the nearest value at the ends. A pixel with fewer than
    /// [`FEWEST_DATES`] valid observations is NaN throughout; their number is returned.
    pub fn apply(&self, values: &[f32], pixels: usize, out: &mut [f32]) -> usize {
        let mut lost = 0;
        let (mut seen, mut raw, mut series) = (Vec::new(), Vec::new(), vec![0.0; self.steps.len()]);
        for pixel in 0..pixels {
            seen.clear();
            let observed =
                self.days.iter().enumerate().map(|(date, &day)| (day, values[date * pixels + pixel]));
            seen.extend(observed.filter(|o| o.1.is_finite()));
            if seen.len() < fewest_of(self.days.len()) {
                lost += 1;
                series.fill(f32::NAN);
            } else {
                if self.despike {
                    despike(&mut seen, &mut raw);
                }
                match &self.observed {
                    None => interpolate(&seen, &self.steps, &mut series),
                    Some(dates) => {
                        let value = |date: Option<usize>| {
                            date.map(|d| values[d * pixels + pixel]).filter(|v| v.is_finite())
                        };
                        series.iter_mut().zip(dates).for_each(|(s, &d)| *s = value(d).unwrap_or(f32::NAN));
                    }
                }
            }
            match &self.smoother {
                None => series.iter().enumerate().for_each(|(step, &v)| out[step * pixels + pixel] = v),
                Some(matrix) => {
                    for (step, row) in matrix.chunks_exact(series.len()).enumerate() {
                        out[step * pixels + pixel] = row.iter().zip(&series).map(|(w, v)| w * v).sum();
                    }
                }
            }
        }
        lost
    }
}

/// Observations on each side that a Hampel filter looks at.
const HAMPEL_REACH: usize = 2;
/// Scaled median absolute deviations that an observation may lie from the median.
pub(crate) const HAMPEL_LIMIT: f32 = 3.0 * 1.4826;
/// Distance from the median below which nothing is an outlier, in units of the index.
pub(crate) const HAMPEL_FLOOR: f32 = 0.03;

/// One pass of a Hampel filter (Hampel 1974; Pearson 2002) over (day, value) pairs: a value is
/// left out where it lies further than `max(3 x 1.4826 MAD, 0.03)` from the median of itself
/// and up to two valid observations on either side. The median itself always stays. Constants:
/// docs/decisions/0003-defaults.md.
pub fn despike(seen: &mut Vec<(f32, f32)>, raw: &mut Vec<(f32, f32)>) {
    raw.clone_from(seen);
    let mut index = 0usize;
    seen.retain(|&(_, value)| {
        let around = &raw[index.saturating_sub(HAMPEL_REACH)..raw.len().min(index + HAMPEL_REACH + 1)];
        index += 1;
        let middle = median(around.iter().map(|o| o.1));
        let spread = median(around.iter().map(|o| (o.1 - middle).abs()));
        (value - middle).abs() <= (HAMPEL_LIMIT * spread).max(HAMPEL_FLOOR)
    });
}

/// The median of up to five values; the mean of the middle two of an even number.
fn median(values: impl Iterator<Item = f32>) -> f32 {
    let mut sorted = [f32::INFINITY; 2 * HAMPEL_REACH + 1];
    let mut n = 0;
    for value in values {
        sorted[n] = value;
        n += 1;
    }
    sorted.sort_unstable_by(f32::total_cmp);
    if n % 2 == 1 { sorted[n / 2] } else { f32::midpoint(sorted[n / 2 - 1], sorted[n / 2]) }
}

/// The line through two observations, at a day.
fn line(a: (f32, f32), b: (f32, f32), day: f32) -> f32 {
    a.1 + (b.1 - a.1) * ((day - a.0) / (b.0 - a.0))
}

fn interpolate(seen: &[(f32, f32)], steps: &[f32], out: &mut [f32]) {
    let mut next = 0;
    for (value, &day) in out.iter_mut().zip(steps) {
        while next < seen.len() && seen[next].0 < day {
            next += 1;
        }
        *value = match (next.checked_sub(1).map(|i| seen[i]), seen.get(next)) {
            (Some(before), Some(&after)) => line(before, after, day),
            (None, Some(&only)) | (Some(only), None) => only.1,
            (None, None) => f32::NAN,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAN: f32 = f32::NAN;

    fn plain(grid: TimeGrid) -> Regularize {
        Regularize { grid, despike: false, smoothing: Smoothing::None }
    }

    #[test]
    fn of_two_dates_both_are_needed() {
        let r = Regularizer::new(&plain(TimeGrid::Acquisitions), &[10.0, 20.0]);
        let mut out = [0.0; 4];
        assert_eq!(r.apply(&[1.0, 3.0, 2.0, NAN], 2, &mut out), 1);
        assert_eq!((out[0], out[2]), (1.0, 2.0));
        assert!(out[1].is_nan() && out[3].is_nan());
    }

    #[test]
    fn gaps_are_filled_between_a_pixels_own_dates_and_ends_take_the_nearest() {
        let days = [10.0, 20.0, 30.0, 40.0];
        let r = Regularizer::new(&plain(TimeGrid::Days { first: 5.0, step: 10.0, count: 5 }), &days);
        // Two pixels: the second misses day 20.
        let values = [1.0, 1.0, 2.0, NAN, 3.0, 3.0, 4.0, 7.0];
        let mut out = [0.0; 10];
        assert_eq!(r.apply(&values, 2, &mut out), 0);
        let pixel = |p: usize| (0..5).map(|s| out[s * 2 + p]).collect::<Vec<_>>();
        assert_eq!(pixel(0), [1.0, 1.5, 2.5, 3.5, 4.0]);
        assert_eq!(pixel(1), [1.0, 1.5, 2.5, 5.0, 7.0]);
    }

    #[test]
    fn fewer_than_three_dates_are_nodata_and_counted() {
        let days = [10.0, 20.0, 30.0];
        let r = Regularizer::new(&plain(TimeGrid::Acquisitions), &days);
        let mut out = [0.0; 3];
        assert_eq!(r.apply(&[1.0, f32::INFINITY, 2.0], 1, &mut out), 1);
        assert!(out.iter().all(|v| v.is_nan()));
    }

    #[test]
    fn a_shadow_that_the_mask_missed_is_left_out_and_a_season_stays() {
        let days: Vec<f32> = (0..8).map(|i| 10.0 * i as f32).collect();
        let how = Regularize { despike: true, ..plain(TimeGrid::Acquisitions) };
        let r = Regularizer::new(&how, &days);
        let season = [0.20, 0.22, 0.30, 0.42, 0.55, 0.60, 0.58, 0.50];
        let mut shadowed = season;
        shadowed[5] = 0.05;
        let mut out = [0.0; 8];
        r.apply(&season, 1, &mut out);
        assert_eq!(out, season);
        r.apply(&shadowed, 1, &mut out);
        assert!((out[5] - f32::midpoint(0.55, 0.58)).abs() < 1e-6, "{out:?}");
    }

    #[test]
    fn the_covering_grid_holds_every_date() {
        let grid = TimeGrid::covering(&[92.0, 150.0, 289.0], 10.0);
        let days = grid.days(&[]);
        assert!(
            days[0] <= 92.0 && *days.last().unwrap() >= 289.0 && (days[0] - 91.0).abs() < 1e-6,
            "{days:?}"
        );
    }
}
