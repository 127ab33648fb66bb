// Compiles under: g++, clang++, nvcc, NVRTC. Uses no std headers.
//
// The march: one section carried from the meniscus down the strand at casting speed, and what is observed
// of it on the way.
#pragma once
#include "tundish/casting/observer.h"

TUNDISH_NAMESPACE_BEGIN

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
    const Step<typename Number<Real>::Scalar>* next = k + 1 < march.n_steps ? march.steps + k + 1 : nullptr;
    marcher.advance(march.steps[k], next, cooling_of(candidate.slots, march.steps[k].stretch));
    observer.observe(k + 1);
  }
  observer.finish();
}

// Lays the fields of one candidate out in `memory`; returns the numbers needed (call with null to ask).
template <class Real>
TUNDISH_HD long lay_out(const Section<typename Number<Real>::Scalar>& section, Method method, int team_size,
                        Real* memory, Fields<Real>& f) {
  // Fields a multiple of 4 KiB apart would meet in one set of the nearest cache.
  const long skew = 320 / long(sizeof(Real) < 64 ? sizeof(Real) : 64);
  const long nodes = section.field_size + skew, rows = section.rows, columns = section.columns;
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
    typedef LineSolver<Real, WideLines<Real>> Solver;
    f.known = take(nodes);
    f.guess = take(nodes);
    f.linearised = take(nodes);
    f.slope = take(nodes);
    f.mass = take(nodes);
    f.solved = take(nodes);
    f.pivots_x = take(Solver::pivots_size(section.rows, section.x.nodes));
    // Turned by whole registers: the last strip ends with one that is partly filled.
    if (Along<Real>::count > 1)
      f.slopes_x = take(Solver::pivots_size(section.rows, section.x.nodes) + Solver::room * axis_padding);
    f.pivots_y = take(Solver::pivots_size(section.columns, section.y.nodes));
    f.face_slope_x = take(rows);
    f.face_slope_y = take(columns);
    f.face_heat = take(rows + columns);
    f.scratch = take(Solver::workspace_size(int(longest), team_size));
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
