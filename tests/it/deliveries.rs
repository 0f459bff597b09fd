//! Scenes as others deliver them: versions, scales, offsets, fills and folders that are not as one
//! would write them oneself. Every test holds a right value, or the words of a refusal or a note.

use std::fs;
use std::path::Path;

use gdal::raster::ColorInterpretation;
use gdal::{Dataset, DatasetOptions, GdalOpenFlags};
use rededge::cube::{Band, CubeRequest, DataCube};
use rededge::io::scenes::{Location, SceneError, SceneSource, SourceKind, open_cube};
use rededge::raster::Window;
use serde_json::{Value, json};

use crate::cli::{run, stderr};
use crate::products::{Made, PRODUCT, by_value, folder, item, plane, safe, zip_folder};
use crate::scenes::{bands, location, open};

/// The value of a pixel by band, row and column.
type Values<'a> = &'a dyn Fn(usize, usize, usize) -> f64;

/// Opens a folder of GeoTIFFs by a pattern.
fn pattern(folder: &Path, pattern: &str) -> Result<DataCube, SceneError> {
    let location = Location {
        href: folder.to_string_lossy().into_owned(),
        pattern: Some(pattern.to_owned()),
        ..Location::default()
    };
    let source = SceneSource { input: "cube".to_owned(), kind: SourceKind::Location(location) };
    open_cube(&[source], Path::new("."), &bands(&[Band::Nir]))
}

fn items(folder: &Path, items: Vec<Value>) -> Result<DataCube, SceneError> {
    open_cube(&[by_value(items)], folder, &bands(&[Band::Nir]))
}

fn noted(cube: &DataCube, words: &[&str]) -> bool {
    cube.notes.iter().any(|note| words.iter().all(|word| note.contains(word)))
}

/// Writes the scale and offset of every band into a file.
fn state_calibration(path: &Path, scale: f64, offset: f64) {
    let options = DatasetOptions { open_flags: GdalOpenFlags::GDAL_OF_UPDATE, ..DatasetOptions::default() };
    let dataset = Dataset::open_ex(path, options).unwrap();
    for band in 1..=dataset.raster_count() {
        let mut band = dataset.rasterband(band).unwrap();
        band.set_scale(scale).unwrap();
        band.set_offset(offset).unwrap();
    }
}

fn near(value: f32, expected: f64) -> bool {
    (f64::from(value) - expected).abs() < 1e-6
}

#[test]
fn scale_and_offset_of_a_files_bands_are_applied_once() {
    let parent = folder();
    let value = |_: usize, r: usize, c: usize| 2000.0 + (r * 8 + c) as f64;
    let file = parent.path().join("S2_20220205_B08.tif");
    Made::new(10.0, 8, 8, &value).tiff(&file);
    state_calibration(&file, 1e-4, -0.1);
    let expected = 2009.0 * 1e-4 - 0.1;
    let cube = pattern(parent.path(), "S2_{date:%Y%m%d}_{band}.tif").unwrap();
    assert!(near(plane(&cube, 0, Band::Nir)[9], expected));
    for member in
        [json!({}), json!({"nodata": 0}), json!({"scale": 0.0001, "offset": -0.1}), json!({"scale": 0.0001})]
    {
        let asset = json!({"href": "S2_20220205_B08.tif", "raster:bands": [member]});
        // The baseline would take the offset a second time.
        let mut scene = item("a", "2022-02-05", json!({"B08": asset}));
        scene["properties"]["s2:processing_baseline"] = json!("04.00");
        let cube = items(parent.path(), vec![scene]).unwrap();
        assert!(near(plane(&cube, 0, Band::Nir)[9], expected), "{member}");
        assert!(cube.notes.iter().all(|n| !n.contains("offset")), "{:?}", cube.notes);
    }
    // What the item declares has precedence, and says so.
    let asset = json!({"href": "S2_20220205_B08.tif", "raster:bands": [{"scale": 0.0001, "offset": 0}]});
    let cube = items(parent.path(), vec![item("a", "2022-02-05", json!({"B08": asset}))]).unwrap();
    assert!(near(plane(&cube, 0, Band::Nir)[9], 0.2009));
    assert!(noted(&cube, &["scene `a` B08", "band tags"]), "{:?}", cube.notes);
}

