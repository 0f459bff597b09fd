//! Tiles of rasters: pixels against GDAL's own warp, in several systems, at the date line and near
//! the pole; borders without seams.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use rededge::classmap::Legend;
use rededge::crs::{Affine, Crs, GeoBox};
use rededge::io::cog::{CogKind, CogWriter};
use rededge::io::pyramid::{BlockCache, Pyramid};
use rededge::style::{Palette, Style};
use rededge::tiles::{FileLevels, MatrixSet, Painter as _, RasterSource, TileAddress, View};

/// A raster of blobs, in a system.
fn write(folder: &Path, name: &str, grid: &GeoBox, kind: CogKind) -> PathBuf {
    let path = folder.join(format!("{name}.tif"));
    let classes = matches!(kind, CogKind::Classes(_));
    let values: Vec<u8> = (0..grid.rows * grid.cols)
        .map(|k| {
            let (row, col) = ((k / grid.cols) as f64, (k % grid.cols) as f64);
            let wave = (row / 17.0).sin() + (col / 23.0).cos() + ((row + col) / 41.0).sin();
            match (classes, wave) {
                (true, w) if w < -1.0 => 0,
                (true, w) => 1 + ((w + 1.0) as u8).min(2),
                (false, w) if w < -1.5 => 255,
                (false, w) => ((w + 1.5) / 4.5 * 100.0) as u8,
            }
        })
        .collect();
    let mut writer = CogWriter::create(&path, grid, kind, &[]).unwrap();
    writer.write(grid.window(), &values).unwrap();
    writer.finish().unwrap();
    path
}

fn grids() -> Vec<(&'static str, GeoBox, (f64, f64))> {
    let grid = |epsg: u32, affine: Affine| GeoBox {
        rows: 1500,
        cols: 1300,
        affine,
        crs: Crs::from_epsg(epsg).unwrap(),
    };
    vec![
        ("utm", grid(32649, Affine::north_up(7e5, 3.09e6, 10.0, 10.0)), (113.09, 27.85)),
        ("degrees", grid(4326, Affine::north_up(105.0, 10.6, 1e-4, 1e-4)), (105.06, 10.53)),
        ("web", grid(3857, Affine::north_up(1.25e7, 3.2e6, 10.0, 10.0)), (112.34, 27.57)),
        ("south", grid(32733, Affine::north_up(5e5, 7.5e6, 20.0, 20.0)), (15.1, -22.7)),
        ("date-line", grid(32760, Affine::north_up(8.2e5, 8.0e6, 20.0, 20.0)), (-179.9, -18.2)),
        ("north", grid(3413, Affine::north_up(-3e5, -6e5, 300.0, 300.0)), (-40.0, 82.0)),
    ]
}

fn source(path: &Path, bounds: Option<[f64; 4]>, style: &str) -> (RasterSource, Palette) {
    let palette = Style::find(style).unwrap().palette().unwrap();
    let pyramid = Arc::new(Pyramid::open(path).unwrap());
    let levels = Arc::new(FileLevels { pyramid, blocks: Arc::new(BlockCache::new(64 << 20)) });
    (RasterSource::new(levels, Arc::new(palette.clone()), bounds), palette)
}

fn tile_at(set: MatrixSet, z: u8, (lon, lat): (f64, f64)) -> TileAddress {
    let (x, y) = set.project(lon, lat);
    let (left, top) = set.origin();
    let side = set.cell_size(z) * 256.0;
    TileAddress::new(set, z, ((top - y) / side) as u32, ((x - left) / side) as u32).unwrap()
}

/// GDAL's pixels of a tile.
fn warped(path: &Path, tile: TileAddress, method: &str, folder: &Path) -> Vec<u8> {
    let out = folder.join("warped.tif");
    let b = tile.bounds();
    let srs = if tile.set == MatrixSet::WebMercatorQuad { "EPSG:3857" } else { "EPSG:4326" };
    let run = Command::new("gdalwarp")
        .args([
            "-q",
            "-overwrite",
            "-t_srs",
            srs,
            "-ts",
            "256",
            "256",
            "-r",
            method,
            "-et",
            "0",
            "-ovr",
            "NONE",
        ])
        .args(["-te", &b.min_x.to_string(), &b.min_y.to_string(), &b.max_x.to_string(), &b.max_y.to_string()])
        .args([path, &out])
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let dataset = gdal::Dataset::open(&out).unwrap();
    let band = dataset.rasterband(1).unwrap();
    band.read_as::<u8>((0, 0), (256, 256), (256, 256), None).unwrap().data().to_vec()
}

