use candle_core::{DType, Device, Tensor};
use criterion::{BatchSize, Criterion, Throughput};
use tts_nn::KvCache;

use crate::shapes::group;

/// Key and value heads and their width in the talker of all released models.
const KV_HEADS: usize = 8;
const HEAD_DIM: usize = 128;
/// Positions of a sequence: a few seconds of speech.
const CAPACITY: usize = 64;

/// One position of one layer into a cache that is half full.
pub(crate) fn write(criterion: &mut Criterion) {
    let mut group = group(criterion, "kv_write by bytes written");
    for dtype in [DType::F32, DType::BF16] {
        let rows = |time| Tensor::zeros((KV_HEADS, time, HEAD_DIM), dtype, &Device::Cpu).unwrap();
        let (before, new) = (rows(CAPACITY / 2), rows(1));
        let bytes = 2 * KV_HEADS * HEAD_DIM * dtype.size_in_bytes();
        group.throughput(Throughput::BytesDecimal(bytes as u64));
        group.bench_function(dtype.as_str(), |bencher| {
            let half_full = || {
                let mut cache =
                    KvCache::full(KV_HEADS, CAPACITY, HEAD_DIM, dtype, &Device::Cpu).unwrap();
                cache.append(&before, &before).unwrap();
                cache
            };
            bencher.iter_batched_ref(
                half_full,
                |cache| cache.append(&new, &new).unwrap(),
                BatchSize::SmallInput,
            );
        });
    }
}
