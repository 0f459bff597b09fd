//! Well-known binary of any kind as plain geometries. A count is believed only as far as there are bytes
//! for it, and collections nest only so deep: the bytes may be anybody's.

use geo::{
    Coord, CoordsIter, Geometry, GeometryCollection, LineString, MultiLineString, MultiPoint, MultiPolygon,
    Point, Polygon,
};

/// Collections within collections.
const DEEPEST: usize = 16;

/// Bits of a type by which EWKB adds a height, a measure and the number of a CRS.
const EWKB: [u32; 3] = [0x8000_0000, 0x4000_0000, 0x2000_0000];

/// The geometry with its longitudes and latitudes alone, or none where it has no coordinates.
///
/// # Errors
/// What does not fit: cut off, a kind that is not read (curves), nested too deep.
pub fn read(bytes: &[u8]) -> Result<Option<Geometry<f64>>, String> {
    let mut reader = Reader { bytes };
    let geometry = reader.geometry(DEEPEST)?;
    if !reader.bytes.is_empty() {
        return Err(format!("{} bytes stand behind the geometry", reader.bytes.len()));
    }
    Ok(geometry.filter(|g| g.coords_count() > 0))
}

struct Reader<'a> {
    bytes: &'a [u8],
}

/// Byte order and coordinates of one geometry.
#[derive(Clone, Copy)]
struct Layout {
    little: bool,
    /// Numbers of a coordinate, of which the first two are kept.
    numbers: usize,
}

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let (first, rest) = self.bytes.split_first_chunk::<N>().ok_or("its geometry is cut off")?;
        self.bytes = rest;
        Ok(*first)
    }

    fn whole(&mut self, little: bool) -> Result<u32, String> {
        let bytes = self.take()?;
        Ok(if little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) })
    }

    /// A count of things that take at least so many bytes each.
    fn count(&mut self, layout: Layout, least: usize) -> Result<usize, String> {
        let count = self.whole(layout.little)? as usize;
        if count.saturating_mul(least) > self.bytes.len() {
            return Err(format!("its geometry has a count of {count}, for which there are no bytes"));
        }
        Ok(count)
    }

    fn coordinate(&mut self, layout: Layout) -> Result<Coord<f64>, String> {
        let mut first = [0.0; 2];
        for k in 0..layout.numbers {
            let bytes = self.take()?;
            let number = if layout.little { f64::from_le_bytes(bytes) } else { f64::from_be_bytes(bytes) };
            if let Some(kept) = first.get_mut(k) {
                *kept = number;
            }
        }
        Ok(Coord { x: first[0], y: first[1] })
    }

    fn line(&mut self, layout: Layout) -> Result<LineString<f64>, String> {
        let count = self.count(layout, 8 * layout.numbers)?;
        (0..count).map(|_| self.coordinate(layout)).collect()
    }

    fn polygon(&mut self, layout: Layout) -> Result<Polygon<f64>, String> {
        let count = self.count(layout, 4)?;
        let rings = (0..count).map(|_| self.line(layout)).collect::<Result<Vec<_>, _>>()?;
        let mut rings = rings.into_iter();
        Ok(Polygon::new(rings.next().unwrap_or_else(|| LineString(Vec::new())), rings.collect()))
    }

    /// Kind and layout, which stand before every geometry.
    fn head(&mut self) -> Result<(u32, Layout), String> {
        let little = match self.take::<1>()? {
            [0] => false,
            [1] => true,
            [other] => return Err(format!("its geometry has the byte order {other}, which is none")),
        };
        let told = self.whole(little)?;
        let [height, measure, crs] = EWKB.map(|bit| told & bit != 0);
        if crs {
            self.take::<4>()?;
        }
        let kind = told & !(EWKB[0] | EWKB[1] | EWKB[2]);
        let (more, kind) = (kind / 1000, kind % 1000);
        let more = match more {
            0 => usize::from(height) + usize::from(measure),
            1 | 2 => 1,
            3 => 2,
            _ => return Err(format!("its geometry is of the kind {told}, which is not known")),
        };
        Ok((kind, Layout { little, numbers: 2 + more }))
    }

    /// The parts of a geometry of several, of which empty ones are left out.
    fn parts(&mut self, layout: Layout, depth: usize) -> Result<Vec<Geometry<f64>>, String> {
        let depth = depth.checked_sub(1).ok_or("its geometry is nested too deep")?;
        let count = self.count(layout, 5)?;
        let mut parts = Vec::new();
        for _ in 0..count {
            parts.extend(self.geometry(depth)?);
        }
        Ok(parts)
    }

    fn geometry(&mut self, depth: usize) -> Result<Option<Geometry<f64>>, String> {
        let (kind, layout) = self.head()?;
        let other = || "its geometry has a part of another kind".to_owned();
        Ok(Some(match kind {
            1 => {
                let c = self.coordinate(layout)?;
                if c.x.is_nan() && c.y.is_nan() {
                    return Ok(None);
                }
                Point(c).into()
            }
            2 => self.line(layout)?.into(),
            3 => self.polygon(layout)?.into(),
            4 => {
                let parts = self.parts(layout, depth)?.into_iter();
                MultiPoint(parts.map(|p| Point::try_from(p).map_err(|_| other())).collect::<Result<_, _>>()?)
                    .into()
            }
            5 => {
                let parts = self.parts(layout, depth)?.into_iter();
                let lines = parts.map(|p| LineString::try_from(p).map_err(|_| other()));
                MultiLineString(lines.collect::<Result<_, _>>()?).into()
            }
            6 => {
                let parts = self.parts(layout, depth)?.into_iter();
                let polygons = parts.map(|p| Polygon::try_from(p).map_err(|_| other()));
                MultiPolygon(polygons.collect::<Result<_, _>>()?).into()
            }
            7 => Geometry::GeometryCollection(GeometryCollection(self.parts(layout, depth)?)),
            8..=16 => return Err("its geometry has curves or surfaces, which are not read".to_owned()),
            _ => return Err(format!("its geometry is of the kind {kind}, which is not known")),
        }))
    }
}

