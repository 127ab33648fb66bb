// Compiles under: g++, clang++, nvcc, NVRTC. Uses no std headers.
//
// Cubics<Real>: a rising curve with two kinks, looked up together with its slope. One cubic serves all that
// lies below the first kink, which is at 0, equal pieces all that lies between them, and one more what lies
// above the second; a narrow piece beside either kink makes the slope continuous. So few pieces fit into
// registers, where a processor with AVX-512 picks them four times as fast as from memory. Others load the
// same rows, and every machine makes the same operations on them: the bits are alike. Where all lanes lie
// below the first kink, as the steel of a shell does, no piece has to be picked at all.
// With the table instead (spline.h), a batch's march takes 1.3 (double) and 1.65 times (float) as long, one
// section's 1.15 times; without the way around the picking 1.15 times.
#pragma once
#include "tundish/core/spline.h"

TUNDISH_NAMESPACE_BEGIN

// Number k of row r belongs to the power k of t, the place in the piece: x less the lower end for the equal
// pieces, less the kink for the others, with x = per_cell times the argument. Rows: below, narrow, the equal
// ones, narrow, above.
constexpr int equal_cubics = 12, cubics = equal_cubics + 4;
// The numbers of a curve: the coefficients by row, and again by power; then where the first narrow piece
// begins and where the second one ends, in x, and two pads.
constexpr int numbers_of_cubics = 8 * cubics + 4;
constexpr int cubics_by_power = 4 * cubics, cubics_narrow = 8 * cubics;

template <class Real, class Scalar>
TUNDISH_HD void cubic(Real t, Real c0, Real c1, Real c2, Real c3, Scalar per_cell, Real& value, Real& slope) {
  const Real bend = t * c3, rise = c2 + bend, secant = c1 + t * rise;
  value = c0 + t * secant;
  slope = (secant + t * (rise + bend)) * per_cell;
}

// x rounded down to a piece, in two forms: the piece, from -1 to equal_cubics, and with the rounder of
// Spline, which leaves its number in the low bits. At the end of a piece the neighbour does as well.
template <class T, class Real>
TUNDISH_HD Real rounded_piece(Real x) {
  const Real inside = minimum(maximum(x, Real(T(-0.75))), Real(T(equal_cubics + 0.25)));
  return inside - T(0.5) + T(Rounder<T>::value + 1);
}
template <class T, class Real>
TUNDISH_HD Real place_in_piece(Real x, Real rounded) {
  return x - maximum(rounded - T(Rounder<T>::value + 1), Real(T(0)));
}

#if TUNDISH_VECTOR_EXTENSION
// Number `row` of a column of 16, for every lane.
template <class T, int N>
TUNDISH_HD void pick_rows(const T* rows, typename PackMask<T, N>::Vector row,
                          typename PackMask<T, N>::Vector first, Pack<T, N> (&c)[4]) {
  typedef typename PackMask<T, N>::Integer Integer;
  typedef unsigned long long Wrapping;
  const Integer rounder = Integer(Wrapping(Rounder<T>::bits) * Wrapping(spline_row));
  load_rows<T, N>(rows, (row << 2) - rounder + first, c);
}
template <class T, int N>
TUNDISH_HD void pick_columns(const T* rows, typename PackMask<T, N>::Vector row, Pack<T, N> (&c)[4]) {
#if defined(__AVX512F__)
  typedef typename Pack<T, N>::Vector V;
  if constexpr (N == 8 && sizeof(T) == 8) {
    for (int k = 0; k < 4; ++k) {
      const T* column = rows + cubics_by_power + cubics * k;
      c[k].v = (V)_mm512_permutex2var_pd(_mm512_loadu_pd(column), (__m512i)row, _mm512_loadu_pd(column + 8));
    }
    return;
  }
  if constexpr (N == 16 && sizeof(T) == 4) {
    for (int k = 0; k < 4; ++k)
      c[k].v = (V)_mm512_permutexvar_ps((__m512i)row, _mm512_loadu_ps(rows + cubics_by_power + cubics * k));
    return;
  }
#endif
  pick_rows<T, N>(rows, row, typename PackMask<T, N>::Vector{}, c);
}
#endif

// One candidate's curve. Without rows it is not used.
template <class T>
struct Cubics {
  const T* rows = nullptr;
  T per_cell, low, high;

  TUNDISH_HD void read(const T* numbers, T cells_per_unit) {
    rows = numbers;
    per_cell = cells_per_unit;
    low = numbers[cubics_narrow];
    high = numbers[cubics_narrow + 1];
  }
  TUNDISH_HD bool serves_all() const { return rows != nullptr; }
  TUNDISH_HD int row(T x, T rounded) const {
    return int(rounded - Rounder<T>::value) + int(x >= low) + int(x >= high);
  }
  TUNDISH_HD void lookup(T argument, T& value, T& slope) const {
    const T x = argument * per_cell, rounded = rounded_piece<T>(x);
    const T* c = rows + 4 * row(x, rounded);
    cubic(place_in_piece<T>(x, rounded), c[0], c[1], c[2], c[3], per_cell, value, slope);
  }
#if TUNDISH_VECTOR_EXTENSION
  template <int N>
  TUNDISH_HD void lookup(Pack<T, N> argument, Pack<T, N>& value, Pack<T, N>& slope) const {
    typedef Pack<T, N> P;
    const P x = argument * per_cell;
    if (__builtin_expect(!any_at_least(x, P(low)), 1))
      return cubic(x, P(rows[0]), P(rows[1]), P(rows[2]), P(rows[3]), per_cell, value, slope);
    const P rounded = rounded_piece<T>(x);
    const P row = one_more_at_least(one_more_at_least(rounded, x, P(low)), x, P(high));
    P c[4];
    pick_columns<T, N>(rows, (typename PackMask<T, N>::Vector)row.v, c);
    cubic(place_in_piece<T>(x, rounded), c[0], c[1], c[2], c[3], per_cell, value, slope);
  }
#endif
};

