//! Which pixels lie in polygons: a scanline fill by pixel centres.

use geo::{Coord, Line};

use crate::budget::{MOST_CROSSINGS, OverBudget};

/// Rows with fewer edges than one a so many columns sort their crossings; others mark them.
const SPARSE: usize = 16;

/// An edge and the rows whose centres it crosses.
#[derive(Clone, Copy, Debug)]
struct Edge {
    upper: Coord<f64>,
    lower: Coord<f64>,
    first: usize,
    end: usize,
}

/// Walks down the rows of a grid and hands over the stretches of pixels (row, first column, end) whose
/// centres lie within edges, by rising row and column. Edges are in pixel coordinates (the first pixel's
/// centre is at 0.5, 0.5); inside and outside alternate at every edge (even-odd). A centre on an edge
/// belongs to one side only. Memory is that of the edges; tells how often they cross a row.
///
/// # Errors
/// [`OverBudget::Crossings`], before anything is handed over.
pub fn scan(
    lines: impl IntoIterator<Item = Line<f64>>,
    rows: usize,
    cols: usize,
    mut stretch: impl FnMut(usize, usize, usize),
) -> Result<u64, OverBudget> {
    let (mut edges, mut crossings) = (Vec::new(), 0u64);
    for line in lines {
        // From the upper to the lower end, so that both polygons at an edge compute the same crossings.
        let (upper, lower) =
            if line.start.y <= line.end.y { (line.start, line.end) } else { (line.end, line.start) };
        let (first, end) = (first_centre(upper.y, rows), first_centre(lower.y, rows));
        if first < end && (upper.x + lower.x).is_finite() {
            crossings += (end - first) as u64;
            edges.push(Edge { upper, lower, first, end });
        }
    }
    if crossings > MOST_CROSSINGS {
        return Err(OverBudget::Crossings { found: crossings });
    }
    edges.sort_unstable_by_key(|edge| edge.first);
    let mut edges = edges.into_iter().peekable();
    let mut live: Vec<Edge> = Vec::new();
    let mut marks = vec![false; cols + 1];
    let (mut row, mut turns) = (0, Vec::new());
    loop {
        if live.is_empty() {
            let Some(next) = edges.peek() else { return Ok(crossings) };
            row = next.first;
        }
        while let Some(edge) = edges.next_if(|edge| edge.first == row) {
            live.push(edge);
        }
        let column = |edge: &Edge| {
            let (a, b) = (edge.upper, edge.lower);
            let share = (row as f64 + 0.5 - a.y) / (b.y - a.y);
            first_centre(a.x + share * (b.x - a.x), cols)
        };
        turns.clear();
        if live.len() * SPARSE < cols {
            turns.extend(live.iter().map(column));
            turns.sort_unstable();
            // Two crossings in one column leave and enter again.
            let pairs = turns.chunk_by(|a, b| a == b).filter(|same| same.len() % 2 == 1);
            let odd: Vec<usize> = pairs.map(|same| same[0]).collect();
            odd.as_chunks::<2>().0.iter().for_each(|&[start, end]| stretch(row, start, end));
        } else {
            let (mut least, mut most) = (cols, 0);
            for column in live.iter().map(column) {
                marks[column] ^= true;
                (least, most) = (least.min(column), most.max(column));
            }
            let mut inside = None;
            for (column, mark) in marks.iter_mut().enumerate().take(most + 1).skip(least) {
                if std::mem::take(mark) {
                    match inside.take() {
                        Some(start) => stretch(row, start, column),
                        None => inside = Some(column),
                    }
                }
            }
        }
        row += 1;
        live.retain(|edge| edge.end > row);
    }
}

/// The first pixel whose centre is at or beyond a position, within `0..=count`.
fn first_centre(position: f64, count: usize) -> usize {
    ((position - 0.5).ceil().max(0.0) as usize).min(count)
}

/// For each row of a grid, the columns (first, end) whose pixel centre lies in polygons.
#[derive(Clone, Debug, Default)]
pub struct Spans(Vec<Vec<(u32, u32)>>);

