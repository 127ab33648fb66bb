// The sum of squares that an identification minimises, against a plain loop over marches made one by one.
#include "casting/misfit.h"

#include <cmath>
#include <stdexcept>

#include "casting/published.h"
#include "doctest/doctest.h"

using namespace tundish;

namespace {

casting::Options two_probes() {
  casting::Options options;
  options.probes = {{0.031, 0.022}, {0.05, 0.04}};
  return options;
}

template <class T>
double plain_sum(const casting::Strand& strand, const std::vector<casting::Reading>& readings) {
  const casting::Plan<T> plan(strand, small_grid(), two_probes());
  const long row = long(plan.z().size());
  std::vector<T> temperature(size_t(2 * row));
  int status = 0, status_step = 0;
  Outputs<T> outputs = {};
  outputs.probe_temperature = temperature.data();
  outputs.status = &status;
  outputs.status_step = &status_step;
  plan.run({}, {}, outputs, {});
  double sum = 0;
  for (const casting::Reading& r : readings) {
    long k = 0;
    while (k + 2 < row && plan.z()[size_t(k + 1)] <= r.z) ++k;
    const double share = (r.z - plan.z()[size_t(k)]) / (plan.z()[size_t(k + 1)] - plan.z()[size_t(k)]);
    const T* at = temperature.data() + r.probe * row + k;
    const double model = (1 - share) * double(at[0]) + share * double(at[1]);
    sum += r.weight * std::pow(model - r.temperature, 2);
  }
  return sum;
}

const std::vector<casting::Reading> readings = {{0, 0.0, 1800, 1},  {1, 0.11, 1300, 0.5}, {0, 0.2, 1500, 2},
                                                {1, 0.45, 1100, 0}, {1, 0.333, 1000, 1},  {0, 0.7, 1200, 1}};

}  // namespace

TEST_CASE_TEMPLATE("a misfit is the weighted sum of squares of every candidate", T, double, float) {
  const casting::Strand strand = short_strand();
  const std::vector<int> varied = {strand.slot("mold.heat_flux.x"), strand.slot("zones.0.htc.y")};
  const auto plan = std::make_shared<casting::Plan<T>>(strand, small_grid(), two_probes());
  const casting::Misfit<T> misfit(plan, varied, readings, 2);
  CHECK(misfit.dimensions() == 2);
  for (const int count : {5, 1, 19}) {  // the memory of one call serves the next
    std::vector<double> x, f(size_t(count), -1.0);
    for (int n = 0; n < count; ++n) x.insert(x.end(), {1.8e6 + 1e4 * n, 900.0 - 10 * n});
    misfit.evaluate(x.data(), count, f.data());
    for (int n = 0; n < count; ++n) {
      std::vector<double> slots = strand.slots();
      slots[size_t(varied[0])] = x[size_t(2 * n)];
      slots[size_t(varied[1])] = x[size_t(2 * n + 1)];
      CHECK(f[size_t(n)] == doctest::Approx(plain_sum<T>(strand.with(slots), readings)).epsilon(1e-12));
    }
  }
}

TEST_CASE("a march that diverges has no misfit") {
  const casting::Strand strand = short_strand();
  const auto plan = std::make_shared<casting::Plan<double>>(strand, small_grid(), two_probes());
  const casting::Misfit<double> misfit(plan, {strand.slot("mold.heat_flux.x")}, {{0, 0.01, 1800, 1}}, 1);
  const double x[] = {2e6, 3e8};
  double f[2];
  misfit.evaluate(x, 2, f);
  CHECK(std::isfinite(f[0]));
  CHECK(std::isnan(f[1]));
}

TEST_CASE("a misfit refuses readings that its plan cannot give") {
  const casting::Strand strand = short_strand();
  auto make = [&](std::vector<int> varied, std::vector<casting::Reading> of) {
    const auto plan = std::make_shared<casting::Plan<double>>(strand, small_grid(), two_probes());
    casting::Misfit<double>(plan, std::move(varied), of, 1);
  };
  CHECK_NOTHROW(make({0}, readings));
  CHECK_THROWS_AS(make({}, readings), std::invalid_argument);
  CHECK_THROWS_AS(make({-1}, readings), std::invalid_argument);
  CHECK_THROWS_AS(make({1000}, readings), std::invalid_argument);
  CHECK_THROWS_AS(make({0}, {}), std::invalid_argument);
  CHECK_THROWS_AS(make({0}, {{2, 0.1, 1000, 1}}), std::invalid_argument);
  CHECK_THROWS_AS(make({0}, {{0, 0.71, 1000, 1}}), std::invalid_argument);
  CHECK_THROWS_AS(make({0}, {{0, 0.1, NAN, 1}}), std::invalid_argument);
  CHECK_THROWS_AS(make({0}, {{0, 0.1, 1000, -1}}), std::invalid_argument);
}
