//! What lasts: relief, rivers, fields and their borders, and which crop a field carries in a year.

use rayon::prelude::*;

use super::calendar::{Cover, Year};
use super::county::BLOCK;
use super::hash::{hash, normal, pixel_normal, stream, uniform};
use super::mines::Mines;
use super::noise::{noise, octaves, smoothstep};

/// Metres of a field, east-west and north-south, about.
const FIELD: (f32, f32) = (96.0, 72.0);
/// Metres of a pixel.
pub const PIXEL: f32 = 10.0;
/// Half the width of a river in units of its noise field.
const RIVER: f32 = 0.008;

/// A field: one crop, one farmer, one dose.
#[derive(Clone, Copy, Debug)]
pub struct Parcel {
    /// A hash that names it, the same every year.
    pub id: u64,
    /// Its year.
    pub year: Year,
    /// Whether its rice is stressed.
    pub stressed: bool,
    /// Whether it is kept for testing (half of the parcels).
    pub test: bool,
}

/// Relief, fields and mines of a seed, with the crops of one year. Places are metres east and
/// south of the county's corner.
#[derive(Clone, Copy, Debug)]
pub struct Land {
    relief: u64,
    river: u64,
    town: u64,
    bend: u64,
    field: u64,
    variation: u64,
    /// Changes with the year.
    crops: u64,
    lateness: f32,
    /// The mines.
    pub mines: Mines,
}

/// One block of land, [`BLOCK`] x [`BLOCK`] pixels of 10 m.
#[derive(Clone, Debug)]
pub struct Ground {
    /// Block row and column in the county.
    pub block: (usize, usize),
    /// The fields that the planes below name by position; the first is the river.
    pub(super) parcels: Vec<Parcel>,
    /// The field a pixel lies in (most of it).
    pub(super) near: Vec<u16>,
    /// The field that has the rest of the pixel.
    pub(super) other: Vec<u16>,
    /// Share of `near`, 0.5..1.
    pub(super) share: Vec<f32>,
    /// Relative deviation of leaf area from the field's.
    pub(super) leaf: Vec<f32>,
    /// Relative deviation of chlorophyll from the field's.
    pub(super) green: Vec<f32>,
    /// Metres above the sea.
    pub elevation: Vec<f32>,
}

impl Land {
    pub fn new(seed: u64, year: i16) -> Self {
        let crops = stream(stream(seed, 6), u64::from(year.unsigned_abs()));
        Self {
            relief: stream(seed, 1),
            river: stream(seed, 2),
            town: stream(seed, 3),
            bend: stream(seed, 4),
            field: stream(seed, 5),
            variation: stream(seed, 7),
            crops,
            lateness: 3.0 * normal(crops, 0),
            mines: Mines::new(seed),
        }
    }

    /// Zero in the middle of a river.
    fn river(&self, x: f32, y: f32) -> f32 {
        octaves(self.river, x / 9000.0, y / 9000.0, 3).abs()
    }

    /// Metres above the sea: flat valleys along the rivers, hills between them.
    pub fn elevation(&self, x: f32, y: f32) -> f32 {
        let hills = octaves(self.relief, x / 2600.0, y / 2600.0, 4);
        let valley = smoothstep(0.015, 0.3, self.river(x, y));
        let rise = smoothstep(-0.05, 0.75, hills);
        52.0 + 22.0 * valley + 260.0 * valley * rise + 1.2 * noise(self.relief ^ 9, x / 300.0, y / 300.0)
    }

    /// Degrees.
    fn slope(&self, x: f32, y: f32) -> f32 {
        let d = 20.0;
        let east = (self.elevation(x + d, y) - self.elevation(x - d, y)) / (2.0 * d);
        let south = (self.elevation(x, y + d) - self.elevation(x, y - d)) / (2.0 * d);
        east.hypot(south).atan().to_degrees()
    }

    /// How far the field pattern is bent at a place: field borders follow the relief a little.
    fn bend(&self, x: f32, y: f32) -> (f32, f32) {
        let (u, v) = (x / 700.0, y / 700.0);
        (120.0 * noise(self.bend, u, v), 120.0 * noise(self.bend ^ 1, u, v))
    }

