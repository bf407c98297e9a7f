use std::cell::LazyCell;
use std::hint::black_box;

use criterion::{Criterion, Throughput};
use tts_text::{Literals, SplitRule, Tokenizer};

use crate::shapes::{Shapes, group};

const TEXT: &str = "The harbour was quiet before sunrise, and the old lighthouse keeper counted \
    the boats as they left: 17 in all, two fewer than yesterday. \"It'll rain by noon,\" she said.";

/// A paragraph to ids.
pub(crate) fn tokenizer(criterion: &mut Criterion) {
    let mut group = group(criterion, "tokenizer by bytes of text");
    for &shapes in Shapes::all() {
        let tokenizer = LazyCell::new(|| {
            let checkpoint = shapes.custom_voice();
            Tokenizer::load(&checkpoint.files, &checkpoint.config, SplitRule::default()).unwrap()
        });
        shapes.tune(&mut group);
        group.throughput(Throughput::BytesDecimal(TEXT.len() as u64));
        group.bench_function(shapes.name(), |bencher| {
            let tokenizer = &*tokenizer;
            bencher.iter(|| tokenizer.encode(black_box(TEXT), Literals::default()).unwrap());
        });
    }
}
