//! The borders of regions as a graph on the corners of pixels, and the rings in it.
//!
//! A vertex stands wherever borders turn or meet, once for all regions around it: neighbours share
//! it by its number, so that nothing that is done to a border can tear it.

use super::regions::Regions;
use crate::raster::Plane;

const NONE: u32 = u32::MAX;

/// Which ways a border goes on from a vertex.
const NORTH: u8 = 1;
const EAST: u8 = 2;
const SOUTH: u8 = 4;
const WEST: u8 = 8;
const ALL: u8 = 15;
/// That the border to the east has been followed eastward, and westward.
const EASTWARD: u8 = 16;
const WESTWARD: u8 = 32;

/// Corners of pixels where borders turn or meet, in reading order.
#[derive(Clone, Debug, Default)]
pub struct Border {
    /// Row and column of the corner; 0, 0 is the map's outer corner.
    pub at: Vec<(u32, u32)>,
    /// The next vertices to the north and to the south.
    up: Vec<u32>,
    down: Vec<u32>,
    ways: Vec<u8>,
    /// First vertex of each row of corners, and the number of all at the end.
    first: Vec<usize>,
}

/// A closed border of a part, its region on the left with north up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ring {
    /// The part. Its first ring is its exterior.
    pub part: u32,
    /// Its vertices within the list of all, the first not repeated.
    pub start: usize,
    /// One past the last.
    pub end: usize,
}

impl Border {
    /// The borders between pixels of different classes, where a class that is not chosen counts
    /// as outside. `go_on` is asked once a row; `None` where it said no.
    pub fn of(map: &Plane<u8>, chosen: &[bool; 256], go_on: &dyn Fn() -> bool) -> Option<Self> {
        let (rows, cols) = (map.rows, map.cols);
        // Chosen classes by 1.., anything else 0.
        let mut keys = [0u8; 256];
        let mut next = 0;
        for (key, _) in keys.iter_mut().zip(chosen).filter(|c| *c.1) {
            next += 1;
            *key = next;
        }
        let mut border = Self::default();
        let mut open = vec![NONE; cols + 1];
        // A column of outside at either end spares the edges of the map.
        let (mut above, mut here) = (vec![0u8; cols + 2], vec![0u8; cols + 2]);
        for row in 0..=rows {
            if !go_on() {
                return None;
            }
            border.first.push(border.at.len());
            if row < rows {
                let line = &map.values[row * cols..][..cols];
                here[1..=cols].iter_mut().zip(line).for_each(|(to, &code)| *to = keys[usize::from(code)]);
            } else {
                here.fill(0);
            }
            border.corners(row, &above, &here, &mut open);
            std::mem::swap(&mut above, &mut here);
        }
        border.first.push(border.at.len());
        Some(border)
    }

    /// The vertices of a row of corners between two rows of pixels.
    fn corners(&mut self, row: usize, above: &[u8], here: &[u8], open: &mut [u32]) {
        let cols = open.len() - 1;
        let mut col = 0;
        while col <= cols {
            // Eight corners at once where neither row changes.
            while let (Some(a), Some(b)) = (above.get(col..col + 9), here.get(col..col + 9))
                && same(a)
                && same(b)
            {
                col += 8;
            }
            if col > cols {
                break;
            }
            let (nw, ne, sw, se) = (above[col], above[col + 1], here[col], here[col + 1]);
            let ways = u8::from(nw != ne) * NORTH
                + u8::from(ne != se) * EAST
                + u8::from(sw != se) * SOUTH
                + u8::from(nw != sw) * WEST;
            if ways != 0 && ways != NORTH | SOUTH && ways != EAST | WEST {
                let own = self.at.len() as u32;
                self.at.push((row as u32, col as u32));
                self.ways.push(ways);
                self.down.push(NONE);
                self.up.push(NONE);
                if ways & NORTH != 0 {
                    self.up[own as usize] = open[col];
                    self.down[open[col] as usize] = own;
                }
                if ways & SOUTH != 0 {
                    open[col] = own;
                }
            }
            col += 1;
        }
    }

    /// Whether more or fewer than two borders meet at a vertex.
    pub fn is_node(&self, vertex: u32) -> bool {
        (self.ways[vertex as usize] & ALL).count_ones() != 2
    }

    /// The two neighbours of a vertex that is no node: along the row, along the column.
    pub fn neighbours(&self, vertex: u32) -> (u32, u32) {
        let ways = self.ways[vertex as usize];
        let along = if ways & EAST != 0 { vertex + 1 } else { vertex - 1 };
        let across = if ways & NORTH != 0 { self.up[vertex as usize] } else { self.down[vertex as usize] };
        (along, across)
    }

