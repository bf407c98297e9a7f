//! Streams equal whole utterances bit for bit, whatever the chunks; text in pieces
//! equals text at once; what is dropped is gone.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use candle_core::Device;
use tts::{
    Audio, ChunkSchedule, Delivery, Event, FinishReason, Guard, GuardAction, Layout, LengthLimit,
    LongSpeech, Model, ModelFiles, ModelKind, Options, Pause, ReferenceOptions, Request,
    RunawayOutcome, Session, SpeechStream, SplitLimits, TtsError, Utterance, Voice, Warning,
};

fn demo() -> Model {
    Model::load(ModelFiles::Embedded(tts_fixture::FILES), &Device::Cpu).unwrap()
}

fn fixture(name: &str) -> Model {
    let home = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/golden/checkpoints");
    Model::from_pretrained(home.join(name), &Device::Cpu).unwrap()
}

/// A buzz that glides: enough of a voice for a model with random weights.
fn recording(seconds: f64) -> Audio {
    let sample = |i: usize| {
        let t = i as f64 / 24_000.0;
        let phase = 150.0 * t + 20.0 * (2.0 * t).sin();
        (0.4 * (phase.fract() - 0.5) * (5.0 * t).sin().abs()) as f32
    };
    Audio { samples: (0..(seconds * 24_000.0) as usize).map(sample).collect(), sample_rate: 24_000 }
}

/// Every mode: built-in speakers, voices in words, cloned by x-vector, cloned in
/// context; both layouts.
fn modes() -> Vec<(Model, Request)> {
    let mut modes = Vec::new();
    let options = |model: &Model, layout| Options {
        seed: 5,
        max_new_tokens: 31,
        layout: Some(layout),
        guard: Guard::off(),
        ..model.default_options()
    };
    for layout in [Layout::Streaming, Layout::NonStreaming] {
        let model = demo();
        let voice = Voice::Speaker("ryan".to_owned());
        let request =
            Request { options: options(&model, layout), ..model.request("One, two.", voice) };
        modes.push((model, request));

        let model = fixture("voice_design_a");
        let request = Request {
            instruct: Some("An old man.".to_owned()),
            options: options(&model, layout),
            ..model.request("Three, four.", Voice::Unnamed)
        };
        modes.push((model, request));

        for transcript in [None, Some("What is said.")] {
            let model = fixture("base_b");
            let reference = ReferenceOptions {
                x_vector_only: transcript.is_none(),
                ..ReferenceOptions::default()
            };
            let (prompt, _) = model.voice_prompt(&recording(0.7), transcript, &reference).unwrap();
            let voice = Voice::Cloned(Arc::new(prompt));
            let request =
                Request { options: options(&model, layout), ..model.request("Five, six.", voice) };
            modes.push((model, request));
        }
    }
    modes
}

#[track_caller]
fn assert_same(stream: SpeechStream<&Model>, whole: &Utterance) {
    let mut stream = stream;
    let (mut samples, mut frames) = (Vec::new(), 0);
    for chunk in stream.by_ref() {
        let chunk = chunk.unwrap();
        assert_eq!(chunk.first_frame, frames);
        frames += chunk.frames;
        samples.extend(chunk.samples);
    }
    assert_eq!(samples, whole.audio.samples);
    assert_eq!(stream.session().finish_reason(), Some(whole.finish));
    assert_eq!(stream.session().warnings(), whole.warnings);
}

#[test]
fn a_stream_is_the_utterance_for_every_mode_and_schedule() {
    for (model, request) in modes() {
        let whole = model.speak(&request).unwrap();
        assert!(whole.frames.len() >= 2);
        for schedule in [
            ChunkSchedule::constant(1),
            ChunkSchedule::new(&[2, 3, 7]),
            ChunkSchedule::default(),
            ChunkSchedule::doubling(5, 40),
            ChunkSchedule::constant(usize::MAX),
        ] {
            assert_same(model.stream(&request, schedule).unwrap(), &whole);
        }
    }
}

#[test]
fn the_guard_decides_the_same_in_every_schedule() {
    let model = demo();
    let mut request = model.request("Never ending.", Voice::Speaker("ryan".to_owned()));
    request.options.max_new_tokens = 120;
    request.options.guard.silent_seconds = Some(0.0);
    let whole = model.speak(&request).unwrap();
    assert!(matches!(whole.finish, FinishReason::Stopped(_)), "{:?}", whole.finish);
    for frames in [1, 9, 25, 64] {
        assert_same(model.stream(&request, ChunkSchedule::constant(frames)).unwrap(), &whole);
    }
}

