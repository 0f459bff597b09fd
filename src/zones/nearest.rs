//! The distance to the nearest of some points, row by row: exact for points anywhere, not only at
//! the middle of cells.

/// Points of a plane, ready to be asked by rows.
#[derive(Clone, Debug)]
pub struct NearestPoint {
    /// By rising x.
    points: Vec<[f64; 2]>,
    cap: f64,
}

/// What rows are worked on with; one a thread.
#[derive(Default)]
pub struct Envelope {
    /// Place of the nearest point along the row, and the square of its distance from the row.
    parts: Vec<(f64, f64)>,
    /// Where each part starts.
    starts: Vec<f64>,
}

impl NearestPoint {
    /// Points (x, y in metres). Distances beyond `cap` are told as `cap`.
    pub fn new(points: &[[f64; 2]], cap: f64) -> Self {
        let mut points = points.to_vec();
        points.sort_unstable_by(|a, b| a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1])));
        Self { points, cap }
    }

    /// Distances in metres from the places `(k + 0.5) * step`, `y` to the nearest point, as the
    /// lower envelope of parabolas (Felzenszwalb and Huttenlocher 2012, for points between cells).
    pub fn row(&self, y: f64, step: f64, envelope: &mut Envelope, distances: &mut [f64]) {
        let Envelope { parts, starts } = envelope;
        parts.clear();
        starts.clear();
        for &[x, py] in &self.points {
            let across = (y - py).abs();
            if across >= self.cap {
                continue;
            }
            let square = across * across;
            let start = loop {
                let (Some(&(last, last_square)), Some(&from)) = (parts.last(), starts.last()) else {
                    break Some(f64::NEG_INFINITY);
                };
                let apart = x - last;
                if apart == 0.0 && last_square <= square {
                    break None;
                }
                // Where both are as near; at the same place the one nearer to the row is everywhere.
                let even = if apart == 0.0 {
                    f64::NEG_INFINITY
                } else {
                    f64::midpoint(x, last) + (square - last_square) / (2.0 * apart)
                };
                if even > from {
                    break Some(even);
                }
                parts.pop();
                starts.pop();
            };
            if let Some(start) = start {
                parts.push((x, square));
                starts.push(start);
            }
        }
        if parts.is_empty() {
            distances.fill(self.cap);
            return;
        }
        let mut part = 0;
        for (k, distance) in distances.iter_mut().enumerate() {
            let at = (k as f64 + 0.5) * step;
            while starts.get(part + 1).is_some_and(|&start| start <= at) {
                part += 1;
            }
            let (x, square) = parts[part];
            *distance = ((at - x) * (at - x) + square).sqrt().min(self.cap);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(count: usize, width: f64, height: f64) -> Vec<[f64; 2]> {
        let at = |i: usize| {
            let i = i as f64;
            [(i * 0.618_034).fract() * width, (i * 0.414_214).fract() * height]
        };
        let mut all: Vec<_> = (0..count).map(at).collect();
        // One above another, the same twice, and on the middle of a cell.
        all.extend([[35.0, 10.0], [35.0, 40.0], [35.0, 40.0], [25.0, 25.0]]);
        all
    }

    fn compare(nearest: &NearestPoint, distance: impl Fn(f64, f64) -> f64) {
        let mut envelope = Envelope::default();
        let mut found = [0.0; 40];
        for row in 0..30 {
            let y = (f64::from(row) + 0.5) * 7.0;
            nearest.row(y, 10.0, &mut envelope, &mut found);
            for (k, found) in found.iter().enumerate() {
                let expected = distance((k as f64 + 0.5) * 10.0, y);
                assert!((found - expected).abs() < 1e-9, "{row} {k}: {found} {expected}");
            }
        }
    }

    #[test]
    fn distances_are_those_of_brute_force() {
        for count in [0, 1, 3, 60] {
            let mut points = points(count, 400.0, 210.0);
            points.extend([[-30.0, 100.0], [500.0, 900.0]]);
            for cap in [20.0, 90.0, 1e4] {
                compare(&NearestPoint::new(&points, cap), |x, y| {
                    points.iter().map(|p| (x - p[0]).hypot(y - p[1])).fold(cap, f64::min)
                });
            }
        }
    }

    #[test]
    fn without_points_everything_is_as_far_as_told() {
        compare(&NearestPoint::new(&[], 55.0), |_, _| 55.0);
    }
}
