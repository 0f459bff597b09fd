//! Groups of bars with their values, one panel below another: one group a thing compared, one
//! colour a measure.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::curves::{Area, Drawn, FAINT, FONT, HEAD, INK, RULE, WIDTH, draw_head, line_color};
use crate::process::ProcessError;

const PANEL_HEIGHT: u32 = 230;
/// Left and right of the bars.
const MARGIN: i32 = 24;
/// Above and below the bars: the panel's title and a value, the names of the groups.
const ABOVE: i32 = 52;
const BELOW: i32 = 28;
/// Share of a group's width that is left empty.
const GAP: f64 = 0.18;

/// One measure of all groups.
#[derive(Clone, Debug, PartialEq)]
pub struct Bars {
    /// What is measured; the same name has the same colour in every panel.
    pub name: String,
    /// Red, green, blue.
    pub color: [u8; 3],
    /// A value a group, at least 0; `None` draws no bar.
    pub values: Vec<Option<f64>>,
}

/// One diagram.
#[derive(Clone, Debug, PartialEq)]
pub struct BarPanel {
    /// What the bars show, with the unit.
    pub title: String,
    /// The value of a full bar; the largest value where not given.
    pub full: Option<f64>,
    /// The measures.
    pub bars: Vec<Bars>,
}

/// Panels with the same groups.
#[derive(Clone, Debug, PartialEq)]
pub struct BarFigure {
    /// Title of the whole.
    pub title: String,
    /// Names of the groups.
    pub groups: Vec<String>,
    /// The panels, from top to bottom.
    pub panels: Vec<BarPanel>,
}

impl BarFigure {
    /// The figure as SVG.
    ///
    /// # Errors
    /// [`ProcessError::Failed`] where there is nothing to draw.
    pub fn svg(&self) -> Result<String, ProcessError> {
        if self.groups.is_empty() || self.panels.is_empty() {
            return Err(ProcessError::failed("there is no value to draw"));
        }
        let mut svg = String::new();
        self.draw(&mut svg).map_err(ProcessError::failed)?;
        Ok(svg)
    }

    fn draw(&self, svg: &mut String) -> Drawn {
        let height = HEAD + PANEL_HEIGHT * self.panels.len() as u32;
        let root = SVGBackend::with_string(svg, (WIDTH, height)).into_drawing_area();
        root.fill(&WHITE)?;
        let (head, body) = root.split_vertically(HEAD);
        let bars = self.panels.iter().flat_map(|p| &p.bars);
        draw_head(&head, &self.title, bars.map(|b| (b.name.as_str(), b.color)))?;
        for (area, panel) in body.split_evenly((self.panels.len(), 1)).iter().zip(&self.panels) {
            self.draw_panel(area, panel)?;
        }
        root.present()
    }

    fn draw_panel(&self, area: &Area, panel: &BarPanel) -> Drawn {
        let centred = |y| Pos::new(HPos::Center, y);
        let title = (FONT, 15).into_font().style(FontStyle::Bold).color(&BLACK.mix(INK));
        let name = (FONT, 13).into_font().color(&BLACK.mix(INK)).pos(centred(VPos::Top));
        let value_style = (FONT, 11).into_font().color(&BLACK.mix(FAINT)).pos(centred(VPos::Bottom));
        area.draw_text(&panel.title, &title, (MARGIN, 6))?;
        let bottom = PANEL_HEIGHT as i32 - BELOW;
        let right = WIDTH as i32 - MARGIN;
        area.draw(&PathElement::new([(MARGIN, bottom), (right, bottom)], BLACK.mix(RULE).stroke_width(1)))?;
        let largest = panel.bars.iter().flat_map(|b| &b.values).flatten().copied().fold(0.0, f64::max);
        let full = panel.full.unwrap_or(largest).max(f64::MIN_POSITIVE);
        let group = f64::from(right - MARGIN) / self.groups.len() as f64;
        let each = group * (1.0 - GAP) / panel.bars.len().max(1) as f64;
        for (g, group_name) in self.groups.iter().enumerate() {
            let start = f64::from(MARGIN) + group * g as f64;
            area.draw_text(group_name, &name, ((start + group / 2.0) as i32, bottom + 7))?;
            for (b, bars) in panel.bars.iter().enumerate() {
                let Some(value) = bars.values.get(g).copied().flatten() else { continue };
                let left = start + group * GAP / 2.0 + each * b as f64;
                let height = (value / full).clamp(0.0, 1.0) * f64::from(bottom - ABOVE);
                let top = bottom - height.round() as i32;
                let corners = [(left as i32 + 1, top), ((left + each) as i32 - 1, bottom)];
                area.draw(&Rectangle::new(corners, line_color(bars.color).filled()))?;
                area.draw_text(&digits(value), &value_style, ((left + each / 2.0) as i32, top - 2))?;
            }
        }
        Ok(())
    }
}

/// A value with three digits that count.
fn digits(value: f64) -> String {
    let decimals = (2.0 - value.abs().max(1e-3).log10().floor()).clamp(0.0, 3.0) as usize;
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_three_digits() {
        assert_eq!([0.9312, 12.34, 123.4, 0.0, 1.0].map(digits), ["0.931", "12.3", "123", "0.000", "1.00"]);
    }

    #[test]
    fn a_bar_is_drawn_for_each_value_that_there_is() {
        let figure = BarFigure {
            title: "t".into(),
            groups: vec!["one".into(), "two".into()],
            panels: vec![BarPanel {
                title: "p".into(),
                full: Some(1.0),
                bars: vec![Bars { name: "m".into(), color: [0, 0, 200], values: vec![Some(0.5), None] }],
            }],
        };
        let svg = figure.svg().unwrap();
        assert!(svg.contains("0.500") && svg.contains("two"));
        assert!(BarFigure { groups: Vec::new(), ..figure }.svg().is_err());
    }
}
