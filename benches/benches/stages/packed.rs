use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput};
use tts_cpu::{Cells, Inputs, Matrix, Pool, Scheme};

use crate::shapes::{Shapes, group, wave};

/// Vectors that are multiplied at once.
const VECTORS: [usize; 3] = [1, 4, 8];

/// The widest product of a talker layer, in few bits; throughput counts the weights.
pub(crate) fn products(criterion: &mut Criterion) {
    let mut group = group(criterion, "packed products by byte");
    for &shapes in Shapes::all() {
        let checkpoint = shapes.custom_voice();
        let config = &checkpoint.config.talker_config;
        let (rows, columns) = (2 * config.intermediate_size, config.hidden_size);
        shapes.tune(&mut group);
        for (name, scheme) in [("q8", Scheme::Q8), ("q4", Scheme::Q4)] {
            let matrix = Matrix::pack(scheme, rows, columns, &wave(rows * columns)).unwrap();
            group.throughput(Throughput::Bytes(matrix.bytes() as u64));
            for vectors in VECTORS {
                let mut inputs = Inputs::new(columns);
                inputs.set(scheme, &wave(vectors * columns)).unwrap();
                let outputs = Cells::new(vectors * rows);
                let row = BenchmarkId::new(shapes.name(), format!("{name} x {vectors}"));
                group.bench_function(row, |bencher| {
                    bencher.iter(|| {
                        Pool::shared().run(|member| {
                            let tiles = member.share(matrix.tiles());
                            let sink = |vector, row, values: &[f32]| {
                                black_box(&outputs).write(vector * rows + row, values);
                            };
                            matrix.multiply_tiles(&inputs, tiles, sink).unwrap();
                        });
                    });
                });
            }
        }
    }
}