#[test]
fn a_version_of_other_software_takes_no_offset() {
    let parent = folder();
    let value = |_: usize, _: usize, _: usize| 3000.0;
    Made::new(10.0, 8, 8, &value).tiff(&parent.path().join("a.tif"));
    let read = |properties: Value| {
        let mut scene = item("scene-1", "2022-02-05", json!({"B08": {"href": "a.tif"}}));
        for (key, value) in properties.as_object().unwrap() {
            scene["properties"][key] = value.clone();
        }
        items(parent.path(), vec![scene]).unwrap()
    };
    for (properties, expected, unknown) in [
        (json!({"processing:version": "1.0"}), 0.3, true),
        (json!({"processing:version": "2.11.0"}), 0.3, true),
        (json!({"s2:processing_baseline": "3.01"}), 0.3, false),
        (json!({"s2:processing_baseline": "2.14"}), 0.3, false),
        (json!({"s2:processing_baseline": "99.99"}), 0.3, true),
        (json!({"s2:processing_baseline": 4.0}), 0.2, false),
        (json!({"s2:processing_baseline": 5.11}), 0.2, false),
        (json!({"s2:product_uri": format!("{PRODUCT}.SAFE")}), 0.2, false),
        (json!({"s2:processing_baseline": "05.11", "earthsearch:boa_offset_applied": "true"}), 0.3, false),
    ] {
        let cube = read(properties.clone());
        assert!(near(plane(&cube, 0, Band::Nir)[0], expected), "{properties}");
        assert_eq!(noted(&cube, &["baseline is not known", "scene-1"]), unknown, "{:?}", cube.notes);
    }
}

#[test]
fn fills_that_nobody_declared_are_missing_and_noted() {
    for fill in [-9999.0, -32768.0, -10000.0, -999.0, 32767.0] {
        let parent = folder();
        // A quarter is fill.
        let value = move |_: usize, r: usize, c: usize| if r < 16 && c < 16 { fill } else { 3000.0 };
        let made = Made::new(10.0, 32, 32, &value);
        made.tiff_as::<i16>(&parent.path().join("S2_20220105_B08.tif"), |v| v as i16, &[]);
        made.tiff_as::<f32>(&parent.path().join("S2_20220106_B08.tif"), |v| v as f32, &[]);
        let location = Location {
            href: parent.path().to_string_lossy().into_owned(),
            pattern: Some("S2_{date:%Y%m%d}_{band}.tif".to_owned()),
            scale: Some(1e-4),
            ..Location::default()
        };
        let source = SceneSource { input: "cube".to_owned(), kind: SourceKind::Location(location) };
        let cube = open_cube(&[source], Path::new("."), &bands(&[Band::Nir])).unwrap();
        for time in [0, 1] {
            let values = plane(&cube, time, Band::Nir);
            assert!(values[0].is_nan() && values[15 * 32 + 15].is_nan(), "{fill}");
            assert!(near(values[16], 0.3) && near(values[16 * 32], 0.3), "{fill}");
        }
        for day in ["2022-01-05", "2022-01-06"] {
            assert!(noted(&cube, &[day, "B08", &fill.to_string(), "25.00 %"]), "{:?}", cube.notes);
        }
    }
}

