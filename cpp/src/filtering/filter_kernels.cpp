// The table of the kernels. Built once per instruction set, with TUNDISH_KERNELS naming the function that
// returns it. The headers that hold the kernels are part of this translation unit alone and have internal
// linkage.
#define TUNDISH_INTERNAL_LINKAGE
#include "filtering/kernels.h"

#include "filtering/general.h"
#include "filtering/mean_reverting_run.h"
#include "filtering/shared_gain.h"
#include "filtering/smoothing.h"
#include "filtering/stepped.h"

namespace tundish::filtering {
namespace {

template <class T>
long workspace_size(const FilterModel<T>& m, bool lanes) {
  if (m.mean_reverting) return MeanRevertingFilter<T>().lay_out(m, nullptr);
  if (lanes) return GeneralFilter<Register<T>>().lay_out(m, nullptr);
  return GeneralFilter<T>().lay_out(m, nullptr);
}

template <class T>
void run(const StepRange<T>& range) {
  if (range.model->mean_reverting) return run_mean_reverting(range);
  if (range.lanes) return run_general<Register<T>>(range);
  return run_general<T>(range);
}

template <class T>
constexpr KernelsFor<T> kernels_for() {
  KernelsFor<T> table = {};
  table.lanes = lanes_of<T>;
  table.workspace_size = workspace_size<T>;
  table.run = run<T>;
  table.mean_workspace_size = mean_workspace_size<T>;
  table.run_means = run_means<T>;
  table.start = start_one<T>;
  table.update = update_one<T>;
  table.predict = predict_one<T>;
  table.moments = moments_of_one<T>;
  table.points = points_of_one<T>;
  table.state_size = state_size<T>;
  table.save = save<T>;
  table.restore = restore<T>;
  table.smoother_workspace_size = smoother_workspace_size<T>;
  table.smooth = smooth_one<T>;
  return table;
}

}  // namespace

const Kernels& TUNDISH_KERNELS() {
  static const Kernels table = {kernels_for<double>(), kernels_for<float>()};
  return table;
}

}  // namespace tundish::filtering
