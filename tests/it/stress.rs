//! The stress processes as a user runs them: on the simulated scene (its stress is simulated), on
//! real scenes that lack the bands, and on inputs that cannot work.

use std::path::Path;

use rededge::process::ProcessError;
use serde_json::{Value, json};

use crate::rice::{codes, document, run, score};
use crate::shared_data;

/// Parameters that train in seconds; what the defaults reach stands in docs/stress.md.
fn quick() -> Value {
    json!({"hidden": 24, "dense": 16, "epochs": 12, "batch": 128, "learningRate": 0.005, "patience": 0})
}

#[test]
fn stress_is_trained_mapped_and_held_over_two_years() {
    let Some(data) = shared_data() else { return };
    let (first, second) = (data.join("zhuzhou-sim-2019"), data.join("zhuzhou-sim-2020"));
    let home = tempfile::tempdir().unwrap();
    let at = |name: &str| home.path().join(name);
    let inputs = json!({
        "cube": "items.json", "samples": "samples-stress.geojson", "timeGrid": {"step": 10},
        "parameters": quick(), "validation": {"by": "holdout", "fractions": [0.5, 0.0, 0.5]}
    });
    run("train-stress", inputs, &first, &at("model")).unwrap();
    let curves = document(&at("model/curves.json"));
    assert_eq!(curves[0]["epochs"].as_array().unwrap().len(), 12, "{curves}");
    assert_eq!(curves[1]["training"], "all samples");
    assert!(
        curves[0]["epochs"][11]["training"]["loss"].as_f64()
            < curves[0]["epochs"][0]["training"]["loss"].as_f64()
    );
    let card = std::fs::read_to_string(at("model/modelCard.md")).unwrap();
    for words in ["2000 stressed-rice", "REP, CIre, MSR", "2019-04-01", "not a soil test", "overall"] {
        assert!(card.contains(words), "`{words}` is not in the card:\n{card}");
    }
    assert!(document(&at("model/accuracy.json"))["overall"].as_f64().unwrap() > 0.8);

    let model = at("model/model.json");
    let map = |base: &Path, more: Value, out: &str| {
        let mut inputs = json!({"cube": "items.json", "model": model});
        inputs.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        run("stress-map", inputs, base, &at(out)).unwrap();
        codes(&at(out).join("classMap.tif"))
    };
    // Among known rice: what is no rice there is no rice here, and the rest is told apart.
    let known = map(&first, json!({"riceMap": "truth-rice.tif", "dem": "dem.tif"}), "known");
    let truth = codes(&first.join("truth-rice.tif"));
    assert!(truth.iter().zip(&known).all(|(t, k)| *t != 3 || *k == 0));
    let (mask, probability) = (first.join("truth-testmask.tif"), codes(&at("known/probability.tif")));
    assert!(known.iter().zip(&probability).all(|(k, p)| (*k == 0 || *k == 255) == (*p == 255)));
    assert!(
        known
            .iter()
            .zip(&probability)
            .all(|(k, p)| *k == 0 || *k == 255 || *p == 50 || (*p > 50) == (*k == 2))
    );
    let (overall, _) = score(&at("known/classMap.tif"), &first.join("truth-stress.tif"), &mask);
    println!("zhuzhou-sim-2019 (simulated), rice known: overall of all three {overall:.3}");
    assert!(overall > 0.85, "{overall}");
    // A model of rice, and none.
    let rice = json!({
        "cube": "items.json", "samples": "samples-rice.geojson", "parameters": {"predictors": ["values"], "rounds": 20}
    });
    run("train-rice", rice, &first, &at("rice")).unwrap();
    let from_model = map(&first, json!({"riceModel": at("rice/model.json")}), "model-rice");
    assert!(from_model.contains(&1) && from_model.contains(&2) && from_model.contains(&0));
    let alone = map(&second, json!({}), "second");
    assert!(alone.contains(&1) && alone.contains(&2) && alone.contains(&0));

    let years = json!({
        "maps": [{"year": 2020, "map": at("second/classMap.tif")}, {"year": 2019, "map": at("known/classMap.tif")}],
        "samples": "samples-stress.geojson"
    });
    run("stress-persistence", years, &first, &at("years")).unwrap();
    let persistence = codes(&at("years/persistence.tif"));
    for ((p, a), b) in persistence.iter().zip(&known).zip(&alone) {
        let rice = u8::from(*a == 1 || *a == 2) + u8::from(*b == 1 || *b == 2);
        let stressed = u8::from(*a == 2) + u8::from(*b == 2);
        let expected =
            if rice == 0 { 255 } else { (100.0 * f64::from(stressed) / f64::from(rice)).round() as u8 };
        assert_eq!(*p, expected);
    }
    let rows = document(&at("years/years.json"));
    assert_eq!((rows[0]["year"].as_i64(), rows[1]["year"].as_i64()), (Some(2019), Some(2020)));
    assert!(document(&at("years/accuracyByYear.json"))[0]["accuracy"]["overall"].as_f64().unwrap() > 0.8);
    assert!(at("years/figure.svg").is_file() && at("years/table.csv").is_file());

    // No rice at all is an empty, valid answer.
    let nowhere = map(&first, json!({"riceMap": at("years/persistence.tif")}), "nowhere");
    assert!(nowhere.iter().all(|c| *c == 255 || *c == 0), "percentages are no rice");
}

