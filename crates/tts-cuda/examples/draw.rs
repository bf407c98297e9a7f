//! Draws a token with the kernel for GPUs, emulated on this CPU.

use tts_cuda::{Address, Float, Order, Queue, Sample, SampleRow, Steps};

fn main() -> Result<(), tts_cuda::LaunchError> {
    let (mut logits, mut scores) = ([0.1_f32, 2.0, -1.0, 1.5], [0.0_f32; 4]);
    let (mut suppressed, mut words) = ([0_u32; 1], [0_u32; 3]);
    let row = SampleRow {
        do_sample: 0,
        temperature: 1.0,
        top_k: 0,
        top_p: 1.0,
        penalty: 1.0,
        min_new_tokens: 0,
        eos: SampleRow::NONE,
        seed: [7, 0],
        request: 0,
        drawn: 0,
        rank: 0,
        error: 0,
    };
    let mut state = row.to_words();
    let sample = Sample {
        logits: Address::of(logits.as_mut_ptr()),
        dtype: Float::F32,
        rows: 1,
        vocab: 4,
        suppressed: Address::of(suppressed.as_mut_ptr()),
        by_row: false,
        seen: None,
        state: Address::of(state.as_mut_ptr()),
        scores: Address::of(scores.as_mut_ptr()),
        words: Address::of(words.as_mut_ptr()),
        codebook: 0,
        ends: true,
        steps: Steps::ALL,
    };
    // SAFETY: all of it lives here, and is as long as the kernel takes it to be.
    unsafe { sample.launch(&Queue::Emulated(Order::default()))? };
    println!("token {}, probability {:.3}", words[0], f32::from_bits(words[2]).exp());
    Ok(())
}
