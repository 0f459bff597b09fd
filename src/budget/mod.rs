//! What one run may take: pixels of a raster, vertices of features, memory for what is held whole.
//!
//! A file declares its size in a few bytes, so sizes are compared with a budget before memory is
//! asked for. A run has one [`Budget`]; clones share what is claimed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Longest side of a raster. Tables by row (areas, tallies) stay small below it, and so does a row.
pub const LONGEST_SIDE: u64 = 2_000_000;
/// Most vertices that the edges of an area, or of mines, become where they are followed in steps.
pub const MOST_FOLLOWED: u64 = 5_000_000;
/// Most crossings of a polygon's edges with the rows of a grid: some ten seconds of work.
pub const MOST_CROSSINGS: u64 = 3_000_000_000;
/// Most pixels under points and polygons that are looked at one by one (samples).
pub const MOST_COVERED: usize = 10_000_000;
/// Bytes of a megabyte.
const MEGABYTE: u64 = 1 << 20;

/// The limits of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Pixels of one raster; of a map, pixels times dates.
    pub pixels: u64,
    /// Vertices of all features of one input.
    pub vertices: u64,
    /// Vertices of one geometry.
    pub geometry_vertices: u64,
    /// Megabytes of rasters and tables that are held whole.
    pub memory_megabytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // Five tiles of Sentinel-2 over a year and a half.
            pixels: 20_000_000_000,
            vertices: 20_000_000,
            geometry_vertices: 2_000_000,
            memory_megabytes: 4096,
        }
    }
}

impl Limits {
    /// The names under which limits are given.
    pub const NAMES: [&str; 4] = ["pixels", "vertices", "geometry_vertices", "memory_megabytes"];

    /// Sets a limit by its name; tells whether there is one of that name.
    pub fn set(&mut self, name: &str, value: u64) -> bool {
        let limit = match name {
            "pixels" => &mut self.pixels,
            "vertices" => &mut self.vertices,
            "geometry_vertices" => &mut self.geometry_vertices,
            "memory_megabytes" => &mut self.memory_megabytes,
            _ => return false,
        };
        *limit = value;
        true
    }
}

/// What is too large, the limit, and the way out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OverBudget {
    /// A raster of too many pixels.
    #[error(
        "has {cols} x {rows} pixels, more than the {most} that a raster may have (limit `pixels`); take a smaller \
         area or a coarser resolution{}",
        raise("pixels")
    )]
    Pixels {
        /// Columns.
        cols: u64,
        /// Rows.
        rows: u64,
        /// The limit.
        most: u64,
    },
    /// A raster with too long a side.
    #[error(
        "has {cols} x {rows} pixels, and no side may be longer than {LONGEST_SIDE} pixels; cut it into tiles"
    )]
    Side {
        /// Columns.
        cols: u64,
        /// Rows.
        rows: u64,
    },
    /// Features with too many vertices.
    #[error(
        "has {found} vertices, more than the {most} that an input may have (limit `vertices`); simplify the \
         geometries or split the file{}",
        raise("vertices")
    )]
    Vertices {
        /// Vertices.
        found: u64,
        /// The limit.
        most: u64,
    },
    /// A geometry with too many vertices.
    #[error(
        "feature {feature} has {found} vertices, more than the {most} that a geometry may have (limit \
         `geometry_vertices`); simplify it or cut it into parts{}",
        raise("geometry_vertices")
    )]
    Geometry {
        /// Its number, from 1.
        feature: usize,
        /// Vertices.
        found: u64,
        /// The limit.
        most: u64,
    },
    /// Edges that are followed in steps on the ground become too many vertices.
    #[error(
        "its edges, followed in steps of {step}, make {found} vertices, more than the {MOST_FOLLOWED} that are taken; \
         simplify the polygons"
    )]
    Followed {
        /// The step with its unit.
        step: &'static str,
        /// Vertices.
        found: u64,
    },
    /// A polygon whose edges cross the rows of a grid too often.
    #[error(
        "its edges cross the rows of the grid {found} times, more than the {MOST_CROSSINGS} that are taken; simplify \
         the polygons, or take a coarser resolution"
    )]
    Crossings {
        /// Crossings.
        found: u64,
    },
    /// Geometries that cover too many pixels, each of which is looked at by itself.
    #[error(
        "they cover more than the {MOST_COVERED} pixels that are looked at one by one; give points or smaller polygons"
    )]
    Covered,
    /// More memory than a run may hold.
    #[error(
        "{what} would take {megabytes} MB of memory, and {left} of {most} MB are left (limit `memory_megabytes`); \
         take a smaller area{}",
        raise("memory_megabytes")
    )]
    Memory {
        /// What it is for.
        what: &'static str,
        /// Megabytes that were asked for.
        megabytes: u64,
        /// Megabytes that are left.
        left: u64,
        /// The limit.
        most: u64,
    },
    /// The system has less than the limit.
    #[error(
        "{what} would take {megabytes} MB of memory, which this machine does not have; take a smaller area"
    )]
    Machine {
        /// What it is for.
        what: &'static str,
        /// Megabytes that were asked for.
        megabytes: u64,
    },
}

/// How a limit is raised.
fn raise(name: &str) -> String {
    format!(", or raise the limit: `limits.{name}` of a server, `--limit {name}=NUMBER` of the command line")
}

/// The limits of a run, and what it has claimed.
#[derive(Clone, Debug, Default)]
pub struct Budget {
    limits: Limits,
    /// Bytes that are claimed.
    claimed: Arc<AtomicU64>,
}

