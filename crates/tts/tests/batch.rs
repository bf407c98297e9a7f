//! Requests that join and leave a batch get what they get alone.

use std::collections::BTreeMap;

use candle_core::Device;
use tts::{
    Batch, FinishReason, Guard, GuardAction, LengthLimit, Model, ModelFiles, Request, Voice,
};

fn model() -> Model {
    Model::load(ModelFiles::Embedded(tts_fixture::FILES), &Device::Cpu).unwrap()
}

fn request(model: &Model, frames: usize, seed: u64) -> Request {
    let text = ["One.", "A second, rather longer sentence.", "Three words here."][frames % 3];
    let mut request = model.request(text, Voice::Speaker("ryan".to_owned()));
    request.options.max_new_tokens = frames + 1;
    request.options.talker.min_new_tokens = frames + 1;
    request.options.seed = seed;
    request
}

type Said = (Vec<Vec<u32>>, FinishReason, u64);

fn alone(model: &Model, request: &Request) -> Said {
    let utterance = model.speak(request).unwrap();
    (utterance.frames, utterance.finish, utterance.seed)
}

#[test]
fn requests_take_the_places_of_those_that_are_over() {
    let model = model();
    // The second leaves first, and the third takes its place while the first goes on.
    let mut requests: Vec<_> = [60, 10, 30, 26, 3].iter().zip(5..).collect();
    let late = requests.pop().unwrap();
    let late = request(&model, *late.0, late.1);
    let mut batch = Batch::new(&model, 2);
    let requests: Vec<_> = requests.into_iter().map(|(&n, s)| request(&model, n, s)).collect();
    for (number, request) in requests.iter().enumerate() {
        assert_eq!(batch.add(request).unwrap(), number);
    }
    let (mut order, mut said) = (Vec::new(), BTreeMap::new());
    for step in 0.. {
        if batch.is_empty() {
            break;
        }
        if step == 1 {
            assert_eq!(batch.add(&late).unwrap(), 4);
        }
        for (number, utterance) in batch.step().unwrap() {
            let utterance = utterance.unwrap();
            order.push(number);
            said.insert(number, (utterance.frames, utterance.finish, utterance.seed));
        }
    }
    // 25 frames in a step.
    assert_eq!(order, [1, 0, 2, 4, 3]);
    for (number, request) in requests.iter().chain([&late]).enumerate() {
        assert_eq!(said[&number], alone(&model, request), "{number}");
    }
    assert!(batch.step().unwrap().is_empty());
}

#[test]
fn samples_can_be_taken_while_a_request_speaks() {
    let model = model();
    let requests = [request(&model, 60, 1), request(&model, 30, 2)];
    let mut batch = Batch::new(&model, 2);
    for request in &requests {
        batch.add(request).unwrap();
    }
    let (mut samples, mut pieces) = ([Vec::new(), Vec::new()], 0);
    assert!(batch.take_samples(0).is_empty());
    while !batch.is_empty() {
        let over = batch.step().unwrap();
        let taken = batch.take_samples(0);
        pieces += usize::from(!taken.is_empty());
        samples[0].extend(taken);
        for (number, utterance) in over {
            samples[number].extend(utterance.unwrap().audio.samples);
        }
    }
    // Two of 25 frames; the rest comes with the end.
    assert_eq!(pieces, 2);
    for (request, samples) in requests.iter().zip(samples) {
        assert_eq!(model.speak(request).unwrap().audio.samples, samples);
    }
}

#[test]
fn what_fails_is_nothing_to_the_others() {
    let model = model();
    let good = request(&model, 30, 1);
    let (mut first, mut later) = (good.clone(), good.clone());
    // Divided by so little, logits leave the range of numbers.
    first.options.talker.temperature = 1e-38;
    later.options.predictor.temperature = 1e-38;
    let mut unusable = good.clone();
    unusable.options.max_new_tokens = 0;
    let mut batch = Batch::new(&model, 8);
    for request in [&first, &good, &later] {
        batch.add(request).unwrap();
    }
    assert!(batch.add(&unusable).is_err());
    let mut failed = Vec::new();
    let mut said = Vec::new();
    while !batch.is_empty() {
        for (number, utterance) in batch.step().unwrap() {
            match utterance {
                Ok(utterance) => said.push((number, utterance.frames)),
                Err(error) => failed.push((number, error.to_string())),
            }
        }
    }
    assert_eq!(said, [(1, alone(&model, &good).0)]);
    for (request, (number, error)) in [(&first, &failed[0]), (&later, &failed[1])] {
        assert_eq!(*error, model.speak(request).unwrap_err().to_string(), "{number}");
    }
    assert_eq!([failed[0].0, failed[1].0], [0, 2]);
    assert!(model.speak_batch(&[good, later]).is_err());
}

#[test]
fn what_goes_astray_waits_for_a_place_again() {
    let model = model();
    let mut astray = request(&model, 60, 3);
    let length = Some(LengthLimit { seconds: 0.0, seconds_per_token: 0.0 });
    astray.options.guard = Guard { action: GuardAction::Retry(1), length, ..Guard::off() };
    let other = request(&model, 40, 4);
    let mut batch = Batch::new(&model, 1);
    for request in [&astray, &other] {
        batch.add(request).unwrap();
    }
    let mut said = Vec::new();
    while !batch.is_empty() {
        said.extend(batch.step().unwrap().into_iter().map(|(number, utterance)| {
            let utterance = utterance.unwrap();
            (number, utterance.seed, utterance.warnings.len())
        }));
    }
    assert_eq!(said, [(0, 4, 2), (1, 4, 0)]);
}
