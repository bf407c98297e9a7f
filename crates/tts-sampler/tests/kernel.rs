//! The kernel for GPUs, emulated, against the sampler of the CPU: the same tokens, ranks and errors
//! from random rows of every kind.

use std::thread;

use half::bf16;
use tts_cuda::{Address, Float, Order, Queue, Sample, SampleRow, Steps};
use tts_sampler::{
    Draw, DrawKey, History, Sampler, SamplerError, SamplingParams, TokenRules, philox4x32,
};

/// Rows of a launch.
const BATCH: usize = 16;

struct Random {
    counter: u32,
    stream: u32,
}

impl Random {
    fn next(&mut self) -> u32 {
        self.counter += 1;
        philox4x32([self.counter, self.stream, 0, 0], [7, 11])[0]
    }

    fn below(&mut self, end: usize) -> usize {
        self.next() as usize % end
    }

    fn of<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.below(values.len())]
    }

    /// From -1 to 1.
    fn float(&mut self) -> f32 {
        self.next() as f32 / u32::MAX as f32 * 2.0 - 1.0
    }

    /// Logits with and without ties, with what a broken model may give, and with nothing left.
    fn logits(&mut self, vocab: usize) -> Vec<f32> {
        let (size, levels) = (self.of(&[0.0, 0.01, 1.0, 5.0, 30.0, 1e4, 3e38]), self.below(8));
        let rare = self.of(&[f32::NEG_INFINITY, -0.0, 0.0, f32::MIN_POSITIVE / 8.0]);
        let broken = self.of(&[f32::NAN, f32::INFINITY, f32::MAX]);
        let (often, breaks) = (self.of(&[0, 0, 3, 30, 99, 100]), self.below(40) == 0);
        let mut logits: Vec<f32> = (0..vocab)
            .map(|_| match levels {
                0..=3 => self.float() * size,
                _ => (self.float() * levels as f32).round() * size,
            })
            .collect();
        for logit in &mut logits {
            if self.below(100) < often {
                *logit = rare;
            }
        }
        if breaks {
            logits[self.below(vocab)] = broken;
        }
        logits
    }

    fn params(&mut self, vocab: usize) -> SamplingParams {
        SamplingParams {
            do_sample: self.below(3) > 0,
            temperature: self.of(&[1.0, 0.9, 0.4, 0.01, 2.5, 1e-38]),
            top_k: self.of(&[0, 0, 0, 1, 2, 5, 50, vocab - 1, vocab, vocab + 9]),
            top_p: self.of(&[1.0, 1.0, 1.0, 1.0, 1.0, 0.999, 0.8, 0.3, 1e-7, 0.0]),
            repetition_penalty: self.of(&[1.0, 1.05, 1.7, 0.5, 1e-38]),
            min_new_tokens: self.below(4),
        }
    }
}

/// The state of one sequence, as the CPU keeps it, and as the kernel does.
struct Sequence {
    params: SamplingParams,
    history: History,
    key: DrawKey,
    seen: Vec<u32>,
    row: SampleRow,
}

impl Sequence {
    fn new(random: &mut Random, vocab: usize, eos: Option<u32>) -> Self {
        let params = random.params(vocab);
        let (mut history, mut seen) = (History::new(vocab), vec![0_u32; vocab.div_ceil(32)]);
        for _ in 0..random.below(6) {
            let token = random.below(vocab);
            history.push(token as u32).expect("a token");
            seen[token / 32] |= 1 << (token % 32);
        }
        let step = history.drawn() as u32;
        let seed = u64::from(random.next()) << 32 | u64::from(random.next());
        let key = DrawKey { seed, request: random.next(), step, codebook: random.below(16) as u32 };
        let row = SampleRow {
            do_sample: params.do_sample.into(),
            temperature: params.temperature,
            top_k: params.top_k as u32,
            top_p: params.top_p,
            penalty: params.repetition_penalty,
            min_new_tokens: params.min_new_tokens as u32,
            eos: eos.unwrap_or(SampleRow::NONE),
            seed: [seed as u32, (seed >> 32) as u32],
            request: key.request,
            drawn: step,
            rank: 0,
            error: 0,
        };
        Self { params, history, key, seen, row }
    }
}

