//! Zones of a class map: patches of pixels as polygons, the mines beside them, how dense mines are,
//! and whether it is the mines. Knows neither files nor how the map was classified.

pub mod association;
mod border;
pub mod heatmap;
pub mod join;
mod mine_index;
mod nearest;
pub mod polygonize;
mod regions;
mod shape;
mod simplify;

pub use join::{Join, NearMines};
pub use mine_index::{MineIndex, outline_pieces};
pub use polygonize::{Zone, Zones, polygonize, polygonize_while};
