// Compiles under: g++, clang++, nvcc, NVRTC. Uses no std headers.
//
// What one register of the compiled-for machine holds, and the operations of one number that packs repeat.
#pragma once
#include "tundish/core/macros.h"

#if !TUNDISH_ON_GPU && defined(__GNUC__)
#define TUNDISH_VECTOR_EXTENSION 1
#else
#define TUNDISH_VECTOR_EXTENSION 0
#endif
#if TUNDISH_VECTOR_EXTENSION && defined(__x86_64__)
#include <immintrin.h>
#endif

TUNDISH_NAMESPACE_BEGIN

template <int Bytes>
struct IntegerOf;
template <>
struct IntegerOf<4> {
  typedef int type;
};
template <>
struct IntegerOf<8> {
  typedef long long type;
};

// The widest pack that one register of the compiled-for machine holds. GCC runs wider packs at a third
// of the speed.
#if defined(__AVX512F__)
#define TUNDISH_REGISTER_BYTES 64
#elif defined(__AVX__)
#define TUNDISH_REGISTER_BYTES 32
#elif defined(__SSE2__) || defined(__ARM_NEON)
#define TUNDISH_REGISTER_BYTES 16
#else
#define TUNDISH_REGISTER_BYTES 8
#endif
template <class T>
struct Native {
  static constexpr int lanes = TUNDISH_REGISTER_BYTES / int(sizeof(T));
};

// a b + c and the square root of one number; see the packs' own.
#if TUNDISH_ON_GPU
TUNDISH_HD float fused(float a, float b, float c) { return fmaf(a, b, c); }
TUNDISH_HD double fused(double a, double b, double c) { return fma(a, b, c); }
TUNDISH_HD float square_root(float a) { return sqrtf(a); }
TUNDISH_HD double square_root(double a) { return sqrt(a); }
#else
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
#define TUNDISH_FUSES 1
TUNDISH_HD float fused(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
TUNDISH_HD double fused(double a, double b, double c) { return __builtin_fma(a, b, c); }
#else
TUNDISH_HD float fused(float a, float b, float c) { return a * b + c; }
TUNDISH_HD double fused(double a, double b, double c) { return a * b + c; }
#endif
TUNDISH_HD float square_root(float a) { return __builtin_sqrtf(a); }
TUNDISH_HD double square_root(double a) { return __builtin_sqrt(a); }
#endif

TUNDISH_NAMESPACE_END
