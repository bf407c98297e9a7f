//! The logits pipeline against hand-made and brute-force results.

use candle_core::{DType, Device, Tensor};
use tts_nn::Buffer;
use tts_sampler::{
    BatchSampler, Draw, DrawKey, DrawRow, History, Sampler, SamplerError, SamplingParams,
    TokenRules, philox4x32, probabilities, process,
};

fn key(step: u32) -> DrawKey {
    DrawKey { seed: 0x1234_5678_9abc_def0, request: 0, step, codebook: 0 }
}

fn scores(logits: &[f32], params: &SamplingParams) -> Vec<f32> {
    let mut scores = Vec::new();
    let rules = TokenRules::all(logits.len());
    process(logits, params, &rules, &History::new(logits.len()), &mut scores).unwrap();
    scores
}

fn kept(scores: &[f32]) -> Vec<usize> {
    (0..scores.len()).filter(|&i| scores[i] > f32::NEG_INFINITY).collect()
}

#[test]
fn ties_with_the_kth_score_survive() {
    let params = SamplingParams { top_k: 2, ..SamplingParams::default() };
    assert_eq!(kept(&scores(&[3.0, 2.0, 2.0, 1.0], &params)), [0, 1, 2]);
}

#[test]
fn the_token_that_crosses_the_nucleus_stays() {
    let logits = [0.4_f32.ln(), 0.35_f32.ln(), 0.25_f32.ln()];
    let params = SamplingParams { top_p: 0.5, ..SamplingParams::default() };
    assert_eq!(kept(&scores(&logits, &params)), [0, 1]);
    let params = SamplingParams { top_p: 0.0, ..params };
    assert_eq!(kept(&scores(&logits, &params)), [0]);
}

#[test]
fn a_token_is_penalised_once_however_often_it_was_drawn() {
    let params = SamplingParams { repetition_penalty: 1.05, ..SamplingParams::default() };
    let mut history = History::new(10);
    for token in [7, 7, 9] {
        history.push(token).unwrap();
    }
    let mut logits = vec![1.0; 10];
    logits[9] = -1.0;
    let mut out = Vec::new();
    process(&logits, &params, &TokenRules::all(10), &history, &mut out).unwrap();
    assert_eq!(out[7], 1.0 / 1.05);
    assert_eq!(out[9], -1.05);
    assert_eq!(out[0], 1.0);
}

#[test]
fn the_talker_draws_codes_and_not_too_early_the_end() {
    let rules = TokenRules::talker(12, 8, 9);
    let greedy =
        SamplingParams { do_sample: false, min_new_tokens: 2, ..SamplingParams::default() };
    let mut logits = vec![0.0; 12];
    logits[9] = 5.0;
    logits[11] = 9.0;
    logits[3] = 1.0;
    let mut history = History::new(12);
    let mut sampler = Sampler::new();
    for expected in [3, 3, 9] {
        let draw = sampler.sample(&logits, &greedy, &rules, &history, key(0)).unwrap();
        assert_eq!(draw.token, expected);
        history.push(draw.token).unwrap();
    }
    let draw = sampler.sample(&logits, &greedy, &rules, &history, key(0)).unwrap();
    assert_eq!(draw.eos_rank, Some(0));
}

#[test]
fn greedy_takes_the_first_of_equals() {
    let greedy = SamplingParams { do_sample: false, ..SamplingParams::default() };
    let (rules, history) = (TokenRules::all(4), History::new(4));
    let draw = Sampler::new().sample(&[1.0, 2.0, 2.0, 0.0], &greedy, &rules, &history, key(0));
    assert_eq!(draw.unwrap().token, 1);
}

#[test]
fn draws_follow_the_distribution_and_the_key() {
    let logits = [0.0, 1.0, -2.0, 0.5, f32::NEG_INFINITY];
    let params = SamplingParams { temperature: 0.8, ..SamplingParams::default() };
    let expected = probabilities(&scores(&logits, &params));
    let (rules, history) = (TokenRules::all(5), History::new(5));
    let mut sampler = Sampler::new();
    let draws = 100_000;
    let mut counts = [0_u32; 5];
    for step in 0..draws {
        let draw = sampler.sample(&logits, &params, &rules, &history, key(step)).unwrap();
        counts[draw.token as usize] += 1;
        assert!((draw.log_prob - expected[draw.token as usize].ln()).abs() < 1e-5);
    }
    for (count, p) in counts.iter().zip(&expected) {
        let sigma = (f64::from(draws) * f64::from(*p) * (1.0 - f64::from(*p))).sqrt();
        let off = (f64::from(*count) - f64::from(draws) * f64::from(*p)).abs();
        assert!(off <= 4.5 * sigma, "{counts:?} {expected:?}");
    }
    let again = sampler.sample(&logits, &params, &rules, &history, key(5)).unwrap();
    let same = Sampler::new().sample(&logits, &params, &rules, &history, key(5)).unwrap();
    assert_eq!(again, same);
}