    /// The middle of a field in the bent pattern, and its hash.
    fn centre(&self, column: i64, row: i64) -> (f32, f32, u64) {
        let id = hash(self.field, column, row);
        let jitter = |salt| 0.5 + 0.62 * (uniform(id, salt) - 0.5);
        ((column as f32 + jitter(1)) * FIELD.0, (row as f32 + jitter(2)) * FIELD.1, id)
    }

    fn parcel(&self, column: i64, row: i64) -> Parcel {
        let (u, v, id) = self.centre(column, row);
        let (bu, bv) = self.bend(u, v);
        let (x, y) = (u - bu, v - bv);
        let season = hash(self.crops, id as i64, 1);
        let cover = self.cover(x, y, id, season);
        let dose = if cover.is_rice() { self.mines.dose(x, y, |x, y| self.elevation(x, y)) } else { 0.0 };
        // Soils differ in how much they let through.
        let dose = dose * (1.0 + 0.15 * normal(id, 20));
        let damage = dose.powi(4) / (1.0 + dose.powi(4));
        Parcel {
            id,
            year: Year { cover, id: season, lateness: self.lateness, damage },
            stressed: dose > 1.0,
            test: uniform(id, 21) < 0.5,
        }
    }

    fn cover(&self, x: f32, y: f32, id: u64, season: u64) -> Cover {
        let pick = |draw: f32, shares: &[(f32, Cover)], rest: Cover| {
            let mut sum = 0.0;
            shares
                .iter()
                .find(|(share, _)| {
                    sum += share;
                    draw < sum
                })
                .map_or(rest, |&(_, cover)| cover)
        };
        let slope = self.slope(x, y);
        let lasting = uniform(id, 10);
        if self.mines.near(x, y, 140.0) {
            return Cover::Bare;
        }
        if slope > 9.0 {
            return if lasting < 0.9 { Cover::Forest } else { Cover::Grass };
        }
        // A crop is a habit, broken one year in eight.
        let crop = if uniform(season, 11) < 0.125 { uniform(season, 12) } else { uniform(id, 12) };
        if slope > 4.5 {
            let dry = [(0.45, Cover::Corn), (0.55, Cover::Soybean)];
            return match lasting {
                v if v < 0.45 => Cover::Forest,
                v if v < 0.65 => Cover::Grass,
                v if v < 0.70 => Cover::Bare,
                _ => pick(crop, &dry, Cover::Soybean),
            };
        }
        if octaves(self.town, x / 5000.0, y / 5000.0, 3) > 0.42 && lasting < 0.85 {
            return Cover::Town;
        }
        let lasting_cover = pick(
            uniform(id, 13),
            &[
                (0.06, Cover::Town),
                (0.035, Cover::Water),
                (0.04, Cover::Bare),
                (0.06, Cover::Forest),
                (0.10, Cover::Grass),
            ],
            Cover::SingleRice,
        );
        if lasting_cover != Cover::SingleRice {
            return lasting_cover;
        }
        // Villages agree on one or two crops.
        let double = (0.42 + 0.5 * noise(self.town ^ 3, x / 2500.0, y / 2500.0)).clamp(0.1, 0.8) * 0.76;
        let shares = [(double, Cover::DoubleRice), (0.76 - double, Cover::SingleRice), (0.13, Cover::Corn)];
        pick(crop, &shares, Cover::Soybean)
    }

