// Compiles under: g++, clang++, nvcc, NVRTC. Uses no std headers.
//
// The march: one section carried from the meniscus down the strand at casting speed, and what is observed
// of it on the way.
#pragma once
#include "tundish/casting/adi.h"
#include "tundish/casting/sor.h"

TUNDISH_NAMESPACE_BEGIN

template <class Real>
struct Candidate {
  const Real* slots;
  SteelCurves<Real> steel;
  Real pouring_state;  // enthalpy or temperature, as the state is
  // 0, or how strongly the fronts of a march are damped that diverged without.
  Real damping = Real(typename Number<Real>::Scalar(0));
};

// Writes to the rows of one job.
struct Writer {
  Place place;

  template <class Real, class T>
  TUNDISH_HD void write(T* base, long row, long offset, Real x) const {
    if (!base) return;
    for (int lane = 0; lane < place.lanes; ++lane)
      base[(place.candidate + lane) * row + offset] = T(Number<Real>::value(x, lane));
  }
  template <class Real, class T>
  TUNDISH_HD void write_gradient(T*, long, long, Real) const {}
  template <class S, int K, class T>
  TUNDISH_HD void write_gradient(T* base, long row, long offset, Dual<S, K> x) const {
    if (!base) return;
    for (int k = 0; k < place.tangents; ++k)
      base[(place.candidate * place.gradients + place.gradient + k) * row + offset] = x.tangent[k];
  }
};

template <class Real>
TUNDISH_HD Cooling<Real> cooling_of(const Real* slots, int stretch) {
  const Real* s = slots + slot_first_stretch + slots_per_stretch * stretch;
  return Cooling<Real>{s[0], s[1], s[2], s[3], slots[slot_ambient_temperature]};
}

// One candidate (or one pack of them) on its way down.
template <class Real, class Team, class Phase>
struct Marcher {
  typedef typename Number<Real>::Scalar Scalar;
  typedef typename Number<Real>::Mask Mask;
  // Candidates in lanes would have to wait for the slowest of them; plan.cpp relaxes them one by one.
  static constexpr bool relaxes = Number<Real>::lanes == 1;

  Team team;
  const March<Scalar>& march;
  const Candidate<Real>& candidate;
  Fields<Real> f;
  Phase phase;
  Real heat_of_step, heat;  // J/m
  Real sweeps;
  Mask unconverged;
  bool damps;    // any of the candidates
  Real ceiling;  // what no temperature rises above, K

  TUNDISH_HD Marcher(Team team, const March<Scalar>& march, const Candidate<Real>& candidate,
                     const Fields<Real>& fields)
      : team(team), march(march), candidate(candidate), f(fields), phase(candidate.steel) {
    damps = any(candidate.damping > Real(Scalar(0)));
    ceiling = candidate.steel.liquidus + Scalar(highest_superheat);
  }

  // The meniscus: one temperature everywhere, padding included.
  TUNDISH_HD_LARGE void pour() {
    Real potential, slope;
    phase.properties(candidate.pouring_state, potential, slope);
    for (long n = team.rank(); n < march.section.field_size; n += team.size()) {
      f.state[n] = candidate.pouring_state;
      f.potential[n] = potential;
    }
    for (int i = team.rank(); i < march.section.columns; i += team.size())
      f.lowest[i] = f.highest[i] = potential;
    if (march.method == Method::adi)
      pour_for_adi(phase.implicit_slope(slope));
    else if constexpr (relaxes)
      pour_for_relaxation();
    heat_of_step = heat = Real(Scalar(0));
    sweeps = Real(Scalar(1));
    unconverged = Real(Scalar(1)) < Real(Scalar(0));
    lower_ceiling(temperature_of(potential));
    team.sync();
  }

  // Steel that is given no heat gets no hotter than it was poured, or than its surroundings. A march that
  // rocks does so before it leaves the range that the steel is known in.
  TUNDISH_HD void lower_ceiling(Real poured) {
    const Real zero = Real(Scalar(0));
    Mask heated = zero < zero;
    for (int s = 0; march.n_steps > 0 && s <= march.steps[march.n_steps - 1].stretch; ++s) {
      const Cooling<Real> cooling = cooling_of(candidate.slots, s);
      heated = heated | (cooling.flux_x < zero) | (cooling.flux_y < zero);
    }
    const Real tolerance = Real(Scalar(5));
    const Real hottest = maximum(poured, candidate.slots[slot_ambient_temperature]) + tolerance;
    ceiling = select(heated, ceiling, minimum(ceiling, hottest));
  }

