// A strand's temperatures where readings were taken: what an identification compares.
#pragma once
#include <memory>
#include <vector>

#include "casting/plan.h"

namespace tundish::casting {

struct Reading {
  int probe;           // which of the plan's
  double z;            // m
  double temperature;  // K
  double weight;       // of the square, 1 or 1/K2
};

// Where the results of a run go, by candidate; a null pointer is not written.
struct ReadingOutputs {
  double* temperature;  // (candidates, readings), K; NaN where the march diverged
  double* residual;     // (candidates, readings): temperature less reading, K
  double* jacobian;     // (candidates, gradients, readings): derivatives of the temperature
  int* status;          // (candidates,)
};

// The readings of one plan. Temperatures and their derivatives are linear in z between steps.
template <class T>
class Readings {
 public:
  // Memory that a caller keeps from run to run; for one run at a time.
  struct Memory {
    Workspace<T> workspace;
    std::vector<T> temperature, gradient;  // at the probes of all candidates
    std::vector<int> status, status_step;
  };

  // Refuses readings that the plan cannot give.
  Readings(std::shared_ptr<const Plan<T>> plan, std::vector<Reading> readings);

  const Plan<T>& plan() const { return *plan_; }
  long size() const { return long(readings_.size()); }
  const std::vector<Reading>& readings() const { return readings_; }

  // Marches all candidates once. Returns false when poll stopped it.
  bool run(const Candidates& candidates, const std::vector<int>& gradient, const ReadingOutputs& outputs,
           const RunOptions& options, Memory& memory) const;

 private:
  struct Place {
    long before;   // index of the step above, in one series of the probes' temperatures
    double share;  // of the way to the next one
  };
  Place place(const Reading& reading, size_t n) const;
  void read(const T* probes, double* values) const;
  void write(const Memory& memory, long candidate, long gradients, const ReadingOutputs& outputs) const;

  std::shared_ptr<const Plan<T>> plan_;
  std::vector<Reading> readings_;
  std::vector<Place> places_;
};

}  // namespace tundish::casting
