// What is cast: a plain description, checked when it is made.
#pragma once
#include <string>
#include <vector>

#include "casting/steel_spec.h"
#include "tundish/casting/strand.h"

namespace tundish::casting {

// A part of the caster with one kind of cooling on each face: heat_flux + htc (T - ambient).
struct Stretch {
  double end;           // m from the meniscus
  double heat_flux[2];  // faces x and y, W/m2
  double htc[2];        // W/(m2 K)
};

// The stretch's name in parameters and refusals: "mold", "zones.0", ...
std::string stretch_name(size_t stretch);

struct Strand {
  Steel steel;
  double width, thickness;                          // of the full section, m
  double speed;                                     // m/s
  double pouring_temperature, ambient_temperature;  // K
  std::vector<Stretch> stretches;                   // the mould, then the zones; the last ends the strand

  // Throws std::invalid_argument naming what is wrong.
  void check() const;
  double length() const { return stretches.back().end; }

  // The kernel's slots (casting/strand.h), then the steel's parameters.
  std::vector<double> slots() const;
  int n_march_slots() const { return slot_first_stretch + slots_per_stretch * int(stretches.size()); }
  std::vector<std::string> slot_names() const;
  // The slot of a dotted name such as "zones.0.htc.x"; throws std::out_of_range when there is none.
  int slot(const std::string& name) const;
  // The same strand with other numbers in its slots, checked.
  Strand with(const std::vector<double>& slots) const;
};

}  // namespace tundish::casting
