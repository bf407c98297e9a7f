//! One launch for the draws of a batch.

use crate::Float;
use crate::error::LaunchError;
use crate::kernel::{Arg, Kernel, Launch};
use crate::queue::{Address, Queue};

/// How the tokens of a row are drawn, and how many were: what the kernel keeps of a sequence.
#[derive(Debug, Clone, Copy, PartialEq)]
#[repr(C)]
pub struct SampleRow {
    /// 1 draws at random, 0 takes the likeliest token.
    pub do_sample: u32,
    /// Divides the scores.
    pub temperature: f32,
    /// Candidates kept; 0 keeps all.
    pub top_k: u32,
    /// Probability mass kept; 1 keeps all.
    pub top_p: f32,
    /// Penalty on tokens seen before; 1 is off.
    pub penalty: f32,
    /// Steps before the first at which the end of the sequence may be drawn.
    pub min_new_tokens: u32,
    /// The token that ends a sequence, or [`SampleRow::NONE`].
    pub eos: u32,
    /// The seed, its lower half first.
    pub seed: [u32; 2],
    /// Stream of the request.
    pub request: u32,
    /// Steps that came before: those that a launch [ended](Sample::ends). It is also the step of the
    /// randomness.
    pub drawn: u32,
    /// Written by [`Steps::MASK`]: tokens better than the end of the sequence, or
    /// [`SampleRow::NONE`] where that may not be drawn; the token of an error.
    pub rank: u32,
    /// Written by [`Steps::MASK`]: 0, or [what is wrong](SampleRow::error).
    pub error: u32,
}

/// What is wrong with a row of logits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SampleError {
    /// A logit is NaN.
    NotANumber,
    /// No token may be drawn.
    AllSuppressed,
    /// A score is +inf, or becomes so through penalty or temperature.
    Infinite,
    /// All scores become -inf through a tiny temperature.
    NoneLeft,
}

impl SampleError {
    /// In the order of their numbers, from 1 on; 0 is none.
    const ALL: [Self; 4] = [Self::NotANumber, Self::AllSuppressed, Self::Infinite, Self::NoneLeft];

    /// As the kernel counts them; 0 is none.
    pub fn of(number: u32) -> Option<Self> {
        Self::ALL.get((number as usize).checked_sub(1)?).copied()
    }

    /// See [`SampleError::of`].
    pub fn number(self) -> u32 {
        self as u32 + 1
    }
}

impl SampleRow {
    /// In place of a token or a rank.
    pub const NONE: u32 = u32::MAX;
    /// Numbers of 32 bits of a row.
    pub const WORDS: usize = size_of::<Self>() / size_of::<u32>();

    /// As the kernel reads it.
    pub fn to_words(self) -> [u32; Self::WORDS] {
        let Self { do_sample, temperature, top_k, top_p, penalty, min_new_tokens, eos, .. } = self;
        let [low, high] = self.seed;
        let [temperature, top_p, penalty] = [temperature, top_p, penalty].map(f32::to_bits);
        let rules = [do_sample, temperature, top_k, top_p, penalty, min_new_tokens, eos];
        let state = [low, high, self.request, self.drawn, self.rank, self.error];
        let mut words = [0; Self::WORDS];
        words.iter_mut().zip(rules.into_iter().chain(state)).for_each(|(to, from)| *to = from);
        words
    }

    /// As the kernel left it.
    pub fn from_words(words: [u32; Self::WORDS]) -> Self {
        let [do_sample, temperature, top_k, top_p, penalty, min_new_tokens, eos, rest @ ..] = words;
        let [low, high, request, drawn, rank, error] = rest;
        let [temperature, top_p, penalty] = [temperature, top_p, penalty].map(f32::from_bits);
        let seed = [low, high];
        Self {
            do_sample,
            temperature,
            top_k,
            top_p,
            penalty,
            min_new_tokens,
            eos,
            seed,
            request,
            drawn,
            rank,
            error,
        }
    }

