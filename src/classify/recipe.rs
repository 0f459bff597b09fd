//! What a model reads of a cube: which series, on which time grid.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::ClassifyError;
use crate::cube::{Band, Block, Calendar, Regularize, Regularizer};
use crate::spectral::{self, SpectralIndex};

/// One series of a pixel: a spectral index or a band.
#[derive(Clone, Copy, Debug)]
pub enum Channel {
    /// A spectral index of the registry, within the range that it has a meaning for.
    Index(&'static SpectralIndex),
    /// The same as its formula gives it: models that were trained so read it so.
    Formula(&'static SpectralIndex),
    /// A band's reflectance.
    Band(Band),
}

impl Channel {
    /// Finds an index or a band by name.
    ///
    /// # Errors
    /// [`ClassifyError::Channel`] with the names there are.
    pub fn parse(name: &str) -> Result<Self, ClassifyError> {
        if let Some(index) = spectral::find(name) {
            return Ok(Self::Index(index));
        }
        Band::parse(name).map(Self::Band).ok_or_else(|| ClassifyError::Channel {
            name: name.to_owned(),
            known: spectral::INDICES.iter().map(|i| i.id).collect::<Vec<_>>().join(", "),
        })
    }

    /// The name as the registry spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Index(index) | Self::Formula(index) => index.id,
            Self::Band(band) => band.sentinel2().unwrap_or(band.common_name()),
        }
    }

    /// The bands it reads.
    pub fn bands(self) -> Vec<Band> {
        match self {
            Self::Index(index) | Self::Formula(index) => index.bands.to_vec(),
            Self::Band(band) => vec![band],
        }
    }

    /// Computes one date from planes of reflectance. `plane` finds the plane of a band.
    pub fn compute<'a>(self, plane: impl Fn(Band) -> &'a [f32], out: &mut [f32]) {
        match self {
            Self::Index(index) | Self::Formula(index) => {
                let planes: Vec<&[f32]> = index.bands.iter().map(|&b| plane(b)).collect();
                match self {
                    Self::Index(_) => index.within_range(&planes, out),
                    _ => (index.compute)(&planes, out),
                }
            }
            Self::Band(band) => out.copy_from_slice(&plane(band)[..out.len()]),
        }
    }
}

/// The bands that several channels read, each once.
pub fn bands_of(channels: &[Channel]) -> Vec<Band> {
    let mut bands = Vec::new();
    for band in channels.iter().flat_map(|c| c.bands()) {
        if !bands.contains(&band) {
            bands.push(band);
        }
    }
    bands
}

/// Observed series of a block, `[channel][date][pixel]`.
pub fn observe(channels: &[Channel], block: &Block, dates: usize) -> Vec<f32> {
    let pixels = block.window.len();
    let mut values = vec![f32::NAN; channels.len() * dates * pixels];
    for (k, out) in values.chunks_exact_mut(pixels.max(1)).enumerate() {
        let (channel, date) = (channels[k / dates], k % dates);
        let position = |band: Band| block.bands.iter().position(|&b| b == band).unwrap_or(0);
        channel.compute(|band| block.plane(date, position(band)), out);
    }
    values
}

/// The series a model reads and how they are made regular. Part of the model file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SeriesRecipe {
    /// Spectral indices or bands, by name.
    pub series: Vec<String>,
    /// The time grid and the smoothing.
    pub regularize: Regularize,
    /// Whether spectral indices are held to the range that they have a meaning for; models of
    /// version 1 and those from elsewhere read them as the formula gives them.
    #[serde(default)]
    pub bounded: bool,
    /// How dates are days of the time grid.
    #[serde(default)]
    pub calendar: Calendar,
}

impl SeriesRecipe {
    /// The channels by name.
    ///
    /// # Errors
    /// [`ClassifyError::Channel`] for an unknown name.
    pub fn channels(&self) -> Result<Vec<Channel>, ClassifyError> {
        let as_read = |channel| match channel {
            Channel::Index(index) if !self.bounded => Channel::Formula(index),
            other => other,
        };
        self.series.iter().map(|name| Channel::parse(name).map(as_read)).collect()
    }

    /// The days of a cube's dates on this recipe's time grid.
    pub fn days(&self, dates: &[Date]) -> Vec<f32> {
        self.calendar.days_on(&self.regularize.grid, dates)
    }

    /// Observed `[series][date][pixel]` to regular `[series][step][pixel]`, and how many pixels
    /// had too few dates in some series.
    pub fn regularize(&self, days: &[f32], observed: &[f32], pixels: usize) -> (Vec<f32>, usize) {
        let regularizer = Regularizer::new(&self.regularize, days);
        let (from, to) = (days.len() * pixels, regularizer.steps().len() * pixels);
        let mut regular = vec![f32::NAN; self.series.len() * to];
        let mut lost = 0;
        if pixels > 0 {
            for (values, out) in observed.chunks_exact(from).zip(regular.chunks_exact_mut(to)) {
                lost = lost.max(regularizer.apply(values, pixels, out));
            }
        }
        (regular, lost)
    }
}
