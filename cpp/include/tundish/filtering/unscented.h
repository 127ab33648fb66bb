// Compiles under: g++, clang++, nvcc, NVRTC. Uses no std headers.
//
// Sigma points of Julier & Uhlmann (1997, 2004), and the moments of a model's values at them. Points are the
// mean a, then a + sqrt(s) l(k) and a - sqrt(s) l(k) for the columns l(k) of the covariance's lower factor,
// s = alpha^2 (n + kappa).
#pragma once
#include "tundish/filtering/kalman.h"

TUNDISH_NAMESPACE_BEGIN

template <class T>
TUNDISH_HD SigmaWeights<T> sigma_weights(int n, double kappa, double alpha, double beta) {
  const double s = alpha * alpha * (n + kappa), centre = 1 - n / s;
  return {T(square_root(s)), T(centre), T(0.5 / s), T(centre + 1 - alpha * alpha + beta)};
}

// Writes the points (2n + 1, n) of a mean and a lower factor.
template <class T>
TUNDISH_HD void place_points(const T* mean, const T* lower, int n, T spread, T* points) {
  for (int i = 0; i < n; ++i) points[i] = mean[i];
  T *plus = points + n, *minus = plus + long(n) * n;
  for (int k = 0; k < n; ++k)
    for (int i = 0; i < n; ++i) {
      const T step = spread * lower[long(i) * n + k];
      plus[long(k) * n + i] = mean[i] + step;
      minus[long(k) * n + i] = mean[i] - step;
    }
}

// Mean (p) and covariance (p, p), without the noise, of the model's values (2n + 1, p) at the points. On
// return the values of the first side are their differences from those of the other side, as
// `covariance_with_values` needs them.
template <class T>
TUNDISH_HD void moments_of_values(T* values, int n, int p, const SigmaWeights<T>& w, T* mean, T* covariance) {
  T *plus = values + p, *minus = plus + long(n) * p;
  for (int k = 0; k < p; ++k) {
    T sum = T(0);
    for (int i = 0; i < n; ++i) sum += plus[long(i) * p + k] + minus[long(i) * p + k];
    mean[k] = w.centre * values[k] + w.other * sum;
  }
  for (int k = 0; k < p; ++k)
    for (int l = 0; l <= k; ++l) {
      T sum = T(0);
      for (int i = 0; i < n; ++i)
        sum += (plus[long(i) * p + k] - mean[k]) * (plus[long(i) * p + l] - mean[l]) +
               (minus[long(i) * p + k] - mean[k]) * (minus[long(i) * p + l] - mean[l]);
      covariance[k * p + l] = covariance[l * p + k] =
          w.centre_covariance * (values[k] - mean[k]) * (values[l] - mean[l]) + w.other * sum;
    }
  for (long i = 0; i < long(n) * p; ++i) plus[i] -= minus[i];
}

// The covariance (p, n) of the state with the values, from their differences; the centre does not contribute.
template <class T>
TUNDISH_HD void covariance_with_values(const T* lower, const T* differences, int n, int p,
                                       const SigmaWeights<T>& w, T* covariance) {
  for (int i = 0; i < n; ++i)
    for (int k = 0; k < p; ++k) {
      T sum = T(0);
      for (int j = 0; j <= i; ++j) sum = fused(lower[long(i) * n + j], differences[long(j) * p + k], sum);
      covariance[long(k) * n + i] = w.spread * w.other * sum;
    }
}

TUNDISH_NAMESPACE_END
