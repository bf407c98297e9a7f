//! Pictures of any audio.

use std::f32::consts::TAU;
use std::time::{Duration, Instant};

use tts_audio::plot::{MAX_SIZE, MIN_SIZE, Picture, PlotOptions, render};
use tts_audio::{Audio, AudioError};

fn audio(samples: Vec<f32>) -> Audio {
    Audio { samples, sample_rate: 24_000 }
}

fn tone(hz: f32, samples: usize) -> Audio {
    let step = TAU * hz / 24_000.0;
    audio((0..samples).map(|i| 0.5 * (step * i as f32).sin()).collect())
}

fn draw(audio: &Audio, width: u32, height: u32) -> tts_audio::Result<Picture> {
    let title = "A title that may be longer than the picture is wide".to_owned();
    let options = PlotOptions { width, height, title };
    render(audio, &options)
}

#[test]
fn a_picture_has_the_size_asked_for() {
    for (width, height) in [MIN_SIZE, (1200, 640), (501, 333), (480, 2000)] {
        let picture = draw(&tone(440.0, 10_000), width, height).unwrap();
        assert_eq!((picture.width, picture.height), (width, height));
        assert_eq!(picture.rgb.len(), 3 * (width * height) as usize);
    }
}

#[test]
fn sizes_out_of_bounds_are_refused() {
    let (width, height) = MIN_SIZE;
    for (width, height) in [
        (0, 0),
        (width - 1, height),
        (width, height - 1),
        (MAX_SIZE + 1, height),
        (width, u32::MAX),
    ] {
        assert!(matches!(
            draw(&tone(440.0, 100), width, height),
            Err(AudioError::PictureSize { width: w, height: h }) if (w, h) == (width, height)
        ));
    }
}

#[test]
fn any_length_and_level_can_be_drawn() {
    for count in [0, 1, 2, 3, 511, 1024, 1025, 30_000] {
        for level in [0.0, f32::MIN_POSITIVE / 4.0, 1.0, f32::MAX] {
            draw(&audio(vec![level; count]), 700, 320).unwrap();
        }
    }
}

#[test]
fn any_sample_rate_can_be_drawn() {
    for sample_rate in [1, 7, 8000, tts_audio::MAX_SAMPLE_RATE] {
        let samples = vec![0.1; 5000];
        let audio = Audio { samples, sample_rate };
        draw(&audio, 700, 320).unwrap();
    }
}

#[test]
fn audio_that_means_nothing_is_refused() {
    let nan = audio(vec![0.0, f32::NAN]);
    assert!(matches!(draw(&nan, 700, 320), Err(AudioError::NotFinite { index: 1, .. })));
    let timeless = Audio { samples: vec![0.0], sample_rate: 0 };
    assert!(matches!(draw(&timeless, 700, 320), Err(AudioError::SampleRate { found: 0 })));
}

/// The rows of a picture whose middle pixel is as bright as the loudest sound.
fn bright_rows(picture: &Picture) -> Vec<usize> {
    let pixels: Vec<&[u8]> = picture.rgb.chunks_exact(3).collect();
    let rows = pixels.chunks_exact(picture.width as usize).enumerate();
    rows.filter(|(_, row)| row[row.len() / 2] == [252, 253, 191]).map(|(y, _)| y).collect()
}

#[test]
fn a_higher_tone_is_drawn_higher() {
    let row_of = |hz| {
        let rows = bright_rows(&draw(&tone(hz, 48_000), 1200, 640).unwrap());
        assert!((1..=2).contains(&rows.len()), "{hz} Hz: {rows:?}");
        rows[0]
    };
    let (low, middle, high) = (row_of(1000.0), row_of(5000.0), row_of(9000.0));
    assert!((low - middle).abs_diff(middle - high) <= 3);
    assert!((100..130).contains(&(low - middle))); // 4 of 12 kHz on 339 rows
}

#[test]
fn silence_has_no_bright_rows() {
    assert!(bright_rows(&draw(&audio(vec![0.0; 5000]), 1200, 640).unwrap()).is_empty());
}

#[test]
fn ten_minutes_are_drawn_quickly() {
    let long = tone(440.0, 600 * 24_000);
    let start = Instant::now();
    draw(&long, 1200, 640).unwrap();
    assert!(start.elapsed() < Duration::from_secs(10));
}

#[test]
fn the_png_decodes_to_the_picture() {
    let picture = draw(&tone(440.0, 24_000), 600, 320).unwrap();
    let bytes = picture.encode_png().unwrap();
    let decoder = png::Decoder::new(std::io::Cursor::new(bytes));
    let mut reader = decoder.read_info().unwrap();
    let mut rgb = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut rgb).unwrap();
    assert_eq!((info.width, info.height), (600, 320));
    assert_eq!(rgb, picture.rgb);
}

#[test]
fn a_picture_of_the_wrong_length_is_not_encoded() {
    let mut picture = draw(&tone(440.0, 100), 600, 320).unwrap();
    picture.rgb.pop();
    assert!(matches!(picture.encode_png(), Err(AudioError::Png(_))));
}
