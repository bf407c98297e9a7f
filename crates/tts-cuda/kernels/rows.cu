// What is done with whole rows between the products.

#include "device.cuh"

namespace {

constexpr unsigned THREADS = 256;

// The row of `table`, `[entries, width]`, of the token of each row of the batch: to `y`, and added to
// `sum`, `[rows, width]` each and null where nobody wants it. A token that has no row counts as the
// last one, so nothing outside is read; the host refuses it later.
template <class T>
__device__ void embed(const T *table, unsigned entries, unsigned width, const unsigned *tokens, float *y, float *sum) {
  const unsigned row = blockIdx.y, at = blockIdx.x * THREADS + threadIdx.x;
  if (at >= width) return;
  const unsigned token = min(tokens[row], entries - 1);
  const float value = to_float(table[size_t(token) * width + at]);
  const size_t to = size_t(row) * width + at;
  if (y) y[to] = value;
  if (sum) sum[to] += value;
}

}  // namespace

extern "C" __global__ void __launch_bounds__(THREADS)
    embed_f32(const float *table, unsigned entries, unsigned width, const unsigned *tokens, float *y, float *sum) {
  embed(table, entries, width, tokens, y, sum);
}

extern "C" __global__ void __launch_bounds__(THREADS)
    embed_bf16(const __nv_bfloat16 *table, unsigned entries, unsigned width, const unsigned *tokens, float *y,
               float *sum) {
  embed(table, entries, width, tokens, y, sum);
}

// Rows of numbers of 32 bits, `[rows, width]`, to where there is room for longer ones of `stride` numbers.
extern "C" __global__ void __launch_bounds__(THREADS)
    put(const unsigned *from, unsigned width, unsigned stride, unsigned *to) {
  const unsigned row = blockIdx.y, at = blockIdx.x * THREADS + threadIdx.x;
  if (at < width) to[size_t(row) * stride + at] = from[size_t(row) * width + at];
}

// The talker's next input: the sum of a frame's embeddings, and the row of the text that goes with it.
// `texts`, `[steps, rows, width]`, has those of some frames, `count` says which frame it is.
extern "C" __global__ void __launch_bounds__(THREADS)
    next_input(const float *sum, const float *texts, unsigned steps, const unsigned *count, unsigned width,
               float *x) {
  const unsigned row = blockIdx.y, at = blockIdx.x * THREADS + threadIdx.x;
  if (at >= width) return;
  const size_t step = min(*count, steps - 1), to = size_t(row) * width + at;
  x[to] = sum[to] + texts[step * gridDim.y * width + to];
}

// Numbers of 32 bits to the place that `count` says in `log`, `[steps, width]`.
extern "C" __global__ void __launch_bounds__(THREADS)
    keep(const unsigned *from, unsigned width, const unsigned *count, unsigned steps, unsigned *log) {
  const unsigned at = blockIdx.x * THREADS + threadIdx.x;
  if (at < width) log[size_t(min(*count, steps - 1)) * width + at] = from[at];
}

// The RMS norm of each row of `x`, which has one every `stride` numbers: one block a row.
extern "C" __global__ void __launch_bounds__(THREADS)
    rms_norm(const float *x, const float *norm, float epsilon, unsigned width, unsigned stride, float *y) {
  __shared__ float squares[THREADS / WARP];
  x += size_t(blockIdx.x) * stride, y += size_t(blockIdx.x) * width;
  float sum = 0.0f;
  for (unsigned i = threadIdx.x; i < width; i += THREADS) sum = fmaf(x[i], x[i], sum);
  sum = sum_of_warp(sum);
  if (threadIdx.x % WARP == 0) squares[threadIdx.x / WARP] = sum;
  __syncthreads();
  sum = 0.0f;
  for (unsigned i = 0; i < THREADS / WARP; i++) sum += squares[i];
  const float scale = 1.0f / sqrtf(sum / float(width) + epsilon);
  for (unsigned i = threadIdx.x; i < width; i += THREADS) y[i] = x[i] * (scale * norm[i]);
}

// One more.
extern "C" __global__ void advance(unsigned *count) { ++*count; }

CUDA_CPU_EXPORT(embed_f32)
CUDA_CPU_EXPORT(embed_bf16)
CUDA_CPU_EXPORT(put)
CUDA_CPU_EXPORT(next_input)
CUDA_CPU_EXPORT(keep)
CUDA_CPU_EXPORT(rms_norm)
CUDA_CPU_EXPORT(advance)
