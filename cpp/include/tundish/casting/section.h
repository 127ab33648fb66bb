// Compiles under: g++, clang++, nvcc, NVRTC. Uses no std headers.
//
// A quarter of the strand's cross-section: its steel, its cooled faces, and the fields that live on its mesh.
// x runs from the centre plane to the face at width/2, y to the face at thickness/2. Control volumes
// surround the nodes: half ones on the planes and faces, a quarter at the corners.
#pragma once
#include "tundish/casting/march.h"
#include "tundish/core/cubics.h"
#include "tundish/core/team.h"

TUNDISH_NAMESPACE_BEGIN

// What the kernels know of a steel. Enthalpy H [J/m3] and Kirchhoff's potential Phi [W/m], the integral of
// the conductivity, are both 0 at the solidus.
template <class Real>
struct SteelCurves {
  Spline<Real> potential_of_enthalpy;     // its slope is the diffusivity dPhi/dH, m2/s
  Cubics<Real> cubics;                    // the same, for the steels that they fit
  Spline<Real> temperature_of_potential;  // its slope is 1 / conductivity
  // By temperature, for the published scheme: the solid, mushy and liquid branches, each going on beyond
  // its range. The slope of the enthalpy is density x substitute thermal capacity (Eqs. (5)-(7)), that of the
  // potential the conductivity (Eq. (8)).
  Spline<Real> enthalpy[3], potential[3];
  Real solidus, liquidus;    // K
  Real liquidus_potential;   // W/m
  Real solid_slope;          // dPhi/dH of the solid at the solidus, m2/s
  Real largest_solid_slope;  // of all the solid
  Real solid_heating;        // dT/dH of the solid, its largest, K m3/J
  Real liquid_slope;         // dPhi/dH of the liquid at the liquidus, m2/s
};

// The least K of a node: that of the solid, and in the mush 0.4 of the liquid's. Where K jumps more than
// three times from node to node the factors along x and y commute too badly: with a liquid that conducts six
// times as well as the solid, meshes of 0.2 mm and steps of 0.25 s diverged, and with 0.3 of the liquid's K
// one of seven. Over the last three tenths of the mush's potential it rises to three quarters of the liquid's
// K, which a node meets that is heated into the liquid again: faces that hover about the liquidus rocked by
// 90 K. Where it rises within a tenth, exact derivatives are erratic.
template <class Real>
struct LeastSlope {
  typedef typename Number<Real>::Scalar Scalar;
  Real solid, more, most, per_potential;

  explicit TUNDISH_HD LeastSlope(const SteelCurves<Real>& steel)
      : solid(steel.solid_slope),
        more(maximum(Scalar(0.4) * steel.liquid_slope - steel.solid_slope, Real(Scalar(0)))),
        most(maximum(Scalar(0.76) * steel.liquid_slope - steel.solid_slope, Real(Scalar(0))) - more),
        per_potential(Scalar(10) / steel.liquidus_potential) {}
  template <class Group>
  TUNDISH_HD Group at(Group potential) const {
    const Group none = constant(potential, 0), all = constant(potential, 1);
    const Group place = per_potential * potential;
    return Group(solid) + more * minimum(maximum(none, place), all) +
           most * minimum(maximum(none, Scalar(1.0 / 3) * place - Scalar(7.0 / 3)), all);
  }
};

// What one stretch of the caster does to the two faces: flux + htc (T - ambient).
template <class Real>
struct Cooling {
  Real flux_x, flux_y;  // W/m2
  Real htc_x, htc_y;    // W/(m2 K)
  Real ambient;         // K
};

// The fields of one candidate.
template <class Real>
struct Fields {
  Real* state;      // enthalpy, J/m3, or temperature, K (published correction)
  Real* potential;  // Phi of the state
  Real* lowest;     // least and largest potential of each column
  Real* highest;
  Real* solid;   // solid area of each column of cells over its width, m
  Real* liquid;  // liquid area of each column of cells over its width, m

