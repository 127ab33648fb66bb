// Whole marches of a short strand: alone, in lanes, on threads, with derivatives and stepwise.
#include <cmath>
#include <limits>
#include <stdexcept>

#include "casting/published.h"
#include "doctest/doctest.h"

using namespace tundish;

namespace {

casting::Options options_for(Method method, PhaseChange phase_change) {
  casting::Options options;
  options.method = method;
  options.phase_change = phase_change;
  options.probes = {{0.031, 0.022}, {0.05, 0.04}};
  options.sections = {0.1, 0.55};
  return options;
}

// All that a run writes.
template <class T>
struct Results {
  long row;
  std::vector<T> probes, centre, corner, faces, shell, solid, liquid, heat, sections, length, imbalance;
  std::vector<T> probe_gradient, length_gradient;
  std::vector<int> iterations, status, status_step;
  bool finished = false;

  Results(const casting::Plan<T>& plan, long count, long gradients) {
    const March<T>& march = plan.march();
    row = march.n_steps + 1;
    const T unset = T(-12345);
    auto make = [&](std::vector<T>& v, long each) { v.assign(size_t(count * each), unset); };
    make(probes, 2 * row);
    for (auto* series : {&centre, &corner, &solid, &liquid, &heat}) make(*series, row);
    for (auto* series : {&faces, &shell}) make(*series, 2 * row);
    make(sections, 2l * march.section.x.nodes * march.section.y.nodes);
    for (auto* number : {&length, &imbalance}) make(*number, 1);
    make(probe_gradient, gradients * 2 * row);
    make(length_gradient, gradients);
    iterations.assign(size_t(count * march.n_steps), -1);
    status.assign(size_t(count), -1);
    status_step = status;
  }
  Outputs<T> outputs() {
    Outputs<T> o = {};
    o.probe_temperature = probes.data();
    o.centre_temperature = centre.data();
    o.corner_temperature = corner.data();
    o.face_temperature = faces.data();
    o.shell_thickness = shell.data();
    o.solid_fraction = solid.data();
    o.liquid_fraction = liquid.data();
    o.heat = heat.data();
    o.section_temperature = sections.data();
    o.metallurgical_length = length.data();
    o.energy_imbalance = imbalance.data();
    o.iterations = iterations.data();
    o.status = status.data();
    o.status_step = status_step.data();
    if (!probe_gradient.empty()) o.probe_gradient = probe_gradient.data();
    if (!length_gradient.empty()) o.metallurgical_length_gradient = length_gradient.data();
    return o;
  }
  // Fields of one candidate, one after the other.
  std::vector<T> candidate(long n) const {
    std::vector<T> all;
    const long count = long(status.size());
    for (const auto* field : {&probes, &centre, &corner, &faces, &shell, &solid, &liquid, &heat, &sections,
                              &length, &imbalance}) {
      const long each = long(field->size()) / count;
      all.insert(all.end(), field->begin() + n * each, field->begin() + (n + 1) * each);
    }
    return all;
  }
};

// Candidates that differ in two parameters, one of the cooling and one of the steel.
struct Variants {
  std::vector<double> values;
  casting::Candidates candidates;
  Variants(const casting::Strand& strand, long count) {
    for (long n = 0; n < count; ++n)
      values.insert(values.end(), {900.0 + 10 * double(n), 180e3 + 1e3 * double(n)});
    candidates = {count, {strand.slot("zones.0.htc.x"), strand.slot("steel.latent_heat")}, values.data()};
  }
};

template <class T>
Results<T> run(const casting::Plan<T>& plan, const casting::Candidates& candidates,
               const std::vector<int>& gradient = {}, int threads = 1) {
  Results<T> results(plan, candidates.count, long(gradient.size()));
  results.finished = plan.run(candidates, gradient, results.outputs(), {threads, nullptr});
  return results;
}

// Bit for bit.
template <class T>
bool identical(const std::vector<T>& a, const std::vector<T>& b) {
  return a == b;
}

}  // namespace

TEST_CASE_TEMPLATE("candidates in lanes and on threads march as each does alone", T, double, float) {
  for (const Method method : {Method::adi, Method::sor})
    for (const PhaseChange phase_change : {PhaseChange::enthalpy, PhaseChange::correction}) {
      CAPTURE(int(method));
      CAPTURE(int(phase_change));
      casting::Options options = options_for(method, phase_change);
      options.tolerance = sizeof(T) == 8 ? 1e-7 : 1e-2;
      const casting::Plan<T> plan(short_strand(), small_grid(), options);
      const long count = 2 * casting::kernels().of<T>().lanes + 3;
      const Variants variants(plan.strand(), count);
      const Results<T> one_thread = run(plan, variants.candidates),
                       more = run(plan, variants.candidates, {}, 3);
      REQUIRE(one_thread.finished);
      for (long n = 0; n < count; ++n) {
        CAPTURE(n);
        casting::Candidates alone = variants.candidates;
        alone.count = 1;
        alone.values += 2 * n;
        const std::vector<T> expected = run(plan, alone).candidate(0);
        CHECK(identical(one_thread.candidate(n), expected));
        CHECK(identical(more.candidate(n), expected));
        CHECK(one_thread.status[size_t(n)] == int(Status::converged));
        CHECK(one_thread.status_step[size_t(n)] == -1);
        if (sizeof(T) == 8 && phase_change == PhaseChange::enthalpy)
          CHECK(double(one_thread.imbalance[size_t(n)]) < (method == Method::adi ? 1e-11 : 1e-7));
      }
      for (const T fraction : one_thread.solid) CHECK((fraction >= 0 && fraction <= 1));
      CHECK(one_thread.centre[0] == doctest::Approx(1823));
      CHECK(one_thread.solid.back() > T(0.05));
      CHECK(std::isinf(one_thread.length[0]));
      for (const int sweeps : one_thread.iterations)
        CHECK((method == Method::adi ? sweeps == 1 : sweeps > 1));
    }
}

