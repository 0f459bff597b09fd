//! Is stress near mines ([Z] 4.3.2 argues by eye)? The share of rice that is stressed by distance
//! to the nearest mine, and a test by random shifts of the mines' pattern.
//!
//! **The table.** Each pixel of rice goes to the band of its distance to the nearest of all mines,
//! inside the map and outside, in the plane of the map with the pixel's size on the ground in the
//! map's middle. The share of a band is uncertain because neighbouring pixels are not independent
//! (one valley, one dust plume, one field), so its 95 % interval comes from a spatial block
//! bootstrap: the map is cut into 8 x 8 blocks and as many of those that hold rice are drawn with
//! replacement, [`REDRAWS`] times.
//!
//! **The test.** The mines on the map are shifted together at random, and a stress rate that falls
//! with distance is held against one rate, as [`shift`] tells. The p-value is one-sided (stress
//! falls with distance): (1 + shifts whose statistic is not smaller) / (1 + shifts). Maps of more
//! than [`MOST_CELLS`] pixels a side are counted into square cells of the smallest whole number of
//! pixels that fits, whose middles count.

mod shift;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use self::shift::Pattern;
use super::nearest::{Envelope, NearestPoint};
use crate::classmap::PixelArea;
use crate::crs::{Crs, GeoBox, earth, pixel_metres};

/// Cells a side that the test looks at, at most.
pub const MOST_CELLS: usize = 512;
/// Draws of the bootstrap.
pub const REDRAWS: usize = 999;
/// Blocks of the bootstrap along each side.
const SIDE: usize = 8;
/// Fewest blocks with rice in a band for its interval to be told.
const FEWEST_BLOCKS: usize = 4;
/// Fewest values whose middle 95 % are told.
const FEWEST_VALUES: usize = 20;

/// What can be wrong with the question.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum AssociationError {
    /// Bands rise from 0.
    #[error("{0} is not above the edge before it: give rising distances in metres, such as 500, 1000, 2000")]
    NotRising(f64),
    /// No band at all, or too many.
    #[error("{0} edges; give 1 to {MOST_BANDS}")]
    Count(usize),
    /// There is nothing to shift.
    #[error("none of the {0} mines lies on the map; give mines of this area, or their CRS")]
    NoMineOnMap(usize),
}

/// Most bands.
const MOST_BANDS: usize = 64;

/// Upper edges of bands of distance in metres, rising; the first band starts at 0 and includes its
/// upper edge, as all do.
#[derive(Clone, Debug, PartialEq)]
pub struct Bands(Vec<f64>);

impl Bands {
    /// Checks the edges.
    ///
    /// # Errors
    /// [`AssociationError::NotRising`] and [`AssociationError::Count`].
    pub fn new(edges: &[f64]) -> Result<Self, AssociationError> {
        if edges.is_empty() || edges.len() > MOST_BANDS {
            return Err(AssociationError::Count(edges.len()));
        }
        let mut last = 0.0;
        for &edge in edges {
            if !(edge > last && edge.is_finite()) {
                return Err(AssociationError::NotRising(edge));
            }
            last = edge;
        }
        Ok(Self(edges.to_vec()))
    }

    /// Metres beyond which distances need not be known: a little farther than the last edge, so
    /// that what lies beyond is told from what lies on it.
    fn cap(&self) -> f64 {
        self.0[self.0.len() - 1] * (1.0 + 1e-9)
    }

    /// Bands with the one beyond the last edge.
    fn count(&self) -> usize {
        self.0.len() + 1
    }

    /// Distances beyond the outermost edge are of the last band.
    fn of(&self, distance: f64) -> usize {
        self.0.partition_point(|edge| *edge < distance)
    }
}

/// What a pixel is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ground {
    /// No rice, or not known.
    Other,
    /// Rice that is not stressed.
    Unstressed,
    /// Stressed rice.
    Stressed,
}

