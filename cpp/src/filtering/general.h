// Compiled as part of filter_kernels.cpp, once per instruction set.
//
// Any linear model: any number of observations a step, dense or changing F and Q, every form of the
// covariance. A Real is one number, or a register with one filter in every lane: small states leave most of a
// register empty unless lanes hold different filters. Both go through the same operations, so a filter's
// results are the same alone and in a batch.
#pragma once
#include "filtering/workspace.h"
#include "tundish/filtering/kalman.h"

namespace tundish::filtering {
namespace {

template <class Real>
struct GeneralFilter {
  typedef typename Number<Real>::Scalar T;
  Kalman<Real> s;
  // The model at the current step; `state_cov` is its lower factor for Form::square_root.
  Real *y, *design, *obs_cov, *obs_intercept;
  Real *transition, *transition_minus_one, *state_cov, *state_intercept;
  // Of a model that is not linear: the covariance's lower factor, and the model's values at the sigma points.
  Real *lower, *values;

  // Places this filter's arrays in `memory`, behind the filter itself, and returns the size; with null it
  // only computes the size.
  long lay_out(const FilterModel<T>& m, T* memory) {
    const long n = m.n, p = m.p, square = n * n;
    Arena<T> arena(memory);
    arena.template take<GeneralFilter>(1);
    s.n = m.n;
    s.p = m.p;
    s.form = m.form;
    s.robust = m.robust;
    Real* state = arena.template take<Real>(Kalman<Real>::workspace_size(m.n, m.p));
    s.lay_out(state);
    y = arena.template take<Real>(p);
    design = arena.template take<Real>(p * n);
    obs_cov = arena.template take<Real>(p * p);
    obs_intercept = arena.template take<Real>(p);
    transition = arena.template take<Real>(m.diagonal_transition ? n : square);
    transition_minus_one = arena.template take<Real>(m.diagonal_transition ? n : square);
    state_cov = arena.template take<Real>(m.diagonal_state_cov ? n : square);
    state_intercept = arena.template take<Real>(n);
    lower = arena.template take<Real>(square);
    values = arena.template take<Real>((2 * n + 1) * p);
    return arena.taken(memory);
  }
};

// The filter at the start of a memory.
template <class Real>
GeneralFilter<Real>& general_in(typename Number<Real>::Scalar* memory) {
  return *reinterpret_cast<GeneralFilter<Real>*>(memory);
}

// Reads the numbers of filters first, first + 1, ... into their lanes. Lanes behind the last filter repeat
// it.
template <class Real>
void gather(const Series<typename Number<Real>::Scalar>& from, long first, int count, long t, long numbers,
            Real* to) {
  typedef typename Number<Real>::Scalar T;
  if constexpr (Number<Real>::lanes == 1) {
    copy(from.at(first, t), numbers, to);
  } else if (from.filter == 0) {
    const T* data = from.at(first, t);
    for (long i = 0; i < numbers; ++i) to[i] = Real(data[i]);
  } else {
    T* lanes = reinterpret_cast<T*>(to);
    for (int lane = 0; lane < Number<Real>::lanes; ++lane) {
      const T* data = from.at(first + (lane < count ? lane : count - 1), t);
      for (long i = 0; i < numbers; ++i) lanes[i * Number<Real>::lanes + lane] = data[i];
    }
  }
}

// Writes the numbers of the lanes to their filters' results, which are `pitch` apart.
template <class Real, class T>
void scatter(const Real* from, int count, long numbers, T* to, long pitch) {
  if (!to) return;
  const T* lanes = reinterpret_cast<const T*>(from);
  for (int lane = 0; lane < count; ++lane) {
    prefetch(to + lane * pitch, numbers);
    for (long i = 0; i < numbers; ++i) to[lane * pitch + i] = lanes[i * Number<Real>::lanes + lane];
  }
}

template <class Real>
Transition<Real> transition_at(const FilterModel<typename Number<Real>::Scalar>& m,
                               const GeneralFilter<Real>& g) {
  return {g.transition, g.transition_minus_one, g.state_intercept,
          g.state_cov,  m.diagonal_transition,  m.diagonal_state_cov};
}

// Reads the transition that follows step t. What all steps share is read once, with `all`.
template <class Real>
void read_transition(const FilterModel<typename Number<Real>::Scalar>& m, GeneralFilter<Real>& g, long first,
                     int count, long t, bool all) {
  const long square = long(m.n) * m.n, numbers = m.diagonal_transition ? m.n : square;
  if (all || m.transition.step) {
    gather(m.transition, first, count, t, numbers, g.transition);
    gather(m.transition_minus_one, first, count, t, numbers, g.transition_minus_one);
  }
  if (all || m.state_intercept.step) gather(m.state_intercept, first, count, t, m.n, g.state_intercept);
  if (!all && !m.state_cov.step) return;
  gather(m.state_cov, first, count, t, m.diagonal_state_cov ? m.n : square, g.state_cov);

  // The prediction of a factor needs that of Q.
  if (m.form != Form::square_root) return;
  if (!m.diagonal_state_cov)
    factor(g.state_cov, m.n);
  else
    for (int i = 0; i < m.n; ++i) g.state_cov[i] = square_root(g.state_cov[i]);
}

// Reads the observation of step t, likewise.
template <class Real>
void read_observation(const FilterModel<typename Number<Real>::Scalar>& m, GeneralFilter<Real>& g, long first,
                      int count, long t, bool all) {
  gather(m.y, first, count, t, m.p, g.y);
  if (all || m.design.step) gather(m.design, first, count, t, long(m.p) * m.n, g.design);
  if (all || m.obs_cov.step) gather(m.obs_cov, first, count, t, long(m.p) * m.p, g.obs_cov);
  if (all || m.obs_intercept.step) gather(m.obs_intercept, first, count, t, m.p, g.obs_intercept);
}

template <class Real>
GeneralFilter<Real>& start_general(const FilterModel<typename Number<Real>::Scalar>& m, long first, int count,
                                   typename Number<Real>::Scalar* memory) {
  GeneralFilter<Real>& g = general_in<Real>(memory);
  g.lay_out(m, memory);
  gather(m.initial_mean, first, count, 0, m.n, g.s.mean);
  gather(m.initial_cov, first, count, 0, long(m.n) * m.n, g.s.covariance);
  if (m.form == Form::square_root) factor(g.s.covariance, m.n);
  read_transition(m, g, first, count, 0, true);
  return g;
}

// The report of one lane's update.
template <class Real>
StepReport report(const Update<Real>& update, const Kalman<Real>& s, int lane) {
  typedef Number<Real> N;
  for (int k = 0; k < s.p; ++k)
    if (!is_finite(N::value(s.forecast_var[k * (s.p + 1)], lane))) return {0, 0, 0, Failure::overflow};
  const Real indefinite = select(update.indefinite, Real(typename N::Scalar(1)), Real(typename N::Scalar(0)));
  const int number = int(N::value(update.number, lane));
  const bool failed = number > 0 && N::value(indefinite, lane) != 0;
  return {double(N::value(update.determinant, lane)), double(N::value(update.square, lane)), number,
          failed ? Failure::indefinite : Failure::none};
}

// Writes the covariances of the lanes' filters, `pitch` numbers apart. They are assembled in the workspace.
template <class Real, class T>
void write_covariance(const Kalman<Real>& s, int count, T* to, long pitch) {
  if (!to) return;
  for (int i = 0; i < s.n; ++i)
    for (int j = 0; j < s.n; ++j) s.work[long(i) * s.n + j] = covariance_of(s, i, j);
  scatter(s.work, count, long(s.n) * s.n, to, pitch);
}

// Writes the results of a group of filters. It holds copies, as references would be read again after every
// store: that was 6 % more instructions for two states in the lanes of four.
template <class Real>
struct ResultWriter {
  typedef typename Number<Real>::Scalar T;
  const FilterOutputs<T> out;
  const long n, p, steps, first;
  const int count;

