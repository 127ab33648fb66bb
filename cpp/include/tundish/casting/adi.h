// Compiles under: g++, clang++, nvcc, NVRTC. Uses no std headers.
//
// One step of the section by alternating directions. With u the increment of the enthalpy H, C the conduction
// along x and y, Phi Kirchhoff's potential and Q the heat that the cooled faces lose, the two-step backward
// formula (second order, L-stable) is
//     u + s [Q(H + u) - C Phi(H + u)] = m u_before,    s = span, m = memory (march.h).
// It is linearised about a prediction H + g and factored, with D = 1 + s Q' (every Robin term, unsplit):
//     (D - s Cx K) D^-1 (D - s Cy K) (u - g) = m u_before - g + s [C Phi(H + g) - Q(H + g)].
// Two such passes are made with the same factors: g is first the last increment, then the first pass's result.
// K need not be the slope of Phi: any K of at least three quarters of the largest slope on the way keeps the
// step stable, and the passes extrapolate its error away. The tangent would not do: in a freezing range or in
// a peak of the heat capacity it is 25 to 50 times below what the node meets within the step, and the step
// would carry the node far beyond. docs/numerics.md has what was measured. Both factors are flux balances, so
// the step conserves heat to rounding whatever K is, and everything is a continuous, piecewise smooth function
// of the parameters.
//
// The first step of a stretch, where the cooling jumps, is made of four backward Euler steps, each split into
// one direction after the other (the one splitting with a maximum principle); the next step continues the
// last of them.
#pragma once
#include "tundish/casting/faces.h"

TUNDISH_NAMESPACE_BEGIN

template <class Real>
struct StepSize {
  typename Number<Real>::Scalar memory;  // weight of the previous increment, m
  // The prediction over the previous increment, at most 1: repeated in full, increments of growing steps rock.
  typename Number<Real>::Scalar ratio;
  Real span;                             // weight of the heat balance, s
};

// (E - C) v = rhs on a group of lines, C the conduction along them and E = D / (s K): elimination from the
// centre plane to the face, and back. With v = s K u as the unknown the numbers beside the diagonal are the
// mesh's own, and one division a node is left; its result, the pivot, is kept for the second pass.
template <class Real, class L>
struct LineSolver {
  typedef typename L::type Group;
  typedef typename Number<Real>::Scalar Scalar;
  Real* scratch;  // two groups a node: what is transposed, and the half-way solution
  Real* pivots;
  long to_next_pivot;
  int members;  // of the team: their scratch is interleaved
  int rank;
  const Axis<Scalar>& axis;

  template <class Team>
  TUNDISH_HD LineSolver(const Team& team, Real* scratch, Real* pivots, int first, int lines,
                        const Axis<Scalar>& axis)
      : scratch(scratch), members(team.size()), rank(team.rank()), axis(axis) {
    // A block's members have neighbouring lines, a sole thread has one strip after the other.
    this->pivots = pivots + (TUNDISH_ON_GPU ? long(first) : long(first) * axis.nodes);
    to_next_pivot = TUNDISH_ON_GPU ? lines : L::count;
  }

  // Members that hold the last, narrow strip leave room for the wide ones of the others.
  static constexpr int room = WideLines<Real>::count;
  static TUNDISH_HD long workspace_size(int nodes, int members) { return 2l * nodes * members * room; }
  static TUNDISH_HD long pivots_size(int lines, int nodes) { return long(lines + room) * nodes; }

  TUNDISH_HD Real* slot(int node, int which) const {
    return scratch + (long(2 * node + which) * members + rank) * room;
  }
  TUNDISH_HD long to_next_node() const { return 2l * members * room; }
  TUNDISH_HD Group kept(int node, int which) const { return L::load(slot(node, which), 1); }
  TUNDISH_HD Real* pivot(int node) const { return pivots + node * to_next_pivot; }

