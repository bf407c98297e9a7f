// cuda_cpu_shim.h: runs the kernels of an unchanged .cu file on the CPU, so that CI without a GPU can
// test the very source that nvcc compiles for the GPU.
//
//   g++ -std=c++17 -x c++ -include cuda_cpu_shim.h -Wno-unknown-pragmas kernels.cu    (or the `cc` crate)
//
// How: every CUDA thread of a block is a fiber, and all fibers of a block run on one OS thread, blocks
// one after the other. A fiber runs until it meets a block barrier or a warp collective, then the next
// one runs. `__shared__` is a static thread_local: shared by the block's fibers, not by other launches.
//
// What it checks, where a GPU would hang or return garbage silently. A failed launch returns false and
// cuda_cpu_last_error() says why:
//   - threads of a block waiting at different __syncthreads (divergent barrier), deadlock
//   - a warp collective whose lanes disagree on the call site, a caller outside its own mask, or (as a
//     deadlock, with the lines where threads wait) lanes that disagree on the mask
//   - a shuffle from a lane that is absent, has exited or is not in the mask
//   - block size > 1024, dynamic shared memory > 227 KiB
// Races: a missing __syncthreads often gives right results in one order. cuda_cpu_order(0: forwards, the
// default; -1: backwards; else a seed) changes the order in which this thread's fibers run from then on:
// run tests under all three.
// Out-of-bounds: compile with -fsanitize=address (fiber switches are annotated for it).
//
// Source rules (the only differences a kernel sees):
//   - dynamic shared memory:  CUDA_DYN_SHARED(float, buf);   not  extern __shared__ float buf[];
//     (define it for nvcc in your own header: see the end of this file)
//   - no <<<>>> launches, cooperative groups, cub/thrust, inline PTX, textures, mma/wgmma/cp.async,
//     and no block spinning until another block writes (blocks run one after the other)
//   - #include <cuda_fp16.h> / <cuda_bf16.h> only under #ifdef __CUDACC__ (this file brings both types)
#pragma once
#ifndef __CUDACC__
#undef _FORTIFY_SOURCE  // its longjmp check rejects jumps between stacks
#define CUDA_CPU_SHIM 1

#include <csetjmp>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <tuple>
#include <utility>
#include <vector>
#include <sys/mman.h>
#include <ucontext.h>
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

// ---- qualifiers -------------------------------------------------------------------------------------
#define __global__
#define __device__
#define __host__
#define __constant__ static
#define __shared__ static thread_local
#define __forceinline__ inline __attribute__((always_inline))
#undef __noinline__
#define __launch_bounds__(...)
#define __align__(n) alignas(n)
#define __grid_constant__

struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};
using uint3 = dim3;

