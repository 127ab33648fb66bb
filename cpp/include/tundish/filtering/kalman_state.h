// Compiles under: g++, clang++, nvcc, NVRTC. Uses no std headers.
//
// The model of one step and the state of the Kalman filter of
//
//     y(t) = Z a(t) + d + eps(t),   Var eps = H,        a(t+1) = F a(t) + c + eta(t),   Var eta = Q,
//
// with any number p of observations a step, in the notation of Durbin & Koopman (2012), section 4.3.
#pragma once
#include "tundish/filtering/cholesky.h"
#include "tundish/filtering/model.h"

TUNDISH_NAMESPACE_BEGIN

// One step's observation. Matrices are stored by rows.
template <class Real>
struct Observation {
  const Real *design, *obs_cov, *obs_intercept;  // Z (p, n), H (p, p), d (p)
  const Real* y;                                 // (p), NaN where missing
};

// One step's transition. A diagonal matrix is given by its n diagonal elements.
template <class Real>
struct Transition {
  const Real *transition, *transition_minus_one, *state_intercept;  // F, F - 1, c
  const Real* state_cov;  // Q, or its lower factor for Form::square_root
  bool diagonal, diagonal_state_cov;
};

// The outcome of an update by an observation.
template <class Real>
struct Update {
  Real determinant;                        // of the innovation's covariance S
  Real square;                             // of the innovation, measured by S: e' S^(-1) e
  Real number;                             // of readings that are not missing
  typename Number<Real>::Mask indefinite;  // where a covariance has lost its positive-definiteness
};

// The moments of the state and the workspace of a step. A Real holds one filter, or one filter in every lane;
// both go through the same operations in the same order, so a filter's results do not depend on its batch.
template <class Real>
struct Kalman {
  typedef typename Number<Real>::Scalar T;
  typedef typename Number<Real>::Mask Mask;
  int n, p;
  Form form;
  T robust;          // bound of an innovation's influence, in standard deviations; 0 is none
  Real* mean;        // (n)
  Real* covariance;  // (n, n), its lower factor for Form::square_root
  Real *forecast, *forecast_var, *innovation;  // (p), (p, p), (p); of missing readings as well
  // Workspace.
  Real *design, *obs_cov;  // Z and H without the missing readings
  Real* product;           // Z P (p, n), then W = S^(-1/2) Z P
  Real* gain;              // K' (p, n)
  Real* root;              // S^(1/2) (p, p)
  Real* white;             // S^(-1/2) innovation (p)
  Real* before;            // variances before an update (n)
  Real* work;              // (n, 2n) or (n + p, n + p)

  // The number of Reals that `lay_out` needs.
  static TUNDISH_HD long workspace_size(int n, int p) {
    const long square = long(n + p) * (n + p), wide = 2l * n * n;
    return 2l * n + long(n) * n + 3l * p + 3l * p * p + 3l * n * p + (square > wide ? square : wide);
  }
  // Places all arrays in `memory`, one behind the other. `n` and `p` must be set.
  TUNDISH_HD void lay_out(Real* memory) {
    const struct {
      Real** place;
      long size;
    } all[] = {{&mean, n},
               {&covariance, long(n) * n},
               {&forecast, p},
               {&forecast_var, long(p) * p},
               {&innovation, p},
               {&design, long(p) * n},
               {&obs_cov, long(p) * p},
               {&product, long(n) * p},
               {&gain, long(n) * p},
               {&root, long(p) * p},
               {&white, p},
               {&before, n},
               {&work, 0}};
    for (const auto& field : all) {
      *field.place = memory;
      memory += field.size;
    }
  }
};

// The variance of component i.
template <class Real>
TUNDISH_HD Real variance_of(const Kalman<Real>& s, int i) {
  typedef typename Number<Real>::Scalar T;
  if (s.form != Form::square_root) return s.covariance[long(i) * (s.n + 1)];
  Real sum(T(0));
  for (int j = 0; j <= i; ++j)
    sum = fused(s.covariance[long(i) * s.n + j], s.covariance[long(i) * s.n + j], sum);
  return sum;
}

// The covariance of components i and j.
template <class Real>
TUNDISH_HD Real covariance_of(const Kalman<Real>& s, int i, int j) {
  typedef typename Number<Real>::Scalar T;
  if (s.form != Form::square_root) return s.covariance[long(i) * s.n + j];
  Real sum(T(0));
  for (int k = 0; k <= (i < j ? i : j); ++k)
    sum = fused(s.covariance[long(i) * s.n + k], s.covariance[long(j) * s.n + k], sum);
  return sum;
}

// Z P of the state, in whichever form the covariance is stored.
template <class Real>
TUNDISH_HD void multiply_with_design(const Kalman<Real>& s, const Real* design, Real* product) {
  typedef typename Number<Real>::Scalar T;
  const int n = s.n;
  for (int k = 0; k < s.p; ++k) {
    const Real* z = design + long(k) * n;
    Real* to = product + long(k) * n;
    const bool root = s.form == Form::square_root;  // then (z L) L'
    Real* along = root ? s.work : to;
    for (int j = 0; j < n; ++j) along[j] = Real(T(0));
    for (int i = 0; i < n; ++i) {
      const Real element = z[i];
      for (int j = 0; j < (root ? i + 1 : n); ++j)
        along[j] = fused(element, s.covariance[long(i) * n + j], along[j]);
    }
    for (int i = 0; root && i < n; ++i) {
      Real sum(T(0));
      for (int j = 0; j <= i; ++j) sum = fused(s.covariance[long(i) * n + j], along[j], sum);
      to[i] = sum;
    }
  }
}

TUNDISH_NAMESPACE_END
