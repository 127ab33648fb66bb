#include "casting/accuracy.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "casting/extrapolation.h"
#include "core/refusal.h"

namespace tundish::casting {
namespace {

constexpr double max_nodes = 2e6;               // of a section; some 200 bytes each
constexpr double max_growth_of_spacing = 0.12;  // a node; with the fewest nodes this grades by 9

// Nodes, an odd number, and grading that give an axis a spacing at the face and a growth from node to node.
struct AxisChoice {
  int nodes;
  double grading;
};
// `growth` is by how much a spacing is longer than the next one towards the face, as a share of it.
AxisChoice choose_axis(double half_length, double face_spacing, double growth) {
  const double spacings = std::log1p(half_length * growth / face_spacing) / std::log1p(growth);
  const int nodes = std::max(min_nodes, 2 * int(std::ceil(std::min(spacings, 1e6) / 2)) + 1);
  return {nodes, std::min(std::pow(1 + growth, nodes - 2), 1e4)};
}

StepLaw law_for(double growth, double earliest) {
  StepLaw law;
  law.growth = growth;
  law.earliest = earliest;
  law.first = 0.1 * std::min({1.0, growth / 0.03, earliest});
  return law;
}

// When the centre is solid, s, by a march on a coarse mesh, which finds it about 1 % late: so it looks beyond
// the strand's end. 0 where it is not.
double solid_time(Strand strand, double earliest) {
  strand.stretches.back().end *= 1.05;
  Grid grid = {17, 17, 0, {}, 6, 6, 1, 1};
  grid.law = law_for(0.06, earliest);
  const MarchStorage<double> storage(strand, grid, Options());
  JobArrays<double> arrays;
  double length = 0;
  int status = 0, status_step = 0;
  Outputs<double> outputs = {};
  outputs.metallurgical_length = &length;
  outputs.status = &status;
  outputs.status_step = &status_step;
  arrays.begin(storage.march, Carry::single, outputs);
  const std::vector<double> slots = strand.slots();
  arrays.slots.assign(slots.begin(), slots.begin() + strand.n_march_slots());
  const auto tables = strand.steel.tables(strand.pouring_temperature, false);
  arrays.add_steel(*tables, tables->pouring_enthalpy, 0);
  arrays.job.place = {0, 1, 0, 0, 0, nullptr};
  kernels().doubles.run(arrays.ready(strand.n_march_slots()));
  return status == int(Status::converged) && std::isfinite(length) ? length / strand.speed : 0;
}

// What the rules ask of a steel.
struct Traits {
  double range;         // liquidus less solidus, K
  double peak_heat;     // the heat that peaks of the solid's capacity hold, over the capacity beside them, K
  double conductivity;  // of the solid at the solidus, W/(m K)
  double diffusivity;   // with the capacity beside the peaks, m2/s
  // The heat of one kelvin over that of the solid: just above the solidus, and where the mush gives off most.
  double at_solidus, largest;
  double liquid_factor;  // conductivity of the liquid over that of the solid
};
Traits traits_of(const Steel& steel) {
  constexpr double step = 4;  // K
  std::vector<double> heats;  // of each step, J/m3
  double before = steel.property(Steel::Property::enthalpy, lowest_temperature);
  for (double T = lowest_temperature + step; T < steel.solidus() || heats.empty(); T += step) {
    const double here = steel.property(Steel::Property::enthalpy, T);
    heats.push_back(here - before);
    before = here;
  }
  std::vector<double> sorted = heats;
  std::nth_element(sorted.begin(), sorted.begin() + long(sorted.size() / 2), sorted.end());
  const double median = sorted[sorted.size() / 2];
  Traits traits = {steel.liquidus() - steel.solidus(), 0, 0, 0, 0, 0, 0};
  for (const double heat : heats) traits.peak_heat += std::max(heat / median - 1, 0.0) * step;
  traits.conductivity = steel.property(Steel::Property::conductivity, steel.solidus() - 1e-6);
  traits.diffusivity = traits.conductivity * step / median;
  traits.liquid_factor =
      steel.property(Steel::Property::conductivity, steel.liquidus() + 1e-6) / traits.conductivity;
  double below = steel.property(Steel::Property::enthalpy, steel.solidus() - 1e-3);
  for (double T = steel.solidus() + 1; T < steel.liquidus() + 1; T += 1) {
    const double here = steel.property(Steel::Property::enthalpy, T);
    const double heat = (here - below) * step / median;
    if (traits.at_solidus == 0) traits.at_solidus = heat;
    traits.largest = std::max(traits.largest, heat);
    below = here;
  }
  return traits;
}

double ramp_between(double low, double x, double high) {
  return std::clamp((x - low) / (high - low), 0.0, 1.0);
}

// Whether much of the heat is given off at one temperature, 0 to 1.
double jump(const Traits& steel) { return ramp_between(40, steel.largest, 120); }

// How smooth fronts are on a mesh, 0 to 1: the freezing range is wide, no heat is given off at one
// temperature, little at the solidus or in the solid, and the liquid conducts better than the solid.
double smoothness(const Traits& steel) {
  return ramp_between(20, steel.range, 50) * (1 - ramp_between(0, steel.peak_heat, 20)) * (1 - jump(steel)) *
         (1 - ramp_between(2, steel.at_solidus, 5)) * ramp_between(0.5, steel.liquid_factor, 2);
}

// How cold the faces are held, 0 to 1: htc over what conducts from within reach of it.
double coldness(const Strand& strand, const Traits& steel) {
  double coldest = 0, start = 0;
  for (const Stretch& stretch : strand.stretches) {
    const double reach = std::sqrt(steel.diffusivity * std::min((stretch.end - start) / strand.speed, 20.0));
    for (const double htc : stretch.htc) {
      const double biot = htc * reach / steel.conductivity;
      coldest = std::max(coldest, biot / (1 + biot));
    }
    start = stretch.end;
  }
  return coldest;
}

// What the rules make of a strand and its steel, for any accuracy.
class Rules {
 public:
  explicit Rules(const Strand& strand);

