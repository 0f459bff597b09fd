//! Where pixels lie: coordinate reference systems, affine transforms and
//! [`GeoBox`], the georeferenced grid as one value. Knows no files.

mod affine;
pub mod earth;
mod ellipsoid;
mod geobox;
mod globe;
mod reference;

pub use affine::Affine;
pub use ellipsoid::Ellipsoid;
pub use geobox::{Bounds, GeoBox};
pub use globe::{GlobeGrid, pixel_metres};
pub use reference::{Crs, CrsError, NamedCrs, Transformer};
