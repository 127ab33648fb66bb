// Compiles under: g++, clang++, nvcc, NVRTC. Uses no std headers.
//
// The Kalman filter of
//
//     y(t) = Z a(t) + d + eps(t),   Var eps = H,        a(t+1) = F a(t) + c + eta(t),   Var eta = Q,
//
// with any number p of observations a step, in the notation of Durbin & Koopman (2012), section 4.3. A Real
// may hold one filter or one in every lane; both go through the same operations, so their results are equal.
//
// A step is an update, then a prediction: `update` is `forecast_observation` and `apply_observation`.
#pragma once
#include "tundish/filtering/covariance_update.h"
#include "tundish/filtering/kalman_state.h"

TUNDISH_NAMESPACE_BEGIN

// The forecast of an observation, its variance, and the innovation.
template <class Real>
TUNDISH_HD void forecast_observation(Kalman<Real>& s, const Observation<Real>& o) {
  const int n = s.n, p = s.p;
  multiply_with_design(s, o.design, s.product);
  for (int k = 0; k < p; ++k) {
    const Real* z = o.design + long(k) * n;
    Real sum = o.obs_intercept[k];
    for (int i = 0; i < n; ++i) sum = fused(z[i], s.mean[i], sum);
    s.forecast[k] = sum;
    s.innovation[k] = o.y[k] - sum;
    for (int l = 0; l <= k; ++l) {
      Real variance = o.obs_cov[long(k) * p + l];
      for (int i = 0; i < n; ++i) variance = fused(z[i], s.product[long(l) * n + i], variance);
      s.forecast_var[long(k) * p + l] = s.forecast_var[long(l) * p + k] = variance;
    }
  }
}

// Design, noise, product and innovation without the missing readings, and the number of those that are left.
// A missing reading becomes one with a design of 0, an innovation of 0 and a variance of 1: it changes
// nothing, and lanes whose filters miss different readings stay together.
template <class Real>
TUNDISH_HD Real leave_out_missing(Kalman<Real>& s, const Observation<Real>& o) {
  typedef typename Number<Real>::Scalar T;
  const int n = s.n, p = s.p;
  const Real zero(T(0)), one(T(1));
  Real number = zero;
  for (int k = 0; k < p; ++k) {
    const auto observed = o.y[k] == o.y[k];
    number = number + select(observed, one, zero);
    s.white[k] = select(observed, s.innovation[k], zero);
    for (int i = 0; i < n; ++i) {
      if (o.design) s.design[long(k) * n + i] = select(observed, o.design[long(k) * n + i], zero);
      s.product[long(k) * n + i] = select(observed, s.product[long(k) * n + i], zero);
    }
    for (int l = 0; l < p; ++l) {
      const auto both = observed & (o.y[l] == o.y[l]);
      const Real alone = k == l ? one : zero;
      s.root[long(k) * p + l] = select(both, s.forecast_var[long(k) * p + l], alone);
      s.obs_cov[long(k) * p + l] = select(both, o.obs_cov[long(k) * p + l], alone);
    }
  }
  return number;
}

// The factor on an innovation's covariance that bounds its influence (Huber): |e| / bound where that is above
// 1, e in standard deviations.
template <class Real>
TUNDISH_HD Real inflation(Real square, typename Number<Real>::Scalar bound) {
  typedef typename Number<Real>::Scalar T;
  if (!(bound > T(0))) return Real(T(1));
  return maximum(Real(T(1)), square_root(square) / bound);
}

// Raises the innovation's covariance S by `inflation`, as if the noise H had been larger: H + (raised - 1) S.
template <class Real>
TUNDISH_HD void bound_influence(Kalman<Real>& s, Real square) {
  typedef typename Number<Real>::Scalar T;
  const int p = s.p;
  const Real raised = inflation(square, s.robust), root_of_raised = square_root(raised);
  for (int k = 0; k < p; ++k)
    for (int l = 0; l < p; ++l) {
      Real sum(T(0));  // an element of S
      for (int c = 0; c <= (k < l ? k : l); ++c) sum = fused(s.root[k * p + c], s.root[l * p + c], sum);
      s.obs_cov[k * p + l] = fused(raised - Real(T(1)), sum, s.obs_cov[k * p + l]);
    }
  for (int k = 0; k < p; ++k) {
    s.white[k] = s.white[k] / root_of_raised;
    for (int l = 0; l <= k; ++l) s.root[k * p + l] = s.root[k * p + l] * root_of_raised;
  }
}

// A variance that rounding has left below zero by less than this share of what it was counts as zero.
template <class T>
constexpr T variance_rounding = sizeof(T) == 8 ? T(1e-11) : T(1e-4);

