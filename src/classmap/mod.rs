//! What a classification leaves: the legend, areas by class, the sieve. Knows not how it was
//! classified.

mod areas;
mod legend;
mod sieve;

pub use areas::{AreaTally, ClassArea, PixelArea};
pub use legend::{ClassEntry, Legend, LegendError, percent_color};
pub use sieve::{Connectivity, sieve};