    /// The land of a block.
    pub fn ground(&self, block: (usize, usize)) -> Ground {
        let origin = ((block.1 * BLOCK) as f32 * PIXEL, (block.0 * BLOCK) as f32 * PIXEL);
        let reach = BLOCK as f32 * PIXEL;
        // Noise stays within -1..1, so no pixel looks for a field beyond these cells.
        let cells = |from: f32, size: f32| {
            let first = ((from - 120.0) / size).floor() as i64 - 1;
            (first, ((from + reach + 120.0) / size).floor() as i64 + 1 - first + 1)
        };
        let ((column0, columns), (row0, rows)) = (cells(origin.0, FIELD.0), cells(origin.1, FIELD.1));
        let centres: Vec<(f32, f32)> = (0..rows * columns)
            .map(|k| self.centre(column0 + k % columns, row0 + k / columns))
            .map(|(u, v, _)| (u, v))
            .collect();
        let river = Parcel {
            id: self.river,
            year: Year { cover: Cover::Water, id: self.river, lateness: 0.0, damage: 0.0 },
            stressed: false,
            test: true,
        };
        let mut parcels = vec![river];
        parcels.par_extend(
            (0..rows * columns)
                .into_par_iter()
                .map(|k| self.parcel(column0 + k % columns, row0 + k / columns)),
        );
        let n = BLOCK * BLOCK;
        let mut ground = Ground {
            block,
            parcels,
            near: vec![0; n],
            other: vec![0; n],
            share: vec![1.0; n],
            leaf: vec![0.0; n],
            green: vec![0.0; n],
            elevation: vec![0.0; n],
        };
        let planes = (
            ground.near.par_chunks_mut(BLOCK),
            ground.other.par_chunks_mut(BLOCK),
            ground.share.par_chunks_mut(BLOCK),
            ground.leaf.par_chunks_mut(BLOCK),
            ground.green.par_chunks_mut(BLOCK),
            ground.elevation.par_chunks_mut(BLOCK),
        );
        planes.into_par_iter().enumerate().for_each(|(i, (near, other, share, leaf, green, elevation))| {
            let y = origin.1 + (i as f32 + 0.5) * PIXEL;
            for j in 0..BLOCK {
                let x = origin.0 + (j as f32 + 0.5) * PIXEL;
                // A sixteenth of a metre, so that the file compresses.
                elevation[j] = (self.elevation(x, y) * 16.0).round() / 16.0;
                let (px, py) = ((block.1 * BLOCK + j) as u32, (block.0 * BLOCK + i) as u32);
                let patch = noise(self.variation, x / 70.0, y / 70.0);
                leaf[j] = 0.22 * patch + 0.05 * pixel_normal(self.variation as u32, px, py);
                green[j] = 0.08 * patch + 0.05 * pixel_normal(!self.variation as u32, px, py);
                if self.river(x, y) < RIVER {
                    continue;
                }
                let (bu, bv) = self.bend(x, y);
                let (u, v) = (x + bu, y + bv);
                let (column, row) = ((u / FIELD.0).floor() as i64, (v / FIELD.1).floor() as i64);
                let (mut first, mut second) = ((f32::INFINITY, 0), (f32::INFINITY, 0));
                for r in row - 1..=row + 1 {
                    for c in column - 1..=column + 1 {
                        let k = (r - row0) * columns + c - column0;
                        let (cu, cv) = centres[k as usize];
                        let (du, dv) = ((u - cu).abs(), (v - cv).abs() * (FIELD.0 / FIELD.1));
                        // Between Chebyshev's and Euclid's distance: corners nearly square.
                        let candidate = (0.65 * du.max(dv) + 0.35 * du.hypot(dv), k as u16 + 1);
                        if candidate.0 < first.0 {
                            second = first;
                            first = candidate;
                        } else if candidate.0 < second.0 {
                            second = candidate;
                        }
                    }
                }
                near[j] = first.1;
                other[j] = second.1;
                share[j] = (0.5 + (second.0 - first.0) / (2.0 * PIXEL)).min(1.0);
            }
        });
        ground
    }
}

impl Ground {
    fn codes(&self, code: impl Fn(&Parcel) -> u8) -> Vec<u8> {
        let table: Vec<u8> = self.parcels.iter().map(code).collect();
        self.near.iter().map(|&p| table[p as usize]).collect()
    }

    /// 1 single rice, 2 double rice, 3 non-rice.
    pub fn rice(&self) -> Vec<u8> {
        self.codes(|p| p.year.cover.rice_code())
    }

    /// 1 rice, 2 forest, 3 grass, 4 water, 5 urban, 6 bare.
    pub fn cover(&self) -> Vec<u8> {
        self.codes(|p| p.year.cover.cover_code())
    }

    /// 0 non-rice, 1 unstressed rice, 2 stressed rice.
    pub fn stress(&self) -> Vec<u8> {
        self.codes(|p| if p.year.cover.is_rice() { 1 + u8::from(p.stressed) } else { 0 })
    }

    /// 1 on parcels from which no sample is drawn.
    pub fn test_mask(&self) -> Vec<u8> {
        self.codes(|p| u8::from(p.test))
    }
}
