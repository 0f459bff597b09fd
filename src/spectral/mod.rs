//! Spectral indices: one ordered list, one file per family. A missing band or a denominator
//! of 0 gives nodata (NaN). Each has a range of values that its formula has a meaning for. Formulas
//! and sources: methods, section 2.

mod red_edge;
mod vegetation;
mod water;

use crate::cube::Band;

/// A spectral index: an arithmetic of a few bands at one date.
#[derive(Clone, Copy, Debug)]
pub struct SpectralIndex {
    /// Name, as in the literature (`NDRE`, `CIre`).
    pub id: &'static str,
    /// The bands it reads, in the order [`SpectralIndex::compute`] expects them.
    pub bands: &'static [Band],
    /// The formula in Sentinel-2 band numbers.
    pub formula: &'static str,
    /// Where it comes from.
    pub source: &'static str,
    /// The values that the formula has a meaning for; see [`SpectralIndex::within_range`].
    pub range: [f32; 2],
    /// Planes of reflectance (one per band, all as long as `out`) to the index, as the formula
    /// gives it.
    pub compute: fn(planes: &[&[f32]], out: &mut [f32]),
}

impl SpectralIndex {
    /// The index within the values that its formula has a meaning for. Over water, haze and bare
    /// ground two bands of a denominator may be nearly equal, and noise alone then makes values of
    /// any size, which would be all that a model's standardization sees. They become the nearest
    /// value of the range instead of nodata: such a pixel still has a series, and its class is to be
    /// told apart from rice.
    pub fn within_range(&self, planes: &[&[f32]], out: &mut [f32]) {
        (self.compute)(planes, out);
        let [low, high] = self.range;
        // NaN stays NaN.
        for value in out {
            *value = value.clamp(low, high);
        }
    }
}

/// A difference over a sum of two reflectances, which are not negative.
const NORMALIZED: [f32; 2] = [-1.0, 1.0];
/// The red edge in nm, where the inflection that REP looks for can lie (Guyot & Baret 1988); the
/// line through 700 and 740 nm is not one of the red edge far outside of them.
const RED_EDGE: [f32; 2] = [680.0, 760.0];

/// Every spectral index, in the order of the papers.
pub const INDICES: &[SpectralIndex] = &[
    red_edge::REP,
    red_edge::REP_AS_PRINTED,
    red_edge::CIRE,
    red_edge::MSR,
    red_edge::MCARI,
    vegetation::NDVI,
    vegetation::RDVI,
    red_edge::NDRE1,
    red_edge::NDRE2,
    red_edge::NDRE,
    vegetation::EVI,
    water::LSWI,
    water::MNDWI,
    water::NDWI,
];

/// The eight indices of Zhang et al. 2022 (Table 1), in their order.
pub const ZHANG_2022: [&str; 8] = ["REP", "CIre", "MSR", "MCARI", "NDVI", "RDVI", "NDRE1", "NDRE2"];

/// Finds an index by its name, whatever the case.
pub fn find(id: &str) -> Option<&'static SpectralIndex> {
    INDICES.iter().find(|index| index.id.eq_ignore_ascii_case(id))
}

/// Applies `f` pixel by pixel; written so that the loop vectorizes.
fn each<const N: usize>(planes: &[&[f32]], out: &mut [f32], f: impl Fn([f32; N]) -> f32) {
    let planes: [&[f32]; N] = std::array::from_fn(|b| &planes[b][..out.len()]);
    for (i, value) in out.iter_mut().enumerate() {
        *value = f(std::array::from_fn(|b| planes[b][i]));
    }
}

/// `a / b`, nodata where `b` is 0.
fn ratio(a: f32, b: f32) -> f32 {
    if b == 0.0 { f32::NAN } else { a / b }
}

