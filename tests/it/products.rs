//! Readers of scenes on products laid out as their makers lay them out.

use std::fs;
use std::io::{Read, Seek, SeekFrom, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};

use gdal::raster::{Buffer, RasterCreationOptions};
use gdal::spatial_ref::SpatialRef;
use gdal::{Dataset, DriverManager};
use rededge::crs::{Affine, Bounds, Crs, GeoBox};
use rededge::cube::{Area, Band, CloudMask, Coverage, CubeRequest, DataCube};
use rededge::io::scenes::{Location, SceneError, SceneSource, SourceKind, open_cube};
use rededge::raster::{Mapping, NodeGrid, Patch, Resampling};
use serde_json::{Value, json};

use crate::scenes::{bands, location, open};

pub const UTM: u32 = 32649;

/// A raster to be written: its grid and the value of each pixel by band, row and column.
pub struct Made<'a> {
    pub epsg: Option<u32>,
    pub left: f64,
    pub top: f64,
    pub size: f64,
    pub rows: usize,
    pub cols: usize,
    pub bands: usize,
    pub value: &'a dyn Fn(usize, usize, usize) -> f64,
}

impl<'a> Made<'a> {
    pub fn new(size: f64, rows: usize, cols: usize, value: &'a dyn Fn(usize, usize, usize) -> f64) -> Self {
        Self { epsg: Some(UTM), left: 700_000.0, top: 3_090_000.0, size, rows, cols, bands: 1, value }
    }

    pub fn fill<T: gdal::raster::GdalType + Copy>(&self, dataset: &mut Dataset, cast: fn(f64) -> T) {
        if let Some(epsg) = self.epsg {
            dataset.set_spatial_ref(&SpatialRef::from_epsg(epsg).unwrap()).unwrap();
            dataset.set_geo_transform(&[self.left, self.size, 0.0, self.top, 0.0, -self.size]).unwrap();
        }
        for band in 0..self.bands {
            let pixels = (0..self.rows).flat_map(|r| (0..self.cols).map(move |c| (r, c)));
            let values = pixels.map(|(r, c)| cast((self.value)(band, r, c))).collect();
            let mut buffer = Buffer::new((self.cols, self.rows), values);
            let mut raster = dataset.rasterband(band + 1).unwrap();
            raster.write((0, 0), (self.cols, self.rows), &mut buffer).unwrap();
        }
    }

    pub fn tiff(&self, path: &Path) {
        self.tiff_as::<u16>(
            path,
            |v| v as u16,
            &["TILED=YES", "BLOCKXSIZE=64", "BLOCKYSIZE=64", "COMPRESS=DEFLATE", "PREDICTOR=2"],
        );
    }

    pub fn tiff_as<T: gdal::raster::GdalType + Copy>(
        &self,
        path: &Path,
        cast: fn(f64) -> T,
        options: &[&str],
    ) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let driver = DriverManager::get_driver_by_name("GTiff").unwrap();
        let options = options.iter().copied().collect::<RasterCreationOptions>();
        let mut dataset = driver
            .create_with_band_type_with_options::<T, _>(path, self.cols, self.rows, self.bands, &options)
            .unwrap();
        self.fill(&mut dataset, cast);
    }

    /// Lossless JPEG 2000, as ESA's.
    pub fn jp2<T: gdal::raster::GdalType + Copy>(&self, path: &Path, cast: fn(f64) -> T) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let memory = DriverManager::get_driver_by_name("MEM").unwrap();
        let mut source = memory.create_with_band_type::<T, _>("", self.cols, self.rows, self.bands).unwrap();
        self.fill(&mut source, cast);
        let driver = DriverManager::get_driver_by_name("JP2OpenJPEG").unwrap();
        let options = ["QUALITY=100", "REVERSIBLE=YES", "BLOCKXSIZE=64", "BLOCKYSIZE=64"];
        source.create_copy(&driver, path, &RasterCreationOptions::from_iter(options)).unwrap();
    }
}

pub fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

pub fn plane(cube: &DataCube, time: usize, band: Band) -> Vec<f32> {
    let mut out = vec![0.0; cube.grid.window().len()];
    cube.read_date(time, &[band], cube.grid.window(), &mut out).unwrap();
    out
}

pub fn item(id: &str, day: &str, assets: Value) -> Value {
    json!({"type": "Feature", "stac_version": "1.0.0", "id": id, "collection": "sentinel-2-l2a",
        "properties": {"datetime": format!("{day}T03:05:41Z")}, "assets": assets})
}

pub fn by_value(items: Vec<Value>) -> SceneSource {
    let items = json!({"type": "FeatureCollection", "features": items});
    SceneSource { input: "cube".to_owned(), kind: SourceKind::Items(items) }
}