/// Top-k and top-p by full sorts and f64 sums.
fn brute_force(logits: &[f32], k: usize, p: f64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..logits.len()).collect();
    order.sort_by(|&a, &b| logits[b].total_cmp(&logits[a]).then(a.cmp(&b)));
    let threshold = logits[order[k.min(logits.len()) - 1]];
    order.retain(|&i| logits[i] >= threshold);
    let weights: Vec<f64> = order.iter().map(|&i| f64::from(logits[i]).exp()).collect();
    let total: f64 = weights.iter().sum();
    let mut above = 0.0;
    let mut kept = Vec::new();
    for (&i, w) in order.iter().zip(&weights) {
        if kept.is_empty() || above < p * total {
            kept.push(i);
        }
        above += w;
    }
    kept.sort_unstable();
    kept
}

#[test]
fn cuts_equal_brute_force_on_random_rows_with_ties() {
    for row in 0..400_u32 {
        let vocab = 1 + (row as usize * 7) % 90;
        let logits: Vec<f32> = (0..vocab as u32)
            .map(|i| {
                let bits = philox4x32([i, row, 0, 0], [1, 2])[0];
                let x = (f64::from(bits) / f64::from(u32::MAX) * 8.0 - 4.0) as f32;
                if row % 3 == 0 { x.round() } else { x }
            })
            .collect();
        let (k, p) = (1 + row as usize % 40, 0.05 + 0.9 * f64::from(row) / 400.0);
        let params = SamplingParams { top_k: k, top_p: p as f32, ..SamplingParams::default() };
        assert_eq!(kept(&scores(&logits, &params)), brute_force(&logits, k, f64::from(p as f32)));
    }
}

#[test]
fn bad_rows_and_parameters_are_typed_errors() {
    let (rules, history) = (TokenRules::all(3), History::new(3));
    let params = SamplingParams::default();
    let sample = |logits: &[f32]| Sampler::new().sample(logits, &params, &rules, &history, key(0));
    assert!(matches!(sample(&[0.0, f32::NAN, 0.0]), Err(SamplerError::NotFinite { token: 1, .. })));
    assert!(matches!(sample(&[0.0, 0.0, f32::INFINITY]), Err(SamplerError::NotFinite { .. })));
    assert!(matches!(
        sample(&[f32::NEG_INFINITY; 3]),
        Err(SamplerError::AllSuppressed { vocab: 3 })
    ));
    assert!(matches!(sample(&[0.0; 2]), Err(SamplerError::Length { found: 2, expected: 3 })));
    assert!(sample(&[0.0; 3]).is_ok());
    let cold = SamplingParams { temperature: 1e-38, ..params };
    let overflow = Sampler::new().sample(&[0.0, 9e9, 1.0], &cold, &rules, &history, key(0));
    assert!(matches!(overflow, Err(SamplerError::NotFinite { token: 1, .. })));
    for bad in [
        SamplingParams { temperature: 0.0, ..params },
        SamplingParams { temperature: f32::NAN, ..params },
        SamplingParams { repetition_penalty: -1.0, ..params },
        SamplingParams { top_p: 1.5, ..params },
    ] {
        assert!(matches!(bad.validate(), Err(SamplerError::Parameter { .. })), "{bad:?}");
    }
}

