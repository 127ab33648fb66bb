// Compiles under: g++, clang++, nvcc, NVRTC. Uses no std headers.
//
// One step of the section by the published scheme (Energies 2020, 13, 2429, section 3): fully implicit,
// with density, substitute thermal capacity and conductivity lagged at the start of the step,
//     rho C (T - T_before) / dt = d/dx(k dT/dx) + d/dy(k dT/dy),
// solved by red-black successive over-relaxation until no temperature moves by more than the tolerance.
// Red and black nodes lie apart in memory, so that the neighbours of consecutive nodes are consecutive.
#pragma once
#include "tundish/casting/section.h"

TUNDISH_NAMESPACE_BEGIN

// The equations of one step, over-relaxed: T <- (1 - factor) T + source + sum of share x neighbour.
template <class Real>
struct RelaxationFields {
  typedef typename Number<Real>::Scalar Scalar;
  typedef Lines<Real> L;
  int row;  // numbers in one colour of one row, with a pad on either side
  Real *temperature, *before, *conductivity;
  Real *source, *west, *east, *south, *north;
  static constexpr int arrays = 8;

  static TUNDISH_HD int row_length(const Section<Scalar>& section) {
    const int half = (section.x.nodes + 1) / 2;
    return (half + L::count - 1) / L::count * L::count + 2;
  }
  static TUNDISH_HD long array_size(const Section<Scalar>& section) {
    return long(section.y.nodes + 2) * 2 * row_length(section);
  }
  TUNDISH_HD RelaxationFields(const Section<Scalar>& section, Real* memory) : row(row_length(section)) {
    const long size = array_size(section);
    Real** all[arrays] = {&temperature, &before, &conductivity, &source, &west, &east, &south, &north};
    for (int a = 0; a < arrays; ++a) *all[a] = memory + a * size;
  }
  // Node i = 2 m + first(j, colour) of row j.
  TUNDISH_HD long at(int m, int j, int colour) const { return (long(j + 1) * 2 + colour) * row + m + 1; }
  static TUNDISH_HD int first(int j, int colour) { return (j + colour) & 1; }

  // Neighbours of a run of nodes, in an array of the other colour.
  TUNDISH_HD long west_of(int m, int j, int colour) const { return at(m - 1 + first(j, colour), j, 1 - colour); }
  TUNDISH_HD long east_of(int m, int j, int colour) const { return at(m + first(j, colour), j, 1 - colour); }
  TUNDISH_HD long south_of(int m, int j, int colour) const { return at(m, j - 1, 1 - colour); }
  TUNDISH_HD long north_of(int m, int j, int colour) const { return at(m, j + 1, 1 - colour); }
};

// Calls visit(m, i, j, colour) for every group of nodes of one colour: nodes i, i + 2, ... of row j.
template <class Real, class Team, class Visit>
TUNDISH_HD void for_each_group(const Team& team, const Section<typename Number<Real>::Scalar>& section,
                               int colour, Visit visit) {
  const int half = (section.x.nodes + 1) / 2;
  for (int j = team.rank(); j < section.y.nodes; j += team.size())
    for (int m = 0; m < half; m += Lines<Real>::count)
      visit(m, 2 * m + RelaxationFields<Real>::first(j, colour), j, colour);
}

// Temperatures and conductivities at the start of the step, by colour.
template <class Real, class Team, class Phase>
TUNDISH_HD_LARGE void lag_properties(const Team& team, const Section<typename Number<Real>::Scalar>& section,
                               const Phase& phase, const Fields<Real>& f, const RelaxationFields<Real>& r) {
  typedef Lines<Real> L;
  for (int colour = 0; colour < 2; ++colour)
    for_each_group<Real>(team, section, colour, [&](int m, int i, int j, int c) {
      const long node = section.at(i, j), mine = r.at(m, j, c);
      typename L::type temperature, capacity, conductivity;
      phase.lagged(L::load(f.state + node, 2), L::load(f.potential + node, 2), L::load(f.slope + node, 2),
                   temperature, capacity, conductivity);
      const typename L::type inside = L::spread(section.x.inside + i, 2);
      L::store(inside * temperature, r.temperature + mine, 1);
      L::store(inside * temperature, r.before + mine, 1);
      L::store(inside * conductivity, r.conductivity + mine, 1);
      L::store(inside * capacity, r.source + mine, 1);  // until assemble() needs it no more
    });
  team.sync();
}

