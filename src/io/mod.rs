//! Files: what is read and written, and by which format. Knows no process and no HTTP.

pub mod cog;
mod cog_layout;
pub mod county;
mod error;
mod geotiff_write;
pub mod series_csv;
pub mod vectors;

pub use error::IoError;
