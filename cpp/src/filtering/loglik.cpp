#include "filtering/loglik.h"

#include <cmath>

namespace tundish::filtering {
namespace {

constexpr double log_two_pi = 1.8378770664093454836;

// Determinants and their product stay within these bounds, far from overflow and underflow of their product.
constexpr double min_product = 1e-100, max_product = 1e100;

}  // namespace

// Huber's density has the normal one's centre and exponential tails; its integral normalises it.
LogLikelihood::LogLikelihood(double robust) : robust_(robust) {
  if (robust <= 0) return;
  const double inside = std::erf(robust / std::sqrt(2.0));
  const double outside = 2 * std::exp(-robust * robust / 2) / std::sqrt(2 * M_PI) / robust;
  normalisation_ = std::log(inside + outside);
}

void LogLikelihood::add(const StepReport& report) {
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

double LogLikelihood::value() const { return sum_ - 0.5 * std::log(product_); }

void LogLikelihood::restore(double sum, double product) {
  sum_ = sum;
  product_ = product;
}

}  // namespace tundish::filtering
