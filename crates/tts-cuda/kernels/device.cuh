// What all kernels share. A file includes it first; it compiles for a GPU with nvcc, and for the CPU
// with any C++17 compiler after cuda_cpu_shim.h.
#pragma once

#include "cuda_cpu_shim.h"
#ifdef __CUDACC__
#include <cuda_bf16.h>
#include <cstdint>
#endif

constexpr unsigned WARP = 32;
constexpr unsigned ALL_LANES = 0xffffffffu;

__device__ __forceinline__ float to_float(float x) { return x; }
__device__ __forceinline__ float to_float(__nv_bfloat16 x) { return __bfloat162float(x); }

template <class T> __device__ __forceinline__ T from_float(float x);
template <> __device__ __forceinline__ float from_float<float>(float x) { return x; }
template <> __device__ __forceinline__ __nv_bfloat16 from_float<__nv_bfloat16>(float x) {
  return __float2bfloat16(x);
}

// The sum of the values of the lanes up to this one.
template <class T> __device__ __forceinline__ T sum_up_to_lane(T value) {
  const unsigned lane = threadIdx.x % WARP;
  for (unsigned apart = 1; apart < WARP; apart *= 2) {
    const T before = __shfl_up_sync(ALL_LANES, value, apart);
    if (lane >= apart) value += before;
  }
  return value;
}

// The sum of the values of all lanes, in every lane; the same order of additions in each.
__device__ __forceinline__ float sum_of_warp(float value) {
  for (unsigned apart = WARP / 2; apart > 0; apart /= 2) {
    value += __shfl_xor_sync(ALL_LANES, value, apart);
  }
  return value;
}