  // By alternating directions (adi.h).
  Real* known;       // of the right-hand side, m u_before
  Real* guess;       // the increment that a pass is linearised about; at the faces alone in the first pass
  Real* linearised;  // the potential there, with a ghost node outside either face
  Real* slope;       // s K / D of both passes
  Real* mass;        // D, at the faces alone
  Real* solved;      // D times the solution of the first factor; at the faces, what the second pass added
  Real *pivots_x, *pivots_y;  // reciprocals, of the eliminations along the rows and columns
  Real* slopes_x;             // as slope, transposed into the order of pivots_x; of plain numbers alone
  Real* face_slope_x;         // d(heat flux)/dH on face x, one a row
  Real* face_slope_y;         // on face y, one a column
  Real* face_heat;            // heat flux x control width, W/m, of the rows, then of the columns
  Real* scratch;              // what the lines in flight need

  // By relaxation.
  Real *temperature, *conductivity, *capacity;  // K, W/(m K), and density x substitute capacity, J/(m3 K)
  Real* temperature_kept;                       // of a few sweeps ago
  Real* equations;                              // NodeEquation (sor.h)
};

// Enthalpies that a prediction stays within, J/m3.
template <class Real>
struct Range {
  Real lowest, highest;
};

// The two ways of taking a node across solidus and liquidus. Either gives a state's potential and slope, and
// where a step takes the state.

// The state is the enthalpy: what leaves a control volume enters its neighbour, whatever its phase.
template <class Real>
struct EnthalpyBalance {
  const SteelCurves<Real>& steel;

  explicit TUNDISH_HD EnthalpyBalance(const SteelCurves<Real>& steel) : steel(steel) {}

  // The state after an increment, which is cut down where it would leave the range. Hardly ever a lane needs
  // that, and others keep theirs to the bit.
  template <class Group>
  TUNDISH_HD Group guessed(const Range<Real>& range, Group state, Group& increment) const {
    const Group after = state + increment, low(range.lowest), high(range.highest);
    if (__builtin_expect(!any_outside(after, low, high), 1)) return after;
    const Group none = Group(Real(typename Number<Real>::Scalar(0)));
    const Group cut = minimum(maximum(increment, minimum(low - state, none)), maximum(high - state, none));
    increment = select((after < low) | (after > high), cut, increment);
    return state + increment;
  }
  template <class Group>
  TUNDISH_HD void properties(Group state, Group& potential, Group& slope) const {
    lookup(CubicsOrSpline<Real>{steel.cubics, steel.potential_of_enthalpy}, state, potential, slope);
  }
  // What a step that lags the properties needs of a node.
  template <class Group>
  TUNDISH_HD void lag(Group state, Group& potential, Group& temperature, Group& conductivity,
                      Group& capacity) const {
    typedef typename Number<Real>::Scalar Scalar;
    Group slope, kirchhoff;
    properties(state, potential, slope);
    lookup(steel.temperature_of_potential, potential, temperature, kirchhoff);
    conductivity = Scalar(1) / kirchhoff;
    // Where latent heat is released at one temperature the capacity is infinite; 1e-12 m2/s is far below any
    // diffusivity of a metal.
    capacity = conductivity / maximum(slope, constant(slope, Scalar(1e-12)));
  }
  template <class Group>
  TUNDISH_HD Group advance(Group state, Group increment) const {
    return state + increment;
  }
  // After an implicit step that brought the node heat `gain` (J/m3).
  template <class Group>
  TUNDISH_HD Group settle(Group state, Group, Group gain, Group) const {
    return state + gain;
  }
  template <class Group>
  TUNDISH_HD Group enthalpy(Group state) const {
    return state;
  }
};

// The state is the temperature; a node that crosses liquidus or solidus is moved by Eqs. (18) and (19).
template <class Real>
struct TemperatureCorrection {
  const SteelCurves<Real>& steel;
  Real liquid_capacity, mush_capacity,
      solid_capacity;  // liquid and mush at the liquidus, solid at the solidus

