// The smoother, against the posterior of all states and disturbances at once.
#include "checks.h"
#include "smoothed.h"

namespace {

void place(const Matrix& from, int i, int j, Matrix& to) {
  for (int k = 0; k < from.rows; ++k)
    for (int l = 0; l < from.columns; ++l) to(i + k, j + l) = from(k, l);
}

// States as sums of what is unknown, and the readings as sums of it.
struct Sums {
  std::vector<Matrix> states, constants;
  Matrix looks, off;
};
template <class T>
Sums sums_of(const Batch<T>& b, const Reference<T>& r, const Matrix& mean) {
  const int n = b.n, p = b.p, steps = int(b.steps), all = mean.rows;
  Sums s{{}, {}, Matrix(steps * p, all), Matrix(steps * p, 1)};
  Matrix state(n, all), constant(n, 1);
  for (int t = 0; t < steps; ++t) {
    if (t) {
      state = r.transition(t - 1) * state;
      constant = r.transition(t - 1) * constant + r.state_intercept(t - 1);
    }
    for (int i = 0; i < n; ++i) state(i, t * n + i) = 1;
    s.states.push_back(state);
    s.constants.push_back(constant);
    place(r.design(t) * state, t * p, 0, s.looks);
    const Matrix known = r.design(t) * (constant + state * mean) + r.obs_intercept(t);
    for (int k = 0; k < p; ++k) {
      s.looks(t * p + k, steps * n + t * p + k) = 1;
      s.off(t * p + k, 0) = r.y(t, k) - known(k, 0);
    }
  }
  return s;
}

// All that is unknown is one normal vector, and is conditioned at once on all readings: the first state, the
// disturbances of every transition, and those of every reading.
template <class T>
Smoothed<double> posterior(const Batch<T>& b) {
  const Reference<T> r(b);
  const int n = b.n, p = b.p, steps = int(b.steps), all = steps * (n + p);
  Matrix mean(all, 1), cov(all, all);
  place(r.initial_mean(), 0, 0, mean);
  place(r.initial_cov(), 0, 0, cov);
  for (int t = 0; t < steps; ++t) {
    if (t) place(r.state_cov(t - 1), t * n, t * n, cov);
    place(r.obs_cov(t), steps * n + t * p, steps * n + t * p, cov);
  }
  const auto [states, constants, looks, off] = sums_of(b, r, mean);
  std::vector<int> there;
  for (int k = 0; k < steps * p; ++k)
    if (!std::isnan(off(k, 0))) there.push_back(k);
  const Matrix seen = looks.part(there, first_numbers(all)), across = cov * seen.turned();
  double determinant;
  const Matrix inverse = (seen * across).inverse(&determinant), innovation = off.part(there, {0});
  const Matrix known_mean = mean + across * inverse * innovation;
  const Matrix known_cov = cov - across * inverse * across.turned();

  Smoothed<double> s;
  auto keep = [](const Matrix& from, std::vector<double>& to) {
    to.insert(to.end(), from.numbers.begin(), from.numbers.end());
  };
  Matrix sum(n, n);
  for (int t = 0; t < steps; ++t) {
    const Matrix& of = states[size_t(t)];
    keep(of * known_mean + constants[size_t(t)], s.mean);
    const Matrix variance = of * known_cov * of.turned();
    keep(variance, s.cov);
    for (int i = 0; i < n; ++i) s.std.push_back(std::sqrt(variance(i, i)));
    std::vector<int> noise, moved;
    for (int k = 0; k < p; ++k) noise.push_back(steps * n + t * p + k);
    for (int i = 0; i < n; ++i) moved.push_back(t * n + i);
    keep(known_mean.part(noise, {0}), s.disturbance);
    keep(known_cov.part(noise, noise), s.disturbance_var);
    if (!t) continue;
    const Matrix eta = known_mean.part(moved, {0}), q = r.state_cov(t - 1).inverse();
    sum = sum + q * (eta * eta.turned() + known_cov.part(moved, moved) - r.state_cov(t - 1)) * q;
  }
  keep(sum, s.transition_sum);
  s.loglik = {-0.5 * (double(there.size()) * std::log(2 * M_PI) + std::log(determinant) +
                      (innovation.turned() * inverse * innovation)(0, 0))};
  return s;
}

}  // namespace

TEST_CASE_TEMPLATE("a smoother finds the posterior of everything", T, double, float) {
  for (const Form form : forms)
    for (const int n : {1, 2, 3})
      for (const int p : {1, 2, 3})
        for (const bool dense : {false, true}) {
          CAPTURE(int(form));
          CAPTURE(n);
          CAPTURE(p);
          CAPTURE(dense);
          Batch<T> b = random_batch<T>({n, p, 3, 7, 0.5, 1, dense, n == 2}, unsigned(19 + n));
          for (T& q : b.state_cov.all) q += T(b.diagonal_state_cov ? 0.1 : 0);
          b.form = form;
          const Smoothed<T> found = smooth(b, 2);
          for (long filter = 0; filter < b.filters; ++filter) {
            const Smoothed<T> alone = smooth(b.alone(filter));
            CHECK(identical(part(found.mean, filter, b.filters), alone.mean));
            CHECK(identical(part(found.cov, filter, b.filters), alone.cov));
            CHECK(found.loglik[size_t(filter)] == alone.loglik[0]);
            const Smoothed<double> expected = posterior(b.alone(filter));
            CHECK(apart(alone.mean, expected.mean, n) < tolerance<T>);
            CHECK(apart(alone.std, expected.std, n) < tolerance<T>);
            CHECK(apart(alone.cov, expected.cov, n * n) < tolerance<T>);
            CHECK(apart(alone.disturbance, expected.disturbance, p) < 3 * tolerance<T>);
            CHECK(apart(alone.disturbance_var, expected.disturbance_var, p * p) < tolerance<T>);
            CHECK(apart(alone.transition_sum, expected.transition_sum, n * n) < 10 * tolerance<T>);
            CHECK(alone.loglik[0] == doctest::Approx(expected.loglik[0]).epsilon(tolerance<T>));
          }
        }
}

TEST_CASE("the last smoothed state is the filtered one, for states by rows as well") {
  for (const int n : {3, 9}) {
    const Batch<double> b = random_batch<double>({n, 1, 1, 600, 0.9, 1}, 21);
    const Found<double> filtered = run(b);
    const Smoothed<double> smoothed = smooth(b);
    const std::vector<double> last(smoothed.mean.end() - n, smoothed.mean.end());
    const std::vector<double> last_cov(smoothed.cov.end() - n * n, smoothed.cov.end());
    CHECK(apart(last, filtered.final_mean, n) < 1e-10);
    CHECK(apart(last_cov, filtered.final_cov, n * n) < 1e-10);
    CHECK(smoothed.loglik[0] == doctest::Approx(filtered.loglik[0]).epsilon(1e-12));
  }
}
