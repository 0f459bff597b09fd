//! Trees with their compiled scorer: stored as trees, scored by lanes of pixels.

use serde::{Deserialize, Serialize};

use super::fused::Scorer;
use super::{ClassifyError, TreeEnsemble};

/// An ensemble and its scorer, which is compiled when the ensemble is made or read.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(into = "TreeEnsemble", try_from = "TreeEnsemble")]
pub(crate) struct ScoredTrees {
    ensemble: TreeEnsemble,
    scorer: Scorer,
}

impl ScoredTrees {
    /// Compiles the scorer.
    pub fn new(ensemble: TreeEnsemble) -> Result<Self, ClassifyError> {
        let scorer = Scorer::new(&ensemble)?;
        Ok(Self { ensemble, scorer })
    }

    /// Whether trees from a file read so many columns and tell so many classes apart.
    pub fn fits(&self, columns: usize, classes: usize) -> bool {
        self.ensemble.features == columns
            && self.ensemble.classes == classes
            && self.ensemble.problem().is_none()
    }

    /// Probabilities `[class][pixel]` of `columns`, `[column][pixel]`.
    pub fn score(&self, columns: &[f32], pixels: usize, out: &mut [f32]) -> Result<(), ClassifyError> {
        let column = |&c: &u32| &columns[c as usize * pixels..][..pixels];
        let used: Vec<&[f32]> = self.scorer.used_features().iter().map(column).collect();
        self.scorer.score(&used.concat(), pixels, out)
    }
}

impl PartialEq for ScoredTrees {
    fn eq(&self, other: &Self) -> bool {
        self.ensemble == other.ensemble
    }
}

impl From<ScoredTrees> for TreeEnsemble {
    fn from(trees: ScoredTrees) -> Self {
        trees.ensemble
    }
}

impl TryFrom<TreeEnsemble> for ScoredTrees {
    type Error = ClassifyError;

    fn try_from(ensemble: TreeEnsemble) -> Result<Self, ClassifyError> {
        Self::new(ensemble)
    }
}
