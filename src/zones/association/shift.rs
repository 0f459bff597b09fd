//! The test by shifts of the mines' pattern.
//!
//! **The shift.** The mines on the map move together by a random way, uniform over the map's
//! rectangle, and come in again at the other edge. Their own pattern stays but for where the edge
//! cuts it; what it lies on changes. If the pattern may lie anywhere alike, the observed place is
//! one draw among the others, whatever the statistic and however neighbours depend on each other.
//!
//! **The statistic.** Distances are measured in the plane, for the observed mines and for the
//! shifted ones: rice at one edge is not near to a mine at the opposite one. It is the logarithm of
//! the likelihood ratio of a stress rate that does not rise with the band of distance (isotonic
//! regression by pooling neighbours that offend, Barlow et al. 1972) against one rate for all rice.

use std::sync::atomic::{AtomicUsize, Ordering};

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::{Bands, ShiftTest, middle, share};
use crate::zones::nearest::{Envelope, NearestPoint};

/// Share of a statistic below which two are the same: rounding.
const SAME: f64 = 1e-9;

/// Rice in cells, and mines.
pub(super) struct Pattern<'a> {
    pub bands: &'a Bands,
    /// The mines on the map, in metres from its corner.
    pub mines: &'a [[f64; 2]],
    /// Metres of the map's width and height.
    pub map: [f64; 2],
    /// Metres of a cell's width and height.
    pub cell: [f64; 2],
    /// Cells of a row.
    pub cols: usize,
    /// Pixels of rice and of stressed rice by cell.
    pub counts: &'a [(u32, u32)],
}

/// The middle 95 % of a band's shares, where there are enough of them.
pub(super) type Middle = Option<(f64, f64)>;

/// What threads work with.
#[derive(Default)]
struct Work {
    envelope: Envelope,
    distances: Vec<f64>,
}

impl Pattern<'_> {
    /// The test, and the middle 95 % of each band's share under the shifts. `None` where `go_on`,
    /// which is told how many shifts are done, says to stop.
    pub fn test(
        &self,
        shifts: usize,
        mut rng: ChaCha8Rng,
        go_on: impl Fn(usize) -> bool + Sync,
    ) -> Option<(ShiftTest, Vec<Middle>)> {
        let n = self.bands.count();
        let (rice, stressed) = total(self.counts.iter().map(|&(b, a)| (b.into(), a.into())));
        if stressed == 0 || stressed == rice {
            return Some((ShiftTest::default(), vec![None; n]));
        }
        let observed = falling_rate(&self.tally([0.0, 0.0], &mut Work::default()));
        // Drawn before they are dealt to threads.
        let ways: Vec<[f64; 2]> =
            (0..shifts).map(|_| self.map.map(|side| rng.random_range(0.0..side))).collect();
        let done = AtomicUsize::new(0);
        let shifted = |work: &mut Work, way: &[f64; 2]| {
            let bands = self.tally(*way, work);
            let rates: Vec<Option<f64>> = bands.iter().map(|&(b, a)| share(b as f64, a as f64)).collect();
            go_on(done.fetch_add(1, Ordering::Relaxed) + 1).then(|| (falling_rate(&bands), rates))
        };
        let drawn: Vec<(f64, Vec<Option<f64>>)> =
            ways.par_iter().map_init(Work::default, shifted).collect::<Option<_>>()?;
        let as_large =
            drawn.iter().filter(|(ratio, _)| *ratio >= observed - SAME * observed.max(1.0)).count();
        let test = ShiftTest {
            statistic: Some(observed),
            p_value: (shifts > 0).then(|| (1 + as_large) as f64 / (1 + shifts) as f64),
            shifts,
        };
        let envelope = |b: usize| {
            let rates: Vec<f64> = drawn.iter().filter_map(|(_, rates)| rates[b]).collect();
            // Where most shifts leave a band without rice, the others tell little of it.
            if 2 * rates.len() < drawn.len() { None } else { middle(rates) }
        };
        Some((test, (0..n).map(envelope).collect()))
    }

    /// Pixels of rice and of stressed rice by band, with the mines moved.
    fn tally(&self, way: [f64; 2], work: &mut Work) -> Vec<(u64, u64)> {
        let moved = |mine: &[f64; 2]| [0, 1].map(|axis| (mine[axis] + way[axis]).rem_euclid(self.map[axis]));
        let moved: Vec<[f64; 2]> = self.mines.iter().map(moved).collect();
        let nearest = NearestPoint::new(&moved, self.bands.cap());
        let mut sums = vec![(0, 0); self.bands.count()];
        work.distances.resize(self.cols, 0.0);
        for (row, line) in self.counts.chunks_exact(self.cols).enumerate() {
            if line.iter().all(|cell| cell.0 == 0) {
                continue;
            }
            let y = (row as f64 + 0.5) * self.cell[1];
            nearest.row(y, self.cell[0], &mut work.envelope, &mut work.distances);
            for (&(rice, stressed), &distance) in line.iter().zip(&work.distances) {
                if rice > 0 {
                    let sum = &mut sums[self.bands.of(distance)];
                    *sum = (sum.0 + u64::from(rice), sum.1 + u64::from(stressed));
                }
            }
        }
        sums
    }
}

fn total(counts: impl Iterator<Item = (u64, u64)>) -> (u64, u64) {
    counts.fold((0, 0), |sum, x| (sum.0 + x.0, sum.1 + x.1))
}