  TUNDISH_HD void pour_for_adi(Real slope) {
    for (long n = team.rank(); n < march.section.field_size; n += team.size()) {
      f.increment[n] = Real(Scalar(0));
      f.slope[n] = slope;
    }
    for (int j = team.rank(); j < march.section.rows; j += team.size()) f.face_slope_x[j] = Real(Scalar(0));
    for (int i = team.rank(); i < march.section.columns; i += team.size())
      f.face_slope_y[i] = Real(Scalar(0));
  }
  TUNDISH_HD void pour_for_relaxation() {
    const long nodes = march.section.field_size;
    Real* const fields[] = {f.temperature, f.conductivity, f.capacity};
    for (Real* field : fields)
      for (long n = team.rank(); n < nodes; n += team.size()) field[n] = Real(Scalar(0));
    for (long n = team.rank(); n < NodeEquation<Real>::numbers * nodes; n += team.size())
      f.equations[n] = Real(Scalar(0));
    team.sync();
    lag_properties(team, march.section, phase, f);
  }

  TUNDISH_HD void advance(const Step<Scalar>& step, const Cooling<Real>& cooling) {
    const Real duration = step.size / candidate.slots[slot_speed];
    if (march.method == Method::adi) {
      heat_of_step =
          step_adi(team, march.section, phase, cooling, step_size(step, duration), heat_of_step, f);
    } else if constexpr (relaxes) {
      heat_of_step =
          step_sor(team, march.section, phase, cooling, duration, march.relaxation, f, sweeps, unconverged);
    }
    heat = heat + heat_of_step;
  }

  // Freezing fronts set large steps rocking: two-dimensional splitting is unstable from some 100 liquid
  // diffusion times of the finest cell on. Half of the neighbours' slope holds a step of 70, of most strands;
  // docs/numerics.md has the numbers for the others.
  TUNDISH_HD StepSize<Real> step_size(const Step<Scalar>& step, Real duration) const {
    const Real one = Real(Scalar(1)), &damping = candidate.damping;
    const Real span = step.share * duration;
    const Real times = span * phase.liquid_slope * march.section.finest;
    const Real held = minimum(one, (one + Scalar(0.5) * damping) * times * (1 / Scalar(140)));
    const Real floor = minimum(minimum(one, Scalar(0.2) * damping), held);
    return {step.memory, span, held, damps, floor * phase.liquid_slope, damping / (one + damping)};
  }

  TUNDISH_HD Real temperature(int i, int j) const {
    return temperature_of(f.potential[march.section.at(i, j)]);
  }
  TUNDISH_HD Real temperature_of(Real potential) const {
    Real temperature, unused;
    candidate.steel.temperature_of_potential.lookup(potential, temperature, unused);
    return temperature;
  }
  // Whether the temperatures lie in the range that the steel is known in; NaN lies in none. Relaxation keeps
  // no extremes of the columns: there the four given ones speak for all.
  TUNDISH_HD_LARGE Mask sound(Real centre, Real corner, Real middle_x, Real middle_y) const {
    Real coldest = f.lowest[0], hottest = f.highest[0];
    for (int i = 1; i < march.section.x.nodes; ++i) {
      coldest = minimum(coldest, f.lowest[i]);
      hottest = maximum(hottest, f.highest[i]);
    }
    coldest = minimum(minimum(temperature_of(coldest), corner), minimum(middle_x, middle_y));
    hottest = maximum(maximum(temperature_of(hottest), centre), maximum(middle_x, middle_y));
    return (coldest >= Real(Scalar(lowest_temperature))) & (hottest <= ceiling) & (corner == corner) &
           (middle_x == middle_x) & (middle_y == middle_y) & (centre == centre);
  }
  TUNDISH_HD Real reading(const Probe<Scalar>& probe) const {
    Real potential = Real(Scalar(0));
    for (int b = 0; b < 4; ++b) {
      Real row = Real(Scalar(0));
      for (int a = 0; a < 4; ++a)
        row = row + probe.weight_x[a] * f.potential[march.section.at(probe.i + a, probe.j + b)];
      potential = potential + probe.weight_y[b] * row;
    }
    return temperature_of(potential);
  }
};

// Everything that is observed of one candidate, step by step.
template <class Real, class Team, class Phase>
struct Observer {
  typedef typename Number<Real>::Scalar Scalar;
  typedef typename Number<Real>::Mask Mask;
  typedef Marcher<Real, Team, Phase> Marching;

  const Marching& m;
  const Outputs<Scalar>& out;
  Writer writer;
  Real z, length;
  Real enthalpy;  // of the centre, J/m3
  Mask solidified, failed;
  Real failed_step, unconverged_step;
  Real enthalpy_at_start;

  TUNDISH_HD Observer(const Marching& m, const Outputs<Scalar>& out, const Place& place)
      : m(m), out(out), writer{place} {}

  TUNDISH_HD bool writes() const { return m.team.rank() == 0; }

