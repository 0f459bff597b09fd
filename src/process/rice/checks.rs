//! What is wrong with the request of a training, as far as the request itself shows.

use super::inputs::{MOST_STEPS, SmoothingInput};
use crate::classify::Channel;
use crate::classify::splits::{SplitError, Validation};
use crate::cube::Smoothing;
use crate::process::ProcessError;
use crate::process::inputs::InputFaults;

/// Notes what is wrong with the series and the design of a training, as far as the request tells.
pub fn check(
    indices: Option<&[String]>,
    validation: Option<&Validation>,
    smoothing: SmoothingInput,
    faults: &mut InputFaults,
) {
    for (i, name) in indices.unwrap_or_default().iter().enumerate() {
        faults.note(channel(i, name));
    }
    if let Some(design) = validation {
        faults.note(design.check().map_err(|e| training_fault(&e)));
    }
    if let Some(why) = Smoothing::from(smoothing).problem(MOST_STEPS) {
        faults.add("smoothing", why);
    }
}

/// A series by its name.
pub fn channel(i: usize, name: &str) -> Result<Channel, ProcessError> {
    Channel::parse(name).map_err(|e| ProcessError::input(format!("indices[{i}]"), e))
}

/// The member of the request that a design is about.
pub fn training_fault(error: &SplitError) -> ProcessError {
    ProcessError::input("validation", error)
}
