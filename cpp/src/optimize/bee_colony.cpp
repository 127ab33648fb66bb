#include "optimize/bee_colony.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <sstream>

#include "core/refusal.h"

namespace tundish::optimize {
namespace {

constexpr double no_value = std::numeric_limits<double>::infinity();
constexpr double max_coordinates = 1e8;

std::string item(const char* name, size_t n) { return name + ("[" + std::to_string(n)) + "]"; }
std::string item(const char* name, size_t n, size_t m) {
  return item(name, n) + "[" + std::to_string(m) + "]";
}

std::string pair(double lower, double upper) {
  std::ostringstream text;
  text << "(" << lower << ", " << upper << ")";
  return text.str();
}
void require_within(const std::string& name, double x, const Interval& in) {
  const bool inside = x >= in.lower && x <= in.upper;  // false for NaN
  if (!inside || (in.integral && x != std::floor(x)))
    core::refuse(name, x,
                 "must be " + std::string(in.integral ? "an integer " : "") + "within its bounds, " +
                     pair(in.lower, in.upper));
}
void require_size(const char* name, size_t size, size_t expected) {
  if (size != expected)
    core::refuse(name, std::to_string(size) + " numbers", std::to_string(expected) + " are needed");
}

}  // namespace

BeeColony::BeeColony(ColonyOptions options, const std::vector<double>& start) : options_(std::move(options)) {
  check_and_complete_options();
  check_start(start);
  const size_t n = size_t(sources());
  state_.population.resize(n * size_t(dimensions()));
  state_.energies.assign(n, no_value);
  state_.trials.assign(n, 0);
  state_.chosen.assign(n, 0);
  const std::vector<Interval> area = search_area();
  for (int i = 0; i < sources(); ++i) fill_place(i, area, source(i));
  std::copy(start.begin(), start.end(), state_.population.begin());
  state_.best.assign(source(0), source(0) + dimensions());
  propose();
}

BeeColony::BeeColony(ColonyOptions options, ColonyState state)
    : options_(std::move(options)), state_(std::move(state)) {
  check_and_complete_options();
  check_state();
  propose();
}

// Bounds of integers shrink to the integers inside them; a limit that is left out follows from the sizes.
void BeeColony::check_and_complete_options() {
  ColonyOptions& o = options_;
  const size_t n = o.lower.size();
  if (n == 0) core::refuse("bounds", "none", "at least one dimension is needed");
  require_size("bounds", o.upper.size(), n);
  require_size("integrality", o.integral.size(), n);
  for (size_t j = 0; j < n; ++j) {
    const std::string given = pair(o.lower[j], o.upper[j]);
    if (!(o.lower[j] <= o.upper[j]) || !std::isfinite(o.upper[j] - o.lower[j]))
      core::refuse(item("bounds", j), given, "must be finite, the lower one first");
    if (!o.integral[j]) continue;
    o.lower[j] = std::ceil(o.lower[j]);
    o.upper[j] = std::floor(o.upper[j]);
    if (o.lower[j] > o.upper[j])
      core::refuse(item("integrality", j), "true", "there is no integer within " + given);
  }
  if (o.sources < 2)
    core::refuse("popsize", o.sources, "must be at least 2: bees move relative to one another");
  const double coordinates = double(o.sources) * double(n);
  if (coordinates > max_coordinates)
    core::refuse("popsize", o.sources, "with this many dimensions at most 1e8 coordinates are allowed");
  if (o.limit < 0) core::refuse("limit", o.limit, "must be at least 1");
  if (o.limit == 0) o.limit = int(coordinates);
}

void BeeColony::check_start(const std::vector<double>& start) const {
  const size_t n = size_t(dimensions()), given = start.size() / n;
  if (start.size() % n != 0 || given > size_t(sources()))
    core::refuse("x0", std::to_string(start.size()) + " numbers",
                 "must be (n_dim,), or up to popsize rows of them");
  for (size_t i = 0; i < given; ++i)
    for (size_t j = 0; j < n; ++j)
      require_within(given == 1 ? item("x0", j) : item("x0", i, j), start[i * n + j], interval(int(j)));
}

// A state comes from a file: whatever a run could not have left is refused.
void BeeColony::check_state() const {
  const size_t n = size_t(sources()), d = size_t(dimensions());
  const ColonyState& s = state_;
  if (s.rounds < 0 || s.rounds > std::numeric_limits<long>::max() / sources() - 1)
    core::refuse("rounds", s.rounds, "must count rounds");
  require_size("population", s.population.size(), n * d);
  require_size("population_energies", s.energies.size(), n);
  require_size("trials", s.trials.size(), n);
  require_size("chosen", s.chosen.size(), n);
  require_size("x", s.best.size(), d);
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j < d; ++j)
      require_within(item("population", i, j), s.population[i * d + j], interval(int(j)));
    if (std::isnan(s.energies[i]))
      core::refuse(item("population_energies", i), s.energies[i], "must be a number");
    if (s.trials[i] < 0) core::refuse(item("trials", i), s.trials[i], "must not be negative");
    if (s.chosen[i] < 0 || s.chosen[i] >= sources())
      core::refuse(item("chosen", i), s.chosen[i], "must be the number of a source");
  }
  for (size_t j = 0; j < d; ++j) require_within(item("x", j), s.best[j], interval(int(j)));
  if (std::isnan(s.best_energy)) core::refuse("fun", s.best_energy, "must be a number");
}