/// An asset without offset, so that reflectance is DN / 10000.
fn asset(href: &str) -> Value {
    json!({"href": href, "raster:bands": [{"scale": 0.0001, "offset": 0, "nodata": 0}]})
}

pub const PRODUCT: &str = "S2A_MSIL2A_20220705T030541_N0400_R075_T49RFL_20220705T070000";

/// A Level-2A product as ESA lays it out: metadata, granule, bands in R10m, R20m, R60m.
pub fn safe(parent: &Path, level: &str) -> PathBuf {
    let root = parent.join(format!("{PRODUCT}.SAFE"));
    let granule = root.join("GRANULE/L2A_T49RFL_A036700_20220705T031500");
    let name = |band: &str, metres: u32| {
        granule.join(format!("IMG_DATA/R{metres}m/T49RFL_20220705T030541_{band}_{metres}m.jp2"))
    };
    let ten =
        |_: usize, r: usize, c: usize| if r == 0 && c == 0 { 0.0 } else { 4000.0 + (r * 120 + c) as f64 };
    let twenty = |_: usize, r: usize, c: usize| 2000.0 + (r * 60 + c) as f64;
    // Cloud in the upper left 10 x 10 pixels of 20 m.
    let scl = |_: usize, r: usize, c: usize| if r < 10 && c < 10 { 9.0 } else { 4.0 };
    Made::new(10.0, 120, 120, &ten).jp2(&name("B08", 10), |v| v as u16);
    Made::new(20.0, 60, 60, &twenty).jp2(&name("B05", 20), |v| v as u16);
    Made::new(60.0, 20, 20, &twenty).jp2(&name("B05", 60), |v| v as u16);
    Made::new(20.0, 60, 60, &scl).jp2(&name("SCL", 20), |v| v as u8);
    Made::new(10.0, 120, 120, &ten).jp2(&name("TCI", 10), |v| v as u8);
    fs::write(granule.join("MTD_TL.xml"), "<n1:x xmlns:n1='a'/>").unwrap();
    let user = if level == "2A" { "Level-2A" } else { "Level-1C" };
    let quantification = if level == "2A" {
        "<QUANTIFICATION_VALUES_LIST><BOA_QUANTIFICATION_VALUE unit=\"none\">10000</BOA_QUANTIFICATION_VALUE></QUANTIFICATION_VALUES_LIST>"
    } else {
        "<QUANTIFICATION_VALUE unit=\"none\">10000</QUANTIFICATION_VALUE>"
    };
    let offsets: String =
        (0..13).map(|i| format!("<BOA_ADD_OFFSET band_id=\"{i}\">-1000</BOA_ADD_OFFSET>")).collect();
    let metadata = format!(
        r#"<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<n1:{user}_User_Product xmlns:n1="https://psd-14.sentinel2.eo.esa.int/PSD/User_Product_{user}.xsd">
  <n1:General_Info>
    <Product_Info>
      <PRODUCT_START_TIME>2022-07-05T03:05:41.024Z</PRODUCT_START_TIME>
      <PRODUCT_URI>{PRODUCT}.SAFE</PRODUCT_URI>
      <PROCESSING_LEVEL>{user}</PROCESSING_LEVEL>
      <PROCESSING_BASELINE>04.00</PROCESSING_BASELINE>
    </Product_Info>
    <Product_Image_Characteristics>
      <Special_Values><SPECIAL_VALUE_TEXT>NODATA</SPECIAL_VALUE_TEXT><SPECIAL_VALUE_INDEX>0</SPECIAL_VALUE_INDEX></Special_Values>
      <Special_Values><SPECIAL_VALUE_TEXT>SATURATED</SPECIAL_VALUE_TEXT><SPECIAL_VALUE_INDEX>65535</SPECIAL_VALUE_INDEX></Special_Values>
      {quantification}
      <BOA_ADD_OFFSET_VALUES_LIST>{offsets}</BOA_ADD_OFFSET_VALUES_LIST>
      <Spectral_Information_List><Spectral_Information bandId="4" physicalBand="B5"/><Spectral_Information bandId="7" physicalBand="B8"/></Spectral_Information_List>
    </Product_Image_Characteristics>
  </n1:General_Info>
  <n1:Quality_Indicators_Info><Cloud_Coverage_Assessment>12.5</Cloud_Coverage_Assessment></n1:Quality_Indicators_Info>
</n1:{user}_User_Product>"#
    );
    fs::write(root.join(format!("MTD_MSIL{level}.xml")), metadata).unwrap();
    root
}

pub fn zip_folder(root: &Path, zip: &Path) {
    let mut archive = zip::ZipWriter::new(fs::File::create(zip).unwrap());
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(root.parent().unwrap()).unwrap().to_str().unwrap().to_owned();
            archive.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
            archive.write_all(&fs::read(&path).unwrap()).unwrap();
        }
    }
    archive.finish().unwrap();
}

