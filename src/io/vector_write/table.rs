//! Tables (CSV): the fields, and the longitude and latitude of the point or of a point inside.

use std::fs::File;
use std::path::{Path, PathBuf};

use geo::Geometry;

use super::lon_lat::{to_lon_lat, within};
use super::{Backend, IoError, Row};
use crate::crs::Crs;
use crate::vector::{FeatureSchema, interior_point};

pub(super) struct Writer {
    path: PathBuf,
    crs: Crs,
    out: csv::Writer<File>,
}

impl Writer {
    pub(super) fn create(path: &Path, schema: &FeatureSchema) -> Result<Self, IoError> {
        let file = File::create(path).map_err(|e| IoError::write(path, e))?;
        let mut out = csv::WriterBuilder::new().buffer_capacity(1 << 20).from_writer(file);
        let header = schema.fields.iter().map(|f| f.name.as_str()).chain(["lon", "lat"]);
        out.write_record(header).map_err(|e| IoError::write(path, e))?;
        Ok(Self { path: path.to_owned(), crs: schema.crs.clone(), out })
    }
}

impl Backend for Writer {
    fn write(&mut self, rows: Vec<Row>) -> Result<(), IoError> {
        let refuse = |e: &dyn std::fmt::Display| IoError::write(&self.path, e);
        let mut points: Vec<Geometry<f64>> = rows
            .iter()
            .map(|row| interior_point(&row.geometry).map(Geometry::Point))
            .collect::<Option<_>>()
            .ok_or_else(|| refuse(&"a geometry has no point inside"))?;
        let mut borrowed: Vec<&mut Geometry<f64>> = points.iter_mut().collect();
        to_lon_lat(&mut borrowed, &self.crs).map_err(|e| IoError::crs(self.path.display().to_string(), e))?;
        for (row, point) in rows.iter().zip(points) {
            let Geometry::Point(point) = point else { continue };
            let place = [within(point.x()), point.y()].map(|v| format!("{}", (v * 1e9).round() / 1e9 + 0.0));
            let record = row.values.iter().map(ToString::to_string).chain(place);
            self.out.write_record(record).map_err(|e| refuse(&e))?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<(), IoError> {
        self.out.flush().map_err(|e| IoError::write(&self.path, e))
    }
}
