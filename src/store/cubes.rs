//! Scenes as a request names them, for the reader of scenes.

use crate::io::scenes::{Location, SceneSource, SourceKind};
use crate::ogc::{CubeInput, CubeSource};

/// The sources of a cube input; `input` is its name in messages (`cube`).
pub fn scene_sources(input: &str, cube: &CubeInput) -> Vec<SceneSource> {
    match cube {
        CubeInput::One(source) => vec![scene_source(input.to_owned(), source)],
        CubeInput::Many(sources) => {
            sources.iter().enumerate().map(|(i, s)| scene_source(format!("{input}[{i}]"), s)).collect()
        }
    }
}

fn scene_source(input: String, source: &CubeSource) -> SceneSource {
    let kind = match source {
        CubeSource::ItemCollection(items) => SourceKind::Items(serde_json::Value::Object(items.clone())),
        CubeSource::Path(href) => {
            SourceKind::Location(Location { href: href.clone(), ..Location::default() })
        }
        CubeSource::Link { href, pattern, bands, scale, offset } => SourceKind::Location(Location {
            href: href.clone(),
            pattern: pattern.clone(),
            bands: bands.clone(),
            scale: *scale,
            offset: *offset,
        }),
    };
    SceneSource { input, kind }
}
