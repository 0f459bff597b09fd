//! The features of a file one by one, however many there are.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek as _};
use std::path::Path;

use geo::{Coord, Geometry, LineString, MultiLineString, MultiPoint, MultiPolygon, Point, Polygon};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value as Json};

use super::vectors::{self, RowSink, VectorFormat};
use super::{IoError, geojson, table, text};
use crate::crs::Crs;
use crate::named::named;
use crate::vector::Value;

/// Reads a file row by row; its ending tells the format.
///
/// # Errors
/// [`IoError`] names the file: missing, of no known format, damaged; and those of the sink.
pub(super) fn each(path: &Path, sink: &mut dyn RowSink) -> Result<(), IoError> {
    let name = named(&path).to_string();
    let open = || File::open(path).map_err(|e| IoError::read(&name, e));
    match VectorFormat::of_name(&name) {
        Some(VectorFormat::GeoJson) => each_geojson(&name, open()?, sink),
        Some(VectorFormat::Gml) => {
            super::gml::each(&name, &std::fs::read(path).map_err(|e| IoError::read(&name, e))?, sink)
        }
        Some(VectorFormat::FlatGeobuf) => {
            vectors::each_flatgeobuf(&name, BufReader::with_capacity(1 << 20, open()?), sink)
        }
        Some(format @ (VectorFormat::GeoPackage | VectorFormat::Shapefile)) => {
            vectors::each_file(path, &name, format, sink)
        }
        Some(VectorFormat::Csv) => each_csv(&name, open()?, sink),
        None => Err(vectors::unknown_ending(&name)),
    }
}

fn each_csv(name: &str, mut file: File, sink: &mut dyn RowSink) -> Result<(), IoError> {
    let read = |e: std::io::Error| IoError::read(name, e);
    if is_utf8(&mut BufReader::with_capacity(1 << 20, &file)).map_err(read)? {
        file.rewind().map_err(read)?;
        return rows_of_csv(name, BufReader::with_capacity(1 << 20, file), sink);
    }
    let mut bytes = Vec::new();
    file.rewind().and_then(|()| file.read_to_end(&mut bytes)).map_err(read)?;
    let text::Decoded { text, note } = text::decode(&bytes).map_err(|e| IoError::read(name, e))?;
    if let Some(note) = note {
        sink.note(note);
    }
    rows_of_csv(name, text.as_bytes(), sink)
}

/// Whether a file is UTF-8 text, line by line.
fn is_utf8(reader: &mut impl BufRead) -> std::io::Result<bool> {
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line)? > 0 {
        if line.contains(&0) || std::str::from_utf8(&line).is_err() {
            return Ok(false);
        }
        line.clear();
    }
    Ok(true)
}

fn rows_of_csv(name: &str, source: impl BufRead, sink: &mut dyn RowSink) -> Result<(), IoError> {
    let mut table = super::series_csv::streaming(source).map_err(|e| IoError::read(name, e))?;
    let header = table.headers().map_err(|e| IoError::read(name, e))?.clone();
    let (x, y) = table::columns_of_coordinates(name, &header)?;
    sink.crs(None)?;
    let mut record = csv::StringRecord::new();
    while table.read_record(&mut record).map_err(|e| IoError::read(name, e))? {
        let number = |at: usize| table::coordinate("", record.get(at)?, false).ok().map(|(number, _)| number);
        let point = number(x).zip(number(y)).map(|(x, y)| Ok(Point::new(x, y).into()));
        let others = header.iter().zip(&record).enumerate().filter(|(i, _)| *i != x && *i != y);
        sink.row(point, others.map(|(_, (h, v))| (h.trim().to_owned(), Value::parse(v))).collect())?;
    }
    Ok(())
}

fn each_geojson(name: &str, mut file: File, sink: &mut dyn RowSink) -> Result<(), IoError> {
    let fail = |e: &dyn std::fmt::Display| IoError::read(name, format!("it is not GeoJSON: {e}"));
    let mut restart = || -> std::io::Result<BufReader<File>> {
        file.rewind()?;
        let mut reader = BufReader::with_capacity(1 << 20, file.try_clone()?);
        if reader.fill_buf()?.starts_with(b"\xef\xbb\xbf") {
            reader.consume(3);
        }
        Ok(reader)
    };
    let read = |e: std::io::Error| IoError::read(name, e);
    // The CRS of older GeoJSON may stand behind the features, which need it.
    let crs = if mentions_crs(restart().map_err(read)?).map_err(read)? {
        let head: GeoJsonHead = serde_json::from_reader(restart().map_err(read)?).map_err(|e| fail(&e))?;
        geojson::old_crs(name, head.crs.as_ref())?
    } else {
        None
    };
    sink.crs(crs)?;
    let mut refused = None;
    let mut found = false;
    let document = Document { sink, refused: &mut refused, found: &mut found };
    let mut reader = serde_json::Deserializer::from_reader(restart().map_err(read)?);
    let ended = document.deserialize(&mut reader).and_then(|()| reader.end());
    match (refused, ended) {
        (Some(error), _) => Err(error),
        (None, Err(e)) => Err(fail(&e)),
        (None, Ok(())) if found => Ok(()),
        // A single feature or a bare geometry.
        (None, Ok(())) => {
            let mut text = Vec::new();
            restart().and_then(|mut r| r.read_to_end(&mut text)).map_err(read)?;
            for feature in vectors::parse(name, VectorFormat::GeoJson, &text)?.table.features {
                sink_wgs84(sink, feature)?;
            }
            Ok(())
        }
    }
}

