// Compiles under: g++, clang++, nvcc, NVRTC. Uses no std headers.
//
// One step of the section by the published scheme (Energies 2020, 13, 2429, section 3): fully implicit,
// with density, substitute thermal capacity and conductivity lagged at the start of the step,
//     rho C (T - T_before) / dt = d/dx(k dT/dx) + d/dy(k dT/dy),
// solved by successive over-relaxation until no temperature moves by more than the tolerance.
//
// All fields are stored by diagonals i + j = d (lay_section, march.h). A diagonal's nodes depend
// on its two neighbours only, so they are relaxed together, whole registers at a time. Diagonal after
// diagonal is exactly the lexicographic ordering, the even ones and then the odd ones the red-black one (on
// the published strand 24 to 84 sweeps a step, 45.6 on average, and 19 to 73, 35 on average). A
// register may reach beyond the nodes of its diagonal: those places have no shares, no source and no
// temperature, and stay so.
#pragma once
#include "tundish/casting/section.h"

TUNDISH_NAMESPACE_BEGIN

// The nodes (i, d - i) of one diagonal.
template <class Scalar>
struct Diagonal {
  int first, end;  // i from first (of a whole register) to before end

  TUNDISH_HD Diagonal(const Section<Scalar>& section, int d, int register_length) {
    const int lowest = d < section.y.nodes ? 0 : d - section.y.nodes + 1;
    first = lowest / register_length * register_length;
    end = d < section.x.nodes ? d + 1 : section.x.nodes;
  }
};

// Calls visit(i, d) for the registers of a diagonal; members of the team share them out.
template <class Real, class Team, class Visit>
TUNDISH_HD void along_diagonal(const Team& team, const Section<typename Number<Real>::Scalar>& section, int d,
                               Visit visit) {
  constexpr int count = Lines<Real>::count;
  const Diagonal<typename Number<Real>::Scalar> diagonal(section, d, count);
  for (int i = diagonal.first + team.rank() * count; i < diagonal.end; i += team.size() * count) visit(i, d);
}
template <class Real, class Team, class Visit>
TUNDISH_HD void along_diagonals(const Team& team, const Section<typename Number<Real>::Scalar>& section,
                                Visit visit) {
  for (int d = 0; d < section.diagonals(); ++d) along_diagonal<Real>(team, section, d, visit);
  team.sync();
}

// The mesh around one register of a diagonal.
template <class Real>
struct DiagonalMesh {
  typedef Lines<Real> L;
  typedef typename L::type Group;
  Group west, east, south, north;  // 1 / (distance x control width), 1/m2
  Group surface_x, surface_y;      // cooled surface per volume, 1/m
  Group inside;                    // 1 where there is a node, 0 elsewhere

  TUNDISH_HD DiagonalMesh(const Section<typename Number<Real>::Scalar>& section, int i, int d) {
    const auto& x = section.x;
    const auto& y = section.y_reversed;
    const int j = section.y.nodes - 1 - d + i;  // counted from the face
    west = L::spread(x.inward + i);
    east = L::spread(x.outward + i);
    south = L::spread(y.inward + j);
    north = L::spread(y.outward + j);
    surface_x = L::spread(x.exposure + i);
    surface_y = L::spread(y.exposure + j);
    inside = L::spread(x.inside + i) * L::spread(y.inside + j);
  }
};

// What a register of nodes exchanges: conductances per control volume with the four neighbours by mean
// conductivities, W/(m3 K), and what the faces take, surface x (T - ambient) + taken, W/m3.
template <class Real>
struct NodeBalance {
  typedef Lines<Real> L;
  typedef typename L::type Group;
  Group west, east, south, north, surface, taken, inside;

