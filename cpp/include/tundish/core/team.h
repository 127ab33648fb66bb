// Compiles under: g++, clang++, nvcc, NVRTC. Uses no std headers.
//
// A team marches one candidate (or one pack of candidates): a single thread on a CPU, a block on a GPU.
#pragma once
#include "tundish/core/math.h"

TUNDISH_NAMESPACE_BEGIN

struct SoleThread {
  TUNDISH_HD int rank() const { return 0; }
  TUNDISH_HD int size() const { return 1; }
  TUNDISH_HD void sync() const {}
  // The largest x of the team's members, in every member.
  template <class Real>
  TUNDISH_HD Real largest(Real x) const {
    return x;
  }
};

#if TUNDISH_ON_GPU
struct Block {
  __device__ int rank() const { return threadIdx.x; }
  __device__ int size() const { return blockDim.x; }
  __device__ void sync() const { __syncthreads(); }
  // By halves in shared memory: the block's size must be a power of two, at most 1024.
  template <class Real>
  __device__ Real largest(Real x) const {
    __shared__ double slots[1024];
    slots[threadIdx.x] = double(Number<Real>::value(x, 0));
    for (int half = blockDim.x / 2; half > 0; half /= 2) {
      __syncthreads();
      if (threadIdx.x < half) slots[threadIdx.x] = maximum(slots[threadIdx.x], slots[threadIdx.x + half]);
    }
    __syncthreads();
    Real result = Real(typename Number<Real>::Scalar(slots[0]));
    __syncthreads();
    return result;
  }
};
#endif

TUNDISH_NAMESPACE_END
