//! How much a request asks for, where the request itself tells.

use serde_json::Value;

use super::error::ApiError;
use crate::crs::{Crs, NamedCrs};
use crate::ogc::outputs::{essence, media_types};
use crate::ogc::{Execute, ProcessDescription};

/// Metres of a degree of latitude, a little less than it is anywhere.
const DEGREE_M: f64 = 110_500.0;

/// Whether a process maps every pixel of its cube: then the budget of pixels holds.
pub fn maps(process: &ProcessDescription) -> bool {
    let raster = |output: &Value| media_types(&output["schema"]).iter().any(|t| essence(t) == "image/tiff");
    process.inputs.contains_key("cube") && process.outputs.values().any(raster)
}

/// Refuses an area that is beyond the budget already for a single date, before the job is queued.
/// The dates are known once the cube is open, and the budget is looked at again then.
///
/// # Errors
/// 400 naming the limit and what was asked.
pub fn check(asked: &Execute, process: &ProcessDescription, most: u64) -> Result<(), ApiError> {
    let Some(pixels) = maps(process).then(|| fewest_pixels(asked)).flatten() else { return Ok(()) };
    if pixels <= most as f64 {
        return Ok(());
    }
    let why = format!(
        "asks for at least {pixels:.0} pixels on each date, more than the {most} pixels x dates that this server \
         takes (`limits.pixels`); choose a smaller area or a coarser resolution"
    );
    Err(ApiError::input("area", why))
}

/// Pixels of the box that is asked for, rather too few than too many; none where the request does
/// not tell.
fn fewest_pixels(asked: &Execute) -> Option<f64> {
    let area = asked.inputs.get("area")?;
    let corners = area.get("bbox").unwrap_or(area).as_array()?;
    let corners: Vec<f64> = corners.iter().map_while(Value::as_f64).collect();
    let corners: [f64; 4] = corners.try_into().ok()?;
    let step = asked.inputs.get("resolution")?.as_f64().filter(|step| *step > 0.0)?;
    let named = |value: Option<&Value>| value.and_then(Value::as_str).map(NamedCrs::parse).transpose().ok();
    let of_area = named(area.get("crs"))?.unwrap_or_else(NamedCrs::usual);
    let of_map = named(asked.inputs.get("crs"))?.map(|named| named.crs);
    let [left, bottom, right, top] = of_area.x_first(corners);
    let (width, height) = ((right - left).max(0.0), (top - bottom).max(0.0));
    let pixels = match &of_map {
        Some(map) if *map == of_area.crs => (width / step) * (height / step),
        _ if of_area.crs == Crs::wgs84() => {
            let narrowest = bottom.abs().max(top.abs()).min(90.0).to_radians().cos();
            (width * DEGREE_M * narrowest / step) * (height * DEGREE_M / step)
        }
        _ => return None,
    };
    pixels.is_finite().then_some(pixels)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::process::find;

    #[test]
    fn an_area_tells_its_pixels_where_it_can() {
        let fewest = |inputs: Value| {
            let pixels = fewest_pixels(&Execute::parse(json!({"inputs": inputs})).unwrap());
            pixels.map(|p| p.round() as u64)
        };
        let utm = |crs: &str| json!({"area": {"bbox": [0, 0, 1000, 500], "crs": crs}, "resolution": 10, "crs": "EPSG:32649"});
        assert_eq!(fewest(utm("epsg:32649")), Some(5000));
        assert_eq!(fewest(utm("EPSG:32650")), None);
        let urn = json!({"bbox": [27, 113, 28, 114], "crs": "urn:ogc:def:crs:EPSG::4326"});
        let swapped = fewest(json!({"area": urn, "resolution": 10})).unwrap();
        assert_eq!(fewest(json!({"area": [113, 27, 114, 28], "resolution": 10})), Some(swapped));
        assert_eq!(fewest(json!({"area": [0, 0, 1, 1], "resolution": 0.1, "crs": "EPSG:4326"})), Some(100));
        let metres = fewest(json!({"area": {"bbox": [113, 27, 114, 28]}, "resolution": 10})).unwrap();
        assert!((105_000_000..110_000_000).contains(&metres), "{metres}");
        for untold in [
            json!({"area": [0, 0, 1, 1]}),
            json!({"resolution": 10}),
            json!({"area": "a.gpkg", "resolution": 1}),
        ] {
            assert_eq!(fewest(untold), None);
        }
    }

    #[test]
    fn only_what_maps_has_a_budget() {
        let maps = |id: &str| maps(&find(id).unwrap().describe());
        assert!(maps("rice-map") && maps("stress-map") && maps("monitor"));
        assert!(!maps("index-series") && !maps("train-rice") && !maps("mine-heatmap") && !maps("echo"));
    }
}
