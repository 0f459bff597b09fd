//! Removing patches below a minimum mapping unit.

use crate::raster::Plane;

/// Which pixels are neighbours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Connectivity {
    /// Pixels that share an edge.
    Four,
    /// Pixels that share an edge or a corner.
    #[default]
    Eight,
}

impl Connectivity {
    /// How far beyond its own columns a run reaches into the row above.
    fn reach(self) -> usize {
        usize::from(self == Self::Eight)
    }
}

/// Merges patches of fewer than `minimum` pixels into their largest neighbour, as GDAL's sieve
/// filter does (`gdal_sieve.py`, `GDALSieveFilter`): a small patch whose largest neighbour is
/// small too follows that one's largest neighbour; patches that find no large one stay.
/// `nodata` pixels neither change nor count as neighbours.
///
/// Memory: four bytes per run of equal pixels in a row, and nine per patch.
pub fn sieve(map: &mut Plane<u8>, nodata: Option<u8>, minimum: u32, connectivity: Connectivity) {
    let _ = sieve_while(map, nodata, minimum, connectivity, &|| true);
}

/// [`sieve`] as long as `go_on` says so, which is asked once a row; whether it did to the end. The map is as
/// it was where not.
#[must_use]
pub fn sieve_while(
    map: &mut Plane<u8>,
    nodata: Option<u8>,
    minimum: u32,
    connectivity: Connectivity,
    go_on: &dyn Fn() -> bool,
) -> bool {
    if minimum < 2 || map.values.is_empty() {
        return true;
    }
    let Some((mut patch_of_run, mut patches)) = label(map, nodata, connectivity, go_on) else { return false };
    if !largest_neighbours(map, nodata, connectivity, (&patch_of_run, &mut patches), go_on) {
        return false;
    }
    follow(&mut patches, minimum);
    if !go_on() {
        return false;
    }

    // From here on a run needs only the value it is to have.
    for patch in &mut patch_of_run {
        let own = &patches[*patch as usize];
        *patch = u32::from(own.neighbour.map_or(own.value, |n| patches[n as usize].value));
    }
    let mut run = 0;
    for line in map.values.chunks_exact_mut(map.cols) {
        let mut start = 0;
        while start < line.len() {
            let end = run_end(line, start);
            line[start..end].fill(patch_of_run[run] as u8);
            run += 1;
            start = end;
        }
    }
    true
}

/// Runs of equal pixels in the rows of a map: what patches and borders are made of, so that memory grows
/// with their number.
pub fn runs(map: &Plane<u8>) -> u64 {
    let turns = |line: &[u8]| 1 + line.windows(2).filter(|pair| pair[0] != pair[1]).count() as u64;
    map.values.chunks_exact(map.cols.max(1)).map(turns).sum()
}

/// Bytes that [`sieve`] takes for each run, where every run is a patch.
pub const BYTES_OF_RUN: u64 = 4 + size_of::<Patch>() as u64 + 4;

struct Patch {
    pixels: u32,
    neighbour: Option<u32>,
    value: u8,
}

/// The end of the run of equal values that begins at `start`.
fn run_end(line: &[u8], start: usize) -> usize {
    let value = line[start];
    line[start..].iter().position(|&v| v != value).map_or(line.len(), |n| start + n)
}

fn root(parents: &mut [u32], mut run: u32) -> u32 {
    while parents[run as usize] != run {
        let grandparent = parents[parents[run as usize] as usize];
        parents[run as usize] = grandparent;
        run = grandparent;
    }
    run
}

/// Connected patches: the patch of each run of each row (in reading order), and the patches.
/// `None` where `go_on` said no.
fn label(
    map: &Plane<u8>,
    nodata: Option<u8>,
    connectivity: Connectivity,
    go_on: &dyn Fn() -> bool,
) -> Option<(Vec<u32>, Vec<Patch>)> {
    let reach = connectivity.reach();
    let mut parents: Vec<u32> = Vec::new();
    // Runs of the row above and of this row: start, end, index.
    let mut above: Vec<(usize, usize, u32)> = Vec::new();
    let mut here: Vec<(usize, usize, u32)> = Vec::new();
    for (row, line) in map.values.chunks_exact(map.cols).enumerate() {
        if !go_on() {
            return None;
        }
        here.clear();
        let (mut start, mut first) = (0, 0);
        while start < line.len() {
            let end = run_end(line, start);
            let mut own = parents.len() as u32;
            parents.push(own);
            here.push((start, end, own));
            while first < above.len() && above[first].1 + reach <= start {
                first += 1;
            }
            for &(above_start, _, index) in above[first..].iter().take_while(|a| a.0 < end + reach) {
                if map.values[(row - 1) * map.cols + above_start] == line[start]
                    && Some(line[start]) != nodata
                {
                    let (a, b) = (root(&mut parents, index), root(&mut parents, own));
                    own = a.min(b);
                    parents[a.max(b) as usize] = own;
                }
            }
            start = end;
        }
        std::mem::swap(&mut above, &mut here);
    }

    // A root comes before its runs, so one pass in order renumbers all of them.
    let mut patches: Vec<Patch> = Vec::new();
    let mut run = 0;
    for line in map.values.chunks_exact(map.cols) {
        let mut start = 0;
        while start < line.len() {
            let end = run_end(line, start);
            let parent = parents[run] as usize;
            parents[run] = if parent == run {
                patches.push(Patch { pixels: 0, neighbour: None, value: line[start] });
                patches.len() as u32 - 1
            } else {
                parents[parent]
            };
            patches[parents[run] as usize].pixels += (end - start) as u32;
            run += 1;
            start = end;
        }
    }
    Some((parents, patches))
}

