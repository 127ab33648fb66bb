// Compiles under: g++, clang++, nvcc, NVRTC. Uses no std headers.
//
// One step of the section by alternating directions. With u the increment of the enthalpy H, C the conduction
// along x and y, Phi Kirchhoff's potential and Q the heat that the cooled faces lose, the two-step backward
// formula (second order, L-stable) is
//     u + s [Q(H + u) - C Phi(H + u)] = m u_before,    s = span, m = memory (march.h).
// It is linearised about a prediction H + g and factored, with D = 1 + s Q' (every Robin term, unsplit):
//     (D - s Cx K) D^-1 (D - s Cy K) (u - g) = m u_before - g + s [C Phi(H + g) - Q(H + g)].
// Two such passes are made with the same factors: g is first the last increment, then the first pass's
// result. K need not be the slope of Phi: any K of at least three quarters of the largest slope on the way
// keeps the step stable, and the passes extrapolate its error away. The tangent would not do: in a freezing
// range or in a peak of the heat capacity it is 25 to 50 times below what the node meets within the step, and
// the step would carry the node far beyond. docs/numerics.md has what was measured. Both factors are flux
// balances, so the step conserves heat to rounding whatever K is, and everything is a continuous, piecewise
// smooth function of the parameters.
//
// Each of the first two steps of a stretch, where the cooling jumps, is made of four backward Euler steps,
// each split into one direction after the other (the one splitting with a maximum principle); the next step
// continues the last of them.
#pragma once
#include "tundish/casting/faces.h"
#include "tundish/casting/line_solver.h"

TUNDISH_NAMESPACE_BEGIN

template <class Real>
struct StepSize {
  typename Number<Real>::Scalar memory;  // weight of the previous increment, m
  // The prediction over the previous increment, at most 1: repeated in full, increments of growing steps
  // rock.
  typename Number<Real>::Scalar ratio;
  Real span;  // weight of the heat balance, s
};

// The right-hand side of a pass at the nodes that `read` takes from a field together: neighbours on one row,
// or the same node of a few rows. The potential is the one that the pass is linearised about.
template <Pass pass, class Real>
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
    const auto in_rows = along(read, drive_x, inward_x, node, 1);
    if constexpr (pass == Pass::start) return step.span * in_rows;
    const auto divergence = in_rows + along(read, drive_y, inward_y, node, section.step_y);
    if constexpr (pass == Pass::second)
      return read(f.known + node) - read(f.guess + node) + step.span * divergence;
    else
      return read(f.known + node) + step.span * divergence;
  }
};

// First factor, along x: leaves its solution in `solved`. Plain numbers are worked on along the rows, a
// register at a time, and then transposed into the order of the lines; their slopes are kept so for the
// second pass.
template <Pass pass, class Real, class Team>
TUNDISH_HD_LARGE void sweep_rows(const Team& team, const Section<typename Number<Real>::Scalar>& section,
                                 const StepSize<Real>& step, const Fields<Real>& f) {
  typedef Along<Real> A;
  const auto &x = section.x, &y = section.y;
  const Balance<pass, Real> of{section, step, f};
  for_each_strip<Real>(team, y.nodes, [&](auto lines, int first) {
    typedef decltype(lines) L;
    typedef typename L::type Group;
    constexpr bool transposes = A::count > 1;
    const LineSolver<Real, L> line(team, f.scratch, f.pivots_x, first, section.rows, x);
    Real* const slopes = f.slopes_x + (line.pivots - f.pivots_x);
    if constexpr (transposes) {
      auto read = [](const Real* p) TUNDISH_INLINE { return A::read(p); };
      for (int n = 0; n < L::count; n += A::count)
        for (int i = 0; i < x.nodes; i += A::count) {
          auto slope = [&](int r) TUNDISH_INLINE { return A::read(f.slope + section.at(i, first + n + r)); };
          auto rhs = [&](int r) TUNDISH_INLINE {
            const int j = first + n + r;
            return of.rhs(read, A::spread(x.drive + i), A::spread(x.inward + i), y.drive[j], y.inward[j],
                          section.at(i, j));
          };
          if constexpr (pass != Pass::second) A::turn(slope, slopes + i * L::count + n, L::count);
          A::turn(rhs, line.slot(i, 1) + n, line.to_next_node());
        }
    }
    const Group drive_y = L::spread(y.drive + first), inward_y = L::spread(y.inward + first);
    auto read = [&](const Real* p) TUNDISH_INLINE { return L::load(p, section.step_y); };
    auto slope = [&](int i) TUNDISH_INLINE {
      if constexpr (transposes)
        return L::load(slopes + i * L::count, 1);
      else
        return read(f.slope + section.at(i, first));
    };
    auto rhs = [&](int i) TUNDISH_INLINE {
      if constexpr (transposes)
        return line.kept(i, 1);
      else
        return of.rhs(read, x.drive[i], x.inward[i], drive_y, inward_y, section.at(i, first));
    };
    if constexpr (pass == Pass::second)
      line.solve_again(slope, rhs);
    else
      line.factor(slope, rhs);
    line.back(slope, [&](int i, Group t) TUNDISH_INLINE {
      if constexpr (transposes)
        L::store(t, line.slot(i, 0), 1);
      else
        L::store(t, f.solved + section.at(i, first), section.step_y);
    });
    if constexpr (transposes)
      for (int n = 0; n < L::count; n += A::count)
        for (int i = 0; i < x.nodes; i += A::count)
          A::turn([&](int c) TUNDISH_INLINE { return A::read(line.slot(i + c, 0) + n); },
                  f.solved + section.at(i, first + n), section.step_y);
  });
  team.sync();
}

