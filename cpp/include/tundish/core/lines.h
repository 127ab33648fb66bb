// Compiles under: g++, clang++, nvcc, NVRTC. Uses no std headers.
//
// Lines<Real>: the same node of a few neighbouring lines of a section, taken through a sweep together.
// For plain scalars on a CPU it is one SIMD register, for packs and duals a Bundle of them; on a GPU, where
// every thread has a line of its own, a single number, or a Bundle of duals.
#pragma once
#include "tundish/core/math.h"

TUNDISH_NAMESPACE_BEGIN

// A list of B numbers, first and rest. Recursion rather than an array and loops: GCC keeps the members in
// registers from the start, where an array is unrolled too late and spilled at every use (twice as slow).
template <class Real, int B>
struct Bundle {
  Real first;
  Bundle<Real, B - 1> rest;

  TUNDISH_HD Bundle() {}
  explicit TUNDISH_HD Bundle(Real x) : first(x), rest(x) {}
  TUNDISH_HD Bundle(Real first, Bundle<Real, B - 1> rest) : first(first), rest(rest) {}
};
template <class Real>
struct Bundle<Real, 1> {
  Real first;

  TUNDISH_HD Bundle() {}
  explicit TUNDISH_HD Bundle(Real x) : first(x) {}
};

template <class Mask, int B>
struct BundleMask {
  Mask first;
  BundleMask<Mask, B - 1> rest;
};
template <class Mask>
struct BundleMask<Mask, 1> {
  Mask first;
};

// Of two bundles, or of a bundle and a number for all its lines, on either side: a Real or a plain scalar.
#define TUNDISH_BUNDLE_OPERATOR(op)                                                            \
  template <class Real, int B>                                                                 \
  TUNDISH_HD Bundle<Real, B> operator op(Bundle<Real, B> a, Bundle<Real, B> b) {               \
    if constexpr (B == 1)                                                                      \
      return Bundle<Real, B>(a.first op b.first);                                              \
    else                                                                                       \
      return Bundle<Real, B>(a.first op b.first, a.rest op b.rest);                            \
  }                                                                                            \
  template <class Real, int B>                                                                 \
  TUNDISH_HD Bundle<Real, B> operator op(Real a, Bundle<Real, B> b) {                          \
    if constexpr (B == 1)                                                                      \
      return Bundle<Real, B>(a op b.first);                                                    \
    else                                                                                       \
      return Bundle<Real, B>(a op b.first, a op b.rest);                                       \
  }                                                                                            \
  template <class Real, int B>                                                                 \
  TUNDISH_HD Bundle<Real, B> operator op(Bundle<Real, B> a, Real b) {                          \
    if constexpr (B == 1)                                                                      \
      return Bundle<Real, B>(a.first op b);                                                    \
    else                                                                                       \
      return Bundle<Real, B>(a.first op b, a.rest op b);                                       \
  }                                                                                            \
  template <class Real, int B>                                                                 \
  TUNDISH_HD Bundle<Real, B> operator op(typename Number<Real>::Scalar a, Bundle<Real, B> b) { \
    if constexpr (B == 1)                                                                      \
      return Bundle<Real, B>(a op b.first);                                                    \
    else                                                                                       \
      return Bundle<Real, B>(a op b.first, a op b.rest);                                       \
  }                                                                                            \
  template <class Real, int B>                                                                 \
  TUNDISH_HD Bundle<Real, B> operator op(Bundle<Real, B> a, typename Number<Real>::Scalar b) { \
    if constexpr (B == 1)                                                                      \
      return Bundle<Real, B>(a.first op b);                                                    \
    else                                                                                       \
      return Bundle<Real, B>(a.first op b, a.rest op b);                                       \
  }
TUNDISH_BUNDLE_OPERATOR(+)
TUNDISH_BUNDLE_OPERATOR(-)
TUNDISH_BUNDLE_OPERATOR(*)
TUNDISH_BUNDLE_OPERATOR(/)
#undef TUNDISH_BUNDLE_OPERATOR

template <class Real, int B>
TUNDISH_HD Bundle<Real, B> operator-(Bundle<Real, B> a) {
  if constexpr (B == 1)
    return Bundle<Real, B>(-a.first);
  else
    return Bundle<Real, B>(-a.first, -a.rest);
}

