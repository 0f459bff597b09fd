//! Mines as processes read them: with what is wrong in their rows, and as points where a process
//! takes points.

use std::collections::BTreeMap;

use geo::{Geometry, InteriorPoint};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Context, ProcessError};
use crate::crs::{Crs, CrsError, GeoBox};
use crate::ogc::FileInput;
use crate::vector::{Feature, MineRows, RowAction, Value};

/// What to do where rows are not clean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum DirtyRows {
    /// Go on with the others, and list each with its row.
    #[default]
    Report,
    /// Refuse the file.
    Fail,
}

/// A row that is not clean.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct MineProblem {
    /// The line of a table, or the number of a feature.
    pub row: usize,
    /// What is wrong.
    pub problem: String,
    /// `leftOut`, `mended` or `kept`.
    pub action: String,
}

/// A mine as a point; of a polygon a point inside.
#[derive(Clone, Copy, Debug)]
pub struct MinePoint<'a> {
    /// Its row in the file: the line of a table, the number of a feature (from 1) elsewhere.
    pub row: usize,
    /// Degrees east on WGS 84.
    pub longitude: f64,
    /// Degrees north.
    pub latitude: f64,
    /// Its properties.
    pub properties: &'a BTreeMap<String, Value>,
}

/// Problems that are shown in a message before the rest is counted.
const SHOWN: usize = 10;

/// The usable mines of a file.
#[derive(Clone, Debug, Default)]
pub struct Mines {
    rows: MineRows,
}

impl Mines {
    /// Reads the input `mines`; a file may have none. `crs` is that of the coordinates where the
    /// file does not tell it.
    ///
    /// # Errors
    /// [`ProcessError::Input`] naming `mines` or `minesCrs`; with `fail`, the dirty rows.
    pub fn read(
        file: &FileInput,
        crs: Option<&str>,
        dirty: DirtyRows,
        context: &Context<'_>,
    ) -> Result<Self, ProcessError> {
        context.progress.step("read the mines", 0);
        let rows = context.data.mines("mines", file, crs)?;
        let (shown, more) = in_short(&rows);
        if dirty == DirtyRows::Fail && !rows.problems.is_empty() {
            return Err(ProcessError::input("mines", format!("{}{more}", shown.join("; "))));
        }
        for line in shown {
            context.progress.note(&format!("mines: {line}"));
        }
        if !more.is_empty() {
            context.progress.note(&format!("mines{more} in `mineProblems`"));
        }
        Ok(Self { rows })
    }

    /// Reads them for a process that is nothing without one, and tells what is wrong with the others
    /// in the output `mineProblems`.
    ///
    /// # Errors
    /// As [`Mines::read`], and where no mine is left.
    pub fn read_some(
        file: &FileInput,
        crs: Option<&str>,
        dirty: DirtyRows,
        context: &Context<'_>,
    ) -> Result<Self, ProcessError> {
        let mines = Self::read(file, crs, dirty, context)?;
        if mines.points().next().is_none() {
            let (shown, more) = in_short(&mines.rows);
            let found =
                if shown.is_empty() { String::new() } else { format!(" ({}{more})", shown.join("; ")) };
            let why =
                format!("it holds no mine{found}; give a file with at least one point or polygon of a mine");
            return Err(ProcessError::input("mines", why));
        }
        mines.write_problems(context)?;
        Ok(mines)
    }

    /// Tells what is wrong with rows in the output `mineProblems`.
    ///
    /// # Errors
    /// As [`super::ResultSink::document`].
    pub fn write_problems(&self, context: &Context<'_>) -> Result<(), ProcessError> {
        let action = |action: RowAction| match action {
            RowAction::LeftOut => "leftOut",
            RowAction::Mended => "mended",
            RowAction::Kept => "kept",
        };
        let problem = |p: &crate::vector::RowProblem| MineProblem {
            row: p.row,
            problem: p.problem.clone(),
            action: action(p.action).to_owned(),
        };
        let problems: Vec<MineProblem> = self.rows.problems.iter().map(problem).collect();
        let document = serde_json::to_value(problems).map_err(ProcessError::failed)?;
        context.sink.document("mineProblems", document)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.features().is_empty()
    }

