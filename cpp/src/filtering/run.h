// Batches of filters on all processors.
#pragma once
#include <functional>
#include <vector>

#include "filtering/model.h"

namespace tundish::filtering {

// The first failure of a filter.
struct FilterProblem {
  Failure failure = Failure::none;
  long step = 0;
};

struct FilterOptions {
  int threads = 0;      // 0: all
  bool shared = false;  // all filters have the covariances of the first
  std::function<bool(long done)> poll;
};

// Whether a model can run on the kernel of mean_reverting.h, and is faster there.
template <class T>
bool suits_mean_reverting(const FilterModel<T>& model);

// Fills the outputs, the log-likelihoods (filters) and the problems (filters). With `shared`, the variances
// and covariances are those of one filter. Returns false when poll stopped the run.
template <class T>
bool run_filters(const FilterModel<T>& model, const FilterOutputs<T>& outputs, const FilterOptions& options,
                 double* loglik, std::vector<FilterProblem>& problems);

// The smoother of every filter.
template <class T>
bool run_smoother(const FilterModel<T>& model, const SmootherOutputs<T>& outputs,
                  const FilterOptions& options, double* loglik, std::vector<FilterProblem>& problems);

}  // namespace tundish::filtering
