//! What can go wrong between samples and a map.

use thiserror::Error;

/// An error of the classifiers: bad parameters, unusable samples, series of another shape.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ClassifyError {
    /// A parameter has a value that cannot work.
    #[error("parameter {name}: {reason}")]
    Parameter {
        /// Name of the parameter, as its `params` type spells it.
        name: &'static str,
        /// What is wrong, and what would do.
        reason: String,
    },
    /// The training or validation samples cannot be used.
    #[error("samples: {0}")]
    Samples(String),
    /// Trees that found nothing to split: every pixel would be of one class.
    #[error("{0}")]
    NoSplit(String),
    /// A block of series is not what the model was trained on.
    #[error("the model reads {series} series of {steps} steps, not {found_series} of {found_steps}")]
    Shape {
        /// Series the model reads.
        series: usize,
        /// Time steps the model reads.
        steps: usize,
        /// Series found.
        found_series: usize,
        /// Time steps found.
        found_steps: usize,
    },
    /// The place for the probabilities has the wrong size.
    #[error("{pixels} pixels of {classes} classes need {} probabilities, not {found}", pixels * classes)]
    Output {
        /// Pixels of the block.
        pixels: usize,
        /// Classes of the model.
        classes: usize,
        /// Length of the slice given.
        found: usize,
    },
    /// Predictors that do not fit the model's trees.
    #[error("{columns} columns of {pixels} pixels need {} predictors, not {found}", columns * pixels)]
    Predictors {
        /// Columns the trees look at.
        columns: usize,
        /// Pixels of the block.
        pixels: usize,
        /// Length of the slice given.
        found: usize,
    },
    /// A series that is neither a spectral index nor a band.
    #[error("`{name}` is neither a band nor a spectral index ({known})")]
    Channel {
        /// What was asked for.
        name: String,
        /// The spectral indices there are.
        known: String,
    },
    /// A model that cannot be read, trusted or used.
    #[error("the model {0}")]
    Model(String),
    /// The boosted trees could not be trained.
    #[error(transparent)]
    Boost(#[from] super::boost::BoostError),
    /// A network's loss is no number any more.
    #[error(
        "the loss is no number in epoch {epoch}, batch {batch} of {batches}; a smaller learningRate may help"
    )]
    Diverged {
        /// Which epoch, 1 the first.
        epoch: usize,
        /// Which batch of it, 1 the first.
        batch: usize,
        /// Batches of an epoch.
        batches: usize,
    },
    /// A learner of another crate failed.
    #[error("{learner}: {reason}")]
    Learner {
        /// Which one.
        learner: &'static str,
        /// Its own words.
        reason: String,
    },
}

/// Most trees of a forest, and most random intervals: a mistyped number must not fill the memory.
pub(crate) const MOST: usize = 10_000;

/// Refuses an absurd number of trees.
pub(crate) fn check_trees(trees: usize) -> Result<(), ClassifyError> {
    within("trees", trees)
}

/// Refuses an absurd number of intervals.
pub(crate) fn check_intervals(intervals: usize) -> Result<(), ClassifyError> {
    within("intervals", intervals)
}

fn within(name: &'static str, value: usize) -> Result<(), ClassifyError> {
    if (1..=MOST).contains(&value) {
        return Ok(());
    }
    Err(ClassifyError::parameter(name, format!("must be 1 to {MOST}, not {value}")))
}

impl ClassifyError {
    /// A bad parameter.
    pub(crate) fn parameter(name: &'static str, reason: impl Into<String>) -> Self {
        Self::Parameter { name, reason: reason.into() }
    }
}
