//! What a classifier of series reads.

/// Regularized series of a run of pixels, `[series][step][pixel]`; `series` counts spectral
/// indices (or bands). A pixel without a usable series is NaN throughout.
#[derive(Clone, Copy, Debug)]
pub struct SeriesBlock<'a> {
    /// Number of series (spectral indices) a pixel has.
    pub series: usize,
    /// Time steps of each.
    pub steps: usize,
    /// Number of pixels (or samples).
    pub pixels: usize,
    /// The values.
    pub values: &'a [f32],
}

impl<'a> SeriesBlock<'a> {
    /// One time step of one series, over all pixels.
    pub fn plane(&self, series: usize, step: usize) -> &'a [f32] {
        let start = (series * self.steps + step) * self.pixels;
        &self.values[start..start + self.pixels]
    }
}
