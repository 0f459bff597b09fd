//! From scenes to a cube, on the shared scenes.

use std::path::Path;

use gdal::Dataset;
use rededge::crs::{Bounds, Crs};
use rededge::cube::{Area, Band, Coverage, CubeRequest, DataCube};
use rededge::io::scenes::{Location, SceneError, SceneSource, SourceKind, open_cube};
use rededge::raster::Window;

use crate::shared_data;

pub fn location(href: impl Into<String>) -> SceneSource {
    let location = Location { href: href.into(), ..Location::default() };
    SceneSource { input: "cube".to_owned(), kind: SourceKind::Location(location) }
}

pub fn open(href: impl AsRef<Path>, request: &CubeRequest) -> Result<DataCube, SceneError> {
    open_cube(&[location(href.as_ref().to_string_lossy())], Path::new("."), request)
}

pub fn bands(bands: &[Band]) -> CubeRequest {
    CubeRequest { bands: bands.to_vec(), ..CubeRequest::default() }
}

fn digital_numbers(path: &Path) -> (Vec<u16>, usize) {
    let dataset = Dataset::open(path).unwrap();
    let band = dataset.rasterband(1).unwrap().read_band_as::<u16>().unwrap();
    let ((cols, _), values) = band.into_shape_and_vec();
    (values, cols)
}

#[test]
fn offsets_of_mixed_baselines_are_applied_scene_by_scene() {
    let Some(data) = shared_data() else { return };
    let folder = data.join("mekong-2022");
    let cube = open(folder.join("items.json"), &bands(&[Band::Nir, Band::RedEdge1])).unwrap();
    assert_eq!((cube.acquisitions.len(), cube.grid.rows, cube.grid.cols), (70, 9798, 10053));
    let mut compared = 0;
    for time in [0, 3, 4, 20] {
        let offset = if time < 4 { 0.0 } else { -0.1 };
        let id = &cube.acquisitions[time].scenes[0];
        let (nir, width) = digital_numbers(&folder.join(id).join("B08.tif"));
        let (scl, _) = digital_numbers(&folder.join(id).join("SCL.tif"));
        for window in Window::blocks(cube.grid.rows, cube.grid.cols, 512, 512) {
            let mut out = vec![0.0; 2 * window.len()];
            if cube.read_date(time, &cube.bands, window, &mut out).unwrap() == Coverage::Empty {
                continue;
            }
            for (i, &value) in out[..window.len()].iter().enumerate() {
                let at = (window.row + i / window.cols) * width + window.col + i % window.cols;
                let hidden = matches!(scl[at], 0 | 1 | 3 | 8..=11);
                if nir[at] == 0 || hidden {
                    assert!(value.is_nan());
                } else {
                    assert!((value - (f32::from(nir[at]) * 1e-4 + offset)).abs() < 1e-6);
                    compared += 1;
                }
            }
        }
    }
    assert!(compared > 1000, "{compared} pixels compared");
}

#[test]
fn both_styles_of_asset_keys_name_the_same_bands() {
    let Some(data) = shared_data() else { return };
    for (scene, dates) in [("zhuzhou-sim-2019", 33), ("zhuzhou-sim-2020", 27)] {
        let folder = data.join(scene);
        let cube = open(folder.join("items.json"), &bands(&[Band::Nir, Band::RedEdge1])).unwrap();
        assert_eq!((cube.acquisitions.len(), cube.grid.rows, cube.grid.cols), (dates, 300, 300));
        let (nir, _) = digital_numbers(&folder.join(&cube.acquisitions[0].scenes[0]).join("B08.tif"));
        let block = cube.read(&[Band::Nir, Band::RedEdge1], cube.grid.window()).unwrap();
        let same = block.plane(0, 0).iter().zip(&nir).filter(|(v, _)| !v.is_nan());
        let worst = same.map(|(v, &dn)| (v - f32::from(dn) * 1e-4).abs()).fold(0.0, f32::max);
        assert!(worst < 1e-6, "{worst}");
        assert!(block.plane(0, 1).iter().filter(|v| !v.is_nan()).count() > 60_000);
    }
}

#[test]
fn level_1c_is_refused_unless_allowed() {
    let Some(data) = shared_data() else { return };
    let file = data.join("slovenia-2015/items.json");
    let error = open(&file, &bands(&[Band::Nir])).unwrap_err();
    assert_eq!(error.path, "cube.features[0]");
    assert!(error.message.contains("Level-1C") && error.message.contains("allowTopOfAtmosphere"), "{error}");
    let request = CubeRequest { allow_top_of_atmosphere: true, ..bands(&[Band::Nir, Band::Coastal]) };
    let cube = open(&file, &request).unwrap();
    assert_eq!((cube.grid.rows, cube.grid.cols, cube.acquisitions.len()), (101, 100, 5));
    let (width, height) = cube.grid.affine.pixel_size();
    assert!((width - 9.994_79).abs() < 1e-4 && (height - 9.997_45).abs() < 1e-4);
}

