//! Figures as SVG: curves with spread, groups of bars, and shares by band with their intervals, one
//! panel below another.

mod bands;
mod bars;
mod curves;

pub use bands::{BandBar, BandFigure};
pub use bars::{BarFigure, BarPanel, Bars};
pub use curves::{Curve, CurveFigure, Panel, Point, XAxis};
