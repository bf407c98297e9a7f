//! Steps that are recorded and repeated, with the kernels for GPUs emulated.

use candle_core::{DType, Device, Error, Result, Tensor};
use tts_nn::{
    Bits, Blocks, Buffer, Counter, Decoder, DecoderBatch, DecoderConfig, DecoderState, Graph,
    Linear, can_wait, emulate_gpu,
};

const WIDTH: usize = 8;
const STEPS: usize = 6;

fn tensor(shape: &[usize], seed: usize) -> Tensor {
    let count = shape.iter().product();
    let value = |i: usize| (((i + 13 * seed) * 29 + 3) % 83) as f32 / 80.0 - 0.5;
    Tensor::from_vec((0..count).map(value).collect::<Vec<_>>(), shape, &Device::Cpu).unwrap()
}

fn named(name: &str) -> Tensor {
    let seed = name.bytes().fold(0, |seed, byte| (seed * 31 + usize::from(byte)) % 997);
    let shape: &[usize] = if name.contains("_proj") {
        &[WIDTH, WIDTH]
    } else if name.contains("q_norm") || name.contains("k_norm") {
        &[4]
    } else if name == "head" {
        &[3, WIDTH]
    } else {
        &[WIDTH]
    };
    tensor(shape, seed)
}

/// A step that feeds itself: text, stack, head, what is kept.
struct Model {
    decoder: Decoder,
    head: Linear,
}

struct Work {
    batch: DecoderBatch,
    counter: Counter,
    texts: Buffer,
    input: Buffer,
    position: Tensor,
    hidden: Buffer,
    logits: Buffer,
    bits: Tensor,
    log: Buffer,
}

impl Model {
    fn new(bits: Bits) -> Self {
        Self::of(bits, &|name: &str| -> Result<Tensor> { Ok(named(name)) })
    }

    fn of(bits: Bits, source: &impl Fn(&str) -> Result<Tensor>) -> Self {
        emulate_gpu();
        let config = DecoderConfig {
            layers: 2,
            heads: 2,
            kv_heads: 2,
            head_dim: 4,
            intermediate: WIDTH,
            norm_eps: 1e-6,
            rope_theta: 1e4,
            window: None,
            head_norms: true,
            layer_scales: false,
            blocks: Blocks::RmsGated,
        };
        let decoder = Decoder::load(bits, config, source).unwrap();
        Self { decoder, head: Linear::in_bits::<Error>(bits, source, "head", None).unwrap() }
    }

    fn states(&self, capacity: usize) -> [DecoderState; 2] {
        [0, 1].map(|_| self.decoder.new_state(capacity, DType::F32, &Device::Cpu).unwrap())
    }

    fn work(&self) -> Work {
        let zeros = |shape: &[usize]| Buffer::zeros(shape, DType::F32, &Device::Cpu).unwrap();
        let input = zeros(&[2, WIDTH]);
        let bits = Buffer::zeros((2, 3), DType::U32, &Device::Cpu).unwrap();
        Work {
            batch: self.decoder.new_batch(2, 1).unwrap(),
            counter: Counter::new(&Device::Cpu).unwrap(),
            texts: Buffer::of(tensor(&[STEPS, 2, WIDTH], 7)).unwrap(),
            position: input.unsqueeze(1).unwrap(),
            input,
            hidden: zeros(&[2, WIDTH]),
            logits: zeros(&[2, 3]),
            bits: (*bits).clone(),
            log: Buffer::zeros((STEPS * 2, 3), DType::U32, &Device::Cpu).unwrap(),
        }
    }

    fn begin(&self, work: &mut Work, states: &mut [DecoderState; 2]) {
        work.counter.reset().unwrap();
        work.hidden.write(&[0.0_f32; 2 * WIDTH]).unwrap();
        let mut states: Vec<_> = states.iter_mut().collect();
        self.decoder.begin(&mut work.batch, &mut states).unwrap();
    }

