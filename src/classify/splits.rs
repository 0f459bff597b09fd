//! Validation designs: which samples train, which choose parameters, which test.
//! Every design is drawn from a seed alone.

use std::collections::{BTreeMap, BTreeSet};

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Labels;

/// How samples are divided for validation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "by", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Validation {
    /// Shares for training, for the choice of parameters, and for the test that is reported
    /// once; drawn within each class.
    Holdout {
        /// Training, validation, test; they add up to 1.
        #[serde(default = "usual_fractions")]
        fractions: [f64; 3],
    },
    /// Each fold, drawn within each class, is tested by a model of the others.
    Folds {
        /// Number of folds.
        #[schemars(range(min = 2, max = 100))]
        folds: u32,
    },
    /// Each group, such as a cluster or a year, is tested by a model of the others.
    Group {
        /// The property of the samples that names their group.
        property: String,
    },
    /// As folds, but of square blocks of ground, because neighbours are not independent.
    Blocks {
        /// Side of a block in metres.
        #[schemars(range(min = 1.0, max = 1_000_000.0))]
        metres: f64,
        /// Number of folds.
        #[schemars(range(min = 2, max = 100))]
        folds: u32,
    },
}

fn usual_fractions() -> [f64; 3] {
    [0.4, 0.4, 0.2]
}

impl Default for Validation {
    fn default() -> Self {
        Self::Holdout { fractions: usual_fractions() }
    }
}

impl Validation {
    /// Refuses a design that divides no samples.
    ///
    /// # Errors
    /// [`SplitError::Member`].
    pub fn check(&self) -> Result<(), SplitError> {
        let Self::Holdout { fractions } = self else { return Ok(()) };
        let wrong = |message| Err(SplitError::Member { member: "fractions", message });
        let sum: f64 = fractions.iter().sum();
        if fractions.iter().any(|f| !(0.0..=1.0).contains(f)) || (sum - 1.0).abs() > 1e-6 {
            return wrong(format!(
                "{fractions:?} must be shares of training, validation and test that add up to 1, not {sum}"
            ));
        }
        if fractions[0] == 0.0 || fractions[2] == 0.0 {
            return wrong("training and test must be above 0".to_owned());
        }
        Ok(())
    }
}

/// Fewest points or polygons of each class that a holdout is made of where nothing else is asked for:
/// 20 of them are tested.
const FEWEST_IN_HOLDOUT: usize = 100;
/// Folds where there are fewer.
const USUAL_FOLDS: u32 = 5;

/// The design where none is asked for: a holdout, or folds of few samples, which test every sample and
/// train on most. `None` where a class has a single point or polygon, which cannot train and test.
pub fn usual_design(samples: &Samples<'_>) -> Option<Validation> {
    let units = units_of(samples.labels.labels.len(), |i| unit(samples, i));
    let in_units = class_units(samples, &units);
    let smallest = in_units.into_iter().filter(|&n| n > 0).min()?;
    match smallest {
        ..=1 => None,
        FEWEST_IN_HOLDOUT.. => Some(Validation::default()),
        few => Some(Validation::Folds { folds: USUAL_FOLDS.min(few as u32) }),
    }
}

/// What a design may look at.
#[derive(Clone, Copy, Debug)]
pub struct Samples<'a> {
    /// The class of each sample.
    pub labels: &'a Labels,
    /// Samples with the same unit (pixels of one polygon) stay together. Without units each
    /// sample stands alone.
    pub units: Option<&'a [u32]>,
    /// Properties by name, a value a sample.
    pub properties: &'a BTreeMap<String, Vec<String>>,
    /// Easting and northing of each sample in metres, of any projected CRS.
    pub xy: Option<&'a [[f64; 2]]>,
}

/// One turn of training and testing; positions of samples, ascending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fold {
    /// What is tested: `test`, the number of a fold, or the name of a group.
    pub name: String,
    /// Samples to train with.
    pub train: Vec<usize>,
    /// Samples to choose parameters with; empty but for a holdout (see [`hold_out`]).
    pub validation: Vec<usize>,
    /// Samples to test with.
    pub test: Vec<usize>,
}

