// Compiles under: g++, clang++, nvcc, NVRTC. Uses no std headers.
//
// Lower factors of covariances: L with L L' = A, and L with L L' = A A' without forming that product.
// Matrices are stored by rows.
#pragma once
#include "tundish/core/math.h"

TUNDISH_NAMESPACE_BEGIN

// Factors A (n, n) in place. The lower triangle is read, and the elements above the diagonal become 0. A
// column whose pivot is not above 0 becomes 0, which singular matrices need; the mask of lanes with such a
// column is returned.
template <class Real>
TUNDISH_HD typename Number<Real>::Mask factor(Real* a, int n) {
  typedef typename Number<Real>::Scalar T;
  const Real zero(T(0)), one(T(1));
  typename Number<Real>::Mask indefinite = zero > zero;
  for (int j = 0; j < n; ++j) {
    Real* across = a + long(j) * n;  // holds a copy of the column, so that both are read in order
    const auto positive = across[j] > zero;
    indefinite = indefinite | !positive;
    const Real root = square_root(select(positive, across[j], zero));
    const Real inverse = select(positive, one / select(positive, root, one), zero);
    across[j] = root;
    for (int i = j + 1; i < n; ++i) across[i] = a[long(i) * n + j] = a[long(i) * n + j] * inverse;
    for (int i = j + 1; i < n; ++i) {
      Real* row = a + long(i) * n;
      const Real minus = -row[j];
      for (int k = j + 1; k <= i; ++k) row[k] = fused(minus, across[k], row[k]);
    }
    for (int i = j + 1; i < n; ++i) across[i] = zero;
  }
  return indefinite;
}

// Squares below this count as 0: their inverse would be infinite.
template <class T>
constexpr T min_square = sizeof(T) == 8 ? T(2.2250738585072014e-308) : T(1.17549435e-38);

// Multiplies A (n, m), m >= n, with Householder reflections from the right until it is lower triangular with
// a diagonal that is not negative: L with L L' = A A'.
template <class Real>
TUNDISH_HD void triangulate(Real* a, int n, int m) {
  typedef typename Number<Real>::Scalar T;
  const Real zero(T(0)), one(T(1));
  for (int j = 0; j < n; ++j) {
    Real* row = a + long(j) * m;
    Real square = zero;
    for (int k = j + 1; k < m; ++k) square = fused(row[k], row[k], square);
    const Real head = row[j];
    const Real length = square_root(fused(head, head, square));
    // The row becomes (length, 0, ...) by the reflection along u = row - (length, 0, ...); the difference
    // that would cancel is -square / (head + length).
    const Real lead = select(head > zero, -square / select(head > zero, head + length, one), head - length);
    const Real half = fused(lead, lead, square) * T(0.5);
    const auto bent = half > Real(min_square<T>);
    const Real inverse = select(bent, one / select(bent, half, one), zero);
    for (int i = j + 1; i < n; ++i) {
      Real* below = a + long(i) * m;
      Real along = below[j] * lead;
      for (int k = j + 1; k < m; ++k) along = fused(below[k], row[k], along);
      along = along * inverse;
      below[j] = fused(-along, lead, below[j]);
      for (int k = j + 1; k < m; ++k) below[k] = fused(-along, row[k], below[k]);
    }
    row[j] = length;
    for (int k = j + 1; k < m; ++k) row[k] = zero;
  }
}

// L^(-1) B in place of B (n, columns).
template <class Real>
TUNDISH_HD void solve(const Real* l, int n, Real* b, int columns) {
  typedef typename Number<Real>::Scalar T;
  for (int k = 0; k < n; ++k) {
    Real* row = b + long(k) * columns;
    for (int c = 0; c < k; ++c)
      for (int i = 0; i < columns; ++i) row[i] = fused(-l[long(k) * n + c], b[long(c) * columns + i], row[i]);
    const Real inverse = Real(T(1)) / l[long(k) * (n + 1)];
    for (int i = 0; i < columns; ++i) row[i] = row[i] * inverse;
  }
}

// L'^(-1) B in place of B (n, columns).
template <class Real>
TUNDISH_HD void solve_transpose(const Real* l, int n, Real* b, int columns) {
  typedef typename Number<Real>::Scalar T;
  for (int k = n - 1; k >= 0; --k) {
    Real* row = b + long(k) * columns;
    for (int c = k + 1; c < n; ++c)
      for (int i = 0; i < columns; ++i) row[i] = fused(-l[long(c) * n + k], b[long(c) * columns + i], row[i]);
    const Real inverse = Real(T(1)) / l[long(k) * (n + 1)];
    for (int i = 0; i < columns; ++i) row[i] = row[i] * inverse;
  }
}

TUNDISH_NAMESPACE_END
