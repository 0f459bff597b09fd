//! What a classification leaves: the legend, areas by class. Knows not how it was classified.

mod legend;

pub use legend::{ClassEntry, Legend};
