//! Vector tiles (Mapbox Vector Tile 2.1): features clipped to a tile and its margin, without what no
//! eye would see, encoded by geozero.

use geo::{
    BoundingRect, Coord, CoordsIter, Geometry, LineString, MapCoords, MultiPolygon, Polygon, Simplify,
};
use geozero::mvt::{Message as _, MvtWriter, Tile};
use geozero::{ColumnValue, FeatureProcessor, GeozeroGeometry, PropertyProcessor};

use super::clip::{clip_line, clip_ring};
use crate::vector::{Field, Value};

/// Units along the edge of a tile.
pub const EXTENT: u32 = 4096;
/// Units around a tile within which features are drawn: 4 pixels.
pub const MARGIN: f64 = 64.0;
/// Units of a pixel.
const PIXEL: f64 = 16.0;
/// Units that a simplified border may lie from where it was.
const TOLERANCE: f64 = 4.0;

/// A feature on its way into a tile.
#[derive(Clone, Debug)]
pub struct TileFeature<'a> {
    /// Its id.
    pub id: u64,
    /// Longitude and latitude.
    pub geometry: &'a Geometry<f64>,
    /// A value a field.
    pub values: &'a [Value],
}

/// A tile of one layer. `to_tile` brings longitude and latitude to units of the tile, y down.
///
/// # Errors
/// What geozero says of a geometry that it cannot encode.
pub fn encode<'a>(
    layer: &str,
    fields: &[Field],
    features: impl IntoIterator<Item = TileFeature<'a>>,
    to_tile: impl Fn(f64, f64) -> (f64, f64),
) -> Result<Vec<u8>, String> {
    let fail = |e: geozero::error::GeozeroError| e.to_string();
    let mut writer = MvtWriter::new_unscaled(EXTENT).map_err(fail)?;
    let mut ids = Vec::new();
    for feature in features {
        let placed = feature.geometry.map_coords(|c| {
            let (x, y) = to_tile(c.x, c.y);
            Coord { x, y }
        });
        let Some(drawn) = drawn(&placed) else { continue };
        writer.feature_begin(ids.len() as u64).map_err(fail)?;
        writer.geometry_begin().map_err(fail)?;
        drawn.process_geom(&mut writer).map_err(fail)?;
        for (i, (field, value)) in fields.iter().zip(feature.values).enumerate() {
            let value = match value {
                Value::Null => continue,
                Value::Bool(v) => ColumnValue::Bool(*v),
                Value::Integer(v) => ColumnValue::Long(*v),
                Value::Number(v) => ColumnValue::Double(*v),
                Value::Text(v) => ColumnValue::String(v),
            };
            writer.property(i, &field.name, &value).map_err(fail)?;
        }
        writer.feature_end(ids.len() as u64).map_err(fail)?;
        ids.push(feature.id);
    }
    let mut layer = writer.layer(layer);
    layer.features.iter_mut().zip(ids).for_each(|(feature, id)| feature.id = Some(id));
    Ok(Tile { layers: vec![layer] }.encode_to_vec())
}

/// What a tile shows of a geometry, in whole units: nothing where it lies outside.
fn drawn(geometry: &Geometry<f64>) -> Option<Geometry<f64>> {
    let (low, high) = (-MARGIN, f64::from(EXTENT) + MARGIN);
    let inside = |c: &Coord<f64>| (low..=high).contains(&c.x) && (low..=high).contains(&c.y);
    let found = match geometry {
        Geometry::Point(p) => inside(&p.0).then(|| Geometry::Point(whole(p.0).into()))?,
        Geometry::MultiPoint(points) => {
            let kept: Vec<_> = points.iter().filter(|p| inside(&p.0)).map(|p| p.map_coords(whole)).collect();
            Geometry::MultiPoint(kept.into())
        }
        Geometry::Polygon(polygon) => polygons(std::slice::from_ref(polygon), low, high),
        Geometry::MultiPolygon(parts) => polygons(&parts.0, low, high),
        Geometry::LineString(line) => lines(std::slice::from_ref(line), low, high),
        Geometry::MultiLineString(parts) => lines(&parts.0, low, high),
        _ => return None,
    };
    (found.coords_count() > 0).then_some(found)
}

fn whole(c: Coord<f64>) -> Coord<f64> {
    Coord { x: c.x.round(), y: c.y.round() }
}

