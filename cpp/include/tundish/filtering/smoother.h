// Compiles under: g++, clang++, nvcc, NVRTC. Uses no std headers.
//
// The fixed-interval smoother of Rauch, Tung and Striebel, in the form that inverts no covariance of the
// state (de Jong, 1989; Durbin & Koopman, 2012, sections 4.4 and 4.5). It runs backwards over the filter's
// steps, and r and N carry the information of the later observations:
//
//     r(t-1) = F' r(t) + Z' u(t),   smoothed mean = a + P r(t-1),   covariance = P - P N(t-1) P.
#pragma once
#include "tundish/filtering/kalman.h"

TUNDISH_NAMESPACE_BEGIN

// A step of the filter, as far as the backward pass needs it.
template <class T>
struct SmootherStep {
  int n, p;
  T *mean, *covariance;  // predicted
  T *design, *obs_cov;   // Z without the missing readings (p, n), H (p, p)
  T* observed;           // 1 where there is a reading (p)
  T *root, *white, *w;   // S^(1/2), S^(-1/2) innovation, W = S^(-1/2) Z P (p, n)

  static TUNDISH_HD long workspace_size(int n, int p) {
    return n + long(n) * n + 2l * n * p + 2l * p * p + 2l * p;
  }
  TUNDISH_HD SmootherStep(int size, int observations, T* memory) : n(size), p(observations) {
    mean = memory;
    covariance = mean + n;
    design = covariance + long(n) * n;
    w = design + long(n) * p;
    obs_cov = w + long(n) * p;
    root = obs_cov + p * p;
    white = root + p * p;
    observed = white + p;
  }
  // Copies the prediction, before the filter's update of the step.
  TUNDISH_HD void keep_prediction(const Kalman<T>& s) {
    for (int i = 0; i < n; ++i) {
      mean[i] = s.mean[i];
      for (int j = 0; j < n; ++j) covariance[long(i) * n + j] = covariance_of(s, i, j);
    }
  }
  // Copies what the update has left in the filter's workspace, after it.
  TUNDISH_HD void keep_update(const Kalman<T>& s, const T* step_obs_cov, const T* y) {
    for (long i = 0; i < long(n) * p; ++i) design[i] = s.design[i];
    for (int k = 0; k < p * p; ++k) {
      obs_cov[k] = step_obs_cov[k];
      root[k] = s.root[k];
    }
    for (int k = 0; k < p; ++k) {
      observed[k] = y[k] == y[k] ? T(1) : T(0);
      white[k] = s.white[k];
    }
    // W is computed again: an update by Joseph's form overwrites it.
    for (int k = 0; k < p; ++k) {
      T* row = w + long(k) * n;
      for (int j = 0; j < n; ++j) row[j] = T(0);
      for (int i = 0; i < n; ++i)
        for (int j = 0; j < n; ++j)
          row[j] = fused(design[long(k) * n + i], covariance[long(i) * n + j], row[j]);
    }
    solve(root, p, w, n);
  }
};

// The information of the later observations, and the workspace of a backward step.
template <class T>
struct Smoother {
  int n, p;
  T *r, *information;  // r (n), N (n, n)
  T* whitened;         // S^(-1/2) Z (p, n)
  T *along, *half;     // N W' (p, n), and N W' - Z' S^(-T/2) seen / 2; the latter also holds (p, p)
  T* seen;             // 1 + W N W' (p, p)
  T* u;                // (p)
  T *work, *moved;     // (n, n) each

  static TUNDISH_HD long workspace_size(int n, int p) {
    return n + 3l * n * n + 2l * n * p + long(n > p ? n : p) * p + long(p) * p + 2l * p;
  }
  TUNDISH_HD void lay_out(T* memory) {
    r = memory;
    information = r + n;
    work = information + long(n) * n;
    moved = work + long(n) * n;
    whitened = moved + long(n) * n;
    along = whitened + long(n) * p;
    half = along + long(n) * p;
    seen = half + long(n > p ? n : p) * p;
    u = seen + p * p;
  }
};

