//! What fewer bits change: an utterance in f32, and what a packed model would have said to
//! every frame of it.
//!
//!     cargo run --release -p tts-benches --example precision -- [demo|random|MODEL_DIR] [FRAMES]

use std::env;

use anyhow::{Context, Result};
use candle_core::{D, DType, Device, Tensor};
use tts::{Model, ModelFiles, Observation, Precision, Probe, Voice};
use tts_benches::random_model::{RandomModel, SPEAKING};
use tts_checkpoint::Checkpoint;
use tts_code_predictor::CodePredictor;
use tts_talker::Talker;

const TEXT: &str = "The train to the coast leaves at half past nine from platform four.";

/// What the models were given and what they made of it.
#[derive(Default)]
struct Teacher {
    prompt: Option<Tensor>,
    /// Of every step of the talker.
    inputs: Vec<Tensor>,
    /// Of the talker, the prompt's first.
    logits: Vec<Tensor>,
    /// Hidden state and first code of every frame.
    frames: Vec<(Tensor, Tensor)>,
    /// Of the code predictor, `[1, codebook size]` each.
    code_logits: Vec<Vec<Tensor>>,
}

impl Probe for Teacher {
    fn observe(&mut self, _: usize, observation: Observation<'_>) -> candle_core::Result<()> {
        match observation {
            Observation::PromptEmbeds(prompt) => self.prompt = Some(prompt.clone()),
            Observation::StepInput(_, _, input) => self.inputs.push(input.clone()),
            Observation::StepOutput(_, _, logits) => self.logits.push(logits.clone()),
            Observation::PredictorInput(_, hidden, first) => {
                self.frames.push((hidden.clone(), first.clone()));
                self.code_logits.push(Vec::new());
            }
            Observation::PredictorOutput(_, _, _, logits) => {
                if let Some(frame) = self.code_logits.last_mut() {
                    frame.push(logits.clone());
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// Mean Kullback-Leibler divergence and share of equal first choices.
#[derive(Default)]
struct Agreement {
    rows: f64,
    divergence: f64,
    equal: f64,
}

impl Agreement {
    fn add(&mut self, exact: &Tensor, found: &Tensor) -> Result<()> {
        let log_softmax = |logits: &Tensor| -> Result<Tensor> {
            let logits = logits.to_dtype(DType::F64)?;
            let logits = logits.broadcast_sub(&logits.max_keepdim(D::Minus1)?)?;
            Ok(logits.broadcast_sub(&logits.exp()?.sum_keepdim(D::Minus1)?.log()?)?)
        };
        let (p, q) = (log_softmax(exact)?, log_softmax(found)?);
        self.divergence += (p.exp()? * (&p - &q)?)?.sum_all()?.to_scalar::<f64>()?;
        let best = |x: &Tensor| x.argmax(D::Minus1);
        let equal = best(exact)?.eq(&best(found)?)?.to_dtype(DType::F64)?;
        self.equal += equal.sum_all()?.to_scalar::<f64>()?;
        self.rows += exact.dim(0)? as f64;
        Ok(())
    }

    fn row(&self, precision: Precision, what: &str) -> String {
        let (divergence, equal) = (self.divergence / self.rows, 100.0 * self.equal / self.rows);
        format!("| {precision} | {what} | {divergence:.5} | {equal:.1} % |")
    }
}

fn main() -> Result<()> {
    // SAFETY: this is the main thread, and it has started no other one.
    unsafe { tts::fix_threads(None) };
    let mut args = env::args().skip(1);
    let files = match args.next().as_deref() {
        None | Some("demo") => ModelFiles::Embedded(tts_demo_voice::FILES),
        Some("random") => RandomModel::real_06b(&SPEAKING)?.files(),
        Some(directory) => ModelFiles::directory(directory)?,
    };
    let frames: usize = args.next().map_or(Ok(12), |frames| frames.parse())?;

    let (teacher, codes) = teach(files.clone(), frames)?;
    println!("| precision | logits | mean KL | same first choice |\n| --- | --- | --- | --- |");
    for precision in [Precision::Q8, Precision::Q4Mix] {
        let rows = compare(&files, precision, &teacher, &codes)?;
        println!("{}", rows.join("\n"));
    }
    Ok(())
}

/// An utterance in f32, and its codes.
fn teach(files: ModelFiles, frames: usize) -> Result<(Teacher, Vec<Vec<u32>>)> {
    let model = Model::load(files, &Device::Cpu)?;
    let speaker = model.speakers().into_iter().next();
    let mut request = model.request(TEXT, speaker.map_or(Voice::Unnamed, Voice::Speaker));
    tts_benches::fix_length(&mut request.options, frames);
    let mut teacher = Teacher::default();
    let utterance = model.speak_batch_with(&[request], &mut teacher)?.pop();
    Ok((teacher, utterance.context("one utterance")?.frames))
}

/// A packed model over the same past.
fn compare(
    files: &ModelFiles,
    precision: Precision,
    teacher: &Teacher,
    codes: &[Vec<u32>],
) -> Result<Vec<String>> {
    let checkpoint = Checkpoint::open(files.clone())?;
    let (config, weights) =
        (&checkpoint.config.talker_config, checkpoint.model_weights(DType::F32, &Device::Cpu));
    let talker = Talker::load(config, &weights, precision.packing())?;
    let prompt = teacher.prompt.as_ref().context("a prompt")?;
    let mut state = talker.new_state(prompt.dim(0)? + teacher.inputs.len())?;
    let (mut early, mut late) = (Agreement::default(), Agreement::default());
    let work = talker.new_work(1)?;
    let prompted = talker.prefill(prompt, 0, &mut state)?;
    let mut found = &prompted.logits;
    for (step, logits) in teacher.logits.iter().enumerate() {
        let half = if step < teacher.logits.len() / 2 { &mut early } else { &mut late };
        half.add(logits, found)?;
        let Some(input) = teacher.inputs.get(step) else { break };
        work.input().set(input)?;
        talker.step(&work, None, &mut [&mut state])?;
        found = work.logits();
    }

    let predictor = CodePredictor::load(config, &weights, precision.packing())?;
    let mut all = Agreement::default();
    for ((hidden, first), (logits, codes)) in
        teacher.frames.iter().zip(teacher.code_logits.iter().zip(codes))
    {
        let codes = codes.get(1..).context("codes of a frame")?;
        let codes = Tensor::new(codes, &Device::Cpu)?.unsqueeze(0)?;
        let found = predictor.logits_of(hidden, first, &codes)?;
        all.add(&Tensor::cat(logits, 0)?, &found)?;
    }
    Ok(vec![
        early.row(precision, "talker, first half"),
        late.row(precision, "talker, second half"),
        all.row(precision, "code predictor"),
    ])
}
