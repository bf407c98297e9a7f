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

// The talker's next input: the sum of a frame's embeddings, and the row of the text that goes with it.
// `texts`, `[rows]`, has the address of each row's text, `[lengths, width]`; after the end of it comes its
// last row. `drawn` counts the tokens of codebook 0, `stride` numbers apart: the first frame has one.
extern "C" __global__ void __launch_bounds__(THREADS)
    next_input(const float *sum, const unsigned long long *texts, const unsigned *lengths, const unsigned *drawn,
               unsigned stride, unsigned width, float *x) {
  const unsigned row = blockIdx.y, at = blockIdx.x * THREADS + threadIdx.x;
  if (at >= width) return;
  const float *text = reinterpret_cast<const float *>(texts[row]);
  const unsigned index = min(drawn[size_t(row) * stride] - 1, lengths[row] - 1);
  x[size_t(row) * width + at] = sum[size_t(row) * width + at] + text[size_t(index) * width + at];
}

// The RMS norm of each row of `x`, `[rows, width]`: one block a row.
extern "C" __global__ void __launch_bounds__(THREADS)
    rms_norm(const float *x, const float *norm, float epsilon, unsigned width, float *y) {
  __shared__ float squares[THREADS / WARP];
  x += size_t(blockIdx.x) * width, y += size_t(blockIdx.x) * width;
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

// Where the next token of each row belongs.
extern "C" __global__ void advance(unsigned *positions, unsigned rows) {
  const unsigned row = blockIdx.x * blockDim.x + threadIdx.x;
  if (row < rows) positions[row]++;
}

CUDA_CPU_EXPORT(embed_f32)
CUDA_CPU_EXPORT(embed_bf16)
CUDA_CPU_EXPORT(next_input)
CUDA_CPU_EXPORT(rms_norm)
CUDA_CPU_EXPORT(advance)
