//! Which scale and offset hold for a band, and in which units they are written.

use crate::io::raster_file::RasterFile;

use super::baseline::OFFSET;
use super::reflectance::Reflectance;
use super::scene::{Asset, Scene};

/// A scale of this or more divides: it is a quantification such as 10000.
const LEAST_QUANTIFICATION: f64 = 50.0;

/// The lowest offset of reflectance that is believed; Landsat's is -0.2.
const LEAST_OFFSET: f64 = -0.5;

/// The meaning of an asset's values, and how it was found.
#[derive(Debug)]
pub struct Calibrated {
    /// Scale, offset, nodata.
    pub reflectance: Reflectance,
    /// What a user should know about how scale and offset were read.
    pub note: Option<String>,
    /// No offset is stated by anybody, and none was assumed.
    pub assumed: bool,
}

/// Scale and offset in the order of precedence: what is declared for the asset, the file's own
/// band tags, what the scene's baseline implies.
///
/// # Errors
/// What is wrong with scale or offset, and the way out.
pub fn calibrate(asset: &Asset, scene: &Scene, file: &RasterFile) -> Result<Calibrated, String> {
    let tags = file.calibration[asset.band - 1].filter(|t| file.floating || *t != (1.0, 0.0));
    let usual = if file.floating { 1.0 } else { 1e-4 };
    let (mut note, mut assumed) = (None, false);
    let (scale, offset) = match (asset.scale, asset.offset, tags) {
        (Some(scale), Some(offset), Some(tags)) => {
            if !same((scale, offset), tags) {
                note = Some(format!(
                    "scale {scale} and offset {offset} are used, as declared; the file's own band tags say {} and {}",
                    tags.0, tags.1
                ));
            }
            (scale, offset)
        }
        (Some(scale), Some(offset), None) => (scale, offset),
        // A scale without an offset is a complete statement, unless the file has the rest of it.
        (Some(scale), None, Some(tags)) if same((scale, tags.1), tags) => tags,
        (Some(scale), None, _) => {
            if !file.floating && scene.offset.is_some_and(|o| o != 0.0) {
                note = Some(format!(
                    "a scale of {scale} is declared without an offset, so none is taken, although the processing \
                     baseline has {OFFSET}"
                ));
            }
            (scale, 0.0)
        }
        (None, Some(offset), tags) => (tags.map_or(usual, |t| t.0), offset),
        (None, None, Some(tags)) => tags,
        (None, None, None) if file.floating => (usual, 0.0),
        (None, None, None) => {
            assumed = scene.offset.is_none();
            (usual, scene.offset.unwrap_or(0.0))
        }
    };
    let (scale, mut offset, units) = in_reflectance(scale, offset)?;
    if let Some(units) = units {
        note = Some(units);
    }
    // earth-search subtracts the offset from the pixels, says so, and keeps it in raster:bands all
    // the same (its issues 24 and 66).
    if scene.offset_applied && asset.offset.is_some() && (offset - OFFSET).abs() < 1e-9 {
        offset = 0.0;
    }
    let own = file.nodata[asset.band - 1];
    let reflectance = Reflectance {
        scale: scale as f32,
        offset: offset as f32,
        nodata: [asset.nodata, own].map(|n| n.filter(|n| !n.is_nan())),
        surface: true,
    };
    Ok(Calibrated { reflectance, note, assumed })
}

/// Whether two statements of scale and offset are one, whatever the units of each.
fn same(a: (f64, f64), b: (f64, f64)) -> bool {
    let near = |a: f64, b: f64| (a - b).abs() <= 1e-6 * a.abs().max(b.abs());
    let plain = |(scale, offset)| in_reflectance(scale, offset).map_or((scale, offset), |u| (u.0, u.1));
    let (a, b) = (plain(a), plain(b));
    near(a.0, b.0) && near(a.1, b.1)
}

/// Scale and offset in units of reflectance. A scale of 10000 is a quantification, and an offset
/// of -1000 beside a scale of 0.0001 is in digital numbers: read so, with a note.
///
/// # Errors
/// What cannot be meant.
pub fn in_reflectance(scale: f64, offset: f64) -> Result<(f64, f64, Option<String>), String> {
    if !scale.is_finite() || scale <= 0.0 {
        return Err(format!("a scale of {scale} leaves no reflectance; reflectance = DN x scale + offset"));
    }
    let mut notes = Vec::new();
    let plain_scale = if scale >= LEAST_QUANTIFICATION {
        notes.push(format!("a scale of {scale} is read as a divisor, reflectance = DN / {scale}"));
        1.0 / scale
    } else {
        scale
    };
    let mut plain_offset = offset;
    if offset.abs() > 1.0 && plain_scale <= 0.1 {
        plain_offset = offset * plain_scale;
        notes
            .push(format!("an offset of {offset} is read in digital numbers, {plain_offset} of reflectance"));
    }
    if !(LEAST_OFFSET..=-LEAST_OFFSET).contains(&plain_offset) || (offset > 1.0 && plain_offset > 0.0) {
        return Err(format!(
            "an offset of {offset} beside a scale of {scale} leaves no reflectance; reflectance = DN x scale + offset, \
             so 10000 parts with 1000 added are scale 0.0001 and offset -0.1"
        ));
    }
    Ok((plain_scale, plain_offset, (!notes.is_empty()).then(|| notes.join("; "))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scale_and_offset_are_read_in_their_units_or_refused() {
        let read = |scale, offset| in_reflectance(scale, offset).map(|(s, o, note)| (s, o, note.is_some()));
        assert_eq!(read(1e-4, -0.1), Ok((1e-4, -0.1, false)));
        assert_eq!(read(2.75e-5, -0.2), Ok((2.75e-5, -0.2, false)));
        assert_eq!(read(1e-4, -1000.0), Ok((1e-4, -0.1, true)));
        assert_eq!(read(10000.0, 0.0), Ok((1e-4, 0.0, true)));
        assert_eq!(read(10000.0, -1000.0), Ok((1e-4, -0.1, true)));
        assert_eq!(read(1.0, 0.0), Ok((1.0, 0.0, false)));
        for (scale, offset) in
            [(0.0, 0.0), (-1e-4, 0.0), (1.0, -1000.0), (1e-4, 1000.0), (1e-4, f64::NAN), (f64::NAN, 0.0)]
        {
            assert!(in_reflectance(scale, offset).is_err(), "{scale} {offset}");
        }
        assert!(in_reflectance(1e-4, 1000.0).unwrap_err().contains("offset -0.1"));
    }
}
