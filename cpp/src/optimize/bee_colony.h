// An artificial bee colony: sources (points in a box) that bees improve by small moves.
//
// It lives in rounds. In a round every bee proposes one point, all from the same state, and all points are
// evaluated together. Round 0 evaluates the initial sources. A cycle has two phases: in the first every bee
// moves its own source, in the second each moves a source that it chose by fitness. The paper's phases have
// `limit` rounds, Karaboga's one. A bee whose source is given up spends the next cycle's first round on
// finding another, so that every round costs as many evaluations as there are sources.
#pragma once
#include <array>
#include <functional>
#include <limits>
#include <vector>

#include "tundish/optimize/colony.h"

namespace tundish::optimize {

enum class ColonyVariant { published, standard };

struct ColonyOptions {
  ColonyVariant variant = ColonyVariant::published;
  int sources = 8;
  int limit = 0;                     // moves a bee and phase, or failures until a source is given up;
                                     // 0: sources x dimensions
  std::vector<double> lower, upper;  // (dimensions)
  std::vector<char> integral;        // (dimensions)
  std::array<unsigned, 2> key = {};  // of the random numbers
};

// All that changes from round to round.
struct ColonyState {
  long rounds = 0;                 // evaluated so far
  std::vector<double> population;  // (sources, dimensions)
  std::vector<double> energies;    // (sources), infinite where there is no value
  std::vector<long> trials;        // (sources): moves since a source last changed; see changed()
  std::vector<int> chosen;         // (bees): the sources of the second phase
  std::vector<double> best;        // (dimensions)
  double best_energy = std::numeric_limits<double>::infinity();
};

struct ColonyStops {
  long cycles = std::numeric_limits<long>::max();
  long evaluations = std::numeric_limits<long>::max();
  double target = std::numeric_limits<double>::quiet_NaN();  // NaN: none
};
enum class ColonyEnding { none, cycles, evaluations, target, poll };

class BeeColony {
 public:
  // Values f (count) of the points x (count, dimensions).
  typedef std::function<void(const double* x, int count, double* f)> Objective;

  // The rows of `start`, (any number up to sources, dimensions), are the first sources.
  // Throws std::invalid_argument naming what is wrong, as does the other one.
  explicit BeeColony(ColonyOptions options, const std::vector<double>& start = {});
  BeeColony(ColonyOptions options, ColonyState state);

  const ColonyOptions& options() const { return options_; }
  const ColonyState& state() const { return state_; }
  int sources() const { return options_.sources; }
  int dimensions() const { return int(options_.lower.size()); }
  long cycles() const { return state_.rounds == 0 ? 0 : (state_.rounds - 1) / (2 * moves()); }
  long evaluations() const { return state_.rounds * sources(); }

  // The points of this round, (sources, dimensions): always the same ones until they are told.
  const std::vector<double>& ask() const { return points_; }
  // Ends the round with the points' values, (sources). NaN is no value, and neither is infinity.
  void tell(const double* values);

  // Why the next round is not to be evaluated.
  ColonyEnding ending(const ColonyStops& stops) const;
  // Rounds until there is such a reason. `poll` is called between rounds, about every 50 ms; false ends the
  // run. When the objective or poll throws, the colony is as it was before that round.
  ColonyEnding run(const Objective& objective, const ColonyStops& stops,
                   const std::function<bool()>& poll = nullptr);

 private:
  bool published() const { return options_.variant == ColonyVariant::published; }
  long moves() const { return published() ? options_.limit : 1; }
  long round_of_cycle() const { return (state_.rounds - 1) % (2 * moves()); }
  bool opens_cycle() const { return state_.rounds > 0 && round_of_cycle() == 0; }
  bool viewing() const { return state_.rounds > 0 && round_of_cycle() >= moves(); }
  int source_of(int bee) const { return viewing() ? state_.chosen[size_t(bee)] : bee; }
  Interval interval(int dimension) const;
  double* source(int n) { return state_.population.data() + long(n) * dimensions(); }
  const double* source(int n) const { return state_.population.data() + long(n) * dimensions(); }
  double* point(int bee) { return points_.data() + long(bee) * dimensions(); }

  void check_and_complete_options();
  void check_start(const std::vector<double>& start) const;
  void check_state() const;
  std::vector<char> given_up() const;
  std::vector<Interval> search_area() const;
  void fill_place(int bee, const std::vector<Interval>& area, double* x) const;
  void propose();
  bool changed(int source, const double* point, double energy) const;
  void receive(int bee, double energy, bool arrives);
  void choose();

  ColonyOptions options_;
  ColonyState state_;
  std::vector<double> points_;
  std::vector<char> arriving_;  // (bees): whose points are places to begin from
};

}  // namespace tundish::optimize