#[cfg(test)]
mod tests {
    use geo::{line_string, point, polygon};
    use geozero::{CoordDimensions, ToWkb};

    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let hole = polygon!(exterior: [(x: 0., y: 0.), (x: 9., y: 0.), (x: 9., y: 9.), (x: 0., y: 0.)],
            interiors: [[(x: 4., y: 2.), (x: 5., y: 2.), (x: 5., y: 3.), (x: 4., y: 2.)]]);
        let line = line_string![(x: 1., y: 2.), (x: 3., y: 4.)];
        let all: Vec<Geometry<f64>> = vec![
            point!(x: 113.1, y: 27.9).into(),
            line.clone().into(),
            hole.clone().into(),
            MultiPoint(vec![point!(x: 1., y: 2.), point!(x: 3., y: 4.)]).into(),
            MultiLineString(vec![line]).into(),
            MultiPolygon(vec![hole.clone(), hole]).into(),
        ];
        for geometry in
            all.iter().cloned().chain([Geometry::GeometryCollection(GeometryCollection(all.clone()))])
        {
            let bytes = geometry.to_wkb(CoordDimensions::xy()).unwrap();
            assert_eq!(read(&bytes).unwrap().as_ref(), Some(&geometry));
            for end in 0..bytes.len() {
                assert!(read(&bytes[..end]).is_err(), "cut at {end}: {geometry:?}");
            }
        }
    }

    #[test]
    fn heights_and_measures_are_left_out_and_counts_need_bytes() {
        let point = |kind: u32, numbers: &[f64]| {
            let mut bytes = vec![1];
            bytes.extend(kind.to_le_bytes());
            for n in numbers {
                bytes.extend(n.to_le_bytes());
            }
            bytes
        };
        let wanted = Some(point!(x: 1.0, y: 2.0).into());
        for (kind, more) in [(1, 0), (1001, 1), (2001, 1), (3001, 2), (0x8000_0001, 1), (0xC000_0001, 2)] {
            let numbers = [1.0, 2.0, 3.0, 4.0];
            assert_eq!(read(&point(kind, &numbers[..2 + more])).unwrap(), wanted, "{kind}");
        }
        assert_eq!(read(&point(1, &[f64::NAN, f64::NAN])).unwrap(), None, "an empty point");
        let mut many = vec![1, 2, 0, 0, 0];
        many.extend(u32::MAX.to_le_bytes());
        assert!(read(&many).unwrap_err().contains("no bytes"));
        let nested: Vec<u8> = [1, 7, 0, 0, 0, 1, 0, 0, 0].repeat(100_000);
        assert!(read(&nested).unwrap_err().contains("too deep"));
        assert!(read(&[1, 8, 0, 0, 0, 0, 0, 0, 0]).unwrap_err().contains("curves"));
    }
}
