//! Series per second of the gated recurrent unit: what `../shared/peers/gru.py` takes of onnxruntime
//! and PyTorch, the same network on random series.
//!
//! usage: gru_series [SERIES 200000] [STEPS 33] [THREADS 2]
#![expect(clippy::print_stdout, reason = "a command talks to its terminal")]

use std::time::Instant;

use rayon::prelude::*;
use rededge::classify::fused::GruKernel;
use rededge::classify::gru::{GruParams, GruWeights};

/// Series a thread classifies at a time.
const BLOCK: usize = 4096;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let mut next = |usual: usize| args.next().map_or(Ok(usual), |a| a.parse());
    let (n, steps, threads): (usize, usize, usize) = (next(200_000)?, next(33)?, next(2)?);
    let (series, classes) = (8, 3);
    let weights = GruWeights::draw(series, classes, &GruParams::default(), 0);
    let kernel = GruKernel::new(&weights, &[0.0; 8], &[1.0; 8]);
    // Cheap noise: what the values are does not matter to the time.
    let value = |i: usize| (i.wrapping_mul(2_654_435_761) >> 8 & 0xffff) as f32 / 16_384.0 - 2.0;
    let block: Vec<f32> = (0..series * steps * BLOCK).map(value).collect();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
    let once = || {
        pool.install(|| {
            (0..n.div_ceil(BLOCK)).into_par_iter().for_each_init(
                || vec![0.0; classes * BLOCK],
                |out, k| {
                    let rest = BLOCK.min(n - k * BLOCK);
                    kernel.predict(&block[..series * steps * rest], rest, steps, &mut out[..classes * rest]);
                },
            );
        });
    };
    once();
    let mut times: Vec<f64> = (0..3)
        .map(|_| {
            let start = Instant::now();
            once();
            start.elapsed().as_secs_f64()
        })
        .collect();
    times.sort_by(f64::total_cmp);
    println!("rededge {:.0} series/s, {threads} threads", n as f64 / times[1]);
    Ok(())
}
