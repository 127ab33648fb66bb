// The arrays behind the jobs of a plan.
#pragma once
#include <memory>
#include <vector>

#include "casting/kernels.h"
#include "casting/outputs.h"
#include "casting/steel_curves.h"
#include "core/aligned.h"

namespace tundish::casting {

// The arrays behind a job, kept by a worker from one job to the next. A job is filled in this order: begin(),
// `slots` and `slot_tangents` (slot, lane or tangent), add_steel() or copy_lane() for each lane, ready().
template <class T>
struct JobArrays {
  core::AlignedVector<T> rows, tangent_rows[n_curves], slots, slot_tangents, memory;
  MarchJob<T> job = {};
  const March<T>* laid_out_for = nullptr;  // what the memory is divided for
  Carry laid_out_as = Carry::single;
  OutputMemory<T> coarse, check;  // of the other meshes (extrapolation.h)
  double weights[max_lanes];      // extrapolation_weight() of each lane's steel (accuracy.h)

  void begin(const March<T>& march, Carry carry, const Outputs<T>& outputs);
  // Tables of the candidate in lane `lane`.
  void add_steel(const SteelTables& tables, double pouring_state, int lane);
  // Their derivatives, of which there are `gradients` a number.
  void add_steel_tangents(const SteelTables& tables, const std::vector<double>& pouring_state, int gradients);
  // The tables of another lane, read where they are.
  void copy_lane(int from, int to, int lanes);
  // The job with the addresses of all that has been added; lasts until the next change.
  const MarchJob<T>& ready(int n_slots);
};

// The memory of a run's workers, for callers that run often; for one run at a time.
template <class T>
class Workspace {
 public:
  // Called before the run starts and by the worker itself.
  void reserve(int workers);
  JobArrays<T>& of(int worker);

 private:
  std::vector<std::unique_ptr<JobArrays<T>>> arrays_;
};

}  // namespace tundish::casting
