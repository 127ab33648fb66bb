// Compiled as part of filter_kernels.cpp, once per instruction set.
//
// Filters that share their covariances: series with the same designs, noises and gaps. The covariance and the
// gain of a step do not depend on the readings, so they are computed once, by run_mean_reverting for the
// first filter, and every filter only moves its mean. With 45 states and 64 series this took about a fifth of
// the time of separate filters (benchmarks/README.md).
#pragma once
#include "filtering/workspace.h"
#include "tundish/filtering/mean_reverting.h"

namespace tundish::filtering {
namespace {

// The design and F - 1, which all share, then the means and the intercepts of `count` filters.
template <class T>
long mean_workspace_size(const FilterModel<T>& m, int count) {
  return (2l * count + 2) * padded<T>(m.n);
}

// The means of a group of filters, step by step: the gain and the design of a step are read once for the
// group.
template <class T>
void run_means(const StepRange<T>& range) {
  const FilterModel<T>& m = *range.model;
  const FilterOutputs<T>& out = *range.outputs;
  const int n = m.n, pitch = padded<T>(n);
  T *design = range.memory, *transition_minus_one = design + pitch, *means = transition_minus_one + pitch;
  T* all_intercepts = means + long(range.count) * pitch;
  if (range.from == 0) {
    zero(range.memory, mean_workspace_size(m, range.count));
    copy(m.transition_minus_one.at(0, 0), n, transition_minus_one);
    for (int b = 0; b < range.count; ++b) {
      copy(m.initial_mean.at(range.first + b, 0), n, means + long(b) * pitch);
      copy(m.state_intercept.at(range.first + b, 0), n, all_intercepts + long(b) * pitch);
    }
  }

  for (long t = range.from; t < range.to; ++t) {
    copy_row(m.design.at(0, t), n, design);
    const T* gain = out.gains + t * pitch;
    const T variance = out.forecast_var[t], inverse = T(1) / variance;
    for (int b = 0; b < range.count; ++b) {
      const long filter = range.first + b, at = filter * m.steps + t;
      T *mean = means + long(b) * pitch, *intercepts = all_intercepts + long(b) * pitch;

      // The innovation, and its terms of the log-likelihood.
      const T y = *m.y.at(filter, t), forecast = dot(design, mean, pitch) + *m.obs_intercept.at(filter, t);
      const T innovation = y - forecast;
      const bool observed = y == y;
      out.forecast[at] = forecast;
      out.innovation[at] = innovation;
      range.reports[b * (range.to - range.from) + t - range.from] = {
          observed ? double(variance) : 0, observed ? double(innovation * innovation * inverse) : 0,
          observed ? 1 : 0, Failure::none};

      // Update and prediction of the mean in one pass over it.
      const Register<T> surprise(observed ? innovation : T(0));
      T* to = out.mean ? out.mean + at * n : nullptr;
      if (to) prefetch(to, n);
      for (int i = 0; i < pitch; i += lanes_of<T>) {
        const Register<T> a = fused(Register<T>::read(gain + i), surprise, Register<T>::read(mean + i));
        if (to) write_row(to, n, i, a);
        if (t + 1 == m.steps && i < n) write_row(out.final_mean + filter * n, n, i, a);
        (a + fused(Register<T>::read(transition_minus_one + i), a, Register<T>::read(intercepts + i)))
            .write(mean + i);
      }
      if (t + 1 == m.steps) copy(mean, n, out.predicted_mean + filter * n);
    }
  }
}

}  // namespace
}  // namespace tundish::filtering
