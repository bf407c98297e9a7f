// From logits to a token: the steps of `tts_sampler::Sampler`, in its order, with its results.
//
// One block draws one row. Every decision compares stored values or sums of integers, and every float
// is made of operations that are rounded alike everywhere, so a token does not depend on the device,
// the number of threads or the rows beside it.

#include "device.cuh"

namespace {

// Steps, for a launch that does only some; the scores between them are in memory.
constexpr unsigned MASK = 1, TOP_K = 2, TOP_P = 4, DRAW = 8;
// What is wrong with a row: in place of its rank, beside the token that is and a probability that is none.
constexpr unsigned NOT_A_NUMBER = 1, ALL_SUPPRESSED = 2, INFINITE = 3, NONE_LEFT = 4;
constexpr unsigned NO_TOKEN = 0xffffffffu;
constexpr float NOTHING = -INFINITY;

// `tts_cuda::SampleRow`.
struct Row {
  unsigned do_sample;
  float temperature;
  unsigned top_k;
  float top_p;
  float penalty;
  unsigned min_new_tokens;
  unsigned eos;
  unsigned seed[2];
  unsigned request;
  unsigned drawn;
  unsigned rank;
  unsigned error;
};

constexpr unsigned DIGIT_BITS = 8, DIGITS = 1 << DIGIT_BITS;

struct Shared {
  unsigned error;
  unsigned any;
  unsigned rank;
  unsigned long long first_fault;
  unsigned long long best;
  unsigned long long digits[DIGITS];
  unsigned digit;
  unsigned long long above;
  unsigned long long sums[WARP];
  unsigned token;
};

// Orders scores as integers: the largest is the largest, -0 below 0.
__device__ __forceinline__ unsigned key_of(float score) {
  const unsigned bits = __float_as_uint(score);
  return bits >> 31 ? ~bits : bits | 0x80000000u;
}

__device__ __forceinline__ float score_of(unsigned key) {
  return __uint_as_float(key >> 31 ? key & 0x7fffffffu : ~key);
}

// e^x for x up to 0, to the bit as `tts_sampler` computes it: nothing is fused.
__device__ float exp_of(float x) {
  if (x < -40.0f) return 0.0f;
  const float power = rintf(__fmul_rn(x, 1.44269504088896340736f));
  float r = __fadd_rn(x, -__fmul_rn(power, 0.6933594f));
  r = __fadd_rn(r, -__fmul_rn(power, -2.1219444e-4f));
  float series = 1.3888889e-3f;
  series = __fadd_rn(__fmul_rn(series, r), 8.333334e-3f);
  series = __fadd_rn(__fmul_rn(series, r), 4.1666668e-2f);
  series = __fadd_rn(__fmul_rn(series, r), 1.6666667e-1f);
  series = __fadd_rn(__fmul_rn(series, r), 0.5f);
  series = __fadd_rn(__fadd_rn(__fmul_rn(__fmul_rn(series, r), r), r), 1.0f);
  return __fmul_rn(series, __uint_as_float(unsigned(127 + int(power)) << 23));
}

// The probability relative to the largest score, with 32 fractional bits.
__device__ __forceinline__ unsigned long long weight(float score, float largest) {
  return (unsigned long long)(__fmul_rn(exp_of(__fadd_rn(score, -largest)), 4294967296.0f));
}

// Philox4x32-10 (Salmon et al., SC 2011): two of its four words.
__device__ unsigned long long random_bits(const unsigned (&key)[2], unsigned a, unsigned b, unsigned c) {
  unsigned d = 0, k0 = key[0], k1 = key[1];
  for (int round = 0; round < 10; round++) {
    const unsigned p = 0xD2511F53u, q = 0xCD9E8D57u;
    const unsigned high_a = __umulhi(p, a), low_a = p * a, high_c = __umulhi(q, c), low_c = q * c;
    a = high_c ^ b ^ k0, b = low_c, c = high_a ^ d ^ k1, d = low_a;
    k0 += 0x9E3779B9u, k1 += 0xBB67AE85u;
  }
  return (unsigned long long)(b) << 32 | a;
}

// One row of a launch, as its threads see it.
struct Task {
  float *scores;
  unsigned vocab;
  Shared &shared;

