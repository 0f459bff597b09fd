//! How layers are drawn: one style a legend of `styles/`, and from it what each program reads:
//! MapLibre styles, SLD, QGIS's QML, the palette of tiles, and legends as JSON and PNG.

pub mod canvas;
mod legend;
mod legend_picture;
mod maplibre;
mod palette;
pub mod qml;
mod sld;

use serde_json::Value;

pub use legend::{EntryValue, LegendEntry, share, ticks};
pub use legend_picture::picture;
pub use maplibre::{LayerSource, maplibre};
pub use palette::Palette;
pub use sld::sld;

use crate::classmap::{Legend, RampStop, Symbol, index_ramp, names, percent_ramp, values_ramp};

/// Media type of MapLibre styles.
pub const MAPLIBRE: &str = "application/vnd.mapbox.style+json";
/// Media type of SLD.
pub const SLD: &str = "application/vnd.ogc.sld+xml;version=1.0";
/// Media type of QGIS's styles.
pub const QML: &str = "application/vnd.qgis.qml+xml";

/// A way of drawing.
#[derive(Clone, Debug)]
pub struct Style {
    /// Its id.
    pub id: String,
    /// For people, in English.
    pub title: String,
    /// The same in Chinese, where there is one.
    pub title_zh: Option<String>,
    /// What must be said with it.
    pub note: Option<String>,
    /// What is drawn how.
    pub paint: Paint,
}

/// What is drawn how.
#[derive(Clone, Debug)]
pub enum Paint {
    /// Codes by their colours.
    Classes(Legend),
    /// Numbers along a ramp.
    Ramp {
        /// The ramp's colours, at equal distances.
        stops: Vec<RampStop>,
        /// The number at its beginning and at its end.
        range: (f64, f64),
        /// Of the numbers.
        unit: String,
    },
    /// Features, all alike.
    Symbol(Symbol),
}

/// Ids of the styles in `styles/`, in their order.
pub const IDS: [&str; 9] =
    ["rice", "stress", "land-cover", "probability", "persistence", "heat-map", "index", "zones", "mines"];

impl Style {
    /// The style with this id, of those in `styles/`.
    pub fn find(id: &str) -> Option<Self> {
        if !IDS.contains(&id) {
            return None;
        }
        let (paint, note) = if let Some(legend) = Legend::by_style(id) {
            let note = legend.note().map(str::to_owned);
            (Paint::Classes(legend), note)
        } else if let Some(symbol) = Symbol::of(id) {
            (Paint::Symbol(symbol.clone()), None)
        } else if let Some(colors) = percent_ramp(id) {
            let stops = colors.iter().map(|&color| RampStop { color, opacity: 1.0 }).collect();
            (Paint::Ramp { stops, range: (0.0, 100.0), unit: "%".to_owned() }, None)
        } else {
            let stops = if id == "index" { index_ramp() } else { values_ramp() }.to_vec();
            (Paint::Ramp { stops, range: (0.0, 1.0), unit: String::new() }, None)
        };
        Some(Self::named(id, paint, note))
    }

    /// All styles in `styles/`.
    pub fn all() -> impl Iterator<Item = Self> {
        IDS.into_iter().filter_map(Self::find)
    }

    /// The style of a map whose classes are its own.
    pub fn of_legend(id: &str, legend: Legend) -> Self {
        let note = legend.note().map(str::to_owned);
        Self::named(id, Paint::Classes(legend), note)
    }

    /// The same with the ends of its ramp, where it is one of numbers in a unit of their own.
    #[must_use]
    pub fn over(mut self, least: f64, greatest: f64, of: &str) -> Self {
        if let Paint::Ramp { range, unit, .. } = &mut self.paint
            && unit != "%"
        {
            (*range, *unit) = ((least, greatest), of.to_owned());
        }
        self
    }

    fn named(id: &str, paint: Paint, note: Option<String>) -> Self {
        let known = names(id);
        let title = known.map_or_else(|| "Classes".to_owned(), |n| n.en.clone());
        Self { id: id.to_owned(), title, title_zh: known.map(|n| n.zh.clone()), note, paint }
    }

    /// What QGIS reads.
    pub fn qml(&self) -> String {
        match &self.paint {
            Paint::Classes(legend) => qml::of_classes(legend),
            Paint::Ramp { stops, range, unit } => qml::of_ramp(stops, range.0, range.1, unit),
            Paint::Symbol(symbol) => qml::of_features(symbol),
        }
    }

    /// The legend as a document.
    pub fn legend(&self) -> Value {
        legend::document(self)
    }

    /// The palette of its tiles; `None` for features, whose tiles are drawn by the client.
    pub fn palette(&self) -> Option<Palette> {
        palette::of(&self.paint)
    }

    /// Whether it is one of features.
    pub fn is_of_features(&self) -> bool {
        matches!(self.paint, Paint::Symbol(_))
    }
}

/// A text as it may stand in XML.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// The colour at a share (0..1) of the way along a ramp, with its opacity in 255ths.
pub fn along(stops: &[RampStop], share: f64) -> [u8; 4] {
    let position = share.clamp(0.0, 1.0) * (stops.len().max(2) - 1) as f64;
    let low = (position as usize).min(stops.len().saturating_sub(2));
    let (Some(a), Some(b)) = (stops.get(low), stops.get(low + 1)) else {
        return stops.first().map_or([0; 4], |s| [s.color.0[0], s.color.0[1], s.color.0[2], 255]);
    };
    let rest = position - low as f64;
    let mix = |a: f64, b: f64| (a + (b - a) * rest).round() as u8;
    let color = |i: usize| mix(f64::from(a.color.0[i]), f64::from(b.color.0[i]));
    let opacity = mix(f64::from(a.opacity) * 255.0, f64::from(b.opacity) * 255.0);
    [color(0), color(1), color(2), opacity]
}