fn lines(parts: &[LineString<f64>], low: f64, high: f64) -> Geometry<f64> {
    let clipped = parts.iter().flat_map(|line| clip_line(line, low, high));
    let simple = clipped.map(|line| distinct(&line.simplify(TOLERANCE)));
    Geometry::MultiLineString(simple.filter(|line| line.0.len() > 1).collect())
}

/// Polygons smaller than a pixel become a square of one.
fn polygons(parts: &[Polygon<f64>], low: f64, high: f64) -> Geometry<f64> {
    let rects = parts.iter().filter_map(BoundingRect::bounding_rect);
    let around = rects.reduce(|a, b| {
        let (min, max) = (a.min(), a.max());
        geo::Rect::new(
            Coord { x: min.x.min(b.min().x), y: min.y.min(b.min().y) },
            Coord { x: max.x.max(b.max().x), y: max.y.max(b.max().y) },
        )
    });
    let Some(around) = around else { return MultiPolygon(Vec::new()).into() };
    if around.min().x > high || around.max().x < low || around.min().y > high || around.max().y < low {
        return MultiPolygon(Vec::new()).into();
    }
    if around.width() < PIXEL && around.height() < PIXEL {
        return square(around.center(), low, high);
    }
    let within =
        around.min().x >= low && around.max().x <= high && around.min().y >= low && around.max().y <= high;
    let drawn: Vec<Polygon<f64>> = parts.iter().filter_map(|p| polygon(p, within, low, high)).collect();
    if drawn.is_empty() && within {
        // Longer than a pixel, but with hardly any area.
        return square(around.center(), low, high);
    }
    MultiPolygon(drawn).into()
}

/// A square of a pixel around a point, where the point is in the tile or its margin.
fn square(middle: Coord<f64>, low: f64, high: f64) -> Geometry<f64> {
    if !(low..=high).contains(&middle.x) || !(low..=high).contains(&middle.y) {
        return MultiPolygon(Vec::new()).into();
    }
    let corner = whole(Coord { x: middle.x - PIXEL / 2.0, y: middle.y - PIXEL / 2.0 });
    let rect = geo::Rect::new(corner, Coord { x: corner.x + PIXEL, y: corner.y + PIXEL });
    let ring = oriented(LineString(rect.to_polygon().exterior().0.clone()), true);
    Polygon::new(ring, Vec::new()).into()
}

fn polygon(polygon: &Polygon<f64>, within: bool, low: f64, high: f64) -> Option<Polygon<f64>> {
    let ring = |ring: &LineString<f64>, exterior: bool| {
        let clipped = if within { ring.clone() } else { clip_ring(ring, low, high)? };
        let simple = distinct(&clipped.simplify(TOLERANCE));
        // A hole that fills less than a quarter of a pixel is none.
        let least = if exterior { 0.0 } else { PIXEL * PIXEL / 4.0 };
        (simple.0.len() >= 4 && area(&simple).abs() > least).then(|| oriented(simple, exterior))
    };
    let exterior = ring(polygon.exterior(), true)?;
    Some(Polygon::new(exterior, polygon.interiors().iter().filter_map(|hole| ring(hole, false)).collect()))
}

/// In whole units, no vertex twice in a row.
fn distinct(line: &LineString<f64>) -> LineString<f64> {
    let mut coords: Vec<Coord<f64>> = line.coords().map(|c| whole(*c)).collect();
    coords.dedup();
    LineString(coords)
}

/// Twice the area: above zero where the ring runs clockwise as a screen shows it, y down.
fn area(ring: &LineString<f64>) -> f64 {
    ring.lines().map(|l| l.start.x * l.end.y - l.end.x * l.start.y).sum::<f64>() / 2.0
}

/// Exteriors run clockwise on the screen, holes against it.
fn oriented(mut ring: LineString<f64>, exterior: bool) -> LineString<f64> {
    if (area(&ring) > 0.0) != exterior {
        ring.0.reverse();
    }
    ring
}

#[cfg(test)]
mod tests {
    use geo::{Area, polygon};
    use geozero::ToGeo;
    use proptest::prelude::*;

    use super::*;
    use crate::vector::FieldKind;

    fn decoded(bytes: &[u8]) -> Tile {
        Tile::decode(bytes).unwrap()
    }

    fn one(geometry: &Geometry<f64>) -> Tile {
        let fields = [
            ("id", FieldKind::Integer),
            ("areaHa", FieldKind::Real),
            ("name", FieldKind::Text),
            ("open", FieldKind::Boolean),
        ]
        .map(|(name, kind)| Field::new(name, kind));
        let values = [
            Value::Integer(9_007_199_254_740_993),
            Value::Number(2.5),
            Value::Text("mine".into()),
            Value::Null,
        ];
        let feature = TileFeature { id: 7, geometry, values: &values };
        decoded(&encode("zones", &fields, [feature], |x, y| (x, 4096.0 - y)).unwrap())
    }