// Second factor, along y, column by column from face y to the centre plane: make(lines, i) gives what visits
// the nodes of a few columns, visit(j, t), until visit.finish().
template <Pass pass, class Real, class Team, class Make>
TUNDISH_HD void sweep_columns(const Team& team, const Section<typename Number<Real>::Scalar>& section,
                              const StepSize<Real>& step, const Fields<Real>& f, Make make) {
  const auto& y = section.y;
  const Balance<pass, Real> of{section, step, f};
  for_each_strip<Real>(team, section.x.nodes, [&](auto lines, int i) {
    typedef decltype(lines) L;
    typedef typename L::type Group;
    const LineSolver<Real, L> line(team, f.scratch, f.pivots_y, i, section.columns, y);
    auto read = [](const Real* p) TUNDISH_INLINE { return L::load(p, 1); };
    auto slope = [&](int j) TUNDISH_INLINE { return read(f.slope + section.at(i, j)); };
    auto half_way = [&](int j) TUNDISH_INLINE { return read(f.solved + section.at(i, j)); };
    if constexpr (pass == Pass::second)
      line.solve_again(slope, half_way);
    else if constexpr (pass == Pass::first)
      line.factor(slope, half_way);
    else
      line.factor(slope, [&](int j) TUNDISH_INLINE {
        return step.span * of.along(read, y.drive[j], y.inward[j], section.at(i, j), section.step_y);
      });
    auto visit = make(lines, i);
    line.back(slope, [&](int j, Group t) TUNDISH_INLINE { visit(j, t); });
    visit.finish();
  });
  team.sync();
}

// A few neighbouring columns, node by node from face y to the centre plane, once the factor along y is
// solved. Their extremes stay in registers until finish(): a load and a store of each at every node would
// make a chain. Fields that the faces alone need are kept at the nodes of the faces alone (and at their
// neighbours in the same register): every store to a field costs a line of the second cache both ways.
template <class Real, class Phase, class L>
struct Columns {
  typedef typename L::type Group;
  typedef typename Number<Real>::Scalar Scalar;
  const Section<Scalar>& section;
  const Phase& phase;
  const Range<Real>& range;
  const Fields<Real>& f;
  int first;
  long start, step;  // copies: read from the section they would be read again after every store
  int face;
  bool holds_face;
  LeastSlope<Real> least;
  Group lowest, highest;

  TUNDISH_HD Columns(const Section<Scalar>& section, const Phase& phase, const Range<Real>& range,
                     const Fields<Real>& f, int first)
      : section(section),
        phase(phase),
        range(range),
        f(f),
        first(first),
        start(section.at(first, 0)),
        step(section.step_y),
        face(section.y.nodes - 1),
        holds_face(first + L::count >= section.x.nodes),
        least(phase.steel),
        lowest(Real(Scalar(1e30))),
        highest(Real(Scalar(-1e30))) {}

  // One node of each column.
  struct Node {
    long at;
    bool on_face;  // one of them at least
  };
  TUNDISH_HD Node node(int j) const { return {start + j * step, holds_face || j == face}; }
  TUNDISH_HD void keep_extremes() const {
    L::store(lowest, f.lowest + first, 1);
    L::store(highest, f.highest + first, 1);
  }
  // The increment behind t = D u.
  TUNDISH_HD Group increment(const Node& n, Group t) const {
    return n.on_face ? t / L::load(f.mass + n.at, 1) : t;
  }
  // Its faces' share is added by cool_faces().
  TUNDISH_HD void keep_slope(const Node& n, Group slope, Group guess) const {
    L::store(slope, f.slope + n.at, 1);
    if (!n.on_face) return;
    L::store(Group(Real(Scalar(1))), f.mass + n.at, 1);
    L::store(guess, f.guess + n.at, 1);
  }

