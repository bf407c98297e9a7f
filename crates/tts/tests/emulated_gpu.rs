//! The whole pipeline with the kernels for GPUs, emulated on the CPU: the same codes as without.

use candle_core::Device;
use tts::{
    Batch, ChunkSchedule, Model, ModelFiles, Options, Precision, Request, SplitRule, TtsError,
    Utterance, Voice,
};

fn load() -> Model {
    load_in(Precision::F32).unwrap()
}

fn load_in(precision: Precision) -> Result<Model, TtsError> {
    let files = ModelFiles::Embedded(tts_fixture::FILES);
    Model::load_with(files, &Device::Cpu, precision, SplitRule::default())
}

/// Sentences of several lengths: greedy, and drawn in all ways that there are.
fn requests(model: &Model) -> Vec<Request> {
    let texts = ["One.", "A somewhat longer sentence, to be sure.", "Three words more."];
    let request = |(index, text): (usize, &&str)| {
        let mut request = model.request(*text, Voice::Speaker("ryan".to_owned()));
        let default = Options { max_new_tokens: 4 + index, seed: 7, ..request.options };
        request.options = default;
        request.options.talker.do_sample = index > 0;
        request.options.predictor.do_sample = index > 0;
        request.options.talker.top_p = if index == 1 { 0.8 } else { 1.0 };
        request.options.talker.min_new_tokens = 3;
        request
    };
    texts.iter().enumerate().map(request).collect()
}

/// As one that speaks so many frames, and is read every third.
fn long(request: &Request, frames: usize) -> Request {
    let mut request = request.clone();
    request.options.max_new_tokens = frames + 1;
    request.options.talker.min_new_tokens = frames + 1;
    request.options.frames_per_read = Some(3);
    request
}

/// A GPU works on the next frames while those before are decoded: for a stream, and in a batch in which
/// others wait for a place. What the first of the requests says is expected of the stream.
fn streams_and_joins(model: &Model, requests: &[Request], expected: &[Utterance]) {
    let (stream, whole) = (&requests[0], &expected[0].audio.samples);
    let stream = model.stream(stream, ChunkSchedule::new(&[1, 2, 4])).unwrap();
    let chunks: Vec<_> = stream.map(Result::unwrap).collect();
    let frames: Vec<_> = chunks.iter().map(|chunk| chunk.frames).collect();
    assert_eq!(frames, [1, 2, 4, 1]);
    let samples = chunks.iter().flat_map(|chunk| &chunk.samples);
    let worst = samples.zip(whole).fold(0.0_f32, |worst, (a, b)| worst.max((a - b).abs()));
    assert!(worst <= 1e-4, "{worst:e}");

    // 25 frames in a step: the third takes a place when two more have been spoken.
    let mut batch = Batch::new(model, 2);
    for request in &requests[1..] {
        batch.add(request).unwrap();
    }
    let mut over = Vec::new();
    while !batch.is_empty() {
        over.push(batch.step().unwrap());
    }
    let numbers: Vec<Vec<_>> =
        over.iter().map(|over| over.iter().map(|(number, _)| *number).collect()).collect();
    assert_eq!(numbers, [vec![], vec![0, 1], vec![2]]);
    for (number, utterance) in over.into_iter().flatten() {
        assert_eq!(utterance.unwrap().frames, expected[number + 1].frames, "{number}");
    }
}

#[test]
fn codes_are_those_of_the_tensor_library() {
    let dense = load();
    assert!(matches!(load_in(Precision::Fp8), Err(TtsError::Precision { .. })));
    let requests = requests(&dense);
    let codes = |utterances: Vec<Utterance>| -> Vec<(Vec<Vec<u32>>, Vec<u32>)> {
        utterances.into_iter().map(|utterance| (utterance.frames, utterance.first_codes)).collect()
    };
    let expected = codes(dense.speak_batch(&requests).unwrap());
    let further = [8, 27, 26, 2].map(|frames| long(&requests[1], frames));
    let of_further: Vec<_> = further.iter().map(|one| dense.speak(one).unwrap()).collect();
    tts_nn::emulate_gpu();
    assert!(tts_nn::queue_of(&Device::Cpu).unwrap().is_some());
    let model = load();
    assert_eq!(codes(model.speak_batch(&requests).unwrap()), expected);
    // A row does not know which others are beside it, nor when it is read.
    for (index, (request, expected)) in requests.iter().zip(&expected).enumerate() {
        let mut request = request.clone();
        request.options.frames_per_read = Some(index + 2);
        // Recorded and repeated, or told every time.
        for graphs in [None, Some(false)] {
            request.options.graphs = graphs;
            let utterance = model.speak(&request).unwrap();
            assert_eq!((utterance.frames, utterance.first_codes), *expected);
        }
    }
    streams_and_joins(&model, &further, &of_further);
    // In bytes, from the same files; there are no kernels for 4 bits.
    for precision in [Precision::Q8, Precision::Fp8] {
        let in_bytes = load_in(precision).unwrap();
        assert_eq!(in_bytes.speak(&requests[0]).unwrap().frames.len(), expected[0].0.len());
    }
    assert!(load_in(Precision::Q4Mix).unwrap_err().to_string().contains("4 bits on a GPU"));
}
