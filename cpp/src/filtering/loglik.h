// The log-likelihood of a filter's observations.
#pragma once
#include <cmath>
#include <vector>

#include "filtering/model.h"

namespace tundish::filtering {

// Adds up the log-likelihood, report by report. Determinants are multiplied and the logarithm of the product
// is taken now and then, as a logarithm takes longer than many a step. For a robust filter of one reading a
// step, it is the log-likelihood of Huber's distribution.
class LogLikelihood {
 public:
  explicit LogLikelihood(double robust = 0);
  // Defined here to be inlined: it is called for every step of every filter.
  void add(const StepReport& report) {
    if (report.number == 0) return;
    const double distance = std::sqrt(report.square);
    const double square =
        robust_ > 0 && distance > robust_ ? 2 * robust_ * distance - robust_ * robust_ : report.square;
    sum_ -= 0.5 * (report.number * log_two_pi + square) + normalisation_;

    const bool extreme = !(report.determinant > min_product && report.determinant < max_product);
    if (extreme)
      sum_ -= 0.5 * std::log(report.determinant);
    else
      product_ *= report.determinant;
    if (product_ > min_product && product_ < max_product) return;
    sum_ -= 0.5 * std::log(product_);
    product_ = 1;
  }
  double value() const;
  // The two numbers that `restore` continues from.
  std::vector<double> state() const { return {sum_, product_}; }
  void restore(double sum, double product);

 private:
  static constexpr double log_two_pi = 1.8378770664093454836;
  // Determinants and their product stay within these bounds, far from overflow and underflow of their
  // product.
  static constexpr double min_product = 1e-100, max_product = 1e100;

  double robust_, normalisation_ = 0, sum_ = 0, product_ = 1;
};

}  // namespace tundish::filtering