Interval BeeColony::interval(int dimension) const {
  const size_t j = size_t(dimension);
  return {options_.lower[j], options_.upper[j], options_.integral[j] != 0};
}

// Sources that are left, as the next cycle opens. The paper's step 6: those that no move of the last first
// phase has changed. Karaboga: the one that most moves have failed at, if they are as many as the limit.
std::vector<char> BeeColony::given_up() const {
  std::vector<char> left(size_t(sources()), 0);
  if (!opens_cycle()) return left;
  const std::vector<long>& trials = state_.trials;
  if (!published()) {
    const auto most = std::max_element(trials.begin(), trials.end());
    left[size_t(most - trials.begin())] = *most >= options_.limit;
    return left;
  }
  for (size_t i = 0; i < left.size(); ++i) left[i] = trials[i] >= options_.limit;
  return left;
}

// Where a new source is looked for: in the bounds, or, in the paper's step 6, between the least and the
// largest coordinates of the population.
std::vector<Interval> BeeColony::search_area() const {
  std::vector<Interval> area;
  for (int j = 0; j < dimensions(); ++j) area.push_back(interval(j));
  if (state_.rounds == 0 || !published()) return area;
  for (int j = 0; j < dimensions(); ++j) {
    Interval& in = area[size_t(j)];
    in.lower = in.upper = source(0)[j];
    for (int i = 1; i < sources(); ++i) {
      in.lower = std::min(in.lower, source(i)[j]);
      in.upper = std::max(in.upper, source(i)[j]);
    }
  }
  return area;
}

void BeeColony::fill_place(int bee, const std::vector<Interval>& area, double* x) const {
  const unsigned key[2] = {options_.key[0], options_.key[1]};
  RandomWords words = {};
  for (int j = 0; j < dimensions(); ++j) {
    if (j % 2 == 0) words = draw(key, state_.rounds, bee, Draw::place, j / 2);
    const int first = j % 2 * 2;
    x[j] = place(area[size_t(j)], unit_interval(words.at[first], words.at[first + 1]));
  }
}

