//! Shares by band as bars with intervals, before the range that chance would leave them in.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::curves::{Area, Drawn, FAINT, FONT, HEAD, INK, RULE, WIDTH, draw_head, line_color, nice, short};
use crate::process::ProcessError;

const PANEL_HEIGHT: u32 = 400;
/// Left of the bars (the axis), right of them (the label of the line), above and below.
const LEFT: i32 = 64;
const RIGHT: i32 = 88;
const ABOVE: i32 = 44;
const BELOW: i32 = 56;
/// Shares of a band's width that its bar and the range behind take.
const BAR: f64 = 0.44;
const RANGE: f64 = 0.78;
/// Half the width of an interval's ends.
const CAP: i32 = 6;
/// Grey of the range behind, and of its sign in the legend.
const BEHIND: f64 = 0.14;
const BEHIND_SIGN: [u8; 3] = [200; 3];

/// One band.
#[derive(Clone, Debug, PartialEq)]
pub struct BandBar {
    /// The band.
    pub name: String,
    /// What stands below its name.
    pub below: String,
    /// The share, 0 to 1; `None` draws no bar.
    pub value: Option<f64>,
    /// The share's interval.
    pub interval: Option<(f64, f64)>,
    /// The range behind.
    pub expected: Option<(f64, f64)>,
}

/// One diagram of bands.
#[derive(Clone, Debug, PartialEq)]
pub struct BandFigure {
    /// Title of the whole.
    pub title: String,
    /// What the bars show.
    pub panel: String,
    /// The bands, from left to right.
    pub bars: Vec<BandBar>,
    /// Red, green, blue of the bars.
    pub color: [u8; 3],
    /// The bars' name in the legend.
    pub value: String,
    /// The range's name in the legend.
    pub expected: String,
    /// A line across, with its name: the share of all.
    pub overall: Option<(String, f64)>,
}

impl BandFigure {
    /// The figure as SVG.
    ///
    /// # Errors
    /// [`ProcessError::Failed`] where there is no band.
    pub fn svg(&self) -> Result<String, ProcessError> {
        if self.bars.is_empty() {
            return Err(ProcessError::failed("there is no band to draw"));
        }
        let mut svg = String::new();
        self.draw(&mut svg).map_err(ProcessError::failed)?;
        Ok(svg)
    }

    /// The top of the axis and the step of its ticks.
    fn scale(&self) -> (f64, f64) {
        let tops = self
            .bars
            .iter()
            .flat_map(|b| [b.value, b.interval.map(|i| i.1), b.expected.map(|e| e.1)].into_iter().flatten());
        let top = tops.chain(self.overall.as_ref().map(|o| o.1)).fold(0.0, f64::max);
        let top = if top > 0.0 { top.min(1.0) } else { 1.0 };
        let step = nice(top / 5.0);
        ((top / step).ceil() * step, step)
    }

    fn draw(&self, svg: &mut String) -> Drawn {
        let root = SVGBackend::with_string(svg, (WIDTH, HEAD + PANEL_HEIGHT)).into_drawing_area();
        root.fill(&WHITE)?;
        let (head, area) = root.split_vertically(HEAD);
        let range = self.bars.iter().any(|b| b.expected.is_some());
        let behind = range.then_some((self.expected.as_str(), BEHIND_SIGN));
        draw_head(&head, &self.title, [(self.value.as_str(), self.color)].into_iter().chain(behind))?;
        let title = (FONT, 15).into_font().style(FontStyle::Bold).color(&BLACK.mix(INK));
        area.draw_text(&self.panel, &title, (20, 6))?;
        let (top, step) = self.scale();
        let bottom = PANEL_HEIGHT as i32 - BELOW;
        let y = |share: f64| bottom - (share.min(top) / top * f64::from(bottom - ABOVE)).round() as i32;
        let right = WIDTH as i32 - RIGHT;
        let tick = (FONT, 12).into_font().color(&BLACK.mix(FAINT)).pos(Pos::new(HPos::Right, VPos::Center));
        for k in 0..=(top / step).round() as usize {
            let share = k as f64 * step;
            let rule = BLACK.mix(if k == 0 { FAINT } else { RULE }).stroke_width(1);
            area.draw(&PathElement::new([(LEFT, y(share)), (right, y(share))], rule))?;
            let text = format!("{} %", short(100.0 * share, (0.0, 100.0 * top)));
            area.draw_text(&text, &tick, (LEFT - 8, y(share)))?;
        }
        let width = f64::from(right - LEFT) / self.bars.len() as f64;
        for (k, bar) in self.bars.iter().enumerate() {
            draw_bar(&area, bar, f64::from(LEFT) + width * (k as f64 + 0.5), width, self.color, bottom, &y)?;
        }
        if let Some((name, share)) = &self.overall {
            let line = BLACK.mix(INK).stroke_width(1);
            // Dashes, so that it is no rule of the axis.
            for x in (LEFT..right).step_by(9) {
                area.draw(&PathElement::new([(x, y(*share)), ((x + 5).min(right), y(*share))], line))?;
            }
            let label = |v| (FONT, 12).into_font().color(&BLACK.mix(INK)).pos(Pos::new(HPos::Left, v));
            area.draw_text(name, &label(VPos::Bottom), (right + 6, y(*share)))?;
            area.draw_text(&percent(*share), &label(VPos::Top), (right + 6, y(*share) + 1))?;
        }
        root.present()
    }
}

