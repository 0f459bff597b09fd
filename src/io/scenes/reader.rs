//! Reads a cube's pixels: window by window, band by band, scenes of one day merged.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::reflectance::{Odd, Reflectance, SATURATED, describe};
use super::scene::MaskKind;
use crate::cube::{Band, Coverage, CubeError, Findings, PixelSource};
use crate::io::chunks::{Chunk, ChunkCache, Samples};
use crate::io::raster_file::{RasterError, RasterFile};
use crate::raster::{Footprint, Mapping, Patch, Resampling, Spans, Window};

/// Native pixels held at once for one resampled band; larger windows are read in parts.
const MAX_PATCH: usize = 8 << 20;

/// Bytes of decoded pixels kept for the blocks that follow, at least and at most.
const MIN_CACHE: usize = 32 << 20;
/// See [`MIN_CACHE`].
const MAX_CACHE: usize = 512 << 20;

/// One band of one raster on the cube's grid.
pub struct Layer {
    /// The raster.
    pub file: Arc<RasterFile>,
    /// The band, from 1.
    pub band: usize,
    /// From the cube's grid to the raster.
    pub mapping: Mapping,
    /// How.
    pub method: Resampling,
}

/// A layer of digital numbers.
pub struct BandLayer {
    /// Where they are.
    pub layer: Layer,
    /// What they mean.
    pub reflectance: Reflectance,
    /// Who is told of values that cannot be.
    pub watch: Option<Watch>,
}

/// Tells what is found in one band of one scene.
pub struct Watch {
    findings: Arc<Findings>,
    place: String,
    told: [AtomicBool; 2],
}

impl Watch {
    /// Tells `findings` under the name of scene and band.
    pub fn new(findings: Arc<Findings>, place: String) -> Self {
        Self { findings, place, told: Default::default() }
    }

    fn tell(&self, odd: Odd) {
        if !self.told[odd as usize].swap(true, Ordering::Relaxed) {
            self.findings.add(&describe(odd), &self.place, "");
        }
    }
}

/// The layers of a scene.
pub struct SceneLayers {
    /// By band.
    pub bands: Vec<(Band, BandLayer)>,
    /// Masks that apply to every band.
    pub masks: Vec<(MaskKind, Layer)>,
}

/// The scenes of a cube by date; those of one day in order of precedence.
pub struct SceneReader {
    days: Vec<Vec<SceneLayers>>,
    findings: Arc<Findings>,
    spans: Option<Spans>,
    cache: ChunkCache,
}

/// Turns one row of stored values into pixels.
trait Convert<T> {
    fn row(&self, chunk: &Chunk, start: usize, out: &mut [T]);
}

impl Convert<f32> for BandLayer {
    fn row(&self, chunk: &Chunk, start: usize, out: &mut [f32]) {
        let reflectance = &self.reflectance;
        let end = start + out.len();
        let limits = |max: u16| if reflectance.surface { reflectance.possible(max) } else { (0, max) };
        let any = match &chunk.samples {
            Samples::U8(v) => {
                reflectance.whole(v[start..end].iter().map(|&v| u16::from(v)), limits(255), out)
            }
            Samples::U16(v) => reflectance.whole(v[start..end].iter().copied(), limits(SATURATED), out),
            Samples::F32(v) => reflectance.floats(&v[start..end], out),
        };
        if any && let Some(watch) = &self.watch {
            (start..end)
                .filter_map(|at| reflectance.odd(chunk.samples.at(at)))
                .for_each(|odd| watch.tell(odd));
        }
    }
}

/// Mask codes as they are stored.
struct Codes;

impl Convert<u16> for Codes {
    fn row(&self, chunk: &Chunk, start: usize, out: &mut [u16]) {
        match &chunk.samples {
            Samples::U8(v) => out.iter_mut().zip(&v[start..]).for_each(|(o, &v)| *o = u16::from(v)),
            Samples::U16(v) => out.copy_from_slice(&v[start..start + out.len()]),
            Samples::F32(v) => out.iter_mut().zip(&v[start..]).for_each(|(o, &v)| *o = v as u16),
        }
    }
}

