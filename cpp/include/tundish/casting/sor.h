// Compiles under: g++, clang++, nvcc, NVRTC. Uses no std headers.
//
// One step of the section by the published scheme (Energies 2020, 13, 2429, section 3): fully implicit,
// with density, substitute thermal capacity and conductivity lagged at the start of the step,
//     rho C (T - T_before) / dt = d/dx(k dT/dx) + d/dy(k dT/dy),
// solved by successive over-relaxation until no temperature moves by more than the tolerance.
//
// Nodes are stored by diagonals i + j = d. A diagonal's nodes depend on its two neighbours only, so they are
// relaxed together, whole registers at a time. Diagonal after diagonal is exactly the lexicographic
// ordering; the even diagonals and then the odd ones are the red-black ordering, which takes two barriers a
// sweep on a GPU instead of one a diagonal, and on the published strand 19 to 73 sweeps a step, 35 on
// average, where the lexicographic one takes 24 to 84, 45.6 on average.
#pragma once
#include "tundish/casting/section.h"

TUNDISH_NAMESPACE_BEGIN

// The equations of one step, over-relaxed: T <- (1 - factor) T + source + sum of share x neighbour.
template <class Real>
struct RelaxationFields {
  typedef typename Number<Real>::Scalar Scalar;
  typedef Lines<Real> L;
  const Section<Scalar>& section;
  int row;  // numbers kept for one diagonal: one for every i, and a pad
  Real *temperature, *before, *conductivity;
  Real *source, *west, *east, *south, *north;
  static constexpr int arrays = 8;

  static TUNDISH_HD int row_length(const Section<Scalar>& section) { return section.x.nodes + L::count + 1; }
  static TUNDISH_HD long array_size(const Section<Scalar>& section) {
    return long(section.x.nodes + section.y.nodes + 1) * row_length(section);
  }
  TUNDISH_HD RelaxationFields(const Section<Scalar>& section, Real* memory)
      : section(section), row(row_length(section)) {
    const long size = array_size(section);
    Real** all[arrays] = {&temperature, &before, &conductivity, &source, &west, &east, &south, &north};
    for (int a = 0; a < arrays; ++a) *all[a] = memory + a * size;
  }
  TUNDISH_HD int diagonals() const { return section.x.nodes + section.y.nodes - 1; }
  TUNDISH_HD int first(int d) const { return d < section.y.nodes ? 0 : d - section.y.nodes + 1; }
  TUNDISH_HD int last(int d) const { return d < section.x.nodes ? d : section.x.nodes - 1; }

  // Node (i, d - i); its neighbours stand at these distances.
  TUNDISH_HD long at(int i, int d) const { return long(d + 1) * row + i + 1; }
  TUNDISH_HD long to_west() const { return -row - 1; }
  TUNDISH_HD long to_east() const { return row + 1; }
  TUNDISH_HD long to_south() const { return -row; }
  TUNDISH_HD long to_north() const { return row; }
};

// A run of nodes of one diagonal, from (i, j) on with falling j; some of a register's places may be empty.
struct Run {
  int i, j, nodes;
  long here;  // in the fields by diagonals
};

// Calls visit(run) for all nodes of every `stride`-th diagonal from `start` on. Members of the team share
// out each diagonal.
template <class Real, class Team, class Visit>
TUNDISH_HD void for_each_run(const Team& team, const RelaxationFields<Real>& r, int d, Visit visit) {
  for (int i = r.first(d) + team.rank() * Lines<Real>::count; i <= r.last(d);
       i += team.size() * Lines<Real>::count)
    visit(Run{i, d - i, r.last(d) - i + 1, r.at(i, d)});
}

// Temperatures and properties at the start of the step, by diagonals.
template <class Real, class Team, class Phase>
TUNDISH_HD_LARGE void lag_properties(const Team& team, const Phase& phase, const Fields<Real>& f,
                                     const RelaxationFields<Real>& r) {
  typedef Lines<Real> L;
  const long stride = 1 - long(r.section.stride);  // to the next node of a diagonal
  for (int d = 0; d < r.diagonals(); ++d)
    for_each_run(team, r, d, [&](Run run) {
      const long node = r.section.at(run.i, run.j);
      typename L::type of_potential, conductivity;
      const typename L::type capacity =
          lagged_capacity(phase.steel, L::load_some(f.potential + node, stride, run.nodes),
                          L::load_some(f.slope + node, stride, run.nodes), of_potential, conductivity);
      const typename L::type temperature =
          phase.temperature(L::load_some(f.state + node, stride, run.nodes), of_potential);
      L::store_some(temperature, r.temperature + run.here, 1, run.nodes);
      L::store_some(temperature, r.before + run.here, 1, run.nodes);
      L::store_some(conductivity, r.conductivity + run.here, 1, run.nodes);
      L::store_some(capacity, r.source + run.here, 1, run.nodes);  // until assemble() needs it no more
    });
  team.sync();
}

