//! Vector inputs as GML: by WPS as desktop clients send them, by OGC API - Processes, by link and by name.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::server::{Server, header};
use super::server_links::{found, host, server};

const INPUTS: &str = "<wps:Input><ows:Identifier>cell</ows:Identifier><wps:Data><wps:LiteralData>500</wps:LiteralData></wps:Data></wps:Input>
    <wps:Input><ows:Identifier>bandwidth</ows:Identifier><wps:Data><wps:LiteralData>3000</wps:LiteralData></wps:Data></wps:Input>";

fn reference(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/gml");
    std::fs::read_to_string(folder.join(name)).unwrap()
}

/// What a WPS 1.0 client sends: the document without its declaration, in the namespaces of its own.
fn execute_1(mines: &str) -> String {
    format!(
        r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<wps:Execute version="1.0.0" service="WPS" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns="http://www.opengis.net/wps/1.0.0" xmlns:wfs="http://www.opengis.net/wfs" xmlns:wps="http://www.opengis.net/wps/1.0.0" xmlns:ows="http://www.opengis.net/ows/1.1" xmlns:gml="http://www.opengis.net/gml" xmlns:xlink="http://www.w3.org/1999/xlink" xsi:schemaLocation="http://www.opengis.net/wps/1.0.0 http://schemas.opengis.net/wps/1.0.0/wpsAll.xsd">
<ows:Identifier>mine-heatmap</ows:Identifier><wps:DataInputs>
<wps:Input><ows:Identifier>mines</ows:Identifier>{mines}</wps:Input>{INPUTS}
</wps:DataInputs><wps:ResponseForm><wps:RawDataOutput mimeType="image/tiff; subtype=geotiff"><ows:Identifier>density</ows:Identifier></wps:RawDataOutput></wps:ResponseForm></wps:Execute>"#
    )
}

fn data(attributes: &str, content: &str) -> String {
    format!("<wps:Data><wps:ComplexData {attributes}>{content}</wps:ComplexData></wps:Data>")
}

/// The density that mines in this form give.
fn density(server: &Server, mines: &str) -> String {
    let (status, headers, text) =
        server.call("POST", "/wps", &[("Content-Type", "text/xml")], &execute_1(mines));
    let kind = header(&headers, "content-type");
    assert!(status == 200 && kind.starts_with("image/tiff"), "{status} {kind}: {text}");
    text
}

#[test]
fn mines_of_wps_1_0_as_gml_give_the_density_of_the_same_as_geojson() {
    let home = tempfile::tempdir().unwrap();
    let gml3 = reference("gml3.gml");
    let (address, _) = host(move |_| found(&gml3));
    let server = server(home.path(), &[address], "");
    let geojson = reference("features.geojson");
    let wanted =
        density(&server, &data("mimeType=\"application/geo+json\"", &format!("<![CDATA[{geojson}]]>")));
    let bare = |name: &str| {
        let text = reference(name);
        let (_, body) = text.split_once("?>").unwrap();
        body.trim().to_owned()
    };
    for (attributes, name) in [
        (
            "mimeType=\"text/xml; subtype=gml/2.1.2\" schema=\"http://schemas.opengis.net/gml/2.1.2/feature.xsd\"",
            "gml2.gml",
        ),
        ("mimeType=\"text/xml; subtype=gml/3.1.1\" encoding=\"UTF-8\"", "gml3.gml"),
        (
            "mimeType=\"text/xml\" schema=\"http://schemas.opengis.net/gml/3.1.1/base/feature.xsd\"",
            "gml3-short.gml",
        ),
        ("mimeType=\"application/gml+xml; version=3.2\"", "gml32.gml"),
        ("", "gml3-uri.gml"),
    ] {
        assert!(density(&server, &data(attributes, &bare(name))) == wanted, "{name}");
    }
    let in_cdata = format!("<![CDATA[{}]]>", reference("gml32.gml"));
    assert!(density(&server, &data("mimeType=\"application/gml+xml\"", &in_cdata)) == wanted, "as text");
    let link = format!(
        r#"<wps:Reference mimeType="text/xml; subtype=gml/3.1.1" xlink:href="http://{address}/wfs?request=GetFeature"/>"#
    );
    assert!(density(&server, &link) == wanted, "by reference");
}

