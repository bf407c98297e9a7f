// Products of a matrix with a few vectors: what a step of a language model reads its weights for.
//
// A warp has one output (or a pair, for a gate) of a few rows. It reads the weights once, from end to
// end, in loads of eight or, in 8 bits, of sixteen; the inputs are in shared memory, normed where they
// have to be. The order of every sum depends on the number of inputs only, so a row does not know which
// others are beside it.

#include "device.cuh"

namespace {

constexpr unsigned WARPS = 8, THREADS = WARPS * WARP;
// Weights of a load, and of one in 8 bits.
constexpr unsigned LOAD = 8, BYTES = 16;
// Neighbouring weights in 8 bits that have a scale.
constexpr unsigned GROUP = 128;
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

// Signed bytes. Conversions are slower than sums: a byte is the low end of 2^23 + 128 + its value.
__device__ __forceinline__ void to_floats(unsigned bytes, float (&to)[4]) {
  bytes ^= 0x80808080u;
  for (unsigned i = 0; i < 4; i++) {
    to[i] = __uint_as_float((bytes >> 8 * i & 0xffu) | 0x4b000000u) - 8388736.0f;
  }
}

// `[outputs, width]`.
template <class T> struct Floats {
  const T *values;

  // Where an input is in shared memory.
  static __device__ __forceinline__ unsigned place(unsigned input, unsigned) { return input; }

  // Adds what a lane has of the products of an output with `ROWS` inputs.
  template <unsigned ROWS>
  __device__ __forceinline__ void add(unsigned output, const float *inputs, unsigned width,
                                      float (&sums)[ROWS]) const {
    const T *weights = values + size_t(output) * width;
    const unsigned lane = threadIdx.x % WARP;
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
  }
};

// `[outputs, width]`, and the scales of every `GROUP` of a row, `[outputs, ceil(width / GROUP)]`.
struct Bytes {
  const int8_t *values;
  const float *scales;

  // Lanes read at distances of sixteen inputs, which are in few banks. Fours change places within
  // sixteen, so that eight lanes that load fours at once read from all.
  static __device__ __forceinline__ unsigned place(unsigned input, unsigned width) {
    return width % BYTES == 0 ? input ^ (input / (2 * BYTES) % 4 * 4) : input;
  }

