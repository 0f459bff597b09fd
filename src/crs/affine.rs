//! The affine transform from pixel to map coordinates.

/// Pixel to map coordinates, in GDAL's order:
/// `x = c[0] + col c[1] + row c[2]`, `y = c[3] + col c[4] + row c[5]`.
/// Pixel (0, 0) has its upper left corner at `col = row = 0`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Affine(pub [f64; 6]);

impl Affine {
    /// A north-up transform from its upper left corner and pixel size (both sizes positive).
    pub fn north_up(x: f64, y: f64, pixel_width: f64, pixel_height: f64) -> Self {
        Self([x, pixel_width, 0.0, y, 0.0, -pixel_height])
    }

    /// Map coordinates of a pixel position (fractions allowed).
    pub fn apply(&self, col: f64, row: f64) -> (f64, f64) {
        let c = &self.0;
        (c[0] + col * c[1] + row * c[2], c[3] + col * c[4] + row * c[5])
    }

    /// Pixel position (col, row) of map coordinates; `None` where the transform has no inverse.
    pub fn invert(&self, x: f64, y: f64) -> Option<(f64, f64)> {
        let c = &self.0;
        let determinant = c[1] * c[5] - c[2] * c[4];
        if determinant == 0.0 || !determinant.is_finite() {
            return None;
        }
        let (dx, dy) = (x - c[0], y - c[3]);
        Some(((c[5] * dx - c[2] * dy) / determinant, (c[1] * dy - c[4] * dx) / determinant))
    }

    /// Width and height of a pixel in map units.
    pub fn pixel_size(&self) -> (f64, f64) {
        let c = &self.0;
        (c[1].hypot(c[4]), c[2].hypot(c[5]))
    }

    /// Whether rows run south and columns east.
    pub fn is_north_up(&self) -> bool {
        let c = &self.0;
        c[2] == 0.0 && c[4] == 0.0 && c[1] > 0.0 && c[5] < 0.0
    }
}
