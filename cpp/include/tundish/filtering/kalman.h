// Compiles under: g++, clang++, nvcc, NVRTC. Uses no std headers.
//
// The Kalman filter of
//
//     y(t) = Z a(t) + d + eps(t),   Var eps = H,        a(t+1) = F a(t) + c + eta(t),   Var eta = Q,
//
// with any number p of observations a step, in the names of Durbin & Koopman (2012), section 4.3. A Real may
// carry one filter or one in every lane; both go through the same operations, so their answers are alike.
#pragma once
#include "tundish/filtering/cholesky.h"
#include "tundish/filtering/model.h"

TUNDISH_NAMESPACE_BEGIN

// One step's model. Matrices are stored by rows; a diagonal one may come as its n numbers.
template <class Real>
struct Observation {
  const Real *design, *noise, *intercept;  // Z (p, n), H (p, p), d (p)
  const Real* y;                           // (p), NaN where missing
};
template <class Real>
struct Transition {
  const Real *matrix, *less_one, *intercept;  // F, F - 1, c
  const Real* noise;                          // Q, or its lower factor for Form::square_root
  bool diagonal, diagonal_noise;
};

// What an observation tells.
template <class Real>
struct Told {
  Real determinant, square;          // of the innovation's covariance, and of the innovation measured by it
  Real number;                       // of readings that are there
  typename Number<Real>::Mask lost;  // where a covariance has become indefinite
};

template <class Real>
struct Kalman {
  typedef typename Number<Real>::Scalar T;
  typedef typename Number<Real>::Mask Mask;
  int n, p;
  Form form;
  T robust;          // bound of an innovation's influence, in standard deviations; 0 is none
  Real* mean;        // (n)
  Real* covariance;  // (n, n), its lower factor for Form::square_root
  Real *forecast, *forecast_variance, *innovation;  // (p), (p, p), (p); of what is missing, too
  // Workspace.
  Real *design, *noise;  // Z and H without what is missing
  Real* product;         // Z P (p, n), then W = S^(-1/2) Z P
  Real* gain;            // K' (p, n)
  Real* root;            // S^(1/2) (p, p)
  Real* white;           // S^(-1/2) innovation (p)
  Real* before;          // variances before an update (n)
  Real* work;            // (n, 2n) or (n + p, n + p)