/// One band.
#[derive(Clone, Debug, PartialEq)]
pub struct BandRate {
    /// Metres from which.
    pub from: f64,
    /// Metres to which; `None` for all beyond.
    pub to: Option<f64>,
    /// Hectares of rice.
    pub rice_ha: f64,
    /// Hectares of it that are stressed.
    pub stressed_ha: f64,
    /// Their share; `None` without rice.
    pub rate: Option<f64>,
    /// 95 % interval of the share by the block bootstrap; `None` where too few blocks hold rice or
    /// the share is the same in all.
    pub interval: Option<(f64, f64)>,
    /// 2.5 and 97.5 percentiles of the share under the shifts (of cells).
    pub shifted: Option<(f64, f64)>,
    /// Blocks of the bootstrap that hold rice of the band.
    pub blocks: usize,
}

/// How the mines' pattern lies to the stress, against its shifts.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ShiftTest {
    /// Natural logarithm of the likelihood ratio, by pixels, of a stress rate that does not rise
    /// from band to band against one rate for all; 0 where it falls nowhere, `None` without
    /// stressed or without unstressed rice.
    pub statistic: Option<f64>,
    /// One-sided p-value; `None` without a statistic or without shifts.
    pub p_value: Option<f64>,
    /// Shifts that were drawn.
    pub shifts: usize,
}

/// The answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// From the nearest band to all beyond the last edge.
    pub bands: Vec<BandRate>,
    /// The test.
    pub test: ShiftTest,
    /// Mines on the map, which are the pattern.
    pub mines: usize,
    /// Mines outside the map: they count in the table and are not shifted.
    pub outside: usize,
    /// Pixels along the side of a cell of the test.
    pub factor: usize,
}

/// Counts a map against mines, row by row.
pub struct Association {
    bands: Bands,
    /// Mines on the map, in metres from its corner.
    inside: Vec<[f64; 2]>,
    outside: usize,
    nearest: NearestPoint,
    rows: usize,
    cols: usize,
    /// Metres of a pixel's width and height.
    pixel: (f64, f64),
    hectares: Vec<f64>,
    /// Hectares of rice and of stressed rice by block and band.
    blocks: Vec<(f64, f64)>,
    factor: usize,
    /// Cells along rows and columns.
    cells: (usize, usize),
    /// Pixels of rice and of stressed rice by cell.
    counts: Vec<(u32, u32)>,
}

impl Association {
    /// A question of a map and mines (columns and rows of the map's grid, with fractions).
    ///
    /// # Errors
    /// [`AssociationError::NoMineOnMap`].
    pub fn new(grid: &GeoBox, mines: &[(f64, f64)], bands: Bands) -> Result<Self, AssociationError> {
        let (rows, cols) = (grid.rows, grid.cols);
        let pixel = ground_metres(grid);
        let on_map = |&&(col, row): &&(f64, f64)| {
            (0.0..cols as f64).contains(&col) && (0.0..rows as f64).contains(&row)
        };
        let metres = |&(col, row): &(f64, f64)| [col * pixel.0, row * pixel.1];
        let inside: Vec<[f64; 2]> = mines.iter().filter(on_map).map(metres).collect();
        if inside.is_empty() {
            return Err(AssociationError::NoMineOnMap(mines.len()));
        }
        let all: Vec<[f64; 2]> = mines.iter().map(metres).collect();
        let nearest = NearestPoint::new(&all, bands.cap());
        let area = PixelArea::of(grid);
        let factor = rows.max(cols).div_ceil(MOST_CELLS).max(1);
        let cells = (rows.div_ceil(factor), cols.div_ceil(factor));
        Ok(Self {
            outside: all.len() - inside.len(),
            inside,
            nearest,
            rows,
            cols,
            pixel,
            hectares: (0..rows).map(|row| area.square_metres(row) / 1e4).collect(),
            blocks: vec![(0.0, 0.0); SIDE * SIDE * bands.count()],
            factor,
            cells,
            counts: vec![(0, 0); cells.0 * cells.1],
            bands,
        })
    }