// Updates the state by an observation whose forecast is known: the forecast and its variance, the innovation,
// and in `product` its covariance with the state. A model that is not linear has no design, and uses
// Form::standard.
template <class Real>
TUNDISH_HD Update<Real> apply_observation(Kalman<Real>& s, const Observation<Real>& o) {
  typedef typename Number<Real>::Scalar T;
  const int n = s.n, p = s.p;

  // The innovation's factor, and what the log-likelihood needs of it.
  Update<Real> done;
  done.number = leave_out_missing(s, o);
  done.indefinite = factor(s.root, p);
  solve(s.root, p, s.white, 1);
  done.square = Real(T(0));
  for (int k = 0; k < p; ++k) done.square = fused(s.white[k], s.white[k], done.square);
  done.determinant = Real(T(1));
  for (int k = 0; k < p; ++k)
    done.determinant = done.determinant * (s.root[k * (p + 1)] * s.root[k * (p + 1)]);
  if (s.robust > T(0)) bound_influence(s, done.square);

  // W and the whitened innovation. The square-root form brings its own factor of S, so it whitens again.
  if (s.form == Form::square_root) {
    update_square_root(s);
    for (int k = 0; k < p; ++k) {
      const auto observed = o.y[k] == o.y[k];
      s.white[k] = select(observed, s.innovation[k], Real(T(0)));
    }
    solve(s.root, p, s.white, 1);
  } else {
    solve(s.root, p, s.product, n);
  }
  for (int k = 0; k < p; ++k)
    for (int i = 0; i < n; ++i) s.mean[i] = fused(s.product[long(k) * n + i], s.white[k], s.mean[i]);
  if (s.form == Form::square_root) return done;

  // The covariance, and whether one of its variances has become negative.
  for (int i = 0; i < n; ++i) s.before[i] = s.covariance[long(i) * (n + 1)];
  if (s.form == Form::joseph)
    update_joseph(s);
  else
    update_standard(s);
  for (int i = 0; i < n; ++i)
    done.indefinite =
        done.indefinite | (s.covariance[long(i) * (n + 1)] < s.before[i] * -variance_rounding<T>);
  return done;
}

template <class Real>
TUNDISH_HD Update<Real> update(Kalman<Real>& s, const Observation<Real>& o) {
  forecast_observation(s, o);
  return apply_observation(s, o);
}

// Starts from a prediction: mean (n), covariance (n, n).
template <class Real>
TUNDISH_HD void start(Kalman<Real>& s, const Real* mean, const Real* covariance) {
  const int n = s.n;
  for (int i = 0; i < n; ++i) s.mean[i] = mean[i];
  for (long i = 0; i < long(n) * n; ++i) s.covariance[i] = covariance[i];
  if (s.form == Form::square_root) factor(s.covariance, n);
}

// The mean is predicted as a + ((F - 1) a + c): in single precision F a + c would lose a slow reversion.
template <class Real>
TUNDISH_HD void predict_mean(const Kalman<Real>& s, const Transition<Real>& step) {
  const int n = s.n;
  Real* moved = s.gain;
  for (int i = 0; i < n; ++i) {
    Real sum = step.state_intercept[i];
    if (step.diagonal)
      sum = fused(step.transition_minus_one[i], s.mean[i], sum);
    else
      for (int j = 0; j < n; ++j) sum = fused(step.transition_minus_one[long(i) * n + j], s.mean[j], sum);
    moved[i] = sum;
  }
  for (int i = 0; i < n; ++i) s.mean[i] = s.mean[i] + moved[i];
}

// F A, for the n columns of A; rows of the result are `pitch` apart.
template <class Real>
TUNDISH_HD void transit(const Real* from, const Transition<Real>& step, int n, int pitch, Real* to) {
  typedef typename Number<Real>::Scalar T;
  for (int i = 0; i < n; ++i) {
    Real* row = to + long(i) * pitch;
    if (step.diagonal) {
      for (int j = 0; j < n; ++j) row[j] = step.transition[i] * from[long(i) * n + j];
      continue;
    }
    for (int j = 0; j < n; ++j) row[j] = Real(T(0));
    for (int k = 0; k < n; ++k)
      for (int j = 0; j < n; ++j)
        row[j] = fused(step.transition[long(i) * n + k], from[long(k) * n + j], row[j]);
  }
}

// The next step's factor: [F L, Q^(1/2)] made triangular by reflections.
template <class Real>
TUNDISH_HD void predict_square_root(Kalman<Real>& s, const Transition<Real>& step) {
  typedef typename Number<Real>::Scalar T;
  const int n = s.n;
  transit(s.covariance, step, n, 2 * n, s.work);
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < n; ++j)
      s.work[long(i) * 2 * n + n + j] = !step.diagonal_state_cov ? step.state_cov[long(i) * n + j]
                                        : i == j                 ? step.state_cov[i]
                                                                 : Real(T(0));
  triangulate(s.work, n, 2 * n);
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < n; ++j) s.covariance[long(i) * n + j] = s.work[long(i) * 2 * n + j];
}

// The next step's mean and covariance.
template <class Real>
TUNDISH_HD void predict(Kalman<Real>& s, const Transition<Real>& step) {
  const int n = s.n;
  predict_mean(s, step);
  if (s.form == Form::square_root) return predict_square_root(s, step);

  // F P F'. A dense one is F P, then (F P) F' from its transpose, which is a product of the same kind.
  if (step.diagonal) {
    for (int i = 0; i < n; ++i)
      for (int j = 0; j < n; ++j)
        s.covariance[long(i) * n + j] =
            (step.transition[i] * step.transition[j]) * s.covariance[long(i) * n + j];
  } else {
    transit(s.covariance, step, n, n, s.work);
    Real* turned = s.work + long(n) * n;
    for (int i = 0; i < n; ++i)
      for (int j = 0; j < n; ++j) turned[long(i) * n + j] = s.work[long(j) * n + i];
    transit(turned, step, n, n, s.covariance);
    for (int i = 0; i < n; ++i)
      for (int j = 0; j < i; ++j) s.covariance[long(j) * n + i] = s.covariance[long(i) * n + j];
  }

  // Q.
  if (step.diagonal_state_cov)
    for (int i = 0; i < n; ++i)
      s.covariance[long(i) * (n + 1)] = s.covariance[long(i) * (n + 1)] + step.state_cov[i];
  else
    for (long i = 0; i < long(n) * n; ++i) s.covariance[i] = s.covariance[i] + step.state_cov[i];
}

TUNDISH_NAMESPACE_END
