//! Resampling by rows and columns, where two grids share their axes.

use std::ops::Range;

use super::{Patch, Window};

/// Positions this close to a whole (or half, for finer targets) source pixel are meant to be there.
const SNAP: f64 = 1e-3;

/// Where the centres of target pixels lie along one axis of the source, in source pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Axis {
    pub start: f64,
    pub step: f64,
    pub size: usize,
}

impl Axis {
    /// Cleans rounding off grids that are meant to be aligned, so that equal pixels stay equal.
    pub fn snapped(start: f64, step: f64, size: usize) -> Self {
        let ratio = if step.abs() < 1.0 { 1.0 / step } else { step };
        let (mut start, mut step) = (start, step);
        if ratio.is_finite() && ((ratio - ratio.round()) / ratio).abs() < 1e-6 && ratio.round() != 0.0 {
            step = if step.abs() < 1.0 { 1.0 / ratio.round() } else { ratio.round() };
            let unit = step.abs().min(1.0);
            let whole = (start / unit).round() * unit;
            if (start - whole).abs() < SNAP * unit {
                start = whole;
            }
        }
        Self { start, step, size }
    }

    pub fn position(self, index: usize) -> f64 {
        self.start + self.step * (index as f64 + 0.5)
    }

    pub fn contains(self, position: f64) -> bool {
        position > -1e-6 && position < self.size as f64 + 1e-6
    }

    /// The target pixels of a range whose centre lies in the source.
    pub fn valid(self, range: Range<usize>) -> Range<usize> {
        let inside = |&i: &usize| self.contains(self.position(i));
        match range.clone().find(inside) {
            None => range.start..range.start,
            Some(first) => first..range.rev().find(inside).map_or(first, |last| last + 1),
        }
    }

    /// The two source pixels around a position and the weight of the second.
    pub fn pair(self, index: usize) -> (i64, f32) {
        let between = (self.position(index) - 0.5).clamp(-0.5, self.size as f64 - 0.5);
        let first = between.floor();
        (first as i64, (between - first) as f32)
    }

    pub fn nearest(self, index: usize) -> i64 {
        (self.position(index).floor() as i64).clamp(0, self.size as i64 - 1)
    }

    /// The part of the source axis under a target pixel.
    pub fn extent(self, index: usize) -> (f64, f64) {
        let (centre, half) = (self.position(index), self.step.abs() / 2.0);
        ((centre - half).max(0.0), (centre + half).min(self.size as f64))
    }

    pub fn whole_offset(self) -> Option<i64> {
        (self.step == 1.0 && self.start.fract() == 0.0).then_some(self.start as i64)
    }
}

/// `sum / weight`, or NaN where nothing was valid. A weight of one keeps the sum's bits.
pub fn ratio(sum: f32, weight: f32) -> f32 {
    if weight > 1e-6 { sum / weight } else { f32::NAN }
}

/// The pixels that a stretch of an axis touches, with the length in each.
pub fn weights(low: f64, high: f64) -> impl Iterator<Item = (i64, f32)> + Clone {
    let (first, last) = (low.floor() as i64, high.ceil() as i64);
    (first..last).filter_map(move |i| {
        let length = high.min(i as f64 + 1.0) - low.max(i as f64);
        (length > 1e-6).then_some((i, length as f32))
    })
}

#[derive(Clone, Copy, PartialEq)]
enum Line {
    Full,
    Holes,
    Empty,
}

fn line_state(values: &[f32]) -> Line {
    let missing: usize = values.iter().map(|v| usize::from(v.is_nan())).sum();
    match missing {
        0 => Line::Full,
        n if n == values.len() => Line::Empty,
        _ => Line::Holes,
    }
}

