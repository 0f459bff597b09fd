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

/// Registers of one instruction set, for sums that the compiler would not keep in them by itself.
/// The value is the proof that the machine has it.
pub(super) trait Registers: Copy {
    /// One register.
    type Register: Copy;
    /// Numbers that it holds.
    const WIDTH: usize;
    /// Whether [`Registers::multiply_add`] rounds once.
    const FUSED: bool;
    fn splat(self, value: f32) -> Self::Register;
    /// The first [`Registers::WIDTH`] values.
    fn load(self, values: &[f32]) -> Self::Register;
    fn store(self, register: Self::Register, values: &mut [f32]);
    /// `a * b + c`.
    fn multiply_add(self, a: Self::Register, b: Self::Register, c: Self::Register) -> Self::Register;
}

/// A piece of work on tiles of `ROWS` sums of `L` lanes, which are `PARTS` registers, each: as many
/// as the machine has registers for. Versions agree within rounding, not to the bit.
pub(super) trait TileWork {
    /// The work. As [`LaneWork::run`].
    fn run<R: Registers, const ROWS: usize, const PARTS: usize, const L: usize>(self, registers: R);
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
    /// 256-bit registers and fused multiply-adds.
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    /// 512-bit registers and mask registers (AVX-512 F, BW, DQ, VL).
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
}

/// Proof that this machine has AVX2 and FMA.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Avx2(());

/// Proof that this machine has AVX-512 F, BW, DQ and VL, and FMA.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Avx512(());

impl Lanes {
    /// Every version this machine can run, the widest first.
    pub fn available() -> impl Iterator<Item = Self> {
        #[cfg(target_arch = "x86_64")]
        let wide = {
            let fma = is_x86_feature_detected!("fma");
            let avx512 = fma
                && is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl");
            let avx2 = fma && is_x86_feature_detected!("avx2");
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

    /// Runs work on tiles compiled for this instruction set.
    pub(super) fn run_tiles<W: TileWork>(self, work: W) {
        match self {
            Self::Portable => work.run::<_, 4, 2, 8>(super::kernel::Portable),
            // SAFETY: the value proves that this machine has the features.
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(proof) => unsafe { avx2_tiles(work, proof) },
            // SAFETY: the value proves that this machine has the features.
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(proof) => unsafe { avx512_tiles(work, proof) },
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

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,fma")]
fn avx512_tiles<W: TileWork>(work: W, proof: Avx512) {
    work.run::<_, 8, 2, 32>(proof);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn avx2_tiles<W: TileWork>(work: W, proof: Avx2) {
    work.run::<_, 4, 2, 16>(proof);
}
