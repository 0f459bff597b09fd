//! From the inputs that say where and when to a request of a cube; the same members in every
//! process that reads scenes.

use geo::{Geometry, MultiPolygon};

use super::inputs::InputFaults;
use super::{DataSource, ProcessError};
use crate::crs::{Bounds, Crs, NamedCrs};
use crate::cube::{Area, Band, CloudMask, CubeRequest};
use crate::ogc::{AreaInput, BboxInput, DateInterval};

/// The members of a process's inputs that choose scenes and the grid.
#[derive(Clone, Copy, Debug, Default)]
pub struct Choice<'a> {
    /// `area`.
    pub area: Option<&'a AreaInput>,
    /// `dates`.
    pub dates: Option<DateInterval>,
    /// `resolution`.
    pub resolution: Option<f64>,
    /// `crs`.
    pub crs: Option<&'a str>,
    /// `maxCloudCover`.
    pub max_cloud_cover: Option<f64>,
    /// `cloudMask`.
    pub cloud_mask: CloudMask,
    /// `allowTopOfAtmosphere`.
    pub allow_top_of_atmosphere: bool,
}

impl Choice<'_> {
    /// Notes what is wrong with the CRS and the box.
    pub fn check(&self, faults: &mut InputFaults) {
        check_crs("crs", self.crs, faults);
        check_area(self.area, faults);
    }

    /// The request for these bands.
    ///
    /// # Errors
    /// [`ProcessError::Input`] naming `area` or `crs`.
    pub fn request(&self, bands: Vec<Band>, data: &dyn DataSource) -> Result<CubeRequest, ProcessError> {
        Ok(CubeRequest {
            bands,
            resolution: self.resolution,
            crs: self.crs.map(|text| parse_crs("crs", text)).transpose()?,
            area: self.area.map(|area| parse_area(area, data)).transpose()?,
            dates: self.dates.map(|d| (d.first, d.last)),
            // At 100 nothing is left out: a scene that is all cloud by its metadata may still
            // have clear pixels by its mask.
            max_cloud_cover: self.max_cloud_cover.map(|c| c as f32).filter(|c| *c < 100.0),
            cloud_mask: self.cloud_mask,
            allow_top_of_atmosphere: self.allow_top_of_atmosphere,
        })
    }
}

/// Parses a CRS.
///
/// # Errors
/// [`ProcessError::Input`] naming `input`.
pub(super) fn parse_crs(input: &str, text: &str) -> Result<Crs, ProcessError> {
    NamedCrs::parse(text).map(|named| named.crs).map_err(|e| ProcessError::input(input, e))
}

/// Notes a text that is no CRS.
pub(super) fn check_crs(input: &str, text: Option<&str>, faults: &mut InputFaults) {
    faults.note(text.map(|text| parse_crs(input, text)).transpose());
}

/// Notes a box that is none. Polygons are looked at when they are read.
pub(super) fn check_area(area: Option<&AreaInput>, faults: &mut InputFaults) {
    if let Some(AreaInput::Bbox(input)) = area {
        faults.note(parse_box(input));
    }
}

/// A box, x before y whatever the order of its CRS is.
fn parse_box(input: &BboxInput) -> Result<(Bounds, Crs), ProcessError> {
    let named = input.crs.as_deref().map_or_else(|| Ok(NamedCrs::usual()), NamedCrs::parse);
    let named = named.map_err(|e| ProcessError::input("area.crs", e))?;
    let [min_x, min_y, max_x, max_y] = named.x_first(input.bbox);
    let refuse = |why: String| Err(ProcessError::input("area.bbox", why));
    if named.crs.is_geographic() {
        if let Some(latitude) = [min_y, max_y].into_iter().find(|y| !(-90.0..=90.0).contains(y)) {
            let order = match (named.north_first, &input.crs) {
                (true, Some(crs)) => format!("`{crs}` has latitude before longitude"),
                _ => "longitude stands before latitude".to_owned(),
            };
            return refuse(format!("{latitude} is no latitude: {order}"));
        }
        if let Some(longitude) = [min_x, max_x].into_iter().find(|x| !(-180.0..=180.0).contains(x)) {
            return refuse(format!("{longitude} is no longitude within -180 to 180 degrees"));
        }
        if min_x > max_x {
            let why = format!(
                "west ({min_x}) is over east ({max_x}): a box across the antimeridian is not mapped in one; ask for \
                 each side by itself, or give the area as polygons"
            );
            return refuse(why);
        }
    }
    // Written so that NaN is refused too.
    if !(min_x < max_x && min_y < max_y) {
        return refuse("expected [minX, minY, maxX, maxY] with minX < maxX and minY < maxY".to_owned());
    }
    Ok((Bounds { min_x, min_y, max_x, max_y }, named.crs))
}

/// A box, or all polygons of a file as one.
///
/// # Errors
/// [`ProcessError::Input`] naming `area`.
pub(super) fn parse_area(area: &AreaInput, data: &dyn DataSource) -> Result<Area, ProcessError> {
    match area {
        AreaInput::Bbox(input) => parse_box(input).map(|(bounds, crs)| Area::Box(bounds, crs)),
        AreaInput::Polygons(file) => {
            let table = data.features("area", file)?;
            let mut all = MultiPolygon::new(Vec::new());
            for (i, feature) in table.features.iter().enumerate() {
                match &feature.geometry {
                    Geometry::Polygon(p) => all.0.push(p.clone()),
                    Geometry::MultiPolygon(p) => all.0.extend(p.iter().cloned()),
                    _ => {
                        let message = format!("feature {} is not a polygon", i + 1);
                        return Err(ProcessError::input("area", message));
                    }
                }
            }
            Ok(Area::Polygons(all))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::testing::nowhere;

    #[test]
    fn bad_choices_are_named() {
        let memory = nowhere();
        let ask = |choice: Choice<'_>| choice.request(Vec::new(), &memory);
        let bad = |choice| ask(choice).unwrap_err().to_string();
        assert!(bad(Choice { crs: Some("EPSG:no"), ..Choice::default() }).starts_with("input `crs`"));
        let area = AreaInput::Bbox(BboxInput { bbox: [2.0, 0.0, 1.0, 1.0], crs: None });
        assert!(bad(Choice { area: Some(&area), ..Choice::default() }).starts_with("input `area.bbox`"));
        let area = AreaInput::Bbox(BboxInput { bbox: [0.0, 0.0, 1.0, 1.0], crs: Some("OGC:CRS84".into()) });
        assert!(ask(Choice { area: Some(&area), ..Choice::default() }).is_ok());
    }
}
