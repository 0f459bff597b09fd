//! The kernel with 512-bit registers and mask registers.

#![allow(clippy::wildcard_imports, reason = "a kernel reads best with the instructions' bare names")]

use std::arch::x86_64::*;

use super::kernel::{Kernel, Lane, Mask, REGISTER_DIGITS, TABLE, look_up_in_memory};
use super::lanes::{Avx512, Registers};

impl Kernel for Avx512 {
    #[inline(always)]
    fn compare(self, x: &Lane<f32>, thresholds: &[f32], nan_right: bool, masks: &mut [Mask]) {
        // SAFETY: `self` proves that this machine has the features.
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
        if digits.len() > REGISTER_DIGITS {
            return look_up_in_memory(digits, tables, sums);
        }
        // SAFETY: `self` proves that this machine has the features.
        unsafe {
            match sums {
                [sums] if tables.len() == TABLE => look_up_small(digits, tables, sums),
                _ => look_up(digits, tables, sums),
            }
        }
    }
}

impl Registers for Avx512 {
    type Register = __m512;
    const WIDTH: usize = 16;
    const FUSED: bool = true;

    #[inline(always)]
    fn splat(self, value: f32) -> __m512 {
        // SAFETY: `self` proves that this machine has the features.
        unsafe { _mm512_set1_ps(value) }
    }

    #[inline(always)]
    fn load(self, values: &[f32]) -> __m512 {
        let values: &[f32; 16] = &values.as_chunks().0[0];
        // SAFETY: `self` proves that this machine has the features; the reference is to as many bytes
        // as the register has, and the load needs no alignment.
        unsafe { _mm512_loadu_ps(values.as_ptr()) }
    }

    #[inline(always)]
    fn store(self, register: __m512, values: &mut [f32]) {
        let values: &mut [f32; 16] = &mut values.as_chunks_mut().0[0];
        // SAFETY: as for `load`.
        unsafe { _mm512_storeu_ps(values.as_mut_ptr(), register) }
    }

    #[inline(always)]
    fn multiply_add(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        // SAFETY: `self` proves that this machine has the features.
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn compare<const PREDICATE: i32>(x: &Lane<f32>, thresholds: &[f32], masks: &mut [Mask]) {
    // Half of the lanes stay in 16 registers while the thresholds pass by.
    for (half, x) in x.0.as_chunks::<256>().0.iter().enumerate() {
        let x: [__m512; 16] = std::array::from_fn(|i| load_f32(&x.as_chunks::<16>().0[i]));
        for (&threshold, mask) in thresholds.iter().zip(&mut *masks) {
            let threshold = _mm512_set1_ps(threshold);
            let mask = &mut mask.0.as_chunks_mut::<32>().0[half];
            for (x, mask) in x.iter().zip(mask.as_chunks_mut::<2>().0) {
                *mask = _mm512_cmp_ps_mask::<PREDICATE>(*x, threshold).to_le_bytes();
            }
        }
    }
}

/// The leaf numbers of 64 lanes, four registers of 16.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
#[inline]
fn indices(digits: &[Mask], group: usize) -> [__m512i; 4] {
    let mut bytes = _mm512_setzero_si512();
    for (b, digit) in digits.iter().enumerate() {
        let lanes = u64::from_le_bytes(digit.0.as_chunks::<8>().0[group]);
        bytes = _mm512_mask_add_epi8(bytes, lanes, bytes, _mm512_set1_epi8((1u8 << b).cast_signed()));
    }
    [
        _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32::<0>(bytes)),
        _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32::<1>(bytes)),
        _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32::<2>(bytes)),
        _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32::<3>(bytes)),
    ]
}

/// One output, at most [`TABLE`] leaves: the table lies in two registers.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn look_up_small(digits: &[Mask], table: &[i32], sums: &mut Lane<i32>) {
    let table = table.as_chunks::<16>().0;
    let (low, high) = (load_i32(&table[0]), load_i32(&table[1]));
    for (group, sums) in sums.0.as_chunks_mut::<64>().0.iter_mut().enumerate() {
        for (index, sums) in indices(digits, group).into_iter().zip(sums.as_chunks_mut::<16>().0) {
            add(sums, _mm512_permutex2var_epi32(low, index, high));
        }
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn look_up(digits: &[Mask], tables: &[i32], sums: &mut [Lane<i32>]) {
    let size = tables.len() / sums.len();
    for group in 0..8 {
        let indices = indices(digits, group);
        for (table, sums) in tables.chunks_exact(size).zip(&mut *sums) {
            let (parts, sums) = (table.as_chunks::<16>().0, &mut sums.0.as_chunks_mut::<64>().0[group]);
            for (index, sums) in indices.into_iter().zip(sums.as_chunks_mut::<16>().0) {
                let part = _mm512_srli_epi32::<5>(index);
                let mut found = _mm512_setzero_si512();
                for (p, pair) in parts.as_chunks::<2>().0.iter().enumerate() {
                    let here = _mm512_cmpeq_epi32_mask(part, _mm512_set1_epi32(p as i32));
                    let value = _mm512_permutex2var_epi32(load_i32(&pair[0]), index, load_i32(&pair[1]));
                    found = _mm512_mask_mov_epi32(found, here, value);
                }
                add(sums, found);
            }
        }
    }
}

#[target_feature(enable = "avx512f")]
#[inline]
fn add(sums: &mut [i32; 16], value: __m512i) {
    let sum = _mm512_add_epi32(load_i32(sums), value);
    // SAFETY: the reference is to 64 writable bytes; the store needs no alignment.
    unsafe { _mm512_storeu_si512(sums.as_mut_ptr().cast(), sum) }
}

#[target_feature(enable = "avx512f")]
#[inline]
fn load_i32(values: &[i32; 16]) -> __m512i {
    // SAFETY: the reference is to 64 readable bytes; the load needs no alignment.
    unsafe { _mm512_loadu_si512(values.as_ptr().cast()) }
}

#[target_feature(enable = "avx512f")]
#[inline]
fn load_f32(values: &[f32; 16]) -> __m512 {
    // SAFETY: the reference is to 64 readable bytes; the load needs no alignment.
    unsafe { _mm512_loadu_ps(values.as_ptr()) }
}