impl Layer {
    /// The pixels of the raster that a window needs.
    fn source(&self, window: Window) -> Option<(Footprint, Window)> {
        let (rows, cols) = (self.file.grid.rows, self.file.grid.cols);
        let at = match self.mapping.shift() {
            Some((row, col)) => Footprint {
                row: window.row as i64 + row,
                col: window.col as i64 + col,
                rows: window.rows,
                cols: window.cols,
            },
            None => self.mapping.footprint(window, self.method)?,
        };
        Some((at, at.inside(rows, cols)?))
    }

    /// Whether the file has anything under a window; absent tiles are known without reading.
    fn any_present(&self, window: Window) -> bool {
        self.source(window).is_some_and(|(_, inside)| self.file.any_present(inside))
    }

    /// Copies the pixels of `inside` to where `line` says, row by row.
    fn fill<T>(
        &self,
        cache: &ChunkCache,
        inside: Window,
        keep: bool,
        convert: &impl Convert<T>,
        mut line: impl FnMut(usize, usize, usize, &mut dyn FnMut(&mut [T])),
    ) -> Result<(), RasterError> {
        self.file.visit(cache, self.band, inside, keep, |chunk, part| {
            for row in part.row..part.row + part.rows {
                let start = (row - chunk.window.row) * chunk.window.cols + part.col - chunk.window.col;
                line(row, part.col, part.cols, &mut |out| convert.row(chunk, start, out));
            }
        })
    }

    /// Reads a window; pixels without a value are `missing`. False where the file has nothing
    /// there, and then `out` is not written. `resample` is called where the grids differ.
    fn read<T: Copy>(
        &self,
        cache: &ChunkCache,
        window: Window,
        missing: T,
        convert: &impl Convert<T>,
        resample: &impl Fn(&Patch<T>, Window, &mut [T]),
        out: &mut [T],
    ) -> Result<bool, RasterError> {
        let Some((at, inside)) = self.source(window) else { return Ok(false) };
        if !self.file.any_present(inside) {
            return Ok(false);
        }
        if self.mapping.shift().is_some() {
            if inside.len() < window.len() || !self.file.all_present(inside) {
                out.fill(missing);
            }
            let width = window.cols;
            self.fill(cache, inside, false, convert, |row, col, cols, write| {
                let start = (row as i64 - at.row) as usize * width + (col as i64 - at.col) as usize;
                write(&mut out[start..start + cols]);
            })?;
            return Ok(true);
        }
        if at.rows * at.cols > MAX_PATCH && window.len() > 1 {
            return self.read_halves(cache, window, missing, convert, resample, out);
        }
        let mut patch = Patch::filled(at, missing);
        self.fill(cache, inside, true, convert, |row, col, cols, write| {
            write(&mut patch.row_mut(row, col)[..cols]);
        })?;
        patch.repeat_edges(self.file.grid.rows, self.file.grid.cols);
        resample(&patch, window, out);
        Ok(true)
    }

    fn read_halves<T: Copy>(
        &self,
        cache: &ChunkCache,
        window: Window,
        missing: T,
        convert: &impl Convert<T>,
        resample: &impl Fn(&Patch<T>, Window, &mut [T]),
        out: &mut [T],
    ) -> Result<bool, RasterError> {
        // Halves of a row-major window are contiguous by rows, and by columns in a single row.
        let (first, second) = if window.rows > 1 {
            let half = window.rows / 2;
            let second = Window { row: window.row + half, rows: window.rows - half, ..window };
            (Window { rows: half, ..window }, second)
        } else {
            let half = window.cols / 2;
            let second = Window { col: window.col + half, cols: window.cols - half, ..window };
            (Window { cols: half, ..window }, second)
        };
        let (head, tail) = out.split_at_mut(first.len());
        let mut any = false;
        for (window, part) in [(first, head), (second, tail)] {
            if self.read(cache, window, missing, convert, resample, part)? {
                any = true;
            } else {
                part.fill(missing);
            }
        }
        Ok(any)
    }