    /// Counts whole rows from `first` on. Each row of the map once, in rising order.
    pub fn add(&mut self, first: usize, ground: &[Ground]) {
        let (cols, bands, factor) = (self.cols.max(1), self.bands.count(), self.factor);
        let tally = |(k, line): (usize, &[Ground])| {
            let mut sums = vec![(0u32, 0u32); SIDE * bands];
            let mut distances = vec![0.0; cols];
            let y = ((first + k) as f64 + 0.5) * self.pixel.1;
            if line.iter().any(|g| *g != Ground::Other) {
                self.nearest.row(y, self.pixel.0, &mut Envelope::default(), &mut distances);
            }
            for (col, (ground, distance)) in line.iter().zip(&distances).enumerate() {
                if *ground != Ground::Other {
                    let sum = &mut sums[col * SIDE / cols * bands + self.bands.of(*distance)];
                    sum.0 += 1;
                    sum.1 += u32::from(*ground == Ground::Stressed);
                }
            }
            sums
        };
        let rows: Vec<Vec<(u32, u32)>> = ground.par_chunks(cols).enumerate().map(tally).collect();
        for (k, sums) in rows.iter().enumerate() {
            let row = first + k;
            let block = row * SIDE / self.rows * SIDE * bands;
            for (total, sum) in self.blocks[block..].iter_mut().zip(sums) {
                total.0 += f64::from(sum.0) * self.hectares[row];
                total.1 += f64::from(sum.1) * self.hectares[row];
            }
            let cells = &mut self.counts[row / factor * self.cells.1..];
            for (col, ground) in ground[k * cols..][..cols].iter().enumerate() {
                let cell = &mut cells[col / factor];
                cell.0 += u32::from(*ground != Ground::Other);
                cell.1 += u32::from(*ground == Ground::Stressed);
            }
        }
    }

    /// The answer, with this many shifts. `shifts` and `seed` change nothing but the draws; they
    /// do not depend on the number of threads. `go_on` is told how many shifts are done, from any
    /// thread; where it says no, `None` comes back soon.
    pub fn finish(self, shifts: usize, seed: u64, go_on: impl Fn(usize) -> bool + Sync) -> Option<Outcome> {
        let side = self.factor as f64;
        let pattern = Pattern {
            bands: &self.bands,
            mines: &self.inside,
            map: [self.cols as f64 * self.pixel.0, self.rows as f64 * self.pixel.1],
            cell: [side * self.pixel.0, side * self.pixel.1],
            cols: self.cells.1,
            counts: &self.counts,
        };
        let (test, envelope) = pattern.test(shifts, ChaCha8Rng::seed_from_u64(seed), go_on)?;
        let mut redraws = ChaCha8Rng::seed_from_u64(seed);
        redraws.set_stream(1);
        let intervals = self.intervals(redraws);
        let n = self.bands.count();
        let edges = &self.bands.0;
        let band = |b: usize| {
            let blocks = || self.blocks.iter().skip(b).step_by(n);
            let (rice_ha, stressed_ha) = blocks().fold((0.0, 0.0), |sum, x| (sum.0 + x.0, sum.1 + x.1));
            BandRate {
                from: b.checked_sub(1).map_or(0.0, |before| edges[before]),
                to: edges.get(b).copied(),
                rice_ha,
                stressed_ha,
                rate: share(rice_ha, stressed_ha),
                interval: intervals[b],
                shifted: envelope[b],
                blocks: blocks().filter(|x| x.0 > 0.0).count(),
            }
        };
        Some(Outcome {
            bands: (0..n).map(band).collect(),
            test,
            mines: self.inside.len(),
            outside: self.outside,
            factor: self.factor,
        })
    }

    /// The interval of each band by the block bootstrap.
    fn intervals(&self, mut rng: ChaCha8Rng) -> Vec<Option<(f64, f64)>> {
        let n = self.bands.count();
        let blocks: Vec<&[(f64, f64)]> =
            self.blocks.chunks_exact(n).filter(|block| block.iter().any(|x| x.0 > 0.0)).collect();
        let mut rates = vec![Vec::with_capacity(REDRAWS); n];
        for _ in 0..if blocks.is_empty() { 0 } else { REDRAWS } {
            let mut sums = vec![(0.0, 0.0); n];
            for _ in 0..blocks.len() {
                for (sum, x) in sums.iter_mut().zip(blocks[rng.random_range(0..blocks.len())]) {
                    *sum = (sum.0 + x.0, sum.1 + x.1);
                }
            }
            for (rates, sum) in rates.iter_mut().zip(sums) {
                rates.extend(share(sum.0, sum.1));
            }
        }
        let enough = |b: usize| blocks.iter().filter(|x| x[b].0 > 0.0).count() >= FEWEST_BLOCKS;
        // Where every draw has the same share (none stressed, or all), draws tell nothing of chance.
        let interval = |(b, rates)| middle(rates).filter(|(low, high)| enough(b) && low < high);
        rates.into_iter().enumerate().map(interval).collect()
    }
}