/// Why samples cannot be divided so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SplitError {
    /// A member of the design is wrong.
    #[error("`validation.{member}`: {message}")]
    Member {
        /// The member, such as `fractions`.
        member: &'static str,
        /// What is wrong and the way out.
        message: String,
    },
    /// No samples, or all of one class.
    #[error("{0}")]
    Classes(String),
    /// A class is too small for the design.
    #[error(
        "class `{class}` has {samples} samples in {units} independent units (points or polygons); {needs}"
    )]
    TooFew {
        /// Name of the class.
        class: String,
        /// Its samples.
        samples: usize,
        /// Its points or polygons.
        units: usize,
        /// What the design needs.
        needs: String,
    },
}

/// Divides samples by a design. Tests of all folds together cover each sample once (a holdout:
/// its test share).
///
/// # Errors
/// One class only, a class that is too small (named, with counts), an unknown property,
/// fractions that do not add up to 1, blocks without positions.
pub fn split(design: &Validation, samples: &Samples<'_>, seed: u64) -> Result<Vec<Fold>, SplitError> {
    design.check()?;
    check(samples)?;
    let alone = |samples: &Samples<'_>| units_of(samples.labels.labels.len(), |i| unit(samples, i));
    match design {
        Validation::Holdout { fractions } => {
            let units = alone(samples);
            let wanted = fractions.iter().filter(|&&f| f > 0.0).count();
            enough(samples, &units, wanted, &format!("a holdout of {wanted} parts needs {wanted}"))?;
            let mut parts = assign(samples.labels, &units, fractions, seed).into_iter();
            let mut part = || parts.next().unwrap_or_default();
            Ok(vec![Fold { name: "test".into(), train: part(), validation: part(), test: part() }])
        }
        Validation::Folds { folds } => {
            let folds = fold_count(*folds)?;
            let units = alone(samples);
            enough(samples, &units, folds, &format!("{folds} folds need {folds}"))?;
            let parts = assign(samples.labels, &units, &vec![1.0 / folds as f64; folds], seed);
            Ok(rotate(samples, parts, |i| (i + 1).to_string()))
        }
        Validation::Group { property } => {
            let Some(values) = samples.properties.get(property) else {
                let known: Vec<&str> = samples.properties.keys().map(String::as_str).collect();
                let message = format!(
                    "the samples have no property `{property}`; they have {}",
                    if known.is_empty() { "none".into() } else { known.join(", ") }
                );
                return Err(SplitError::Member { member: "property", message });
            };
            let without = values.iter().filter(|v| v.trim().is_empty()).count();
            if without > 0 {
                let message = format!("{without} of {} samples have no `{property}`", values.len());
                return Err(SplitError::Member { member: "property", message });
            }
            let groups = units_of(values.len(), |i| values[i].as_str());
            if groups.len() < 2 {
                let message = format!("`{property}` has one value only; two groups are needed");
                return Err(SplitError::Member { member: "property", message });
            }
            let names: Vec<String> = groups.iter().map(|g| values[g[0]].clone()).collect();
            let folds = rotate(samples, groups, |i| names[i].clone());
            covered(samples, &folds, "must be in at least two groups, to be learned when one is left out")?;
            Ok(folds)
        }
        Validation::Blocks { metres, folds } => {
            let folds = fold_count(*folds)?;
            if !(1.0..=1e6).contains(metres) {
                let message = format!("{metres} is not within 1 to 1000000");
                return Err(SplitError::Member { member: "metres", message });
            }
            let Some(xy) = samples.xy else {
                let message = "these samples have no positions; choose `holdout`, `folds` or `group`".into();
                return Err(SplitError::Member { member: "metres", message });
            };
            if let Some(i) = xy.iter().position(|p| !p.iter().all(|v| v.is_finite())) {
                let message = format!("sample {i} has no finite position");
                return Err(SplitError::Member { member: "metres", message });
            }
            // A polygon belongs to the block of its first pixel, so that it is not torn.
            let mut first: BTreeMap<u32, usize> = BTreeMap::new();
            let blocks = units_of(xy.len(), |i| {
                let at = xy[*first.entry(unit(samples, i)).or_insert(i)];
                ((at[0] / metres).floor() as i64, (at[1] / metres).floor() as i64)
            });
            if blocks.len() < folds {
                let message =
                    format!("only {} blocks hold samples; {folds} folds need as many", blocks.len());
                return Err(SplitError::Member { member: "metres", message });
            }
            let parts = assign(samples.labels, &blocks, &vec![1.0 / folds as f64; folds], seed);
            let folds = rotate(samples, parts, |i| (i + 1).to_string());
            covered(samples, &folds, "must be in blocks of at least two folds; use smaller blocks")?;
            Ok(folds)
        }
    }
}

