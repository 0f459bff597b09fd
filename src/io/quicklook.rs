//! A picture of a result: the map with title, legend, shares, scale bar and north arrow, as PNG of
//! at most 1200 pixels along its longer side.

use std::path::Path;

use embedded_graphics::mono_font::iso_8859_1::{FONT_8X13, FONT_9X15, FONT_10X20};
use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::prelude::*;
use embedded_graphics::primitives::{PrimitiveStyle, Triangle};
use embedded_graphics::text::Alignment;
use gdal::Metadata;
use gdal::raster::{GdalDataType, RasterBand, ResampleAlg};

use super::cog_values::shown_range;
use super::{IoError, cog};
use crate::classmap::{Hex, Legend, Symbol, percent_color, percent_style, values_color};
use crate::crs::{Affine, Crs, Ellipsoid, GeoBox};
use crate::named::named;
use crate::style::canvas::Canvas;
use crate::style::qml::short;
use crate::style::{share, ticks};

/// The longer side of a picture.
const LONG_SIDE: u32 = 1200;
const MARGIN: i32 = 28;
const HEAD: i32 = 74;
const FOOT: i32 = 66;
const PANEL: i32 = 300;
const GAP: i32 = 28;

const INK: Rgb888 = Rgb888::new(0x22, 0x26, 0x2a);
const FAINT: Rgb888 = Rgb888::new(0x6b, 0x72, 0x78);
const RULE: Rgb888 = Rgb888::new(0xc9, 0xcc, 0xcf);
const PAPER: Rgb888 = Rgb888::WHITE;
/// Two greys that make nodata look like nothing rather than like a class.
const NOTHING: [Rgb888; 2] = [Rgb888::new(0xf4, 0xf4, 0xf2), Rgb888::new(0xea, 0xea, 0xe7)];

/// Places that are marked on a picture.
#[derive(Clone, Debug)]
pub struct Marks {
    /// How they are drawn.
    pub symbol: &'static Symbol,
    /// What they are, in the legend.
    pub name: &'static str,
    /// Their columns and rows on the raster's grid, with fractions; those outside are left out.
    pub places: Vec<(f64, f64)>,
}

/// The picture of a raster that [`cog::CogWriter`] or [`super::cog_values::ValuesWriter`] wrote, as
/// the bytes of a PNG.
///
/// Shares in the legend are of the pixels with an answer.
///
/// # Errors
/// [`IoError::Read`] where the file cannot be read or is none of this crate's rasters.
pub fn of_cog(path: &Path, title: &str, marks: Option<&Marks>) -> Result<Vec<u8>, IoError> {
    let name = named(&path).to_string();
    let fail = |e: &dyn std::fmt::Display| IoError::read(&name, e);
    let dataset = cog::open(path)?;
    let band = dataset.rasterband(1).map_err(|e| fail(&e))?;
    let (cols, rows) = dataset.raster_size();
    let reference = dataset.spatial_ref().map_err(|e| fail(&e))?;
    let grid = GeoBox {
        rows,
        cols,
        affine: Affine(dataset.geo_transform().map_err(|e| fail(&e))?),
        crs: Crs::from_spatial_ref(&reference).map_err(|e| fail(&e))?,
    };
    let content = match cog::read_legend(&dataset) {
        Some(legend) => Content::classes(legend, &band),
        None if band.band_type() == GdalDataType::Float32 => Content::values(&band),
        None => Content::percent(&band),
    };
    let view = View::of(&grid);
    let (size, nearest) = ((view.width, view.height), Some(ResampleAlg::NearestNeighbour));
    let values = if let Content::Values { range, .. } = &content {
        let numbers = band.read_as::<f32>((0, 0), (cols, rows), size, nearest).map_err(|e| fail(&e))?;
        numbers.data().iter().map(|&v| ramp_code(v, *range)).collect()
    } else {
        let bytes = band.read_as::<u8>((0, 0), (cols, rows), size, nearest).map_err(|e| fail(&e))?;
        bytes.data().to_vec()
    };
    let mut canvas = Canvas::new(
        (view.width as i32 + 2 * MARGIN + GAP + PANEL) as u32,
        (view.height as i32).max(content.panel_height()) as u32 + (HEAD + FOOT) as u32,
    );
    draw(&mut canvas, &grid, &view, &content, title, &values, marks);
    canvas.png().map_err(|e| fail(&e))
}

