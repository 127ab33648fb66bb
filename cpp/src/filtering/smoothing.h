// Compiled as part of filter_kernels.cpp, once per instruction set.
//
// The fixed-interval smoother of one filter: the filter forwards, then the smoother backwards. The backward
// pass needs the moments of every step, whose memory would grow as T n^2. So the forward pass keeps the
// prediction of every sqrt(T)-th step only, and the backward pass filters the steps in between again, range
// by range: twice the filter's time for a memory that grows as sqrt(T) n^2.
#pragma once
#include "filtering/general.h"
#include "tundish/filtering/smoother.h"

namespace tundish::filtering {
namespace {

// Steps between two kept predictions: as many predictions as steps between them take the least memory.
long stride_of(long steps) {
  long stride = 1;
  while (stride * stride < steps) ++stride;
  return stride;
}

template <class T>
struct SmootherWorkspace {
  T* filter;               // of GeneralFilter
  T *means, *covariances;  // predictions at every stride
  T* steps;                // the SmootherStep of every step of a range
  Smoother<T> back;

  // Places the arrays in `memory` and returns the size; with null it only computes the size.
  long lay_out(const FilterModel<T>& m, T* memory) {
    GeneralFilter<T> measured;
    const long n = m.n, stride = stride_of(m.steps), states = (m.steps + stride - 1) / stride;
    Arena<T> arena(memory);
    filter = arena.template take<T>(measured.lay_out(m, nullptr));
    means = arena.template take<T>(states * n);
    covariances = arena.template take<T>(states * n * n);
    steps = arena.template take<T>(stride * SmootherStep<T>::workspace_size(m.n, m.p));
    back.n = m.n;
    back.p = m.p;
    back.lay_out(arena.template take<T>(Smoother<T>::workspace_size(m.n, m.p)));
    return arena.taken(memory);
  }
};

template <class T>
long smoother_workspace_size(const FilterModel<T>& m) {
  SmootherWorkspace<T> w;
  return w.lay_out(m, nullptr);
}

// Filters steps from ... to - 1 from the state in `g`. Keeps them in `kept` for the backward pass, and their
// reports, where these are not null.
template <class T>
void filter_steps(const FilterModel<T>& m, GeneralFilter<T>& g, long filter, long from, long to, T* kept,
                  StepReport* reports) {
  for (long t = from; t < to; ++t) {
    read_observation(m, g, filter, 1, t, true);
    SmootherStep<T> step(m.n, m.p,
                         kept ? kept + (t - from) * SmootherStep<T>::workspace_size(m.n, m.p) : nullptr);
    if (kept) step.keep_prediction(g.s);
    const Update<T> done = update(g.s, {g.design, g.obs_cov, g.obs_intercept, g.y});
    if (kept) step.keep_update(g.s, g.obs_cov, g.y);
    if (reports) reports[t] = report(done, g.s, 0);
    read_transition(m, g, filter, 1, t, false);
    predict(g.s, transition_at(m, g));
  }
}

// Smooths steps to - 1 ... from, which filter_steps has kept.
template <class T>
void smooth_steps(const FilterModel<T>& m, const SmootherOutputs<T>& out, GeneralFilter<T>& g, long filter,
                  long from, long to, SmootherWorkspace<T>& w) {
  const long n = m.n, p = m.p;
  Smoother<T>& back = w.back;
  for (long t = to - 1; t >= from; --t) {
    const long at = filter * m.steps + t;
    if (t + 1 < m.steps) {
      if (out.transition_sum) add_transition(back, out.transition_sum + filter * n * n);
      read_transition(m, g, filter, 1, t, false);
      step_back(back, transition_at(m, g));
    }
    const SmootherStep<T> step(m.n, m.p, w.steps + (t - from) * SmootherStep<T>::workspace_size(m.n, m.p));
    smooth_step(back, step, shifted(out.disturbance, at * p), shifted(out.disturbance_var, at * p * p));
    write_smoothed(back, step, shifted(out.mean, at * n), shifted(out.std, at * n),
                   shifted(out.cov, at * n * n));
  }
}

template <class T>
void smooth_one(const FilterModel<T>& m, const SmootherOutputs<T>& out, long filter, T* memory,
                StepReport* reports, bool (*stopped)(const void*), const void* context) {
  const long n = m.n, stride = stride_of(m.steps), states = (m.steps + stride - 1) / stride;
  SmootherWorkspace<T> w;
  w.lay_out(m, memory);
  GeneralFilter<T>& g = start_general<T>(m, filter, 1, w.filter);
  auto end_of = [&](long state) { return (state + 1) * stride < m.steps ? (state + 1) * stride : m.steps; };

  // Forwards.
  for (long state = 0; state < states && !stopped(context); ++state) {
    copy(g.s.mean, n, w.means + state * n);
    copy(g.s.covariance, n * n, w.covariances + state * n * n);
    filter_steps<T>(m, g, filter, state * stride, end_of(state), nullptr, reports);
  }

  // Backwards, each range filtered again from its kept prediction.
  begin(w.back);
  for (long state = states - 1; state >= 0 && !stopped(context); --state) {
    const long from = state * stride;
    copy(w.means + state * n, n, g.s.mean);
    copy(w.covariances + state * n * n, n * n, g.s.covariance);
    filter_steps<T>(m, g, filter, from, end_of(state), w.steps, nullptr);
    smooth_steps(m, out, g, filter, from, end_of(state), w);
  }
}

}  // namespace
}  // namespace tundish::filtering
