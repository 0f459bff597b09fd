//! Mines as processes read them: with what is wrong in their rows, and as points where a process
//! takes points.

use std::collections::{BTreeMap, HashMap, HashSet};

use geo::{Geometry, Point};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Context, ProcessError};
use crate::crs::{Crs, CrsError, GeoBox};
use crate::ogc::FileInput;
use crate::vector::{Feature, FieldKind, MineRows, RowAction, RowProblem, Value, columns, interior_point};

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
    /// The identifier of each in the outputs, unique.
    ids: Vec<Value>,
    /// A point of each; of a polygon an interior point.
    points: Vec<Option<Point<f64>>>,
}

impl Mines {
    fn of(rows: MineRows, ids: Vec<Value>) -> Self {
        let points = rows.table.features.iter().map(|f| interior_point(&f.geometry)).collect();
        Self { rows, ids, points }
    }
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
        let mut rows = context.data.mines("mines", file, crs)?;
        for note in &rows.notes {
            context.progress.note(&format!("mines: {note}"));
        }
        let ids = ids_of(&mut rows);
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
        Ok(Self::of(rows, ids))
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
        let problem = |p: &RowProblem| MineProblem {
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
        self.features().iter().zip(&self.points).enumerate().filter_map(|(i, (feature, point))| {
            let (longitude, latitude) = (*point)?.x_y();
            Some(MinePoint { row: self.row(i), longitude, latitude, properties: &feature.properties })
        })
    }

    /// Columns and rows of the points on a grid, with fractions. Those that its CRS cannot hold are
    /// far away and lie at infinity.
    ///
    /// # Errors
    /// A CRS that degrees cannot be brought to.
    pub fn on_grid(&self, grid: &GeoBox) -> Result<Vec<(f64, f64)>, CrsError> {
        places_on_grid(self.points().map(|mine| (mine.longitude, mine.latitude)), grid)
    }

    /// Tells where no mine lies on a map, and some would with longitude and latitude in each other's place.
    ///
    /// # Errors
    /// A CRS that degrees cannot be brought to.
    pub fn look_for_swapped(&self, grid: &GeoBox, context: &Context<'_>) -> Result<(), CrsError> {
        let on_map = |places: Vec<(f64, f64)>| {
            let (cols, rows) = (0.0..grid.cols as f64, 0.0..grid.rows as f64);
            places.into_iter().filter(|(col, row)| cols.contains(col) && rows.contains(row)).count()
        };
        if on_map(self.on_grid(grid)?) == 0 {
            let swapped = self.points().map(|mine| (mine.latitude, mine.longitude));
            let count = on_map(places_on_grid(swapped, grid)?);
            if count > 0 {
                context.progress.note(&format!(
                    "mines: none lies on the map; with longitude and latitude in each other's place {count} would: swap \
                     them (longitude comes first)"
                ));
            }
        }
        Ok(())
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
        row_of(&self.rows, mine)
    }

    /// The id of a mine: that of its source, or one that was made.
    pub fn id(&self, mine: usize) -> Value {
        self.ids.get(mine).cloned().unwrap_or(Value::Null)
    }

    /// The kind of all ids: whole numbers where the source has nothing else, else text.
    pub fn kind_of_ids(&self) -> FieldKind {
        let whole = |id: &Value| matches!(id, Value::Integer(_));
        if !self.ids.is_empty() && self.ids.iter().all(whole) { FieldKind::Integer } else { FieldKind::Text }
    }

    /// A property that goes by one of these names.
    pub fn property(&self, mine: usize, names: &[&str]) -> Value {
        columns::value(&self.features()[mine], names).cloned().unwrap_or(Value::Null)
    }
}

/// Columns and rows of longitudes and latitudes on a grid.
fn places_on_grid(
    places: impl Iterator<Item = (f64, f64)>,
    grid: &GeoBox,
) -> Result<Vec<(f64, f64)>, CrsError> {
    let to_grid = Crs::wgs84().transformer_to(&grid.crs)?;
    let (middle, _) = grid.centre(grid.rows / 2, grid.cols / 2);
    let place = |(longitude, latitude): (f64, f64)| {
        let (mut x, mut y) = ([longitude], [latitude]);
        if to_grid.apply(&mut x, &mut y).is_err() {
            return (f64::INFINITY, f64::INFINITY);
        }
        if grid.crs.is_geographic() {
            x[0] = middle + (x[0] - middle + 180.0).rem_euclid(360.0) - 180.0;
        }
        grid.affine.invert(x[0], y[0]).unwrap_or((f64::INFINITY, f64::INFINITY))
    };
    Ok(places.map(place).collect())
}

