//! From blocks of reflectance to regular series, over lanes of pixels.

use super::kernel::Lane;
use super::regular::{LaneRegularizer, Scratch};
use super::{LANES, LaneWork, Lanes};
use crate::classify::ClassifyError;
use crate::classify::recipe::{Channel, bands_of};
use crate::cube::{Band, Block, Regularize};

/// Computes and regularizes the series of one cube.
#[derive(Clone, Debug)]
pub(super) struct Front {
    channels: Vec<Channel>,
    bands: Vec<Band>,
    regularizer: LaneRegularizer,
}

impl Front {
    /// Series of `channels`, in this order, for a cube whose dates are `days`.
    pub fn new(channels: &[Channel], regularize: &Regularize, days: &[f32]) -> Self {
        let regularizer = LaneRegularizer::new(regularize, days);
        Self { channels: channels.to_vec(), bands: bands_of(channels), regularizer }
    }

    pub fn series(&self) -> usize {
        self.channels.len()
    }

    pub fn steps(&self) -> usize {
        self.regularizer.steps()
    }

    pub fn bands(&self) -> &[Band] {
        &self.bands
    }

    /// Hands over the planes `[series][step]` of [`LANES`] pixels at a time, with the position of
    /// the first and how many there are: of all pixels, or of those that are `chosen`.
    ///
    /// # Errors
    ///
    /// [`ClassifyError::Samples`] where the block misses a band or has other dates.
    pub fn chunks(
        &self,
        block: &Block,
        chosen: Option<&[u32]>,
        lanes: Lanes,
        mut sink: impl FnMut(&[Lane<f32>], usize, usize),
    ) -> Result<(), ClassifyError> {
        let (pixels, dates) = (block.window.len(), self.regularizer.dates());
        if block.values.len() != dates * block.bands.len() * pixels {
            return Err(ClassifyError::Samples(format!(
                "the block has {} values, not those of {dates} dates, {} bands and {pixels} pixels",
                block.values.len(),
                block.bands.len()
            )));
        }
        if let Some(band) = self.bands.iter().find(|b| !block.bands.contains(b)) {
            return Err(ClassifyError::Samples(format!("the block has no band {band}")));
        }
        let steps = self.steps();
        let place = |band: Band| block.bands.iter().position(|&b| b == band).unwrap_or(0);
        let mut planes = vec![Lane([f32::NAN; LANES]); self.channels.len() * steps];
        let mut scratch = self.regularizer.scratch();
        let mut observed = vec![Lane([f32::NAN; LANES]); dates];
        let mut gathered =
            vec![[f32::NAN; LANES]; if chosen.is_some() { self.bands.len() * dates } else { 0 }];
        let total = chosen.map_or(pixels, <[u32]>::len);
        for start in (0..total).step_by(LANES) {
            let n = LANES.min(total - start);
            if let Some(chosen) = chosen {
                for (k, values) in gathered.iter_mut().enumerate() {
                    let plane = block.plane(k % dates, place(self.bands[k / dates]));
                    for (value, &pixel) in values.iter_mut().zip(&chosen[start..start + n]) {
                        *value = plane[pixel as usize];
                    }
                }
            }
            for (channel, out) in self.channels.iter().zip(planes.chunks_exact_mut(steps.max(1))) {
                for (date, observed) in observed.iter_mut().enumerate() {
                    let plane = |band: Band| {
                        if chosen.is_some() {
                            let k = self.bands.iter().position(|&b| b == band).unwrap_or(0);
                            &gathered[k * dates + date][..n]
                        } else {
                            &block.plane(date, place(band))[start..start + n]
                        }
                    };
                    channel.compute(plane, &mut observed.0[..n]);
                }
                lanes.run(RegularizeWork {
                    regularizer: &self.regularizer,
                    observed: &observed,
                    scratch: &mut scratch,
                    out,
                });
            }
            sink(&planes, start, n);
        }
        Ok(())
    }
}

struct RegularizeWork<'a> {
    regularizer: &'a LaneRegularizer,
    observed: &'a [Lane<f32>],
    scratch: &'a mut Scratch,
    out: &'a mut [Lane<f32>],
}

impl LaneWork for RegularizeWork<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        self.regularizer.apply(self.observed, self.scratch, self.out);
    }
}
