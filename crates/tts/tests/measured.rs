//! Few bits where a model bears them: what is in the file is what was measured.

use candle_core::{DType, Device};
use tts::{
    Measuring, Model, ModelFiles, Precision, QualityBar, Quantized, SplitRule, Teacher,
    measuring_requests, quantize_within,
};
use tts_checkpoint::Checkpoint;
use tts_code_predictor::CodePredictor;
use tts_talker::Talker;

fn demo() -> Model {
    Model::load(ModelFiles::Embedded(tts_demo_voice::FILES), &Device::Cpu).unwrap()
}

/// The file of a bar, and how the models in it differ from f32.
fn made(bar: QualityBar) -> (Quantized, f64, f64) {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("model.tts");
    let model = demo();
    let requests = measuring_requests(&model, None);
    let mut steps = Vec::new();
    let made = quantize_within(model, &requests, bar, &path, &mut |step| steps.push(step)).unwrap();
    assert_eq!(made.size as u64, path.metadata().unwrap().len());
    assert_eq!(steps.first(), Some(&Measuring::Speaking(1)));
    assert!(steps.contains(&Measuring::Talker(0)) && steps.contains(&Measuring::CodePredictor(0)));

    let files = ModelFiles::open(&path).unwrap();
    assert_eq!(Precision::of(&files, &Device::Cpu), Ok(made.precision));
    let teacher = Teacher::speak(&demo(), &requests, &mut |_| ()).unwrap();
    let checkpoint = Checkpoint::open(files.clone()).unwrap();
    let weights = checkpoint.model_weights(DType::F32, &Device::Cpu);
    let (config, packing) = (&checkpoint.config.talker_config, made.precision.packing());
    let talker = Talker::load(config, &weights, packing).unwrap();
    let predictor = CodePredictor::load(config, &weights, packing).unwrap();
    let talker = teacher.ask_talker(&talker).unwrap().divergence();
    let predictor = teacher.ask_predictor(&predictor).unwrap().divergence();

    let model = Model::load_with(files, &Device::Cpu, made.precision, SplitRule::default());
    let model = model.unwrap();
    let mut request = requests[0].clone();
    request.options.fix_length(3);
    assert_eq!(model.speak(&request).unwrap().frames.len(), 3);
    (made, talker, predictor)
}

#[test]
fn layers_that_a_model_bears_are_in_four_bits() {
    let generous = QualityBar { talker: 1.0, predictor: 1.0 };
    let (most, four_talker, four_predictor) = made(generous);
    assert_eq!(most.precision, Precision::Q4Mix);
    assert_eq!(most.talker.in_four_bits.len(), most.talker.layers);
    assert_eq!(most.predictor.in_four_bits.len(), most.predictor.layers);
    assert!((most.talker.agreement.divergence() - four_talker).abs() < 1e-12);
    assert!((most.predictor.agreement.divergence() - four_predictor).abs() < 1e-12);

    // A bar that some layers are above.
    let bar = QualityBar { talker: four_talker / 2.0, predictor: four_predictor / 2.0 };
    let (some, talker, predictor) = made(bar);
    assert_eq!(some.precision, Precision::Q4Mix);
    for (part, divergence) in [(&some.talker, talker), (&some.predictor, predictor)] {
        let four = &part.in_four_bits;
        assert!(!four.is_empty() && four.len() < part.layers, "{four:?} of {}", part.layers);
        assert!(part.is_within() && divergence <= part.bound, "{divergence} of {}", part.bound);
        assert!((part.agreement.divergence() - divergence).abs() < 1e-12);
    }
    assert!(some.size > most.size);
}

#[test]
fn a_model_that_bears_nothing_is_in_eight_bits() {
    let (none, talker, _) = made(QualityBar { talker: 0.0, predictor: 0.0 });
    assert_eq!(none.precision, Precision::Q8);
    assert!(none.talker.in_four_bits.is_empty() && none.predictor.in_four_bits.is_empty());
    assert!(!none.talker.is_within() && !none.predictor.is_within());
    assert!(talker > 0.0 && talker < 0.001, "{talker}");
}
