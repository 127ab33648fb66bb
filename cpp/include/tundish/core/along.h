// Compiles under: g++, clang++, nvcc, NVRTC. Uses no std headers.
//
// Along<Real>: the nodes of one line side by side, and their transposition into groups of lines (lines.h).
#pragma once
#include "tundish/core/lines.h"

TUNDISH_NAMESPACE_BEGIN

// A few consecutive nodes of one line, in a register where Real is a plain number; and the way from nodes
// along a line to the same node of several lines.
template <class Real>
struct Along {
  static constexpr int count = 1;
  typedef Real type;
  typedef typename Number<Real>::Scalar Scalar;
  static TUNDISH_HD type read(const Real* p) { return *p; }
  static TUNDISH_HD Scalar spread(const Scalar* p) { return *p; }
  // Writes the columns of the block whose rows are row(0), row(1), ... to `to`, `to + apart`, ...
  template <class Row>
  static TUNDISH_HD void turn(Row row, Real* to, long) {
    *to = row(0);
  }
};
#if TUNDISH_VECTOR_EXTENSION
// M registers of a square block; a tree rather than an array for the reason that Bundle is a list.
template <class T, int N, int M>
struct Block {
  Block<T, N, M / 2> first, second;

  template <class Row>
  static TUNDISH_HD Block of(Row row, int n) {
    return {Block<T, N, M / 2>::of(row, n), Block<T, N, M / 2>::of(row, n + M / 2)};
  }
  TUNDISH_HD void write(T* to, long apart) const {
    first.write(to, apart);
    second.write(to + M / 2 * apart, apart);
  }
};
template <class T, int N>
struct Block<T, N, 1> {
  Pack<T, N> row;

  template <class Row>
  static TUNDISH_HD Block of(Row row, int n) {
    return {row(n)};
  }
  TUNDISH_HD void write(T* to, long) const { row.write(to); }
};
template <class T, int N, int M>
TUNDISH_HD Block<T, N, 2 * M> interleaved(const Block<T, N, M>& a, const Block<T, N, M>& b) {
  if constexpr (M == 1)
    return {{interleaved_low(a.row, b.row)}, {interleaved_high(a.row, b.row)}};
  else
    return {interleaved(a.first, b.first), interleaved(a.second, b.second)};
}
// The block transposed, after interleaving its two halves once for every doubling up to N.
template <int Doublings, class T, int N>
TUNDISH_HD Block<T, N, N> turned(const Block<T, N, N>& block) {
  const Block<T, N, N> once = interleaved(block.first, block.second);
  if constexpr (Doublings == 2)
    return once;
  else
    return turned<Doublings / 2>(once);
}
template <class T>
struct AlongOfScalars {
  static constexpr int count = Number<T>::lines;
  typedef Pack<T, count> type;
  static TUNDISH_HD type read(const T* p) { return type::read(p); }
  static TUNDISH_HD type spread(const T* p) { return type::read(p); }
  template <class Row>
  static TUNDISH_HD void turn(Row row, T* to, long apart) {
    turned<count>(Block<T, count, count>::of(row, 0)).write(to, apart);
  }
};
template <>
struct Along<float> : AlongOfScalars<float> {};
template <>
struct Along<double> : AlongOfScalars<double> {};
#endif

TUNDISH_NAMESPACE_END
