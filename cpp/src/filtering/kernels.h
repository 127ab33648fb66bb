// The kernels as the rest of the library calls them: one table of functions per instruction set.
#pragma once
#include "core/isa.h"
#include "filtering/model.h"

namespace tundish::filtering {

// Sizes are in numbers of T.
template <class T>
struct KernelsFor {
  int lanes;

  // A batch: `run` takes a range of steps, with `workspace_size` of memory.
  long (*workspace_size)(const FilterModel<T>&, bool lanes);
  void (*run)(const StepRange<T>&);

  // Only the means, of filters whose covariances are those of the first: its gains are in the outputs.
  long (*mean_workspace_size)(const FilterModel<T>&, int count);
  void (*run_means)(const StepRange<T>&);

  // One filter that is stepped from outside.
  void (*start)(const FilterModel<T>&, long filter, T* memory);
  StepReport (*update)(const FilterModel<T>&, const StepObservation<T>&, T* memory, T* forecast,
                       T* forecast_var, T* innovation);
  void (*predict)(const FilterModel<T>&, long filter, long t, T* memory);
  void (*moments)(const FilterModel<T>&, const T* memory, T* mean, T* variance, T* cov);  // each may be null
  bool (*points)(const FilterModel<T>&, T* memory, T* points);  // (2n + 1, n); false where P has no factor
  // The state that a filter must save to be continued in another memory that was started by the same model.
  long (*state_size)(const FilterModel<T>&);
  void (*save)(const FilterModel<T>&, const T* memory, T* state);
  void (*restore)(const FilterModel<T>&, const T* state, T* memory);

  // The fixed-interval smoother of one filter. It calls `stopped(context)` now and then, and ends early when
  // the result is true.
  long (*smoother_workspace_size)(const FilterModel<T>&);
  void (*smooth)(const FilterModel<T>&, const SmootherOutputs<T>&, long filter, T* memory, StepReport*,
                 bool (*stopped)(const void*), const void* context);
};

struct Kernels {
  KernelsFor<double> doubles;
  KernelsFor<float> floats;
  template <class T>
  const KernelsFor<T>& of() const {
    if constexpr (sizeof(T) == 8)
      return doubles;
    else
      return floats;
  }
};

// The build for the instruction set that core/isa.h has chosen.
const Kernels& kernels();
#if TUNDISH_X86_64_BUILDS
const Kernels& x86_64_v2_kernels();
const Kernels& x86_64_v3_kernels();
const Kernels& x86_64_v4_kernels();
#else
const Kernels& scalar_kernels();
#endif

}  // namespace tundish::filtering
