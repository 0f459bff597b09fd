//! The one shape of every classifier of series, and the checks they share.

use super::{ClassifyError, Labels, SeriesBlock};

/// A trained classifier. It runs on the calling thread and keeps no state, so that callers
/// spread blocks over threads as they like: the answer of a pixel never depends on its
/// neighbours in the block.
pub trait Classifier: Send + Sync {
    /// Class names, in the order of the probabilities.
    fn classes(&self) -> &[String];

    /// Series and steps of the blocks it reads.
    fn shape(&self) -> (usize, usize);

    /// Writes class probabilities `[class][pixel]` that add up to 1; all NaN for a pixel
    /// whose series are missing throughout.
    ///
    /// # Errors
    ///
    /// [`ClassifyError::Shape`] and [`ClassifyError::Output`] where sizes do not fit.
    fn predict(&self, series: &SeriesBlock, out: &mut [f32]) -> Result<(), ClassifyError>;

    /// The most probable class of each pixel, [`NO_CLASS`] for a pixel without series.
    ///
    /// # Errors
    ///
    /// As [`Classifier::predict`].
    fn predict_labels(&self, series: &SeriesBlock) -> Result<Vec<u16>, ClassifyError> {
        let mut probabilities = vec![0.0; self.classes().len() * series.pixels];
        self.predict(series, &mut probabilities)?;
        Ok(most_probable(&probabilities, self.classes().len(), series.pixels))
    }

    /// Refuses a block, or a place for its answer, of another size.
    ///
    /// # Errors
    ///
    /// [`ClassifyError::Shape`] and [`ClassifyError::Output`].
    fn check(&self, series: &SeriesBlock, out: &[f32]) -> Result<(), ClassifyError> {
        check_shape(self.shape(), series)?;
        let classes = self.classes().len();
        if out.len() != series.pixels * classes {
            return Err(ClassifyError::Output { pixels: series.pixels, classes, found: out.len() });
        }
        Ok(())
    }
}

/// The label of a pixel that has no class.
pub const NO_CLASS: u16 = u16::MAX;

/// The most probable class of each pixel; the first of equals, [`NO_CLASS`] where NaN.
pub fn most_probable(probabilities: &[f32], classes: usize, pixels: usize) -> Vec<u16> {
    let mut best = vec![f32::NEG_INFINITY; pixels];
    let mut label = vec![NO_CLASS; pixels];
    for class in 0..classes {
        let plane = &probabilities[class * pixels..(class + 1) * pixels];
        for ((best, label), &p) in best.iter_mut().zip(&mut label).zip(plane) {
            if p > *best {
                (*best, *label) = (p, class as u16);
            }
        }
    }
    label
}

/// Refuses a block that is not of this shape (series, steps) or whose values are not as many
/// as it says.
pub(crate) fn check_shape((series, steps): (usize, usize), block: &SeriesBlock) -> Result<(), ClassifyError> {
    if (block.series, block.steps) != (series, steps) {
        return Err(ClassifyError::Shape {
            series,
            steps,
            found_series: block.series,
            found_steps: block.steps,
        });
    }
    let expected = block.series * block.steps * block.pixels;
    if block.values.len() != expected {
        return Err(ClassifyError::Samples(format!(
            "{} series of {} steps and {} pixels need {expected} values, not {}",
            block.series,
            block.steps,
            block.pixels,
            block.values.len()
        )));
    }
    Ok(())
}

/// Refuses samples that nothing can be trained on: none, of fewer than two classes, labels
/// that name no class or are not as many as the series, series without a step.
pub(crate) fn check_samples(block: &SeriesBlock, labels: &Labels) -> Result<(), ClassifyError> {
    check_shape((block.series, block.steps), block)?;
    let bad = |reason: String| Err(ClassifyError::Samples(reason));
    if block.series == 0 || block.steps == 0 {
        return bad("the series have no time step".into());
    }
    if labels.labels.len() != block.pixels {
        return bad(format!("{} labels for {} series", labels.labels.len(), block.pixels));
    }
    if let Some(label) = labels.labels.iter().find(|&&l| usize::from(l) >= labels.classes.len()) {
        return bad(format!("label {label} names none of the {} classes", labels.classes.len()));
    }
    let counts = labels.counts();
    if counts.iter().filter(|&&n| n > 0).count() < 2 {
        return bad("training needs samples of at least two classes".into());
    }
    Ok(())
}

/// Refuses validation samples of another shape or with other classes than the training ones.
pub(crate) fn check_validation(
    block: &SeriesBlock,
    labels: &Labels,
    validation: Option<(&SeriesBlock, &Labels)>,
) -> Result<(), ClassifyError> {
    let Some((series, found)) = validation else { return Ok(()) };
    check_shape((block.series, block.steps), series)?;
    if found.classes != labels.classes {
        return Err(ClassifyError::Samples(
            "the validation samples have other classes than the training samples".into(),
        ));
    }
    if found.labels.len() != series.pixels {
        return Err(ClassifyError::Samples(format!(
            "{} labels for {} validation series",
            found.labels.len(),
            series.pixels
        )));
    }
    if let Some(label) = found.labels.iter().find(|&&l| usize::from(l) >= found.classes.len()) {
        return Err(ClassifyError::Samples(format!("validation label {label} names none of the classes")));
    }
    Ok(())
}

/// Writes NaN probabilities for the pixels that hold no value at all.
pub(crate) fn clear_empty(block: &SeriesBlock, out: &mut [f32]) {
    for (pixel, _) in empty_pixels(block).into_iter().enumerate().filter(|(_, empty)| *empty) {
        out.iter_mut().skip(pixel).step_by(block.pixels).for_each(|p| *p = f32::NAN);
    }
}

/// Marks the pixels of a block that hold no value at all.
pub(crate) fn empty_pixels(block: &SeriesBlock) -> Vec<bool> {
    let mut empty = vec![true; block.pixels];
    for plane in block.values.chunks_exact(block.pixels.max(1)) {
        for (empty, value) in empty.iter_mut().zip(plane) {
            *empty &= value.is_nan();
        }
    }
    empty
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_probable_class_is_the_first_of_equals_and_none_where_missing() {
        let p = [0.2, 0.5, f32::NAN, 0.8, 0.5, f32::NAN];
        assert_eq!(most_probable(&p, 2, 3), [1, 0, NO_CLASS]);
    }

    #[test]
    fn samples_of_one_class_are_refused() {
        let block = SeriesBlock { series: 1, steps: 2, pixels: 2, values: &[0.0; 4] };
        let labels = Labels { classes: vec!["rice".into(), "other".into()], labels: vec![0, 0] };
        let error = check_samples(&block, &labels).unwrap_err().to_string();
        assert!(error.contains("at least two classes"), "{error}");
    }
}