#[test]
fn a_safe_product_reads_the_same_from_its_folder_and_its_zip() {
    let parent = folder();
    let root = safe(parent.path(), "2A");
    let zip = parent.path().join(format!("{PRODUCT}.SAFE.zip"));
    zip_folder(&root, &zip);
    let wanted = bands(&[Band::Nir, Band::RedEdge1]);
    let cube = open(&root, &wanted).unwrap();
    assert_eq!(cube.acquisitions[0].date, jiff::civil::date(2022, 7, 5));
    assert_eq!(cube.acquisitions[0].cloud_cover, Some(12.5));
    assert_eq!(cube.acquisitions[0].scenes, [PRODUCT]);
    assert_eq!(cube.grid.affine, Affine::north_up(700_000.0, 3_090_000.0, 10.0, 10.0));
    let nir = plane(&cube, 0, Band::Nir);
    assert!(nir[5 * 120 + 5].is_nan(), "under the cloud");
    let unmasked = CubeRequest { cloud_mask: CloudMask::None, ..wanted.clone() };
    assert!(plane(&open(&root, &unmasked).unwrap(), 0, Band::Nir)[5 * 120 + 5] > 0.0, "clouds as they are");
    let qa60 = CubeRequest { cloud_mask: CloudMask::Qa60, ..wanted.clone() };
    assert_eq!(open(&root, &qa60).unwrap_err().path, "cloudMask");
    assert!((nir[50 * 120 + 30] - (4000.0 + 6030.0 - 1000.0) / 10000.0).abs() < 1e-6);
    // The 20 m file, not the 60 m one: the centre of a 10 m pixel is a quarter off the 20 m centre.
    let red_edge = plane(&cube, 0, Band::RedEdge1);
    let expected = (2000.0 + 24.75 * 60.0 + 14.75 - 1000.0) / 10000.0;
    assert!((red_edge[50 * 120 + 30] - expected as f32).abs() < 1e-5, "{}", red_edge[50 * 120 + 30]);
    let zipped = open(&zip, &wanted).unwrap();
    for band in [Band::Nir, Band::RedEdge1] {
        let same = plane(&cube, 0, band)
            .iter()
            .zip(&plane(&zipped, 0, band))
            .all(|(a, b)| a.to_bits() == b.to_bits());
        assert!(same, "{band}");
    }
    // A folder of products is a cube of them; the folder and the zip are the same scene, read once.
    let both = open(parent.path(), &wanted).unwrap();
    assert_eq!(both.acquisitions[0].scenes, [PRODUCT]);
    assert!(both.notes.iter().any(|n| n.contains(".SAFE.zip) is left out")), "{:?}", both.notes);
    let sources = [&root, &zip].map(|path| location(path.to_string_lossy()));
    let error = open_cube(&sources, Path::new("."), &wanted).unwrap_err();
    assert!(error.message.contains("given twice") && error.message.contains(PRODUCT), "{error}");
}

#[test]
fn a_level_1c_product_is_refused_and_an_incomplete_one_named() {
    let parent = folder();
    let error = open(safe(parent.path(), "1C"), &bands(&[Band::Nir])).unwrap_err();
    assert!(error.message.contains("Level-1C") && error.path.contains(PRODUCT), "{error}");
    let parent = folder();
    let root = safe(parent.path(), "2A");
    let error = open(&root, &bands(&[Band::Swir16])).unwrap_err();
    assert!(error.message.contains("B11") && error.message.contains("B05, B08"), "{error}");
    fs::remove_dir_all(root.join("GRANULE")).unwrap();
    assert!(open(&root, &bands(&[Band::Nir])).unwrap_err().message.contains("not complete"));
    fs::write(root.join("MTD_MSIL2A.xml"), "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>").unwrap();
    assert!(open(&root, &bands(&[Band::Nir])).unwrap_err().message.contains("MTD_MSIL2A.xml"));
}

const GF6: &str = "GF6_WFV_E113.1_N28.0_20220712_L1A1119912345";

fn gf6(folder: &Path) -> PathBuf {
    let image = folder.join(format!("{GF6}_sr.tiff"));
    let value = |band: usize, r: usize, c: usize| 1000.0 * (band + 1) as f64 + (r * 75 + c) as f64 / 10.0;
    Made { bands: 8, ..Made::new(16.0, 75, 75, &value) }.tiff(&image);
    let xml = "<ProductMetaData><SatelliteID>GF6</SatelliteID><SensorID>WFV</SensorID>\
        <StartTime>2022-07-12 11:20:01</StartTime><CloudPercent>7</CloudPercent></ProductMetaData>";
    fs::write(folder.join(format!("{GF6}.xml")), xml).unwrap();
    image
}