/// Memory that is claimed; given back when dropped.
#[derive(Debug)]
#[must_use = "what is claimed is given back when the claim is dropped"]
pub struct Claim {
    claimed: Arc<AtomicU64>,
    bytes: u64,
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.claimed.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl Budget {
    /// A budget of which nothing is claimed.
    pub fn new(limits: Limits) -> Self {
        Self { limits, claimed: Arc::default() }
    }

    /// Its limits.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Checks the size of a raster.
    ///
    /// # Errors
    /// [`OverBudget::Pixels`], [`OverBudget::Side`].
    pub fn raster(&self, rows: usize, cols: usize) -> Result<(), OverBudget> {
        let (rows, cols) = (rows as u64, cols as u64);
        if rows.checked_mul(cols).is_none_or(|pixels| pixels > self.limits.pixels) {
            return Err(OverBudget::Pixels { cols, rows, most: self.limits.pixels });
        }
        if rows.max(cols) > LONGEST_SIDE {
            return Err(OverBudget::Side { cols, rows });
        }
        Ok(())
    }

    /// Checks the vertices of each geometry of an input, and of all together.
    ///
    /// # Errors
    /// [`OverBudget::Geometry`], [`OverBudget::Vertices`].
    pub fn geometries(&self, vertices: impl IntoIterator<Item = usize>) -> Result<(), OverBudget> {
        let mut all = 0u64;
        for (feature, found) in (1..).zip(vertices) {
            let (found, most) = (found as u64, self.limits.geometry_vertices);
            if found > most {
                return Err(OverBudget::Geometry { feature, found, most });
            }
            all = all.saturating_add(found);
        }
        let most = self.limits.vertices;
        if all > most { Err(OverBudget::Vertices { found: all, most }) } else { Ok(()) }
    }

    /// Claims memory before it is asked for. `None` stands for a size that no number holds.
    ///
    /// # Errors
    /// [`OverBudget::Memory`].
    pub fn claim(&self, what: &'static str, bytes: Option<u64>) -> Result<Claim, OverBudget> {
        let bytes = bytes.unwrap_or(u64::MAX);
        let most = self.limits.memory_megabytes.saturating_mul(MEGABYTE);
        let claim = |before: u64| before.checked_add(bytes).filter(|after| *after <= most);
        match self.claimed.fetch_update(Ordering::Relaxed, Ordering::Relaxed, claim) {
            Ok(_) => Ok(Claim { claimed: self.claimed.clone(), bytes }),
            Err(before) => Err(OverBudget::Memory {
                what,
                megabytes: bytes.div_ceil(MEGABYTE),
                left: most.saturating_sub(before) / MEGABYTE,
                most: self.limits.memory_megabytes,
            }),
        }
    }
}

/// Checks the vertices that edges become where they are followed in steps of `step`.
///
/// # Errors
/// [`OverBudget::Followed`].
pub fn followed(step: &'static str, vertices: f64) -> Result<(), OverBudget> {
    // Written so that NaN is refused too.
    if vertices <= MOST_FOLLOWED as f64 {
        return Ok(());
    }
    Err(OverBudget::Followed { step, found: vertices as u64 })
}

/// `count` times a value, or an error where the machine has no memory for it (a plain `vec!` would
/// end the program).
///
/// # Errors
/// [`OverBudget::Machine`].
pub fn filled<T: Clone>(what: &'static str, value: T, count: usize) -> Result<Vec<T>, OverBudget> {
    let mut values = Vec::new();
    values.try_reserve_exact(count).map_err(|_| OverBudget::Machine {
        what,
        megabytes: (count as u64).saturating_mul(size_of::<T>() as u64).div_ceil(MEGABYTE),
    })?;
    values.resize(count, value);
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rasters_are_measured_without_overflow() {
        let budget = Budget::default();
        assert_eq!(budget.raster(100_000, 200_000), Ok(()));
        let wide = budget.raster(1_000_000, 1_000_000).unwrap_err().to_string();
        assert!(wide.contains("1000000 x 1000000 pixels") && wide.contains("limits.pixels"), "{wide}");
        assert!(matches!(budget.raster(usize::MAX, usize::MAX), Err(OverBudget::Pixels { .. })));
        assert_eq!(budget.raster(1, 2_000_001), Err(OverBudget::Side { cols: 2_000_001, rows: 1 }));
    }

    #[test]
    fn vertices_are_counted_by_geometry_and_together() {
        let limits = Limits { vertices: 10, geometry_vertices: 6, ..Limits::default() };
        let budget = Budget::new(limits);
        assert_eq!(budget.geometries([6, 4]), Ok(()));
        assert_eq!(budget.geometries([6, 5]), Err(OverBudget::Vertices { found: 11, most: 10 }));
        assert_eq!(budget.geometries([1, 7]), Err(OverBudget::Geometry { feature: 2, found: 7, most: 6 }));
        assert!(followed("50 m", 10.0).is_ok() && followed("50 m", f64::NAN).is_err());
    }

    #[test]
    fn claims_of_all_clones_add_up_and_are_given_back() {
        let budget = Budget::new(Limits { memory_megabytes: 3, ..Limits::default() });
        let first = budget.claim("a map", Some(2 << 20)).unwrap();
        let error = budget.clone().claim("a table", Some(2 << 20)).unwrap_err();
        assert_eq!(error, OverBudget::Memory { what: "a table", megabytes: 2, left: 1, most: 3 });
        drop(first);
        assert!(budget.claim("a table", Some(3 << 20)).is_ok());
        assert!(budget.claim("a table", None).is_err());
        assert!(filled("a table", 0_u64, usize::MAX).is_err());
    }

    #[test]
    fn every_limit_is_set_by_its_name() {
        let mut limits = Limits::default();
        assert!(Limits::NAMES.iter().all(|name| limits.set(name, 7)) && !limits.set("pixel", 7));
        let all = Limits { pixels: 7, vertices: 7, geometry_vertices: 7, memory_megabytes: 7 };
        assert_eq!(limits, all);
    }
}