  TUNDISH_HD void start() {
    const Real zero = Real(Scalar(0));
    z = zero;
    length = Real(Scalar(1)) / zero;  // infinite, and no number its derivatives
    solidified = failed = Real(Scalar(1)) < zero;
    failed_step = unconverged_step = Real(Scalar(-1));
    enthalpy_at_start = section_enthalpy(m.march.section, m.phase, m.f);
    enthalpy = centre_enthalpy();
    observe(0);
  }

  // The fields of the section that has just been reached: step 0 is the meniscus.
  TUNDISH_HD_LARGE void observe(int step) {
    const auto& section = m.march.section;
    if (out.solid_fraction || out.liquid_fraction) observe_phases(step);
    if (writes()) {
      const long row = m.march.n_steps + 1;
      const int face_x = section.x.nodes - 1, face_y = section.y.nodes - 1;
      const Real centre = m.temperature(0, 0), corner = m.temperature(face_x, face_y);
      const Real middle_x = m.temperature(face_x, 0), middle_y = m.temperature(0, face_y);
      writer.write(out.centre_temperature, row, step, centre);
      writer.write(out.corner_temperature, row, step, corner);
      writer.write(out.face_temperature, 2 * row, step, middle_x);
      writer.write(out.face_temperature, 2 * row, row + step, middle_y);
      writer.write(out.heat, row, step, m.candidate.slots[slot_speed] * m.heat);
      if (out.shell_thickness) observe_shells(step);
      if (out.probe_temperature || out.probe_gradient) observe_probes(step);
      if (step > 0) {
        follow_centre(m.march.steps[step - 1].size);
        writer.write(out.iterations, m.march.n_steps, step - 1, m.sweeps);
        check(step, centre, corner, middle_x, middle_y);
      }
    }
    if (out.section_temperature) observe_sections(step);
    m.team.sync();
  }

  TUNDISH_HD_LARGE void observe_probes(int step) {
    const long row = m.march.n_steps + 1;
    for (int p = 0; p < m.march.n_probes; ++p) {
      const Real reading = m.reading(m.march.probes[p]);
      writer.write(out.probe_temperature, m.march.n_probes * row, p * row + step, reading);
      writer.write_gradient(out.probe_gradient, m.march.n_probes * row, p * row + step, reading);
    }
  }

  TUNDISH_HD_LARGE void observe_phases(int step) {
    const auto& section = m.march.section;
    const long row = m.march.n_steps + 1;
    measure_phases(m.team, section, m.candidate.steel, m.f);
    if (!writes()) return;
    Scalar height = Scalar(0), area = Scalar(0);  // summed in the order of the parts: all liquid is exactly 1
    for (int j = 0; j + 1 < section.y.nodes; ++j) height = height + section.y.spacing[j];
    Real solid = Real(Scalar(0)), liquid = Real(Scalar(0));
    for (int i = 0; i + 1 < section.x.nodes; ++i) {
      area = area + section.x.spacing[i] * height;
      solid = solid + section.x.spacing[i] * m.f.solid[i];
      liquid = liquid + section.x.spacing[i] * m.f.liquid[i];
    }
    writer.write(out.solid_fraction, row, step, solid / area);
    writer.write(out.liquid_fraction, row, step, liquid / area);
  }

  TUNDISH_HD_LARGE void observe_shells(int step) {
    const long row = m.march.n_steps + 1;
    const Shells<Real> shell = measure_shells(m.march.section, m.f);
    writer.write(out.shell_thickness, 2 * row, step, shell.x);
    writer.write(out.shell_thickness, 2 * row, row + step, shell.y);
  }

  TUNDISH_HD_LARGE void observe_sections(int step) {
    const auto& section = m.march.section;
    const long nodes = long(section.x.nodes) * section.y.nodes;
    for (int s = 0; s < m.march.n_sections; ++s) {
      const SectionOutput<Scalar>& output = m.march.sections[s];
      if (step != output.step && step != output.step + 1) continue;
      for (int j = m.team.rank(); j < section.y.nodes; j += m.team.size())
        for (int i = 0; i < section.x.nodes; ++i)
          add_to_section(s * nodes + long(j) * section.x.nodes + i, nodes * m.march.n_sections,
                         m.temperature(i, j), step == output.step ? 1 - output.weight : output.weight,
                         step == output.step);
    }
  }
  TUNDISH_HD void add_to_section(long offset, long row, Real temperature, Scalar weight, bool first) {
    for (int lane = 0; lane < writer.place.lanes; ++lane) {
      Scalar& kept = out.section_temperature[(writer.place.candidate + lane) * row + offset];
      const Scalar part = weight * Number<Real>::value(temperature, lane);
      kept = first ? part : kept + part;
    }
  }

  TUNDISH_HD Real centre_enthalpy() const { return m.phase.enthalpy(m.f.state[m.march.section.at(0, 0)]); }

