//! The county: its options, its passes, and what Sentinel-2 sees of a block on each of them.

use rayon::prelude::*;

use super::canopy::{BANDS, Canopy};
use super::hash::{hash, normal, pixel_normal, stream, uniform};
use super::land::{Ground, Land, PIXEL};
use super::mines::Mine;
use super::sky::Sky;
use crate::crs::{Affine, Crs, CrsError, GeoBox};
use crate::cube::Band;

/// Rows and columns of a block, in pixels of 10 m: one tile of every file.
pub const BLOCK: usize = 480;
/// The corner of tile T49RFL, north of Zhuzhou in Hunan.
const CORNER: (f64, f64) = (600_000.0, 3_100_020.0);
/// The longest side: a Sentinel-2 tile has 10980.
const LONGEST: usize = 20_000;
/// 1 April to 16 October.
const SEASON_DAYS: usize = 199;

/// Why a county cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum SimulateError {
    /// An option is out of its range.
    #[error("{option} is {given}; it must be {allowed}")]
    Option {
        /// Which.
        option: &'static str,
        /// What was given.
        given: String,
        /// What is possible.
        allowed: String,
    },
    /// PROJ does not know UTM zone 49.
    #[error(transparent)]
    Crs(#[from] CrsError),
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Pixels of 10 m from north to south.
    pub rows: usize,
    /// Pixels of 10 m from west to east.
    pub cols: usize,
    /// Number of acquisitions between 1 April and 16 October.
    pub dates: usize,
    /// The year: crops, weather and clouds change, fields and mines stay.
    pub year: i16,
    /// The county.
    pub seed: u64,
    /// Bands to write, besides QA60.
    pub bands: Vec<Band>,
}

impl Options {
    /// Every band that the canopy table knows.
    pub fn all_bands() -> Vec<Band> {
        BANDS.to_vec()
    }
}

/// A processing baseline of ESA's: reflectance = 0.0001 DN + offset.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Baseline {
    /// `02.11`
    pub code: &'static str,
    /// 0 before 04.00 (25 January 2022), -0.1 from then on and in reprocessed archives.
    pub offset: f32,
}

/// One acquisition of the county.
#[derive(Clone, Debug, PartialEq)]
pub struct Pass {
    /// The scene's name.
    pub id: String,
    /// The day.
    pub date: jiff::civil::Date,
    /// `sentinel-2a` or `sentinel-2b`.
    pub platform: &'static str,
    /// How it was processed.
    pub baseline: Baseline,
}

/// What one pass sees of one block.
#[derive(Clone, Debug, PartialEq)]
pub struct SceneBlock {
    /// Digital numbers of every band of the options, at the band's own resolution.
    pub bands: Vec<Vec<u16>>,
    /// The cloud mask at 60 m.
    pub qa60: Vec<u16>,
    /// Cells of 60 m under cloud (opacity of a tenth or more), whether the mask has them or not.
    pub cloudy: usize,
}

/// A county in one year.
#[derive(Debug)]
pub struct County {
    options: Options,
    crs: Crs,
    land: Land,
    passes: Vec<Pass>,
    skies: Vec<Sky>,
}

/// Pixels of 10 m on a side of a band's own pixel: 1, 2 or 6.
pub fn native_step(band: Band) -> usize {
    match band {
        Band::Blue | Band::Green | Band::Red | Band::Nir => 1,
        Band::Coastal | Band::Nir09 | Band::Cirrus => 6,
        _ => 2,
    }
}

