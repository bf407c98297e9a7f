//! Reference audio: what is refused, what is warned of, and what the options do.

use candle_core::Device;
use tts::{Audio, Model, ModelFiles, ReferenceError, ReferenceOptions, ReferenceWarning, TtsError};

const RATE: u32 = 24_000;

fn model() -> Model {
    let base = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/golden/checkpoints/base_b");
    Model::from_pretrained(base, &Device::Cpu).unwrap()
}

/// A buzz, with a pause at its end if there is room for one.
fn buzz(seconds: f64, level: f32) -> Audio {
    let count = (seconds * f64::from(RATE)) as usize;
    let sound = count.saturating_sub(RATE as usize / 5);
    let sample = |i: usize| if i < sound { level * (i as f32 * 0.05).sin() } else { 0.0 };
    Audio { samples: (0..count).map(sample).collect(), sample_rate: RATE }
}

fn x_vector_only() -> ReferenceOptions {
    ReferenceOptions { x_vector_only: true, ..ReferenceOptions::default() }
}

#[test]
fn good_references_have_no_warnings() {
    let transcript = "One two three four.";
    let (_, warnings) = model()
        .voice_prompt(&buzz(4.0, 0.5), Some(transcript), &ReferenceOptions::default())
        .unwrap();
    assert_eq!(warnings, []);
}

#[test]
fn what_makes_a_voice_worse_is_warned_of() {
    use ReferenceWarning::{Clipped, EndsAbruptly, Long, Short, Silent, TranscriptLength};

    let model = model();
    let of = |audio: &Audio, transcript: Option<&str>| {
        let options = match transcript {
            Some(_) => ReferenceOptions::default(),
            None => x_vector_only(),
        };
        model.voice_prompt(audio, transcript, &options).unwrap().1
    };
    assert!(matches!(of(&buzz(1.0, 0.5), None)[..], [Short { seconds: 1.0 }]));
    assert!(matches!(of(&buzz(31.0, 0.5), None)[..], [Long { seconds: 31.0 }]));
    assert!(matches!(of(&buzz(4.0, 0.0), None)[..], [Silent { rms: 0.0 }]));
    let mut loud = buzz(4.0, 3.0);
    for sample in &mut loud.samples {
        *sample = sample.clamp(-1.0, 1.0);
    }
    assert!(matches!(of(&loud, None)[..], [Clipped { share }] if share > 0.5));
    let mut cut = buzz(4.0, 0.5);
    cut.samples.truncate(3 * RATE as usize + 600);
    assert_eq!(of(&cut, Some("One two three four."))[..], [EndsAbruptly]);
    assert_eq!(of(&cut, None), []);
    let page = "one two three four five six seven ".repeat(20);
    let warnings = of(&buzz(4.0, 0.5), Some(&page));
    assert!(
        matches!(warnings[..], [TranscriptLength { tokens_per_second }] if tokens_per_second > 30.0)
    );
    assert!(matches!(of(&buzz(4.0, 0.5), Some("a"))[..], [TranscriptLength { .. }]));
}

#[test]
fn silence_behind_the_reference_lengthens_it_and_is_a_pause() {
    let model = model();
    let mut audio = buzz(4.0, 0.5);
    audio.samples.truncate(3 * RATE as usize + 600);
    let transcript = Some("One two three four.");
    let frames = |options: &ReferenceOptions| {
        let (prompt, warnings) = model.voice_prompt(&audio, transcript, options).unwrap();
        (prompt.reference.unwrap().frames.len(), warnings)
    };
    let plain = frames(&ReferenceOptions::default());
    let padded = frames(&ReferenceOptions { append_silence: 0.5, ..ReferenceOptions::default() });
    assert_eq!(plain, (38, vec![ReferenceWarning::EndsAbruptly]));
    assert_eq!(padded, (45, vec![]));
}

#[test]
fn a_fade_changes_the_beginning_only() {
    let model = model();
    let audio = buzz(4.0, 0.5);
    let prompt = |fade_in| {
        let options = ReferenceOptions { fade_in, ..ReferenceOptions::default() };
        model.voice_prompt(&audio, Some("One two three four."), &options).unwrap().0
    };
    let (plain, faded) = (prompt(0.0), prompt(0.2));
    assert_ne!(plain.x_vector, faded.x_vector);
    let [plain, faded] = [plain, faded].map(|prompt| prompt.reference.unwrap().frames);
    assert_eq!(plain.len(), faded.len());
    assert_ne!(plain[..3], faded[..3]);
}

#[test]
fn unusable_references_are_typed_errors() {
    let model = model();
    let refused = |audio: &Audio, transcript: Option<&str>, options: ReferenceOptions| match model
        .voice_prompt(audio, transcript, &options)
    {
        Err(TtsError::Reference(error)) => error,
        other => panic!("{other:?}"),
    };
    let empty = Audio { samples: vec![], sample_rate: RATE };
    assert!(matches!(refused(&empty, None, x_vector_only()), ReferenceError::Empty));
    let hour = Audio { samples: vec![0.1; 3600 * 100], sample_rate: 100 };
    assert!(matches!(
        refused(&hour, None, x_vector_only()),
        ReferenceError::TooLong { seconds: 3600.0, limit: 120.0 }
    ));
    let mut broken = buzz(1.0, 0.5);
    broken.samples[7] = f32::NAN;
    assert!(matches!(
        refused(&broken, None, x_vector_only()),
        ReferenceError::NotFinite { index: 7, .. }
    ));
    for transcript in [None, Some(""), Some(" \n")] {
        let error = refused(&buzz(1.0, 0.5), transcript, ReferenceOptions::default());
        assert!(matches!(error, ReferenceError::NoTranscript));
    }
    let ten = Audio { samples: vec![0.1; 10], sample_rate: RATE };
    assert!(matches!(
        model.voice_prompt(&ten, None, &x_vector_only()),
        Err(TtsError::SpeakerEncoder(_))
    ));
}

#[test]
fn a_model_without_speaker_encoder_says_so() {
    let model = Model::load(ModelFiles::Embedded(tts_fixture::FILES), &Device::Cpu).unwrap();
    let error = model.voice_prompt(&buzz(4.0, 0.5), None, &x_vector_only()).unwrap_err();
    assert!(matches!(error, TtsError::NoSpeakerEncoder { .. }));
}