/// How large the map is drawn, and how many metres a drawn pixel is.
struct View {
    width: usize,
    height: usize,
    metres: f64,
}

impl View {
    fn of(grid: &GeoBox) -> Self {
        let (mut width, mut height) = grid.affine.pixel_size();
        if grid.crs.is_geographic() {
            let (_, latitude) = grid.centre(grid.rows / 2, grid.cols / 2);
            let (east, north) = Ellipsoid::of(&grid.crs).metres_per_degree(latitude);
            width *= east.max(1e-6);
            height *= north;
        } else {
            let unit = grid.crs.to_spatial_ref().map_or(1.0, |s| s.linear_units());
            width *= unit;
            height *= unit;
        }
        let (east, north) = (width * grid.cols as f64, height * grid.rows as f64);
        let room_x = f64::from(LONG_SIDE as i32 - 2 * MARGIN - GAP - PANEL);
        let room_y = f64::from(LONG_SIDE as i32 - HEAD - FOOT);
        // Pixels of a small map become whole blocks of drawn pixels.
        let finest = width.min(height);
        let mut metres = (east / room_x).max(north / room_y);
        if metres < finest {
            metres = finest / (finest / metres).floor();
        }
        let size = |length: f64| (length / metres).round().max(1.0) as usize;
        Self { width: size(east), height: size(north), metres }
    }
}

/// What the colours mean.
enum Content {
    Classes { legend: Legend, shares: Vec<f64> },
    Percent { label: String, mean: Option<f64> },
    Values { label: String, unit: String, mean: Option<f64>, range: (f64, f64) },
}

/// The last step of the ramp of numbers in a picture; 255 is nodata.
const STEPS: u8 = 254;

/// The step of a number on the ramp.
fn ramp_code(value: f32, (least, greatest): (f64, f64)) -> u8 {
    if value.is_nan() {
        return 255;
    }
    let share = (f64::from(value) - least) / (greatest - least);
    (share.clamp(0.0, 1.0) * f64::from(STEPS)).round() as u8
}

impl Content {
    fn classes(legend: Legend, band: &RasterBand) -> Self {
        let pixels = |code: u8| -> f64 {
            let item = band.metadata_item(&format!("PIXELS_{code}"), "");
            item.and_then(|n| n.parse().ok()).unwrap_or(0.0)
        };
        let counts: Vec<f64> = legend.classes.iter().map(|c| pixels(c.code)).collect();
        let total = counts.iter().sum::<f64>().max(1.0);
        Self::Classes { shares: counts.iter().map(|n| 100.0 * n / total).collect(), legend }
    }

    fn percent(band: &RasterBand) -> Self {
        Self::Percent {
            label: band.description().unwrap_or_default(),
            mean: band.metadata_item("STATISTICS_MEAN", "").and_then(|m| m.parse().ok()),
        }
    }

    fn values(band: &RasterBand) -> Self {
        let item = |name: &str| -> Option<f64> { band.metadata_item(name, "")?.parse().ok() };
        let least = item("STATISTICS_MINIMUM").unwrap_or(0.0);
        let greatest = item("STATISTICS_MAXIMUM").unwrap_or(0.0);
        Self::Values {
            label: band.description().unwrap_or_default(),
            unit: band.unit(),
            mean: item("STATISTICS_MEAN"),
            range: shown_range(least, greatest),
        }
    }

    /// A lookup of colours by value; `None` is nodata.
    fn colours(&self) -> Vec<Option<Rgb888>> {
        let rgb = |[r, g, b]: [u8; 3]| Rgb888::new(r, g, b);
        (0..=255u8)
            .map(|value| match self {
                Self::Classes { legend, .. } => legend.entry(value).map(|c| rgb(c.color)),
                Self::Percent { label, .. } => {
                    (value <= 100).then(|| rgb(percent_color(percent_style(label), value)))
                }
                Self::Values { .. } => {
                    (value <= STEPS).then(|| rgb(values_color(f32::from(value) / f32::from(STEPS))))
                }
            })
            .collect()
    }

    fn panel_height(&self) -> i32 {
        match self {
            Self::Classes { legend, .. } => {
                40 + 30 * (legend.classes.len() as i32 + 1) + NOTE_LINE * note_lines(legend).len() as i32
            }
            Self::Percent { .. } | Self::Values { .. } => 350,
        }
    }
}

