// The mesh of a section and the steps down the strand.
#pragma once
#include <vector>

#include "casting/strand_spec.h"

namespace tundish::casting {

struct Grid {
  int nx, ny;                    // nodes from the centre plane to the face, both included
  double dz_mold;                // largest step in the mould, m
  std::vector<double> dz_spray;  // and in each zone, or one for all of them
  double grading_x, grading_y;   // spacing at the centre over spacing at the face
  double ramp;                   // full step over the first one of every stretch

  void check() const;
  double full_step(size_t stretch) const {
    return stretch == 0 ? dz_mold : dz_spray[dz_spray.size() == 1 ? 0 : stretch - 1];
  }
};

// The grid chosen for accuracy per second: graded to 0.68 mm at the faces, as many nodes as the section asks
// for, and ramped steps of a fixed time. On the published strand this is 48 x 48 nodes, graded 5 to 1, and
// 286 steps; benchmarks/README.md says what it costs and how far off it is.
Grid default_grid(const Strand& strand);

// Steps grow by this factor from a ramp's first to the full one.
constexpr double ramp_growth = 1.2;

// Distances of the nodes from the centre plane, in geometric progression.
std::vector<double> graded_nodes(double half_length, int nodes, double grading);

// The steps down the strand. Refuses more than 1e7 of them, and steps larger than their stretch or less than
// 1e-12 m.
std::vector<Step<double>> march_steps(const Strand& strand, const Grid& grid);

}  // namespace tundish::casting