// The equations of a run of nodes: conductances per control volume to the four neighbours with mean
// conductivities, W/(m3 K), and what the faces take, surface x (T - ambient) + taken, W/m3.
template <class Real>
struct NodeBalance {
  typedef Lines<Real> L;
  typedef typename L::type Group;
  Group west, east, south, north, surface, taken;

  TUNDISH_HD NodeBalance(const RelaxationFields<Real>& r, const Cooling<Real>& cooling, Run run) {
    typedef typename Number<Real>::Scalar Scalar;
    const Axis<Scalar>&x = r.section.x, &y = r.section.y;
    const Real* k = r.conductivity + run.here;
    const Group here = L::load(k, 1);
    auto of_x = [&](const Scalar* a) { return L::spread(a + run.i); };
    auto of_y = [&](const Scalar* a) { return L::spread_some(a + run.j, -1, run.nodes); };
    auto mean = [&](long neighbour) { return Scalar(0.5) * (here + L::load(k + neighbour, 1)); };
    west = of_x(x.inward) * mean(r.to_west());
    east = of_x(x.outward) * mean(r.to_east());
    south = of_y(y.inward) * mean(r.to_south());
    north = of_y(y.outward) * mean(r.to_north());
    surface = cooling.coefficient_x * of_x(x.exposure) + cooling.coefficient_y * of_y(y.exposure);
    taken = cooling.flux_x * of_x(x.exposure) + cooling.flux_y * of_y(y.exposure);
  }
};

template <class Real, class Team>
TUNDISH_HD_LARGE void assemble(const Team& team, const Cooling<Real>& cooling, Real per_second,
                               typename Number<Real>::Scalar factor, const RelaxationFields<Real>& r) {
  typedef Lines<Real> L;
  typedef typename L::type Group;
  for (int d = 0; d < r.diagonals(); ++d)
    for_each_run(team, r, d, [&](Run run) {
      const NodeBalance<Real> to(r, cooling, run);
      Group storage = per_second * L::load_some(r.source + run.here, 1, run.nodes);
      Group share = factor / (storage + to.west + to.east + to.south + to.north + to.surface);
      Group drive = storage * L::load(r.before + run.here, 1) + to.surface * cooling.ambient - to.taken;
      L::store_some(share * drive, r.source + run.here, 1, run.nodes);
      L::store_some(share * to.west, r.west + run.here, 1, run.nodes);
      L::store_some(share * to.east, r.east + run.here, 1, run.nodes);
      L::store_some(share * to.south, r.south + run.here, 1, run.nodes);
      L::store_some(share * to.north, r.north + run.here, 1, run.nodes);
    });
  team.sync();
}

// One sweep over the diagonals start, start + step, ...; adds the largest change to `change`. The places of
// a run that hold no node have no shares, no source and no temperature, and stay so.
template <class Real, class Team>
TUNDISH_HD void sweep(const Team& team, const RelaxationFields<Real>& r, typename Number<Real>::Scalar keep,
                      typename Number<Real>::Mask moving, int start, int step,
                      typename Lines<Real>::type& change) {
  typedef Lines<Real> L;
  typedef typename L::type Group;
  for (int d = start; d < r.diagonals(); d += step) {
    for_each_run(team, r, d, [&](Run run) {
      Real* T = r.temperature + run.here;
      const Group old = L::load(T, 1);
      Group before = keep * old + L::load(r.source + run.here, 1);
      Group behind = L::load(r.east + run.here, 1) * L::load(T + r.to_east(), 1) +
                     L::load(r.north + run.here, 1) * L::load(T + r.to_north(), 1);
      Group ahead = L::load(r.west + run.here, 1) * L::load(T + r.to_west(), 1) +
                    L::load(r.south + run.here, 1) * L::load(T + r.to_south(), 1);
      const Group fresh = where(moving, before + behind + ahead, old);
      change = maximum(change, absolute(fresh - old));
      L::store(fresh, T, 1);
    });
    if (step == 1) team.sync();
  }
  team.sync();
}

