// Built once per instruction set, with TUNDISH_KERNELS naming the function that hands the table out.
#define TUNDISH_INTERNAL_LINKAGE
#include "casting/kernels.h"

namespace tundish::casting {
namespace {

// A number for every lane, or with all its derivatives, from a job's arrays.
template <class Real>
struct Reader;
template <class T>
struct Scalars {
  static T read(const T* values, const T*, int n) { return values[n]; }
};
template <>
struct Reader<double> : Scalars<double> {};
template <>
struct Reader<float> : Scalars<float> {};
template <class T, int N>
struct Reader<Pack<T, N>> {
  static Pack<T, N> read(const T* values, const T*, int n) { return Pack<T, N>::read(values + n * N); }
};
template <class T, int K>
struct Reader<Dual<T, K>> {
  static Dual<T, K> read(const T* values, const T* tangents, int n) {
    return Dual<T, K>(values[n], Pack<T, K>::read(tangents + n * K));
  }
};

template <class T>
void read_curve(const CurveOfJob<T>& c, Spline<T>& s) {
  s.rows = c.rows + c.offset[0];
  s.origin = c.origin[0];
  s.per_cell = c.per_cell[0];
  s.cells = c.cells[0];
}
template <class T, int N>
void read_curve(const CurveOfJob<T>& c, Spline<Pack<T, N>>& s) {
  s.rows = c.rows;
  s.start_at(c.offset);
  s.origin = Pack<T, N>::read(c.origin);
  s.per_cell = Pack<T, N>::read(c.per_cell);
  s.cells = Pack<T, N>::read(c.cells);
}
template <class T, int K>
void read_curve(const CurveOfJob<T>& c, Spline<Dual<T, K>>& s) {
  s.rows = c.rows + c.offset[0];
  s.tangent_rows = reinterpret_cast<const Pack<T, K>*>(c.tangent_rows);
  s.origin = c.origin[0];
  s.per_cell = c.per_cell[0];
  s.cells = c.cells[0];
}

template <class T>
void read_cubics(const CurveOfJob<T>& c, Cubics<T>& cubics) {
  if (c.cells[0] > 0) cubics.read(c.rows + c.offset[0], c.per_cell[0]);
}
template <class T, int N>
void read_cubics(const CurveOfJob<T>& c, Cubics<Pack<T, N>>& cubics) {
  cubics.read(c.rows, c.offset, c.per_cell, c.cells);
}
template <class T, int K>
void read_cubics(const CurveOfJob<T>& c, Cubics<Dual<T, K>>& cubics) {
  read_cubics(c, cubics.plain);
  cubics.tangent_rows = reinterpret_cast<const Pack<T, K>*>(c.tangent_rows);
}

// Numbers that fill so many bytes up to the next cache line.
template <class T>
long aligned_numbers(long bytes) {
  return (bytes + 63) / 64 * 64 / long(sizeof(T));
}

// A candidate and its fields, laid out in the job's memory: its slots first, then the fields, each from a
// cache line on.
template <class Real>
struct CandidateLayout {
  typedef typename Number<Real>::Scalar T;
  Candidate<Real> candidate;
  Fields<Real> fields;

