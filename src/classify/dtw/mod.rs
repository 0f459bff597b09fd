//! `dtw`: the nearest standard curve by dynamic time warping (Sakoe and Chiba 1978).
//!
//! The distance of two series is the square root of the smallest sum of squared differences
//! along a warping path whose steps stay within a band around the diagonal (dtaidistance's
//! `window` is this band plus one). Several series of a pixel are warped together. A missing
//! value costs nothing wherever the path meets it, and the sum is scaled up by the share of
//! values present, as scikit-learn's `nan_euclidean_distances` does for the Euclidean distance,
//! which is what a band of 0 gives.

mod barycentre;
mod lanes;
mod path;

use serde::{Deserialize, Serialize};

use self::barycentre::{class_mean, cluster};
use self::lanes::{Limits, Nearest};
use super::classifier::{check_samples, check_validation, clear_empty};
use super::fused::dispatch;
use super::watch::Watch;
use super::{Classifier, ClassifyError, Labels, SeriesBlock};

/// How the standard curves of a class are made from its samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Library {
    /// The mean of the class, step by step.
    #[default]
    Mean,
    /// DTW barycentres (Petitjean et al. 2011) of the clusters that k-means with the DTW
    /// distance finds in the class.
    Barycentres {
        /// Number of clusters of each class.
        count: usize,
    },
}

/// Parameters of the nearest standard curve.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct DtwParams {
    /// How the standard curves are made.
    pub library: Library,
    /// Sakoe-Chiba band: how many time steps two matched values may lie apart. 0 is the Euclidean
    /// distance; absent leaves the warping free.
    pub band: Option<usize>,
    /// Largest distance to a standard curve, in units of the series; a pixel farther from every
    /// curve falls to the class `reject`.
    pub max_distance: Option<f32>,
    /// Name of the class of pixels beyond `maxDistance`; `non-rice` where absent.
    pub reject: Option<String>,
}

/// A standard curve.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// The class it stands for.
    pub class: usize,
    /// Its values, `[series][step]`.
    pub values: Vec<f32>,
}

/// Standard curves, and how distances to them become probabilities: with `d_c` the distance to the
/// nearest curve of class `c`, the probability is proportional to `exp(-d_c / T)`. `T` is chosen
/// for the largest likelihood of the validation samples (of the training samples without
/// them). Distances beyond the smallest plus [`REACH`] `T` count as that: their share is
/// below 1e-5. A largest distance acts as one more curve of the class `reject` that is as far
/// away from every pixel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DtwModel {
    classes: Vec<String>,
    series: usize,
    steps: usize,
    band: usize,
    curves: Vec<Curve>,
    temperature: f32,
    max_distance: Option<f32>,
    reject: Option<usize>,
}

/// How many temperatures beyond the nearest class a distance still counts.
pub const REACH: f32 = 12.0;

impl DtwModel {
    /// Makes the standard curves of each class; the validation samples set the temperature.
    ///
    /// # Errors
    ///
    /// Samples of fewer than two classes, a band as wide as the series, more barycentres than a
    /// class has samples, a largest distance without a class to fall to.
    pub fn train(
        series: &SeriesBlock,
        labels: &Labels,
        validation: Option<(&SeriesBlock, &Labels)>,
        params: &DtwParams,
        seed: u64,
        watch: &dyn Watch,
    ) -> Result<Self, ClassifyError> {
        check_samples(series, labels)?;
        check_validation(series, labels, validation)?;
        let steps = series.steps;
        let band = match params.band {
            Some(band) if band >= steps => {
                let reason = format!("must be less than the {steps} steps of the series, not {band}");
                return Err(ClassifyError::parameter("band", reason));
            }
            band => band.unwrap_or(steps - 1),
        };
        let reject = reject_class(params, &labels.classes)?;
        let mut curves = Vec::new();
        for (class, name) in labels.classes.iter().enumerate() {
            let members = samples_of(series, labels, class);
            if members.is_empty() {
                continue;
            }
            let curve = |values| Curve { class, values };
            match params.library {
                Library::Mean => curves.push(curve(class_mean(&members, series.series, steps, name)?)),
                Library::Barycentres { count } => curves.extend(
                    cluster(&members, series.series, steps, band, (count, seed), name, watch)?
                        .into_iter()
                        .map(curve),
                ),
            }
        }
        let mut model = Self {
            classes: labels.classes.clone(),
            series: series.series,
            steps,
            band,
            curves,
            temperature: 1.0,
            max_distance: params.max_distance,
            reject,
        };
        let (block, truth) = validation.unwrap_or((series, labels));
        model.temperature = model.fit_temperature(block, truth)?;
        Ok(model)
    }

    /// The standard curves.
    pub fn curves(&self) -> &[Curve] {
        &self.curves
    }

    /// Distance of each pixel to the nearest curve of each class, `[class][pixel]`, in units of
    /// the series; infinite for a class without curve, NaN for a pixel without series.
    ///
    /// # Errors
    ///
    /// [`ClassifyError::Shape`] where the block does not fit.
    pub fn distances(&self, series: &SeriesBlock) -> Result<Vec<f32>, ClassifyError> {
        let mut out = vec![0.0; self.classes.len() * series.pixels];
        self.check(series, &out)?;
        self.nearest(series, Limits::None, &mut out);
        clear_empty(series, &mut out);
        Ok(out)
    }

