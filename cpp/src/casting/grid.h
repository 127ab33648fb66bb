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
  double accuracy = 0;  // K; 0 is one mesh, otherwise this is the finer one of two (extrapolation.h)

  void check() const;
  double full_step(size_t stretch) const {
    return stretch == 0 ? dz_mold : dz_spray[dz_spray.size() == 1 ? 0 : stretch - 1];
  }
};

// The two meshes and the steps that are chosen for an accuracy, K: so far off are the temperatures of probes
// and mid-faces in the mean along the strand. docs/numerics.md says how the rules were found, and what holds
// for the other fields. Refuses an accuracy that takes more steps or memory than are allowed.
Grid grid_for(const Strand& strand, double accuracy);
constexpr double default_accuracy = 0.5;

// Steps grow by this factor from a ramp's first to the full one.
constexpr double ramp_growth = 1.2;

// Distances of the nodes from the centre plane, in geometric progression.
std::vector<double> graded_nodes(double half_length, int nodes, double grading);

// The steps down the strand. Refuses more than 1e7 of them, and steps larger than their stretch or less than
// 1e-12 m.
std::vector<Step<double>> march_steps(const Strand& strand, const Grid& grid);

}  // namespace tundish::casting