    fn read_codes(&self, cache: &ChunkCache, window: Window, out: &mut [u16]) -> Result<bool, RasterError> {
        let resample = |patch: &Patch<u16>, window: Window, out: &mut [u16]| {
            self.mapping.nearest(patch, window, MaskKind::OUTSIDE, out);
        };
        self.read(cache, window, MaskKind::OUTSIDE, &Codes, &resample, out)
    }
}

impl BandLayer {
    /// Reads a window; false where the file has nothing there, and then `out` may hold anything.
    ///
    /// # Errors
    /// [`RasterError::Pixels`] where the file is damaged.
    pub fn read(&self, cache: &ChunkCache, window: Window, out: &mut [f32]) -> Result<bool, RasterError> {
        let layer = &self.layer;
        let resample = |patch: &Patch<f32>, window: Window, out: &mut [f32]| match layer.method {
            Resampling::Nearest => layer.mapping.nearest(patch, window, f32::NAN, out),
            Resampling::Bilinear => layer.mapping.bilinear(patch, window, out),
            Resampling::Average => layer.mapping.average(patch, window, out),
        };
        layer.read(cache, window, f32::NAN, self, &resample, out)
    }
}

impl SceneReader {
    /// Reads one scene; false where it has no pixel, and then `out` may hold anything.
    fn read_scene(
        &self,
        scene: &SceneLayers,
        bands: &[Band],
        window: Window,
        out: &mut [f32],
    ) -> Result<bool, CubeError> {
        let pixels = window.len();
        let layers = bands.iter().map(|&band| {
            scene.bands.iter().find(|b| b.0 == band).map(|b| &b.1).ok_or_else(|| CubeError::NoBand {
                band,
                available: scene.bands.iter().map(|b| b.0.to_string()).collect::<Vec<_>>().join(", "),
            })
        });
        let layers = layers.collect::<Result<Vec<_>, _>>()?;
        if !layers.iter().any(|l| l.layer.any_present(window)) {
            return Ok(false);
        }
        let read_error = |e: RasterError| CubeError::Read(e.to_string());
        let mut hidden: Option<Vec<bool>> = None;
        let mut codes = Vec::new();
        for (kind, mask) in &scene.masks {
            codes.resize(pixels, 0);
            let hides = kind.table();
            if mask.read_codes(&self.cache, window, &mut codes).map_err(read_error)? {
                let hidden = hidden.get_or_insert_with(|| vec![false; pixels]);
                for (h, &code) in hidden.iter_mut().zip(&codes) {
                    *h |= hides[usize::from(code).min(hides.len() - 1)];
                }
            } else if kind.hides(MaskKind::OUTSIDE) {
                return Ok(false);
            }
        }
        if hidden.as_ref().is_some_and(|h| h.iter().all(|&h| h)) {
            return Ok(false);
        }
        let mut any = false;
        for (layer, plane) in layers.iter().zip(out.chunks_exact_mut(pixels)) {
            if layer.read(&self.cache, window, plane).map_err(read_error)? {
                any = true;
                if let Some(hidden) = &hidden {
                    for (o, &h) in plane.iter_mut().zip(hidden) {
                        *o = if h { f32::NAN } else { *o };
                    }
                }
            } else {
                plane.fill(f32::NAN);
            }
        }
        Ok(any)
    }
}

/// Takes from `other` the pixels of which it has more bands than `out` has.
fn merge(out: &mut [f32], other: &[f32], pixels: usize) {
    let count =
        |planes: &[f32], pixel: usize| planes[pixel..].iter().step_by(pixels).filter(|v| !v.is_nan()).count();
    let bands = out.len() / pixels;
    for pixel in 0..pixels {
        let have = count(out, pixel);
        if have < bands && count(other, pixel) > have {
            for band in 0..bands {
                out[band * pixels + pixel] = other[band * pixels + pixel];
            }
        }
    }
}

