// Compiled as part of filter_kernels.cpp, once per instruction set.
//
// The observation of an element that goes to steel and slag (arXiv:2504.11319, Eq. (4)), for a mean-reverting
// state whose last two components are c1 and c2: projected, or with all sigma points. The projected one needs
// products of the matrix with two vectors; sigma points need a factor of the whole matrix at every step. With
// 47 states they took about 0.9 and 8.3 us a heat, beside 0.56 us for a linear observation of 45 states
// (benchmarks/README.md).
#pragma once
#include "filtering/mean_reverting_filter.h"

namespace tundish::filtering {
namespace {

// The design and the weight of u = c1 + f c2.
template <class T>
void weigh_u(MeanRevertingFilter<T>& r, T iron_oxide) {
  const int n = r.s.n;
  r.design_u[n - 2] = T(1);
  r.design_u[n - 1] = iron_oxide;
  for (int i = n - 2; i < n; ++i) r.weight_u[i] = r.s.scale[i] * r.design_u[i];
}

// The moments of s = m . alpha and u from two products with the matrix: that with the masses' weight, which
// the sweep has computed, and that with the weight of u, which has two components and needs two rows.
template <class T>
Prediction<T> predict_projected(MeanRevertingFilter<T>& r, int k, const T* design) {
  MeanReverting<T>& s = r.s;
  const int n = s.n, pitch = s.pitch;
  const T* row = s.matrix + long(n - 2) * pitch;
  const T weight_c1 = r.weight_u[n - 2], weight_c2 = r.weight_u[n - 1];
  for (int i = 0; i < pitch; ++i) r.product_u[i] = fused(weight_c2, row[pitch + i], weight_c1 * row[i]);
  const T uu = complete(s, k, r.weight_u, r.product_u, r.product_u);
  const T ss = complete(s, k, s.weight[k], s.product[k], s.product[k]);
  const ScrapMoments<T> moments = {dot(design, s.mean, pitch),
                                   s.mean[n - 2] + r.design_u[n - 1] * s.mean[n - 1], ss,
                                   dot(s.weight[k], r.product_u, pitch), uu};
  const ScrapForecast<T> f = forecast(moments, r.heat);
  for (int i = 0; i < pitch; ++i) {
    s.direction[k][i] = fused(f.slope_u, r.product_u[i], f.slope_s * s.product[k][i]);
    r.slope[i] = fused(f.slope_u, r.design_u[i], f.slope_s * design[i]);
  }
  return {f.mean, f.variance, f.sound ? Failure::none : Failure::pole};
}

// The upper factor U of M, M = U' U, row by row, so that rows are the columns of the lower factor; false
// where there is none.
template <class T>
bool factor_matrix(MeanRevertingFilter<T>& r) {
  const MeanReverting<T>& s = r.s;
  const int n = s.n, pitch = s.pitch;
  T* u = r.lower;

  // The upper triangle of M, with the open downdates subtracted and its own diagonal.
  for (int i = 0; i < n; ++i) {
    for (int j = i; j < pitch; ++j) {
      T m = s.matrix[long(i) * pitch + j];
      for (int k = 0; k < s.downdates; ++k) m = fused(s.direction[k][i], -s.direction[k][j], m);
      u[long(i) * pitch + j] = m;
    }
    u[long(i) * (pitch + 1)] = s.variance[i];
  }

  // Elimination. Rows begin at the register that holds their diagonal.
  bool sound = true;
  for (int i = 0; i < n; ++i) {
    T* row = u + long(i) * pitch;
    const int from = register_start<T>(i);
    for (int j = from; j < i; ++j) row[j] = T(0);
    const bool above = row[i] > T(0);  // else a component of zero variance, which has no sigma points
    sound = sound && (above || row[i] >= -variance_rounding<T> * s.variance[i]);
    const Register<T> inverse(above ? T(1) / square_root(row[i]) : T(0));
    for (int j = from; j < pitch; j += lanes_of<T>) (Register<T>::read(row + j) * inverse).write(row + j);
    for (int k = i + 1; k < n; ++k) {
      T* below = u + long(k) * pitch;
      const Register<T> minus(-row[k]);
      for (int j = register_start<T>(k); j < pitch; j += lanes_of<T>)
        fused(minus, Register<T>::read(row + j), Register<T>::read(below + j)).write(below + j);
    }
  }
  return sound;
}

// The observation at all sigma points. It depends on the state through s and u alone, so the points
// themselves are never formed: only the changes of s and u along the columns of the factor are.
template <class T>
Prediction<T> predict_sigma(const FilterModel<T>& m, MeanRevertingFilter<T>& r, int k, const T* design) {
  MeanReverting<T>& s = r.s;
  const int n = s.n, pitch = s.pitch;
  if (!factor_matrix(r)) return {T(0), T(0), Failure::indefinite};

  // s and u at the mean, and their changes along every column of the factor.
  for (int i = 0; i < pitch; i += lanes_of<T>) weigh(s, k, design, i);
  const T mean_s = dot(design, s.mean, pitch), mean_u = s.mean[n - 2] + r.design_u[n - 1] * s.mean[n - 1];
  for (int i = 0; i < n; ++i) {
    const T* column = r.lower + long(i) * pitch;
    r.change_s[i] = m.sigma.spread * dot(s.weight[k], column, pitch);
    r.change_u[i] = m.sigma.spread * dot(r.weight_u, column, pitch);
  }

  // The values at the points, and their mean and variance.
  bool sound = true;
  const T centre = steel_element(mean_s, mean_u, r.heat, sound);
  T *plus = r.values, *minus = r.values + pitch, sum = T(0), squares = T(0);
  for (int i = 0; i < n; ++i) {
    plus[i] = steel_element(mean_s + r.change_s[i], mean_u + r.change_u[i], r.heat, sound);
    minus[i] = steel_element(mean_s - r.change_s[i], mean_u - r.change_u[i], r.heat, sound);
    sum += plus[i] + minus[i];
  }
  const T mean = m.sigma.centre * centre + m.sigma.other * sum;
  for (int i = 0; i < n; ++i)
    squares += (plus[i] - mean) * (plus[i] - mean) + (minus[i] - mean) * (minus[i] - mean);
  const T variance = m.sigma.centre_covariance * (centre - mean) * (centre - mean) + m.sigma.other * squares;

  // The covariance with the state: the columns, weighted by the differences of the two sides.
  for (int i = 0; i < n; ++i) plus[i] = m.sigma.spread * m.sigma.other * (plus[i] - minus[i]);
  zero(s.direction[k], pitch);
  for (int i = 0; i < n; ++i) {
    const Register<T> weight(plus[i]);
    for (int j = register_start<T>(i); j < pitch; j += lanes_of<T>)
      fused(weight, Register<T>::read(r.lower + long(i) * pitch + j), Register<T>::read(s.direction[k] + j))
          .write(s.direction[k] + j);
  }
  return {mean, variance, sound ? Failure::none : Failure::pole};
}

// The slope b of a sigma-point update in the state, by back substitution: P b is the state's covariance with
// the observation.
template <class T>
void find_sigma_slope(MeanRevertingFilter<T>& r) {
  const MeanReverting<T>& s = r.s;
  for (int i = s.n - 1; i >= 0; --i) {
    T sum = r.values[i];
    for (int j = i + 1; j < s.n; ++j)
      sum = fused(-r.lower[long(i) * s.pitch + j], r.slope[j] * s.scale[j], sum);
    const T root = r.lower[long(i) * (s.pitch + 1)];
    r.slope[i] = root > T(0) ? sum / root / s.scale[i] : T(0);
  }
}

}  // namespace
}  // namespace tundish::filtering
