//! From digital numbers to reflectance, and which values are no measurement.

/// Reflectance that can be: below it lies no correction for the atmosphere gone too far, above it
/// no glint, snow or cloud. A scale or offset in other units leaves this range at once.
pub const POSSIBLE: (f32, f32) = (-0.3, 2.0);

/// What makers of signed rasters and of floats write where they have no measurement: GDAL's and
/// HLS's -9999, the least 16-bit number, MAJA's -10000, -999 of Geoscience Australia.
pub const FILLS: [f32; 4] = [-9999.0, -32768.0, -10000.0, -999.0];

/// The DN of a saturated pixel, as Sentinel-2's metadata declare it.
pub const SATURATED: u16 = u16::MAX;

/// Reflectance = DN x scale + offset.
#[derive(Clone, Copy, Debug)]
pub struct Reflectance {
    /// See above.
    pub scale: f32,
    /// See above.
    pub offset: f32,
    /// DN that are no measurement, as declared.
    pub nodata: [Option<f64>; 2],
    /// Whether it is reflectance of a surface: then 0, fills that nobody declared and what lies
    /// beyond [`POSSIBLE`] are missing too.
    pub surface: bool,
}

/// Why a value is taken as missing although nobody declared it so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Odd {
    /// One of [`FILLS`].
    Fill,
    /// Beyond [`POSSIBLE`].
    Beyond,
}

/// What is found of each kind of [`Odd`] in a note.
pub fn describe(odd: Odd) -> String {
    match odd {
        Odd::Fill => {
            "values that look like fill and are declared as nodata nowhere are taken as missing".to_owned()
        }
        Odd::Beyond => {
            format!("reflectance beyond {} to {} is taken as missing", POSSIBLE.0, POSSIBLE.1)
        }
    }
}

impl Reflectance {
    /// The nodata values as floats, NaN for none.
    fn missing(&self) -> [f32; 2] {
        self.nodata.map(|n| n.map_or(f32::NAN, |n| n as f32))
    }

    /// Why a DN is taken as missing although nobody declared it so.
    pub fn odd(&self, dn: f32) -> Option<Odd> {
        if !self.surface || self.is_missing(dn) {
            return None;
        }
        let value = dn * self.scale + self.offset;
        if FILLS.contains(&dn) {
            Some(Odd::Fill)
        } else {
            (value < POSSIBLE.0 || value > POSSIBLE.1).then_some(Odd::Beyond)
        }
    }

    /// Whether a DN is no measurement, as declared or by convention.
    pub fn is_missing(&self, dn: f32) -> bool {
        let convention = self.surface && (dn == 0.0 || dn == f32::from(SATURATED));
        convention || self.missing().contains(&dn) || !dn.is_finite()
    }

    /// DN of which reflectance can be, of a type that ends at `max`; 0 is not one of them.
    pub fn possible(&self, max: u16) -> (u16, u16) {
        let max = f32::from(max);
        let dn = |value: f32| (value - self.offset) / self.scale;
        (dn(POSSIBLE.0).ceil().clamp(1.0, max) as u16, dn(POSSIBLE.1).floor().clamp(0.0, max) as u16)
    }

    pub fn whole(
        &self,
        values: impl Iterator<Item = u16> + Clone,
        (low, high): (u16, u16),
        out: &mut [f32],
    ) -> bool {
        let Self { scale, offset, .. } = *self;
        // A nodata value that the type cannot hold marks nothing.
        let whole = |n: Option<f64>| n.filter(|n| n.fract() == 0.0 && (0.0..=65535.0).contains(n));
        let [first, second] = self.nodata.map(|n| whole(n).map_or(SATURATED, |n| n as u16));
        let mut odd = false;
        for (o, v) in out.iter_mut().zip(values) {
            let there = v != first && v != second && v != SATURATED && (v != 0 || !self.surface);
            let good = there && v >= low && v <= high;
            odd |= there && !good;
            *o = if good { f32::from(v) * scale + offset } else { f32::NAN };
        }
        odd
    }

    pub fn floats(&self, values: &[f32], out: &mut [f32]) -> bool {
        let Self { scale, offset, surface, .. } = *self;
        let [first, second] = self.missing();
        let mut odd = false;
        for (o, &v) in out.iter_mut().zip(values) {
            let there = v != first && v != second && v.is_finite() && !(surface && v == 0.0);
            let value = v * scale + offset;
            let possible = value >= POSSIBLE.0
                && value <= POSSIBLE.1
                && v != FILLS[0]
                && v != FILLS[1]
                && v != FILLS[2]
                && v != FILLS[3];
            let good = there && (possible || !surface);
            odd |= there && !good;
            *o = if good { value } else { f32::NAN };
        }
        odd
    }
}
