//! What legends and quick looks are drawn on: pixels that are white at first, and a PNG at the end.

use embedded_graphics::mono_font::{MonoFont, MonoTextStyle};
use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::prelude::*;
use embedded_graphics::primitives::{Line, PrimitiveStyle, PrimitiveStyleBuilder, Rectangle, Styled};
use embedded_graphics::text::{Alignment, Baseline, Text, TextStyleBuilder};

/// Pixels of a picture. What lies outside of it is not drawn.
pub struct Canvas {
    /// Pixels along x.
    pub width: u32,
    /// Pixels along y.
    pub height: u32,
    rgb: Vec<u8>,
}

impl Canvas {
    /// A white one.
    pub fn new(width: u32, height: u32) -> Self {
        Self { width, height, rgb: vec![255; (width * height * 3) as usize] }
    }

    /// Colours a pixel.
    pub fn set(&mut self, x: i32, y: i32, colour: Rgb888) {
        if x >= 0 && y >= 0 && x < self.width as i32 && y < self.height as i32 {
            let at = 3 * (y as usize * self.width as usize + x as usize);
            self.rgb[at..at + 3].copy_from_slice(&[colour.r(), colour.g(), colour.b()]);
        }
    }

    /// Fills a rectangle.
    pub fn fill(&mut self, x: i32, y: i32, width: i32, height: i32, colour: Rgb888) {
        let _ = rectangle(x, y, width, height).into_styled(PrimitiveStyle::with_fill(colour)).draw(self);
    }

    /// Draws the border of a rectangle.
    pub fn frame(&mut self, x: i32, y: i32, width: i32, height: i32, colour: Rgb888) {
        let _ = rectangle(x, y, width, height).into_styled(PrimitiveStyle::with_stroke(colour, 1)).draw(self);
    }

    /// Draws a line.
    pub fn line(&mut self, x0: i32, y0: i32, x1: i32, y1: i32, colour: Rgb888) {
        let line = Line::new(Point::new(x0, y0), Point::new(x1, y1));
        let _ = line.into_styled(PrimitiveStyle::with_stroke(colour, 1)).draw(self);
    }

    /// Draws a shape and its border.
    pub fn shape<P>(&mut self, shape: P, fill: Rgb888, line: Rgb888)
    where
        P: Primitive,
        Styled<P, PrimitiveStyle<Rgb888>>: Drawable<Color = Rgb888>,
    {
        let style = PrimitiveStyleBuilder::new().fill_color(fill).stroke_color(line).stroke_width(1).build();
        let _ = shape.into_styled(style).draw(self);
    }

    /// Writes a line of text whose upper edge is at `y`.
    pub fn text(
        &mut self,
        text: &str,
        x: i32,
        y: i32,
        font: &MonoFont<'_>,
        colour: Rgb888,
        alignment: Alignment,
    ) {
        let style = TextStyleBuilder::new().baseline(Baseline::Top).alignment(alignment).build();
        let character = MonoTextStyle::new(font, colour);
        let _ = Text::with_text_style(text, Point::new(x, y), character, style).draw(self);
    }

    /// The bytes of a file.
    ///
    /// # Errors
    /// The encoder's.
    pub fn png(&self) -> Result<Vec<u8>, png::EncodingError> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, self.width, self.height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.write_header()?.write_image_data(&self.rgb)?;
        Ok(bytes)
    }
}

fn rectangle(x: i32, y: i32, width: i32, height: i32) -> Rectangle {
    Rectangle::new(Point::new(x, y), Size::new(width.max(0) as u32, height.max(0) as u32))
}

impl OriginDimensions for Canvas {
    fn size(&self) -> Size {
        Size::new(self.width, self.height)
    }
}

impl DrawTarget for Canvas {
    type Color = Rgb888;
    type Error = std::convert::Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<Rgb888>>>(&mut self, pixels: I) -> Result<(), Self::Error> {
        for Pixel(point, colour) in pixels {
            self.set(point.x, point.y, colour);
        }
        Ok(())
    }
}
