//! A look at a few pixels of each band when scenes are opened: scale, offset or nodata that cannot
//! be right are refused before anything is computed from them.
//!
//! Which pixels are looked at depends on the file and the area alone, not on how a process reads
//! them later.

use std::collections::BTreeMap;

use super::reflectance::{Odd, POSSIBLE, Reflectance};
use crate::crs::GeoBox;
use crate::io::chunks::ChunkCache;
use crate::io::raster_file::{Place, RasterFile};
use crate::raster::Window;

/// About so many pixels of a band are looked at.
const PIXELS: usize = 1 << 18;
/// At least so many pieces of a file, where they are not larger than [`LARGE`].
const PIECES: usize = 3;
/// A piece of more pixels is looked at alone.
const LARGE: usize = 1 << 19;

/// A share of impossible values that no scene has whose scale, offset and nodata are right: glint
/// and the edges of clouds stay far below it, and a scale that is off by ten or more far above.
const MOST_IMPOSSIBLE: f64 = 0.1;
/// Below so many impossible values, most pixels must be so.
const FEW: usize = 16;
/// An impossible value that makes up this share of them is a fill that nobody declared.
const ONE_VALUE: f64 = 0.95;
/// Where all values lie this close to 0, the scale may be applied to what is reflectance already.
const DARK: f32 = 0.01;

/// What a look at a band found.
#[derive(Debug, Default, PartialEq)]
pub struct Seen {
    /// Pixels with a value, fills left out.
    pub pixels: usize,
    /// Counts of fills that nobody declared.
    pub fills: BTreeMap<i32, usize>,
    /// DN whose reflectance cannot be, sorted.
    pub beyond: Vec<f32>,
    /// The greatest distance of reflectance from 0.
    most: f32,
}

impl Seen {
    fn add(&mut self, dn: f32, reflectance: &Reflectance) {
        match reflectance.odd(dn) {
            Some(Odd::Fill) => *self.fills.entry(dn as i32).or_default() += 1,
            Some(Odd::Beyond) => {
                self.pixels += 1;
                self.beyond.push(dn);
            }
            None if reflectance.is_missing(dn) => {}
            None => {
                self.pixels += 1;
                self.most = self.most.max((dn * reflectance.scale + reflectance.offset).abs());
            }
        }
    }

    /// The commonest impossible value and how often it is there.
    fn commonest(&self) -> Option<(f32, usize)> {
        self.beyond.chunk_by(|a, b| a == b).map(|run| (run[0], run.len())).max_by_key(|run| run.1)
    }

    /// Why the band cannot be reflectance, or nothing.
    pub fn refusal(&self, reflectance: &Reflectance) -> Option<String> {
        let (dn, times) = self.commonest()?;
        let share = self.beyond.len() as f64 / self.pixels as f64;
        let many = share > MOST_IMPOSSIBLE && (self.beyond.len() >= FEW || share > 0.5);
        let fill = times >= FEW && times as f64 >= ONE_VALUE * self.beyond.len() as f64 && share < 1.0;
        if !many || fill {
            return None;
        }
        let dn = if times as f64 > 0.5 * self.beyond.len() as f64 {
            dn
        } else {
            self.beyond[self.beyond.len() / 2]
        };
        let Reflectance { scale, offset, .. } = *reflectance;
        Some(format!(
            "{:.0} % of {} pixels that were looked at have reflectance beyond {} to {}, such as {} (DN {dn} x {scale} \
             + {offset}): scale, offset or nodata are missing or wrong. Declare them in `raster:bands` of the item or \
             in the file (gdal_edit.py -scale 0.0001 -offset 0 -a_nodata -9999), or give `scale` and `offset` beside \
             the `href` of a folder",
            100.0 * share,
            self.pixels,
            POSSIBLE.0,
            POSSIBLE.1,
            dn * scale + offset,
        ))
    }

    /// What to tell about the values that are taken as missing: the kind, and how many there are.
    pub fn findings(&self) -> Vec<(Odd, String)> {
        let all = self.pixels + self.fills.values().sum::<usize>();
        let share = |count: usize| format!("{:.2} % of {all} pixels", 100.0 * count as f64 / all as f64);
        let mut found = Vec::new();
        if !self.fills.is_empty() {
            let each = self.fills.iter().map(|(value, &count)| format!("{value} in {}", share(count)));
            found.push((Odd::Fill, format!(" ({})", each.collect::<Vec<_>>().join(", "))));
        }
        if let Some((dn, _)) = self.commonest() {
            found.push((Odd::Beyond, format!(" ({}, such as DN {dn})", share(self.beyond.len()))));
        }
        found
    }

    /// Whether the values are so small that a scale may have been applied twice.
    pub fn is_dark(&self) -> bool {
        self.pixels >= FEW && self.beyond.is_empty() && self.most < DARK
    }
}