TEST_CASE("float marches with double") {
  const casting::Options options = options_for(Method::adi, PhaseChange::enthalpy);
  const casting::Plan<double> plan(short_strand(), small_grid(), options);
  const casting::Plan<float> plan_in_float(short_strand(), small_grid(), options);
  const Results<double> results = run(plan, {});
  const Results<float> in_float = run(plan_in_float, {});
  for (size_t k = 0; k < results.probes.size(); ++k)
    CHECK(double(in_float.probes[k]) == doctest::Approx(results.probes[k]).epsilon(1e-3));
}

TEST_CASE("derivatives agree with differences, and asking for them changes nothing") {
  const casting::Strand strand = short_strand();
  const std::vector<std::string> names = strand.slot_names();
  std::vector<int> gradient;
  for (const char* name : {"speed", "pouring_temperature", "ambient_temperature", "mold.heat_flux.x",
                           "mold.htc.y", "zones.0.htc.x", "zones.0.htc.y", "zones.1.heat_flux.y",
                           "steel.latent_heat", "steel.density.solid", "steel.conductivity.1"})
    gradient.push_back(strand.slot(name));
  for (const Method method : {Method::adi, Method::sor})
    for (const PhaseChange phase_change : {PhaseChange::enthalpy, PhaseChange::correction}) {
      CAPTURE(int(method));
      CAPTURE(int(phase_change));
      casting::Options options = options_for(method, phase_change);
      options.tolerance = 1e-10;
      const casting::Plan<double> plan(strand, small_grid(), options);
      const Results<double> plain = run(plan, {}), dual = run(plan, {}, gradient, 2);
      CHECK(identical(dual.candidate(0), plain.candidate(0)));
      // The published correction jumps where a node freezes one step earlier.
      if (phase_change == PhaseChange::correction) continue;
      const std::vector<double> slots = strand.slots();
      for (size_t g = 0; g < gradient.size(); ++g) {
        const size_t slot = size_t(gradient[g]);
        CAPTURE(names[slot]);
        const double h = 1e-6 * std::max(1.0, std::abs(slots[slot]));
        const double values[2] = {slots[slot] - h, slots[slot] + h};
        if (values[0] < 0) continue;
        const Results<double> either = run(plan, {2, {int(slot)}, values});
        const size_t all = size_t(2 * plain.row);
        double scale = 0;
        for (size_t k = 0; k < all; ++k) scale = std::max(scale, std::abs(dual.probe_gradient[g * all + k]));
        for (size_t k = 0; k < all; ++k) {
          const double difference = (either.probes[all + k] - either.probes[k]) / (2 * h);
          CHECK(std::abs(dual.probe_gradient[g * all + k] - difference) < 1e-3 * scale);
        }
      }
    }
}

TEST_CASE("a march that diverges says so, and shows no number from there on") {
  const casting::Plan<double> plan(short_strand(), small_grid(),
                                   options_for(Method::adi, PhaseChange::enthalpy));
  const double values[2] = {1.85e6, 4e7};
  const Results<double> results = run(plan, {2, {plan.strand().slot("mold.heat_flux.y")}, values});
  CHECK(results.status[0] == int(Status::converged));
  CHECK(results.status[1] == int(Status::diverged));
  const size_t row = size_t(results.row), failed = size_t(results.status_step[1]);
  REQUIRE(failed > 0);
  REQUIRE(failed < row);
  CHECK(std::isfinite(results.centre[row + failed - 1]));
  for (size_t k = failed; k < row; ++k) CHECK(std::isnan(results.centre[row + k]));
  CHECK(std::isnan(results.length[1]));
  for (size_t k = 0; k < row; ++k) CHECK(std::isfinite(results.centre[k]));
}

TEST_CASE("sweeps that do not suffice are reported with their step") {
  casting::Options options = options_for(Method::sor, PhaseChange::enthalpy);
  options.max_sweeps = 2;
  const casting::Plan<double> plan(short_strand(), small_grid(), options);
  const Results<double> results = run(plan, {});
  CHECK(results.status[0] == int(Status::not_converged));
  CHECK(results.status_step[0] == 1);
}

