// Temperatures at readings against the probes' own series.
#include "casting/readings.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "casting/published.h"
#include "doctest/doctest.h"

using namespace tundish;

namespace {

const std::vector<casting::Reading> readings = {
    {0, 0.0, 1800, 1}, {1, 0.11, 1300, 1}, {0, 0.2, 1500, 1}, {1, 0.45, 1100, 1}, {0, 0.7, 1200, 1}};

template <class T>
std::shared_ptr<const casting::Plan<T>> two_probes() {
  casting::Options options;
  options.probes = {{0.031, 0.022}, {0.05, 0.04}};
  return std::make_shared<casting::Plan<T>>(short_strand(), small_grid(), options);
}

// Linear between the steps around a reading.
template <class T>
double at(const casting::Plan<T>& plan, const T* probes, const casting::Reading& reading) {
  const std::vector<double>& z = plan.z();
  size_t k = 0;
  while (k + 2 < z.size() && z[k + 1] <= reading.z) ++k;
  const T* series = probes + size_t(reading.probe) * z.size();
  const double share = std::min((reading.z - z[k]) / (z[k + 1] - z[k]), 1.0);
  return double(series[k]) + share * double(series[k + 1] - series[k]);
}

bool same(double a, double b) { return std::memcmp(&a, &b, sizeof a) == 0; }

}  // namespace

TEST_CASE_TEMPLATE("readings and their derivatives are those of the probes", T, double, float) {
  const auto plan = two_probes<T>();
  const casting::Readings<T> of(plan, readings);
  const std::vector<int> varied = {plan->strand().slot("mold.heat_flux.x")};
  const std::vector<int> gradient = {varied[0], plan->strand().slot("steel.solidus")};
  const size_t count = 2, n = readings.size(), series = 2 * plan->z().size();
  const double values[] = {1.9e6, 2.1e6};
  std::vector<T> probes(count * series), gradients(count * 2 * series);
  std::vector<int> status(count), status_step(count);
  Outputs<T> outputs = {};
  outputs.probe_temperature = probes.data();
  outputs.probe_gradient = gradients.data();
  outputs.status = status.data();
  outputs.status_step = status_step.data();
  plan->run({long(count), varied, values}, gradient, outputs, {1, nullptr});

  std::vector<double> temperature(count * n), residual(count * n), jacobian(count * 2 * n);
  std::vector<int> found(count, -1);
  typename casting::Readings<T>::Memory memory;
  CHECK(of.run({long(count), varied, values}, gradient,
               {temperature.data(), residual.data(), jacobian.data(), found.data()}, {2, nullptr}, memory));
  for (size_t c = 0; c < count; ++c) {
    CHECK(found[c] == int(Status::converged));
    for (size_t r = 0; r < n; ++r) {
      const double expected = at(*plan, probes.data() + c * series, readings[r]);
      CHECK(same(temperature[c * n + r], expected));
      CHECK(same(residual[c * n + r], expected - readings[r].temperature));
      for (size_t k = 0; k < 2; ++k)
        CHECK(same(jacobian[(c * 2 + k) * n + r],
                   at(*plan, gradients.data() + (c * 2 + k) * series, readings[r])));
    }
  }
}

TEST_CASE("a march that diverges has no temperatures at the readings") {
  const auto plan = two_probes<double>();
  const casting::Readings<double> of(plan, readings);
  const double values[] = {2e6, 3e8};
  std::vector<double> temperature(2 * readings.size());
  casting::Readings<double>::Memory memory;
  of.run({2, {plan->strand().slot("mold.heat_flux.x")}, values}, {},
         {temperature.data(), nullptr, nullptr, nullptr}, {1, nullptr}, memory);
  for (size_t r = 0; r < readings.size(); ++r) {
    CHECK(std::isfinite(temperature[r]));
    CHECK(std::isnan(temperature[readings.size() + r]));
  }
}