#[test]
fn a_gf6_folder_gives_its_bands_by_their_own_numbers() {
    let parent = folder();
    gf6(parent.path());
    let cube = open(parent.path(), &bands(&[Band::RedEdge1, Band::Nir, Band::Yellow])).unwrap();
    assert_eq!(cube.acquisitions[0].date, jiff::civil::date(2022, 7, 12));
    assert_eq!(cube.acquisitions[0].cloud_cover, Some(7.0));
    assert_eq!(cube.grid.affine.pixel_size(), (16.0, 16.0));
    for (band, number) in [(Band::RedEdge1, 5.0), (Band::Nir, 4.0), (Band::Yellow, 8.0)] {
        let value = plane(&cube, 0, band)[10 * 75 + 3];
        assert!((value - (number * 1000.0 + 75.0) / 10000.0).abs() < 1e-4, "{band}: {value}");
    }
    assert!(open(parent.path(), &bands(&[Band::Swir16])).unwrap_err().message.contains("GF-6"));
}

#[test]
fn a_raw_gf6_product_is_refused_by_name_with_what_to_do() {
    let parent = folder();
    gf6(parent.path());
    fs::write(parent.path().join(format!("{GF6}.rpb")), "").unwrap();
    let error = open(parent.path(), &bands(&[Band::Nir])).unwrap_err();
    assert!(error.message.contains("Level 1A") && error.message.contains("orthorectify"), "{error}");
    let parent = folder();
    let flat = |_: usize, _: usize, _: usize| 5.0;
    Made { epsg: None, bands: 8, ..Made::new(16.0, 9, 9, &flat) }
        .tiff(&parent.path().join(format!("{GF6}.tiff")));
    let error = open(parent.path(), &bands(&[Band::Nir])).unwrap_err();
    assert!(error.message.contains("Level 1A") && error.path.contains(GF6), "{error}");
    let parent = folder();
    Made { bands: 4, ..Made::new(16.0, 9, 9, &flat) }.tiff(&parent.path().join("GF6_WFV_20220712_sr.tif"));
    assert!(open(parent.path(), &bands(&[Band::Nir])).unwrap_err().message.contains("has 4 bands"));
}

#[test]
fn gf6_and_sentinel2_join_into_one_series() {
    let parent = folder();
    let sentinel = safe(&parent.path().join("s2"), "2A");
    fs::create_dir_all(parent.path().join("gf")).unwrap();
    gf6(&parent.path().join("gf"));
    let source = |i: usize, path: PathBuf| SceneSource {
        input: format!("cube[{i}]"),
        ..location(path.to_string_lossy())
    };
    let sources = [source(0, sentinel), source(1, parent.path().join("gf"))];
    let request = CubeRequest { resolution: Some(20.0), ..bands(&[Band::Nir, Band::RedEdge1]) };
    let cube = open_cube(&sources, Path::new("."), &request).unwrap();
    let days: Vec<String> = cube.acquisitions.iter().map(|a| a.date.to_string()).collect();
    assert_eq!(days, ["2022-07-05", "2022-07-12"]);
    assert_eq!((cube.grid.rows, cube.grid.cols), (60, 60));
    assert!(cube.notes.iter().any(|n| n.contains("1 of 2 scenes have no QA60 or SCL")), "{:?}", cube.notes);
    // Averages: four pixels of 10 m, and about one and a half of 16 m on each side.
    let nir = plane(&cube, 0, Band::Nir);
    let expected = (4000.0 + 60.5 * 120.0 + 40.5 - 1000.0) / 10000.0;
    assert!((nir[30 * 60 + 20] - expected as f32).abs() < 1e-5);
    let nir = plane(&cube, 1, Band::Nir);
    assert!((nir[30 * 60 + 20] - 0.4).abs() < 0.05);
    let error = open_cube(&sources, Path::new("."), &bands(&[Band::Swir16])).unwrap_err();
    assert!(error.path.starts_with("cube[0]"), "{error}");
}