/// Sets a share of `rows` aside, drawn within each class with units kept together: what early
/// stopping and a parameter search look at where the design has no validation part.
/// Gives what is kept and what is set aside, ascending.
///
/// # Errors
/// One class only, or a class of a single unit.
pub fn hold_out(
    samples: &Samples<'_>,
    rows: &[usize],
    fraction: f64,
    seed: u64,
) -> Result<(Vec<usize>, Vec<usize>), SplitError> {
    let labels = samples.labels.select(rows);
    let units: Vec<u32> = rows.iter().map(|&row| unit(samples, row)).collect();
    // A holdout looks at neither properties nor places.
    let none = BTreeMap::new();
    let inner = Samples { labels: &labels, units: Some(&units), properties: &none, xy: None };
    let design = Validation::Holdout { fractions: [1.0 - fraction, 0.0, fraction] };
    let fold = split(&design, &inner, seed)?.pop().unwrap_or_default();
    let back = |part: Vec<usize>| part.into_iter().map(|i| rows[i]).collect();
    Ok((back(fold.train), back(fold.test)))
}

fn unit(samples: &Samples<'_>, sample: usize) -> u32 {
    samples.units.map_or(sample as u32, |units| units[sample])
}

fn check(samples: &Samples<'_>) -> Result<(), SplitError> {
    let labels = samples.labels;
    let rows = labels.labels.len();
    let lengths = samples.units.map_or(rows, <[u32]>::len) == rows
        && samples.xy.map_or(rows, <[[f64; 2]]>::len) == rows
        && samples.properties.values().all(|v| v.len() == rows);
    if !lengths {
        let message = format!("units, positions and properties must have a value for each of {rows} samples");
        return Err(SplitError::Classes(message));
    }
    let counts = labels.counts();
    let present: Vec<&str> =
        labels.classes.iter().zip(&counts).filter(|(_, n)| **n > 0).map(|(c, _)| c.as_str()).collect();
    match present[..] {
        [] => Err(SplitError::Classes("there are no samples".into())),
        [only] => {
            Err(SplitError::Classes(format!("all {rows} samples are of one class, `{only}`; two are needed")))
        }
        _ => Ok(()),
    }
}

fn fold_count(folds: u32) -> Result<usize, SplitError> {
    if (2..=100).contains(&folds) {
        return Ok(folds as usize);
    }
    Err(SplitError::Member { member: "folds", message: format!("{folds} is not within 2 to 100") })
}

/// Samples that share a key, in the order of the keys.
fn units_of<K: Ord>(samples: usize, mut key: impl FnMut(usize) -> K) -> Vec<Vec<usize>> {
    let mut units: BTreeMap<K, Vec<usize>> = BTreeMap::new();
    for sample in 0..samples {
        units.entry(key(sample)).or_default().push(sample);
    }
    units.into_values().collect()
}

/// In how many units each class is.
fn class_units(samples: &Samples<'_>, units: &[Vec<usize>]) -> Vec<usize> {
    let labels = samples.labels;
    let mut in_units = vec![0; labels.classes.len()];
    for unit in units {
        let here: BTreeSet<u16> = unit.iter().map(|&i| labels.labels[i]).collect();
        for class in here {
            in_units[usize::from(class)] += 1;
        }
    }
    in_units
}

/// Refuses a class in fewer units than parts.
fn enough(samples: &Samples<'_>, units: &[Vec<usize>], parts: usize, needs: &str) -> Result<(), SplitError> {
    let labels = samples.labels;
    let counts = labels.counts();
    let in_units = class_units(samples, units);
    for (class, name) in labels.classes.iter().enumerate() {
        if counts[class] > 0 && in_units[class] < parts {
            return Err(SplitError::TooFew {
                class: name.clone(),
                samples: counts[class],
                units: in_units[class],
                needs: needs.into(),
            });
        }
    }
    Ok(())
}

/// Refuses a class that some fold could not learn.
fn covered(samples: &Samples<'_>, folds: &[Fold], needs: &str) -> Result<(), SplitError> {
    let labels = samples.labels;
    let counts = labels.counts();
    for fold in folds {
        let train = labels.select(&fold.train).counts();
        for (class, name) in labels.classes.iter().enumerate() {
            if counts[class] > 0 && train[class] == 0 {
                let own = units_of(labels.labels.len(), |i| unit(samples, i))
                    .iter()
                    .filter(|u| u.iter().any(|&i| usize::from(labels.labels[i]) == class))
                    .count();
                return Err(SplitError::TooFew {
                    class: name.clone(),
                    samples: counts[class],
                    units: own,
                    needs: format!("all of them are in `{}`; a class {needs}", fold.name),
                });
            }
        }
    }
    Ok(())
}