/// Finds each patch's largest neighbour; of equals the first that GDAL would meet: by pixel, the
/// one above, upper left, upper right, left.
fn largest_neighbours(
    map: &Plane<u8>,
    nodata: Option<u8>,
    connectivity: Connectivity,
    (patch_of_run, patches): (&[u32], &mut [Patch]),
    go_on: &dyn Fn() -> bool,
) -> bool {
    const NONE: u32 = u32::MAX;
    let cols = map.cols;
    let (mut above, mut here) = (vec![NONE; cols], vec![NONE; cols]);
    let mut run = 0;
    let compare = |patches: &mut [Patch], a: u32, b: u32| {
        if a == b || a == NONE || b == NONE {
            return;
        }
        for (one, other) in [(a, b), (b, a)] {
            let best = patches[one as usize].neighbour.map(|n| patches[n as usize].pixels);
            if best.is_none_or(|best| best < patches[other as usize].pixels) {
                patches[one as usize].neighbour = Some(other);
            }
        }
    };
    for line in map.values.chunks_exact(cols) {
        if !go_on() {
            return false;
        }
        let mut start = 0;
        while start < cols {
            let end = run_end(line, start);
            let patch = if Some(line[start]) == nodata { NONE } else { patch_of_run[run] };
            here[start..end].fill(patch);
            run += 1;
            start = end;
        }
        for col in 0..cols {
            compare(patches, here[col], above[col]);
            if connectivity == Connectivity::Eight {
                if col > 0 {
                    compare(patches, here[col], above[col - 1]);
                }
                if col + 1 < cols {
                    compare(patches, here[col], above[col + 1]);
                }
            }
            if col > 0 {
                compare(patches, here[col], here[col - 1]);
            }
        }
        std::mem::swap(&mut above, &mut here);
    }
    true
}

/// Replaces each small patch's neighbour by the first patch along the chain of largest
/// neighbours that is large enough; by nothing where the chain ends in a circle of small ones.
fn follow(patches: &mut [Patch], minimum: u32) {
    let mut walk_of = vec![0u32; patches.len()];
    let mut path = Vec::new();
    for start in 0..patches.len() {
        let walk = start as u32 + 1;
        let mut at = start as u32;
        path.clear();
        let found = loop {
            let patch = &patches[at as usize];
            if patch.pixels >= minimum {
                break Some(at);
            }
            match walk_of[at as usize] {
                0 => {}
                seen if seen == walk => break None,
                _ => break patch.neighbour,
            }
            walk_of[at as usize] = walk;
            path.push(at);
            let Some(next) = patch.neighbour else { break None };
            at = next;
        };
        for &patch in &path {
            patches[patch as usize].neighbour = found;
        }
        if patches[start].pixels >= minimum {
            patches[start].neighbour = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plane(rows: &[&str]) -> Plane<u8> {
        Plane {
            rows: rows.len(),
            cols: rows[0].len(),
            values: rows.iter().flat_map(|r| r.bytes().map(|b| b - b'0')).collect(),
        }
    }

    #[test]
    fn a_lone_pixel_joins_its_largest_neighbour() {
        let mut map = plane(&["11111", "11211", "33333"]);
        sieve(&mut map, Some(0), 2, Connectivity::Four);
        assert_eq!(map, plane(&["11111", "11111", "33333"]));
    }

    #[test]
    fn corners_connect_only_by_eight() {
        let diagonal = ["2111", "1211", "1121", "1112"];
        let (mut four, mut eight) = (plane(&diagonal), plane(&diagonal));
        sieve(&mut four, Some(0), 2, Connectivity::Four);
        sieve(&mut eight, Some(0), 2, Connectivity::Eight);
        assert_eq!(four, plane(&["1111"; 4]));
        assert_eq!(eight, plane(&diagonal));
    }

    #[test]
    fn nodata_neither_changes_nor_takes_part() {
        let rows = ["0000", "0120", "0000"];
        let mut map = plane(&rows);
        sieve(&mut map, Some(0), 9, Connectivity::Eight);
        assert_eq!(map, plane(&rows), "two small patches have no large neighbour");
    }

    #[test]
    fn a_sieve_that_is_stopped_leaves_the_map_as_it_was() {
        let checks: Vec<u8> = (0..10_000).map(|i| (i / 100 + i % 100) as u8 % 2 + 1).collect();
        let mut map = Plane { rows: 100, cols: 100, values: checks.clone() };
        assert_eq!(runs(&map), 10_000);
        for last in [0, 50, 150, 200] {
            let asked = std::cell::Cell::new(0);
            let go_on = || asked.replace(asked.get() + 1) < last;
            assert!(!sieve_while(&mut map, Some(0), 5, Connectivity::Four, &go_on));
            assert_eq!(asked.get(), last + 1, "it stops when it is told to");
            assert_eq!(map.values, checks);
        }
    }

    #[test]
    fn maps_equal_those_of_gdal_sieve() {
        let text = include_str!("../../tests/reference/sieve/blotches.json");
        let json: serde_json::Value = serde_json::from_str(text).unwrap();
        let read = |map: &serde_json::Value| {
            plane(&map.as_array().unwrap().iter().map(|r| r.as_str().unwrap()).collect::<Vec<_>>())
        };
        for case in json["cases"].as_array().unwrap() {
            let mut map = read(&json["input"]);
            let connectivity =
                if case["connectivity"] == 4 { Connectivity::Four } else { Connectivity::Eight };
            sieve(&mut map, Some(0), case["threshold"].as_u64().unwrap() as u32, connectivity);
            let reference = read(&case["map"]);
            let differ = map.values.iter().zip(&reference.values).filter(|(a, b)| a != b).count();
            assert_eq!(differ, 0, "threshold {}, {connectivity:?}", case["threshold"]);
        }
    }
}