#define TUNDISH_BUNDLE_COMPARISON(op)                                                                       \
  template <class Real, int B>                                                                              \
  TUNDISH_HD BundleMask<typename Number<Real>::Mask, B> operator op(Bundle<Real, B> a, Bundle<Real, B> b) { \
    if constexpr (B == 1)                                                                                   \
      return {a.first op b.first};                                                                          \
    else                                                                                                    \
      return {a.first op b.first, a.rest op b.rest};                                                        \
  }                                                                                                         \
  template <class Real, int B>                                                                              \
  TUNDISH_HD BundleMask<typename Number<Real>::Mask, B> operator op(Bundle<Real, B> a, Real b) {            \
    return a op Bundle<Real, B>(b);                                                                         \
  }
TUNDISH_BUNDLE_COMPARISON(<)
TUNDISH_BUNDLE_COMPARISON(<=)
TUNDISH_BUNDLE_COMPARISON(>)
TUNDISH_BUNDLE_COMPARISON(>=)
#undef TUNDISH_BUNDLE_COMPARISON

#define TUNDISH_BUNDLE_MASK_OPERATOR(op)                                                     \
  template <class Mask, int B>                                                               \
  TUNDISH_HD BundleMask<Mask, B> operator op(BundleMask<Mask, B> a, BundleMask<Mask, B> b) { \
    if constexpr (B == 1)                                                                    \
      return {Mask(a.first op b.first)};                                                     \
    else                                                                                     \
      return {Mask(a.first op b.first), a.rest op b.rest};                                   \
  }
TUNDISH_BUNDLE_MASK_OPERATOR(&)
TUNDISH_BUNDLE_MASK_OPERATOR(|)
TUNDISH_BUNDLE_MASK_OPERATOR(^)
#undef TUNDISH_BUNDLE_MASK_OPERATOR

template <class Mask, int B>
TUNDISH_HD BundleMask<Mask, B> operator!(BundleMask<Mask, B> a) {
  if constexpr (B == 1)
    return {!a.first};
  else
    return {!a.first, !a.rest};
}
template <class Mask, int B>
TUNDISH_HD Mask one_mask(BundleMask<Mask, B> a) {
  if constexpr (B == 1)
    return a.first;
  else
    return a.first | one_mask(a.rest);
}
template <class Mask, int B>
TUNDISH_HD bool any(BundleMask<Mask, B> a) {
  return any(Mask(one_mask(a)));
}
template <class Real, int B>
TUNDISH_HD bool any_outside(Bundle<Real, B> x, Bundle<Real, B> low, Bundle<Real, B> high) {
  if constexpr (B == 1)
    return any_outside(x.first, low.first, high.first);
  else
    return any_outside(x.first, low.first, high.first) | any_outside(x.rest, low.rest, high.rest);
}
template <class Mask, class Real, int B>
TUNDISH_HD Bundle<Real, B> select(BundleMask<Mask, B> mask, Bundle<Real, B> yes, Bundle<Real, B> no) {
  if constexpr (B == 1)
    return Bundle<Real, B>(select(mask.first, yes.first, no.first));
  else
    return Bundle<Real, B>(select(mask.first, yes.first, no.first), select(mask.rest, yes.rest, no.rest));
}

template <class Real, int B>
TUNDISH_HD Bundle<Real, B> maximum(Bundle<Real, B> a, Bundle<Real, B> b) {
  if constexpr (B == 1)
    return Bundle<Real, B>(maximum(a.first, b.first));
  else
    return Bundle<Real, B>(maximum(a.first, b.first), maximum(a.rest, b.rest));
}
template <class Real, int B>
TUNDISH_HD Bundle<Real, B> minimum(Bundle<Real, B> a, Bundle<Real, B> b) {
  if constexpr (B == 1)
    return Bundle<Real, B>(minimum(a.first, b.first));
  else
    return Bundle<Real, B>(minimum(a.first, b.first), minimum(a.rest, b.rest));
}

// The largest of all lines.
template <class Real, int B>
TUNDISH_HD Real largest(Bundle<Real, B> a) {
  if constexpr (B == 1)
    return a.first;
  else
    return maximum(a.first, largest(a.rest));
}
template <class T, int N>
TUNDISH_HD T largest(Pack<T, N> a) {
  T r = a[0];
  for (int i = 1; i < N; ++i) r = maximum(r, a[i]);
  return r;
}
TUNDISH_HD float largest(float a) { return a; }
TUNDISH_HD double largest(double a) { return a; }