fn draw(
    canvas: &mut Canvas,
    grid: &GeoBox,
    view: &View,
    content: &Content,
    title: &str,
    values: &[u8],
    marks: Option<&Marks>,
) {
    let width = canvas.width as i32;
    // Twice beside itself is bold.
    let title = fit(title, (width - 2 * MARGIN - 1) / 10);
    for shift in 0..2 {
        canvas.text(&title, MARGIN + shift, 20, &FONT_10X20, INK, Alignment::Left);
    }
    let subtitle =
        format!("{} x {} pixels of {}, {}", grid.cols, grid.rows, pixel_name(grid), grid.crs.name());
    canvas.text(&fit(&subtitle, (width - 2 * MARGIN) / 8), MARGIN, 46, &FONT_8X13, FAINT, Alignment::Left);

    let colours = content.colours();
    let mut any_nodata = false;
    for (i, &value) in values.iter().enumerate() {
        let (x, y) = ((i % view.width) as i32, (i / view.width) as i32);
        let colour = colours[usize::from(value)].unwrap_or_else(|| {
            any_nodata = true;
            nothing(x, y)
        });
        canvas.set(MARGIN + x, HEAD + y, colour);
    }
    let marked = marks.map(|marks| (marks, draw_marks(canvas, grid, view, marks)));
    canvas.frame(MARGIN - 1, HEAD - 1, view.width as i32 + 2, view.height as i32 + 2, FAINT);

    let panel = MARGIN + view.width as i32 + GAP;
    match content {
        Content::Classes { legend, shares } => class_legend(canvas, panel, legend, shares, any_nodata),
        Content::Percent { label, mean } => {
            let ramp = Ramp {
                title: if label.is_empty() { "percent" } else { label },
                colour: &|percent| percent_color(percent_style(label), percent),
                ticks: [0, 25, 50, 75, 100].map(|p| (f64::from(p) / 100.0, format!("{p} %"))).to_vec(),
                mean: mean.map(|mean| format!("mean {mean:.1} %")),
            };
            ramp_legend(canvas, panel, &ramp, any_nodata);
        }
        Content::Values { label, unit, mean, range } => {
            let number = |v: f64| format!("{} {unit}", short(v)).trim_end().to_owned();
            let ramp = Ramp {
                title: if label.is_empty() { "value" } else { label },
                colour: &|percent| values_color(f32::from(percent) / 100.0),
                ticks: ticks(*range).into_iter().map(|v| (share(*range, v), number(v))).collect(),
                mean: mean.map(|mean| format!("mean {}", number(mean))),
            };
            let y = ramp_legend(canvas, panel, &ramp, any_nodata);
            if let Some((marks, count)) = marked {
                diamond(canvas, (panel + 14, y + 8), MARK, marks.symbol);
                let text = format!("{} on this map: {count}", marks.name);
                canvas.text(&fit(&text, (PANEL - 40) / 9), panel + 40, y, &FONT_9X15, INK, Alignment::Left);
            }
        }
    }
    scale_bar(canvas, view, HEAD + map_height(canvas) + 18);
    if grid.affine.is_north_up() {
        north_arrow(canvas, MARGIN + view.width as i32 - 12, HEAD + view.height as i32 + 14);
    }
}

/// Height between head and foot.
fn map_height(canvas: &Canvas) -> i32 {
    canvas.height as i32 - HEAD - FOOT
}

fn nothing(x: i32, y: i32) -> Rgb888 {
    NOTHING[((x + y).rem_euclid(8) / 4) as usize]
}

fn pixel_name(grid: &GeoBox) -> String {
    let (width, height) = grid.affine.pixel_size();
    let unit = if grid.crs.is_geographic() { "degrees" } else { "m" };
    let number = |v: f64| {
        if grid.crs.is_geographic() { format!("{v:.6}") } else { format!("{}", (v * 100.0).round() / 100.0) }
    };
    if (width - height).abs() < 1e-6 * width {
        format!("{} {unit}", number(width))
    } else {
        format!("{} x {} {unit}", number(width), number(height))
    }
}

/// A text of at most `most` characters.
fn fit(text: &str, most: i32) -> String {
    let most = most.max(4) as usize;
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most - 3).chain("...".chars()).collect()
}