fn any_valid(values: &[f32]) -> bool {
    values.chunks(4096).any(|part| part.iter().fold(false, |any, v| any | !v.is_nan()))
}

impl SceneReader {
    /// A reader whose cache holds one row of stored pieces of every file: as much as blocks that
    /// are read row by row want again.
    pub fn new(days: Vec<Vec<SceneLayers>>, spans: Option<Spans>, findings: Arc<Findings>) -> Self {
        let layers = days
            .iter()
            .flatten()
            .flat_map(|s| s.bands.iter().map(|b| &b.1.layer).chain(s.masks.iter().map(|m| &m.1)));
        let bytes = layers.map(|l| l.file.row_bytes()).sum::<usize>();
        Self { days, findings, spans, cache: ChunkCache::new(bytes.clamp(MIN_CACHE, MAX_CACHE)) }
    }

    /// The same with a cache of so many bytes, for windows that are read in no order.
    pub fn keeping(mut self, bytes: usize) -> Self {
        self.cache = ChunkCache::new(bytes);
        self
    }
}

impl PixelSource for SceneReader {
    fn findings(&self) -> Option<Arc<Findings>> {
        Some(self.findings.clone())
    }

    fn may_have(&self, time: usize, bands: &[Band], window: Window) -> bool {
        let (rows, cols) = (window.row..window.row + window.rows, window.col..window.col + window.cols);
        let inside = self.spans.as_ref().is_none_or(|s| s.touch(rows, cols));
        let wanted = |b: &&(Band, BandLayer)| bands.contains(&b.0);
        let scene = |s: &SceneLayers| {
            s.bands.iter().filter(wanted).any(|b| b.1.layer.any_present(window))
                && s.masks.iter().all(|(kind, m)| !kind.hides(MaskKind::OUTSIDE) || m.any_present(window))
        };
        inside && self.days[time].iter().any(scene)
    }

    fn piece(&self) -> Option<(usize, usize)> {
        let layers = self.days.first()?.first()?.bands.iter().map(|b| &b.1.layer);
        let aligned = layers.filter_map(|layer| {
            let (row, col) = layer.mapping.shift()?;
            let (rows, cols) = layer.file.chunk_shape();
            let fits = row.rem_euclid(rows as i64) == 0 && col.rem_euclid(cols as i64) == 0;
            fits.then_some((rows, cols))
        });
        aligned.max_by_key(|(rows, cols)| rows * cols)
    }

    fn read(
        &self,
        time: usize,
        bands: &[Band],
        window: Window,
        out: &mut [f32],
    ) -> Result<Coverage, CubeError> {
        let (rows, cols) = (window.row..window.row + window.rows, window.col..window.col + window.cols);
        let empty = |out: &mut [f32]| {
            out.fill(f32::NAN);
            Ok(Coverage::Empty)
        };
        if window.is_empty() || self.spans.as_ref().is_some_and(|s| !s.touch(rows.clone(), cols.clone())) {
            return empty(out);
        }
        let mut any = false;
        let mut other = Vec::new();
        for scene in &self.days[time] {
            if !any {
                any = self.read_scene(scene, bands, window, out)?;
            } else if out.iter().any(|v| v.is_nan()) {
                other.resize(out.len(), f32::NAN);
                if self.read_scene(scene, bands, window, &mut other)? {
                    merge(out, &other, window.len());
                }
            }
        }
        if !any {
            return empty(out);
        }
        if let Some(spans) = &self.spans {
            for plane in out.chunks_exact_mut(window.len()) {
                for (row, line) in rows.clone().zip(plane.chunks_exact_mut(window.cols)) {
                    spans.gaps(row, cols.clone(), |from, end| {
                        line[from - cols.start..end - cols.start].fill(f32::NAN);
                    });
                }
            }
        }
        Ok(if any_valid(out) { Coverage::Some } else { Coverage::Empty })
    }
}
