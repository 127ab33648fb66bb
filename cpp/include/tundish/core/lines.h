// Compiles under: g++, clang++, nvcc, NVRTC. Uses no std headers.
//
// Lines<Real>: the same node of a few neighbouring lines of a section, taken through a sweep together.
// For plain scalars on a CPU it is one SIMD register, for packs and duals a Bundle of them, and on a GPU,
// where every thread has a line of its own, the number itself.
#pragma once
#include "tundish/core/math.h"

TUNDISH_NAMESPACE_BEGIN

template <class Real, int B>
struct BundleMask {
  typename Number<Real>::Mask line[B];
};

template <class Real, int B>
struct Bundle {
  typedef BundleMask<Real, B> Mask;
  Real line[B];

  TUNDISH_HD Bundle() {}
  explicit TUNDISH_HD Bundle(Real x) {
    for (int b = 0; b < B; ++b) line[b] = x;
  }
};

#define TUNDISH_BUNDLE_OPERATOR(op)                                              \
  template <class Real, int B>                                                   \
  TUNDISH_HD Bundle<Real, B> operator op(Bundle<Real, B> a, Bundle<Real, B> b) { \
    for (int i = 0; i < B; ++i) a.line[i] = a.line[i] op b.line[i];              \
    return a;                                                                    \
  }                                                                              \
  template <class Real, int B>                                                   \
  TUNDISH_HD Bundle<Real, B> operator op(Real a, Bundle<Real, B> b) {            \
    for (int i = 0; i < B; ++i) b.line[i] = a op b.line[i];                      \
    return b;                                                                    \
  }                                                                              \
  template <class Real, int B>                                                   \
  TUNDISH_HD Bundle<Real, B> operator op(Bundle<Real, B> a, Real b) {            \
    for (int i = 0; i < B; ++i) a.line[i] = a.line[i] op b;                      \
    return a;                                                                    \
  }                                                                              \
  template <class Real, int B>                                                   \
  TUNDISH_HD Bundle<Real, B> operator op(typename Number<Real>::Scalar a, Bundle<Real, B> b) { \
    for (int i = 0; i < B; ++i) b.line[i] = a op b.line[i];                      \
    return b;                                                                    \
  }                                                                              \
  template <class Real, int B>                                                   \
  TUNDISH_HD Bundle<Real, B> operator op(Bundle<Real, B> a, typename Number<Real>::Scalar b) { \
    for (int i = 0; i < B; ++i) a.line[i] = a.line[i] op b;                      \
    return a;                                                                    \
  }
TUNDISH_BUNDLE_OPERATOR(+)
TUNDISH_BUNDLE_OPERATOR(-)
TUNDISH_BUNDLE_OPERATOR(*)
TUNDISH_BUNDLE_OPERATOR(/)
#undef TUNDISH_BUNDLE_OPERATOR

#define TUNDISH_BUNDLE_COMPARISON(op)                                                \
  template <class Real, int B>                                                       \
  TUNDISH_HD BundleMask<Real, B> operator op(Bundle<Real, B> a, Bundle<Real, B> b) { \
    BundleMask<Real, B> r;                                                           \
    for (int i = 0; i < B; ++i) r.line[i] = a.line[i] op b.line[i];                  \
    return r;                                                                        \
  }                                                                                  \
  template <class Real, int B>                                                       \
  TUNDISH_HD BundleMask<Real, B> operator op(Bundle<Real, B> a, Real b) {            \
    return a op Bundle<Real, B>(b);                                                  \
  }
TUNDISH_BUNDLE_COMPARISON(<)
TUNDISH_BUNDLE_COMPARISON(<=)
TUNDISH_BUNDLE_COMPARISON(>)
TUNDISH_BUNDLE_COMPARISON(>=)
#undef TUNDISH_BUNDLE_COMPARISON

#define TUNDISH_BUNDLE_MASK_OPERATOR(op)                                                         \
  template <class Real, int B>                                                                   \
  TUNDISH_HD BundleMask<Real, B> operator op(BundleMask<Real, B> a, BundleMask<Real, B> b) {     \
    for (int i = 0; i < B; ++i) a.line[i] = a.line[i] op b.line[i];                              \
    return a;                                                                                    \
  }
TUNDISH_BUNDLE_MASK_OPERATOR(&)
TUNDISH_BUNDLE_MASK_OPERATOR(|)
TUNDISH_BUNDLE_MASK_OPERATOR(^)
#undef TUNDISH_BUNDLE_MASK_OPERATOR