#[test]
fn stress_inputs_that_cannot_work_are_named() {
    let Some(data) = shared_data() else { return };
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("out");
    let refused = |process: &str, inputs: Value, base: &str| -> ProcessError {
        run(process, inputs, &data.join(base), &out).unwrap_err()
    };
    let stress = |more: Value| {
        let mut inputs = json!({"cube": "items.json", "samples": "samples-stress.geojson"});
        inputs.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        inputs
    };
    let words = |error: ProcessError, words: &[&str]| {
        let text = error.to_string();
        assert!(words.iter().all(|w| text.contains(w)), "{words:?} are not in: {text}");
    };
    // This real scene has neither B01 nor B06 nor B07, that one is top of atmosphere.
    words(
        refused("train-stress", json!({"cube": "items.json", "samples": "samples.geojson"}), "mekong-2022"),
        &["has no band"],
    );
    words(
        refused("train-stress", stress(json!({"parameters": {"dropDates": 2}})), "zhuzhou-sim-2019"),
        &["parameters.dropDates", "0.9"],
    );
    words(
        refused(
            "train-stress",
            stress(json!({"parameters": {"classWeights": {"given": {"wheat": 2}}}})),
            "zhuzhou-sim-2019",
        ),
        &["parameters.classWeights", "wheat"],
    );
    words(
        refused(
            "stress-map",
            stress(json!({"riceMap": "truth-rice.tif", "riceSamples": "samples-rice.geojson"})),
            "zhuzhou-sim-2019",
        ),
        &["riceMap", "exclude each other"],
    );
    let maps = |second: &str| json!({"maps": [{"year": 2019, "map": "truth-stress.tif"}, {"year": 2020, "map": second}]});
    words(
        refused("stress-persistence", maps("nowhere.tif"), "zhuzhou-sim-2019"),
        &["maps[1].map", "nowhere.tif"],
    );
    let twice = json!({"maps": [{"year": 2019, "map": "truth-stress.tif"}, {"year": 2019, "map": "truth-stress.tif"}]});
    words(refused("stress-persistence", twice, "zhuzhou-sim-2019"), &["maps[1].year", "twice"]);
    // A model of rice tells nothing of stress.
    let rice = json!({"cube": "items.json", "samples": "samples-rice.geojson", "parameters": {"rounds": 2}});
    run("train-rice", rice, &data.join("zhuzhou-sim-2019"), &home.path().join("rice")).unwrap();
    let wrong = json!({"cube": "items.json", "model": home.path().join("rice/model.json")});
    words(refused("stress-map", wrong, "zhuzhou-sim-2019"), &["input `model`", "stressed-rice"]);
    assert!(!out.exists() || std::fs::read_dir(&out).unwrap().next().is_none(), "nothing is left behind");
}