fn share(rice: f64, stressed: f64) -> Option<f64> {
    (rice > 0.0).then(|| stressed / rice)
}

/// The middle 95 % of values, between neighbours linearly; `None` where there are too few of them
/// to have tails.
fn middle(mut values: Vec<f64>) -> Option<(f64, f64)> {
    if values.len() < FEWEST_VALUES {
        return None;
    }
    values.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| {
        let position = share * (values.len() - 1) as f64;
        let low = position as usize;
        let high = (low + 1).min(values.len() - 1);
        values[low] + (values[high] - values[low]) * (position - low as f64)
    };
    Some((at(0.025), at(0.975)))
}

/// Metres on the ground of the middle pixel's width and height; by the map's units where the
/// middle has no place on Earth.
fn ground_metres(grid: &GeoBox) -> (f64, f64) {
    let (col, row) = (grid.cols as f64 / 2.0, grid.rows as f64 / 2.0);
    let sides = [(-0.5, 0.0), (0.5, 0.0), (0.0, -0.5), (0.0, 0.5)];
    let (mut xs, mut ys): (Vec<f64>, Vec<f64>) =
        sides.iter().map(|(i, j)| grid.affine.apply(col + i, row + j)).unzip();
    let to_degrees = grid.crs.transformer_to(&Crs::wgs84());
    if to_degrees.and_then(|way| way.apply(&mut xs, &mut ys)).is_err() {
        return pixel_metres(grid);
    }
    let at = |k: usize| earth::xyz(xs[k], ys[k]);
    (earth::chord2(at(0), at(1)).sqrt(), earth::chord2(at(2), at(3)).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crs::Affine;

    fn grid(rows: usize, cols: usize) -> GeoBox {
        // Where the scale of UTM is 1, so that a pixel is 10 m by 20 m on the ground.
        let affine = Affine::north_up(680_000.0, 3.09e6, 10.0, 20.0);
        GeoBox { rows, cols, affine, crs: Crs::from_epsg(32649).unwrap() }
    }

    fn bands(edges: &[f64]) -> Bands {
        Bands::new(edges).unwrap()
    }

    fn ask(grid: &GeoBox, mines: &[(f64, f64)], edges: &[f64], ground: &[Ground], seed: u64) -> Outcome {
        let mut question = Association::new(grid, mines, bands(edges)).unwrap();
        question.add(0, ground);
        question.finish(199, seed, |_| true).unwrap()
    }

    /// Fields of rice, of which those within `reach` pixels of a place are stressed.
    fn ground(rows: usize, cols: usize, places: &[(f64, f64)], reach: f64) -> Vec<Ground> {
        let at = |k: usize| {
            let (row, col) = ((k / cols) as f64 + 0.5, (k % cols) as f64 + 0.5);
            let near = places.iter().any(|p| (p.0 - col).hypot(2.0 * (p.1 - row)) < reach);
            match (k / 7 * 7) % 11 {
                0..3 => Ground::Other,
                _ if near => Ground::Stressed,
                _ => Ground::Unstressed,
            }
        };
        (0..rows * cols).map(at).collect()
    }

    #[test]
    fn bands_rise_from_nothing() {
        assert_eq!(Bands::new(&[500.0, 500.0]), Err(AssociationError::NotRising(500.0)));
        assert_eq!(Bands::new(&[0.0]), Err(AssociationError::NotRising(0.0)));
        assert!(matches!(Bands::new(&[f64::NAN]), Err(AssociationError::NotRising(_))));
        assert_eq!(Bands::new(&[]), Err(AssociationError::Count(0)));
        let bands = bands(&[500.0, 1000.0]);
        assert_eq!([0.0, 500.0, 500.1, 1000.0, 1001.0].map(|d| bands.of(d)), [0, 0, 1, 1, 2]);
    }

    #[test]
    fn the_table_is_that_of_brute_force_with_the_mines_outside() {
        let grid = grid(40, 60);
        let mines = [(10.25, 12.5), (50.0, 30.0), (65.0, 5.0)];
        let ground = ground(40, 60, &mines[..2], 9.0);
        let edges = [50.0, 120.0, 300.0];
        let outcome = ask(&grid, &mines, &edges, &ground, 1);
        assert_eq!((outcome.mines, outcome.outside, outcome.factor), (2, 1, 1));
        let (width, height) = ground_metres(&grid);
        assert!((width - 10.0).abs() < 1e-3 && (height - 20.0).abs() < 2e-3, "{width} {height}");
        let mut sums = [(0.0, 0.0); 4];
        for (k, ground) in ground.iter().enumerate().filter(|(_, g)| **g != Ground::Other) {
            let (x, y) = (((k % 60) as f64 + 0.5) * width, ((k / 60) as f64 + 0.5) * height);
            let away = mines.iter().map(|m| (x - m.0 * width).hypot(y - m.1 * height));
            let away = away.fold(f64::INFINITY, f64::min);
            let band = edges.iter().position(|e| away <= *e).unwrap_or(3);
            sums[band].0 += 0.02;
            sums[band].1 += if *ground == Ground::Stressed { 0.02 } else { 0.0 };
        }
        for (band, sum) in outcome.bands.iter().zip(sums) {
            assert!((band.rice_ha - sum.0).abs() < 1e-9 && (band.stressed_ha - sum.1).abs() < 1e-9);
            assert!((band.rate.unwrap() - sum.1 / sum.0).abs() < 1e-12);
            let varies = sum.1 > 0.0 && sum.1 < sum.0;
            assert_eq!(band.interval.is_some(), varies);
            assert!(band.interval.is_none_or(|(low, high)| low < high && low >= 0.0 && high <= 1.0));
        }
        assert_eq!((outcome.bands[0].from, outcome.bands[3].to), (0.0, None));
    }

    #[test]
    fn the_statistic_is_that_of_brute_force_in_cells_of_any_size() {
        for (rows, cols, factor) in [(31, 47, 1), (5, 1050, 3)] {
            let grid = grid(rows, cols);
            let mines = [(cols as f64 * 0.9, 3.5), (4.4, 1.2)];
            let ground = ground(rows, cols, &mines, 12.0);
            let outcome = ask(&grid, &mines, &[60.0, 200.0], &ground, 1);
            assert_eq!(outcome.factor, factor);
            let (width, height) = ground_metres(&grid);
            let mut bands = [(0.0, 0.0); 3];
            for (k, ground) in ground.iter().enumerate().filter(|(_, g)| **g != Ground::Other) {
                let middle = |pixel: usize| (pixel / factor) as f64 * factor as f64 + factor as f64 / 2.0;
                let (x, y) = (middle(k % cols), middle(k / cols));
                let away = mines.iter().map(|m| ((x - m.0) * width).hypot((y - m.1) * height));
                let away = away.fold(f64::INFINITY, f64::min);
                let band = &mut bands[[60.0, 200.0].iter().filter(|e| away > **e).count()];
                *band = (band.0 + 1.0, band.1 + f64::from(u8::from(*ground == Ground::Stressed)));
            }
            // The rates fall here, so that no bands are pooled.
            assert!(bands.windows(2).all(|w| w[0].1 / w[0].0 > w[1].1 / w[1].0), "{bands:?}");
            let log = |k: f64, n: f64, rate: f64| {
                (if k > 0.0 { k * rate.ln() } else { 0.0 })
                    + (if n > k { (n - k) * (1.0 - rate).ln() } else { 0.0 })
            };
            let all = bands.iter().fold((0.0, 0.0), |sum, b| (sum.0 + b.0, sum.1 + b.1));
            let falling: f64 = bands.iter().map(|b| log(b.1, b.0, b.1 / b.0)).sum();
            let expected = falling - log(all.1, all.0, all.1 / all.0);
            let found = outcome.test.statistic.unwrap();
            assert!((found - expected).abs() < 1e-9 * expected, "{found} {expected}");
        }
    }

    #[test]
    fn stress_around_mines_is_found_and_chance_is_chance() {
        let (rows, cols) = (48, 96);
        let grid = grid(rows, cols);
        let centres = [(20.0, 12.0), (70.0, 30.0), (44.0, 41.0)];
        let ground = ground(rows, cols, &centres, 16.0);
        let planted = ask(&grid, &centres, &[100.0, 200.0, 400.0], &ground, 5);
        assert!(planted.test.p_value.unwrap() <= 0.01, "{:?}", planted.test);
        assert!(planted.test.statistic.unwrap() > 0.0);
        let near = &planted.bands[0];
        assert!(near.rate.unwrap() > near.shifted.unwrap().1, "{near:?}");
        let mut rng = ChaCha8Rng::seed_from_u64(11);
        let mut values: Vec<f64> = (0..200)
            .map(|seed| {
                let mines: Vec<(f64, f64)> = (0..4)
                    .map(|_| {
                        (rng.random_range(0.0..1.0) * cols as f64, rng.random_range(0.0..1.0) * rows as f64)
                    })
                    .collect();
                ask(&grid, &mines, &[100.0, 200.0, 400.0], &ground, seed).test.p_value.unwrap()
            })
            .collect();
        values.sort_unstable_by(f64::total_cmp);
        // Uniform within what 200 draws allow (Kolmogorov and Smirnov at 1 %), but for patterns around
        // which stress falls nowhere: their statistic is 0 and their p-value 1.
        let off = values.iter().enumerate().map(|(i, p)| (p - (i as f64 + 0.5) / 200.0).abs());
        let largest = off.zip(&values).filter(|(_, p)| **p < 1.0).map(|(off, _)| off).fold(0.0, f64::max);
        assert!(largest < 1.63 / 200f64.sqrt(), "{values:?}");
        assert!(values.iter().filter(|p| **p == 1.0).count() < 60, "{values:?}");
    }

    #[test]
    fn blocks_and_threads_change_nothing_and_the_seed_only_the_draws() {
        let grid = grid(37, 50);
        let mines = [(20.0, 12.0), (44.1, 30.0)];
        let ground = ground(37, 50, &mines, 16.0);
        let whole = ask(&grid, &mines, &[100.0, 300.0], &ground, 3);
        let parts = |step: usize| {
            let mut question = Association::new(&grid, &mines, bands(&[100.0, 300.0])).unwrap();
            for first in (0..37).step_by(step) {
                question.add(first, &ground[first * 50..(first + step).min(37) * 50]);
            }
            question.finish(199, 3, |_| true)
        };
        let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        assert_eq!(parts(5).as_ref(), Some(&whole));
        assert_eq!(one.install(|| parts(16)), Some(whole.clone()));
        let other = ask(&grid, &mines, &[100.0, 300.0], &ground, 4);
        assert_eq!((other.test.statistic, other.bands[0].rate), (whole.test.statistic, whole.bands[0].rate));
        let intervals = |o: &Outcome| o.bands.iter().map(|b| b.interval).collect::<Vec<_>>();
        assert_ne!(intervals(&other), intervals(&whole));
    }

    #[test]
    fn what_is_missing_leaves_nothing_where_it_would_stand() {
        let grid = grid(20, 30);
        let none = Association::new(&grid, &[(-1.0, 3.0), (5.0, 20.0)], bands(&[100.0]));
        assert_eq!(none.err(), Some(AssociationError::NoMineOnMap(2)));
        let mine = [(7.0, 7.0)];
        let empty = ask(&grid, &mine, &[100.0], &[Ground::Other; 600], 1);
        assert!(empty.bands.iter().all(|b| b.rate.is_none() && b.interval.is_none() && b.rice_ha == 0.0));
        assert_eq!(empty.test, ShiftTest::default());
        for (all, rate) in [(Ground::Unstressed, 0.0), (Ground::Stressed, 1.0)] {
            let same = ask(&grid, &mine, &[100.0], &[all; 600], 1);
            assert_eq!((same.bands[0].rate, same.test.p_value), (Some(rate), None));
        }
        let ground = ground(20, 30, &mine, 5.0);
        let mut question = Association::new(&grid, &mine, bands(&[100.0])).unwrap();
        question.add(0, &ground);
        let unshifted = question.finish(0, 1, |_| true).unwrap();
        assert!(unshifted.test.statistic.is_some() && unshifted.test.p_value.is_none());
        assert!(unshifted.bands.iter().all(|b| b.shifted.is_none()));
        assert!(unshifted.bands[0].interval.is_some() && unshifted.bands[1].interval.is_none());
        // Too far to tell: every shift is as near.
        let far = ask(&grid, &mine, &[0.5], &ground, 1);
        assert_eq!(far.test.p_value, Some(1.0));
    }
}
