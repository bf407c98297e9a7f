// Products of a matrix with a few vectors: what a step of a language model reads its weights for.
//
// A warp has one output (or a pair, for a gate) of a few rows. It reads the weights once, from end to
// end, in loads of eight or, in 8 bits, of sixteen; the inputs are in shared memory, normed where they
// have to be, and a chunk after the other where they are too many. All chunks but the last are multiples
// of the groups of scales and of what a warp loads at once, so the order of every sum depends on the
// number of inputs only, and a row does not know which others are beside it.

#include "device.cuh"

namespace {

constexpr unsigned WARPS = 8, THREADS = WARPS * WARP;
// Neighbouring weights in 8 bits that have a scale.
constexpr unsigned GROUP = 128;
// What becomes of the products; else they are stored.
constexpr unsigned ADD = 1, GATE = 2, GELU = 3;

// Where inputs of `ROWS` rows are in shared memory: those of a load, row by row, before those of the next
// one. Gaps of four keep lanes that load fours at once in different banks.
template <unsigned ROWS, unsigned LOAD> struct Place {
  static constexpr unsigned DENSE = ROWS * LOAD < WARP ? WARP : ROWS * LOAD;

  static __device__ __forceinline__ unsigned of(unsigned row, unsigned input) {
    const unsigned number = input / LOAD * LOAD * ROWS + row * LOAD + input % LOAD;
    return number + number / DENSE * 4;
  }

  // From an input to the one of the same row that is `warps` times `WARP` after it.
  static __device__ constexpr unsigned step(unsigned warps) {
    return warps * WARP * ROWS + warps * WARP * ROWS / DENSE * 4;
  }
};

// Some of the inputs, in shared memory.
struct Chunk {
  const float *inputs;
  // The first of them, and how many there are.
  unsigned start, count;
};

// Eight weights.
struct Eight {
  float4 low, high;
};

__device__ __forceinline__ Eight load(const float *from) {
  const float4 *fours = reinterpret_cast<const float4 *>(from);
  return {__ldg(fours), __ldg(fours + 1)};
}

__device__ __forceinline__ uint4 load(const __nv_bfloat16 *from) {
  return __ldg(reinterpret_cast<const uint4 *>(from));
}

__device__ __forceinline__ void unpack(const Eight &from, float (&to)[8]) {
  to[0] = from.low.x, to[1] = from.low.y, to[2] = from.low.z, to[3] = from.low.w;
  to[4] = from.high.x, to[5] = from.high.y, to[6] = from.high.z, to[7] = from.high.w;
}

__device__ __forceinline__ void unpack(const uint4 &from, float (&to)[8]) {
  const unsigned words[4] = {from.x, from.y, from.z, from.w};
  for (unsigned i = 0; i < 4; i++) {
    to[2 * i] = __uint_as_float(words[i] << 16);
    to[2 * i + 1] = __uint_as_float(words[i] & 0xffff0000u);
  }
}

// Adds the products of a load with inputs to a sum, one after the other.
template <unsigned LOAD>
__device__ __forceinline__ float add_products(float sum, const float (&weights)[LOAD],
                                              const float *inputs) {
  for (unsigned i = 0; i < LOAD; i += 4) {
    const float4 x = *reinterpret_cast<const float4 *>(inputs + i);
    sum = fmaf(weights[i], x.x, sum);
    sum = fmaf(weights[i + 1], x.y, sum);
    sum = fmaf(weights[i + 2], x.z, sum);
    sum = fmaf(weights[i + 3], x.w, sum);
  }
  return sum;
}

// Signed bytes.
struct Int8 {
  // What inputs, and scales, are multiplied by.
  static constexpr float INPUT = 1.0f, SCALE = 1.0f;

  static __device__ __forceinline__ float value(uint8_t byte) { return float(int8_t(byte)); }