/// Deals units out so that each class comes as close to the shares as whole units allow:
/// shuffled, large units first, each to the part that lacks most of its classes.
fn assign(labels: &Labels, units: &[Vec<usize>], shares: &[f64], seed: u64) -> Vec<Vec<usize>> {
    let totals = labels.counts();
    let mut order: Vec<usize> = (0..units.len()).collect();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    order.sort_by_key(|&u| std::cmp::Reverse(units[u].len()));
    // What each part still lacks of each class.
    let mut lacks: Vec<Vec<f64>> =
        shares.iter().map(|share| totals.iter().map(|&n| share * n as f64).collect()).collect();
    let mut parts = vec![Vec::new(); shares.len()];
    let mut untouched: Vec<Vec<bool>> = vec![vec![true; totals.len()]; shares.len()];
    for u in order {
        let mut of_class = vec![0.0; totals.len()];
        units[u].iter().for_each(|&i| of_class[usize::from(labels.labels[i])] += 1.0);
        let score = |part: usize| -> f64 {
            (0..totals.len())
                .filter(|&class| of_class[class] > 0.0)
                .map(|class| {
                    // A part that has none of a class yet comes first when little is left.
                    let urgent = if untouched[part][class] { 1e-9 } else { 0.0 };
                    of_class[class] * (lacks[part][class] + urgent) / totals[class] as f64
                })
                .sum()
        };
        let mut best = None;
        for part in (0..shares.len()).filter(|&p| shares[p] > 0.0) {
            let here = score(part);
            if best.is_none_or(|(_, s)| here > s) {
                best = Some((part, here));
            }
        }
        let Some((part, _)) = best else { continue };
        for (class, &n) in of_class.iter().enumerate() {
            lacks[part][class] -= n;
            untouched[part][class] &= n == 0.0;
        }
        parts[part].extend_from_slice(&units[u]);
    }
    fill_gaps(labels, units, &mut parts, shares);
    for part in &mut parts {
        part.sort_unstable();
    }
    parts
}

/// Rounding may leave a part without a small class: gives it a unit of a part that has several.
fn fill_gaps(labels: &Labels, units: &[Vec<usize>], parts: &mut [Vec<usize>], shares: &[f64]) {
    let in_part = |parts: &[Vec<usize>], part: usize, class: u16| -> Vec<usize> {
        (0..units.len())
            .filter(|&u| {
                units[u].iter().any(|&i| labels.labels[i] == class) && parts[part].contains(&units[u][0])
            })
            .collect()
    };
    for class in 0..labels.classes.len() as u16 {
        if !labels.labels.contains(&class) {
            continue;
        }
        for part in (0..parts.len()).filter(|&p| shares[p] > 0.0) {
            if parts[part].iter().any(|&i| labels.labels[i] == class) {
                continue;
            }
            let Some((from, have)) = (0..parts.len())
                .map(|p| (p, in_part(parts, p, class)))
                .filter(|(_, have)| have.len() > 1)
                .max_by_key(|(p, have)| (have.len(), std::cmp::Reverse(*p)))
            else {
                continue;
            };
            let Some(&moved) = have.iter().min_by_key(|&&u| units[u].len()) else { continue };
            parts[from].retain(|i| !units[moved].contains(i));
            parts[part].extend_from_slice(&units[moved]);
        }
    }
}

