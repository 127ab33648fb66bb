// Compiles under: g++, clang++, nvcc, NVRTC. Uses no std headers.
//
// What a kernel may ask of a number, whatever its type: its plain scalar, its lanes, and choice without
// a branch.
#pragma once
#include "tundish/core/dual.h"

TUNDISH_NAMESPACE_BEGIN

// Number<Real>: the plain scalar behind a Real, how many candidates it carries, and how many neighbouring
// lines of a section a sweep takes at once. Lines are independent of each other, so the count changes the
// speed and nothing else: plain scalars fill a register with lines, wider numbers hide the latency of a
// division behind their neighbours.
template <class Real>
struct Number {
  typedef Real Scalar;
  typedef bool Mask;
  static constexpr int lanes = 1;
  static constexpr int lines = TUNDISH_ON_GPU ? 1 : Native<Real>::lanes;
  static TUNDISH_HD Scalar value(Real x, int) { return x; }
};
template <class T, int N>
struct Number<Pack<T, N>> {
  typedef T Scalar;
  typedef PackMask<T, N> Mask;
  static constexpr int lanes = N;
  static constexpr int lines = 2;
  static TUNDISH_HD T value(Pack<T, N> x, int lane) { return x[lane]; }
};
template <class T, int K>
struct Number<Dual<T, K>> {
  typedef T Scalar;
  typedef bool Mask;
  static constexpr int lanes = 1;
  static constexpr int lines = TUNDISH_ON_GPU ? 1 : 2;
  static TUNDISH_HD T value(Dual<T, K> x, int) { return x.value; }
};

TUNDISH_HD float select(bool mask, float yes, float no) { return mask ? yes : no; }
TUNDISH_HD double select(bool mask, double yes, double no) { return mask ? yes : no; }
TUNDISH_HD bool any(bool mask) { return mask; }

template <class Real>
TUNDISH_HD bool any_outside(Real x, Real low, Real high) {
  return any((x < low) | (x > high));
}
template <class Real>
TUNDISH_HD Real minimum(Real a, Real b) {
  return select(a < b, a, b);
}
template <class Real>
TUNDISH_HD Real maximum(Real a, Real b) {
  return select(a > b, a, b);
}
template <class Real>
TUNDISH_HD Real absolute(Real a) {
  return maximum(-a, a);
}

TUNDISH_NAMESPACE_END