  // The largest score, and the first token that has it; 0 and -0 are the same.
  __device__ void best(unsigned &token, float &largest) const {
    if (threadIdx.x == 0) shared.best = 0;
    __syncthreads();
    unsigned key = 0, first = NO_TOKEN;
    for (unsigned i = threadIdx.x; i < vocab; i += blockDim.x) {
      const unsigned own = key_of(__fadd_rn(scores[i], 0.0f));
      if (own > key) key = own, first = i;
    }
    const unsigned largest_key = __reduce_max_sync(ALL_LANES, key);
    first = __reduce_min_sync(ALL_LANES, key == largest_key ? first : NO_TOKEN);
    if (threadIdx.x % WARP == 0) {
      atomicMax(&shared.best, (unsigned long long)(largest_key) << 32 | (NO_TOKEN - first));
    }
    __syncthreads();
    token = NO_TOKEN - unsigned(shared.best);
    largest = score_of(unsigned(shared.best >> 32));
  }

  // The largest key for which the values of all tokens with it or larger ones add up to `target` or
  // more; `above` is the sum of the larger ones, `own` of those with it. Digit by digit.
  template <class V>
  __device__ unsigned descend(unsigned long long target, V value, unsigned long long &above,
                              unsigned long long &own) const {
    unsigned prefix = 0, known = 0;
    above = 0;
    for (int shift = 32 - DIGIT_BITS; shift >= 0; shift -= DIGIT_BITS) {
      for (unsigned i = threadIdx.x; i < DIGITS; i += blockDim.x) shared.digits[i] = 0;
      __syncthreads();
      for (unsigned i = threadIdx.x; i < vocab; i += blockDim.x) {
        const unsigned key = key_of(scores[i]);
        if ((key & known) == prefix) {
          atomicAdd(&shared.digits[key >> shift & (DIGITS - 1)], value(scores[i]));
        }
      }
      __syncthreads();
      if (threadIdx.x < WARP) {
        // Every lane has neighbouring digits, the first one the largest.
        const unsigned each = DIGITS / WARP, first = DIGITS - 1 - threadIdx.x * each;
        unsigned long long sum = 0;
        for (unsigned i = 0; i < each; i++) sum += shared.digits[first - i];
        unsigned long long before = above + sum_up_to_lane(sum) - sum;
        if (before < target && before + sum >= target) {
          unsigned digit = first;
          while (before + shared.digits[digit] < target) before += shared.digits[digit--];
          shared.digit = digit;
          shared.above = before;
        }
      }
      __syncthreads();
      above = shared.above, own = shared.digits[shared.digit];
      prefix |= shared.digit << shift;
      known |= (DIGITS - 1) << shift;
      __syncthreads();
    }
    return prefix;
  }

  // The neighbouring tokens of this thread; those of the threads before come before.
  __device__ void share(unsigned &start, unsigned &end) const {
    const unsigned each = (vocab + blockDim.x - 1) / blockDim.x;
    start = min(threadIdx.x * each, vocab), end = min(start + each, vocab);
  }

  // The sum of the values of the threads before this one; `total` is that of all.
  __device__ unsigned long long sum_before(unsigned long long value, unsigned long long &total) const {
    const unsigned warp = threadIdx.x / WARP, warps = blockDim.x / WARP;
    const unsigned long long up_to = sum_up_to_lane(value);
    if (threadIdx.x % WARP == WARP - 1) shared.sums[warp] = up_to;
    __syncthreads();
    unsigned long long before = up_to - value;
    total = 0;
    for (unsigned i = 0; i < warps; i++) {
      if (i < warp) before += shared.sums[i];
      total += shared.sums[i];
    }
    __syncthreads();
    return before;
  }

  // Notes what is wrong with a token. Earlier stages count before later ones, then lower tokens.
  __device__ void fault(unsigned stage, unsigned token, unsigned error) const {
    const unsigned long long order = (unsigned long long)(stage) << 60 | (unsigned long long)(token) << 4 | error;
    atomicMax(&shared.first_fault, ~order);
  }

