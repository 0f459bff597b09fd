//! Smooth random fields: gradient noise (Perlin 1985) and sums of its octaves.

use super::hash::hash;

const GRADIENTS: [(f32, f32); 8] = [
    (1.0, 0.0),
    (0.707, 0.707),
    (0.0, 1.0),
    (-0.707, 0.707),
    (-1.0, 0.0),
    (-0.707, -0.707),
    (0.0, -1.0),
    (0.707, -0.707),
];

/// A smooth field of wavelength about 1, within -1..1, 0 on average (deviation about 0.35).
pub fn noise(seed: u64, x: f32, y: f32) -> f32 {
    let (column, row) = (x.floor(), y.floor());
    let (fx, fy) = (x - column, y - row);
    let corner = |dx: i64, dy: i64| {
        let (gx, gy) = GRADIENTS[(hash(seed, column as i64 + dx, row as i64 + dy) & 7) as usize];
        gx * (fx - dx as f32) + gy * (fy - dy as f32)
    };
    let fade = |t: f32| t * t * t * (t * (t * 6.0 - 15.0) + 10.0);
    let (u, v) = (fade(fx), fade(fy));
    let upper = corner(0, 0) * (1.0 - u) + corner(1, 0) * u;
    let lower = corner(0, 1) * (1.0 - u) + corner(1, 1) * u;
    (upper * (1.0 - v) + lower * v) * 1.4
}

/// Octaves of [`noise`], each of twice the frequency and half the height.
pub fn octaves(seed: u64, x: f32, y: f32, count: u32) -> f32 {
    (0..count)
        .fold((0.0, 1.0), |(sum, scale), k| {
            (sum + noise(seed.wrapping_add(u64::from(k)), x * scale, y * scale) / scale, scale * 2.0)
        })
        .0
}

/// 0 below `from`, 1 above `to`, smooth between.
pub fn smoothstep(from: f32, to: f32, value: f32) -> f32 {
    let t = ((value - from) / (to - from)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_smooth_and_bounded() {
        let step = 0.01;
        for k in 0..5000 {
            let (x, y) = (k as f32 * 0.37 - 900.0, k as f32 * 0.11);
            let here = noise(3, x, y);
            assert!(here.abs() <= 1.0, "{here}");
            assert!((noise(3, x + step, y) - here).abs() < 6.0 * step);
        }
    }
}