// ---- fibers -----------------------------------------------------------------------------------------
namespace cuda_cpu {

constexpr unsigned kWarp = 32, kMaxThreads = 1024;
constexpr size_t kMaxDynShared = 227 * 1024;
#ifndef CUDA_CPU_SHIM_STACK
#define CUDA_CPU_SHIM_STACK (128 * 1024)  // bytes per CUDA thread; reserved, touched only when used
#endif

enum class State : uint8_t { Fresh, Ready, AtBarrier, AtWarp, Done };

// One rendezvous of the lanes of `mask`. Values are double-buffered by generation: a lane can be at most
// one collective ahead of the slowest, so buffer g&1 is not overwritten while someone still reads it.
struct Collective {
  unsigned mask = 0, arrived = 0, gen = 0;
  const char *site = nullptr;
  unsigned members[2] = {0, 0};  // the lanes that took part
  uint64_t val[2][kWarp];
  void complete() { members[gen & 1] = arrived, arrived = 0, site = nullptr, gen++; }
};

struct Warp {
  unsigned present = 0, exited = 0;  // lanes that exist / have returned from the kernel
  std::vector<Collective> sets;      // one per distinct mask in use: nearly always one
};

struct Fiber {
  dim3 tid;
  unsigned lane = 0, warp = 0;
  State state = State::Fresh;
  const char *site = nullptr;  // where it waits: "file:line"
  Collective *set = nullptr;
  unsigned gen = 0;
  jmp_buf ctx;
#if defined(__SANITIZE_ADDRESS__)
  void *fake = nullptr;
#endif
};

struct Block {
  dim3 idx, dim, grid;
  std::vector<Fiber> fibers;
  std::vector<Warp> warps;
  unsigned at_barrier = 0, done = 0, count_pred = 0, last_pred = 0;  // *_pred: __syncthreads_count & co
  const char *barrier_site = nullptr;  // of the threads now waiting in __syncthreads
  jmp_buf sched;
  ucontext_t sched_uc;
  char *stacks = nullptr;
  void (*body)(void *) = nullptr;
  void *arg = nullptr;
  bool failed = false;
#if defined(__SANITIZE_ADDRESS__)
  void *sched_fake = nullptr;
  const void *sched_stack = nullptr;
  size_t sched_size = 0;
#endif
  ~Block() { if (stacks) munmap(stacks, size_t(kMaxThreads) * CUDA_CPU_SHIM_STACK); }
};

inline thread_local Block *blk = nullptr;
inline thread_local Fiber *cur = nullptr;
inline thread_local std::string last_error;
inline thread_local int64_t order_of_fibers = 0;
alignas(128) inline thread_local unsigned char dyn_shared[kMaxDynShared];

inline char *stack_of(Fiber *f) { return blk->stacks + size_t(f - blk->fibers.data()) * CUDA_CPU_SHIM_STACK; }

// Back to the scheduler; returns when the scheduler resumes this fiber (never, if `last`).
inline void yield_now(bool last = false) {
  (void)last;
#if defined(__SANITIZE_ADDRESS__)
  Fiber *me = cur;
  __sanitizer_start_switch_fiber(last ? nullptr : &me->fake, blk->sched_stack, blk->sched_size);
#endif
  if (!_setjmp(cur->ctx)) _longjmp(blk->sched, 1);
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(me->fake, nullptr, nullptr);
#endif
}

[[noreturn]] inline void fail(const std::string &what, const char *site) {
  char where[160];
  snprintf(where, sizeof where, " [%s, block (%u,%u,%u), thread (%u,%u,%u)]", site, blk->idx.x, blk->idx.y,
           blk->idx.z, cur->tid.x, cur->tid.y, cur->tid.z);
  if (!blk->failed) last_error = what + where;
  blk->failed = true;
  for (;;) yield_now(true);
}

inline void fiber_main() {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(nullptr, &blk->sched_stack, &blk->sched_size);
#endif
  blk->body(blk->arg);
  cur->state = State::Done;
  blk->done++;
  blk->warps[cur->warp].exited |= 1u << cur->lane;
  yield_now(true);
}

// Runs one fiber until it waits or ends.
inline void resume(Fiber *f) {
  cur = f;
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(&blk->sched_fake, stack_of(f), CUDA_CPU_SHIM_STACK);
#endif
  if (!_setjmp(blk->sched)) {
    if (f->state == State::Fresh) {  // first entry: the only (slow) ucontext switch
      f->state = State::Ready;
      ucontext_t uc;
      getcontext(&uc);
      uc.uc_stack.ss_sp = stack_of(f);
      uc.uc_stack.ss_size = CUDA_CPU_SHIM_STACK;
      uc.uc_link = nullptr;
      makecontext(&uc, fiber_main, 0);
      swapcontext(&blk->sched_uc, &uc);
    }
    f->state = State::Ready;
    _longjmp(f->ctx, 1);
  }
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(blk->sched_fake, nullptr, nullptr);
#endif
  cur = nullptr;
}

inline bool collective_complete(const Collective &c, const Warp &w) {
  unsigned need = c.mask & w.present & ~w.exited;  // exited and absent lanes are not waited for
  return c.arrived && (c.arrived & need) == need;
}

inline bool run_block() {
  const unsigned n = blk->fibers.size();
  std::vector<unsigned> order(n);
  uint64_t rng = uint64_t(order_of_fibers) * 2654435761u + 88172645463325252ull;
  const bool reverse = order_of_fibers < 0, shuffle = order_of_fibers > 0;
  for (unsigned i = 0; i < n; i++) order[i] = reverse ? n - 1 - i : i;
  while (blk->done < n) {
    if (shuffle)
      for (unsigned i = n - 1; i > 0; i--) {
        rng ^= rng << 13, rng ^= rng >> 7, rng ^= rng << 17;
        std::swap(order[i], order[rng % (i + 1)]);
      }
    bool ran = false;
    for (unsigned i : order) {
      Fiber *f = &blk->fibers[i];
      if (f->state == State::AtWarp && f->set->gen != f->gen) f->state = State::Ready;
      if (f->state != State::Fresh && f->state != State::Ready) continue;
      resume(f);
      ran = true;
      if (blk->failed) return false;
    }
    // A lane that exits can complete a collective that the others wait in.
    for (auto &w : blk->warps)
      for (auto &c : w.sets)
        if (collective_complete(c, w)) c.complete(), ran = true;
    if (blk->at_barrier && blk->at_barrier + blk->done == n) {
      blk->last_pred = blk->count_pred, blk->count_pred = 0, blk->at_barrier = 0, ran = true;
      for (auto &f : blk->fibers)
        if (f.state == State::AtBarrier) f.state = State::Ready;
    }
    if (!ran) {
      std::string s = "deadlock:";
      for (auto &f : blk->fibers)
        if (f.state == State::AtBarrier || f.state == State::AtWarp) {
          s += " thread " + std::to_string(f.tid.x) + (f.state == State::AtWarp ? " in a warp collective at " : " in __syncthreads at ") + f.site + ";";
          if (s.size() > 400) break;
        }
      last_error = s;
      return false;
    }
  }
  return true;
}

// ---- block barrier ----------------------------------------------------------------------------------
inline void barrier(const char *site, unsigned pred = 0) {
  if (!blk->at_barrier) blk->barrier_site = site;
  else if (blk->barrier_site != site && strcmp(blk->barrier_site, site))
    fail(std::string("divergent __syncthreads: another thread waits at ") + blk->barrier_site, site);
  cur->site = site;
  cur->state = State::AtBarrier;
  blk->count_pred += pred != 0;
  blk->at_barrier++;
  yield_now();
}
inline unsigned barrier_count(const char *site, unsigned pred) { return barrier(site, pred), blk->last_pred; }

// ---- warp collectives -------------------------------------------------------------------------------
// Deposits `v`, waits for the lanes of `mask`, returns the collective; values are in val[parity].
inline Collective &exchange(unsigned mask, uint64_t v, const char *site, unsigned &parity) {
  Warp &w = blk->warps[cur->warp];
  if (!(mask >> cur->lane & 1)) fail("warp collective called by a lane that its mask leaves out", site);
  Collective *c = nullptr;
  for (auto &s : w.sets)
    if (s.mask == mask) c = &s;
  if (!c) {
    if (w.sets.empty()) w.sets.reserve(64);  // pointers into it stay valid
    if (w.sets.size() == 64) fail("warp collective: more than 64 different masks", site);
    w.sets.emplace_back();
    c = &w.sets.back();
    c->mask = mask;
  }
  if (c->arrived && c->site != site && strcmp(c->site, site))
    fail(std::string("warp collective: lanes of one mask at different calls, the other at ") + c->site, site);
  c->site = site;
  parity = c->gen & 1;
  c->val[parity][cur->lane] = v;
  c->arrived |= 1u << cur->lane;
  if (collective_complete(*c, w)) {
    c->complete();
  } else {
    cur->set = c, cur->gen = c->gen, cur->site = site, cur->state = State::AtWarp;
    yield_now();
  }
  return *c;
}

template <class T> inline uint64_t pack(T v) {
  static_assert(sizeof(T) <= 8, "warp values are at most 64 bits");
  uint64_t u = 0;
  memcpy(&u, &v, sizeof(T));
  return u;
}
template <class T> inline T unpack(uint64_t u) {
  T v;
  memcpy(&v, &u, sizeof(T));
  return v;
}

enum class Shfl { Idx, Up, Down, Xor };
template <class T> inline T shfl(Shfl kind, unsigned mask, T v, int arg, int width, const char *site) {
  unsigned parity;
  Collective &c = exchange(mask, pack(v), site, parity);
  const int lane = cur->lane, seg = lane & ~(width - 1);
  int src = lane;
  switch (kind) {  // out of the segment = own value, as on the GPU
    case Shfl::Idx: src = seg + (arg & (width - 1)); break;
    case Shfl::Up: src = lane - arg < seg ? lane : lane - arg; break;
    case Shfl::Down: src = lane + arg >= seg + width ? lane : lane + arg; break;
    case Shfl::Xor: src = (lane ^ arg) >= seg + width ? lane : (lane ^ arg); break;
  }
  if (!(c.members[parity] >> src & 1))
    fail("shuffle reads a lane that takes no part (not in the mask, exited, or absent in a partial warp)", site);
  return unpack<T>(c.val[parity][src]);
}
template <class T, class F> inline T warp_fold(unsigned mask, T v, const char *site, F f) {
  unsigned parity;
  Collective &c = exchange(mask, pack(v), site, parity);
  bool first = true;
  T acc{};
  for (unsigned l = 0; l < kWarp; l++)
    if (c.members[parity] >> l & 1) acc = first ? unpack<T>(c.val[parity][l]) : f(acc, unpack<T>(c.val[parity][l])), first = false;
  return acc;
}
inline unsigned ballot(unsigned mask, int pred, const char *site) {
  return warp_fold<unsigned>(mask, pred ? 1u << cur->lane : 0u, site, [](unsigned a, unsigned b) { return a | b; });
}
template <class T> inline unsigned match_any(unsigned mask, T v, const char *site) {
  unsigned parity, r = 0;
  Collective &c = exchange(mask, pack(v), site, parity);
  for (unsigned l = 0; l < kWarp; l++)
    if (c.members[parity] >> l & 1 && c.val[parity][l] == pack(v)) r |= 1u << l;
  return r;
}

// ---- launch -----------------------------------------------------------------------------------------
template <class F> bool launch(dim3 grid, dim3 block, size_t dyn_bytes, F &&kernel) {
  static thread_local Block b;
  const size_t n = size_t(block.x) * block.y * block.z;
  last_error.clear();
  if (!n || n > kMaxThreads) return last_error = "block has " + std::to_string(n) + " threads, 1..1024 allowed", false;
  if (dyn_bytes > kMaxDynShared) return last_error = "dynamic shared memory over 227 KiB", false;
  if (blk) return last_error = "launch from inside a kernel", false;
  if (!b.stacks) {
    void *p = mmap(nullptr, size_t(kMaxThreads) * CUDA_CPU_SHIM_STACK, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) return last_error = "no memory for fiber stacks", false;
    b.stacks = static_cast<char *>(p);
  }
  blk = &b;
  using Body = std::remove_reference_t<F>;
  b.body = [](void *a) { (*static_cast<Body *>(a))(); };
  b.arg = const_cast<void *>(static_cast<const void *>(&kernel));
  b.dim = block, b.grid = grid;
  bool ok = true;
  for (unsigned z = 0; ok && z < grid.z; z++)
    for (unsigned y = 0; ok && y < grid.y; y++)
      for (unsigned x = 0; ok && x < grid.x; x++) {
        b.idx = dim3(x, y, z);
        b.at_barrier = b.done = b.count_pred = b.last_pred = 0, b.failed = false;
        b.fibers.assign(n, Fiber());
        b.warps.assign((n + kWarp - 1) / kWarp, Warp());
        for (size_t i = 0; i < n; i++) {
          Fiber &f = b.fibers[i];
          f.tid = dim3(i % block.x, i / block.x % block.y, i / (size_t(block.x) * block.y));
          f.lane = i % kWarp, f.warp = i / kWarp;
          b.warps[f.warp].present |= 1u << f.lane;
        }
#if defined(__SANITIZE_ADDRESS__)
        __asan_unpoison_memory_region(b.stacks, n * CUDA_CPU_SHIM_STACK);
        __asan_unpoison_memory_region(dyn_shared, kMaxDynShared);
#endif
        memset(dyn_shared, 0xA5, dyn_bytes);  // shared memory starts as garbage on a GPU, too
#if defined(__SANITIZE_ADDRESS__)
        __asan_poison_memory_region(dyn_shared + (dyn_bytes + 7) / 8 * 8, kMaxDynShared - (dyn_bytes + 7) / 8 * 8);
#endif
        ok = run_block();
      }
  blk = nullptr;
  return ok;
}

// Calls a kernel the way cuLaunchKernel does: args[i] points at the i-th argument.
template <class... A, size_t... I>
bool launch_packed(void (*k)(A...), dim3 g, dim3 b, size_t shared, void **args, std::index_sequence<I...>) {
  return launch(g, b, shared, [&] { k(*static_cast<std::remove_reference_t<A> *>(args[I])...); });
}
template <class... A> bool launch_packed(void (*k)(A...), dim3 g, dim3 b, size_t shared, void **args) {
  return launch_packed(k, g, b, shared, args, std::index_sequence_for<A...>());
}
}  // namespace cuda_cpu