  static TUNDISH_HD long numbers(int n, int p) {
    const long square = long(n + p) * (n + p), wide = 2l * n * n;
    return 2l * n + long(n) * n + 3l * p + 3l * p * p + 3l * n * p + (square > wide ? square : wide);
  }
  TUNDISH_HD void lay_out(Real* memory) {
    const struct {
      Real** place;
      long size;
    } all[] = {{&mean, n},
               {&covariance, long(n) * n},
               {&forecast, p},
               {&forecast_variance, long(p) * p},
               {&innovation, p},
               {&design, long(p) * n},
               {&noise, long(p) * p},
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

// Z P of the state as it is carried.
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
    for (int i = 0; i < n; ++i)
      for (int j = 0; j < (root ? i + 1 : n); ++j)
        along[j] = fused(z[i], s.covariance[long(i) * n + j], along[j]);
    for (int i = 0; root && i < n; ++i) {
      Real sum(T(0));
      for (int j = 0; j <= i; ++j) sum = fused(s.covariance[long(i) * n + j], along[j], sum);
      to[i] = sum;
    }
  }
}

// The forecast of an observation, its variance, and the innovation.
template <class Real>
TUNDISH_HD void foresee(Kalman<Real>& s, const Observation<Real>& o) {
  const int n = s.n, p = s.p;
  multiply_with_design(s, o.design, s.product);
  for (int k = 0; k < p; ++k) {
    const Real* z = o.design + long(k) * n;
    Real sum = o.intercept[k];
    for (int i = 0; i < n; ++i) sum = fused(z[i], s.mean[i], sum);
    s.forecast[k] = sum;
    s.innovation[k] = o.y[k] - sum;
    for (int l = 0; l <= k; ++l) {
      Real variance = o.noise[long(k) * p + l];
      for (int i = 0; i < n; ++i) variance = fused(z[i], s.product[long(l) * n + i], variance);
      s.forecast_variance[long(k) * p + l] = s.forecast_variance[long(l) * p + k] = variance;
    }
  }
}

// Design, noise, product and innovation without what is missing: a reading that is not there is one of
// nothing, with an innovation of 0 and a variance of 1.
template <class Real>
TUNDISH_HD Real leave_out_missing(Kalman<Real>& s, const Observation<Real>& o) {
  typedef typename Number<Real>::Scalar T;
  const int n = s.n, p = s.p;
  const Real zero(T(0)), one(T(1));
  Real number = zero;
  for (int k = 0; k < p; ++k) {
    const auto there = o.y[k] == o.y[k];
    number = number + select(there, one, zero);
    s.white[k] = select(there, s.innovation[k], zero);
    for (int i = 0; i < n; ++i) {
      if (o.design) s.design[long(k) * n + i] = select(there, o.design[long(k) * n + i], zero);
      s.product[long(k) * n + i] = select(there, s.product[long(k) * n + i], zero);
    }
    for (int l = 0; l < p; ++l) {
      const auto both = there & (o.y[l] == o.y[l]);
      const Real alone = k == l ? one : zero;
      s.root[long(k) * p + l] = select(both, s.forecast_variance[long(k) * p + l], alone);
      s.noise[long(k) * p + l] = select(both, o.noise[long(k) * p + l], alone);
    }
  }
  return number;
}

// The covariance after the observation, in the form that the state has.
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
// B = P - K (Z P), and P = B - (B Z' - K H) K'.
template <class Real>
TUNDISH_HD void update_joseph(Kalman<Real>& s) {
  typedef typename Number<Real>::Scalar T;
  const int n = s.n, p = s.p;
  Real *half = s.work, *across = s.product;
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
  for (int k = 0; k < p; ++k)
    for (int i = 0; i < n; ++i) {
      Real sum(T(0));
      for (int j = 0; j < n; ++j) sum = fused(half[long(i) * n + j], s.design[long(k) * n + j], sum);
      for (int l = 0; l < p; ++l) sum = fused(-s.gain[long(l) * n + i], s.noise[long(l) * p + k], sum);
      across[long(k) * n + i] = sum;
    }
  for (int i = 0; i < n; ++i)
    for (int j = 0; j <= i; ++j) {
      Real sum = half[long(i) * n + j];
      for (int k = 0; k < p; ++k) sum = fused(-across[long(k) * n + i], s.gain[long(k) * n + j], sum);
      s.covariance[long(i) * n + j] = s.covariance[long(j) * n + i] = sum;
    }
}
// [H^(1/2), Z L; 0, L] is turned into [S^(1/2), 0; W', L of the updated covariance].
template <class Real>
TUNDISH_HD void update_square_root(Kalman<Real>& s) {
  typedef typename Number<Real>::Scalar T;
  const int n = s.n, p = s.p, m = n + p;
  Real* a = s.work;
  factor(s.noise, p);
  for (long i = 0; i < long(m) * m; ++i) a[i] = Real(T(0));
  for (int k = 0; k < p; ++k) {
    Real* row = a + long(k) * m;
    for (int l = 0; l <= k; ++l) row[l] = s.noise[long(k) * p + l];
    for (int i = 0; i < n; ++i)
      for (int j = 0; j <= i; ++j)
        row[p + j] = fused(s.design[long(k) * n + i], s.covariance[long(i) * n + j], row[p + j]);
  }
  for (int i = 0; i < n; ++i)
    for (int j = 0; j <= i; ++j) a[long(p + i) * m + p + j] = s.covariance[long(i) * n + j];
  triangulate(a, m, m);
  for (int k = 0; k < p; ++k)
    for (int l = 0; l < p; ++l) s.root[long(k) * p + l] = a[long(k) * m + l];
  for (int i = 0; i < n; ++i) {
    for (int k = 0; k < p; ++k) s.product[long(k) * n + i] = a[long(p + i) * m + k];
    for (int j = 0; j <= i; ++j) s.covariance[long(i) * n + j] = a[long(p + i) * m + p + j];
  }
}

// The factor on an innovation's covariance that bounds its influence (Huber): |e| / bound where that is above
// 1, e in standard deviations.
template <class Real>
TUNDISH_HD Real inflation(Real square, typename Number<Real>::Scalar bound) {
  typedef typename Number<Real>::Scalar T;
  if (!(bound > T(0))) return Real(T(1));
  return maximum(Real(T(1)), square_root(square) / bound);
}

// Variances that rounding has left below zero by less than this share of what they were are zero.
template <class T>
constexpr T variance_rounding = sizeof(T) == 8 ? T(1e-11) : T(1e-4);

// Takes an observation in that has been foreseen: its forecast, their variance, the innovation, and in
// `product` its covariance with the state. A model that is not linear has no design, and Form::standard.
template <class Real>
TUNDISH_HD Told<Real> take_in(Kalman<Real>& s, const Observation<Real>& o) {
  typedef typename Number<Real>::Scalar T;
  const int n = s.n, p = s.p;
  Told<Real> told;
  told.number = leave_out_missing(s, o);
  told.lost = factor(s.root, p);
  solve(s.root, p, s.white, 1);
  told.square = Real(T(0));
  for (int k = 0; k < p; ++k) told.square = fused(s.white[k], s.white[k], told.square);
  told.determinant = Real(T(1));
  for (int k = 0; k < p; ++k)
    told.determinant = told.determinant * (s.root[k * (p + 1)] * s.root[k * (p + 1)]);

  const Real raised = inflation(told.square, s.robust);
  if (s.robust > T(0)) {  // H + (raised - 1) S in place of H
    const Real root_of_raised = square_root(raised);
    for (int k = 0; k < p; ++k)
      for (int l = 0; l < p; ++l) {
        Real square(T(0));
        for (int c = 0; c <= (k < l ? k : l); ++c)
          square = fused(s.root[k * p + c], s.root[l * p + c], square);
        s.noise[k * p + l] = fused(raised - Real(T(1)), square, s.noise[k * p + l]);
      }
    for (int k = 0; k < p; ++k) {
      s.white[k] = s.white[k] / root_of_raised;
      for (int l = 0; l <= k; ++l) s.root[k * p + l] = s.root[k * p + l] * root_of_raised;
    }
  }
  if (s.form == Form::square_root) {
    update_square_root(s);
    for (int k = 0; k < p; ++k) {
      const auto there = o.y[k] == o.y[k];
      s.white[k] = select(there, s.innovation[k], Real(T(0)));
    }
    solve(s.root, p, s.white, 1);
  } else {
    solve(s.root, p, s.product, n);
  }
  for (int k = 0; k < p; ++k)
    for (int i = 0; i < n; ++i) s.mean[i] = fused(s.product[long(k) * n + i], s.white[k], s.mean[i]);
  if (s.form == Form::square_root) return told;
  for (int i = 0; i < n; ++i) s.before[i] = s.covariance[long(i) * (n + 1)];
  if (s.form == Form::joseph)
    update_joseph(s);
  else
    update_standard(s);
  for (int i = 0; i < n; ++i)
    told.lost = told.lost | (s.covariance[long(i) * (n + 1)] < s.before[i] * -variance_rounding<T>);
  return told;
}

template <class Real>
TUNDISH_HD Told<Real> update(Kalman<Real>& s, const Observation<Real>& o) {
  foresee(s, o);
  return take_in(s, o);
}

// Starts from a prediction: mean (n), covariance (n, n).
template <class Real>
TUNDISH_HD void start(Kalman<Real>& s, const Real* mean, const Real* covariance) {
  const int n = s.n;
  for (int i = 0; i < n; ++i) s.mean[i] = mean[i];
  for (long i = 0; i < long(n) * n; ++i) s.covariance[i] = covariance[i];
  if (s.form == Form::square_root) factor(s.covariance, n);
}

// Mean a + ((F - 1) a + c): in single precision F a + c would lose a slow reversion.
template <class Real>
TUNDISH_HD void predict_mean(const Kalman<Real>& s, const Transition<Real>& step) {
  const int n = s.n;
  Real* moved = s.gain;
  for (int i = 0; i < n; ++i) {
    Real sum = step.intercept[i];
    if (step.diagonal)
      sum = fused(step.less_one[i], s.mean[i], sum);
    else
      for (int j = 0; j < n; ++j) sum = fused(step.less_one[long(i) * n + j], s.mean[j], sum);
    moved[i] = sum;
  }
  for (int i = 0; i < n; ++i) s.mean[i] = s.mean[i] + moved[i];
}

// F A, of the n columns of A, `pitch` apart.
template <class Real>
TUNDISH_HD void transit(const Real* from, const Transition<Real>& step, int n, int pitch, Real* to) {
  typedef typename Number<Real>::Scalar T;
  for (int i = 0; i < n; ++i) {
    Real* row = to + long(i) * pitch;
    if (step.diagonal) {
      for (int j = 0; j < n; ++j) row[j] = step.matrix[i] * from[long(i) * n + j];
      continue;
    }
    for (int j = 0; j < n; ++j) row[j] = Real(T(0));
    for (int k = 0; k < n; ++k)
      for (int j = 0; j < n; ++j) row[j] = fused(step.matrix[long(i) * n + k], from[long(k) * n + j], row[j]);
  }
}

// The next step's mean and covariance.
template <class Real>
TUNDISH_HD void predict(Kalman<Real>& s, const Transition<Real>& step) {
  typedef typename Number<Real>::Scalar T;
  const int n = s.n;
  predict_mean(s, step);
  if (s.form == Form::square_root) {  // [F L, Q^(1/2)]
    transit(s.covariance, step, n, 2 * n, s.work);
    for (int i = 0; i < n; ++i)
      for (int j = 0; j < n; ++j)
        s.work[long(i) * 2 * n + n + j] = !step.diagonal_noise ? step.noise[long(i) * n + j]
                                          : i == j             ? step.noise[i]
                                                               : Real(T(0));
    triangulate(s.work, n, 2 * n);
    for (int i = 0; i < n; ++i)
      for (int j = 0; j < n; ++j) s.covariance[long(i) * n + j] = s.work[long(i) * 2 * n + j];
    return;
  }
  if (step.diagonal) {
    for (int i = 0; i < n; ++i)
      for (int j = 0; j < n; ++j)
        s.covariance[long(i) * n + j] = (step.matrix[i] * step.matrix[j]) * s.covariance[long(i) * n + j];
  } else {  // F P, then (F P) F' from its transpose, which is a product of the same kind
    transit(s.covariance, step, n, n, s.work);
    Real* turned = s.work + long(n) * n;
    for (int i = 0; i < n; ++i)
      for (int j = 0; j < n; ++j) turned[long(i) * n + j] = s.work[long(j) * n + i];
    transit(turned, step, n, n, s.covariance);
    for (int i = 0; i < n; ++i)
      for (int j = 0; j < i; ++j) s.covariance[long(j) * n + i] = s.covariance[long(i) * n + j];
  }
  if (step.diagonal_noise)
    for (int i = 0; i < n; ++i)
      s.covariance[long(i) * (n + 1)] = s.covariance[long(i) * (n + 1)] + step.noise[i];
  else
    for (long i = 0; i < long(n) * n; ++i) s.covariance[i] = s.covariance[i] + step.noise[i];
}

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
// Of components i and j.
template <class Real>
TUNDISH_HD Real covariance_of(const Kalman<Real>& s, int i, int j) {
  typedef typename Number<Real>::Scalar T;
  if (s.form != Form::square_root) return s.covariance[long(i) * s.n + j];
  Real sum(T(0));
  for (int k = 0; k <= (i < j ? i : j); ++k)
    sum = fused(s.covariance[long(i) * s.n + k], s.covariance[long(j) * s.n + k], sum);
  return sum;
}

TUNDISH_NAMESPACE_END
