//! Distances against hand-made and reference values.

use super::super::testing::{self, Series};
use super::path::warp;
use super::*;

/// One sample a class: the curves are the samples themselves.
fn library(curves: &[&[f32]], params: &DtwParams) -> DtwModel {
    let steps = curves[0].len();
    let values = (0..steps).flat_map(|t| curves.iter().map(move |c| c[t])).collect();
    let samples = Series { series: 1, steps, pixels: curves.len(), values };
    let classes = (0..curves.len()).map(|k| format!("class-{k}")).collect();
    let labels = Labels { classes, labels: (0..curves.len() as u16).collect() };
    DtwModel::train(&samples.block(), &labels, None, params, 0, &|_| true).unwrap()
}

fn band(band: usize) -> DtwParams {
    DtwParams { band: Some(band), ..DtwParams::default() }
}

fn pixel(values: &[f32]) -> SeriesBlock<'_> {
    SeriesBlock { series: 1, steps: values.len(), pixels: 1, values }
}

#[test]
fn the_hand_checked_path() {
    // 0 1 2 against 0 2 2: the 1 goes with the 0 or the first 2, at a cost of 1.
    let model = library(&[&[0.0, 2.0, 2.0], &[5.0, 5.0, 5.0]], &DtwParams::default());
    let d = model.distances(&pixel(&[0.0, 1.0, 2.0])).unwrap();
    assert_eq!(d, [1.0, (25.0f32 + 16.0 + 9.0).sqrt()]);
}

#[test]
fn a_series_has_no_distance_to_itself_and_little_to_its_shift_within_the_band() {
    let bump = |at: f32| -> Vec<f32> { (0..20).map(|t| (-(t as f32 - at).powi(2) / 8.0).exp()).collect() };
    let (here, there) = (bump(9.0), bump(11.0));
    let flat = vec![0.0; 20];
    let free = library(&[&here, &flat], &band(2)).distances(&pixel(&there)).unwrap();
    let straight = library(&[&here, &flat], &band(0)).distances(&pixel(&there)).unwrap();
    assert_eq!(library(&[&here, &flat], &band(2)).distances(&pixel(&here)).unwrap()[0], 0.0);
    assert!(free[0] < 0.05 && straight[0] > 0.8, "{free:?} {straight:?}");
}

#[test]
fn a_missing_value_costs_nothing_and_the_others_count_for_it() {
    let model = library(&[&[1.0, 1.0, 1.0, 1.0], &[9.0, 9.0, 9.0, 9.0]], &band(0));
    let d = model.distances(&pixel(&[2.0, f32::NAN, 2.0, f32::NAN])).unwrap();
    assert!((d[0] - 2.0).abs() < 1e-6, "two of four values, each 1 off: sqrt(2 * 4 / 2)");
    assert!(model.distances(&pixel(&[f32::NAN; 4])).unwrap().iter().all(|d| d.is_nan()));
}

#[test]
fn distances_equal_those_of_dtaidistance() {
    let text = include_str!("../../../tests/reference/dtw/distances.json");
    let reference: serde_json::Value = serde_json::from_str(text).unwrap();
    let rows = |v: &serde_json::Value| -> Vec<Vec<f32>> { serde_json::from_value(v.clone()).unwrap() };
    let (curves, pixels) = (rows(&reference["curves"]), rows(&reference["pixels"]));
    let steps = curves[0].len();
    let values: Vec<f32> = (0..steps).flat_map(|t| pixels.iter().map(move |p| p[t])).collect();
    let block = SeriesBlock { series: 1, steps, pixels: pixels.len(), values: &values };
    let curves: Vec<&[f32]> = curves.iter().map(Vec::as_slice).collect();
    for case in reference["cases"].as_array().unwrap() {
        let window = case["window"].as_u64().map(|w| w as usize);
        let params = DtwParams { band: window.map(|w| w - 1), ..DtwParams::default() };
        let found = library(&curves, &params).distances(&block).unwrap();
        let expected = rows(&case["distances"]);
        for (found, expected) in found.iter().zip(expected.iter().flatten()) {
            assert!((found - expected).abs() < 1e-5, "window {window:?}: {found} is not {expected}");
        }
    }
}

#[test]
fn lanes_of_several_series_equal_the_path() {
    let (first, _) = testing::seasons(40, 1);
    let (second, _) = testing::seasons(40, 2);
    let mut both = Series { series: 2, values: [first.values, second.values].concat(), ..first };
    both.set(0, 3, 4, f32::NAN);
    both.set(1, 7, 5, f32::NAN);
    let labels = Labels { classes: vec!["a".into(), "b".into()], labels: (0..40).map(|i| i % 2).collect() };
    let model = DtwModel::train(&both.block(), &labels, None, &band(4), 0, &|_| true).unwrap();
    let found = model.distances(&both.block()).unwrap();
    for (k, curve) in model.curves().iter().enumerate() {
        for pixel in 0..40 {
            let sample: Vec<f32> = both.values.chunks_exact(40).map(|plane| plane[pixel]).collect();
            let expected = warp(&sample, &curve.values, 20, 4).0.sqrt();
            assert!((f64::from(found[k * 40 + pixel]) - expected).abs() < 1e-5);
        }
    }
}

