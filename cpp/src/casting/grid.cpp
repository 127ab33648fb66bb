#include "casting/grid.h"

#include <algorithm>
#include <cmath>

#include "core/refusal.h"

namespace tundish::casting {
namespace {

constexpr double min_step = 1e-12;  // m; ramps of much smaller ones would hardly grow, or not at all

// Steps of a ramp up to a full one.
std::vector<double> ramped_sizes(double length, double full, double ramp) {
  std::vector<double> sizes;
  double covered = 0;
  for (double size = full / ramp; covered < length * (1 - 1e-9); size *= ramp_growth) {
    sizes.push_back(std::min(size, full));
    covered += sizes.back();
  }
  return sizes;
}

// Steps for an accuracy, an even number, by the time t since the meniscus: proportional to it, as a front's
// is that moves with the root of the time; from a small first one where the cooling jumps; and small again
// where the last liquid freezes, which goes fast.
std::vector<double> timed_sizes(const Strand& strand, const StepLaw& law, double start, double length) {
  std::vector<double> sizes;
  double covered = 0;
  while (covered < length * (1 - 1e-9) || sizes.size() % 2 == 1) {
    const double in = covered / strand.speed, t = (start + covered) / strand.speed;
    double size = law.growth * (law.earliest + t);
    if (start > 0) size = std::min(size, law.first + 0.3 * in);
    if (t < 1.02 * law.solid) size = std::min(size, std::max(law.last, 0.03 * (law.solid - t)));
    // Two steps at least, so that the last of a short stretch is not far longer than what is left of it.
    sizes.push_back(std::min(size * strand.speed, length / 2));
    covered += sizes.back();
    if (double(sizes.size()) > max_steps) break;
  }
  return sizes;
}

}  // namespace

double count_steps(const Strand& strand, const StepLaw& law) {
  double start = 0, count = 0;
  for (const Stretch& stretch : strand.stretches) {
    count += double(timed_sizes(strand, law, start, stretch.end - start).size());
    if (count > max_steps) break;
    start = stretch.end;
  }
  return count;
}

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
    if (nodes < min_nodes || nodes % 2 == 0)
      core::refuse(
          name, nodes,
          "nodes; beside an accuracy an odd number is needed, at least " + std::to_string(min_nodes));
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

// Refuses steps that do not fit a stretch.
static void check_stretch(const Grid& grid, size_t stretch, double length, size_t steps) {
  const char* name = stretch == 0 ? "dz_mold" : "dz_spray";
  const double full = grid.full_step(stretch);
  if (full > length * (1 + 1e-9))
    core::refuse(name, full,
                 "m is longer than " + stretch_name(stretch) + ", " + std::to_string(length) + " m");
  if (double(steps) + length / full > max_steps) core::refuse(name, full, "m makes more than 1e7 steps");
  if (full < min_step) core::refuse(name, full, "m; must be at least 1e-12 m");
  if (full / grid.ramp < min_step)
    core::refuse("ramp", grid.ramp, "makes a first step of less than 1e-12 m in " + stretch_name(stretch));
}

std::vector<Step<double>> march_steps(const Strand& strand, const Grid& grid) {
  if (grid.accuracy == 0 && grid.dz_spray.size() != 1 && grid.dz_spray.size() + 1 != strand.stretches.size())
    core::refuse(
        "dz_spray", grid.dz_spray.size(),
        "steps; one, or one for each of the " + std::to_string(strand.stretches.size() - 1) + " zones");
  std::vector<Step<double>> steps;
  double start = 0;
  for (size_t s = 0; s < strand.stretches.size(); ++s) {
    const double length = strand.stretches[s].end - start;
    if (grid.accuracy == 0) check_stretch(grid, s, length, steps.size());
    const std::vector<double> sizes = grid.accuracy > 0 ? timed_sizes(strand, grid.law, start, length)
                                                        : ramped_sizes(length, grid.full_step(s), grid.ramp);
    double covered = 0;
    for (const double size : sizes) covered += size;
    // Steps that do not divide the stretch are all made a little smaller.
    for (size_t k = 0; k < sizes.size(); ++k)
      steps.push_back(make_step(sizes[k] * (length / covered),
                                int(k) < starting_steps ? 0 : last_part(steps.back()), int(s)));
    start = strand.stretches[s].end;
  }
  return steps;
}

}  // namespace tundish::casting