  Grid grid(double accuracy) const;

 private:
  const Strand& strand_;
  Traits steel_;
  double smooth_, cold_;
  double earliest_, solid_;  // s
};

Rules::Rules(const Strand& strand)
    : strand_(strand),
      steel_(traits_of(strand.steel)),
      smooth_(smoothness(steel_)),
      cold_(ramp_between(0.5, coldness(strand, steel_), 0.8)) {
  // Cold faces need short first steps, and so do strips that a second cools through.
  const double half = std::min(strand.width, strand.thickness) / 2;
  earliest_ = std::min(1 - 0.7 * cold_, half * half / steel_.diffusivity);
  solid_ = solid_time(strand, earliest_);
}

// Narrow freezing ranges and cold faces need finer meshes, peaks and narrow ranges shorter steps. The error
// of the mesh falls with its square, where it is extrapolated in full with its fourth power.
Grid Rules::grid(double accuracy) const {
  const double relative = accuracy / default_accuracy;
  const double narrow = std::max(1 - ramp_between(30, steel_.range, 50), jump(steel_));
  const double very_narrow = 1 - ramp_between(10, steel_.range, 30);
  const double least = 1 - std::max(0.4 * narrow + 0.15 * very_narrow, 0.4 * cold_);
  const double finer = std::pow(relative, 0.5 - 0.25 * smooth_) * least;
  const double face = 0.8e-3 * finer * std::sqrt(2.5 / 60 / strand_.speed);
  const double growth_of_spacing = std::min(0.07 * finer, max_growth_of_spacing);
  const AxisChoice x = choose_axis(strand_.width / 2, face, growth_of_spacing);
  const AxisChoice y = choose_axis(strand_.thickness / 2, face, growth_of_spacing);
  Grid grid = {x.nodes, y.nodes, 0, {}, x.grading, y.grading, 20, accuracy};
  const double growth =
      (0.0125 + 0.0125 * smooth_) / (1 + steel_.peak_heat / 45) * std::pow(relative, 1 / 1.3);
  grid.law = law_for(growth, earliest_);
  grid.law.solid = solid_;
  grid.law.last = 0.004 * solid_ * (growth / 0.03);
  return grid;
}

bool has_too_many_nodes(const Grid& grid) { return double(grid.nx) * grid.ny > max_nodes; }

// Refuses an accuracy out of reach, with one that is within it.
void refuse_accuracy(const Strand& strand, const Rules& rules, double accuracy) {
  const char* limit = has_too_many_nodes(rules.grid(accuracy)) ? "2e6 nodes of this section" : "1e7 steps";
  // Steps are counted where they are few, with something to spare, and grow as they are made smaller.
  const Grid coarse = rules.grid(default_accuracy);
  const double steps = 1.2 * count_steps(strand, coarse.law);
  double low = std::log(accuracy), high = std::log(1e6);  // out of reach and within it
  for (int halving = 0; halving < 40; ++halving) {
    const double middle = (low + high) / 2;
    const Grid grid = rules.grid(std::exp(middle));
    const bool is_out = has_too_many_nodes(grid) || steps * coarse.law.growth / grid.law.growth > max_steps;
    (is_out ? low : high) = middle;
  }
  char reached[32];
  std::snprintf(reached, sizeof reached, "%.2g", 1.05 * std::exp(high));
  core::refuse("accuracy", accuracy,
               "K takes more than " + std::string(limit) + "; " + reached + " K can be reached");
}

}  // namespace

double extrapolation_weight(const Steel& steel) {
  return smoothness(traits_of(steel)) * extrapolation_weight_of_smooth;
}

Grid grid_for(const Strand& strand, double accuracy) {
  core::require_positive("accuracy", accuracy);
  const Rules rules(strand);
  Grid grid = rules.grid(accuracy);
  if (has_too_many_nodes(grid) || count_steps(strand, grid.law) > max_steps)
    refuse_accuracy(strand, rules, accuracy);
  double shortest_zone = strand.length();
  for (size_t s = 1; s < strand.stretches.size(); ++s)
    shortest_zone = std::min(shortest_zone, strand.stretches[s].end - strand.stretches[s - 1].end);
  grid.dz_mold = std::min(0.24 * strand.speed, strand.stretches[0].end);
  grid.dz_spray = {std::min(1.92 * strand.speed, shortest_zone)};
  return grid;
}

}  // namespace tundish::casting