#[test]
fn reflectance_that_cannot_be_is_refused_or_masked_for_whole_numbers_and_floats() {
    let parent = folder();
    let value = |_: usize, r: usize, c: usize| 300.0 + 100.0 * (r + c) as f64;
    let made = Made::new(10.0, 32, 32, &value);
    made.tiff_as::<f32>(&parent.path().join("float.tif"), |v| v as f32, &[]);
    made.tiff_as::<i16>(&parent.path().join("whole.tif"), |v| v as i16, &[]);
    let read = |file: &str, member: Value| {
        let asset = json!({"href": file, "raster:bands": [member]});
        items(parent.path(), vec![item("scene-1", "2022-01-05", json!({"B08": asset}))])
    };
    for (file, member) in [
        ("float.tif", json!({})),
        ("whole.tif", json!({"scale": 1, "offset": 0})),
        ("whole.tif", json!({"scale": 0.01, "offset": 0})),
        ("whole.tif", json!({"scale": 0.0001, "offset": 1000})),
        ("float.tif", json!({"scale": 1, "offset": -1000})),
    ] {
        let error = read(file, member.clone()).unwrap_err();
        assert_eq!(error.path, "cube.features[0].assets.B08", "{file} {member}");
        assert!(error.message.contains("scene-1") && error.message.contains("B08"), "{error}");
        assert!(error.message.contains("0.0001"), "the way out: {error}");
    }
    // Other units that can be meant in one way only.
    for (member, expected) in [
        (json!({"scale": 0.0001, "offset": -1000}), 0.04),
        (json!({"scale": 10000, "offset": 0}), 0.14),
        (json!({"scale": 10000, "offset": -1000}), 0.04),
    ] {
        for file in ["float.tif", "whole.tif"] {
            let cube = read(file, member.clone()).unwrap();
            assert!(near(plane(&cube, 0, Band::Nir)[32 + 10], expected), "{file} {member}");
            assert!(noted(&cube, &["scene-1", "B08", "read"]), "{:?}", cube.notes);
        }
    }
    // A few pixels: missing, with a note of how many there are.
    let value = |_: usize, r: usize, c: usize| match (r, c) {
        (0, 0) => 29_000.0,
        (0, 1) => -5000.0,
        _ => 2000.0,
    };
    let made = Made::new(10.0, 32, 32, &value);
    made.tiff_as::<f32>(&parent.path().join("few-float.tif"), |v| v as f32, &[]);
    made.tiff_as::<i16>(&parent.path().join("few-whole.tif"), |v| v as i16, &[]);
    for file in ["few-float.tif", "few-whole.tif"] {
        let cube = read(file, json!({"scale": 0.0001, "offset": 0})).unwrap();
        let values = plane(&cube, 0, Band::Nir);
        assert!(values[0].is_nan() && values[1].is_nan() && near(values[2], 0.2));
        assert!(noted(&cube, &["scene-1", "B08", "0.20 % of 1024 pixels"]), "{:?}", cube.notes);
    }
}

#[test]
fn what_the_look_at_opening_missed_is_told_when_it_is_read() {
    let parent = folder();
    // Pieces of 64 x 64 pixels, of which every second row is looked at or none.
    let value = |_: usize, r: usize, c: usize| if r % 64 == 5 && c == 900 { 29_000.0 } else { 2000.0 };
    Made::new(10.0, 1024, 1024, &value).tiff(&parent.path().join("a.tif"));
    let scene = item("scene-1", "2022-01-05", json!({"B08": {"href": "a.tif"}}));
    let cube = items(parent.path(), vec![scene]).unwrap();
    let opening = noted(&cube, &["scene-1", "B08", "beyond"]);
    let read = |rows: usize, cols: usize| {
        let mut all = Vec::new();
        for window in Window::blocks(1024, 1024, rows, cols) {
            let mut out = vec![0.0; window.len()];
            cube.read_date(0, &[Band::Nir], window, &mut out).unwrap();
            all.extend(out.iter().filter(|v| v.is_nan()).map(|_| window.row));
        }
        all.len()
    };
    assert_eq!((read(1024, 1024), read(64, 64), read(100, 333)), (16, 16, 16));
    let later = cube.findings().unwrap().take();
    assert_eq!(later.len(), usize::from(!opening), "{later:?}");
    assert!(opening || (later[0].contains("scene-1") && later[0].contains("B08")), "{later:?}");
    assert!(cube.findings().unwrap().take().is_empty(), "told once");
}

