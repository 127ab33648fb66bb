// Compiled as part of filter_kernels.cpp, once per instruction set.
//
// One filter whose caller takes the steps: an update by an observation, or by a model's values at the sigma
// points; a prediction; the moments; and its state, to continue it elsewhere. The arithmetic is that of a
// run, so steps give the results of a run bit for bit.
#pragma once
#include "filtering/general.h"
#include "filtering/mean_reverting_filter.h"
#include "tundish/filtering/unscented.h"

namespace tundish::filtering {
namespace {

template <class T>
void start_one(const FilterModel<T>& m, long filter, T* memory) {
  if (m.mean_reverting)
    start_mean_reverting(m, filter, memory);
  else
    start_general<T>(m, filter, 1, memory);
}

// The designs of later steps are not known here, so the matrix is multiplied with this design alone, and a
// pair is ended by a sweep of its own before the next one begins.
template <class T>
StepReport update_mean_reverting(const FilterModel<T>& m, MeanRevertingFilter<T>& r,
                                 const StepObservation<T>& observation, T* forecast, T* forecast_var,
                                 T* innovation) {
  MeanReverting<T>& s = r.s;
  if (s.downdates == 2) finish_pair(s);
  const int k = s.downdates;
  copy(observation.design, m.n, r.design(0));
  for (int i = 0; i < s.pitch; i += lanes_of<T>) weigh(s, k, r.design(0), i);
  sweep<false, true>(s, Nothing());
  const Prediction<T> f = predict_linear(r, k, r.design(0), *observation.obs_intercept);
  *forecast = f.mean;
  return apply_observation(s, k, f, *observation.obs_cov, *observation.y, m.robust, *innovation,
                           *forecast_var);
}

// Updates by the model's values at the sigma points that points_of_one has returned.
template <class T>
Update<T> update_by_values(const FilterModel<T>& m, GeneralFilter<T>& g,
                           const StepObservation<T>& observation) {
  const int n = m.n, p = m.p;
  Kalman<T>& s = g.s;
  copy(observation.values, (2l * n + 1) * p, g.values);
  moments_of_values(g.values, n, p, m.sigma, s.forecast, s.forecast_var);
  covariance_with_values(g.lower, g.values + p, n, p, m.sigma, s.product);
  for (int k = 0; k < p; ++k) s.innovation[k] = observation.y[k] - s.forecast[k];
  for (int k = 0; k < p * p; ++k) s.forecast_var[k] += observation.obs_cov[k];
  return apply_observation(s, {nullptr, observation.obs_cov, nullptr, observation.y});
}

template <class T>
StepReport update_one(const FilterModel<T>& m, const StepObservation<T>& observation, T* memory, T* forecast,
                      T* forecast_var, T* innovation) {
  if (m.mean_reverting)
    return update_mean_reverting(m, mean_reverting_in(memory), observation, forecast, forecast_var,
                                 innovation);
  GeneralFilter<T>& g = general_in<T>(memory);
  const Update<T> done =
      observation.values
          ? update_by_values(m, g, observation)
          : update(g.s, {observation.design, observation.obs_cov, observation.obs_intercept, observation.y});
  copy(g.s.forecast, m.p, forecast);
  copy(g.s.forecast_var, long(m.p) * m.p, forecast_var);
  copy(g.s.innovation, m.p, innovation);
  return report(done, g.s, 0);
}

template <class T>
void predict_one(const FilterModel<T>& m, long filter, long t, T* memory) {
  if (!m.mean_reverting) {
    GeneralFilter<T>& g = general_in<T>(memory);
    read_transition(m, g, filter, 1, t, false);
    return predict(g.s, transition_at(m, g));
  }
  MeanReverting<T>& s = mean_reverting_in(memory).s;
  predict(s);
  // An update rescales in time. Only many predictions without an observation take the scales this far.
  const T min_scale = min_kept_transition<T> * min_kept_transition<T>;
  if (s.min_scale < min_scale * min_scale || s.max_scale * (min_scale * min_scale) > T(1)) finish_pair(s);
}

template <class T>
void moments_of_one(const FilterModel<T>& m, const T* memory, T* mean, T* variance, T* cov) {
  const int n = m.n;
  if (m.mean_reverting) {
    const MeanReverting<T>& s = reinterpret_cast<const MeanRevertingFilter<T>*>(memory)->s;
    if (mean) copy(s.mean, n, mean);
    for (int i = 0; variance && i < n; ++i) variance[i] = s.scale[i] * s.scale[i] * s.variance[i];
    if (cov) covariance(s, cov);
    return;
  }
  const Kalman<T>& s = reinterpret_cast<const GeneralFilter<T>*>(memory)->s;
  if (mean) copy(s.mean, n, mean);
  for (int i = 0; variance && i < n; ++i) variance[i] = variance_of(s, i);
  for (int i = 0; cov && i < n; ++i)
    for (int j = 0; j < n; ++j) cov[long(i) * n + j] = covariance_of(s, i, j);
}

// A mean-reverting filter's state is five scalars, then its vectors and its matrix, which lie behind one
// another from `mean` on. Its size depends on the width of a register.
template <class T>
long state_size(const FilterModel<T>& m) {
  return m.mean_reverting ? 5 + MeanReverting<T>::workspace_size(m.n) : m.n + long(m.n) * m.n;
}

template <class T>
void save(const FilterModel<T>& m, const T* memory, T* state) {
  if (!m.mean_reverting) {
    const Kalman<T>& s = reinterpret_cast<const GeneralFilter<T>*>(memory)->s;
    copy(s.mean, m.n, state);
    return copy(s.covariance, long(m.n) * m.n, state + m.n);
  }
  const MeanReverting<T>& s = reinterpret_cast<const MeanRevertingFilter<T>*>(memory)->s;
  const T scalars[] = {s.min_scale, s.max_scale, s.inverse_square, T(s.downdates), T(s.pairs)};
  copy(scalars, 5, state);
  copy(s.mean, MeanReverting<T>::workspace_size(m.n), state + 5);
}

template <class T>
void restore(const FilterModel<T>& m, const T* state, T* memory) {
  if (!m.mean_reverting) {
    Kalman<T>& s = general_in<T>(memory).s;
    copy(state, m.n, s.mean);
    return copy(state + m.n, long(m.n) * m.n, s.covariance);
  }
  MeanReverting<T>& s = mean_reverting_in(memory).s;
  s.min_scale = state[0];
  s.max_scale = state[1];
  s.inverse_square = state[2];
  s.downdates = int(state[3]);
  s.pairs = int(state[4]);
  copy(state + 5, MeanReverting<T>::workspace_size(m.n), s.mean);
}

// Whether L L' is P, to rounding.
template <class T>
bool is_square_of(const T* lower, const T* covariance, int n) {
  for (int i = 0; i < n; ++i)
    for (int j = 0; j <= i; ++j) {
      T sum = covariance[long(i) * n + j];
      for (int k = 0; k <= j; ++k) sum -= lower[long(i) * n + k] * lower[long(j) * n + k];
      const T scale = square_root(absolute(covariance[long(i) * (n + 1)] * covariance[long(j) * (n + 1)]));
      if (!(absolute(sum) <= variance_rounding<T> * scale)) return false;
    }
  return true;
}

// The sigma points (2n + 1, n); false where P has no factor.
template <class T>
bool points_of_one(const FilterModel<T>& m, T* memory, T* points) {
  GeneralFilter<T>& g = general_in<T>(memory);
  copy(g.s.covariance, long(m.n) * m.n, g.lower);
  // A component of zero variance leaves a pivot of 0, which is no failure as long as L L' is P.
  if (factor(g.lower, m.n) && !is_square_of(g.lower, g.s.covariance, m.n)) return false;
  place_points(g.s.mean, g.lower, m.n, m.sigma.spread, points);
  return true;
}

}  // namespace
}  // namespace tundish::filtering