// Conductances per control volume to the four neighbours, W/(m3 K), with mean conductivities.
template <class Real>
struct Conductances {
  typedef Lines<Real> L;
  typedef typename L::type Group;
  Group west, east, south, north;

  TUNDISH_HD Conductances(const Section<typename Number<Real>::Scalar>& section, const RelaxationFields<Real>& r,
                          int m, int i, int j, int c) {
    typedef typename Number<Real>::Scalar Scalar;
    const Scalar half = Scalar(0.5);
    const Group here = L::load(r.conductivity + r.at(m, j, c), 1);
    west = half * L::spread(section.x.inward + i, 2) * (here + L::load(r.conductivity + r.west_of(m, j, c), 1));
    east = half * L::spread(section.x.outward + i, 2) * (here + L::load(r.conductivity + r.east_of(m, j, c), 1));
    south = half * section.y.inward[j] * (here + L::load(r.conductivity + r.south_of(m, j, c), 1));
    north = half * section.y.outward[j] * (here + L::load(r.conductivity + r.north_of(m, j, c), 1));
  }
};

template <class Real, class Team>
TUNDISH_HD_LARGE void assemble(const Team& team, const Section<typename Number<Real>::Scalar>& section,
                         const Cooling<Real>& cooling, Real per_second,
                         typename Number<Real>::Scalar factor, const RelaxationFields<Real>& r) {
  typedef Lines<Real> L;
  typedef typename L::type Group;
  typedef typename Number<Real>::Scalar Scalar;
  for (int colour = 0; colour < 2; ++colour)
    for_each_group<Real>(team, section, colour, [&](int m, int i, int j, int c) {
      const long mine = r.at(m, j, c);
      const Group inside = L::spread(section.x.inside + i, 2), exposed = L::spread(section.x.exposure + i, 2);
      const Scalar exposed_y = section.y.exposure[j];
      const Conductances<Real> to(section, r, m, i, j, c);
      Group storage = per_second * L::load(r.source + mine, 1);
      Group surface = cooling.coefficient_x * exposed + cooling.coefficient_y * exposed_y;
      Group taken = cooling.flux_x * exposed + cooling.flux_y * exposed_y;
      Group diagonal = storage + to.west + to.east + to.south + to.north + surface;
      Group share = factor * inside / (diagonal + (Scalar(1) - inside));  // no 0/0 in the padding
      Group drive = storage * L::load(r.before + mine, 1) + surface * cooling.ambient - taken;
      L::store(share * drive, r.source + mine, 1);
      L::store(share * to.west, r.west + mine, 1);
      L::store(share * to.east, r.east + mine, 1);
      L::store(share * to.south, r.south + mine, 1);
      L::store(share * to.north, r.north + mine, 1);
    });
  team.sync();
}

// Sweeps until every lane has converged; a lane that has is left as it is, whatever its neighbours do.
// Returns the lanes that have not converged, and the sweeps of each.
template <class Real, class Team>
TUNDISH_HD_LARGE typename Number<Real>::Mask relax(const Team& team,
                                             const Section<typename Number<Real>::Scalar>& section,
                                             const Relaxation<typename Number<Real>::Scalar>& relaxation,
                                             const RelaxationFields<Real>& r, Real& sweeps) {
  typedef Lines<Real> L;
  typedef typename L::type Group;
  typedef typename Number<Real>::Scalar Scalar;
  const Scalar keep = Scalar(1) - relaxation.factor;
  auto moving = Real(Scalar(0)) <= Real(Scalar(0));
  sweeps = Real(Scalar(0));
  for (int sweep = 0; sweep < relaxation.most_sweeps && any(moving); ++sweep) {
    Group change = Group(Real(Scalar(0)));
    for (int colour = 0; colour < 2; ++colour) {
      for_each_group<Real>(team, section, colour, [&](int m, int, int j, int c) {
        const long mine = r.at(m, j, c);
        const Group old = L::load(r.temperature + mine, 1);
        Group fresh = keep * old + L::load(r.source + mine, 1) +
                      L::load(r.west + mine, 1) * L::load(r.temperature + r.west_of(m, j, c), 1) +
                      L::load(r.east + mine, 1) * L::load(r.temperature + r.east_of(m, j, c), 1) +
                      L::load(r.south + mine, 1) * L::load(r.temperature + r.south_of(m, j, c), 1) +
                      L::load(r.north + mine, 1) * L::load(r.temperature + r.north_of(m, j, c), 1);
        fresh = where(moving, fresh, old);
        change = maximum(change, absolute(fresh - old));
        L::store(fresh, r.temperature + mine, 1);
      });
      team.sync();
    }
    sweeps = select(moving, sweeps + Real(Scalar(1)), sweeps);
    moving = moving & (team.largest(largest(change)) > Real(relaxation.tolerance));
  }
  return moving;
}