#[test]
fn results_do_not_depend_on_the_size_of_blocks() {
    let Some(data) = shared_data() else { return };
    let file = data.join("zhuzhou-sim-2019/items.json");
    let all = [Band::Nir, Band::RedEdge1, Band::Coastal];
    let wgs84 = CubeRequest { crs: Some(Crs::wgs84()), ..bands(&all) };
    let coarse = CubeRequest { resolution: Some(35.0), ..bands(&all) };
    let neighbour = CubeRequest { crs: Some(Crs::from_epsg(32650).unwrap()), ..bands(&all) };
    for request in [bands(&all), wgs84, coarse, neighbour] {
        let cube = open(&file, &request).unwrap();
        let mut whole = vec![0.0; 3 * cube.grid.window().len()];
        cube.read_date(5, &all, cube.grid.window(), &mut whole).unwrap();
        assert!(whole.iter().any(|v| !v.is_nan()));
        for (rows, cols) in [(64, 64), (7, 1000), (33, 51)] {
            for window in Window::blocks(cube.grid.rows, cube.grid.cols, rows, cols) {
                let mut part = vec![0.0; 3 * window.len()];
                cube.read_date(5, &all, window, &mut part).unwrap();
                for (i, value) in part.iter().enumerate() {
                    let (band, pixel) = (i / window.len(), i % window.len());
                    let row = window.row + pixel / window.cols;
                    let col = window.col + pixel % window.cols;
                    let expected = whole[(band * cube.grid.rows + row) * cube.grid.cols + col];
                    assert_eq!(value.to_bits(), expected.to_bits(), "{window:?} row {row} col {col}");
                }
            }
        }
    }
}

#[test]
fn empty_parts_of_a_sparse_scene_are_known_without_reading() {
    let Some(data) = shared_data() else { return };
    let cube = open(data.join("mekong-2022/items.json"), &bands(&[Band::Nir])).unwrap();
    let mut kinds = [0, 0];
    for window in Window::blocks(cube.grid.rows, cube.grid.cols, 512, 512) {
        let mut out = vec![1.0; window.len()];
        let coverage = cube.read_date(2, &[Band::Nir], window, &mut out).unwrap();
        assert_eq!(coverage == Coverage::Empty, out.iter().all(|v| v.is_nan()));
        assert!(coverage == Coverage::Empty || !cube.is_empty(&[Band::Nir], window));
        kinds[usize::from(coverage == Coverage::Some)] += 1;
    }
    assert!(kinds[0] > 100 && kinds[1] > 5, "{kinds:?}");
}

#[test]
fn cloudy_scenes_and_other_dates_are_left_out_and_noted() {
    let Some(data) = shared_data() else { return };
    let file = data.join("mekong-2022/items.json");
    let request = CubeRequest {
        max_cloud_cover: Some(30.0),
        dates: Some((jiff::civil::date(2022, 1, 1), jiff::civil::date(2022, 6, 30))),
        ..bands(&[Band::Nir])
    };
    let cube = open(&file, &request).unwrap();
    assert!(cube.acquisitions.iter().all(|a| a.cloud_cover.unwrap() < 30.0 && a.date.month() <= 6));
    assert!(cube.notes.iter().any(|n| n.contains("outside the dates")), "{:?}", cube.notes);
    assert!(cube.notes.iter().any(|n| n.contains("cloud cover of 30 %")), "{:?}", cube.notes);
    let error = open(&file, &CubeRequest { max_cloud_cover: Some(0.0), ..bands(&[Band::Nir]) }).unwrap_err();
    assert!(error.message.contains("no scene is left"), "{error}");
    let error = open(&file, &bands(&[Band::RedEdge3])).unwrap_err();
    assert!(error.message.contains("B07") && error.message.contains("it has B02"), "{error}");
}

#[test]
fn an_area_cuts_the_same_pixels_out_of_the_scene() {
    let Some(data) = shared_data() else { return };
    let file = data.join("zhuzhou-sim-2019/items.json");
    let whole = open(&file, &bands(&[Band::Nir, Band::RedEdge1])).unwrap();
    let utm = Crs::from_epsg(32649).unwrap();
    let bounds = Bounds { min_x: 701_004.0, min_y: 3_088_000.0, max_x: 702_000.0, max_y: 3_088_996.0 };
    let request = CubeRequest { area: Some(Area::Box(bounds, utm)), ..bands(&[Band::Nir, Band::RedEdge1]) };
    let part = open(&file, &request).unwrap();
    assert_eq!((part.grid.rows, part.grid.cols), (100, 100));
    let window = Window { row: 100, col: 100, rows: 100, cols: 100 };
    assert_eq!(whole.grid.crop(window), part.grid);
    let (mut a, mut b) = (vec![0.0; 20_000], vec![0.0; 20_000]);
    for time in [0, 7] {
        whole.read_date(time, &whole.bands.clone(), window, &mut a).unwrap();
        part.read_date(time, &part.bands.clone(), part.grid.window(), &mut b).unwrap();
        assert!(a.iter().zip(&b).all(|(a, b)| a.to_bits() == b.to_bits()));
    }
    let outside = Bounds { min_x: 0.0, min_y: 0.0, max_x: 1.0, max_y: 1.0 };
    let request = CubeRequest { area: Some(Area::Box(outside, Crs::wgs84())), ..bands(&[Band::Nir]) };
    assert_eq!(open(&file, &request).unwrap_err().path, "area");
}