impl County {
    /// A county from its options.
    ///
    /// # Errors
    /// [`SimulateError::Option`] names the option that is out of range.
    pub fn new(options: Options) -> Result<Self, SimulateError> {
        let check = |option, given: usize, allowed: std::ops::RangeInclusive<usize>| {
            if allowed.contains(&given) {
                return Ok(());
            }
            let allowed = format!("{} to {}", allowed.start(), allowed.end());
            Err(SimulateError::Option { option, given: given.to_string(), allowed })
        };
        check("height", options.rows, 1..=LONGEST)?;
        check("width", options.cols, 1..=LONGEST)?;
        check("dates", options.dates, 1..=SEASON_DAYS)?;
        check("year", usize::try_from(options.year).unwrap_or(0), 2015..=2100)?;
        if let Some(band) = options.bands.iter().find(|b| !BANDS.contains(b)) {
            return Err(SimulateError::Option {
                option: "bands",
                given: band.to_string(),
                allowed: BANDS.iter().filter_map(|b| b.sentinel2()).collect::<Vec<_>>().join(", "),
            });
        }
        let weather = stream(stream(options.seed, 30), u64::from(options.year.unsigned_abs()));
        let passes = passes(&options, weather);
        let skies = passes.par_iter().map(|pass| Sky::new(pass_seed(weather, pass))).collect();
        let land = Land::new(options.seed, options.year);
        Ok(Self { crs: Crs::from_epsg(32649)?, land, passes, skies, options })
    }

    /// What was asked for.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// The acquisitions, by date.
    pub fn passes(&self) -> &[Pass] {
        &self.passes
    }

    /// The grid of pixels of `step` x 10 m.
    pub fn grid(&self, step: usize) -> GeoBox {
        let size = step as f64 * f64::from(PIXEL);
        GeoBox {
            rows: self.options.rows.div_ceil(step),
            cols: self.options.cols.div_ceil(step),
            affine: Affine::north_up(CORNER.0, CORNER.1, size, size),
            crs: self.crs.clone(),
        }
    }

    /// Rows and columns of blocks.
    pub fn blocks(&self) -> (usize, usize) {
        (self.options.rows.div_ceil(BLOCK), self.options.cols.div_ceil(BLOCK))
    }

    /// The land under a block. Blocks reach beyond the county's edge; the world goes on there.
    pub fn ground(&self, block: (usize, usize)) -> Ground {
        self.land.ground(block)
    }

    /// Mines in the county and within 3 km of it: those whose dust reaches its fields.
    pub fn mines(&self) -> Vec<Mine> {
        let far = 3000.0;
        let (width, height) = (self.options.cols as f32 * PIXEL, self.options.rows as f32 * PIXEL);
        self.land.mines.within((-far, width + far), (-far, height + far))
    }

    /// Map coordinates of a place given in metres east and south of the corner.
    pub fn place(x: f32, y: f32) -> (f64, f64) {
        (CORNER.0 + f64::from(x), CORNER.1 - f64::from(y))
    }

