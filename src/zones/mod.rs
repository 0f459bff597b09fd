//! What stress and mines have to do with each other: how dense mines are, and whether stress lies
//! near them. Knows no files, no processes, and not how a map was classified.

pub mod association;
mod correlation;
pub mod heatmap;
mod nearest;
