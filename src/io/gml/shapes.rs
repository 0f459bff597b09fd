//! Geometries as GML 2 and 3 write them, in the order of axes in which they stand.

use geo::{
    Coord, Geometry, GeometryCollection, LineString, MultiLineString, MultiPoint, MultiPolygon, Polygon,
};

use super::tree::Node;

/// The names of geometries, those that are not read included.
const GEOMETRIES: [&str; 19] = [
    "Point",
    "LineString",
    "LinearRing",
    "Curve",
    "CompositeCurve",
    "OrientableCurve",
    "Polygon",
    "Surface",
    "PolyhedralSurface",
    "Tin",
    "CompositeSurface",
    "OrientableSurface",
    "MultiPoint",
    "MultiLineString",
    "MultiCurve",
    "MultiPolygon",
    "MultiSurface",
    "MultiGeometry",
    "Solid",
];

/// Whether an element is a geometry.
pub(super) fn is_geometry(node: &Node) -> bool {
    node.is_gml && GEOMETRIES.contains(&node.name.as_str())
}

/// How the coordinates of an element are written, as those around it tell.
#[derive(Clone, Copy)]
struct Written {
    /// Numbers of a position.
    dimensions: usize,
}

impl Written {
    fn within(self, node: &Node) -> Self {
        let told = node.attribute("srsDimension").or_else(|| node.attribute("dimension"));
        let told = told.and_then(|text| text.trim().parse().ok()).filter(|n| (2..=4).contains(n));
        Self { dimensions: told.unwrap_or(self.dimensions) }
    }
}

/// The geometry of an element; nothing where it is empty.
///
/// # Errors
/// What cannot be read of it.
pub(super) fn geometry(node: &Node) -> Result<Option<Geometry<f64>>, String> {
    let geometry = of(node, Written { dimensions: 2 })?;
    Ok(Some(geometry).filter(|g| geo::CoordsIter::coords_count(g) > 0))
}

fn of(node: &Node, written: Written) -> Result<Geometry<f64>, String> {
    let written = written.within(node);
    let parts = |members: &[&str]| -> Result<Vec<Geometry<f64>>, String> {
        node.named(members).flat_map(|m| &m.children).map(|child| of(child, written)).collect()
    };
    Ok(match node.name.as_str() {
        "Point" => match line(node, written)?.0.as_slice() {
            [] => MultiPoint(Vec::new()).into(),
            [place] => geo::Point(*place).into(),
            _ => return Err("a Point has several positions".to_owned()),
        },
        "LineString" | "LinearRing" | "Curve" | "CompositeCurve" | "Ring" => curve(node, written)?.into(),
        "Polygon" | "PolygonPatch" | "Triangle" | "Rectangle" => polygon(node, written)?.into(),
        "Surface" | "PolyhedralSurface" | "Tin" => {
            let patches = node.named(&["patches", "polygonPatches", "trianglePatches"]);
            let patches: Vec<_> = patches.flat_map(|p| &p.children).collect();
            match patches.as_slice() {
                [one] => of(one, written)?,
                many => {
                    let parts = many.iter().map(|patch| of(patch, written));
                    polygons(parts.collect::<Result<_, _>>()?)?
                }
            }
        }
        "MultiPoint" => {
            let mut points = Vec::new();
            for part in parts(&["pointMember", "pointMembers"])? {
                match part {
                    Geometry::Point(point) => points.push(point),
                    Geometry::MultiPoint(none) if none.0.is_empty() => {}
                    _ => return Err("a MultiPoint holds other things than points".to_owned()),
                }
            }
            MultiPoint(points).into()
        }
        "MultiLineString" | "MultiCurve" => {
            let mut lines = Vec::new();
            for part in parts(&["lineStringMember", "curveMember", "curveMembers"])? {
                match part {
                    Geometry::LineString(line) => lines.push(line),
                    _ => return Err(format!("a {} holds other things than lines", node.name)),
                }
            }
            MultiLineString(lines).into()
        }
        "MultiPolygon" | "MultiSurface" | "CompositeSurface" => {
            polygons(parts(&["polygonMember", "surfaceMember", "surfaceMembers"])?)?
        }
        "MultiGeometry" => Geometry::GeometryCollection(GeometryCollection::from(parts(&[
            "geometryMember",
            "geometryMembers",
        ])?)),
        other => return Err(format!("a gml:{other} is not read; write it as points or polygons")),
    })
}

/// Polygons and parts of several in one.
fn polygons(parts: Vec<Geometry<f64>>) -> Result<Geometry<f64>, String> {
    let mut all = Vec::new();
    for part in parts {
        match part {
            Geometry::Polygon(polygon) => all.push(polygon),
            Geometry::MultiPolygon(more) => all.extend(more),
            _ => return Err("a surface of several parts holds other things than polygons".to_owned()),
        }
    }
    Ok(MultiPolygon(all).into())
}

