// Compiles under: g++, clang++, nvcc, NVRTC. Uses no std headers.
//
// A pack as a SIMD register, by the compiler's vector extension: what pack.h includes where there is one.
#pragma once
#include "tundish/core/native.h"

#if TUNDISH_VECTOR_EXTENSION
TUNDISH_NAMESPACE_BEGIN

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
  TUNDISH_HD Pack(T x) : v(x - Vector{}) {}  // not x + 0, which is not x where x is -0
  TUNDISH_HD Pack(Vector x, int) : v(x) {}
  TUNDISH_HD T operator[](int lane) const { return v[lane]; }
  TUNDISH_HD void set(int lane, T x) { v[lane] = x; }

  // Consecutive numbers in memory, one a lane; the address need not be aligned.
  static TUNDISH_HD Pack read(const T* p) { return Pack(*reinterpret_cast<const Unaligned*>(p), 0); }
  TUNDISH_HD void write(T* p) const { *reinterpret_cast<Unaligned*>(p) = v; }
};

#if defined(__clang__) || __GNUC__ >= 12
#define TUNDISH_SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#endif

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
#if defined(__AVX__)
  if constexpr (sizeof(mask.v) == 32) return _mm256_movemask_ps((__m256)mask.v) != 0;
#endif
#if defined(__x86_64__)
  if constexpr (sizeof(mask.v) == 16) return _mm_movemask_ps((__m128)mask.v) != 0;
#endif
  for (int lane = 0; lane < N; ++lane)
    if (mask.v[lane]) return true;
  return false;
}

// Whether any lane of a is at least b's, and `sum` with 1 more where it is: AVX-512 compares into registers
// of its own, which GCC finds its way to from neither form.
template <class T, int N>
TUNDISH_HD bool any_at_least(Pack<T, N> a, Pack<T, N> b) {
#if defined(__AVX512F__)
  if constexpr (sizeof(a.v) == 64 && sizeof(T) == 8)
    return _mm512_cmp_pd_mask((__m512d)a.v, (__m512d)b.v, _CMP_GE_OQ) != 0;
  if constexpr (sizeof(a.v) == 64 && sizeof(T) == 4)
    return _mm512_cmp_ps_mask((__m512)a.v, (__m512)b.v, _CMP_GE_OQ) != 0;
#endif
  return any(PackMask<T, N>{a.v >= b.v});
}
// Whether any lane lies outside [low, high].
template <class T, int N>
TUNDISH_HD bool any_outside(Pack<T, N> x, Pack<T, N> low, Pack<T, N> high) {
#if defined(__AVX512F__)
  if constexpr (sizeof(x.v) == 64 && sizeof(T) == 8)
    return (_mm512_cmp_pd_mask((__m512d)x.v, (__m512d)low.v, _CMP_LT_OQ) |
            _mm512_cmp_pd_mask((__m512d)x.v, (__m512d)high.v, _CMP_GT_OQ)) != 0;
  if constexpr (sizeof(x.v) == 64 && sizeof(T) == 4)
    return (_mm512_cmp_ps_mask((__m512)x.v, (__m512)low.v, _CMP_LT_OQ) |
            _mm512_cmp_ps_mask((__m512)x.v, (__m512)high.v, _CMP_GT_OQ)) != 0;
#endif
  return any(PackMask<T, N>{(x.v < low.v) | (x.v > high.v)});
}
template <class T, int N>
TUNDISH_HD Pack<T, N> one_more_at_least(Pack<T, N> sum, Pack<T, N> a, Pack<T, N> b) {
  typedef typename Pack<T, N>::Vector V;
  typedef typename PackMask<T, N>::Vector Bits;
  const V one = T(1) - V{};
#if defined(__AVX512F__)
  if constexpr (sizeof(a.v) == 64 && sizeof(T) == 8)
    return Pack<T, N>(
        (V)_mm512_mask_add_pd((__m512d)sum.v, _mm512_cmp_pd_mask((__m512d)a.v, (__m512d)b.v, _CMP_GE_OQ),
                              (__m512d)sum.v, (__m512d)one),
        0);
  if constexpr (sizeof(a.v) == 64 && sizeof(T) == 4)
    return Pack<T, N>(
        (V)_mm512_mask_add_ps((__m512)sum.v, _mm512_cmp_ps_mask((__m512)a.v, (__m512)b.v, _CMP_GE_OQ),
                              (__m512)sum.v, (__m512)one),
        0);
#endif
  return Pack<T, N>(sum.v + (V)((Bits)one & (a.v >= b.v)), 0);
}

