//! From summed leaf values to probabilities and classes, over lanes.

use super::LANES;
use crate::classify::Link;

/// e^x for x <= 0 within 1e-7 of itself: 2^n times a polynomial on [-ln 2 / 2, ln 2 / 2]
/// (Cephes `expf`). Below -87 it is 0.
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
    const ROUND: f32 = 12_582_912.0; // 1.5 * 2^23: adding it leaves an integer in the low bits
    let shifted = x.max(-87.0) * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = (x.max(-87.0) - n * 0.693_359_4) - n * -2.121_944_4e-4;
    let p = 1.987_569_1e-4_f32;
    let p = p * r + 1.398_2e-3;
    let p = p * r + 8.333_452e-3;
    let p = p * r + 4.166_579_6e-2;
    let p = p * r + 1.666_666_5e-1;
    let p = p * r + 0.5;
    let p = p * r * r + r + 1.0;
    let scale = f32::from_bits((shifted.to_bits() << 23).wrapping_add(127 << 23));
    if x < -87.0 { 0.0 } else { p * scale }
}

/// `[output][lane]` sums to `[class][lane]` probabilities.
#[inline(always)]
pub(super) fn probabilities(link: Link, trees: usize, sums: &[[f64; LANES]], out: &mut [[f32; LANES]]) {
    match link {
        Link::Average => {
            let share = 1.0 / trees.max(1) as f64;
            for (out, sums) in out.iter_mut().zip(sums) {
                for (p, s) in out.iter_mut().zip(sums) {
                    *p = (s * share) as f32;
                }
            }
        }
        Link::Sigmoid => {
            let [negative, positive] = out else { return };
            for ((q, p), &s) in negative.iter_mut().zip(positive).zip(&sums[0]) {
                // The rarer class is e^-|s| / (1 + e^-|s|): no cancellation on either side.
                let e = exp(-s.abs() as f32);
                let (rare, common) = (e / (1.0 + e), 1.0 / (1.0 + e));
                (*q, *p) = if s > 0.0 { (rare, common) } else { (common, rare) };
            }
        }
        Link::Softmax => {
            let mut top = [f64::NEG_INFINITY; LANES];
            for sums in sums {
                for (top, &s) in top.iter_mut().zip(sums) {
                    *top = if s > *top { s } else { *top };
                }
            }
            let mut total = [0.0f32; LANES];
            for (out, sums) in out.iter_mut().zip(sums) {
                for (((p, &s), &top), total) in out.iter_mut().zip(sums).zip(&top).zip(&mut total) {
                    *p = exp((s - top) as f32);
                    *total += *p;
                }
            }
            for out in out {
                for (p, total) in out.iter_mut().zip(&total) {
                    *p /= total;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::exp;

    #[test]
    fn the_exponential_is_within_1e_7_of_itself() {
        for i in 0..200_000 {
            let x = -(i as f32) * 4.3e-4;
            let exact = f64::from(x).exp();
            let error = (f64::from(exp(x)) - exact).abs() / exact;
            assert!(error < 1.3e-7, "{x}: {error}");
        }
        assert_eq!(exp(0.0), 1.0);
        assert_eq!(exp(-1000.0), 0.0);
        assert_eq!(exp(f32::NEG_INFINITY), 0.0);
    }
}