  explicit ResultWriter(const StepRange<T>& range)
      : out(*range.outputs),
        n(range.model->n),
        p(range.model->p),
        steps(range.model->steps),
        first(range.first),
        count(range.count) {}

  // The results of step t after its update.
  TUNDISH_HD void write_step(const Kalman<Real>& s, long t) const {
    const long at = first * steps + t;
    scatter(s.forecast, count, p, shifted(out.forecast, at * p), steps * p);
    scatter(s.forecast_var, count, p * p, shifted(out.forecast_var, at * p * p), steps * p * p);
    scatter(s.innovation, count, p, shifted(out.innovation, at * p), steps * p);
    scatter(s.mean, count, n, shifted(out.mean, at * n), steps * n);
    if (out.std) {
      for (int i = 0; i < n; ++i) s.work[i] = square_root(maximum(variance_of(s, i), Real(T(0))));
      scatter(s.work, count, n, out.std + at * n, steps * n);
    }
    write_covariance(s, count, shifted(out.cov, at * n * n), steps * n * n);
    if (t + 1 < steps) return;
    scatter(s.mean, count, n, shifted(out.final_mean, first * n), n);
    write_covariance(s, count, shifted(out.final_cov, first * n * n), n * n);
  }
  // The prediction for the step behind the last one.
  TUNDISH_HD void write_prediction(const Kalman<Real>& s) const {
    scatter(s.mean, count, n, shifted(out.predicted_mean, first * n), n);
    write_covariance(s, count, shifted(out.predicted_cov, first * n * n), n * n);
  }
};

template <class Real>
void run_general(const StepRange<typename Number<Real>::Scalar>& range) {
  typedef typename Number<Real>::Scalar T;
  const FilterModel<T>& m = *range.model;
  const ResultWriter<Real> results(range);
  const long first = range.first;
  const int count = range.count;
  GeneralFilter<Real>& g =
      range.from == 0 ? start_general<Real>(m, first, count, range.memory) : general_in<Real>(range.memory);
  Kalman<Real>& s = g.s;
  for (long t = range.from; t < range.to; ++t) {
    read_observation(m, g, first, count, t, t == 0);
    const Update<Real> done = update(s, {g.design, g.obs_cov, g.obs_intercept, g.y});
    for (int lane = 0; lane < count; ++lane)
      range.reports[lane * (range.to - range.from) + t - range.from] = report(done, s, lane);
    results.write_step(s, t);
    read_transition(m, g, first, count, t, false);
    predict(s, transition_at(m, g));
  }
  if (range.to == m.steps) results.write_prediction(s);
}

}  // namespace
}  // namespace tundish::filtering
