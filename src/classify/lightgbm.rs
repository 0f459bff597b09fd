//! Models that LightGBM wrote as text (`Booster.save_model`), read so that every `f32` row is
//! scored as LightGBM scores it. What cannot be scored exactly is refused by name.

use std::collections::BTreeMap;
use std::str::FromStr;

use super::{Link, Tree, TreeEnsemble};

/// LightGBM takes values this close to 0 for 0 (`kZeroThreshold`, 1e-35 as `f32`).
const ZERO: f64 = 1e-35_f32 as f64;
/// LightGBM's own limit on `num_leaves`.
const MOST_LEAVES: usize = 131_072;
const MOST_CLASSES: usize = 1000;
/// Bits of `decision_type`.
const CATEGORICAL: u8 = 1;
const DEFAULT_LEFT: u8 = 2;

/// A model and the names of the columns that it reads.
#[derive(Clone, Debug, PartialEq)]
pub struct LightGbm {
    /// The trees.
    pub ensemble: TreeEnsemble,
    /// Names of the columns, in order (LightGBM writes `_` for a space).
    pub feature_names: Vec<String>,
    /// Whether it learned from columns with missing values (NaN).
    pub missing: bool,
}

/// Why a model text cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LightGbmError {
    /// It asks for something that is not scored here.
    #[error("LightGBM model: {0} is not supported")]
    Unsupported(String),
    /// It is not a whole model text.
    #[error("LightGBM model: {0}")]
    Broken(String),
}

type Result<T> = std::result::Result<T, LightGbmError>;

fn broken<T>(message: impl Into<String>) -> Result<T> {
    Err(LightGbmError::Broken(message.into()))
}

fn unsupported<T>(what: impl Into<String>) -> Result<T> {
    Err(LightGbmError::Unsupported(what.into()))
}

/// Reads a model text (versions 2 to 4): objectives `multiclass` and `binary`, numerical splits,
/// boosting `gbdt`, `dart`, `goss` and `rf`.
///
/// # Errors
/// Other objectives, categorical splits, linear trees, and zeros taken for missing that go
/// against the threshold are unsupported; a cut or altered text is broken.
pub fn read(text: &str) -> Result<LightGbm> {
    let mut lines = text.lines();
    if lines.next().map(str::trim_end) != Some("tree") {
        return broken("the first line is not `tree`; save it with Booster.save_model");
    }
    let mut header = Section { name: "the header".into(), values: BTreeMap::new() };
    let mut trees: Vec<Section> = Vec::new();
    let mut ended = false;
    for line in lines {
        let line = line.trim_end();
        if line == "end of trees" {
            ended = true;
            break;
        }
        let (key, value) = line.split_once('=').unwrap_or((line, ""));
        if key == "Tree" {
            trees.push(Section { name: format!("tree {value}"), values: BTreeMap::new() });
        } else if !key.is_empty() {
            trees.last_mut().unwrap_or(&mut header).values.insert(key, value);
        }
    }
    if !ended {
        return broken("it ends before `end of trees`; the file is cut");
    }

    let classes: usize = header.one("num_class")?;
    let outputs: usize = header.one("num_tree_per_iteration")?;
    let last: usize = header.one("max_feature_idx")?;
    let feature_names: Vec<String> = header.text("feature_names")?.split(' ').map(String::from).collect();
    if Some(feature_names.len()) != last.checked_add(1) {
        return broken(format!("{} feature_names for max_feature_idx {last}", feature_names.len()));
    }
    let (link, classes, mut scale) = objective(header.text("objective")?, classes, outputs)?;
    let sizes = header.text("tree_sizes")?.split_ascii_whitespace().count();
    if sizes != trees.len() || trees.is_empty() || !trees.len().is_multiple_of(outputs) {
        return broken(format!("{} trees where the header announces {sizes}", trees.len()));
    }
    if header.values.contains_key("average_output") {
        scale /= (trees.len() / outputs) as f64;
    }
    let trees = trees.iter().map(|t| tree(t, feature_names.len(), scale)).collect::<Result<_>>()?;
    let base = vec![0.0; outputs];
    let ensemble = TreeEnsemble { features: feature_names.len(), classes, link, base, trees };
    let decisions = text.lines().filter_map(|l| l.strip_prefix("decision_type="));
    let missing =
        decisions.flat_map(str::split_whitespace).any(|d| d.parse::<u8>().is_ok_and(|d| d >> 2 == 2));
    Ok(LightGbm { ensemble, feature_names, missing })
}