fn draw_bar(
    area: &Area,
    bar: &BandBar,
    middle: f64,
    width: f64,
    color: [u8; 3],
    bottom: i32,
    y: &dyn Fn(f64) -> i32,
) -> Drawn {
    let centred = |v| Pos::new(HPos::Center, v);
    let name = (FONT, 13).into_font().color(&BLACK.mix(INK)).pos(centred(VPos::Top));
    let small = (FONT, 11).into_font().color(&BLACK.mix(FAINT)).pos(centred(VPos::Top));
    let at = middle as i32;
    let sides = |share: f64| ((middle - width * share / 2.0) as i32, (middle + width * share / 2.0) as i32);
    area.draw_text(&bar.name, &name, (at, bottom + 8))?;
    area.draw_text(&bar.below, &small, (at, bottom + 28))?;
    if let Some((low, high)) = bar.expected {
        let (left, right) = sides(RANGE);
        // A range of nothing is still seen.
        let corners = [(left, y(high).min(y(low) - 2)), (right, y(low))];
        area.draw(&Rectangle::new(corners, BLACK.mix(BEHIND).filled()))?;
    }
    let Some(value) = bar.value else {
        let none = (FONT, 12).into_font().color(&BLACK.mix(FAINT)).pos(centred(VPos::Bottom));
        return area.draw_text("no rice", &none, (at, bottom - 4));
    };
    let (left, right) = sides(BAR);
    area.draw(&Rectangle::new([(left, y(value)), (right, bottom)], line_color(color).filled()))?;
    let mut top = y(value);
    if let Some((low, high)) = bar.interval {
        let ink = BLACK.mix(INK).stroke_width(1);
        area.draw(&PathElement::new([(at, y(low)), (at, y(high))], ink))?;
        for end in [low, high] {
            area.draw(&PathElement::new([(at - CAP, y(end)), (at + CAP, y(end))], ink))?;
        }
        top = top.min(y(high));
    }
    let style = (FONT, 12).into_font().color(&BLACK.mix(INK)).pos(centred(VPos::Bottom));
    area.draw_text(&percent(value), &style, (at, top - 4))
}

/// A share as percent: a decimal where it counts.
fn percent(share: f64) -> String {
    let decimals = usize::from(share < 0.1 && share > 0.0);
    format!("{:.decimals$} %", 100.0 * share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_are_drawn_with_and_without_values() {
        let bar = |value: Option<f64>| BandBar {
            name: "0\u{2013}1 km".into(),
            below: "3 ha".into(),
            value,
            interval: value.map(|v| (v / 2.0, v * 1.5)),
            expected: value.map(|_| (0.0, 0.0)),
        };
        let mut figure = BandFigure {
            title: "t".into(),
            panel: "p".into(),
            bars: vec![bar(Some(0.314)), bar(None), bar(Some(0.0))],
            color: [0, 0, 200],
            value: "share".into(),
            expected: "shifts".into(),
            overall: Some(("all".into(), 0.052)),
        };
        assert_eq!(figure.scale(), (0.5, 0.1));
        let svg = figure.svg().unwrap();
        for text in ["31 %", "5.2 %", "no rice", "0 %"] {
            assert!(svg.contains(text), "{text} is not in the figure");
        }
        figure.bars = vec![bar(None)];
        figure.overall = None;
        assert_eq!(figure.scale().0, 1.0);
        assert!(figure.svg().is_ok());
        figure.bars.clear();
        assert!(figure.svg().is_err());
    }
}
