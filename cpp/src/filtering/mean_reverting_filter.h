// Compiled as part of filter_kernels.cpp, once per instruction set.
//
// A filter of a mean-reverting state with one observation a step, its components in the lanes of registers:
// its memory, the weights of its designs, and the update by an observation. The algorithm is explained in
// tundish/filtering/mean_reverting.h.
#pragma once
#include "filtering/workspace.h"
#include "tundish/filtering/kalman.h"
#include "tundish/filtering/mean_reverting.h"
#include "tundish/filtering/scrap.h"

namespace tundish::filtering {
namespace {

template <class T>
struct MeanRevertingFilter {
  MeanReverting<T> s;
  T* designs;  // (4, pitch): of two pairs of observations
  T *transition, *transition_minus_one, *state_cov, *state_intercept;
  // Of the partition model: the design of u = c1 + f c2, its weight and the matrix times that, and the slope
  // of the observation in the state.
  T *design_u, *weight_u, *product_u, *slope;
  // Of its sigma points: the columns of the covariance's lower factor, stored by rows; the changes of s and u
  // along them; and the values at the points of either side, later their weighted differences.
  T *lower, *change_s, *change_u, *values;
  Heat<T> heat;

  // Places this filter's arrays in `memory`, behind the filter itself, and returns the size; with null it
  // only computes the size.
  long lay_out(const FilterModel<T>& m, T* memory) {
    const bool partition = m.observes != Observes::linear, sigma = m.observes == Observes::sigma;
    Arena<T> arena(memory);
    arena.template take<MeanRevertingFilter>(1);
    const long pitch = padded<T>(m.n);
    s.lay_out(m.n, arena.template take<T>(MeanReverting<T>::workspace_size(m.n)));
    T** const vectors[] = {&transition, &transition_minus_one, &state_cov, &state_intercept};
    for (T** v : vectors) *v = arena.template take<T>(pitch);
    designs = arena.template take<T>(4 * pitch);
    T** const of_partition[] = {&design_u, &weight_u, &product_u, &slope, &change_s, &change_u};
    for (T** v : of_partition) *v = arena.template take<T>(partition ? pitch : 0);
    lower = arena.template take<T>(sigma ? m.n * pitch : 0);
    values = arena.template take<T>(sigma ? 2 * pitch : 0);
    return arena.taken(memory);
  }
  // The place of step t's design among the four that are kept.
  T* design(long t) { return designs + t % 4 * s.pitch; }
  // The numbers of a design: the partition's last two components have none.
  int design_size(const FilterModel<T>& m) const { return m.observes == Observes::linear ? m.n : m.n - 2; }
};

// The filter at the start of a memory.
template <class T>
MeanRevertingFilter<T>& mean_reverting_in(T* memory) {
  return *reinterpret_cast<MeanRevertingFilter<T>*>(memory);
}

template <class T>
MeanRevertingFilter<T>& start_mean_reverting(const FilterModel<T>& m, long filter, T* memory) {
  MeanRevertingFilter<T> measured;
  zero(memory, measured.lay_out(m, memory));
  MeanRevertingFilter<T>& r = mean_reverting_in(memory);
  r.lay_out(m, memory);
  MeanReverting<T>& s = r.s;
  start(s, m.initial_mean.at(filter, 0), m.initial_cov.at(filter, 0));

  // The model, which is the same at all steps. A transition of 1 keeps the scales of the padding at 1.
  for (int i = 0; i < s.pitch; ++i) r.transition[i] = T(1);
  copy(m.transition.at(filter, 0), m.n, r.transition);
  copy(m.transition_minus_one.at(filter, 0), m.n, r.transition_minus_one);
  copy(m.state_cov.at(filter, 0), m.n, r.state_cov);
  copy(m.state_intercept.at(filter, 0), m.n, r.state_intercept);
  s.transition = r.transition;
  s.transition_minus_one = r.transition_minus_one;
  s.state_cov = r.state_cov;
  s.state_intercept = r.state_intercept;

  // The properties of F that decide how it is applied.
  s.uniform = true;
  s.min_transition = s.max_transition = absolute(r.transition[0]);
  for (int i = 1; i < m.n; ++i) {
    s.uniform = s.uniform && r.transition[i] == r.transition[0];
    s.min_transition = minimum(s.min_transition, absolute(r.transition[i]));
    s.max_transition = maximum(s.max_transition, absolute(r.transition[i]));
  }
  s.kept = s.min_transition >= min_kept_transition<T> && s.max_transition <= max_kept_transition<T>;
  return r;
}

// Reads the design of step t; behind the last step it is zero.
template <class T>
void read_design(const FilterModel<T>& m, MeanRevertingFilter<T>& r, long filter, long t) {
  if (t < m.steps)
    copy_row(m.design.at(filter, t), r.design_size(m), r.design(t));
  else
    zero(r.design(t), r.design_size(m));
}

// The weights of the pair that begins at step t. The second observation's scale is that of the step after.
template <class T>
void weigh_pair(MeanRevertingFilter<T>& r, long t) {
  MeanReverting<T>& s = r.s;
  const T *design = r.design(t), *next_design = r.design(t + 1);
  for (int i = 0; i < s.pitch; i += lanes_of<T>) {
    const Register<T> scale = Register<T>::read(s.scale + i);
    weigh(s, 0, design, i);
    ((scale * Register<T>::read(s.transition + i)) * Register<T>::read(next_design + i))
        .write(s.weight[1] + i);
  }
}

// The forecast of an observation. Its covariance with the state is in the pair's direction.
template <class T>
struct Prediction {
  T mean, variance;  // without the measurement's noise
  Failure failure;
};

template <class T>
Prediction<T> predict_linear(MeanRevertingFilter<T>& r, int k, const T* design, T obs_intercept) {
  MeanReverting<T>& s = r.s;
  const T variance = complete(s, k, s.weight[k], s.product[k], s.direction[k]);
  return {dot(design, s.mean, s.pitch) + obs_intercept, variance, Failure::none};
}

// Updates the state by the k-th reading of a pair, whose direction is known. A missing reading has an inverse
// variance of 0, and goes through the same operations.
template <class T>
StepReport apply_observation(MeanReverting<T>& s, int k, const Prediction<T>& f, T obs_cov, T y, T robust,
                             T& innovation, T& variance) {
  variance = f.variance + obs_cov;
  innovation = y - f.mean;
  const bool observed = y == y;
  T raised = variance, inverse = T(1) / variance;
  const T square = innovation * innovation * inverse;
  if (robust > T(0)) {
    raised = variance * inflation(square, robust);
    inverse = T(1) / raised;
  }

  // The update itself, and whether it has made a variance negative by more than rounding.
  const T weight = observed ? inverse : T(0), root = observed ? inverse * square_root(raised) : T(0);
  bool negative = false;
  for (int i = 0; i < s.pitch; i += lanes_of<T>) {
    const Register<T> before = Register<T>::read(s.variance + i);
    update(s, k, weight, root, observed ? innovation : T(0), i);
    negative = negative | any(Register<T>::read(s.variance + i) < before * -variance_rounding<T>);
  }
  s.downdates = k + 1;

  StepReport report = {double(variance), double(square), observed ? 1 : 0, f.failure};
  if (report.failure == Failure::none && observed && (negative || !(variance > T(0))))
    report.failure = Failure::indefinite;
  if (!is_finite(variance)) report.failure = Failure::overflow;
  if (!observed) report.determinant = report.square = 0;
  return report;
}

}  // namespace
}  // namespace tundish::filtering