// Two consecutive groups of lines, and the one that starts a line before the second, or after the first.
template <class Real, int B>
TUNDISH_HD Real last(Bundle<Real, B> a) {
  if constexpr (B == 1)
    return a.first;
  else
    return last(a.rest);
}
template <class Real, int B>
TUNDISH_HD Bundle<Real, B> with_first(Real first, Bundle<Real, B> b) {
  if constexpr (B == 1)
    return Bundle<Real, B>(first);
  else
    return Bundle<Real, B>(first, with_first(b.first, b.rest));
}
template <class Real, int B>
TUNDISH_HD Bundle<Real, B> with_last(Bundle<Real, B> a, Real last) {
  if constexpr (B == 1)
    return Bundle<Real, B>(last);
  else
    return Bundle<Real, B>(a.rest.first, with_last(a.rest, last));
}
template <class Real, int B>
TUNDISH_HD Bundle<Real, B> one_before(Bundle<Real, B> a, Bundle<Real, B> b) {
  return with_first(last(a), b);
}
template <class Real, int B>
TUNDISH_HD Bundle<Real, B> one_after(Bundle<Real, B> a, Bundle<Real, B> b) {
  return with_last(a, b.first);
}
TUNDISH_HD float one_before(float a, float) { return a; }
TUNDISH_HD float one_after(float, float b) { return b; }
TUNDISH_HD double one_before(double a, double) { return a; }
TUNDISH_HD double one_after(double, double b) { return b; }

// Reading and writing numbers `stride` apart.
template <class Value, class Real, int B>
TUNDISH_HD void read_bundle(Bundle<Real, B>& r, const Value* p, long stride) {
  r.first = Real(*p);
  if constexpr (B > 1) read_bundle(r.rest, p + stride, stride);
}
template <class Real, int B>
TUNDISH_HD void write_bundle(Bundle<Real, B> x, Real* p, long stride) {
  *p = x.first;
  if constexpr (B > 1) write_bundle(x.rest, p + stride, stride);
}

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
    read_bundle(r, p, stride);
    return r;
  }
  static TUNDISH_HD void store(type x, Real* p, long stride) { write_bundle(x, p, stride); }
  // A number of the mesh for each line.
  static TUNDISH_HD type spread(const Scalar* p) {
    type r;
    read_bundle(r, p, 1);
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
  static TUNDISH_HD type spread(const T* p) { return *p; }
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
    for (int b = 0; b < count; ++b) p[b * stride] = x[b];
  }
  static TUNDISH_HD type spread(const T* p) { return type::read(p); }
#endif
};
template <>
struct Lines<float> : LinesOfScalars<float> {};
template <>
struct Lines<double> : LinesOfScalars<double> {};

// Twice as many neighbouring lines where they lie in registers: a register's own chain of divisions leaves
// the processor idle half of the time. Read and written side by side only.
template <class Real>
struct WideLines : Lines<Real> {};
#if !TUNDISH_ON_GPU
template <class T>
struct WideLinesOfScalars {
  static constexpr int half = Number<T>::lines, count = 2 * half;
  typedef Bundle<Pack<T, half>, 2> type;
  static TUNDISH_HD type load(const T* p, long) {
    return type(Pack<T, half>::read(p), Bundle<Pack<T, half>, 1>(Pack<T, half>::read(p + half)));
  }
  static TUNDISH_HD type spread(const T* p) { return load(p, 1); }
  static TUNDISH_HD void store(type x, T* p, long) {
    x.first.write(p);
    x.rest.first.write(p + half);
  }
};
template <>
struct WideLines<float> : WideLinesOfScalars<float> {};
template <>
struct WideLines<double> : WideLinesOfScalars<double> {};
#endif

// Calls visit(lines, first) for all lines of a section, a group at a time; members of the team share them
// out.
template <class Real, class Team, class Visit>
TUNDISH_HD void for_each_strip(const Team& team, int lines, Visit visit) {
  constexpr int wide = WideLines<Real>::count, narrow = Lines<Real>::count;
  int first = team.rank() * wide;
  for (; wide > narrow ? lines - first > narrow : first < lines; first += team.size() * wide)
    visit(WideLines<Real>(), first);
  if constexpr (wide > narrow)
    if (first < lines) visit(Lines<Real>(), first);
}

TUNDISH_NAMESPACE_END