impl Spans {
    /// Fills polygons given in pixel coordinates (x column, y row; the first pixel's centre is
    /// at 0.5, 0.5). Inside and outside alternate at every ring (even-odd), so holes are holes.
    ///
    /// # Errors
    /// [`OverBudget::Crossings`].
    pub fn fill(polygons: &geo::MultiPolygon<f64>, rows: usize, cols: usize) -> Result<Self, OverBudget> {
        let mut spans = vec![Vec::new(); rows];
        let rings = polygons.iter().flat_map(|p| std::iter::once(p.exterior()).chain(p.interiors()));
        scan(rings.flat_map(geo::LineString::lines), rows, cols, |row, start, end| {
            spans[row].push((start as u32, end as u32));
        })?;
        Ok(Self(spans))
    }

    /// Calls `outside` for each stretch of columns of a row, between two columns, that lies outside.
    pub fn gaps(&self, row: usize, cols: std::ops::Range<usize>, mut outside: impl FnMut(usize, usize)) {
        let mut from = cols.start;
        for &(first, end) in self.0.get(row).map_or(&[][..], Vec::as_slice) {
            let (first, end) = (first as usize, end as usize);
            if first > from {
                outside(from, first.min(cols.end).max(from));
            }
            from = from.max(end);
            if from >= cols.end {
                return;
            }
        }
        outside(from, cols.end);
    }

    /// Whether any pixel of the rows and columns lies inside.
    pub fn touch(&self, rows: std::ops::Range<usize>, cols: std::ops::Range<usize>) -> bool {
        self.0[rows].iter().flatten().any(|s| (s.0 as usize) < cols.end && (s.1 as usize) > cols.start)
    }

    /// Whether there is no pixel inside at all.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(Vec::is_empty)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hole_is_a_hole_and_pixels_count_by_their_centre() {
        let ring = |x0: f64, y0: f64, x1: f64, y1: f64| {
            geo::LineString::from(vec![(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)])
        };
        let polygon = geo::Polygon::new(ring(1.4, 0.0, 8.6, 6.0), vec![ring(3.0, 2.0, 5.0, 4.0)]);
        let spans = Spans::fill(&geo::MultiPolygon(vec![polygon]), 8, 10).unwrap();
        let outside = |row| {
            let mut gaps = Vec::new();
            spans.gaps(row, 0..10, |a, b| gaps.push((a, b)));
            gaps
        };
        assert_eq!(outside(0), [(0, 1), (9, 10)]);
        assert_eq!(outside(2), [(0, 1), (3, 5), (9, 10)]);
        assert_eq!(outside(7), [(0, 10)]);
        assert!(spans.touch(0..3, 0..2) && !spans.touch(6..8, 0..10));
    }

    #[test]
    fn crossings_are_marked_as_they_are_sorted() {
        let ring: Vec<(f64, f64)> = (0..700)
            .map(|i| (f64::from(i * 37 % 101) * 0.31 + 0.013, f64::from(i * 53 % 97) * 0.29 + 0.017))
            .collect();
        let polygon = geo::Polygon::new(geo::LineString::from(ring), Vec::new());
        let found = |cols: usize| {
            let mut inside = std::collections::BTreeSet::new();
            let count = scan(polygon.exterior().lines(), 30, cols, |row, start, end| {
                inside.extend((start..end.min(33)).map(|col| (row, col)));
            });
            (inside, count.unwrap())
        };
        // Many edges a column are marked, few are sorted.
        assert_eq!(found(33), found(33 * 700));
        assert!(found(33).0.len() > 100);
    }

    #[test]
    fn a_star_of_many_vertices_is_filled_without_keeping_its_crossings() {
        let star = crate::vector::tests::star(300_000, 50.0);
        let shifted = geo::MapCoords::map_coords(&star, |c| Coord { x: c.x + 50.0, y: c.y + 50.0 });
        let mut pixels = 0;
        let crossings = scan(shifted.exterior().lines(), 100, 100, |_, start, end| pixels += end - start);
        // Each edge is 25 pixels long at most.
        assert!(crossings.unwrap() <= 300_000 * 26);
        assert!(pixels > 1900, "the middle, of radius 25, lies inside: {pixels}");
    }

    #[test]
    fn too_many_crossings_are_refused_before_any_work() {
        let up_and_down = |i: u32| Line::new(Coord { x: 0.0, y: 0.0 }, Coord { x: f64::from(i), y: 2e6 });
        let found = scan((0..2000).map(up_and_down), 2_000_000, 10, |_, _, _| unreachable!());
        assert_eq!(found, Err(OverBudget::Crossings { found: 4_000_000_000 }));
    }
}
