#include "casting/misfit.h"

#include <algorithm>
#include <limits>

#include "core/refusal.h"

namespace tundish::casting {
namespace {

std::vector<int> checked(std::vector<int> varied, const Strand& strand) {
  const int slots = int(strand.slots().size());
  for (const int slot : varied)
    if (slot < 0 || slot >= slots) core::refuse("varied", slot, "must be the number of a slot");
  if (varied.empty()) core::refuse("varied", "none", "at least one slot is needed");
  return varied;
}

}  // namespace

template <class T>
Misfit<T>::Misfit(std::shared_ptr<const Plan<T>> plan, std::vector<int> varied, std::vector<Reading> readings,
                  int threads)
    : varied_(checked(std::move(varied), plan->strand())),
      readings_(std::move(plan), std::move(readings)),
      threads_(threads) {}

template <class T>
double Misfit<T>::sum(const double* residual) const {
  double total = 0;
  for (const Reading& reading : readings_.readings()) {
    total += reading.weight * *residual * *residual;
    ++residual;
  }
  return total;
}

template <class T>
void Misfit<T>::evaluate(const double* x, int count, double* f) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  residual_.resize(std::max(residual_.size(), size_t(count) * size_t(readings_.size())));
  RunOptions options;
  options.threads = threads_;
  readings_.run({count, varied_, x}, {}, {nullptr, residual_.data(), nullptr, nullptr}, options, memory_);
  for (int n = 0; n < count; ++n) {
    const bool diverged = memory_.status[size_t(n)] == int(Status::diverged);
    f[n] = diverged ? std::numeric_limits<double>::quiet_NaN() : sum(residual_.data() + n * readings_.size());
  }
}

template class Misfit<float>;
template class Misfit<double>;

}  // namespace tundish::casting