  TUNDISH_HD NodeBalance(const Section<typename Number<Real>::Scalar>& section, const Cooling<Real>& cooling,
                         const Real* conductivity, int i, int d) {
    typedef typename Number<Real>::Scalar Scalar;
    const DiagonalMesh<Real> mesh(section, i, d);
    const Real* k = conductivity + section.at(i, d - i);
    const Group here = L::load(k, 1);
    auto mean = [&](long neighbour) { return Scalar(0.5) * (here + L::load(k + neighbour, 1)); };
    west = mesh.west * mean(-section.step_x);
    east = mesh.east * mean(section.step_x);
    south = mesh.south * mean(-section.step_y);
    north = mesh.north * mean(section.step_y);
    surface = cooling.htc_x * mesh.surface_x + cooling.htc_y * mesh.surface_y;
    taken = cooling.flux_x * mesh.surface_x + cooling.flux_y * mesh.surface_y;
    inside = mesh.inside;
  }
};

// The properties that the next step lags, from the state.
template <class Real, class Team, class Phase>
TUNDISH_HD_LARGE void lag_properties(const Team& team, const Section<typename Number<Real>::Scalar>& section,
                                     const Phase& phase, const Fields<Real>& f) {
  typedef Lines<Real> L;
  along_diagonals<Real>(team, section, [&](int i, int d) {
    const long node = section.at(i, d - i);
    typename L::type potential, temperature, conductivity, capacity;
    phase.lag(L::load(f.state + node, 1), potential, temperature, conductivity, capacity);
    L::store(potential, f.potential + node, 1);
    L::store(DiagonalMesh<Real>(section, i, d).inside * temperature, f.temperature + node, 1);
    L::store(conductivity, f.conductivity + node, 1);
    L::store(capacity, f.capacity + node, 1);
  });
}

// The equations of a register of nodes, over-relaxed: T <- (1 - factor) T + source + sum of share x
// neighbour. Its five parts lie side by side, registers apart.
template <class Real>
struct NodeEquation {
  typedef Lines<Real> L;
  typedef typename L::type Group;
  static constexpr int numbers = 5;  // a node
  Real* here;

  TUNDISH_HD NodeEquation(const Fields<Real>& f, long node) : here(f.equations + numbers * node) {}
  TUNDISH_HD Real* part(int n) const { return here + n * L::count; }
  TUNDISH_HD Group source() const { return L::load(part(0), 1); }
  TUNDISH_HD Group west() const { return L::load(part(1), 1); }
  TUNDISH_HD Group east() const { return L::load(part(2), 1); }
  TUNDISH_HD Group south() const { return L::load(part(3), 1); }
  TUNDISH_HD Group north() const { return L::load(part(4), 1); }
};

// The equations of all nodes, divided by their diagonals: a sweep then multiplies and adds, and divides by
// nothing. Places of a diagonal outside the section get equations that change nothing.
template <class Real, class Team>
TUNDISH_HD_LARGE void assemble(const Team& team, const Section<typename Number<Real>::Scalar>& section,
                               const Cooling<Real>& cooling, Real per_second,
                               typename Number<Real>::Scalar factor, const Fields<Real>& f) {
  typedef Lines<Real> L;
  typedef typename L::type Group;
  const Group nowhere = Group(Real(1));
  along_diagonals<Real>(team, section, [&](int i, int d) {
    const NodeBalance<Real> to(section, cooling, f.conductivity, i, d);
    const long node = section.at(i, d - i);
    Group storage = per_second * L::load(f.capacity + node, 1);
    Group diagonal = storage + to.west + to.east + to.south + to.north + to.surface;
    Group share = factor * to.inside / (to.inside * diagonal + (nowhere - to.inside));
    Group drive = storage * L::load(f.temperature + node, 1) + to.surface * cooling.ambient - to.taken;
    const NodeEquation<Real> equation(f, node);
    const Group parts[] = {share * drive, share * to.west, share * to.east, share * to.south,
                           share * to.north};
    for (int n = 0; n < NodeEquation<Real>::numbers; ++n) L::store(parts[n], equation.part(n), 1);
  });
}

