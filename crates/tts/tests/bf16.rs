//! The bf16 path of the language models, measured against f32.

use candle_core::{DType, Device, Tensor};
use tts::{Model, ModelFiles, Observation, Options, Probe, Request, SplitRule, Voice};

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

fn logits(dtype: DType) -> Logits {
    let files = ModelFiles::Embedded(tts_fixture::FILES);
    let model = Model::load_with(files, &Device::Cpu, dtype, SplitRule::default()).unwrap();
    let mut options = Options { max_new_tokens: 2, ..model.default_options() };
    options.talker.do_sample = false;
    options.predictor.do_sample = false;
    let request = Request {
        text: "Sixteen bits are enough for most of this.".to_owned(),
        language: Some("english".to_owned()),
        voice: Voice::Speaker("ryan".to_owned()),
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

#[test]
fn logits_in_bf16_stay_within_two_percent_of_f32() {
    let (f32, bf16) = (logits(DType::F32), logits(DType::BF16));
    for (name, a, b) in
        [("talker", &f32.talker, &bf16.talker), ("code predictor", &f32.predictor, &bf16.predictor)]
    {
        let error = relative_error(a, b);
        println!("{name}: relative error {error:.4}");
        assert!(error > 0.0, "{name}: computed in f32");
        assert!(error < 0.02, "{name}: relative error {error:.4}");
    }
}