#[test]
fn zero_is_missing_whatever_the_nodata_value_and_hides_no_neighbour() {
    let parent = folder();
    let left = |_: usize, _: usize, c: usize| if c >= 4 { 0.0 } else { 1000.0 };
    let right = |_: usize, _: usize, _: usize| 2000.0;
    let declare = |path: &Path, nodata: f64| {
        let options =
            DatasetOptions { open_flags: GdalOpenFlags::GDAL_OF_UPDATE, ..DatasetOptions::default() };
        let dataset = Dataset::open_ex(path, options).unwrap();
        dataset.rasterband(1).unwrap().set_no_data_value(Some(nodata)).unwrap();
    };
    for whole in [true, false] {
        let (a, b) = (parent.path().join("a.tif"), parent.path().join("b.tif"));
        for (path, value) in [(&a, &left as Values), (&b, &right as Values)] {
            let made = Made::new(10.0, 8, 8, value);
            if whole {
                made.tiff(path);
                declare(path, 65535.0);
            } else {
                made.tiff_as::<f32>(path, |v| v as f32 / 1e4, &[]);
                declare(path, -9999.0);
            }
        }
        let scene = |id: &str, nodata: f64| {
            let asset = json!({"href": format!("{id}.tif"), "raster:bands": [{"nodata": nodata}]});
            item(id, "2022-01-05", json!({"B08": asset}))
        };
        let cube = items(parent.path(), vec![scene("a", 65535.0), scene("b", 65535.0)]).unwrap();
        let values = plane(&cube, 0, Band::Nir);
        assert!(near(values[3], 0.1) && near(values[4], 0.2), "{whole}: {values:?}");
        let cube = items(parent.path(), vec![scene("a", 65535.0)]).unwrap();
        assert!(plane(&cube, 0, Band::Nir)[4].is_nan());
    }
}

#[test]
fn masks_and_alpha_bands_of_files_are_read() {
    let parent = folder();
    let value = |band: usize, _: usize, c: usize| if band == 1 { 255.0 * (c % 2) as f64 } else { 3000.0 };
    let masked = parent.path().join("masked.tif");
    Made::new(10.0, 8, 8, &value).tiff(&masked);
    {
        let options =
            DatasetOptions { open_flags: GdalOpenFlags::GDAL_OF_UPDATE, ..DatasetOptions::default() };
        let dataset = Dataset::open_ex(&masked, options).unwrap();
        let mut band = dataset.rasterband(1).unwrap();
        band.create_mask_band(true).unwrap();
        let mut mask = band.open_mask_band().unwrap();
        let values = (0..64).map(|i| if i % 8 == 2 { 0u8 } else { 255 }).collect();
        mask.write((0, 0), (8, 8), &mut gdal::raster::Buffer::new((8, 8), values)).unwrap();
    }
    let alpha = parent.path().join("alpha.tif");
    Made { bands: 2, ..Made::new(10.0, 8, 8, &value) }.tiff_as::<u16>(&alpha, |v| v as u16, &["ALPHA=YES"]);
    {
        let dataset = Dataset::open(&alpha).unwrap();
        let kind = dataset.rasterband(2).unwrap().color_interpretation();
        assert!(matches!(kind, ColorInterpretation::AlphaBand));
    }
    for (file, hidden) in [("masked.tif", 2), ("alpha.tif", 4)] {
        let asset = json!({"href": file, "raster:bands": [{"scale": 0.0001, "offset": 0}]});
        let cube = items(parent.path(), vec![item("a", "2022-01-05", json!({"B08": asset}))]).unwrap();
        let values = plane(&cube, 0, Band::Nir);
        assert!(values[hidden].is_nan() && near(values[3], 0.3), "{file}: {values:?}");
    }
}

#[test]
fn products_are_found_without_the_ending_and_a_level_deeper() {
    let parent = folder();
    let root = safe(&parent.path().join("2022"), "2A");
    let plain = root.with_extension("");
    fs::rename(&root, &plain).unwrap();
    fs::write(parent.path().join("extra.tif"), "not one of them").unwrap();
    let wanted = bands(&[Band::Nir]);
    for folder in [parent.path(), &parent.path().join("2022"), &plain] {
        let cube = open(folder, &wanted).unwrap();
        assert_eq!(cube.acquisitions[0].scenes, [PRODUCT], "{}", folder.display());
    }
    let cube = open(parent.path(), &wanted).unwrap();
    assert!(noted(&cube, &["left out", "extra.tif"]), "{:?}", cube.notes);
}

