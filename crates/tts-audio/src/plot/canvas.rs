//! A framebuffer to draw on, and the marks that are made on it.

use std::convert::Infallible;

use embedded_graphics::Pixel;
use embedded_graphics::geometry::{OriginDimensions, Point, Size};
use embedded_graphics::mono_font::ascii::{FONT_7X13, FONT_9X15_BOLD};
use embedded_graphics::mono_font::{MonoFont, MonoTextStyle};
use embedded_graphics::pixelcolor::{Rgb888, RgbColor};
use embedded_graphics::prelude::{DrawTarget, Drawable};
use embedded_graphics::text::{Alignment, Baseline, Text, TextStyleBuilder};

use super::layout::Panel;
use super::picture::Picture;

const BACKGROUND: Rgb888 = Rgb888::WHITE;
pub(super) const INK: Rgb888 = Rgb888::new(51, 56, 66);
pub(super) const GRID: Rgb888 = Rgb888::new(226, 229, 235);

/// Distance of the header from the edges, in pixels.
const HEADER_MARGIN: i32 = 16;

/// A white picture to draw on; what falls outside it is dropped.
pub(super) struct Canvas {
    picture: Picture,
}

impl Canvas {
    pub(super) fn new(width: u32, height: u32) -> Self {
        let bytes = 3 * width as usize * height as usize;
        Self { picture: Picture { width, height, rgb: vec![BACKGROUND.r(); bytes] } }
    }

    pub(super) fn into_picture(self) -> Picture {
        self.picture
    }

    pub(super) fn set(&mut self, x: i32, y: i32, colour: Rgb888) {
        let Picture { width, height, .. } = self.picture;
        let (Ok(x), Ok(y)) = (u32::try_from(x), u32::try_from(y)) else {
            return;
        };
        if x < width && y < height {
            let offset = 3 * (y as usize * width as usize + x as usize);
            let channels = [colour.r(), colour.g(), colour.b()];
            self.picture.rgb[offset..offset + 3].copy_from_slice(&channels);
        }
    }

    /// Colours pixels downwards from (`x`, `top`).
    pub(super) fn column(&mut self, x: i32, top: i32, colours: impl Iterator<Item = Rgb888>) {
        for (y, colour) in (top..).zip(colours) {
            self.set(x, y, colour);
        }
    }

    /// A horizontal line from `left` up to, not including, `right`.
    pub(super) fn horizontal(&mut self, left: i32, right: i32, y: i32, colour: Rgb888) {
        for x in left..right {
            self.set(x, y, colour);
        }
    }

    /// A vertical line from `top` down to, not including, `bottom`.
    pub(super) fn vertical(&mut self, x: i32, top: i32, bottom: i32, colour: Rgb888) {
        for y in top..bottom {
            self.set(x, y, colour);
        }
    }

    /// A line around a panel, just outside it.
    pub(super) fn frame(&mut self, panel: Panel) {
        let (left, right) = (panel.left - 1, panel.right() + 1);
        let (top, bottom) = (panel.top - 1, panel.bottom() + 1);
        self.horizontal(left, right, top, INK);
        self.horizontal(left, right, bottom - 1, INK);
        self.vertical(left, top, bottom, INK);
        self.vertical(right - 1, top, bottom, INK);
    }

    /// A small text, vertically centred on `at`.
    pub(super) fn label(&mut self, text: &str, at: Point, alignment: Alignment) {
        self.text(text, at, alignment, &FONT_7X13);
    }

    /// The title at the top left, shortened to leave room for `summary` at the
    /// top right.
    pub(super) fn header(&mut self, title: &str, summary: &str) {
        const Y: i32 = 20;
        let width = self.picture.width as i32;
        let right = Point::new(width - HEADER_MARGIN, Y);
        self.label(summary, right, Alignment::Right);

        let summary_width = summary.len() as i32 * FONT_7X13.character_size.width as i32;
        let room = width - 3 * HEADER_MARGIN - summary_width;
        let letters = room / FONT_9X15_BOLD.character_size.width as i32;
        let title = shortened(title, letters.try_into().unwrap_or(0));
        let left = Point::new(HEADER_MARGIN, Y);
        self.text(&title, left, Alignment::Left, &FONT_9X15_BOLD);
    }

    fn text(&mut self, text: &str, at: Point, alignment: Alignment, font: &MonoFont) {
        let layout =
            TextStyleBuilder::new().alignment(alignment).baseline(Baseline::Middle).build();
        let style = MonoTextStyle::new(font, INK);
        let Ok(_) = Text::with_text_style(text, at, style, layout).draw(self);
    }
}

/// `title` on one line of at most `letters` letters, with dots where it was cut.
fn shortened(title: &str, letters: usize) -> String {
    let line = title.replace(char::is_control, " ");
    if line.chars().count() <= letters {
        return line;
    }
    match letters.checked_sub(3) {
        Some(kept) => line.chars().take(kept).chain("...".chars()).collect(),
        None => String::new(),
    }
}

impl OriginDimensions for Canvas {
    fn size(&self) -> Size {
        Size::new(self.picture.width, self.picture.height)
    }
}

impl DrawTarget for Canvas {
    type Color = Rgb888;
    type Error = Infallible;

    fn draw_iter<I>(&mut self, pixels: I) -> Result<(), Infallible>
    where
        I: IntoIterator<Item = Pixel<Rgb888>>,
    {
        for Pixel(at, colour) in pixels {
            self.set(at.x, at.y, colour);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_cut_to_fit_on_one_line() {
        assert_eq!(shortened("a\nb", 10), "a b");
        assert_eq!(shortened("0123456789", 10), "0123456789");
        assert_eq!(shortened("0123456789x", 10), "0123456...");
        assert_eq!(shortened("0123", 2), "");
    }

    #[test]
    fn drawing_outside_is_dropped() {
        let mut canvas = Canvas::new(4, 3);
        let blank = canvas.picture.clone();
        for (x, y) in [(-1, 0), (0, -1), (4, 0), (0, 3), (i32::MAX, i32::MIN)] {
            canvas.set(x, y, INK);
        }
        assert_eq!(canvas.into_picture(), blank);
    }
}
