//! Curves over time (or any number) with a band of spread, one panel an index, one colour a class.

use jiff::ToSpan;
use jiff::civil::Date;
use plotters::coord::Shift;
use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::process::ProcessError;

pub(super) const WIDTH: u32 = 1000;
const PANEL_HEIGHT: u32 = 300;
pub(super) const HEAD: u32 = 64;
pub(super) const FONT: &str = "sans-serif";
/// Shades of black: of text, of what is secondary, of grid lines.
pub(super) const INK: f64 = 0.86;
pub(super) const FAINT: f64 = 0.6;
pub(super) const RULE: f64 = 0.12;
/// Width of a letter of the legend's font, on average (pixels).
const LETTER: f64 = 7.4;

/// One point of a curve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Position on the axis: days after the axis' first date, or a number.
    pub x: f64,
    /// The value.
    pub y: f64,
    /// Half the height of the band around it; 0 for none.
    pub spread: f64,
}

/// A curve; the same name has the same colour in every panel.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// What it is.
    pub name: String,
    /// Red, green, blue.
    pub color: [u8; 3],
    /// Points by rising x.
    pub points: Vec<Point>,
}

/// One diagram.
#[derive(Clone, Debug, PartialEq)]
pub struct Panel {
    /// What is on the y axis, with its unit.
    pub title: String,
    /// The curves.
    pub curves: Vec<Curve>,
}

/// What x means.
#[derive(Clone, Debug, PartialEq)]
pub enum XAxis {
    /// Days after a date; ticks stand at the first of months.
    Dates(Date),
    /// A number with this label.
    Number(String),
}

/// Panels that share the x axis and the legend.
#[derive(Clone, Debug, PartialEq)]
pub struct CurveFigure {
    /// Title of the whole.
    pub title: String,
    /// What x means.
    pub x: XAxis,
    /// The panels, from top to bottom.
    pub panels: Vec<Panel>,
}

pub(super) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
pub(super) type Drawn = Result<(), DrawingAreaErrorKind<std::io::Error>>;

impl CurveFigure {
    /// The figure as SVG.
    ///
    /// # Errors
    /// [`ProcessError::Failed`] where there is nothing to draw.
    pub fn svg(&self) -> Result<String, ProcessError> {
        let xs = || self.points().map(|p| p.x);
        let (min, max) = (xs().fold(f64::INFINITY, f64::min), xs().fold(f64::NEG_INFINITY, f64::max));
        if !min.is_finite() {
            return Err(ProcessError::failed("there is no value to draw"));
        }
        let margin = ((max - min) * 0.015).max(0.5);
        let mut svg = String::new();
        self.draw(&mut svg, (min - margin, max + margin)).map_err(ProcessError::failed)?;
        Ok(svg)
    }

    /// Whether there is nothing to draw.
    pub fn is_empty(&self) -> bool {
        self.points().next().is_none()
    }

    fn points(&self) -> impl Iterator<Item = &Point> {
        self.panels.iter().flat_map(|p| &p.curves).flat_map(|c| &c.points)
    }

    fn draw(&self, svg: &mut String, x: (f64, f64)) -> Drawn {
        let height = HEAD + PANEL_HEIGHT * self.panels.len().max(1) as u32;
        let root = SVGBackend::with_string(svg, (WIDTH, height)).into_drawing_area();
        root.fill(&WHITE)?;
        let (head, body) = root.split_vertically(HEAD);
        let curves = self.panels.iter().flat_map(|p| &p.curves);
        draw_head(&head, &self.title, curves.map(|c| (c.name.as_str(), c.color)))?;
        for (area, panel) in body.split_evenly((self.panels.len().max(1), 1)).iter().zip(&self.panels) {
            self.draw_panel(area, panel, x)?;
        }
        root.present()
    }

