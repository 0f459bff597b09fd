//! Predictors as bins of one byte.

use rand::SeedableRng;
use rand::seq::index;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::BoostError;
use crate::classify::Table;

/// The bin of a missing value.
pub(super) const MISSING: u8 = 255;

/// Columns that lie side by side: one load fetches the bins of this many predictors.
pub(super) const LANES: usize = 8;

/// Fewest samples in a bin (LightGBM's `min_data_in_bin`).
const MIN_IN_BIN: usize = 3;

/// Bins are found from at most this many samples (LightGBM's `bin_construct_sample_cnt`).
const MOST_SAMPLED: usize = 200_000;

/// Where the bins of each column end.
pub(super) struct Bins {
    /// For each column the largest values of all bins but the last, increasing.
    pub bounds: Vec<Vec<f32>>,
}

/// A table as bins: `blocks[column / LANES][row][column % LANES]`.
pub(super) struct Binned {
    pub rows: usize,
    pub blocks: Vec<Vec<[u8; LANES]>>,
}

impl Binned {
    /// The bin of one value.
    #[inline]
    pub fn bin(&self, column: usize, row: usize) -> u8 {
        self.blocks[column / LANES][row][column % LANES]
    }
}

impl Bins {
    /// Finds bins of nearly equal frequency.
    pub fn find(table: &Table, most: usize, seed: u64) -> Result<Self, BoostError> {
        let rows = table.rows();
        let sample = (rows > MOST_SAMPLED)
            .then(|| index::sample(&mut ChaCha8Rng::seed_from_u64(seed), rows, MOST_SAMPLED).into_vec());
        let bounds = table
            .columns
            .par_iter()
            .zip(&table.names)
            .map(|(column, name)| {
                if column.len() != rows {
                    let message = format!("column `{name}` has {} rows, the first has {rows}", column.len());
                    return Err(BoostError::Table(message));
                }
                if let Some(row) = column.iter().position(|v| v.is_infinite()) {
                    return Err(BoostError::Table(format!(
                        "predictor `{name}` of sample {row} is infinite; make it missing (NaN)"
                    )));
                }
                let known = |v: &f32| !v.is_nan();
                // Adding 0 turns -0 into +0, so that both are one distinct value.
                let mut values: Vec<f32> = match &sample {
                    None => column.iter().copied().filter(known).map(|v| v + 0.0).collect(),
                    Some(s) => s.iter().map(|&row| column[row]).filter(known).map(|v| v + 0.0).collect(),
                };
                values.sort_unstable_by(f32::total_cmp);
                Ok(bounds_of(&values, most))
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { bounds })
    }

    /// Puts the values of a table (with the same columns) into the bins.
    pub fn apply(&self, table: &Table) -> Binned {
        let rows = table.rows();
        let blocks = self
            .bounds
            .par_chunks(LANES)
            .zip(table.columns.par_chunks(LANES))
            .map(|(bounds, columns)| {
                let mut block = vec![[0; LANES]; rows];
                for (lane, (bounds, column)) in bounds.iter().zip(columns).enumerate() {
                    for (bins, &value) in block.iter_mut().zip(column) {
                        bins[lane] = if value.is_nan() {
                            MISSING
                        } else {
                            bounds.partition_point(|&bound| bound < value) as u8
                        };
                    }
                }
                block
            })
            .collect();
        Binned { rows, blocks }
    }
}

/// Ends of the bins of sorted values: greedy bins of equal frequency, where a value that is
/// frequent enough fills a bin by itself (as LightGBM's `GreedyFindBin`).
fn bounds_of(sorted: &[f32], most: usize) -> Vec<f32> {
    // Three in a bin leave a single bin of four samples.
    let fewest = MIN_IN_BIN.min(sorted.len() / 8).max(1);
    let mut distinct: Vec<(f32, usize)> = Vec::new();
    for run in sorted.chunk_by(|a, b| a == b) {
        distinct.push((run[0], run.len()));
    }
    let few = distinct.len() <= most;
    let most = most.min(sorted.len() / fewest).max(1);
    let mut mean = sorted.len() as f64 / most as f64;
    let frequent = |count: usize, mean: f64| !few && count as f64 >= mean;
    let first_mean = mean;
    let (mut bins_left, mut samples_left) = (most, sorted.len());
    for &(_, count) in distinct.iter().filter(|d| frequent(d.1, first_mean)) {
        bins_left = bins_left.saturating_sub(1);
        samples_left -= count;
    }
    mean = samples_left as f64 / bins_left.max(1) as f64;

    let mut bounds = Vec::new();
    let mut held = 0;
    for pair in distinct.windows(2) {
        let ((value, count), (next, next_count)) = (pair[0], pair[1]);
        let own = frequent(count, first_mean);
        held += count;
        if !own {
            samples_left -= count;
        }
        let full = if few {
            held >= fewest
        } else {
            let before_own = frequent(next_count, first_mean) && held as f64 >= (mean * 0.5).max(1.0);
            own || held as f64 >= mean || before_own
        };
        if !full {
            continue;
        }
        bounds.push(between(value, next));
        held = 0;
        if !few {
            if bounds.len() + 1 >= most {
                break;
            }
            if !own {
                bins_left = bins_left.saturating_sub(1);
                mean = samples_left as f64 / bins_left.max(1) as f64;
            }
        }
    }
    bounds
}

/// A threshold `t` with `low <= t < high`, midway where a float lies there.
fn between(low: f32, high: f32) -> f32 {
    let middle = f64::midpoint(f64::from(low), f64::from(high)) as f32;
    if middle >= low && middle < high { middle } else { low }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn few_distinct_values_have_a_bin_each() {
        let sorted: Vec<f32> = [1.0, 2.0, 4.0].iter().flat_map(|&v| [v; 5]).collect();
        assert_eq!(bounds_of(&sorted, 255), [1.5, 3.0]);
    }

    #[test]
    fn a_frequent_value_ends_its_bin() {
        let mut sorted: Vec<f32> = (0..1000).map(|v| v as f32).chain([500.0; 500]).collect();
        sorted.sort_unstable_by(f32::total_cmp);
        let bounds = bounds_of(&sorted, 16);
        assert!(bounds.contains(&500.5), "{bounds:?}");
        assert!(bounds.len() < 16);
    }

    proptest! {
        #[test]
        fn bins_keep_the_order_of_values(values in prop::collection::vec(-1e6f32..1e6, 1..400), most in 2usize..=255) {
            let table = Table { names: vec!["x".into()], columns: vec![values.clone()] };
            let bins = Bins::find(&table, most, 0).unwrap();
            prop_assert!(bins.bounds[0].len() < most);
            prop_assert!(bins.bounds[0].is_sorted_by(|a, b| a < b));
            let binned = bins.apply(&table);
            for (a, &x) in values.iter().enumerate() {
                for (b, &y) in values.iter().enumerate() {
                    if x < y {
                        prop_assert!(binned.bin(0, a) <= binned.bin(0, b));
                    }
                }
            }
        }
    }
}