// Starts behind the last observation, where there is no information.
template <class T>
TUNDISH_HD void begin(Smoother<T>& s) {
  for (int i = 0; i < s.n; ++i) s.r[i] = T(0);
  for (long i = 0; i < long(s.n) * s.n; ++i) s.information[i] = T(0);
}

// Adds r r' - N to the sum over the transitions. Q (r r' - N) Q is the second moment of a disturbance less Q,
// which expectation maximization needs.
template <class T>
TUNDISH_HD void add_transition(const Smoother<T>& s, T* sum) {
  for (int i = 0; i < s.n; ++i)
    for (int j = 0; j < s.n; ++j)
      sum[long(i) * s.n + j] += s.r[i] * s.r[j] - s.information[long(i) * s.n + j];
}

// Back across a transition: F' r and F' N F.
template <class T>
TUNDISH_HD void step_back(Smoother<T>& s, const Transition<T>& f) {
  const int n = s.n;
  if (f.diagonal) {
    for (int i = 0; i < n; ++i) {
      s.r[i] = f.transition[i] * s.r[i];
      for (int j = 0; j < n; ++j) s.information[long(i) * n + j] *= f.transition[i] * f.transition[j];
    }
    return;
  }

  // N F, then F' (N F).
  for (long i = 0; i < long(n) * n; ++i) s.work[i] = s.moved[i] = T(0);
  for (int i = 0; i < n; ++i)
    for (int k = 0; k < n; ++k)
      for (int j = 0; j < n; ++j)
        s.work[long(i) * n + j] =
            fused(s.information[long(i) * n + k], f.transition[long(k) * n + j], s.work[long(i) * n + j]);
  for (int k = 0; k < n; ++k)
    for (int i = 0; i < n; ++i)
      for (int j = 0; j < n; ++j)
        s.moved[long(i) * n + j] =
            fused(f.transition[long(k) * n + i], s.work[long(k) * n + j], s.moved[long(i) * n + j]);

  // N is kept symmetric.
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < n; ++j)
      s.information[long(i) * n + j] = T(0.5) * (s.moved[long(i) * n + j] + s.moved[long(j) * n + i]);

  // F' r.
  for (int j = 0; j < n; ++j) s.work[j] = T(0);
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < n; ++j) s.work[j] = fused(f.transition[long(i) * n + j], s.r[i], s.work[j]);
  for (int j = 0; j < n; ++j) s.r[j] = s.work[j];
}

// Mean and variance of an observation's disturbance eps given all observations: H u and H - H D H, with
// D = S^(-T/2) (1 + W N W') S^(-1/2).
template <class T>
TUNDISH_HD void write_disturbance(const Smoother<T>& s, const SmootherStep<T>& o, T* mean, T* variance) {
  const int p = s.p;
  T* rh = s.half;  // S^(-1/2) H, of the observed rows of H
  for (int k = 0; k < p; ++k) {
    mean[k] = T(0);
    for (int l = 0; l < p; ++l) {
      rh[l * p + k] = o.observed[l] * o.obs_cov[l * p + k];
      mean[k] = fused(rh[l * p + k], s.u[l], mean[k]);
    }
  }
  solve(o.root, p, rh, p);
  for (int k = 0; k < p; ++k)
    for (int l = 0; l < p; ++l) {
      T sum = o.obs_cov[k * p + l];
      for (int a = 0; a < p; ++a)
        for (int b = 0; b < p; ++b) sum = fused(-rh[a * p + k] * s.seen[a * p + b], rh[b * p + l], sum);
      variance[k * p + l] = sum;
    }
}

