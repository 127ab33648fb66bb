// Runs of the smoother over whole batches.
#pragma once
#include <vector>

#include "batch.h"
#include "doctest/doctest.h"

template <class T>
struct Smoothed {
  std::vector<T> mean, std, cov, disturbance, disturbance_var, transition_sum;
  std::vector<double> loglik;
  std::vector<tundish::filtering::FilterProblem> problems;
};

template <class T>
Smoothed<T> smooth(const Batch<T>& b, int threads = 1) {
  tundish::filtering::FilterModel<T> model = b.model();
  const long readings = b.filters * b.steps, n = b.n, p = b.p;
  Smoothed<T> s;
  for (auto part : {&s.mean, &s.std}) part->resize(size_t(readings * n));
  s.cov.resize(size_t(readings * n * n));
  s.disturbance.resize(size_t(readings * p));
  s.disturbance_var.resize(size_t(readings * p * p));
  s.transition_sum.resize(size_t(b.filters * n * n));
  s.loglik.resize(size_t(b.filters));
  s.problems.resize(size_t(b.filters));
  const tundish::filtering::SmootherOutputs<T> out = {
      s.mean.data(),          s.std.data(), s.cov.data(), s.disturbance.data(), s.disturbance_var.data(),
      s.transition_sum.data()};
  CHECK(tundish::filtering::run_smoother(model, out, {threads, false, nullptr}, s.loglik.data(), s.problems));
  return s;
}