    fn draw_panel(&self, area: &Area, panel: &Panel, x: (f64, f64)) -> Drawn {
        let y = extent(panel);
        let title = (FONT, 15).into_font().style(FontStyle::Bold).color(&BLACK.mix(INK));
        let labels = (FONT, 12).into_font().color(&BLACK.mix(FAINT));
        let ticks = self.ticks(x);
        let spec = Axis { range: x, ticks: ticks.iter().map(|t| t.0).collect() };
        let mut chart = ChartBuilder::on(area)
            .margin_left(14)
            .margin_right(24)
            .margin_bottom(8)
            .caption(&panel.title, title)
            .x_label_area_size(if matches!(self.x, XAxis::Dates(_)) { 26 } else { 42 })
            .y_label_area_size(52)
            .build_cartesian_2d(spec, y.0..y.1)?;
        let label =
            |value: &f64| ticks.iter().find(|t| t.0 == *value).map_or_else(String::new, |t| t.1.clone());
        let value_label = |value: &f64| short(*value, y);
        let mut mesh = chart.configure_mesh();
        mesh.bold_line_style(BLACK.mix(RULE))
            .light_line_style(TRANSPARENT)
            .axis_style(BLACK.mix(FAINT))
            .label_style(labels.clone())
            .y_labels(6)
            .x_labels(ticks.len().max(1))
            .x_label_formatter(&label)
            .y_label_formatter(&value_label);
        if let XAxis::Number(name) = &self.x {
            mesh.x_desc(name.as_str()).axis_desc_style(labels);
        }
        mesh.draw()?;
        for curve in panel.curves.iter().filter(|c| c.points.iter().any(|p| p.spread > 0.0)) {
            let upper = curve.points.iter().map(|p| (p.x, p.y + p.spread));
            let lower = curve.points.iter().rev().map(|p| (p.x, p.y - p.spread));
            let band: Vec<(f64, f64)> = upper.chain(lower).collect();
            let style = line_color(curve.color).mix(0.15).filled();
            chart.draw_series(std::iter::once(Polygon::new(band, style)))?;
        }
        for curve in &panel.curves {
            let color = line_color(curve.color);
            let points = || curve.points.iter().map(|p| (p.x, p.y));
            chart.draw_series(LineSeries::new(points(), color.stroke_width(2)))?;
            chart.draw_series(points().map(|p| Circle::new(p, 2, color.filled())))?;
        }
        if panel.curves.iter().all(|c| c.points.is_empty()) {
            let middle =
                (FONT, 14).into_font().color(&BLACK.mix(FAINT)).pos(Pos::new(HPos::Center, VPos::Center));
            area.draw_text("no valid value", &middle, ((WIDTH / 2) as i32, (PANEL_HEIGHT / 2) as i32))?;
        }
        Ok(())
    }

    /// Positions and labels along x.
    fn ticks(&self, x: (f64, f64)) -> Vec<(f64, String)> {
        match &self.x {
            XAxis::Dates(first) => month_ticks(*first, x),
            XAxis::Number(_) => {
                let step = nice((x.1 - x.0) / 8.0);
                let from = (x.0 / step).ceil() as i64;
                let to = (x.1 / step).floor() as i64;
                (from..=to).map(|i| (i as f64 * step, short(i as f64 * step, x))).collect()
            }
        }
    }
}

/// The title, and below it each name once with its colour.
pub(super) fn draw_head<'a>(
    head: &Area,
    title: &str,
    all: impl Iterator<Item = (&'a str, [u8; 3])>,
) -> Drawn {
    let bold = (FONT, 18).into_font().style(FontStyle::Bold).color(&BLACK.mix(INK));
    head.draw_text(title, &bold, (20, 10))?;
    let mut names: Vec<(&str, [u8; 3])> = Vec::new();
    for (name, color) in all {
        if !names.iter().any(|n| n.0 == name) {
            names.push((name, color));
        }
    }
    let style = (FONT, 14).into_font().color(&BLACK.mix(INK));
    let mut left = 22;
    for (name, color) in names {
        let width = 40 + (name.chars().count() as f64 * LETTER) as i32;
        if left + width > WIDTH as i32 {
            break; // as many as fit; the colours of the rest are in the table's classes
        }
        head.draw(&PathElement::new([(left, 48), (left + 20, 48)], line_color(color).stroke_width(3)))?;
        head.draw_text(name, &style, (left + 26, 40))?;
        left += width;
    }
    Ok(())
}

/// An axis with ticks of our own.
#[derive(Clone)]
struct Axis {
    range: (f64, f64),
    ticks: Vec<f64>,
}

impl Ranged for Axis {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        let share = (value - self.range.0) / (self.range.1 - self.range.0);
        limit.0 + (share * f64::from(limit.1 - limit.0)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.ticks.clone()
    }