/// Looks at a band of a file where a grid lies. What cannot be read is left to whoever needs it.
pub fn look(file: &RasterFile, band: usize, reflectance: &Reflectance, target: &GeoBox) -> Seen {
    let mut seen = Seen::default();
    let Some(area) = under(file, target) else { return seen };
    let pieces = file.stored_pieces(area);
    let each = pieces.first().map_or(1, |piece| piece.len()).max(1);
    let wanted = match file.place() {
        Place::Link(_) => 1,
        _ if each > LARGE => 1,
        _ => (PIXELS / each).max(PIECES),
    };
    let cache = ChunkCache::new(0);
    for k in 0..wanted.min(pieces.len()) {
        // The middle of each of equal parts.
        let piece = pieces[(2 * k + 1) * pieces.len() / (2 * wanted.min(pieces.len()))];
        let read = file.visit(&cache, band, piece, false, |chunk, part| {
            for row in part.row..part.row + part.rows {
                let start = (row - chunk.window.row) * chunk.window.cols + part.col - chunk.window.col;
                (start..start + part.cols).for_each(|at| seen.add(chunk.samples.at(at), reflectance));
            }
        });
        if read.is_err() {
            break;
        }
    }
    seen.beyond.sort_by(f32::total_cmp);
    seen
}

/// The pixels of a file under a grid.
fn under(file: &RasterFile, target: &GeoBox) -> Option<Window> {
    let own = &file.grid;
    let way = target.crs.transformer_to(&own.crs).ok()?;
    let bounds = way.apply_bounds(target.bounds()).ok()?;
    let corners = [
        (bounds.min_x, bounds.min_y),
        (bounds.min_x, bounds.max_y),
        (bounds.max_x, bounds.min_y),
        (bounds.max_x, bounds.max_y),
    ];
    let at: Vec<(f64, f64)> =
        corners.iter().map(|&(x, y)| own.affine.invert(x, y)).collect::<Option<Vec<_>>>()?;
    // Columns, then rows; a millionth of a pixel is rounding.
    let range = |values: &dyn Fn(&(f64, f64)) -> f64, most: usize| {
        let low = at.iter().map(values).fold(f64::INFINITY, f64::min);
        let high = at.iter().map(values).fold(f64::NEG_INFINITY, f64::max);
        let low = (low + 1e-6).floor().clamp(0.0, most as f64) as usize;
        let high = (high - 1e-6).ceil().clamp(0.0, most as f64) as usize;
        (high > low).then_some((low, high - low))
    };
    let (col, cols) = range(&|p| p.0, own.cols)?;
    let (row, rows) = range(&|p| p.1, own.rows)?;
    Some(Window { row, col, rows, cols })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(values: impl IntoIterator<Item = f32>, scale: f32) -> (Seen, Reflectance) {
        let reflectance = Reflectance { scale, offset: 0.0, nodata: [None, None], surface: true };
        let mut seen = Seen::default();
        values.into_iter().for_each(|v| seen.add(v, &reflectance));
        seen.beyond.sort_by(f32::total_cmp);
        (seen, reflectance)
    }

    #[test]
    fn a_wrong_scale_is_refused_and_single_values_are_not() {
        let refused = |values: Vec<f32>, scale| {
            let (seen, reflectance) = seen(values, scale);
            seen.refusal(&reflectance)
        };
        let dn: Vec<f32> = (1..100).map(|v| v as f32 * 60.0).collect();
        assert_eq!(refused(dn.clone(), 1e-4), None);
        let message = refused(dn.clone(), 1.0).unwrap();
        assert!(message.starts_with("100 % of 99 pixels") && message.contains("raster:bands"), "{message}");
        let glint = dn.iter().copied().chain([25_000.0; 5]).collect();
        assert_eq!(refused(glint, 1e-4), None);
        let many = dn.iter().copied().chain((0..40).map(|v| 25_000.0 + v as f32)).collect();
        assert!(refused(many, 1e-4).is_some());
        // One impossible value all over is a fill.
        let fill = dn.iter().copied().chain([32_767.0; 60]).collect();
        assert_eq!(refused(fill, 1e-4), None);
        assert_eq!(refused(vec![-9999.0; 60], 1e-4), None);
    }

    #[test]
    fn what_is_taken_as_missing_is_counted() {
        let (seen, _) = seen([1000.0, 0.0, -9999.0, -9999.0, 30_000.0], 1e-4);
        let found = seen.findings();
        assert_eq!(found[0], (Odd::Fill, " (-9999 in 50.00 % of 4 pixels)".to_owned()));
        assert_eq!(found[1], (Odd::Beyond, " (25.00 % of 4 pixels, such as DN 30000)".to_owned()));
    }

    #[test]
    fn reflectance_that_was_scaled_twice_is_dark() {
        assert!(seen((1..50).map(|v| v as f32 / 100.0), 1e-4).0.is_dark());
        assert!(!seen((1..50).map(|v| v as f32 / 100.0), 1.0).0.is_dark());
    }
}
