//! Mines, and what reaches the fields around them: dust along the wind, water down the slope.

use super::hash::{hash, stream, uniform};

/// Mines lie at most one in a cell of this many metres.
const CELL: f32 = 2500.0;
/// Metres over which the dose falls to a third, across the wind and uphill.
const REACH: f32 = 750.0;
/// Mines farther than this many cells do not count.
const CELLS: i64 = 2;

/// A mine: metres east and south of the county's corner.
#[derive(Clone, Debug, PartialEq)]
pub struct Mine {
    /// Metres east.
    pub x: f32,
    /// Metres south.
    pub y: f32,
    /// What is (or was) dug.
    pub commodity: &'static str,
    /// `active` or `abandoned`.
    pub status: &'static str,
    strength: f32,
}

/// All mines of a seed.
#[derive(Clone, Copy, Debug)]
pub struct Mines {
    seed: u64,
    wind: (f32, f32),
}

impl Mines {
    pub fn new(seed: u64) -> Self {
        let seed = stream(seed, 11);
        let angle = uniform(seed, 0) * std::f32::consts::TAU;
        Self { seed, wind: (angle.cos(), angle.sin()) }
    }

    fn in_cell(&self, column: i64, row: i64) -> Option<Mine> {
        let id = hash(self.seed, column, row);
        (uniform(id, 1) < 0.6).then(|| Mine {
            x: (column as f32 + 0.1 + 0.8 * uniform(id, 2)) * CELL,
            y: (row as f32 + 0.1 + 0.8 * uniform(id, 3)) * CELL,
            commodity: ["Pb-Zn", "Pb-Zn", "Cu", "W", "Mn", "Sb"][(id % 6) as usize],
            status: if uniform(id, 4) < 0.65 { "abandoned" } else { "active" },
            strength: 1.2 + 2.0 * uniform(id, 5),
        })
    }

    /// Mines within a rectangle (metres from the corner), row by row.
    pub fn within(&self, x: (f32, f32), y: (f32, f32)) -> Vec<Mine> {
        let cells = |(from, to): (f32, f32)| (from / CELL).floor() as i64..=(to / CELL).floor() as i64;
        cells(y)
            .flat_map(|row| cells(x).filter_map(move |column| self.in_cell(column, row)))
            .filter(|m| (x.0..=x.1).contains(&m.x) && (y.0..=y.1).contains(&m.y))
            .collect()
    }

    /// The dose at a place; rice is stressed from 1 upwards. `elevation` gives metres at a place.
    pub fn dose(&self, x: f32, y: f32, elevation: impl Fn(f32, f32) -> f32) -> f32 {
        let (column, row) = ((x / CELL).floor() as i64, (y / CELL).floor() as i64);
        let here = elevation(x, y);
        let mut dose = 0.0;
        for r in row - CELLS..=row + CELLS {
            for mine in (column - CELLS..=column + CELLS).filter_map(|c| self.in_cell(c, r)) {
                let (dx, dy) = (x - mine.x, y - mine.y);
                let distance = dx.hypot(dy);
                let downwind = (dx * self.wind.0 + dy * self.wind.1) / distance.max(1.0);
                let below = ((elevation(mine.x, mine.y) - here) / 40.0).clamp(-1.0, 1.0);
                let reach = REACH * (1.0 + 0.45 * downwind + 0.3 * below);
                dose += mine.strength * (-distance / reach).exp();
            }
        }
        dose
    }

    /// Whether a mine lies within `radius` metres (at most one cell).
    pub fn near(&self, x: f32, y: f32, radius: f32) -> bool {
        !self.within((x - radius, x + radius), (y - radius, y + radius)).is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dose_falls_with_distance_and_carries_farther_downwind() {
        let mines = Mines::new(5);
        let mine = &mines.within((0.0, 20_000.0), (0.0, 20_000.0))[0];
        let at =
            |along: f32| mines.dose(mine.x + along * mines.wind.0, mine.y + along * mines.wind.1, |_, _| 0.0);
        assert!(at(10.0) > at(600.0) && at(10.0) >= 1.0);
        let alone = |along: f32| {
            let (dx, dy) = (along * mines.wind.0, along * mines.wind.1);
            let reach = REACH * (1.0 + 0.45 * along.signum());
            mine.strength * (-(dx.hypot(dy)) / reach).exp()
        };
        assert!(alone(800.0) > alone(-800.0));
    }
}
