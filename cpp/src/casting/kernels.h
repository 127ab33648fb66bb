// The kernels as the rest of the library sees them: one table of functions per instruction set.
#pragma once
#include "core/isa.h"
#include "tundish/casting/strand.h"

namespace tundish::casting {

constexpr int n_curves_of_steel = 9, numbers_of_steel = 8;
constexpr int max_lanes = 16;
constexpr int max_stretches = 1000;

// What a job carries: one candidate, one with derivatives, or one in every lane of a register.
enum class Carry { single, dual, lanes };

// One curve of the steel; lane k's rows start at rows + offset[k].
template <class T>
struct CurveOfJob {
  const T* rows;
  const T* tangent_rows;  // (numbers in rows, tangents a job), or null
  int offset[max_lanes];
  T origin[max_lanes], per_cell[max_lanes], cells[max_lanes];
};

// Everything one march needs. Numbers of candidates come as (number, lane), derivatives as (number, tangent).
template <class T>
struct MarchJob {
  const March<T>* march;
  Carry carry;
  const T *slots, *slot_tangents;
  int n_slots;
  CurveOfJob<T> curves[n_curves_of_steel];
  // Solidus, liquidus, potential at the liquidus, pouring state, then SteelCurves' slopes.
  T steel_numbers[numbers_of_steel * max_lanes], steel_tangents[numbers_of_steel * max_lanes];
  Place place;
  Outputs<T> outputs;
  T* memory;
};

// Where a march that its caller drives has come to; its fields are in the job's memory.
template <class T>
struct Progress {
  T heat_of_step = 0;  // the history of the scheme, J/m
  T heat = 0;          // given off in the step, J/m: of all parts of one at a start
  int sweeps = 1;
  bool unconverged = false;
  T ceiling = 0;  // K; the highest of all steps so far: what was heated once stays hot
};

template <class T>
struct KernelsFor {
  int lanes;                                       // candidates a job may carry
  int tangents;                                    // derivatives a job may carry
  long (*workspace_size)(const March<T>&, Carry);  // numbers that a job's memory must hold
  void (*run)(const MarchJob<T>&);
  // Stepwise, one candidate.
  void (*pour)(const MarchJob<T>&);
  void (*advance)(const MarchJob<T>&, const Step<T>&, const Step<T>* next, Progress<T>&);
  void (*temperatures)(const MarchJob<T>&, T* out);  // (y.nodes, x.nodes), K
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

// The build for core::isa().
const Kernels& kernels();
#if TUNDISH_X86_64_BUILDS
const Kernels& x86_64_v2_kernels();
const Kernels& x86_64_v3_kernels();
const Kernels& x86_64_v4_kernels();
#else
const Kernels& scalar_kernels();
#endif

}  // namespace tundish::casting
