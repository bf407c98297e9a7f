//! What a frame takes from the allocator.

mod counting;

use candle_core::Device;
use tts::{Layout, Model, ModelFiles, Precision, SplitRule, Voice};

/// Fewer than between two looks at the audio.
const FRAMES: usize = 24;

#[test]
fn a_packed_model_takes_memory_for_nothing_but_the_codes_of_a_frame() {
    for precision in [Precision::Q8, Precision::Q4Mix] {
        let files = ModelFiles::Embedded(tts_fixture::FILES);
        let model = Model::load_with(files, &Device::Cpu, precision, SplitRule::default()).unwrap();
        let mut request = model.request("Nothing is left over.", Voice::Speaker("ryan".to_owned()));
        request.options.talker.min_new_tokens = FRAMES + 1;
        request.options.max_new_tokens = FRAMES + 1;
        for layout in Layout::ALL {
            request.options.layout = Some(layout);
            let mut counts = Vec::with_capacity(FRAMES);
            model
                .speak_with_progress(&request, &mut |_| counts.push(counting::allocations()))
                .unwrap();
            assert_eq!(counts.len(), FRAMES);
            let frames: Vec<usize> = counts.windows(2).map(|pair| pair[1] - pair[0]).collect();
            // What grows with the positions does so now and then, to twice its size.
            let growing = frames.iter().filter(|&&count| count > 1).count();
            let all: usize = frames.iter().sum();
            assert!(growing <= 8 && all <= frames.len() + 12, "{precision} {layout}: {frames:?}");
        }
    }
}
