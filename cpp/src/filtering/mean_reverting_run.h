// Compiled as part of filter_kernels.cpp, once per instruction set.
//
// The run of a filter of a mean-reverting state over its steps, in pairs. For a pair, the sweep before it has
// multiplied the covariance with both designs: the first observation's product is complete, the second's
// lacks what the first observation and its transition change, which is a multiple of a vector. So both
// updates work on vectors, and then one sweep subtracts both downdates and multiplies with the designs of the
// next pair.
//
// Where there is no next pair, or the scales must be multiplied into the matrix, the downdates and the
// products are two sweeps. Transitions outside of the kept bounds are such at every step, and their pairs
// have one step.
#pragma once
#include "filtering/mean_reverting_filter.h"
#include "filtering/partition.h"

namespace tundish::filtering {
namespace {

template <class T>
Prediction<T> predict_observation(const FilterModel<T>& m, MeanRevertingFilter<T>& r, long filter, long t,
                                  int k) {
  const T* design = r.design(t);
  if (m.observes == Observes::linear) return predict_linear(r, k, design, *m.obs_intercept.at(filter, t));
  r.heat = {*m.addition.at(filter, t), *m.slag_ratio.at(filter, t)};
  weigh_u(r, *m.iron_oxide.at(filter, t));
  return m.observes == Observes::projected ? predict_projected(r, k, design) : predict_sigma(m, r, k, design);
}

// The weights of the pair at t, and their products with the matrix as it stands. Sigma points need no
// product: they factor the matrix.
template <class T>
void multiply_pair(const FilterModel<T>& m, MeanRevertingFilter<T>& r, long t) {
  weigh_pair(r, t);
  if (m.observes != Observes::sigma) sweep<false, true>(r.s, Nothing());
}

// Writes the results of step t after its update but for the standard deviations.
template <class T>
void write_results(const FilterModel<T>& m, const FilterOutputs<T>& out, MeanRevertingFilter<T>& r,
                   long filter, long t) {
  MeanReverting<T>& s = r.s;
  const long at = filter * m.steps + t;
  const int n = m.n;
  if (out.mean) prefetch(out.mean + at * n, n);
  if (out.std) prefetch(out.std + at * n, n);
  if (out.mean)
    for (int i = 0; i < n; i += lanes_of<T>)
      write_row(out.mean + at * n, n, i, Register<T>::read(s.mean + i));
  if (out.slopes) {
    if (m.observes == Observes::sigma) find_sigma_slope(r);
    copy(r.slope, n, out.slopes + at * n);
  }
  if (out.gains) copy(s.gain, s.pitch, out.gains + t * s.pitch);
  if (out.cov) covariance(s, out.cov + at * n * n);
  if (t + 1 == m.steps) {
    copy(s.mean, n, out.final_mean + filter * n);
    covariance(s, out.final_cov + filter * n * n);
  }
}

// Step t, the k-th of its pair: the update and the prediction. False where it has failed.
template <class T>
bool take_step(const FilterModel<T>& m, const FilterOutputs<T>& out, MeanRevertingFilter<T>& r, long filter,
               long t, int k, StepReport& report) {
  const long at = filter * m.steps + t;
  const Prediction<T> f = predict_observation(m, r, filter, t, k);
  T innovation, variance;
  report = apply_observation(r.s, k, f, *m.obs_cov.at(filter, t), *m.y.at(filter, t), m.robust, innovation,
                             variance);
  out.forecast[at] = f.mean;
  out.forecast_var[at] = variance;
  out.innovation[at] = innovation;
  if (report.failure != Failure::none) return false;
  write_results(m, out, r, filter, t);
  predict(r.s);
  return true;
}

// The standard deviations of a pair. Their square roots leave the multipliers free, so they are taken between
// the registers of a sweep: the first strip writes those of the first step, the second strip those of the
// second. A sweep of one strip writes both.
template <class T>
struct DeviationWriter {
  const MeanReverting<T>& s;
  T* std;  // of the pair's first step, or null
  bool one_strip;

  TUNDISH_HD void write(int i, int k) const {
    const Register<T> variance = maximum(Register<T>::read(s.filtered[k] + i), Register<T>(T(0)));
    write_row(std + long(k) * s.n, s.n, i, square_root(variance));
  }
  TUNDISH_HD void operator()(int i, int strip) const {
    if (!std) return;
    if (strip < 2) write(i, strip);
    if (one_strip) write(i, 1);
  }
};

// From the pair of so many observations at t, whose updates are done, to the next one.
template <class T>
void advance_pair(const FilterModel<T>& m, const FilterOutputs<T>& out, MeanRevertingFilter<T>& r,
                  long filter, long t, int observations) {
  MeanReverting<T>& s = r.s;
  const DeviationWriter<T> deviations = {s, shifted(out.std, (filter * m.steps + t) * m.n),
                                         strips_of(s) == 1};
  if (t + 2 < m.steps && s.kept && !rescales(s)) {
    refresh(s);
    weigh_pair(r, t + 2);
    if (m.observes != Observes::sigma)
      sweep<true, true>(s, deviations);
    else
      sweep<true, false>(s, deviations);
    s.downdates = 0;
  } else {
    for (int k = 0; out.std && k < observations; ++k)
      for (int i = 0; i < m.n; i += lanes_of<T>) deviations.write(i, k);
    if (s.kept) finish_pair(s);
    const int pair = s.kept ? 2 : 1;
    if (t + pair < m.steps) multiply_pair(m, r, t + pair);
  }
}

template <class T>
void run_mean_reverting(const StepRange<T>& range) {
  const FilterModel<T>& m = *range.model;
  const FilterOutputs<T> out = *range.outputs;  // a copy: a reference would be read again after every store
  const long filter = range.first;
  MeanRevertingFilter<T>& r =
      range.from == 0 ? start_mean_reverting(m, filter, range.memory) : mean_reverting_in(range.memory);
  if (range.from == 0) {
    read_design(m, r, filter, 0);
    read_design(m, r, filter, 1);
    multiply_pair(m, r, 0);
  }
  const int pair = r.s.kept ? 2 : 1;
  for (long t = range.from; t < range.to; t += pair) {
    read_design(m, r, filter, t + 2);
    read_design(m, r, filter, t + 3);
    const int observations = t + 1 < m.steps ? pair : 1;
    for (int k = 0; k < observations; ++k)
      if (!take_step(m, out, r, filter, t + k, k, range.reports[t + k - range.from])) return;
    advance_pair(m, out, r, filter, t, observations);
  }
  if (range.to != m.steps) return;
  copy(r.s.mean, m.n, out.predicted_mean + filter * m.n);
  covariance(r.s, out.predicted_cov + filter * m.n * m.n);
}

}  // namespace
}  // namespace tundish::filtering