    #[test]
    fn a_polygon_comes_back_with_its_hole_and_its_values() {
        let geometry: Geometry<f64> = polygon!(
            exterior: [(x: 100.0, y: 100.0), (x: 500.0, y: 100.0), (x: 500.0, y: 500.0), (x: 100.0, y: 500.0)],
            interiors: [[(x: 200.0, y: 200.0), (x: 300.0, y: 200.0), (x: 300.0, y: 300.0), (x: 200.0, y: 300.0)]],
        ).into();
        let tile = one(&geometry);
        let layer = &tile.layers[0];
        assert_eq!((layer.name.as_str(), layer.version, layer.extent), ("zones", 2, Some(EXTENT)));
        assert_eq!(layer.keys, ["id", "areaHa", "name"]);
        assert_eq!(layer.features[0].id, Some(7));
        let back = layer.features[0].to_geo().unwrap();
        assert_eq!(back.unsigned_area(), 400.0 * 400.0 - 100.0 * 100.0);
        assert_eq!(
            (layer.values[0].sint_value, layer.values[1].double_value),
            (Some(9_007_199_254_740_993), Some(2.5))
        );
        assert_eq!(layer.values[2].string_value.as_deref(), Some("mine"));
        // The first ring encloses a positive area with y down, as the format asks.
        assert!(layer.features[0].geometry[0] == 9);
    }

    #[test]
    fn what_is_small_is_a_pixel_and_what_is_outside_is_not_there() {
        let small: Geometry<f64> =
            polygon![(x: 10.0, y: 10.0), (x: 11.0, y: 10.0), (x: 11.0, y: 11.0)].into();
        let tile = one(&small);
        assert_eq!(tile.layers[0].features[0].to_geo().unwrap().unsigned_area(), 256.0);
        let outside: Geometry<f64> =
            polygon![(x: 9000.0, y: 1.0), (x: 9900.0, y: 1.0), (x: 9900.0, y: 900.0)].into();
        let tile = one(&outside);
        assert!(tile.layers[0].features.is_empty() && tile.layers[0].name == "zones");
        assert_eq!(one(&geo::Point::new(4000.0, 90.0).into()).layers[0].features.len(), 1);
        assert_eq!(one(&geo::Point::new(4300.0, 90.0).into()).layers[0].features.len(), 0);
        let line: Geometry<f64> = LineString::from(vec![(-9e9, 2000.0), (9e9, 2000.0)]).into();
        let back = one(&line).layers[0].features[0].to_geo().unwrap();
        assert_eq!(back.bounding_rect().unwrap().width(), f64::from(EXTENT) + 2.0 * MARGIN);
    }

    proptest! {
        #[test]
        fn what_is_drawn_lies_in_the_tile_and_has_the_area_there(
            corners in prop::collection::vec((-9000.0..9000.0f64, -9000.0..9000.0f64), 3..3usize + 1), scale in 0.05..2.0f64,
        ) {
            let ring: Vec<Coord<f64>> = corners.iter().map(|(x, y)| Coord { x: x * scale, y: y * scale }).collect();
            let geometry = Geometry::Polygon(Polygon::new(LineString(ring), Vec::new()));
            let tile = one(&geometry);
            let (low, high) = (-MARGIN, f64::from(EXTENT) + MARGIN);
            let frame = geo::Rect::new(Coord { x: low, y: low }, Coord { x: high, y: high }).to_polygon();
            let flipped = geometry.map_coords(|c| Coord { x: c.x, y: 4096.0 - c.y });
            let Geometry::Polygon(polygon) = &flipped else { unreachable!() };
            let expected = geo::BooleanOps::intersection(polygon, &frame).unsigned_area();
            let found: f64 = tile.layers[0].features.iter().map(|f| f.to_geo().unwrap().unsigned_area()).sum();
            // Half a unit along each border, and what simplification moves.
            let room = 8.0 * 5.0 * (high - low);
            prop_assert!((found - expected).abs() <= room, "{found} {expected}");
            for feature in &tile.layers[0].features {
                let rect = feature.to_geo().unwrap().bounding_rect().unwrap();
                prop_assert!(rect.min().x >= low - PIXEL && rect.max().x <= high + PIXEL);
            }
        }
    }
}