/// Link, classes and the factor of the scores.
fn objective(text: &str, classes: usize, outputs: usize) -> Result<(Link, usize, f64)> {
    let mut words = text.split(' ');
    match words.next().unwrap_or_default() {
        "multiclass" if (2..=MOST_CLASSES).contains(&classes) && outputs == classes => {
            Ok((Link::Softmax, classes, 1.0))
        }
        "binary" if classes == 1 && outputs == 1 => {
            let sigmoid = words.find_map(|w| w.strip_prefix("sigmoid:")).unwrap_or("1");
            match sigmoid.parse::<f64>() {
                Ok(sigmoid) if sigmoid.is_finite() && sigmoid > 0.0 => Ok((Link::Sigmoid, 2, sigmoid)),
                _ => broken(format!("`{sigmoid}` is no sigmoid parameter")),
            }
        }
        "multiclass" | "binary" => {
            broken(format!("objective `{text}` with {classes} classes and {outputs} trees a round"))
        }
        _ => unsupported(format!("objective `{text}` (multiclass and binary are)")),
    }
}

/// Lines of the header or of one tree.
struct Section<'a> {
    name: String,
    values: BTreeMap<&'a str, &'a str>,
}

impl Section<'_> {
    fn text(&self, key: &str) -> Result<&str> {
        match self.values.get(key) {
            Some(value) => Ok(value),
            None => broken(format!("{} has no `{key}`", self.name)),
        }
    }

    fn one<T: FromStr>(&self, key: &str) -> Result<T> {
        match self.text(key)?.parse() {
            Ok(value) => Ok(value),
            Err(_) => broken(format!("`{key}` of {} is no number it can be", self.name)),
        }
    }

    fn many<T: FromStr>(&self, key: &str, count: usize) -> Result<Vec<T>> {
        let values: Option<Vec<T>> =
            self.text(key)?.split_ascii_whitespace().map(|v| v.parse().ok()).collect();
        match values {
            Some(values) if values.len() == count => Ok(values),
            Some(values) => {
                broken(format!("`{key}` of {} has {} values, not {count}", self.name, values.len()))
            }
            None => broken(format!("`{key}` of {} holds what is no number it can be", self.name)),
        }
    }
}

