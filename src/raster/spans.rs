//! Which pixels lie in polygons: a scanline fill by pixel centres.

/// For each row of a grid, the columns (first, end) whose pixel centre lies in polygons.
#[derive(Clone, Debug, Default)]
pub struct Spans(Vec<Vec<(u32, u32)>>);

impl Spans {
    /// Fills polygons given in pixel coordinates (x column, y row; the first pixel's centre is
    /// at 0.5, 0.5). Inside and outside alternate at every ring (even-odd), so holes are holes.
    pub fn fill(polygons: &geo::MultiPolygon<f64>, rows: usize, cols: usize) -> Self {
        let mut crossings: Vec<Vec<f64>> = vec![Vec::new(); rows];
        let rings = polygons.iter().flat_map(|p| std::iter::once(p.exterior()).chain(p.interiors()));
        for line in rings.flat_map(geo::LineString::lines) {
            let (a, b) =
                if line.start.y <= line.end.y { (line.start, line.end) } else { (line.end, line.start) };
            // Rows whose centre y satisfies a.y <= y < b.y.
            let first = (a.y - 0.5).ceil().max(0.0) as usize;
            let end = (b.y - 0.5).ceil().clamp(0.0, rows as f64) as usize;
            for (row, crossing) in crossings.iter_mut().enumerate().take(end).skip(first) {
                let t = (row as f64 + 0.5 - a.y) / (b.y - a.y);
                crossing.push(a.x + (b.x - a.x) * t);
            }
        }
        let column = |x: f64| (x - 0.5).ceil().clamp(0.0, cols as f64) as u32;
        let spans = crossings.into_iter().map(|mut xs| {
            xs.sort_by(f64::total_cmp);
            xs.chunks_exact(2).map(|p| (column(p[0]), column(p[1]))).filter(|s| s.0 < s.1).collect()
        });
        Self(spans.collect())
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
        let spans = Spans::fill(&geo::MultiPolygon(vec![polygon]), 8, 10);
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
}
