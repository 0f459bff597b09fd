//! Pixels and their palette as PNG or WebP.

use std::sync::Arc;

use super::paint::TileError;
use crate::style::Palette;

/// A picture of palette indices; 0 is transparent.
#[derive(Clone, Debug)]
pub struct Indexed {
    /// Columns.
    pub cols: usize,
    /// Rows.
    pub rows: usize,
    /// An index a pixel, row-major.
    pub pixels: Vec<u8>,
    /// Their colours.
    pub palette: Arc<Palette>,
}

/// What a picture is encoded as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Format {
    /// With a palette.
    Png,
    /// Without loss.
    WebP,
}

impl Format {
    /// Every format, the usual one first.
    pub const ALL: [Self; 2] = [Self::Png, Self::WebP];

    /// Its media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::WebP => "image/webp",
        }
    }

    /// The ending of its files, and its name as the parameter `f`.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::WebP => "webp",
        }
    }

    /// The format of a media type or an ending.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_lowercase();
        Self::ALL.into_iter().find(|f| f.media_type() == text || f.ending() == text)
    }
}

impl Indexed {
    /// A picture of nothing.
    pub fn empty(cols: usize, rows: usize) -> Self {
        Self { cols, rows, pixels: vec![0; cols * rows], palette: Arc::new(Palette::empty()) }
    }

    /// The bytes of a file.
    ///
    /// # Errors
    /// [`TileError::Encode`].
    pub fn encode(&self, format: Format) -> Result<Vec<u8>, TileError> {
        match format {
            Format::Png => self.png().map_err(|e| TileError::Encode(e.to_string())),
            Format::WebP => self.webp().map_err(|e| TileError::Encode(e.to_string())),
        }
    }

    fn png(&self) -> Result<Vec<u8>, png::EncodingError> {
        let mut out = Vec::with_capacity(16 << 10);
        let mut encoder = png::Encoder::new(&mut out, self.cols as u32, self.rows as u32);
        encoder.set_color(png::ColorType::Indexed);
        encoder.set_depth(png::BitDepth::Eight);
        let colors = self.palette.colors();
        encoder.set_palette(colors.iter().flat_map(|c| [c[0], c[1], c[2]]).collect::<Vec<u8>>());
        let opaque_from = colors.iter().rposition(|c| c[3] < 255).map_or(0, |k| k + 1);
        encoder.set_trns(colors[..opaque_from].iter().map(|c| c[3]).collect::<Vec<u8>>());
        // A tenth of the time of the usual level, for maps of classes as small.
        encoder.set_compression(png::Compression::Fast);
        encoder.set_filter(png::Filter::Sub);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&self.pixels)?;
        writer.finish()?;
        Ok(out)
    }

    fn webp(&self) -> Result<Vec<u8>, image_webp::EncodingError> {
        let colors = self.palette.colors();
        let color = |&p: &u8| colors.get(usize::from(p)).copied().unwrap_or_default();
        let rgba: Vec<u8> = self.pixels.iter().flat_map(color).collect();
        let mut out = Vec::new();
        let encoder = image_webp::WebPEncoder::new(&mut out);
        encoder.encode(&rgba, self.cols as u32, self.rows as u32, image_webp::ColorType::Rgba8)?;
        Ok(out)
    }
}
