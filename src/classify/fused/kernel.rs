//! The two steps of scoring that plain Rust does not bring into wide registers, and their
//! portable form.

use super::LANES;
use super::lanes::Registers;

/// One bit a lane; lane `l` is bit `l % 8` of byte `l / 8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(64))]
pub(super) struct Mask(pub [u8; LANES / 8]);

/// One 32-bit value a lane.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C, align(64))]
pub(super) struct Lane<T>(pub [T; LANES]);

/// The fewest values a leaf table has: tables of smaller trees are padded with zeros.
pub(super) const TABLE: usize = 32;

/// Leaf numbers of more binary digits are looked up in memory, whatever the instruction set.
pub(super) const REGISTER_DIGITS: usize = 8;

pub(super) trait Kernel: Copy {
    /// One mask a threshold: the lanes that go right. `x > threshold`, and where `nan_right`
    /// NaN too.
    fn compare(self, x: &Lane<f32>, thresholds: &[f32], nan_right: bool, masks: &mut [Mask]);

    /// Adds to each output's sums the leaf values: `tables` holds one table an output, each of
    /// `max(TABLE, 2^digits)` values; digit `b` of a lane's index is its bit in `digits[b]`.
    fn look_up(self, digits: &[Mask], tables: &[i32], sums: &mut [Lane<i32>]);
}

/// Plain Rust.
#[derive(Clone, Copy)]
pub(super) struct Portable;

impl Kernel for Portable {
    #[inline(always)]
    fn compare(self, x: &Lane<f32>, thresholds: &[f32], nan_right: bool, masks: &mut [Mask]) {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: SSE2 belongs to every x86-64.
        unsafe {
            compare_sse2(x, thresholds, nan_right, masks);
        }
        #[cfg(not(target_arch = "x86_64"))]
        for (&threshold, mask) in thresholds.iter().zip(masks) {
            for (byte, group) in mask.0.iter_mut().zip(x.0.as_chunks::<8>().0) {
                let right = |x: f32| x > threshold || (nan_right && x.is_nan());
                *byte = group.iter().rev().fold(0, |byte, &x| byte << 1 | u8::from(right(x)));
            }
        }
    }

    #[inline(always)]
    fn look_up(self, digits: &[Mask], tables: &[i32], sums: &mut [Lane<i32>]) {
        look_up_in_memory(digits, tables, sums);
    }
}

impl Registers for Portable {
    type Register = [f32; 4];
    const WIDTH: usize = 4;
    const FUSED: bool = false;

    #[inline(always)]
    fn splat(self, value: f32) -> [f32; 4] {
        [value; 4]
    }

    #[inline(always)]
    fn load(self, values: &[f32]) -> [f32; 4] {
        values.as_chunks().0[0]
    }

    #[inline(always)]
    fn store(self, register: [f32; 4], values: &mut [f32]) {
        values.as_chunks_mut().0[0] = register;
    }

    #[inline(always)]
    fn multiply_add(self, a: [f32; 4], b: [f32; 4], c: [f32; 4]) -> [f32; 4] {
        std::array::from_fn(|i| a[i] * b[i] + c[i])
    }
}

/// Sign bits of compared registers: the compiler finds no way from a loop to them.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "sse2")]
fn compare_sse2(x: &Lane<f32>, thresholds: &[f32], nan_right: bool, masks: &mut [Mask]) {
    use std::arch::x86_64::{_mm_cmpgt_ps, _mm_cmpnle_ps, _mm_loadu_ps, _mm_movemask_ps, _mm_set1_ps};
    for (&threshold, mask) in thresholds.iter().zip(masks) {
        let threshold = _mm_set1_ps(threshold);
        let right = |x: &[f32; 4]| {
            // SAFETY: the reference is to 16 readable bytes; the load needs no alignment.
            let x = unsafe { _mm_loadu_ps(x.as_ptr()) };
            let right = if nan_right { _mm_cmpnle_ps(x, threshold) } else { _mm_cmpgt_ps(x, threshold) };
            _mm_movemask_ps(right) as u8
        };
        for (byte, [low, high]) in mask.0.iter_mut().zip(x.0.as_chunks::<4>().0.as_chunks::<2>().0) {
            *byte = right(low) | right(high) << 4;
        }
    }
}

/// [`Kernel::look_up`] by memory accesses, for any number of digits.
#[inline(always)]
pub(super) fn look_up_in_memory(digits: &[Mask], tables: &[i32], sums: &mut [Lane<i32>]) {
    let size = tables.len() / sums.len();
    for group in 0..LANES / 8 {
        let mut index = [0usize; 8];
        for (b, half) in digits.chunks(8).enumerate() {
            // Eight lanes' indices, a byte each.
            let bytes = half.iter().enumerate().fold(0, |all, (b, d)| all | SPREAD[d.0[group] as usize] << b);
            for (index, byte) in index.iter_mut().zip(bytes.to_le_bytes()) {
                *index |= usize::from(byte) << (8 * b);
            }
        }
        for (table, sums) in tables.chunks_exact(size).zip(sums.iter_mut()) {
            for (sum, &index) in sums.0[group * 8..][..8].iter_mut().zip(&index) {
                *sum += table[index];
            }
        }
    }
}

/// Bit `l` of the position as the lowest bit of byte `l`.
static SPREAD: [u64; 256] = {
    let mut table = [0; 256];
    let mut i = 0;
    while i < 256 {
        let mut bit = 0;
        while bit < 8 {
            table[i] |= (i as u64 >> bit & 1) << (8 * bit);
            bit += 1;
        }
        i += 1;
    }
    table
};