  explicit TUNDISH_HD TemperatureCorrection(const SteelCurves<Real>& steel) : steel(steel) {
    Real unused;
    lookup(steel.enthalpy[2], steel.liquidus, unused, liquid_capacity);
    lookup(steel.enthalpy[1], steel.liquidus, unused, mush_capacity);
    lookup(steel.enthalpy[0], steel.solidus, unused, solid_capacity);
  }

  template <class Group>
  TUNDISH_HD Group guessed(const Range<Real>&, Group state, Group& increment) const {
    return advance(state, increment);
  }
  template <class Group>
  TUNDISH_HD Group by_phase(const Spline<Real> (&branch)[3], Group temperature, Group& slope) const {
    auto solid = temperature <= Group(steel.solidus);
    auto liquid = temperature >= Group(steel.liquidus);
    Group value;
    lookup_one_of(branch, solid, liquid, temperature, value, slope);
    return value;
  }
  template <class Group>
  TUNDISH_HD void properties(Group state, Group& potential, Group& slope) const {
    Group capacity, conductivity;
    by_phase(steel.enthalpy, state, capacity);
    potential = by_phase(steel.potential, state, conductivity);
    slope = conductivity / capacity;
  }
  template <class Group>
  TUNDISH_HD void lag(Group state, Group& potential, Group& temperature, Group& conductivity,
                      Group& capacity) const {
    temperature = state;
    by_phase(steel.enthalpy, state, capacity);
    potential = by_phase(steel.potential, state, conductivity);
  }
  template <class Group>
  TUNDISH_HD Group advance(Group state, Group increment) const {
    Group capacity;
    by_phase(steel.enthalpy, state, capacity);
    return corrected(state, state + increment / capacity, capacity);
  }
  // After an implicit step that brought the node to the temperature `solved` (K).
  template <class Group>
  TUNDISH_HD Group settle(Group state, Group capacity, Group, Group solved) const {
    return corrected(state, solved, capacity);
  }
  // The temperature that the linear step should have reached, given the phase changes it ran over.
  // C of the mush is taken at the liquidus in Eq. (18) and lagged, with its density, in Eq. (19). A node
  // that falls through the whole mush in one step gets both. The paper has no formula for melting back.
  template <class Group>
  TUNDISH_HD Group corrected(Group before, Group after, Group capacity) const {
    const Group liquidus(steel.liquidus), solidus(steel.solidus), mush_at_liquidus(mush_capacity);
    auto was_liquid = before >= liquidus;
    auto was_mushy = (before > solidus) & !was_liquid;
    auto freezes = was_liquid & (after < liquidus);
    after = select(freezes, liquidus - liquid_capacity / mush_at_liquidus * (liquidus - after), after);
    Group mush = select(freezes, mush_at_liquidus, capacity);
    auto solidifies = (was_mushy | freezes) & (after < solidus);
    return select(solidifies, solidus - mush / solid_capacity * (solidus - after), after);
  }
  template <class Group>
  TUNDISH_HD Group enthalpy(Group state) const {
    Group capacity;
    return by_phase(steel.enthalpy, state, capacity);
  }
};

// Enthalpy of the section per unit length, J/m; every member of the team gets it.
template <class Phase, class Real>
TUNDISH_HD_LARGE Real section_enthalpy(const Section<typename Number<Real>::Scalar>& section,
                                       const Phase& phase, const Fields<Real>& f) {
  Real total = Real(0);
  for (int j = 0; j < section.y.nodes; ++j) {
    Real row = Real(0);
    for (int i = 0; i < section.x.nodes; ++i)
      row = row + section.x.width[i] * phase.enthalpy(f.state[section.at(i, j)]);
    total = total + section.y.width[j] * row;
  }
  return total;
}

// How much of the edge between two nodes lies below a potential, in parts of the edge; the potential runs
// straight between the nodes. Few edges are crossed, so the division is made only where one is.
template <class Group>
TUNDISH_HD Group share_below(Group level, Group a, Group b) {
  const Group none = constant(a, 0), all = constant(a, 1);
  auto a_below = a < level, b_below = b < level;
  Group share = select(a_below & b_below, all, none);
  auto crossed = a_below ^ b_below;
  if (any(crossed)) {
    Group low = minimum(a, b), high = maximum(a, b);
    share = select(crossed, (level - low) / select(crossed, high - low, all), share);
  }
  return share;
}