  // ratio(n) is E; both are asked for in rising order.
  template <class Ratio, class Rhs>
  TUNDISH_HD void factor(Ratio ratio, Rhs rhs) const {
    const Scalar one = Scalar(1);
    Group inverse = Group(Real(Scalar(0))), value = inverse;
    for (int n = 0; n < axis.nodes; ++n) {
      const Group here = ratio(n);
      inverse = one / (here + axis.both[n] - axis.product[n] * inverse);
      value = (rhs(n, here) + axis.inward[n] * value) * inverse;
      L::store(inverse, pivot(n), 1);
      L::store(value, slot(n, 1), 1);
    }
  }
  template <class Rhs>
  TUNDISH_HD void solve_again(Rhs rhs) const {
    Group value = Group(Real(Scalar(0)));
    for (int n = 0; n < axis.nodes; ++n) {
      value = (rhs(n) + axis.inward[n] * value) * L::load(pivot(n), 1);
      L::store(value, slot(n, 1), 1);
    }
  }
  // Hands v to found(node, v), in falling order.
  template <class Found>
  TUNDISH_HD void back(Found found) const {
    Group after = Group(Real(Scalar(0)));
    for (int n = axis.nodes - 1; n >= 0; --n) {
      after = kept(n, 1) + (axis.outward[n] * L::load(pivot(n), 1)) * after;
      found(n, after);
    }
  }
};

// The right-hand side of a pass at the nodes that `read` takes from a field together: neighbours on one row,
// or the same node of a few rows. The potential is the one that the pass is linearised about.
template <class Real>
struct Balance {
  const Section<typename Number<Real>::Scalar>& section;
  const StepSize<Real>& step;
  const Fields<Real>& f;

  template <class Read, class Mesh>
  TUNDISH_HD auto along(Read read, Mesh drive, Mesh inward, long node, long stride) const {
    const Real* p = f.linearised + node;
    const auto here = read(p);
    return drive * (read(p + stride) - here) - inward * (here - read(p - stride));
  }
  template <class Read, class AlongX, class AlongY>
  TUNDISH_HD auto rhs(Read read, AlongX drive_x, AlongX inward_x, AlongY drive_y, AlongY inward_y,
                      long node) const {
    return read(f.known + node) + step.span * (along(read, drive_x, inward_x, node, 1) +
                                               along(read, drive_y, inward_y, node, section.step_y));
  }
};

// First factor, along x: leaves v of the half-way solution in `solved`. Plain numbers are worked on along the
// rows, a register at a time, and then transposed into the order of the lines.
template <Pass pass, class Real, class Team>
TUNDISH_HD_LARGE void sweep_rows(const Team& team, const Section<typename Number<Real>::Scalar>& section,
                                 const StepSize<Real>& step, const Fields<Real>& f) {
  typedef Along<Real> A;
  const auto &x = section.x, &y = section.y;
  const Balance<Real> of{section, step, f};
  for_each_strip<Real>(team, y.nodes, [&](auto lines, int first) {
    typedef decltype(lines) L;
    typedef typename L::type Group;
    constexpr bool transposes = A::count > 1;
    const LineSolver<Real, L> line(team, f.scratch, f.pivots_x, first, section.rows, x);
    if constexpr (transposes) {
      auto read = [](const Real* p) TUNDISH_INLINE { return A::read(p); };
      for (int n = 0; n < L::count; n += A::count)
        for (int i = 0; i < x.nodes; i += A::count) {
          auto ratio = [&](int r) TUNDISH_INLINE { return A::read(f.ratio + section.at(i, first + n + r)); };
          auto rhs = [&](int r) TUNDISH_INLINE {
            const int j = first + n + r;
            if constexpr (pass == Pass::start)
              return step.span * of.along(read, A::spread(x.drive + i), A::spread(x.inward + i),
                                          section.at(i, j), 1);
            else
              return of.rhs(read, A::spread(x.drive + i), A::spread(x.inward + i), y.drive[j], y.inward[j],
                            section.at(i, j));
          };
          if constexpr (pass != Pass::second) A::turn(ratio, line.slot(i, 0) + n, line.to_next_node());
          A::turn(rhs, line.slot(i, 1) + n, line.to_next_node());
        }
    }
    const Group drive_y = L::spread(y.drive + first), inward_y = L::spread(y.inward + first);
    auto read = [&](const Real* p) TUNDISH_INLINE { return L::load(p, section.step_y); };
    auto ratio = [&](int i) TUNDISH_INLINE {
      if constexpr (transposes)
        return line.kept(i, 0);
      else
        return read(f.ratio + section.at(i, first));
    };
    auto rhs = [&](int i) TUNDISH_INLINE {
      if constexpr (transposes)
        return line.kept(i, 1);
      else if constexpr (pass == Pass::start)
        return step.span * of.along(read, x.drive[i], x.inward[i], section.at(i, first), 1);
      else
        return of.rhs(read, x.drive[i], x.inward[i], drive_y, inward_y, section.at(i, first));
    };
    if constexpr (pass == Pass::second)
      line.solve_again(rhs);
    else
      line.factor(ratio, [&](int i, Group) TUNDISH_INLINE { return rhs(i); });
    line.back([&](int i, Group v) TUNDISH_INLINE {
      if constexpr (transposes)
        L::store(v, line.slot(i, 0), 1);
      else
        L::store(v, f.solved + section.at(i, first), section.step_y);
    });
    if constexpr (transposes)
      for (int n = 0; n < L::count; n += A::count)
        for (int i = 0; i < x.nodes; i += A::count)
          A::turn([&](int c) TUNDISH_INLINE { return A::read(line.slot(i + c, 0) + n); },
                  f.solved + section.at(i, first + n), section.step_y);
  });
  team.sync();
}