// Relaxes one diagonal and adds its largest change to `change`.
template <class Real, class Team>
TUNDISH_HD void relax_diagonal(const Team& team, const Section<typename Number<Real>::Scalar>& section,
                               const Fields<Real>& f, typename Number<Real>::Scalar keep, int d,
                               typename Lines<Real>::type& change) {
  typedef Lines<Real> L;
  typedef typename L::type Group;
  const Diagonal<typename Number<Real>::Scalar> diagonal(section, d, L::count);
  const int first = diagonal.first + team.rank() * L::count, step = team.size() * L::count;
  if (first >= diagonal.end) return;
  long node = section.at(first, d - first);
  // Of the diagonals beside this one. A team of one hands the neighbours on from register to register.
  Group south_before = L::load(f.temperature + node - section.step_y - L::count, 1);
  Group north = L::load(f.temperature + node + section.step_y, 1);
  Group largest = change;
  for (int i = first; i < diagonal.end; i += step, node += step) {
    Real* T = f.temperature + node;
    if (team.size() > 1) {
      south_before = L::load(T - section.step_y - L::count, 1);
      north = L::load(T + section.step_y, 1);
    }
    const Group south = L::load(T - section.step_y, 1);
    const Group north_after = L::load(T + section.step_y + L::count, 1);
    const NodeEquation<Real> equation(f, node);
    const Group old = L::load(T, 1);
    Group before = keep * old + equation.source();
    Group behind = equation.east() * one_after(north, north_after) + equation.north() * north;
    Group ahead = equation.west() * one_before(south_before, south) + equation.south() * south;
    const Group fresh = before + behind + ahead;
    largest = maximum(largest, absolute(fresh - old));
    L::store(fresh, T, 1);
    south_before = south;
    north = north_after;
  }
  change = largest;
}

constexpr int max_sweeps_at_once = 4;  // or 2, or 1 (relax)

// A few sweeps at once, each some diagonals behind the one before it, so that they find the equations in the
// nearest cache; the answer is that of one after the other. changes[s] gets the largest change in sweep s.
template <class Real, class Team>
TUNDISH_HD_LARGE void sweep(const Team& team, const Section<typename Number<Real>::Scalar>& section,
                            const Fields<Real>& f, typename Number<Real>::Scalar keep, Ordering ordering,
                            int sweeps, typename Lines<Real>::type* changes) {
  typedef typename Lines<Real>::type Group;
  const bool halves = ordering == Ordering::red_black;  // a sweep is two passes, over every second diagonal
  const int passes = halves ? 2 * sweeps : sweeps, lag = halves ? 1 : 2;
  for (int s = 0; s < sweeps; ++s) changes[s] = Group(Real(0));
  const int last = section.diagonals() - 1 + lag * (passes - 1);
  for (int front = 0; front <= last; front += halves ? 2 : 1) {
    for (int pass = 0; pass < passes; ++pass) {
      const int d = front - lag * pass;
      if (d < 0 || d >= section.diagonals()) continue;
      relax_diagonal(team, section, f, keep, d, changes[halves ? pass / 2 : pass]);
      if (halves) team.sync();
    }
    if (!halves) team.sync();
  }
}

template <class Real, class Team>
TUNDISH_HD_LARGE void copy_field(const Team& team, long size, const Real* from, Real* to) {
  for (long n = team.rank(); n < size; n += team.size()) to[n] = from[n];
  team.sync();
}

