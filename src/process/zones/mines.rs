//! Mines as they come in, with what is wrong in their rows.

use geo::Geometry;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::ogc::FileInput;
use crate::process::{Context, ProcessError};
use crate::vector::{Feature, MineRows, RowAction, Value};

/// What to do where rows are not clean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum DirtyRows {
    /// Go on with the others, and list each with its row.
    #[default]
    Report,
    /// Refuse the file.
    Fail,
}

/// Problems that are shown in a message before the rest is counted.
const SHOWN: usize = 10;

/// The usable mines of a file.
#[derive(Clone, Debug, Default)]
pub struct Mines {
    rows: MineRows,
}

impl Mines {
    /// Reads them.
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
        let shown: Vec<String> =
            rows.problems.iter().take(SHOWN).map(|p| format!("row {}: {}", p.row, p.problem)).collect();
        let more = match rows.problems.len().saturating_sub(SHOWN) {
            0 => String::new(),
            more => format!("; and {more} more"),
        };
        if dirty == DirtyRows::Fail && !rows.problems.is_empty() {
            return Err(ProcessError::input("mines", format!("{}{more}", shown.join("; "))));
        }
        for line in shown {
            context.progress.note(&format!("mines: {line}"));
        }
        if !more.is_empty() {
            context.progress.note(&format!("mines{more} in `mineProblems`"));
        }
        if rows.table.features.is_empty() {
            context.progress.note("mines: there is none; zones come without");
        }
        Ok(Self { rows })
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

    /// The problems as a document: row, problem, and whether the row was `leftOut`, `mended` or
    /// `kept`.
    pub fn problems(&self) -> Json {
        let action = |action: RowAction| match action {
            RowAction::LeftOut => "leftOut",
            RowAction::Mended => "mended",
            RowAction::Kept => "kept",
        };
        self.rows
            .problems
            .iter()
            .map(|p| json!({"row": p.row, "problem": p.problem, "action": action(p.action)}))
            .collect()
    }
}