  // The metallurgical length: where the centre's enthalpy falls to that of the solidus, 0, straight between
  // two steps. Its temperature has a kink there; the enthalpy has none, for it follows the flow of heat.
  TUNDISH_HD_LARGE void follow_centre(Scalar size) {
    const Real zero = Real(Scalar(0)), before = enthalpy;
    enthalpy = centre_enthalpy();
    const Mask now = (!solidified) & (enthalpy <= zero);
    const Real fall = select(now, before - enthalpy, Real(Scalar(1)));
    length = select(now, z + size * (before / fall), length);
    solidified = solidified | now;
    z = z + size;
  }

  // Whether the temperatures are still sound, and the sweeps converged.
  TUNDISH_HD_LARGE void check(int step, Real centre, Real corner, Real middle_x, Real middle_y) {
    const Mask sound = m.sound(centre, corner, middle_x, middle_y);
    const Real here = Real(Scalar(step));
    failed_step = select(!(sound | failed), here, failed_step);
    failed = failed | !sound;
    unconverged_step = select(m.unconverged & (unconverged_step < Real(Scalar(0))), here, unconverged_step);
  }

  TUNDISH_HD_LARGE void finish() {
    if (!writes()) return;
    const Real lost = enthalpy_at_start - section_enthalpy(m.march.section, m.phase, m.f);
    const Real moved = select(absolute(m.heat) > Real(Scalar(0)), absolute(m.heat), Real(Scalar(1)));
    writer.write(out.energy_imbalance, 1, 0, absolute(m.heat - lost) / moved);
    writer.write(out.metallurgical_length, 1, 0, length);
    writer.write_gradient(out.metallurgical_length_gradient, 1, 0, length);
    for (int lane = 0; lane < writer.place.lanes; ++lane) {
      const int fail = int(Number<Real>::value(failed_step, lane));
      if (writer.place.diverged) writer.place.diverged[lane] = fail >= 0;
      if (!out.status) continue;
      const int slow = int(Number<Real>::value(unconverged_step, lane));
      const Status status = fail >= 0   ? Status::diverged
                            : slow >= 0 ? Status::not_converged
                                        : Status::converged;
      out.status[writer.place.candidate + lane] = int(status);
      out.status_step[writer.place.candidate + lane] = fail >= 0 ? fail : slow;
    }
  }
};

TUNDISH_HD bool stopped(const bool* stop) {
#if TUNDISH_ON_GPU
  return stop && *const_cast<const volatile bool*>(stop);
#else
  return stop && __atomic_load_n(stop, __ATOMIC_RELAXED);
#endif
}

// Marches one candidate, or one pack of them, from the meniscus to the end.
template <class Real, class Team, class Phase>
TUNDISH_HD void run_march(Team team, const March<typename Number<Real>::Scalar>& march,
                          const Candidate<Real>& candidate, const Fields<Real>& fields,
                          const Outputs<typename Number<Real>::Scalar>& outputs, const Place& place) {
  Marcher<Real, Team, Phase> marcher(team, march, candidate, fields);
  marcher.pour();
  Observer<Real, Team, Phase> observer(marcher, outputs, place);
  observer.start();
  for (int k = 0; k < march.n_steps; ++k) {
    if (stopped(place.stop)) return;
    marcher.advance(march.steps[k], cooling_of(candidate.slots, march.steps[k].stretch));
    observer.observe(k + 1);
  }
  observer.finish();
}

// Lays the fields of one candidate out in `memory`; returns the numbers needed (call with null to ask).
template <class Real>
TUNDISH_HD long lay_out(const Section<typename Number<Real>::Scalar>& section, Method method, int team_size,
                        Real* memory, Fields<Real>& f) {
  const long nodes = section.field_size, rows = section.rows, columns = section.columns;
  const long longest = columns > rows ? columns : rows;
  long used = 0;
  auto take = [&](long n) {
    Real* p = memory ? memory + used : nullptr;
    used += n;
    return p;
  };
  f = {};
  f.state = take(nodes);
  f.potential = take(nodes);
  f.lowest = take(columns);
  f.highest = take(columns);
  f.solid = take(columns);
  f.liquid = take(columns);
  if (method == Method::adi) {
    f.increment = take(nodes);
    f.slope = take(nodes);
    f.face_slope_x = take(rows);
    f.face_slope_y = take(columns);
    f.face_heat = take(rows + columns);
    f.scratch = take(Elimination<Real, WideLines<Real>>::workspace_size(int(longest), team_size));
  } else {
    f.temperature = take(nodes);
    f.temperature_kept = take(nodes);
    f.conductivity = take(nodes);
    f.capacity = take(nodes);
    f.equations = take(NodeEquation<Real>::numbers * nodes);
  }
  return used;
}

TUNDISH_NAMESPACE_END