// How much of a triangle lies below a level, in parts of its area; the potential runs straight between the
// corners.
template <class Group>
TUNDISH_HD Group area_below(Group level, Group a, Group b, Group c) {
  const Group none = constant(a, 0), all = constant(a, 1);
  const Group low = minimum(minimum(a, b), c), high = maximum(maximum(a, b), c);
  const Group middle = maximum(minimum(a, b), minimum(maximum(a, b), c));
  auto cuts_low = level <= middle;  // the lowest corner off, else the highest
  const Group depth = select(cuts_low, level - low, high - level);
  const Group span = select(cuts_low, middle - low, high - middle) * (high - low);
  auto crossed = (low < level) & (level < high);
  const Group part = depth * depth / select(crossed, span, all);
  return select(crossed, select(cuts_low, part, all - part), select(low < level, all, none));
}

// The same of a cell between four nodes: its two triangles meet on the diagonal from `near` to `far`, so x
// and y count alike. Few cells are crossed, so the divisions are made only where one is.
template <class Group>
TUNDISH_HD Group cell_below(Group level, Group near, Group along_x, Group along_y, Group far) {
  const Group none = constant(near, 0), all = constant(near, 1), half = constant(near, 0.5);
  const Group low = minimum(minimum(near, far), minimum(along_x, along_y));
  const Group high = maximum(maximum(near, far), maximum(along_x, along_y));
  if (!any((low < level) & (level < high))) return select(low < level, all, none);
  return half * (area_below(level, near, along_x, far) + area_below(level, near, along_y, far));
}

// Solid and liquid areas of all columns of cells, over their widths.
template <class Real, class Team>
TUNDISH_HD_LARGE void measure_phases(const Team& team, const Section<typename Number<Real>::Scalar>& section,
                                     const SteelCurves<Real>& steel, const Fields<Real>& f) {
  typedef Lines<Real> L;
  typedef typename L::type Group;
  const Group solidus = Group(Real(0)), liquidus = Group(steel.liquidus_potential), all = Group(Real(1));
  for (int i = team.rank() * L::count; i + 1 < section.x.nodes; i += team.size() * L::count) {
    Group solid = Group(Real(0)), liquid = Group(Real(0));
    Group near = L::load(f.potential + section.at(i, 0), section.step_x);
    Group along_x = L::load(f.potential + section.at(i + 1, 0), section.step_x);
    for (int j = 0; j + 1 < section.y.nodes; ++j) {
      const Group along_y = L::load(f.potential + section.at(i, j + 1), section.step_x);
      const Group far = L::load(f.potential + section.at(i + 1, j + 1), section.step_x);
      solid = solid + section.y.spacing[j] * cell_below(solidus, near, along_x, along_y, far);
      liquid = liquid + section.y.spacing[j] * (all - cell_below(liquidus, near, along_x, along_y, far));
      near = along_y;
      along_x = far;
    }
    L::store(solid, f.solid + i, 1);
    L::store(liquid, f.liquid + i, 1);
  }
  team.sync();
}

// The shells behind the two faces on their axes, m.
template <class Real>
struct Shells {
  Real x, y;
};
template <class Real>
TUNDISH_HD_LARGE Shells<Real> measure_shells(const Section<typename Number<Real>::Scalar>& section,
                                             const Fields<Real>& f) {
  const Real solidus = Real(0);
  Shells<Real> shell = {Real(0), Real(0)};
  for (int i = 0; i + 1 < section.x.nodes; ++i)
    shell.x = shell.x + section.x.spacing[i] * share_below(solidus, f.potential[section.at(i, 0)],
                                                           f.potential[section.at(i + 1, 0)]);
  for (int j = 0; j + 1 < section.y.nodes; ++j)
    shell.y = shell.y + section.y.spacing[j] * share_below(solidus, f.potential[section.at(0, j)],
                                                           f.potential[section.at(0, j + 1)]);
  return shell;
}

TUNDISH_NAMESPACE_END
