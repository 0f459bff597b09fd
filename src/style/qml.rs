//! Styles of QGIS: for maps of classes, rasters of percent and numbers, and layers of features.

use std::fmt::Write as _;

use super::escape;
use crate::classmap::{Hex, Legend, RampStop, Symbol, values_ramp};

const HEAD: &str = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n\
                    <qgis version=\"3.22\" styleCategories=\"Symbology\">\n";

/// A colour with its opacity (0..1) as QGIS writes it in a symbol.
fn rgba(Hex([r, g, b]): Hex, opacity: f32) -> String {
    format!("{r},{g},{b},{}", alpha(opacity))
}

fn alpha(opacity: f32) -> u8 {
    (255.0 * opacity).round() as u8
}

/// The style of a layer whose features are all drawn with one symbol.
pub fn of_features(symbol: &Symbol) -> String {
    let (kind, class, geometry, options) = match symbol {
        Symbol::Polygon { fill, opacity, outline, width } => (
            "fill",
            "SimpleFill",
            2,
            vec![
                ("color", rgba(*fill, *opacity)),
                ("outline_color", rgba(*outline, 1.0)),
                ("outline_width", width.to_string()),
                ("outline_width_unit", "MM".to_owned()),
                ("outline_style", "solid".to_owned()),
                ("joinstyle", "bevel".to_owned()),
                ("style", "solid".to_owned()),
            ],
        ),
        Symbol::Point { shape, fill, outline, size, width } => (
            "marker",
            "SimpleMarker",
            0,
            vec![
                ("name", shape.clone()),
                ("color", rgba(*fill, 1.0)),
                ("outline_color", rgba(*outline, 1.0)),
                ("outline_width", width.to_string()),
                ("outline_width_unit", "MM".to_owned()),
                ("outline_style", "solid".to_owned()),
                ("size", size.to_string()),
                ("size_unit", "MM".to_owned()),
            ],
        ),
    };
    let mut xml = format!(
        "{HEAD}  <renderer-v2 type=\"singleSymbol\" symbollevels=\"0\" enableorderby=\"0\" forceraster=\"0\">\n    \
         <symbols>\n      <symbol type=\"{kind}\" name=\"0\" alpha=\"1\" clip_to_extent=\"1\" force_rhr=\"0\">\n        \
         <layer class=\"{class}\" enabled=\"1\" locked=\"0\" pass=\"0\">\n          <Option type=\"Map\">\n"
    );
    for (name, value) in options {
        let value = escape(&value);
        let _ = writeln!(xml, "            <Option type=\"QString\" name=\"{name}\" value=\"{value}\"/>");
    }
    let _ = write!(
        xml,
        "          </Option>\n        </layer>\n      </symbol>\n    </symbols>\n  </renderer-v2>\n  \
         <layerGeometryType>{geometry}</layerGeometryType>\n</qgis>\n"
    );
    xml
}

/// The style of a map of classes. Without it QGIS lists all 256 entries that a colour table of bytes
/// has.
pub fn of_classes(legend: &Legend) -> String {
    let mut xml = format!(
        "{HEAD}  <pipe>\n    <rasterrenderer type=\"paletted\" band=\"1\" opacity=\"1\" alphaBand=\"-1\">\n      \
         <colorPalette>\n"
    );
    for class in &legend.classes {
        let (color, name) = (Hex(class.color), escape(&class.name));
        let _ = writeln!(
            xml,
            "        <paletteEntry value=\"{}\" color=\"{color}\" alpha=\"255\" label=\"{name}\"/>",
            class.code
        );
    }
    xml.push_str("      </colorPalette>\n    </rasterrenderer>\n  </pipe>\n</qgis>\n");
    xml
}

/// The style of a raster of numbers between two, in their unit: the ramp of numbers.
pub fn of_values(least: f64, greatest: f64, unit: &str) -> String {
    of_ramp(values_ramp(), least, greatest, unit)
}

/// The style of a raster of numbers between two, in their unit, along a ramp.
pub fn of_ramp(ramp: &[RampStop], least: f64, greatest: f64, unit: &str) -> String {
    let mut xml = format!(
        "{HEAD}  <pipe>\n    <rasterrenderer type=\"singlebandpseudocolor\" band=\"1\" opacity=\"1\" alphaBand=\"-1\" \
         classificationMin=\"{least}\" classificationMax=\"{greatest}\">\n      <rastershader>\n        \
         <colorrampshader colorRampType=\"INTERPOLATED\" classificationMode=\"1\" clip=\"0\" \
         minimumValue=\"{least}\" maximumValue=\"{greatest}\">\n"
    );
    for (i, stop) in ramp.iter().enumerate() {
        let value = least + (greatest - least) * i as f64 / (ramp.len() - 1) as f64;
        let label = format!("{} {unit}", short(value));
        let _ = writeln!(
            xml,
            "          <item value=\"{value}\" color=\"{}\" alpha=\"{}\" label=\"{}\"/>",
            stop.color,
            alpha(stop.opacity),
            escape(label.trim_end())
        );
    }
    xml.push_str(
        "        </colorrampshader>\n      </rastershader>\n    </rasterrenderer>\n  </pipe>\n</qgis>\n",
    );
    xml
}

/// A number in three significant digits, for people.
pub fn short(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return "0".to_owned();
    }
    let magnitude = value.abs().log10().floor() as i32;
    if !(-4..=6).contains(&magnitude) {
        return format!("{value:.2e}");
    }
    let decimals = (2 - magnitude).max(0) as usize;
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> roxmltree::Document<'_> {
        let options = roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() };
        roxmltree::Document::parse_with_options(text, options).unwrap()
    }

    #[test]
    fn styles_are_xml_with_the_colours_of_the_styles_folder() {
        let zones = of_features(Symbol::of("zones").unwrap());
        let xml = parse(&zones);
        let value = |name: &str| {
            xml.descendants().find(|n| n.attribute("name") == Some(name)).and_then(|n| n.attribute("value"))
        };
        assert_eq!(value("color"), Some("213,94,0,115"));
        assert!(xml.descendants().any(|n| n.attribute("class") == Some("SimpleFill")));
        let mines = of_features(Symbol::of("mines").unwrap());
        assert!(parse(&mines).descendants().any(|n| n.attribute("value") == Some("diamond")));
        let heat = of_values(0.0, 2.0, "1/km2 & <more>");
        let xml = parse(&heat);
        let items: Vec<_> = xml.descendants().filter(|n| n.has_tag_name("item")).collect();
        assert_eq!(items.len(), values_ramp().len());
        assert_eq!(items[1].attribute("label"), Some("0.5 1/km2 & <more>"));
        assert_eq!(items[0].attribute("alpha"), Some("0"));
    }

    #[test]
    fn numbers_for_people_are_short() {
        for (value, text) in [
            (0.0, "0"),
            (0.5, "0.5"),
            (123.456, "123"),
            (0.012_345, "0.0123"),
            (1e-9, "1.00e-9"),
            (-2.0, "-2"),
            (100.0, "100"),
        ] {
            assert_eq!(short(value), text);
        }
    }
}
