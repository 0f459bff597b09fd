//! Files: what is read and written, and by which format. Knows no process and no HTTP.

mod chunks;
pub mod cog;
mod cog_layout;
mod cog_tiles;
pub mod cog_values;
pub mod county;
mod deflated;
mod error;
pub mod feature_file;
pub mod feature_log;
pub mod fetch;
pub mod gdal_setup;
mod geojson;
mod geotiff_write;
mod gml;
pub mod growing;
pub mod guard;
mod legend_files;
mod packed_block;
pub mod pyramid;
pub mod quicklook;
pub mod raster_file;
pub mod raster_on_grid;
pub mod scenes;
pub mod series_csv;
mod shapefile;
mod spool;
mod table;
pub(crate) mod text;
pub mod vector_rows;
mod vector_stream;
pub mod vector_write;
pub mod vectors;

pub use error::IoError;
