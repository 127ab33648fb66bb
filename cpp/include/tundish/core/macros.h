// Compiles under: g++, clang++, nvcc, NVRTC. Uses no std headers.
//
// Every kernel header starts with TUNDISH_NAMESPACE_BEGIN. A translation unit that is built once per
// instruction set defines TUNDISH_INTERNAL_LINKAGE first: its copies of the templates then live in an
// unnamed namespace, so the linker can never hand an AVX-512 copy to a machine that has none.
#pragma once

// TUNDISH_HD is for what must vanish into its caller, TUNDISH_HD_LARGE for the loops over a section: inlining
// those as well triples the time to compile and gains nothing. TUNDISH_INLINE is TUNDISH_HD for lambdas.
#if defined(__CUDACC__) || defined(__CUDACC_RTC__)
#define TUNDISH_ON_GPU 1
#define TUNDISH_HD __host__ __device__ __forceinline__
#define TUNDISH_HD_LARGE __host__ __device__ __noinline__
#define TUNDISH_INLINE
#else
#define TUNDISH_ON_GPU 0
#define TUNDISH_HD inline __attribute__((always_inline))
#define TUNDISH_HD_LARGE inline __attribute__((noinline))
#define TUNDISH_INLINE __attribute__((always_inline))
#endif

#if defined(TUNDISH_INTERNAL_LINKAGE)
#define TUNDISH_NAMESPACE_BEGIN \
  namespace tundish {           \
  namespace {
#else
#define TUNDISH_NAMESPACE_BEGIN \
  namespace tundish {           \
  inline namespace kernels {
#endif
#define TUNDISH_NAMESPACE_END \
  }                           \
  }
