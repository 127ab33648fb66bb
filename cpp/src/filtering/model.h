// A batch of filters and its results as plain data, the same for every instruction set.
#pragma once
#include "tundish/filtering/model.h"

namespace tundish::filtering {

// Values that belong to a filter of a batch and to a step. All filters, or all steps, may share them.
template <class T>
struct Series {
  const T* data;
  long filter, step;  // distance from one to the next, 0 where they share
  const T* at(long f, long t) const { return data + f * filter + t * step; }
};

// How the state is observed: y = Z a + d; or by arXiv:2504.11319, Eq. (4), projected or with all sigma
// points.
enum class Observes { linear, projected, sigma };

// A batch of filters, in the names of the Python arguments.
template <class T>
struct FilterModel {
  long filters, steps;
  int n, p;
  bool mean_reverting;  // the kernel of mean_reverting.h (p = 1, diagonal F and Q), else that of kalman.h
  Form form;
  T robust;
  bool diagonal_transition, diagonal_state_cov;
  Series<T> y, design, obs_cov, obs_intercept;
  Series<T> transition, transition_minus_one, state_cov, state_intercept;
  Series<T> initial_mean, initial_cov;
  Observes observes;
  Series<T> addition, slag_ratio, iron_oxide;  // of Eq. (4)
  SigmaWeights<T> sigma;
};

// The arrays to fill; null where a result is not wanted.
template <class T>
struct FilterOutputs {
  T *mean, *std, *cov;                      // (filters, steps, n), (.., n), (.., n, n)
  T *forecast, *forecast_var, *innovation;  // (filters, steps, p), (.., p, p), (.., p)
  T *final_mean, *final_cov;                // (filters, n), (filters, n, n)
  T *predicted_mean, *predicted_cov;
  T* slopes;  // (filters, steps, n): of the observation in the state
  T* gains;   // (steps, pitch), of a single filter
};

template <class T>
struct SmootherOutputs {
  T *mean, *std, *cov;               // as FilterOutputs
  T *disturbance, *disturbance_var;  // of the observation: (filters, steps, p), (.., p, p); may be null
  T* transition_sum;                 // (filters, n, n): sum of r r' - N over the transitions; may be null
};

// Why a step cannot be taken: a covariance that is not positive definite, a pole of Eq. (4), or a variance
// that is not finite.
enum class Failure : int { none, indefinite, pole, overflow };

// The terms of an observation in the log-likelihood, and its failure.
struct StepReport {
  double determinant, square;
  int number;  // of readings
  Failure failure;
};

// Steps from ... to - 1 of filters first ... first + count - 1, which the lanes of a register take together
// where `lanes` is set. `from` is even, as the kernel of mean_reverting.h takes steps in pairs. The memory
// keeps the filters' state from one range of steps to the next.
template <class T>
struct StepRange {
  const FilterModel<T>* model;
  const FilterOutputs<T>* outputs;
  long first;
  int count;
  bool lanes;
  long from, to;
  T* memory;
  StepReport* reports;  // (count, to - from)
};

// One step's observation of a filter that is stepped from outside.
template <class T>
struct StepObservation {
  const T *y, *design, *obs_cov, *obs_intercept;
  const T* values;  // of the model at the sigma points, or null for a linear model
};

}  // namespace tundish::filtering
