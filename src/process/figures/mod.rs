//! Figures as SVG: curves with spread, one panel below another.

mod curves;

pub use curves::{Curve, CurveFigure, Panel, Point, XAxis};
