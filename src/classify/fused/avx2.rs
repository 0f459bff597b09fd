//! The kernel with 256-bit registers.

#![allow(clippy::wildcard_imports, reason = "a kernel reads best with the instructions' bare names")]

use std::arch::x86_64::*;

use super::kernel::{Kernel, Lane, Mask, TABLE, look_up_in_memory};
use super::lanes::{Avx2, Registers};

impl Kernel for Avx2 {
    #[inline(always)]
    fn compare(self, x: &Lane<f32>, thresholds: &[f32], nan_right: bool, masks: &mut [Mask]) {
        // SAFETY: `self` proves that this machine has AVX2.
        unsafe {
            if nan_right {
                compare::<_CMP_NLE_UQ>(x, thresholds, masks);
            } else {
                compare::<_CMP_GT_OQ>(x, thresholds, masks);
            }
        }
    }

    #[inline(always)]
    fn look_up(self, digits: &[Mask], tables: &[i32], sums: &mut [Lane<i32>]) {
        if tables.len() > TABLE * sums.len() {
            return look_up_in_memory(digits, tables, sums);
        }
        // SAFETY: `self` proves that this machine has AVX2.
        unsafe { look_up(digits, tables, sums) }
    }
}

impl Registers for Avx2 {
    type Register = __m256;
    const WIDTH: usize = 8;
    const FUSED: bool = true;

    #[inline(always)]
    fn splat(self, value: f32) -> __m256 {
        // SAFETY: `self` proves that this machine has the features.
        unsafe { _mm256_set1_ps(value) }
    }

    #[inline(always)]
    fn load(self, values: &[f32]) -> __m256 {
        let values: &[f32; 8] = &values.as_chunks().0[0];
        // SAFETY: `self` proves that this machine has the features; the reference is to as many bytes
        // as the register has, and the load needs no alignment.
        unsafe { _mm256_loadu_ps(values.as_ptr()) }
    }

    #[inline(always)]
    fn store(self, register: __m256, values: &mut [f32]) {
        let values: &mut [f32; 8] = &mut values.as_chunks_mut().0[0];
        // SAFETY: as for `load`.
        unsafe { _mm256_storeu_ps(values.as_mut_ptr(), register) }
    }

    #[inline(always)]
    fn multiply_add(self, a: __m256, b: __m256, c: __m256) -> __m256 {
        // SAFETY: `self` proves that this machine has the features.
        unsafe { _mm256_fmadd_ps(a, b, c) }
    }
}

#[target_feature(enable = "avx2")]
fn compare<const PREDICATE: i32>(x: &Lane<f32>, thresholds: &[f32], masks: &mut [Mask]) {
    // Eight registers stay while the thresholds pass by.
    for (part, x) in x.0.as_chunks::<64>().0.iter().enumerate() {
        let x: [__m256; 8] = std::array::from_fn(|i| load_f32(&x.as_chunks::<8>().0[i]));
        for (&threshold, mask) in thresholds.iter().zip(&mut *masks) {
            let threshold = _mm256_set1_ps(threshold);
            for (x, byte) in x.iter().zip(&mut mask.0.as_chunks_mut::<8>().0[part]) {
                *byte = _mm256_movemask_ps(_mm256_cmp_ps::<PREDICATE>(*x, threshold)) as u8;
            }
        }
    }
}

/// At most [`TABLE`] leaves: a table lies in four registers.
#[target_feature(enable = "avx2")]
fn look_up(digits: &[Mask], tables: &[i32], sums: &mut [Lane<i32>]) {
    // Byte l of a register takes the byte of the mask that holds bit l, then that bit alone.
    let spread = _mm256_set_epi64x(
        0x0303_0303_0303_0303,
        0x0202_0202_0202_0202,
        0x0101_0101_0101_0101,
        0x0000_0000_0000_0000,
    );
    let bit = _mm256_set1_epi64x(0x8040_2010_0804_0201u64.cast_signed());
    for group in 0..16 {
        let mut bytes = _mm256_setzero_si256();
        for (b, digit) in digits.iter().enumerate() {
            let lanes = i32::from_le_bytes(digit.0.as_chunks::<4>().0[group]);
            let own = _mm256_and_si256(_mm256_shuffle_epi8(_mm256_set1_epi32(lanes), spread), bit);
            let set =
                _mm256_and_si256(_mm256_cmpeq_epi8(own, bit), _mm256_set1_epi8((1u8 << b).cast_signed()));
            bytes = _mm256_or_si256(bytes, set);
        }
        let (low, high) = (_mm256_castsi256_si128(bytes), _mm256_extracti128_si256::<1>(bytes));
        let indices = [
            _mm256_cvtepu8_epi32(low),
            _mm256_cvtepu8_epi32(_mm_srli_si128::<8>(low)),
            _mm256_cvtepu8_epi32(high),
            _mm256_cvtepu8_epi32(_mm_srli_si128::<8>(high)),
        ];
        for (table, sums) in tables.chunks_exact(TABLE).zip(&mut *sums) {
            let parts = table.as_chunks::<8>().0;
            let sums = &mut sums.0.as_chunks_mut::<32>().0[group];
            for (index, sums) in indices.into_iter().zip(sums.as_chunks_mut::<8>().0) {
                let found =
                    |p: usize| _mm256_castsi256_ps(_mm256_permutevar8x32_epi32(load_i32(&parts[p]), index));
                // blendv looks at the sign: digits 3 and 4 are brought there.
                let digit3 = _mm256_castsi256_ps(_mm256_slli_epi32::<28>(index));
                let digit4 = _mm256_castsi256_ps(_mm256_slli_epi32::<27>(index));
                let value = _mm256_blendv_ps(
                    _mm256_blendv_ps(found(0), found(1), digit3),
                    _mm256_blendv_ps(found(2), found(3), digit3),
                    digit4,
                );
                add(sums, _mm256_castps_si256(value));
            }
        }
    }
}

#[target_feature(enable = "avx2")]
#[inline]
fn add(sums: &mut [i32; 8], value: __m256i) {
    let sum = _mm256_add_epi32(load_i32(sums), value);
    // SAFETY: the reference is to 32 writable bytes; the store needs no alignment.
    unsafe { _mm256_storeu_si256(sums.as_mut_ptr().cast(), sum) }
}

#[target_feature(enable = "avx2")]
#[inline]
fn load_i32(values: &[i32; 8]) -> __m256i {
    // SAFETY: the reference is to 32 readable bytes; the load needs no alignment.
    unsafe { _mm256_loadu_si256(values.as_ptr().cast()) }
}

#[target_feature(enable = "avx2")]
#[inline]
fn load_f32(values: &[f32; 8]) -> __m256 {
    // SAFETY: the reference is to 32 readable bytes; the load needs no alignment.
    unsafe { _mm256_loadu_ps(values.as_ptr()) }
}
