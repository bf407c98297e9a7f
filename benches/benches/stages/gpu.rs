use std::time::Instant;

use criterion::{Criterion, Throughput};
use tts::DeviceName;
use tts_benches::gpu_kernels::{Case, Sizes, each_case};

use crate::shapes::group;

/// The kernels of a GPU, where there is one: each is repeated as a graph.
pub(crate) fn kernels(criterion: &mut Criterion) {
    let Ok(device) = DeviceName::Cuda(0).open() else { return };
    let mut group = group(criterion, "gpu kernels by bytes");
    let run = |case: Case| {
        group.throughput(Throughput::Bytes(case.bytes as u64));
        let name = case.name.clone();
        let graph = case.record(&device).unwrap();
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|repetitions| {
                let started = Instant::now();
                (0..repetitions).try_for_each(|_| graph.launch()).unwrap();
                device.synchronize().unwrap();
                started.elapsed()
            });
        });
        Ok(())
    };
    each_case(&device, &Sizes::REAL_06B, run).unwrap();
}
