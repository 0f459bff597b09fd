//! How right a map is: the confusion matrix and what follows from it, and areas corrected for
//! the map's errors (Olofsson et al. 2014, *Remote Sensing of Environment* 148, 42-57,
//! doi:10.1016/j.rse.2014.02.015).

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::splits::Validation;

/// A share by class name; null where no sample defines it.
pub type ByClass<T> = BTreeMap<String, T>;

/// Counts of samples: `matrix[reference][map]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Confusion {
    /// Names of the classes, in the order of rows and columns.
    pub classes: Vec<String>,
    /// Rows are the reference, columns the map.
    pub matrix: Vec<Vec<u64>>,
}

/// The accuracy document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Accuracy {
    /// Names of the classes, in the order of rows and columns.
    pub classes: Vec<String>,
    /// Counts of samples: rows are the reference, columns the map.
    pub matrix: Vec<Vec<u64>>,
    /// Share of samples that the map has right.
    pub overall: Option<f64>,
    /// Cohen's kappa: agreement beyond chance.
    pub kappa: Option<f64>,
    /// Producer's accuracy (recall): share of a reference class that the map shows.
    pub producers: ByClass<Option<f64>>,
    /// User's accuracy (precision): share of a map class that is right.
    pub users: ByClass<Option<f64>>,
    /// 2PR/(P + R) of producer's and user's accuracy.
    pub f1: ByClass<Option<f64>>,
    /// Corrected by the mapped area of each class, where a map was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub area_adjusted: Option<AreaAdjusted>,
    /// How the samples were divided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation: Option<Validation>,
    /// What the figures rest on, where they rest on few samples.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// An estimate and its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Estimate {
    /// The estimate.
    pub value: f64,
    /// `[low, high]`: 1.96 standard errors to either side, within what is possible.
    pub interval: [f64; 2],
}

/// Accuracy and areas of a stratified sample, weighted by the mapped area of each class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AreaAdjusted {
    /// Share of the area that the map has right.
    pub overall: Estimate,
    /// Producer's accuracy by area; null where no sample defines it.
    pub producers: ByClass<Option<Estimate>>,
    /// User's accuracy.
    pub users: ByClass<Option<Estimate>>,
    /// Area of each class in hectares, corrected for the map's errors.
    pub areas_ha: ByClass<Estimate>,
    /// Area of each class in hectares as the map shows it.
    pub mapped_ha: ByClass<f64>,
}

/// Why an assessment cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AssessError {
    /// Lists of different lengths, or a label out of range.
    #[error("{0}")]
    Mismatch(String),
    /// Areas cannot be corrected.
    #[error(
        "class `{class}` covers part of the map but {samples} samples lie on it; two are needed to correct areas"
    )]
    TooFewOnClass {
        /// The mapped class.
        class: String,
        /// Samples on it.
        samples: u64,
    },
}

impl Confusion {
    /// Number of samples of each class.
    pub fn tested(&self) -> Vec<u64> {
        self.matrix.iter().map(|row| row.iter().sum()).collect()
    }