#[test]
fn a_folder_of_geotiffs_is_read_by_its_pattern() {
    let parent = folder();
    let value = |_: usize, r: usize, c: usize| 1000.0 + (r * 8 + c) as f64;
    let made = Made::new(10.0, 8, 8, &value);
    for day in ["20220705", "20220715"] {
        for band in ["B08", "rededge1", "AOT"] {
            made.tiff(&parent.path().join(format!("S2_{day}_{band}.tif")));
        }
        let stack = Made { bands: 2, ..Made::new(10.0, 8, 8, &value) };
        // Floats are reflectance already; NaN is missing.
        let reflectance = |v: f64| if v == 1000.0 { f32::NAN } else { v as f32 / 10000.0 };
        stack.tiff_as::<f32>(&parent.path().join(format!("stacks/{day}.tif")), reflectance, &[]);
    }
    let at = |href: PathBuf, pattern: &str, list: &[&str]| {
        let location = Location {
            href: href.to_string_lossy().into_owned(),
            pattern: Some(pattern.to_owned()),
            bands: list.iter().map(|b| (*b).to_owned()).collect(),
            ..Location::default()
        };
        let source = SceneSource { input: "cube".to_owned(), kind: SourceKind::Location(location) };
        open_cube(&[source], Path::new("."), &bands(&[Band::Nir, Band::RedEdge1]))
    };
    let cube = at(parent.path().into(), "S2_{date:%Y%m%d}_{band}.tif", &[]).unwrap();
    assert_eq!(cube.acquisitions.len(), 2);
    assert!((plane(&cube, 1, Band::RedEdge1)[9] - 0.1009).abs() < 1e-6);
    let stacks = at(parent.path().join("stacks"), "{date}.tif", &["B08", "B05"]).unwrap();
    assert!(plane(&stacks, 0, Band::Nir)[0].is_nan());
    assert!((plane(&stacks, 0, Band::RedEdge1)[9] - 0.1009).abs() < 1e-6);
    let refuse = |pattern: &str, list: &[&str]| at(parent.path().join("stacks"), pattern, list).unwrap_err();
    assert!(refuse("{date}.tif", &[]).message.contains("list them as `bands`"));
    assert_eq!(refuse("{date}.tif", &["B05", "B99"]).path, "cube.bands[1]");
    assert!(refuse("x_{date}.tif", &[]).message.contains("20220705.tif"));
    assert!(open(parent.path(), &bands(&[Band::Nir])).unwrap_err().message.contains("pattern"));
}

#[test]
fn tiles_of_one_day_are_merged_and_the_first_has_precedence() {
    let parent = folder();
    let constant = |v: f64| move |_: usize, _: usize, c: usize| if c == 3 { 0.0 } else { v };
    let (low, high) = (constant(1000.0), constant(2000.0));
    Made::new(10.0, 8, 8, &low).tiff(&parent.path().join("a.tif"));
    Made { left: 700_040.0, ..Made::new(10.0, 8, 8, &high) }.tiff(&parent.path().join("b.tif"));
    let items = vec![
        item("a", "2022-07-05", json!({"B08": asset("a.tif")})),
        item("b", "2022-07-05", json!({"B08": asset("b.tif")})),
        item("c", "2022-07-06", json!({"B08": asset("./b.tif")})),
    ];
    let error = open_cube(&[by_value(items.clone())], parent.path(), &bands(&[Band::Nir]));
    // `./b.tif` is the file of scene b again.
    assert!(
        error.is_err_and(|e| e.message.contains("given twice") && e.path == "cube.features[2].assets.B08")
    );
    let cube = open_cube(&[by_value(items[..2].to_vec())], parent.path(), &bands(&[Band::Nir])).unwrap();
    assert_eq!((cube.acquisitions.len(), cube.grid.cols), (1, 12));
    assert_eq!(cube.acquisitions[0].scenes, ["a", "b"]);
    let row: Vec<i32> =
        plane(&cube, 0, Band::Nir)[..12].iter().map(|v| (v * 10000.0).round() as i32).collect();
    // Column 3 is missing in both; 7 is column 3 of the second, covered by the first.
    assert_eq!(row, [1000, 1000, 1000, 0, 1000, 1000, 1000, 1000, 2000, 2000, 2000, 2000]);
    assert!(plane(&cube, 0, Band::Nir)[3].is_nan());
}

