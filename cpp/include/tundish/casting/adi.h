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
  bool damps;                            // and then, at least:
  Real floor;                            // above the solidus, this slope
  Real kept;                             // this part of its own slope in the step before
};

// One node's equation on a line: diagonal x u = rhs + lower x u inwards + upper x u outwards.
template <class Group>
struct LineEquation {
  Group lower, upper, diagonal, rhs;
};

// Gauss's elimination on a group of lines, from the centre plane to the face and back. Nodes go two at a
// time, which takes one division for both: divisions, and waiting for them, are what a sweep spends most on.
// Where the nodes are odd in number, the first pair begins with an equation that says nothing.
template <class Real, class L>
struct Elimination {
  typedef typename L::type Group;
  Real* scratch;  // what the equations need, then the two coefficients of each node, then the solution
  int members;    // of the team: their scratch is interleaved
  int rank;

  // Members that hold the last, narrow strip leave room for the wide ones of the others.
  static constexpr int room = WideLines<Real>::count;
  static TUNDISH_HD long workspace_size(int nodes, int members) { return 2 * (nodes + 1l) * members * room; }
  TUNDISH_HD Real* slot(int node, int which) const {
    return scratch + (long(2 * (node + 1) + which) * members + rank) * room;
  }
  TUNDISH_HD long to_next_node() const { return 2l * members * room; }
  TUNDISH_HD Group kept(int node, int which) const { return L::load(slot(node, which), 1); }
  TUNDISH_HD void keep(int node, Group share, Group value) const {
    L::store(share, slot(node, 0), 1);
    L::store(value, slot(node, 1), 1);
  }

