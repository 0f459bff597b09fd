//! The map of the report: zones and mines over the stress map, as SVG.

use std::fmt::Write as _;

use base64::Engine as _;
use geo::{Geometry, LineString, Polygon};

use super::escape;
use crate::classmap::{Hex, Legend, Symbol};
use crate::crs::{Affine, Crs, GeoBox, pixel_metres};
use crate::process::chain::SeenFeatures;
use crate::process::{ProcessError, RasterReader};
use crate::raster::Resampling;
use crate::vector::{Value, interior_point, reproject};

/// Longer side of the picture in pixels.
const LONG_SIDE: usize = 960;
/// Height of the legend below.
const FOOT: usize = 56;
/// Pixels of a millimetre of a symbol.
const MILLIMETRE: f32 = 3.0;

/// A map, its zones and its mines.
pub struct MapFigure<'a> {
    pub map: &'a dyn RasterReader,
    pub zones: Option<&'a SeenFeatures>,
    pub mines: Option<&'a SeenFeatures>,
}

impl MapFigure<'_> {
    /// The figure, and how many mines lie outside of it.
    ///
    /// # Errors
    /// What reading the map fails with.
    pub fn svg(&self) -> Result<(String, usize), ProcessError> {
        let grid = self.map.grid();
        let legend = self.map.legend().cloned().unwrap_or_else(Legend::stress);
        let small = smaller(grid);
        let plane = self.map.read(&small, small.window(), Resampling::Nearest)?;
        let codes: Vec<u8> = plane
            .values
            .iter()
            .map(|v| if (0.0..=255.0).contains(v) { *v as u8 } else { legend.nodata })
            .collect();
        let png = picture(&small, &codes, &legend)?;
        let scale = (LONG_SIDE as f64 / small.cols.max(small.rows) as f64).max(1.0);
        let (width, height) = (small.cols as f64 * scale, small.rows as f64 * scale);
        let to_picture = |x: f64, y: f64| {
            let (col, row) = small.affine.invert(x, y).unwrap_or((f64::NAN, f64::NAN));
            (col * scale, row * scale)
        };
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {:.0}\" width=\"{width:.0}\" role=\"img\" \
             aria-label=\"Stress map with zones and mines\" font-family=\"sans-serif\" font-size=\"14\">\n\
             <image width=\"{width:.1}\" height=\"{height:.1}\" style=\"image-rendering:pixelated\" href=\"data:image/png;base64,{}\"/>\n",
            height + FOOT as f64,
            base64::engine::general_purpose::STANDARD.encode(png)
        );
        self.draw_zones(&mut svg, &to_picture);
        let outside = self.draw_mines(&mut svg, grid, (width, height), &to_picture)?;
        foot(&mut svg, &legend, self.mines.is_some(), (width, height), pixel_metres(&small).0 / scale);
        svg.push_str("</svg>\n");
        Ok((svg, outside))
    }

    fn draw_zones(&self, svg: &mut String, place: &dyn Fn(f64, f64) -> (f64, f64)) {
        let (Some(zones), Some(Symbol::Polygon { outline, .. })) = (self.zones, Symbol::of("zones")) else {
            return;
        };
        let _ = writeln!(svg, "<g fill=\"none\" stroke=\"{}\" stroke-width=\"1.6\">", css(*outline));
        for (geometry, values) in &zones.rows {
            let mut path = String::new();
            match geometry {
                Geometry::Polygon(p) => draw_polygon(&mut path, p, place),
                Geometry::MultiPolygon(all) => all.iter().for_each(|p| draw_polygon(&mut path, p, place)),
                _ => continue,
            }
            let said = |name: &str| said(zones, values, name);
            let _ = writeln!(
                svg,
                "<path d=\"{path}\"><title>zone {}: {} ha</title></path>",
                said("id"),
                hectares(&said("areaHa"))
            );
        }
        svg.push_str("</g>\n");
    }

    fn draw_mines(
        &self,
        svg: &mut String,
        grid: &GeoBox,
        (width, height): (f64, f64),
        place: &dyn Fn(f64, f64) -> (f64, f64),
    ) -> Result<usize, ProcessError> {
        let (Some(mines), Some(Symbol::Point { fill, outline, size, .. })) =
            (self.mines, Symbol::of("mines"))
        else {
            return Ok(0);
        };
        let to_map = Crs::wgs84().transformer_to(&grid.crs).map_err(ProcessError::failed)?;
        let half = f64::from(size * MILLIMETRE / 2.0);
        let mut outside = 0;
        let _ =
            writeln!(svg, "<g fill=\"{}\" stroke=\"{}\" stroke-width=\"1.5\">", css(*fill), css(*outline));
        for (geometry, values) in &mines.rows {
            let mut geometry = geometry.clone();
            let reached = reproject(&mut geometry, &to_map).is_ok();
            let at = interior_point(&geometry).filter(|_| reached);
            let at = at.map(|p| place(p.x(), p.y()));
            let Some((x, y)) = at.filter(|(x, y)| (0.0..=width).contains(x) && (0.0..=height).contains(y))
            else {
                outside += 1;
                continue;
            };
            let name = said(mines, values, "name");
            let _ = writeln!(
                svg,
                "<path d=\"M{x:.1} {:.1}L{:.1} {y:.1}L{x:.1} {:.1}L{:.1} {y:.1}Z\"><title>{}</title></path>",
                y - half,
                x + half,
                y + half,
                x - half,
                escape(if name.is_empty() { "mine" } else { &name })
            );
        }
        svg.push_str("</g>\n");
        Ok(outside)
    }
}

