// Compiles under: NVRTC, nvcc. The march on a GPU: one block takes one candidate, or, with derivatives, one
// candidate and up to `tangents` of them. A block's size must be a power of two, at most 1024.
#include "tundish/casting/strand.h"

namespace tundish {

constexpr int curves_per_steel = 9;   // in the order of SteelCurves
constexpr int numbers_per_steel = 8;  // in the order of casting::JobArrays::add_steel
constexpr int tangents = 8;

template <class T>
struct Curve {
  const T *rows, *tangent_rows;  // tangent_rows: (numbers in rows, tangents), or null
  T origin, per_cell, cells;
};

// Everything the blocks need, in the device's memory. A block is one job; with derivatives a candidate has
// jobs_per_candidate of them, one for every `tangents` gradients.
template <class T>
struct MarchJobs {
  March<T> march;
  Outputs<T> outputs;
  int jobs, jobs_per_candidate, gradients, n_slots;
  const T *slots, *slot_tangents;  // (candidates, n_slots), (jobs, n_slots, tangents)
  const Curve<T>* curves;          // (jobs, curves_per_steel)
  const T *steel_numbers,
      *steel_tangents;  // (candidates, numbers_per_steel), (jobs, numbers_per_steel, tangents)
  void* memory;         // `bytes_per_job` for each job: its slots and its fields
  long bytes_per_job;   // a multiple of 64
};

// Number n of a row of `count` of them: that of the job's candidate, with the job's own derivatives.
template <class Real>
struct Reader {
  __device__ static Real read(const Real* values, const Real*, int candidate, int, int count, int n) {
    return values[long(candidate) * count + n];
  }
};
template <class T, int K>
struct Reader<Dual<T, K>> {
  __device__ static Dual<T, K> read(const T* values, const T* tangents_of, int candidate, int job, int count,
                                    int n) {
    return Dual<T, K>(values[long(candidate) * count + n],
                      Pack<T, K>::read(tangents_of + (long(job) * count + n) * K));
  }
};

template <class T>
__device__ void read_curve(const Curve<T>& c, Spline<T>& s) {
  s = Spline<T>{c.rows, c.origin, c.per_cell, c.cells};
}
template <class T, int K>
__device__ void read_curve(const Curve<T>& c, Spline<Dual<T, K>>& s) {
  s = Spline<Dual<T, K>>{c.rows, reinterpret_cast<const Pack<T, K>*>(c.tangent_rows), c.origin, c.per_cell,
                         c.cells};
}

template <class T>
__device__ void read_cubics(const Curve<T>& c, Cubics<T>& cubics) {
  if (c.cells > 0) cubics.read(c.rows, c.per_cell);
}
template <class T, int K>
__device__ void read_cubics(const Curve<T>& c, Cubics<Dual<T, K>>& cubics) {
  read_cubics(c, cubics.plain);
  cubics.tangent_rows = reinterpret_cast<const Pack<T, K>*>(c.tangent_rows);
}

// The curves are read where they are, the numbers copied; derivatives belong to the job.
template <class Real, class T>
__device__ void read_steel(const MarchJobs<T>& jobs, int candidate, int job, Candidate<Real>& to) {
  SteelCurves<Real>& steel = to.steel;
  Spline<Real>* splines[] = {&steel.potential_of_enthalpy, &steel.temperature_of_potential,
                             &steel.enthalpy[0],           &steel.enthalpy[1],
                             &steel.enthalpy[2],           &steel.potential[0],
                             &steel.potential[1],          &steel.potential[2]};
  const Curve<T>* curves = jobs.curves + long(job) * curves_per_steel;
  for (int c = 0; c < curves_per_steel - 1; ++c) read_curve(curves[c], *splines[c]);
  read_cubics(curves[curves_per_steel - 1], steel.cubics);
  auto number = [&](int n) {
    return Reader<Real>::read(jobs.steel_numbers, jobs.steel_tangents, candidate, job, numbers_per_steel, n);
  };
  steel.solidus = number(0);
  steel.liquidus = number(1);
  steel.liquidus_potential = number(2);
  to.pouring_state = number(3);
  steel.solid_slope = number(4);
  steel.largest_solid_slope = number(5);
  steel.solid_heating = number(6);
  steel.liquid_slope = number(7);
}

// One block a job: its members share the slots, and divide the lines of the section among them.
template <class Real, class T>
__device__ void run_job(const MarchJobs<T>& jobs) {
  const int job = blockIdx.x, candidate = job / jobs.jobs_per_candidate;
  if (job >= jobs.jobs) return;
  const Block team;
  Real* memory = reinterpret_cast<Real*>(static_cast<char*>(jobs.memory) + job * jobs.bytes_per_job);
  for (int n = team.rank(); n < jobs.n_slots; n += team.size())
    memory[n] = Reader<Real>::read(jobs.slots, jobs.slot_tangents, candidate, job, jobs.n_slots, n);
  team.sync();

  Candidate<Real> its;
  its.slots = memory;
  read_steel(jobs, candidate, job, its);
  Fields<Real> fields;
  lay_out<Real>(jobs.march.section, jobs.march.method, team.size(), memory + jobs.n_slots, fields);
  const int gradient = job % jobs.jobs_per_candidate * tangents, left = jobs.gradients - gradient;
  const Place place{candidate, 1, gradient, left < tangents ? left : tangents, jobs.gradients, nullptr};
  if (jobs.march.phase_change == PhaseChange::enthalpy)
    run_march<Real, Block, EnthalpyBalance<Real>>(team, jobs.march, its, fields, jobs.outputs, place);
  else
    run_march<Real, Block, TemperatureCorrection<Real>>(team, jobs.march, its, fields, jobs.outputs, place);
}

}  // namespace tundish

extern "C" __global__ void march_float(const tundish::MarchJobs<float>* jobs) {
  tundish::run_job<float>(*jobs);
}
extern "C" __global__ void march_double(const tundish::MarchJobs<double>* jobs) {
  tundish::run_job<double>(*jobs);
}
extern "C" __global__ void march_dual(const tundish::MarchJobs<double>* jobs) {
  tundish::run_job<tundish::Dual<double, tundish::tangents>>(*jobs);
}