#[test]
fn gml_is_taken_as_a_qualified_value_by_link_by_name_and_by_its_own_clients_errors_are_named() {
    let home = tempfile::tempdir().unwrap();
    let gml = reference("gml32.gml");
    let file = home.path().join("pits.gml");
    std::fs::write(&file, &gml).unwrap();
    let kept = gml.clone();
    let (address, _) = host(move |_| found(&kept));
    let server = server(home.path(), &[address], &format!("[data.mines]\npits = {file:?}\n"));
    let run = |mines: &Value| {
        let request = json!({"inputs": {"mines": mines, "cell": 500}, "outputs": {"mineProblems": {}}});
        let (status, _, answer) = server.execute("mine-heatmap", "", &request);
        (status, answer)
    };
    let value = |text: &str| json!({"value": text, "mediaType": "application/gml+xml; version=3.2"});
    let by_link = json!({"href": format!("http://{address}/x"), "type": "application/gml+xml"});
    let by_ending = json!({"href": format!("http://{address}/x.gml")});
    let mut answers = Vec::new();
    for mines in [value(&gml), by_link, by_ending, json!("pits")] {
        let (status, answer) = run(&mines);
        assert_eq!(status, 200, "{mines}: {answer}");
        answers.push(answer);
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    let told = answers[0].to_string();
    assert!(
        told.contains("it is a line; expected a point or a polygon") && told.contains("it has no geometry"),
        "{told}"
    );

    // What the operator offers as GML is a collection like others.
    let (status, items) = server.get("/collections/pits/items?limit=10");
    assert_eq!(status, 200, "{items}");
    assert_eq!(items["numberMatched"], 6, "{items}");
    assert_eq!(items["features"][2]["properties"]["class"], "水稻", "{items}");

    for (text, why) in [
        (r#"<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>"#.to_owned(), "DOCTYPE"),
        (gml.replace("EPSG::4326", "EPSG::432600"), "EPSG:432600"),
        (gml.replace("</ogr:FeatureCollection>", ""), "within an element"),
        (gml.replace("27.9 113.1", "27.9 east"), "`east` is not a number"),
    ] {
        let (status, answer) = run(&value(&text));
        let told = answer.to_string();
        if why == "`east` is not a number" {
            assert!(status == 200 && told.contains(why), "{answer}");
            continue;
        }
        assert!(status == 400 && answer["input"].as_str().unwrap().starts_with("mines"), "{answer}");
        assert!(told.contains(why) && !told.contains("root:") && !told.contains("/tmp"), "{answer}");
    }
}

/// What the GDAL of this machine writes is read too, whatever its version.
#[test]
fn gml_of_the_gdal_at_hand_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/gml/features.geojson");
    let wanted = rededge::io::vectors::read(&source).unwrap().table.features;
    for format in ["GML2", "GML3", "GML3.2", "GML3Deegree"] {
        let path = folder.path().join(format!("{format}.gml"));
        let made = Command::new("ogr2ogr")
            .args(["-q", "-f", "GML", "-dsco"])
            .arg(format!("FORMAT={format}"))
            .args([&path, &source])
            .status();
        let Ok(status) = made else {
            println!("skipped: ogr2ogr is absent");
            return;
        };
        assert!(status.success(), "{format}");
        let read = rededge::io::vectors::read(&path).unwrap_or_else(|e| panic!("{format}: {e}"));
        assert_eq!(read.table.features.len(), wanted.len(), "{format}");
        for (found, wanted) in read.table.features.iter().zip(&wanted) {
            assert_eq!(found.geometry, wanted.geometry, "{format}");
            assert_eq!(found.properties["class"], wanted.properties["class"], "{format}");
        }
    }
}