// Two consecutive registers in memory, and the one that starts a place before the second, or after the first.
// A read across both would have to wait until they have been written to the cache.
template <class T, int N>
TUNDISH_HD Pack<T, N> one_before(Pack<T, N> a, Pack<T, N> b) {
#if defined(TUNDISH_SHUFFLE)
  if constexpr (N == 2) return Pack<T, N>(TUNDISH_SHUFFLE(a.v, b.v, 1, 2), 0);
  if constexpr (N == 4) return Pack<T, N>(TUNDISH_SHUFFLE(a.v, b.v, 3, 4, 5, 6), 0);
  if constexpr (N == 8) return Pack<T, N>(TUNDISH_SHUFFLE(a.v, b.v, 7, 8, 9, 10, 11, 12, 13, 14), 0);
  if constexpr (N == 16)
    return Pack<T, N>(
        TUNDISH_SHUFFLE(a.v, b.v, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30), 0);
#endif
  for (int lane = N - 1; lane > 0; --lane) b.set(lane, b[lane - 1]);
  b.set(0, a[N - 1]);
  return b;
}
template <class T, int N>
TUNDISH_HD Pack<T, N> one_after(Pack<T, N> a, Pack<T, N> b) {
#if defined(TUNDISH_SHUFFLE)
  if constexpr (N == 2) return Pack<T, N>(TUNDISH_SHUFFLE(a.v, b.v, 1, 2), 0);
  if constexpr (N == 4) return Pack<T, N>(TUNDISH_SHUFFLE(a.v, b.v, 1, 2, 3, 4), 0);
  if constexpr (N == 8) return Pack<T, N>(TUNDISH_SHUFFLE(a.v, b.v, 1, 2, 3, 4, 5, 6, 7, 8), 0);
  if constexpr (N == 16)
    return Pack<T, N>(TUNDISH_SHUFFLE(a.v, b.v, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16), 0);
#endif
  for (int lane = 0; lane < N - 1; ++lane) a.set(lane, a[lane + 1]);
  a.set(N - 1, b[0]);
  return a;
}
// a0 b0 a1 b1 ..., its first and its second half.
template <class T, int N>
TUNDISH_HD Pack<T, N> interleaved_low(Pack<T, N> a, Pack<T, N> b) {
#if defined(TUNDISH_SHUFFLE)
  if constexpr (N == 2) return Pack<T, N>(TUNDISH_SHUFFLE(a.v, b.v, 0, 2), 0);
  if constexpr (N == 4) return Pack<T, N>(TUNDISH_SHUFFLE(a.v, b.v, 0, 4, 1, 5), 0);
  if constexpr (N == 8) return Pack<T, N>(TUNDISH_SHUFFLE(a.v, b.v, 0, 8, 1, 9, 2, 10, 3, 11), 0);
  if constexpr (N == 16)
    return Pack<T, N>(TUNDISH_SHUFFLE(a.v, b.v, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23), 0);
#endif
  Pack<T, N> r;
  for (int lane = 0; lane < N; ++lane) r.set(lane, lane % 2 ? b[lane / 2] : a[lane / 2]);
  return r;
}
template <class T, int N>
TUNDISH_HD Pack<T, N> interleaved_high(Pack<T, N> a, Pack<T, N> b) {
#if defined(TUNDISH_SHUFFLE)
  if constexpr (N == 2) return Pack<T, N>(TUNDISH_SHUFFLE(a.v, b.v, 1, 3), 0);
  if constexpr (N == 4) return Pack<T, N>(TUNDISH_SHUFFLE(a.v, b.v, 2, 6, 3, 7), 0);
  if constexpr (N == 8) return Pack<T, N>(TUNDISH_SHUFFLE(a.v, b.v, 4, 12, 5, 13, 6, 14, 7, 15), 0);
  if constexpr (N == 16)
    return Pack<T, N>(TUNDISH_SHUFFLE(a.v, b.v, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31),
                      0);
#endif
  Pack<T, N> r;
  for (int lane = 0; lane < N; ++lane) r.set(lane, lane % 2 ? b[(N + lane) / 2] : a[(N + lane) / 2]);
  return r;
}
// The larger and the smaller, the second one where either is NaN, as the instructions have it; GCC does not
// always find them in a comparison and a choice.
#if defined(__x86_64__)
#define TUNDISH_PACK_EXTREME(name, instruction)                                    \
  template <class T, int N>                                                        \
  TUNDISH_HD Pack<T, N> name(Pack<T, N> a, Pack<T, N> b) {                         \
    typedef typename Pack<T, N>::Vector V;                                         \
    if constexpr (sizeof(V) == 16 && sizeof(T) == 4)                               \
      return Pack<T, N>((V)_mm_##instruction##_ps((__m128)a.v, (__m128)b.v), 0);   \
    if constexpr (sizeof(V) == 16 && sizeof(T) == 8)                               \
      return Pack<T, N>((V)_mm_##instruction##_pd((__m128d)a.v, (__m128d)b.v), 0); \
    TUNDISH_PACK_EXTREME_AVX(instruction)                                          \
    TUNDISH_PACK_EXTREME_AVX512(instruction)                                       \
    return Pack<T, N>(TUNDISH_PACK_CHOICE_##instruction(a.v, b.v), 0);             \
  }
#define TUNDISH_PACK_CHOICE_max(a, b) ((a) > (b) ? (a) : (b))
#define TUNDISH_PACK_CHOICE_min(a, b) ((a) < (b) ? (a) : (b))
#if defined(__AVX__)
#define TUNDISH_PACK_EXTREME_AVX(instruction)                                     \
  if constexpr (sizeof(V) == 32 && sizeof(T) == 4)                                \
    return Pack<T, N>((V)_mm256_##instruction##_ps((__m256)a.v, (__m256)b.v), 0); \
  if constexpr (sizeof(V) == 32 && sizeof(T) == 8)                                \
    return Pack<T, N>((V)_mm256_##instruction##_pd((__m256d)a.v, (__m256d)b.v), 0);
#else
#define TUNDISH_PACK_EXTREME_AVX(instruction)
#endif
#if defined(__AVX512F__)
#define TUNDISH_PACK_EXTREME_AVX512(instruction)                                  \
  if constexpr (sizeof(V) == 64 && sizeof(T) == 4)                                \
    return Pack<T, N>((V)_mm512_##instruction##_ps((__m512)a.v, (__m512)b.v), 0); \
  if constexpr (sizeof(V) == 64 && sizeof(T) == 8)                                \
    return Pack<T, N>((V)_mm512_##instruction##_pd((__m512d)a.v, (__m512d)b.v), 0);
#else
#define TUNDISH_PACK_EXTREME_AVX512(instruction)
#endif
TUNDISH_PACK_EXTREME(maximum, max)
TUNDISH_PACK_EXTREME(minimum, min)
#endif
// Clears the sign: one instruction, where the larger of a and -a takes two.
template <class T, int N>
TUNDISH_HD Pack<T, N> absolute(Pack<T, N> a) {
  typedef typename PackMask<T, N>::Integer Integer;
  typedef typename PackMask<T, N>::Vector Bits;
  const Integer all_but_sign = Integer(~(1ull << (8 * sizeof(T) - 1)));
  return Pack<T, N>((typename Pack<T, N>::Vector)((Bits)a.v & all_but_sign), 0);
}
// a b + c, rounded once where the machine can (x86-64-v3 and v4 alike), twice elsewhere.
template <class T, int N>
TUNDISH_HD Pack<T, N> fused(Pack<T, N> a, Pack<T, N> b, Pack<T, N> c) {
#if defined(__x86_64__) && defined(__FMA__)
  typedef typename Pack<T, N>::Vector V;
  if constexpr (sizeof(V) == 16 && sizeof(T) == 4)
    return Pack<T, N>((V)_mm_fmadd_ps((__m128)a.v, (__m128)b.v, (__m128)c.v), 0);
  if constexpr (sizeof(V) == 16 && sizeof(T) == 8)
    return Pack<T, N>((V)_mm_fmadd_pd((__m128d)a.v, (__m128d)b.v, (__m128d)c.v), 0);
  if constexpr (sizeof(V) == 32 && sizeof(T) == 4)
    return Pack<T, N>((V)_mm256_fmadd_ps((__m256)a.v, (__m256)b.v, (__m256)c.v), 0);
  if constexpr (sizeof(V) == 32 && sizeof(T) == 8)
    return Pack<T, N>((V)_mm256_fmadd_pd((__m256d)a.v, (__m256d)b.v, (__m256d)c.v), 0);
#if defined(__AVX512F__)
  if constexpr (sizeof(V) == 64 && sizeof(T) == 4)
    return Pack<T, N>((V)_mm512_fmadd_ps((__m512)a.v, (__m512)b.v, (__m512)c.v), 0);
  if constexpr (sizeof(V) == 64 && sizeof(T) == 8)
    return Pack<T, N>((V)_mm512_fmadd_pd((__m512d)a.v, (__m512d)b.v, (__m512d)c.v), 0);
#endif
#endif
#if defined(TUNDISH_FUSES)
  for (int lane = 0; lane < N; ++lane) c.set(lane, fused(a[lane], b[lane], c[lane]));
  return c;
#else
  return a * b + c;
#endif
}
// One instruction for the registers that there are; GCC's vector extension has no square root.
template <class T, int N>
TUNDISH_HD Pack<T, N> square_root(Pack<T, N> a) {
#if defined(__x86_64__)
  typedef typename Pack<T, N>::Vector V;
  if constexpr (sizeof(V) == 16 && sizeof(T) == 4) return Pack<T, N>((V)_mm_sqrt_ps((__m128)a.v), 0);
  if constexpr (sizeof(V) == 16 && sizeof(T) == 8) return Pack<T, N>((V)_mm_sqrt_pd((__m128d)a.v), 0);
#if defined(__AVX__)
  if constexpr (sizeof(V) == 32 && sizeof(T) == 4) return Pack<T, N>((V)_mm256_sqrt_ps((__m256)a.v), 0);
  if constexpr (sizeof(V) == 32 && sizeof(T) == 8) return Pack<T, N>((V)_mm256_sqrt_pd((__m256d)a.v), 0);
#endif
#if defined(__AVX512F__)
  if constexpr (sizeof(V) == 64 && sizeof(T) == 4) return Pack<T, N>((V)_mm512_sqrt_ps((__m512)a.v), 0);
  if constexpr (sizeof(V) == 64 && sizeof(T) == 8) return Pack<T, N>((V)_mm512_sqrt_pd((__m512d)a.v), 0);
#endif
#endif
  for (int lane = 0; lane < N; ++lane) a.set(lane, square_root(a[lane]));
  return a;
}
// The lower half of the lanes plus the upper half.
template <class T, int N>
TUNDISH_HD Pack<T, N / 2> folded(Pack<T, N> a) {
#if defined(TUNDISH_SHUFFLE)
  typedef Pack<T, N / 2> Half;
  if constexpr (N == 4)
    return Half(TUNDISH_SHUFFLE(a.v, a.v, 0, 1), 0) + Half(TUNDISH_SHUFFLE(a.v, a.v, 2, 3), 0);
  if constexpr (N == 8)
    return Half(TUNDISH_SHUFFLE(a.v, a.v, 0, 1, 2, 3), 0) + Half(TUNDISH_SHUFFLE(a.v, a.v, 4, 5, 6, 7), 0);
  if constexpr (N == 16)
    return Half(TUNDISH_SHUFFLE(a.v, a.v, 0, 1, 2, 3, 4, 5, 6, 7), 0) +
           Half(TUNDISH_SHUFFLE(a.v, a.v, 8, 9, 10, 11, 12, 13, 14, 15), 0);
#endif
  Pack<T, N / 2> half;
  for (int lane = 0; lane < N / 2; ++lane) half.set(lane, a[lane] + a[lane + N / 2]);
  return half;
}

TUNDISH_NAMESPACE_END
#endif
