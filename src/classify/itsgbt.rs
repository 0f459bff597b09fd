//! Auto-ITSGBT: interval and Fourier predictors, gradient boosted trees (Jiang et al. 2024).

use serde::{Deserialize, Serialize};

use super::error::check_intervals;
use super::{ClassifyError, SeriesBlock, Table};
use crate::predictors::{Interval, Predictor, PredictorSet, draw_intervals};

/// Families of predictors, per series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// Mean, deviation and slope of random intervals.
    Intervals,
    /// C_0..C_k: blind to the planting date.
    Amplitudes,
    /// Smallest and largest value and deviation of the whole series: blind to the date too.
    Range,
    /// A_0..A_k and B_1..B_k.
    Coefficients,
    /// phi_1..phi_k.
    Phases,
    /// The regular series itself.
    Values,
}

/// Which predictors are drawn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PredictorChoice {
    /// The families.
    pub families: Vec<Family>,
    /// Number of random intervals; 0 takes as many as there are steps.
    pub intervals: usize,
    /// Fewest steps of an interval.
    pub fewest_steps: usize,
    /// Highest harmonic.
    pub harmonics: usize,
}

impl Default for PredictorChoice {
    /// The amplitudes C_0..C_5 (methods, section 3): what does not know the calendar.
    fn default() -> Self {
        Self { families: vec![Family::Amplitudes], intervals: 0, fewest_steps: 3, harmonics: 5 }
    }
}

impl PredictorChoice {
    /// Draws the predictors for series of `steps` values.
    ///
    /// # Errors
    /// [`ClassifyError::Parameter`] where a choice does not fit the series.
    pub fn draw(&self, series: usize, steps: usize, seed: u64) -> Result<PredictorSet, ClassifyError> {
        if self.families.is_empty() {
            return Err(ClassifyError::parameter("predictors", "names no family"));
        }
        check_intervals(self.intervals.max(1))?;
        let fourier = [Family::Amplitudes, Family::Coefficients, Family::Phases];
        if self.families.iter().any(|f| fourier.contains(f)) && self.harmonics > steps / 2 {
            let why = format!(
                "harmonic {} needs {} steps, the series have {steps}",
                self.harmonics,
                2 * self.harmonics
            );
            return Err(ClassifyError::parameter("harmonics", why));
        }
        if self.families.contains(&Family::Range) && steps < 2 {
            return Err(ClassifyError::parameter("predictors", "a range needs series of at least 2 steps"));
        }
        if self.families.contains(&Family::Intervals) && steps < self.fewest_steps.max(2) {
            let why = format!("intervals of {} steps do not fit series of {steps}", self.fewest_steps);
            return Err(ClassifyError::parameter("minimumIntervalLength", why));
        }
        let harmonics = self.harmonics;
        let mut predictors = Vec::new();
        for family in &self.families {
            match family {
                Family::Intervals => {
                    let count = if self.intervals == 0 { steps } else { self.intervals };
                    for i in draw_intervals(seed, steps, count, self.fewest_steps) {
                        predictors.extend([Predictor::Mean(i), Predictor::Deviation(i), Predictor::Slope(i)]);
                    }
                }
                Family::Amplitudes => predictors.extend((0..=harmonics).map(|k| Predictor::Amplitude { k })),
                Family::Range => {
                    let whole = Interval { start: 0, end: steps - 1 };
                    predictors.extend([
                        Predictor::Minimum(whole),
                        Predictor::Maximum(whole),
                        Predictor::Deviation(whole),
                    ]);
                }
                Family::Coefficients => {
                    predictors.extend((0..=harmonics).map(|k| Predictor::Cosine { k }));
                    predictors.extend((1..=harmonics).map(|k| Predictor::Sine { k }));
                }
                Family::Phases => predictors.extend((1..=harmonics).map(|k| Predictor::Phase { k })),
                Family::Values => predictors.extend((0..steps).map(|step| Predictor::Value { step })),
            }
        }
        Ok(PredictorSet::for_each_series(series, steps, &predictors))
    }
}

/// The predictors of samples as a table.
pub fn table(predictors: &PredictorSet, names: &[String], series: &SeriesBlock) -> Table {
    Table { names: predictors.names(names), columns: predictors.compute(series.values, series.pixels) }
}