#[test]
fn scenes_of_two_utm_zones_meet_without_a_seam() {
    let parent = folder();
    // One smooth surface over longitude and latitude, sampled on both sides of 114 degrees east.
    let surface = |lon: f64, lat: f64| 3000.0 + 2.0e4 * (lon - 114.0) + 1.0e4 * (lat - 28.0);
    let wgs84 = Crs::wgs84();
    let mut items = Vec::new();
    for (epsg, left) in [(32649, 793_000.0), (32650, 205_000.0)] {
        let way = Crs::from_epsg(epsg).unwrap().transformer_to(&wgs84).unwrap();
        let value = |_: usize, r: usize, c: usize| {
            let (mut x, mut y) = ([left + 10.0 * (c as f64 + 0.5)], [3_100_000.0 - 10.0 * (r as f64 + 0.5)]);
            way.apply(&mut x, &mut y).unwrap();
            surface(x[0], y[0]).round()
        };
        let made = Made { epsg: Some(epsg), left, top: 3_100_000.0, ..Made::new(10.0, 200, 300, &value) };
        made.tiff(&parent.path().join(format!("{epsg}.tif")));
        items.push(item(&epsg.to_string(), "2022-07-05", json!({"B08": asset(&format!("{epsg}.tif"))})));
    }
    let cube = open_cube(&[by_value(items)], parent.path(), &bands(&[Band::Nir])).unwrap();
    assert_eq!(cube.grid.crs.epsg(), Some(32649));
    let values = plane(&cube, 0, Band::Nir);
    let way = cube.grid.crs.transformer_to(&wgs84).unwrap();
    let (mut west, mut east, mut off) = (0, 0, 0);
    for (i, value) in values.iter().enumerate().filter(|v| !v.1.is_nan()) {
        let (x, y) = cube.grid.centre(i / cube.grid.cols, i % cube.grid.cols);
        let (mut x, mut y) = ([x], [y]);
        way.apply(&mut x, &mut y).unwrap();
        // Half a DN of rounding on each source pixel; at the edge of a scene half a pixel is
        // repeated, which is one DN more.
        let error = (f64::from(*value) * 1e4 - surface(x[0], y[0])).abs();
        assert!(error < 2.1, "{error}");
        off += usize::from(error > 0.6);
        if x[0] < 114.0 { west += 1 } else { east += 1 }
    }
    assert!(west > 10_000 && east > 10_000, "{west} {east}");
    assert!(off < (west + east) / 100, "{off} pixels off by more than rounding");
}