// Second factor, along y: hands v to found(lines, i, j, v), column by column from face y to the centre plane.
template <Pass pass, class Real, class Team, class Found>
TUNDISH_HD void sweep_columns(const Team& team, const Section<typename Number<Real>::Scalar>& section,
                              const StepSize<Real>& step, const Fields<Real>& f, Found found) {
  const auto& y = section.y;
  const Balance<Real> of{section, step, f};
  for_each_strip<Real>(team, section.x.nodes, [&](auto lines, int i) {
    typedef decltype(lines) L;
    typedef typename L::type Group;
    const LineSolver<Real, L> line(team, f.scratch, f.pivots_y, i, section.columns, y);
    auto read = [](const Real* p) TUNDISH_INLINE { return L::load(p, 1); };
    auto ratio = [&](int j) TUNDISH_INLINE { return read(f.ratio + section.at(i, j)); };
    auto half_way = [&](int j) TUNDISH_INLINE { return read(f.solved + section.at(i, j)); };
    if constexpr (pass == Pass::second)
      line.solve_again([&](int j) TUNDISH_INLINE { return ratio(j) * half_way(j); });
    else if constexpr (pass == Pass::first)
      line.factor(ratio, [&](int j, Group e) TUNDISH_INLINE { return e * half_way(j); });
    else
      line.factor(ratio, [&](int j, Group) TUNDISH_INLINE {
        return step.span * of.along(read, y.drive[j], y.inward[j], section.at(i, j), section.step_y);
      });
    line.back([&](int j, Group v) TUNDISH_INLINE { found(lines, i, j, v); });
  });
  team.sync();
}

// Calls visit(lines, i, j) for all nodes of the section, those side by side on a row together, column by column
// from face y to the centre plane.
template <class Real, class Team, class Visit>
TUNDISH_HD void for_each_node(const Team& team, const Section<typename Number<Real>::Scalar>& section,
                              Visit visit) {
  for_each_strip<Real>(team, section.x.nodes, [&](auto lines, int i) {
    for (int j = section.y.nodes - 1; j >= 0; --j) visit(lines, i, j);
  });
  team.sync();
}

