// One token of every row: norms of its heads, rotary positions, its key and value into the cache, and
// attention over all that the row has there.
//
// A block has one key head of a row, and a run of positions of it; long sequences get more blocks. The
// last block of a head puts the runs together, in their order. Runs have a fixed length, so a row does
// not know which others are beside it. Rows of one sequence take two launches: every key and value has to be
// in the cache before the later positions look at it. With a window, a position takes the place of one that
// nobody sees any more.

#include "device.cuh"

namespace {

constexpr unsigned WARPS = 4, THREADS = WARPS * WARP;
// Steps, for a launch that does only one.
constexpr unsigned REMEMBER = 1, ATTEND = 2;
// Positions of a run.
constexpr unsigned RUN = 128;
// Values of a head in a lane, and query heads that share a key head, at most.
constexpr unsigned VALUES = 8, GROUP = 8;

// Of a softmax over some positions: the largest score, the sum of the weights relative to it, and in
// every lane its values of the sum of weighted values.
struct Part {
  float largest, total, values[VALUES];

  __device__ void clear() {
    largest = -INFINITY, total = 0.0f;
    for (unsigned i = 0; i < VALUES; i++) values[i] = 0.0f;
  }

  __device__ void add(const Part &other) {
    const float most = fmaxf(largest, other.largest);
    // Nothing yet on both sides has no difference.
    const float own = largest == most ? 1.0f : expf(largest - most);
    const float its = other.largest == most ? 1.0f : expf(other.largest - most);
    for (unsigned i = 0; i < VALUES; i++) values[i] = values[i] * own + other.values[i] * its;
    total = total * own + other.total * its, largest = most;
  }
};

// A head in the lanes of a warp, value `i * 32 + lane`: normed, if there are weights for it, and rotated.
// Value `j` turns with `j + width / 2`, which is in `line`, memory of this warp.
__device__ void turn(const float *from, const float *norm, float epsilon, const float *cos, const float *sin,
                     unsigned width, float *line, float (&head)[VALUES]) {
  const unsigned lane = threadIdx.x % WARP, half = width / 2;
  float squares = 0.0f;
  for (unsigned i = 0; i < VALUES; i++) {
    const unsigned at = i * WARP + lane;
    head[i] = at < width ? from[at] : 0.0f;
    squares = fmaf(head[i], head[i], squares);
  }
  const float scale = 1.0f / sqrtf(sum_of_warp(squares) / float(width) + epsilon);
  for (unsigned i = 0; i < VALUES; i++) {
    const unsigned at = i * WARP + lane;
    if (at >= width) continue;
    if (norm) head[i] *= scale * norm[at];
    line[at] = head[i];
  }
  __syncwarp(ALL_LANES);
  for (unsigned i = 0; i < VALUES; i++) {
    const unsigned at = i * WARP + lane;
    if (at >= width) continue;
    const bool second = at >= half;
    const unsigned angle = second ? at - half : at;
    const float other = second ? line[angle] : -line[at + half];
    head[i] = head[i] * cos[angle] + other * sin[angle];
  }
  __syncwarp(ALL_LANES);
}

// `qkv`, `[rows, (heads + 2 kv_heads) width]`: queries, keys, values. `caches` has the address of each
// row's cache, `[layers, 2, kv_heads, capacity, width]` with the row's own capacity; `positions`, `offset` and
// `count`, which may be null, say together where its token belongs. It sees `window` positions, or all if that
// is 0. `cos` and `sin`: `[positions, width / 2]`. `mixed`: `[rows, heads width]`. `parts`:
// `[rows, heads, runs, width + 2]`; `arrived`: `[rows, kv_heads]` zeros, which stay zeros.
template <class T>
__device__ void attend(const float *qkv, const float *query_norm, const float *key_norm, float epsilon,
                       const float *cosines, const float *sines, const unsigned long long *caches,
                       const unsigned *capacities, const unsigned *positions, unsigned offset,
                       const unsigned *count, unsigned window, unsigned layer, unsigned heads, unsigned width,
                       float *mixed, float *parts, unsigned *arrived, unsigned steps) {
  __shared__ float lines[WARPS][VALUES * WARP];
  __shared__ float queries[GROUP][VALUES * WARP];
  __shared__ Part gathered[WARPS][WARP];
  __shared__ unsigned is_last;
  const unsigned head = blockIdx.x, kv_heads = gridDim.x, row = blockIdx.y, run = blockIdx.z;
  const unsigned lane = threadIdx.x % WARP, warp = threadIdx.x / WARP, group = heads / kv_heads;
  const unsigned position = positions[row] + offset + (count ? *count : 0), capacity = capacities[row];
  // Without a sequence, a row has no room. Behind a window there is room for any position.
  if (window ? capacity == 0 : position >= capacity) return;
  const unsigned first = window && position >= window ? position + 1 - window : 0;
  const unsigned runs = (position - first) / RUN + 1;
  if (run >= runs) return;
  const unsigned lap = first / capacity * capacity;
  // Where a position is that is seen: in the lap of the first one, or in the next.
  const auto place = [&](unsigned at) {
    return size_t(at - lap < capacity ? at - lap : at - lap - capacity) * width;
  };
  const float *cos = cosines + size_t(position) * (width / 2), *sin = sines + size_t(position) * (width / 2);
  const float *own = qkv + size_t(row) * (heads + 2 * kv_heads) * width;
  T *keys = reinterpret_cast<T *>(caches[row]) + size_t(2 * layer * kv_heads + head) * capacity * width;
  T *values = keys + size_t(kv_heads) * capacity * width;
  float turned[VALUES];
  if ((steps & REMEMBER) && run + 1 == runs && warp == 0) {
    turn(own + size_t(heads + head) * width, key_norm, epsilon, cos, sin, width, lines[warp], turned);
    const float *value = own + size_t(heads + kv_heads + head) * width;
    for (unsigned i = 0; i < VALUES; i++) {
      const unsigned at = i * WARP + lane;
      if (at >= width) continue;
      keys[place(position) + at] = from_float<T>(turned[i]);
      values[place(position) + at] = from_float<T>(value[at]);
    }
  }
  if (!(steps & ATTEND)) return;
  for (unsigned query = warp; query < group; query += WARPS) {
    turn(own + size_t(head * group + query) * width, query_norm, epsilon, cos, sin, width, lines[warp], turned);
    for (unsigned i = 0; i < VALUES; i++) queries[query][i * WARP + lane] = turned[i];
  }
  __syncthreads();
  const unsigned start = first + run * RUN, end = min(start + RUN, position + 1);
  const float scale = 1.0f / sqrtf(float(width));
  for (unsigned query = 0; query < group; query++) {
    Part part;
    part.clear();
    for (unsigned at = start + warp; at < end; at += WARPS) {
      const size_t from = place(at);
      float score = 0.0f;
      Part one;
      for (unsigned i = 0; i < VALUES; i++) {
        const unsigned value = i * WARP + lane;
        const bool inside = value < width;
        const float key = inside ? to_float(keys[from + value]) : 0.0f;
        one.values[i] = inside ? to_float(values[from + value]) : 0.0f;
        score = fmaf(key, queries[query][value], score);
      }
      one.largest = sum_of_warp(score) * scale, one.total = 1.0f;
      part.add(one);
    }
    gathered[warp][lane] = part;
    __syncthreads();
    if (warp == 0) {
      for (unsigned other = 1; other < WARPS; other++) part.add(gathered[other][lane]);
      const size_t index = size_t(row) * heads + head * group + query;
      float *to = runs == 1 ? mixed + index * width : parts + (index * gridDim.z + run) * (width + 2);
      for (unsigned i = 0; i < VALUES; i++) {
        const unsigned value = i * WARP + lane;
        if (value < width) to[value] = runs == 1 ? part.values[i] / part.total : part.values[i];
      }
      if (runs > 1 && lane == 0) to[width] = part.largest, to[width + 1] = part.total;
    }
    __syncthreads();
  }
  if (runs == 1) return;
  __threadfence();
  __syncthreads();
  if (threadIdx.x == 0) {
    is_last = atomicAdd(arrived + row * kv_heads + head, 1) + 1 == runs;
    if (is_last) arrived[row * kv_heads + head] = 0;
  }
  __syncthreads();
  if (!is_last) return;
  __threadfence();
  for (unsigned query = warp; query < group; query += WARPS) {
    const size_t index = size_t(row) * heads + head * group + query;
    Part part;
    part.clear();
    for (unsigned other = 0; other < runs; other++) {
      const volatile float *from = parts + (index * gridDim.z + other) * (width + 2);
      Part one;
      for (unsigned i = 0; i < VALUES; i++) {
        const unsigned value = i * WARP + lane;
        one.values[i] = value < width ? from[value] : 0.0f;
      }
      one.largest = from[width], one.total = from[width + 1];
      part.add(one);
    }
    for (unsigned i = 0; i < VALUES; i++) {
      const unsigned value = i * WARP + lane;
      if (value < width) mixed[index * width + value] = part.values[i] / part.total;
    }
  }
}

}  // namespace

#define ATTEND(name, T)                                                                                        \
  extern "C" __global__ void __launch_bounds__(THREADS)                                                        \
      name(const float *qkv, const float *query_norm, const float *key_norm, float epsilon, const float *cos,  \
           const float *sin, const unsigned long long *caches, const unsigned *capacities,                     \
           const unsigned *positions, unsigned offset, const unsigned *count, unsigned window, unsigned layer, \
           unsigned heads, unsigned width, float *mixed, float *parts, unsigned *arrived, unsigned steps) {    \
    attend<T>(qkv, query_norm, key_norm, epsilon, cos, sin, caches, capacities, positions, offset, count,      \
              window, layer, heads, width, mixed, parts, arrived, steps);                                      \
  }                                                                                                            \
  CUDA_CPU_EXPORT(name)

ATTEND(attend_f32, float)
ATTEND(attend_bf16, __nv_bfloat16)
