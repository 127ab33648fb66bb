// Compiles under: g++, clang++, nvcc, NVRTC. Uses no std headers.
//
// One step of the section by alternating directions. With u the increment of the enthalpy, A the flux
// balance and K = dPhi/dH (held() below) at the start of the step, the two-step backward formula (second
// order, L-stable)
//     u - s A K u = m u_before + s A Phi,    s = span, m = memory (strand.h),
// is factored into (1 - s Ax K)(1 - s Ay K): one tridiagonal solve for every row, then one for every column.
// Both factors are flux balances, so the step is conservative to rounding; the splitting and the lagged K
// cost second-order errors only. K is continuous in H (spline.h), so the result is a continuous and
// piecewise smooth function of all parameters.
#pragma once
#include "tundish/casting/section.h"

TUNDISH_NAMESPACE_BEGIN

template <class Real>
struct StepSize {
  typename Number<Real>::Scalar memory;  // weight of the previous increment
  Real span;                             // weight of the heat balance, s
  Real held;                             // part of its neighbours' slopes that a node has at least
};

// Thomas's algorithm on a group of lines, node by node from the centre plane to the face.
template <class Real>
struct Elimination {
  typedef typename Number<Real>::Scalar Scalar;
  typedef typename Lines<Real>::type Group;
  Real* scratch;
  int members;  // of the team: their scratch is interleaved
  int rank;
  Group pivot, above, value, coupling;  // of the node before

  TUNDISH_HD Elimination(Real* scratch, int members, int rank)
      : scratch(scratch),
        members(members),
        rank(rank),
        pivot(Real(0)),
        above(Real(0)),
        value(Real(0)),
        coupling(Real(0)) {}

  TUNDISH_HD Real* slot(int node, int which) const {
    return scratch + (long(2 * node + which) * members + rank) * Lines<Real>::count;
  }
  // What the nodes before take from this one's diagonal. From pivot to pivot the chain is one product, one
  // difference and one division long; all else is off it.
  TUNDISH_HD Group taken(Group lower) const { return (lower * above) * pivot; }
  // `here` and `next` are s K of this node and of the next one outwards.
  TUNDISH_HD void forward(int node, Scalar inward, Scalar outward, Group here, Group next, Group rhs) {
    Group lower = inward * coupling;
    pivot = Scalar(1) / (Scalar(1) + here * (inward + outward) - taken(lower));
    above = outward * next;
    value = (rhs + lower * value) * pivot;
    coupling = here;
    Lines<Real>::store(above * pivot, slot(node, 0), 1);
    Lines<Real>::store(value, slot(node, 1), 1);
  }
  // The face node; `cooled` is what the cooling adds to its diagonal.
  TUNDISH_HD void last(Scalar inward, Group here, Group cooled, Group rhs) {
    Group lower = inward * coupling;
    value = (rhs + lower * value) / (Scalar(1) + here * inward + cooled - taken(lower));
  }
  // After last(), and for each node before it in falling order: the solution there.
  TUNDISH_HD Group back(int node) {
    value = Lines<Real>::load(slot(node, 1), 1) + Lines<Real>::load(slot(node, 0), 1) * value;
    return value;
  }
};

// K of a node as the implicit half of a step sees it, from its own and those of its neighbours on the line.
// Where a front is about to pass, the node's own K is that of the freezing range, and the step would take it
// far into the solid (or the liquid) without the conduction that awaits it there; its neighbour's K is the
// better guess. Elsewhere the neighbours' smaller part leaves K as it is.
template <class Real, class Group>
TUNDISH_HD Group held(Real share, Group inner, Group here, Group outer) {
  return maximum(here, share * maximum(inner, outer));
}

