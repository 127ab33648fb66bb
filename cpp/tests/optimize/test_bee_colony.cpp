// The bee colony: its random numbers, what it costs, how it ends, and that nothing but the state counts.
#include "optimize/bee_colony.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <stdexcept>
#include <string>
#include <thread>

#include "core/thread_pool.h"
#include "doctest/doctest.h"
#include "optimize/test_functions.h"

using namespace tundish;
using optimize::BeeColony;
using optimize::ColonyEnding;
using optimize::ColonyOptions;
using optimize::ColonyState;
using optimize::ColonyStops;
using optimize::ColonyVariant;

namespace {

constexpr double infinite = std::numeric_limits<double>::infinity();
constexpr double missing = std::numeric_limits<double>::quiet_NaN();

ColonyOptions box(int dimensions, ColonyVariant variant = ColonyVariant::published, int sources = 8) {
  ColonyOptions options;
  options.variant = variant;
  options.sources = sources;
  options.lower.assign(size_t(dimensions), -5.0);
  options.upper.assign(size_t(dimensions), 4.0);
  options.integral.assign(size_t(dimensions), 0);
  options.key = {1u, 2u};
  return options;
}
BeeColony::Objective of(double (*function)(const double*, int), int dimensions) {
  return [=](const double* x, int count, double* f) {
    for (int n = 0; n < count; ++n) f[n] = function(x + n * dimensions, dimensions);
  };
}
ColonyStops cycles(long n) {
  ColonyStops stops;
  stops.cycles = n;
  return stops;
}
void check_same(const ColonyState& a, const ColonyState& b) {
  CHECK(a.rounds == b.rounds);
  CHECK(a.population == b.population);
  CHECK(a.energies == b.energies);
  CHECK(a.trials == b.trials);
  CHECK(a.chosen == b.chosen);
  CHECK(a.best == b.best);
  CHECK(a.best_energy == b.best_energy);
}

}  // namespace

TEST_CASE("Philox gives the known answers of Random123") {
  const struct {
    RandomWords counter;
    unsigned key[2];
    RandomWords words;
  } known[] = {{{{0, 0, 0, 0}}, {0, 0}, {{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}}},
               {{{~0u, ~0u, ~0u, ~0u}}, {~0u, ~0u}, {{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}}},
               {{{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}},
                {0xa4093822, 0x299f31d0},
                {{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}}}};
  for (const auto& k : known) {
    const RandomWords words = philox(k.counter, k.key[0], k.key[1]);
    for (int n = 0; n < 4; ++n) CHECK(words.at[n] == k.words.at[n]);
  }
}

TEST_CASE("numbers drawn stay in their ranges") {
  CHECK(unit_interval(0, 0) == 0);
  CHECK(unit_interval(~0u, ~0u) < 1);
  CHECK(unit_interval(0x80000000u, 0) == 0.5);
  CHECK(one_of(0, 7) == 0);
  CHECK(one_of(~0u, 7) == 6);
  const Interval integers{-2, 3, true}, reals{-0.1, 0.3, false};
  CHECK(place(integers, 0) == -2);
  CHECK(place(integers, unit_interval(~0u, ~0u)) == 3);
  CHECK(place(reals, unit_interval(~0u, ~0u)) <= 0.3);
  CHECK(moved(3, -2, 1, integers) == 3);
  CHECK(moved(1, 0, -0.6, integers) == 0);
  for (unsigned source = 0; source < 3; ++source)
    for (const unsigned word : {0u, 1u << 31, ~0u}) {
      const Move move = random_move({{word, word, word, word}}, int(source), 3, 5);
      CHECK(move.partner != int(source));
      CHECK((move.partner >= 0 && move.partner < 3));
      CHECK((move.dimension >= 0 && move.dimension < 5));
      CHECK((move.factor >= -1 && move.factor < 1));
    }
}

TEST_CASE("fitness falls with the objective and is finite") {
  CHECK(fitness(0) == 1);
  CHECK(fitness(3) == 0.25);
  CHECK(fitness(-3) == 4);
  CHECK(fitness(infinite) == 0);
  CHECK(std::isfinite(fitness(-infinite)));
}

TEST_CASE("the published run costs 8 + 25 x 1024 evaluations, and finds the minimum") {
  BeeColony colony(box(8));
  long evaluated = 0;
  const auto sphere = of(optimize::sphere, 8);
  const auto counted = [&](const double* x, int count, double* f) {
    evaluated += count;
    sphere(x, count, f);
  };
  CHECK(colony.run(counted, cycles(25)) == ColonyEnding::cycles);
  CHECK(evaluated == 25608);
  CHECK(colony.evaluations() == 25608);
  CHECK(colony.cycles() == 25);
  CHECK(colony.state().best_energy < 1e-20);
}

TEST_CASE("both variants minimise") {
  for (const ColonyVariant variant : {ColonyVariant::published, ColonyVariant::standard}) {
    const long many = variant == ColonyVariant::published ? 60 : 5000;
    BeeColony valley(box(3, variant)), waves(box(5, variant));
    valley.run(of(optimize::rosenbrock, 3), cycles(many));
    CHECK(valley.state().best_energy < 0.5);
    waves.run(of(optimize::rastrigin, 5), cycles(many));
    CHECK(waves.state().best_energy < 1e-6);
  }
}

TEST_CASE("asked and told, run, and restored after any round, it is one run") {
  for (const ColonyVariant variant : {ColonyVariant::published, ColonyVariant::standard}) {
    ColonyOptions options = box(3, variant, 4);
    options.limit = 3;
    options.integral[1] = 1;
    const auto objective = of(optimize::rastrigin, 3);
    BeeColony whole(options), told(options);
    whole.run(objective, cycles(20));
    double f[4];
    while (told.state().rounds < whole.state().rounds) {
      const std::vector<double> asked = told.ask();
      told = BeeColony(told.options(), told.state());
      CHECK(told.ask() == asked);
      objective(asked.data(), 4, f);
      told.tell(f);
    }
    check_same(told.state(), whole.state());
  }
}

