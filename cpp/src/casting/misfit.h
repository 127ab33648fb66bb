// How far a strand's temperatures are from readings: what an identification minimises.
#pragma once
#include <mutex>
#include <vector>

#include "casting/plan.h"
#include "optimize/objective.h"

namespace tundish::casting {

struct Reading {
  int probe;           // which of the plan's
  double z;            // m
  double temperature;  // K
  double weight;       // of the square, 1 or 1/K2
};

// J = sum of weight (T - reading)^2, Eq. (15) of Energies 2020, 13, 2429, by the slots named. T is linear in
// z between steps. A march that diverges has no value, NaN.
template <class T>
class Misfit : public optimize::Objective {
 public:
  Misfit(Strand strand, const Grid& grid, const Options& options, std::vector<int> varied,
         const std::vector<Reading>& readings, int threads);
  int dimensions() const override { return int(varied_.size()); }
  // One call at a time works; others wait for it.
  void evaluate(const double* x, int count, double* f) const override;
  const Plan<T>& plan() const { return plan_; }

 private:
  struct Place {
    long before;   // index of the step above, in one candidate's probe temperatures
    double share;  // of the way to the next one
    double temperature, weight;
  };
  Place place(const Reading& reading, size_t n) const;
  double sum(const T* probe_temperature) const;

  Plan<T> plan_;
  std::vector<int> varied_;
  std::vector<Place> places_;
  int threads_;
  // Kept from call to call: an optimiser calls thousands of times with few candidates.
  mutable std::mutex mutex_;
  mutable Workspace<T> workspace_;
  mutable std::vector<T> temperature_;
  mutable std::vector<int> status_, status_step_;
};

}  // namespace tundish::casting
