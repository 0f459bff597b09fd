//! Styles of MapLibre GL (version 8 of the Mapbox style specification).

use serde_json::{Value, json};

use super::{Paint, Style};
use crate::classmap::Symbol;

/// Pixels of a millimetre on a screen of 96 dots per inch.
const PIXELS: f32 = 96.0 / 25.4;

/// Where the tiles of a layer are.
#[derive(Clone, Debug, Default)]
pub struct LayerSource {
    /// Addresses of tiles with `{z}`, `{x}` and `{y}`.
    pub tiles: Vec<String>,
    /// West, south, east, north.
    pub bounds: Option<[f64; 4]>,
    /// The finest level with tiles of its own.
    pub max_zoom: u8,
    /// Whom to name.
    pub attribution: Option<String>,
    /// The layer within vector tiles.
    pub layer: String,
}

/// The style of one layer.
pub fn maplibre(style: &Style, source: &LayerSource) -> Value {
    let kind = if style.is_of_features() { "vector" } else { "raster" };
    let mut from = json!({"type": kind, "tiles": source.tiles, "maxzoom": source.max_zoom});
    if kind == "raster" {
        from["tileSize"] = 256.into();
    }
    // Bounds across the date line are none that MapLibre knows.
    if let Some(bounds) = source.bounds.filter(|b| b[0] <= b[2]) {
        from["bounds"] = json!(bounds);
    }
    if let Some(attribution) = &source.attribution {
        from["attribution"] = attribution.as_str().into();
    }
    let layers = match &style.paint {
        // Pixels of classes keep their edges.
        Paint::Classes(_) => vec![json!({
            "id": style.id, "type": "raster", "source": "layer",
            "paint": {"raster-resampling": "nearest", "raster-fade-duration": 0}
        })],
        Paint::Ramp { .. } => vec![json!({
            "id": style.id, "type": "raster", "source": "layer", "paint": {"raster-resampling": "linear"}
        })],
        Paint::Symbol(symbol) => symbol_layers(&style.id, symbol, &source.layer),
    };
    json!({
        "version": 8, "name": style.title, "metadata": {"rededge:legend": style.legend()},
        "sources": {"layer": from}, "layers": layers
    })
}

fn pixels(millimetres: f32) -> f64 {
    (f64::from(millimetres * PIXELS) * 100.0).round() / 100.0
}

fn symbol_layers(id: &str, symbol: &Symbol, layer: &str) -> Vec<Value> {
    match symbol {
        Symbol::Polygon { fill, opacity, outline, width } => vec![
            json!({
                "id": id, "type": "fill", "source": "layer", "source-layer": layer,
                "paint": {"fill-color": fill.to_string(), "fill-opacity": (f64::from(*opacity) * 100.0).round() / 100.0}
            }),
            json!({
                "id": format!("{id}-outline"), "type": "line", "source": "layer", "source-layer": layer,
                "paint": {"line-color": outline.to_string(), "line-width": pixels(*width)}
            }),
        ],
        // A circle needs no picture of a symbol from elsewhere.
        Symbol::Point { fill, outline, size, width, .. } => vec![json!({
            "id": id, "type": "circle", "source": "layer", "source-layer": layer,
            "paint": {
                "circle-color": fill.to_string(), "circle-radius": pixels(*size / 2.0),
                "circle-stroke-color": outline.to_string(), "circle-stroke-width": pixels(*width)
            }
        })],
    }
}