    /// Where the overall accuracy lies with 95 % confidence (Wilson 1927), if the samples are
    /// independent draws; none without samples. It has a width even where all samples are right.
    pub fn overall_interval(&self) -> Option<[f64; 2]> {
        let n = self.tested().iter().sum::<u64>() as f64;
        let right = (0..self.classes.len()).map(|k| self.matrix[k][k]).sum::<u64>() as f64;
        let (p, z2) = (right / n, 1.96f64.powi(2));
        let middle = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
        let half = (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt() * 1.96 / (1.0 + z2 / n);
        (n > 0.0).then(|| [(middle - half).max(0.0), (middle + half).min(1.0)])
    }

    /// An empty matrix.
    pub fn new(classes: &[String]) -> Self {
        Self { classes: classes.to_vec(), matrix: vec![vec![0; classes.len()]; classes.len()] }
    }

    /// Counts pairs of reference and map labels.
    ///
    /// # Errors
    /// Different lengths, or a label that is no class.
    pub fn count(classes: &[String], reference: &[u16], map: &[u16]) -> Result<Self, AssessError> {
        if reference.len() != map.len() {
            let message = format!("{} reference labels and {} map labels", reference.len(), map.len());
            return Err(AssessError::Mismatch(message));
        }
        let mut confusion = Self::new(classes);
        for (&r, &m) in reference.iter().zip(map) {
            let cell = confusion.matrix.get_mut(usize::from(r)).and_then(|row| row.get_mut(usize::from(m)));
            let message = || AssessError::Mismatch(format!("labels {r}, {m} of {} classes", classes.len()));
            *cell.ok_or_else(message)? += 1;
        }
        Ok(confusion)
    }

    /// Adds the counts of another matrix of the same classes: folds are pooled so.
    ///
    /// # Errors
    /// Other classes.
    pub fn add(&mut self, other: &Self) -> Result<(), AssessError> {
        if self.classes != other.classes {
            return Err(AssessError::Mismatch("matrices of different classes cannot be added".into()));
        }
        for (row, others) in self.matrix.iter_mut().zip(&other.matrix) {
            row.iter_mut().zip(others).for_each(|(n, m)| *n += m);
        }
        Ok(())
    }

    /// Number of samples.
    pub fn samples(&self) -> u64 {
        self.matrix.iter().flatten().sum()
    }

    fn on_reference(&self, class: usize) -> u64 {
        self.matrix[class].iter().sum()
    }

    fn on_map(&self, class: usize) -> u64 {
        self.matrix.iter().map(|row| row[class]).sum()
    }

    /// The accuracy document, without areas.
    pub fn accuracy(&self) -> Accuracy {
        let k = self.classes.len();
        let n = self.samples() as f64;
        let hits: u64 = (0..k).map(|c| self.matrix[c][c]).sum();
        let overall = ratio(hits as f64, n);
        let by_chance: f64 =
            (0..k).map(|c| self.on_reference(c) as f64 * self.on_map(c) as f64).sum::<f64>() / (n * n);
        let kappa = overall.and_then(|o| ratio(o - by_chance, 1.0 - by_chance));
        let hit = |c: usize| self.matrix[c][c] as f64;
        let by_class = |of: &dyn Fn(usize) -> Option<f64>| {
            self.classes.iter().enumerate().map(|(c, name)| (name.clone(), of(c))).collect()
        };
        Accuracy {
            classes: self.classes.clone(),
            matrix: self.matrix.clone(),
            overall,
            kappa,
            producers: by_class(&|c| ratio(hit(c), self.on_reference(c) as f64)),
            users: by_class(&|c| ratio(hit(c), self.on_map(c) as f64)),
            // 2PR/(P+R), written so that it is 0, not undefined, where P and R are 0.
            f1: by_class(&|c| ratio(2.0 * hit(c), (self.on_reference(c) + self.on_map(c)) as f64)),
            area_adjusted: None,
            validation: None,
            note: None,
        }
    }

    /// Accuracy and areas weighted by the mapped area of each class (hectares, in the order of
    /// the classes), for samples that are random within each map class: equations 4 to 11 of
    /// Olofsson et al. 2014.
    ///
    /// # Errors
    /// Areas that do not fit the classes, or a mapped class with fewer than two samples.
    pub fn area_adjusted(&self, mapped_ha: &[f64]) -> Result<AreaAdjusted, AssessError> {
        let k = self.classes.len();
        let total: f64 = mapped_ha.iter().sum();
        let valid = mapped_ha.iter().all(|a| a.is_finite() && *a >= 0.0);
        if mapped_ha.len() != k || !valid || total <= 0.0 {
            let message =
                format!("{} mapped areas for {k} classes; each must be at least 0", mapped_ha.len());
            return Err(AssessError::Mismatch(message));
        }
        let on_map: Vec<u64> = (0..k).map(|i| self.on_map(i)).collect();
        for (i, class) in self.classes.iter().enumerate() {
            if mapped_ha[i] > 0.0 && on_map[i] < 2 {
                return Err(AssessError::TooFewOnClass { class: class.clone(), samples: on_map[i] });
            }
        }
        let weight = |i: usize| mapped_ha[i] / total;
        // Share of map class i that is class j in truth, and the variance of that share.
        let share = |i: usize, j: usize| {
            if on_map[i] == 0 { 0.0 } else { self.matrix[j][i] as f64 / on_map[i] as f64 }
        };
        let variance = |i: usize, j: usize| {
            let p = share(i, j);
            if on_map[i] < 2 { 0.0 } else { p * (1.0 - p) / (on_map[i] - 1) as f64 }
        };
        let sum = |of: &dyn Fn(usize) -> f64| (0..k).map(of).sum::<f64>();
        let area = |j: usize| sum(&|i| weight(i) * share(i, j));
        let by_class = |of: &dyn Fn(usize) -> Option<Estimate>| {
            self.classes.iter().enumerate().map(|(c, name)| (name.clone(), of(c))).collect()
        };
        let users = |i: usize| (on_map[i] > 1).then(|| Estimate::of(share(i, i), variance(i, i), 1.0));
        let producers = |j: usize| {
            let truth = total * area(j);
            let p = ratio(mapped_ha[j] * share(j, j), truth)?;
            let own = (mapped_ha[j] * (1.0 - p)).powi(2) * variance(j, j);
            let others = sum(&|i| if i == j { 0.0 } else { mapped_ha[i].powi(2) * variance(i, j) });
            Some(Estimate::of(p, (own + p * p * others) / (truth * truth), 1.0))
        };
        let areas = |j: usize| {
            let variance = sum(&|i| weight(i).powi(2) * variance(i, j));
            Estimate::of(total * area(j), total * total * variance, total)
        };
        let named = |c: usize| self.classes[c].clone();
        Ok(AreaAdjusted {
            overall: Estimate::of(
                sum(&|i| weight(i) * share(i, i)),
                sum(&|i| weight(i).powi(2) * variance(i, i)),
                1.0,
            ),
            producers: by_class(&producers),
            users: by_class(&users),
            areas_ha: (0..k).map(|j| (named(j), areas(j))).collect(),
            mapped_ha: (0..k).map(|j| (named(j), mapped_ha[j])).collect(),
        })
    }
}

impl Estimate {
    /// An estimate of what lies within 0 and `most`.
    fn of(value: f64, variance: f64, most: f64) -> Self {
        let half = 1.96 * variance.max(0.0).sqrt();
        Self { value, interval: [(value - half).max(0.0), (value + half).min(most)] }
    }
}

/// `a / b`, undefined for `b` = 0.
fn ratio(a: f64, b: f64) -> Option<f64> {
    (b != 0.0).then(|| a / b).filter(|r| r.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_small_matrix_by_hand() {
        let c = Confusion::count(&names(&["a", "b"]), &[0, 0, 0, 0, 1, 1], &[0, 0, 0, 1, 1, 0]).unwrap();
        assert_eq!(c.matrix, [[3, 1], [1, 1]]);
        let a = c.accuracy();
        assert_eq!(a.overall, Some(4.0 / 6.0));
        // By chance: (4 x 4 + 2 x 2) / 36.
        assert!((a.kappa.unwrap() - (4.0 / 6.0 - 20.0 / 36.0) / (16.0 / 36.0)).abs() < 1e-12);
        assert_eq!((a.producers["a"], a.users["b"], a.f1["b"]), (Some(0.75), Some(0.5), Some(0.5)));
    }

    #[test]
    fn the_interval_of_the_overall_accuracy_is_that_of_wilson() {
        // 10 of 10: 1 / (1 + z2 / n) at the lower end.
        let all = Confusion { classes: names(&["a", "b"]), matrix: vec![vec![5, 0], vec![0, 5]] };
        let [low, high] = all.overall_interval().unwrap();
        assert!((low - 1.0 / (1.0 + 1.96 * 1.96 / 10.0)).abs() < 1e-9 && (high - 1.0).abs() < 1e-9);
        let half = Confusion { classes: names(&["a", "b"]), matrix: vec![vec![25, 25], vec![25, 25]] };
        let [low, high] = half.overall_interval().unwrap();
        // 0.404 to 0.596: the textbook's 50 of 100.
        assert!((low - 0.4038).abs() < 1e-3 && (high - 0.5962).abs() < 1e-3, "{low} {high}");
        assert_eq!(Confusion::new(&names(&["a"])).overall_interval(), None);
    }

    #[test]
    fn what_no_sample_defines_is_null() {
        let c = Confusion::count(&names(&["a", "b", "c"]), &[0, 0], &[0, 0]).unwrap();
        let json = serde_json::to_value(c.accuracy()).unwrap();
        assert_eq!(json["kappa"], serde_json::Value::Null);
        assert_eq!(json["producers"]["b"], serde_json::Value::Null);
        assert_eq!(json["overall"], 1.0);
        let members: Vec<&String> = json.as_object().unwrap().keys().collect();
        assert_eq!(members, ["classes", "matrix", "overall", "kappa", "producers", "users", "f1"]);
        let empty = Confusion::new(&names(&["a"])).accuracy();
        assert_eq!((empty.overall, empty.kappa), (None, None));
    }

    /// The worked example of Olofsson et al. 2014, section 5 (Table 8): 30 m pixels.
    #[test]
    fn areas_are_those_of_the_papers_example() {
        let classes = names(&["deforestation", "forest gain", "stable forest", "stable non-forest"]);
        // The paper's rows are the map; ours the reference.
        let map = [[66, 0, 5, 4], [0, 55, 8, 12], [1, 0, 153, 11], [2, 1, 9, 313]];
        let matrix = (0..4).map(|r| (0..4).map(|m| map[m][r]).collect()).collect();
        let confusion = Confusion { classes, matrix };
        let pixels = [200_000.0, 150_000.0, 3_200_000.0, 6_450_000.0];
        let adjusted = confusion.area_adjusted(&pixels.map(|p| p * 0.09)).unwrap();
        let close = |e: Estimate, value: f64, half: f64, within: f64| {
            // The upper end may be cut off where it is not possible.
            let wide = e.value - e.interval[0];
            assert!((e.value - value).abs() <= within && (wide - half).abs() <= within, "{e:?} {wide}");
        };
        close(adjusted.overall, 0.95, 0.02, 0.005);
        for (class, users, wide, producers, wide_p) in [
            ("deforestation", 0.88, 0.07, 0.75, 0.21),
            ("forest gain", 0.73, 0.10, 0.85, 0.25),
            ("stable forest", 0.93, 0.04, 0.93, 0.03),
            ("stable non-forest", 0.96, 0.02, 0.96, 0.02),
        ] {
            close(adjusted.users[class].unwrap(), users, wide, 0.0051);
            close(adjusted.producers[class].unwrap(), producers, wide_p, 0.0051);
        }
        close(adjusted.areas_ha["deforestation"], 21_158.0, 6_158.0, 1.0);
        close(adjusted.areas_ha["forest gain"], 11_686.0, 3_756.0, 1.0);
        close(adjusted.areas_ha["stable forest"], 285_770.0, 15_510.0, 1.0);
        close(adjusted.areas_ha["stable non-forest"], 581_386.0, 16_282.0, 1.0);
    }

    #[test]
    fn areas_without_samples_are_refused_by_name() {
        let c = Confusion::count(&names(&["rice", "water"]), &[0, 0, 0], &[0, 0, 0]).unwrap();
        let message = c.area_adjusted(&[5.0, 1.0]).unwrap_err().to_string();
        assert!(message.contains("`water`"), "{message}");
        let adjusted = c.area_adjusted(&[5.0, 0.0]).unwrap();
        assert_eq!((adjusted.users["water"], adjusted.producers["water"]), (None, None));
        assert!(c.area_adjusted(&[5.0]).is_err() && c.area_adjusted(&[f64::NAN, 1.0]).is_err());
    }

    #[test]
    fn values_are_those_of_scikit_learn() {
        let text = include_str!("../../tests/reference/accuracy/accuracy.json");
        let wanted: serde_json::Value = serde_json::from_str(text).unwrap();
        let list = |key: &str| serde_json::from_value::<Vec<u16>>(wanted[key].clone()).unwrap();
        let classes = names(&["a", "b", "c", "d"]);
        let confusion = Confusion::count(&classes, &list("reference"), &list("map")).unwrap();
        let accuracy = confusion.accuracy();
        assert_eq!(serde_json::to_value(&accuracy.matrix).unwrap(), wanted["matrix"]);
        let close = |a: Option<f64>, b: &serde_json::Value| {
            assert!((a.unwrap() - b.as_f64().unwrap()).abs() < 1e-12, "{a:?} {b}");
        };
        close(accuracy.overall, &wanted["overall"]);
        close(accuracy.kappa, &wanted["kappa"]);
        for (k, class) in classes.iter().enumerate() {
            close(accuracy.producers[class], &wanted["producers"][k]);
            close(accuracy.users[class], &wanted["users"][k]);
            close(accuracy.f1[class], &wanted["f1"][k]);
        }
    }
}
