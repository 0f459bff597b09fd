//! Where pixels lie: coordinate reference systems, affine transforms and
//! [`GeoBox`], the georeferenced grid as one value. Knows no files.

mod affine;
mod ellipsoid;
mod geobox;
mod reference;

pub use affine::Affine;
pub use ellipsoid::Ellipsoid;
pub use geobox::{Bounds, GeoBox};
pub use reference::{Crs, CrsError, Transformer};
