// Richardson's extrapolation from two meshes, and an estimate of the error that is left.
#pragma once
#include <vector>

#include "casting/job.h"
#include "casting/march_storage.h"

namespace tundish::casting {

// The same strand with every other node, and once more with every other step as well. Where the error of the
// mesh falls with the square of the spacing, a third of what the two meshes differ by is added to the finer
// one. The error of the steps is estimated from the two marches on the coarser mesh.
constexpr double extrapolation_weight_of_smooth = 1.0 / 3;

template <class T>
class Extrapolation {
 public:
  // Of a mesh with an odd number of nodes along x and y, and an even number of steps in every stretch.
  // `weight` is that of probes and faces, 0 to a third (accuracy.h).
  Extrapolation(const std::vector<double>& x, const std::vector<double>& y,
                const std::vector<Step<double>>& steps, const Options& options, double weight);

  // The job has marched on the finer mesh. Marches its candidates on the others, and leaves in the job's
  // outputs what the two meshes tend to.
  void improve(JobArrays<T>& arrays, int n_slots) const;

 private:
  Outputs<T> run_on(const MarchStorage<T>& mesh, bool values_only, int n_slots, OutputMemory<T>& memory,
                    JobArrays<T>& arrays) const;
  void extrapolate_series(const MarchJob<T>& fine, const Outputs<T>& coarse) const;
  void extrapolate_sections(const MarchJob<T>& fine, const Outputs<T>& coarse) const;
  void extrapolate_numbers(const MarchJob<T>& fine, const Outputs<T>& coarse) const;
  void estimate(const MarchJob<T>& fine, const Outputs<T>& coarse, const Outputs<T>& check,
                const double* weights) const;
  double error_of_one_length(const MarchJob<T>& fine, const Outputs<T>& coarse, const Outputs<T>& check,
                             long lane, double weight) const;

  MarchStorage<T> coarse_, check_;
  std::vector<double> z_;  // (steps + 1), m
  double weight_;          // of what the meshes differ by, at probes and faces
};

}  // namespace tundish::casting
