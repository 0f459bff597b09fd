//! The warping path of two series in double precision: what barycentres average along, and
//! what the lanes of pixels are held against.

/// Squared distance of two samples `[series][step]` and, from last to first, the matched steps of
/// their best path.
pub(super) fn warp(a: &[f32], b: &[f32], steps: usize, band: usize) -> (f64, Vec<(usize, usize)>) {
    let width = steps + 1;
    let mut cost = vec![f64::INFINITY; width * width];
    cost[0] = 0.0;
    for i in 0..steps {
        for j in i.saturating_sub(band)..=(i + band).min(steps - 1) {
            let before = cost[i * width + j].min(cost[i * width + j + 1]).min(cost[(i + 1) * width + j]);
            cost[(i + 1) * width + j + 1] = before + difference(a, b, steps, i, j);
        }
    }
    let (mut i, mut j) = (steps, steps);
    let mut path = Vec::with_capacity(2 * steps);
    while i > 0 && j > 0 {
        path.push((i - 1, j - 1));
        let (across, up, left) =
            (cost[(i - 1) * width + j - 1], cost[(i - 1) * width + j], cost[i * width + j - 1]);
        if across <= up && across <= left {
            (i, j) = (i - 1, j - 1);
        } else if up <= left {
            i -= 1;
        } else {
            j -= 1;
        }
    }
    (cost[width * width - 1] * scale(a), path)
}

/// Squared difference of step `i` of one sample and step `j` of the other over all series;
/// missing values cost nothing.
fn difference(a: &[f32], b: &[f32], steps: usize, i: usize, j: usize) -> f64 {
    let pairs = a.chunks_exact(steps).zip(b.chunks_exact(steps));
    let squares = pairs.map(|(a, b)| (f64::from(a[i]) - f64::from(b[j])).powi(2));
    squares.filter(|d| !d.is_nan()).sum()
}

/// Values over values present.
fn scale(a: &[f32]) -> f64 {
    a.len() as f64 / a.iter().filter(|v| !v.is_nan()).count().max(1) as f64
}
