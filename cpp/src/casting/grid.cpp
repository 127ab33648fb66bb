#include "casting/grid.h"

#include <algorithm>
#include <cmath>

#include "core/refusal.h"

namespace tundish::casting {
namespace {

constexpr double max_steps = 1e7;
constexpr double min_step = 1e-12;  // m; ramps of much smaller ones would hardly grow, or not at all

// Nodes and grading that give an axis a spacing at the face and a growth from node to node.
struct AxisChoice {
  int nodes;
  double grading;
};
AxisChoice choose_axis(double half_length, double face_spacing, double growth) {
  const double spacings = std::log1p(half_length * (growth - 1) / face_spacing) / std::log(growth);
  const int nodes = std::max(9, 2 * int(std::ceil(spacings / 2)) + 1);
  return {nodes, std::pow(growth, nodes - 2)};
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
  if (accuracy == 0) return;
  core::require_positive("accuracy", accuracy);
  for (const auto& [name, nodes] : counts)
    if (nodes < 5 || nodes % 2 == 0)
      core::refuse(name, nodes, "nodes; with an accuracy an odd number is needed, at least 5");
}

Grid grid_for(const Strand& strand, double accuracy) {
  core::require_positive("accuracy", accuracy);
  const double finer = std::pow(accuracy / default_accuracy, 1.0 / 3), shorter = std::sqrt(accuracy / default_accuracy);
  const double face = 1.3e-3 * finer, growth = 1 + 0.064 * finer;
  const AxisChoice x = choose_axis(strand.width / 2, face, growth);
  const AxisChoice y = choose_axis(strand.thickness / 2, face, growth);
  Grid grid = {x.nodes, y.nodes, 0, {}, x.grading, y.grading, 30, accuracy};
  double start = 0;
  for (const Stretch& stretch : strand.stretches) {
    const double end = stretch.end / strand.speed;
    const double full = std::min(shorter * 0.08 * std::pow(end, 0.7) * strand.speed, (stretch.end - start) / 2);
    if (start == 0)
      grid.dz_mold = full;
    else
      grid.dz_spray.push_back(full);
    start = stretch.end;
  }
  return grid;
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
    if (grid.accuracy > 0 && sizes.size() % 2 == 1) {  // two by two they are the steps of the check
      sizes.push_back(sizes.back());
      covered += sizes.back();
    }
    // Steps that do not divide the stretch are all made a little smaller.
    for (size_t k = 0; k < sizes.size(); ++k) {
      const double size = sizes[k] * (length / covered);
      steps.push_back(make_step(size, k == 0 ? 0 : last_part(steps.back()), int(s)));
    }
  }
  return steps;
}

}  // namespace tundish::casting
