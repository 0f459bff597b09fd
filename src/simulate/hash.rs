//! Numbers out of places: a hash instead of a generator, so that no pixel waits for another.

/// Mixes a seed and two integers (a finalizer of the murmur family).
pub fn hash(seed: u64, a: i64, b: i64) -> u64 {
    let mut x = seed
        ^ (a as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15)
        ^ (b as u64).wrapping_mul(0xC2B2_AE3D_27D4_EB4F).rotate_left(31);
    for _ in 0..2 {
        x = (x ^ (x >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    }
    x ^ (x >> 32)
}

/// A seed of its own for every purpose.
pub fn stream(seed: u64, purpose: u64) -> u64 {
    hash(seed, purpose as i64, 0x5EED)
}

/// Uniform in 0..1; `salt` tells draws of one place apart.
pub fn uniform(id: u64, salt: i64) -> f32 {
    (hash(id, salt, 1) >> 40) as f32 / (1u64 << 24) as f32
}

/// About normal (sum of four uniforms), mean 0, deviation 1, never beyond 3.5.
pub fn normal(id: u64, salt: i64) -> f32 {
    let h = hash(id, salt, 2);
    let sum: u64 = (0..4).map(|k| (h >> (16 * k)) & 0xFFFF).sum();
    (sum as f32 - 131_070.0) / 37_837.0
}

/// About normal for pixel noise: cheap enough to run once per value, and it vectorizes.
#[inline]
pub fn pixel_normal(seed: u32, x: u32, y: u32) -> f32 {
    let mut h = seed ^ x.wrapping_mul(0x9E37_79B1) ^ y.wrapping_mul(0x85EB_CA77).rotate_left(15);
    h = (h ^ (h >> 15)).wrapping_mul(0x2C1B_3C6D);
    h = (h ^ (h >> 12)).wrapping_mul(0x297A_2D39);
    h ^= h >> 15;
    let sum = (h & 0xFF) + ((h >> 8) & 0xFF) + ((h >> 16) & 0xFF) + (h >> 24);
    (sum as f32 - 510.0) * (1.0 / 147.8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_have_the_mean_and_deviation_they_promise() {
        type Draw = fn(i64) -> f32;
        let draws: [(Draw, f32, f32); 3] = [
            (|k| uniform(7, k), 0.5, 0.2887),
            (|k| normal(7, k), 0.0, 1.0),
            (|k| pixel_normal(7, k as u32, (k / 300) as u32), 0.0, 1.0),
        ];
        for (draw, mean, deviation) in draws {
            let values: Vec<f32> = (0..40_000).map(draw).collect();
            let m = values.iter().sum::<f32>() / values.len() as f32;
            let s = (values.iter().map(|v| (v - m).powi(2)).sum::<f32>() / values.len() as f32).sqrt();
            assert!((m - mean).abs() < 0.02 && (s - deviation).abs() < 0.02, "{m} {s}");
        }
    }
}
