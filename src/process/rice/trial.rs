//! What one method costs and what it looks at: seconds of mapping, permutation importance.

use std::time::Instant;

use rayon::prelude::*;

use super::training::{Prepared, Training, training_error};
use crate::classify::importance::{Importance, each_value, permutation_importance};
use crate::classify::method::{LabelledSeries, Method};
use crate::classify::splits::hold_out;
use crate::classify::{Classifier, ClassifyError, SeriesBlock};
use crate::process::{Context, ProcessError};

/// Series of a block, about as many as a tile of a map has in its thread's share.
const BLOCK: usize = 4096;
/// Most series that are classified to take the time.
const MOST_SERIES: usize = 200_000;
/// Seconds that this should take at most.
const LONGEST: f64 = 2.0;

/// Seconds that a classifier takes for a million regular series on the current threads: the
/// samples' own, repeated, up to 200,000 of them or two seconds. Reading and regularizing a scene
/// comes to that, and is the same for every method.
///
/// # Errors
/// Series that do not fit the classifier.
pub fn mapping_seconds(classifier: &dyn Classifier, samples: &LabelledSeries) -> Result<f64, ClassifyError> {
    let n = samples.labels.labels.len();
    let rows: Vec<usize> = (0..BLOCK).map(|i| i % n).collect();
    let repeated = samples.select(&rows);
    let predict = |pixels: usize| -> Result<f64, ClassifyError> {
        let part =
            if pixels == BLOCK { None } else { Some(repeated.select(&(0..pixels).collect::<Vec<_>>())) };
        let block: SeriesBlock<'_> = part.as_ref().unwrap_or(&repeated).block();
        let start = Instant::now();
        classifier.predict_labels(&block)?;
        Ok(start.elapsed().as_secs_f64())
    };
    // A first, small block warms caches and tells how many there is time for.
    let small = 256;
    predict(small)?;
    let one = predict(small)? / small as f64 * BLOCK as f64;
    let threads = rayon::current_num_threads();
    let most = MOST_SERIES.div_ceil(BLOCK);
    let blocks = ((LONGEST * threads as f64 / one.max(1e-9)) as usize).clamp(threads.min(most), most);
    let start = Instant::now();
    (0..blocks).into_par_iter().try_for_each(|_| predict(BLOCK).map(|_| ()))?;
    Ok(start.elapsed().as_secs_f64() / (blocks * BLOCK) as f64 * 1e6)
}

/// Share of the samples that importance is measured on.
const SET_ASIDE: f64 = 0.3;
/// How often each value is exchanged.
const REPETITIONS: usize = 5;

/// Permutation importance of each value of each series, on 30 % of the samples (drawn within each
/// class) by a model of the others.
///
/// # Errors
/// [`ProcessError::Input`] naming the member; cancelled.
pub fn importance(
    training: &Training<'_>,
    prepared: &Prepared,
    method: &Method,
    context: &Context<'_>,
) -> Result<Vec<Importance>, ProcessError> {
    let about = prepared.facts.about(&prepared.series.labels);
    let all: Vec<usize> = (0..prepared.series.labels.labels.len()).collect();
    let told = |e: crate::classify::method::ValidateError| training_error(e, training.method);
    let (train, held) = hold_out(&about, &all, SET_ASIDE, training.seed).map_err(|e| told(e.into()))?;
    let (train, held) = (prepared.series.select(&train), prepared.series.select(&held));
    let go_on = |_: f64| !context.cancel.is_cancelled();
    let settled = method.clone().settled();
    let (model, _) = settled.train(&train, None, training.seed, &go_on).map_err(|e| told(e.into()))?;
    context.cancel.check()?;
    let parts = each_value(held.series, held.steps);
    let block = held.block();
    permutation_importance(model.classifier(), &block, &held.labels, &parts, REPETITIONS, training.seed)
        .map_err(|e| told(e.into()))
}