#[test]
fn resampling_agrees_with_gdalwarp() {
    let reference: Value = serde_json::from_str(include_str!("../reference/resample/gdalwarp.json")).unwrap();
    let parent = folder();
    for holes in [false, true] {
        let value = |_: usize, r: usize, c: usize| {
            let whole = (1000 + 17 * r + 29 * c + 10 * ((r * c) % 13)) as f64;
            if holes && (r + 2 * c).is_multiple_of(11) { 0.0 } else { whole }
        };
        Made::new(10.0, 48, 48, &value).tiff(&parent.path().join(format!("{holes}.tif")));
    }
    for case in reference["cases"].as_array().unwrap() {
        let number = |key: &str| case[key].as_f64().unwrap();
        let (rows, cols) = (number("rows") as usize, number("cols") as usize);
        let crs = Crs::from_epsg(number("epsg") as u32).unwrap();
        let grid = GeoBox {
            rows,
            cols,
            affine: Affine::north_up(number("left"), number("top"), number("size"), number("size")),
            crs: crs.clone(),
        };
        let name = case["name"].as_str().unwrap();
        let href = format!("{}.tif", case["holes"]);
        if name == "nearest" {
            let source = GeoBox {
                rows: 48,
                cols: 48,
                affine: Affine::north_up(700_000.0, 3_090_000.0, 10.0, 10.0),
                crs: Crs::from_epsg(UTM).unwrap(),
            };
            let nodes = std::sync::Arc::new(NodeGrid::new(&grid, &source.crs).unwrap());
            let mapping = Mapping::new(&grid, &source, Some(nodes));
            let at = mapping.footprint(grid.window(), Resampling::Nearest).unwrap();
            let mut patch = Patch::filled(at, -1.0);
            let inside = at.inside(48, 48).unwrap();
            for r in inside.row..inside.row + inside.rows {
                for (i, v) in patch.row_mut(r, inside.col)[..inside.cols].iter_mut().enumerate() {
                    let c = inside.col + i;
                    *v = if (r + 2 * c).is_multiple_of(11) {
                        -1.0
                    } else {
                        (1000 + 17 * r + 29 * c + 10 * ((r * c) % 13)) as f64
                    };
                }
            }
            let mut out = vec![-1.0; grid.window().len()];
            mapping.nearest(&patch, grid.window(), -1.0, &mut out);
            let expected: Vec<f64> =
                case["values"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect();
            assert_eq!(out, expected);
            continue;
        }
        let items = vec![item("a", "2022-07-05", json!({"B08": asset(&href)}))];
        let request = CubeRequest {
            resolution: Some(number("size")),
            crs: Some(crs.clone()),
            area: Some(Area::Box(grid.bounds(), crs)),
            ..bands(&[Band::Nir])
        };
        let cube = open_cube(&[by_value(items)], parent.path(), &request).unwrap();
        let values = plane(&cube, 0, Band::Nir);
        let (mut compared, mut worst) = (0, 0.0_f64);
        for (i, expected) in case["values"].as_array().unwrap().iter().enumerate() {
            let (x, y) = grid.centre(i / cols, i % cols);
            let Some((row, col)) = cube.grid.pixel_at(x, y) else { continue };
            let centre = cube.grid.centre(row, col);
            let apart = (centre.0 - x).abs().max((centre.1 - y).abs());
            assert!(apart < 1e-6, "{name}: the grids differ");
            let expected = expected.as_f64().unwrap();
            let value = f64::from(values[row * cube.grid.cols + col]) * 1e4;
            assert_eq!(value.is_nan(), expected < 0.0, "{name} at {i}: {value} and {expected}");
            if !value.is_nan() {
                worst = worst.max((value - expected).abs());
                compared += 1;
            }
        }
        assert!(worst < 0.05, "{name} to {}: {worst}", case["epsg"]);
        assert!(compared > 200, "{name}: {compared}");
    }
}

#[test]
fn missing_damaged_and_misplaced_files_are_named() {
    let parent = folder();
    let noise = |_: usize, r: usize, c: usize| ((r * 7919 + c * 104_729) % 9973 + 1) as f64;
    let good = parent.path().join("good.tif");
    Made::new(10.0, 256, 256, &noise).tiff(&good);
    let bytes = fs::read(&good).unwrap();
    fs::write(parent.path().join("cut.tif"), &bytes[..bytes.len() / 2]).unwrap();
    fs::write(parent.path().join("text.tif"), "not a raster").unwrap();
    let mut flipped = bytes.clone();
    for byte in &mut flipped[bytes.len() / 3..bytes.len() / 3 + 4000] {
        *byte ^= 0x5a;
    }
    fs::write(parent.path().join("flipped.tif"), flipped).unwrap();
    let nowhere = Made { epsg: None, ..Made::new(10.0, 8, 8, &noise) };
    nowhere.tiff(&parent.path().join("nowhere.tif"));
    let try_file = |href: &str| -> Result<(), String> {
        let items = vec![item("a", "2022-07-05", json!({"B08": asset(href)}))];
        let cube =
            open_cube(&[by_value(items)], parent.path(), &bands(&[Band::Nir])).map_err(|e| e.to_string())?;
        let mut out = vec![0.0; cube.grid.window().len()];
        cube.read_date(0, &[Band::Nir], cube.grid.window(), &mut out).map(|_| ()).map_err(|e| e.to_string())
    };
    try_file("good.tif").unwrap();
    for (href, words) in [
        ("absent.tif", ["cube.features[0].assets.B08", "there is no file"]),
        ("text.tif", ["cube.features[0].assets.B08", "cannot be read"]),
        ("nowhere.tif", ["cube.features[0].assets.B08", "no"]),
        ("cut.tif", ["cut.tif", "truncated or damaged"]),
        ("flipped.tif", ["flipped.tif", "truncated or damaged"]),
        ("s3://bucket/a.tif", ["cube.features[0].assets.B08", "https"]),
    ] {
        let error = try_file(href).unwrap_err();
        assert!(words.iter().all(|w| error.contains(w)), "{href}: {error}");
    }
    // No way leads from the Earth to the Moon.
    let moon = CubeRequest { crs: Some(Crs::parse("ESRI:104903").unwrap()), ..bands(&[Band::Nir]) };
    let items = vec![item("a", "2022-07-05", json!({"B08": asset("good.tif")}))];
    let error = open_cube(&[by_value(items)], parent.path(), &moon).unwrap_err();
    assert!(error.message.contains("cannot transform from EPSG:32649"), "{error}");
    let missing = location("nothing-here.json");
    let error = open_cube(&[missing], parent.path(), &bands(&[Band::Nir])).unwrap_err();
    assert!(error.message.contains("nothing-here.json"), "{error}");
}

#[test]
fn pixels_outside_polygons_are_nodata() {
    let parent = folder();
    let value = |_: usize, _: usize, _: usize| 1000.0;
    Made::new(10.0, 100, 100, &value).tiff(&parent.path().join("a.tif"));
    let way = Crs::from_epsg(UTM).unwrap().transformer_to(&Crs::wgs84()).unwrap();
    let (mut x, mut y) = ([700_200.0, 700_700.0, 700_200.0], [3_089_900.0, 3_089_900.0, 3_089_400.0]);
    way.apply(&mut x, &mut y).unwrap();
    let ring: Vec<(f64, f64)> = x.into_iter().zip(y).collect();
    let triangle = geo::MultiPolygon(vec![geo::Polygon::new(ring.into(), vec![])]);
    let items = || vec![item("a", "2022-07-05", json!({"B08": asset("a.tif")}))];
    let request = CubeRequest { area: Some(Area::Polygons(triangle)), ..bands(&[Band::Nir]) };
    let cube = open_cube(&[by_value(items())], parent.path(), &request).unwrap();
    let inside = plane(&cube, 0, Band::Nir).iter().filter(|v| !v.is_nan()).count();
    assert!((1200..=1300).contains(&inside), "{inside} pixels of a triangle of 1250");
    let window = rededge::raster::Window { row: 45, col: 45, rows: 4, cols: 4 };
    let mut out = vec![0.0; 16];
    assert_eq!(cube.read_date(0, &[Band::Nir], window, &mut out).unwrap(), Coverage::Empty);
    let far = Bounds { min_x: 0.0, min_y: 0.0, max_x: 1.0, max_y: 1.0 };
    let request = CubeRequest { area: Some(Area::Box(far, Crs::wgs84())), ..bands(&[Band::Nir]) };
    let error: SceneError = open_cube(&[by_value(items())], parent.path(), &request).unwrap_err();
    assert!(error.message.contains("outside the scenes"), "{error}");
}

/// Serves a folder over http, with ranges, until the test ends.
fn serve(root: PathBuf) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let root = root.clone();
            std::thread::spawn(move || answer(stream, &root));
        }
    });
    address
}