TEST_CASE("a run is stopped by its poll") {
  const casting::Plan<double> plan(short_strand(), {60, 60, 0.002, {0.01}, 1, 1, 1},
                                   options_for(Method::adi, PhaseChange::enthalpy));
  const long count = 400;
  const Variants variants(plan.strand(), count);
  std::vector<int> status(size_t(count), -1), step = status;
  Outputs<double> outputs = {};
  outputs.status = status.data();
  outputs.status_step = step.data();
  const casting::RunOptions options{2, [](long) { return false; }};
  CHECK_FALSE(plan.run(variants.candidates, {}, outputs, options));
  CHECK(status.back() == -1);
}

TEST_CASE("steps add up to the march, and feel a change of the cooling") {
  for (const Method method : {Method::adi, Method::sor}) {
    const casting::Options options = options_for(method, PhaseChange::enthalpy);
    const casting::Plan<double> plan(short_strand(), small_grid(), options);
    const Results<double> results = run(plan, {});
    casting::Stepper stepper(short_strand(), small_grid(), options),
        changed(short_strand(), small_grid(), options);
    std::vector<double> temperature(9 * 7), other = temperature;
    for (size_t k = 0;; ++k) {
      stepper.temperature(temperature.data());
      CHECK(temperature[0] == results.centre[k]);
      CHECK(temperature.back() == results.corner[k]);
      CHECK(stepper.heat() == doctest::Approx(results.heat[k]).epsilon(1e-12));
      if (stepper.stretch() == 2) changed.set({{"zones.1.htc.x", 900}});
      changed.step();
      if (!stepper.step()) break;
    }
    CHECK(stepper.at_end());
    CHECK(stepper.z() == 0.7);
    changed.temperature(other.data());
    CHECK(other[8] < temperature[8] - 10);
    CHECK_THROWS_AS(stepper.set({{"steel.latent_heat", 1e5}}), std::invalid_argument);
    CHECK_THROWS_AS(stepper.set({{"no such name", 1}}), std::out_of_range);
    CHECK_THROWS_AS(stepper.set({{"speed", -1}}), std::invalid_argument);
    CHECK(stepper.get("speed") == 2.5 / 60);
  }
}

TEST_CASE("what is impossible is refused by name before any work") {
  const casting::Options options;
  auto refused = [&](auto change, const char* name) {
    casting::Strand strand = short_strand();
    casting::Grid grid = small_grid();
    casting::Options asked = options;
    change(strand, grid, asked);
    try {
      casting::Plan<double>(strand, grid, asked);
      FAIL(name << " was accepted");
    } catch (const std::invalid_argument& error) {
      CHECK(std::string(error.what()).find(name) == 0);
    }
  };
  refused([](auto& s, auto&, auto&) { s.width = -1; }, "width");
  refused([](auto& s, auto&, auto&) { s.speed = std::nan(""); }, "speed");
  refused([](auto& s, auto&, auto&) { s.pouring_temperature = 1700; }, "pouring_temperature");
  refused([](auto& s, auto&, auto&) { s.stretches[1].end = 0.1; }, "zones.0.end");
  refused([](auto& s, auto&, auto&) { s.stretches[2].htc[0] = -1; }, "zones.1.htc.x");
  refused([](auto& s, auto&, auto&) { s.stretches.resize(1001); }, "zones");
  refused([](auto&, auto& g, auto&) { g.nx = 1; }, "nx");
  refused([](auto&, auto& g, auto&) { g.dz_mold = 0.3; }, "dz_mold");
  refused([](auto&, auto& g, auto&) { g.dz_spray = {1e-9}; }, "dz_spray");
  refused([](auto&, auto& g, auto&) { g.dz_spray = {0.01, 0.01, 0.01}; }, "dz_spray");
  refused([](auto&, auto& g, auto&) { g.ramp = 0.5; }, "ramp");
  refused([](auto&, auto& g, auto&) { g.ramp = 1e300; }, "ramp");
  refused(
      [](auto& s, auto& g, auto&) {
        s.stretches[0].end = 1e-322;
        g.dz_mold = 1e-322;
      },
      "dz_mold");
  refused([](auto&, auto& g, auto&) { g.nx = g.ny = 20000; }, "nx");
  refused([](auto&, auto&, auto& o) { o.relaxation = 2; }, "relaxation");
  refused([](auto&, auto&, auto& o) { o.probes = {{0.06, 0}}; }, "probes");
  refused([](auto&, auto&, auto& o) { o.sections = {0.8}; }, "sections");

  const casting::Plan<double> plan(short_strand(), small_grid(), options);
  const double values[2] = {1000, -5};
  Results<double> results(plan, 2, 0);
  CHECK_THROWS_WITH_AS(
      plan.run({2, {plan.strand().slot("zones.0.htc.x")}, values}, {}, results.outputs(), {}),
      doctest::Contains("candidate 1: zones.0.htc.x = -5"), std::invalid_argument);
  CHECK(results.status[0] == -1);
}