// The least K of a node: that of the solid, and in the mush half of the liquid's. Where K jumps more than three
// times from node to node the factors along x and y commute too badly: with a liquid that conducts six times as
// well as the solid, meshes of 0.2 mm and steps of 0.25 s diverged, and with 0.3 of the liquid's K one of seven.
template <class Group, class Real>
TUNDISH_HD Group least_slope(const SteelCurves<Real>& steel, Group potential) {
  typedef typename Number<Real>::Scalar Scalar;
  const Group none = constant(potential, 0), all = constant(potential, 1);
  const Real more = maximum(Scalar(0.4) * steel.liquid_slope - steel.solid_slope, Real(Scalar(0)));
  const Group share = minimum(maximum(none, potential * (Scalar(10) / steel.liquidus_potential)), all);
  return Group(steel.solid_slope) + share * more;
}

// What is done at the nodes once a factor along y is solved. L takes a few columns together.
template <class Real, class Phase, class L>
struct AtNodes {
  typedef typename L::type Group;
  typedef typename Number<Real>::Scalar Scalar;
  const Section<Scalar>& section;
  const Phase& phase;
  const Range<Real>& range;
  const Fields<Real>& f;

  // What the first pass of the step `next` needs, of a node whose last increment was u: the prediction g, K for
  // both passes, and the potential that the pass is linearised about, Phi(H + g) - K g.
  TUNDISH_HD void predict(long node, Group state, Group slope, Group u, const StepSize<Real>& next) const {
    const Group guess = phase.limited(range, state, next.ratio * u);
    Group potential, slope_there;
    phase.properties(phase.advance(state, guess), potential, slope_there);
    const Group K = maximum(maximum(slope, slope_there), least_slope(phase.steel, potential));
    const Group inverse = Scalar(1) / (next.span * K);
    L::store(next.memory * u, f.known + node, 1);
    L::store(guess, f.guess + node, 1);
    L::store(potential - K * guess, f.linearised + node, 1);
    L::store(inverse, f.inverse + node, 1);
    L::store(inverse, f.ratio + node, 1);
  }
  // The first pass's result, about which the second is linearised.
  TUNDISH_HD void relinearise(long node, Group v) const {
    const Group state = L::load(f.state + node, 1);
    const Group guess = phase.limited(range, state, v * L::load(f.inverse + node, 1));
    Group potential, unused;
    phase.properties(phase.advance(state, guess), potential, unused);
    L::store(L::load(f.known + node, 1) - guess, f.known + node, 1);
    L::store(guess, f.guess + node, 1);
    L::store(potential, f.linearised + node, 1);
  }
  // Moves the state on by u and returns it, with its slope.
  TUNDISH_HD Group move_on(int i, int j, Group u, Group& slope) const {
    const long node = section.at(i, j);
    const Group state = phase.advance(L::load(f.state + node, 1), u);
    Group potential;
    phase.properties(state, potential, slope);
    L::store(state, f.state + node, 1);
    L::store(potential, f.potential + node, 1);
    const bool starts = j == section.y.nodes - 1;
    L::store(starts ? potential : minimum(L::load(f.lowest + i, 1), potential), f.lowest + i, 1);
    L::store(starts ? potential : maximum(L::load(f.highest + i, 1), potential), f.highest + i, 1);
    return state;
  }
  // Before one half of a step of the start: linearised about where the state is.
  TUNDISH_HD void linearise_here(long node, Real span) const {
    const Group state = L::load(f.state + node, 1);
    Group potential, slope;
    phase.properties(state, potential, slope);
    const Group inverse =
        Scalar(1) / (span * maximum(slope, Group(Scalar(0.4) * phase.steel.largest_solid_slope)));
    L::store(Group(Real(Scalar(0))), f.guess + node, 1);
    L::store(potential, f.linearised + node, 1);
    L::store(inverse, f.inverse + node, 1);
    L::store(inverse, f.ratio + node, 1);
  }
};

