//! GeoJSON (RFC 7946): a feature a line.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use geo::orient::Direction;
use geo::{Geometry, LineString, Orient, Polygon};

use super::antimeridian::cut;
use super::lon_lat::to_lon_lat;
use super::{Backend, IoError, Row};
use crate::vector::{FeatureSchema, Value};

pub(super) struct Writer {
    path: PathBuf,
    schema: FeatureSchema,
    out: BufWriter<File>,
    written: u64,
}

impl Writer {
    pub(super) fn create(path: &Path, layer: &str, schema: &FeatureSchema) -> Result<Self, IoError> {
        let start = || -> std::io::Result<BufWriter<File>> {
            let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
            writeln!(out, "{{\"type\": \"FeatureCollection\", \"name\": {}, \"features\": [", text(layer))?;
            Ok(out)
        };
        let out = start().map_err(|e| IoError::write(path, e))?;
        Ok(Self { path: path.to_owned(), schema: schema.clone(), out, written: 0 })
    }

    fn feature(&mut self, geometry: &Geometry<f64>, values: &[Value]) -> std::io::Result<()> {
        if self.written > 0 {
            self.out.write_all(b",\n")?;
        }
        self.written += 1;
        write!(self.out, "{{\"type\": \"Feature\", \"id\": {}, \"properties\": {{", self.written)?;
        for (i, (field, value)) in self.schema.fields.iter().zip(values).enumerate() {
            let comma = if i > 0 { ", " } else { "" };
            let value = match value {
                Value::Null => "null".to_owned(),
                Value::Bool(v) => v.to_string(),
                Value::Integer(v) => v.to_string(),
                Value::Number(v) => serde_json::Value::from(*v).to_string(),
                Value::Text(v) => text(v),
            };
            write!(self.out, "{comma}{}: {value}", text(&field.name))?;
        }
        self.out.write_all(b"}, \"geometry\": ")?;
        write_geometry(&mut self.out, geometry)?;
        self.out.write_all(b"}")
    }
}

impl Backend for Writer {
    fn write(&mut self, mut rows: Vec<Row>) -> Result<(), IoError> {
        let mut geometries: Vec<&mut Geometry<f64>> = rows.iter_mut().map(|r| &mut r.geometry).collect();
        to_lon_lat(&mut geometries, &self.schema.crs)
            .map_err(|e| IoError::crs(self.path.display().to_string(), e))?;
        let continuous = self.schema.crs.is_geographic();
        for Row { geometry, values } in rows {
            let geometry = cut(geometry, continuous);
            self.feature(&geometry, &values).map_err(|e| IoError::write(&self.path, e))?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<(), IoError> {
        let end = self.out.write_all(b"\n]}\n").and_then(|()| self.out.flush());
        end.map_err(|e| IoError::write(&self.path, e))
    }
}

/// A text as JSON.
fn text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn write_geometry(out: &mut impl Write, geometry: &Geometry<f64>) -> std::io::Result<()> {
    let kind = match geometry {
        Geometry::Point(_) => "Point",
        Geometry::MultiPoint(_) => "MultiPoint",
        Geometry::Polygon(_) => "Polygon",
        Geometry::MultiPolygon(_) => "MultiPolygon",
        _ => return Err(std::io::Error::other("a geometry that is neither of points nor of polygons")),
    };
    write!(out, "{{\"type\": \"{kind}\", \"coordinates\": ")?;
    match geometry {
        Geometry::Point(point) => position(out, point.0)?,
        Geometry::MultiPoint(points) => list(out, &points.0, |out, p| position(out, p.0))?,
        Geometry::Polygon(polygon) => write_polygon(out, polygon)?,
        Geometry::MultiPolygon(polygons) => list(out, &polygons.0, write_polygon)?,
        _ => {}
    }
    out.write_all(b"}")
}

fn list<W: Write, T>(
    out: &mut W,
    items: &[T],
    mut write: impl FnMut(&mut W, &T) -> std::io::Result<()>,
) -> std::io::Result<()> {
    out.write_all(b"[")?;
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            out.write_all(b", ")?;
        }
        write(out, item)?;
    }
    out.write_all(b"]")
}

fn write_polygon(out: &mut impl Write, polygon: &Polygon<f64>) -> std::io::Result<()> {
    let polygon = polygon.orient(Direction::Default);
    let rings: Vec<&LineString<f64>> =
        std::iter::once(polygon.exterior()).chain(polygon.interiors()).collect();
    list(out, &rings, |out, ring| list(out, &ring.0, |out, c| position(out, *c)))
}

/// A tenth of a millimetre is more than any pixel knows.
fn position(out: &mut impl Write, c: geo::Coord<f64>) -> std::io::Result<()> {
    let round = |v: f64| (v * 1e9).round() / 1e9 + 0.0; // no -0
    write!(out, "[{}, {}]", round(c.x), round(c.y))
}