// Sweeps until every lane has converged; a lane that has is left as it is, whatever its neighbours do.
// Returns the lanes that have not converged, and the sweeps of each.
template <class Real, class Team>
TUNDISH_HD_LARGE typename Number<Real>::Mask relax(
    const Team& team, const Relaxation<typename Number<Real>::Scalar>& relaxation,
    const RelaxationFields<Real>& r, Real& sweeps) {
  typedef typename Lines<Real>::type Group;
  typedef typename Number<Real>::Scalar Scalar;
  const Scalar keep = Scalar(1) - relaxation.factor;
  typename Number<Real>::Mask moving = Real(Scalar(0)) <= Real(Scalar(0));
  sweeps = Real(Scalar(0));
  for (int n = 0; n < relaxation.most_sweeps && any(moving); ++n) {
    Group change = Group(Real(Scalar(0)));
    if (relaxation.ordering == Ordering::lexicographic) {
      sweep(team, r, keep, moving, 0, 1, change);
    } else {
      sweep(team, r, keep, moving, 0, 2, change);
      sweep(team, r, keep, moving, 1, 2, change);
    }
    sweeps = select(moving, sweeps + Real(Scalar(1)), sweeps);
    moving = moving & (team.largest(largest(change)) > Real(relaxation.tolerance));
  }
  return moving;
}

// Settles the state at the solution of the linear equations, and its potential and slope with it.
template <class Real, class Team, class Phase>
TUNDISH_HD_LARGE void settle(const Team& team, const Phase& phase, const Cooling<Real>& cooling,
                             Real duration, const Fields<Real>& f, const RelaxationFields<Real>& r) {
  typedef Lines<Real> L;
  typedef typename L::type Group;
  const long stride = 1 - long(r.section.stride);
  for (int d = 0; d < r.diagonals(); ++d)
    for_each_run(team, r, d, [&](Run run) {
      const NodeBalance<Real> to(r, cooling, run);
      const Real* T = r.temperature + run.here;
      const Group here = L::load(T, 1);
      Group gain = to.west * (L::load(T + r.to_west(), 1) - here) +
                   to.east * (L::load(T + r.to_east(), 1) - here) +
                   to.south * (L::load(T + r.to_south(), 1) - here) +
                   to.north * (L::load(T + r.to_north(), 1) - here) -
                   (to.taken + to.surface * (here - cooling.ambient));
      const long node = r.section.at(run.i, run.j);
      Group potential = L::load_some(f.potential + node, stride, run.nodes);
      Group slope = L::load_some(f.slope + node, stride, run.nodes);
      Group state = phase.settle(L::load_some(f.state + node, stride, run.nodes), potential, slope,
                                 duration * gain, here);
      phase.properties(state, potential, slope);
      L::store_some(state, f.state + node, stride, run.nodes);
      L::store_some(potential, f.potential + node, stride, run.nodes);
      L::store_some(slope, f.slope + node, stride, run.nodes);
    });
  team.sync();
}

// One step; returns the heat that left through the faces in it, J/m.
template <class Real, class Team, class Phase>
TUNDISH_HD_LARGE Real step_sor(const Team& team, const Section<typename Number<Real>::Scalar>& section,
                               const Phase& phase, const Cooling<Real>& cooling, Real duration,
                               const Relaxation<typename Number<Real>::Scalar>& relaxation,
                               const Fields<Real>& f, Real& sweeps,
                               typename Number<Real>::Mask& unconverged) {
  const RelaxationFields<Real> r(section, f.relaxation);
  lag_properties(team, phase, f, r);
  assemble(team, cooling, Real(typename Number<Real>::Scalar(1)) / duration, relaxation.factor, r);
  unconverged = relax(team, relaxation, r, sweeps);
  settle(team, phase, cooling, duration, f, r);

  const int face_x = section.x.nodes - 1, face_y = section.y.nodes - 1;
  Real rate = Real(typename Number<Real>::Scalar(0));
  for (int j = 0; j <= face_y; ++j) {
    const Real face = r.temperature[r.at(face_x, face_x + j)];
    rate = rate + section.y.width[j] * (cooling.flux_x + cooling.coefficient_x * (face - cooling.ambient));
  }
  for (int i = 0; i <= face_x; ++i) {
    const Real face = r.temperature[r.at(i, i + face_y)];
    rate = rate + section.x.width[i] * (cooling.flux_y + cooling.coefficient_y * (face - cooling.ambient));
  }
  return duration * rate;
}

TUNDISH_NAMESPACE_END
