#include "casting/grid.h"

#include <algorithm>
#include <cmath>

#include "core/refusal.h"

namespace tundish::casting {
namespace {

constexpr double max_steps = 1e7;
constexpr double min_step = 1e-12;  // m; ramps of much smaller ones would hardly grow, or not at all

// Nodes and grading that give an axis the default spacing at the face and growth from node to node.
struct DefaultAxis {
  int nodes;
  double grading;
};
DefaultAxis default_axis(double half_length) {
  const double face_spacing = 0.681e-3, growth = std::pow(5.0, 1.0 / 46);
  const double spacings = std::log1p(half_length * (growth - 1) / face_spacing) / std::log(growth);
  const int nodes = std::max(8, 4 * int(std::ceil((spacings + 1) / 4 - 0.25)));
  return {nodes, std::round(1e6 * std::pow(growth, nodes - 2)) / 1e6};
}

}  // namespace

void Grid::check() const {
  const std::pair<const char*, int> counts[] = {{"nx", nx}, {"ny", ny}};
  for (const auto& [name, nodes] : counts)
    if (nodes < 2 || nodes > 20000) core::refuse(name, nodes, "nodes; between 2 and 20000 are allowed");
  core::require_positive("dz_mold", dz_mold);
  if (dz_spray.empty()) core::refuse("dz_spray", "[]", "at least one step is needed");
  for (const double dz : dz_spray) core::require_positive("dz_spray", dz);
  for (const double grading : {grading_x, grading_y})
    if (!(grading >= 1e-4 && grading <= 1e4))
      core::refuse("grading", grading, "must be between 1e-4 and 1e4");
  if (!(std::isfinite(ramp) && ramp >= 1)) core::refuse("ramp", ramp, "must be finite and at least 1");
}

Grid default_grid(const Strand& strand) {
  constexpr double seconds_mold = 0.24, seconds_spray = 1.92, ramp = 20;
  double shortest_zone = strand.length();
  for (size_t s = 1; s < strand.stretches.size(); ++s)
    shortest_zone = std::min(shortest_zone, strand.stretches[s].end - strand.stretches[s - 1].end);
  const DefaultAxis x = default_axis(strand.width / 2), y = default_axis(strand.thickness / 2);
  return {x.nodes,
          y.nodes,
          std::min(seconds_mold * strand.speed, strand.stretches[0].end),
          {std::min(seconds_spray * strand.speed, shortest_zone)},
          x.grading,
          y.grading,
          ramp};
}

std::vector<double> graded_nodes(double half_length, int nodes, double grading) {
  std::vector<double> x(size_t(nodes), 0.0);
  for (int i = 1; i < nodes; ++i) {
    const double place = nodes > 2 ? double(i - 1) / (nodes - 2) : 0.0;
    x[size_t(i)] = x[size_t(i - 1)] + std::pow(grading, -place);
  }
  for (double& xi : x) xi *= half_length / x.back();
  x.back() = half_length;
  return x;
}

std::vector<Step<double>> march_steps(const Strand& strand, const Grid& grid) {
  if (grid.dz_spray.size() != 1 && grid.dz_spray.size() + 1 != strand.stretches.size())
    core::refuse(
        "dz_spray", grid.dz_spray.size(),
        "steps; one, or one for each of the " + std::to_string(strand.stretches.size() - 1) + " zones");
  std::vector<Step<double>> steps;
  double start = 0;
  for (size_t s = 0; s < strand.stretches.size(); ++s) {
    const double length = strand.stretches[s].end - start;
    start = strand.stretches[s].end;
    const double full = grid.full_step(s);
    if (full > length * (1 + 1e-9))
      core::refuse(s == 0 ? "dz_mold" : "dz_spray", full,
                   "m is longer than " + stretch_name(s) + ", " + std::to_string(length) + " m");
    if (double(steps.size()) + length / full > max_steps)
      core::refuse(s == 0 ? "dz_mold" : "dz_spray", full, "m makes more than 1e7 steps");
    if (full < min_step) core::refuse(s == 0 ? "dz_mold" : "dz_spray", full, "m; must be at least 1e-12 m");
    if (full / grid.ramp < min_step)
      core::refuse("ramp", grid.ramp, "makes a first step of less than 1e-12 m in " + stretch_name(s));
    std::vector<double> sizes;
    double covered = 0;
    for (double size = full / grid.ramp; covered < length * (1 - 1e-9); size *= ramp_growth) {
      sizes.push_back(std::min(size, full));
      covered += sizes.back();
    }
    // Steps that do not divide the stretch are all made a little smaller.
    for (size_t k = 0; k < sizes.size(); ++k) {
      const double size = sizes[k] * (length / covered);
      const double before = k > 1 ? steps.back().size : k == 1 ? steps.back().size / starting_steps : 0;
      steps.push_back(make_step(size, before, int(s)));
    }
  }
  return steps;
}

}  // namespace tundish::casting