fn heading(canvas: &mut Canvas, x: i32, text: &str) {
    canvas.text(&fit(text, PANEL / 9), x, HEAD - 1, &FONT_9X15, INK, Alignment::Left);
    canvas.line(x, HEAD + 20, x + PANEL, HEAD + 20, RULE);
}

fn swatch_row(canvas: &mut Canvas, x: i32, y: i32, colour: Option<Rgb888>, name: &str, share: Option<f64>) {
    for dy in 0..18 {
        for dx in 0..28 {
            canvas.set(x + dx, y + dy, colour.unwrap_or_else(|| nothing(dx, dy)));
        }
    }
    canvas.frame(x, y, 28, 18, FAINT);
    canvas.text(&fit(name, (PANEL - 40 - 70) / 9), x + 40, y + 2, &FONT_9X15, INK, Alignment::Left);
    if let Some(share) = share {
        let text = if share > 0.0 && share < 0.05 { "< 0.1 %".to_owned() } else { format!("{share:.1} %") };
        canvas.text(&text, x + PANEL, y + 2, &FONT_9X15, FAINT, Alignment::Right);
    }
}

fn class_legend(canvas: &mut Canvas, x: i32, legend: &Legend, shares: &[f64], any_nodata: bool) {
    heading(canvas, x, "Class");
    canvas.text("share of pixels", x + PANEL, HEAD + 1, &FONT_8X13, FAINT, Alignment::Right);
    let mut y = HEAD + 34;
    for (class, &share) in legend.classes.iter().zip(shares) {
        let [r, g, b] = class.color;
        swatch_row(canvas, x, y, Some(Rgb888::new(r, g, b)), &class.name, Some(share));
        y += 30;
    }
    if any_nodata {
        swatch_row(canvas, x, y, None, "no data", None);
        y += 30;
    }
    for line in note_lines(legend) {
        canvas.text(&line, x, y, &FONT_8X13, FAINT, Alignment::Left);
        y += NOTE_LINE;
    }
}

/// Height of a line of a legend's note.
const NOTE_LINE: i32 = 16;