// A curve for every candidate in the lanes; lanes may go without.
template <class T, int N>
struct Cubics<Pack<T, N>> {
  typedef Pack<T, N> P;
  const T* rows = nullptr;  // of the first lane that has any
  bool shared = true, all = false;
  P per_cell, low, high;
  P below[4];  // the rows below the first kink
  PackMask<T, N> served;
#if TUNDISH_VECTOR_EXTENSION
  typename PackMask<T, N>::Vector first;
#else
  int first[N];
#endif

  // Lane k's numbers start at numbers + offset[k], where it has any.
  TUNDISH_HD void read(const T* numbers, const int* offset, const T* cells_per_unit, const T* count) {
    int any_lane = -1;
    all = true;
    for (int lane = N - 1; lane >= 0; --lane) {
      all = all && count[lane] > 0;
      if (count[lane] > 0) any_lane = lane;
    }
    rows = any_lane < 0 ? nullptr : numbers + offset[any_lane];
    for (int lane = 0; rows && lane < N; ++lane) {
      const int from = count[lane] > 0 ? lane : any_lane;
      const T* its = numbers + offset[from];
      shared = shared && its == rows;
      first[lane] = offset[from] - offset[any_lane];
      per_cell.set(lane, cells_per_unit[from]);
      low.set(lane, its[cubics_narrow]);
      high.set(lane, its[cubics_narrow + 1]);
      for (int k = 0; k < 4; ++k) below[k].set(lane, its[k]);
      served.v[lane] = -int(count[lane] > 0);
    }
  }
  TUNDISH_HD bool serves_all() const { return all; }
#if TUNDISH_VECTOR_EXTENSION
  TUNDISH_HD void lookup(P argument, P& value, P& slope) const {
    const P x = argument * per_cell;
    if (__builtin_expect(!any_at_least(x, low), 1))
      return cubic(x, below[0], below[1], below[2], below[3], per_cell, value, slope);
    const P rounded = rounded_piece<T>(x);
    const P row = one_more_at_least(one_more_at_least(rounded, x, low), x, high);
    P c[4];
    typedef typename PackMask<T, N>::Vector Index;
    if (__builtin_expect(shared, 1))
      pick_columns<T, N>(rows, (Index)row.v, c);
    else
      pick_rows<T, N>(rows, (Index)row.v, first, c);
    cubic(place_in_piece<T>(x, rounded), c[0], c[1], c[2], c[3], per_cell, value, slope);
  }
#else
  TUNDISH_HD void lookup(P argument, P& value, P& slope) const {
    for (int lane = 0; lane < N; ++lane) {
      Cubics<T> its;
      its.read(rows + first[lane], per_cell[lane]);
      T v, s;
      its.lookup(argument[lane], v, s);
      value.set(lane, v);
      slope.set(lane, s);
    }
  }
#endif
};

// A curve that may itself depend on the parameters: tangent_rows holds the derivatives of the coefficients by
// row, at a fixed argument, or is null.
template <class T, int K>
struct Cubics<Dual<T, K>> {
  Cubics<T> plain;
  const Pack<T, K>* tangent_rows = nullptr;

  TUNDISH_HD bool serves_all() const { return plain.rows != nullptr; }
  TUNDISH_HD void lookup(Dual<T, K> argument, Dual<T, K>& value, Dual<T, K>& slope) const {
    const T x = argument.value * plain.per_cell, rounded = rounded_piece<T>(x);
    const T t = place_in_piece<T>(x, rounded);
    const int row = 4 * plain.row(x, rounded);
    const T* c = plain.rows + row;
    cubic(t, c[0], c[1], c[2], c[3], plain.per_cell, value.value, slope.value);
    value.tangent = slope.value * argument.tangent;
    slope.tangent = ((T(2) * c[2] + T(6) * t * c[3]) * plain.per_cell * plain.per_cell) * argument.tangent;
    if (tangent_rows) {
      const Pack<T, K>* d = tangent_rows + row;
      Pack<T, K> change, change_of_slope;
      cubic(Pack<T, K>(t), d[0], d[1], d[2], d[3], plain.per_cell, change, change_of_slope);
      value.tangent = value.tangent + change;
      slope.tangent = slope.tangent + change_of_slope;
    }
  }
};

// A curve by cubics where they serve, and by the table elsewhere, lane by lane: what a candidate in a lane
// gets is what it would get alone.
template <class Real>
struct CubicsOrSpline {
  const Cubics<Real>& by_cubics;
  const Spline<Real>& by_table;

  template <class X>
  TUNDISH_HD void lookup(X x, X& value, X& slope) const {
    if (__builtin_expect(by_cubics.serves_all(), 1)) return by_cubics.lookup(x, value, slope);
    by_table.lookup(x, value, slope);
    if constexpr (Number<Real>::lanes > 1)
      if (by_cubics.rows) {
        X other, other_slope;
        by_cubics.lookup(x, other, other_slope);
        value = select(by_cubics.served, other, value);
        slope = select(by_cubics.served, other_slope, slope);
      }
  }
};

TUNDISH_NAMESPACE_END
