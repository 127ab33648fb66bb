// Compiles under: g++, clang++, nvcc, NVRTC. Uses no std headers.
//
// The heat that leaves through the two cooled faces, as steps by alternating directions take it (adi.h).
#pragma once
#include "tundish/casting/section.h"

TUNDISH_NAMESPACE_BEGIN

// What is solved: the first pass of a step, its second, or one half of a step of the start.
enum class Pass { first, second, start };

// One face. Its nodes go a few at a time: `stride` apart in the fields, with ghost nodes outside them.
template <class Real, class Phase>
struct Face {
  typedef typename Number<Real>::Scalar Scalar;
  const Phase& phase;
  const Fields<Real>& f;
  Real flux, htc, ambient;
  Scalar spacing, exposure;  // to the ghost nodes, m; cooled surface per volume, 1/m
  long stride;

  // The heat flux of Eqs. (10)-(13), W/m2, where the pass is linearised about. Leaves the ghost potentials
  // that drive it. The first pass adds its slope by the enthalpy to D, and keeps it for the second.
  template <Pass pass, class L>
  TUNDISH_HD typename L::type cool(long node, long ghost, Real span, Real* slope) const {
    typedef typename L::type Group;
    const Group guess = L::load(f.guess + node, stride);
    Group potential, diffusivity, temperature, kirchhoff;
    phase.properties(phase.advance(L::load(f.state + node, stride), guess), potential, diffusivity);
    lookup(phase.steel.temperature_of_potential, potential, temperature, kirchhoff);
    const Group leaving = flux + htc * (temperature - ambient);
    Group drive = leaving;
    if constexpr (pass != Pass::second) {
      const Group follows = htc * maximum(kirchhoff * diffusivity, Group(phase.steel.solid_heating));
      L::store(follows, slope, 1);
      // At the corner one face comes after the other.
      const Group before = L::load(f.mass + node, stride), mass = before + (exposure * span) * follows;
      L::store(mass, f.mass + node, stride);
      L::store(L::load(f.slope + node, stride) * (before / mass), f.slope + node, stride);
      drive = leaving - follows * guess;
    }
    L::store(L::load(f.linearised + node, stride) - drive * spacing, f.linearised + ghost, stride);
    return leaving;
  }
};

// Cools one or both of the faces. Returns the heat that leaves per unit length and time, W/m.
template <Pass pass, class Real, class Team, class Phase>
TUNDISH_HD_LARGE Real cool_faces(const Team& team, const Section<typename Number<Real>::Scalar>& section,
                                 const Phase& phase, const Cooling<Real>& cooling, Real span,
                                 const Fields<Real>& f, bool cools_x = true, bool cools_y = true) {
  typedef Lines<Real> L;
  typedef typename Number<Real>::Scalar Scalar;
  const auto &x = section.x, &y = section.y;
  const int face_x = x.nodes - 1, face_y = y.nodes - 1;
  const Face<Real, Phase> at_x{
      phase,         f, cooling.flux_x, cooling.htc_x, cooling.ambient, x.spacing[face_x], x.exposure[face_x],
      section.step_y};
  const Face<Real, Phase> at_y{
      phase,         f, cooling.flux_y, cooling.htc_y, cooling.ambient, y.spacing[face_y], y.exposure[face_y],
      section.step_x};
  for (int j = team.rank() * L::count; cools_x && j < y.nodes; j += team.size() * L::count) {
    const auto flux =
        at_x.template cool<pass, L>(section.at(face_x, j), section.at(x.nodes, j), span, f.face_slope_x + j);
    L::store(flux * L::spread(y.width + j), f.face_heat + j, 1);
  }
  team.sync();
  for (int i = team.rank() * L::count; cools_y && i < x.nodes; i += team.size() * L::count) {
    const auto flux =
        at_y.template cool<pass, L>(section.at(i, face_y), section.at(i, y.nodes), span, f.face_slope_y + i);
    L::store(flux * L::spread(x.width + i), f.face_heat + section.rows + i, 1);
  }
  team.sync();
  Real heat = Real(Scalar(0));
  for (int j = 0; cools_x && j < y.nodes; ++j) heat = heat + f.face_heat[j];
  for (int i = 0; cools_y && i < x.nodes; ++i) heat = heat + f.face_heat[section.rows + i];
  return heat;
}

// What the increments in `solved` add to the heat that leaves through the faces, W/m. Afterwards either may
// be written again.
template <class Real, class Team>
TUNDISH_HD_LARGE Real implied_heat(const Team& team, const Section<typename Number<Real>::Scalar>& section,
                                   const Fields<Real>& f, bool through_x, bool through_y) {
  const auto &x = section.x, &y = section.y;
  Real heat = Real(typename Number<Real>::Scalar(0));
  for (int j = 0; through_x && j < y.nodes; ++j)
    heat = heat + y.width[j] * (f.face_slope_x[j] * f.solved[section.at(x.nodes - 1, j)]);
  for (int i = 0; through_y && i < x.nodes; ++i)
    heat = heat + x.width[i] * (f.face_slope_y[i] * f.solved[section.at(i, y.nodes - 1)]);
  team.sync();
  return heat;
}

TUNDISH_NAMESPACE_END
