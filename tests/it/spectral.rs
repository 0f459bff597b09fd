//! The spectral indices on real reflectance, against numpy.

use rededge::classify::{Channel, bands_of};
use rededge::cube::CubeRequest;
use rededge::spectral;

use crate::scenes::open;
use crate::shared_data;

#[test]
fn every_index_equals_numpy_on_a_real_scene() {
    let Some(data) = shared_data() else { return };
    let reference: serde_json::Value =
        serde_json::from_str(include_str!("../reference/spectral/slovenia.json")).unwrap();
    let channels: Vec<Channel> = spectral::INDICES.iter().map(Channel::Index).collect();
    // Bands of 20 and 60 m are stored at 10 m in this scene, so that no resampling happens.
    let request =
        CubeRequest { bands: bands_of(&channels), allow_top_of_atmosphere: true, ..CubeRequest::default() };
    let cube = open(data.join("slovenia-2015/items.json"), &request).unwrap();
    let item = reference["item"].as_str().unwrap();
    let time = cube.acquisitions.iter().position(|a| a.scenes.iter().any(|s| s == item)).unwrap();
    let block = cube.read(&request.bands, cube.grid.window()).unwrap();
    let observed = rededge::classify::observe(&channels, &block, cube.acquisitions.len());
    let pixels = block.window.len();
    for (k, index) in spectral::INDICES.iter().enumerate() {
        let plane = &observed[(k * cube.acquisitions.len() + time) * pixels..][..pixels];
        let values = reference["values"][index.id].as_array().unwrap();
        for (at, expected) in reference["pixels"].as_array().unwrap().iter().zip(values) {
            let (row, col) = (at[0].as_u64().unwrap() as usize, at[1].as_u64().unwrap() as usize);
            let found = f64::from(plane[row * cube.grid.cols + col]);
            let Some(expected) = expected.as_f64() else {
                assert!(!found.is_finite(), "{} at {row}, {col}: {found}, numpy divides by 0", index.id);
                continue;
            };
            // REP is in nm, about 700: 1e-5 of its size is all that an f32 can hold.
            let tolerance = 1e-5 * expected.abs().max(1.0);
            assert!(
                (found - expected).abs() <= tolerance,
                "{} at {row}, {col}: {found} {expected}",
                index.id
            );
        }
        let sum: f64 = plane.iter().filter(|v| v.is_finite()).map(|&v| f64::from(v)).sum();
        let of = |name: &str| reference[name][index.id].as_f64().unwrap();
        assert!((sum - of("sum")).abs() <= 1e-5 * of("sumOfSizes"), "{}: {sum} {}", index.id, of("sum"));
    }
}