// One step; returns the heat that left through the faces in it, J/m.
template <class Real, class Team, class Phase>
TUNDISH_HD_LARGE Real step_sor(const Team& team, const Section<typename Number<Real>::Scalar>& section,
                         const Phase& phase, const Cooling<Real>& cooling, Real duration,
                         const Relaxation<typename Number<Real>::Scalar>& relaxation, const Fields<Real>& f,
                         Real& sweeps, typename Number<Real>::Mask& unconverged) {
  typedef Lines<Real> L;
  typedef typename L::type Group;
  const auto &x = section.x, &y = section.y;
  const RelaxationFields<Real> r(section, f.relaxation);
  lag_properties(team, section, phase, f, r);
  assemble(team, section, cooling, Real(typename Number<Real>::Scalar(1)) / duration, relaxation.factor, r);
  unconverged = relax(team, section, relaxation, r, sweeps);

  for (int colour = 0; colour < 2; ++colour)
    for_each_group<Real>(team, section, colour, [&](int m, int i, int j, int c) {
      const Conductances<Real> to(section, r, m, i, j, c);
      const Group here = L::load(r.temperature + r.at(m, j, c), 1);
      const Group exposed = L::spread(x.exposure + i, 2);
      Group surface = cooling.coefficient_x * exposed + cooling.coefficient_y * y.exposure[j];
      Group taken = cooling.flux_x * exposed + cooling.flux_y * y.exposure[j] +
                    surface * (here - cooling.ambient);
      Group gain = to.west * (L::load(r.temperature + r.west_of(m, j, c), 1) - here) +
                   to.east * (L::load(r.temperature + r.east_of(m, j, c), 1) - here) +
                   to.south * (L::load(r.temperature + r.south_of(m, j, c), 1) - here) +
                   to.north * (L::load(r.temperature + r.north_of(m, j, c), 1) - here) - taken;
      Real* state = f.state + section.at(i, j);
      L::store_some(phase.settle(L::load(state, 2), duration * gain, here), state, 2, (x.nodes - i + 1) / 2);
    });
  team.sync();
  for (int j = team.rank(); j < y.nodes; j += team.size())
    for (int i = 0; i < x.nodes; i += L::count) {
      Group potential, slope;
      phase.properties(L::load(f.state + section.at(i, j), 1), potential, slope);
      L::store(potential, f.potential + section.at(i, j), 1);
      L::store(slope, f.slope + section.at(i, j), 1);
    }
  team.sync();
  Real rate = Real(0);
  for (int j = 0; j < y.nodes; ++j) {
    const Real face = r.temperature[r.at((x.nodes - 1) / 2, j, (x.nodes - 1 + j) & 1)];
    rate = rate + y.width[j] * (cooling.flux_x + cooling.coefficient_x * (face - cooling.ambient));
  }
  for (int i = 0; i < x.nodes; ++i) {
    const Real face = r.temperature[r.at(i / 2, y.nodes - 1, (i + y.nodes - 1) & 1)];
    rate = rate + x.width[i] * (cooling.flux_y + cooling.coefficient_y * (face - cooling.ambient));
  }
  return duration * rate;
}

TUNDISH_NAMESPACE_END
