//! Coordinate reference systems and transforms between them (PROJ, through GDAL).

use super::Bounds;
use gdal::spatial_ref::{AxisMappingStrategy, CoordTransform, SpatialRef};

/// What can go wrong with a coordinate reference system.
#[derive(Debug, thiserror::Error)]
pub enum CrsError {
    /// The text names no coordinate reference system that PROJ knows.
    #[error(
        "`{definition}` is not a coordinate reference system of a map, such as EPSG:32649 or EPSG:4326: {reason}"
    )]
    Unknown {
        /// What was given.
        definition: String,
        /// Why not.
        reason: String,
    },
    /// PROJ has no way from one system to the other, or a point falls outside it.
    #[error("cannot transform from {from} to {to}: {reason}")]
    NoTransform {
        /// The source system.
        from: String,
        /// The target system.
        to: String,
        /// What PROJ says.
        reason: String,
    },
}

/// A coordinate reference system. Axis order is always x (east, longitude), y (north, latitude).
#[derive(Clone, Debug)]
pub struct Crs {
    wkt: String,
    epsg: Option<u32>,
    geographic: bool,
}

impl PartialEq for Crs {
    fn eq(&self, other: &Self) -> bool {
        match (self.epsg, other.epsg) {
            (Some(a), Some(b)) => a == b,
            _ => {
                self.wkt == other.wkt
                    || matches!((spatial_ref(&self.wkt), spatial_ref(&other.wkt)), (Ok(a), Ok(b)) if a == b)
            }
        }
    }
}

impl Crs {
    /// Parses `EPSG:32649`, an OGC URI or URN, WKT or a PROJ string.
    ///
    /// # Errors
    /// [`CrsError::Unknown`] where PROJ does not know it.
    pub fn parse(definition: &str) -> Result<Self, CrsError> {
        let definition = definition.trim();
        if !is_definition(definition) {
            return Err(unknown(definition, "expected a code, an OGC URI or URN, WKT or a PROJ string"));
        }
        let reference = spatial_ref(definition)?;
        // Heights, and metres from the Earth's centre, lie on no map.
        if !(reference.is_projected() || reference.is_geographic()) {
            return Err(unknown(definition, "it is neither projected nor geographic"));
        }
        Self::from_spatial_ref(&reference).map_err(|e| unknown(definition, &e.to_string()))
    }

    /// The system with this EPSG code.
    ///
    /// # Errors
    /// [`CrsError::Unknown`] where there is none.
    pub fn from_epsg(code: u32) -> Result<Self, CrsError> {
        Self::parse(&format!("EPSG:{code}"))
    }

    /// Longitude and latitude on WGS 84 (EPSG:4326, x before y).
    pub fn wgs84() -> Self {
        Self::from_epsg(4326).expect("PROJ knows EPSG:4326")
    }

    /// The system of an open GDAL data set.
    ///
    /// # Errors
    /// The error of GDAL where the system has no WKT.
    pub fn from_spatial_ref(reference: &SpatialRef) -> Result<Self, gdal::errors::GdalError> {
        let mut copy = reference.clone();
        copy.set_axis_mapping_strategy(AxisMappingStrategy::TraditionalGisOrder);
        let _ = copy.auto_identify_epsg();
        let is_epsg = copy.authority().is_ok_and(|a| a.starts_with("EPSG:"));
        Ok(Self {
            wkt: copy.to_wkt()?,
            epsg: is_epsg.then(|| copy.auth_code().ok()).flatten().and_then(|c| u32::try_from(c).ok()),
            geographic: copy.is_geographic(),
        })
    }

    /// The EPSG code, where one is known.
    pub fn epsg(&self) -> Option<u32> {
        self.epsg
    }

    /// Whether coordinates are degrees.
    pub fn is_geographic(&self) -> bool {
        self.geographic
    }

    /// Well-known text.
    pub fn wkt(&self) -> &str {
        &self.wkt
    }

    /// `EPSG:n`, or the name in the WKT.
    pub fn name(&self) -> String {
        self.epsg.map_or_else(
            || self.wkt.split('"').nth(1).unwrap_or("unnamed").to_owned(),
            |code| format!("EPSG:{code}"),
        )
    }

    /// Whether its authority writes y (north, latitude) before x, as those do that name it by a URI.
    pub fn is_north_first(&self) -> bool {
        let Some(code) = self.epsg else { return false };
        let own = SpatialRef::from_epsg(code);
        let key = if self.geographic { "GEOGCS" } else { "PROJCS" };
        let first = own.and_then(|own| own.axis_name(key, 0)).unwrap_or_default().to_ascii_lowercase();
        first.contains("north") || first.contains("lat")
    }

    /// GDAL's object, with x before y.
    ///
    /// # Errors
    /// [`CrsError::Unknown`] where PROJ refuses its own WKT.
    pub fn to_spatial_ref(&self) -> Result<SpatialRef, CrsError> {
        spatial_ref(&self.wkt)
    }

