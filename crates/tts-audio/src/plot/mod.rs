//! Pictures of audio: a waveform above a spectrogram.
//!
//! The waveform shows the lowest and highest sample of every pixel column on a
//! fixed scale of -1 to 1, in red where the signal reaches full scale. The
//! spectrogram shows the power of Hann windows of 1024 samples on a linear
//! frequency axis, in dB below the loudest point of the picture.

mod axis;
mod canvas;
mod colour_map;
mod layout;
mod picture;
mod spectrogram;
mod waveform;

use crate::{Audio, Result};
use axis::Axis;
use canvas::Canvas;
use colour_map::colour_of;
use layout::{Layout, Panel};
use spectrogram::{FLOOR_DB, Spectrogram};

pub use layout::{MAX_SIZE, MIN_SIZE};
pub use picture::Picture;

/// How a picture looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlotOptions {
    /// Width in pixels, from [`MIN_SIZE`] to [`MAX_SIZE`].
    pub width: u32,
    /// Height in pixels, from [`MIN_SIZE`] to [`MAX_SIZE`].
    pub height: u32,
    /// Printed at the top left, shortened to fit; ASCII is legible, other
    /// characters become `?`.
    pub title: String,
}

impl Default for PlotOptions {
    fn default() -> Self {
        Self { width: 1200, height: 640, title: String::new() }
    }
}

/// Draws the waveform and the spectrogram of any audio, empty audio included.
///
/// The time is linear in the number of samples with a small constant: at most a
/// few Fourier transforms are made for each pixel column.
///
/// # Errors
///
/// [`AudioError::PictureSize`](crate::AudioError::PictureSize) for sizes out of
/// bounds, [`AudioError::SampleRate`](crate::AudioError::SampleRate) and
/// [`AudioError::NotFinite`](crate::AudioError::NotFinite) for audio that means
/// nothing.
pub fn render(audio: &Audio, options: &PlotOptions) -> Result<Picture> {
    let layout = Layout::new(options.width, options.height)?;
    audio.check()?;

    let panel = layout.spectrogram;
    let spectrogram = Spectrogram::new(audio, panel.width, panel.height)?;

    let mut canvas = Canvas::new(options.width, options.height);
    canvas.header(&options.title, &summary(audio));
    waveform::draw(&mut canvas, layout.waveform, audio);
    draw_spectrogram(&mut canvas, panel, &spectrogram);
    draw_axes(&mut canvas, &layout, audio);
    draw_colour_bar(&mut canvas, layout.colour_bar);
    Ok(canvas.into_picture())
}

fn summary(audio: &Audio) -> String {
    format!(
        "{:.2} s   {} Hz   peak {:.1} dBFS   RMS {:.1} dBFS",
        audio.duration_secs(),
        audio.sample_rate,
        20.0 * audio.peak().log10(),
        20.0 * audio.rms().log10(),
    )
}

fn draw_spectrogram(canvas: &mut Canvas, panel: Panel, spectrogram: &Spectrogram) {
    for x in 0..panel.width {
        let column = spectrogram.column_db(x);
        canvas.column(
            panel.left + x as i32,
            panel.top,
            column.map(|db| colour_of(1.0 - db / FLOOR_DB)),
        );
    }
}

fn draw_axes(canvas: &mut Canvas, layout: &Layout, audio: &Audio) {
    let nyquist_khz = f64::from(audio.sample_rate) / 2000.0;
    Axis::new(-1.0, 1.0, 2).draw_left(canvas, layout.waveform, "");
    Axis::fitted(nyquist_khz, layout.spectrogram.height, 32).draw_left(
        canvas,
        layout.spectrogram,
        "kHz",
    );

    let time = Axis::fitted(audio.duration_secs(), layout.spectrogram.width, 70);
    time.draw_marks(canvas, layout.waveform);
    time.draw_below(canvas, layout.spectrogram, "time (s)");
    canvas.frame(layout.waveform);
    canvas.frame(layout.spectrogram);
}

fn draw_colour_bar(canvas: &mut Canvas, bar: Panel) {
    let span = (bar.height - 1) as f32;
    let colours = (0..bar.height).map(|y| colour_of(1.0 - y as f32 / span));
    let colours: Vec<_> = colours.collect();
    for x in 0..bar.width {
        canvas.column(bar.left + x as i32, bar.top, colours.iter().copied());
    }
    Axis::new(FLOOR_DB.into(), 0.0, 4).draw_right(canvas, bar, "dB");
    canvas.frame(bar);
}
