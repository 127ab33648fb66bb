// Compiles under: g++, clang++, nvcc, NVRTC. Uses no std headers.
//
// What one bee of an artificial bee colony does. "The paper" is Zielonka, Slota, Hetmaniok, Energies 2020,
// 13, 2429, section 4; its steps are numbered there. The algorithm is that of Karaboga, "An idea based on
// honey bee swarm for numerical optimization", report TR06, Erciyes University 2005.
#pragma once
#include "tundish/core/philox.h"

TUNDISH_NAMESPACE_BEGIN

// What random numbers are for: none is used twice.
enum class Draw : unsigned { place, move, choice };

// The numbers of one bee in one round. They depend on nothing else, so that neither the order in which bees
// are served nor a restart from a saved state can change a run.
TUNDISH_HD RandomWords draw(const unsigned (&key)[2], long long round, int bee, Draw purpose, int part = 0) {
  const unsigned high = unsigned((unsigned long long)(round) >> 32);
  return philox({{unsigned(bee), unsigned(part), unsigned(round), high << 2 | unsigned(purpose)}}, key[0],
                key[1]);
}

struct Interval {
  double lower, upper;
  bool integral;  // then both ends are integers, and so is all between them
};

TUNDISH_HD double round_down(double x) {
#if TUNDISH_ON_GPU
  return floor(x);
#else
  return __builtin_floor(x);
#endif
}
TUNDISH_HD double clipped(double x, const Interval& in) {
  return x < in.lower ? in.lower : x > in.upper ? in.upper : x;
}
// Uniform in an interval, for u in [0, 1): the initial step, and step 6.
TUNDISH_HD double place(const Interval& in, double u) {
  const double width = in.upper - in.lower;
  return clipped(in.lower + (in.integral ? round_down(u * (width + 1)) : u * width), in);
}

struct Move {
  int dimension, partner;
  double factor;
};
// Moves are along one coordinate, relative to any other source.
TUNDISH_HD Move random_move(const RandomWords& words, int source, int sources, int dimensions) {
  const int other = one_of(words.at[1], sources - 1);
  return {one_of(words.at[0], dimensions), other < source ? other : other + 1,
          2 * unit_interval(words.at[2], words.at[3]) - 1};
}
// Step 1 (a): v = x + phi (x - x_k). What leaves the interval stops at its end, as with Karaboga.
TUNDISH_HD double moved(double x, double partner, double factor, const Interval& in) {
  const double to = x + factor * (x - partner);
  return clipped(in.integral ? round_down(to + 0.5) : to, in);
}

// Step 2: what the viewers' choice is proportional to. Bounded, so that sums of it are finite.
TUNDISH_HD double fitness(double objective) {
  if (objective >= 0) return 1 / (1 + objective);
  const double unbounded = 1 - objective;
  return unbounded < 1e300 ? unbounded : 1e300;
}

TUNDISH_NAMESPACE_END