/// `(a - b) / (a + b)`, nodata where the sum is 0.
fn normalized_difference(a: f32, b: f32) -> f32 {
    ratio(a - b, a + b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_index_of_the_papers_is_found_by_name() {
        for id in ZHANG_2022.iter().chain(&["NDRE", "ndre", "EVI", "rep-as-printed"]) {
            assert!(find(id).is_some(), "{id}");
        }
        assert!(find("nonsense").is_none());
    }

    #[test]
    fn a_denominator_of_zero_gives_nodata() {
        for index in INDICES {
            let zero = vec![0.0f32];
            let planes: Vec<&[f32]> = index.bands.iter().map(|_| zero.as_slice()).collect();
            let mut out = [1.0f32];
            (index.compute)(&planes, &mut out);
            // EVI's denominator has a constant; RDVI's and the ratios' do not.
            assert!(out[0].is_nan() || index.id == "EVI", "{}: {}", index.id, out[0]);
        }
    }

    #[test]
    fn every_index_stays_within_its_range_whatever_the_reflectance() {
        // Nearly equal bands, dark water, and reflectance below 0 as the offset of baseline 04.00 leaves it.
        let values = [0.1000, 0.1001, 0.0999, 0.0002, -0.0001, -0.02, 0.3, 0.9];
        for index in INDICES {
            let [low, high] = index.range;
            assert!(low < high, "{}", index.id);
            let mut place = vec![0usize; index.bands.len()];
            'all: loop {
                let bands: Vec<[f32; 1]> = place.iter().map(|&p| [values[p]]).collect();
                let planes: Vec<&[f32]> = bands.iter().map(<[f32; 1]>::as_slice).collect();
                let mut out = [0.0f32];
                index.within_range(&planes, &mut out);
                assert!(out[0].is_nan() || (low..=high).contains(&out[0]), "{} {bands:?}: {out:?}", index.id);
                for p in &mut place {
                    *p += 1;
                    if *p < values.len() {
                        continue 'all;
                    }
                    *p = 0;
                }
                break;
            }
        }
    }

    #[test]
    fn values_of_a_canopy_are_as_the_formula_gives_them() {
        // Dense rice and rice of low chlorophyll: B1, B2, B3, B4, B5, B6, B7, B8, B11.
        for canopy in [
            [0.02, 0.025, 0.06, 0.025, 0.09, 0.30, 0.38, 0.40, 0.15],
            [0.03, 0.04, 0.09, 0.07, 0.14, 0.24, 0.28, 0.30, 0.20],
        ] {
            for index in INDICES {
                let value = |band: &Band| match band.sentinel2() {
                    Some("B01") => canopy[0],
                    Some("B02") => canopy[1],
                    Some("B03") => canopy[2],
                    Some("B04") => canopy[3],
                    Some("B05") => canopy[4],
                    Some("B06") => canopy[5],
                    Some("B07") => canopy[6],
                    Some("B11") => canopy[8],
                    _ => canopy[7],
                };
                let bands: Vec<[f32; 1]> = index.bands.iter().map(|b| [value(b)]).collect();
                let planes: Vec<&[f32]> = bands.iter().map(<[f32; 1]>::as_slice).collect();
                let (mut formula, mut bounded) = ([0.0f32], [0.0f32]);
                (index.compute)(&planes, &mut formula);
                index.within_range(&planes, &mut bounded);
                assert_eq!(formula, bounded, "{}", index.id);
            }
        }
    }

    #[test]
    fn a_missing_band_gives_nodata() {
        for index in INDICES {
            let (good, missing) = ([0.3f32], [f32::NAN]);
            for gap in 0..index.bands.len() {
                let planes: Vec<&[f32]> =
                    (0..index.bands.len()).map(|b| if b == gap { &missing[..] } else { &good[..] }).collect();
                let mut out = [0.0f32];
                (index.compute)(&planes, &mut out);
                assert!(out[0].is_nan(), "{} without {}", index.id, index.bands[gap]);
            }
        }
    }
}
