// Compiles under: g++, clang++, nvcc, NVRTC. Uses no std headers.
//
// The linear equations of one factor of a step by alternating directions (adi.h), a few lines at a time.
#pragma once
#include "tundish/casting/march.h"
#include "tundish/core/along.h"

TUNDISH_NAMESPACE_BEGIN

// (1 - C k) t = rhs on a group of lines, C the conduction along them and k = s K / D: elimination from the
// centre plane to the face, and back. With D t as the unknown, D is a part of k, and the right-hand side of
// the second factor is the first one's solution as it stands. One division a node is left; its result, the
// pivot's reciprocal, is kept for the second pass. The chain from node to node is a product, a difference and
// a division.
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

  // slope(n) is k; both are asked for in rising order.
  template <class Slope, class Rhs>
  TUNDISH_HD void factor(Slope slope, Rhs rhs) const {
    const Scalar one = Scalar(1);
    Group inverse = Group(Real(Scalar(0))), value = inverse, before = inverse;
    for (int n = 0; n < axis.nodes; ++n) {
      const Group here = slope(n);
      inverse = one / ((axis.both[n] * here + one) - (axis.product[n] * here * before) * inverse);
      value = (rhs(n) + (axis.inward[n] * before) * value) * inverse;
      before = here;
      L::store(inverse, pivot(n), 1);
      L::store(value, slot(n, 1), 1);
    }
  }
  template <class Slope, class Rhs>
  TUNDISH_HD void solve_again(Slope slope, Rhs rhs) const {
    Group value = Group(Real(Scalar(0))), before = value;
    for (int n = 0; n < axis.nodes; ++n) {
      value = (rhs(n) + (axis.inward[n] * before) * value) * L::load(pivot(n), 1);
      before = slope(n);
      L::store(value, slot(n, 1), 1);
    }
  }
  // Hands t to found(node, t), in falling order; slope(node) is asked for before.
  template <class Slope, class Found>
  TUNDISH_HD void back(Slope slope, Found found) const {
    Group after = Group(Real(Scalar(0))), outer = after;
    for (int n = axis.nodes - 1; n >= 0; --n) {
      after = kept(n, 1) + (axis.outward[n] * L::load(pivot(n), 1) * outer) * after;
      outer = slope(n);
      found(n, after);
    }
  }
};

TUNDISH_NAMESPACE_END
