//! The simulated county as files: what a user finds in the folder, and that it holds together.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;

use rededge::crs::Crs;
use rededge::cube::{Band, CubeRequest};
use rededge::io::county::{CountyError, write_county};
use rededge::ogc::{CubeInput, CubeSource};
use rededge::process::{DataSource, Silent};
use rededge::simulate::{County, Options};
use rededge::store::LocalSource;

fn county(rows: usize, cols: usize) -> County {
    let bands = vec![Band::Coastal, Band::RedEdge1, Band::Nir];
    County::new(Options { rows, cols, dates: 4, year: 2019, seed: 42, bands }).unwrap()
}

fn write(county: &County, folder: &Path) {
    write_county(county, folder, |_| ControlFlow::Continue(())).unwrap();
}

/// Every file below a folder with its bytes.
fn contents(folder: &Path, below: &str) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("{below}{}", path.file_name().unwrap().to_string_lossy());
        if path.is_dir() {
            all.extend(contents(&path, &format!("{name}/")));
        } else {
            all.insert(name, std::fs::read(&path).unwrap());
        }
    }
    all
}

fn codes(path: &Path) -> Vec<u8> {
    let data = gdal::Dataset::open(path).unwrap();
    data.rasterband(1).unwrap().read_band_as::<u8>().unwrap().data().to_vec()
}

#[test]
fn the_same_seed_gives_the_same_bytes_with_any_number_of_threads() {
    let home = tempfile::tempdir().unwrap();
    let county = county(500, 130);
    let (a, b) = (home.path().join("a"), home.path().join("b"));
    write(&county, &a);
    rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap().install(|| write(&county, &b));
    let (a, b) = (contents(&a, ""), contents(&b, ""));
    assert_eq!(a.len(), 4 * 4 + 10, "{:?}", a.keys());
    assert!(a == b);
}

#[test]
fn samples_agree_with_the_truth_and_stay_out_of_the_test_parcels() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("county");
    let county = county(500, 500);
    write(&county, &folder);
    let grid = county.grid(1);
    let to_grid = Crs::wgs84().transformer_to(&grid.crs).unwrap();
    let test_mask = codes(&folder.join("truth-testmask.tif"));
    for theme in ["rice", "cover", "stress"] {
        let truth = codes(&folder.join(format!("truth-{theme}.tif")));
        let text = std::fs::read_to_string(folder.join(format!("samples-{theme}.geojson"))).unwrap();
        let samples: serde_json::Value = serde_json::from_str(&text).unwrap();
        let features = samples["features"].as_array().unwrap();
        assert!(features.len() > 500, "{theme}: {}", features.len());
        for feature in features {
            let place = &feature["geometry"]["coordinates"];
            let (mut x, mut y) = ([place[0].as_f64().unwrap()], [place[1].as_f64().unwrap()]);
            to_grid.apply(&mut x, &mut y).unwrap();
            let (row, col) = grid.pixel_at(x[0], y[0]).unwrap();
            let pixel = row * grid.cols + col;
            assert_eq!(u64::from(truth[pixel]), feature["properties"]["code"].as_u64().unwrap());
            assert_eq!(test_mask[pixel], 0);
        }
    }
}

#[test]
fn a_folder_with_files_in_it_is_left_alone_and_a_stopped_run_leaves_nothing() {
    let home = tempfile::tempdir().unwrap();
    let county = county(100, 100);
    let folder = home.path().join("mine");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("thesis.txt"), "years of work").unwrap();
    let error = write_county(&county, &folder, |_| ControlFlow::Continue(())).unwrap_err();
    assert!(matches!(error, CountyError::NotEmpty(_)) && error.to_string().contains("mine"), "{error}");
    let error = write_county(&county, &home.path().join("new"), |_| ControlFlow::Break(())).unwrap_err();
    assert!(matches!(error, CountyError::Cancelled));
    assert_eq!(contents(home.path(), "").keys().collect::<Vec<_>>(), ["mine/thesis.txt"]);
}

#[test]
fn reflectance_is_plausible_whichever_baseline_a_date_has() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("county");
    write(&county(200, 200), &folder);
    let text = std::fs::read_to_string(folder.join("items.json")).unwrap();
    let items: serde_json::Value = serde_json::from_str(&text).unwrap();
    let mut offsets = std::collections::BTreeSet::new();
    for item in items["features"].as_array().unwrap() {
        for (name, asset) in item["assets"].as_object().unwrap() {
            let path = folder.join(asset["href"].as_str().unwrap());
            let data = gdal::Dataset::open(path).unwrap();
            let size = asset["raster:bands"][0]["spatial_resolution"].as_u64().unwrap_or(60) / 10;
            assert_eq!(data.raster_size().0, 200_usize.div_ceil(size as usize), "{name}");
            let Some(offset) = asset["raster:bands"][0]["offset"].as_f64() else { continue };
            offsets.insert(offset.to_string());
            let numbers = data.rasterband(1).unwrap().read_band_as::<u16>().unwrap();
            let reflectance = numbers.data().iter().map(|&dn| f64::from(dn) * 1e-4 + offset);
            let (low, high) =
                reflectance.fold((1.0_f64, 0.0_f64), |(low, high), v| (low.min(v), high.max(v)));
            assert!(low > -0.02 && high < 1.2, "{name}: {low}..{high}");
        }
    }
    assert_eq!(offsets.into_iter().collect::<Vec<_>>(), ["-0.1", "0"]);
}

#[test]
fn the_scenes_open_as_a_cube_and_clear_rice_looks_like_rice() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("county");
    let county = county(300, 310);
    write(&county, &folder);
    let request = CubeRequest { bands: vec![Band::Nir, Band::RedEdge1], ..CubeRequest::default() };
    let items = CubeInput::One(CubeSource::Path("items.json".to_owned()));
    let cube = LocalSource::new(&folder, &Silent).cube(&items, &request).unwrap();
    assert_eq!(cube.grid, county.grid(1));
    assert_eq!(cube.acquisitions.len(), 4);
    let block = cube.read(&request.bands, cube.grid.window()).unwrap();
    // Single rice stands high at the third date, in August.
    let truth = codes(&folder.join("truth-rice.tif"));
    let (nir, red_edge) = (block.plane(2, 0), block.plane(2, 1));
    let ndre = |k: usize| (nir[k] - red_edge[k]) / (nir[k] + red_edge[k]);
    let seen: Vec<f32> =
        (0..truth.len()).filter(|&k| truth[k] == 1).map(ndre).filter(|v| v.is_finite()).collect();
    assert!(seen.len() > 1000, "{} clear pixels of single rice", seen.len());
    let mean = seen.iter().sum::<f32>() / seen.len() as f32;
    assert!((0.4..0.75).contains(&mean), "{mean}");
}