template <class Real, int B>
TUNDISH_HD BundleMask<Real, B> operator!(BundleMask<Real, B> a) {
  for (int i = 0; i < B; ++i) a.line[i] = !a.line[i];
  return a;
}
template <class Real, int B>
TUNDISH_HD bool any(BundleMask<Real, B> a) {
  auto m = a.line[0];
  for (int i = 1; i < B; ++i) m = m | a.line[i];
  return any(m);
}
template <class Real, int B>
TUNDISH_HD Bundle<Real, B> select(BundleMask<Real, B> mask, Bundle<Real, B> yes, Bundle<Real, B> no) {
  for (int i = 0; i < B; ++i) yes.line[i] = select(mask.line[i], yes.line[i], no.line[i]);
  return yes;
}

template <class Real, int B>
TUNDISH_HD Bundle<Real, B> operator-(Bundle<Real, B> a) {
  for (int i = 0; i < B; ++i) a.line[i] = -a.line[i];
  return a;
}

// A choice that is the same for all lines, and the largest of them.
template <class Real, int B>
TUNDISH_HD Bundle<Real, B> where(typename Number<Real>::Mask mask, Bundle<Real, B> yes, Bundle<Real, B> no) {
  for (int i = 0; i < B; ++i) yes.line[i] = select(mask, yes.line[i], no.line[i]);
  return yes;
}
template <class T, int N>
TUNDISH_HD Pack<T, N> where(bool mask, Pack<T, N> yes, Pack<T, N> no) {
  return mask ? yes : no;
}
TUNDISH_HD float where(bool mask, float yes, float no) { return mask ? yes : no; }
TUNDISH_HD double where(bool mask, double yes, double no) { return mask ? yes : no; }
template <class Real, int B>
TUNDISH_HD Real largest(Bundle<Real, B> a) {
  Real r = a.line[0];
  for (int i = 1; i < B; ++i) r = maximum(r, a.line[i]);
  return r;
}
template <class T, int N>
TUNDISH_HD T largest(Pack<T, N> a) {
  T r = a[0];
  for (int i = 1; i < N; ++i) r = maximum(r, a[i]);
  return r;
}
TUNDISH_HD float largest(float a) { return a; }
TUNDISH_HD double largest(double a) { return a; }

// A number of the same kind as the first argument.
template <class Real>
TUNDISH_HD Real constant(Real, typename Number<Real>::Scalar x) {
  return Real(x);
}
template <class Real, int B>
TUNDISH_HD Bundle<Real, B> constant(Bundle<Real, B>, typename Number<Real>::Scalar x) {
  return Bundle<Real, B>(Real(x));
}

// A bundle of packs or duals: a few independent dependency chains for one core to overlap.
template <class Real>
struct Lines {
  static constexpr int count = Number<Real>::lines;
  typedef Bundle<Real, count> type;
  typedef typename Number<Real>::Scalar Scalar;

  // The same node of `count` lines that lie `stride` numbers apart.
  static TUNDISH_HD type load(const Real* p, long stride) {
    type r;
    for (int b = 0; b < count; ++b) r.line[b] = p[b * stride];
    return r;
  }
  static TUNDISH_HD void store(type x, Real* p, long stride) {
    store_some(x, p, stride, count);
  }
  static TUNDISH_HD void store_some(type x, Real* p, long stride, int lines) {
    for (int b = 0; b < count && b < lines; ++b) p[b * stride] = x.line[b];
  }
  // A number of the mesh for each line.
  static TUNDISH_HD type spread(const Scalar* p, long stride = 1) {
    type r;
    for (int b = 0; b < count; ++b) r.line[b] = Real(p[b * stride]);
    return r;
  }
};

template <class T>
struct LinesOfScalars {
#if TUNDISH_ON_GPU
  static constexpr int count = 1;
  typedef T type;
  static TUNDISH_HD type load(const T* p, long) { return *p; }
  static TUNDISH_HD void store(type x, T* p, long) { *p = x; }
  static TUNDISH_HD void store_some(type x, T* p, long, int lines) {
    if (lines > 0) *p = x;
  }
  static TUNDISH_HD type spread(const T* p, long = 1) { return *p; }
#else
  static constexpr int count = Number<T>::lines;
  typedef Pack<T, count> type;
  static TUNDISH_HD type load(const T* p, long stride) {
    if (stride == 1) return type::read(p);
    type r;
    for (int b = 0; b < count; ++b) r.set(b, p[b * stride]);
    return r;
  }
  static TUNDISH_HD void store(type x, T* p, long stride) {
    if (stride == 1) return x.write(p);
    store_some(x, p, stride, count);
  }
  static TUNDISH_HD void store_some(type x, T* p, long stride, int lines) {
    for (int b = 0; b < count && b < lines; ++b) p[b * stride] = x[b];
  }
  static TUNDISH_HD type spread(const T* p, long stride = 1) { return load(p, stride); }
#endif
};
template <>
struct Lines<float> : LinesOfScalars<float> {};
template <>
struct Lines<double> : LinesOfScalars<double> {};

TUNDISH_NAMESPACE_END
