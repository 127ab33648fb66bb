// The filters as the rest of the library sees them: one table of functions per instruction set.
#pragma once
#include "core/isa.h"
#include "tundish/filtering/scrap.h"

namespace tundish::filtering {

// Numbers that belong to a filter of a batch and to a step; all filters, or all steps, may share them.
template <class T>
struct Series {
  const T* data;
  long filter, step;  // numbers from one to the next, 0 where they share
  const T* at(long f, long t) const { return data + f * filter + t * step; }
};

// How the state is observed: y = Z a + d; or by arXiv:2504.11319, Eq. (4), projected or by all sigma points.
enum class Observes { linear, projected, sigma };

// A batch of filters. p is 1 and all matrices are diagonal where the state is mean-reverting (`rows`).
template <class T>
struct FilterModel {
  long filters, steps;
  int n, p;
  bool rows;  // the kernel of mean_reverting.h, else that of kalman.h
  Form form;
  T robust;
  bool diagonal, diagonal_noise;  // F; Q
  Series<T> y, design, noise, intercept;
  Series<T> transition, less_one, state_noise, state_intercept;
  Series<T> initial_mean, initial_cov;
  Observes observes;
  Series<T> addition, slag_ratio, iron_oxide;
  SigmaWeights<T> sigma;
};

// Arrays to be filled, null where not wanted.
template <class T>
struct FilterOutputs {
  T *mean, *std, *cov;                      // (filters, steps, n), (.., n), (.., n, n)
  T *forecast, *forecast_var, *innovation;  // (filters, steps, p), (.., p, p), (.., p)
  T *final_mean, *final_cov;                // (filters, n), (filters, n, n)
  T *predicted_mean, *predicted_cov;
  T* slopes;  // (filters, steps, n): of the observation in the state
  T* gains;   // (steps, pitch), of a single filter
};

// What an observation adds to the log-likelihood, and what has gone wrong with it.
enum class Failure : int { none, indefinite, pole, overflow };
struct StepReport {
  double determinant, square;
  int number;  // of readings
  Failure failure;
};

// Steps from ... to - 1 of filters first ... first + count - 1, which a register's lanes take together where
// there are several; `from` is even. The memory keeps what passes from one stretch to the next.
template <class T>
struct Stretch {
  const FilterModel<T>* model;
  const FilterOutputs<T>* outputs;
  long first;
  int count;
  bool lanes;
  long from, to;
  T* memory;
  StepReport* reports;  // (count, to - from)
};

// One observation, for a filter that its caller steps.
template <class T>
struct Reading {
  const T *y, *design, *noise, *intercept;
  const T* values;  // of the sigma points, or null for a linear model
};

template <class T>
struct SmootherOutputs {
  T *mean, *std, *cov;               // as FilterOutputs
  T *disturbance, *disturbance_var;  // of the observation: (filters, steps, p), (.., p, p); may be null
  T* transition_sum;                 // (filters, n, n): sum of r r' - N over the transitions; may be null
};

template <class T>
struct FilterKernelsFor {
  int lanes;
  long (*numbers)(const FilterModel<T>&, bool lanes);  // of T that a stretch's memory must hold
  void (*run)(const Stretch<T>&);
  // Means alone, of filters whose covariances are those of the first: its gains are in the outputs. The
  // memory holds `count` means.
  long (*mean_numbers)(const FilterModel<T>&, int count);
  void (*run_means)(const Stretch<T>&);
  // Steps t of one filter.
  void (*start)(const FilterModel<T>&, long filter, T* memory);
  StepReport (*update)(const FilterModel<T>&, long t, const Reading<T>&, T* memory, T* forecast,
                       T* forecast_var, T* innovation);
  void (*predict)(const FilterModel<T>&, long filter, long t, T* memory);
  void (*moments)(const FilterModel<T>&, const T* memory, T* mean, T* variance, T* cov);  // each may be null
  // What a filter must keep to go on elsewhere, where it has been started alike.
  long (*state_numbers)(const FilterModel<T>&);
  void (*save)(const FilterModel<T>&, const T* memory, T* state);
  void (*restore)(const FilterModel<T>&, const T* state, T* memory);
  bool (*points)(const FilterModel<T>&, T* memory, T* points);  // (2n + 1, n); false where P has no factor
  // The fixed-interval smoother of one filter, of `numbers` of memory.
  long (*smoother_numbers)(const FilterModel<T>&);
  // It ends early when `stopped(asked)` is true, which is looked at now and then.
  void (*smooth)(const FilterModel<T>&, const SmootherOutputs<T>&, long filter, T* memory, StepReport*,
                 bool (*stopped)(const void*), const void* asked);
};

struct FilterKernels {
  FilterKernelsFor<double> doubles;
  FilterKernelsFor<float> floats;
  template <class T>
  const FilterKernelsFor<T>& of() const {
    if constexpr (sizeof(T) == 8)
      return doubles;
    else
      return floats;
  }
};

// The build for core::isa().
const FilterKernels& filter_kernels();
#if TUNDISH_X86_64_BUILDS
const FilterKernels& x86_64_v2_kernels();
const FilterKernels& x86_64_v3_kernels();
const FilterKernels& x86_64_v4_kernels();
#else
const FilterKernels& scalar_kernels();
#endif

}  // namespace tundish::filtering
