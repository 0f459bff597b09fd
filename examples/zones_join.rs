//! Zones and mines at full size: a map of many small zones is polygonized and joined to random
//! mines. Writes map, outlines and mines for `benches/peers/zones.py`, and prints seconds as JSON.
//!
//! usage: zones_join FOLDER [SIDE 10980] [MINES 100000] [RADIUS 0]
#![expect(clippy::print_stdout, reason = "a command talks to its terminal")]

#[path = "../benches/shared/blots.rs"]
mod blots;

use std::io::Write;
use std::path::Path;
use std::time::Instant;

use blots::blots;
use geo::{Geometry, Point};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rededge::classmap::Connectivity;
use rededge::crs::{Affine, Crs, GeoBox};
use rededge::zones::{Join, MineIndex, polygonize};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let folder = args.next().ok_or("usage: zones_join FOLDER [SIDE] [MINES] [RADIUS]")?;
    let folder = Path::new(&folder);
    let mut next = |usual: &str| args.next().unwrap_or_else(|| usual.to_owned());
    let (side, mines): (usize, usize) = (next("10980").parse()?, next("100000").parse()?);
    let radius: f64 = next("0").parse()?;
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let map = blots(side, &mut rng);
    let grid = GeoBox {
        rows: side,
        cols: side,
        affine: Affine::north_up(600_000.0, 3_100_020.0, 10.0, 10.0),
        crs: Crs::from_epsg(32649)?,
    };
    let extent = side as f64 * 10.0;
    let (mut xs, mut ys): (Vec<f64>, Vec<f64>) = (0..mines)
        .map(|_| (600_000.0 + rng.random::<f64>() * extent, 3_100_020.0 - rng.random::<f64>() * extent))
        .unzip();
    numbers(&folder.join("mines.f64"), xs.iter().zip(&ys).flat_map(|(x, y)| [*x, *y]))?;
    grid.crs.transformer_to(&Crs::wgs84())?.apply(&mut xs, &mut ys)?;
    let places: Vec<Geometry<f64>> = xs.iter().zip(&ys).map(|(x, y)| Point::new(*x, *y).into()).collect();

    let mut chosen = [false; 256];
    chosen[2] = true;
    let start = Instant::now();
    let zones = polygonize(&map, &chosen, Connectivity::Four);
    let polygonized = start.elapsed().as_secs_f64();
    let start = Instant::now();
    let index = MineIndex::new(&places);
    let near = Join::new(&zones, &grid, &index, radius)?.run(|_| true).unwrap_or_default();
    let joined = start.elapsed().as_secs_f64();

    std::fs::write(folder.join("map.u8"), &map.values)?;
    let (mut offsets, mut coords) = (vec![0.0], Vec::new());
    for zone in 0..zones.zones.len() {
        let polygon = &zones.polygon(zone, &grid.affine).0[0];
        coords.extend(polygon.exterior().coords().flat_map(|c| [c.x, c.y]));
        offsets.push(coords.len() as f64 / 2.0);
    }
    numbers(&folder.join("offsets.f64"), offsets.into_iter())?;
    numbers(&folder.join("coords.f64"), coords.into_iter())?;
    numbers(&folder.join("distances.f64"), near.iter().map(|n| n.nearest.map_or(f64::NAN, |n| n.1)))?;
    let peak = std::fs::read_to_string("/proc/self/status").ok().and_then(|s| {
        s.lines()
            .find_map(|l| l.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.trim().parse::<f64>().ok())
    });
    println!(
        "{{\"side\": {side}, \"zones\": {}, \"mines\": {mines}, \"polygonize_s\": {polygonized:.4}, \"join_s\": {joined:.4}, \"peak_mib\": {:.0}}}",
        zones.zones.len(),
        peak.unwrap_or(f64::NAN) / 1024.0
    );
    Ok(())
}

fn numbers(path: &Path, values: impl Iterator<Item = f64>) -> std::io::Result<()> {
    let mut file = std::io::BufWriter::new(std::fs::File::create(path)?);
    for value in values {
        file.write_all(&value.to_le_bytes())?;
    }
    file.flush()
}
