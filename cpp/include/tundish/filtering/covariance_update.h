// Compiles under: g++, clang++, nvcc, NVRTC. Uses no std headers.
//
// The covariance of the state after an observation, in each of the forms of `Form`. All three expect the
// readings that are missing to be left out already (Kalman::design, obs_cov and product), and S^(1/2) in
// `root`; update_square_root finds its own S^(1/2).
#pragma once
#include "tundish/filtering/kalman_state.h"

TUNDISH_NAMESPACE_BEGIN

// P - W' W, with W = S^(-1/2) Z P in `product`.
template <class Real>
TUNDISH_HD void update_standard(Kalman<Real>& s) {
  const int n = s.n;
  for (int k = 0; k < s.p; ++k) {
    const Real* w = s.product + long(k) * n;
    for (int i = 0; i < n; ++i) {
      const Real minus = -w[i];
      for (int j = 0; j < n; ++j)
        s.covariance[long(i) * n + j] = fused(minus, w[j], s.covariance[long(i) * n + j]);
    }
  }
}

// Joseph's form (I - K Z) P (I - K Z)' + K H K', factor by factor: B = P - K (Z P), then P = B - (B Z' - K H)
// K'. Rounding can make it indefinite less easily than the standard form, which subtracts.
template <class Real>
TUNDISH_HD void update_joseph(Kalman<Real>& s) {
  typedef typename Number<Real>::Scalar T;
  const int n = s.n, p = s.p;
  Real *half = s.work, *across = s.product;

  // K' = S^(-T/2) W, and B.
  for (long i = 0; i < long(p) * n; ++i) s.gain[i] = s.product[i];
  solve_transpose(s.root, p, s.gain, n);
  multiply_with_design(s, s.design, s.product);
  for (int i = 0; i < n; ++i) {
    Real* row = half + long(i) * n;
    for (int j = 0; j < n; ++j) row[j] = s.covariance[long(i) * n + j];
    for (int k = 0; k < p; ++k)
      for (int j = 0; j < n; ++j)
        row[j] = fused(-s.gain[long(k) * n + i], s.product[long(k) * n + j], row[j]);
  }

  // B Z' - K H, in the place of Z P.
  for (int k = 0; k < p; ++k)
    for (int i = 0; i < n; ++i) {
      Real sum(T(0));
      for (int j = 0; j < n; ++j) sum = fused(half[long(i) * n + j], s.design[long(k) * n + j], sum);
      for (int l = 0; l < p; ++l) sum = fused(-s.gain[long(l) * n + i], s.obs_cov[long(l) * p + k], sum);
      across[long(k) * n + i] = sum;
    }

  // The lower triangle of the result, copied to the upper one: the covariance stays symmetric to the last
  // bit.
  for (int i = 0; i < n; ++i)
    for (int j = 0; j <= i; ++j) {
      Real sum = half[long(i) * n + j];
      for (int k = 0; k < p; ++k) sum = fused(-across[long(k) * n + i], s.gain[long(k) * n + j], sum);
      s.covariance[long(i) * n + j] = s.covariance[long(j) * n + i] = sum;
    }
}

// Reflections turn [H^(1/2), Z L; 0, L] into [S^(1/2), 0; W', L of the updated covariance]. The square of a
// factor cannot be indefinite.
template <class Real>
TUNDISH_HD void update_square_root(Kalman<Real>& s) {
  typedef typename Number<Real>::Scalar T;
  const int n = s.n, p = s.p, m = n + p;
  Real* a = s.work;

  // The array before the reflections.
  factor(s.obs_cov, p);
  for (long i = 0; i < long(m) * m; ++i) a[i] = Real(T(0));
  for (int k = 0; k < p; ++k) {
    Real* row = a + long(k) * m;
    for (int l = 0; l <= k; ++l) row[l] = s.obs_cov[long(k) * p + l];
    for (int i = 0; i < n; ++i)
      for (int j = 0; j <= i; ++j)
        row[p + j] = fused(s.design[long(k) * n + i], s.covariance[long(i) * n + j], row[p + j]);
  }
  for (int i = 0; i < n; ++i)
    for (int j = 0; j <= i; ++j) a[long(p + i) * m + p + j] = s.covariance[long(i) * n + j];

  // The blocks of the triangular one.
  triangulate(a, m, m);
  for (int k = 0; k < p; ++k)
    for (int l = 0; l < p; ++l) s.root[long(k) * p + l] = a[long(k) * m + l];
  for (int i = 0; i < n; ++i) {
    for (int k = 0; k < p; ++k) s.product[long(k) * n + i] = a[long(p + i) * m + k];
    for (int j = 0; j <= i; ++j) s.covariance[long(i) * n + j] = a[long(p + i) * m + p + j];
  }
}

TUNDISH_NAMESPACE_END