// First factor, along x: reads the potentials, leaves (1 - s Ay K) u in `increment`.
template <class Real, class Team>
TUNDISH_HD_LARGE void sweep_rows(const Team& team, const Section<typename Number<Real>::Scalar>& section,
                                 const StepSize<Real>& step, const Fields<Real>& f) {
  typedef Lines<Real> L;
  typedef typename L::type Group;
  const auto &x = section.x, &y = section.y;
  const long stride = section.stride;
  const int face = x.nodes - 1;
  for (int j = team.rank() * L::count; j < y.nodes; j += team.size() * L::count) {
    const Group inward_y = L::spread(y.inward + j), drive_y = L::spread(y.drive + j);
    const Real *potential = f.potential + section.at(0, j), *slope = f.slope + section.at(0, j);
    Real* increment = f.increment + section.at(0, j);
    Elimination<Real> line(f.scratch, team.size(), team.rank());

    auto balance = [&](int i, Group here, Group from_inside, Group to_outside) {
      Group across = drive_y * (L::load(potential + i + stride, stride) - here) -
                     inward_y * (here - L::load(potential + i - stride, stride));
      Group along = x.drive[i] * to_outside - x.inward[i] * from_inside;
      return step.memory * L::load(increment + i, stride) + step.span * (along + across);
    };
    Group here = L::load(potential, stride), from_inside = Group(Real(0));
    Group inner = L::load(slope, stride), outer = L::load(slope + 1, stride);
    Group coupling = step.span * held(step.held, inner, inner, outer);
    for (int i = 0; i < face; ++i) {
      Group next = L::load(potential + i + 1, stride);
      Group beyond = i + 2 <= face ? L::load(slope + i + 2, stride) : outer;
      Group next_coupling = step.span * held(step.held, inner, outer, beyond);
      inner = outer;
      outer = beyond;
      line.forward(i, x.inward[i], x.outward[i], coupling, next_coupling,
                   balance(i, here, from_inside, next - here));
      from_inside = next - here;
      here = next;
      coupling = next_coupling;
    }
    Group ghost = L::load(f.ghost_x + j, 1);
    Group cooled = step.span * L::load(f.face_slope_x + j, 1) * (1 / x.width[face]);
    line.last(x.inward[face], coupling, cooled, balance(face, here, from_inside, ghost - here));
    L::store(line.value, increment + face, stride);
    for (int i = face - 1; i >= 0; --i) L::store(line.back(i), increment + i, stride);
  }
  team.sync();
}

// Second factor, along y: leaves u in `increment` and moves the state, its potential and its slope on.
template <class Real, class Team, class Phase>
TUNDISH_HD_LARGE void sweep_columns(const Team& team, const Section<typename Number<Real>::Scalar>& section,
                                    const Phase& phase, const StepSize<Real>& step, const Fields<Real>& f) {
  typedef Lines<Real> L;
  typedef typename L::type Group;
  const auto& y = section.y;
  const int face = y.nodes - 1;
  for (int i = team.rank() * L::count; i < section.x.nodes; i += team.size() * L::count) {
    Elimination<Real> line(f.scratch, team.size(), team.rank());
    Group inner = L::load(f.slope + section.at(i, 0), 1), outer = L::load(f.slope + section.at(i, 1), 1);
    Group coupling = step.span * held(step.held, inner, inner, outer);
    for (int j = 0; j < face; ++j) {
      Group beyond = j + 2 <= face ? L::load(f.slope + section.at(i, j + 2), 1) : outer;
      Group next_coupling = step.span * held(step.held, inner, outer, beyond);
      inner = outer;
      outer = beyond;
      line.forward(j, y.inward[j], y.outward[j], coupling, next_coupling,
                   L::load(f.increment + section.at(i, j), 1));
      coupling = next_coupling;
    }
    Group cooled = step.span * L::load(f.face_slope_y + i, 1) * (1 / y.width[face]);
    line.last(y.inward[face], coupling, cooled, L::load(f.increment + section.at(i, face), 1));
    auto move_on = [&](int j, Group u) {
      const long node = section.at(i, j);
      Group state = phase.advance(L::load(f.state + node, 1), u), potential, slope;
      phase.properties(state, potential, slope);
      L::store(u, f.increment + node, 1);
      L::store(state, f.state + node, 1);
      L::store(potential, f.potential + node, 1);
      L::store(phase.implicit_slope(slope), f.slope + node, 1);
      return potential;
    };
    Group lowest = move_on(face, line.value), highest = lowest;
    for (int j = face - 1; j >= 0; --j) {
      const Group potential = move_on(j, line.back(j));
      lowest = minimum(lowest, potential);
      highest = maximum(highest, potential);
    }
    L::store(lowest, f.lowest + i, 1);
    L::store(highest, f.highest + i, 1);
  }
  team.sync();
}

// One step; returns the heat that left through the faces in it, J/m, as the scheme itself counts it.
template <class Real, class Team, class Phase>
TUNDISH_HD Real step_adi(const Team& team, const Section<typename Number<Real>::Scalar>& section,
                         const Phase& phase, const Cooling<Real>& cooling, const StepSize<Real>& step,
                         Real heat_before, const Fields<Real>& f) {
  const auto &x = section.x, &y = section.y;
  Real heat = step.memory * heat_before + step.span * cool_faces(team, section, phase.steel, cooling, f);
  sweep_rows(team, section, step, f);
  Real implied = Real(0);  // what the increments add to the fluxes through the faces
  for (int j = 0; j < y.nodes; ++j)
    implied = implied + y.width[j] * (f.face_slope_x[j] * f.increment[section.at(x.nodes - 1, j)]);
  team.sync();
  sweep_columns(team, section, phase, step, f);
  for (int i = 0; i < x.nodes; ++i)
    implied = implied + x.width[i] * (f.face_slope_y[i] * f.increment[section.at(i, y.nodes - 1)]);
  return heat + step.span * implied;
}

TUNDISH_NAMESPACE_END
