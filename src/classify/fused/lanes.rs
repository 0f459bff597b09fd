//! One inner loop, three instruction sets. A loop over lanes of pixels is written once as
//! plain Rust in [`LaneWork::run`]; [`Lanes::run`] compiles it for AVX-512, AVX2 and the
//! portable baseline, and [`Lanes::best`] is the widest that this machine has.
//!
//! Rust never contracts `a * b + c` into a fused operation by itself, so the versions give
//! the same bits.

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
    Lanes::best().run(work)
}

/// An instruction set that this machine has: a value of the wide kinds exists only after the
/// machine was asked, which is what makes [`Lanes::run`] sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lanes {
    /// What every machine of the target has.
    Portable,
    /// 256-bit registers.
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    /// 512-bit registers and mask registers (AVX-512 F, BW, DQ, VL).
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
}

/// Proof that this machine has AVX2.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Avx2(());

/// Proof that this machine has AVX-512 F, BW, DQ and VL.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Avx512(());

impl Lanes {
    /// Every version this machine can run, the widest first.
    pub fn available() -> impl Iterator<Item = Self> {
        #[cfg(target_arch = "x86_64")]
        let wide = {
            let avx512 = is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl");
            let avx2 = is_x86_feature_detected!("avx2");
            [avx512.then_some(Self::Avx512(Avx512(()))), avx2.then_some(Self::Avx2(Avx2(())))]
        };
        #[cfg(not(target_arch = "x86_64"))]
        let wide: [Option<Self>; 0] = [];
        wide.into_iter().flatten().chain([Self::Portable])
    }

    /// The widest version this machine can run.
    pub fn best() -> Self {
        Self::available().next().unwrap_or(Self::Portable)
    }

    /// Its name: `avx512`, `avx2` or `portable`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => "avx2",
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) => "avx512",
        }
    }

    /// Runs the work compiled for this instruction set.
    pub fn run<W: LaneWork>(self, work: W) -> W::Output {
        match self {
            Self::Portable => work.run(),
            // SAFETY: the value proves that this machine has the feature.
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => unsafe { avx2(work) },
            // SAFETY: the value proves that this machine has the features.
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) => unsafe { avx512(work) },
        }
    }
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
