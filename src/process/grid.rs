//! From the inputs that say where and when to a request of a cube; the same members in every
//! process that reads scenes.

use geo::{Geometry, MultiPolygon};

use super::{DataSource, ProcessError};
use crate::crs::{Bounds, Crs};
use crate::cube::{Area, Band, CloudMask, CubeRequest};
use crate::ogc::{AreaInput, DateInterval};

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
    /// The request for these bands.
    ///
    /// # Errors
    /// [`ProcessError::Input`] naming `area`, `resolution`, `crs` or `maxCloudCover`.
    pub fn request(&self, bands: Vec<Band>, data: &dyn DataSource) -> Result<CubeRequest, ProcessError> {
        if let Some(resolution) = self.resolution.filter(|r| !(r.is_finite() && *r > 0.0)) {
            return Err(ProcessError::input("resolution", format!("{resolution} is not above 0")));
        }
        if let Some(cover) = self.max_cloud_cover.filter(|c| !(0.0..=100.0).contains(c)) {
            let message = format!("{cover} % is not between 0 and 100 %");
            return Err(ProcessError::input("maxCloudCover", message));
        }
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
    // CRS84 is WGS 84 with longitude first, which is how every CRS is read here.
    if text.to_ascii_uppercase().ends_with("CRS84") {
        return Ok(Crs::wgs84());
    }
    Crs::parse(text).map_err(|e| ProcessError::input(input, e))
}

/// A box, or all polygons of a file as one.
///
/// # Errors
/// [`ProcessError::Input`] naming `area`.
pub(super) fn parse_area(area: &AreaInput, data: &dyn DataSource) -> Result<Area, ProcessError> {
    match area {
        AreaInput::Bbox(input) => {
            let [min_x, min_y, max_x, max_y] = input.bbox;
            // Written so that NaN is refused too.
            if !(min_x < max_x && min_y < max_y) {
                let message = "expected [minX, minY, maxX, maxY] with minX < maxX and minY < maxY";
                return Err(ProcessError::input("area.bbox", message));
            }
            let crs = input.crs.as_deref().map_or_else(|| Ok(Crs::wgs84()), |c| parse_crs("area.crs", c))?;
            Ok(Area::Box(Bounds { min_x, min_y, max_x, max_y }, crs))
        }
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
    use crate::ogc::BboxInput;
    use crate::process::testing::nowhere;

    #[test]
    fn bad_choices_are_named() {
        let memory = nowhere();
        let ask = |choice: Choice<'_>| choice.request(Vec::new(), &memory);
        let bad = |choice| ask(choice).unwrap_err().to_string();
        assert!(bad(Choice { resolution: Some(0.0), ..Choice::default() }).starts_with("input `resolution`"));
        assert!(
            bad(Choice { max_cloud_cover: Some(101.0), ..Choice::default() })
                .starts_with("input `maxCloudCover`")
        );
        assert!(bad(Choice { crs: Some("EPSG:no"), ..Choice::default() }).starts_with("input `crs`"));
        let area = AreaInput::Bbox(BboxInput { bbox: [2.0, 0.0, 1.0, 1.0], crs: None });
        assert!(bad(Choice { area: Some(&area), ..Choice::default() }).starts_with("input `area.bbox`"));
        let area = AreaInput::Bbox(BboxInput { bbox: [0.0, 0.0, 1.0, 1.0], crs: Some("OGC:CRS84".into()) });
        assert!(ask(Choice { area: Some(&area), ..Choice::default() }).is_ok());
    }
}