    fn step(&self, work: &Work, states: &mut [DecoderState; 2]) -> Result<()> {
        work.counter.add_rows(&work.hidden, &work.texts, &work.input)?;
        let mut states: Vec<_> = states.iter_mut().collect();
        let (x, y) = (&work.position, &work.hidden);
        self.decoder.last_into(x, y, &work.batch, Some(&work.counter), &mut states)?;
        self.head.forward_into(&work.hidden, &work.logits)?;
        work.counter.keep(&work.bits, &work.log)?;
        work.counter.advance()
    }
}

#[test]
fn what_is_repeated_is_what_would_be_told() {
    for bits in [Bits::Stored, Bits::Int8, Bits::Fp8] {
        check(Model::new(bits));
    }
}

fn check(model: Model) {
    let mut told = model.work();
    let mut states = model.states(STEPS);
    model.begin(&mut told, &mut states);
    let mut expected = Vec::new();
    for _ in 0..STEPS {
        model.step(&told, &mut states).unwrap();
        expected.push(told.logits.to_vec2::<f32>().unwrap());
    }

    let mut work = model.work();
    let mut states = model.states(STEPS);
    model.begin(&mut work, &mut states);
    let record = |work: &Work, states: &mut [DecoderState; 2]| {
        Graph::record(&Device::Cpu, || model.step(work, states)).unwrap().unwrap()
    };
    let graph = record(&work, &mut states);
    // Nothing has run yet.
    assert_eq!(work.logits.to_vec2::<f32>().unwrap(), [[0.0; 3]; 2]);
    graph.launch().unwrap();
    let follow = |work: &Work, states: &mut [DecoderState; 2]| -> Result<()> {
        states.iter_mut().try_for_each(|state| state.pass(1))?;
        work.counter.pass();
        graph.launch()
    };
    assert_eq!(work.logits.to_vec2::<f32>().unwrap(), expected[0]);
    for expected in &expected[1..] {
        follow(&work, &mut states).unwrap();
        assert_eq!(work.logits.to_vec2::<f32>().unwrap(), *expected);
    }
    assert!(follow(&work, &mut states).unwrap_err().to_string().contains("7 positions"));

    // Other sequences with less room, in the same memory; and one that has more.
    let version = work.batch.version();
    let mut others = model.states(3);
    model.begin(&mut work, &mut others);
    assert_eq!(work.batch.version(), version);
    for expected in &expected[..3] {
        follow(&work, &mut others).unwrap();
        assert_eq!(work.logits.to_vec2::<f32>().unwrap(), *expected);
    }
    let mut longer = model.states(40);
    model.begin(&mut work, &mut longer);
    assert_ne!(work.batch.version(), version);
    let again = record(&work, &mut longer);
    again.launch().unwrap();
    assert_eq!(work.logits.to_vec2::<f32>().unwrap(), expected[0]);

    // One of them is over.
    let mut alone = model.states(STEPS);
    work.counter.reset().unwrap();
    work.hidden.write(&[0.0_f32; 2 * WIDTH]).unwrap();
    model.decoder.begin(&mut work.batch, &mut [&mut alone[0]]).unwrap();
    let [first, second] = &mut alone;
    assert!(model.decoder.begin(&mut work.batch, &mut [first, second, &mut states[0]]).is_err());
    for expected in &expected {
        alone[0].pass(1).unwrap();
        work.counter.pass();
        again.launch().unwrap();
        assert_eq!(work.logits.to_vec2::<f32>().unwrap()[0], expected[0]);
    }

    // It keeps what it needs, and does no harm.
    drop((work, model, others, longer, alone, states));
    graph.launch().unwrap();
    again.launch().unwrap();
}

#[test]
fn what_goes_wrong_while_recording_is_told() {
    let model = Model::new(Bits::Stored);
    let mut work = model.work();
    let mut states = model.states(1);
    model.begin(&mut work, &mut states);
    let twice = Graph::record(&Device::Cpu, || -> Result<()> {
        model.step(&work, &mut states)?;
        model.step(&work, &mut states)
    });
    assert!(twice.unwrap_err().to_string().contains("2 positions"));
    let inner = Graph::record(&Device::Cpu, || -> Result<()> {
        Graph::record(&Device::Cpu, || -> Result<()> { Ok(()) }).map(|_| ())
    });
    assert!(inner.unwrap_err().to_string().contains("being recorded already"));
    // Afterwards launches run again.
    let x = tensor(&[1, WIDTH], 3);
    let y = model.head.forward(&x).unwrap().to_vec2::<f32>().unwrap();
    assert_ne!(y, [[0.0; 3]]);
}

