//! Indices that read the red edge.

use super::{NORMALIZED, RED_EDGE, SpectralIndex, each, normalized_difference, ratio};
use crate::cube::Band::{Coastal, Green, Nir, Red, RedEdge1, RedEdge2, RedEdge3};

/// Red edge position in nm by linear interpolation.
pub(super) const REP: SpectralIndex = SpectralIndex {
    id: "REP",
    bands: &[RedEdge3, Red, RedEdge1, RedEdge2],
    formula: "700 + 40 ((B7 + B4)/2 - B5)/(B6 - B5)",
    source: "Guyot & Baret 1988; Zhang et al. 2022, Table 1 (printed with a minus)",
    range: RED_EDGE,
    compute: |planes, out| {
        each(planes, out, |[b7, b4, b5, b6]| 700.0 + 40.0 * ratio(f32::midpoint(b7, b4) - b5, b6 - b5));
    },
};

/// [`REP`] as Zhang et al. 2022 print it, for comparison.
pub(super) const REP_AS_PRINTED: SpectralIndex = SpectralIndex {
    id: "rep-as-printed",
    bands: &[RedEdge3, Red, RedEdge1, RedEdge2],
    formula: "700 + 40 ((B7 - B4)/2 - B5)/(B6 - B5)",
    source: "Zhang et al. 2022, Table 1, as printed",
    // Lower than REP by 40 B4/(B6 - B5): about 150 nm in dense canopies, 300 nm in sparse ones.
    range: [400.0, 760.0],
    compute: |planes, out| {
        each(planes, out, |[b7, b4, b5, b6]| 700.0 + 40.0 * ratio((b7 - b4) / 2.0 - b5, b6 - b5));
    },
};

/// Red edge chlorophyll index.
pub(super) const CIRE: SpectralIndex = SpectralIndex {
    id: "CIre",
    bands: &[RedEdge3, RedEdge1],
    formula: "B7/B5 - 1",
    source: "Gitelson et al. 2003; Zhang et al. 2022, Table 1",
    // A ratio of reflectances is above 0; the densest canopies reach about 15.
    range: [-1.0, 20.0],
    compute: |planes, out| each(planes, out, |[b7, b5]| ratio(b7, b5) - 1.0),
};

/// Modified simple ratio with the coastal band.
pub(super) const MSR: SpectralIndex = SpectralIndex {
    id: "MSR",
    bands: &[RedEdge2, Coastal, RedEdge1],
    formula: "(B6 - B1)/(B5 - B1)",
    source: "Sims & Gamon 2002; Zhang et al. 2022, Table 1",
    // Dense canopies reach about 15. Negative where the coastal band is brighter than band 5, as in
    // reflectance at the top of the atmosphere.
    range: [-25.0, 25.0],
    compute: |planes, out| each(planes, out, |[b6, b1, b5]| ratio(b6 - b1, b5 - b1)),
};

/// Modified chlorophyll absorption ratio index.
pub(super) const MCARI: SpectralIndex = SpectralIndex {
    id: "MCARI",
    bands: &[RedEdge1, Red, Green],
    formula: "((B5 - B4) - 0.2 (B5 - B3)) (B5/B4)",
    source: "Daughtry et al. 2000; Zhang et al. 2022, Table 1",
    // B5/B4 of dense canopies is below 10, and its factor below 0.5.
    range: [-1.0, 5.0],
    compute: |planes, out| {
        each(planes, out, |[b5, b4, b3]| ((b5 - b4) - 0.2 * (b5 - b3)) * ratio(b5, b4));
    },
};

/// Normalized difference red edge, second red edge band.
pub(super) const NDRE1: SpectralIndex = SpectralIndex {
    id: "NDRE1",
    bands: &[RedEdge2, RedEdge1],
    formula: "(B6 - B5)/(B6 + B5)",
    source: "Gitelson & Merzlyak 1994; Zhang et al. 2022, Table 1",
    range: NORMALIZED,
    compute: |planes, out| each(planes, out, |[b6, b5]| normalized_difference(b6, b5)),
};

/// Normalized difference red edge, third red edge band.
pub(super) const NDRE2: SpectralIndex = SpectralIndex {
    id: "NDRE2",
    bands: &[RedEdge3, RedEdge1],
    formula: "(B7 - B5)/(B7 + B5)",
    source: "Barnes et al. 2000; Zhang et al. 2022, Table 1",
    range: NORMALIZED,
    compute: |planes, out| each(planes, out, |[b7, b5]| normalized_difference(b7, b5)),
};

/// Normalized difference red edge, near infrared: the series of the rice map.
pub(super) const NDRE: SpectralIndex = SpectralIndex {
    id: "NDRE",
    bands: &[Nir, RedEdge1],
    formula: "(B8 - B5)/(B8 + B5); GF-6 (B4 - B5)/(B4 + B5)",
    source: "Jiang et al. 2024, eq. 1",
    range: NORMALIZED,
    compute: |planes, out| each(planes, out, |[nir, red_edge]| normalized_difference(nir, red_edge)),
};
