// Compiles under: g++, clang++, nvcc, NVRTC. Uses no std headers.
//
// A pack as a plain array: what pack.h includes where there is no vector extension.
#pragma once
#include "tundish/core/native.h"

#if !TUNDISH_VECTOR_EXTENSION
TUNDISH_NAMESPACE_BEGIN

template <class T, int N>
struct PackMask {
  bool v[N];
};

template <class T, int N>
struct Pack {
  typedef PackMask<T, N> Mask;
  T v[N];

  TUNDISH_HD Pack() {}
  TUNDISH_HD Pack(T x) {
    for (int lane = 0; lane < N; ++lane) v[lane] = x;
  }
  TUNDISH_HD T operator[](int lane) const { return v[lane]; }
  TUNDISH_HD void set(int lane, T x) { v[lane] = x; }
  static TUNDISH_HD Pack read(const T* p) {
    Pack r;
    for (int lane = 0; lane < N; ++lane) r.v[lane] = p[lane];
    return r;
  }
  TUNDISH_HD void write(T* p) const {
    for (int lane = 0; lane < N; ++lane) p[lane] = v[lane];
  }
};

#define TUNDISH_PACK_OPERATOR(op)                                            \
  template <class T, int N>                                                  \
  TUNDISH_HD Pack<T, N> operator op(Pack<T, N> a, Pack<T, N> b) {            \
    Pack<T, N> r;                                                            \
    for (int lane = 0; lane < N; ++lane) r.v[lane] = a.v[lane] op b.v[lane]; \
    return r;                                                                \
  }                                                                          \
  template <class T, int N>                                                  \
  TUNDISH_HD Pack<T, N> operator op(T a, Pack<T, N> b) {                     \
    return Pack<T, N>(a) op b;                                               \
  }                                                                          \
  template <class T, int N>                                                  \
  TUNDISH_HD Pack<T, N> operator op(Pack<T, N> a, T b) {                     \
    return a op Pack<T, N>(b);                                               \
  }
#define TUNDISH_PACK_COMPARISON(op)                                          \
  template <class T, int N>                                                  \
  TUNDISH_HD PackMask<T, N> operator op(Pack<T, N> a, Pack<T, N> b) {        \
    PackMask<T, N> r;                                                        \
    for (int lane = 0; lane < N; ++lane) r.v[lane] = a.v[lane] op b.v[lane]; \
    return r;                                                                \
  }                                                                          \
  template <class T, int N>                                                  \
  TUNDISH_HD PackMask<T, N> operator op(Pack<T, N> a, T b) {                 \
    return a op Pack<T, N>(b);                                               \
  }

template <class T, int N>
TUNDISH_HD Pack<T, N> operator-(Pack<T, N> a) {
  return T(0) - a;
}
template <class T, int N>
TUNDISH_HD Pack<T, N> select(PackMask<T, N> mask, Pack<T, N> yes, Pack<T, N> no) {
  Pack<T, N> r;
  for (int lane = 0; lane < N; ++lane) r.v[lane] = mask.v[lane] ? yes.v[lane] : no.v[lane];
  return r;
}
#define TUNDISH_MASK_OPERATOR(op)                                             \
  template <class T, int N>                                                   \
  TUNDISH_HD PackMask<T, N> operator op(PackMask<T, N> a, PackMask<T, N> b) { \
    PackMask<T, N> r;                                                         \
    for (int lane = 0; lane < N; ++lane) r.v[lane] = a.v[lane] op b.v[lane];  \
    return r;                                                                 \
  }
TUNDISH_MASK_OPERATOR(&)
TUNDISH_MASK_OPERATOR(|)
TUNDISH_MASK_OPERATOR(^)
#undef TUNDISH_MASK_OPERATOR
template <class T, int N>
TUNDISH_HD PackMask<T, N> operator!(PackMask<T, N> a) {
  for (int lane = 0; lane < N; ++lane) a.v[lane] = !a.v[lane];
  return a;
}
template <class T, int N>
TUNDISH_HD bool any(PackMask<T, N> mask) {
  for (int lane = 0; lane < N; ++lane)
    if (mask.v[lane]) return true;
  return false;
}
template <class T, int N>
TUNDISH_HD Pack<T, N> fused(Pack<T, N> a, Pack<T, N> b, Pack<T, N> c) {
  for (int lane = 0; lane < N; ++lane) c.v[lane] = fused(a.v[lane], b.v[lane], c.v[lane]);
  return c;
}
template <class T, int N>
TUNDISH_HD Pack<T, N> square_root(Pack<T, N> a) {
  for (int lane = 0; lane < N; ++lane) a.v[lane] = square_root(a.v[lane]);
  return a;
}
template <class T, int N>
TUNDISH_HD Pack<T, N / 2> folded(Pack<T, N> a) {
  Pack<T, N / 2> half;
  for (int lane = 0; lane < N / 2; ++lane) half.v[lane] = a.v[lane] + a.v[lane + N / 2];
  return half;
}

TUNDISH_NAMESPACE_END
#endif