// Back across an observation, in whitened quantities: with Z and the innovation multiplied by S^(-1/2), the
// transition across it is (I - K Z)' = I - Z' W. `disturbance` and its variance may be null.
template <class T>
TUNDISH_HD void smooth_step(Smoother<T>& s, const SmootherStep<T>& o, T* disturbance, T* disturbance_var) {
  const int n = s.n, p = s.p;

  // S^(-1/2) Z, and N W'.
  for (long i = 0; i < long(p) * n; ++i) {
    s.whitened[i] = o.design[i];
    s.along[i] = T(0);
  }
  solve(o.root, p, s.whitened, n);
  for (int k = 0; k < p; ++k)
    for (int j = 0; j < n; ++j)
      for (int i = 0; i < n; ++i)
        s.along[long(k) * n + i] =
            fused(o.w[long(k) * n + j], s.information[long(j) * n + i], s.along[long(k) * n + i]);

  // u = white - W r, and 1 + W N W'.
  for (int k = 0; k < p; ++k) {
    T sum = o.white[k];
    for (int i = 0; i < n; ++i) sum = fused(-o.w[long(k) * n + i], s.r[i], sum);
    s.u[k] = sum;
    for (int l = 0; l < p; ++l) {
      T seen = k == l ? T(1) : T(0);
      for (int i = 0; i < n; ++i) seen = fused(o.w[long(k) * n + i], s.along[long(l) * n + i], seen);
      s.seen[k * p + l] = seen;
    }
  }

  // r, and the half of what N changes by: the other half is its transpose, so N stays symmetric.
  for (int k = 0; k < p; ++k)
    for (int i = 0; i < n; ++i) {
      s.r[i] = fused(s.whitened[long(k) * n + i], s.u[k], s.r[i]);
      T sum = s.along[long(k) * n + i];
      for (int l = 0; l < p; ++l) sum = fused(s.whitened[long(l) * n + i] * T(-0.5), s.seen[l * p + k], sum);
      s.half[long(k) * n + i] = sum;
    }
  for (int k = 0; k < p; ++k) {
    const T *z = s.whitened + long(k) * n, *h = s.half + long(k) * n;
    for (int i = 0; i < n; ++i)
      for (int j = 0; j < n; ++j) s.information[long(i) * n + j] -= h[i] * z[j] + z[i] * h[j];
  }

  solve_transpose(o.root, p, s.u, 1);  // u of the equations above is S^(-T/2) times this one
  if (disturbance) write_disturbance(s, o, disturbance, disturbance_var);
}

// Writes the smoothed moments a + P r and P - P N P; each may be null.
template <class T>
TUNDISH_HD void write_smoothed(Smoother<T>& s, const SmootherStep<T>& o, T* mean, T* deviation,
                               T* covariance) {
  const int n = s.n;
  if (mean)
    for (int i = 0; i < n; ++i) {
      T sum = T(0);
      for (int j = 0; j < n; ++j) sum = fused(o.covariance[long(i) * n + j], s.r[j], sum);
      mean[i] = o.mean[i] + sum;
    }
  if (!deviation && !covariance) return;

  // N P.
  for (long i = 0; i < long(n) * n; ++i) s.work[i] = T(0);
  for (int i = 0; i < n; ++i)
    for (int k = 0; k < n; ++k)
      for (int j = 0; j < n; ++j)
        s.work[long(i) * n + j] =
            fused(s.information[long(i) * n + k], o.covariance[long(k) * n + j], s.work[long(i) * n + j]);

  if (deviation) {
    for (int j = 0; j < n; ++j) deviation[j] = o.covariance[long(j) * (n + 1)];
    for (int k = 0; k < n; ++k)
      for (int j = 0; j < n; ++j)
        deviation[j] = fused(-o.covariance[long(k) * n + j], s.work[long(k) * n + j], deviation[j]);
    for (int j = 0; j < n; ++j) deviation[j] = square_root(maximum(deviation[j], T(0)));
  }
  if (!covariance) return;
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < n; ++j) {
      T sum = o.covariance[long(i) * n + j];
      for (int k = 0; k < n; ++k) sum = fused(-o.covariance[long(i) * n + k], s.work[long(k) * n + j], sum);
      covariance[long(i) * n + j] = sum;
    }
}

TUNDISH_NAMESPACE_END