/// What must be said with the classes, in lines as wide as the panel.
fn note_lines(legend: &Legend) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in legend.note().unwrap_or_default().split_whitespace() {
        match lines.last_mut() {
            Some(line) if (line.len() + 1 + word.len()) as i32 <= PANEL / 8 => *line += &format!(" {word}"),
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// A legend of colours that run from one end to the other.
struct Ramp<'a> {
    title: &'a str,
    /// The colour at a percentage of the way.
    colour: &'a dyn Fn(u8) -> [u8; 3],
    /// Shares of the way with what stands there.
    ticks: Vec<(f64, String)>,
    mean: Option<String>,
}

/// Draws it and returns where there is room below.
fn ramp_legend(canvas: &mut Canvas, x: i32, ramp: &Ramp, any_nodata: bool) -> i32 {
    heading(canvas, x, ramp.title);
    let (top, height) = (HEAD + 36, 200);
    for dy in 0..height {
        let [r, g, b] = (ramp.colour)((100 - 100 * dy / (height - 1)) as u8);
        canvas.line(x, top + dy, x + 27, top + dy, Rgb888::new(r, g, b));
    }
    canvas.frame(x - 1, top - 1, 30, height + 2, FAINT);
    for (share, tick) in &ramp.ticks {
        let y = top + (f64::from(height - 1) * (1.0 - share)).round() as i32;
        canvas.line(x + 29, y, x + 34, y, INK);
        canvas.text(&fit(tick, (PANEL - 40) / 9), x + 40, y - 7, &FONT_9X15, INK, Alignment::Left);
    }
    let mut y = top + height + 22;
    if let Some(mean) = &ramp.mean {
        canvas.text(&fit(mean, PANEL / 9), x, y, &FONT_9X15, FAINT, Alignment::Left);
        y += 30;
    }
    if any_nodata {
        swatch_row(canvas, x, y, None, "no data", None);
        y += 30;
    }
    y
}

/// Half the size of a mark where there are few.
const MARK: i32 = 5;

/// Draws marks, the smaller the more there are, and returns how many lie on the map.
fn draw_marks(canvas: &mut Canvas, grid: &GeoBox, view: &View, marks: &Marks) -> usize {
    let (cols, rows) = (grid.cols as f64, grid.rows as f64);
    let inside = |p: &&(f64, f64)| (0.0..cols).contains(&p.0) && (0.0..rows).contains(&p.1);
    let places: Vec<&(f64, f64)> = marks.places.iter().filter(inside).collect();
    let half = match places.len() {
        0..=200 => MARK,
        201..=2000 => MARK / 2,
        _ => 1,
    };
    for (col, row) in &places {
        let x = MARGIN + (col / cols * view.width as f64) as i32;
        let y = HEAD + (row / rows * view.height as f64) as i32;
        diamond(canvas, (x, y), half, marks.symbol);
    }
    places.len()
}

/// A diamond with a rim, in the colours of a symbol.
fn diamond(canvas: &mut Canvas, (x, y): (i32, i32), half: i32, symbol: &Symbol) {
    let (Symbol::Point { fill, outline, .. } | Symbol::Polygon { fill, outline, .. }) = symbol;
    let [fill, rim] = [fill, outline].map(|Hex([r, g, b])| Rgb888::new(*r, *g, *b));
    let reach = half + 1 + half / 4;
    for (dx, dy) in (-reach..=reach).flat_map(|dx| (-reach..=reach).map(move |dy| (dx, dy))) {
        match dx.abs() + dy.abs() {
            near if near <= half => canvas.set(x + dx, y + dy, fill),
            edge if edge <= reach => canvas.set(x + dx, y + dy, rim),
            _ => {}
        }
    }
}

/// The largest of 1, 2, 5 times a power of ten that is at most `metres`.
fn round_length(metres: f64) -> f64 {
    let power = 10f64.powf(metres.log10().floor());
    [5.0, 2.0, 1.0].into_iter().map(|m| m * power).find(|&l| l <= metres).unwrap_or(power)
}

fn scale_bar(canvas: &mut Canvas, view: &View, y: i32) {
    let length = round_length((view.width as f64 * 0.4).max(60.0) * view.metres);
    let pixels = length / view.metres;
    let at = |share: f64| MARGIN + (pixels * share).round() as i32;
    for quarter in 0..4 {
        let (start, end) = (at(f64::from(quarter) / 4.0), at(f64::from(quarter + 1) / 4.0));
        let fill = if quarter % 2 == 0 { INK } else { PAPER };
        canvas.fill(start, y, end - start, 7, fill);
    }
    canvas.frame(MARGIN, y, at(1.0) - MARGIN, 7, INK);
    let (unit, per) = if length >= 1000.0 { ("km", 1000.0) } else { ("m", 1.0) };
    canvas.text("0", MARGIN, y + 12, &FONT_8X13, INK, Alignment::Left);
    if pixels > 140.0 {
        canvas.text(&format!("{}", length / 2.0 / per), at(0.5), y + 12, &FONT_8X13, INK, Alignment::Center);
    }
    // The number stands under the end of the bar, the unit behind it.
    let number = format!("{}", length / per);
    let half = 4 * number.len() as i32;
    canvas.text(&format!("{number} {unit}"), at(1.0) - half, y + 12, &FONT_8X13, INK, Alignment::Left);
}

fn north_arrow(canvas: &mut Canvas, x: i32, y: i32) {
    let (tip, left, right, waist) =
        (Point::new(x, y), Point::new(x - 8, y + 24), Point::new(x + 8, y + 24), Point::new(x, y + 18));
    let _ = Triangle::new(tip, left, waist).into_styled(PrimitiveStyle::with_fill(INK)).draw(canvas);
    let _ = Triangle::new(tip, waist, right).into_styled(PrimitiveStyle::with_fill(RULE)).draw(canvas);
    for (a, b) in [(tip, left), (left, waist), (waist, right), (right, tip), (tip, waist)] {
        canvas.line(a.x, a.y, b.x, b.y, INK);
    }
    canvas.text("N", x, y + 28, &FONT_9X15, INK, Alignment::Center);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::cog::{CogKind, CogWriter};

    fn picture(grid: &GeoBox, kind: CogKind, values: &[u8], title: &str) -> (u32, u32, Vec<u8>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("map.tif");
        let mut writer = CogWriter::create(&path, grid, kind, &[]).unwrap();
        writer.write(grid.window(), values).unwrap();
        writer.finish().unwrap();
        let bytes = of_cog(&path, title, None).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
        let mut rgb = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut rgb).unwrap();
        (info.width, info.height, rgb)
    }

    fn grid(rows: usize, cols: usize, affine: Affine, crs: Crs) -> GeoBox {
        GeoBox { rows, cols, affine, crs }
    }

    #[test]
    fn pictures_of_any_shape_stay_within_their_size() {
        let utm = || Crs::from_epsg(32649).unwrap();
        for (rows, cols) in [(1, 1), (300, 300), (3000, 20), (40, 5000), (1500, 1400)] {
            let grid = grid(rows, cols, Affine::north_up(7e5, 3.09e6, 10.0, 10.0), utm());
            let long = "a title that is much longer than any picture is wide, ".repeat(9);
            let kind = CogKind::Classes(Legend::rice());
            let (width, height, _) = picture(&grid, kind, &vec![2; rows * cols], &long);
            assert!(width.max(height) <= LONG_SIDE, "{rows} x {cols}: {width} x {height}");
        }
    }

    #[test]
    fn the_map_has_the_legends_colours() {
        let utm = Crs::from_epsg(32649).unwrap();
        let grid = grid(100, 100, Affine::north_up(7e5, 3.09e6, 10.0, 10.0), utm);
        let (width, _, rgb) = picture(&grid, CogKind::Classes(Legend::stress()), &[2; 10_000], "stress");
        let at = 3 * ((HEAD + 50) as usize * width as usize + (MARGIN + 50) as usize);
        assert_eq!(rgb[at..at + 3], Legend::stress().entry(2).unwrap().color);
    }

    #[test]
    fn numbers_are_drawn_on_their_ramp() {
        use crate::classmap::values_ramp;
        use crate::io::cog_values::ValuesWriter;
        let utm = Crs::from_epsg(32649).unwrap();
        let grid = grid(100, 100, Affine::north_up(7e5, 3.09e6, 10.0, 10.0), utm);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("heat.tif");
        let mut writer = ValuesWriter::create(&path, &grid, "zones by area", "1/km2").unwrap();
        let values: Vec<f32> = (0..10_000).map(|i| if i < 5000 { -1.0 } else { 4.0 }).collect();
        writer.write(grid.window(), &values).unwrap();
        writer.finish().unwrap();
        let symbol = Symbol::of("mines").unwrap();
        let places = vec![(50.0, 20.0), (-3.0, 5.0), (f64::INFINITY, 1.0), (20.0, f64::NAN)];
        let bytes = of_cog(&path, "heat", Some(&Marks { symbol, name: "mines", places })).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
        let mut rgb = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut rgb).unwrap();
        let pixel = |x: i32, y: i32| {
            let at = 3 * (y as usize * info.width as usize + x as usize);
            [rgb[at], rgb[at + 1], rgb[at + 2]]
        };
        assert_eq!(pixel(MARGIN + 50, HEAD + 5), values_ramp()[0].color.0);
        let Symbol::Point { fill, outline, .. } = symbol else { panic!("mines are points") };
        let (x, y) = (MARGIN + View::of(&grid).width as i32 / 2, HEAD + View::of(&grid).height as i32 / 5);
        assert_eq!((pixel(x, y), pixel(x + MARK + 1, y)), (fill.0, outline.0));
        let lowest = View::of(&grid).height as i32 - 5;
        assert_eq!(pixel(MARGIN + 50, HEAD + lowest), values_ramp().last().unwrap().color.0);
    }

    #[test]
    fn a_scale_in_degrees_is_in_metres_of_its_latitude() {
        let step = 1e-3;
        let grid = grid(500, 500, Affine::north_up(105.0, 60.25, step, step), Crs::wgs84());
        let view = View::of(&grid);
        let (east, north) = Ellipsoid::WGS84.metres_per_degree(60.0);
        assert!((view.metres * view.height as f64 / (north * 0.5) - 1.0).abs() < 0.01);
        assert!((view.metres * view.width as f64 / (east * 0.5) - 1.0).abs() < 0.01);
        assert!(view.height > 3 * view.width / 2, "half as wide as high");
    }

    #[test]
    fn bar_lengths_are_round() {
        for (metres, expected) in [(999.0, 500.0), (1000.0, 1000.0), (4999.0, 2000.0), (5000.0, 5000.0)] {
            assert_eq!(round_length(metres), expected);
        }
    }
}
