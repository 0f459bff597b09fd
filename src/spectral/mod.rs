//! Spectral indices: one ordered list, one file per family. A missing band or a denominator
//! of 0 gives nodata (NaN). Formulas and sources: methods, section 2.

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
    /// Planes of reflectance (one per band, all as long as `out`) to the index.
    pub compute: fn(planes: &[&[f32]], out: &mut [f32]),
}

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