/// Each part is tested once, by the others.
fn rotate(samples: &Samples<'_>, parts: Vec<Vec<usize>>, name: impl Fn(usize) -> String) -> Vec<Fold> {
    let mut part_of = vec![usize::MAX; samples.labels.labels.len()];
    for (p, part) in parts.iter().enumerate() {
        for &i in part {
            part_of[i] = p;
        }
    }
    let others = |p: usize| (0..part_of.len()).filter(|&i| part_of[i] != p).collect();
    let fold = |(p, test)| Fold { name: name(p), train: others(p), validation: Vec::new(), test };
    parts.into_iter().enumerate().filter(|(_, part)| !part.is_empty()).map(fold).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn labels(counts: &[usize]) -> Labels {
        let names = ["single-rice", "double-rice", "non-rice"];
        Labels {
            classes: names[..counts.len()].iter().map(ToString::to_string).collect(),
            labels: counts.iter().enumerate().flat_map(|(k, &n)| vec![k as u16; n]).collect(),
        }
    }

    fn samples<'a>(labels: &'a Labels, properties: &'a BTreeMap<String, Vec<String>>) -> Samples<'a> {
        Samples { labels, units: None, properties, xy: None }
    }

    #[test]
    fn the_usual_design_follows_the_smallest_class() {
        let of = |counts: &[usize]| {
            let labels = labels(counts);
            usual_design(&Samples { labels: &labels, units: None, properties: &BTreeMap::new(), xy: None })
        };
        assert_eq!(of(&[100, 400]), Some(Validation::default()));
        assert_eq!(of(&[99, 4000]), Some(Validation::Folds { folds: 5 }));
        assert_eq!(of(&[20, 20, 0]), Some(Validation::Folds { folds: 5 }));
        assert_eq!(of(&[2, 2]), Some(Validation::Folds { folds: 2 }));
        assert_eq!((of(&[1, 50]), of(&[1, 1])), (None, None));
        // Two polygons of many pixels are two samples.
        let (labels, units) = (labels(&[60, 60]), [0u32, 1, 2, 3].repeat(30));
        let mut units: Vec<u32> = units;
        units.sort_unstable();
        let about = Samples { labels: &labels, units: Some(&units), properties: &BTreeMap::new(), xy: None };
        assert_eq!(usual_design(&about), Some(Validation::Folds { folds: 2 }));
    }

    #[test]
    fn a_holdout_keeps_the_shares_of_each_class() {
        let (labels, none) = (labels(&[100, 40, 15]), BTreeMap::new());
        let fold = &split(&Validation::default(), &samples(&labels, &none), 1).unwrap()[0];
        assert_eq!(labels.select(&fold.train).counts(), [40, 16, 6]);
        assert_eq!(labels.select(&fold.validation).counts(), [40, 16, 6]);
        assert_eq!(labels.select(&fold.test).counts(), [20, 8, 3]);
        let again = &split(&Validation::default(), &samples(&labels, &none), 1).unwrap()[0];
        assert_eq!(fold, again);
        let other = &split(&Validation::default(), &samples(&labels, &none), 2).unwrap()[0];
        assert_ne!(fold, other);
    }

    #[test]
    fn part_of_samples_with_properties_and_places_is_set_aside() {
        let labels = labels(&[20, 20]);
        let properties = [("cluster".to_string(), vec!["a".to_string(); 40])].into();
        let xy = vec![[0.0, 0.0]; 40];
        let about = Samples { xy: Some(&xy), ..samples(&labels, &properties) };
        let rows: Vec<usize> = (0..40).filter(|r| r % 4 != 0).collect();
        let (kept, aside) = hold_out(&about, &rows, 0.3, 1).unwrap();
        assert_eq!((kept.len(), aside.len()), (22, 8));
        assert!(kept.iter().chain(&aside).all(|r| rows.contains(r)));
    }

    #[test]
    fn groups_are_left_out_one_by_one() {
        let labels = labels(&[4, 4]);
        let values = ["a", "a", "b", "b", "c", "c", "d", "d"].map(String::from).to_vec();
        let properties = [("cluster".to_string(), values)].into();
        let design = Validation::Group { property: "cluster".into() };
        let folds = split(&design, &samples(&labels, &properties), 0).unwrap();
        assert_eq!(folds.iter().map(|f| f.name.as_str()).collect::<Vec<_>>(), ["a", "b", "c", "d"]);
        assert_eq!((folds[1].test.clone(), folds[1].train.len()), (vec![2, 3], 6));
    }

    #[test]
    fn blocks_of_ground_are_not_torn() {
        let (labels, none) = (labels(&[50, 50]), BTreeMap::new());
        let xy: Vec<[f64; 2]> =
            (0..100).map(|i| [f64::from(i) * 37.0 % 1000.0, f64::from(i) * 91.0 % 900.0]).collect();
        let samples = Samples { xy: Some(&xy), ..samples(&labels, &none) };
        let folds = split(&Validation::Blocks { metres: 150.0, folds: 5 }, &samples, 3).unwrap();
        let block = |i: usize| ((xy[i][0] / 150.0) as i32, (xy[i][1] / 150.0) as i32);
        assert_eq!(folds.iter().map(|f| f.test.len()).sum::<usize>(), 100);
        for fold in &folds {
            assert!(fold.test.iter().all(|&t| fold.train.iter().all(|&s| block(s) != block(t))));
        }
    }

    #[test]
    fn what_cannot_be_divided_is_refused_by_name() {
        let none = BTreeMap::new();
        let says = |design: &Validation, counts: &[usize], words: &[&str]| {
            let labels = labels(counts);
            let message = split(design, &samples(&labels, &none), 0).unwrap_err().to_string();
            assert!(words.iter().all(|w| message.contains(w)), "{message}");
        };
        let holdout = |fractions| Validation::Holdout { fractions };
        says(&holdout([0.5, 0.4, 0.2]), &[9, 9], &["validation.fractions", "1.1"]);
        says(&holdout([f64::NAN, 0.4, 0.2]), &[9, 9], &["fractions"]);
        says(&holdout([0.0, 0.8, 0.2]), &[9, 9], &["above 0"]);
        says(&Validation::default(), &[9, 0], &["one class", "single-rice"]);
        says(&Validation::default(), &[0, 0], &["no samples"]);
        says(&Validation::default(), &[9, 2], &["double-rice", "2 samples", "3"]);
        says(&Validation::Folds { folds: 5 }, &[9, 4], &["double-rice", "4 samples", "5 folds"]);
        says(&Validation::Folds { folds: 1 }, &[9, 4], &["validation.folds"]);
        says(&Validation::Group { property: "year".into() }, &[9, 4], &["`year`"]);
        says(&Validation::Blocks { metres: 10.0, folds: 2 }, &[9, 4], &["positions"]);
    }

    #[test]
    fn a_class_in_one_group_only_is_refused() {
        let labels = labels(&[4, 2]);
        let values = ["a", "a", "b", "b", "b", "b"].map(String::from).to_vec();
        let properties = [("cluster".to_string(), values)].into();
        let design = Validation::Group { property: "cluster".into() };
        let message = split(&design, &samples(&labels, &properties), 0).unwrap_err().to_string();
        assert!(message.contains("double-rice") && message.contains("`b`"), "{message}");
    }

    #[test]
    fn requests_read_as_the_design_writes_them() {
        let read = |text: &str| serde_json::from_str::<Validation>(text);
        assert_eq!(read(r#"{"by": "holdout"}"#).unwrap(), Validation::default());
        assert_eq!(read(r#"{"by": "folds", "folds": 5}"#).unwrap(), Validation::Folds { folds: 5 });
        let blocks = Validation::Blocks { metres: 1000.0, folds: 5 };
        assert_eq!(read(r#"{"by": "blocks", "metres": 1000, "folds": 5}"#).unwrap(), blocks);
        let group = Validation::Group { property: "cluster".into() };
        assert_eq!(serde_json::to_string(&group).unwrap(), r#"{"by":"group","property":"cluster"}"#);
        assert!(read(r#"{"by": "folds", "folds": 5, "fold": 3}"#).is_err());
    }

    proptest! {
        #[test]
        fn every_sample_is_in_one_part_and_no_unit_is_torn(
            rows in prop::collection::vec((0u16..3, 0u32..40), 30..200), seed in 0u64..50, folds in 2u32..6,
        ) {
            let labels = Labels {
                classes: ["a", "b", "c"].map(String::from).to_vec(),
                labels: rows.iter().map(|r| r.0).collect(),
            };
            let units: Vec<u32> = rows.iter().map(|r| r.1).collect();
            let none = BTreeMap::new();
            let samples = Samples { labels: &labels, units: Some(&units), properties: &none, xy: None };
            for design in [Validation::default(), Validation::Folds { folds }] {
                let Ok(made) = split(&design, &samples, seed) else { continue };
                let mut tested = vec![0; rows.len()];
                for fold in &made {
                    let mut all: Vec<usize> = [&fold.train[..], &fold.validation, &fold.test].concat();
                    all.sort_unstable();
                    prop_assert_eq!(all, (0..rows.len()).collect::<Vec<_>>());
                    let unit = |part: &[usize]| part.iter().map(|&i| units[i]).collect::<BTreeSet<_>>();
                    prop_assert!(unit(&fold.test).is_disjoint(&unit(&fold.train)));
                    prop_assert!(unit(&fold.validation).is_disjoint(&unit(&fold.train)));
                    fold.test.iter().for_each(|&i| tested[i] += 1);
                }
                if matches!(design, Validation::Folds { .. }) {
                    prop_assert!(tested.iter().all(|&n| n == 1));
                }
            }
        }
    }
}
