//! Legends as pictures: swatches, ramps and symbols with their names, as PNG.

use embedded_graphics::mono_font::MonoFont;
use embedded_graphics::mono_font::iso_8859_1::{FONT_9X15, FONT_9X15_BOLD};
use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::prelude::*;
use embedded_graphics::primitives::{Rectangle, Triangle};
use embedded_graphics::text::Alignment;

use super::canvas::Canvas;
use super::legend::{EntryValue, share};
use super::{Paint, Style, along};
use crate::classmap::{Hex, Symbol};

const MARGIN: i32 = 10;
const LINE: i32 = 22;
const SWATCH: Size = Size::new(26, 14);
/// Width and height of a ramp.
const RAMP: (i32, i32) = (26, 150);
const LETTER: usize = 9;

const INK: Rgb888 = Rgb888::BLACK;
const PAPER: Rgb888 = Rgb888::WHITE;

fn rgb(Hex([r, g, b]): Hex) -> Rgb888 {
    Rgb888::new(r, g, b)
}

fn write(canvas: &mut Canvas, text: &str, x: i32, y: i32, font: &MonoFont<'_>) {
    canvas.text(text, x, y, font, INK, Alignment::Left);
}

/// A colour over paper.
fn over_paper([r, g, b, opacity]: [u8; 4]) -> Rgb888 {
    let share = f64::from(opacity) / 255.0;
    let mix = |c: u8| (f64::from(c) * share + 255.0 * (1.0 - share)).round() as u8;
    Rgb888::new(mix(r), mix(g), mix(b))
}

/// The legend of a style as the bytes of a PNG. Names are in English: its letters are Latin.
///
/// # Errors
/// The encoder's.
pub fn picture(style: &Style) -> Result<Vec<u8>, String> {
    let entries = style.entries();
    let ramp = matches!(style.paint, Paint::Ramp { .. });
    let notes = wrapped(style.note.as_deref().unwrap_or_default());
    let widest = entries.iter().map(|e| 36 + LETTER * e.label.chars().count());
    let texts = notes.iter().chain([&style.title]).map(|t| LETTER * t.chars().count());
    let width = widest.chain(texts).max().unwrap_or(0) as i32 + 2 * MARGIN;
    let body = if ramp { RAMP.1 + LINE } else { LINE * entries.len() as i32 };
    let height = 2 * MARGIN + LINE + 4 + body + 18 * notes.len() as i32;
    let mut canvas = Canvas::new(width as u32, height as u32);
    write(&mut canvas, &style.title, MARGIN, MARGIN, &FONT_9X15_BOLD);
    let top = MARGIN + LINE + 4;
    match &style.paint {
        Paint::Classes(legend) => {
            for (k, class) in legend.classes.iter().enumerate() {
                let y = top + LINE * k as i32;
                let swatch = Rectangle::new(Point::new(MARGIN, y), SWATCH);
                canvas.shape(swatch, rgb(Hex(class.color)), INK);
                write(&mut canvas, &class.name, MARGIN + 36, y, &FONT_9X15);
            }
        }
        Paint::Ramp { stops, range, .. } => {
            for y in 0..RAMP.1 {
                // The greatest above.
                let color = over_paper(along(stops, 1.0 - f64::from(y) / f64::from(RAMP.1 - 1)));
                let line = Rectangle::new(Point::new(MARGIN, top + 7 + y), Size::new(RAMP.0 as u32, 1));
                canvas.shape(line, color, color);
            }
            for entry in &entries {
                let EntryValue::Number(number) = entry.value else { continue };
                let y = top + ((1.0 - share(*range, number)) * f64::from(RAMP.1 - 1)).round() as i32;
                write(&mut canvas, &entry.label, MARGIN + 36, y, &FONT_9X15);
            }
        }
        Paint::Symbol(symbol) => {
            draw_symbol(&mut canvas, symbol, Point::new(MARGIN, top));
            write(&mut canvas, &style.title, MARGIN + 36, top, &FONT_9X15);
        }
    }
    for (k, line) in notes.iter().enumerate() {
        write(&mut canvas, line, MARGIN, top + body + 4 + 18 * k as i32, &FONT_9X15);
    }
    canvas.png().map_err(|e| e.to_string())
}

fn draw_symbol(canvas: &mut Canvas, symbol: &Symbol, at: Point) {
    match symbol {
        Symbol::Polygon { fill, opacity, outline, .. } => {
            let [r, g, b] = fill.0;
            let inside = over_paper([r, g, b, (opacity * 255.0).round() as u8]);
            canvas.shape(Rectangle::new(at, SWATCH), inside, rgb(*outline));
        }
        Symbol::Point { shape, fill, outline, .. } => {
            let (middle, half) = (at + Point::new(13, 7), 7);
            let line = if rgb(*outline) == PAPER { rgb(*fill) } else { rgb(*outline) };
            if shape == "diamond" {
                for side in [-1, 1] {
                    let tip = middle + Point::new(0, side * half);
                    let (left, right) = (middle - Point::new(half, 0), middle + Point::new(half, 0));
                    canvas.shape(Triangle::new(left, tip, right), rgb(*fill), line);
                }
            } else {
                let circle = embedded_graphics::primitives::Circle::with_center(middle, 2 * half as u32);
                canvas.shape(circle, rgb(*fill), line);
            }
        }
    }
}

/// Lines of at most 32 letters.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.len() + word.len() < 32 => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