    /// All neighbours of a vertex.
    pub fn all_neighbours(&self, vertex: u32) -> impl Iterator<Item = u32> {
        let ways = self.ways[vertex as usize];
        let (up, down) = (self.up[vertex as usize], self.down[vertex as usize]);
        [(NORTH, up), (EAST, vertex.wrapping_add(1)), (SOUTH, down), (WEST, vertex.wrapping_sub(1))]
            .into_iter()
            .filter(move |(way, _)| ways & way != 0)
            .map(|(_, to)| to)
    }

    /// The vertices of a row of corners, by rising column.
    pub fn row(&self, row: usize) -> std::ops::Range<usize> {
        self.first[row]..self.first[row + 1]
    }

    /// Every ring of every part, and the vertices of all of them. Rings come in reading order: a
    /// part's exterior before its holes. `None` where `go_on` said no.
    pub fn rings(
        &mut self,
        map: &Plane<u8>,
        chosen: &[bool; 256],
        regions: &Regions,
        go_on: &dyn Fn() -> bool,
    ) -> Option<(Vec<Ring>, Vec<u32>)> {
        let (mut rings, mut vertices) = (Vec::new(), Vec::new());
        let inside = |row: usize, col: usize| chosen[usize::from(map.get(row, col))];
        for vertex in 0..self.at.len() as u32 {
            if vertex.is_multiple_of(1 << 12) && !go_on() {
                return None;
            }
            let ways = self.ways[vertex as usize];
            if ways & EAST == 0 {
                continue;
            }
            let (row, col) = (self.at[vertex as usize].0 as usize, self.at[vertex as usize].1 as usize);
            if ways & WESTWARD == 0 && row < map.rows && inside(row, col) {
                self.follow(vertex + 1, WEST, (row, col), regions, &mut rings, &mut vertices);
            }
            if self.ways[vertex as usize] & EASTWARD == 0 && row > 0 && inside(row - 1, col) {
                self.follow(vertex, EAST, (row - 1, col), regions, &mut rings, &mut vertices);
            }
        }
        Some((rings, vertices))
    }

    /// Follows the border of the part at a pixel, which lies on the left, until it closes.
    fn follow(
        &mut self,
        from: u32,
        way: u8,
        (row, col): (usize, usize),
        regions: &Regions,
        rings: &mut Vec<Ring>,
        vertices: &mut Vec<u32>,
    ) {
        let start = vertices.len();
        let part = regions.part_at(row, col).unwrap_or_default();
        let (mut vertex, mut heading) = (from, way);
        loop {
            vertices.push(vertex);
            vertex = match heading {
                NORTH => self.up[vertex as usize],
                SOUTH => self.down[vertex as usize],
                EAST => {
                    self.ways[vertex as usize] |= EASTWARD;
                    vertex + 1
                }
                _ => {
                    self.ways[vertex as usize - 1] |= WESTWARD;
                    vertex - 1
                }
            };
            heading = self.turn(vertex, heading, part, regions);
            if vertex == from && heading == way {
                break;
            }
        }
        rings.push(Ring { part, start, end: vertices.len() });
    }

    /// Where the border of a part on the left goes on: as far left as there is a border, which
    /// keeps to the region. Only where the part meets itself over a corner it keeps to the other
    /// side, so that what it encloses there becomes a hole that touches the exterior in a point.
    fn turn(&self, vertex: u32, heading: u8, part: u32, regions: &Regions) -> u8 {
        let ways = self.ways[vertex as usize] & ALL;
        let left = if heading == NORTH { WEST } else { heading >> 1 };
        let right = if heading == WEST { NORTH } else { heading << 1 };
        if ways == ALL {
            let (row, col) = (self.at[vertex as usize].0 as usize, self.at[vertex as usize].1 as usize);
            let ahead = match heading {
                NORTH => (row - 1, col),
                EAST => (row, col),
                SOUTH => (row, col - 1),
                _ => (row - 1, col - 1),
            };
            return if regions.part_at(ahead.0, ahead.1) == Some(part) { right } else { left };
        }
        [left, heading, right].into_iter().find(|way| ways & way != 0).unwrap_or(heading)
    }
}

/// Whether nine bytes are the same.
fn same(bytes: &[u8]) -> bool {
    bytes[1..] == bytes[..8]
}
