//! Marker types of outputs that are files: a member of a process's outputs has one of these as
//! its type, and the description tells its media type.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

/// Media type of cloud-optimized GeoTIFFs.
pub const GEOTIFF: &str = "image/tiff; application=geotiff; profile=cloud-optimized";
/// Media type of figures.
pub const SVG: &str = "image/svg+xml";
/// Media type of pictures.
pub const PNG: &str = "image/png";
/// Media type of tables.
pub const CSV: &str = "text/csv";
/// Media type of documents.
pub const JSON: &str = "application/json";
/// Media type of texts to read.
pub const MARKDOWN: &str = "text/markdown";
/// Media type of pages.
pub const HTML: &str = "text/html";
/// Media type of features.
pub const GEOJSON: &str = "application/geo+json";
/// Media type of features in GML.
pub const GML: &str = "application/gml+xml";
/// Media type of features in a GeoPackage.
pub const GEOPACKAGE: &str = "application/geopackage+sqlite3";
/// Media type of features in FlatGeobuf.
pub const FLATGEOBUF: &str = "application/flatgeobuf";
/// Media type of model files.
pub const MODEL: &str = "application/vnd.rededge.model+json";

/// Media type of bytes of any kind.
pub const BINARY: &str = "application/octet-stream";

/// The media types that a schema allows, the usual one first: its own and those of its
/// alternatives; JSON where it names none.
pub fn media_types(schema: &serde_json::Value) -> Vec<&str> {
    let alternatives = schema.get("oneOf").and_then(serde_json::Value::as_array).into_iter().flatten();
    let all = std::iter::once(schema).chain(alternatives);
    let types: Vec<&str> = all.filter_map(|s| s.get("contentMediaType")?.as_str()).collect();
    if types.is_empty() { vec![JSON] } else { types }
}

/// A media type without its parameters.
pub fn essence(media_type: &str) -> &str {
    media_type.split(';').next().unwrap_or_default().trim()
}

/// The ending of a file of this media type (parameters are ignored).
pub fn extension(media_type: &str) -> &'static str {
    match essence(media_type) {
        "image/tiff" => "tif",
        SVG => "svg",
        PNG => "png",
        CSV => "csv",
        GEOJSON => "geojson",
        "text/plain" => "txt",
        GML | "application/vnd.ogc.gml" => "gml",
        "text/xml" | "application/xml" => "xml",
        HTML => "html",
        MARKDOWN => "md",
        GEOPACKAGE => "gpkg",
        FLATGEOBUF => "fgb",
        JSON => "json",
        other if other.ends_with("+json") => "json",
        _ => "bin",
    }
}

macro_rules! file_output {
    ($(#[$doc:meta])* $name:ident, $schema:tt) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name;

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

file_output!(
    /// A raster: a cloud-optimized GeoTIFF.
    Coverage,
    {"type": "string", "contentEncoding": "binary", "contentMediaType": GEOTIFF}
);
file_output!(
    /// A figure: SVG.
    Figure,
    {"type": "string", "contentMediaType": SVG}
);
file_output!(
    /// A table: CSV with a header.
    TableCsv,
    {"type": "string", "contentMediaType": CSV}
);
file_output!(
    /// A text to read: Markdown.
    Markdown,
    {"type": "string", "contentMediaType": MARKDOWN}
);
file_output!(
    /// A page to read: HTML that loads nothing from elsewhere.
    HtmlPage,
    {"type": "string", "contentMediaType": HTML}
);
file_output!(
    /// A model file with its card.
    ModelFile,
    {"type": "string", "contentMediaType": MODEL}
);
file_output!(
    /// Features: GeoJSON, or by the output's `format` another.
    FeatureCollection,
    {"oneOf": [
        {"type": "object", "contentMediaType": GEOJSON, "format": "geojson-feature-collection"},
        {"type": "string", "contentEncoding": "binary", "contentMediaType": GEOPACKAGE},
        {"type": "string", "contentEncoding": "binary", "contentMediaType": FLATGEOBUF},
        {"type": "string", "contentMediaType": CSV}
    ]}
);
file_output!(
    /// Bytes of any type.
    Binary,
    {"type": "string", "contentEncoding": "binary", "contentMediaType": BINARY}
);