    /// What a pass sees of a block.
    ///
    /// # Panics
    /// Where there is no such pass.
    pub fn scene(&self, ground: &Ground, pass: usize) -> SceneBlock {
        let (date, sky) = (&self.passes[pass], &self.skies[pass]);
        let seed = pass_seed(stream(self.options.seed, 31), date);
        let day = f32::from(date.date.day_of_year());
        let origin = ((ground.block.1 * BLOCK) as u32, (ground.block.0 * BLOCK) as u32);
        let clouds = sky.clouds(ground.block);
        let mut veil = Vec::new();
        if clouds.any {
            veil.reserve_exact(BLOCK * BLOCK);
            for row in 0..BLOCK {
                for col in 0..BLOCK {
                    let (alpha, shade) = clouds.veil(row, col);
                    let place = |pixel: u32, k: usize| (pixel + k as u32) as f32 * PIXEL;
                    let bright = if alpha > 0.0 {
                        alpha * sky.brightness(place(origin.0, col), place(origin.1, row))
                    } else {
                        0.0
                    };
                    veil.push(((1.0 - alpha) * (1.0 - 0.6 * shade), bright));
                }
            }
        }
        let fields: Vec<[[f32; BANDS.len()]; 3]> = ground
            .parcels
            .iter()
            .map(|parcel| {
                let state = parcel.year.state(day);
                let canopy = Canopy::table();
                let level = canopy.reflectance(&state);
                let mut leafier = state;
                leafier.leaf_area *= 1.2;
                let mut greener = state;
                greener.chlorophyll *= 1.2;
                let change = |state| {
                    let changed = canopy.reflectance(state);
                    std::array::from_fn(|b| (changed[b] - level[b]) / 0.2)
                };
                [level, change(&leafier), change(&greener)]
            })
            .collect();
        let mut plane = vec![0.0_f32; BLOCK * BLOCK];
        let bands = self.options.bands.iter().map(|&band| {
            let b = BANDS.iter().position(|&known| known == band).expect("checked when the county was made");
            let gain = 1.0 + 0.012 * normal(seed, 40 + b as i64);
            // Haze is blue.
            let haze = sky.haze * (1.0 - 0.08 * b as f32);
            let table: Vec<[f32; 4]> = fields
                .iter()
                .map(|[level, leaf, green]| [level[b] * gain + haze, leaf[b] * gain, green[b] * gain, 0.0])
                .collect();
            for (i, out) in plane.iter_mut().enumerate() {
                let (leaf, green, share) = (ground.leaf[i], ground.green[i], ground.share[i]);
                let at = |p: u16| {
                    let [level, by_leaf, by_green, _] = table[p as usize];
                    level + by_leaf * leaf + by_green * green
                };
                *out = at(ground.near[i]);
                if share < 1.0 {
                    *out = share * *out + (1.0 - share) * at(ground.other[i]);
                }
            }
            for (out, (through, bright)) in plane.iter_mut().zip(&veil) {
                *out = *out * through + bright * CLOUD[b];
            }
            let step = native_step(band);
            let noise = Noise { seed: stream(seed, 60 + b as u64) as u32, offset: date.baseline.offset };
            noise.quantize(&plane, step, (origin.0 / step as u32, origin.1 / step as u32))
        });
        let bands = bands.collect();
        let (rows, cols) = (self.options.rows.div_ceil(6), self.options.cols.div_ceil(6));
        let side = BLOCK / 6;
        let cloudy = if clouds.any {
            let rows = side.min(rows - ground.block.0 * side);
            let cols = side.min(cols - ground.block.1 * side);
            (0..rows * cols).filter(|k| clouds.veil(k / cols * 6 + 3, k % cols * 6 + 3).0 > 0.1).count()
        } else {
            0
        };
        SceneBlock { bands, qa60: clouds.qa60(), cloudy }
    }
}

/// Reflectance of a thick cloud at the table's bands.
const CLOUD: [f32; BANDS.len()] = [0.64, 0.64, 0.62, 0.62, 0.62, 0.63, 0.64, 0.64, 0.64, 0.44, 0.35];

/// The sensor: averages to the band's resolution, adds noise, makes digital numbers.
struct Noise {
    seed: u32,
    offset: f32,
}

impl Noise {
    fn quantize(&self, plane: &[f32], step: usize, origin: (u32, u32)) -> Vec<u16> {
        let side = BLOCK / step;
        let scale = 1.0 / (step * step) as f32;
        let mut out = Vec::with_capacity(side * side);
        let mut line = vec![0.0_f32; side];
        for row in 0..side {
            if step == 1 {
                line.copy_from_slice(&plane[row * BLOCK..(row + 1) * BLOCK]);
            } else {
                line.fill(0.0);
                for fine in plane[row * step * BLOCK..(row + 1) * step * BLOCK].chunks_exact(BLOCK) {
                    for (sum, pixels) in line.iter_mut().zip(fine.chunks_exact(step)) {
                        *sum += pixels.iter().sum::<f32>() * scale;
                    }
                }
            }
            let y = origin.1 + row as u32;
            out.extend(line.iter().enumerate().map(|(col, value)| {
                let noise = pixel_normal(self.seed, origin.0 + col as u32, y) * (0.0015 + 0.012 * value);
                // 0 is nodata: a dark pixel stays above it.
                ((value + noise - self.offset) * 10_000.0 + 0.5).max(1.0) as u16
            }));
        }
        out
    }
}

fn pass_seed(seed: u64, pass: &Pass) -> u64 {
    hash(seed, i64::from(pass.date.year()), i64::from(pass.date.day_of_year()))
}