  // Makes the first fault the error of the row, and its token the rank.
  __device__ void settle() const {
    if (threadIdx.x == 0 && shared.first_fault && !shared.error) {
      const unsigned long long order = ~shared.first_fault;
      shared.error = unsigned(order) & 15;
      shared.rank = unsigned(order >> 4);
    }
  }

  // Penalty, suppression and minimum length, then the rank of the end of sequence, then the
  // temperature.
  template <class T>
  __device__ void mask(const T *logits, const Row &row, const unsigned *suppressed, const unsigned *seen) const {
    if (threadIdx.x == 0) shared.any = 0, shared.rank = 0, shared.first_fault = 0;
    __syncthreads();
    bool any = false;
    for (unsigned i = threadIdx.x; i < vocab; i += blockDim.x) {
      float score = to_float(logits[i]);
      if (!(score < INFINITY)) fault(0, i, score == INFINITY ? INFINITE : NOT_A_NUMBER);
      if (row.penalty != 1.0f && seen && seen[i / 32] >> i % 32 & 1) {
        score = score < 0.0f ? __fmul_rn(score, row.penalty) : score / row.penalty;
        if (score == INFINITY) fault(1, i, INFINITE);
      }
      if (suppressed[i / 32] >> i % 32 & 1) score = NOTHING;
      if (i == row.eos && row.drawn < row.min_new_tokens) score = NOTHING;
      any |= score > NOTHING;
      scores[i] = score;
    }
    if (any) shared.any = 1;
    __syncthreads();
    const float eos = row.eos < vocab ? scores[row.eos] : NOTHING;
    unsigned rank = 0;
    for (unsigned i = threadIdx.x; i < vocab; i += blockDim.x) rank += scores[i] > eos;
    rank = __reduce_add_sync(ALL_LANES, rank);
    if (threadIdx.x % WARP == 0) atomicAdd(&shared.rank, rank);
    __syncthreads();
    if (threadIdx.x == 0 && !(eos > NOTHING)) shared.rank = NO_TOKEN;
    settle();
    if (threadIdx.x == 0 && !shared.error && !shared.any) {
      shared.error = ALL_SUPPRESSED, shared.rank = vocab - 1;
    }
    __syncthreads();
    if (row.do_sample && row.temperature != 1.0f) {
      any = false;
      for (unsigned i = threadIdx.x; i < vocab; i += blockDim.x) {
        const float score = scores[i] / row.temperature;
        if (score == INFINITY) fault(2, i, INFINITE);
        any |= score > NOTHING;
        scores[i] = score;
      }
      any = __syncthreads_or(any);
      if (threadIdx.x == 0 && !any) fault(3, 0, NONE_LEFT);
      settle();
    }
    __syncthreads();
  }

  // Removes everything below the k-th largest score.
  __device__ void top_k(unsigned k) const {
    unsigned long long above, own;
    const unsigned kth = descend(k, [](float) { return 1ull; }, above, own);
    const float threshold = score_of(kth);
    for (unsigned i = threadIdx.x; i < vocab; i += blockDim.x) {
      if (scores[i] < threshold) scores[i] = NOTHING;
    }
    __syncthreads();
  }

  // Removes every token above which there is enough; of equal ones, the last first.
  __device__ void top_p(float p) const {
    unsigned token;
    float largest;
    best(token, largest);
    unsigned start, end;
    share(start, end);
    unsigned long long own = 0, total, above, group;
    for (unsigned i = start; i < end; i++) own += weight(scores[i], largest);
    sum_before(own, total);
    unsigned long long nucleus = (unsigned long long)(ceil(double(p) * double(total)));
    if (nucleus == 0) nucleus = 1;
    const unsigned last =
        descend(nucleus, [largest](float score) { return weight(score, largest); }, above, group);
    const unsigned long long each = weight(score_of(last), largest);
    const unsigned long long kept = (nucleus - above + each - 1) / each;
    unsigned long long before = 0;
    if (group > kept * each) {
      unsigned long long equal = 0;
      for (unsigned i = start; i < end; i++) equal += key_of(scores[i]) == last;
      before = sum_before(equal, total);
    }
    for (unsigned i = start; i < end; i++) {
      const unsigned key = key_of(scores[i]);
      if (key < last || (key == last && group > kept * each && before++ >= kept)) scores[i] = NOTHING;
    }
    __syncthreads();
  }

