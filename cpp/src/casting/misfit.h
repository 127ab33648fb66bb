// How far a strand's temperatures are from readings: what an identification minimises.
#pragma once
#include <mutex>

#include "casting/readings.h"
#include "optimize/objective.h"

namespace tundish::casting {

// J = sum of weight (T - reading)^2, Eq. (15) of Energies 2020, 13, 2429, by the slots named. A march that
// diverges has no value, NaN.
template <class T>
class Misfit : public optimize::Objective {
 public:
  Misfit(std::shared_ptr<const Plan<T>> plan, std::vector<int> varied, std::vector<Reading> readings,
         int threads);
  int dimensions() const override { return int(varied_.size()); }
  // One call at a time works; others wait for it.
  void evaluate(const double* x, int count, double* f) const override;
  const Plan<T>& plan() const { return readings_.plan(); }

 private:
  double sum(const double* residual) const;

  std::vector<int> varied_;
  Readings<T> readings_;
  int threads_;
  // Kept from call to call: an optimiser calls thousands of times with few candidates.
  mutable std::mutex mutex_;
  mutable typename Readings<T>::Memory memory_;
  mutable std::vector<double> residual_;
};

}  // namespace tundish::casting
