//! A class map of many small zones, for what measures zones at full size.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rededge::raster::Plane;

/// One zone in each square of this many pixels.
const CELL: usize = 11;

/// A class map with a blot of class 2, grown pixel by pixel, in most cells; 1 elsewhere.
pub fn blots(side: usize, rng: &mut ChaCha8Rng) -> Plane<u8> {
    let mut map = Plane::filled(side, side, 1u8);
    let reach = (CELL - 2) as i64;
    for top in (0..side / CELL * CELL).step_by(CELL) {
        for left in (0..side / CELL * CELL).step_by(CELL) {
            let (mut row, mut col) = (reach / 2, reach / 2);
            for _ in 0..60 {
                map.values[(top + 1 + row as usize) * side + left + 1 + col as usize] = 2;
                let step = if rng.random::<bool>() { 1 } else { -1 };
                if rng.random::<bool>() {
                    row = (row + step).clamp(0, reach - 1);
                } else {
                    col = (col + step).clamp(0, reach - 1);
                }
            }
        }
    }
    map
}