/// Another product beside [`PRODUCT`], of another day or level.
fn renamed(root: &Path, from: &[&str], to: &[&str]) {
    let name = root.file_name().unwrap().to_string_lossy().into_owned();
    let change = |text: String| from.iter().zip(to).fold(text, |text, (from, to)| text.replace(from, to));
    let new = root.with_file_name(change(name));
    fs::rename(root, &new).unwrap();
    for file in ["MTD_MSIL2A.xml", "MTD_MSIL1C.xml"].map(|name| new.join(name)) {
        if let Ok(text) = fs::read_to_string(&file) {
            fs::write(file, change(text)).unwrap();
        }
    }
}

#[test]
fn a_zip_of_two_products_gives_both_and_level_1c_beside_its_level_2a_is_left_out() {
    let parent = folder();
    renamed(&safe(parent.path(), "1C"), &["MSIL2A"], &["MSIL1C"]);
    renamed(&safe(parent.path(), "2A"), &["20220705", "2022-07-05"], &["20220715", "2022-07-15"]);
    safe(parent.path(), "2A");
    let wanted = bands(&[Band::Nir]);
    let check = |cube: &DataCube| {
        let days: Vec<String> = cube.acquisitions.iter().map(|a| a.date.to_string()).collect();
        assert_eq!(days, ["2022-07-05", "2022-07-15"]);
        assert_eq!(cube.acquisitions[0].scenes, [PRODUCT], "Level-2A alone");
        assert!(noted(cube, &["Level-1C", "left out", "MSIL1C"]), "{:?}", cube.notes);
        assert!(near(plane(cube, 0, Band::Nir)[50 * 120 + 30], 0.903));
    };
    check(&open(parent.path(), &wanted).unwrap());
    let zip = parent.path().join("all.zip");
    let inner = parent.path().join("inner");
    fs::create_dir(&inner).unwrap();
    for entry in fs::read_dir(parent.path()).unwrap().map(|e| e.unwrap().path()) {
        if entry != inner {
            fs::rename(&entry, inner.join(entry.file_name().unwrap())).unwrap();
        }
    }
    zip_folder(&inner, &zip);
    check(&open(&zip, &wanted).unwrap());
    fs::remove_dir_all(&inner).unwrap();
    // Whatever the name of the archive.
    check(&open(parent.path(), &wanted).unwrap());
    let allowed = CubeRequest { allow_top_of_atmosphere: true, ..wanted };
    check(&open(&zip, &allowed).unwrap());
}