  static long workspace_size(const March<T>& march, int n_slots) {
    Fields<Real> f;
    return aligned_numbers<T>(n_slots * long(sizeof(Real))) +
           aligned_numbers<T>(lay_out<Real>(march.section, march.method, 1, nullptr, f) * long(sizeof(Real)));
  }
  // The slots are gathered from the lanes (or joined with their tangents) once a march. Curves are read where
  // they are: each lookup loads four numbers a lane.
  void read(const MarchJob<T>& job) {
    Real* slots = reinterpret_cast<Real*>(job.memory);
    for (int n = 0; n < job.n_slots; ++n) slots[n] = Reader<Real>::read(job.slots, job.slot_tangents, n);
    auto number = [&](int n) { return Reader<Real>::read(job.steel_numbers, job.steel_tangents, n); };
    candidate.slots = slots;
    SteelCurves<Real>& steel = candidate.steel;
    Spline<Real>* splines[] = {&steel.potential_of_enthalpy, &steel.temperature_of_potential,
                               &steel.enthalpy[0],           &steel.enthalpy[1],
                               &steel.enthalpy[2],           &steel.potential[0],
                               &steel.potential[1],          &steel.potential[2]};
    for (int c = 0; c < n_curves_of_steel - 1; ++c) read_curve(job.curves[c], *splines[c]);
    read_cubics(job.curves[n_curves_of_steel - 1], steel.cubics);
    steel.solidus = number(0);
    steel.liquidus = number(1);
    steel.liquidus_potential = number(2);
    candidate.pouring_state = number(3);
    steel.solid_slope = number(4);
    steel.largest_solid_slope = number(5);
    steel.solid_heating = number(6);
    steel.liquid_slope = number(7);
    T* rest = job.memory + aligned_numbers<T>(job.n_slots * long(sizeof(Real)));
    lay_out<Real>(job.march->section, job.march->method, 1, reinterpret_cast<Real*>(rest), fields);
  }
};

template <class T>
constexpr int lanes_of() {
  return Native<T>::lanes;
}
template <class T>
using Packed = Pack<T, lanes_of<T>()>;
template <class T>
using Differentiated = Dual<T, (lanes_of<T>() < 8 ? lanes_of<T>() : 8)>;

constexpr int max_slots = slot_first_stretch + slots_per_stretch * max_stretches;

template <class T>
long workspace_size(const March<T>& march, Carry carry) {
  switch (carry) {
    case Carry::single: return CandidateLayout<T>::workspace_size(march, max_slots);
    case Carry::dual: return CandidateLayout<Differentiated<T>>::workspace_size(march, max_slots);
    default: return CandidateLayout<Packed<T>>::workspace_size(march, max_slots);
  }
}

template <class Real>
void run_as(const MarchJob<typename Number<Real>::Scalar>& job) {
  CandidateLayout<Real> layout;
  layout.read(job);
  if (job.march->phase_change == PhaseChange::enthalpy)
    run_march<Real, SoleThread, EnthalpyBalance<Real>>(SoleThread(), *job.march, layout.candidate,
                                                       layout.fields, job.outputs, job.place);
  else
    run_march<Real, SoleThread, TemperatureCorrection<Real>>(SoleThread(), *job.march, layout.candidate,
                                                             layout.fields, job.outputs, job.place);
}

template <class T>
void run(const MarchJob<T>& job) {
  switch (job.carry) {
    case Carry::single: return run_as<T>(job);
    case Carry::dual: return run_as<Differentiated<T>>(job);
    case Carry::lanes: return run_as<Packed<T>>(job);
  }
}

// Hands a marcher over the job's memory to visit(marcher).
template <class T, class Visit>
void visit_marcher(const MarchJob<T>& job, Visit visit) {
  CandidateLayout<T> layout;
  layout.read(job);
  if (job.march->phase_change == PhaseChange::enthalpy) {
    Marcher<T, SoleThread, EnthalpyBalance<T>> marcher(SoleThread(), *job.march, layout.candidate,
                                                       layout.fields);
    visit(marcher);
  } else {
    Marcher<T, SoleThread, TemperatureCorrection<T>> marcher(SoleThread(), *job.march, layout.candidate,
                                                             layout.fields);
    visit(marcher);
  }
}

template <class T>
void pour(const MarchJob<T>& job) {
  visit_marcher(job, [](auto& marcher) { marcher.pour(); });
}

template <class T>
void advance(const MarchJob<T>& job, const Step<T>& step, const Step<T>* next, Progress<T>& progress) {
  visit_marcher(job, [&](auto& marcher) {
    marcher.heat_of_step = progress.heat_of_step;
    marcher.heat = 0;
    marcher.sweeps = 1;
    marcher.unconverged = false;
    marcher.ceiling = maximum(marcher.ceiling, progress.ceiling);
    marcher.advance(step, next, cooling_of(marcher.candidate.slots, step.stretch));
    const Section<T>& section = job.march->section;
    const int face_x = section.x.nodes - 1, face_y = section.y.nodes - 1;
    const bool sound = marcher.sound(marcher.temperature(0, 0), marcher.temperature(face_x, face_y),
                                     marcher.temperature(face_x, 0), marcher.temperature(0, face_y));
    progress = {marcher.heat_of_step, marcher.heat, int(marcher.sweeps), marcher.unconverged || !sound,
                marcher.ceiling};
  });
}

template <class T>
void temperatures(const MarchJob<T>& job, T* out) {
  visit_marcher(job, [&](auto& marcher) {
    const Section<T>& section = job.march->section;
    for (int j = 0; j < section.y.nodes; ++j)
      for (int i = 0; i < section.x.nodes; ++i)
        out[long(j) * section.x.nodes + i] = marcher.temperature(i, j);
  });
}

template <class T>
constexpr KernelsFor<T> kernels_for() {
  return {
      lanes_of<T>(),  lanes_of<T>() < 8 ? lanes_of<T>() : 8, workspace_size<T>, run<T>, pour<T>, advance<T>,
      temperatures<T>};
}

}  // namespace

const Kernels& TUNDISH_KERNELS() {
  static const Kernels table = {kernels_for<double>(), kernels_for<float>()};
  return table;
}

}  // namespace tundish::casting