    /// What was wrong with the last row of logits.
    pub fn error(&self) -> Option<SampleError> {
        SampleError::of(self.error)
    }
}

/// Steps of a draw, to be done by one launch or by one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Steps(u32);

impl Steps {
    /// Penalty, suppression, minimum length, temperature: from logits to scores.
    pub const MASK: Self = Self(1);
    /// Keeps the best scores.
    pub const TOP_K: Self = Self(2);
    /// Keeps the nucleus.
    pub const TOP_P: Self = Self(4);
    /// Draws from the scores.
    pub const DRAW: Self = Self(8);
    /// All of them.
    pub const ALL: Self = Self(15);
}

/// Draws a token for each row of logits: `tts_sampler::Sampler`, where the logits are.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    /// `[rows, vocab]`.
    pub logits: Address,
    /// Their type.
    pub dtype: Float,
    /// Rows.
    pub rows: u32,
    /// Tokens of the vocabulary.
    pub vocab: u32,
    /// A bit for each token that is never drawn, `[ceil(vocab / 32)]` numbers of 32 bits for all
    /// rows.
    pub suppressed: Address,
    /// There are bits for each row, one behind the other.
    pub by_row: bool,
    /// A bit for each token of each row that was drawn, `[rows, ceil(vocab / 32)]`; without it
    /// there is no penalty.
    pub seen: Option<Address>,
    /// `[rows]` of [`SampleRow`].
    pub state: Address,
    /// `[rows, vocab]` in f32: what is left of the logits.
    pub scores: Address,
    /// `[3, rows]` numbers of 32 bits: tokens, ranks of the end of sequence, and logarithms of
    /// probabilities as bits of f32. A row with an error has the first token that is wrong, or the
    /// last one if none may be drawn; the error in place of a rank; and a probability that is none.
    pub words: Address,
    /// Index of the codebook, for the randomness.
    pub codebook: u32,
    /// Are the tokens the last of their step? Then they are noted as drawn.
    pub ends: bool,
    /// What to do.
    pub steps: Steps,
}

impl Sample {
    /// Puts the launch into a queue.
    ///
    /// # Errors
    /// Those of [`Queue::launch`].
    ///
    /// # Safety
    /// All addresses are of as much memory as they are documented to be, which lives until the
    /// kernel has run and is not used otherwise meanwhile.
    pub unsafe fn launch(&self, queue: &Queue) -> Result<(), LaunchError> {
        // Of a GPU, a row takes as many threads as can be; emulated ones only cost time.
        let threads = if queue.is_emulated() { 32 } else { 1024 };
        // SAFETY: as promised by the caller.
        unsafe { self.launch_with(queue, threads) }
    }

    /// As [`Sample::launch`], with another number of threads for a row: a multiple of 32, up to
    /// 1024. Results do not depend on it.
    ///
    /// # Errors
    /// As there.
    ///
    /// # Safety
    /// As there.
    pub unsafe fn launch_with(&self, queue: &Queue, threads: u32) -> Result<(), LaunchError> {
        let kernel = match self.dtype {
            Float::F32 => Kernel::SampleF32,
            Float::Bf16 => Kernel::SampleBf16,
        };
        let launch = Launch { grid: [self.rows, 1, 1], block: [threads, 1, 1], shared: 0 };
        let args = [
            Arg::Memory(Some(self.logits)),
            Arg::U32(self.vocab),
            Arg::Memory(Some(self.suppressed)),
            Arg::U32(if self.by_row { self.vocab.div_ceil(32) } else { 0 }),
            Arg::Memory(self.seen),
            Arg::Memory(Some(self.state)),
            Arg::Memory(Some(self.scores)),
            Arg::Memory(Some(self.words)),
            Arg::U32(self.codebook),
            Arg::U32(self.ends.into()),
            Arg::U32(self.steps.0),
        ];
        // SAFETY: these are the arguments of the kernel; the rest is promised by the caller.
        unsafe { queue.launch(kernel, launch, &args) }
    }
}
