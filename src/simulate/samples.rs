//! Samples as a survey would bring them: points in fields, with a class, from half of the fields.

use std::collections::{BTreeMap, BinaryHeap};

use super::county::{BLOCK, County, SimulateError};
use super::hash::{hash, stream};
use super::land::Ground;
use crate::crs::Crs;
use crate::vector::{Feature, FeatureTable, Value};

/// What is surveyed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    /// Single rice, double rice, non-rice.
    Rice,
    /// Six land covers.
    Cover,
    /// Non-rice, unstressed rice, stressed rice.
    Stress,
}

impl Theme {
    /// All, in the order of their files.
    pub const ALL: [Self; 3] = [Self::Rice, Self::Cover, Self::Stress];

    /// `rice`, as in `truth-rice.tif`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rice => "rice",
            Self::Cover => "cover",
            Self::Stress => "stress",
        }
    }

    /// Class names with their codes.
    pub fn classes(self) -> &'static [(u8, &'static str)] {
        match self {
            Self::Rice => &[(1, "single-rice"), (2, "double-rice"), (3, "non-rice")],
            Self::Cover => {
                &[(1, "rice"), (2, "forest"), (3, "grass"), (4, "water"), (5, "urban"), (6, "bare")]
            }
            Self::Stress => &[(0, "non-rice"), (1, "unstressed-rice"), (2, "stressed-rice")],
        }
    }

    /// The truth of a block.
    pub fn truth(self, ground: &Ground) -> Vec<u8> {
        match self {
            Self::Rice => ground.rice(),
            Self::Cover => ground.cover(),
            Self::Stress => ground.stress(),
        }
    }

    fn per_class(self) -> usize {
        match self {
            Self::Rice => 500,
            Self::Cover => 250,
            Self::Stress => 2000,
        }
    }
}

/// Rank, row, column and parcel of a candidate: the lowest ranks stay.
type Candidate = (u64, usize, usize, u64);

/// Draws the samples of a theme while the blocks go by, in any order.
#[derive(Debug)]
pub struct Sampler {
    theme: Theme,
    seed: u64,
    rows: usize,
    cols: usize,
    drawn: BTreeMap<u8, BinaryHeap<Candidate>>,
}

impl Sampler {
    /// A survey of a county.
    pub fn new(county: &County, theme: Theme) -> Self {
        let options = county.options();
        let drawn = theme.classes().iter().map(|&(code, _)| (code, BinaryHeap::new())).collect();
        let seed = stream(stream(options.seed, 50), theme as u64);
        Self { theme, seed, rows: options.rows, cols: options.cols, drawn }
    }

    /// Offers a block with its truth.
    pub fn offer(&mut self, ground: &Ground, truth: &[u8]) {
        let (row0, col0) = (ground.block.0 * BLOCK, ground.block.1 * BLOCK);
        for row in 0..BLOCK.min(self.rows - row0) {
            for col in 0..BLOCK.min(self.cols - col0) {
                let i = row * BLOCK + col;
                let parcel = &ground.parcels[ground.near[i] as usize];
                // Nobody takes a sample on the border of a field.
                if parcel.test || ground.share[i] < 0.8 {
                    continue;
                }
                let Some(heap) = self.drawn.get_mut(&truth[i]) else { continue };
                let place = (row0 + row, col0 + col);
                let rank = hash(self.seed, place.0 as i64, place.1 as i64);
                if heap.len() < self.theme.per_class() {
                    heap.push((rank, place.0, place.1, parcel.id));
                } else if let Some(mut worst) = heap.peek_mut()
                    && rank < worst.0
                {
                    *worst = (rank, place.0, place.1, parcel.id);
                }
            }
        }
    }

    /// The samples, class by class, in WGS 84, with `class`, `code` and `parcel` (fields are the
    /// groups that a careful validation leaves out).
    ///
    /// # Errors
    /// [`SimulateError::Crs`] where PROJ fails.
    pub fn finish(self, county: &County) -> Result<FeatureTable, SimulateError> {
        let grid = county.grid(1);
        let to_wgs84 = grid.crs.transformer_to(&Crs::wgs84())?;
        let mut features = Vec::new();
        for (code, heap) in self.drawn {
            let name = self.theme.classes().iter().find(|(c, _)| *c == code).map_or("", |(_, name)| name);
            for (_, row, col, parcel) in heap.into_sorted_vec() {
                let (x, y) = grid.centre(row, col);
                let (mut x, mut y) = ([x], [y]);
                to_wgs84.apply(&mut x, &mut y)?;
                features.push(Feature {
                    geometry: geo::Point::new(x[0], y[0]).into(),
                    properties: BTreeMap::from([
                        ("class".to_owned(), Value::Text(name.to_owned())),
                        ("code".to_owned(), Value::Integer(code.into())),
                        ("parcel".to_owned(), Value::Text(format!("{:08x}", parcel >> 32))),
                    ]),
                });
            }
        }
        Ok(FeatureTable { features })
    }
}