  // What the first pass of the step `next` needs, of a node whose last increment was u: the prediction g, K
  // for both passes, and the potential that the pass is linearised about, Phi(H + g) - K g.
  TUNDISH_HD void predict(const Node& n, Group state, Group slope, Group u,
                          const StepSize<Real>& next) const {
    Group guess = next.ratio * u, potential, slope_there;
    phase.properties(phase.guessed(range, state, guess), potential, slope_there);
    const Group K = maximum(maximum(slope, slope_there), least.at(potential));
    L::store(next.memory * u, f.known + n.at, 1);
    L::store(potential - K * guess, f.linearised + n.at, 1);
    keep_slope(n, next.span * K, guess);
  }
  // The first pass's result, about which the second is linearised.
  TUNDISH_HD void relinearise(const Node& n, Group t) const {
    const Group state = L::load(f.state + n.at, 1);
    Group guess = increment(n, t), potential, unused;
    phase.properties(phase.guessed(range, state, guess), potential, unused);
    L::store(guess, f.guess + n.at, 1);
    L::store(potential, f.linearised + n.at, 1);
  }
  // Moves the state on by u and returns it, with its potential and slope.
  TUNDISH_HD Group move_on(const Node& n, Group u, Group& potential, Group& slope) {
    const Group state = phase.advance(L::load(f.state + n.at, 1), u);
    phase.properties(state, potential, slope);
    L::store(state, f.state + n.at, 1);
    L::store(potential, f.potential + n.at, 1);
    lowest = minimum(lowest, potential);
    highest = maximum(highest, potential);
    return state;
  }
  // Before one half of a step of the start: linearised about where the state is.
  TUNDISH_HD void linearise_here(const Node& n, Group potential, Group slope, Real span) const {
    const Group K = maximum(slope, Group(Scalar(0.4) * phase.steel.largest_solid_slope));
    L::store(potential, f.linearised + n.at, 1);
    keep_slope(n, span * K, Group(Real(Scalar(0))));
  }
};

// What the sweeps along the columns do at the nodes, at the end of either pass.
template <class Real, class Phase, class L>
struct AfterFirst : Columns<Real, Phase, L> {
  typedef typename L::type Group;
  using Columns<Real, Phase, L>::Columns;
  TUNDISH_HD void operator()(int j, Group t) const { this->relinearise(this->node(j), t); }
  TUNDISH_HD void finish() const {}
};
template <class Real, class Phase, class L>
struct AfterSecond : Columns<Real, Phase, L> {
  typedef Columns<Real, Phase, L> Base;
  typedef typename L::type Group;
  const StepSize<Real>& next;
  bool goes_on;

  TUNDISH_HD AfterSecond(const Base& columns, const StepSize<Real>& next, bool goes_on)
      : Base(columns), next(next), goes_on(goes_on) {}
  TUNDISH_HD void operator()(int j, Group t) {
    const Fields<Real>& f = this->f;
    const auto n = this->node(j);
    const Group added = this->increment(n, t);
    if (n.on_face) L::store(added, f.solved + n.at, 1);  // for implied_heat()
    const Group u = L::load(f.guess + n.at, 1) + added;
    Group potential, slope;
    const Group state = this->move_on(n, u, potential, slope);
    if (goes_on) this->predict(n, state, slope, u, next);
  }
  TUNDISH_HD void finish() const { this->keep_extremes(); }
};

// One step of two passes, and the prediction for the next one where it goes on. Returns the heat that left
// through the faces in it, J/m, as the scheme counts it.
template <class Real, class Team, class Phase>
TUNDISH_HD_LARGE Real step_adi(const Team& team, const Section<typename Number<Real>::Scalar>& section,
                               const Phase& phase, const Range<Real>& range, const Cooling<Real>& cooling,
                               const StepSize<Real>& step, const StepSize<Real>& next, bool goes_on,
                               Real heat_before, const Fields<Real>& f) {
  cool_faces<Pass::first>(team, section, phase, cooling, step.span, f);
  sweep_rows<Pass::first>(team, section, step, f);
  sweep_columns<Pass::first>(team, section, step, f, [&](auto lines, int i) TUNDISH_INLINE {
    return AfterFirst<Real, Phase, decltype(lines)>(section, phase, range, f, i);
  });
  const Real lost = cool_faces<Pass::second>(team, section, phase, cooling, step.span, f);
  sweep_rows<Pass::second>(team, section, step, f);
  sweep_columns<Pass::second>(team, section, step, f, [&](auto lines, int i) TUNDISH_INLINE {
    typedef decltype(lines) L;
    return AfterSecond<Real, Phase, L>(Columns<Real, Phase, L>(section, phase, range, f, i), next, goes_on);
  });
  return step.memory * heat_before + step.span * (lost + implied_heat(team, section, f, true, true));
}

