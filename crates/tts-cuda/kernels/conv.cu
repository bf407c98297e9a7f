// Causal convolutions of the codec, ordinary and transposed, with what stands before and behind them.
//
// A convolution is a product of its weights with windows of the signal, which nobody writes down: a
// block has 64 rows of outputs at 64 times, and takes 16 inputs of a tap at once through shared memory,
// activated on the way. The order of every sum is that of taps, then of inputs, so a value does not
// know how long the signal is that it was computed with.

#include "device.cuh"

namespace {

// Rows and times of a block, inputs that it takes at once, and rows and times of a thread.
constexpr unsigned TILE = 64, CHUNK = 16, PART = 4;
constexpr unsigned SIDE = TILE / PART, THREADS = SIDE * SIDE;
// Inputs from one load of a thread to the next, and its loads.
constexpr unsigned APART = THREADS / TILE, LOADS = CHUNK / APART;

// Weights and activated inputs of a chunk. A thread reads the four of its rows, and of its times, at
// once: rows that follow each other, and times `SIDE` apart, so that a warp writes outputs side by side.
struct Chunk {
  float4 weights[CHUNK][SIDE], values[CHUNK][SIDE];
};

// Adds the products of a chunk, those of the first `TIMES` times of the thread.
template <unsigned TIMES>
__device__ __forceinline__ void multiply(const Chunk &chunk, float (&sums)[PART][PART]) {
  const unsigned row = threadIdx.x / SIDE, time = threadIdx.x % SIDE;
#pragma unroll
  for (unsigned k = 0; k < CHUNK; k++) {
    const float4 w = chunk.weights[k][row], v = chunk.values[k][time];
    const float weights[PART] = {w.x, w.y, w.z, w.w}, values[PART] = {v.x, v.y, v.z, v.w};
    for (unsigned i = 0; i < PART; i++) {
      for (unsigned j = 0; j < TIMES; j++) sums[i][j] = fmaf(weights[i], values[j], sums[i][j]);
    }
  }
}

}  // namespace

// `x`, `[inputs, time]`, after `tail`, `[inputs, (taps - 1) dilation]`, which is silence where it is
// null; both are activated, `x + sin(x frequency)^2 gain`, if there are `frequency` and `gain`,
// `[inputs]`. `weights`: `[taps, inputs, outputs stride]`, the oldest tap first. `add`, which may be null
// or `y`, and `y`: `[outputs, time stride]`. Four blocks of a multiprocessor leave each thread 64
// registers; left alone the compiler takes fewer for some GPUs, and spills.
extern "C" __global__ void __launch_bounds__(THREADS, 4)
    conv(const float *x, const float *tail, unsigned inputs, unsigned time, const float *frequency,
         const float *gain, const float *weights, const float *bias, unsigned taps, unsigned dilation,
         unsigned outputs, unsigned stride, const float *add, float limit, float *y) {
  __shared__ Chunk chunks[2];
  const unsigned rows = outputs * stride, keep = (taps - 1) * dilation;
  const unsigned first_time = blockIdx.x * TILE, first_row = blockIdx.y * TILE;
  // What the thread loads: one column of weights and of inputs.
  const unsigned column = threadIdx.x % TILE, line = threadIdx.x / TILE;
  const unsigned from_row = first_row + column, from_time = first_time + column;
  float loaded_weights[LOADS], loaded_values[LOADS];
  // The chunk that is next, of `tap`, from `first` on.
  unsigned tap = 0, first = 0;

  const auto load = [&] {
    const unsigned back = (taps - 1 - tap) * dilation;
    for (unsigned i = 0; i < LOADS; i++) {
      const unsigned input = first + line + i * APART;
      // Zeros stand where there is nothing; they do not change a sum.
      loaded_weights[i] = loaded_values[i] = 0.0f;
      if (input >= inputs) continue;
      if (from_row < rows) loaded_weights[i] = weights[(size_t(tap) * inputs + input) * rows + from_row];
      if (from_time >= time) continue;
      if (from_time >= back) {
        loaded_values[i] = x[size_t(input) * time + (from_time - back)];
      } else if (tail) {
        loaded_values[i] = tail[size_t(input) * keep + (keep + from_time - back)];
      }
    }
  };
  const auto store = [&](Chunk &chunk) {
    float *const to_weights = reinterpret_cast<float *>(chunk.weights);
    float *const to_values = reinterpret_cast<float *>(chunk.values);
    for (unsigned i = 0; i < LOADS; i++) {
      const unsigned place = line + i * APART, input = first + place;
      float value = loaded_values[i];
      if (frequency && input < inputs && from_time < time) {
        const float sine = sinf(value * frequency[input]);
        value = fmaf(sine * sine, gain[input], value);
      }
      to_weights[place * TILE + column] = loaded_weights[i];
      to_values[place * TILE + column % SIDE * PART + column / SIDE] = value;
    }
  };

  float sums[PART][PART] = {};
  // The few times of a short piece need not cost what a whole tile does.
  const bool is_narrow = time - first_time <= SIDE;
  load();
  store(chunks[0]);
  __syncthreads();
  for (unsigned step = 0;; step++) {
    first += CHUNK;
    if (first >= inputs) first = 0, tap++;
    // Loads are on their way while the chunk before is used.
    const bool goes_on = tap < taps;
    if (goes_on) load();
    if (is_narrow) {
      multiply<1>(chunks[step % 2], sums);
    } else {
      multiply<PART>(chunks[step % 2], sums);
    }
    if (!goes_on) break;
    // Nobody reads this one any more: all have passed the barrier behind its use.
    store(chunks[(step + 1) % 2]);
    __syncthreads();
  }

  for (unsigned i = 0; i < PART; i++) {
    const unsigned row = first_row + threadIdx.x / SIDE * PART + i;
    if (row >= rows) break;
    const unsigned output = row / stride, phase = row % stride;
    for (unsigned j = 0; j < PART; j++) {
      const unsigned at = first_time + threadIdx.x % SIDE + j * SIDE;
      if (at >= time) break;
      const size_t to = (size_t(output) * time + at) * stride + phase;
      float value = sums[i][j] + bias[output];
      if (add) value += add[to];
      // NaN is no number within the limit, and stays.
      y[to] = value > limit ? limit : value < -limit ? -limit : value;
    }
  }
}

// The last `keep` values of every channel of `tail`, `[channels, keep]`, and then `x`, `[channels,
// time]`, to `tail`: a warp has a channel.
extern "C" __global__ void __launch_bounds__(THREADS)
    remember(const float *x, float *tail, unsigned channels, unsigned time, unsigned keep) {
  const unsigned channel = blockIdx.x * (THREADS / WARP) + threadIdx.x / WARP, lane = threadIdx.x % WARP;
  if (channel >= channels) return;
  x += size_t(channel) * time, tail += size_t(channel) * keep;
  // Values move to the front, so what is still to be read is never behind what was written, once all
  // lanes have read.
  for (unsigned start = 0; start < keep; start += WARP) {
    const unsigned at = start + lane;
    float value = 0.0f;
    if (at < keep) value = at + time < keep ? tail[at + time] : x[at + time - keep];
    __syncwarp(ALL_LANES);
    if (at < keep) tail[at] = value;
    __syncwarp(ALL_LANES);
  }
}

CUDA_CPU_EXPORT(conv)
CUDA_CPU_EXPORT(remember)
