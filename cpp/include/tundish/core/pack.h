// Compiles under: g++, clang++, nvcc, NVRTC. Uses no std headers.
//
// Pack<T, N>: N numbers that go through the same instructions. On a CPU it is one SIMD register
// (candidates, neighbouring lines of one section, or tangents lie in its lanes); elsewhere a small
// array that the compiler unrolls.
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

#if TUNDISH_VECTOR_EXTENSION

template <class T, int N>
struct PackMask {
  typedef typename IntegerOf<sizeof(T)>::type Integer;
  typedef Integer Vector __attribute__((vector_size(N * sizeof(T))));
  typedef Integer Stored __attribute__((vector_size(N * sizeof(T)), may_alias));
  Vector v;
};

template <class T, int N>
struct Pack {
  typedef T Vector __attribute__((vector_size(N * sizeof(T))));
  typedef T Unaligned __attribute__((vector_size(N * sizeof(T)), aligned(sizeof(T))));
  typedef PackMask<T, N> Mask;
  Vector v;

  TUNDISH_HD Pack() {}
  TUNDISH_HD Pack(T x) : v(Vector{} + x) {}
  TUNDISH_HD Pack(Vector x, int) : v(x) {}
  TUNDISH_HD T operator[](int lane) const { return v[lane]; }
  TUNDISH_HD void set(int lane, T x) { v[lane] = x; }

  // Consecutive numbers in memory, one a lane; the address need not be aligned.
  static TUNDISH_HD Pack read(const T* p) { return Pack(*reinterpret_cast<const Unaligned*>(p), 0); }
  TUNDISH_HD void write(T* p) const { *reinterpret_cast<Unaligned*>(p) = v; }
};

#define TUNDISH_PACK_OPERATOR(op)                                 \
  template <class T, int N>                                       \
  TUNDISH_HD Pack<T, N> operator op(Pack<T, N> a, Pack<T, N> b) { \
    return Pack<T, N>(a.v op b.v, 0);                             \
  }                                                               \
  template <class T, int N>                                       \
  TUNDISH_HD Pack<T, N> operator op(T a, Pack<T, N> b) {          \
    return Pack<T, N>(a) op b;                                    \
  }                                                               \
  template <class T, int N>                                       \
  TUNDISH_HD Pack<T, N> operator op(Pack<T, N> a, T b) {          \
    return a op Pack<T, N>(b);                                    \
  }
#define TUNDISH_PACK_COMPARISON(op)                                   \
  template <class T, int N>                                           \
  TUNDISH_HD PackMask<T, N> operator op(Pack<T, N> a, Pack<T, N> b) { \
    return PackMask<T, N>{a.v op b.v};                                \
  }                                                                   \
  template <class T, int N>                                           \
  TUNDISH_HD PackMask<T, N> operator op(Pack<T, N> a, T b) {          \
    return a op Pack<T, N>(b);                                        \
  }

template <class T, int N>
TUNDISH_HD Pack<T, N> operator-(Pack<T, N> a) {
  return Pack<T, N>(-a.v, 0);
}
template <class T, int N>
TUNDISH_HD Pack<T, N> select(PackMask<T, N> mask, Pack<T, N> yes, Pack<T, N> no) {
  return Pack<T, N>(mask.v ? yes.v : no.v, 0);
}
template <class T, int N>
TUNDISH_HD PackMask<T, N> operator&(PackMask<T, N> a, PackMask<T, N> b) {
  return PackMask<T, N>{a.v & b.v};
}
template <class T, int N>
TUNDISH_HD PackMask<T, N> operator|(PackMask<T, N> a, PackMask<T, N> b) {
  return PackMask<T, N>{a.v | b.v};
}
template <class T, int N>
TUNDISH_HD PackMask<T, N> operator^(PackMask<T, N> a, PackMask<T, N> b) {
  return PackMask<T, N>{a.v ^ b.v};
}
template <class T, int N>
TUNDISH_HD PackMask<T, N> operator!(PackMask<T, N> a) {
  return PackMask<T, N>{~a.v};
}
template <class T, int N>
TUNDISH_HD bool any(PackMask<T, N> mask) {
#if defined(__AVX512DQ__)
  if (sizeof(mask.v) == 64 && sizeof(T) == 8) return _mm512_movepi64_mask((__m512i)mask.v) != 0;
  if (sizeof(mask.v) == 64 && sizeof(T) == 4) return _mm512_movepi32_mask((__m512i)mask.v) != 0;
#endif
  for (int lane = 0; lane < N; ++lane)
    if (mask.v[lane]) return true;
  return false;
}

#else  // a plain array

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

#endif

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

TUNDISH_NAMESPACE_END