#[test]
fn tiles_of_classes_are_those_of_gdalwarp() {
    let folder = tempfile::tempdir().unwrap();
    let mut seen = 0;
    for (name, grid, middle) in grids() {
        let path = write(folder.path(), name, &grid, CogKind::Classes(Legend::rice()));
        let (source, palette) = source(&path, grid.lon_lat_extent(), "rice");
        for set in MatrixSet::ALL {
            // Levels at which pixels are at least as fine as the raster's: no overview is used.
            let native = set.level_of(rededge::crs::pixel_metres(&grid).0, middle.1);
            for z in [native + 1, native + 3] {
                let tile = tile_at(set, z, middle);
                let picture = source.paint(&View::of(tile, 1), &|| true).unwrap();
                let pixels = picture.map_or_else(|| vec![0; 256 * 256], |p| p.pixels);
                seen += pixels.iter().filter(|&&p| p != 0).count();
                let theirs = warped(&path, tile, "near", folder.path());
                let differ = pixels
                    .iter()
                    .zip(&theirs)
                    .filter(|(ours, code)| **ours != palette.index(f32::from(**code)))
                    .count();
                // Only pixels whose centre lies within the mesh's error of an edge.
                assert!(differ < 200, "{name}, {}, level {z}: {differ} of 65536 pixels differ", set.id());
            }
        }
    }
    assert!(seen > 12 * 65536, "{seen} pixels are compared");
}

#[test]
fn tiles_of_percent_are_those_of_gdalwarp_within_two_percent() {
    let folder = tempfile::tempdir().unwrap();
    for (name, grid, middle) in grids() {
        let kind = CogKind::Percent { label: "probability".to_owned() };
        let path = write(folder.path(), name, &grid, kind);
        let (source, _) = source(&path, grid.lon_lat_extent(), "probability");
        let set = MatrixSet::WebMercatorQuad;
        let tile = tile_at(set, set.level_of(rededge::crs::pixel_metres(&grid).0, middle.1) + 2, middle);
        let ours = source.paint(&View::of(tile, 1), &|| true).unwrap().expect("something is seen").pixels;
        let theirs = warped(&path, tile, "bilinear", folder.path());
        let off = |(ours, theirs): &(&u8, &u8)| match (**ours, **theirs) {
            // GDAL draws half a pixel further where a neighbour is missing.
            (0, _) | (_, 255) => false,
            (ours, theirs) => (i16::from(ours) - 1 - i16::from(theirs)).abs() > 2,
        };
        let wrong = ours.iter().zip(&theirs).filter(off).count();
        let both = ours.iter().zip(&theirs).filter(|(o, t)| **o != 0 && **t != 255).count();
        assert!(both > 10_000, "{name}: {both} pixels are compared");
        assert!(wrong < 100, "{name}: {wrong} of {both} pixels differ by more than 2");
    }
}

#[test]
fn neighbouring_tiles_join_and_larger_ones_are_the_same_map() {
    let folder = tempfile::tempdir().unwrap();
    for (name, grid, middle) in grids() {
        let path = write(folder.path(), name, &grid, CogKind::Classes(Legend::rice()));
        let (source, _) = source(&path, grid.lon_lat_extent(), "rice");
        let set = MatrixSet::WebMercatorQuad;
        let z = set.level_of(rededge::crs::pixel_metres(&grid).0, middle.1) + 1;
        let parent = tile_at(set, z, middle);
        // A tile of 512 pixels is the four tiles below it.
        let whole = source.paint(&View::of(parent, 2), &|| true).unwrap().unwrap();
        let mut differ = 0;
        for (row, col) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            let child = TileAddress::new(set, z + 1, 2 * parent.row + row, 2 * parent.col + col).unwrap();
            let quarter = source.paint(&View::of(child, 1), &|| true).unwrap();
            let quarter = quarter.map_or_else(|| vec![0; 256 * 256], |q| q.pixels);
            for (k, &pixel) in quarter.iter().enumerate() {
                let at = (row as usize * 256 + k / 256) * 512 + col as usize * 256 + k % 256;
                differ += usize::from(whole.pixels[at] != pixel);
            }
        }
        assert!(differ < 400, "{name}: {differ} of 262144 pixels differ");
    }
}