  // A lane's products of a group are added up before their scale: a load is of one group.
  template <unsigned ROWS>
  __device__ __forceinline__ void add(unsigned output, const float *inputs, unsigned width,
                                      float (&sums)[ROWS]) const {
    const int8_t *weights = values + size_t(output) * width;
    const float *scale = scales + size_t(output) * ((width + GROUP - 1) / GROUP);
    const unsigned lane = threadIdx.x % WARP;
    if (width % BYTES == 0) {
      // Eight rows keep enough registers for four blocks of a processor.
#pragma unroll(ROWS < 8 ? 2 : 1)
      for (unsigned at = lane * BYTES; at < width; at += WARP * BYTES) {
        const uint4 bits = __ldg(reinterpret_cast<const uint4 *>(weights + at));
        const float of_group = __ldg(scale + at / GROUP);
        const unsigned words[BYTES / 4] = {bits.x, bits.y, bits.z, bits.w};
        float parts[ROWS] = {};
        for (unsigned four = 0; four < BYTES / 4; four++) {
          float values[4];
          to_floats(words[four], values);
          const float *from = inputs + at + (four ^ lane / 2 % 4) * 4;
          for (unsigned row = 0; row < ROWS; row++) {
            const float4 x = *reinterpret_cast<const float4 *>(from + row * width);
            parts[row] = fmaf(values[0], x.x, parts[row]);
            parts[row] = fmaf(values[1], x.y, parts[row]);
            parts[row] = fmaf(values[2], x.z, parts[row]);
            parts[row] = fmaf(values[3], x.w, parts[row]);
          }
        }
        for (unsigned row = 0; row < ROWS; row++) sums[row] = fmaf(parts[row], of_group, sums[row]);
      }
    } else {
      for (unsigned group = 0; group < width; group += GROUP) {
        float parts[ROWS] = {};
        for (unsigned at = group + lane; at < width && at < group + GROUP; at += WARP) {
          const float value = float(weights[at]);
          for (unsigned row = 0; row < ROWS; row++) {
            parts[row] = fmaf(value, inputs[row * width + at], parts[row]);
          }
        }
        const float of_group = scale[group / GROUP];
        for (unsigned row = 0; row < ROWS; row++) sums[row] = fmaf(parts[row], of_group, sums[row]);
      }
    }
  }
};

// The products of an output with `ROWS` inputs, in every lane.
template <unsigned ROWS, class Matrix>
__device__ void products(Matrix weights, unsigned output, const float *inputs, unsigned width,
                         float (&sums)[ROWS]) {
  for (unsigned row = 0; row < ROWS; row++) sums[row] = 0.0f;
  weights.add(output, inputs, width, sums);
  for (unsigned row = 0; row < ROWS; row++) sums[row] = sum_of_warp(sums[row]);
}

// Inputs `[rows, width]`, after their RMS norm if there are weights for one; `weights`, `[outputs,
// width]`, for a gate beside `up` of the same shape; outputs `[rows, outputs]`.
template <unsigned ROWS, class Matrix>
__device__ void gemv(const float *x, const float *norm, float epsilon, Matrix weights, Matrix up,
                     const float *bias, float *y, unsigned rows, unsigned width, unsigned outputs,
                     unsigned use) {
  CUDA_DYN_SHARED(float, inputs);
  __shared__ float squares[WARPS][ROWS];
  const unsigned first = blockIdx.y * ROWS, lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
  for (unsigned row = 0; row < ROWS; row++) {
    float sum = 0.0f;
    for (unsigned i = threadIdx.x; i < width; i += THREADS) {
      const float value = first + row < rows ? x[size_t(first + row) * width + i] : 0.0f;
      inputs[row * width + Matrix::place(i, width)] = value;
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
      for (unsigned i = threadIdx.x; i < width; i += THREADS) {
        inputs[row * width + Matrix::place(i, width)] *= scale * norm[i];
      }
    }
    __syncthreads();
  }
  const unsigned output = blockIdx.x * WARPS + warp;
  if (output >= outputs) return;
  float sums[ROWS], gates[ROWS];
  products(weights, output, inputs, width, sums);
  if (use == GATE) {
    for (unsigned row = 0; row < ROWS; row++) gates[row] = sums[row];
    products(up, output, inputs, width, sums);
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
    gemv<ROWS>(x, norm, epsilon, Floats<T>{weights}, Floats<T>{up}, bias, y, rows, width, outputs, use);       \
  }                                                                                                            \
  CUDA_CPU_EXPORT(name)

#define GEMV_I8(name, ROWS)                                                                                    \
  extern "C" __global__ void __launch_bounds__(THREADS)                                                        \
      name(const float *x, const float *norm, float epsilon, const int8_t *weights, const int8_t *up,          \
           const float *bias, float *y, unsigned rows, unsigned width, unsigned outputs, unsigned use,         \
           const float *scales, const float *up_scales) {                                                      \
    gemv<ROWS>(x, norm, epsilon, Bytes{weights, scales}, Bytes{up, up_scales}, bias, y, rows, width, outputs,  \
               use);                                                                                           \
  }                                                                                                            \
  CUDA_CPU_EXPORT(name)

GEMV(gemv_f32_1, float, 1)
GEMV(gemv_f32_4, float, 4)
GEMV(gemv_f32_8, float, 8)
GEMV(gemv_bf16_1, __nv_bfloat16, 1)
GEMV(gemv_bf16_4, __nv_bfloat16, 4)
GEMV(gemv_bf16_8, __nv_bfloat16, 8)
GEMV_I8(gemv_i8_1, 1)
GEMV_I8(gemv_i8_4, 4)
GEMV_I8(gemv_i8_8, 8)