/// What the kernel gives for rows of logits, `[rows, vocab]`, and its state afterwards.
struct Drawn {
    draws: Vec<Result<Draw, SamplerError>>,
    rows: Vec<SampleRow>,
    seen: Vec<u32>,
}

/// Many launches with the same memory.
struct Launches<'a> {
    logits: &'a [f32],
    sequences: &'a [Sequence],
    suppressed: &'a [u32],
    vocab: usize,
    codebook: u32,
    ends: bool,
    by_row: bool,
    dtype: Float,
    threads: u32,
    order: Order,
}

impl Launches<'_> {
    /// Does `steps` one after the other.
    fn run(&self, steps: &[Steps]) -> Drawn {
        let count = self.sequences.len();
        let mut logits = self.logits.to_vec();
        let mut halves: Vec<bf16> = logits.iter().map(|&logit| bf16::from_f32(logit)).collect();
        let mut suppressed = self.suppressed.repeat(if self.by_row { count } else { 1 });
        let mut seen: Vec<u32> =
            self.sequences.iter().flat_map(|one| one.seen.iter().copied()).collect();
        let mut state: Vec<u32> =
            self.sequences.iter().flat_map(|one| one.row.to_words()).collect();
        let mut scores = vec![f32::NAN; logits.len()];
        let mut words = vec![0; Draw::WORDS * count];
        let sample = Sample {
            logits: match self.dtype {
                Float::F32 => Address::of(logits.as_mut_ptr()),
                Float::Bf16 => Address::of(halves.as_mut_ptr()),
            },
            dtype: self.dtype,
            rows: count as u32,
            vocab: self.vocab as u32,
            suppressed: Address::of(suppressed.as_mut_ptr()),
            by_row: self.by_row,
            seen: Some(Address::of(seen.as_mut_ptr())),
            state: Address::of(state.as_mut_ptr()),
            scores: Address::of(scores.as_mut_ptr()),
            words: Address::of(words.as_mut_ptr()),
            codebook: self.codebook,
            ends: self.ends,
            steps: Steps::ALL,
        };
        for &steps in steps {
            let sample = Sample { steps, ..sample };
            // SAFETY: the vectors are as long as the kernel takes them to be, and outlive it.
            unsafe { sample.launch_with(&Queue::Emulated(self.order), self.threads) }
                .expect("a launch");
        }
        let word = |index: usize, row: usize| words[index * count + row];
        let (rows, _) = state.as_chunks();
        Drawn {
            draws: (0..count)
                .map(|row| Draw::from_words([0, 1, 2].map(|index| word(index, row))))
                .collect(),
            rows: rows.iter().map(|&row| SampleRow::from_words(row)).collect(),
            seen,
        }
    }
}

