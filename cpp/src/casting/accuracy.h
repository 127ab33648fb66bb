// Meshes and steps for an accuracy that is asked for.
#pragma once
#include "casting/grid.h"

namespace tundish::casting {

constexpr double default_accuracy = 0.5;  // K

// The finer of two meshes, and the law of the steps, so that temperatures of probes and mid-faces are off by
// `accuracy` (K) in the mean along the strand. Its dz_mold, dz_spray and ramp are for a grid of one mesh that
// leaves them out. docs/numerics.md says how the rules were found. Refuses an accuracy that takes more steps or
// memory than are allowed.
Grid grid_for(const Strand& strand, double accuracy);

}  // namespace tundish::casting
