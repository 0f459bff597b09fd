//! Connected regions of a class map, by runs of equal pixels.

use crate::classmap::Connectivity;
use crate::raster::Plane;

/// Consecutive pixels of one row and class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// First column.
    pub start: u32,
    /// One past the last column.
    pub end: u32,
    /// Its part: pixels that are joined by edges.
    pub part: u32,
}

/// Runs of the chosen classes, and what they are joined to.
#[derive(Clone, Debug, Default)]
pub struct Regions {
    /// By row and column.
    pub runs: Vec<Run>,
    /// First run of each row, and the number of all at the end.
    first_run: Vec<usize>,
    /// The zone of each part. Without corners it is the part itself.
    pub zone_of_part: Vec<u32>,
    /// The class code of each zone.
    pub codes: Vec<u8>,
}

impl Regions {
    /// Finds the regions of the chosen classes. Parts and zones are numbered in reading order of
    /// their first pixels. `go_on` is asked once a row; `None` where it said no.
    pub fn of(
        map: &Plane<u8>,
        chosen: &[bool; 256],
        connectivity: Connectivity,
        go_on: &dyn Fn() -> bool,
    ) -> Option<Self> {
        let mut regions = Self { first_run: vec![0], ..Self::default() };
        // The part holds the run's class until the parts are known.
        for line in map.values.chunks_exact(map.cols.max(1)) {
            if !go_on() {
                return None;
            }
            let mut start = 0;
            while start < line.len() {
                let code = line[start];
                let end = start + line[start..].iter().take_while(|&&v| v == code).count();
                if chosen[usize::from(code)] {
                    regions.runs.push(Run { start: start as u32, end: end as u32, part: code.into() });
                }
                start = end;
            }
            regions.first_run.push(regions.runs.len());
        }
        let codes: Vec<u8> = regions.runs.iter().map(|r| r.part as u8).collect();
        let (part_of_run, parts) = regions.joined(0, go_on)?;
        for (run, part) in regions.runs.iter_mut().zip(&part_of_run) {
            run.part = *part;
        }
        let code_of = |of_run: &[u32], count: usize| {
            let mut of = vec![0; count];
            of_run.iter().zip(&codes).for_each(|(&at, &code)| of[at as usize] = code);
            of
        };
        if connectivity == Connectivity::Four {
            regions.zone_of_part = (0..parts as u32).collect();
            regions.codes = code_of(&part_of_run, parts);
            return Some(regions);
        }
        // The classes stand again in the runs' place while zones are joined over corners.
        for (run, &code) in regions.runs.iter_mut().zip(&codes) {
            run.part = code.into();
        }
        let (zone_of_run, zones) = regions.joined(1, go_on)?;
        regions.codes = code_of(&zone_of_run, zones);
        regions.zone_of_part = vec![0; parts];
        for ((run, &part), &zone) in regions.runs.iter_mut().zip(&part_of_run).zip(&zone_of_run) {
            run.part = part;
            regions.zone_of_part[part as usize] = zone;
        }
        Some(regions)
    }

    /// The runs of a row.
    pub fn row(&self, row: usize) -> &[Run] {
        &self.runs[self.first_run[row]..self.first_run[row + 1]]
    }

    /// The part at a pixel, where its class is chosen.
    pub fn part_at(&self, row: usize, col: usize) -> Option<u32> {
        let runs = self.row(row);
        let next = runs.partition_point(|r| r.start <= col as u32);
        runs[..next].last().filter(|r| (col as u32) < r.end).map(|r| r.part)
    }

    /// The zone at a pixel.
    pub fn zone_at(&self, row: usize, col: usize) -> Option<u32> {
        self.part_at(row, col).map(|part| self.zone_of_part[part as usize])
    }

    /// Joins runs of equal class that touch runs of the row above, `reach` columns beyond their
    /// ends. Returns the number of each run's set, by rising first run, and how many there are.
    fn joined(&self, reach: u32, go_on: &dyn Fn() -> bool) -> Option<(Vec<u32>, usize)> {
        let mut parents: Vec<u32> = (0..self.runs.len() as u32).collect();
        for row in 1..self.first_run.len().saturating_sub(1) {
            if !go_on() {
                return None;
            }
            let mut first = self.first_run[row - 1];
            for own in self.first_run[row]..self.first_run[row + 1] {
                let run = self.runs[own];
                while first < self.first_run[row] && self.runs[first].end + reach <= run.start {
                    first += 1;
                }
                for above in first..self.first_run[row] {
                    if self.runs[above].start >= run.end + reach {
                        break;
                    }
                    if self.runs[above].part == run.part {
                        let (a, b) = (root(&mut parents, above as u32), root(&mut parents, own as u32));
                        parents[a.max(b) as usize] = a.min(b);
                    }
                }
            }
        }
        // A root comes before its runs, so one pass in order renumbers all of them.
        let mut count = 0;
        for run in 0..parents.len() {
            let parent = parents[run] as usize;
            parents[run] = if parent == run {
                count += 1;
                count - 1
            } else {
                parents[parent]
            };
        }
        Some((parents, count as usize))
    }
}

fn root(parents: &mut [u32], mut run: u32) -> u32 {
    while parents[run as usize] != run {
        let grandparent = parents[parents[run as usize] as usize];
        parents[run as usize] = grandparent;
        run = grandparent;
    }
    run
}
