// Batches of filters on all processors.
#pragma once
#include <functional>
#include <vector>

#include "core/aligned.h"
#include "filtering/filter_kernels.h"

namespace tundish::filtering {

// The log-likelihood as its terms come. Determinants are multiplied, and their logarithm taken now and then:
// it costs more than many a step. For a robust filter of one reading a step, it is that of Huber's
// distribution.
class LogLikelihood {
 public:
  explicit LogLikelihood(double robust = 0);
  void add(const StepReport& report);
  double value() const;
  std::vector<double> state() const { return {sum_, product_}; }
  void restore(double sum, double product);

 private:
  double robust_, normalisation_ = 0, sum_ = 0, product_ = 1;
};

struct FilterProblem {
  Failure failure = Failure::none;
  long step = 0;
};

struct FilterOptions {
  int threads = 0;      // 0: all
  bool shared = false;  // all filters have the covariances of the first
  std::function<bool(long done)> poll;
};

// Which kernel a model runs on.
template <class T>
bool runs_by_rows(const FilterModel<T>& model);

// Fills the outputs, the log-likelihoods (filters) and what went wrong (filters). With `shared`, the
// variances and covariances are those of one filter. False when poll stopped it.
template <class T>
bool run_filters(const FilterModel<T>& model, const FilterOutputs<T>& outputs, const FilterOptions& options,
                 double* loglik, std::vector<FilterProblem>& problems);

// The smoother of every filter.
template <class T>
bool run_smoother(const FilterModel<T>& model, const SmootherOutputs<T>& outputs,
                  const FilterOptions& options, double* loglik, std::vector<FilterProblem>& problems);

}  // namespace tundish::filtering