extern "C" inline __attribute__((used)) const char *cuda_cpu_last_error() { return cuda_cpu::last_error.c_str(); }
extern "C" inline __attribute__((used)) void cuda_cpu_order(int64_t order) { cuda_cpu::order_of_fibers = order; }

// After the kernels: CUDA_CPU_EXPORT(my_kernel) defines, for Rust or C,
//   bool my_kernel_cpu(const uint32_t grid[3], const uint32_t block[3], size_t dyn_shared, void **args);
#define CUDA_CPU_EXPORT(k)                                                                                \
  extern "C" bool k##_cpu(const uint32_t *g, const uint32_t *b, size_t shared, void **args) {            \
    return cuda_cpu::launch_packed(&k, dim3(g[0], g[1], g[2]), dim3(b[0], b[1], b[2]), shared, args);    \
  }

// ---- what a kernel sees -----------------------------------------------------------------------------
#define threadIdx (::cuda_cpu::cur->tid)
#define blockIdx (::cuda_cpu::blk->idx)
#define blockDim (::cuda_cpu::blk->dim)
#define gridDim (::cuda_cpu::blk->grid)
#define warpSize 32
#define CUDA_DYN_SHARED(T, name) T *name = reinterpret_cast<T *>(::cuda_cpu::dyn_shared)