#[test]
fn level_2a_of_2017_and_2018_is_read_with_all_its_granules() {
    let parent = folder();
    let root = parent.path().join("S2A_MSIL2A_20170813T030541_N0205_R075_T49RGL_20170813T061056.SAFE");
    let value = |_: usize, r: usize, c: usize| 2000.0 + (r * 60 + c) as f64;
    for (granule, left) in
        [("L2A_T49RGL_A012345_20170813T030541", 700_000.0), ("L2A_T49RGM_A012345_20170813T030541", 701_200.0)]
    {
        let tile = &granule[4..10];
        for band in ["B05", "B8A"] {
            let name = format!("L2A_{tile}_20170813T030541_{band}_20m.jp2");
            let file = root.join("GRANULE").join(granule).join("IMG_DATA/R20m").join(name);
            Made { left, ..Made::new(20.0, 60, 60, &value) }.jp2(&file, |v| v as u16);
        }
    }
    let metadata = r#"<?xml version="1.0" encoding="UTF-8"?>
<n1:Level-2A_User_Product xmlns:n1="https://psd-14.sentinel2.eo.esa.int/PSD/User_Product_Level-2A.xsd">
<n1:General_Info><L2A_Product_Info><PRODUCT_START_TIME>2017-08-13T03:05:41.024Z</PRODUCT_START_TIME>
<PRODUCT_URI_1C>S2A_MSIL1C_20170813T030541_N0205_R075_T49RGL_20170813T061056.SAFE</PRODUCT_URI_1C>
<PRODUCT_URI_2A>S2A_MSIL2A_20170813T030541_N0205_R075_T49RGL_20170813T061056.SAFE</PRODUCT_URI_2A></L2A_Product_Info>
<L2A_Product_Image_Characteristics><L1C_L2A_Quantification_Values_List>
<L1C_TOA_QUANTIFICATION_VALUE unit="none">1000</L1C_TOA_QUANTIFICATION_VALUE>
<L2A_BOA_QUANTIFICATION_VALUE unit="none">10000</L2A_BOA_QUANTIFICATION_VALUE>
</L1C_L2A_Quantification_Values_List></L2A_Product_Image_Characteristics></n1:General_Info></n1:Level-2A_User_Product>"#;
    fs::write(root.join("MTD_MSIL2A.xml"), metadata).unwrap();
    let cube = open(parent.path(), &bands(&[Band::RedEdge1, Band::Nir08])).unwrap();
    let name = "S2A_MSIL2A_20170813T030541_N0205_R075_T49RGL_20170813T061056";
    assert_eq!(cube.acquisitions[0].scenes, [format!("{name}_T49RGL"), format!("{name}_T49RGM")]);
    assert_eq!((cube.grid.rows, cube.grid.cols), (60, 120));
    let values = plane(&cube, 0, Band::RedEdge1);
    assert!(near(values[120 + 3], 0.2063) && near(values[120 + 63], 0.2063));
}

#[test]
fn files_that_do_not_fit_a_pattern_are_told() {
    let parent = folder();
    let value = |_: usize, _: usize, _: usize| 3000.0;
    let made = Made::new(10.0, 8, 8, &value);
    for name in ["S2_20220105_B08.TIF", "S2_20220106_B08.tiff", "S2_20220107_B08.tif"] {
        made.tiff(&parent.path().join(name));
    }
    let text = "S2_{date:%Y%m%d}_{band}.tif";
    assert_eq!(pattern(parent.path(), text).unwrap().acquisitions.len(), 3);
    for name in ["S3_20220108_B08.tif", "S2_20220105_AOT.tif", "more/S2_20220109_B08.tif"] {
        made.tiff(&parent.path().join(name));
    }
    let cube = pattern(parent.path(), text).unwrap();
    assert_eq!(cube.acquisitions.len(), 3);
    for name in ["S3_20220108_B08.tif", "AOT", "more/S2_20220109_B08.tif"] {
        assert!(noted(&cube, &["left out", name]), "{name}: {:?}", cube.notes);
    }
    let deeper = folder();
    made.tiff(&deeper.path().join("more/S2_20220109_B08.tif"));
    let error = pattern(deeper.path(), text).unwrap_err();
    assert!(error.message.contains("`*/`") && error.message.contains("more/S2_20220109"), "{error}");
}

/// Three dates of two bands; clouds hide all but one of five points at each.
fn few_points(folder: &Path) {
    let nir = |_: usize, _: usize, _: usize| 3000.0;
    let red_edge = |_: usize, _: usize, _: usize| 1000.0;
    for (k, day) in ["20220105", "20220115", "20220125"].into_iter().enumerate() {
        let clouds = move |_: usize, r: usize, _: usize| if r == k { 4.0 } else { 9.0 };
        let at = |band: &str| folder.join(format!("g/S2_{day}_{band}.tif"));
        Made::new(10.0, 8, 8, &nir).tiff(&at("B08"));
        Made::new(10.0, 8, 8, &red_edge).tiff(&at("B05"));
        Made::new(10.0, 8, 8, &clouds).tiff(&at("SCL"));
    }
    let way = rededge::crs::Crs::from_epsg(crate::products::UTM)
        .unwrap()
        .transformer_to(&rededge::crs::Crs::wgs84())
        .unwrap();
    let points = (0..5).map(|row| {
        let (mut x, mut y) = ([700_005.0], [3_090_000.0 - 10.0 * f64::from(row) - 5.0]);
        way.apply(&mut x, &mut y).unwrap();
        json!({"type": "Feature", "properties": {"id": row},
            "geometry": {"type": "Point", "coordinates": [x[0], y[0]]}})
    });
    let points = json!({"type": "FeatureCollection", "features": points.collect::<Vec<_>>()});
    fs::write(folder.join("points.geojson"), points.to_string()).unwrap();
}