  // Conversions are slower than sums: a byte is the low end of 2^23 + 128 + its value.
  static __device__ __forceinline__ void values(unsigned bytes, float *to) {
    bytes ^= 0x80808080u;
    for (unsigned i = 0; i < 4; i++) {
      to[i] = __uint_as_float((bytes >> 8 * i & 0xffu) | 0x4b000000u) - 8388736.0f;
    }
  }
};

// Floating point of 8 bits: a sign, four bits of exponent, three of mantissa. In their places in 32 bits
// they are a number divided by 2^120, which inputs and scales make up for: each has a part, so that
// neither they nor the products leave the range of 32 bits.
struct Fp8 {
  static constexpr float INPUT = 0x1p64f, SCALE = 0x1p56f;

  // Of the lowest byte. The sign comes down with the rest, and leaves copies of itself.
  static __device__ __forceinline__ float value(unsigned bytes) {
    return __uint_as_float((int(bytes << 24) >> 4) & 0x87f00000u);
  }

  static __device__ __forceinline__ void values(unsigned bytes, float *to) {
    for (unsigned i = 0; i < 4; i++) to[i] = value(bytes >> 8 * i);
  }
};

// `[outputs, width]`.
template <class T> struct Floats {
  static constexpr unsigned LOAD = 8;
  static constexpr float INPUT = 1.0f;
  const T *values;

  // Adds what a lane has of the products of an output with a chunk of `ROWS` inputs.
  template <unsigned ROWS>
  __device__ __forceinline__ void add(unsigned output, unsigned width, const Chunk &chunk,
                                      float (&sums)[ROWS]) const {
    using Places = Place<ROWS, LOAD>;
    const T *weights = values + size_t(output) * width + chunk.start;
    const unsigned lane = threadIdx.x % WARP;
    if (width % LOAD == 0) {
      // All loads of a round are on their way before the first is waited for.
      constexpr int LOADS = 8 / sizeof(T), NEXT = WARP * LOAD;
      const float *inputs = chunk.inputs + Places::of(0, lane * LOAD);
      weights += lane * LOAD;
      for (int left = chunk.count - lane * LOAD; left > 0; left -= LOADS * NEXT) {
        decltype(load(weights)) loaded[LOADS];
        for (int i = 0; i < LOADS && i * NEXT < left; i++) loaded[i] = load(weights + i * NEXT);
        for (int i = 0; i < LOADS && i * NEXT < left; i++) {
          float values[LOAD];
          unpack(loaded[i], values);
          for (unsigned row = 0; row < ROWS; row++) {
            sums[row] = add_products(sums[row], values, inputs + row * LOAD);
          }
          inputs += Places::step(LOAD);
        }
        weights += LOADS * NEXT;
      }
    } else {
      const float *inputs = chunk.inputs + Places::of(0, lane);
#pragma unroll 1
      for (unsigned at = lane; at < chunk.count; at += WARP, inputs += Places::step(1)) {
        const float value = to_float(weights[at]);
        for (unsigned row = 0; row < ROWS; row++) {
          sums[row] = fmaf(value, inputs[row * LOAD], sums[row]);
        }
      }
    }
  }
};

// `[outputs, width]`, and the scales of every `GROUP` of a row, `[outputs, ceil(width / GROUP)]`.
template <class T> struct Bytes {
  static constexpr unsigned LOAD = 16;
  static constexpr float INPUT = T::INPUT;
  const uint8_t *values;
  const float *scales;

  // A lane's products of a group are added up before their scale: a load is of one group.
  template <unsigned ROWS>
  __device__ __forceinline__ void add(unsigned output, unsigned width, const Chunk &chunk,
                                      float (&sums)[ROWS]) const {
    using Places = Place<ROWS, LOAD>;
    const uint8_t *weights = values + size_t(output) * width + chunk.start;
    const float *scale =
        scales + size_t(output) * ((width + GROUP - 1) / GROUP) + chunk.start / GROUP;
    const unsigned lane = threadIdx.x % WARP;
    if (width % LOAD == 0) {
      // More rows leave fewer registers.
      constexpr unsigned LOADS = ROWS == 1 ? 4 : 8 / ROWS, NEXT = WARP * LOAD;
      const float *inputs = chunk.inputs + Places::of(0, lane * LOAD);
      for (unsigned first = lane * LOAD; first < chunk.count; first += LOADS * NEXT) {
        uint4 loaded[LOADS];
        float of_group[LOADS];
        for (unsigned i = 0; i < LOADS; i++) {
          const unsigned at = first + i * NEXT;
          if (at >= chunk.count) break;
          loaded[i] = __ldg(reinterpret_cast<const uint4 *>(weights + at));
          of_group[i] = __ldg(scale + at / GROUP);
        }
        for (unsigned i = 0; i < LOADS && first + i * NEXT < chunk.count; i++) {
          const unsigned words[LOAD / 4] = {loaded[i].x, loaded[i].y, loaded[i].z, loaded[i].w};
          float values[LOAD];
          for (unsigned four = 0; four < LOAD / 4; four++) T::values(words[four], values + 4 * four);
          for (unsigned row = 0; row < ROWS; row++) {
            const float part = add_products(0.0f, values, inputs + row * LOAD);
            sums[row] = fmaf(part, of_group[i] * T::SCALE, sums[row]);
          }
          inputs += Places::step(LOAD);
        }
      }
    } else {
      const float *inputs = chunk.inputs + Places::of(0, lane);
      for (unsigned group = 0; group < chunk.count; group += GROUP) {
        float parts[ROWS] = {};
#pragma unroll 1
        for (unsigned at = group + lane; at < chunk.count && at < group + GROUP; at += WARP) {
          const float value = T::value(weights[at]);
          for (unsigned row = 0; row < ROWS; row++) {
            parts[row] = fmaf(value, inputs[row * LOAD], parts[row]);
          }
          inputs += Places::step(1);
        }
        const float of_group = scale[group / GROUP] * T::SCALE;
        for (unsigned row = 0; row < ROWS; row++) sums[row] = fmaf(parts[row], of_group, sums[row]);
      }
    }
  }
};

// Inputs of `width` numbers every `stride`, after their RMS norm if there are weights for one;
// `weights`, `[outputs, width]`, for a gate beside `up` of the same shape; outputs `[rows, outputs]`.
// A chunk has `most` inputs, the last one fewer.
template <unsigned ROWS, class Matrix>
__device__ void gemv(const float *x, const float *norm, float epsilon, Matrix weights, Matrix up,
                     const float *bias, float *y, unsigned rows, unsigned width, unsigned most,
                     unsigned stride, unsigned outputs, unsigned use) {
  CUDA_DYN_SHARED(float, inputs);
  __shared__ float squares[ROWS][WARPS], products[2][ROWS][WARPS];
  using Places = Place<ROWS, Matrix::LOAD>;
  const unsigned first = blockIdx.y * ROWS, lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
  // What a warp loads of the inputs: a row, or a part of one beside other warps.
  const unsigned loaded = warp % ROWS, part = warp / ROWS;
  const float *from = first + loaded < rows ? x + size_t(first + loaded) * stride : nullptr;
  float scale = 1.0f;
  if (norm) {
    // Always `WARPS` sums of a row: their order is the same for any number of rows.
    float sums[ROWS] = {};
#pragma unroll 1
    for (unsigned at = part * ROWS * WARP + lane; at < width; at += THREADS * WARPS / ROWS) {
      float values[WARPS];
      for (unsigned i = 0; i < WARPS; i++) {
        const unsigned input = at + i % ROWS * WARP + i / ROWS * THREADS;
        values[i] = from && input < width ? from[input] : 0.0f;
      }
      for (unsigned i = 0; i < WARPS; i++) {
        sums[i % ROWS] = fmaf(values[i], values[i], sums[i % ROWS]);
      }
    }
    for (unsigned i = 0; i < ROWS; i++) {
      const float sum = sum_of_warp(sums[i]);
      if (lane == 0) squares[loaded][part * ROWS + i] = sum;
    }
    __syncthreads();
    float sum = 0.0f;
    for (unsigned i = 0; i < WARPS; i++) sum += squares[loaded][i];
    scale = 1.0f / sqrtf(sum / float(width) + epsilon);
  }
#pragma unroll 1
  for (unsigned matrix = 0; matrix < (use == GATE ? 2 : 1); matrix++) {
    Matrix chosen = weights;
    if (matrix == 1) chosen = up;
    const unsigned output = blockIdx.x * WARPS + warp;
    float sums[ROWS] = {};
#pragma unroll 1
    for (unsigned start = 0; start < width; start += most) {
      const unsigned count = min(most, width - start);
      // A single chunk is still there for the second matrix.
      if (matrix == 0 || most < width) {
        // All warps are done with the chunk before.
        if (matrix > 0 || start > 0) __syncthreads();
        float *to = inputs + Places::of(loaded, part * WARP + lane);
        for (unsigned at = part * WARP + lane; at < count; at += THREADS / ROWS) {
          float value = from ? from[start + at] * Matrix::INPUT : 0.0f;
          if (norm) value *= scale * norm[start + at];
          *to = value;
          to += Places::step(WARPS / ROWS);
        }
        __syncthreads();
      }
      if (output < outputs) chosen.add(output, width, Chunk{inputs, start, count}, sums);
    }
    for (unsigned row = 0; row < ROWS; row++) {
      const float sum = sum_of_warp(sums[row]);
      if (lane == 0) products[matrix][row][warp] = sum;
    }
  }
  __syncthreads();
  const unsigned row = threadIdx.x / WARPS, column = threadIdx.x % WARPS;
  const unsigned output = blockIdx.x * WARPS + column;
  if (row >= ROWS || first + row >= rows || output >= outputs) return;
  float *to = y + size_t(first + row) * outputs + output;
  float value = products[use == GATE][row][column] + (bias ? bias[output] : 0.0f);
  if (use == GATE) value *= products[0][row][column] / (1.0f + expf(-products[0][row][column]));
  if (use == GELU) value = 0.5f * value * (1.0f + erff(value * 0.70710678f));
  *to = use == ADD ? *to + value : value;
}

}  // namespace