/// The same weights in f32 and in bytes; caches in bf16 make the difference.
#[test]
fn weights_in_bytes_are_what_they_stand_for() {
    for bits in [Bits::Int8, Bits::Fp8] {
        bytes_are_what_they_stand_for(bits);
    }
}

/// A number in E4M3.
fn of_fp8(bits: u8) -> f32 {
    let (exponent, mantissa) = (i32::from(bits >> 3 & 15), f32::from(bits & 7));
    let size = match exponent {
        0 => mantissa * 2_f32.powi(-9),
        _ => (8.0 + mantissa) * 2_f32.powi(exponent - 10),
    };
    if bits < 0x80 { size } else { -size }
}

fn bytes_are_what_they_stand_for(bits: Bits) {
    let rounded = |name: &str| -> Result<Tensor> {
        let weights = named(name);
        let Ok((_, width)) = weights.dims2() else { return Ok(weights) };
        let values = weights.flatten_all()?.to_vec1::<f32>()?;
        let (numbers, scales): (Vec<f32>, _) = if bits == Bits::Int8 {
            let (bytes, scales) = tts_cuda::quantize(&values, width);
            (bytes.into_iter().map(f32::from).collect(), scales)
        } else {
            let (bytes, scales) = tts_cuda::quantize_fp8(&values, width);
            (bytes.into_iter().map(of_fp8).collect(), scales)
        };
        let of = |(at, number): (usize, f32)| number * scales[at / width];
        let numbers = numbers.into_iter().enumerate().map(of);
        Tensor::from_iter(numbers, &Device::Cpu)?.reshape(weights.shape())
    };
    let outputs = |model: &Model| {
        let (mut work, mut states) = (model.work(), model.states(STEPS));
        model.begin(&mut work, &mut states);
        (0..STEPS).for_each(|_| model.step(&work, &mut states).unwrap());
        work.logits.flatten_all().unwrap().to_vec1::<f32>().unwrap()
    };
    let exact = outputs(&Model::of(Bits::Stored, &rounded));
    let in_bytes = outputs(&Model::new(bits));
    for (exact, found) in exact.iter().zip(&in_bytes) {
        assert!((exact - found).abs() < 0.004, "{exact} {found}");
    }
    // Not those of weights that are a tenth larger.
    let other = outputs(&Model::of(bits, &|name: &str| named(name) * 1.1));
    assert!(other.iter().zip(&in_bytes).any(|(other, found)| (other - found).abs() > 0.004));
}

#[test]
fn what_would_wait_for_the_device_cannot_be_recorded() {
    emulate_gpu();
    let record = |work: &dyn Fn() -> Result<()>| Graph::record::<Error>(&Device::Cpu, work);
    let error = record(&|| can_wait("generate.frame")).unwrap_err();
    assert!(error.to_string().contains("`generate.frame` waits for the device"), "{error}");
    // Before, behind, and in what is recorded without it.
    can_wait("generate.frame").unwrap();
    assert!(record(&|| Ok(())).unwrap().is_some());
}

#[test]
fn a_panic_ends_a_recording() {
    emulate_gpu();
    let record = |work: &dyn Fn() -> Result<()>| Graph::record::<Error>(&Device::Cpu, work);
    let panics = std::panic::catch_unwind(|| record(&|| panic!("in what is recorded")));
    assert!(panics.is_err());
    can_wait("generate.frame").unwrap();
    let buffer = Buffer::zeros(3, DType::F32, &Device::Cpu).unwrap();
    let graph = record(&|| buffer.set(&tensor(&[3], 1))).unwrap().unwrap();
    assert_eq!(buffer.to_vec1::<f32>().unwrap(), [0.0; 3]);
    graph.launch().unwrap();
    assert_eq!(buffer.to_vec1::<f32>().unwrap(), tensor(&[3], 1).to_vec1::<f32>().unwrap());
}
