//! What a classification leaves: the legend, areas by class, the sieve. Knows not how it was
//! classified.

mod areas;
mod legend;
mod roles;
pub mod sieve;
mod symbols;

pub use areas::{AreaTally, ClassArea, PixelArea};
pub use legend::{
    ClassEntry, Hex, Legend, LegendError, Names, names, percent_color, percent_ramp, percent_style,
};
pub use roles::{RiceError, Role, check_rice, usual_name};
pub use sieve::{Connectivity, sieve};
pub use symbols::{RampStop, Symbol, index_ramp, values_color, values_ramp};