#define CUDA_CPU_STR2(x) #x
#define CUDA_CPU_STR(x) CUDA_CPU_STR2(x)
#define CUDA_CPU_SITE (__FILE__ ":" CUDA_CPU_STR(__LINE__))
#define __syncthreads() ::cuda_cpu::barrier(CUDA_CPU_SITE)
#define __syncthreads_count(p) int(::cuda_cpu::barrier_count(CUDA_CPU_SITE, p))
#define __syncthreads_or(p) int(::cuda_cpu::barrier_count(CUDA_CPU_SITE, p) != 0)
#define __syncthreads_and(p) int(::cuda_cpu::barrier_count(CUDA_CPU_SITE, !(p)) == 0)
#define CUDA_CPU_OPT_WIDTH(_1, NAME, ...) NAME
template <class T> inline T cuda_cpu_shfl(::cuda_cpu::Shfl k, const char *s, unsigned m, T v, int a, int w = 32) {
  return ::cuda_cpu::shfl(k, m, v, a, w, s);
}
#define __shfl_sync(...) cuda_cpu_shfl(::cuda_cpu::Shfl::Idx, CUDA_CPU_SITE, __VA_ARGS__)
#define __shfl_up_sync(...) cuda_cpu_shfl(::cuda_cpu::Shfl::Up, CUDA_CPU_SITE, __VA_ARGS__)
#define __shfl_down_sync(...) cuda_cpu_shfl(::cuda_cpu::Shfl::Down, CUDA_CPU_SITE, __VA_ARGS__)
#define __shfl_xor_sync(...) cuda_cpu_shfl(::cuda_cpu::Shfl::Xor, CUDA_CPU_SITE, __VA_ARGS__)
#define __ballot_sync(m, p) ::cuda_cpu::ballot(m, p, CUDA_CPU_SITE)
#define __any_sync(m, p) int(::cuda_cpu::ballot(m, p, CUDA_CPU_SITE) != 0)
#define __all_sync(m, p) int(::cuda_cpu::ballot(m, !(p), CUDA_CPU_SITE) == 0)
#define __match_any_sync(m, v) ::cuda_cpu::match_any(m, v, CUDA_CPU_SITE)
#define __syncwarp(...) cuda_cpu_syncwarp(CUDA_CPU_SITE, ##__VA_ARGS__)
#define CUDA_CPU_FOLD(m, v, e) ::cuda_cpu::warp_fold(m, v, CUDA_CPU_SITE, [](auto a, auto b) { return e; })
#define __reduce_add_sync(m, v) CUDA_CPU_FOLD(m, v, a + b)
#define __reduce_min_sync(m, v) CUDA_CPU_FOLD(m, v, a < b ? a : b)
#define __reduce_max_sync(m, v) CUDA_CPU_FOLD(m, v, a > b ? a : b)
#define __reduce_or_sync(m, v) CUDA_CPU_FOLD(m, v, a | b)
#define __reduce_and_sync(m, v) CUDA_CPU_FOLD(m, v, a & b)
inline void cuda_cpu_syncwarp(const char *site, unsigned mask = 0xffffffffu) { ::cuda_cpu::ballot(mask, 0, site); }
inline void __threadfence() {}
inline void __threadfence_block() {}
inline void __trap() { ::cuda_cpu::fail("__trap", "kernel"); }

