//! One inner loop, three instruction sets. A loop over `[f32; L]` lanes is written once as
//! plain Rust in [`LaneWork::run`]; [`dispatch`] compiles it for AVX-512, AVX2 and the
//! portable baseline and runs the best that this machine has.
//!
//! Rust never contracts `a * b + c` into a fused operation by itself, so the versions give
//! the same bits.

#![expect(
    unsafe_code,
    reason = "calling a #[target_feature] function after asking the machine for the feature"
)]

/// A piece of work that is worth compiling for wide registers.
pub trait LaneWork {
    /// What it answers.
    type Output;

    /// The work. Implementations carry `#[inline(always)]`, and so do the functions that
    /// they call in their inner loops: code that is not inlined stays portable.
    fn run(self) -> Self::Output;
}

/// Runs the work with the widest instruction set of this machine.
pub fn dispatch<W: LaneWork>(work: W) -> W::Output {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
        {
            // SAFETY: the four features were found on this machine just now.
            return unsafe { avx512(work) };
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: AVX2 was found on this machine just now.
            return unsafe { avx2(work) };
        }
    }
    work.run()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn avx512<W: LaneWork>(work: W) -> W::Output {
    work.run()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn avx2<W: LaneWork>(work: W) -> W::Output {
    work.run()
}
