//! Spectral bands by what they measure, whichever sensor they come from.

use serde::{Deserialize, Serialize};

/// A spectral band by its STAC common name (Sentinel-2's and GF-6's alike), so
/// that one formula serves every sensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Band {
    /// Sentinel-2 B01 (443 nm), GF-6 B7.
    Coastal,
    /// Sentinel-2 B02 (490 nm), GF-6 B1.
    Blue,
    /// Sentinel-2 B03 (560 nm), GF-6 B2.
    Green,
    /// GF-6 B8 (610 nm).
    Yellow,
    /// Sentinel-2 B04 (665 nm), GF-6 B3.
    Red,
    /// Sentinel-2 B05 (705 nm), GF-6 B5 (710 nm).
    RedEdge1,
    /// Sentinel-2 B06 (740 nm), GF-6 B6 (750 nm).
    RedEdge2,
    /// Sentinel-2 B07 (783 nm).
    RedEdge3,
    /// Sentinel-2 B08 (842 nm), GF-6 B4.
    Nir,
    /// Sentinel-2 B8A (865 nm).
    Nir08,
    /// Sentinel-2 B09 (945 nm).
    Nir09,
    /// Sentinel-2 B10 (1375 nm; L1C only).
    Cirrus,
    /// Sentinel-2 B11 (1610 nm).
    Swir16,
    /// Sentinel-2 B12 (2190 nm).
    Swir22,
}

impl Band {
    /// Every band, by wavelength.
    pub const ALL: [Self; 14] = [
        Self::Coastal,
        Self::Blue,
        Self::Green,
        Self::Yellow,
        Self::Red,
        Self::RedEdge1,
        Self::RedEdge2,
        Self::RedEdge3,
        Self::Nir,
        Self::Nir08,
        Self::Nir09,
        Self::Cirrus,
        Self::Swir16,
        Self::Swir22,
    ];

    /// Sentinel-2's name (`B05`); GF-6's yellow has none.
    pub fn sentinel2(self) -> Option<&'static str> {
        Some(match self {
            Self::Coastal => "B01",
            Self::Blue => "B02",
            Self::Green => "B03",
            Self::Yellow => return None,
            Self::Red => "B04",
            Self::RedEdge1 => "B05",
            Self::RedEdge2 => "B06",
            Self::RedEdge3 => "B07",
            Self::Nir => "B08",
            Self::Nir08 => "B8A",
            Self::Nir09 => "B09",
            Self::Cirrus => "B10",
            Self::Swir16 => "B11",
            Self::Swir22 => "B12",
        })
    }

    /// The position (from 1) in GF-6 WFV's eight-band file.
    pub fn gf6(self) -> Option<usize> {
        Some(match self {
            Self::Blue => 1,
            Self::Green => 2,
            Self::Red => 3,
            Self::Nir => 4,
            Self::RedEdge1 => 5,
            Self::RedEdge2 => 6,
            Self::Coastal => 7,
            Self::Yellow => 8,
            _ => return None,
        })
    }

    /// The STAC common name (`rededge1`).
    pub fn common_name(self) -> &'static str {
        match self {
            Self::Coastal => "coastal",
            Self::Blue => "blue",
            Self::Green => "green",
            Self::Yellow => "yellow",
            Self::Red => "red",
            Self::RedEdge1 => "rededge1",
            Self::RedEdge2 => "rededge2",
            Self::RedEdge3 => "rededge3",
            Self::Nir => "nir",
            Self::Nir08 => "nir08",
            Self::Nir09 => "nir09",
            Self::Cirrus => "cirrus",
            Self::Swir16 => "swir16",
            Self::Swir22 => "swir22",
        }
    }

    /// The band of a Sentinel-2 name (`B05`, `B5`, `b8a`) or a common name
    /// (`rededge1`), as found in STAC and file names.
    pub fn parse(name: &str) -> Option<Self> {
        let lower = name.trim().to_ascii_lowercase();
        let padded = match lower.strip_prefix('b').map(|rest| (rest.len(), rest)) {
            Some((1, rest)) if rest.chars().all(|c| c.is_ascii_digit()) => format!("b0{rest}"),
            _ => lower,
        };
        Self::ALL.into_iter().find(|band| {
            band.common_name() == padded || band.sentinel2().is_some_and(|s| s.eq_ignore_ascii_case(&padded))
        })
    }
}

impl std::fmt::Display for Band {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.sentinel2() {
            Some(name) => write!(f, "{name} ({})", self.common_name()),
            None => f.write_str(self.common_name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Band;

    #[test]
    fn bands_are_found_by_either_name() {
        for name in ["B05", "b5", "rededge1", "RedEdge1"] {
            assert_eq!(Band::parse(name), Some(Band::RedEdge1), "{name}");
        }
        assert_eq!(Band::parse("B8A"), Some(Band::Nir08));
        assert_eq!(Band::parse("SCL"), None);
    }
}
