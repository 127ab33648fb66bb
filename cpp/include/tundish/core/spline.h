// Compiles under: g++, clang++, nvcc, NVRTC. Uses no std headers.
//
// Spline<Real>: a quadratic B-spline on a uniform grid, looked up together with its slope. The slope is
// continuous, so a march that lags it by a step stays a continuous function of its parameters, and the
// variation-diminishing coefficients keep a rising curve rising across the kinks at solidus and liquidus.
// Beyond its ends the curve goes on straight.
#pragma once
#include "tundish/core/lines.h"

TUNDISH_NAMESPACE_BEGIN

// A row is c0, c1, c2 and a pad; the value is c0 + f (c1 + f c2), with f the place in the cell, 0 to 1.
constexpr int spline_row = 4;

// x + rounder - rounder is x rounded to an integer, which then also stands in the low bits of x + rounder.
template <class T>
struct Rounder;
template <>
struct Rounder<double> {
  static constexpr double value = 6755399441055744.0;      // 1.5 x 2^52
  static constexpr long long bits = 0x4338000000000000ll;  // as an integer
};
template <>
struct Rounder<float> {
  static constexpr float value = 12582912.0f;  // 1.5 x 2^23
  static constexpr int bits = 0x4b400000;
};

#if TUNDISH_VECTOR_EXTENSION
#if defined(TUNDISH_SHUFFLE)
// The numbers of every lane's row, c[k] holding number k of all lanes, for each register that
// occurs. `row(lane)` loads the four numbers of a row. Rows are first joined so that a register is filled,
// lanes l and l + 4 (and l + 8, l + 12) side by side, and then transposed in blocks.
template <class Row>
TUNDISH_HD void transpose_rows(Row row, Pack<double, 4> (&c)[4]) {
  const auto a = row(0), b = row(1), d = row(2), e = row(3);
  const auto even_ab = TUNDISH_SHUFFLE(a, b, 0, 4, 2, 6), odd_ab = TUNDISH_SHUFFLE(a, b, 1, 5, 3, 7);
  const auto even_de = TUNDISH_SHUFFLE(d, e, 0, 4, 2, 6), odd_de = TUNDISH_SHUFFLE(d, e, 1, 5, 3, 7);
  c[0].v = TUNDISH_SHUFFLE(even_ab, even_de, 0, 1, 4, 5);
  c[1].v = TUNDISH_SHUFFLE(odd_ab, odd_de, 0, 1, 4, 5);
  c[2].v = TUNDISH_SHUFFLE(even_ab, even_de, 2, 3, 6, 7);
  c[3].v = TUNDISH_SHUFFLE(odd_ab, odd_de, 2, 3, 6, 7);
}
template <class Row>
TUNDISH_HD void transpose_rows(Row row, Pack<double, 8> (&c)[4]) {
#if defined(__AVX512F__)
  auto two = [&](int l) {
    return (typename Pack<double, 8>::Vector)_mm512_insertf64x4(_mm512_castpd256_pd512((__m256d)row(l)),
                                                                (__m256d)row(l + 4), 1);
  };
#else
  auto two = [&](int l) { return TUNDISH_SHUFFLE(row(l), row(l + 4), 0, 1, 2, 3, 4, 5, 6, 7); };
#endif
  const auto a = two(0), b = two(1), d = two(2), e = two(3);
  const auto even_ab = TUNDISH_SHUFFLE(a, b, 0, 8, 2, 10, 4, 12, 6, 14);
  const auto odd_ab = TUNDISH_SHUFFLE(a, b, 1, 9, 3, 11, 5, 13, 7, 15);
  const auto even_de = TUNDISH_SHUFFLE(d, e, 0, 8, 2, 10, 4, 12, 6, 14);
  const auto odd_de = TUNDISH_SHUFFLE(d, e, 1, 9, 3, 11, 5, 13, 7, 15);
  c[0].v = TUNDISH_SHUFFLE(even_ab, even_de, 0, 1, 8, 9, 4, 5, 12, 13);
  c[1].v = TUNDISH_SHUFFLE(odd_ab, odd_de, 0, 1, 8, 9, 4, 5, 12, 13);
  c[2].v = TUNDISH_SHUFFLE(even_ab, even_de, 2, 3, 10, 11, 6, 7, 14, 15);
  c[3].v = TUNDISH_SHUFFLE(odd_ab, odd_de, 2, 3, 10, 11, 6, 7, 14, 15);
}
template <class Row>
TUNDISH_HD void transpose_rows(Row row, Pack<float, 8> (&c)[4]) {
  auto two = [&](int l) { return TUNDISH_SHUFFLE(row(l), row(l + 4), 0, 1, 2, 3, 4, 5, 6, 7); };
  const auto a = two(0), b = two(1), d = two(2), e = two(3);
  const auto low_ab = TUNDISH_SHUFFLE(a, b, 0, 8, 1, 9, 4, 12, 5, 13),
             low_de = TUNDISH_SHUFFLE(d, e, 0, 8, 1, 9, 4, 12, 5, 13);
  const auto high_ab = TUNDISH_SHUFFLE(a, b, 2, 10, 3, 11, 6, 14, 7, 15),
             high_de = TUNDISH_SHUFFLE(d, e, 2, 10, 3, 11, 6, 14, 7, 15);
  c[0].v = TUNDISH_SHUFFLE(low_ab, low_de, 0, 1, 8, 9, 4, 5, 12, 13);
  c[1].v = TUNDISH_SHUFFLE(low_ab, low_de, 2, 3, 10, 11, 6, 7, 14, 15);
  c[2].v = TUNDISH_SHUFFLE(high_ab, high_de, 0, 1, 8, 9, 4, 5, 12, 13);
  c[3].v = TUNDISH_SHUFFLE(high_ab, high_de, 2, 3, 10, 11, 6, 7, 14, 15);
}
template <class Row>
TUNDISH_HD void transpose_rows(Row row, Pack<float, 16> (&c)[4]) {
  auto four = [&](int l) {
#if defined(__AVX512DQ__)
    __m512 r = _mm512_castps128_ps512((__m128)row(l));
    r = _mm512_insertf32x4(r, (__m128)row(l + 4), 1);
    r = _mm512_insertf32x4(r, (__m128)row(l + 8), 2);
    return (typename Pack<float, 16>::Vector)_mm512_insertf32x4(r, (__m128)row(l + 12), 3);
#endif
    const auto low = TUNDISH_SHUFFLE(row(l), row(l + 4), 0, 1, 2, 3, 4, 5, 6, 7);
    const auto high = TUNDISH_SHUFFLE(row(l + 8), row(l + 12), 0, 1, 2, 3, 4, 5, 6, 7);
    return TUNDISH_SHUFFLE(low, high, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  };
  const auto a = four(0), b = four(1), d = four(2), e = four(3);
  const auto low_ab = TUNDISH_SHUFFLE(a, b, 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29);
  const auto low_de = TUNDISH_SHUFFLE(d, e, 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29);
  const auto high_ab = TUNDISH_SHUFFLE(a, b, 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31);
  const auto high_de = TUNDISH_SHUFFLE(d, e, 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31);
  c[0].v = TUNDISH_SHUFFLE(low_ab, low_de, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29);
  c[1].v = TUNDISH_SHUFFLE(low_ab, low_de, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
  c[2].v = TUNDISH_SHUFFLE(high_ab, high_de, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29);
  c[3].v = TUNDISH_SHUFFLE(high_ab, high_de, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
}
#endif

// The four numbers of the rows that start at rows[at[lane]], from one load a lane and a transposition; the
// compiler leaves out what a caller does not use. The
// processors' own gather instructions take three times as long since they were mended against leaks.
template <class T, int N>
TUNDISH_HD void load_rows(const T* rows, typename PackMask<T, N>::Vector at, Pack<T, N> (&c)[4]) {
  typedef typename Pack<T, 4>::Vector Row;
  // Indices go through memory: taking lanes out one by one would keep the shuffle unit busy. A store of
  // 64 bytes is not forwarded to loads of 8, two of 32 are: that halves the time of a lookup.
  alignas(64) typename PackMask<T, N>::Integer start[unsigned(N)];
#if defined(__AVX512F__)
  if constexpr (sizeof(at) == 64) {
    _mm256_store_si256(reinterpret_cast<__m256i*>(start), _mm512_castsi512_si256((__m512i)at));
    _mm256_store_si256(reinterpret_cast<__m256i*>(start) + 1, _mm512_extracti64x4_epi64((__m512i)at, 1));
  } else
#endif
    *reinterpret_cast<typename PackMask<T, N>::Stored*>(start) = at;
#if defined(__x86_64__)
  __asm__("" : "+m"(start));
#endif
#if defined(TUNDISH_SHUFFLE)
  if constexpr (N * sizeof(T) == 64 || N * sizeof(T) == 32) {
    auto row = [&](int lane) { return *reinterpret_cast<const Row*>(rows + start[lane]); };
    transpose_rows(row, c);
    return;
  }
#endif
  for (int k = 0; k < 4; ++k) {
    typename Pack<T, N>::Vector column = {};
    for (int lane = 0; lane < N; ++lane) column[lane] = rows[start[lane] + k];
    c[k].v = column;
  }
}
#endif

// One candidate's curve.
template <class T>
struct Spline {
  const T* rows;
  T origin, per_cell;  // the first knot, and cells per unit
  T cells;

  // Number of the cell that t (in cells from the origin) lies in; the first and the last one go on for ever.
  // Of two cells that t lies between, either will do: the curve and its slope are continuous.
  template <class Real>
  static TUNDISH_HD Real rounded_cell(Real t, Real cells) {
    const T half = T(0.5);
    return minimum(maximum(t, Real(half)), cells - half) - half + Rounder<T>::value;
  }
  TUNDISH_HD void lookup(T x, T& value, T& slope) const {
    T t = (x - origin) * per_cell;
    T cell = rounded_cell(t, cells) - Rounder<T>::value;
    const T* c = rows + spline_row * int(cell);
    T f = t - cell;
    T bend = f * c[2];
    value = c[0] + f * (c[1] + bend);
    slope = (c[1] + bend + bend) * per_cell;
  }
#if TUNDISH_VECTOR_EXTENSION
  template <int N>
  TUNDISH_HD void lookup(Pack<T, N> x, Pack<T, N>& value, Pack<T, N>& slope) const {
    lookup_rows<N>(rows, first_rows<N>(), Pack<T, N>(origin), Pack<T, N>(per_cell), Pack<T, N>(cells), x,
                   value, slope);
  }

  // What takes the bits of a rounded cell, times spline_row, to its row: minus the rounder's own.
  template <int N>
  static TUNDISH_HD typename PackMask<T, N>::Vector first_rows() {
    typedef typename PackMask<T, N>::Integer Integer;
    typedef unsigned long long Wrapping;
    return typename PackMask<T, N>::Vector{} - Integer(Wrapping(Rounder<T>::bits) * Wrapping(spline_row));
  }
  template <int N>
  static TUNDISH_HD void lookup_rows(const T* rows, typename PackMask<T, N>::Vector first, Pack<T, N> origin,
                                     Pack<T, N> per_cell, Pack<T, N> cells, Pack<T, N> x, Pack<T, N>& value,
                                     Pack<T, N>& slope) {
    typedef typename PackMask<T, N>::Vector Index;
    Pack<T, N> t = (x - origin) * per_cell;
    Pack<T, N> rounded = rounded_cell(t, cells);
    Pack<T, N> f = t - (rounded - Rounder<T>::value);
    Pack<T, N> c[4];
    load_rows<T, N>(rows, ((Index)rounded.v << 2) + first, c);
    Pack<T, N> bend = f * c[2];
    value = c[0] + f * (c[1] + bend);
    slope = (c[1] + bend + bend) * per_cell;
  }
#endif
};

// A curve for every candidate in the lanes; lane k's rows start at rows[offset[k]].
template <class T, int N>
struct Spline<Pack<T, N>> {
  const T* rows;
  Pack<T, N> origin, per_cell, cells;
#if TUNDISH_VECTOR_EXTENSION
  typename PackMask<T, N>::Vector first;

  TUNDISH_HD void start_at(const int* offset) {
    first = Spline<T>::template first_rows<N>();
    for (int lane = 0; lane < N; ++lane) first[lane] += offset[lane];
  }
  TUNDISH_HD void lookup(Pack<T, N> x, Pack<T, N>& value, Pack<T, N>& slope) const {
    Spline<T>::template lookup_rows<N>(rows, first, origin, per_cell, cells, x, value, slope);
  }
#else
  int first[N];

  TUNDISH_HD void start_at(const int* offset) {
    for (int lane = 0; lane < N; ++lane) first[lane] = offset[lane];
  }
  TUNDISH_HD void lookup(Pack<T, N> x, Pack<T, N>& value, Pack<T, N>& slope) const {
    for (int lane = 0; lane < N; ++lane) {
      T v, s;
      Spline<T>{rows + first[lane], origin[lane], per_cell[lane], cells[lane]}.lookup(x[lane], v, s);
      value.set(lane, v);
      slope.set(lane, s);
    }
  }
#endif
};

// A curve that may itself depend on the parameters: tangent_rows holds the derivatives of rows, or is null.
template <class T, int K>
struct Spline<Dual<T, K>> {
  const T* rows;
  const Pack<T, K>* tangent_rows;
  T origin, per_cell, cells;

  // The value and the slope of the plain curve, then the chain rule: the slope times the argument's
  // derivatives and, where the curve itself depends on a parameter, the curve of that derivative.
  TUNDISH_HD void lookup(Dual<T, K> x, Dual<T, K>& value, Dual<T, K>& slope) const {
    T t = (x.value - origin) * per_cell;
    T cell = Spline<T>::rounded_cell(t, cells) - Rounder<T>::value;
    const int row = spline_row * int(cell);
    const T* c = rows + row;
    T f = t - cell;
    T bend = f * c[2];
    value.value = c[0] + f * (c[1] + bend);
    slope.value = (c[1] + bend + bend) * per_cell;
    value.tangent = slope.value * x.tangent;
    slope.tangent = (T(2) * c[2] * per_cell * per_cell) * x.tangent;
    if (tangent_rows) {
      const Pack<T, K>* d = tangent_rows + row;
      Pack<T, K> dbend = f * d[2];
      value.tangent = value.tangent + d[0] + f * (d[1] + dbend);
      slope.tangent = slope.tangent + (d[1] + dbend + dbend) * per_cell;
    }
  }
};

// Every line of a bundle reads the same curve.
template <class Curve, class Real, int B>
TUNDISH_HD void lookup(const Curve& curve, Bundle<Real, B> x, Bundle<Real, B>& value,
                       Bundle<Real, B>& slope) {
  curve.lookup(x.first, value.first, slope.first);
  if constexpr (B > 1) lookup(curve, x.rest, value.rest, slope.rest);
}
template <class Curve, class Real>
TUNDISH_HD void lookup(const Curve& curve, Real x, Real& value, Real& slope) {
  curve.lookup(x, value, slope);
}

// One of three curves, the first where x lies in `low` and the last where it lies in `high`.
template <class Curve, class Mask, class Group>
TUNDISH_HD void lookup_one_of(const Curve (&curve)[3], Mask low, Mask high, Group x, Group& value,
                              Group& slope) {
  Group other, other_slope;
  lookup(curve[1], x, value, slope);
  if (any(low)) {
    lookup(curve[0], x, other, other_slope);
    value = select(low, other, value);
    slope = select(low, other_slope, slope);
  }
  if (any(high)) {
    lookup(curve[2], x, other, other_slope);
    value = select(high, other, value);
    slope = select(high, other_slope, slope);
  }
}
#if TUNDISH_VECTOR_EXTENSION
// Every lane takes its own curve; all three have their rows in one block of memory.
template <class T, int N>
TUNDISH_HD void lookup_one_of(const Spline<T> (&curve)[3], PackMask<T, N> low, PackMask<T, N> high,
                              Pack<T, N> x, Pack<T, N>& value, Pack<T, N>& slope) {
  typedef typename PackMask<T, N>::Vector Index;
  typedef typename PackMask<T, N>::Integer Integer;
  auto number = [&](T Spline<T>::* of) {
    return select(low, Pack<T, N>(curve[0].*of),
                  select(high, Pack<T, N>(curve[2].*of), Pack<T, N>(curve[1].*of)));
  };
  auto start = [&](int c) { return Index{} + Integer(curve[c].rows - curve[1].rows); };
  const Index first = low.v ? start(0) : high.v ? start(2) : Index{};
  Spline<T>::template lookup_rows<N>(curve[1].rows, Spline<T>::template first_rows<N>() + first,
                                     number(&Spline<T>::origin), number(&Spline<T>::per_cell),
                                     number(&Spline<T>::cells), x, value, slope);
}
#endif

template <class Curve, class Mask, class Real, int B>
TUNDISH_HD void lookup_one_of(const Curve (&curve)[3], BundleMask<Mask, B> low, BundleMask<Mask, B> high,
                              Bundle<Real, B> x, Bundle<Real, B>& value, Bundle<Real, B>& slope) {
  lookup_one_of(curve, low.first, high.first, x.first, value.first, slope.first);
  if constexpr (B > 1) lookup_one_of(curve, low.rest, high.rest, x.rest, value.rest, slope.rest);
}

TUNDISH_NAMESPACE_END