// One step of two passes, and the prediction for the next one where its span is not 0. Returns the heat that
// left through the faces in it, J/m, as the scheme counts it.
template <class Real, class Team, class Phase>
TUNDISH_HD_LARGE Real step_adi(const Team& team, const Section<typename Number<Real>::Scalar>& section,
                               const Phase& phase, const Range<Real>& range, const Cooling<Real>& cooling,
                               const StepSize<Real>& step, const StepSize<Real>& next, bool goes_on,
                               Real heat_before, const Fields<Real>& f) {
  cool_faces<Pass::first>(team, section, phase, cooling, step.span, f);
  sweep_rows<Pass::first>(team, section, step, f);
  sweep_columns<Pass::first>(team, section, step, f, [&](auto lines, int i, int j, auto v) TUNDISH_INLINE {
    AtNodes<Real, Phase, decltype(lines)>{section, phase, range, f}.relinearise(section.at(i, j), v);
  });
  const Real lost = cool_faces<Pass::second>(team, section, phase, cooling, step.span, f);
  sweep_rows<Pass::second>(team, section, step, f);
  const int face_x = section.x.nodes - 1, face_y = section.y.nodes - 1;
  sweep_columns<Pass::second>(team, section, step, f, [&](auto lines, int i, int j, auto v) TUNDISH_INLINE {
    typedef decltype(lines) L;
    typedef typename L::type Group;
    const AtNodes<Real, Phase, L> at{section, phase, range, f};
    const long node = section.at(i, j);
    const Group added = v * L::load(f.inverse + node, 1);
    if (j == face_y || i + L::count > face_x) L::store(added, f.solved + node, 1);  // for implied_heat()
    const Group u = L::load(f.guess + node, 1) + added;
    Group slope;
    const Group state = at.move_on(i, j, u, slope);
    if (goes_on) at.predict(node, state, slope, u, next);
  });
  return step.memory * heat_before + step.span * (lost + implied_heat(section, f, true, true));
}

// One of the four backward Euler steps that a stretch starts with, half of it along each axis. The last of them
// leaves the prediction for the step `next`, where it goes on.
template <class Real, class Team, class Phase>
TUNDISH_HD_LARGE Real start_adi(const Team& team, const Section<typename Number<Real>::Scalar>& section,
                                const Phase& phase, const Range<Real>& range, const Cooling<Real>& cooling,
                                Real span, bool rows_first, const StepSize<Real>& next, bool goes_on,
                                const Fields<Real>& f) {
  typedef typename Number<Real>::Scalar Scalar;
  const StepSize<Real> step{Scalar(0), Scalar(0), span};
  Real lost = Real(Scalar(0));
  for (int half = 0; half < 2; ++half) {
    const bool rows = (half == 0) == rows_first;
    for_each_node<Real>(team, section, [&](auto lines, int i, int j) TUNDISH_INLINE {
      AtNodes<Real, Phase, decltype(lines)>{section, phase, range, f}.linearise_here(section.at(i, j), span);
    });
    const Real flux = cool_faces<Pass::start>(team, section, phase, cooling, span, f, rows, !rows);
    if (rows)
      sweep_rows<Pass::start>(team, section, step, f);
    else
      sweep_columns<Pass::start>(team, section, step, f, [&](auto lines, int i, int j, auto v) TUNDISH_INLINE {
        decltype(lines)::store(v, f.solved + section.at(i, j), 1);
      });
    for_each_node<Real>(team, section, [&](auto lines, int i, int j) TUNDISH_INLINE {
      typedef decltype(lines) L;
      typedef typename L::type Group;
      const AtNodes<Real, Phase, L> at{section, phase, range, f};
      const long node = section.at(i, j);
      const Group t = L::load(f.solved + node, 1) * L::load(f.inverse + node, 1);
      L::store(t, f.solved + node, 1);
      Group slope;
      const Group state = at.move_on(i, j, t, slope);
      const Group u = half == 0 ? t : L::load(f.known + node, 1) + t;
      if (half == 1 && goes_on)
        at.predict(node, state, slope, u, next);
      else
        L::store(u, f.known + node, 1);
    });
    lost = lost + flux + implied_heat(section, f, rows, !rows);
  }
  return span * lost;
}

TUNDISH_NAMESPACE_END
