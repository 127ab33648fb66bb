// Compiles under: g++, clang++, nvcc, NVRTC. Uses no std headers.
//
// One section carried from the meniscus down the strand at casting speed, a step at a time.
#pragma once
#include "tundish/casting/adi.h"
#include "tundish/casting/sor.h"

TUNDISH_NAMESPACE_BEGIN

template <class Real>
struct Candidate {
  const Real* slots;
  SteelCurves<Real> steel;
  Real pouring_state;  // enthalpy or temperature, as the state is
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
  Real ceiling;       // what no temperature rises above, K
  Real surroundings;  // the enthalpy at the ambient temperature, J/m3

  TUNDISH_HD Marcher(Team team, const March<Scalar>& march, const Candidate<Real>& candidate,
                     const Fields<Real>& fields)
      : team(team), march(march), candidate(candidate), f(fields), phase(candidate.steel) {
    bound();
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
      pour_for_adi(potential);
    else if constexpr (relaxes)
      pour_for_relaxation();
    heat_of_step = heat = Real(Scalar(0));
    sweeps = Real(Scalar(1));
    unconverged = Real(Scalar(1)) < Real(Scalar(0));
    team.sync();
  }

  // Steel that is given no heat gets no hotter than it was poured, or than its surroundings.
  TUNDISH_HD_LARGE void bound() {
    const Real zero = Real(Scalar(0));
    Mask heated = zero < zero;
    for (int s = 0; march.n_steps > 0 && s <= march.steps[march.n_steps - 1].stretch; ++s) {
      const Cooling<Real> cooling = cooling_of(candidate.slots, s);
      heated = heated | (cooling.flux_x < zero) | (cooling.flux_y < zero);
    }
    const Real ambient = candidate.slots[slot_ambient_temperature];
    const Real hottest = maximum(candidate.slots[slot_pouring_temperature], ambient) + Scalar(5);
    const Real highest = candidate.steel.liquidus + Scalar(highest_superheat);
    ceiling = select(heated, highest, minimum(highest, hottest));
    surroundings = march.phase_change == PhaseChange::enthalpy ? enthalpy_of(ambient) : zero;
  }

  // Of the enthalpies that predictions stay within: coefficients alone take the steel no further than this.
  TUNDISH_HD Range<Real> range_under(const Cooling<Real>& cooling) const {
    const Real zero = Real(Scalar(0)), far = Real(Scalar(1e30));
    const Mask heats = (cooling.flux_x < zero) | (cooling.flux_y < zero);
    const Mask drains = (zero < cooling.flux_x) | (zero < cooling.flux_y);
    return {select(drains, -far, minimum(surroundings, candidate.pouring_state)),
            select(heats, far, maximum(surroundings, candidate.pouring_state))};
  }

  // The enthalpy at a temperature, by halving: the tables lead the other way. The last step, by Newton, is
  // for the derivatives.
  TUNDISH_HD_LARGE Real enthalpy_of(Real temperature) const {
    Real low = Real(Scalar(-3e10)), high = Real(Scalar(3e10));
    Real value, potential, slope, kirchhoff;
    Real middle;
    for (int n = 0; n < 48; ++n) {
      middle = Scalar(0.5) * (low + high);
      phase.properties(middle, potential, slope);
      lookup(candidate.steel.temperature_of_potential, potential, value, kirchhoff);
      const Mask below = value < temperature;
      low = select(below, middle, low);
      high = select(below, high, middle);
    }
    return middle + (temperature - value) / (slope * kirchhoff);
  }

  TUNDISH_HD void pour_for_adi(Real potential) {
    const Real zero = Real(Scalar(0)), one = Real(Scalar(1));
    for (long n = team.rank(); n < march.section.field_size; n += team.size()) {
      f.known[n] = f.guess[n] = f.solved[n] = zero;
      f.linearised[n] = potential;
      f.slope[n] = f.mass[n] = one;
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

  // Takes a step, and prepares the one after it, `next`; a null pointer or a first step needs no preparation.
  TUNDISH_HD void advance(const Step<Scalar>& step, const Step<Scalar>* next, const Cooling<Real>& cooling) {
    const Real duration = step.size / candidate.slots[slot_speed];
    if (march.method == Method::adi) {
      const bool goes_on = next && next->ratio > 0;
      const StepSize<Real> coming = goes_on ? step_size(*next) : StepSize<Real>{0, 0, duration};
      if (step.ratio > 0) {
        heat_of_step = step_adi(team, march.section, phase, range_under(cooling), cooling, step_size(step),
                                coming, goes_on, heat_of_step, f);
        heat = heat + heat_of_step;
      } else {
        start(cooling, duration, coming, goes_on);
      }
    } else if constexpr (relaxes) {
      heat_of_step =
          step_sor(team, march.section, phase, cooling, duration, march.relaxation, f, sweeps, unconverged);
      heat = heat + heat_of_step;
    }
  }
  TUNDISH_HD StepSize<Real> step_size(const Step<Scalar>& step) const {
    return {step.memory, minimum(step.ratio, Scalar(1)),
            step.share * (step.size / candidate.slots[slot_speed])};
  }

  // The first step of a stretch; the one after it continues its last quarter.
  TUNDISH_HD_LARGE void start(const Cooling<Real>& cooling, Real duration, const StepSize<Real>& next,
                              bool goes_on) {
    const Real span = duration * Scalar(1.0 / starting_parts);
    for (int quarter = 0; quarter < starting_parts; ++quarter) {
      const bool last = quarter == starting_parts - 1;
      heat_of_step = start_adi(team, march.section, phase, range_under(cooling), cooling, span, quarter,
                               last && goes_on ? &next : nullptr, f);
      heat = heat + heat_of_step;
    }
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

TUNDISH_NAMESPACE_END
