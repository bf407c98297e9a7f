//! The whole pipeline with the kernels for GPUs, emulated on the CPU: the same codes as without.

use candle_core::Device;
use tts::{Model, ModelFiles, Options, Precision, Request, SplitRule, TtsError, Utterance, Voice};

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

#[test]
fn codes_are_those_of_the_tensor_library() {
    let dense = load();
    let requests = requests(&dense);
    let codes = |utterances: Vec<Utterance>| -> Vec<(Vec<Vec<u32>>, Vec<u32>)> {
        utterances.into_iter().map(|utterance| (utterance.frames, utterance.first_codes)).collect()
    };
    let expected = codes(dense.speak_batch(&requests).unwrap());
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
    // In bytes, from the same files; there are no kernels for 4 bits.
    let in_bytes = load_in(Precision::Q8).unwrap();
    assert_eq!(in_bytes.speak(&requests[0]).unwrap().frames.len(), expected[0].0.len());
    assert!(load_in(Precision::Q4Mix).unwrap_err().to_string().contains("4 bits on a GPU"));
}