#[test]
fn a_series_under_few_points_has_its_table_and_a_figure_of_what_is_there() {
    let parent = folder();
    few_points(parent.path());
    let cube = json!({"href": "g", "pattern": "S2_{date:%Y%m%d}_{band}.tif"});
    let inputs = json!({"cube": cube, "features": "points.geojson"});
    let output = run(parent.path(), "index-series", &inputs, &[]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let table = fs::read_to_string(parent.path().join("out/table.csv")).unwrap();
    // Each point is seen on one of the dates.
    for point in 0..3 {
        let row: Vec<&str> = table.lines().nth(point + 1).unwrap().rsplit(',').take(3).collect();
        for (k, cell) in row.iter().rev().enumerate() {
            assert_eq!(cell.parse::<f32>().is_ok_and(|v| near(v, 0.5)), k == point, "{table}");
        }
    }
    assert!(fs::read_to_string(parent.path().join("out/figure.svg")).unwrap().starts_with("<svg"));
    assert!(stderr(&output).contains("rest on fewer"), "{}", stderr(&output));
}

#[test]
fn a_figure_that_cannot_be_drawn_leaves_the_table() {
    let parent = folder();
    few_points(parent.path());
    // More classes than a legend has colours.
    let points = fs::read(parent.path().join("points.geojson")).unwrap();
    let points: Value = serde_json::from_slice(&points).unwrap();
    let place = &points["features"][0]["geometry"]["coordinates"];
    let rows: String = (0..300).map(|i| format!("c{i},{},{}\n", place[0], place[1])).collect();
    fs::write(parent.path().join("points.csv"), format!("class,lon,lat\n{rows}")).unwrap();
    let cube = json!({"href": "g", "pattern": "S2_{date:%Y%m%d}_{band}.tif"});
    let inputs = json!({"cube": cube, "features": "points.csv"});
    let output = run(parent.path(), "index-series", &inputs, &[]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(fs::read_to_string(parent.path().join("out/table.csv")).unwrap().lines().count(), 301);
    assert!(!parent.path().join("out/figure.svg").exists());
    assert!(stderr(&output).contains("there is no figure"), "{}", stderr(&output));
}

#[test]
fn a_table_of_series_in_other_units_is_refused_with_its_scale() {
    let parent = folder();
    let days = ["2022-01-05", "2022-01-15", "2022-01-25", "2022-02-04"].map(|day| format!("NDRE@{day}"));
    let rows: String = (0..40)
        .map(|i| {
            let class = if i % 2 == 0 { "rice" } else { "other" };
            let values: Vec<String> = (0..4).map(|d| (1300 + 37 * i + 11 * d).to_string()).collect();
            format!("{class},{}\n", values.join(","))
        })
        .collect();
    fs::write(parent.path().join("scaled.csv"), format!("class,{}\n{rows}", days.join(","))).unwrap();
    let output = run(parent.path(), "train-rice", &json!({"samples": "scaled.csv"}), &[]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains("NDRE") && stderr(&output).contains("by 10000"), "{}", stderr(&output));
}

#[test]
fn a_folder_without_a_known_product_names_what_is_there() {
    let parent = folder();
    fs::write(parent.path().join("a.tif"), "").unwrap();
    let source = location(parent.path().to_string_lossy());
    let error = open_cube(&[source], Path::new("."), &bands(&[Band::Nir])).unwrap_err();
    assert!(error.message.contains("the first is `a.tif`"), "{error}");
}
