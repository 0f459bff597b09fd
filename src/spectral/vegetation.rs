//! Indices of red and near infrared.

use super::{NORMALIZED, SpectralIndex, each, normalized_difference, ratio};
use crate::cube::Band::{Blue, Nir, Red, RedEdge3};

/// Normalized difference vegetation index.
pub(super) const NDVI: SpectralIndex = SpectralIndex {
    id: "NDVI",
    bands: &[Nir, Red],
    formula: "(B8 - B4)/(B8 + B4)",
    source: "Rouse et al. 1974; Zhang et al. 2022, Table 1",
    range: NORMALIZED,
    compute: |planes, out| each(planes, out, |[nir, red]| normalized_difference(nir, red)),
};

/// Renormalized difference vegetation index, with B7 as Zhang et al. print it.
pub(super) const RDVI: SpectralIndex = SpectralIndex {
    id: "RDVI",
    bands: &[RedEdge3, Red],
    formula: "(B7 - B4)/sqrt(B7 + B4)",
    source: "Roujean & Breon 1995; Zhang et al. 2022, Table 1",
    // Of reflectances of 0 to 1.
    range: NORMALIZED,
    // The root of a negative sum (possible after the offset of baseline 04.00) is NaN: nodata.
    compute: |planes, out| each(planes, out, |[b7, b4]| ratio(b7 - b4, (b7 + b4).sqrt())),
};

/// Enhanced vegetation index.
pub(super) const EVI: SpectralIndex = SpectralIndex {
    id: "EVI",
    bands: &[Nir, Red, Blue],
    formula: "2.5 (B8 - B4)/(B8 + 6 B4 - 7.5 B2 + 1)",
    source: "Huete et al. 1997; awesome-spectral-indices EVI",
    // The range that products of EVI are valid in.
    range: [-1.0, 1.0],
    compute: |planes, out| {
        each(planes, out, |[nir, red, blue]| 2.5 * ratio(nir - red, nir + 6.0 * red - 7.5 * blue + 1.0));
    },
};