// After one half of a step of the start: moves the state on, and linearises for the next half, or predicts
// for the step after the start.
template <class Real, class Phase, class L>
struct AfterHalf : Columns<Real, Phase, L> {
  typedef Columns<Real, Phase, L> Base;
  typedef typename L::type Group;
  Real span;
  bool second;                 // of the two halves
  const StepSize<Real>* next;  // null where another half follows

  TUNDISH_HD AfterHalf(const Base& columns, Real span, bool second, const StepSize<Real>* next)
      : Base(columns), span(span), second(second), next(next) {}
  TUNDISH_HD void operator()(int j, Group t) {
    const Fields<Real>& f = this->f;
    const auto n = this->node(j);
    const Group half = this->increment(n, t);
    L::store(half, f.solved + n.at, 1);
    Group potential, slope;
    const Group state = this->move_on(n, half, potential, slope);
    const Group u = second ? L::load(f.known + n.at, 1) + half : half;
    if (next) return this->predict(n, state, slope, u, *next);
    L::store(u, f.known + n.at, 1);
    this->linearise_here(n, potential, slope, span);
  }
  TUNDISH_HD void finish() const { this->keep_extremes(); }
};

// Makes a visitor for every group of columns, and takes it over their nodes.
template <class Real, class Team, class Make>
TUNDISH_HD void visit_columns(const Team& team, const Section<typename Number<Real>::Scalar>& section,
                              Make make) {
  for_each_strip<Real>(team, section.x.nodes, [&](auto lines, int i) {
    auto visit = make(lines, i);
    for (int j = section.y.nodes - 1; j >= 0; --j) visit(j);
    visit.finish();
  });
  team.sync();
}
template <class Real, class Phase, class L>
struct BeforeStart : Columns<Real, Phase, L> {
  typedef typename L::type Group;
  Real span;

  TUNDISH_HD BeforeStart(const Columns<Real, Phase, L>& columns, Real span)
      : Columns<Real, Phase, L>(columns), span(span) {}
  TUNDISH_HD void operator()(int j) const {
    Group potential, slope;
    const auto n = this->node(j);
    this->phase.properties(L::load(this->f.state + n.at, 1), potential, slope);
    this->linearise_here(n, potential, slope, span);
  }
  TUNDISH_HD void finish() const {}
};
template <class Real, class Phase, class L>
struct AfterRows : AfterHalf<Real, Phase, L> {
  using AfterHalf<Real, Phase, L>::AfterHalf;
  TUNDISH_HD void operator()(int j) {
    AfterHalf<Real, Phase, L>::operator()(j, L::load(this->f.solved + this->node(j).at, 1));
  }
};

// One of the four backward Euler steps that a stretch starts with, half of it along each axis. The first of
// them finds the fields as the stretch before left them; the last leaves the prediction for the step `next`,
// where it is not null.
template <class Real, class Team, class Phase>
TUNDISH_HD_LARGE Real start_adi(const Team& team, const Section<typename Number<Real>::Scalar>& section,
                                const Phase& phase, const Range<Real>& range, const Cooling<Real>& cooling,
                                Real span, int quarter, const StepSize<Real>* next, const Fields<Real>& f) {
  typedef typename Number<Real>::Scalar Scalar;
  const StepSize<Real> step{Scalar(0), Scalar(0), span};
  if (quarter == 0)
    visit_columns<Real>(team, section, [&](auto lines, int i) TUNDISH_INLINE {
      typedef decltype(lines) L;
      return BeforeStart<Real, Phase, L>(Columns<Real, Phase, L>(section, phase, range, f, i), span);
    });
  Real lost = Real(Scalar(0));
  for (int half = 0; half < 2; ++half) {
    const bool rows = (half == 0) == (quarter % 2 == 0);
    const StepSize<Real>* following = half == 1 ? next : nullptr;
    const Real flux = cool_faces<Pass::start>(team, section, phase, cooling, span, f, rows, !rows);
    if (rows) {
      sweep_rows<Pass::start>(team, section, step, f);
      visit_columns<Real>(team, section, [&](auto lines, int i) TUNDISH_INLINE {
        typedef decltype(lines) L;
        const Columns<Real, Phase, L> columns(section, phase, range, f, i);
        return AfterRows<Real, Phase, L>(columns, span, half == 1, following);
      });
    } else {
      sweep_columns<Pass::start>(team, section, step, f, [&](auto lines, int i) TUNDISH_INLINE {
        typedef decltype(lines) L;
        const Columns<Real, Phase, L> columns(section, phase, range, f, i);
        return AfterHalf<Real, Phase, L>(columns, span, half == 1, following);
      });
    }
    lost = lost + flux + implied_heat(team, section, f, rows, !rows);
  }
  return span * lost;
}

TUNDISH_NAMESPACE_END
