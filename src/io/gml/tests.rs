//! GML as ogr2ogr and clients write it, and what must be refused.

use geo::{CoordsIter as _, Geometry};
use proptest::prelude::*;

use crate::crs::Crs;
use crate::io::vector_rows;
use crate::io::vectors::{VectorData, VectorFormat, parse};
use crate::vector::Value;

const HEAD: &str = r#"xmlns:gml="http://www.opengis.net/gml/3.2" xmlns:wfs="http://www.opengis.net/wfs/2.0" xmlns:x="urn:x""#;

fn read(text: &str) -> Result<VectorData, String> {
    parse("a.gml", VectorFormat::Gml, text.as_bytes()).map_err(|e| e.to_string())
}

/// A geometry in GML by itself.
fn shape(inner: &str) -> Result<Geometry<f64>, String> {
    let inner = inner.replacen('>', &format!(" {HEAD}>"), 1);
    Ok(read(&inner)?.table.features.remove(0).geometry)
}

fn reference(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/reference/gml/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// Places to eight digits, as far as GDAL writes metres.
fn places(geometry: &Geometry<f64>) -> Vec<String> {
    geometry.coords_iter().map(|c| format!("{:.8} {:.8}", c.x, c.y)).collect()
}

#[test]
fn what_gdal_writes_in_each_version_is_what_the_geojson_holds() {
    let wanted = parse("features.geojson", VectorFormat::GeoJson, &reference("features.geojson")).unwrap();
    assert_eq!((wanted.table.features.len(), wanted.without_geometry), (6, 1));
    for name in ["gml2", "gml3", "gml32", "gml3-uri", "gml3-short", "gml32-utm"] {
        let bytes = reference(&format!("{name}.gml"));
        let found = parse(name, VectorFormat::Gml, &bytes).unwrap();
        assert_eq!(found.without_geometry, 1, "{name}");
        assert_eq!(found.table.features.len(), 6, "{name}");
        for (k, (found, wanted)) in found.table.features.into_iter().zip(&wanted.table.features).enumerate() {
            assert_eq!(places(&found.geometry), places(&wanted.geometry), "{name} {k}");
            let kind = std::mem::discriminant::<Geometry<f64>>;
            assert_eq!(kind(&found.geometry), kind(&wanted.geometry), "{name} {k}");
            let mut properties = found.properties;
            assert_eq!(properties.remove("id"), Some(Value::Text(format!("features.{k}"))), "{name}");
            properties.retain(|_, value| *value != Value::Null);
            let mut wanted = wanted.properties.clone();
            wanted.retain(|_, value| *value != Value::Null);
            assert_eq!(properties, wanted, "{name} {k}");
        }
        // Row by row, lines and what has no place are told.
        let rows = vector_rows::parse(name, VectorFormat::Gml, &bytes, None).unwrap();
        assert_eq!((rows.rows, rows.problems.len()), (vec![1, 2, 3, 4], 3), "{name}");
    }
}

#[test]
fn a_server_of_features_and_owslib_are_read_as_they_write() {
    let wfs = format!(
        r#"<?xml version="1.0"?><wfs:FeatureCollection {HEAD} numberReturned="2"><wfs:boundedBy><gml:Envelope srsName="urn:ogc:def:crs:EPSG::4326"/></wfs:boundedBy>
        <wfs:member><x:mine gml:id="m.1"><x:name>Old pit</x:name><x:at><gml:Point><gml:pos>27.9 113.1</gml:pos></gml:Point></x:at><x:deep><x:er>1</x:er></x:deep></x:mine></wfs:member>
        <wfs:member><wfs:FeatureCollection><wfs:member><x:mine><x:name/><gml:boundedBy><gml:Envelope srsName="EPSG:4326"/></gml:boundedBy><x:at><gml:Point><gml:pos>113.2 27.8 40</gml:pos></gml:Point></x:at></x:mine></wfs:member></wfs:FeatureCollection></wfs:member>
        </wfs:FeatureCollection>"#
    );
    let found = read(&wfs).unwrap().table.features;
    assert_eq!(places(&found[0].geometry), ["113.10000000 27.90000000"]);
    assert_eq!(places(&found[1].geometry), ["113.20000000 27.80000000"]);
    let names: Vec<_> = found[0].properties.keys().collect();
    assert_eq!(names, ["id", "name"], "what has elements in it is no property");
    assert_eq!(found[1].properties["name"], Value::Null);

    // GMLMultiPolygonFeatureCollection of OWSLib 0.35.
    let owslib = r#"<gml:featureMembers xmlns:gml="http://www.opengis.net/gml" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="gov.usgs.cida.gdp.draw draw.xsd"><gml:box gml:id="box.1"><gml:the_geom><gml:MultiPolygon srsDimension="2" srsName="http://www.opengis.net/gml/srs/epsg.xml#4326"><gml:polygonMember><gml:Polygon><gml:exterior><gml:LinearRing><gml:posList>113 27 113 28 114 28 113 27</gml:posList></gml:LinearRing></gml:exterior></gml:Polygon></gml:polygonMember></gml:MultiPolygon></gml:the_geom><gml:ID>0</gml:ID></gml:box></gml:featureMembers>"#;
    let found = read(owslib).unwrap().table.features;
    assert!(matches!(&found[0].geometry, Geometry::MultiPolygon(m) if m.0.len() == 1));
    assert_eq!(found[0].geometry.coords_iter().nth(1), Some(geo::Coord { x: 113.0, y: 28.0 }));
    let feature = format!(
        "<x:mine {HEAD}><x:name>a</x:name><x:at><gml:Point><gml:pos>1 2</gml:pos></gml:Point></x:at></x:mine>"
    );
    assert_eq!(read(&feature).unwrap().table.features[0].properties["name"], Value::Text("a".into()));
}

#[test]
fn the_order_of_axes_is_that_of_the_name() {
    for (name, swapped) in [
        ("EPSG:4326", false),
        ("http://www.opengis.net/gml/srs/epsg.xml#4326", false),
        ("urn:ogc:def:crs:OGC:1.3:CRS84", false),
        ("http://www.opengis.net/def/crs/OGC/1.3/CRS84", false),
        ("urn:ogc:def:crs:EPSG::4326", true),
        ("urn:ogc:def:crs:EPSG:6.9:4326", true),
        ("urn:x-ogc:def:crs:EPSG:4326", true),
        ("http://www.opengis.net/def/crs/EPSG/0/4326", true),
        ("urn:ogc:def:crs:EPSG::4490", true),
    ] {
        let found = shape(&format!(r#"<gml:Point srsName="{name}"><gml:pos>27 13</gml:pos></gml:Point>"#));
        let found = found.unwrap_or_else(|e| panic!("{name}: {e}"));
        let place = if swapped { (13.0, 27.0) } else { (27.0, 13.0) };
        let Geometry::Point(point) = found else { panic!() };
        assert!((point.x() - place.0).abs() < 1e-6 && (point.y() - place.1).abs() < 1e-6, "{name} {point:?}");
    }
    // Metres of a system whose authority writes north first (Gauss-Krueger of CGCS2000).
    let (mut x, mut y) = ([37_500_000.0], [3_000_000.0]);
    let crs = Crs::from_epsg(4525).unwrap();
    crs.transformer_to(&Crs::wgs84()).unwrap().apply(&mut x, &mut y).unwrap();
    let metres =
        r#"<gml:Point srsName="urn:ogc:def:crs:EPSG::4525"><gml:pos>3000000 37500000</gml:pos></gml:Point>"#;
    let Geometry::Point(point) = shape(metres).unwrap() else { panic!() };
    assert!((point.x() - x[0]).abs() < 1e-9 && (point.y() - y[0]).abs() < 1e-9, "{point:?}");
}

#[test]
fn shapes_are_read_in_all_the_ways_they_are_written() {
    let count = |inner: &str| shape(inner).map(|g| (g.coords_count(), g));
    let ring = "<gml:LinearRing><gml:pos>0 0</gml:pos><gml:pos>1 0</gml:pos><gml:pos>1 1</gml:pos><gml:pos>0 0</gml:pos></gml:LinearRing>";
    let polygon = format!("<gml:Polygon><gml:exterior>{ring}</gml:exterior></gml:Polygon>");
    let (n, found) = count(&polygon).unwrap();
    assert!(n == 4 && matches!(found, Geometry::Polygon(_)));
    let high = "<gml:LineString srsDimension=\"3\"><gml:posList>0 0 9 1 1 9</gml:posList></gml:LineString>";
    assert_eq!(count(high).unwrap().0, 2);
    let old = "<gml:LineString><gml:coord><gml:X>0</gml:X><gml:Y>1</gml:Y></gml:coord><gml:coord><gml:X>2</gml:X><gml:Y>3</gml:Y></gml:coord></gml:LineString>";
    assert_eq!(count(old).unwrap().0, 2);
    let comma = r#"<gml:LineString><gml:coordinates decimal="," cs=";" ts="|">0,5;1|2;3,5</gml:coordinates></gml:LineString>"#;
    assert_eq!(places(&shape(comma).unwrap()), ["0.50000000 1.00000000", "2.00000000 3.50000000"]);
    let surface = format!(
        "<gml:Surface><gml:patches><gml:PolygonPatch><gml:exterior>{ring}</gml:exterior></gml:PolygonPatch></gml:patches></gml:Surface>"
    );
    assert!(matches!(count(&surface).unwrap(), (4, Geometry::Polygon(_))));
    let curves = "<gml:Polygon><gml:exterior><gml:Ring><gml:curveMember><gml:LineString><gml:posList>0 0 1 0</gml:posList></gml:LineString></gml:curveMember><gml:curveMember><gml:Curve><gml:segments><gml:LineStringSegment><gml:posList>1 0 1 1 0 0</gml:posList></gml:LineStringSegment></gml:segments></gml:Curve></gml:curveMember></gml:Ring></gml:exterior></gml:Polygon>";
    assert_eq!(count(curves).unwrap().0, 4);
    let members = format!(
        "<gml:MultiSurface><gml:surfaceMembers>{polygon}{polygon}</gml:surfaceMembers></gml:MultiSurface>"
    );
    assert!(matches!(count(&members).unwrap(), (8, Geometry::MultiPolygon(m)) if m.0.len() == 2));
    let points = "<gml:MultiPoint><gml:pointMembers><gml:Point><gml:pos>1 2</gml:pos></gml:Point><gml:Point><gml:coordinates>3,4</gml:coordinates></gml:Point></gml:pointMembers></gml:MultiPoint>";
    assert!(matches!(count(points).unwrap(), (2, Geometry::MultiPoint(_))));
    assert_eq!(read(&format!("<gml:Point {HEAD}/>")).unwrap().without_geometry, 1);
}

#[test]
fn mistakes_and_harm_are_named() {
    let point = |system: &str| {
        format!(
            r#"<gml:featureMember><x:m><x:g><gml:Point srsName="{system}"><gml:pos>1 2</gml:pos></gml:Point></x:g></x:m></gml:featureMember>"#
        )
    };
    let both = |a: &str, b: &str| format!("<x:C {HEAD}>{}{}</x:C>", point(a), point(b));
    assert!(read(&both("EPSG:4326", "urn:ogc:def:crs:OGC:1.3:CRS84")).is_ok());
    let names: String = (0..20).map(|k| point(&format!("urn:ogc:def:crs:EPSG:{k}:4326"))).collect();
    let deep = format!("<a>{}</a>", "<a>".repeat(100));
    let many = format!(
        "<x:C {HEAD}><gml:featureMember><x:m>{}</x:m></gml:featureMember></x:C>",
        "<x:a/>".repeat(500_001)
    );
    for (text, why) in [
        (String::new(), "no element"),
        ("<a>".to_owned(), "within an element"),
        ("<a></b>".to_owned(), "not GML"),
        ("<a/>".to_owned(), "<a> is neither a collection"),
        ("<a:b/>".to_owned(), "prefix a: is not declared"),
        (deep, "too deep"),
        (many, "more than 500000 elements"),
        (
            format!("<a {}/>", (0..200).map(|k| format!("b{k}=\"\" ")).collect::<String>()),
            "too many attributes",
        ),
        ("<?xml version=\"1.0\" encoding=\"EBCDIC-5\"?><a/>".to_owned(), "encoding `EBCDIC-5` is not known"),
        (r#"<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>"#.to_owned(), "DOCTYPE"),
        (
            format!("<x:C {HEAD}><gml:featureMember><x:m><x:n>&b;</x:n></x:m></gml:featureMember></x:C>"),
            "&b;",
        ),
        (both("EPSG:4326", "EPSG:32649"), "feature 2 is in EPSG:32649, those before it in EPSG:4326"),
        (both("EPSG:0", "EPSG:0"), "EPSG:0"),
        (both("http://evil.example/crs.xml", ""), "evil.example"),
        (format!("<x:C {HEAD}>{names}</x:C>"), "more than 16 names"),
        (
            format!("<gml:Point {HEAD}><gml:pos>1 north</gml:pos></gml:Point>"),
            "feature 1: `north` is not a number",
        ),
        (format!("<gml:Point {HEAD}><gml:pos>1 NaN</gml:pos></gml:Point>"), "`NaN` is not a number"),
        (format!("<gml:Point {HEAD}><gml:pos>1</gml:pos></gml:Point>"), "one number"),
        (
            format!("<gml:LineString {HEAD}><gml:posList>1 2 3</gml:posList></gml:LineString>"),
            "give srsDimension",
        ),
        (format!("<gml:Point {HEAD}><gml:coordinates>1</gml:coordinates></gml:Point>"), "no position"),
        (format!("<gml:Solid {HEAD}/>"), "gml:Solid is not read"),
        (
            format!("<gml:Curve {HEAD}><gml:segments><gml:Arc/></gml:segments></gml:Curve>"),
            "gml:Arc is not read",
        ),
        (
            format!("<gml:Point {HEAD}><gml:pos>700000 3000000</gml:pos></gml:Point>"),
            "no longitude and latitude",
        ),
    ] {
        let error = read(&text).unwrap_err();
        assert!(error.contains(why) && error.contains("a.gml"), "{why}: {error}");
        assert!(!error.contains("root:"), "{error}");
    }
}

proptest! {
    #[test]
    fn any_text_is_survived(inner in "[<>/a-zPp:=\"' &;!\\[\\]0-9.,-]{0,80}") {
        _ = read(&inner);
        _ = read(&format!("<x:C {HEAD}><gml:featureMember><x:m><x:g>{inner}</x:g></x:m></gml:featureMember></x:C>"));
        _ = read(&format!("<gml:Polygon {HEAD}><gml:exterior>{inner}</gml:exterior></gml:Polygon>"));
    }
}