#[test]
fn rows_of_a_tensor_are_drawn_from_where_they_are() {
    let rules = TokenRules::new(4, [], Some(3)).unwrap();
    let params = SamplingParams {
        repetition_penalty: 3.0,
        min_new_tokens: 2,
        top_k: 3,
        ..SamplingParams::default()
    };
    let logits = [[0.5_f32, 1.0, 0.0, 2.0], [1.5, 0.0, 1.0, -1.0]];
    let mut histories = [History::new(4), History::new(4)];
    histories[1].push(2).unwrap();
    let first = |b: usize| DrawKey { step: b as u32, ..key(b as u32) };
    let rows: Vec<DrawRow<'_>> = (0..2)
        .map(|b| DrawRow { params: &params, history: Some(&histories[b]), key: first(b) })
        .collect();
    let words = Tensor::zeros((9, 2), DType::U32, &Device::Cpu).unwrap();
    let part = Buffer::of(words.narrow(0, 3, 3).unwrap()).unwrap();
    let on_device = Tensor::new(&logits, &Device::Cpu).unwrap();
    let mut together = BatchSampler::new(&rules, 2, &Device::Cpu).unwrap();
    together.begin(&rows).unwrap();
    // Two draws a step; the last one is remembered.
    for draw in 0..12 {
        let (codebook, ends) = (draw % 2, draw % 2 == 1);
        together.draw_into(&on_device, codebook, ends, &part).unwrap();
        let all = words.to_vec2::<u32>().unwrap();
        let rest = all.iter().enumerate().filter(|(row, _)| !(3..6).contains(row));
        assert!(rest.map(|(_, words)| words).all(|words| words == &[0, 0]));
        for (b, (logits, history)) in logits.iter().zip(&mut histories).enumerate() {
            let key = DrawKey { step: b as u32 + draw / 2, codebook, ..first(b) };
            let alone = Sampler::new().sample(logits, &params, &rules, history, key).unwrap();
            assert_eq!(Draw::from_words([3, 4, 5].map(|row| all[row][b])).unwrap(), alone);
            if ends {
                history.push(alone.token).unwrap();
            }
        }
    }
}

#[test]
fn what_is_wrong_with_a_row_comes_with_the_draws() {
    let params = SamplingParams { temperature: 1e-38, ..SamplingParams::default() };
    let rules = TokenRules::new(4, [0, 1, 2, 3], None).unwrap();
    let none = BatchSampler::new(&rules, 1, &Device::Cpu).unwrap();
    let some = BatchSampler::new(&TokenRules::all(4), 1, &Device::Cpu).unwrap();
    let row = [DrawRow { params: &params, history: None, key: key(0) }];
    let words = Buffer::zeros((3, 1), DType::U32, &Device::Cpu).unwrap();
    let error = |sampler: &mut BatchSampler, logits: [f32; 4]| {
        sampler.begin(&row).unwrap();
        let logits = Tensor::new(&[logits], &Device::Cpu).unwrap();
        sampler.draw_into(&logits, 0, true, &words).unwrap();
        let words: Vec<u32> = words.flatten_all().unwrap().to_vec1().unwrap();
        assert!(words[0] < 4);
        Draw::from_words([words[0], words[1], words[2]]).unwrap_err().to_string()
    };
    let (mut none, mut some) = (none, some);
    assert_eq!(error(&mut none, [0.0; 4]), "every token of a vocabulary of 4 is suppressed");
    assert_eq!(error(&mut some, [0.0, f32::NAN, 0.0, 0.0]), "the score of token 1 is NaN");
    assert_eq!(error(&mut some, [0.0, 0.0, f32::INFINITY, 0.0]), "the score of token 2 is inf");
    assert_eq!(error(&mut some, [0.0, 0.0, -9.0, 9.0]), "the score of token 3 is inf");
    assert_eq!(error(&mut some, [-9.0, -8.0, -9.0, -9.0]), "the score of token 0 is -inf");
}

#[test]
fn rows_of_other_shapes_are_refused() {
    let (params, rules) = (SamplingParams::default(), TokenRules::all(4));
    let mut sampler = BatchSampler::new(&rules, 1, &Device::Cpu).unwrap();
    let history = History::new(5);
    let row = DrawRow { params: &params, history: None, key: key(0) };
    let two = sampler.begin(&[row, row]);
    assert!(matches!(two, Err(SamplerError::Batch { found: 2, expected: 1 })));
    let other = sampler.begin(&[DrawRow { history: Some(&history), ..row }]);
    assert!(matches!(other, Err(SamplerError::Length { found: 5, expected: 4 })));
    sampler.begin(&[row]).unwrap();
    let mut draw = |rows: usize, vocab: usize, width: usize| {
        let logits = Tensor::zeros((rows, vocab), DType::F32, &Device::Cpu).unwrap();
        let words = Buffer::zeros((3, width), DType::U32, &Device::Cpu).unwrap();
        sampler.draw_into(&logits, 0, true, &words)
    };
    draw(1, 4, 1).unwrap();
    assert!(matches!(draw(2, 4, 2), Err(SamplerError::Batch { found: 1, expected: 2 })));
    assert!(matches!(draw(1, 5, 1), Err(SamplerError::Length { found: 5, expected: 4 })));
    assert!(matches!(draw(1, 4, 2), Err(SamplerError::Length { found: 6, expected: 3 })));
}