/// Chunk sizes follow the schedule until the end.
#[test]
fn the_first_chunk_is_as_small_as_asked() {
    let model = demo();
    let mut request = model.request("Chunk by chunk.", Voice::Speaker("ryan".to_owned()));
    request.options.max_new_tokens = 30;
    let sizes: Vec<usize> = model
        .stream(&request, ChunkSchedule::doubling(1, 8))
        .unwrap()
        .map(|chunk| chunk.unwrap().frames)
        .collect();
    let (last, full) = sizes.split_last().unwrap();
    let expected: Vec<usize> =
        [1, 2, 4].into_iter().chain(std::iter::repeat(8)).take(full.len()).collect();
    assert_eq!(full, expected);
    assert!(*last <= 8);
}

/// Speaks pieces as they come, asking for audio in between.
fn speak_pieces(session: &mut Session<&Model>, pieces: &[&str]) -> Vec<f32> {
    let mut samples = Vec::new();
    let mut drain = |session: &mut Session<&Model>| loop {
        match session.next_event().unwrap() {
            Event::Audio(chunk) => samples.extend(chunk.samples),
            event => break event,
        }
    };
    for piece in pieces {
        session.append(piece).unwrap();
        let event = drain(session);
        if matches!(event, Event::Finished(_)) {
            return samples;
        }
        assert_eq!(event, Event::NeedsText);
    }
    session.finish().unwrap();
    assert!(matches!(drain(session), Event::Finished(_)));
    samples
}

#[test]
fn appended_text_is_spoken_like_the_whole_text() {
    for (model, request) in modes() {
        if request.options.layout != Some(Layout::Streaming) {
            continue;
        }
        let text = "It is 10 o'clock, and all's well: sleep on, good people.";
        let mut request = Request { text: text.to_owned(), ..request };
        request.options.max_new_tokens = 34;
        let whole = model.speak(&request).unwrap();
        request.text.clear();
        let words: Vec<&str> = text.split_inclusive(' ').collect();
        let letters: Vec<String> = text.chars().map(String::from).collect();
        let letters: Vec<&str> = letters.iter().map(String::as_str).collect();
        for (pieces, frames) in [(&[text][..], 6), (&words, 1), (&letters, 4)] {
            let mut session = model.open(&request, ChunkSchedule::constant(frames)).unwrap();
            assert_eq!(speak_pieces(&mut session, pieces), whole.audio.samples);
            assert_eq!(session.finish_reason(), Some(whole.finish));
        }
    }
}

#[test]
fn a_session_refuses_text_where_it_has_no_place() {
    let model = demo();
    let mut request = model.request("", Voice::Speaker("ryan".to_owned()));
    request.options.max_new_tokens = 10;
    let mut session = model.open(&request, ChunkSchedule::default()).unwrap();
    assert_eq!(session.next_event().unwrap(), Event::NeedsText);
    assert!(matches!(session.finish(), Err(TtsError::Text(_))), "there was no text at all");
    session.append("Hi.").unwrap();
    session.finish().unwrap();
    assert!(matches!(session.append("More."), Err(TtsError::TextClosed)));
    assert!(matches!(session.finish(), Err(TtsError::TextClosed)));
    request.options.layout = Some(Layout::NonStreaming);
    let refused = model.open(&request, ChunkSchedule::default());
    assert!(matches!(refused, Err(TtsError::TextLayout)));
}

#[test]
fn a_session_with_a_shared_model_moves_to_another_thread() {
    let model = Arc::new(demo());
    assert_eq!(model.kind(), ModelKind::CustomVoice);
    let mut request = model.request("Elsewhere.", Voice::Speaker("ryan".to_owned()));
    request.options.max_new_tokens = 8;
    let here = model.speak(&request).unwrap().audio.samples;
    let stream = SpeechStream::new(model.clone(), &request, ChunkSchedule::default()).unwrap();
    let there = std::thread::spawn(move || {
        stream.flat_map(|chunk| chunk.unwrap().samples).collect::<Vec<f32>>()
    });
    assert_eq!(there.join().unwrap(), here);
}