    fn range(&self) -> std::ops::Range<f64> {
        self.range.0..self.range.1
    }
}

/// The first of each month (or of every third, or of years, where there are many).
fn month_ticks(first: Date, x: (f64, f64)) -> Vec<(f64, String)> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let months = (x.1 - x.0) / 30.4;
    let step: i8 = if months > 48.0 {
        12
    } else if months > 14.0 {
        3
    } else {
        1
    };
    let mut ticks: Vec<(f64, String)> = Vec::new();
    let Ok(mut day) = Date::new(first.year(), 1, 1) else { return ticks };
    loop {
        let position = f64::from((day - first).get_days());
        if position > x.1 {
            break;
        }
        if position >= x.0 {
            let month = MONTHS[usize::from(day.month().unsigned_abs()) - 1];
            let year = day.month() == 1 || ticks.is_empty();
            let label = if year { format!("{month} {}", day.year()) } else { month.to_owned() };
            ticks.push((position, label));
        }
        match day.checked_add(i32::from(step).months()) {
            Ok(next) => day = next,
            Err(_) => break,
        }
    }
    if ticks.is_empty() {
        ticks.push((0.0, first.to_string()));
    }
    ticks
}

/// The range of y, with the bands and a margin.
fn extent(panel: &Panel) -> (f64, f64) {
    let points = || panel.curves.iter().flat_map(|c| &c.points);
    let low = points().map(|p| p.y - p.spread).fold(f64::INFINITY, f64::min);
    let high = points().map(|p| p.y + p.spread).fold(f64::NEG_INFINITY, f64::max);
    if !low.is_finite() || !high.is_finite() {
        return (0.0, 1.0);
    }
    let margin = ((high - low) * 0.06).max(1e-6 * high.abs().max(1e-3));
    (low - margin, high + margin)
}

/// The nearest of 1, 2, 5 times a power of ten at or above.
pub(super) fn nice(step: f64) -> f64 {
    let power = 10f64.powf(step.max(1e-12).log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * power).find(|&s| s >= step * 0.999).unwrap_or(power)
}

/// A number with the digits that its range needs.
pub(super) fn short(value: f64, range: (f64, f64)) -> String {
    let digits = (2.0 - (range.1 - range.0).abs().max(1e-12).log10()).floor().clamp(0.0, 6.0) as usize;
    let text = format!("{value:.digits$}");
    let text = if text.trim_start_matches('-').chars().all(|c| c == '0' || c == '.') {
        "0".to_owned()
    } else {
        text
    };
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// A map's colour as a line on white: pale ones are darkened until they can be seen.
pub(super) fn line_color(color: [u8; 3]) -> RGBColor {
    const LIGHTEST: f64 = 165.0;
    let [r, g, b] = color.map(f64::from);
    let luminance = 0.2126 * r + 0.7152 * g + 0.0722 * b;
    let factor = (LIGHTEST / luminance.max(1.0)).min(1.0);
    let [r, g, b] = [r, g, b].map(|channel| (channel * factor).round() as u8);
    RGBColor(r, g, b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_stand_at_the_first_of_months() {
        let ticks = month_ticks(jiff::civil::date(2021, 11, 20), (-2.0, 100.0));
        let labels: Vec<&str> = ticks.iter().map(|t| t.1.as_str()).collect();
        assert_eq!(labels, ["Dec 2021", "Jan 2022", "Feb"]);
        assert_eq!(ticks[0].0, 11.0);
    }

    #[test]
    fn steps_are_nice_and_numbers_short() {
        assert_eq!((nice(0.13), nice(4.0), nice(51.0)), (0.2, 5.0, 100.0));
        assert_eq!(short(0.25, (0.0, 1.0)), "0.25");
        assert_eq!(short(720.0, (700.0, 760.0)), "720");
        assert_eq!(short(-1e-9, (-1.0, 1.0)), "0");
    }

    #[test]
    fn nothing_to_draw_is_told() {
        let figure = CurveFigure {
            title: String::new(),
            x: XAxis::Number(String::new()),
            panels: vec![Panel { title: String::new(), curves: Vec::new() }],
        };
        assert!(figure.svg().is_err());
    }
}
