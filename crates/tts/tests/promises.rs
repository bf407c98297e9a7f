//! Batch = single, seed = seed, threads do not matter.

use candle_core::{Device, Tensor};
use tts::{FinishReason, Model, ModelFiles, Observation, Options, Probe, Request, TtsError, Voice};

fn model() -> Model {
    Model::load(ModelFiles::Embedded(tts_fixture::FILES), &Device::Cpu).unwrap()
}

fn request(model: &Model, text: &str, seed: u64) -> Request {
    Request {
        text: text.to_owned(),
        language: Some("english".to_owned()),
        voice: Voice::Speaker("ryan".to_owned()),
        instruct: None,
        options: Options { seed, max_new_tokens: 20, ..model.default_options() },
    }
}

#[test]
fn a_batch_gives_every_request_what_it_gets_alone() {
    let model = model();
    let requests = [
        request(&model, "One.", 1),
        request(&model, "A second, rather longer sentence.", 2),
        request(&model, "One.", 3),
    ];
    let together = model.speak_batch(&requests).unwrap();
    for (request, shared) in requests.iter().zip(&together) {
        let alone = model.speak(request).unwrap();
        assert_eq!(alone.first_codes, shared.first_codes);
        assert_eq!(alone.frames, shared.frames);
        assert_eq!(alone.finish, shared.finish);
        let (a, b) = (&alone.audio.samples, &shared.audio.samples);
        assert_eq!(a.len(), b.len());
        assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-5));
    }
}

#[test]
fn a_seed_gives_the_same_samples_on_one_thread_and_two() {
    let model = model();
    let speak = |threads: usize, seed: u64| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let request = request(&model, "The same again.", seed);
        pool.install(|| model.speak(&request).unwrap().audio.samples)
    };
    let first = speak(1, 5);
    assert_eq!(first, speak(1, 5));
    assert_eq!(first, speak(2, 5));
    assert_ne!(first, speak(1, 6));
}

#[test]
fn the_limit_counts_tokens_and_the_last_yields_no_frame() {
    let model = model();
    for limit in [1, 2, 7] {
        let mut request = request(&model, "Hello.", 11);
        request.options.max_new_tokens = limit;
        let utterance = model.speak(&request).unwrap();
        if utterance.finish == FinishReason::MaxTokens {
            assert_eq!(utterance.first_codes.len(), limit);
        }
        assert_eq!(utterance.frames.len(), utterance.first_codes.len() - 1);
        let samples = utterance.frames.len() * model.codec().samples_per_frame();
        assert_eq!(utterance.audio.samples.len(), samples);
        assert_eq!(utterance.timing.frames, utterance.frames.len());
    }
}

#[test]
fn unusable_requests_are_typed_errors() {
    let model = model();
    let with = |change: &dyn Fn(&mut Request)| {
        let mut request = request(&model, "Hello.", 1);
        change(&mut request);
        model.speak(&request).unwrap_err()
    };
    let text = |error| matches!(error, TtsError::Text(_));
    assert!(text(with(&|r| r.voice = Voice::Speaker("nobody".to_owned()))));
    assert!(text(with(&|r| r.language = Some("klingon".to_owned()))));
    assert!(text(with(&|r| r.text = "  \n ".to_owned())));
    assert!(text(with(&|r| r.text = "a".repeat(1 << 20))));
    let sampler = |error| matches!(error, TtsError::Sampler(_));
    assert!(sampler(with(&|r| r.options.talker.temperature = 0.0)));
    assert!(sampler(with(&|r| r.options.predictor.top_p = 2.0)));
    let option = with(&|r| r.options.max_new_tokens = 0);
    assert!(matches!(option, TtsError::Option { name: "max_new_tokens", .. }));
}

/// Keeps what it sees of every step, and the numbers as they were.
#[derive(Default)]
struct Keeper(Vec<(Tensor, Vec<f32>)>);

impl Probe for Keeper {
    fn observe(&mut self, _: usize, observation: Observation<'_>) -> candle_core::Result<()> {
        let seen = match observation {
            Observation::PromptEmbeds(x)
            | Observation::PadText(x)
            | Observation::PrefillHidden(_, x)
            | Observation::StepInput(_, _, x) => [x, x],
            Observation::StepOutput(_, hidden, logits)
            | Observation::PredictorOutput(_, _, hidden, logits) => [hidden, logits],
            Observation::PredictorInput(_, hidden, first) => [hidden, first],
            Observation::Prompt(_) | Observation::TrailingText(_) => return Ok(()),
        };
        for x in seen {
            self.0.push((x.clone(), x.flatten_all()?.to_vec1()?));
        }
        Ok(())
    }
}

#[test]
fn what_a_probe_keeps_stays_as_it_was() {
    let model = model();
    let mut keeper = Keeper::default();
    model.speak_batch_with(&[request(&model, "Kept.", 5)], &mut keeper).unwrap();
    assert!(keeper.0.len() > 100);
    for (kept, values) in keeper.0 {
        assert_eq!(kept.flatten_all().unwrap().to_vec1::<f32>().unwrap(), values);
    }
}