// Sweeps until the largest change is within the tolerance; returns whether it is. The way the changes shrink
// says how many sweeps at once will still be needed. It may be wrong by a few near the end, where the
// temperatures before are kept to go back to: sweeps that were not needed are not made.
template <class Real, class Team>
TUNDISH_HD_LARGE bool relax(const Team& team, const Section<typename Number<Real>::Scalar>& section,
                            const Fields<Real>& f,
                            const Relaxation<typename Number<Real>::Scalar>& relaxation, Real& sweeps) {
  typedef typename Number<Real>::Scalar Scalar;
  const Scalar keep = Scalar(1) - relaxation.factor, tolerance = relaxation.tolerance;
  const Scalar surely = Scalar(1e4) * tolerance;
  Scalar before = Scalar(0), now = Scalar(0), expected = Scalar(0);
  bool moves = true;
  int done = 0, at_once = relaxation.max_sweeps < 4 ? 1 : 4;
  while (done < relaxation.max_sweeps && moves) {
    const bool may_be_less = at_once > 1 && !(expected > surely);
    if (may_be_less) copy_field(team, section.field_size, f.temperature, f.temperature_kept);
    typename Lines<Real>::type changes[max_sweeps_at_once];
    sweep(team, section, f, keep, relaxation.ordering, at_once, changes);
    int needed = 0;
    do {
      before = now;
      now = Number<Real>::value(team.largest(largest(changes[needed++])), 0);
      moves = now > tolerance;
    } while (needed < at_once && (moves || !may_be_less));
    if (needed < at_once) {
      copy_field(team, section.field_size, f.temperature_kept, f.temperature);
      sweep(team, section, f, keep, relaxation.ordering, needed, changes);
    }
    done += needed;
    const Scalar ratio = before > 0 ? now / before : Scalar(0), in_two = now * ratio * ratio,
                 in_four = in_two * ratio * ratio;
    const int left = relaxation.max_sweeps - done;
    at_once = in_four > tolerance && left >= 4 ? 4 : in_two > tolerance && left >= 2 ? 2 : 1;
    expected = at_once == 4 ? in_four : in_two;
  }
  sweeps = Real(Scalar(done));
  return !moves;
}

// Settles the state at the solution of the linear equations, and makes the properties follow.
template <class Real, class Team, class Phase>
TUNDISH_HD_LARGE void settle(const Team& team, const Section<typename Number<Real>::Scalar>& section,
                             const Phase& phase, const Cooling<Real>& cooling, Real duration,
                             const Fields<Real>& f) {
  typedef Lines<Real> L;
  typedef typename L::type Group;
  // The heat that a node has got, from the conductivities that the step lagged: before any of them changes.
  along_diagonals<Real>(team, section, [&](int i, int d) {
    const NodeBalance<Real> to(section, cooling, f.conductivity, i, d);
    const long node = section.at(i, d - i);
    const Real* T = f.temperature + node;
    const Group here = L::load(T, 1);
    Group gain = to.west * (L::load(T - section.step_x, 1) - here) +
                 to.east * (L::load(T + section.step_x, 1) - here) +
                 to.south * (L::load(T - section.step_y, 1) - here) +
                 to.north * (L::load(T + section.step_y, 1) - here) -
                 (to.taken + to.surface * (here - cooling.ambient));
    Group state =
        phase.settle(L::load(f.state + node, 1), L::load(f.capacity + node, 1), duration * gain, here);
    L::store(state, f.state + node, 1);
  });
  lag_properties(team, section, phase, f);
}

// One step; returns the heat that left through the faces in it, J/m.
template <class Real, class Team, class Phase>
TUNDISH_HD_LARGE Real step_sor(const Team& team, const Section<typename Number<Real>::Scalar>& section,
                               const Phase& phase, const Cooling<Real>& cooling, Real duration,
                               const Relaxation<typename Number<Real>::Scalar>& relaxation,
                               const Fields<Real>& f, Real& sweeps, bool& unconverged) {
  assemble(team, section, cooling, Real(1) / duration, relaxation.factor, f);
  unconverged = !relax(team, section, f, relaxation, sweeps);

  const int face_x = section.x.nodes - 1, face_y = section.y.nodes - 1;
  Real rate = Real(0);
  for (int j = 0; j <= face_y; ++j) {
    const Real face = f.temperature[section.at(face_x, j)];
    rate = rate + section.y.width[j] * (cooling.flux_x + cooling.htc_x * (face - cooling.ambient));
  }
  for (int i = 0; i <= face_x; ++i) {
    const Real face = f.temperature[section.at(i, face_y)];
    rate = rate + section.x.width[i] * (cooling.flux_y + cooling.htc_y * (face - cooling.ambient));
  }
  team.sync();
  settle(team, section, phase, cooling, duration, f);
  return duration * rate;
}

TUNDISH_NAMESPACE_END
