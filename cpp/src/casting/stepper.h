// One march that its caller drives, step by step.
#pragma once
#include <map>
#include <string>

#include "casting/plan.h"

namespace tundish::casting {

class Stepper {
 public:
  Stepper(Strand strand, const Grid& grid, const Options& options);
  // False at the end of the strand.
  bool step();
  double z() const { return plan_.z()[size_t(next_)]; }
  bool at_end() const { return next_ == plan_.march().n_steps; }
  double heat() const { return heat_; }  // given off so far by the quarter section, W
  int sweeps() const { return progress_.sweeps; }
  bool converged() const { return !progress_.unconverged; }
  // Number of the stretch that the next step lies in: 0 is the mould.
  int stretch() const;
  void temperature(double* out) const;  // (ny, nx), K
  // Cooling of the steps to come; parameters of the steel and the pouring temperature are fixed.
  // All of the changes, or, when one is refused, none.
  void set(const std::map<std::string, double>& changes);
  double get(const std::string& name) const;
  const Plan<double>& plan() const { return plan_; }

 private:
  Plan<double> plan_;
  std::vector<double> slots_;
  mutable JobArrays<double> arrays_;
  Progress<double> progress_;
  double heat_ = 0;
  int place_ = 0;      // of the next step behind the last jump of the cooling
  double before_ = 0;  // what the next step continues, m
  int next_ = 0;
  bool changed_ = false;
};

}  // namespace tundish::casting
