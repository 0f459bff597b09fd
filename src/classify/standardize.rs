//! Mean and standard deviation that a few outliers do not move.

/// Share of the values at either end that may be outliers.
const TAIL: f64 = 0.01;

/// Mean and standard deviation (divisor n) of the finite values, each held to within one width of the
/// middle 98 % of them: a single value of a ratio whose denominator is nearly 0 would otherwise be all
/// that a standardization sees. Values without outliers are as they are. 1 stands for the deviation of
/// values that are all the same, 0 for the mean of none.
pub(super) fn robust_moments(values: impl Iterator<Item = f32>) -> (f32, f32) {
    let mut known: Vec<f32> = values.filter(|v| v.is_finite()).collect();
    known.sort_unstable_by(f32::total_cmp);
    let Some(last) = known.len().checked_sub(1) else { return (0.0, 1.0) };
    // Of less than a hundred values the outermost one may be an outlier.
    let tail = ((known.len() as f64 * TAIL).ceil() as usize).min(last / 2);
    let (low, high) = (f64::from(known[tail]), f64::from(known[last - tail]));
    let width = high - low;
    // Where the middle is one value there is no width to hold others to.
    let (low, high) =
        if width > 0.0 { (low - width, high + width) } else { (f64::NEG_INFINITY, f64::INFINITY) };
    let held = || known.iter().map(|&v| f64::from(v).clamp(low, high));
    let n = known.len() as f64;
    let mean = held().sum::<f64>() / n;
    let deviation = (held().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt();
    (mean as f32, if deviation > 1e-9 { deviation as f32 } else { 1.0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(values: &[f32]) -> (f32, f32) {
        let n = values.len() as f64;
        let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
        let square = values.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / n;
        (mean as f32, square.sqrt() as f32)
    }

    #[test]
    fn without_outliers_it_is_the_mean_and_the_standard_deviation() {
        let even: Vec<f32> = (0..1000).map(|i| (i as f32 * 0.37).sin()).collect();
        // Two far groups, one of them a fifth.
        let groups: Vec<f32> =
            (0..500).map(|i| if i % 5 == 0 { 9.0 } else { 1.0 } + 0.01 * (i as f32).cos()).collect();
        for values in [even, groups, vec![1.0, 2.0], vec![0.3, 0.4, 0.7]] {
            let (found, wanted) = (robust_moments(values.iter().copied()), plain(&values));
            assert!(
                (found.0 - wanted.0).abs() < 1e-6 && (found.1 - wanted.1).abs() < 1e-6,
                "{found:?} {wanted:?}"
            );
        }
        assert_eq!(robust_moments([5.0; 7].into_iter()), (5.0, 1.0));
        assert_eq!(robust_moments([f32::NAN, f32::INFINITY].into_iter()), (0.0, 1.0));
    }

    #[test]
    fn a_few_huge_values_do_not_move_it() {
        let mut values: Vec<f32> = (0..600).map(|i| 720.0 + 5.0 * (i as f32 * 0.7).sin()).collect();
        let before = robust_moments(values.iter().copied());
        for at in [3, 77, 401] {
            values[at] = if at == 77 { -4e7 } else { 1e8 };
        }
        let after = robust_moments(values.iter().copied());
        assert!((after.0 - before.0).abs() < 0.5 && (after.1 - before.1).abs() < 1.0, "{before:?} {after:?}");
    }
}