/// A feature that is in longitude and latitude already.
fn sink_wgs84(sink: &mut dyn RowSink, feature: crate::vector::Feature) -> Result<(), IoError> {
    sink.crs(Some(Crs::wgs84()))?;
    sink.row(Some(Ok(feature.geometry)), feature.properties.into_iter().collect())
}

/// Whether the word stands anywhere in a text.
fn mentions_crs(mut reader: impl Read) -> std::io::Result<bool> {
    const WORD: &[u8] = b"\"crs\"";
    let mut buffer = vec![0; 1 << 16];
    let mut kept = 0;
    loop {
        let read = reader.read(&mut buffer[kept..])?;
        let all = kept + read;
        if buffer[..all].windows(WORD.len()).any(|w| w == WORD) {
            return Ok(true);
        }
        if read == 0 {
            return Ok(false);
        }
        kept = all.min(WORD.len() - 1);
        buffer.copy_within(all - kept..all, 0);
    }
}

/// The part of GeoJSON that tells the CRS.
#[derive(Deserialize)]
struct GeoJsonHead {
    crs: Option<Json>,
}

/// A FeatureCollection whose features go to a sink.
struct Document<'a> {
    sink: &'a mut dyn RowSink,
    refused: &'a mut Option<IoError>,
    found: &'a mut bool,
}

impl<'de> DeserializeSeed<'de> for Document<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Document<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            if key == "features" {
                *self.found = true;
                map.next_value_seed(Features { sink: &mut *self.sink, refused: &mut *self.refused })?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

struct Features<'a> {
    sink: &'a mut dyn RowSink,
    refused: &'a mut Option<IoError>,
}

impl<'de> DeserializeSeed<'de> for Features<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Features<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an array of features")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut features: A) -> Result<(), A::Error> {
        while let Some(feature) = features.next_element::<OneFeature>()? {
            if let Err(error) = self
                .sink
                .row(feature.geometry.and_then(Shape::into_geo), feature.properties.into_rows(feature.id))
            {
                *self.refused = Some(error);
                return Err(A::Error::custom("refused"));
            }
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct OneFeature {
    #[serde(default)]
    id: Option<Json>,
    geometry: Option<Shape>,
    #[serde(default)]
    properties: Rows,
}

/// The properties of a feature.
#[derive(Default, Deserialize)]
struct Rows(Option<Map<String, Json>>);

impl Rows {
    /// As values; the id of the feature is one, where no property has its name.
    fn into_rows(self, id: Option<Json>) -> Vec<(String, Value)> {
        let properties = self.0.unwrap_or_default();
        let id = id.filter(|id| !id.is_null() && !properties.contains_key("id"));
        id.map(|id| ("id".to_owned(), id))
            .into_iter()
            .chain(properties)
            .map(|(name, value)| (name, geojson::typed(value)))
            .collect()
    }
}

/// A geometry of GeoJSON. Collections have no place in a layer.
#[derive(Deserialize)]
#[serde(tag = "type", content = "coordinates")]
enum Shape {
    Point(Position),
    MultiPoint(Vec<Position>),
    LineString(Vec<Position>),
    MultiLineString(Vec<Vec<Position>>),
    Polygon(Vec<Vec<Position>>),
    MultiPolygon(Vec<Vec<Vec<Position>>>),
    GeometryCollection,
}

impl Shape {
    fn into_geo(self) -> Option<Result<Geometry<f64>, String>> {
        let line = |l: Vec<Position>| LineString(l.into_iter().map(|p| p.0).collect());
        let polygon = |rings: Vec<Vec<Position>>| {
            let mut rings = rings.into_iter().map(line);
            Polygon::new(rings.next().unwrap_or_else(|| LineString(Vec::new())), rings.collect())
        };
        Some(Ok(match self {
            Self::Point(p) => Point(p.0).into(),
            Self::MultiPoint(p) => MultiPoint(p.into_iter().map(|p| Point(p.0)).collect()).into(),
            Self::LineString(l) => line(l).into(),
            Self::MultiLineString(l) => MultiLineString(l.into_iter().map(line).collect()).into(),
            Self::Polygon(rings) => polygon(rings).into(),
            Self::MultiPolygon(parts) => MultiPolygon(parts.into_iter().map(polygon).collect()).into(),
            Self::GeometryCollection => return Some(Err("a collection of geometries".to_owned())),
        }))
    }
}

/// Two numbers, and whatever stands behind them; not a number where there are none.
struct Position(Coord<f64>);

impl<'de> Deserialize<'de> for Position {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Numbers;
        impl<'de> Visitor<'de> for Numbers {
            type Value = Position;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a position")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Position, A::Error> {
                let x = seq.next_element()?.unwrap_or(f64::NAN);
                let y = seq.next_element()?.unwrap_or(f64::NAN);
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Position(Coord { x, y }))
            }
        }
        deserializer.deserialize_seq(Numbers)
    }
}
