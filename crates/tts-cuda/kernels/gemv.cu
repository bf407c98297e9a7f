// Products of a matrix with a few vectors: what a step of a language model reads its weights for.
//
// A warp has one output (or a pair, for a gate) of a few rows. It reads the weights once, from end to
// end, in loads of eight; the inputs are in shared memory, normed where they have to be. The order of
// every sum depends on the number of inputs only, so a row does not know which others are beside it.

#include "device.cuh"

namespace {

constexpr unsigned WARPS = 8, THREADS = WARPS * WARP;
// Weights of a load.
constexpr unsigned LOAD = 8;
// What becomes of the products; else they are stored.
constexpr unsigned ADD = 1, GATE = 2;

__device__ __forceinline__ void load(const float *from, float (&to)[LOAD]) {
  const float4 *values = reinterpret_cast<const float4 *>(from);
  for (unsigned i = 0; i < LOAD / 4; i++) {
    const float4 four = __ldg(values + i);
    to[4 * i] = four.x, to[4 * i + 1] = four.y, to[4 * i + 2] = four.z, to[4 * i + 3] = four.w;
  }
}

__device__ __forceinline__ void load(const __nv_bfloat16 *from, float (&to)[LOAD]) {
  const uint4 bits = __ldg(reinterpret_cast<const uint4 *>(from));
  const unsigned words[LOAD / 2] = {bits.x, bits.y, bits.z, bits.w};
  for (unsigned i = 0; i < LOAD / 2; i++) {
    to[2 * i] = __uint_as_float(words[i] << 16);
    to[2 * i + 1] = __uint_as_float(words[i] & 0xffff0000u);
  }
}

// The products of a row of weights with `ROWS` inputs, in every lane.
template <unsigned ROWS, class T>
__device__ void products(const T *weights, const float *inputs, unsigned width, float (&sums)[ROWS]) {
  const unsigned lane = threadIdx.x % WARP;
  for (unsigned row = 0; row < ROWS; row++) sums[row] = 0.0f;
  if (width % LOAD == 0) {
#pragma unroll 4
    for (unsigned at = lane * LOAD; at < width; at += WARP * LOAD) {
      float values[LOAD];
      load(weights + at, values);
      for (unsigned row = 0; row < ROWS; row++) {
        for (unsigned i = 0; i < LOAD; i++) {
          sums[row] = fmaf(values[i], inputs[row * width + at + i], sums[row]);
        }
      }
    }
  } else {
    for (unsigned at = lane; at < width; at += WARP) {
      const float value = to_float(weights[at]);
      for (unsigned row = 0; row < ROWS; row++) {
        sums[row] = fmaf(value, inputs[row * width + at], sums[row]);
      }
    }
  }
  for (unsigned row = 0; row < ROWS; row++) sums[row] = sum_of_warp(sums[row]);
}

// Inputs `[rows, width]`, after their RMS norm if there are weights for one; `weights`, `[outputs,
// width]`, for a gate beside `up` of the same shape; outputs `[rows, outputs]`.
template <unsigned ROWS, class T>
__device__ void gemv(const float *x, const float *norm, float epsilon, const T *weights, const T *up,
                     const float *bias, float *y, unsigned rows, unsigned width, unsigned outputs,
                     unsigned use) {
  CUDA_DYN_SHARED(float, inputs);
  __shared__ float squares[WARPS][ROWS];
  const unsigned first = blockIdx.y * ROWS, lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
  for (unsigned row = 0; row < ROWS; row++) {
    float sum = 0.0f;
    for (unsigned i = threadIdx.x; i < width; i += THREADS) {
      const float value = first + row < rows ? x[size_t(first + row) * width + i] : 0.0f;
      inputs[row * width + i] = value;
      sum = fmaf(value, value, sum);
    }
    sum = sum_of_warp(sum);
    if (lane == 0) squares[warp][row] = sum;
  }
  __syncthreads();
  if (norm) {
    for (unsigned row = 0; row < ROWS; row++) {
      float sum = 0.0f;
      for (unsigned i = 0; i < WARPS; i++) sum += squares[i][row];
      const float scale = 1.0f / sqrtf(sum / float(width) + epsilon);
      for (unsigned i = threadIdx.x; i < width; i += THREADS) inputs[row * width + i] *= scale * norm[i];
    }
    __syncthreads();
  }
  const unsigned output = blockIdx.x * WARPS + warp;
  if (output >= outputs) return;
  float sums[ROWS], gates[ROWS];
  products(weights + size_t(output) * width, inputs, width, sums);
  if (use == GATE) {
    for (unsigned row = 0; row < ROWS; row++) gates[row] = sums[row];
    products(up + size_t(output) * width, inputs, width, sums);
  }
  if (lane != 0) return;
  for (unsigned row = 0; row < ROWS && first + row < rows; row++) {
    float *to = y + size_t(first + row) * outputs + output;
    float value = sums[row] + (bias ? bias[output] : 0.0f);
    if (use == GATE) value *= gates[row] / (1.0f + expf(-gates[row]));
    *to = use == ADD ? *to + value : value;
  }
}

}  // namespace

#define GEMV(name, T, ROWS)                                                                                    \
  extern "C" __global__ void __launch_bounds__(THREADS)                                                        \
      name(const float *x, const float *norm, float epsilon, const T *weights, const T *up, const float *bias, \
           float *y, unsigned rows, unsigned width, unsigned outputs, unsigned use) {                          \
    gemv<ROWS>(x, norm, epsilon, weights, up, bias, y, rows, width, outputs, use);                             \
  }                                                                                                            \
  CUDA_CPU_EXPORT(name)

GEMV(gemv_f32_1, float, 1)
GEMV(gemv_f32_4, float, 4)
GEMV(gemv_f32_8, float, 8)
GEMV(gemv_bf16_1, __nv_bfloat16, 1)
GEMV(gemv_bf16_4, __nv_bfloat16, 4)
GEMV(gemv_bf16_8, __nv_bfloat16, 8)