fn row_of(rows: &MineRows, mine: usize) -> usize {
    rows.rows.get(mine).copied().unwrap_or(mine + 1)
}

/// An id as it is written: without space around it, and whole where floating point holds it.
fn as_id(value: &Value) -> Value {
    match value {
        Value::Number(n) if n.fract() == 0.0 && n.abs() < 9e15 => Value::Integer(*n as i64),
        Value::Integer(n) => Value::Integer(*n),
        other => Value::Text(other.to_string().trim().to_owned()),
    }
}

/// The ids of mines, none twice: those of the first column of the source that has ids. Of mines with the
/// same id the first keeps it, the others get a number behind it; one without gets `mine-` and its row.
fn ids_of(rows: &mut MineRows) -> Vec<Value> {
    let features = &rows.table.features;
    let column =
        columns::ID.iter().find(|name| features.iter().any(|f| columns::value(f, &[name]).is_some()));
    let own = |f: &Feature| columns::value(f, &[column?]).map(as_id);
    let own: Vec<Option<Value>> = features.iter().map(own).collect();
    let mut first: HashMap<String, usize> = HashMap::new();
    for (mine, id) in own.iter().enumerate() {
        if let Some(id) = id {
            first.entry(id.to_string()).or_insert(mine);
        }
    }
    let mut taken: HashSet<String> = first.keys().cloned().collect();
    let mut problems = Vec::new();
    let ids = own.into_iter().enumerate().map(|(mine, id)| {
        let row = row_of(rows, mine);
        let has_own = id.is_some();
        let wanted = match id {
            Some(id) if first.get(&id.to_string()) == Some(&mine) => return id,
            Some(id) => id.to_string(),
            None => format!("mine-{row}"),
        };
        let numbered = (2..).map(|n: usize| format!("{wanted}-{n}"));
        let free = std::iter::once(wanted.clone()).chain(numbered).find(|id| !taken.contains(id));
        let free = free.unwrap_or_default();
        taken.insert(free.clone());
        if let Some(twin) = first.get(&wanted).filter(|_| has_own) {
            let twin = row_of(rows, *twin);
            let problem = format!("its id `{wanted}` is that of row {twin}; it is `{free}` in the results");
            problems.push(RowProblem { row, problem, action: RowAction::Mended });
        }
        Value::Text(free)
    });
    let ids = ids.collect();
    rows.problems.extend(problems);
    rows.problems.sort();
    ids
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
    use super::*;
    use crate::crs::Affine;
    use crate::vector::FeatureTable;

    fn mines(places: &[(f64, f64)]) -> Mines {
        let feature =
            |&place: &(f64, f64)| Feature { geometry: Point::from(place).into(), properties: [].into() };
        let rows = MineRows::of(FeatureTable { features: places.iter().map(feature).collect() });
        Mines::of(rows, Vec::new())
    }

    fn ids(rows: &[&[(&str, Value)]]) -> (Vec<Value>, MineRows) {
        let feature = |properties: &&[(&str, Value)]| Feature {
            geometry: Point::new(113.0, 27.0).into(),
            properties: properties.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
        };
        let mut rows = MineRows::of(FeatureTable { features: rows.iter().map(feature).collect() });
        (ids_of(&mut rows), rows)
    }

    #[test]
    fn ids_come_from_the_source_or_are_made_and_duplicates_are_told() {
        let text = |t: &str| Value::Text(t.to_owned());
        let (found, rows) = ids(&[
            &[("ID", text("A")), ("code", text("x"))],
            &[("ID", text(" A "))],
            &[("ID", text("A-2"))],
            &[("ID", Value::Null), ("code", text("y"))],
            &[("ID", text("mine-4"))],
        ]);
        assert_eq!(found, ["A", "A-3", "A-2", "mine-4-2", "mine-4"].map(text));
        let told: Vec<(usize, &str)> = rows.problems.iter().map(|p| (p.row, p.problem.as_str())).collect();
        assert_eq!(told[0], (2, "its id `A` is that of row 1; it is `A-3` in the results"));
        let (found, rows) =
            ids(&[&[("编号", Value::Integer(9_007_199_254_740_993))], &[("编号", Value::Integer(7))]]);
        assert_eq!(found, [Value::Integer(9_007_199_254_740_993), Value::Integer(7)]);
        assert!(rows.problems.is_empty());
        let (found, _) = ids(&[&[("name", text("a"))], &[("name", text("b"))]]);
        assert_eq!(found, ["mine-1", "mine-2"].map(text));
        // One column for all, so that ids of two columns do not meet.
        let (found, _) = ids(&[&[("id", Value::Number(7.0))], &[("code", Value::Integer(7))]]);
        assert_eq!(found, [Value::Integer(7), text("mine-2")]);
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
