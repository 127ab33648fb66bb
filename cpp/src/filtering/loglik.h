// The log-likelihood of a filter's observations.
#pragma once
#include <vector>

#include "filtering/model.h"

namespace tundish::filtering {

// Adds up the log-likelihood, report by report. Determinants are multiplied and the logarithm of the product
// is taken now and then, as a logarithm takes longer than many a step. For a robust filter of one reading a
// step, it is the log-likelihood of Huber's distribution.
class LogLikelihood {
 public:
  explicit LogLikelihood(double robust = 0);
  void add(const StepReport& report);
  double value() const;
  // The two numbers that `restore` continues from.
  std::vector<double> state() const { return {sum_, product_}; }
  void restore(double sum, double product);

 private:
  double robust_, normalisation_ = 0, sum_ = 0, product_ = 1;
};

}  // namespace tundish::filtering