/// Logarithm of the likelihood ratio of a rate that does not rise from band to band against one
/// rate, of counts and those among them; 0 where the rate falls nowhere.
fn falling_rate(bands: &[(u64, u64)]) -> f64 {
    let mut pools: Vec<(u64, u64)> = Vec::with_capacity(bands.len());
    for &(mut all, mut hit) in bands.iter().filter(|band| band.0 > 0) {
        // A pool whose rate is not above that of the next is one with it.
        while let Some((before, hits)) = pools.pop_if(|pool| pool.1 * all <= hit * pool.0) {
            (all, hit) = (all + before, hit + hits);
        }
        pools.push((all, hit));
    }
    let (all, hit) = total(bands.iter().copied());
    let part = |count: u64, rate: f64, of_all: f64| {
        if count == 0 { 0.0 } else { count as f64 * (rate / of_all).ln() }
    };
    let ratio = |&(n, k): &(u64, u64)| {
        part(k, k as f64 / n as f64, hit as f64 / all as f64)
            + part(n - k, (n - k) as f64 / n as f64, (all - hit) as f64 / all as f64)
    };
    pools.iter().map(ratio).sum::<f64>().max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same by trying every way to cut the bands into runs of one rate each.
    fn by_brute_force(bands: &[(u64, u64)]) -> f64 {
        let log = |k: u64, n: u64, rate: f64| {
            let part = |count: u64, rate: f64| if count == 0 { 0.0 } else { count as f64 * rate.ln() };
            part(k, rate) + part(n - k, 1.0 - rate)
        };
        let (all, hit) = total(bands.iter().copied());
        let alike = log(hit, all, hit as f64 / all as f64);
        let mut best = f64::NEG_INFINITY;
        for cuts in 0..1u32 << (bands.len() - 1) {
            let mut runs = vec![bands[0]];
            for (i, band) in bands.iter().enumerate().skip(1) {
                if cuts >> (i - 1) & 1 == 1 {
                    runs.push(*band);
                } else if let Some(run) = runs.last_mut() {
                    *run = (run.0 + band.0, run.1 + band.1);
                }
            }
            runs.retain(|run| run.0 > 0);
            let rates: Vec<f64> = runs.iter().map(|r| r.1 as f64 / r.0 as f64).collect();
            if rates.windows(2).all(|w| w[0] >= w[1]) {
                best = best.max(runs.iter().zip(&rates).map(|(r, q)| log(r.1, r.0, *q)).sum());
            }
        }
        best - alike
    }

    #[test]
    fn the_ratio_is_the_best_of_all_falling_rates() {
        let mut state = 1u64;
        let mut draw = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        for _ in 0..400 {
            let bands: Vec<(u64, u64)> = (0..6)
                .map(|_| {
                    let all = draw(5) * draw(40);
                    (all, draw(all + 1))
                })
                .collect();
            if total(bands.iter().copied()).0 > 0 {
                let (found, expected) = (falling_rate(&bands), by_brute_force(&bands));
                assert!((found - expected).abs() < 1e-9 * expected.max(1.0), "{bands:?}: {found} {expected}");
            }
        }
        assert_eq!(falling_rate(&[(10, 1), (0, 0), (10, 3), (10, 3)]), 0.0);
        let two = 2.0 * (9.0 * 1.8f64.ln() + 0.2f64.ln());
        assert!((falling_rate(&[(10, 9), (10, 1)]) - two).abs() < 1e-9);
    }

    #[test]
    fn shifted_mines_come_in_at_the_other_edge_and_are_far_from_the_one_they_left() {
        let bands = Bands::new(&[1.0, 3.0]).unwrap();
        let counts: Vec<(u32, u32)> = (0..40).map(|k| (2, u32::from(k % 10 < 4))).collect();
        let pattern = |mines| Pattern {
            bands: &bands,
            mines,
            map: [9.5, 4.0],
            cell: [1.0, 1.0],
            cols: 10,
            counts: &counts,
        };
        let brute = |mines: &[[f64; 2]]| {
            let mut sums = vec![(0, 0); 3];
            for (k, cell) in counts.iter().enumerate() {
                let (x, y) = ((k % 10) as f64 + 0.5, (k / 10) as f64 + 0.5);
                let away = mines.iter().map(|m| (x - m[0]).hypot(y - m[1])).fold(9.0, f64::min);
                let sum: &mut (u64, u64) = &mut sums[[1.0, 3.0].iter().filter(|e| away > **e).count()];
                *sum = (sum.0 + u64::from(cell.0), sum.1 + u64::from(cell.1));
            }
            sums
        };
        let mines = [[1.2, 0.6], [8.9, 3.3]];
        let found = pattern(&mines).tally([0.0; 2], &mut Work::default());
        assert_eq!(found, brute(&mines));
        let found = pattern(&mines).tally([2.0, 1.0], &mut Work::default());
        assert_eq!(found, brute(&[[3.2, 1.6], [1.4, 0.3]]));
    }

    #[test]
    fn a_test_stops_where_it_is_told_to() {
        use rand::SeedableRng;
        let bands = Bands::new(&[1.0]).unwrap();
        let counts = [(1, 0), (1, 1), (1, 1), (1, 0)];
        let mines = [[0.5, 0.5]];
        let pattern = Pattern {
            bands: &bands,
            mines: &mines,
            map: [2.0, 2.0],
            cell: [1.0, 1.0],
            cols: 2,
            counts: &counts,
        };
        let rng = || ChaCha8Rng::seed_from_u64(1);
        assert!(pattern.test(50, rng(), |done| done < 20).is_none());
        assert_eq!(pattern.test(50, rng(), |_| true).unwrap().0.shifts, 50);
    }
}