#[test]
fn a_long_text_is_its_sentences_and_the_pauses_between_them() {
    let model = demo();
    let voice = Voice::Speaker("ryan".to_owned());
    let pieces = [
        "First sentence.",
        "Second one, in a new paragraph.",
        "Here is a third one.",
        "And that is the last.",
    ];
    let mut request = model.request(pieces.join("\n\n"), voice);
    request.options.max_new_tokens = 6;
    let mut apart = Vec::new();
    for (utterance, text) in (0..).zip(pieces) {
        let mut request = Request { text: text.to_owned(), ..request.clone() };
        request.options.utterance = utterance;
        if utterance > 0 {
            let pause = f64::from(Pause::Paragraph.seconds()) * 24_000.0;
            apart.resize(apart.len() + pause as usize, 0.0);
        }
        apart.extend(model.speak(&request).unwrap().audio.samples);
    }
    let limits = Some(SplitLimits::default());
    for delivery in [Delivery::Whole, Delivery::Chunks(ChunkSchedule::default())] {
        let started = std::time::Instant::now();
        let mut long = LongSpeech::new(&model, &request, delivery.clone(), limits);
        let together: Vec<f32> = long.by_ref().flat_map(|samples| samples.unwrap()).collect();
        let passed = started.elapsed().as_secs_f64() * 1e3;
        assert_eq!(together, apart);
        assert_eq!(long.spoken().len(), pieces.len());
        // Pieces that share a batch share its time.
        let times = long.spoken().iter().map(|piece| piece.timing.total_ms);
        assert!(times.sum::<f64>() <= passed, "{:?} in {passed} ms", long.spoken());
        // Without limits a text is one utterance, whatever stands in it.
        let one = LongSpeech::new(&model, &request, delivery.clone(), None);
        let one: Vec<f32> = one.flat_map(|samples| samples.unwrap()).collect();
        assert_eq!(one, model.speak(&request).unwrap().audio.samples);
        let blank = Request { text: "  \n ".to_owned(), ..request.clone() };
        let mut blank = LongSpeech::new(&model, &blank, delivery, limits);
        assert!(matches!(blank.next(), Some(Err(TtsError::Text(_)))));
        assert!(blank.next().is_none(), "nothing follows an error");
    }
}

#[test]
fn pieces_before_one_that_fails_are_given_out() {
    let model = demo();
    let endless = "x".repeat((1 << 20) + 1);
    let pieces = ["Here is the first one.", "Here is the second.", &endless, "Here is the last."];
    let mut request = model.request(pieces.join("\n\n"), Voice::Speaker("ryan".to_owned()));
    request.options.max_new_tokens = 4;
    let limits = Some(SplitLimits { max_chars: usize::MAX, ..SplitLimits::default() });
    let mut long = LongSpeech::new(&model, &request, Delivery::Whole, limits);
    let given: Vec<_> = long.by_ref().map(|samples| samples.is_ok()).collect();
    assert_eq!((given.last(), long.spoken().len()), (Some(&false), 2), "{given:?}");
    assert!(long.next().is_none(), "nothing follows an error");
}

/// Chunks that come late in any case are short, whatever the schedule allows.
#[test]
fn a_listener_who_has_heard_everything_gets_short_chunks() {
    let model = demo();
    let mut request = model.request("One, two.", Voice::Speaker("ryan".to_owned()));
    request.options.fix_length(40);
    let sizes = |schedule: ChunkSchedule| -> Vec<usize> {
        let stream = model.stream(&request, schedule).unwrap();
        let sizes = stream.take(5).map(|chunk| {
            let frames = chunk.unwrap().frames;
            std::thread::sleep(Duration::from_millis(80 * frames as u64 + 20));
            frames
        });
        sizes.collect()
    };
    assert_eq!(sizes(ChunkSchedule::default()), [1, 2, 4, 4, 4]);
    assert_eq!(sizes(ChunkSchedule::doubling(1, 12))[..4], [1, 2, 4, 8]);
}

#[test]
fn an_error_is_the_last_of_a_stream() {
    let model = demo();
    let mut request = model.request("Hello.", Voice::Speaker("ryan".to_owned()));
    request.options.max_new_tokens = 30;
    // Divided by so little, logits leave the range of numbers.
    request.options.predictor.temperature = 1e-38;
    let mut stream = model.stream(&request, ChunkSchedule::default()).unwrap();
    let error = stream.next().unwrap().unwrap_err();
    assert_eq!(error.to_string(), model.speak(&request).unwrap_err().to_string());
    assert!(stream.next().is_none());
}

#[test]
fn a_piece_that_goes_astray_is_spoken_again_if_it_is_delivered_whole() {
    let model = demo();
    let mut request = model.request("Astray.", Voice::Speaker("ryan".to_owned()));
    request.options.max_new_tokens = 60;
    // Every speech is longer than this.
    let length = Some(LengthLimit { seconds: 0.0, seconds_per_token: 0.0 });
    let action = GuardAction::Retry(2);
    request.options.guard = Guard { action, length, ..Guard::off() };
    let mut long = LongSpeech::new(&model, &request, Delivery::Whole, None);
    assert!(long.next().unwrap().is_ok());
    let outcomes: Vec<_> = long
        .warnings()
        .iter()
        .map(|warning| match warning {
            Warning::Runaway { seed, outcome, .. } => (*seed, *outcome),
            other => panic!("{other}"),
        })
        .collect();
    let (retried, stopped) = (RunawayOutcome::Retried, RunawayOutcome::Stopped);
    assert_eq!(outcomes, [(0, retried), (1, retried), (2, stopped)]);
}
