//! Rasters that came from elsewhere without a legend, read by the style that the operator names.

use std::path::Path;

use gdal::DriverManager;
use gdal::raster::{Buffer, GdalType};
use gdal::spatial_ref::SpatialRef;
use serde_json::Value;

use crate::server::Server;

/// 40 x 30 pixels of 100 m in UTM zone 49; columns hold 0, 1, 2, 3, 0, 1 ..
fn write<T: GdalType + Copy + From<u8>>(path: &Path) {
    let driver = DriverManager::get_driver_by_name("GTiff").unwrap();
    let mut file = driver.create_with_band_type::<T, _>(path, 40, 30, 1).unwrap();
    file.set_geo_transform(&[700_000.0, 100.0, 0.0, 3_090_000.0, 0.0, -100.0]).unwrap();
    file.set_spatial_ref(&SpatialRef::from_epsg(32649).unwrap()).unwrap();
    let codes: Vec<T> = (0..1200u32).map(|k| T::from((k % 40 % 4) as u8)).collect();
    file.rasterband(1).unwrap().write((0, 0), (40, 30), &mut Buffer::new((40, 30), codes)).unwrap();
}

fn get(server: &Server, path: &str) -> Value {
    let (status, found) = server.get(path);
    assert_eq!(status, 200, "{path}: {found}");
    found
}

#[test]
fn a_raster_without_a_legend_is_read_by_the_codes_of_the_style_that_is_named() {
    let home = tempfile::tempdir().unwrap();
    write::<u8>(&home.path().join("codes.tif"));
    write::<f32>(&home.path().join("numbers.tif"));
    let config = "[data.files]\nplain = \"codes.tif\"\nrice = \"codes.tif\"\npercent = \"codes.tif\"\n\
                  numbers = \"numbers.tif\"\ndensity = \"numbers.tif\"\n\
                  [data.styles]\nrice = \"rice\"\npercent = \"probability\"\nnumbers = \"stress\"\ndensity = \"heat-map\"\n";
    let server = Server::start(home.path(), config);

    let (plain, rice) = (get(&server, "/collections/plain"), get(&server, "/collections/rice"));
    assert_eq!((&plain["kind"], &rice["kind"]), (&"values".into(), &"classes".into()));
    assert_eq!(rice["defaultStyle"], "rice");
    let legend = get(&server, "/collections/rice/styles/rice/legend?f=json");
    let named: Vec<&str> =
        legend["entries"].as_array().unwrap().iter().map(|e| e["label"].as_str().unwrap()).collect();
    assert_eq!(named, ["single-rice", "double-rice", "non-rice"]);
    let statistics = get(&server, "/collections/rice/statistics");
    let counted = statistics["classes"].as_array().unwrap();
    for (class, code) in counted.iter().zip(1..) {
        assert_eq!((&class["value"], &class["pixels"]), (&code.into(), &300.into()), "{statistics}");
        assert!((class["hectares"].as_f64().unwrap() - 300.0).abs() < 1.0);
    }
    let middle = |c: &Value| {
        let b: Vec<f64> = c["extent"]["spatial"]["bbox"][0]
            .as_array()
            .unwrap()
            .iter()
            .map(|v| v.as_f64().unwrap())
            .collect();
        (f64::midpoint(b[0], b[2]), f64::midpoint(b[1], b[3]))
    };
    let (lon, lat) = middle(&rice);
    let point = get(&server, &format!("/collections/rice/point?lon={lon}&lat={lat}"));
    let code = point["value"].as_f64().unwrap() as usize;
    assert_eq!(
        point["class"],
        [Value::Null, "single-rice".into(), "double-rice".into(), "non-rice".into()][code]
    );

    // The colours of a picture are those of the classes and nothing between.
    let agent: ureq::Agent = ureq::Agent::config_builder().build().into();
    let address = format!("{}/collections/rice/map?width=400&f=png", server.base);
    let bytes = agent.get(address).call().unwrap().body_mut().read_to_vec().unwrap();
    let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    let palette = reader.info().palette.clone().unwrap();
    let mut seen: Vec<&[u8]> = pixels[..info.buffer_size()]
        .iter()
        .filter(|p| **p > 0)
        .map(|p| &palette[3 * *p as usize..][..3])
        .collect();
    seen.sort_unstable();
    seen.dedup();
    let mut wanted: Vec<[u8; 3]> = vec![[0xe6, 0xab, 0x02], [0x1b, 0x78, 0x37], [0xe3, 0xe0, 0xd8]];
    wanted.sort_unstable();
    assert_eq!(seen, wanted.iter().map(<[u8; 3]>::as_slice).collect::<Vec<_>>());

    assert_eq!(get(&server, "/collections/percent")["kind"], "percent");
    assert_eq!(get(&server, "/collections/density")["kind"], "values");
    assert_eq!(server.get("/collections/numbers").0, 404, "numbers are no codes");
}

#[test]
fn styles_of_nothing_and_unknown_ones_are_refused_before_anything_starts() {
    let home = tempfile::tempdir().unwrap();
    write::<u8>(&home.path().join("codes.tif"));
    for (styles, said) in [
        (
            "rise = \"rice\"",
            "data.styles.rise: no file has this name in [data.files] or [data.mines]; did you mean `rice`?",
        ),
        ("rice = \"paddy\"", "data.styles.rice: `paddy` is no style (known: rice, stress,"),
    ] {
        let config = format!("[data.files]\nrice = \"codes.tif\"\n[data.styles]\n{styles}\n");
        std::fs::write(home.path().join("rededge.toml"), config).unwrap();
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_rededge"));
        let refused = command.args(["serve", "--data", "store"]).current_dir(home.path()).output().unwrap();
        let error = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(2), "{error}");
        assert!(error.contains(said), "{error}");
    }
}