fn polygon(node: &Node, written: Written) -> Result<Polygon<f64>, String> {
    let ring = |around: &Node| {
        let ring = around.children.first().ok_or_else(|| format!("a gml:{} is empty", around.name))?;
        curve(ring, written)
    };
    let exterior = node.named(&["exterior", "outerBoundaryIs"]).next().map(ring).transpose()?;
    let interiors = node.named(&["interior", "innerBoundaryIs"]).map(ring).collect::<Result<_, _>>()?;
    Ok(Polygon::new(exterior.unwrap_or_else(|| LineString(Vec::new())), interiors))
}

/// The line of straight pieces that an element is, its pieces joined where they meet.
fn curve(node: &Node, written: Written) -> Result<LineString<f64>, String> {
    let written = written.within(node);
    let pieces: Vec<&Node> = match node.name.as_str() {
        "LineString" | "LinearRing" | "LineStringSegment" => return line(node, written),
        "Curve" => node.named(&["segments"]).flat_map(|s| &s.children).collect(),
        "CompositeCurve" | "Ring" => node.named(&["curveMember"]).flat_map(|m| &m.children).collect(),
        other => return Err(format!("a gml:{other} is not read; write it as straight lines")),
    };
    let mut joined: Vec<Coord<f64>> = Vec::new();
    for piece in pieces {
        let piece = curve(piece, written)?.0;
        let met = joined.last().is_some_and(|last| piece.first() == Some(last));
        joined.extend(piece.into_iter().skip(usize::from(met)));
    }
    Ok(LineString(joined))
}

/// The positions right in an element, whichever way they are written.
fn line(node: &Node, written: Written) -> Result<LineString<f64>, String> {
    let mut places = Vec::new();
    for child in node.children.iter().filter(|child| child.is_gml) {
        let written = written.within(child);
        match child.name.as_str() {
            "pos" => {
                let numbers = numbers(&child.text)?;
                match numbers.as_slice() {
                    [x, y, ..] => places.push(Coord { x: *x, y: *y }),
                    [] => {}
                    _ => return Err("a gml:pos has one number".to_owned()),
                }
            }
            "posList" => {
                let numbers = numbers(&child.text)?;
                if !numbers.len().is_multiple_of(written.dimensions) {
                    return Err(format!(
                        "a gml:posList has {} numbers, which are no positions of {}; give srsDimension",
                        numbers.len(),
                        written.dimensions
                    ));
                }
                places.extend(numbers.chunks_exact(written.dimensions).map(|p| Coord { x: p[0], y: p[1] }));
            }
            "coordinates" => coordinates(child, &mut places)?,
            "coord" => {
                let part = |name: &str| {
                    let text = child.children.iter().find(|n| n.name == name).map(|n| n.text.trim());
                    number(text.ok_or_else(|| format!("a gml:coord has no {name}"))?)
                };
                places.push(Coord { x: part("X")?, y: part("Y")? });
            }
            "pointProperty" | "pointRep" => {
                for point in &child.children {
                    places.extend(line(point, written)?.0);
                }
            }
            _ => {}
        }
    }
    Ok(LineString(places))
}

/// `x,y x,y`, or as the element says that its numbers stand.
fn coordinates(node: &Node, places: &mut Vec<Coord<f64>>) -> Result<(), String> {
    let sign = |name, usual| node.attribute(name).and_then(|text| text.chars().next()).unwrap_or(usual);
    let (point, between, behind) = (sign("decimal", '.'), sign("cs", ','), sign("ts", ' '));
    let is_end = |c: char| if behind.is_whitespace() { c.is_whitespace() } else { c == behind };
    for tuple in node.text.split(is_end).map(str::trim).filter(|tuple| !tuple.is_empty()) {
        let mut parts = tuple.split(between).map(str::trim);
        let mut next = || match parts.next() {
            Some(text) if point != '.' => number(&text.replace(point, ".")),
            Some(text) => number(text),
            None => Err(format!("`{}` in gml:coordinates is no position", short(tuple))),
        };
        places.push(Coord { x: next()?, y: next()? });
    }
    Ok(())
}

fn numbers(text: &str) -> Result<Vec<f64>, String> {
    text.split_ascii_whitespace().map(number).collect()
}

fn number(text: &str) -> Result<f64, String> {
    let parsed = text.parse().ok().filter(|number: &f64| number.is_finite());
    parsed.ok_or_else(|| format!("`{}` is not a number", short(text)))
}

fn short(text: &str) -> String {
    text.chars().take(40).collect()
}