// The bounds say for how many blocks of a multiprocessor the registers have to be enough.
#define GEMV(name, T, ROWS)                                                                                    \
  extern "C" __global__ void __launch_bounds__(THREADS, ROWS == 4 ? 4 : 5)                                     \
      name(const float *x, const float *norm, float epsilon, const T *weights, const T *up, const float *bias, \
           float *y, unsigned rows, unsigned width, unsigned most, unsigned stride, unsigned outputs,          \
           unsigned use) {                                                                                     \
    gemv<ROWS>(x, norm, epsilon, Floats<T>{weights}, Floats<T>{up}, bias, y, rows, width, most, stride,        \
               outputs, use);                                                                                  \
  }                                                                                                            \
  CUDA_CPU_EXPORT(name)

#define GEMV_BYTES(name, T, ROWS)                                                                              \
  extern "C" __global__ void __launch_bounds__(THREADS, ROWS == 1 ? 5 : 4)                                     \
      name(const float *x, const float *norm, float epsilon, const uint8_t *weights, const uint8_t *up,        \
           const float *bias, float *y, unsigned rows, unsigned width, unsigned most, unsigned stride,         \
           unsigned outputs, unsigned use, const float *scales, const float *up_scales) {                      \
    gemv<ROWS>(x, norm, epsilon, Bytes<T>{weights, scales}, Bytes<T>{up, up_scales}, bias, y, rows, width,     \
               most, stride, outputs, use);                                                                    \
  }                                                                                                            \
  CUDA_CPU_EXPORT(name)

GEMV(gemv_f32_1, float, 1)
GEMV(gemv_f32_4, float, 4)
GEMV(gemv_f32_8, float, 8)
GEMV(gemv_bf16_1, __nv_bfloat16, 1)
GEMV(gemv_bf16_4, __nv_bfloat16, 4)
GEMV(gemv_bf16_8, __nv_bfloat16, 8)
GEMV_BYTES(gemv_i8_1, Int8, 1)
GEMV_BYTES(gemv_i8_4, Int8, 4)
GEMV_BYTES(gemv_i8_8, Int8, 8)
GEMV_BYTES(gemv_f8_1, Fp8, 1)
GEMV_BYTES(gemv_f8_4, Fp8, 4)
GEMV_BYTES(gemv_f8_8, Fp8, 8)