/// Rows without missing pixels skip the weights. Both ways give the same bits: a full set of
/// weights adds up to exactly one ((1 - w) + w rounds to 1 for every w in [0, 1]).
pub fn bilinear(x: Axis, y: Axis, patch: &Patch<f32>, window: Window, out: &mut [f32]) {
    let cols = x.valid(window.col..window.col + window.cols);
    if cols.is_empty() {
        out.fill(f32::NAN);
        return;
    }
    let inside = cols.start - window.col..cols.end - window.col;
    let taps: Vec<(usize, f32)> = cols
        .map(|col| {
            let (first, weight) = x.pair(col);
            ((first - patch.at.col) as usize, weight)
        })
        .collect();
    let doubling = x.step == 0.5 && (x.start * 2.0).fract() == 0.0;
    let states: Vec<Line> = patch.plane.values.chunks_exact(patch.at.cols).map(line_state).collect();
    let (mut sum, mut weight) = (vec![0.0_f32; patch.at.cols], vec![0.0_f32; patch.at.cols]);
    for (row, line) in out.chunks_exact_mut(window.cols).enumerate() {
        if !y.contains(y.position(window.row + row)) {
            line.fill(f32::NAN);
            continue;
        }
        let (first, w) = y.pair(window.row + row);
        let (a, b) = (patch.row(first), patch.row(first + 1));
        let index = (first - patch.at.row) as usize;
        let states = (states[index], states[index + 1]);
        line[..inside.start].fill(f32::NAN);
        line[inside.end..].fill(f32::NAN);
        let line = &mut line[inside.clone()];
        match states {
            (Line::Empty, Line::Empty) => line.fill(f32::NAN),
            (Line::Full, Line::Full) => {
                let u = 1.0 - w;
                for ((s, &a), &b) in sum.iter_mut().zip(a).zip(b) {
                    *s = a * u + b * w;
                }
                if doubling { double(&sum, &taps, line) } else { blend(&sum, &taps, line) }
            }
            _ => {
                let u = 1.0 - w;
                for (((s, d), &a), &b) in sum.iter_mut().zip(&mut weight).zip(a).zip(b) {
                    let (va, ua) = if a.is_nan() { (0.0, 0.0) } else { (a, u) };
                    let (vb, wb) = if b.is_nan() { (0.0, 0.0) } else { (b, w) };
                    *s = va * ua + vb * wb;
                    *d = ua + wb;
                }
                let under = if w < 0.5 { a } else { b };
                for (o, &(i, w)) in line.iter_mut().zip(&taps) {
                    let u = 1.0 - w;
                    let value = ratio(sum[i] * u + sum[i + 1] * w, weight[i] * u + weight[i + 1] * w);
                    *o = if under[i + usize::from(w >= 0.5)].is_nan() { f32::NAN } else { value };
                }
            }
        }
    }
}

fn blend(values: &[f32], taps: &[(usize, f32)], out: &mut [f32]) {
    for (o, &(i, w)) in out.iter_mut().zip(taps) {
        *o = values[i] * (1.0 - w) + values[i + 1] * w;
    }
}

/// [`blend`] where target pixels are half as wide as source pixels: weights of a quarter and
/// three quarters in turn, in pairs that vectorize.
fn double(values: &[f32], taps: &[(usize, f32)], out: &mut [f32]) {
    let (out, taps) = if taps[0].1 == 0.75 {
        (out, taps)
    } else {
        blend(values, &taps[..1], &mut out[..1]);
        (&mut out[1..], &taps[1..])
    };
    let Some(&(base, _)) = taps.first() else { return };
    let pairs = out.len() / 2;
    let (even, rest) = out.split_at_mut(pairs * 2);
    let source = &values[base..];
    for ((pair, a), (b, c)) in
        even.chunks_exact_mut(2).zip(source).zip(source.iter().skip(1).zip(source.iter().skip(2)))
    {
        pair[0] = a * 0.25 + b * 0.75;
        pair[1] = b * 0.75 + c * 0.25;
    }
    blend(values, &taps[pairs * 2..], rest);
}

pub fn average(x: Axis, y: Axis, patch: &Patch<f32>, window: Window, out: &mut [f32]) {
    let cols: Vec<Vec<(usize, f32)>> = (window.col..window.col + window.cols)
        .map(|col| {
            let (low, high) = x.extent(col);
            weights(low, high).map(|(i, w)| ((i - patch.at.col) as usize, w)).collect()
        })
        .collect();
    let (mut sum, mut weight) = (vec![0.0_f32; patch.at.cols], vec![0.0_f32; patch.at.cols]);
    for (row, line) in out.chunks_exact_mut(window.cols).enumerate() {
        sum.fill(0.0);
        weight.fill(0.0);
        let (low, high) = y.extent(window.row + row);
        for (source, w) in weights(low, high) {
            for ((s, d), &v) in sum.iter_mut().zip(&mut weight).zip(patch.row(source)) {
                let (v, w) = if v.is_nan() { (0.0, 0.0) } else { (v, w) };
                *s += v * w;
                *d += w;
            }
        }
        for (o, taps) in line.iter_mut().zip(&cols) {
            let (mut total, mut full) = (0.0, 0.0);
            for &(i, w) in taps {
                total += sum[i] * w;
                full += weight[i] * w;
            }
            *o = ratio(total, full);
        }
    }
}
