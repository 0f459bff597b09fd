//! Styled Layer Descriptors 1.0.0, as GeoServer and QGIS read them.

use std::fmt::Write as _;

use super::qml::short;
use super::{Paint, Style, along, escape};
use crate::classmap::{Hex, Symbol};

/// Millimetres of a pixel as the standard has it.
const PIXEL: f32 = 0.28;

/// The style as a document.
pub fn sld(style: &Style) -> String {
    let (name, title) = (escape(&style.id), escape(&style.title));
    let symbolizer = match &style.paint {
        Paint::Classes(legend) => {
            let entry = |c: &crate::classmap::ClassEntry| {
                let (color, label) = (Hex(c.color), escape(&c.name));
                format!(
                    "              <ColorMapEntry color=\"{color}\" quantity=\"{}\" label=\"{label}\"/>\n",
                    c.code
                )
            };
            raster("values", &legend.classes.iter().map(entry).collect::<String>())
        }
        Paint::Ramp { stops, range, unit } => {
            let entry = |k: usize| {
                let share = k as f64 / (stops.len() - 1).max(1) as f64;
                let number = range.0 + (range.1 - range.0) * share;
                let [r, g, b, opacity] = along(stops, share);
                let label = escape(format!("{} {unit}", short(number)).trim_end());
                let opacity = (f64::from(opacity) / 2.55).round() / 100.0;
                format!(
                    "              <ColorMapEntry color=\"{}\" quantity=\"{number}\" opacity=\"{opacity}\" label=\"{label}\"/>\n",
                    Hex([r, g, b])
                )
            };
            raster("ramp", &(0..stops.len()).map(entry).collect::<String>())
        }
        Paint::Symbol(symbol) => features(symbol),
    };
    let mut abstract_ = String::new();
    if let Some(note) = &style.note {
        let _ = writeln!(abstract_, "      <Abstract>{}</Abstract>", escape(note));
    }
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <StyledLayerDescriptor version=\"1.0.0\" xmlns=\"http://www.opengis.net/sld\" \
         xmlns:ogc=\"http://www.opengis.net/ogc\" xmlns:xlink=\"http://www.w3.org/1999/xlink\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:schemaLocation=\"http://www.opengis.net/sld \
         http://schemas.opengis.net/sld/1.0.0/StyledLayerDescriptor.xsd\">\n  \
         <NamedLayer>\n    <Name>{name}</Name>\n    <UserStyle>\n      <Name>{name}</Name>\n      \
         <Title>{title}</Title>\n{abstract_}      <FeatureTypeStyle>\n        <Rule>\n          <Title>{title}</Title>\n\
         {symbolizer}        </Rule>\n      </FeatureTypeStyle>\n    </UserStyle>\n  </NamedLayer>\n\
         </StyledLayerDescriptor>\n"
    )
}

fn raster(kind: &str, entries: &str) -> String {
    format!(
        "          <RasterSymbolizer>\n            <ColorMap type=\"{kind}\">\n{entries}            </ColorMap>\n          \
         </RasterSymbolizer>\n"
    )
}

fn parameter(name: &str, value: &str) -> String {
    format!("<CssParameter name=\"{name}\">{value}</CssParameter>")
}

fn pixels(millimetres: f32) -> String {
    let pixels = (f64::from(millimetres / PIXEL) * 100.0).round() / 100.0;
    pixels.to_string()
}

fn features(symbol: &Symbol) -> String {
    let stroke = |color: &Hex, width: f32| {
        format!(
            "<Stroke>{}{}</Stroke>",
            parameter("stroke", &color.to_string()),
            parameter("stroke-width", &pixels(width))
        )
    };
    match symbol {
        Symbol::Polygon { fill, opacity, outline, width } => format!(
            "          <PolygonSymbolizer>\n            <Fill>{}{}</Fill>\n            {}\n          </PolygonSymbolizer>\n",
            parameter("fill", &fill.to_string()),
            parameter("fill-opacity", &((f64::from(*opacity) * 100.0).round() / 100.0).to_string()),
            stroke(outline, *width),
        ),
        Symbol::Point { shape, fill, outline, size, width } => {
            // The standard knows no diamond: a square on its corner.
            let (mark, turned) = match shape.as_str() {
                "diamond" => ("square", "<Rotation>45</Rotation>"),
                "circle" | "square" | "triangle" | "star" | "cross" | "x" => (shape.as_str(), ""),
                _ => ("circle", ""),
            };
            format!(
                "          <PointSymbolizer>\n            <Graphic>\n              <Mark><WellKnownName>{mark}</WellKnownName>\
                 <Fill>{}</Fill>{}</Mark>\n              <Size>{}</Size>{turned}\n            </Graphic>\n          \
                 </PointSymbolizer>\n",
                parameter("fill", &fill.to_string()),
                stroke(outline, *width),
                pixels(*size),
            )
        }
    }
}