fn check(random: &mut Random, sampler: &mut Sampler, launch: usize, [vocab, threads]: [usize; 2]) {
    let eos = (random.below(3) > 0).then(|| random.below(vocab) as u32);
    let share = random.of(&[0, 0, 10, 60, 100]);
    let suppressed: Vec<u32> = (0..vocab as u32).filter(|_| random.below(100) < share).collect();
    let mut bits = vec![0_u32; vocab.div_ceil(32)];
    for token in &suppressed {
        bits[*token as usize / 32] |= 1 << (token % 32);
    }
    let rules = TokenRules::new(vocab, suppressed, eos).expect("tokens of the vocabulary");
    let sequences: Vec<_> = (0..BATCH).map(|_| Sequence::new(random, vocab, eos)).collect();
    let dtype = random.of(&[Float::F32, Float::F32, Float::F32, Float::Bf16]);
    let mut logits: Vec<f32> = (0..BATCH).flat_map(|_| random.logits(vocab)).collect();
    if dtype == Float::Bf16 {
        for logit in &mut logits {
            *logit = bf16::from_f32(*logit).to_f32();
        }
    }
    let launches = Launches {
        logits: &logits,
        sequences: &sequences,
        suppressed: &bits,
        vocab,
        codebook: random.below(16) as u32,
        ends: random.below(2) > 0,
        by_row: random.below(2) > 0,
        dtype,
        threads: threads as u32,
        order: match random.below(4) {
            0 => Order::Backwards,
            1 => Order::Shuffled(random.next()),
            _ => Order::Forwards,
        },
    };
    let one_by_one = [Steps::MASK, Steps::TOP_K, Steps::TOP_P, Steps::DRAW];
    let steps = if random.below(9) == 0 { &one_by_one[..] } else { &[Steps::ALL] };
    let drawn = launches.run(steps);
    let width = vocab.div_ceil(32);
    for (index, (sequence, logits)) in sequences.iter().zip(logits.chunks(vocab)).enumerate() {
        let key = DrawKey { codebook: launches.codebook, ..sequence.key };
        let (params, history) = (&sequence.params, &sequence.history);
        let expected = sampler.sample(logits, params, &rules, history, key);
        let (draw, row) = (&drawn.draws[index], drawn.rows[index]);
        let seen = &drawn.seen[index * width..(index + 1) * width];
        let context = || format!("launch {launch} row {index}: {params:?} {key:?} {logits:?}");
        let expected = match expected {
            Ok(expected) => expected,
            Err(expected) => {
                // With token and value. A NaN is none that could be compared.
                let found = draw.as_ref().expect_err("an error");
                assert_eq!(format!("{found:?}"), format!("{expected:?}"), "{}", context());
                assert!(row.error().is_some());
                assert_eq!(row, SampleRow { rank: row.rank, error: row.error, ..sequence.row });
                assert_eq!(seen, sequence.seen);
                continue;
            }
        };
        assert_eq!(row.error(), None, "{}", context());
        let draw = draw.as_ref().expect("a draw");
        assert_eq!(
            (draw.token, draw.eos_rank),
            (expected.token, expected.eos_rank),
            "{}",
            context()
        );
        let error = (draw.log_prob - expected.log_prob).abs();
        assert!(error <= expected.log_prob.abs() * f32::EPSILON, "{error:e}: {}", context());
        let mut after = sequence.seen.clone();
        if launches.ends {
            after[draw.token as usize / 32] |= 1 << (draw.token % 32);
        }
        assert_eq!(seen, after);
        assert_eq!(row.drawn, sequence.row.drawn + u32::from(launches.ends));
    }
}

/// Checks so many rows, in all threads together.
fn check_rows(rows: usize, seed: u32) {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for thread in 0..threads {
            scope.spawn(move || {
                let mut random = Random { counter: 0, stream: seed + thread as u32 };
                let mut sampler = Sampler::new();
                for launch in 0..rows.div_ceil(BATCH * threads) {
                    let vocab = match random.below(1000) {
                        0 => 3072,
                        1 => 2048,
                        2..=40 => 1 + random.below(700),
                        _ => 1 + random.below(40),
                    };
                    let is_wide = random.below(50) == 0;
                    let threads = if is_wide { random.of(&[64, 96, 256, 1024]) } else { 32 };
                    check(&mut random, &mut sampler, launch, [vocab, threads]);
                }
            });
        }
    });
}

#[test]
fn a_million_random_rows_are_drawn_as_on_the_cpu() {
    check_rows(1_000_000, 0);
}

/// For tests with sanitizers, which are slow.
#[test]
fn some_more_rows_are_drawn_as_on_the_cpu() {
    check_rows(2_000, 1 << 16);
}

/// Of the text's tokens.
#[test]
fn rows_of_a_large_vocabulary_are_drawn_as_on_the_cpu() {
    let mut random = Random { counter: 0, stream: 1 << 17 };
    let mut sampler = Sampler::new();
    for launch in 0..12 {
        check(&mut random, &mut sampler, launch, [151_936, 1024]);
    }
}