// The points of the next round, all from the same state: bees whose source is given up (in round 0 all of
// them) draw a place in the search area, the others move one coordinate of their source towards or away from
// another's.
void BeeColony::propose() {
  points_ = state_.population;
  arriving_.assign(size_t(sources()), state_.rounds == 0);
  if (state_.rounds == 0) return;
  if (opens_cycle()) arriving_ = given_up();
  const unsigned key[2] = {options_.key[0], options_.key[1]};
  std::vector<Interval> area;
  for (int bee = 0; bee < sources(); ++bee) {
    double* x = point(bee);
    if (arriving_[size_t(bee)]) {
      if (area.empty()) area = search_area();
      fill_place(bee, area, x);
      continue;
    }
    const int from = source_of(bee);
    if (from != bee) std::copy_n(source(from), dimensions(), x);
    const Move move = random_move(draw(key, state_.rounds, bee, Draw::move), from, sources(), dimensions());
    const int j = move.dimension;
    x[j] = moved(x[j], source(move.partner)[j], move.factor, interval(j));
  }
}

void BeeColony::tell(const double* values) {
  // In the paper what is counted is the first phase of a cycle.
  if (published() && opens_cycle()) std::fill(state_.trials.begin(), state_.trials.end(), 0);
  for (int bee = 0; bee < sources(); ++bee) {
    const double value = values[bee];
    receive(bee, std::isnan(value) ? no_value : value, arriving_[size_t(bee)]);
  }
  ++state_.rounds;
  if (round_of_cycle() == moves()) choose();
  propose();
}

// Step 1 (b), and that something is gained: a source that has no value yet is changed by a value alone, and
// where coordinates are integers a move may lead nowhere.
bool BeeColony::changed(int source, const double* point, double energy) const {
  if (!(energy <= state_.energies[size_t(source)] && energy < no_value)) return false;
  return !std::equal(point, point + dimensions(), this->source(source));
}

void BeeColony::receive(int bee, double energy, bool arrives) {
  const int to = source_of(bee);
  const bool taken = arrives || changed(to, point(bee), energy);
  if (taken) {
    std::copy_n(point(bee), dimensions(), source(to));
    state_.energies[size_t(to)] = energy;
  }
  if (!(published() && viewing())) state_.trials[size_t(to)] = taken ? 0 : state_.trials[size_t(to)] + 1;
  if (energy < state_.best_energy) {
    state_.best.assign(point(bee), point(bee) + dimensions());
    state_.best_energy = energy;
  }
}

// Steps 2 and 3: every viewer's source, with a probability proportional to fitness.
void BeeColony::choose() {
  const unsigned key[2] = {options_.key[0], options_.key[1]};
  std::vector<double> sum(state_.energies.size());
  double total = 0;
  for (size_t i = 0; i < sum.size(); ++i) sum[i] = total += fitness(state_.energies[i]);
  for (int bee = 0; bee < sources(); ++bee) {
    const RandomWords words = draw(key, state_.rounds, bee, Draw::choice);
    const double u = unit_interval(words.at[0], words.at[1]);
    const auto above = std::upper_bound(sum.begin(), sum.end(), u * total);
    const int source = total > 0 ? int(above - sum.begin()) : int(u * sources());
    state_.chosen[size_t(bee)] = std::min(source, sources() - 1);
  }
}

ColonyEnding BeeColony::ending(const ColonyStops& stops) const {
  if (state_.best_energy <= stops.target) return ColonyEnding::target;
  if (state_.rounds > 0 && cycles() >= stops.cycles) return ColonyEnding::cycles;
  if (evaluations() > stops.evaluations - sources()) return ColonyEnding::evaluations;
  return ColonyEnding::none;
}

ColonyEnding BeeColony::run(const Objective& objective, const ColonyStops& stops,
                            const std::function<bool()>& poll) {
  typedef std::chrono::steady_clock Clock;
  std::vector<double> values(state_.energies.size());
  Clock::time_point polled = Clock::now();
  for (;;) {
    const ColonyEnding end = ending(stops);
    if (end != ColonyEnding::none) return end;
    objective(points_.data(), sources(), values.data());
    tell(values.data());
    if (!poll || Clock::now() - polled < std::chrono::milliseconds(50)) continue;
    if (!poll()) return ColonyEnding::poll;
    polled = Clock::now();
  }
}

}  // namespace tundish::optimize
