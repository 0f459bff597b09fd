//! Figures as SVG: curves with spread and groups of bars, one panel
//! below another.

mod bars;
mod curves;

pub use bars::{BarFigure, BarPanel, Bars};
pub use curves::{Curve, CurveFigure, Panel, Point, XAxis};