  // equation(n) is asked for in rising order. What is kept: u = value + share x u of the node after the pair.
  template <class Equation>
  TUNDISH_HD void forward(int nodes, Equation equation) const {
    const Group none = Group(Real(0)), one = Group(Real(1));
    Group share = none, value = none;
    for (int n = -(nodes % 2); n < nodes; n += 2) {
      LineEquation<Group> a{none, none, one, none};
      if (n >= 0) a = equation(n);
      const LineEquation<Group> b = equation(n + 1);
      const Group pivot = a.diagonal - a.lower * share, rhs = a.rhs + a.lower * value;
      const Group inverse = one / (pivot * b.diagonal - a.upper * b.lower);
      share = inverse * (pivot * b.upper);
      value = inverse * (pivot * b.rhs + b.lower * rhs);
      keep(n, inverse * (a.upper * b.upper), inverse * (b.diagonal * rhs + a.upper * b.rhs));
      keep(n + 1, share, value);
    }
  }
  // Hands the solution to found(node, u), node by node in falling order.
  template <class Found>
  TUNDISH_HD void back(int nodes, Found found) const {
    Group after = Group(Real(0));
    for (int n = nodes - 2; n >= -1; n -= 2) {
      found(n + 1, kept(n + 1, 1) + kept(n + 1, 0) * after);
      after = kept(n, 1) + kept(n, 0) * after;
      if (n >= 0) found(n, after);
    }
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

// K with the jumps taken out that make two-dimensional splitting diverge: in space, between liquid and mush,
// and in time, where a node freezes or melts.
template <class Real, class Group>
TUNDISH_HD Group damped(const StepSize<Real>& step, Group potential, Group slope, Group before) {
  const Group solidus = Group(Real(typename Number<Real>::Scalar(0)));
  const Group least = select(potential > solidus, Group(step.floor), slope);
  return maximum(maximum(slope, least), step.kept * before);
}

// What the first factor needs of the nodes that `read` takes from a field together: neighbours on one row,
// with the mesh along x for each, or the same node of a few rows, with the mesh along y for each.
template <class Real>
struct RowEquations {
  const Section<typename Number<Real>::Scalar>& section;
  const StepSize<Real>& step;
  const Fields<Real>& f;

  // s K; `inner` and `outer` are 1 where there is a neighbour on that side.
  template <class Read, class Flags>
  TUNDISH_HD auto coupling(Read read, Flags inner, Flags outer, long node) const {
    const Real* slope = f.slope + node;
    return step.span * held(step.held, inner * read(slope - 1), read(slope), outer * read(slope + 1));
  }
  template <class Read, class AlongX, class AlongY>
  TUNDISH_HD auto rhs(Read read, AlongX drive_x, AlongX inward_x, AlongY drive_y, AlongY inward_y,
                      long node) const {
    const Real* potential = f.potential + node;
    const auto here = read(potential);
    const auto along = drive_x * (read(potential + 1) - here) - inward_x * (here - read(potential - 1));
    const auto across = drive_y * (read(potential + section.step_y) - here) -
                        inward_y * (here - read(potential - section.step_y));
    return step.memory * read(f.increment + node) + step.span * (along + across);
  }

  // Both of them for the nodes of all lines of a strip, worked out along the rows, a register at a time, and
  // turned into the order of the lines.
  template <class Line, class Lines>
  TUNDISH_HD void keep(const Line& line, Lines, int first) const {
    typedef Along<Real> A;
    const auto &x = section.x, &y = section.y;
    auto read = [](const Real* p) TUNDISH_INLINE { return A::read(p); };
    for (int n = 0; n < Lines::count; n += A::count)
      for (int i = 0; i < x.nodes; i += A::count) {
        auto coupling_of = [&](int r) TUNDISH_INLINE {
          return coupling(read, A::spread(x.inside + i - 1), A::spread(x.inside + i + 1),
                          section.at(i, first + n + r));
        };
        auto rhs_of = [&](int r) TUNDISH_INLINE {
          const int j = first + n + r;
          return rhs(read, A::spread(x.drive + i), A::spread(x.inward + i), y.drive[j], y.inward[j],
                     section.at(i, j));
        };
        A::turn(coupling_of, line.slot(i, 0) + n, line.to_next_node());
        A::turn(rhs_of, line.slot(i, 1) + n, line.to_next_node());
      }
  }
};

// First factor, along x: reads the potentials, leaves (1 - s Ay K) u in `increment`. Plain numbers are worked
// on along the rows, a register at a time, and then transposed into the order of the lines.
template <class Real, class Team>
TUNDISH_HD_LARGE void sweep_rows(const Team& team, const Section<typename Number<Real>::Scalar>& section,
                                 const StepSize<Real>& step, const Fields<Real>& f) {
  typedef Along<Real> A;
  const auto &x = section.x, &y = section.y;
  const int face = x.nodes - 1;
  const RowEquations<Real> of{section, step, f};
  for_each_strip<Real>(team, y.nodes, [&](auto lines, int first) {
    typedef decltype(lines) L;
    typedef typename L::type Group;
    constexpr bool transposes = A::count > 1;
    const Elimination<Real, L> line{f.scratch, team.size(), team.rank()};

    if constexpr (transposes) of.keep(line, lines, first);
    const Group drive_y = L::spread(y.drive + first), inward_y = L::spread(y.inward + first);
    auto read = [&](const Real* p) TUNDISH_INLINE { return L::load(p, section.step_y); };
    auto coupling = [&](int i) TUNDISH_INLINE {
      if constexpr (transposes)
        return line.kept(i, 0);
      else
        return of.coupling(read, x.inside[i - 1], x.inside[i + 1], section.at(i, first));
    };
    auto rhs = [&](int i) TUNDISH_INLINE {
      if constexpr (transposes)
        return line.kept(i, 1);
      else
        return of.rhs(read, x.drive[i], x.inward[i], drive_y, inward_y, section.at(i, first));
    };

    Group before = Group(Real(0)), here = coupling(0);
    const Group cooled = step.span * L::load(f.face_slope_x + first, 1) * (1 / x.width[face]);
    line.forward(x.nodes, [&](int i) TUNDISH_INLINE {
      const Group next = coupling(i < face ? i + 1 : i);
      LineEquation<Group> e{x.inward[i] * before, x.outward[i] * next,
                            Group(Real(1)) + here * (x.inward[i] + x.outward[i]), rhs(i)};
      if (i == face) e.diagonal = e.diagonal + cooled;
      before = here;
      here = next;
      return e;
    });
    line.back(x.nodes, [&](int i, Group u) TUNDISH_INLINE {
      if constexpr (transposes)
        L::store(u, line.slot(i, 0), 1);
      else
        L::store(u, f.increment + section.at(i, first), section.step_y);
    });
    if constexpr (transposes)
      for (int n = 0; n < L::count; n += A::count)
        for (int i = 0; i < x.nodes; i += A::count)
          A::turn([&](int c) TUNDISH_INLINE { return A::read(line.slot(i + c, 0) + n); },
                  f.increment + section.at(i, first + n), section.step_y);
  });
  team.sync();
}

// Second factor, along y: leaves u in `increment` and moves the state, its potential and its slope on.
template <class Real, class Team, class Phase>
TUNDISH_HD_LARGE void sweep_columns(const Team& team, const Section<typename Number<Real>::Scalar>& section,
                                    const Phase& phase, const StepSize<Real>& step, const Fields<Real>& f) {
  const auto& y = section.y;
  const int face = y.nodes - 1;
  for_each_strip<Real>(team, section.x.nodes, [&](auto lines, int i) {
    typedef decltype(lines) L;
    typedef typename L::type Group;
    const Elimination<Real, L> line{f.scratch, team.size(), team.rank()};
    auto slope = [&](int j) { return L::load(f.slope + section.at(i, j), 1); };

    Group inner = slope(0), outer = slope(1);
    Group before = Group(Real(0)), here = step.span * held(step.held, inner, inner, outer);
    const Group cooled = step.span * L::load(f.face_slope_y + i, 1) * (1 / y.width[face]);
    line.forward(y.nodes, [&](int j) TUNDISH_INLINE {
      const Group beyond = slope(j + 2 <= face ? j + 2 : face);
      const Group next = step.span * held(step.held, inner, outer, beyond);
      LineEquation<Group> e{y.inward[j] * before, y.outward[j] * next,
                            Group(Real(1)) + here * (y.inward[j] + y.outward[j]),
                            L::load(f.increment + section.at(i, j), 1)};
      if (j == face) e.diagonal = e.diagonal + cooled;
      inner = outer;
      outer = beyond;
      before = here;
      here = next;
      return e;
    });

    Group lowest = L::load(f.potential + section.at(i, 0), 1), highest = lowest;  // and of the step before
    line.back(y.nodes, [&](int j, Group u) TUNDISH_INLINE {
      const long node = section.at(i, j);
      Group state = phase.advance(L::load(f.state + node, 1), u), potential, slope;
      phase.properties(state, potential, slope);
      L::store(u, f.increment + node, 1);
      L::store(state, f.state + node, 1);
      L::store(potential, f.potential + node, 1);
      slope = phase.implicit_slope(slope);
      if (step.damps) slope = damped(step, potential, slope, L::load(f.slope + node, 1));
      L::store(slope, f.slope + node, 1);
      lowest = minimum(lowest, potential);
      highest = maximum(highest, potential);
    });
    L::store(lowest, f.lowest + i, 1);
    L::store(highest, f.highest + i, 1);
  });
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