#[test]
fn giving_up_early_changes_no_probability() {
    let (train, labels) = testing::seasons(240, 1);
    let (test, _) = testing::seasons(333, 2);
    let params = DtwParams {
        library: Library::Barycentres { count: 4 },
        band: Some(5),
        max_distance: Some(0.6),
        reject: None,
    };
    let model = DtwModel::train(&train.block(), &labels, None, &params, 1, &|_| true).unwrap();
    let mut found = vec![0.0; 3 * 333];
    model.predict(&test.block(), &mut found).unwrap();
    let mut whole = model.distances(&test.block()).unwrap();
    model.probabilities(&mut whole, 333, model.temperature);
    for (a, b) in found.iter().zip(&whole) {
        assert!((a - b).abs() < 1e-6, "{a} {b}");
    }
}

#[test]
fn probabilities_add_up_and_do_not_depend_on_the_block() {
    let (train, labels) = testing::seasons(120, 1);
    let params =
        DtwParams { library: Library::Barycentres { count: 3 }, band: Some(4), ..DtwParams::default() };
    let model = DtwModel::train(&train.block(), &labels, None, &params, 1, &|_| true).unwrap();
    let mut test = testing::seasons(75, 3).0;
    test.clear_pixel(70);
    test.set(0, 4, 11, f32::NAN);
    testing::check_probabilities(&model, &test, &[70]);
    let stored: DtwModel = serde_json::from_str(&serde_json::to_string(&model).unwrap()).unwrap();
    assert_eq!(stored, model);
}

#[test]
fn barycentres_tell_the_made_up_seasons_apart() {
    let (train, labels) = testing::seasons(400, 1);
    let (test, truth) = testing::seasons(400, 2);
    for library in [Library::Mean, Library::Barycentres { count: 4 }] {
        let params = DtwParams { library, band: Some(3), ..DtwParams::default() };
        let model = DtwModel::train(&train.block(), &labels, None, &params, 1, &|_| true).unwrap();
        let found = model.predict_labels(&test.block()).unwrap();
        let agreement = testing::agreement(&found, &truth.labels);
        assert!(agreement > 0.8, "{library:?} {agreement}");
    }
}

#[test]
fn two_clusters_of_a_class_get_a_curve_each() {
    let mut values = Vec::new();
    for t in 0..6 {
        values.extend([0.0, 0.0, 10.0, 10.0, -50.0 - t as f32]);
    }
    let samples = Series { series: 1, steps: 6, pixels: 5, values };
    let labels = Labels { classes: vec!["a".into(), "b".into()], labels: vec![0, 0, 0, 0, 1] };
    let params = DtwParams { library: Library::Barycentres { count: 1 }, ..DtwParams::default() };
    let one = DtwModel::train(&samples.block(), &labels, None, &params, 0, &|_| true).unwrap();
    assert_eq!(one.curves()[0].values, [5.0; 6]);
    let params = DtwParams { library: Library::Barycentres { count: 2 }, ..params };
    let error =
        DtwModel::train(&samples.block(), &labels, None, &params, 0, &|_| true).unwrap_err().to_string();
    assert!(error.contains("barycentres") && error.contains("class b"), "{error}");
    let labels = Labels { labels: vec![0, 0, 0, 0, 0], ..labels };
    let members = samples_of(&samples.block(), &labels, 0);
    let mut curves = cluster(&members[..4], 1, 6, 5, (2, 0), "a", &|_| true).unwrap();
    curves.sort_by(|a, b| a[0].total_cmp(&b[0]));
    assert_eq!(curves, [vec![0.0; 6], vec![10.0; 6]]);
}

#[test]
fn a_pixel_beyond_the_largest_distance_falls_to_the_named_class() {
    let (train, labels) = testing::seasons(60, 1);
    let params = DtwParams { max_distance: Some(0.8), ..DtwParams::default() };
    let model = DtwModel::train(&train.block(), &labels, None, &params, 0, &|_| true).unwrap();
    assert_eq!(model.predict_labels(&pixel(&[5.0; 20])).unwrap(), [2]);
}

#[test]
fn bad_parameters_are_refused_by_name() {
    let (train, labels) = testing::seasons(30, 1);
    let refuse = |params: DtwParams| {
        DtwModel::train(&train.block(), &labels, None, &params, 0, &|_| true).unwrap_err().to_string()
    };
    assert!(refuse(band(20)).contains("band"));
    let library = Library::Barycentres { count: 11 };
    assert!(refuse(DtwParams { library, ..DtwParams::default() }).contains("barycentres"));
    assert!(refuse(DtwParams { max_distance: Some(-1.0), ..DtwParams::default() }).contains("maxDistance"));
    assert!(refuse(DtwParams { reject: Some("tea".into()), ..DtwParams::default() }).contains("\"tea\""));
}
