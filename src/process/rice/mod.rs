//! What the rice processes share: their inputs, training with validation, and the map.

pub(super) mod by_class;
pub(super) mod checks;
pub(super) mod inputs;
pub(super) mod map;
pub(super) mod parameters;
pub(super) mod training;
pub(super) mod trial;
