//! The language models in fewer bits, measured against f32.

use candle_core::{Device, Tensor};
use tts::{Model, ModelFiles, Observation, Options, Precision, Probe, Request, SplitRule, Voice};

/// Keeps the logits of the first frame: those of the talker and of every step of
/// the code predictor.
#[derive(Default)]
struct Logits {
    talker: Vec<f32>,
    predictor: Vec<f32>,
}

impl Probe for Logits {
    fn observe(&mut self, _: usize, observation: Observation<'_>) -> candle_core::Result<()> {
        let flat = |x: &Tensor| x.flatten_all()?.to_vec1::<f32>();
        match observation {
            Observation::StepOutput(0, _, logits) => self.talker = flat(logits)?,
            Observation::PredictorOutput(0, 1, _, logits) => self.predictor = flat(logits)?,
            _ => {}
        }
        Ok(())
    }
}

fn logits(precision: Precision) -> Logits {
    let files = ModelFiles::Embedded(tts_demo_voice::FILES);
    let model = Model::load_with(files, &Device::Cpu, precision, SplitRule::default()).unwrap();
    let mut options = Options { max_new_tokens: 2, ..model.default_options() };
    options.talker.do_sample = false;
    options.predictor.do_sample = false;
    let request = Request {
        text: "Sixteen bits are enough for most of this.".to_owned(),
        language: Some("english".to_owned()),
        voice: Voice::Speaker("rms".to_owned()),
        instruct: None,
        options,
    };
    let mut seen = Logits::default();
    model.speak_batch_with(&[request], &mut seen).unwrap();
    seen
}

/// Root mean square of the difference over that of the reference.
fn relative_error(reference: &[f32], other: &[f32]) -> f64 {
    assert_eq!(reference.len(), other.len());
    let power = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>();
    let pairs = reference.iter().zip(other);
    let error = power(&mut pairs.map(|(&a, &b)| f64::from(a) - f64::from(b)));
    (error / power(&mut reference.iter().map(|&a| f64::from(a)))).sqrt()
}

/// On a model that has learned something: random weights make many times as much of a rounding,
/// layer by layer.
#[test]
fn logits_stay_within_the_bounds_of_their_precision() {
    let exact = logits(Precision::F32);
    for (precision, bound) in
        [(Precision::Bf16, 0.02), (Precision::Q8, 0.02), (Precision::Q4Mix, 0.2)]
    {
        let found = logits(precision);
        for (name, a, b) in [
            ("talker", &exact.talker, &found.talker),
            ("code predictor", &exact.predictor, &found.predictor),
        ] {
            let error = relative_error(a, b);
            println!("{precision}, {name}: relative error {error:.4}");
            assert!(error > 0.0, "{precision}, {name}: computed in f32");
            assert!(error < bound, "{precision}, {name}: relative error {error:.4}");
        }
    }
}
