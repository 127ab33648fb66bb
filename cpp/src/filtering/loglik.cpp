#include "filtering/loglik.h"

#include <cmath>

namespace tundish::filtering {

// Huber's density has the normal one's centre and exponential tails; its integral normalises it.
LogLikelihood::LogLikelihood(double robust) : robust_(robust) {
  if (robust <= 0) return;
  const double inside = std::erf(robust / std::sqrt(2.0));
  const double outside = 2 * std::exp(-robust * robust / 2) / std::sqrt(2 * M_PI) / robust;
  normalisation_ = std::log(inside + outside);
}

double LogLikelihood::value() const { return sum_ - 0.5 * std::log(product_); }

void LogLikelihood::restore(double sum, double product) {
  sum_ = sum;
  product_ = product;
}

}  // namespace tundish::filtering
