// Compiles under: g++, clang++, nvcc, NVRTC. Uses no std headers.
//
// Pack<T, N>: N numbers that go through the same instructions. On a CPU it is one SIMD register
// (candidates, neighbouring lines of one section, or tangents lie in its lanes); elsewhere a small
// array that the compiler unrolls.
#pragma once
#include "tundish/core/pack_array.h"
#include "tundish/core/pack_vector.h"

TUNDISH_NAMESPACE_BEGIN

TUNDISH_PACK_OPERATOR(+)
TUNDISH_PACK_OPERATOR(-)
TUNDISH_PACK_OPERATOR(*)
TUNDISH_PACK_OPERATOR(/)
TUNDISH_PACK_COMPARISON(<)
TUNDISH_PACK_COMPARISON(<=)
TUNDISH_PACK_COMPARISON(>)
TUNDISH_PACK_COMPARISON(>=)
TUNDISH_PACK_COMPARISON(==)
#undef TUNDISH_PACK_OPERATOR
#undef TUNDISH_PACK_COMPARISON

template <class T>
TUNDISH_HD T total(Pack<T, 1> a) {
  return a[0];
}
template <class T>
TUNDISH_HD T total(Pack<T, 2> a) {
  return a[0] + a[1];
}
template <class T, int N>
TUNDISH_HD T total(Pack<T, N> a) {
  return total(folded(a));
}

TUNDISH_NAMESPACE_END