/// A value of a feature by its field's name; nothing where it has none.
pub fn said(features: &SeenFeatures, values: &[Value], name: &str) -> String {
    let at = features.schema.fields.iter().position(|f| f.name.eq_ignore_ascii_case(name));
    at.and_then(|i| values.get(i)).map_or_else(String::new, ToString::to_string)
}

/// Hectares as they are read.
pub fn hectares(text: &str) -> String {
    text.parse::<f64>().map_or_else(|_| text.to_owned(), |v| format!("{v:.2}"))
}

pub fn css(Hex([r, g, b]): Hex) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

fn draw_polygon(path: &mut String, polygon: &Polygon<f64>, place: &dyn Fn(f64, f64) -> (f64, f64)) {
    for ring in std::iter::once(polygon.exterior()).chain(polygon.interiors()) {
        draw_ring(path, ring, place);
    }
}

fn draw_ring(path: &mut String, ring: &LineString<f64>, place: &dyn Fn(f64, f64) -> (f64, f64)) {
    for (i, c) in ring.coords().take(ring.0.len().saturating_sub(1)).enumerate() {
        let (x, y) = place(c.x, c.y);
        let _ = write!(path, "{}{x:.1} {y:.1}", if i == 0 { 'M' } else { 'L' });
    }
    path.push('Z');
}

/// The grid with pixels so large that it fits the picture.
fn smaller(grid: &GeoBox) -> GeoBox {
    let factor = grid.rows.max(grid.cols).div_ceil(LONG_SIDE).max(1);
    let c = grid.affine.0;
    let by = factor as f64;
    GeoBox {
        rows: grid.rows.div_ceil(factor),
        cols: grid.cols.div_ceil(factor),
        affine: Affine([c[0], c[1] * by, c[2] * by, c[3], c[4] * by, c[5] * by]),
        crs: grid.crs.clone(),
    }
}

/// The codes as PNG with a palette; nodata is transparent.
fn picture(grid: &GeoBox, codes: &[u8], legend: &Legend) -> Result<Vec<u8>, ProcessError> {
    let mut palette = vec![0; 768];
    let mut opaque = vec![0; 256];
    for class in &legend.classes {
        let at = usize::from(class.code);
        palette[3 * at..3 * at + 3].copy_from_slice(&class.color);
        opaque[at] = 255;
    }
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, grid.cols as u32, grid.rows as u32);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_palette(palette);
    encoder.set_trns(opaque);
    let mut writer = encoder.write_header().map_err(ProcessError::failed)?;
    writer.write_image_data(codes).map_err(ProcessError::failed)?;
    writer.finish().map_err(ProcessError::failed)?;
    Ok(bytes)
}

/// Legend and scale bar.
fn foot(svg: &mut String, legend: &Legend, mines: bool, (width, height): (f64, f64), metres: f64) {
    let _ = writeln!(svg, "<rect y=\"{height:.1}\" width=\"{width:.1}\" height=\"{FOOT}\" fill=\"white\"/>");
    let middle = height + FOOT as f64 / 2.0;
    let mut x = 12.0;
    for class in &legend.classes {
        let name = escape(&class.name);
        let _ = writeln!(
            svg,
            "<rect x=\"{x:.1}\" y=\"{:.1}\" width=\"22\" height=\"14\" fill=\"{}\" stroke=\"gray\"/><text x=\"{:.1}\" y=\"{:.1}\" fill=\"black\">{name}</text>",
            middle - 7.0,
            css(Hex(class.color)),
            x + 28.0,
            middle + 5.0
        );
        x += 44.0 + 7.6 * class.name.chars().count() as f64;
    }
    if let (true, Some(Symbol::Point { fill, .. })) = (mines, Symbol::of("mines")) {
        let _ = writeln!(
            svg,
            "<path d=\"M{:.1} {:.1}l6 6l-6 6l-6 -6Z\" fill=\"{}\"/><text x=\"{:.1}\" y=\"{:.1}\" fill=\"black\">mine</text>",
            x + 6.0,
            middle - 6.0,
            css(*fill),
            x + 18.0,
            middle + 5.0
        );
    }
    // The longest of 1, 2, 5, 10, .. m that takes at most a fifth of the width.
    let most = width * metres / 5.0;
    let power = 10f64.powf(most.log10().floor());
    let length = [5.0, 2.0, 1.0].into_iter().map(|k| k * power).find(|l| *l <= most).unwrap_or(power);
    let end = width - 16.0;
    let start = end - length / metres;
    let name = if length >= 1000.0 { format!("{} km", length / 1000.0) } else { format!("{length} m") };
    let _ = writeln!(
        svg,
        "<path d=\"M{start:.1} {:.1}v6H{end:.1}v-6\" fill=\"none\" stroke=\"black\" stroke-width=\"1.5\"/>\
         <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"black\">{name}</text>",
        middle + 2.0,
        f64::midpoint(start, end),
        middle - 4.0
    );
}