    /// The way from this system to another. Bound to its thread; make one per thread.
    ///
    /// # Errors
    /// [`CrsError::NoTransform`] where PROJ has none.
    pub fn transformer_to(&self, to: &Self) -> Result<Transformer, CrsError> {
        let fail = |reason: String| CrsError::NoTransform { from: self.name(), to: to.name(), reason };
        let inner = CoordTransform::new(&self.to_spatial_ref()?, &to.to_spatial_ref()?)
            .map_err(|e| fail(e.to_string()))?;
        Ok(Transformer { inner: (self != to).then_some(inner), from: self.name(), to: to.name() })
    }
}

/// A coordinate reference system with the order of axes that its name stands for.
#[derive(Clone, Debug)]
pub struct NamedCrs {
    /// The system; x before y.
    pub crs: Crs,
    /// Whether coordinates under this name have y (north, latitude) before x.
    pub north_first: bool,
}

impl NamedCrs {
    /// Longitude and latitude, in this order.
    pub fn usual() -> Self {
        Self { crs: Crs::wgs84(), north_first: false }
    }

    /// Reads a name as requests and documents have it. URNs and URIs of the OGC
    /// (`urn:ogc:def:crs:EPSG::4326`, `http://www.opengis.net/def/crs/EPSG/0/4326`) have the order of axes of
    /// the authority. CRS84, short names (`EPSG:4326`), the addresses of GML 2 (`…/gml/srs/epsg.xml#4326`) and
    /// WKT have x first.
    ///
    /// # Errors
    /// [`CrsError::Unknown`] where PROJ does not know it.
    pub fn parse(name: &str) -> Result<Self, CrsError> {
        let lower = name.trim().to_ascii_lowercase();
        let code = lower.rsplit([':', '/', '#']).next().unwrap_or_default();
        if code == "crs84" {
            return Ok(Self::usual());
        }
        if !lower.contains("epsg") || code.is_empty() || !code.bytes().all(|b| b.is_ascii_digit()) {
            return Ok(Self { crs: Crs::parse(name)?, north_first: false });
        }
        let crs = Crs::parse(&format!("EPSG:{code}"))?;
        let by_authority = lower.starts_with("urn:") || lower.contains("/def/crs/");
        let north_first = by_authority && crs.is_north_first();
        Ok(Self { crs, north_first })
    }

    /// The corners of a box, x before y.
    pub fn x_first(&self, corners: [f64; 4]) -> [f64; 4] {
        let [a, b, c, d] = corners;
        if self.north_first { [b, a, d, c] } else { corners }
    }
}

fn spatial_ref(definition: &str) -> Result<SpatialRef, CrsError> {
    let known = SpatialRef::from_definition(definition);
    let mut reference = known.map_err(|_| unknown(definition, "PROJ does not know it"))?;
    reference.set_axis_mapping_strategy(AxisMappingStrategy::TraditionalGisOrder);
    Ok(reference)
}

/// Whether a text may define a system by itself: GDAL would open files and links too.
fn is_definition(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let code = |text: &str| {
        text.split_once(':').is_some_and(|(authority, code)| {
            !authority.is_empty()
                && authority.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
                && !code.is_empty()
                && code.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        })
    };
    let wkt = text
        .split_once('[')
        .is_some_and(|(word, _)| word.trim().chars().all(|c| c.is_ascii_alphanumeric() || c == '_'));
    code(text)
        || wkt
        || lower.starts_with("urn:ogc:def:crs")
        || ["http://www.opengis.net/def/crs", "https://www.opengis.net/def/crs", "http://opengis.net/def/crs"]
            .iter()
            .any(|prefix| lower.starts_with(prefix))
        || lower.starts_with("+proj=")
        || ["wgs84", "wgs 84", "crs84"].contains(&lower.as_str())
}

fn unknown(definition: &str, reason: &str) -> CrsError {
    CrsError::Unknown { definition: definition.chars().take(80).collect(), reason: reason.to_owned() }
}

/// A transform between two systems; the identity where they are the same.
#[derive(Debug)]
pub struct Transformer {
    inner: Option<CoordTransform>,
    from: String,
    to: String,
}

impl Transformer {
    /// Transforms points in place.
    ///
    /// # Errors
    /// [`CrsError::NoTransform`] where a point cannot be transformed.
    pub fn apply(&self, xs: &mut [f64], ys: &mut [f64]) -> Result<(), CrsError> {
        let Some(inner) = &self.inner else { return Ok(()) };
        let fail =
            |reason: String| CrsError::NoTransform { from: self.from.clone(), to: self.to.clone(), reason };
        inner.transform_coords(xs, ys, &mut []).map_err(|e| fail(e.to_string()))?;
        if xs.iter().chain(ys.iter()).all(|v| v.is_finite()) {
            Ok(())
        } else {
            Err(fail("a point lies outside the target system".to_owned()))
        }
    }

