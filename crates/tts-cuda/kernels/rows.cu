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

// The sum of what the threads of a block have, in every thread. `warps` is memory of the block.
__device__ __forceinline__ float sum_of_block(float value, float (&warps)[THREADS / WARP]) {
  value = sum_of_warp(value);
  // Some may still read what was there before.
  __syncthreads();
  if (threadIdx.x % WARP == 0) warps[threadIdx.x / WARP] = value;
  __syncthreads();
  float sum = 0.0f;
  for (unsigned i = 0; i < THREADS / WARP; i++) sum += warps[i];
  return sum;
}

// Rows and columns that a block transposes at once.
constexpr unsigned TILE = 32;

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
  __shared__ float warps[THREADS / WARP];
  x += size_t(blockIdx.x) * stride, y += size_t(blockIdx.x) * width;
  float squares = 0.0f;
  for (unsigned i = threadIdx.x; i < width; i += THREADS) squares = fmaf(x[i], x[i], squares);
  const float scale = 1.0f / sqrtf(sum_of_block(squares, warps) / float(width) + epsilon);
  for (unsigned i = threadIdx.x; i < width; i += THREADS) y[i] = x[i] * (scale * norm[i]);
}

// The rows of `codes`, `[rows, stride]`, of the first `books` in each: their entries in `tables`, `[books,
// entries, width]`, added up. A code that has no entry counts as the last one, as a token does.
extern "C" __global__ void __launch_bounds__(THREADS)
    sum_codes(const float *tables, unsigned books, unsigned entries, unsigned width, const unsigned *codes,
              unsigned stride, float *y) {
  const unsigned row = blockIdx.y, at = blockIdx.x * THREADS + threadIdx.x;
  if (at >= width) return;
  float sum = 0.0f;
  for (unsigned book = 0; book < books; book++) {
    const unsigned code = min(codes[size_t(row) * stride + book], entries - 1);
    sum += tables[(size_t(book) * entries + code) * width + at];
  }
  y[size_t(row) * width + at] = sum;
}

// A causal convolution in time of every channel on its own, then the norm of each row: `x`, `[taps - 1 + rows,
// width]`, begins with the rows before; `weights`, `[taps, width]`, with the oldest tap. One block a row.
extern "C" __global__ void __launch_bounds__(THREADS)
    depthwise_norm(const float *x, const float *weights, const float *bias, unsigned taps, const float *norm,
                   const float *norm_bias, float epsilon, unsigned width, float *y) {
  __shared__ float warps[THREADS / WARP];
  x += size_t(blockIdx.x) * width, y += size_t(blockIdx.x) * width;
  float sum = 0.0f;
  for (unsigned i = threadIdx.x; i < width; i += THREADS) {
    float value = bias[i];
    for (unsigned tap = 0; tap < taps; tap++) {
      value = fmaf(weights[size_t(tap) * width + i], x[size_t(tap) * width + i], value);
    }
    // Nobody else reads or writes it.
    y[i] = value;
    sum += value;
  }
  const float mean = sum_of_block(sum, warps) / float(width);
  float squares = 0.0f;
  for (unsigned i = threadIdx.x; i < width; i += THREADS) squares = fmaf(y[i] - mean, y[i] - mean, squares);
  const float scale = 1.0f / sqrtf(sum_of_block(squares, warps) / float(width) + epsilon);
  for (unsigned i = threadIdx.x; i < width; i += THREADS) y[i] = fmaf((y[i] - mean) * scale, norm[i], norm_bias[i]);
}

// The last `keep` rows of `x`, `[keep + rows, width]`, to its front. A thread moves a column from the front
// on, so it never reads what it has written.
extern "C" __global__ void __launch_bounds__(THREADS)
    carry(float *x, unsigned rows, unsigned keep, unsigned width) {
  const unsigned at = blockIdx.x * THREADS + threadIdx.x;
  if (at >= width || rows == 0) return;
  for (unsigned row = 0; row < keep; row++) x[size_t(row) * width + at] = x[size_t(row + rows) * width + at];
}

// `x`, `[rows, columns]`, as `y`, `[columns, rows]`.
extern "C" __global__ void __launch_bounds__(THREADS)
    transpose(const float *x, unsigned rows, unsigned columns, float *y) {
  // A column more, so that those of a tile are in different banks.
  __shared__ float tile[TILE][TILE + 1];
  const unsigned lane = threadIdx.x % TILE, line = threadIdx.x / TILE;
  const unsigned first_row = blockIdx.y * TILE, first_column = blockIdx.x * TILE;
  for (unsigned i = line; i < TILE; i += THREADS / TILE) {
    const unsigned row = first_row + i, column = first_column + lane;
    if (row < rows && column < columns) tile[i][lane] = x[size_t(row) * columns + column];
  }
  __syncthreads();
  for (unsigned i = line; i < TILE; i += THREADS / TILE) {
    const unsigned row = first_row + lane, column = first_column + i;
    if (row < rows && column < columns) y[size_t(column) * rows + row] = tile[lane][i];
  }
}

// One more.
extern "C" __global__ void advance(unsigned *count) { ++*count; }

CUDA_CPU_EXPORT(embed_f32)
CUDA_CPU_EXPORT(embed_bf16)
CUDA_CPU_EXPORT(put)
CUDA_CPU_EXPORT(next_input)
CUDA_CPU_EXPORT(keep)
CUDA_CPU_EXPORT(rms_norm)
CUDA_CPU_EXPORT(sum_codes)
CUDA_CPU_EXPORT(depthwise_norm)
CUDA_CPU_EXPORT(carry)
CUDA_CPU_EXPORT(transpose)
CUDA_CPU_EXPORT(advance)
