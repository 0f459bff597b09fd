//! The area of zones around each mine, by bands of distance.

use std::ops::Range;

use rayon::prelude::*;

use super::Join;
use crate::crs::earth::{Xyz, chord2};
use crate::zones::mine_index::Mine;
use crate::zones::shape::{ball_around, chord_of};

/// Pixels along a side of the squares that are looked at as a whole, and of the parts of those that
/// are before their pixels are.
const TILE: usize = 64;
const CELL: usize = 8;
/// Squares between two looks at whether to go on.
const BATCH: usize = 32;

impl Join<'_> {
    /// The square metres of all zones within bands of distance around each mine, by the centres of
    /// pixels. `edges` are the bands' outer edges in metres, rising; `square_metres` the area of a
    /// pixel by row. `go_on` is told how many mines' worth is done; `None` where it did not.
    pub fn bands(
        &self,
        edges: &[f64],
        square_metres: &[f64],
        go_on: impl Fn(usize) -> bool,
    ) -> Option<Vec<Vec<f64>>> {
        let chords: Vec<f64> = edges.iter().map(|&edge| chord_of(edge)).collect();
        let cols = self.zones.zones.iter().map(|zone| zone.cols.1 as usize + 1).max().unwrap_or(0);
        let corners = |row| (0..cols).step_by(TILE).map(move |col| (row, col));
        let tiles: Vec<(usize, usize)> = (0..square_metres.len()).step_by(TILE).flat_map(corners).collect();
        let mut sums = vec![vec![0.0; edges.len()]; self.mines.len()];
        for (batch, of_batch) in tiles.chunks(BATCH).enumerate() {
            if !go_on(batch * BATCH * self.mines.len() / tiles.len()) {
                return None;
            }
            let found: Vec<Vec<Share>> = of_batch
                .par_iter()
                .map_init(Tile::default, |tile, &corner| tile.bands(self, corner, square_metres, &chords))
                .collect();
            for share in found.into_iter().flatten() {
                sums[share.mine as usize][share.band as usize] += share.area;
            }
        }
        Some(sums)
    }
}

/// What a square adds to a band of a mine.
struct Share {
    mine: u32,
    band: u32,
    area: f64,
}

/// The pixels of zones in a square of the map.
#[derive(Default)]
struct Tile {
    /// Centres, and square metres.
    places: Vec<Xyz>,
    areas: Vec<f64>,
    cells: Vec<Cell>,
    sums: Vec<f64>,
}

/// Some pixels of a square.
struct Cell {
    pixels: Range<usize>,
    ball: (Xyz, f64),
    area: f64,
}

impl Tile {
    fn bands(
        &mut self,
        join: &Join<'_>,
        corner: (usize, usize),
        square_metres: &[f64],
        chords: &[f64],
    ) -> Vec<Share> {
        self.fill(join, corner, square_metres);
        let Some(&outermost) = chords.last().filter(|_| !self.places.is_empty()) else { return Vec::new() };
        let whole = self.cell(0);
        let (middle, reach) = whole.ball;
        let mut shares = Vec::new();
        self.sums.resize(chords.len(), 0.0);
        for ball in join.mines.tree.within(middle, outermost + reach) {
            self.sums.fill(0.0);
            self.add(&whole, &join.mines.mines[ball.id as usize], chords);
            let bands = (0..).zip(&self.sums).filter(|(_, area)| **area > 0.0);
            shares.extend(bands.map(|(band, &area)| Share { mine: ball.id, band, area }));
        }
        shares
    }

    /// Takes the pixels of the square at a row and column, cell by cell.
    fn fill(&mut self, join: &Join<'_>, (top, left): (usize, usize), square_metres: &[f64]) {
        self.places.clear();
        self.areas.clear();
        self.cells.clear();
        let bottom = (top + TILE).min(square_metres.len());
        for first in (top..bottom).step_by(CELL) {
            for west in (left..left + TILE).step_by(CELL) {
                let start = self.places.len();
                let rows = first..(first + CELL).min(bottom);
                for (row, &area) in rows.clone().zip(&square_metres[rows]) {
                    for col in join.zones.runs_between(row, west..west + CELL).flatten() {
                        self.places.push(join.globe.xyz(col as f64 + 0.5, row as f64 + 0.5));
                        self.areas.push(area);
                    }
                }
                if start < self.places.len() {
                    self.cells.push(self.cell(start));
                }
            }
        }
    }

    /// The pixels from a first to the last so far.
    fn cell(&self, start: usize) -> Cell {
        let pixels = start..self.places.len();
        let ball = ball_around(|| self.places[pixels.clone()].iter().copied());
        Cell { area: self.areas[pixels.clone()].iter().sum(), ball, pixels }
    }

    /// Adds the areas around a mine: the square's as a whole where all of it lies in one band, else
    /// cell by cell, else pixel by pixel.
    fn add(&mut self, whole: &Cell, mine: &Mine, chords: &[f64]) {
        if add_whole(whole, mine, chords, &mut self.sums) {
            return;
        }
        let point = mine.outline.as_point();
        for cell in &self.cells {
            if add_whole(cell, mine, chords, &mut self.sums) {
                continue;
            }
            for (&place, area) in
                self.places[cell.pixels.clone()].iter().zip(&self.areas[cell.pixels.clone()])
            {
                let chord = point.map_or_else(|| mine.chord_to(place), |point| chord2(place, point).sqrt());
                if let Some(band) = band(chords, chord) {
                    self.sums[band] += area;
                }
            }
        }
    }
}

/// Adds an area that lies in one band, or beyond all; says whether it does.
fn add_whole(cell: &Cell, mine: &Mine, chords: &[f64], sums: &mut [f64]) -> bool {
    let (centre, reach) = mine.outline.ball;
    let (middle, wide) = cell.ball;
    let (apart, slack) = (chord2(middle, centre).sqrt(), reach + wide);
    let nearest = band(chords, (apart - slack).max(0.0));
    let whole = nearest == band(chords, apart + slack);
    if let Some(band) = nearest.filter(|_| whole) {
        sums[band] += cell.area;
    }
    whole
}

/// The band that a chord lies in.
fn band(chords: &[f64], chord: f64) -> Option<usize> {
    chords.iter().position(|&edge| chord < edge)
}
