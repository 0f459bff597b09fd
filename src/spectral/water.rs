//! Indices of water on and in the ground: flooded fields at transplanting, rivers, ponds.

use super::{NORMALIZED, SpectralIndex, each, normalized_difference};
use crate::cube::Band::{Green, Nir, Swir16};

/// Land surface water index.
pub(super) const LSWI: SpectralIndex = SpectralIndex {
    id: "LSWI",
    bands: &[Nir, Swir16],
    formula: "(B8 - B11)/(B8 + B11)",
    source: "Xiao et al. 2004; awesome-spectral-indices LSWI",
    range: NORMALIZED,
    compute: |planes, out| each(planes, out, |[nir, swir]| normalized_difference(nir, swir)),
};

/// Modified normalized difference water index.
pub(super) const MNDWI: SpectralIndex = SpectralIndex {
    id: "MNDWI",
    bands: &[Green, Swir16],
    formula: "(B3 - B11)/(B3 + B11)",
    source: "Xu 2006; awesome-spectral-indices MNDWI",
    range: NORMALIZED,
    compute: |planes, out| each(planes, out, |[green, swir]| normalized_difference(green, swir)),
};

/// Normalized difference water index.
pub(super) const NDWI: SpectralIndex = SpectralIndex {
    id: "NDWI",
    bands: &[Green, Nir],
    formula: "(B3 - B8)/(B3 + B8)",
    source: "McFeeters 1996; awesome-spectral-indices NDWI",
    range: NORMALIZED,
    compute: |planes, out| each(planes, out, |[green, nir]| normalized_difference(green, nir)),
};