fn answer(mut stream: TcpStream, root: &Path) {
    let mut request = Vec::new();
    let mut part = [0; 4096];
    while !request.windows(4).any(|w| w == b"\r\n\r\n") {
        match stream.read(&mut part) {
            Ok(n) if n > 0 => request.extend_from_slice(&part[..n]),
            _ => return,
        }
    }
    let request = String::from_utf8_lossy(&request).into_owned();
    let mut words = request.split_whitespace();
    let (method, path) = (words.next().unwrap_or(""), words.next().unwrap_or("/"));
    let path = root.join(path.split('?').next().unwrap_or("").trim_start_matches('/'));
    let Ok(mut file) = fs::File::open(path) else {
        let _ = stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        return;
    };
    let size = file.metadata().unwrap().len();
    let range = request.lines().find_map(|l| {
        let (first, last) = l
            .to_ascii_lowercase()
            .strip_prefix("range: bytes=")?
            .trim()
            .split_once('-')
            .map(|(a, b)| (a.to_owned(), b.to_owned()))?;
        Some((first.parse::<u64>().ok()?, last.parse().unwrap_or(size - 1).min(size - 1)))
    });
    let (first, last) = range.unwrap_or((0, size - 1));
    let status = if range.is_some() { "206 Partial Content" } else { "200 OK" };
    let mut head = format!(
        "HTTP/1.1 {status}\r\nAccept-Ranges: bytes\r\nContent-Length: {}\r\nConnection: close\r\n",
        last + 1 - first
    );
    if range.is_some() {
        head += &format!("Content-Range: bytes {first}-{last}/{size}\r\n");
    }
    let _ = stream.write_all(format!("{head}\r\n").as_bytes());
    if method == "GET" {
        let mut body = vec![0; (last + 1 - first) as usize];
        file.seek(SeekFrom::Start(first)).unwrap();
        file.read_exact(&mut body).unwrap();
        let _ = stream.write_all(&body);
    }
}

#[test]
fn a_collection_served_over_http_reads_as_the_local_one() {
    let parent = folder();
    let value = |_: usize, r: usize, c: usize| 1000.0 + (r * 200 + c) as f64 / 2.0;
    let half = |_: usize, r: usize, c: usize| 500.0 + (r * 100 + c) as f64;
    Made::new(10.0, 200, 200, &value).tiff(&parent.path().join("scenes/a/B08.tif"));
    Made::new(20.0, 100, 100, &half).tiff(&parent.path().join("scenes/a/B05.tif"));
    let items = json!({"type": "FeatureCollection", "features": [
        item("a", "2022-07-05", json!({"nir": asset("a/B08.tif"), "rededge1": asset("./a/B05.tif?key=1")}))]});
    fs::write(parent.path().join("scenes/items.json"), items.to_string()).unwrap();
    let address = serve(parent.path().to_owned());
    let wanted = bands(&[Band::Nir, Band::RedEdge1]);
    let cube =
        open_cube(&[location(format!("{address}/scenes/items.json"))], Path::new("."), &wanted).unwrap();
    for (band, at, dn) in
        [(Band::Nir, 5 * 200 + 7, 1503.5), (Band::RedEdge1, 5 * 200 + 7, 500.0 + 2.25 * 100.0 + 3.25)]
    {
        let got = plane(&cube, 0, band)[at] * 1e4;
        // B08 is stored as whole numbers.
        assert!((got - dn).abs() <= 0.5 + 1e-2, "{band}: {got}");
    }
    let error = open_cube(&[location(format!("{address}/none.json?token=secret"))], Path::new("."), &wanted)
        .unwrap_err();
    assert!(error.message.contains("404") && !error.message.contains("secret"), "{error}");
    let items = vec![item("a", "2022-07-05", json!({"B08": asset(&format!("{address}/absent.tif"))}))];
    let error = open_cube(&[by_value(items)], Path::new("."), &bands(&[Band::Nir])).unwrap_err();
    assert_eq!(error.path, "cube.features[0].assets.B08");
}