fn tree(section: &Section<'_>, features: usize, scale: f64) -> Result<Tree> {
    let name = &section.name;
    let leaves: usize = section.one("num_leaves")?;
    if !(1..=MOST_LEAVES).contains(&leaves) {
        return broken(format!("{name} has {leaves} leaves; 1 to {MOST_LEAVES} are possible"));
    }
    if section.values.get("is_linear").is_some_and(|v| *v != "0") {
        return unsupported(format!("a linear tree ({name})"));
    }
    let values: Vec<f64> = section.many("leaf_value", leaves)?;
    let leaf: Vec<f32> = values.iter().map(|v| (v * scale) as f32).collect();
    if leaf.iter().any(|v| !v.is_finite()) {
        return broken(format!("{name} has a leaf value that is not finite"));
    }
    let inner = leaves - 1;
    if inner == 0 {
        return Ok(Tree { leaf, ..Tree::default() });
    }
    let feature: Vec<u32> = section.many("split_feature", inner)?;
    if let Some(wrong) = feature.iter().find(|&&f| f as usize >= features) {
        return broken(format!("{name} looks at feature {wrong} of {features}"));
    }
    let (left, right): (Vec<i32>, Vec<i32>) =
        (section.many("left_child", inner)?, section.many("right_child", inner)?);
    check_shape(&left, &right, leaves, name)?;
    let thresholds: Vec<f64> = section.many("threshold", inner)?;
    let decisions: Vec<u8> = section.many("decision_type", inner)?;
    let mut threshold = Vec::with_capacity(inner);
    let mut default_left = Vec::with_capacity(inner);
    for (&t, &decision) in thresholds.iter().zip(&decisions) {
        if decision & CATEGORICAL != 0 {
            return unsupported(format!("a categorical split ({name})"));
        }
        if t.is_nan() {
            return broken(format!("{name} has a threshold that is no number"));
        }
        let by_flag = decision & DEFAULT_LEFT != 0;
        let zero_left = 0.0 <= t;
        default_left.push(match decision >> 2 {
            // A missing value is read as 0.
            0 => zero_left,
            // So it is here, and zeros have a way of their own; exact when that is the usual one.
            1 if by_flag == zero_left && t.abs() >= ZERO => by_flag,
            1 => {
                return unsupported(format!(
                    "a split where zero goes against the threshold ({name}, zero_as_missing)"
                ));
            }
            2 => by_flag,
            _ => return broken(format!("{name} has an unknown decision_type {decision}")),
        });
        threshold.push(round_down(t));
    }
    Ok(Tree { feature, threshold, default_left, left, right, leaf })
}

/// Every node but the root and every leaf hangs on exactly one node before it: then it is a
/// tree, without cycles.
fn check_shape(left: &[i32], right: &[i32], leaves: usize, name: &str) -> Result<()> {
    let mut seen = (vec![false; left.len()], vec![false; leaves]);
    seen.0[0] = true;
    for (node, (&l, &r)) in left.iter().zip(right).enumerate() {
        for child in [l, r] {
            let place = match usize::try_from(child) {
                Ok(inner) if inner > node => seen.0.get_mut(inner),
                Ok(_) => None,
                Err(_) => seen.1.get_mut(!child as usize),
            };
            match place {
                Some(seen) if !*seen => *seen = true,
                _ => return broken(format!("child {child} of node {node} makes {name} no tree")),
            }
        }
    }
    Ok(())
}

