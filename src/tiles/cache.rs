//! Tiles that were drawn, bounded in bytes, and forgotten with their layer.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use bytes::Bytes;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::matrix::TileAddress;

/// Which tile of what.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TileKey {
    /// What is drawn: unique for a file and its version, or for whatever else decides the pixels.
    pub layer: Arc<str>,
    /// How it is coloured, or what is chosen of its features.
    pub style: Arc<str>,
    /// Where.
    pub tile: TileAddress,
    /// Times 256 pixels.
    pub scale: u8,
    /// As what.
    pub media_type: &'static str,
}

impl TileKey {
    /// A strong ETag, with its quotes: the same for the same bytes, so that it is known before they
    /// are drawn. `salt` changes with whatever else decides them, such as the version of the crate.
    pub fn etag(&self, salt: &str) -> String {
        let mut hasher = DefaultHasher::new();
        (self, salt).hash(&mut hasher);
        format!("\"{:016x}\"", hasher.finish())
    }
}

/// A tile: a picture, or packed features.
#[derive(Clone, Debug)]
pub struct Tile {
    /// The bytes of its file.
    pub bytes: Bytes,
}

#[derive(Clone)]
struct BySize;

impl Weighter<TileKey, Tile> for BySize {
    fn weight(&self, key: &TileKey, tile: &Tile) -> u64 {
        (tile.bytes.len() + key.layer.len() + key.style.len()) as u64 + 256
    }
}

/// The tiles that are kept.
pub struct TileCache(Option<Cache<TileKey, Tile, BySize>>);

impl TileCache {
    /// A cache of so many bytes; none where 0.
    pub fn new(bytes: u64) -> Self {
        Self((bytes > 0).then(|| Cache::with_weighter(4096, bytes, BySize)))
    }

    /// The tile, where it is kept.
    pub fn get(&self, key: &TileKey) -> Option<Tile> {
        self.0.as_ref()?.get(key)
    }

    /// Keeps a tile.
    pub fn insert(&self, key: TileKey, tile: Tile) {
        if let Some(cache) = &self.0 {
            cache.insert(key, tile);
        }
    }

    /// Forgets every tile of a layer.
    pub fn forget(&self, gone: impl Fn(&str) -> bool) {
        if let Some(cache) = &self.0 {
            cache.retain(|key, _| !gone(&key.layer));
        }
    }

    /// Bytes that are kept.
    pub fn bytes(&self) -> u64 {
        self.0.as_ref().map_or(0, Cache::weight)
    }
}

#[cfg(test)]
mod tests {
    use super::super::matrix::MatrixSet;
    use super::*;

    #[test]
    fn tiles_are_kept_within_bytes_and_forgotten_by_layer() {
        let cache = TileCache::new(1 << 20);
        let key = |layer: &str, col| TileKey {
            layer: layer.into(),
            style: "rice".into(),
            tile: TileAddress::new(MatrixSet::WebMercatorQuad, 12, 0, col).unwrap(),
            scale: 1,
            media_type: "image/png",
        };
        let tile = Tile { bytes: vec![7; 5000].into() };
        for col in 0..1000 {
            cache.insert(key("a", col), tile.clone());
            assert!(cache.bytes() <= 1 << 20);
        }
        cache.insert(key("b", 0), tile.clone());
        assert!(cache.get(&key("a", 999)).is_some());
        cache.forget(|layer| layer == "a");
        assert!(cache.get(&key("a", 999)).is_none() && cache.get(&key("b", 0)).is_some());
        assert_ne!(key("a", 1).etag("x"), key("a", 2).etag("x"));
        assert_ne!(key("a", 1).etag("x"), key("a", 1).etag("y"));
        assert_eq!(key("a", 1).etag("x"), key("a", 1).etag("x"));
        let none = TileCache::new(0);
        none.insert(key("a", 0), tile);
        assert!(none.get(&key("a", 0)).is_none());
    }
}