#[test]
fn overviews_are_used_and_what_is_not_seen_is_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (name, grid, middle) = grids().remove(0);
    let path = write(folder.path(), name, &grid, CogKind::Classes(Legend::rice()));
    let pyramid = Pyramid::open(&path).unwrap();
    assert_eq!((pyramid.levels(), pyramid.shape(1)), (3, (750, 650)));
    let (source, _) = source(&path, grid.lon_lat_extent(), "rice");
    let set = MatrixSet::WebMercatorQuad;
    let extent = grid.lon_lat_extent().unwrap();
    for z in 0..13 {
        let (across, down) = set.limits(z, extent);
        let tiles = (down[0]..=down[1]).flat_map(|row| (across[0]..=across[1]).map(move |col| (row, col)));
        let pixels = tiles.map(|(row, col)| {
            let picture =
                source.paint(&View::of(TileAddress::new(set, z, row, col).unwrap(), 1), &|| true).unwrap();
            picture.map_or(0, |p| p.pixels.iter().filter(|&&v| v != 0).count())
        });
        let seen = pixels.sum::<usize>() as f64;
        // 13 x 15 km at 28 degrees north, a part of which is nodata.
        let cell = set.cell_size(z) * middle.1.to_radians().cos();
        let expected = 13_000.0 * 15_000.0 / (cell * cell);
        assert!(
            seen >= expected * 0.6 - 4.0 && seen <= expected * 1.05 + 6.0,
            "level {z}: {seen} of {expected:.0}"
        );
    }
    assert!(source.paint(&View::of(tile_at(set, 10, (0.0, 0.0)), 1), &|| true).unwrap().is_none());
}

#[test]
fn a_raster_that_is_no_cog_is_drawn_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let (name, grid, middle) = grids().remove(0);
    let path = write(folder.path(), name, &grid, CogKind::Classes(Legend::rice()));
    let set = MatrixSet::WebMercatorQuad;
    let tile = View::of(tile_at(set, 14, middle), 1);
    let (first, _) = source(&path, grid.lon_lat_extent(), "rice");
    let expected = first.paint(&tile, &|| true).unwrap().unwrap().pixels;
    for (k, options) in [
        &["-co", "COMPRESS=LZW", "-co", "TILED=YES"][..],
        &["-co", "COMPRESS=DEFLATE", "-co", "PREDICTOR=2", "-co", "TILED=YES"],
        &["-co", "COMPRESS=NONE"],
        &["-of", "COG", "-co", "COMPRESS=ZSTD"],
        &["-ot", "UInt16", "-co", "COMPRESS=DEFLATE", "-co", "TILED=YES", "-co", "PREDICTOR=2"],
        &["-ot", "Float32", "-co", "COMPRESS=DEFLATE", "-co", "TILED=YES", "-co", "PREDICTOR=3"],
        &["-ot", "Float32", "-co", "COMPRESS=DEFLATE", "-co", "TILED=YES", "-co", "ENDIANNESS=BIG"],
    ]
    .iter()
    .enumerate()
    {
        let other = folder.path().join(format!("other-{k}.tif"));
        let run =
            Command::new("gdal_translate").arg("-q").args(*options).args([&path, &other]).output().unwrap();
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        let (other, _) = source(&other, grid.lon_lat_extent(), "rice");
        assert_eq!(other.paint(&tile, &|| true).unwrap().unwrap().pixels, expected, "{options:?}");
    }
}
