// How a strand is solved, and where it is observed.
#pragma once
#include <optional>
#include <utility>
#include <vector>

#include "casting/strand_spec.h"

namespace tundish::casting {

struct Options {
  Method method = Method::adi;
  PhaseChange phase_change = PhaseChange::enthalpy;
  double relaxation = 1.4;
  std::optional<double> tolerance;  // K; default_tolerance() if not given
  int max_sweeps = 10000;
  Ordering ordering = Ordering::lexicographic;
  std::vector<std::pair<double, double>> probes;  // (x, y), m
  std::vector<double> sections;                   // z, m
  void check(const Strand& strand) const;
  // The published scheme is marched on one mesh, as published.
  bool allows_accuracy() const { return method == Method::adi && phase_change == PhaseChange::enthalpy; }
};

// The smallest tolerance that sweeps of numbers T can meet, K. A sweep rounds temperatures around 2000 K by
// some four units in their last place, and with over-relaxation what one sweep has rounded is still there
// after 1 / (2 - relaxation) more (measured in float: 1 to 1.95 come to rest here, and soon below they do
// not).
template <class T>
double min_tolerance(double relaxation);
template <class T>
double default_tolerance(double relaxation);

// Refuses a tolerance that sweeps of numbers T cannot meet.
template <class T>
void check_tolerance(const Options& options);

}  // namespace tundish::casting