    /// The mines as points, in the order of the file.
    pub fn points(&self) -> impl Iterator<Item = MinePoint<'_>> {
        self.features().iter().enumerate().filter_map(|(i, feature)| {
            let point = feature.geometry.interior_point()?;
            let (longitude, latitude) = point.x_y();
            Some(MinePoint { row: self.row(i), longitude, latitude, properties: &feature.properties })
        })
    }

    /// Columns and rows of the points on a grid, with fractions. Those that its CRS cannot hold are
    /// far away and lie at infinity.
    ///
    /// # Errors
    /// A CRS that degrees cannot be brought to.
    pub fn on_grid(&self, grid: &GeoBox) -> Result<Vec<(f64, f64)>, CrsError> {
        let to_grid = Crs::wgs84().transformer_to(&grid.crs)?;
        let (middle, _) = grid.centre(grid.rows / 2, grid.cols / 2);
        let place = |mine: MinePoint| {
            let (mut x, mut y) = ([mine.longitude], [mine.latitude]);
            if to_grid.apply(&mut x, &mut y).is_err() {
                return (f64::INFINITY, f64::INFINITY);
            }
            if grid.crs.is_geographic() {
                x[0] = middle + (x[0] - middle + 180.0).rem_euclid(360.0) - 180.0;
            }
            grid.affine.invert(x[0], y[0]).unwrap_or((f64::INFINITY, f64::INFINITY))
        };
        Ok(self.points().map(place).collect())
    }

    /// Their features, in the order of the file.
    pub fn features(&self) -> &[Feature] {
        &self.rows.table.features
    }

    /// Their geometries.
    pub fn geometries(&self) -> impl Iterator<Item = &Geometry<f64>> {
        self.features().iter().map(|f| &f.geometry)
    }

    /// The row of a mine in its file.
    pub fn row(&self, mine: usize) -> usize {
        self.rows.rows.get(mine).copied().unwrap_or(mine + 1)
    }

    /// A property that goes by one of these names, whatever the case of its letters.
    pub fn property(&self, mine: usize, names: &[&str]) -> Value {
        let properties = &self.features()[mine].properties;
        let by_name = |name: &&str| properties.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        names.iter().find_map(by_name).map_or(Value::Null, |(_, value)| value.clone())
    }
}

/// The first problems in words, and how many more there are.
fn in_short(rows: &MineRows) -> (Vec<String>, String) {
    let shown = rows.problems.iter().take(SHOWN).map(|p| format!("row {}: {}", p.row, p.problem)).collect();
    let more = match rows.problems.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    (shown, more)
}

#[cfg(test)]
mod tests {
    use geo::Point;

    use super::*;
    use crate::crs::Affine;
    use crate::vector::FeatureTable;

    fn mines(places: &[(f64, f64)]) -> Mines {
        let feature =
            |&place: &(f64, f64)| Feature { geometry: Point::from(place).into(), properties: [].into() };
        Mines { rows: MineRows::of(FeatureTable { features: places.iter().map(feature).collect() }) }
    }

    #[test]
    fn mines_that_a_grid_cannot_hold_lie_far_away() {
        let affine = Affine::north_up(179.9, -16.4, 1e-3, 1e-3);
        let degrees = GeoBox { rows: 200, cols: 200, affine, crs: Crs::wgs84() };
        let at = mines(&[(-179.95, -16.5), (179.95, -16.5)]).on_grid(&degrees).unwrap();
        assert!((at[0].0 - 150.0).abs() < 1e-6 && (at[1].0 - 50.0).abs() < 1e-6, "{at:?}");
        let affine = Affine::north_up(7e5, 3.09e6, 10.0, 10.0);
        let utm = GeoBox { rows: 200, cols: 200, affine, crs: Crs::from_epsg(32649).unwrap() };
        let at = mines(&[(113.03, 27.91), (-67.0, -27.9)]).on_grid(&utm).unwrap();
        assert!(at[0].0.is_finite() && !(0.0..200.0).contains(&at[1].0), "{at:?}");
    }
}
