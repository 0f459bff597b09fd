//! Files: readers, writers, formats.

pub mod county;
mod geotiff_write;