fn passes(options: &Options, weather: u64) -> Vec<Pass> {
    let step = (SEASON_DAYS - 1) as f32 / (options.dates.max(2) - 1) as f32;
    // Half a step each way would let two dates meet.
    let jitter = ((step / 3.0) as i32).min(2);
    let first = jiff::civil::date(options.year, 4, 1);
    (0..options.dates)
        .map(|k| {
            let day = (k as f32 * step).round() as i32;
            let jitter = if jitter > 0 {
                (uniform(weather, k as i64) * (2 * jitter + 1) as f32) as i32 - jitter
            } else {
                0
            };
            let date = first.saturating_add(jiff::Span::new().days((day + jitter).clamp(0, 198)));
            let id = hash(weather, k as i64, 9);
            let old = Baseline { code: "02.11", offset: 0.0 };
            let new = Baseline { code: "05.10", offset: -0.1 };
            // Archives before 2022 hold both, as ESA has reprocessed them piece by piece.
            let baseline = if options.year >= 2022 || uniform(id, 1) < 0.5 { new } else { old };
            let sensor = if uniform(id, 2) < 0.5 { ('A', "sentinel-2a") } else { ('B', "sentinel-2b") };
            Pass {
                id: format!(
                    "S2{}_T49RFL_{}_{}_L2A",
                    sensor.0,
                    date.strftime("%Y%m%d"),
                    baseline.code.replace('.', "")
                ),
                date,
                platform: sensor.1,
                baseline,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> Options {
        Options {
            rows: 960,
            cols: 500,
            dates: 5,
            year: 2019,
            seed: 3,
            bands: vec![Band::RedEdge1, Band::Nir, Band::Coastal],
        }
    }

    #[test]
    fn a_block_is_the_same_whoever_makes_it() {
        let county = County::new(options()).unwrap();
        let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        let make = || {
            let ground = county.ground((1, 0));
            (county.scene(&ground, 3), ground.rice(), ground.elevation)
        };
        let (a, b) = (make(), alone.install(make));
        assert!(a == b);
        let mut wider = options();
        wider.cols = 2000;
        let wider = County::new(wider).unwrap();
        let scene = wider.scene(&wider.ground((1, 0)), 3);
        assert!(scene.bands == a.0.bands && scene.qa60 == a.0.qa60, "a larger county has the same blocks");
    }

    #[test]
    fn seeds_and_years_change_what_they_should() {
        let with = |seed, year| {
            let county = County::new(Options { year, seed, ..options() }).unwrap();
            let ground = county.ground((0, 0));
            (ground.test_mask(), ground.rice(), county.scene(&ground, 0).bands)
        };
        let (base, next, other) = (with(3, 2019), with(3, 2020), with(4, 2019));
        assert_eq!(base.0, next.0, "fields stay over the years");
        let moved = base.1.iter().zip(&next.1).filter(|(a, b)| a != b).count();
        assert!(moved > 0 && moved < base.1.len() / 4, "few fields change their crop: {moved}");
        assert!(base.2 != next.2 && base.0 != other.0);
    }

    #[test]
    fn dates_rise_within_the_season_and_baselines_mix_before_2022() {
        for dates in [1, 2, 5, 33, 60, 199] {
            let county = County::new(Options { dates, ..options() }).unwrap();
            let days: Vec<_> = county.passes().iter().map(|p| p.date).collect();
            assert!(days.len() == dates && days.windows(2).all(|w| w[0] < w[1]), "{days:?}");
            assert!(days[0] >= jiff::civil::date(2019, 4, 1));
            assert!(days[dates - 1] <= jiff::civil::date(2019, 10, 16));
        }
        let offsets = |year| {
            let county = County::new(Options { dates: 33, year, ..options() }).unwrap();
            county.passes().iter().filter(|p| p.baseline.offset < 0.0).count()
        };
        assert!((8..26).contains(&offsets(2019)) && offsets(2022) == 33);
    }

    #[test]
    fn options_out_of_range_are_named() {
        let refuse = |change: fn(&mut Options)| {
            let mut bad = options();
            change(&mut bad);
            County::new(bad).unwrap_err().to_string()
        };
        assert!(refuse(|o| o.rows = 0).contains("height is 0"));
        assert!(refuse(|o| o.dates = 300).contains("1 to 199"));
        assert!(refuse(|o| o.bands = vec![Band::Yellow]).contains("B8A"));
    }
}
