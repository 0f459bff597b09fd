//! Inner loops over lanes of pixels, compiled for several instruction sets and chosen at
//! run time: the scoring of tree ensembles, and the gated recurrent unit. The only module of the crate with
//! `unsafe` code.
//!
//! # How trees are scored
//!
//! A relative of QuickScorer (Lucchese et al. 2015) and V-QuickScorer: no pixel walks a tree.
//! [`LANES`] pixels at a time,
//!
//! 1. each distinct test `column > threshold` of the whole ensemble is made once, for all
//!    lanes: one bit a lane;
//! 2. each tree becomes bit arithmetic on those [`Mask`]s: a node's mask holds the lanes that
//!    reach it, `right = node & test`, `left = node & !test`, and the masks of the leaves fold
//!    into the binary digits of the lane's leaf number;
//! 3. the digits become indices into the tree's leaf values, in registers up to 256 leaves.
//!
//! Bit vectors run along the pixels, not along the leaves, so the size of a tree is not
//! limited, the time does not depend on the pixels, and nothing branches on data.
//!
//! Leaf values are summed as fixed-point integers, blocks of trees in `f64`: sums do not
//! depend on the order of the trees.
//!
//! # Safety
//!
//! Two kinds of `unsafe` stand here. Calls of `#[target_feature]` functions: they need an
//! instruction set, and take a proof ([`Avx2`](lanes::Avx2), [`Avx512`](lanes::Avx512)) that
//! is only made after the machine was asked. Loads and stores of registers: each takes a
//! reference to an array of exactly the register's size. No pointer arithmetic is done.
//!
//! `make miri` runs the tests of the kernels under Miri with AVX2 and FMA. Miri knows no AVX-512
//! instructions: that version differs in the width of its registers, and is held against the
//! same plain code as the others on machines that have it.

#![expect(
    unsafe_code,
    reason = "calls of #[target_feature] functions after asking the machine, and register loads and \
              stores through array references"
)]
#![expect(clippy::inline_always, reason = "what is not inlined is not compiled for the wide registers")]

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod columns;
mod front;
mod gru;
mod kernel;
mod lanes;
mod link;
mod program;
mod regular;
mod scorer;
mod series;
#[cfg(test)]
mod tests;

pub use gru::{BlockGru, GruKernel};
pub use lanes::{LaneWork, Lanes, dispatch};
pub use scorer::Scorer;
pub use series::{BlockScorer, SeriesScorer};

/// Pixels that are scored together.
pub const LANES: usize = 512;
