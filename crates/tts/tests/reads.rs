//! What the host reads late is the same speech.

use candle_core::Device;
use tts::{
    ChunkSchedule, Event, FinishReason, Guard, GuardAction, Layout, LengthLimit, Model, ModelFiles,
    Precision, Request, Runaway, Session, SplitRule, TtsError, Utterance, Voice,
};

fn load(precision: Precision) -> Model {
    let files = ModelFiles::Embedded(tts_fixture::FILES);
    Model::load_with(files, &Device::Cpu, precision, SplitRule::default()).unwrap()
}

/// Requests that end in all ways that a model with random weights has: by their limits, stopped by a
/// guard, by the end of speech; drawn with and without chance, with everything that looks back.
fn requests(model: &Model) -> Vec<Request> {
    let texts = ["One.", "Two words.", "A somewhat longer sentence, to be sure.", "Four."];
    let request = |(index, text): (usize, &&str)| {
        let mut request = model.request(*text, Voice::Speaker("ryan".to_owned()));
        request.options.layout = Some(Layout::ALL[index % Layout::ALL.len()]);
        request.options.max_new_tokens = [28, 18, 40, 40][index];
        request.options.seed = 3 + index as u64;
        request.options.talker.do_sample = index != 1;
        request.options.predictor.do_sample = index != 1;
        request.options.talker.repetition_penalty = 1.5;
        request.options.talker.min_new_tokens = if index == 3 { 3 } else { 30 };
        // 80 ms a frame.
        let limit = LengthLimit { seconds: 0.08 * 22.5, seconds_per_token: 0.0 };
        request.options.guard = match index {
            2 => Guard { action: GuardAction::Stop, length: Some(limit), ..Guard::off() },
            _ => Guard::off(),
        };
        request
    };
    texts.iter().enumerate().map(request).collect()
}

/// One of the requests, spoken with a seed for which it ends by itself, not too early.
fn one_that_ends(model: &Model) -> Request {
    let mut request = requests(model).swap_remove(3);
    request.options.talker.temperature = 3.0;
    (0..1000)
        .map(|seed| {
            request.options.seed = seed;
            request.clone()
        })
        .find(|request| {
            let utterance = model.speak(request).unwrap();
            utterance.finish == FinishReason::EndOfSpeech && utterance.frames.len() > 16
        })
        .unwrap()
}

fn said(utterance: &Utterance) -> (&[Vec<u32>], &[u32], FinishReason) {
    (&utterance.frames, &utterance.first_codes, utterance.finish)
}

#[test]
fn speech_does_not_depend_on_when_it_is_read() {
    let model = load(Precision::Q8);
    let mut requests = requests(&model);
    requests[3] = one_that_ends(&model);
    let simple = model.speak_batch(&requests).unwrap();
    let ends: Vec<_> = simple.iter().map(|utterance| utterance.finish).collect();
    let [limit, shorter, stopped, end] = [
        FinishReason::MaxTokens,
        FinishReason::MaxTokens,
        FinishReason::Stopped(Runaway::TooLong),
        FinishReason::EndOfSpeech,
    ];
    assert_eq!(ends, [limit, shorter, stopped, end]);
    for frames in 1..=16 {
        for request in &mut requests {
            request.options.frames_per_read = Some(frames);
        }
        let together = model.speak_batch(&requests).unwrap();
        for ((request, simple), together) in requests.iter().zip(&simple).zip(&together) {
            assert_eq!(said(together), said(simple), "{frames} frames a read");
            assert_eq!(together.audio.samples, simple.audio.samples);
            assert_eq!(together.warnings, simple.warnings);
            let mut reads = 0;
            let alone = model.speak_with_progress(request, &mut |_| reads += 1).unwrap();
            assert_eq!(said(&alone), said(simple), "{frames} frames a read, alone");
            // One more where a look at the audio comes first.
            let expected = alone.frames.len().div_ceil(frames);
            assert!((expected..=expected + 1).contains(&reads), "{reads} reads, not {expected}");
            assert_eq!(alone.audio.samples, simple.audio.samples);
        }
    }
}

#[test]
fn a_model_in_f32_says_the_same_too() {
    let model = load(Precision::F32);
    let requests = requests(&model);
    for request in &requests {
        let simple = model.speak(request).unwrap();
        for frames in [2, 5, 16] {
            let mut late = request.clone();
            late.options.frames_per_read = Some(frames);
            let late = model.speak(&late).unwrap();
            assert_eq!(said(&late), said(&simple), "{frames} frames a read");
            assert_eq!(late.audio.samples, simple.audio.samples);
        }
    }
}

/// Text that comes in pieces is not overtaken, and chunks are not waited for.
#[test]
fn streams_read_with_their_chunks() {
    let model = load(Precision::Q8);
    let mut request = requests(&model).swap_remove(2);
    request.options.layout = Some(Layout::Streaming);
    let simple = model.speak(&request).unwrap();
    request.options.frames_per_read = Some(16);
    let chunks: Vec<_> = model
        .stream(&request, ChunkSchedule::new(&[1, 3, 20]))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let sizes: Vec<usize> = chunks.iter().map(|chunk| chunk.frames).collect();
    assert_eq!(sizes[..2], [1, 3]);
    let samples: Vec<f32> = chunks.into_iter().flat_map(|chunk| chunk.samples).collect();
    assert_eq!(samples, simple.audio.samples);

    let (words, mut samples) = (request.text.clone(), Vec::new());
    request.text.clear();
    let mut session = Session::open(&model, &request, ChunkSchedule::constant(7)).unwrap();
    let mut words = words.split_inclusive(' ');
    loop {
        match session.next_event().unwrap() {
            Event::Audio(chunk) => samples.extend(chunk.samples),
            Event::NeedsText => match words.next() {
                Some(word) => session.append(word).unwrap(),
                None => session.finish().unwrap(),
            },
            Event::Finished(_) => break,
        }
    }
    assert_eq!(samples, simple.audio.samples);
}

#[test]
fn no_frame_is_no_read() {
    let model = load(Precision::Q8);
    let mut request = requests(&model).swap_remove(0);
    request.options.frames_per_read = Some(0);
    let refused = model.speak(&request).unwrap_err();
    assert!(matches!(refused, TtsError::Option { name: "frames_per_read", value: 0, .. }));
}