// Atomics. Real ones, so that tests may launch from several OS threads on shared buffers.
template <class T, class F> inline T cuda_cpu_rmw(T *p, F f) {
  T old, next;
  __atomic_load(p, &old, __ATOMIC_RELAXED);
  do next = f(old);
  while (!__atomic_compare_exchange(p, &old, &next, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
  return old;
}
// The value converts to the pointee's type, as the overloads of nvcc do.
template <class T> struct cuda_cpu_same { using type = T; };
#define CUDA_CPU_ATOMIC(name, expr) \
  template <class T> inline T name(T *p, typename cuda_cpu_same<T>::type v) { return cuda_cpu_rmw(p, [=](T o) -> T { return expr; }); }
CUDA_CPU_ATOMIC(atomicAdd, o + v)
CUDA_CPU_ATOMIC(atomicSub, o - v)
CUDA_CPU_ATOMIC(atomicMax, o < v ? v : o)
CUDA_CPU_ATOMIC(atomicMin, v < o ? v : o)
CUDA_CPU_ATOMIC(atomicExch, ((void)o, v))
CUDA_CPU_ATOMIC(atomicOr, o | v)
CUDA_CPU_ATOMIC(atomicAnd, o & v)
CUDA_CPU_ATOMIC(atomicXor, o ^ v)
CUDA_CPU_ATOMIC(atomicInc, o >= v ? 0 : o + 1)
template <class T> inline T atomicCAS(T *p, typename cuda_cpu_same<T>::type cmp, typename cuda_cpu_same<T>::type v) {
  return cuda_cpu_rmw(p, [=](T o) { return o == cmp ? v : o; });
}

// Bits and numbers.
template <class To, class From> inline To cuda_cpu_bits(From f) {
  static_assert(sizeof(To) == sizeof(From), "");
  To t;
  memcpy(&t, &f, sizeof t);
  return t;
}
inline int __float_as_int(float f) { return cuda_cpu_bits<int>(f); }
inline unsigned __float_as_uint(float f) { return cuda_cpu_bits<unsigned>(f); }
inline float __int_as_float(int i) { return cuda_cpu_bits<float>(i); }
inline float __uint_as_float(unsigned i) { return cuda_cpu_bits<float>(i); }
inline int __popc(unsigned v) { return __builtin_popcount(v); }
inline int __popcll(unsigned long long v) { return __builtin_popcountll(v); }
inline int __clz(int v) { return v ? __builtin_clz(v) : 32; }
inline int __ffs(int v) { return __builtin_ffs(v); }
inline unsigned __brev(unsigned v) { unsigned r = 0; for (int i = 0; i < 32; i++) r |= (v >> i & 1) << (31 - i); return r; }
inline unsigned __umulhi(unsigned a, unsigned b) { return (uint64_t(a) * b) >> 32; }
inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b) { return (unsigned __int128)a * b >> 64; }
template <class T> inline T __ldg(const T *p) { return *p; }
template <class T> inline T __ldcs(const T *p) { return *p; }
template <class T> inline void __stcs(T *p, T v) { *p = v; }
inline float rsqrtf(float x) { return 1.0f / sqrtf(x); }
inline float __expf(float x) { return expf(x); }
inline float __logf(float x) { return logf(x); }
inline float __sinf(float x) { return sinf(x); }
inline float __cosf(float x) { return cosf(x); }
inline float __fdividef(float a, float b) { return a / b; }
inline float __fmaf_rn(float a, float b, float c) { return fmaf(a, b, c); }
inline float __fadd_rn(float a, float b) { return a + b; }
inline float __fmul_rn(float a, float b) { return a * b; }
#define CUDA_CPU_MINMAX(T) inline T min(T a, T b) { return b < a ? b : a; } inline T max(T a, T b) { return a < b ? b : a; }
CUDA_CPU_MINMAX(int) CUDA_CPU_MINMAX(unsigned) CUDA_CPU_MINMAX(long) CUDA_CPU_MINMAX(unsigned long)
CUDA_CPU_MINMAX(long long) CUDA_CPU_MINMAX(unsigned long long)
inline float min(float a, float b) { return fminf(a, b); }
inline float max(float a, float b) { return fmaxf(a, b); }

// Vector types (aligned as on the GPU, so that a misaligned float4 load fails under UBSan, too).
#define CUDA_CPU_VEC(T, N)                                                                                     \
  struct alignas(2 * sizeof(T)) N##2 { T x, y; };                                                              \
  struct alignas(4 * sizeof(T) > 16 ? 16 : 4 * sizeof(T)) N##4 { T x, y, z, w; };                              \
  inline N##2 make_##N##2(T x, T y) { return {x, y}; }                                                         \
  inline N##4 make_##N##4(T x, T y, T z, T w) { return {x, y, z, w}; }
CUDA_CPU_VEC(float, float) CUDA_CPU_VEC(int, int) CUDA_CPU_VEC(unsigned, uint)

// bf16 and fp16: storage types with the conversions that kernels use (compute in float, store rounded
// to nearest even: the same bits as the GPU's conversions).
struct alignas(2) __nv_bfloat16 { uint16_t x; };
using nv_bfloat16 = __nv_bfloat16;
inline float __bfloat162float(__nv_bfloat16 v) { return cuda_cpu_bits<float>(uint32_t(v.x) << 16); }
inline __nv_bfloat16 __float2bfloat16(float f) {
  uint32_t u = cuda_cpu_bits<uint32_t>(f);
  if (f != f) return {0x7fff};
  return {uint16_t((u + 0x7fff + (u >> 16 & 1)) >> 16)};
}
inline __nv_bfloat16 __float2bfloat16_rn(float f) { return __float2bfloat16(f); }
struct alignas(2) __half { uint16_t x; };
using half = __half;
inline float __half2float(__half v) {
  const uint32_t sign = uint32_t(v.x & 0x8000) << 16, e = v.x >> 10 & 31, m = v.x & 1023;
  if (e == 31) return cuda_cpu_bits<float>(sign | 0x7f800000 | m << 13);
  if (e == 0) { const float f = ldexpf(float(m), -24); return sign ? -f : f; }
  return cuda_cpu_bits<float>(sign | (e + 112) << 23 | m << 13);
}
inline __half __float2half(float f) {
  const uint32_t u = cuda_cpu_bits<uint32_t>(f), a = u & 0x7fffffff;
  const uint16_t sign = u >> 16 & 0x8000;
  if (a > 0x7f800000) return {uint16_t(0x7fff)};
  if (a >= 0x477ff000) return {uint16_t(sign | 0x7c00)};  // rounds to infinity
  if (a < 0x38800000) return {uint16_t(sign | uint16_t(nearbyintf(ldexpf(cuda_cpu_bits<float>(a), 24))))};
  const uint32_t r = a - 0x38000000;
  return {uint16_t(sign | (r + 0xfff + (r >> 13 & 1)) >> 13)};
}
inline __half __float2half_rn(float f) { return __float2half(f); }

#else  // nvcc: the one macro that replaces `extern __shared__`
#define CUDA_DYN_SHARED(T, name)                        \
  extern __shared__ __align__(16) unsigned char _dyn_shared[]; \
  T *name = reinterpret_cast<T *>(_dyn_shared)
#define CUDA_CPU_EXPORT(k)
#endif