    /// Transforms points in place; those that have no place there become NaN.
    pub fn apply_each(&self, xs: &mut [f64], ys: &mut [f64]) {
        let (all_x, all_y) = (xs.to_vec(), ys.to_vec());
        if self.apply(xs, ys).is_ok() {
            return;
        }
        for (k, (&x, &y)) in all_x.iter().zip(&all_y).enumerate() {
            let (mut x, mut y) = ([x], [y]);
            let placed = self.apply(&mut x, &mut y).is_ok();
            (xs[k], ys[k]) = if placed { (x[0], y[0]) } else { (f64::NAN, f64::NAN) };
        }
    }

    /// The rectangle around a transformed rectangle, its edges followed in 21 steps each.
    ///
    /// # Errors
    /// [`CrsError::NoTransform`] where a point of its edge cannot be transformed.
    pub fn apply_bounds(&self, bounds: Bounds) -> Result<Bounds, CrsError> {
        if self.is_identity() {
            return Ok(bounds);
        }
        let (mut xs, mut ys) = (Vec::new(), Vec::new());
        for step in 0..=21 {
            let t = f64::from(step) / 21.0;
            let (x, y) = (
                bounds.min_x + (bounds.max_x - bounds.min_x) * t,
                bounds.min_y + (bounds.max_y - bounds.min_y) * t,
            );
            xs.extend([x, x, bounds.min_x, bounds.max_x]);
            ys.extend([bounds.min_y, bounds.max_y, y, y]);
        }
        self.apply(&mut xs, &mut ys)?;
        let least = |v: &[f64]| v.iter().copied().fold(f64::INFINITY, f64::min);
        let most = |v: &[f64]| v.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        Ok(Bounds { min_x: least(&xs), min_y: least(&ys), max_x: most(&xs), max_y: most(&ys) })
    }

    /// Whether both systems are the same.
    pub fn is_identity(&self) -> bool {
        self.inner.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utm_and_back_is_the_same_point() {
        let (utm, wgs) = (Crs::from_epsg(32649).unwrap(), Crs::wgs84());
        let (mut x, mut y) = ([113.05], [27.9]);
        wgs.transformer_to(&utm).unwrap().apply(&mut x, &mut y).unwrap();
        assert!((690_000.0..720_000.0).contains(&x[0]) && (3_080_000.0..3_100_000.0).contains(&y[0]));
        utm.transformer_to(&wgs).unwrap().apply(&mut x, &mut y).unwrap();
        assert!((x[0] - 113.05).abs() < 1e-9 && (y[0] - 27.9).abs() < 1e-9);
    }

    #[test]
    fn authorities_order_axes_as_they_like() {
        for (code, north_first) in [(4326, true), (3857, false), (32649, false), (4490, true), (4525, true)] {
            assert_eq!(Crs::from_epsg(code).unwrap().is_north_first(), north_first, "{code}");
        }
    }

    #[test]
    fn names_by_authority_have_its_order_of_axes_and_short_ones_x_first() {
        for (name, north_first) in [
            ("EPSG:4326", false),
            ("epsg:4490", false),
            ("urn:ogc:def:crs:EPSG::4326", true),
            ("urn:ogc:def:crs:EPSG:6.6:4326", true),
            ("urn:x-ogc:def:crs:EPSG:4326", true),
            ("http://www.opengis.net/def/crs/EPSG/0/4326", true),
            ("https://www.opengis.net/def/crs/EPSG/0/4490", true),
            ("http://www.opengis.net/def/crs/EPSG/0/32649", false),
            ("http://www.opengis.net/gml/srs/epsg.xml#4326", false),
            ("http://www.opengis.net/def/crs/OGC/1.3/CRS84", false),
            ("urn:ogc:def:crs:OGC:1.3:CRS84", false),
            ("OGC:CRS84", false),
            ("CRS84", false),
        ] {
            let named = NamedCrs::parse(name).unwrap();
            assert_eq!(named.north_first, north_first, "{name}");
            let box_ = if north_first { [27.0, 113.0, 28.0, 114.0] } else { [113.0, 27.0, 114.0, 28.0] };
            assert_eq!(named.x_first(box_), [113.0, 27.0, 114.0, 28.0], "{name}");
        }
        for wrong in ["", "EPSG:", "EPSG:99999999", "urn:ogc:def:crs:EPSG::nothing", "/etc/crs84.txt"] {
            assert!(NamedCrs::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn nonsense_is_refused_by_name() {
        let error = Crs::parse("EPSG:nonsense").unwrap_err().to_string();
        assert!(error.contains("EPSG:nonsense"), "{error}");
    }
}