TEST_CASE("the threads that evaluate a round change nothing") {
  BeeColony alone(box(6)), shared(box(6));
  const auto objective = of(optimize::rastrigin, 6);
  const auto on_threads = [&](const double* x, int count, double* f) {
    core::run_tasks(count, 3, [&](long n, int) { objective(x + n * 6, 1, f + n); }, nullptr);
  };
  alone.run(objective, cycles(2));
  shared.run(on_threads, cycles(2));
  check_same(alone.state(), shared.state());
}

TEST_CASE("colonies run side by side") {
  std::vector<BeeColony> colonies(4, BeeColony(box(4)));
  std::vector<std::thread> threads;
  for (BeeColony& colony : colonies)
    threads.emplace_back([&colony] { colony.run(of(optimize::sphere, 4), cycles(3)); });
  for (std::thread& thread : threads) thread.join();
  for (const BeeColony& colony : colonies) check_same(colony.state(), colonies[0].state());
}

TEST_CASE("evaluations are never exceeded, and a target ends the run in its round") {
  for (const ColonyVariant variant : {ColonyVariant::published, ColonyVariant::standard}) {
    BeeColony few(box(4, variant)), target(box(4, variant)), before(box(4, variant));
    ColonyStops stops;
    stops.evaluations = 1001;
    CHECK(few.run(of(optimize::sphere, 4), stops) == ColonyEnding::evaluations);
    CHECK(few.evaluations() == 1000);
    stops.target = 0.5;
    CHECK(target.run(of(optimize::sphere, 4), stops) == ColonyEnding::target);
    CHECK(target.state().best_energy <= 0.5);
    stops.evaluations = target.evaluations() - 1;
    CHECK(before.run(of(optimize::sphere, 4), stops) == ColonyEnding::evaluations);
    CHECK(before.state().best_energy > 0.5);
  }
}

TEST_CASE("points without a value are worst, and moves among them change nothing") {
  for (const double none : {missing, infinite}) {
    BeeColony colony(box(2, ColonyVariant::published, 3));
    const std::vector<double> first = colony.ask();
    double f[3] = {none, none, none};
    colony.tell(f);
    for (int n = 0; n < 4; ++n) colony.tell(f);
    CHECK(colony.state().population == first);
    CHECK(colony.state().energies == std::vector<double>(3, infinite));
    CHECK(colony.state().best_energy == infinite);
    f[1] = 7;
    const double found = colony.ask()[2];
    colony.tell(f);
    CHECK(colony.state().population[2] == found);
    CHECK(colony.state().best_energy == 7);
  }
}

TEST_CASE("what the objective or poll throws leaves the colony as it was before the round") {
  BeeColony colony(box(4)), reference(box(4));
  long rounds = 0;
  const auto sphere = of(optimize::sphere, 4);
  const auto failing = [&](const double* x, int count, double* f) {
    if (++rounds > 40) throw std::runtime_error("round 40");
    sphere(x, count, f);
  };
  CHECK_THROWS_WITH_AS(colony.run(failing, cycles(25)), "round 40", std::runtime_error);
  CHECK(colony.evaluations() == 320);
  reference.run(sphere, cycles(3));
  colony.run(sphere, cycles(3));
  check_same(colony.state(), reference.state());

  const auto slow = [&](const double* x, int count, double* f) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    sphere(x, count, f);
  };
  auto throws = []() -> bool { throw std::runtime_error("poll"); };
  CHECK_THROWS_WITH_AS(colony.run(slow, cycles(9), throws), "poll", std::runtime_error);
  CHECK(colony.run(slow, cycles(9), [] { return false; }) == ColonyEnding::poll);
  CHECK(colony.run(sphere, cycles(9)) == ColonyEnding::cycles);
}

TEST_CASE("what cannot be is refused by name") {
  const auto refused = [](ColonyOptions options, const std::vector<double>& start, const char* name) {
    try {
      BeeColony colony(options, start);
    } catch (const std::invalid_argument& error) {
      return std::string(error.what()).find(name) == 0;
    }
    return false;
  };
  ColonyOptions o = box(2);
  o.lower[1] = 9;
  CHECK(refused(o, {}, "bounds[1]"));
  o.lower[1] = missing;
  CHECK(refused(o, {}, "bounds[1]"));
  o = box(2);
  o.upper[0] = infinite;
  CHECK(refused(o, {}, "bounds[0]"));
  o.upper.pop_back();
  CHECK(refused(o, {}, "bounds"));
  CHECK(refused(box(0), {}, "bounds"));
  o = box(1);
  o.integral[0] = 1;
  o.lower[0] = 0.2;
  o.upper[0] = 0.8;
  CHECK(refused(o, {}, "integrality[0]"));
  CHECK(refused(box(2, ColonyVariant::standard, 1), {}, "popsize"));
  o = box(2);
  o.limit = -1;
  CHECK(refused(o, {}, "limit"));
  CHECK(refused(box(2), {0, 9}, "x0[1]"));
  CHECK(refused(box(2), {0, 0, 0, missing}, "x0[1][1]"));
  CHECK(refused(box(2), {0, 0, 0}, "x0"));

  const BeeColony colony(box(2));
  ColonyState state = colony.state();
  state.chosen[3] = 8;
  CHECK_THROWS_AS(BeeColony(colony.options(), state), std::invalid_argument);
  state = colony.state();
  state.population.pop_back();
  CHECK_THROWS_AS(BeeColony(colony.options(), state), std::invalid_argument);
}