/// The largest `f32` not above: for every `f32` x, `x <= t` and `x <= round_down(t)` agree.
/// (Below the smallest `f32` it stays there, so that it can be written as JSON.)
fn round_down(t: f64) -> f32 {
    let near = t.clamp(f64::from(f32::MIN), f64::from(f32::MAX)) as f32;
    if f64::from(near) > t { near.next_down().max(f32::MIN) } else { near }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn cases() -> Vec<Value> {
        let text = include_str!("../../tests/reference/lightgbm/models.json");
        let document: Value = serde_json::from_str(text).unwrap();
        document["cases"].as_array().unwrap().clone()
    }

    fn model(case: usize) -> String {
        cases()[case]["model"].as_str().unwrap().to_string()
    }

    #[test]
    fn rows_are_scored_as_lightgbm_scores_them() {
        for case in cases() {
            let model = read(case["model"].as_str().unwrap()).unwrap();
            assert_eq!(model.feature_names[1], "NDRE@2022-02-05");
            let rows = case["rows"].as_array().unwrap();
            for (row, wanted) in rows.iter().zip(case["probabilities"].as_array().unwrap()) {
                let p = model.ensemble.score_row(|c| row[c].as_f64().map_or(f32::NAN, |v| v as f32));
                for (p, wanted) in p.iter().zip(wanted.as_array().unwrap()) {
                    let wanted = wanted.as_f64().unwrap();
                    assert!((f64::from(*p) - wanted).abs() < 1e-6, "{} {row} {p} {wanted}", case["name"]);
                }
            }
        }
    }

    #[test]
    fn what_is_unsupported_is_named() {
        let says = |from: &str, to: &str, word: &str| {
            let changed = model(0).replacen(from, to, 1);
            let error = read(&changed).unwrap_err();
            assert!(matches!(error, LightGbmError::Unsupported(_)), "{error}");
            assert!(error.to_string().contains(word), "{error}");
        };
        says(
            "objective=multiclass num_class:3",
            "objective=multiclassova num_class:3 sigmoid:1",
            "multiclassova",
        );
        says("objective=multiclass num_class:3", "objective=regression", "regression");
        says("is_linear=0", "is_linear=1", "linear tree");
        says("decision_type=8", "decision_type=1", "categorical");
        says("decision_type=10", "decision_type=9", "categorical");
    }

    #[test]
    fn zeros_taken_for_missing_are_scored_where_they_go_the_usual_way() {
        let text = |decision: u8, threshold: &str| {
            format!(
                "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nmax_feature_idx=0\n\
                 objective=binary sigmoid:1\nfeature_names=a\ntree_sizes=1\n\nTree=0\nnum_leaves=2\n\
                 split_feature=0\nthreshold={threshold}\ndecision_type={decision}\nleft_child=-1\n\
                 right_child=-2\nleaf_value=1 -1\n\nend of trees\n"
            )
        };
        assert!(read(&text(6, "0.5")).unwrap().ensemble.trees[0].default_left[0]);
        assert!(!read(&text(4, "-0.5")).unwrap().ensemble.trees[0].default_left[0]);
        for (decision, threshold) in [(4, "0.5"), (6, "-0.5"), (6, "1e-40")] {
            let message = read(&text(decision, threshold)).unwrap_err().to_string();
            assert!(message.contains("zero_as_missing"), "{message}");
        }
    }

    #[test]
    fn a_cut_or_wrong_text_is_broken() {
        let text = model(0);
        for end in (0..text.len()).step_by(97) {
            assert!(read(&text[..end]).is_err(), "cut at {end}");
        }
        for (from, to) in [
            ("num_class=3", "num_class=4000000000000"),
            ("num_class=3", "num_class=-1"),
            ("max_feature_idx=4", "max_feature_idx=18446744073709551615"),
            ("num_leaves=7", "num_leaves=4000000000"),
            ("left_child=1", "left_child=0"),
            ("right_child=", "right_child=-99 "),
            ("Tree=2", "Three=2"),
        ] {
            assert!(text.contains(from), "{from}");
            assert!(read(&text.replacen(from, to, 1)).is_err(), "{from} -> {to}");
        }
    }

    proptest! {
        #[test]
        fn thresholds_decide_every_float_alike(t in any::<f64>(), x in any::<f32>(), near in 0u32..4) {
            prop_assume!(!t.is_nan() && !x.is_nan() && t >= f64::from(f32::MIN));
            let x = if near == 0 { x } else { f32::from_bits((t as f32).to_bits().wrapping_add(near).wrapping_sub(2)) };
            prop_assume!(!x.is_nan());
            prop_assert_eq!(f64::from(x) <= t, x <= round_down(t));
        }

        #[test]
        fn altered_texts_never_panic(case in 0usize..6, edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0u8..3), 1..6)) {
            let mut bytes = model(case).into_bytes();
            for (at, byte, kind) in edits {
                let at = at.index(bytes.len());
                match kind {
                    0 => bytes[at] = byte,
                    1 => drop(bytes.remove(at)),
                    _ => bytes.insert(at, b"0123456789-=. \n"[byte as usize % 15]),
                }
            }
            if let Ok(model) = read(&String::from_utf8_lossy(&bytes)) {
                let p = model.ensemble.score_row(|c| c as f32 - 1.0);
                prop_assert_eq!(p.len(), model.ensemble.classes);
            }
        }
    }
}
