//! Mines against stress as a user asks: on the simulated scene, whose stress was put around its
//! mines, and with mines that were thrown at random.

use std::ops::ControlFlow;

use rand::{RngExt, SeedableRng};
use rededge::crs::Crs;
use rededge::cube::Band;
use rededge::io::county::write_county;
use rededge::simulate::{County, Options};
use serde_json::{Value, json};

use crate::rice::{document, run};
use crate::shared_data;

/// Mines as GeoJSON, from metres in the scene's UTM zone.
fn geojson(places: &[(f64, f64)]) -> Value {
    let (mut xs, mut ys): (Vec<f64>, Vec<f64>) = places.iter().copied().unzip();
    let utm = Crs::from_epsg(32649).unwrap();
    utm.transformer_to(&Crs::wgs84()).unwrap().apply(&mut xs, &mut ys).unwrap();
    let feature = |(x, y): (&f64, &f64)| json!({"type": "Feature", "properties": {}, "geometry": {"type": "Point", "coordinates": [x, y]}});
    let features: Vec<Value> = xs.iter().zip(&ys).map(feature).collect();
    json!({"type": "FeatureCollection", "features": features})
}

#[test]
fn simulated_stress_is_found_near_its_mines_and_not_near_random_ones() {
    let Some(base) = shared_data().map(|d| d.join("zhuzhou-sim-2019")).filter(|d| d.is_dir()) else { return };
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("out");
    let ask = |mines: Value, seed: u64| {
        let inputs = json!({"stressMap": "truth-stress.tif", "mines": mines, "seed": seed});
        run("mine-association", inputs, &base, &out).unwrap();
        (document(&out.join("test.json")), document(&out.join("bands.json")))
    };
    let (test, bands) = ask(json!("mines.geojson"), 1);
    println!("zhuzhou-sim-2019 (simulated): {test}\n{bands}");
    assert!(test["pValue"].as_f64().unwrap() < 0.01, "{test}");
    assert!(test["statistic"].as_f64().unwrap() > 0.0 && test["mines"] == 8);
    let rates: Vec<f64> = bands.as_array().unwrap().iter().filter_map(|b| b["rate"].as_f64()).collect();
    assert!(rates.windows(2).all(|w| w[0] >= w[1]), "{rates:?}");
    let hectares: f64 = bands.as_array().unwrap().iter().map(|b| b["stressedHa"].as_f64().unwrap()).sum();
    let truth = crate::rice::codes(&base.join("truth-stress.tif"));
    let stressed: f64 = truth.iter().map(|c| f64::from(u8::from(*c == 2)) / 100.0).sum();
    assert!((hectares - stressed).abs() < 1e-6, "{hectares}");
    let table = std::fs::read_to_string(out.join("table.csv")).unwrap();
    assert!(table.starts_with("fromM,toM,riceHa,stressedHa,rate,rateLow"), "{table}");
    assert!(out.join("figure.svg").is_file());

    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(2022);
    let mut low = 0;
    for seed in 0..20 {
        let place = |_| (7e5 + rng.random_range(0.0..3000.0), 3.087e6 + rng.random_range(0.0..3000.0));
        let places: Vec<(f64, f64)> = (0..8).map(place).collect();
        let p = ask(geojson(&places), seed).0["pValue"].as_f64().unwrap();
        low += usize::from(p < 0.05);
    }
    println!("zhuzhou-sim-2019 (simulated): {low} of 20 random patterns have p < 0.05");
    assert!(low <= 3, "{low} of 20");
}

#[test]
fn stress_around_the_mines_of_a_wider_simulated_county_is_no_chance() {
    let home = tempfile::tempdir().unwrap();
    let bands = vec![Band::RedEdge1, Band::Nir];
    let options = Options { rows: 1200, cols: 1200, dates: 4, year: 2019, seed: 45, bands };
    let county = County::new(options).unwrap();
    write_county(&county, home.path(), |_| ControlFlow::Continue(())).unwrap();
    let out = home.path().join("out");
    let inputs = json!({"stressMap": "truth-stress.tif", "mines": "mines.geojson"});
    run("mine-association", inputs, home.path(), &out).unwrap();
    let (test, bands) = (document(&out.join("test.json")), document(&out.join("bands.json")));
    println!("a simulated county of 12 km: {test}");
    assert!(test["pValue"].as_f64().unwrap() < 0.01, "{test}");
    assert!(test["minesOutside"].as_u64().unwrap() > 0);
    assert!(test["note"].as_str().unwrap().contains("cells of 3 x 3 pixels"), "{test}");
    assert!(bands[0]["rateLow"].as_f64().unwrap() > bands[0]["shiftedHigh"].as_f64().unwrap(), "{bands}");
}

#[test]
fn mines_that_cannot_be_held_against_a_map_are_named() {
    let Some(base) = shared_data().map(|d| d.join("zhuzhou-sim-2019")).filter(|d| d.is_dir()) else { return };
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("out");
    let refused = |process: &str, inputs: Value, words: &[&str]| {
        let text = run(process, inputs, &base, &out).unwrap_err().to_string();
        assert!(words.iter().all(|w| text.contains(w)), "{words:?} are not in: {text}");
    };
    let with = |more: Value| {
        let mut inputs = json!({"stressMap": "truth-stress.tif", "mines": "mines.geojson"});
        inputs.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        inputs
    };
    let nowhere = json!({"type": "FeatureCollection", "features": []});
    refused("mine-association", with(json!({"mines": nowhere})), &["input `mines`", "at least one point"]);
    refused("mine-heatmap", json!({"mines": nowhere}), &["input `mines`", "at least one point"]);
    let metres = home.path().join("metres.csv");
    std::fs::write(&metres, "name,x,y\na,700500,3088000\n").unwrap();
    let heat = |more: Value| {
        let mut inputs = json!({"mines": metres.to_string_lossy(), "bandwidth": 500});
        inputs.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        inputs
    };
    refused("mine-heatmap", heat(json!({})), &["input `mines`", "as `minesCrs`"]);
    refused("mine-heatmap", heat(json!({"minesCrs": "EPSG:0"})), &["input `minesCrs`"]);
    run("mine-heatmap", heat(json!({"minesCrs": "EPSG:32649"})), &base, &out).unwrap();
    let far = geojson(&[(6e5, 3e6)]);
    refused("mine-association", with(json!({"mines": far})), &["input `mines`", "none of the 1 mines"]);
    refused("mine-association", with(json!({"bands": [500, 500]})), &["input `bands[1]`", "500"]);
    refused("mine-association", with(json!({"bands": []})), &["input `bands`", "fewer than 1"]);
    refused("mine-association", with(json!({"stressMap": "nowhere.tif"})), &["input `stressMap`"]);
    refused("mine-association", with(json!({"shifts": 1_000_000})), &["input `shifts`"]);
    // No stressed rice at all is a valid answer: 1 is unstressed rice, 2 there is none.
    run("mine-association", with(json!({"stressMap": "truth-testmask.tif"})), &base, &out).unwrap();
    let test = document(&out.join("test.json"));
    assert!(test["pValue"].is_null() && test["mines"] == 8, "{test}");
    assert!(test["note"].as_str().unwrap().starts_with("no test: no rice of the map is stressed"));
    assert_eq!(document(&out.join("bands.json"))[0]["rate"], 0.0);
}
