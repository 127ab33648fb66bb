// Runs of whole batches, and comparisons of their results with each other and with the references.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "doctest/doctest.h"
#include "reference.h"

using namespace tundish;

template <class T>
Found<T> run(const Batch<T>& b, const filtering::FilterOptions& options = {1, false, nullptr}) {
  const filtering::FilterModel<T> model = b.model();
  const long filters = b.filters, readings = filters * b.steps, n = b.n, p = b.p;
  const long of_covariances = options.shared ? 1 : filters, covariances = of_covariances * b.steps;
  Found<T> found;
  filtering::FilterOutputs<T> out = {};
  auto make = [](std::vector<T>& v, long size) {
    v.assign(size_t(size), T(-12345));
    return v.data();
  };
  out.mean = make(found.mean, readings * n);
  out.std = make(found.std, covariances * n);
  out.cov = make(found.cov, covariances * n * n);
  out.forecast = make(found.forecast, readings * p);
  out.forecast_var = make(found.forecast_var, covariances * p * p);
  out.innovation = make(found.innovation, readings * p);
  out.final_mean = make(found.final_mean, filters * n);
  out.final_cov = make(found.final_cov, of_covariances * n * n);
  out.predicted_mean = make(found.predicted_mean, filters * n);
  out.predicted_cov = make(found.predicted_cov, of_covariances * n * n);
  if (b.observes != filtering::Observes::linear) out.slopes = make(found.slopes, readings * n);
  std::vector<T> gains(size_t(b.steps * (n + 15)));
  if (options.shared) out.gains = gains.data();
  found.loglik.assign(size_t(filters), -12345);
  found.problems.resize(size_t(filters));
  found.finished = filtering::run_filters(model, out, options, found.loglik.data(), found.problems);
  return found;
}

// Bit for bit, NaN too.
template <class T>
bool identical(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

// What batches and single filters must have alike, in the order of `names`.
template <class T>
std::vector<std::vector<T>> fields(const Found<T>& f) {
  return {f.mean, f.innovation, f.forecast,     f.final_mean, f.predicted_mean, f.slopes,
          f.std,  f.cov,        f.forecast_var, f.final_cov,  f.predicted_cov};
}
const std::string names[] = {"mean", "innovation", "forecast",     "final_mean", "predicted_mean", "slopes",
                             "std",  "cov",        "forecast_var", "final_cov",  "predicted_cov"};
constexpr size_t fields_of_means = 6;

template <class T>
std::vector<T> part(const std::vector<T>& all, long filter, long filters) {
  const long each = long(all.size()) / filters;
  return std::vector<T>(all.begin() + filter * each, all.begin() + (filter + 1) * each);
}

// Every filter of the batch is that filter alone; covariances that all share are those of each.
template <class T>
void check_alone(const Batch<T>& b, const Found<T>& found, bool shared = false) {
  CHECK(found.finished);
  const auto all = fields(found);
  for (long filter = 0; filter < b.filters; ++filter) {
    CAPTURE(filter);
    const Found<T> alone = run(b.alone(filter));
    const auto expected = fields(alone);
    for (size_t k = 0; k < all.size(); ++k) {
      CAPTURE(names[k]);
      if (shared && k >= fields_of_means)
        CHECK(identical(all[k], expected[k]));
      else
        CHECK(identical(part(all[k], filter, b.filters), expected[k]));
    }
    CHECK(found.loglik[size_t(filter)] == alone.loglik[0]);
  }
}

// How far numbers are apart, as a share of the largest of their block of `item`, or of a hundredth of the
// largest of all, or of what single precision knows; infinite where one is NaN and the other is not.
template <class T>
double apart(const std::vector<T>& found, const std::vector<double>& expected, long item) {
  REQUIRE(found.size() == expected.size());
  auto largest = [&](size_t from, size_t to) {
    double all = 0;
    for (size_t k = from; k < to; ++k)
      if (std::abs(expected[k]) > all) all = std::abs(expected[k]);
    return all;
  };
  const double least_scale = std::max(largest(0, expected.size()) / 100, 1e-30);
  double furthest = 0;
  for (size_t from = 0; from < expected.size(); from += size_t(item)) {
    const double scale = std::max(largest(from, from + size_t(item)), least_scale);
    for (size_t k = from; k < from + size_t(item); ++k) {
      const double x = double(found[k]);
      if (std::isnan(x) != std::isnan(expected[k])) return std::numeric_limits<double>::infinity();
      if (x != expected[k] && !std::isnan(x))
        furthest = std::max(furthest, std::abs(x - expected[k]) / scale);
    }
  }
  return furthest;
}

template <class T>
constexpr double tolerance = sizeof(T) == 8 ? 1e-10 : 2e-4;

// The first filter of a batch is what the plain formulas make of it.
template <class T>
void check_reference(const Batch<T>& b, double allowed = tolerance<T>) {
  const Batch<T> one = b.alone(0);
  const Found<T> found = run(one);
  const Found<double> expected = Reference<T>(one).filter();
  CHECK(found.problems[0].failure == filtering::Failure::none);
  const auto all = fields(found);
  const auto wanted = fields(expected);
  const long n = b.n, p = b.p, items[] = {n, p, p, n, n, n, n, n * n, p * p, n * n, n * n};
  for (size_t k = 0; k < all.size(); ++k) {
    CAPTURE(names[k]);
    CHECK(apart(all[k], wanted[k], items[k]) < allowed);
  }
  CHECK(found.loglik[0] == doctest::Approx(expected.loglik[0]).epsilon(allowed));
}

const Form forms[] = {Form::standard, Form::joseph, Form::square_root};