    /// Why a model from a file cannot be used, or nothing.
    pub fn problem(&self) -> Option<String> {
        let (classes, values) = (self.classes.len(), self.series.saturating_mul(self.steps));
        let wrong = |c: &Curve| {
            c.class >= classes || c.values.len() != values || c.values.iter().any(|v| !v.is_finite())
        };
        if values == 0 || self.band >= self.steps || self.curves.iter().any(wrong) {
            return Some("the standard curves, the band and the classes do not fit the series".to_owned());
        }
        if self.curves.is_empty() || self.max_distance.is_some_and(|d| d <= 0.0) {
            return Some("it has no standard curve, or a largest distance of 0 or less".to_owned());
        }
        if self.temperature <= 0.0
            || !self.temperature.is_finite()
            || self.reject.is_some_and(|r| r >= classes)
        {
            return Some(
                "the temperature or the class beyond the largest distance is out of range".to_owned(),
            );
        }
        None
    }

    fn nearest(&self, series: &SeriesBlock, limits: Limits, out: &mut [f32]) {
        dispatch(Nearest {
            series,
            classes: self.classes.len(),
            curves: &self.curves,
            band: self.band,
            limits,
            out,
        });
    }

    /// From distances `[class][pixel]` to probabilities, in place; infinite distances are none.
    fn probabilities(&self, distances: &mut [f32], pixels: usize, temperature: f32) {
        let beyond = self.reject.zip(self.max_distance);
        let known = |k: usize| beyond.is_some_and(|b| b.0 == k) || self.curves.iter().any(|c| c.class == k);
        let has_curve: Vec<bool> = (0..self.classes.len()).map(known).collect();
        for pixel in 0..pixels {
            let at = |class: usize| class * pixels + pixel;
            if let Some((reject, max)) = beyond {
                distances[at(reject)] = distances[at(reject)].min(max);
            }
            let nearest = (0..has_curve.len()).map(|k| distances[at(k)]).fold(f32::INFINITY, f32::min);
            // A little less than where the search gave up, so that it never shows.
            let farthest = nearest + 0.99 * REACH * temperature;
            let mut sum = 0.0;
            for (class, &has_curve) in has_curve.iter().enumerate() {
                let d = &mut distances[at(class)];
                *d = if has_curve { ((nearest - d.min(farthest)) / temperature).exp() } else { 0.0 };
                sum += *d;
            }
            for class in 0..has_curve.len() {
                distances[at(class)] /= sum;
            }
        }
    }

    /// The temperature of the largest likelihood on a grid of four decades below the largest
    /// distance (temperature scaling, Guo et al. 2017).
    fn fit_temperature(&self, series: &SeriesBlock, truth: &Labels) -> Result<f32, ClassifyError> {
        let distances = self.distances(series)?;
        let finite = distances.iter().copied().filter(|d| d.is_finite());
        let largest = finite.fold(0.0f32, f32::max).max(1e-6);
        let likelihood = |temperature: f32| {
            let mut p = distances.clone();
            self.probabilities(&mut p, series.pixels, temperature);
            let of = |(pixel, &label): (usize, &u16)| p[usize::from(label) * series.pixels + pixel];
            let logs = truth.labels.iter().enumerate().map(of).filter(|p| !p.is_nan());
            logs.map(|p| f64::from(p.max(1e-6)).ln()).sum::<f64>()
        };
        let grid = (0..=40).map(|i| largest * 10f32.powf(-(i as f32) / 10.0));
        let scored = grid.map(|t| (t, likelihood(t)));
        Ok(scored.reduce(|a, b| if b.1 > a.1 { b } else { a }).map_or(largest, |best| best.0))
    }
}

impl Classifier for DtwModel {
    fn classes(&self) -> &[String] {
        &self.classes
    }

    fn shape(&self) -> (usize, usize) {
        (self.series, self.steps)
    }

    fn predict(&self, series: &SeriesBlock, out: &mut [f32]) -> Result<(), ClassifyError> {
        self.check(series, out)?;
        let reach = REACH * self.temperature;
        self.nearest(series, Limits::Within { reach, max: self.max_distance }, out);
        self.probabilities(out, series.pixels, self.temperature);
        clear_empty(series, out);
        Ok(())
    }
}

/// The class of pixels beyond the largest distance.
fn reject_class(params: &DtwParams, classes: &[String]) -> Result<Option<usize>, ClassifyError> {
    if let Some(max) = params.max_distance
        && (max <= 0.0 || !max.is_finite())
    {
        return Err(ClassifyError::parameter("maxDistance", "must be a number above 0"));
    }
    let name = params.reject.as_deref().unwrap_or("non-rice");
    let found = classes.iter().position(|class| class == name);
    if found.is_none() && (params.reject.is_some() || params.max_distance.is_some()) {
        let reason = format!(
            "pixels beyond it become {name:?}, which is none of the classes {}; leave it out",
            classes.join(", ")
        );
        return Err(ClassifyError::parameter("maxDistance", reason));
    }
    Ok(found)
}

/// The samples of a class that hold any value, each `[series][step]`.
fn samples_of(series: &SeriesBlock, labels: &Labels, class: usize) -> Vec<Vec<f32>> {
    let of_class = labels.labels.iter().enumerate().filter(|&(_, &l)| usize::from(l) == class);
    of_class
        .map(|(pixel, _)| series.values.chunks_exact(series.pixels).map(|plane| plane[pixel]).collect())
        .filter(|sample: &Vec<f32>| sample.iter().any(|v| !v.is_nan()))
        .collect()
}

#[cfg(test)]
mod tests;