  // The token, and the logarithm of its probability.
  __device__ unsigned draw(const Row &row, unsigned codebook, float &log_prob) const {
    unsigned token;
    float largest;
    best(token, largest);
    unsigned start, end;
    share(start, end);
    unsigned long long own = 0, total;
    for (unsigned i = start; i < end; i++) own += weight(scores[i], largest);
    unsigned long long sum = sum_before(own, total);
    if (row.do_sample) {
      if (threadIdx.x == 0) shared.token = token;
      __syncthreads();
      const unsigned long long bits = random_bits(row.seed, row.request, row.drawn, codebook);
      const unsigned long long threshold = __umul64hi(bits, total);
      if (sum <= threshold && threshold < sum + own) {
        unsigned i = start;
        while ((sum += weight(scores[i], largest)) <= threshold) i++;
        shared.token = i;
      }
      __syncthreads();
      token = shared.token;
    }
    const double relative = double(total) / double(weight(largest, largest));
    log_prob = float(double(__fadd_rn(scores[token], -largest)) - log(relative));
    return token;
  }
};

// Rows of `logits`, `[rows, vocab]`. `suppressed` has a bit for each token, the next row's `apart` numbers
// further on, `seen` a row of bits for each row, or is null; `scores` are as many as logits; `words`, `[3,
// rows]`, takes tokens, ranks and probabilities. Where it `ends` a step, a token is noted as seen.
template <class T>
__device__ void sample(const T *logits, unsigned vocab, const unsigned *suppressed, unsigned apart, unsigned *seen,
                       Row *rows, float *scores, unsigned *words, unsigned codebook, unsigned ends,
                       unsigned steps) {
  __shared__ Shared shared;
  const unsigned index = blockIdx.x, bits = (vocab + 31) / 32;
  Row &row = rows[index];
  seen = seen ? seen + index * bits : nullptr;
  const Task task{scores + size_t(index) * vocab, vocab, shared};
  if (threadIdx.x == 0) shared.error = steps & MASK ? 0 : row.error;
  __syncthreads();
  if (steps & MASK) {
    task.mask(logits + size_t(index) * vocab, row, suppressed + index * apart, seen);
    if (threadIdx.x == 0) row.error = shared.error, row.rank = shared.rank;
  }
  if (shared.error) {
    if ((steps & DRAW) && threadIdx.x == 0) {
      words[index] = row.rank;
      words[gridDim.x + index] = shared.error;
      words[2 * gridDim.x + index] = __float_as_uint(NAN);
    }
    return;
  }
  if ((steps & TOP_K) && row.do_sample && row.top_k > 0 && row.top_k < vocab) task.top_k(row.top_k);
  if ((steps & TOP_P) && row.do_sample && row.top_p < 1.0f) task.top_p(row.top_p);
  if (steps & DRAW) {
    float log_prob;
    const unsigned token = task.draw(row, codebook, log_prob);
    __syncthreads();
    if (threadIdx.x == 0) {
      words[index] = token;
      words[gridDim.x + index] = row.rank;
      words[2 * gridDim.x + index] = __float_as_uint(log_prob);
      if (ends) {
        row.drawn++;
        if (seen) seen[token / 32] |= 1u << token % 32;
      }
    }
  }
}

}  // namespace

#define SAMPLE(name, T)                                                                                        \
  extern "C" __global__ void __launch_bounds__(1024, 1)                                                        \
      name(const T *logits, unsigned vocab, const unsigned *suppressed, unsigned apart, unsigned *seen,        \
           Row *rows, float *scores, unsigned *words, unsigned codebook, unsigned ends, unsigned steps) {  \
    sample(logits, vocab, suppressed, apart, seen, rows, scores, words, codebook, ends, steps);            \
  }                                                                                                            \
  CUDA_CPU_EXPORT(name)

SAMPLE(sample_f32, float)
SAMPLE(sample_bf16, __nv_bfloat16)
