// Meshes and steps for an accuracy that is asked for.
#pragma once
#include "casting/grid.h"

namespace tundish::casting {

constexpr double default_accuracy = 0.5;  // K

// The finer of two meshes, and the law of the steps, so that temperatures of probes and mid-faces are off by
// `accuracy` (K) in the mean along the strand. Its dz_mold, dz_spray and ramp are for a grid of one mesh that
// leaves them out. docs/numerics.md says how the rules were found. Refuses an accuracy that takes more steps
// or memory than are allowed.
Grid grid_for(const Strand& strand, double accuracy);

// How much of what two meshes differ by belongs to their finer one, at probes and faces: a third for steels
// that freeze over 50 K, nothing for those that freeze within 20 K or have peaks in the solid, where the
// front passes probes node by node.
double extrapolation_weight(const Steel& steel);

}  // namespace tundish::casting
