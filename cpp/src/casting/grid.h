// The mesh of a section and the steps down the strand.
#pragma once
#include <vector>

#include "casting/strand_spec.h"

namespace tundish::casting {

// Steps by the time t since the meniscus, s (docs/numerics.md, "Steps and meshes for an accuracy").
struct StepLaw {
  double growth = 0;    // of a step over the time, at most
  double earliest = 1;  // s; added to the time
  double first = 0;     // of every zone, s
  double last = 0;      // where the last liquid freezes, s
  double solid = 0;     // when that is, s; 0 where it does not
};

struct Grid {
  int nx, ny;                    // nodes from the centre plane to the face, both included
  double dz_mold;                // largest step in the mould, m
  std::vector<double> dz_spray;  // and in each zone, or one for all of them
  double grading_x, grading_y;   // spacing at the centre over spacing at the face
  double ramp;                   // full step over the first one of every stretch
  // K; 0 is one mesh. Otherwise this is the finer one of two (extrapolation.h), and the steps follow the law.
  double accuracy = 0;
  StepLaw law = {};

  void check() const;
  double full_step(size_t stretch) const {
    return stretch == 0 ? dz_mold : dz_spray[dz_spray.size() == 1 ? 0 : stretch - 1];
  }
};

// Steps grow by this factor from a ramp's first to the full one.
constexpr double ramp_growth = 1.2;

// Distances of the nodes from the centre plane, in geometric progression.
std::vector<double> graded_nodes(double half_length, int nodes, double grading);

constexpr double max_steps = 1e7;
// Along an axis with an accuracy: a coarser mesh of 8 intervals loses the last solidification.
constexpr int min_nodes = 21;

// How many steps the law makes; some number above `max_steps` where there are more.
double count_steps(const Strand& strand, const StepLaw& law);

// The steps down the strand. Refuses more than 1e7 of them, and steps larger than their stretch or less than
// 1e-12 m.
std::vector<Step<double>> march_steps(const Strand& strand, const Grid& grid);

}  // namespace tundish::casting
